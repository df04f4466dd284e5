//! An orderly stop: deliver, confirm, leave; and the next start sends nothing twice.

use std::sync::atomic::{AtomicBool, Ordering};

use walcast::local::PostgresServer;

use super::scene::{Scene, after};
use crate::support::servers;
use crate::support::walcast::Walcast;

/// Stops the writer when it goes.
struct Rest<'a>(&'a AtomicBool);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn a_stop_under_load_loses_and_doubles_nothing(server: &'static dyn PostgresServer, stop: fn(&mut Walcast)) {
    // Given walcast, and a writer that hardly rests.
    let scene = Scene::new(server, "CREATE TABLE t (id serial PRIMARY KEY, words text)");
    let mut walcast = scene.stream(&[]);
    let writing = AtomicBool::new(true);
    let session = scene.database.another_session();
    std::thread::scope(|scope| {
        // Also where an expectation breaks: the scope waits for the writer.
        let rest = Rest(&writing);
        scope.spawn(|| {
            while writing.load(Ordering::Relaxed) {
                session.execute("INSERT INTO t (words) VALUES ('one'), ('two'); SELECT pg_sleep(0.002)");
            }
        });

        // When it is stopped and started, twice, in the middle of it.
        for round in 1..=2 {
            scene.wait_for("public.t", round * 1000);
            stop(&mut walcast);
            // Then the slot has confirmed no more than what is in the topic.
            let confirmed = scene.database.confirmed_lsn().expect("a slot");
            let records = scene.topics.read_to_end(&scene.topics.topic("public.t"));
            let last = records.last().expect("records").json()["source"]["lsn"].as_u64().expect("an LSN");
            assert!(confirmed.as_u64() >= last, "{confirmed} is not past the last record, {last}: it would come twice");
            walcast = scene.stream(&[]);
        }
        drop(rest);
    });

    // Then every row is in the topic once, in order.
    let count = scene.database.session().value("SELECT count(*) FROM t").expect("a count").parse().expect("a number");
    scene.wait_for("public.t", count);
    let records = scene.settled("public.t");
    let ids: Vec<u64> = after(&records, "id").iter().map(|id| id.parse().expect("a number")).collect();
    assert_eq!(ids.len(), count);
    assert!(ids.is_sorted_by(|a, b| a < b), "a row is there twice or out of order");
    stop(&mut walcast);
}

#[test]
fn sigterm_under_load_loses_and_doubles_nothing() {
    a_stop_under_load_loses_and_doubles_nothing(servers::postgres_15(), |walcast| {
        assert!(walcast.terminate().success(), "{}", walcast.stderr());
    });
}

#[test]
fn sigint_under_load_loses_and_doubles_nothing() {
    a_stop_under_load_loses_and_doubles_nothing(servers::postgres_18(), |walcast| {
        assert!(walcast.interrupt().success(), "{}", walcast.stderr());
    });
}

#[test]
fn a_stop_before_it_streams_is_orderly_too() {
    // Given a connector whose server does not answer.
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY)");
    let mut config = scene.config(&[]);
    config.insert("database.port".to_owned(), "1".into());
    let mut walcast = Walcast::run(&config, &scene.topics);
    walcast.wait_until_logged("WARN");

    // When it is told to stop, then it leaves at once, with success.
    assert!(walcast.terminate().success(), "{}", walcast.stderr());
}

#[test]
fn a_slot_that_is_to_go_with_its_reader_is_dropped_once_all_is_delivered() {
    // Given walcast that drops its slot when it stops, and another that waits for the same slot.
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY)");
    let dropping = ("slot.drop.on.stop", "true");
    let mut walcast = scene.stream(&[dropping]);
    let mut waiting = scene.start(&[dropping]);
    waiting.wait_until_logged("in use");

    // When the one that waits is stopped, then the slot stays: it belongs to the other.
    assert!(waiting.terminate().success(), "{}", waiting.stderr());
    assert!(scene.has_slot());

    // When a row is delivered and the reader is stopped, then the slot goes.
    scene.execute("INSERT INTO t VALUES (1)");
    scene.wait_for("public.t", 1);
    assert!(walcast.terminate().success(), "{}", walcast.stderr());
    assert!(!scene.has_slot(), "{}", walcast.stderr());
}
