//! Tables that are read while the stream waits, because a signal asks.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::incremental::{SIGNALS, TABLE, signal};
use super::writers::{Held, Rows, Stop, table, write};
use crate::stream::scene::{Scene, after, operations};
use crate::support::servers;
use crate::support::topics::ConsumedRecord;

fn snapshot_of(scene: &Scene, id: &str, tables: &str) {
    let data = format!(r#"{{"type": "blocking", "data-collections": ["{tables}"]}}"#);
    signal(scene, id, "execute-snapshot", &data);
}

/// What the source of each record says of its member.
fn source(records: &[ConsumedRecord], member: &str) -> Vec<Value> {
    records.iter().map(|record| record.json()["source"][member].clone()).collect()
}

fn held(records: &[ConsumedRecord]) -> Rows {
    let mut held = Held::default();
    for record in records.iter().filter(|record| record.value.is_some()) {
        held.take(&record.json());
    }
    held.rows
}

#[test]
fn rows_are_read_as_debezium_reads_them_and_the_stream_goes_on_behind_them() {
    // Given a stream that is behind its first change, when a signal asks for tables, one of them with a query of its own,
    // and a change follows while the stream waits.
    let scene = Scene::new(
        servers::postgres_18(),
        &format!(
            "{SIGNALS} CREATE TABLE a (id int PRIMARY KEY, v text);
             CREATE TABLE b (id int PRIMARY KEY, v text);
             CREATE TABLE c (id int PRIMARY KEY, v text, g int GENERATED ALWAYS AS (id * 2) STORED);
             CREATE TABLE d (id int PRIMARY KEY, v text);
             INSERT INTO a VALUES (1, 'one'), (2, 'two'), (3, 'three'); INSERT INTO b VALUES (1, 'one'), (2, 'two'), (3, 'three');
             INSERT INTO c VALUES (1, 'one'); INSERT INTO d VALUES (1, 'one')"
        ),
    );
    let walcast = scene.stream(&[TABLE, ("notification.enabled.channels", "log")]);
    scene.execute("INSERT INTO d VALUES (2, 'streamed')");
    let data = r#"{"type": "BLOCKING", "data-collections": ["public.[abc]", "public.signals", "public.nothing"],
        "additional-conditions": [{"data-collection": "public.b", "filter": "SELECT * FROM public.b WHERE id > 1 ORDER BY id DESC"},
                                  {"data-collection": "public.c", "filter": "c.id < 9 -- all"}]}"#;
    signal(&scene, "block-1", "execute-snapshot", data);
    walcast.wait_until_logged("streaming pauses for a blocking snapshot");
    scene.execute("INSERT INTO a VALUES (4, 'later')");

    // Then rows and marks are what Debezium makes of them, and the change comes behind.
    walcast.wait_until_logged("the blocking snapshot is complete");
    let [a, b, c] = ["a", "b", "c"].map(|name| scene.settled(&format!("public.{name}")));
    assert_eq!(after(&b, "id"), ["3", "2"]);
    assert_eq!(after(&c, "g"), ["2"]);
    assert!(operations(&a).ends_with('c') && operations(&a).starts_with("rrr"), "{}", operations(&a));
    let marks = [&a, &b, &c].map(|records| source(records, "snapshot"));
    let first = if a.len() == 4 { "last_in_data_collection" } else { "true" };
    assert_eq!(marks[0][..3], [json!("first"), json!("true"), json!(first)]);
    assert_eq!(marks[1], ["first_in_data_collection", "last_in_data_collection"]);
    assert_eq!(marks[2], ["last"]);
    assert_eq!(operations(&scene.settled("public.d")), "c", "nobody asked for it");

    // And their source is the stream's, where it waits: the signal's own.
    let asked = scene.settled("public.signals");
    assert_eq!(operations(&asked), "c");
    for member in ["lsn", "txId", "sequence"] {
        let wanted = source(&asked, member);
        assert!(source(&b, member).iter().all(|found| *found == wanted[0]), "{member}: {:?}", source(&b, member));
    }
    let log = walcast.stderr();
    for kind in ["STARTED", "IN_PROGRESS", "TABLE_SCAN_COMPLETED", "COMPLETED"] {
        assert!(log.contains(&format!("kind=\"{kind}\"")) || log.contains(&format!("kind={kind}")), "{kind}: {log}");
    }
}

