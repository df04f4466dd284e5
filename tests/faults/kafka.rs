//! The broker is restarted, killed, or frozen.

use std::time::Duration;

use super::audit::Audit;
use super::load::TABLES;
use super::rig::{Rig, delivered, doomed, reconnects, seed};
use crate::support::wait;
use crate::support::walcast::Walcast;

#[test]
fn a_broker_that_is_restarted_or_killed_under_load_loses_and_reorders_nothing() {
    // Given a stream under load.
    let servers = doomed();
    let rig = Rig::on(servers.postgres, servers.kafka);
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let load = rig.load(seed());
    let walcast = rig.stream();
    wait::until("records are delivered", wait::PATIENCE, || delivered(&walcast) > 50.0);

    // When the broker is stopped in order and started again, and killed and started again.
    servers.kafka.stop().expect("it stops");
    rig.wait_for_changes(100);
    servers.kafka.start_again().expect("it starts");
    let before = delivered(&walcast);
    wait::until("records are delivered again", wait::PATIENCE, || delivered(&walcast) > before + 50.0);
    servers.kafka.kill().expect("it is killed");
    rig.wait_for_changes(100);
    servers.kafka.start_again().expect("it starts");
    load.finish();
    rig.database.wait_until_confirmed();

    // Then all is there in order, and the session with PostgreSQL never ended.
    let findings = audit.pass();
    assert_eq!(reconnects(&walcast, "source"), 0.0, "{}", walcast.stderr());
    assert_eq!((reconnects(&walcast, "sink"), findings.duplicates), (0.0, 0), "{}", walcast.stderr());
}

#[test]
fn a_frozen_broker_stops_the_stream_within_its_memory_and_the_server_stays_answered() {
    // Given a small queue, and a server that gives a silent reader up after two seconds though updates are rare.
    let servers = doomed();
    let mut rig = Rig::on(servers.postgres, servers.kafka);
    rig.database.execute(&format!("ALTER DATABASE {} SET wal_sender_timeout = '2s'", rig.database.name));
    rig.set("status.update.interval.ms", "10000");
    rig.set("max.queue.size.in.bytes", "2000000");
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let walcast = rig.stream();
    rig.database.execute("INSERT INTO uniq VALUES (0, 0, 'first')");
    rig.database.wait_until_confirmed();
    let (walsender, resident) = (rig.database.walsender(), walcast.resident_bytes());

    // When the broker answers nothing for a while, and far more is written than the queue holds.
    servers.kafka.pause().expect("it is frozen");
    rig.database.execute("INSERT INTO uniq SELECT n, 1, repeat('x', 1000) FROM generate_series(1, 30000) n");
    wait::until("the queue is full", wait::PATIENCE, || queue_bytes(&walcast) > 1_000_000.0);
    let load = rig.load(seed());
    let grown = wait::while_holding("the walsender stays", Duration::from_secs(12), || {
        assert_eq!(rig.database.walsender(), walsender, "{}", walcast.stderr());
        assert!(queue_bytes(&walcast) <= 2_000_000.0, "the queue is bounded");
        walcast.resident_bytes().saturating_sub(resident)
    });
    servers.kafka.resume().expect("it goes on");
    load.finish();
    rig.database.wait_until_confirmed();

    // Then memory stayed near the bound, no session ended, and all is there once.
    assert!(grown < 60 << 20, "{grown} bytes more than when idle");
    assert_eq!((reconnects(&walcast, "source"), reconnects(&walcast, "sink")), (0.0, 0.0), "{}", walcast.stderr());
    assert_eq!(audit.pass().duplicates, 0);
}

#[test]
fn a_stop_with_a_frozen_broker_and_a_lost_server_ends_in_time_and_loses_nothing() {
    // Given rows that the broker does not take, and a short time for a stop.
    let servers = doomed();
    let mut rig = Rig::on(servers.postgres, servers.kafka);
    let proxy = rig.proxied();
    let audit = Audit::begin(&rig.database, &rig.topics, TABLES);
    let bootstrap = servers.kafka.bootstrap();
    let arguments = ["--bootstrap-servers", bootstrap, "--shutdown-timeout", "4s"];
    for server_lost_first in [true, false] {
        let mut walcast = Walcast::run_with(&rig.config, &arguments);
        walcast.wait_until_streaming(&rig.database);
        let id = if server_lost_first { 1 } else { 2 };
        rig.database.execute(&format!("INSERT INTO uniq VALUES (1{id}, 0, 'taken')"));
        rig.database.wait_until_confirmed();
        servers.kafka.pause().expect("it is frozen");
        rig.database.execute(&format!("INSERT INTO uniq VALUES (2{id}, 0, 'stuck')"));
        wait::until("it is in the queue", wait::PATIENCE, || queue_bytes(&walcast) > 0.0);

        // When the server is lost before or after the order to stop.
        if server_lost_first {
            proxy.refuse(true);
            proxy.cut();
            walcast.wait_until_logged("closed the connection");
            walcast.order_stop();
        } else {
            walcast.order_stop();
            walcast.wait_until_logged("stopping");
            proxy.refuse(true);
            proxy.cut();
        }

        // Then it says in time what is unfinished.
        let status = walcast.wait_exit();
        assert_eq!(status.code(), Some(10), "{}", walcast.stderr());
        servers.kafka.resume().expect("it goes on");
        proxy.refuse(false);
    }

    // And the next run delivers it.
    let _walcast = rig.stream();
    rig.database.wait_until_confirmed();
    assert_eq!(audit.pass().changes, 4);
}

fn queue_bytes(walcast: &Walcast) -> f64 {
    walcast.metric("walcast_queue_bytes ").unwrap_or_default()
}
