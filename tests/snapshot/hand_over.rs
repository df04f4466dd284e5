//! No row lost and none doubled where snapshot and stream meet, while others write without a pause.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::stream::scene::Scene;
use crate::support::database::Session;
use crate::support::servers;
use crate::support::topics::ConsumedRecord;

/// What the tables begin with.
const TABLES: &str = "
    CREATE TABLE a (id int PRIMARY KEY, v int NOT NULL, big text);
    CREATE TABLE b (id int PRIMARY KEY, v int NOT NULL, big text);
    ALTER TABLE a ALTER big SET STORAGE EXTERNAL; ALTER TABLE b ALTER big SET STORAGE EXTERNAL;
    INSERT INTO a SELECT i, 0, repeat('t', 3000) FROM generate_series(1, 300) i;
    INSERT INTO b SELECT i, 0, 'short' FROM generate_series(1, 3000) i";

/// One random change of a random table.
fn change(random: &mut fastrand::Rng, next_id: &mut u32) -> String {
    let table = random.choice(["a", "b"]).unwrap();
    let id = random.u32(1..*next_id);
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
        _ => format!(
            "BEGIN; UPDATE a SET v = v + 1 WHERE id % 7 = {0}; UPDATE b SET v = v - 1 WHERE id % 7 = {0}; COMMIT",
            id % 7
        ),
    }
}

/// Writes until it is told to stop.
fn write(session: &Session, seed: u64, stop: &AtomicBool) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut next_id = 10_000 * u32::try_from(seed % 1000 + 1).unwrap();
    while !stop.load(Ordering::Relaxed) {
        session.execute(&change(&mut random, &mut next_id));
    }
}

/// What a consumer that keeps the last row of each key holds, and complaints about records that do not follow each other.
#[derive(Default)]
struct Held {
    rows: BTreeMap<i64, (i64, Option<String>)>,
    complaints: Vec<String>,
}

impl Held {
    fn of(records: &[ConsumedRecord]) -> Self {
        let mut held = Self::default();
        for record in records.iter().filter(|record| record.value.is_some()) {
            held.take(&record.json());
        }
        held
    }

    fn take(&mut self, change: &Value) {
        let op = change["op"].as_str().unwrap_or_default();
        let row = if op == "d" { &change["before"] } else { &change["after"] };
        let id = row["id"].as_i64().expect("a key");
        let known = self.rows.contains_key(&id);
        // The slot's own snapshot and what follows it fit together exactly.
        if (op == "r" || op == "c") == known {
            self.complaints.push(format!("{op} of {id}, which is {}there", if known { "" } else { "not " }));
        }
        if op == "d" {
            self.rows.remove(&id);
            return;
        }
        let big = match row["big"].as_str() {
            Some("__debezium_unavailable_value") => self.rows.get(&id).and_then(|(_, big)| big.clone()),
            big => big.map(str::to_owned),
        };
        self.rows.insert(id, (row["v"].as_i64().expect("a number"), big));
    }
}

fn table(scene: &Scene, name: &str) -> BTreeMap<i64, (i64, Option<String>)> {
    let rows = scene.database.session().rows(&format!("SELECT id, v, big FROM {name}"));
    rows.into_iter()
        .map(|row| match <[Option<String>; 3]>::try_from(row).expect("three columns") {
            [id, v, big] => (id.unwrap().parse().unwrap(), (v.unwrap().parse().unwrap(), big)),
        })
        .collect()
}

/// Takes a snapshot under writers and audits the topics.
fn audit(seed: u64, readers: &str) {
    let scene = Scene::new(servers::postgres_18(), TABLES);
    let stop = AtomicBool::new(false);
    let sessions: Vec<Session> = (0..2).map(|_| scene.database.another_session()).collect();
    std::thread::scope(|scope| {
        for (at, session) in sessions.iter().enumerate() {
            let stop = &stop;
            scope.spawn(move || write(session, seed * 2 + at as u64, stop));
        }
        // Given writers that never rest, when a snapshot is taken and the stream takes over.
        std::thread::sleep(Duration::from_millis(seed % 40));
        let _ends = Stop(&stop);
        let mut walcast = scene.start(&[("snapshot.mode", "initial"), ("snapshot.max.threads", readers)]);
        walcast.wait_until_streaming(&scene.database);
        stop.store(true, Ordering::Relaxed);

        // Then the topics end as the tables are, and no key was there twice or not at all.
        for name in ["a", "b"] {
            let held = Held::of(&scene.settled(&format!("public.{name}")));
            assert!(held.complaints.is_empty(), "seed {seed}: {:?}", held.complaints);
            let table = table(&scene, name);
            assert!(held.rows == table, "seed {seed}: topic and table {name} differ");
        }
    });
}

/// Stops the writers, however the test ends.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn snapshot_and_stream_meet_exactly_under_writers() {
    let seed = fastrand::u64(..1_000_000);
    for round in 0..3 {
        audit(seed + round, ["1", "3"][usize::from(round % 2 == 1)]);
    }
}
