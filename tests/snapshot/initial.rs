//! What a snapshot reads, and when.

use crate::stream::scene::{Scene, after, operations};
use crate::support::servers;

/// `source.snapshot` of every record.
fn marks(records: &[crate::support::topics::ConsumedRecord]) -> Vec<String> {
    let mark = |json: serde_json::Value| json["source"]["snapshot"].as_str().unwrap_or("-").to_owned();
    records.iter().map(|record| mark(record.json())).collect()
}

#[test]
fn rows_that_are_there_come_first_and_changes_behind_them() {
    // Given tables with rows, when walcast starts with Debezium's default mode and a row is added.
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE a (id int PRIMARY KEY, v text NOT NULL, d int GENERATED ALWAYS AS (id * 2) STORED);
         CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (x text); CREATE TABLE empty (id int PRIMARY KEY);
         INSERT INTO a (id, v) VALUES (1, 'one'), (2, 'two'), (3, 'three'); INSERT INTO b VALUES (7);
         INSERT INTO c VALUES ('x'), (NULL)",
    );
    let _walcast = scene.stream(&[("snapshot.mode", "initial")]);
    scene.execute("INSERT INTO a (id, v) VALUES (4, 'four')");

    // Then each row was read once, in its order, and marked with its place, and the change follows.
    let a = scene.settled("public.a");
    assert_eq!(operations(&a), "rrrc");
    assert_eq!(after(&a, "v"), ["one", "two", "three", "four"]);
    assert_eq!(after(&a, "d")[..3], ["2", "4", "6"]);
    assert_eq!(marks(&a), ["first", "true", "last_in_data_collection", "false"]);
    let b = scene.settled("public.b");
    assert_eq!((operations(&b), marks(&b)), ("r".to_owned(), vec!["last_in_data_collection".to_owned()]));
    assert_eq!(marks(&scene.settled("public.c")), ["first_in_data_collection", "last"]);
    assert!(!scene.topics.existing().contains(&scene.topics.topic("public.empty")), "no row, no topic");
    let read = a[0].json();
    assert_eq!(read["source"]["lsn"], a[2].json()["source"]["lsn"], "one snapshot, one position");
    assert_eq!(read["before"], serde_json::Value::Null);
}

#[test]
fn a_snapshot_is_taken_once() {
    // Given a snapshot that was taken, when walcast starts again.
    let scene =
        Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
    let mut walcast = scene.stream(&[("snapshot.mode", "initial")]);
    scene.wait_for("public.t", 2);
    walcast.terminate();
    assert!(walcast.wait_exit().success());
    scene.execute("INSERT INTO t VALUES (3)");
    let _walcast = scene.stream(&[("snapshot.mode", "initial")]);

    // Then only what came since is sent.
    assert_eq!(operations(&scene.settled("public.t")), "rrc");
}

#[test]
fn notifications_tell_of_the_snapshot_as_debezium_does() {
    // Given two tables and both channels, when a snapshot is taken.
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2); CREATE TABLE empty (id int PRIMARY KEY)",
    );
    let topic = scene.topics.topic("notifications");
    let walcast = scene.stream(&[
        ("snapshot.mode", "initial"),
        ("notification.enabled.channels", "sink,log"),
        ("notification.sink.topic.name", &topic),
    ]);

    // Then each step has a record, in Debezium's words, and a line in the log.
    let records = scene.topics.wait_for(&topic, 6);
    let told: Vec<String> = records
        .iter()
        .map(|record| {
            let json = record.json();
            assert_eq!(json["aggregate_type"], "Initial Snapshot");
            assert_eq!(record.key_text().unwrap(), format!("{{\"id\":{}}}", json["id"]));
            assert!(json["timestamp"].is_i64());
            format!("{} {}", json["type"].as_str().unwrap(), json["additional_data"])
        })
        .collect();
    let prefix = &scene.topics.prefix;
    let in_progress = |table: &str| {
        format!(
            "IN_PROGRESS {{\"current_collection_in_progress\":\"public.{table}\",\"connector_name\":\"{prefix}\",\
             \"data_collections\":\"public.a,public.empty\"}}"
        )
    };
    let scanned = |table: &str, rows: u32| {
        format!(
            "TABLE_SCAN_COMPLETED {{\"scanned_collection\":\"public.{table}\",\"connector_name\":\"{prefix}\",\
             \"total_rows_scanned\":\"{rows}\",\"data_collections\":\"public.a,public.empty\",\"status\":\"SUCCEEDED\"}}"
        )
    };
    let plain = |kind: &str| format!("{kind} {{\"connector_name\":\"{prefix}\"}}");
    assert_eq!(told[0], plain("STARTED"));
    assert_eq!(told[5], plain("COMPLETED"));
    for wanted in [in_progress("a"), in_progress("empty"), scanned("a", 2), scanned("empty", 0)] {
        assert!(told.contains(&wanted), "{wanted} is not in {told:#?}");
    }
    walcast.wait_until_logged("TABLE_SCAN_COMPLETED");
}

