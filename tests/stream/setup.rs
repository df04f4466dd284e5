//! What walcast makes on the server, and what it leaves alone.

use super::scene::{Scene, after, wait_until_health};
use crate::support::{servers, wait};

/// Two tables of the application and one that nobody wants.
const TABLES: &str = "CREATE TABLE wanted (id int PRIMARY KEY); CREATE TABLE also_wanted (id int PRIMARY KEY); \
                      CREATE TABLE unwanted (id int PRIMARY KEY)";
const ROWS: &str = "INSERT INTO unwanted VALUES (1); INSERT INTO wanted VALUES (1); INSERT INTO also_wanted VALUES (1)";

/// Names of the tables that the publication sends.
fn published(scene: &Scene) -> Vec<String> {
    let sql = format!(
        "SELECT tablename FROM pg_publication_tables WHERE pubname = '{}' ORDER BY 1",
        scene.database.publication
    );
    scene.database.session().rows(&sql).into_iter().map(|row| row[0].clone().expect("a name")).collect()
}

fn for_all_tables(scene: &Scene) -> bool {
    let sql = format!("SELECT puballtables FROM pg_publication WHERE pubname = '{}'", scene.database.publication);
    scene.database.session().value(&sql).as_deref() == Some("t")
}

#[test]
fn all_tables_makes_a_publication_for_all_and_the_filter_still_holds() {
    // Given neither slot nor publication, and a filter.
    let scene = Scene::new(servers::postgres_15(), TABLES);

    // When walcast starts with the default mode.
    let _walcast = scene.stream(&[("table.exclude.list", "public.unwanted")]);
    scene.execute(ROWS);

    // Then both are made; what is filtered out is sent by the server and not written.
    assert!(for_all_tables(&scene) && scene.has_slot());
    assert_eq!(scene.wait_for("public.also_wanted", 1).len(), 1);
    scene.database.wait_until_confirmed();
    let expected = ["public.also_wanted", "public.wanted"].map(|table| scene.topics.topic(table));
    assert_eq!(scene.topics.existing().into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn filtered_makes_a_publication_of_the_captured_tables() {
    let scene = Scene::new(servers::postgres_18(), TABLES);

    // Given the mode filtered, when walcast starts.
    let mode = ("publication.autocreate.mode", "filtered");
    let list = ("table.include.list", "public.wanted,public.also_.*");
    let mut walcast = scene.stream(&[mode, list]);
    scene.execute(ROWS);

    // Then the publication holds just the captured tables.
    assert_eq!(published(&scene), ["also_wanted", "wanted"]);
    scene.wait_for("public.also_wanted", 1);
    scene.wait_for("public.wanted", 1);

    // When the list grows before the next start.
    assert!(walcast.terminate().success());
    let _walcast = scene.stream(&[mode, ("table.include.list", "public.*")]);
    scene.execute("INSERT INTO unwanted VALUES (2)");

    // Then the publication grows with it.
    assert_eq!(published(&scene), ["also_wanted", "unwanted", "wanted"]);
    assert_eq!(after(&scene.wait_for("public.unwanted", 1), "id"), ["2"]);
}

#[test]
fn no_tables_makes_an_empty_publication_to_be_filled_by_the_owner() {
    let scene = Scene::new(servers::postgres_15(), TABLES);

    // Given the mode no_tables, when walcast has started.
    let _walcast = scene.stream(&[("publication.autocreate.mode", "no_tables")]);
    assert!(scene.has_publication() && published(&scene).is_empty());

    // Then what the owner adds is streamed.
    scene.execute(&format!("ALTER PUBLICATION {} ADD TABLE wanted", scene.database.publication));
    scene.execute(ROWS);
    scene.wait_for("public.wanted", 1);
    scene.database.wait_until_confirmed();
    assert_eq!(scene.topics.existing().into_iter().collect::<Vec<_>>(), [scene.topics.topic("public.wanted")]);
}

#[test]
fn disabled_streams_an_existing_publication_and_makes_none() {
    let mode = ("publication.autocreate.mode", "disabled");
    let scene = Scene::new(servers::postgres_18(), TABLES);

    // Given no publication, when walcast starts with the mode disabled, then it says so and makes nothing.
    let mut walcast = scene.start(&[mode]);
    let code = walcast.wait_exit().code();
    let log = walcast.stderr();
    assert!(matches!(code, Some(3 | 6)), "{code:?}\n{log}");
    assert!(log.contains(&scene.database.publication) && log.contains("CREATE PUBLICATION"), "{log}");
    assert!(!scene.has_slot() && !scene.has_publication());

    // Given the publication, when it starts again, then it streams.
    scene.execute(&format!("CREATE PUBLICATION {} FOR TABLE wanted", scene.database.publication));
    let _walcast = scene.stream(&[mode]);
    scene.execute(ROWS);
    scene.wait_for("public.wanted", 1);
    assert_eq!(published(&scene), ["wanted"]);
}

#[test]
fn a_second_process_waits_for_the_slot_and_takes_over() {
    // Given a process that streams.
    let scene = Scene::new(servers::postgres_15(), TABLES);
    let mut first = scene.stream(&[]);
    scene.execute("INSERT INTO wanted VALUES (1)");
    scene.wait_for("public.wanted", 1);
    scene.database.wait_until_confirmed();
    let walsender = scene.database.walsender().expect("the first streams");

    // When a second one starts on the same slot.
    let second = scene.start(&[("errors.retry.delay.max.ms", "200")]);

    // Then it waits, and tells who has the slot.
    second.wait_until_logged("is in use by");
    assert!(second.stderr().contains(&format!("process {walsender}")), "{}", second.stderr());
    let (code, health) = wait_until_health(&second, "reconnecting");
    assert_eq!((code, &health["last_error"]["kind"]), (503, &"slot_in_use".into()));

    // When the first ends, then the second goes on where it stood.
    assert!(first.terminate().success());
    scene.execute("INSERT INTO wanted VALUES (2)");
    assert_eq!(after(&scene.wait_for("public.wanted", 2), "id"), ["1", "2"]);
    wait_until_health(&second, "streaming");
}

#[test]
fn a_prepared_slot_is_streamed_from_at_once() {
    // Given slot and publication, and a row that came since.
    let scene = Scene::new(servers::postgres_18(), TABLES);
    scene.execute(&format!("CREATE PUBLICATION {} FOR ALL TABLES", scene.database.publication));
    scene.database.create_slot();
    scene.execute("INSERT INTO wanted VALUES (1)");

    // When walcast starts, then it streams, the row first, and makes nothing anew.
    let walcast = scene.stream(&[]);
    assert_eq!(after(&scene.wait_for("public.wanted", 1), "id"), ["1"]);
    assert!(!walcast.stderr().contains("made the replication slot"), "{}", walcast.stderr());
    wait::until("it says that it streams", wait::PATIENCE, || walcast.metric("walcast_up") == Some(1.0));
}

#[test]
fn a_role_with_nothing_but_replication_streams_what_its_owner_prepared() {
    // Given a publication made by somebody else, and a role that may replicate and nothing more.
    let scene = Scene::new(servers::postgres_15(), TABLES);
    let role = format!("{}_reader", scene.database.name);
    scene.execute(&format!("CREATE PUBLICATION {} FOR TABLE wanted", scene.database.publication));
    scene.execute(&format!(
        "CREATE ROLE {role} LOGIN REPLICATION PASSWORD 'no need'; REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    ));

    // When walcast runs as this role, then it streams.
    let mut walcast = scene.stream(&[("database.user", &role), ("publication.autocreate.mode", "disabled")]);
    scene.execute(ROWS);
    assert_eq!(after(&scene.wait_for("public.wanted", 1), "id"), ["1"]);
    assert!(walcast.terminate().success());
    scene.execute(&format!("DROP ROLE {role}"));
}
