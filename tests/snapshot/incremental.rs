//! Signals, and tables that are read beside the stream.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::writers::{Rows, Stop, table};
use crate::stream::scene::{Scene, after, operations};
use crate::support::database::Session;
use crate::support::topics::ConsumedRecord;
use crate::support::walcast::Walcast;
use crate::support::{servers, wait};

pub(super) const SIGNALS: &str =
    "CREATE TABLE signals (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));";
pub(super) const TABLE: (&str, &str) = ("signal.data.collection", "public.signals");

/// Inserts a signal.
pub(super) fn signal(scene: &Scene, id: &str, kind: &str, data: &str) {
    scene.execute(&format!("INSERT INTO signals VALUES ('{id}', '{kind}', $${data}$$)"));
}

fn snapshot_of(scene: &Scene, tables: &str) {
    signal(scene, tables, "execute-snapshot", &format!(r#"{{"data-collections": ["{tables}"]}}"#));
}

/// Writes until it is told to stop. A key changes with its large value, which the stream would not tell otherwise.
fn write(session: &Session, seed: u64, stop: &AtomicBool) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut next_id = 10_000_000 * i64::try_from(seed % 2 + 1).unwrap();
    while !stop.load(Ordering::Relaxed) {
        let table = random.choice(["a", "b"]).unwrap();
        let id = if random.bool() { random.i64(1..1_500) } else { next_id - random.i64(0..500) };
        next_id += 1;
        let size = random.u32(0..4_000);
        let sql = match random.u32(0..100) {
            0..30 => format!("INSERT INTO {table} VALUES ({next_id}, 0, repeat('n', {size}))"),
            30..65 => format!("UPDATE {table} SET v = v + 1 WHERE id = {id}"),
            65..75 => format!("UPDATE {table} SET big = repeat('u', {size}) WHERE id = {id}"),
            75..85 => format!("UPDATE {table} SET id = {next_id}, big = big || 'k' WHERE id = {id}"),
            85..99 => format!("DELETE FROM {table} WHERE id = {id}"),
            _ => format!("UPDATE {table} SET v = v - 1 WHERE id % 7 = {}", id % 7),
        };
        // Deadlocks between writers are no concern of this test.
        let _ = session.try_execute(&sql);
    }
}

/// What a consumer that keeps the last row of each key holds.
fn held(records: &[ConsumedRecord]) -> Rows {
    let mut rows: Rows = BTreeMap::new();
    for record in records.iter().filter(|record| record.value.is_some()) {
        let change = record.json();
        let gone = change["op"] == "d";
        let row = if gone { &change["before"] } else { &change["after"] };
        let id = row["id"].as_i64().expect("a key");
        if gone {
            rows.remove(&id);
            continue;
        }
        let big = match row["big"].as_str() {
            Some("__debezium_unavailable_value") => rows.get(&id).and_then(|(_, big)| big.clone()),
            big => big.map(str::to_owned),
        };
        rows.insert(id, (row["v"].as_i64().expect("a number"), big));
    }
    rows
}

fn marks(records: &[ConsumedRecord]) -> Vec<Value> {
    records.iter().map(|record| record.json()["source"]["snapshot"].clone()).collect()
}

#[test]
fn a_table_is_read_beside_the_stream_in_the_order_of_its_key() {
    // Given rows that were there before, when a signal asks for their table.
    let scene = Scene::new(
        servers::postgres_18(),
        &format!(
            "{SIGNALS} CREATE TABLE t (k text COLLATE \"C\", n int, v text, PRIMARY KEY (k, n));
             INSERT INTO t SELECT chr(97 + i / 10), i % 10, 'it''s \\' || i FROM generate_series(0, 24) i;
             CREATE TABLE keyless (v text); INSERT INTO keyless VALUES ('x')"
        ),
    );
    let walcast = scene.stream(&[TABLE, ("incremental.snapshot.chunk.size", "7"), ("read.only", "true")]);
    signal(&scene, "1", "execute-snapshot", r#"{"data-collections": ["public\\.(t|keyless|signals)"]}"#);
    let rows = scene.wait_for("public.t", 25);
    walcast.wait_until_logged("the incremental snapshot is complete");

    // Then each of its rows is there once, marked, and changes follow; a table without a key is left out.
    scene.execute("UPDATE t SET v = 'new' WHERE k = 'a' AND n = 0");
    assert_eq!(operations(&rows), "r".repeat(25));
    assert!(marks(&rows).iter().all(|mark| mark == "incremental"), "{:?}", marks(&rows));
    let wanted: Vec<String> = (0..25).map(|i| format!("it's \\{i}")).collect();
    assert_eq!(after(&rows, "v"), wanted);
    assert_eq!(operations(&scene.settled("public.t")), "r".repeat(25) + "u");
    assert!(!scene.topics.existing().contains(&scene.topics.topic("public.keyless")));
    assert!(walcast.stderr().contains("NO_PRIMARY_KEY"), "{}", walcast.stderr());
    assert_eq!(operations(&scene.settled("public.signals")), "c");
}

#[test]
fn nothing_is_lost_and_nothing_goes_back_under_writers() {
    let scene = Scene::new(
        servers::postgres_18(),
        &format!(
            "{SIGNALS} CREATE TABLE a (id int PRIMARY KEY, v int NOT NULL, big text);
             CREATE TABLE b (id int PRIMARY KEY, v int NOT NULL, big text);
             ALTER TABLE a ALTER big SET STORAGE EXTERNAL; ALTER TABLE b ALTER big SET STORAGE EXTERNAL;
             INSERT INTO a SELECT i, 0, repeat('t', 3000) FROM generate_series(1, 300) i;
             INSERT INTO b SELECT i, 0, 'short' FROM generate_series(1, 1500) i"
        ),
    );
    let stop = AtomicBool::new(false);
    let sessions = [scene.database.another_session(), scene.database.another_session()];
    let seed = fastrand::u64(..1_000_000);
    std::thread::scope(|scope| {
        // Given writers that never rest, when both tables are read beside the stream, and walcast is killed meanwhile.
        let writer = |(at, session)| {
            let stop = &stop;
            scope.spawn(move || write(session, seed * 2 + at, stop))
        };
        let writers: Vec<_> = (0..).zip(&sessions).map(writer).collect();
        let _ends = Stop(&stop);
        let settings = [TABLE, ("incremental.snapshot.chunk.size", "50")];
        let mut walcast = scene.stream(&settings);
        snapshot_of(&scene, "public.[ab]");
        walcast.wait_until_logged("an incremental snapshot begins");
        scene.wait_for("public.b", 300);
        walcast.kill();
        let walcast = scene.stream(&settings);
        walcast.wait_until_logged("goes on where it was");
        walcast.wait_until_logged("the incremental snapshot is complete");
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().expect("a writer");
        }

        // Then the topics come to the tables.
        for name in ["a", "b"] {
            let records = scene.settled(&format!("public.{name}"));
            let (held, table) = (held(&records), table(&scene, name));
            let short = |row: Option<&(i64, Option<String>)>| row.map(|(v, big)| (*v, big.as_ref().map(String::len)));
            let differing = table.keys().chain(held.keys()).filter(|id| held.get(id) != table.get(id));
            let differing: Vec<_> =
                differing.take(9).map(|id| (id, short(held.get(id)), short(table.get(id)))).collect();
            assert!(differing.is_empty(), "seed {seed}: of {name} the topic has, and the table: {differing:?}");
        }
    });
}

#[test]
fn a_snapshot_is_paused_resumed_and_stopped_and_what_cannot_be_done_is_told() {
    // Given a large table that is read in small chunks.
    let scene = Scene::new(
        servers::postgres_18(),
        &format!("{SIGNALS} CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 20000)"),
    );
    let mut walcast = scene.stream(&[TABLE, ("incremental.snapshot.chunk.size", "10")]);
    snapshot_of(&scene, "public.t");
    scene.wait_for("public.t", 20);
    signal(&scene, "p", "pause-snapshot", "{}");
    walcast.wait_until_logged("is paused");
    signal(&scene, "r", "resume-snapshot", "{}");
    walcast.wait_until_logged("is resumed");
    signal(&scene, "s", "stop-snapshot", r#"{"type": "incremental"}"#);
    walcast.wait_until_logged("is stopped");

    // When signals make no sense, then they are told and the stream goes on.
    signal(&scene, "x", "dance", "{}");
    walcast.wait_until_logged("there is no signal of type");
    signal(&scene, "l", "log", r#"{"message": "here at {}"}"#);
    walcast.wait_until_logged("here at ");
    scene.execute("INSERT INTO t VALUES (0)");
    let records = scene.settled("public.t");
    assert!(records.len() < 20_000, "it was stopped");
    assert!(operations(&records).ends_with('c'));

    // And one that is under way does not stand in the way of an orderly stop.
    snapshot_of(&scene, "public.t+");
    scene.wait_for("public.t", records.len() + 20);
    assert!(walcast.terminate().success());
}

#[test]
fn a_filter_and_a_surrogate_key_are_minded_and_a_file_of_signals_is_read() {
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE t (id int PRIMARY KEY, nr int);
         INSERT INTO t SELECT i, NULLIF(i % 3, 0) FROM generate_series(1, 12) i",
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("signals");
    let file = path.to_str().unwrap();
    let walcast: Walcast = scene.stream(&[
        ("signal.enabled.channels", "file"),
        ("signal.file", file),
        ("signal.poll.interval.ms", "20"),
        ("incremental.snapshot.chunk.size", "2"),
    ]);
    let line = r#"{"id": "f", "type": "execute-snapshot", "data": {"data-collections": ["public.t"], "surrogate-key": "nr",
        "additional-conditions": [{"data-collection": "public.t", "filter": "t.id > 3"}]}}"#;
    std::fs::File::create(&path).unwrap().write_all(line.replace('\n', " ").as_bytes()).unwrap();
    walcast.wait_until_logged("the incremental snapshot is complete");
    let rows = scene.settled("public.t");
    assert_eq!(after(&rows, "id"), ["4", "7", "10", "5", "8", "11", "6", "9", "12"]);
    wait::until("the file is empty", wait::PATIENCE, || std::fs::read_to_string(&path).unwrap().is_empty());
}

/// Type, id and data of the rows of windows in the table of signals.
fn windows(scene: &Scene) -> Vec<(String, String, Value)> {
    let session = scene.database.session();
    let sql = "SELECT json_agg(json_build_array(type, id, data::json) ORDER BY data::json->>'closeWindowTimestamp' NULLS FIRST)
                 FROM signals WHERE type LIKE 'snapshot-window%'";
    let rows: Value = serde_json::from_str(&session.value(sql).unwrap_or_else(|| "[]".to_owned())).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(|row| (text(&row[0]), text(&row[1]), row[2].clone())).collect()
}

#[test]
fn windows_stand_in_the_table_of_signals_where_the_role_may_write_them() {
    // Given a table in one chunk, when it is read, then its window is opened and closed as Debezium does it.
    let tables = format!("{SIGNALS} CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    let scene = Scene::new(servers::postgres_18(), &tables);
    let walcast = scene.stream(&[TABLE]);
    snapshot_of(&scene, "public.t");
    walcast.wait_until_logged("the incremental snapshot is complete");
    let [(opens, open, first), (closes, close, second)] = &windows(&scene)[..] else { panic!("{:?}", windows(&scene)) };
    assert_eq!((&**opens, &**closes), ("snapshot-window-open", "snapshot-window-close"));
    assert_eq!(open.strip_suffix("-open"), close.strip_suffix("-close"));
    assert!(uuid::Uuid::parse_str(open.trim_end_matches("-open")).is_ok(), "{open}");
    assert_eq!(first["openWindowTimestamp"], second["openWindowTimestamp"]);
    assert!(second["closeWindowTimestamp"].as_str() > second["openWindowTimestamp"].as_str());
    drop(walcast);

    // Given the other strategy, then nothing is left of it but records.
    let scene = Scene::new(servers::postgres_18(), &tables);
    let walcast = scene.stream(&[TABLE, ("incremental.snapshot.watermarking.strategy", "INSERT_DELETE")]);
    snapshot_of(&scene, "public.t");
    walcast.wait_until_logged("the incremental snapshot is complete");
    assert_eq!(windows(&scene), []);
    assert_eq!(operations(&scene.settled("public.signals")), "ccd-");
    drop(walcast);

    // Given a table that takes no such rows, then this is said once, and the snapshot goes on without them.
    let scene = Scene::new(servers::postgres_18(), &tables);
    scene.execute("ALTER TABLE signals ADD CHECK (type NOT LIKE 'snapshot-%'); INSERT INTO t VALUES (2), (3)");
    let walcast = scene.stream(&[TABLE, ("incremental.snapshot.chunk.size", "1")]);
    snapshot_of(&scene, "public.t");
    walcast.wait_until_logged("the incremental snapshot is complete");
    assert_eq!(scene.settled("public.t").len(), 3);
    assert_eq!(walcast.stderr().matches("are not written into the table of signals").count(), 1);
}
