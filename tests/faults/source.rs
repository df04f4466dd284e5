//! The way to PostgreSQL is cut, stalled, slowed down, or ended by an administrator.

use std::time::{Duration, Instant};

use super::audit::Audit;
use super::load::TABLES;
use super::rig::{Rig, delivered, reconnects, seed};
use crate::support::proxy::Direction;
use crate::support::wait;

#[test]
fn cuts_at_random_moments_lose_nothing_and_double_nothing() {
    // Given a stream through a proxy, under load.
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut rig = Rig::shared();
    let proxy = rig.proxied();
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let load = rig.load(seed);
    let walcast = rig.stream();

    // When the connections are cut again and again.
    for _ in 0..12 {
        rig.database.wait_until_streaming();
        rig.wait_for_changes(random.u64(..150));
        proxy.cut();
    }
    load.finish();
    rig.database.wait_until_confirmed();

    // Then the process, which knows what it has appended, sends nothing twice.
    assert!(reconnects(&walcast, "source") >= 3.0, "{}", walcast.stderr());
    assert_eq!(audit.pass().duplicates, 0);
}

#[test]
fn a_cut_inside_a_large_transaction_doubles_nothing() {
    // Given a transaction of several slices on a slow line.
    let mut rig = Rig::shared();
    let proxy = rig.proxied();
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let walcast = rig.stream();
    let received = proxy.bytes(Direction::ToClient);
    rig.database.execute("INSERT INTO uniq SELECT n, 0, repeat('x', 100) FROM generate_series(1, 25000) n");

    // When the line is cut inside it, twice.
    for _ in 0..2 {
        wait::until("more of it has come", wait::PATIENCE, || proxy.bytes(Direction::ToClient) > received + 1_000_000);
        proxy.cut();
        rig.database.wait_until_streaming();
    }
    rig.database.wait_until_confirmed();

    // Then every row is there once.
    let findings = audit.pass();
    assert_eq!((findings.changes, findings.duplicates), (25_000, 0), "{}", walcast.stderr());
}

#[test]
fn silence_in_the_middle_of_a_transaction_is_noticed() {
    // Given a stream under load, so that most moments lie inside a transaction or beside deliveries.
    let mut rig = Rig::shared();
    let proxy = rig.proxied();
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let walcast = rig.stream();
    rig.database.execute("INSERT INTO uniq SELECT n, 0, repeat('x', 100) FROM generate_series(1, 25000) n");
    wait::until("it is inside the transaction", wait::PATIENCE, || delivered(&walcast) > 0.0);

    // When no byte of the server arrives any more, though no connection is closed.
    proxy.stall(Direction::ToClient);
    walcast.wait_until_logged("silent for too long");
    proxy.flow();

    // Then it makes a new session and goes on.
    rig.database.wait_until_confirmed();
    let findings = audit.pass();
    assert_eq!((findings.changes, findings.duplicates), (25_000, 0), "{}", walcast.stderr());
}

#[test]
fn answers_that_do_not_arrive_end_the_session_at_the_server_and_it_is_made_again() {
    // Given a server that gives up a silent reader after a second.
    let mut rig = Rig::shared();
    rig.database.execute(&format!("ALTER DATABASE {} SET wal_sender_timeout = '1s'", rig.database.name));
    let proxy = rig.proxied();
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let load = rig.load(seed());
    let _walcast = rig.stream();
    rig.wait_for_changes(50);

    // When nothing that walcast says arrives until the server has given it up.
    proxy.stall(Direction::ToServer);
    rig.wait_until_alone();
    proxy.flow();

    // Then it streams again, and nothing is lost or doubled.
    rig.database.wait_until_streaming();
    load.finish();
    rig.database.wait_until_confirmed();
    assert_eq!(audit.pass().duplicates, 0);
}

#[test]
fn a_slow_line_is_no_fault() {
    // Given a line with a delay on every piece, both ways.
    let mut rig = Rig::shared();
    let proxy = rig.proxied();
    for direction in [Direction::ToClient, Direction::ToServer] {
        proxy.delay(direction, Duration::from_millis(100));
    }
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let walcast = rig.stream();

    // When rows are written.
    let load = rig.load(seed());
    rig.wait_for_changes(300);
    load.finish();
    rig.database.wait_until_confirmed();

    // Then all arrive over one session.
    assert_eq!(reconnects(&walcast, "source"), 0.0);
    assert_eq!(audit.pass().duplicates, 0);
}

#[test]
fn a_walsender_that_is_terminated_again_and_again_comes_back() {
    // Given a stream under load.
    let rig = Rig::shared();
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let load = rig.load(seed());
    let walcast = rig.stream();

    // When an administrator ends its walsender several times.
    for _ in 0..6 {
        rig.database.wait_until_streaming();
        rig.wait_for_changes(50);
        if let Some(pid) = rig.database.walsender() {
            rig.database.execute(&format!("SELECT pg_terminate_backend({pid})"));
        }
    }
    load.finish();
    rig.database.wait_until_confirmed();

    // Then nothing is lost or doubled.
    assert!(reconnects(&walcast, "source") >= 5.0);
    assert_eq!(audit.pass().duplicates, 0);
}

#[test]
fn a_server_that_is_away_for_a_while_is_waited_for_without_work() {
    // Given a stream.
    let mut rig = Rig::shared();
    let proxy = rig.proxied();
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let walcast = rig.stream();

    // When the server is away for several seconds.
    proxy.refuse(true);
    proxy.cut();
    rig.wait_until_alone();
    rig.database.execute("INSERT INTO uniq VALUES (1, 0, 'while away')");
    let (start, used) = (Instant::now(), walcast.cpu_time());
    wait::until("five seconds have passed", wait::PATIENCE, || start.elapsed() > Duration::from_secs(5));
    let used = walcast.cpu_time() - used;
    proxy.refuse(false);

    // Then it comes back by itself, and waiting has cost next to nothing.
    rig.database.wait_until_confirmed();
    assert_eq!(audit.pass().changes, 1);
    assert!(used < Duration::from_secs(1), "{used:?} of processor time for five seconds of waiting");
}

#[test]
fn a_limit_of_retries_ends_with_an_exit_code_of_its_own() {
    // Given a limit of two retries.
    let mut rig = Rig::shared();
    rig.set("errors.max.retries", "2");
    let proxy = rig.proxied();
    let mut walcast = rig.stream();

    // When the server stays away.
    proxy.refuse(true);
    proxy.cut();

    // Then walcast gives up and says what to change.
    let status = walcast.wait_exit();
    let report = walcast.stderr();
    assert_eq!(status.code(), Some(9), "{report}");
    assert!(report.contains("error (definite): gave up after 2 retries"), "{report}");
    assert!(report.contains("remedy: ") && report.contains("errors.max.retries"), "{report}");
}
