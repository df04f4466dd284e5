//! walcast itself dies, stops or is frozen.

use super::audit::Audit;
use super::load::TABLES;
use super::rig::{Rig, delivered, seed};
use crate::support::{wait, walcast::Walcast};

/// Kills in an ordinary run; `WALCAST_TEST_KILLS` sets another number.
const KILLS: u32 = 12;

/// What the writers do to the hot rows in about two seconds.
const CHANGES_BETWEEN_KILLS: u64 = 400;

#[test]
fn killed_at_random_moments_it_loses_nothing_and_keeps_the_order() {
    // Given writers at work.
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let kills = std::env::var("WALCAST_TEST_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"));
    let rig = Rig::shared();
    let mut audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let load = rig.load(seed);

    // When walcast is killed at random moments, some of them before it streams, and started again at once.
    for _ in 0..kills {
        let mut walcast = rig.start();
        rig.wait_for_changes(random.u64(..CHANGES_BETWEEN_KILLS));
        walcast.kill();
        audit.mark();
    }
    let mut walcast = rig.stream();
    let transactions = load.finish();
    rig.database.wait_until_confirmed();
    assert!(walcast.terminate().success(), "{}", walcast.stderr());

    // Then all that was committed is in the topics in the order of commits, and nothing was confirmed too early.
    let findings = audit.pass();
    eprintln!("{kills} kills, {transactions} transactions: {findings:?}");
    assert!(findings.changes > 100, "{findings:?}");
}

#[test]
fn after_an_orderly_stop_nothing_is_sent_again() {
    // Given a stream under load.
    let rig = Rig::shared();
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let load = rig.load(seed());

    // When it is stopped in order and started again, three times.
    for _ in 0..3 {
        let mut walcast = rig.stream();
        rig.wait_for_changes(100);
        assert!(walcast.terminate().success(), "{}", walcast.stderr());
    }
    load.finish();
    let _walcast = rig.stream();
    rig.database.wait_until_confirmed();

    // Then nothing is missing and nothing is there twice.
    assert_eq!(audit.pass().duplicates, 0);
}

#[test]
fn stopped_inside_a_large_transaction_it_ends_in_time_and_sends_the_rest_later() {
    // Given a transaction that takes longer than a stop may take.
    let rig = Rig::shared();
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let bootstrap = rig.topics.client().get("bootstrap.servers").expect("set").to_owned();
    let arguments = ["--bootstrap-servers", &bootstrap, "--shutdown-timeout", "1s"];
    let mut walcast = Walcast::run_with(&rig.config, &arguments);
    walcast.wait_until_streaming(&rig.database);
    rig.database.execute("INSERT INTO uniq SELECT n, 0, repeat('x', 200) FROM generate_series(1, 60000) n");
    wait::until("some of it is delivered", wait::PATIENCE, || delivered(&walcast) > 0.0);

    // When it is stopped.
    let status = walcast.terminate();

    // Then it ends in order, and the next run completes the transaction.
    assert!(status.success(), "{status}: {}", walcast.stderr());
    let _walcast = rig.stream();
    rig.database.wait_until_confirmed();
    assert_eq!(audit.pass().changes, 60_000);
}

#[test]
fn frozen_for_longer_than_the_server_waits_it_recovers() {
    // Given a server that gives up a silent reader after a second.
    let rig = Rig::shared();
    rig.database.execute(&format!("ALTER DATABASE {} SET wal_sender_timeout = '1s'", rig.database.name));
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let load = rig.load(seed());
    let walcast = rig.stream();
    rig.wait_for_changes(100);

    // When walcast is frozen until the server has given it up.
    walcast.pause();
    rig.wait_until_alone();
    walcast.resume();

    // Then it goes on where it was.
    rig.database.wait_until_streaming();
    load.finish();
    rig.database.wait_until_confirmed();
    assert_eq!(audit.pass().duplicates, 0);
}
