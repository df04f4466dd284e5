//! Records, rows and transactions that are large.

use super::scene::{Scene, after, heavy, operations};
use crate::support::{servers, wait};

/// The memory that issue and documentation promise at full speed, bytes.
const MEMORY_MAX: u64 = 150 * 1024 * 1024;

#[test]
fn a_record_over_the_limit_stops_with_what_to_do_and_nothing_is_lost() {
    // Given a topic that takes records up to 100 kB, and a table with a compound key and a secret in it.
    let table = "CREATE TABLE t (region text, \"order no\" int, body text, PRIMARY KEY (region, \"order no\"))";
    let scene = Scene::new(servers::postgres_15(), table);
    let topic = scene.topics.topic("public.t");
    scene.topics.create(std::slice::from_ref(&topic), 1, &[("max.message.bytes", "100000")]);
    // Java's batch size: brokers refuse batches, and only a record that is larger than a batch is alone in one.
    let batch = ("producer.override.batch.size", "16384");
    let mut walcast = scene.stream(&[batch]);
    scene.execute("INSERT INTO t VALUES ('s3cret-region', 1, 'small')");
    scene.wait_for("public.t", 1);
    scene.database.wait_until_confirmed();

    // When a larger one comes that does not compress, and another small one after it.
    let before = scene.database.session().execute_behind(
        "INSERT INTO t SELECT 's3cret-region', 2, 's3cret-body' || string_agg(md5(n::text), '') \
         FROM generate_series(1, 10000) n",
    );
    scene.execute("INSERT INTO t VALUES ('s3cret-region', 3, 'small')");

    // Then walcast ends and names table, key columns, size and setting, and no value of the row.
    assert_eq!(walcast.wait_exit().code(), Some(7), "{}", walcast.stderr());
    let log = walcast.stderr();
    for part in [r#""public"."t""#, "(region, order no)", "320", "max.message.bytes"] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
    assert!(!log.contains("s3cret"), "a value of the row is in the log:\n{log}");

    // And nothing past it is confirmed.
    assert!(scene.database.confirmed_lsn().expect("a slot") <= before);

    // When the topic's limit is raised and walcast starts again, then all rows are there, in order.
    scene.topics.configure(&topic, "max.message.bytes", "900000");
    let _walcast = scene.stream(&[batch]);
    scene.wait_for("public.t", 3);
    let mut numbers = after(&scene.settled("public.t"), "order no");
    numbers.dedup();
    assert_eq!(numbers, ["1", "2", "3"]);
}

#[test]
fn a_row_of_20_megabytes_arrives_whole() {
    // Given a topic and a producer that take it.
    let (_turn, server) = heavy();
    let scene = Scene::new(server, "CREATE TABLE t (id int PRIMARY KEY, body text)");
    let topic = scene.topics.topic("public.t");
    scene.topics.create(std::slice::from_ref(&topic), 1, &[("max.message.bytes", "50000000")]);
    let _walcast = scene.stream(&[("producer.override.max.request.size", "50000000")]);

    // When a row of 20 MB comes.
    scene.execute("INSERT INTO t VALUES (1, repeat(md5('a'), 625000)), (2, 'small')");

    // Then it arrives with every byte.
    let records = scene.wait_for("public.t", 2);
    let expected = scene.database.session().value("SELECT md5(body) FROM t WHERE id = 1").expect("a digest");
    let bodies = after(&records, "body");
    assert_eq!((bodies[0].len(), &*bodies[1]), (20_000_000, "small"));
    scene.execute("CREATE TEMPORARY TABLE found (body text)");
    scene.database.session().execute_with("INSERT INTO found VALUES ($1)", &[&bodies[0]]);
    assert_eq!(scene.database.session().value("SELECT md5(body) FROM found"), Some(expected));
}

#[test]
fn a_transaction_of_200_megabytes_needs_no_memory() {
    const ROWS: usize = 200_000;
    // Given walcast.
    let (_turn, server) = heavy();
    let scene = Scene::new(server, "CREATE TABLE t (id int PRIMARY KEY, body text)");
    let walcast = scene.stream(&[]);

    // When one transaction writes 200,000 rows of 1 kB.
    scene.execute(&format!("INSERT INTO t SELECT n, repeat(md5(n::text), 32) FROM generate_series(1, {ROWS}) n"));

    // Then each is delivered once, and memory stays within its bound.
    wait_until_delivered(&walcast, ROWS);
    scene.database.wait_until_confirmed();
    assert_delivered_once(&scene, &walcast, ROWS);
}

#[test]
fn a_transaction_of_a_million_rows_needs_no_memory() {
    const ROWS: usize = 1_000_000;
    let (_turn, server) = heavy();
    let scene = Scene::new(server, "CREATE TABLE t (id int PRIMARY KEY, n int)");
    let walcast = scene.stream(&[]);

    // When one transaction writes a million rows.
    scene.execute(&format!("INSERT INTO t SELECT n, n FROM generate_series(1, {ROWS}) n"));

    // Then each is delivered once, and memory stays within its bound.
    wait_until_delivered(&walcast, ROWS);
    scene.database.wait_until_confirmed();
    assert_delivered_once(&scene, &walcast, ROWS);
}

fn wait_until_delivered(walcast: &crate::support::walcast::Walcast, records: usize) {
    wait::until("all records are delivered", wait::PATIENCE * 3, || {
        walcast.metric("walcast_records_delivered_total").is_some_and(|delivered| delivered >= records as f64)
    });
}

#[track_caller]
fn assert_delivered_once(scene: &Scene, walcast: &crate::support::walcast::Walcast, rows: usize) {
    let peak = walcast.peak_resident_bytes();
    assert!(peak < MEMORY_MAX, "{} MiB were resident", peak >> 20);
    assert_eq!(walcast.metric("walcast_records_delivered_total"), Some(rows as f64));
    assert_eq!(scene.topics.end_offset(&scene.topics.topic("public.t")), i64::try_from(rows).expect("it fits"));
    // The last record is the last row: the order was kept to the end.
    let last = scene.topics.read_last(&scene.topics.topic("public.t"), 10);
    let ids: Vec<_> = (rows - 9..=rows).map(|id| id.to_string()).collect();
    assert_eq!((after(&last, "id"), operations(&last).as_str()), (ids, "cccccccccc"));
}