#[test]
fn a_snapshot_alone_ends_and_leaves_no_slot() {
    // Given initial_only, when it has run twice.
    let scene =
        Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
    for _ in 0..2 {
        let mut walcast = scene.start(&[("snapshot.mode", "initial_only")]);
        assert!(walcast.wait_exit().success(), "{}", walcast.stderr());
    }

    // Then the rows came once, and nobody keeps the log.
    assert_eq!(operations(&scene.topics.wait_for(&scene.topics.topic("public.t"), 2)), "rr");
    assert!(!scene.has_slot());
}

#[test]
fn a_slot_that_is_gone_behind_a_snapshot_is_a_gap_unless_rows_may_be_read_again() {
    // Given a snapshot that is complete, and a slot that somebody dropped.
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    let mut walcast = scene.stream(&[("snapshot.mode", "initial")]);
    scene.wait_for("public.t", 1);
    walcast.terminate();
    scene.execute(&format!("SELECT pg_drop_replication_slot('{}')", scene.database.slot));

    // When it starts again, then it stops and says what to do, and makes no slot.
    let mut walcast = scene.start(&[("snapshot.mode", "initial")]);
    assert!(!walcast.wait_exit().success());
    let log = walcast.stderr();
    assert!(log.contains("is gone") && log.contains("when_needed"), "{log}");
    assert!(!scene.has_slot());

    // And with when_needed everything is read again.
    let _walcast = scene.stream(&[("snapshot.mode", "when_needed")]);
    assert_eq!(operations(&scene.settled("public.t")), "rr");
}

#[test]
fn rights_that_are_missing_are_told_for_all_tables_before_anything_is_made() {
    // Given a role that may not read two of three tables.
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY)",
    );
    let role = format!("{}_reader", scene.database.name);
    scene.execute(&format!(
        "CREATE ROLE {role} LOGIN REPLICATION; GRANT SELECT ON b TO {role}; CREATE PUBLICATION {} FOR ALL TABLES",
        scene.database.publication
    ));

    // When it starts, then both are named with the statement that mends it, and there is no slot.
    let mut walcast = scene.start(&[("snapshot.mode", "initial"), ("database.user", &role)]);
    assert!(!walcast.wait_exit().success());
    let log = walcast.stderr();
    assert!(log.contains("GRANT SELECT ON \"public\".\"a\", \"public\".\"c\" TO"), "{log}");
    assert!(!scene.has_slot());
    scene.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn queries_filters_and_lists_decide_which_rows_are_read() {
    // Given a table with a query of its own, one with a row filter, and one that is not to be read.
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE own (id int PRIMARY KEY, v text); INSERT INTO own VALUES (1, 'a'), (2, 'b'), (3, 'c');
         CREATE TABLE filtered (id int PRIMARY KEY); INSERT INTO filtered SELECT generate_series(1, 9);
         CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1)",
    );
    scene.execute(&format!(
        "CREATE PUBLICATION {} FOR TABLE own, filtered WHERE (id > 6), other",
        scene.database.publication
    ));
    let _walcast = scene.stream(&[
        ("snapshot.mode", "initial"),
        ("snapshot.include.collection.list", "public.own,public.fil.*"),
        ("snapshot.select.statement.overrides", "public.own"),
        ("snapshot.select.statement.overrides.public.own", "SELECT * FROM public.own WHERE id < 3 ORDER BY id DESC;"),
    ]);
    scene.execute("INSERT INTO other VALUES (2)");

    // Then rows are read accordingly, and changes flow for all of them.
    assert_eq!(after(&scene.settled("public.own"), "v"), ["b", "a"]);
    assert_eq!(after(&scene.settled("public.filtered"), "id"), ["7", "8", "9"]);
    assert_eq!(operations(&scene.settled("public.other")), "c");
}

#[test]
fn a_query_that_cannot_be_run_is_told_before_anything_is_made() {
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY)");
    let mut walcast = scene.start(&[
        ("snapshot.mode", "initial"),
        ("snapshot.select.statement.overrides", "public.t"),
        ("snapshot.select.statement.overrides.public.t", "SELECT * FROM nowhere"),
    ]);
    assert!(!walcast.wait_exit().success());
    let log = walcast.stderr();
    assert!(log.contains("nowhere") && log.contains("public.t"), "{log}");
    assert!(!scene.has_slot() && !scene.has_publication());
}
