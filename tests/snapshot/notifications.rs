//! What is told of incremental snapshots, in the log and in a topic.

use super::incremental::{SIGNALS, TABLE, signal};
use crate::stream::scene::Scene;
use crate::support::servers;
use crate::support::topics::ConsumedRecord;

/// Type, signal and the rest of each notification; the name of the connector is the topic prefix.
fn told(records: &[ConsumedRecord], prefix: &str) -> Vec<String> {
    let one = |record: &ConsumedRecord| {
        let json = record.json();
        assert_eq!(json["aggregate_type"], "Incremental Snapshot");
        assert_eq!(record.key_text().unwrap(), format!("{{\"id\":{}}}", json["id"]));
        let more = json["additional_data"].as_object().unwrap();
        assert_eq!(more["connector_name"], prefix);
        let more = more.iter().filter(|(name, _)| *name != "connector_name").map(|(_, text)| text.as_str().unwrap());
        let (kind, id) = (json["type"].as_str().unwrap(), json["id"].as_str().unwrap());
        format!("{kind} of {id}: {}", more.collect::<Vec<_>>().join(" "))
    };
    records.iter().map(one).collect()
}

#[test]
fn notifications_tell_of_an_incremental_snapshot_as_debezium_does() {
    // Given both channels, when tables are read beside the stream, one of them in two chunks, and one is not there.
    let scene = Scene::new(
        servers::postgres_18(),
        &format!(
            "{SIGNALS} CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2), (3);
             CREATE TABLE keyless (id int); CREATE TABLE empty (id int PRIMARY KEY)"
        ),
    );
    let topic = scene.topics.topic("notifications");
    let walcast = scene.stream(&[
        TABLE,
        ("incremental.snapshot.chunk.size", "2"),
        ("notification.enabled.channels", "sink,log"),
        ("notification.sink.topic.name", &topic),
    ]);
    let tables = r#"{"data-collections": ["public.a", "public.nowhere", "public\\.(keyless|empty)"]}"#;
    signal(&scene, "s1", "execute-snapshot", tables);

    // Then each step has a record under the signal's id, and a line in the log.
    let prefix = &scene.topics.prefix;
    let records = scene.topics.wait_for(&topic, 8);
    assert_eq!(
        told(&records, prefix),
        [
            "STARTED of s1: public.a,public.nowhere,public.empty,public.keyless",
            "IN_PROGRESS of s1: public.a 3 public.a,public.nowhere,public.empty,public.keyless 2",
            "IN_PROGRESS of s1: public.a 3 public.a,public.nowhere,public.empty,public.keyless 3",
            "TABLE_SCAN_COMPLETED of s1: public.a 3 public.a,public.nowhere,public.empty,public.keyless SUCCEEDED",
            "TABLE_SCAN_COMPLETED of s1: public.nowhere 0 public.nowhere,public.empty,public.keyless UNKNOWN_SCHEMA",
            "TABLE_SCAN_COMPLETED of s1: public.empty 0 public.empty,public.keyless EMPTY",
            "TABLE_SCAN_COMPLETED of s1: public.keyless 0 public.keyless NO_PRIMARY_KEY",
            "COMPLETED of s1: ",
        ]
    );
    walcast.wait_until_logged("COMPLETED");

    // And a snapshot that is paused at once, resumed and stopped says so.
    scene.execute("INSERT INTO a SELECT generate_series(4, 20000)");
    signal(&scene, "s2", "execute-snapshot", r#"{"data-collections": ["public.a"]}"#);
    signal(&scene, "p", "pause-snapshot", "{}");
    walcast.wait_until_logged("is paused");
    signal(&scene, "r", "resume-snapshot", "{}");
    signal(&scene, "t", "stop-snapshot", "{}");
    walcast.wait_until_logged("is stopped");
    scene.database.wait_until_confirmed();
    let records = scene.topics.read_to_end(&topic);
    let kinds: Vec<String> =
        told(records.get(8..).unwrap(), prefix).into_iter().filter(|told| !told.starts_with("IN_PROGRESS")).collect();
    assert_eq!(
        kinds,
        ["STARTED of s2: public.a", "PAUSED of s2: public.a", "RESUMED of s2: public.a", "ABORTED of s2: public.a"]
    );
}
