//! Unclean configurations: refused before anything happens, with everything that is wrong and no secret.

use serde_json::{Map, Value};

use super::scene::Scene;
use crate::support::servers;
use crate::support::walcast::Walcast;

/// Properties over the good ones (`null` takes one away), and what must be named.
const BROKEN: &[(&str, &[&str])] = &[
    (r#"{"slot.name": "My-Slot"}"#, &["slot.name", "My-Slot", "lower-case"]),
    (r#"{"slot.name": ""}"#, &["slot.name"]),
    (r#"{"slot.name": "a_name_that_is_longer_than_any_slot_of_a_server_may_ever_be_in_this_world"}"#, &["slot.name"]),
    (r#"{"publication.name": ""}"#, &["publication.name"]),
    (r#"{"publication.autocreate.mode": "sometimes"}"#, &["publication.autocreate.mode", "filtered"]),
    (r#"{"plugin.name": "decoderbufs"}"#, &["plugin.name", "pgoutput"]),
    (r#"{"topic.prefix": "two words"}"#, &["topic.prefix"]),
    (r#"{"topic.prefix": null}"#, &["topic.prefix"]),
    (r#"{"database.hostname": null}"#, &["database.hostname"]),
    (r#"{"database.hostname": "a,b"}"#, &["database.hostname"]),
    (r#"{"database.port": "70000"}"#, &["database.port", "65535"]),
    (r#"{"database.port": "5432x"}"#, &["database.port", "5432x"]),
    (r#"{"database.user": null, "database.dbname": null}"#, &["database.user", "database.dbname"]),
    (r#"{"database.sslmode": "on"}"#, &["database.sslmode", "verify-full"]),
    (r#"{"snapshot.mode": "custom"}"#, &["snapshot.mode", "Java"]),
    (r#"{"snapshot.mode": "sometimes"}"#, &["snapshot.mode", "no_data"]),
    (r#"{"table.include.list": "public.(t"}"#, &["table.include.list"]),
    (r#"{"table.include.list": "a.b", "table.exclude.list": "c.d"}"#, &["table.include.list", "table.exclude.list"]),
    (r#"{"skipped.operations": "x"}"#, &["skipped.operations"]),
    (r#"{"tombstones.on.delete": "perhaps"}"#, &["tombstones.on.delete", "perhaps"]),
    (r#"{"status.update.interval.ms": "0"}"#, &["status.update.interval.ms"]),
    (r#"{"errors.max.retries": "many"}"#, &["errors.max.retries", "many"]),
    (r#"{"max.queue.size.in.bytes": "-1"}"#, &["max.queue.size.in.bytes"]),
    (r#"{"bootstrap.servers": "no-port"}"#, &["bootstrap.servers"]),
    (r#"{"bootstrap.servers": null}"#, &["bootstrap.servers"]),
    (r#"{"connector.class": "io.debezium.connector.mysql.MySqlConnector"}"#, &["connector.class", "PostgreSQL"]),
    (r#"{"value.converter": "io.confluent.connect.avro.AvroConverter"}"#, &["value.converter"]),
    (r#"{"transforms": "route"}"#, &["transforms"]),
    (
        r#"{"topic.naming.strategy": "com.example.Mine"}"#,
        &["topic.naming.strategy", "SchemaUnicodeTopicNamingStrategy"],
    ),
    (r#"{"topic.naming.strategy": "io.debezium.schema.SchemaRegexTopicNamingStrategy"}"#, &["topic.regex"]),
    (r#"{"transaction.metadata.factory": "com.example.Mine"}"#, &["transaction.metadata.factory", "not there yet"]),
    (r#"{"message.prefix.include.list": "a", "message.prefix.exclude.list": "b"}"#, &["message.prefix.exclude.list"]),
    (r#"{"heartbeat.interval.ms": "-1"}"#, &["heartbeat.interval.ms"]),
    (r#"{"event.processing.failure.handling.mode": "sometimes"}"#, &["event.processing.failure.handling.mode", "warn"]),
    (r#"{"walcast.dead.letter.topic": "two words"}"#, &["walcast.dead.letter.topic"]),
    (r#"{"database.dbname": "${env:WALCAST_NOBODY_SETS_THIS}"}"#, &["WALCAST_NOBODY_SETS_THIS"]),
    (r#"{"database.dbname": "${file:/nowhere/at/all:key}"}"#, &["/nowhere/at/all"]),
    (r#"{"database.port": {"of": "objects"}}"#, &["database.port"]),
    (r#"{"producer.override.acks": "1"}"#, &["producer.override.acks"]),
    (r#"{"producer.override.enable.idempotence": "false"}"#, &["producer.override.enable.idempotence"]),
    (r#"{"topic.creation.default.partitions": "none"}"#, &["topic.creation.default.partitions"]),
    (r#"{"database.password": "${env:WALCAST_NO_SUCH_PASSWORD}"}"#, &["database.password", "WALCAST_NO_SUCH_PASSWORD"]),
    (
        r#"{"slot.name": "My-Slot", "database.port": "0", "topic.prefix": "two words", "tombstones.on.delete": "perhaps"}"#,
        &["4 mistakes", "slot.name", "database.port", "topic.prefix", "tombstones.on.delete"],
    ),
];

/// Files that are not even a connector.
const UNREADABLE: &[(&str, &str)] = &[
    ("c.json", ""),
    ("c.json", "{\"name\": \"x\", \"config\": "),
    ("c.json", "[1, 2]"),
    ("c.json", "{\"a\": 1, \"a\": 2}"),
    ("c.properties", "slot.name = a\nslot.name = b\n"),
    ("c.properties", "topic.prefix = \\u12\n"),
    ("c", "\u{0}\u{1}"),
];

const SECRETS: [&str; 2] = ["hunter2-s3cret", "jaas-s3cret"];

fn good(scene: &Scene) -> Map<String, Value> {
    scene.config(&[
        ("bootstrap.servers", servers::kafka().bootstrap()),
        ("database.password", SECRETS[0]),
        ("producer.override.sasl.jaas.config", "PlainLoginModule required username=\"u\" password=\"jaas-s3cret\";"),
    ])
}

fn assert_refused(mut walcast: Walcast, what: &str, parts: &[&str]) {
    let code = walcast.wait_exit().code();
    let log = walcast.stderr();
    assert_eq!(code, Some(2), "{what}\n{log}");
    for part in parts {
        assert!(log.contains(part), "{part} is not in the answer to {what}\n{log}");
    }
    for secret in SECRETS {
        assert!(!log.contains(secret), "{what} shows a secret:\n{log}");
    }
    assert!(!log.contains("panicked"), "{what}\n{log}");
}

#[test]
fn broken_configurations_are_refused_before_anything_happens() {
    // Given a database without slot and publication, and a configuration that would be good but for one thing.
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY)");
    for (broken, parts) in BROKEN {
        let mut config = good(&scene);
        let Value::Object(changes) = serde_json::from_str(broken).expect("JSON") else { panic!("{broken}") };
        for (name, value) in changes {
            match value {
                Value::Null => config.remove(&name),
                value => config.insert(name, value),
            };
        }

        // When walcast starts, then it ends with the code of a bad configuration and names what is wrong.
        assert_refused(Walcast::run_with(&config, &[]), broken, parts);
    }
    for (name, text) in UNREADABLE {
        assert_refused(Walcast::run_file(name, text, &[], &[]), text, &[name]);
    }

    // And nothing was made.
    assert!(!scene.has_slot() && !scene.has_publication());
    assert_eq!(scene.topics.existing().len(), 0);
}

#[test]
fn bad_arguments_end_with_the_code_of_a_bad_configuration() {
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY)");
    for (arguments, part) in [
        (["--set", "no-equals-sign"], "KEY=VALUE"),
        (["--listen", "8083"], "--listen"),
        (["--shutdown-timeout", "5"], "--shutdown-timeout"),
        (["--sink", "file"], "--sink"),
        (["--set", "slot.name=My-Slot"], "(--set)"),
    ] {
        assert_refused(Walcast::run_with(&good(&scene), &arguments), &arguments.join(" "), &[part]);
    }
    assert!(!scene.has_slot());
}
