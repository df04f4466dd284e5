//! What `/metrics`, `/status` and the log tell of snapshots, in their course and after them.

use serde_json::{Value, json};

use crate::stream::scene::{Scene, wait_until_health};
use crate::support::walcast::Walcast;
use crate::support::{servers, wait};

/// Parts that were planned, as the log tells it.
#[track_caller]
pub(super) fn parts_planned(walcast: &Walcast) -> usize {
    walcast.wait_until_logged("reading tables");
    let log = walcast.stderr();
    let line = log.lines().find(|line| line.contains("reading tables")).expect("it was logged");
    let number = line.split_once(" parts=").expect("a number of parts").1.split(' ').next();
    number.expect("a number").parse().expect("a number")
}

fn status(walcast: &Walcast) -> Value {
    let (code, body) = walcast.http("/status").expect("an answer");
    assert_eq!(code, 200);
    serde_json::from_str(&body).expect("JSON")
}

#[track_caller]
fn wait_for_metric(walcast: &Walcast, sample: &str, value: f64) {
    wait::until(&format!("{sample} is {value}"), wait::PATIENCE, || walcast.metric(sample) == Some(value));
}

fn state(kind: &str, state: &str) -> String {
    format!("walcast_snapshot_state{{kind=\"{kind}\",state=\"{state}\"}}")
}

#[test]
fn a_snapshot_is_told_while_it_is_taken_and_after_it() {
    // Given an analysed table, and one whose query waits for a lock that somebody holds.
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a SELECT generate_series(1, 1000); ANALYZE a;
         CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1), (2); CREATE TABLE empty (id int PRIMARY KEY)",
    );
    scene.execute("SELECT pg_advisory_lock(4711)");
    let config = [
        ("snapshot.mode", "initial"),
        ("snapshot.lock.timeout.ms", "120000"),
        ("snapshot.select.statement.overrides", "public.b"),
        (
            "snapshot.select.statement.overrides.public.b",
            "SELECT b.* FROM pg_advisory_xact_lock_shared(4711) CROSS JOIN public.b",
        ),
    ];
    // When a snapshot is taken, then it is told how far it is.
    let mut walcast = scene.start(&config);
    wait_for_metric(&walcast, "walcast_snapshot_table_rows{kind=\"initial\",table=\"public.a\"}", 1000.0);
    let (code, health) = wait_until_health(&walcast, "snapshotting");
    assert_eq!((code, &health["snapshots"]["initial"]["tables"]), (200, &json!(3)));
    for (sample, value) in [
        (state("initial", "running"), 1.0),
        (state("initial", "completed"), 0.0),
        ("walcast_snapshot_tables{kind=\"initial\"}".to_owned(), 3.0),
        ("walcast_snapshot_rows{kind=\"initial\"}".to_owned(), 1000.0),
    ] {
        assert_eq!(walcast.metric(&sample), Some(value), "{sample}");
    }
    assert!(walcast.metric("walcast_snapshot_tables_remaining{kind=\"initial\"}") >= Some(1.0));
    let share = walcast.metric("walcast_snapshot_read_ratio{kind=\"initial\"}").expect("the sizes are known");
    assert!((0.1..1.0).contains(&share), "{share}");
    wait::until("what the slot holds is told", wait::PATIENCE, || {
        walcast.metric("walcast_slot_retained_bytes").is_some_and(|bytes| bytes > 0.0)
    });
    let told = status(&walcast);
    assert_eq!(told["slot"]["wal_status"], "reserved");
    let of_table = |told: &Value, name: &str| {
        let tables = told["snapshots"]["initial"]["captured_tables"].as_array().expect("a list").clone();
        tables.into_iter().find(|table| table["table"] == name).expect("it is captured")
    };
    let a = of_table(&told, "public.a");
    assert_eq!((&a["rows"], &a["rows_expected"], &a["parts"]), (&json!(1000), &json!(1000), &json!(1)));
    assert_eq!(of_table(&told, "public.b")["read_ratio"], Value::Null, "what a query gives nobody has counted");

    // And when the lock is let go, it ends, and stays told.
    scene.execute("SELECT pg_advisory_unlock(4711)");
    walcast.wait_until_streaming(&scene.database);
    wait_for_metric(&walcast, &state("initial", "completed"), 1.0);
    for (sample, value) in [
        ("walcast_snapshot_tables_remaining{kind=\"initial\"}", 0.0),
        ("walcast_snapshot_rows{kind=\"initial\"}", 1002.0),
        ("walcast_snapshot_table_rows{kind=\"initial\",table=\"public.b\"}", 2.0),
        ("walcast_snapshot_read_ratio{kind=\"initial\"}", 1.0),
    ] {
        assert_eq!(walcast.metric(sample), Some(value), "{sample}");
    }
    assert_eq!(walcast.metric("walcast_snapshot_table_rows{kind=\"initial\",table=\"public.empty\"}"), None);
    let told = status(&walcast);
    for table in ["public.a", "public.b", "public.empty"] {
        assert_eq!(of_table(&told, table)["state"], "done", "{told}");
    }
    for line in ["reading tables", "a table is read", "the snapshot is complete"] {
        walcast.wait_until_logged(line);
    }

    // And the next start has nothing to read.
    walcast.terminate();
    assert!(walcast.wait_exit().success());
    let walcast = scene.stream(&config);
    wait_for_metric(&walcast, &state("initial", "skipped"), 1.0);
}

