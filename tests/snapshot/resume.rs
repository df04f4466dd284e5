//! A snapshot that is killed goes on with what is left, and every row ends as it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use walcast::local::PostgresServer;

use super::writers::{Held, Rows, Stop, assert_agree, rounds, write};
use crate::stream::scene::Scene;
use crate::support::database::Session;
use crate::support::topics::ConsumedRecord;
use crate::support::{servers, wait};

/// Large enough for several parts: 4 MiB is the smallest that several readers share.
const TABLES: &str = "
    CREATE TABLE a (id int PRIMARY KEY, v int NOT NULL, big text);
    CREATE TABLE b (id int PRIMARY KEY, v int NOT NULL, big text);
    ALTER TABLE a ALTER big SET STORAGE EXTERNAL; ALTER TABLE b ALTER big SET STORAGE EXTERNAL;
    INSERT INTO a SELECT i, 0, repeat('t', 3000) FROM generate_series(1, 300) i;
    INSERT INTO b SELECT i, 0, repeat('x', 1500) FROM generate_series(1, 20000) i";

/// The same in partitions, between which a change of the key moves rows.
const PARTITIONED: &str = "
    CREATE TABLE a (id int PRIMARY KEY, v int NOT NULL, big text) PARTITION BY HASH (id);
    CREATE TABLE a0 PARTITION OF a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE a1 PARTITION OF a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE b (id int PRIMARY KEY, v int NOT NULL, big text) PARTITION BY RANGE (id);
    CREATE TABLE b_low PARTITION OF b FOR VALUES FROM (MINVALUE) TO (2000);
    CREATE TABLE b_middle PARTITION OF b FOR VALUES FROM (2000) TO (15000);
    CREATE TABLE b_high PARTITION OF b FOR VALUES FROM (15000) TO (MAXVALUE) PARTITION BY HASH (id);
    CREATE TABLE b_high0 PARTITION OF b_high FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE b_high1 PARTITION OF b_high FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    ALTER TABLE a0 ALTER big SET STORAGE EXTERNAL; ALTER TABLE a1 ALTER big SET STORAGE EXTERNAL;
    INSERT INTO a SELECT i, 0, repeat('t', 3000) FROM generate_series(1, 300) i;
    INSERT INTO b SELECT i, 0, repeat('x', 1500) FROM generate_series(1, 20000) i";

fn held(records: &[ConsumedRecord]) -> Rows {
    let mut held = Held::default();
    for record in records.iter().filter(|record| record.value.is_some()) {
        held.take(&record.json());
    }
    held.rows
}

/// Kills the connector at random moments of its snapshot, under writers, and audits the topics.
fn audit(seed: u64, server: &'static dyn PostgresServer, tables: &str) {
    let mut random = fastrand::Rng::with_seed(seed);
    let scene = Scene::new(server, tables);
    let stop = AtomicBool::new(false);
    let sessions: Vec<Session> = (0..2).map(|_| scene.database.another_session()).collect();
    let properties =
        [("snapshot.mode", "initial"), ("snapshot.max.threads", "2"), ("publish.via.partition.root", "true")];
    std::thread::scope(|scope| {
        let writer = |(at, session)| {
            let stop = &stop;
            scope.spawn(move || write(session, seed * 2 + at, stop))
        };
        let writers: Vec<_> = (0..).zip(&sessions).map(writer).collect();
        let _ends = Stop(&stop);
        // Given a connector that is killed again and again, when at last it may go on.
        for _ in 0..3 {
            let mut walcast = scene.start(&properties);
            wait::until("rows were read", wait::PATIENCE, || !scene.topics.existing().is_empty());
            std::thread::sleep(Duration::from_millis(random.u64(0..400)));
            walcast.kill();
        }
        let mut walcast = scene.start(&properties);
        walcast.wait_until_streaming(&scene.database);
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().expect("a writer");
        }

        // Then every row is there, and as it is.
        for name in ["a", "b"] {
            assert_agree(&scene, name, &held(&scene.settled(&format!("public.{name}"))), seed);
        }
    });
}

#[test]
fn a_snapshot_that_is_killed_goes_on_and_every_row_ends_as_it_is() {
    let seed = fastrand::u64(..1_000_000);
    for round in 0..rounds(1) {
        audit(seed + round, servers::postgres_18(), TABLES);
    }
}

#[test]
fn so_does_one_of_tables_in_partitions() {
    let seed = fastrand::u64(..1_000_000);
    for round in 0..rounds(1) {
        audit(seed + round, servers::postgres_18(), PARTITIONED);
        audit(seed + round, servers::postgres_15(), PARTITIONED);
    }
}
