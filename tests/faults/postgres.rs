//! PostgreSQL itself is stopped in each of its ways.

use std::time::{Duration, Instant};

use walcast::local::StopMode;

use super::audit::Audit;
use super::load::TABLES;
use super::rig::{Rig, doomed, seed};

/// Stops and restarts the server under load.
fn restarted(mode: StopMode) {
    // Given a stream under load.
    let servers = doomed();
    let mut rig = Rig::on(servers.postgres, servers.kafka);
    Audit::create_oracle(&rig.database);
    let load = rig.load(seed());
    let walcast = rig.stream();

    for _ in 0..2 {
        // When the server is stopped and started again.
        rig.wait_for_changes(100);
        servers.postgres.restart(mode).expect("it restarts");
        rig.database.reconnect();
        rig.database.wait_until_streaming();
    }
    rig.wait_for_changes(100);
    load.finish();
    rig.database.wait_until_confirmed();

    // Then the same process goes on, and nothing is lost or doubled.
    let findings = Audit::of(&rig.database, &rig.topics, TABLES).pass();
    assert_eq!(findings.duplicates, 0, "{}", walcast.stderr());
}

#[test]
fn an_immediate_stop_under_load_loses_and_doubles_nothing() {
    restarted(StopMode::Immediate);
}

#[test]
fn a_fast_stop_under_load_loses_and_doubles_nothing() {
    restarted(StopMode::Fast);
}

#[test]
fn a_fast_stop_does_not_wait_for_an_idle_reader() {
    // Given an idle stream whose slot is behind nothing.
    let servers = doomed();
    let mut rig = Rig::on(servers.postgres, servers.kafka);
    rig.set("status.update.interval.ms", "10000");
    let walcast = rig.stream();
    rig.database.execute("INSERT INTO uniq VALUES (1, 0, 'x')");
    rig.database.wait_until_confirmed();

    // When the server is stopped, which waits until walcast has confirmed the last byte of its log.
    let start = Instant::now();
    servers.postgres.stop(StopMode::Fast).expect("it stops");
    let taken = start.elapsed();

    // Then that takes a moment, and walcast comes back with the server.
    assert!(taken < Duration::from_secs(5), "{taken:?}: {}", walcast.stderr());
    servers.postgres.start_again().expect("it starts");
    rig.database.reconnect();
    rig.database.wait_until_streaming();
}
