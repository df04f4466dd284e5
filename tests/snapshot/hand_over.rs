//! No row lost and none doubled where snapshot and stream meet, while others write without a pause.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::writers::{Held, Stop, assert_agree, disturb, rounds, write};
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

/// What a consumer holds, and complaints about records that do not follow each other: the slot's own snapshot and what
/// follows it fit together exactly.
fn consume(records: &[ConsumedRecord]) -> (Held, Vec<String>) {
    let (mut held, mut complaints) = (Held::default(), Vec::new());
    for record in records.iter().filter(|record| record.value.is_some()) {
        let change = record.json();
        let (id, begins, was_there) = held.take(&change);
        if begins == was_there {
            complaints.push(format!(
                "{} of {id}, which was {}there",
                change["op"],
                if was_there { "" } else { "not " }
            ));
        }
    }
    (held, complaints)
}

/// Takes a snapshot under writers and audits the topics.
fn audit(seed: u64, readers: &str) {
    let scene = Scene::new(servers::postgres_18(), TABLES);
    let stop = AtomicBool::new(false);
    let sessions: Vec<Session> = (0..2).map(|_| scene.database.another_session()).collect();
    std::thread::scope(|scope| {
        let writer = |(at, session)| {
            let stop = &stop;
            scope.spawn(move || write(session, seed * 2 + at, stop))
        };
        let writers: Vec<_> = (0..).zip(&sessions).map(writer).collect();
        // Given writers that never rest, when a snapshot is taken and the stream takes over.
        std::thread::sleep(Duration::from_millis(seed % 40));
        let _ends = Stop(&stop);
        let mut walcast = scene.start(&[("snapshot.mode", "initial"), ("snapshot.max.threads", readers)]);
        walcast.wait_until_streaming(&scene.database);
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().expect("a writer");
        }

        // Then the topics end as the tables are, and no key was there twice or not at all.
        for name in ["a", "b"] {
            let (held, complaints) = consume(&scene.settled(&format!("public.{name}")));
            assert!(complaints.is_empty(), "seed {seed}: {complaints:?}");
            assert_agree(&scene, name, &held.rows, seed);
        }
    });
}

/// The same where a table is emptied and another changes its shape meanwhile: what has to be read again comes twice, and
/// every row ends as it is.
fn audit_disturbed(seed: u64) {
    let scene = Scene::new(servers::postgres_18(), TABLES);
    let stop = AtomicBool::new(false);
    let (writing, disturbing) = (scene.database.another_session(), scene.database.another_session());
    std::thread::scope(|scope| {
        // Given a writer that never rests, and another that empties tables and changes columns.
        let writers = [scope.spawn(|| write(&writing, seed, &stop)), scope.spawn(|| disturb(&disturbing, seed, &stop))];
        let _ends = Stop(&stop);

        // When a snapshot is taken and the stream takes over.
        let properties = [("snapshot.mode", "initial"), ("snapshot.max.threads", "2"), ("skipped.operations", "none")];
        let mut walcast = scene.start(&properties);
        walcast.wait_until_streaming(&scene.database);
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().expect("a writer");
        }

        // Then the topics end as the tables are.
        for name in ["a", "b"] {
            let (held, _) = consume(&scene.settled(&format!("public.{name}")));
            assert_agree(&scene, name, &held.rows, seed);
        }
    });
}

#[test]
fn every_row_ends_as_it_is_where_tables_are_emptied_and_change_their_shape() {
    let seed = fastrand::u64(..1_000_000);
    for round in 0..rounds(2) {
        audit_disturbed(seed + round);
    }
}

#[test]
fn snapshot_and_stream_meet_exactly_under_writers() {
    let seed = fastrand::u64(..1_000_000);
    for round in 0..rounds(3) {
        audit(seed + round, ["1", "3"][usize::from(round % 2 == 1)]);
    }
}
