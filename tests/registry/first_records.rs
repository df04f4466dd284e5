//! Schemas are registered with the first record that is written under them, and no others are.

use serde_json::json;

use super::scene::{ask, borrowed, confluent, confluent_with, read, versions};
use crate::stream::scene::Scene;
use crate::support::{servers, wait};

/// The subjects of a scene's prefix, each without it.
fn subjects(scene: &Scene) -> Vec<String> {
    let (status, answer) = ask("GET", "/subjects", None);
    assert_eq!(status, 200, "{answer}");
    let prefix = format!("{}.", scene.topics.prefix);
    let names = answer.as_array().expect("subjects").iter().filter_map(|name| name.as_str()?.strip_prefix(&prefix));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn a_table_has_subjects_once_it_has_a_record() {
    // Given tables of which rows are written, are written and not captured, or are skipped, and one without key.
    let scene = Scene::new(
        servers::postgres_15(),
        "CREATE TABLE written (id int PRIMARY KEY); CREATE TABLE untouched (id int PRIMARY KEY);
         CREATE TABLE hidden (id int PRIMARY KEY); CREATE TABLE emptied (id int PRIMARY KEY);
         CREATE TABLE deleted (id int PRIMARY KEY); CREATE TABLE rootless (id int); CREATE TABLE fence (id int);
         CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE part PARTITION OF root FOR VALUES FROM (1) TO (9);
         INSERT INTO deleted VALUES (1); INSERT INTO emptied VALUES (1)",
    );
    let url = servers::registry().confluent_url();
    let mut properties = confluent(&url);
    properties.extend([
        ("table.exclude.list", "public.hidden"),
        ("skipped.operations", "u,t"),
        ("publication.autocreate.mode", "all_tables"),
        ("publish.via.partition.root", "true"),
    ]);

    // When all of them change in one transaction.
    let _walcast = scene.stream(&properties);
    scene.execute(
        "BEGIN; INSERT INTO written VALUES (1); INSERT INTO hidden VALUES (1); TRUNCATE emptied; DELETE FROM deleted;
         INSERT INTO rootless VALUES (1); INSERT INTO root VALUES (1); INSERT INTO fence VALUES (1); COMMIT",
    );
    scene.wait_for("public.fence", 1);

    // Then those have subjects that have records, and keys those that have keys.
    let expected = [
        "public.deleted-key",
        "public.deleted-value",
        "public.fence-value",
        "public.root-key",
        "public.root-value",
        "public.rootless-value",
        "public.written-key",
        "public.written-value",
    ];
    assert_eq!(subjects(&scene), expected);

    // And a column that is added is registered with the next row.
    scene.execute("ALTER TABLE written ADD COLUMN note text; INSERT INTO fence VALUES (2)");
    scene.wait_for("public.fence", 2);
    let subject = scene.subject("public.written", "value");
    assert_eq!(versions(&subject), 1);
    scene.execute("INSERT INTO written VALUES (2, 'two')");
    scene.wait_for("public.written", 2);
    assert_eq!(versions(&subject), 2);
    let records = scene.wait_for("public.deleted", 2);
    read(servers::registry(), records[0].value.as_deref().expect("a delete"));
}

#[test]
fn records_of_no_table_have_subjects_once_they_are_written() {
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY)");
    let url = servers::registry().confluent_url();
    let topic = format!("{}.tx", scene.topics.prefix);
    let mut properties = confluent(&url);
    let heartbeats = format!("{}.beats", scene.topics.prefix);
    properties.extend([
        ("provide.transaction.metadata", "true"),
        ("topic.transaction", "tx"),
        ("heartbeat.interval.ms", "3600000"),
        ("topic.heartbeat.prefix", &heartbeats),
    ]);

    // Given a connector that has written nothing, then nothing is registered.
    let walcast = scene.stream(&properties);
    assert_eq!(subjects(&scene), [""; 0]);

    // When a transaction is written, then it is, and with the first message so are messages.
    scene.execute("INSERT INTO t VALUES (1)");
    scene.topics.wait_for(&topic, 2);
    assert_eq!(subjects(&scene), ["public.t-key", "public.t-value", "tx-key", "tx-value"]);
    scene.execute("SELECT pg_logical_emit_message(false, 'p', 'content')");
    let messages = scene.topics.wait_for(&format!("{}.message", scene.topics.prefix), 1);
    read(servers::registry(), messages[0].value.as_deref().expect("a message"));
    assert_eq!(subjects(&scene)[..2], ["message-key", "message-value"]);
    drop(walcast);

    // And with the first heartbeat heartbeats.
    properties.retain(|(name, _)| *name != "heartbeat.interval.ms");
    properties.push(("heartbeat.interval.ms", "100"));
    let _walcast = scene.stream(&properties);
    wait::until("heartbeats are registered", wait::PATIENCE, || {
        subjects(&scene).iter().filter(|subject| subject.starts_with("beats")).count() == 2
    });
}

#[test]
fn an_incompatible_change_of_a_table_without_rows_stops_nothing() {
    // Given a subject that takes no other schema.
    let scene = Scene::new(
        servers::postgres_15(),
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE fence (id int PRIMARY KEY)",
    );
    let url = servers::registry().confluent_url();
    let _walcast = scene.stream(&confluent(&url));
    scene.execute("INSERT INTO t VALUES (1)");
    scene.wait_for("public.t", 1);
    let subject = scene.subject("public.t", "value");
    let (status, answer) = ask("PUT", &format!("/config/{subject}"), Some(&json!({"compatibility": "FULL"})));
    assert_eq!(status, 200, "{answer}");

    // When a column is added and taken back before a row, then the rows in between and after it go on.
    scene.execute("ALTER TABLE t ADD COLUMN code int NOT NULL DEFAULT 1; ALTER TABLE t ALTER code DROP DEFAULT");
    scene.execute("UPDATE t SET id = id WHERE false; INSERT INTO fence VALUES (1)");
    scene.wait_for("public.fence", 1);
    scene.execute("ALTER TABLE t DROP COLUMN code; INSERT INTO t VALUES (2)");
    scene.wait_for("public.t", 2);
    assert_eq!(versions(&subject), 1);
}

#[test]
fn tables_of_one_topic_are_registered_each() {
    // Given two tables whose records go to one topic, under subjects of their own.
    let scene = Scene::new(
        servers::postgres_15(),
        "CREATE TABLE \"a b\" (id int PRIMARY KEY, note text); CREATE TABLE \"a_b\" (id int PRIMARY KEY)",
    );
    let url = servers::registry().confluent_url();
    let strategy = "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy";
    let properties = confluent_with(&url, &[("SIDE.subject.name.strategy", strategy)]);
    let _walcast = scene.stream(&borrowed(&properties));

    // When both are written to in turn.
    for id in 1..=3 {
        scene.execute(&format!("INSERT INTO \"a b\" VALUES ({id}, 'x'); INSERT INTO a_b VALUES ({id})"));
    }

    // Then all records are read with their own schemas.
    let records = scene.wait_for("public.a_b", 6);
    for record in records {
        read(servers::registry(), record.key.as_deref().expect("a key"));
        read(servers::registry(), record.value.as_deref().expect("a value"));
    }
}
