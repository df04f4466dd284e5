//! The publication is gone: servers before 18 fail, newer ones leave changes out with no more than a warning.

use walcast::local::PostgresServer;

use super::scene::{Scene, assert_ends};
use crate::support::{servers, wait};

const PUBLICATION_MISSING: i32 = 6;

fn both() -> [&'static dyn PostgresServer; 2] {
    [servers::postgres_15(), servers::postgres_18()]
}

#[test]
fn a_publication_dropped_while_changes_flow_ends_the_stream() {
    for server in both() {
        // Given walcast that streams.
        let scene = Scene::new(server);
        let mut walcast = scene.stream(&[]);

        // When its publication is dropped and a row is written that no reader can get.
        scene.drop_publication();
        let before = scene.database.session().execute_behind("INSERT INTO t VALUES (2)");

        // Then it ends, and the row stays unconfirmed.
        let name = format!("publication \"{}\"", scene.database.publication);
        let words = [
            &*name,
            "does not exist at the position",
            "position: ours ",
            ", found ",
            "make the publication",
            "pg_drop_replication_slot",
        ];
        assert_ends(&mut walcast, PUBLICATION_MISSING, &words);
        assert!(scene.database.confirmed_lsn().expect("a slot") <= before, "PostgreSQL {}", server.major());
        assert_eq!(scene.records(), 1);
    }
}

#[test]
fn a_publication_dropped_while_nothing_flows_is_noticed_at_the_next_session() {
    for server in both() {
        // Given walcast that streams, and a publication that is dropped while no row is written.
        let scene = Scene::new(server);
        let mut walcast = scene.stream(&[]);
        scene.drop_publication();

        // When the connection is cut.
        scene.proxy.cut();

        // Then it ends, and makes no publication for a slot that stands before it.
        let name = format!("publication \"{}\" does not exist", scene.database.publication);
        let words = [&*name, "position: ours ", "cannot be decoded", "make the publication before the slot"];
        assert_ends(&mut walcast, PUBLICATION_MISSING, &words);
        assert_eq!(scene.database.session().value("SELECT pubname FROM pg_publication"), None);
    }
}

#[test]
fn a_publication_made_again_behind_changes_does_not_hide_their_loss() {
    for server in both() {
        // Given walcast, cut off.
        let scene = Scene::new(server);
        let mut walcast = scene.stream(&[]);
        scene.cut_off();

        // When a row is written while there is no publication, another one when it is there again.
        scene.drop_publication();
        let before = scene.database.session().execute_behind("INSERT INTO t VALUES (2)");
        scene.execute(&format!("CREATE PUBLICATION {} FOR ALL TABLES", scene.database.publication));
        scene.execute("INSERT INTO t VALUES (3)");
        scene.let_back();

        // Then walcast ends at the first one instead of going on with the second.
        assert_ends(&mut walcast, PUBLICATION_MISSING, &["does not exist at the position"]);
        assert!(scene.database.confirmed_lsn().expect("a slot") <= before, "PostgreSQL {}", server.major());
        assert_eq!(scene.records(), 1);
    }
}

#[test]
fn a_table_taken_out_of_the_publication_is_no_error() {
    // Given walcast that streams from a publication of two tables.
    let scene = Scene::new(servers::postgres_18());
    scene.execute("CREATE TABLE other (id int PRIMARY KEY)");
    scene.execute(&format!("CREATE PUBLICATION {} FOR TABLE t, other", scene.database.publication));
    let walcast = scene.stream(&[]);

    // When one is taken out and rows are written to both.
    scene.execute(&format!("ALTER PUBLICATION {} DROP TABLE other", scene.database.publication));
    scene.execute("INSERT INTO other VALUES (1); INSERT INTO t VALUES (2)");

    // Then walcast goes on with the other.
    scene.wait_for_records(2);
    scene.database.wait_until_confirmed();
    wait::until("it says that it streams", wait::PATIENCE, || {
        walcast.http("/health").is_some_and(|(code, _)| code == 200)
    });
}
