//! Writers that never rest, and what the tables hold behind them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::stream::scene::Scene;
use crate::support::database::Session;
use crate::support::topics::ConsumedRecord;
use crate::support::wait;
use crate::support::walcast::Walcast;

/// Rows of a table by key: a number that changes often, and a text that is often long.
pub(super) type Rows = BTreeMap<i64, (i64, Option<String>)>;

/// One random change of a random table.
fn change(random: &mut fastrand::Rng, next_id: &mut u32) -> String {
    let table = random.choice(["a", "b"]).unwrap();
    // Rows that were there, and rows that came since.
    let id = if random.bool() { random.u32(1..=3000) } else { random.u32(next_id.saturating_sub(50)..=*next_id) };
    match random.u32(0..100) {
        0..30 => {
            *next_id += 1;
            format!(
                "INSERT INTO {table} VALUES ({next_id}, 0, repeat('n', {})) ON CONFLICT DO NOTHING",
                random.u32(0..4000)
            )
        }
        // The long value stays where it is.
        30..65 => format!("UPDATE {table} SET v = v + 1 WHERE id = {id}"),
        65..75 => format!("UPDATE {table} SET big = repeat('u', {}) WHERE id = {id}", random.u32(0..4000)),
        75..85 => {
            *next_id += 1;
            format!("UPDATE {table} SET id = {next_id} WHERE id = {id}")
        }
        85..99 => format!("DELETE FROM {table} WHERE id = {id}"),
        // One after the other: two that change many rows in different order would wait for each other.
        _ => format!(
            "BEGIN; SELECT pg_advisory_xact_lock(1); UPDATE a SET v = v + 1 WHERE id % 7 = {0}; UPDATE b SET v = v - 1 WHERE id % 7 = {0}; COMMIT",
            id % 7
        ),
    }
}

/// How often a test with random timing is repeated: `WALCAST_SNAPSHOT_ROUNDS`, or as often as a run of all tests can bear.
pub(super) fn rounds(usual: u64) -> u64 {
    match std::env::var("WALCAST_SNAPSHOT_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("WALCAST_SNAPSHOT_ROUNDS is a number"),
        Err(_) => usual,
    }
}

/// Empties a table now and then, and changes the shape of another, until it is told to stop.
pub(super) fn disturb(session: &Session, seed: u64, stop: &AtomicBool) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut columns = 0;
    while !stop.load(Ordering::Relaxed) {
        match random.u32(0..3) {
            0 => session.execute("TRUNCATE b"),
            1 => {
                columns += 1;
                session.execute(&format!("ALTER TABLE a ADD COLUMN extra_{columns} int DEFAULT {columns}"));
            }
            // The whole table is written anew.
            _ if columns > 0 => {
                session.execute(&format!("ALTER TABLE a DROP COLUMN extra_{columns}, ALTER v TYPE bigint USING v"));
                session.execute("ALTER TABLE a ALTER v TYPE int");
                columns -= 1;
            }
            _ => {}
        }
        // A pause, not a wait: writers must come in between.
        std::thread::sleep(Duration::from_millis(random.u64(50..400)));
    }
}

/// Writes until it is told to stop.
pub(super) fn write(session: &Session, seed: u64, stop: &AtomicBool) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut next_id = 10_000 * u32::try_from(seed % 1000 + 1).unwrap();
    while !stop.load(Ordering::Relaxed) {
        // Deadlocks between writers are no concern of a test.
        if session.try_execute(&change(&mut random, &mut next_id)).is_err() {
            let _ = session.try_execute("ROLLBACK");
        }
    }
}

/// What a table holds.
pub(super) fn table(scene: &Scene, name: &str) -> Rows {
    let rows = scene.database.session().rows(&format!("SELECT id, v, big FROM {name}"));
    rows.into_iter()
        .map(|row| match <[Option<String>; 3]>::try_from(row).expect("three columns") {
            [id, v, big] => (id.unwrap().parse().unwrap(), (v.unwrap().parse().unwrap(), big)),
        })
        .collect()
}

/// Kills the connector at random moments of its snapshot, under writers, and gives the one that may go on at last, when it
/// streams and the writers have ended.
pub(super) fn kill_again_and_again(
    scene: &Scene,
    properties: &[(&str, &str)],
    seed: u64,
    pause_ms_max: u64,
) -> Walcast {
    let mut random = fastrand::Rng::with_seed(seed);
    let stop = AtomicBool::new(false);
    let sessions: Vec<Session> = (0..2).map(|_| scene.database.another_session()).collect();
    std::thread::scope(|scope| {
        let writer = |(at, session)| {
            let stop = &stop;
            scope.spawn(move || write(session, seed * 2 + at, stop))
        };
        let writers: Vec<_> = (0..).zip(&sessions).map(writer).collect();
        let _ends = Stop(&stop);
        for _ in 0..3 {
            let mut walcast = scene.start(properties);
            wait::until("rows were read", wait::PATIENCE, || !scene.topics.existing().is_empty());
            std::thread::sleep(Duration::from_millis(random.u64(0..pause_ms_max)));
            walcast.kill();
        }
        let mut walcast = scene.start(properties);
        walcast.wait_until_streaming(&scene.database);
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().expect("a writer");
        }
        walcast
    })
}

/// What a consumer holds that has read these records.
pub(super) fn held(records: &[ConsumedRecord]) -> Rows {
    let mut held = Held::default();
    for record in records.iter().filter(|record| record.value.is_some()) {
        held.take(&record.json());
    }
    held.rows
}

/// Fails where what a consumer holds of a topic is not what the table holds.
pub(super) fn assert_agree(scene: &Scene, name: &str, held: &Rows, seed: u64) {
    let table = table(scene, name);
    let differs = |id: &&i64| table.get(id) != held.get(id);
    let differing: Vec<&i64> = table.keys().chain(held.keys()).filter(differs).take(5).collect();
    assert!(differing.is_empty(), "seed {seed}: topic and table {name} differ in {differing:?}");
}

/// Stops the writers, however the test ends.
pub(super) struct Stop<'a>(pub(super) &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a consumer that keeps the last row of each key holds.
#[derive(Default)]
pub(super) struct Held {
    pub(super) rows: Rows,
    /// The text of the row that was deleted last: where a key changes, the row comes back at once under another one,
    /// without a text that did not change.
    deleted: Option<String>,
}

impl Held {
    /// Takes a change, and tells its key, whether it is a beginning (a read or a create), and whether a row of that key was
    /// there.
    pub(super) fn take(&mut self, change: &Value) -> (i64, bool, bool) {
        let op = change["op"].as_str().unwrap_or_default();
        if op == "t" {
            self.rows.clear();
            return (0, true, false);
        }
        let row = if op == "d" { &change["before"] } else { &change["after"] };
        let id = row["id"].as_i64().expect("a key");
        let begins = matches!(op, "r" | "c");
        let before = self.rows.remove(&id);
        let was_there = before.is_some();
        let text = before.and_then(|(_, text)| text);
        if op == "d" {
            self.deleted = text;
            return (id, begins, was_there);
        }
        let text = match row["big"].as_str() {
            Some("__debezium_unavailable_value") if was_there => text,
            Some("__debezium_unavailable_value") => self.deleted.clone(),
            text => text.map(str::to_owned),
        };
        self.rows.insert(id, (row["v"].as_i64().expect("a number"), text));
        (id, begins, was_there)
    }
}
