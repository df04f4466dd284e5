//! Heartbeats, and what they do for a database in which nothing happens.

use super::scene::Scene;
use crate::support::{servers, wait};

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE beat (id int PRIMARY KEY, at timestamptz)";
const QUERY: &str = "INSERT INTO public.beat VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET at = excluded.at";

#[test]
fn the_slot_of_an_idle_database_moves_with_the_heartbeats() {
    // Given a database in which nothing happens, and heartbeats that write to a table of their own.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let topic = format!("__debezium-heartbeat.{}", scene.topics.prefix);
    let properties = [
        ("heartbeat.interval.ms", "200"),
        ("heartbeat.action.query", QUERY),
        ("table.include.list", "public.t"),
        ("topic.creation.default.partitions", "3"),
        ("topic.creation.default.replication.factor", "1"),
    ];
    let walcast = scene.stream(&properties);
    let before = scene.database.confirmed_lsn().expect("a slot");

    // When some of them have come, then the confirmed position has moved, by the heartbeats alone.
    wait::until("the slot moves", wait::PATIENCE, || {
        scene.database.confirmed_lsn().is_some_and(|confirmed| confirmed > before)
    });
    let between = scene.database.confirmed_lsn().expect("a slot");
    wait::until("the slot moves on", wait::PATIENCE, || {
        scene.database.confirmed_lsn().is_some_and(|confirmed| confirmed > between)
    });
    let records = scene.topics.wait_for(&topic, 3);

    // And each is a record of one key in partition 0, a little later than the one before.
    let key = format!("{{\"serverName\":\"{}\"}}", scene.topics.prefix);
    let alike = |record: &crate::support::topics::ConsumedRecord| {
        record.key_text() == Some(&key) && record.partition == 0 && record.headers.is_empty()
    };
    assert!(records.iter().all(alike), "{records:?}");
    let times: Vec<_> = records.iter().map(|record| record.json()["ts_ms"].as_i64().expect("a time")).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 150), "{times:?}");
    wait::until("they are counted", wait::PATIENCE, || {
        walcast.metric("walcast_heartbeats_total ").is_some_and(|beats| beats >= 3.0)
    });
    assert_eq!(walcast.metric("walcast_heartbeat_query_failures_total "), Some(0.0));
}

#[test]
fn a_failing_heartbeat_query_is_counted_and_stops_nothing() {
    // Given a query that fails each time.
    let scene = Scene::new(servers::postgres_18(), TABLE);
    let query = "INSERT INTO nowhere VALUES ('s3cret')";
    let properties = [
        ("heartbeat.interval.ms", "100"),
        ("heartbeat.action.query", query),
        ("topic.heartbeat.prefix", "beat"),
        ("topic.delimiter", "_"),
    ];
    let mut walcast = scene.stream(&properties);

    // When it has failed some times, then rows still flow, and the log does not show the statement.
    wait::until("failures are counted", wait::PATIENCE, || {
        walcast.metric("walcast_heartbeat_query_failures_total ").is_some_and(|failures| failures >= 3.0)
    });
    scene.execute("INSERT INTO t VALUES (1)");
    scene.topics.wait_for(&format!("{}_public_t", scene.topics.prefix), 1);
    scene.topics.wait_for(&format!("beat_{}", scene.topics.prefix), 2);
    let log = walcast.stderr();
    assert_eq!(log.matches("heartbeat.action.query failed").count(), 1, "{log}");
    assert!(!log.contains("s3cret"), "{log}");
    assert!(walcast.terminate().success());
}
