//! What a consumer sees of create, update, delete and key changes, and in which partition.

use serde_json::json;
use walcast::local::PostgresServer;

use super::murmur2::partition;
use super::scene::{Scene, after, header, operations};
use crate::support::{servers, wait};

fn every_operation_arrives_in_order(server: &'static dyn PostgresServer) {
    // Given a table that walcast streams.
    let scene = Scene::new(server, "CREATE TABLE t (id int PRIMARY KEY, words text)");
    let walcast = scene.stream(&[]);

    // When a row is created, changed, given another key, and deleted.
    scene.execute("INSERT INTO t VALUES (1, 'a')");
    scene.execute("UPDATE t SET words = 'b'");
    scene.execute("UPDATE t SET id = 2");
    scene.execute("DELETE FROM t");

    // Then a consumer sees each step; a key change is delete, tombstone and create.
    let records = scene.wait_for("public.t", 7);
    assert_eq!(operations(&records), "cud-cd-");
    let keys: Vec<_> = records.iter().map(|record| record.key_text().expect("a key")).collect();
    let (one, two) = ("{\"id\":1}", "{\"id\":2}");
    assert_eq!(keys, [one, one, one, one, two, two, two]);
    let create = records[0].json();
    assert_eq!((&create["before"], &create["after"]), (&json!(null), &json!({"id": 1, "words": "a"})));
    assert_eq!(records[1].json()["after"], json!({"id": 1, "words": "b"}));
    assert_eq!(records[2].json()["before"], json!({"id": 1, "words": null}));
    assert_eq!(records[4].json()["after"], json!({"id": 2, "words": "b"}));
    assert_eq!(records[6].value, None);

    // And the source block says where each came from.
    let source = &create["source"];
    assert_eq!(source["connector"], "postgresql");
    assert_eq!(source["name"], scene.topics.prefix);
    assert_eq!(
        (&source["db"], &source["schema"], &source["table"]),
        (&json!(scene.database.name), &json!("public"), &json!("t"))
    );
    assert_eq!(source["snapshot"], "false");
    let lsns: Vec<_> = records.iter().filter_map(|record| record.json()["source"]["lsn"].as_u64()).collect();
    assert!(lsns.is_sorted() && lsns.len() == 5, "{lsns:?}");

    // And the headers link the two halves of a key change, and name the connector.
    assert_eq!(header(&records[2], "__debezium.newkey").as_deref(), Some(two));
    assert_eq!(header(&records[4], "__debezium.oldkey").as_deref(), Some(one));
    let name = header(&records[0], "__debezium.context.connectorLogicalName");
    assert_eq!(name.as_deref(), Some(scene.topics.prefix.as_str()));
    assert_eq!(header(&records[0], "__debezium.newkey"), None);

    // And the metrics count each change of a row once, whatever number of records it makes.
    for (operation, count) in [("create", 1.0), ("update", 2.0), ("delete", 1.0)] {
        let sample = format!("walcast_events_total{{table=\"public.t\",operation=\"{operation}\"}}");
        wait::until("the changes are counted", wait::PATIENCE, || walcast.metric(&sample) == Some(count));
    }
    wait::until("the records are counted", wait::PATIENCE, || {
        walcast.metric("walcast_records_delivered_total") == Some(7.0)
    });
}

#[test]
fn every_operation_arrives_in_order_from_postgres_15() {
    every_operation_arrives_in_order(servers::postgres_15());
}

#[test]
fn every_operation_arrives_in_order_from_postgres_18() {
    every_operation_arrives_in_order(servers::postgres_18());
}

#[test]
fn tombstones_and_context_headers_can_be_left_out() {
    // Given a connector without both.
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY)");
    let _walcast = scene.stream(&[("tombstones.on.delete", "false"), ("extended.headers.enabled", "false")]);

    // When a row comes and goes.
    scene.execute("INSERT INTO t VALUES (1)");
    scene.execute("DELETE FROM t");

    // Then there are two records, without headers.
    scene.wait_for("public.t", 2);
    let records = scene.settled("public.t");
    assert_eq!(operations(&records), "cd");
    assert!(records.iter().all(|record| record.headers.is_empty()), "{records:?}");
}

#[test]
fn keys_lie_in_the_partitions_where_java_puts_them() {
    const PARTITIONS: i32 = 7;
    // Given a topic of several partitions.
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY, n int)");
    scene.topics.create(&[scene.topics.topic("public.t")], PARTITIONS, &[]);
    let _walcast = scene.stream(&[]);

    // When rows with many keys are written, then changed twice.
    scene.execute("INSERT INTO t SELECT id, 0 FROM generate_series(1, 200) id");
    scene.execute("UPDATE t SET n = 1");
    scene.execute("UPDATE t SET n = 2");

    // Then every record lies where Java's partitioner puts its key, on all partitions, in order for each key.
    let records = scene.wait_for("public.t", 600);
    let mut used = [0; PARTITIONS as usize];
    for record in &records {
        assert_eq!(record.partition, partition(record.key.as_deref().expect("a key"), PARTITIONS));
        used[usize::try_from(record.partition).expect("positive")] += 1;
    }
    assert!(used.iter().all(|&count| count > 30), "{used:?}");
    for id in 1..=200 {
        let key = format!("{{\"id\":{id}}}");
        let of_key: Vec<_> = records.iter().filter(|record| record.key_text() == Some(&key)).cloned().collect();
        assert_eq!(after(&of_key, "n"), ["0", "1", "2"], "{key}");
    }
}

#[test]
fn a_table_without_a_key_has_records_without_a_key() {
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (words text)");
    scene.execute("ALTER TABLE t REPLICA IDENTITY FULL");
    let _walcast = scene.stream(&[]);

    // When its row is changed under full replica identity.
    scene.execute("INSERT INTO t VALUES ('a')");
    scene.execute("UPDATE t SET words = 'b'");

    // Then the old row is there, and no key.
    let records = scene.wait_for("public.t", 2);
    assert_eq!(operations(&records), "cu");
    assert!(records.iter().all(|record| record.key.is_none()));
    assert_eq!(records[1].json()["before"], json!({"words": "a"}));
}