#[test]
fn what_cannot_be_read_is_told_and_the_stream_lives() {
    let scene = Scene::new(
        servers::postgres_18(),
        &format!("{SIGNALS} CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)"),
    );
    // Given a query that is none, when a signal asks for it, then it is told, and later signals are heard.
    let mut walcast = scene.stream(&[TABLE, ("notification.enabled.channels", "log")]);
    let data = r#"{"type": "blocking", "data-collections": ["public.t"],
        "additional-conditions": [{"data-collection": "public.t", "filter": "SELECT * FROM nowhere"}]}"#;
    signal(&scene, "1", "execute-snapshot", data);
    walcast.wait_until_logged("a blocking snapshot cannot be read, and the stream goes on without it");
    assert!(walcast.stderr().contains("ABORTED"), "{}", walcast.stderr());
    scene.execute("INSERT INTO t VALUES (3)");
    snapshot_of(&scene, "2", "public.none");
    walcast.wait_until_logged("a signal asks for no table that is captured");
    snapshot_of(&scene, "3", "public.t");
    walcast.wait_until_logged("the blocking snapshot is complete");
    assert_eq!(operations(&scene.wait_for("public.t", 4)), "crrr");

    // And what is over is not begun again.
    scene.settled("public.t");
    assert!(walcast.terminate().success());
    let walcast = scene.stream(&[TABLE]);
    signal(&scene, "l", "log", r#"{"message": "here at {}"}"#);
    walcast.wait_until_logged("here at ");
    assert!(!walcast.stderr().contains("blocking"), "{}", walcast.stderr());
    assert_eq!(operations(&scene.settled("public.t")), "crrr");
}

/// Nothing is streamed twice by a process that lives.
fn assert_streamed_once(records: &[ConsumedRecord]) {
    let mut seen = BTreeSet::new();
    for record in records.iter().filter(|record| record.value.is_some()) {
        let change = record.json();
        let (op, lsn) = (change["op"].as_str().unwrap_or_default().to_owned(), change["source"]["lsn"].as_u64());
        assert!(op == "r" || seen.insert((lsn, op)), "streamed twice: {change}");
    }
}

#[test]
fn nothing_is_lost_or_doubled_under_writers_and_what_is_killed_goes_on() {
    let scene = Scene::new(
        servers::postgres_18(),
        &format!(
            "{SIGNALS} CREATE TABLE a (id int PRIMARY KEY, v int NOT NULL, big text);
             CREATE TABLE b (id int PRIMARY KEY, v int NOT NULL, big text);
             ALTER TABLE a ALTER big SET STORAGE EXTERNAL; ALTER TABLE b ALTER big SET STORAGE EXTERNAL;
             CREATE TABLE still (id int PRIMARY KEY, v int, big text);
             INSERT INTO still SELECT i, i FROM generate_series(1, 10) i;
             INSERT INTO a SELECT i, 0, repeat('t', 3000) FROM generate_series(1, 300) i;
             INSERT INTO b SELECT i, 0, repeat('x', 700) FROM generate_series(1, 12000) i"
        ),
    );
    let stop = AtomicBool::new(false);
    let sessions = [scene.database.another_session(), scene.database.another_session()];
    let seed = fastrand::u64(..1_000_000);
    let agree = || {
        for name in ["a", "b"] {
            let (held, table) = (held(&scene.settled(&format!("public.{name}"))), table(&scene, name));
            let differing: Vec<i64> =
                table.keys().chain(held.keys()).filter(|id| table.get(id) != held.get(id)).copied().take(5).collect();
            assert!(differing.is_empty(), "seed {seed}: topic and table {name} differ in {differing:?}");
        }
    };
    let settings = [TABLE, ("snapshot.mode", "initial"), ("snapshot.max.threads", "2")];
    // Given tables that were read once, and writers that never rest, when a signal asks for two of the tables.
    let mut walcast = scene.stream(&settings);
    std::thread::scope(|scope| {
        let writers = sessions.iter().enumerate().map(|(at, session)| {
            let stop = &stop;
            scope.spawn(move || write(session, seed * 2 + at as u64, stop))
        });
        let writers: Vec<_> = writers.collect();
        let _ends = Stop(&stop);
        snapshot_of(&scene, "1", "public.[ab]");
        walcast.wait_until_logged("the blocking snapshot is complete");
        scene.wait_for("public.b", 24_500);
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|writer| writer.join().expect("a writer"));
    });
    // Then topics end as the tables are, and nothing was streamed twice.
    agree();
    for name in ["a", "b"] {
        assert_streamed_once(&scene.settled(&format!("public.{name}")));
    }

    // When one is killed while rows are read, then the next process goes on with what is left of it, and the snapshot
    // before the stream is not taken again.
    stop.store(false, Ordering::Relaxed);
    std::thread::scope(|scope| {
        let writers = sessions.iter().enumerate().map(|(at, session)| {
            let stop = &stop;
            scope.spawn(move || write(session, seed * 2 + 10 + at as u64, stop))
        });
        let writers: Vec<_> = writers.collect();
        let _ends = Stop(&stop);
        assert!(walcast.terminate().success());
        for at in 0..3 {
            walcast = scene.stream(&settings);
            if at == 0 {
                snapshot_of(&scene, "2", "public.[ab]");
            }
            walcast.wait_until_logged("holds a snapshot of the database");
            std::thread::sleep(Duration::from_millis(fastrand::u64(0..10)));
            match at {
                1 => assert!(walcast.terminate().success(), "an orderly end is one at any time"),
                _ => walcast.kill(),
            }
        }
        walcast = scene.stream(&settings);
        walcast.wait_until_logged("a blocking snapshot was interrupted");
        walcast.wait_until_logged("the blocking snapshot is complete");
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|writer| writer.join().expect("a writer"));
    });
    agree();
    assert_eq!(operations(&scene.settled("public.still")), "r".repeat(10));
}
