//! No row lost and none doubled where snapshot and stream meet, while others write without a pause.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::writers::{Rows, Stop, table, write};
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

/// What a consumer that keeps the last row of each key holds, and complaints about records that do not follow each other.
#[derive(Default)]
struct Held {
    rows: Rows,
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

#[test]
fn snapshot_and_stream_meet_exactly_under_writers() {
    let seed = fastrand::u64(..1_000_000);
    for round in 0..3 {
        audit(seed + round, ["1", "3"][usize::from(round % 2 == 1)]);
    }
}
