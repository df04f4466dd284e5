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