#[test]
fn a_snapshot_beside_the_stream_is_told_as_one_of_its_own() {
    // Given a table that was there before, when a signal asks for it.
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE signals (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));
         CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 25)",
    );
    let walcast =
        scene.stream(&[("signal.data.collection", "public.signals"), ("incremental.snapshot.chunk.size", "7")]);
    scene.execute(r#"INSERT INTO signals VALUES ('1', 'execute-snapshot', '{"data-collections": ["public.t"]}')"#);
    scene.wait_for("public.t", 25);

    // Then its rows and chunks are told, and it is over.
    wait_for_metric(&walcast, &state("incremental", "completed"), 1.0);
    assert_eq!(walcast.metric("walcast_snapshot_table_rows{kind=\"incremental\",table=\"public.t\"}"), Some(25.0));
    assert!(walcast.metric("walcast_snapshot_chunk{kind=\"incremental\"}") >= Some(4.0));
    assert_eq!(walcast.metric(&state("initial", "completed")), None, "there was none");
    assert_eq!(status(&walcast)["snapshots"]["incremental"]["tables_remaining"], 0);
}

#[test]
fn a_snapshot_in_place_of_the_stream_is_told_as_one_of_its_own() {
    // Given tables that were there before, when a signal asks for one while the stream waits.
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE signals (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));
         CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 25);
         CREATE TABLE other (id int PRIMARY KEY)",
    );
    let mut walcast = scene.stream(&[("signal.data.collection", "public.signals")]);
    scene.execute(
        r#"INSERT INTO signals VALUES ('1', 'execute-snapshot', '{"type": "blocking", "data-collections": ["public.t"]}')"#,
    );
    scene.wait_for("public.t", 25);

    // Then it is told beside none of the others, and the stream goes on.
    wait_for_metric(&walcast, &state("blocking", "completed"), 1.0);
    assert_eq!(walcast.metric("walcast_snapshot_table_rows{kind=\"blocking\",table=\"public.t\"}"), Some(25.0));
    assert_eq!(walcast.metric("walcast_snapshot_tables{kind=\"blocking\"}"), Some(1.0));
    for kind in ["initial", "incremental"] {
        assert_eq!(walcast.metric(&state(kind, "completed")), None, "there was none");
    }
    walcast.wait_until_streaming(&scene.database);
}

#[test]
fn sizes_are_told_as_the_server_estimates_them() {
    // Given a root that is published for its partitions, a table that grew since it was analysed, and one that never was.
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE root (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
         CREATE TABLE low PARTITION OF root FOR VALUES FROM (0) TO (100);
         CREATE TABLE high PARTITION OF root FOR VALUES FROM (100) TO (1000);
         INSERT INTO root SELECT i, 'v' FROM generate_series(0, 299) i; ANALYZE root;
         CREATE TABLE grown (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off);
         ALTER TABLE grown ALTER v SET STORAGE PLAIN;
         INSERT INTO grown SELECT i, repeat('v', 7000) FROM generate_series(1, 10) i; ANALYZE grown;
         INSERT INTO grown SELECT i, repeat('v', 7000) FROM generate_series(11, 30) i;
         CREATE TABLE never (id int PRIMARY KEY) WITH (autovacuum_enabled = off); INSERT INTO never VALUES (1)",
    );
    scene.execute(&format!(
        "CREATE PUBLICATION {} FOR TABLE root, grown, never WITH (publish_via_partition_root = true)",
        scene.database.publication
    ));
    // When they are read.
    let walcast = scene.stream(&[("snapshot.mode", "initial")]);
    wait_for_metric(&walcast, &state("initial", "completed"), 1.0);
    // Then each tells what was known of it before.
    let told = status(&walcast);
    let tables = told["snapshots"]["initial"]["captured_tables"].as_array().expect("a list");
    let expected = |name: &str| {
        let table = tables.iter().find(|table| table["table"] == name).expect("it is captured");
        table["rows_expected"].clone()
    };
    assert_eq!(expected("public.root"), 300);
    assert_eq!(expected("public.never"), Value::Null);
    assert_eq!(expected("public.grown"), 30, "one row on each page, as there was on the first ten");
    assert_eq!(walcast.metric("walcast_snapshot_rows{kind=\"initial\"}"), Some(331.0));
}
