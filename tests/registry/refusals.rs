//! What a registry refuses, and what it knows already.

use serde_json::json;

use super::desk::Desk;
use super::scene::{ask, confluent, id, versions};
use crate::stream::scene::Scene;
use crate::support::servers;

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, name text)";

#[test]
fn an_incompatible_change_stops_with_subject_version_reason_and_column() {
    // Given a subject that only takes compatible schemas.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let url = servers::registry().confluent_url();
    let mut walcast = scene.stream(&confluent(&url));
    scene.execute("INSERT INTO t VALUES (1, 'a')");
    scene.wait_for("public.t", 1);
    let subject = scene.subject("public.t", "value");
    let (status, answer) = ask("PUT", &format!("/config/{subject}"), Some(&json!({"compatibility": "BACKWARD"})));
    assert_eq!(status, 200, "{answer}");

    // When a column without default is added that must not be null.
    scene.execute("ALTER TABLE t ADD COLUMN code int NOT NULL DEFAULT 1; ALTER TABLE t ALTER COLUMN code DROP DEFAULT");
    scene.execute("INSERT INTO t VALUES (2, 'b', 3)");

    // Then walcast stops and says what an operator needs to know.
    assert_eq!(walcast.wait_exit().code(), Some(13), "{}", walcast.stderr());
    let log = walcast.stderr();
    for part in
        ["definite", &subject, "409", "latest version is 1", "column \"code\" (int) was added without a default"]
    {
        assert!(log.contains(part), "{part} is missing in\n{log}");
    }
    assert_eq!(versions(&subject), 1);

    // And once the subject takes it, it goes on where it stopped.
    ask("PUT", &format!("/config/{subject}"), Some(&json!({"compatibility": "NONE"})));
    let _walcast = scene.stream(&confluent(&url));
    scene.wait_for("public.t", 2);
    assert_eq!(versions(&subject), 2);
}

#[test]
fn a_schema_that_is_not_registered_is_refused_where_walcast_may_not_register_it() {
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let url = servers::registry().confluent_url();
    let mut properties = confluent(&url);
    properties.push(("key.converter.auto.register.schemas", "false"));
    properties.push(("value.converter.auto.register.schemas", "false"));
    let mut walcast = scene.stream(&properties);
    scene.execute("INSERT INTO t VALUES (1, 'a')");
    assert_eq!(walcast.wait_exit().code(), Some(13), "{}", walcast.stderr());
    let log = walcast.stderr();
    for part in [scene.subject("public.t", "key").as_str(), "is not registered", "auto.register.schemas=true"] {
        assert!(log.contains(part), "{part} is missing in\n{log}");
    }

    // When somebody registers them: walcast itself, in a first life, then it writes under them without registering.
    let first = scene.stream(&confluent(&url));
    let registered = scene.wait_for("public.t", 1);
    drop(first);
    let mut latest = properties.clone();
    latest.push(("key.converter.use.latest.version", "true"));
    latest.push(("value.converter.use.latest.version", "true"));
    for (count, properties) in [(2, &properties), (3, &latest)] {
        let _walcast = scene.stream(properties);
        scene.execute(&format!("INSERT INTO t VALUES ({count}, 'again')"));
        let records = scene.wait_for("public.t", count);
        let last = records.last().expect("a record");
        assert_eq!(last.value.as_deref().map(id), registered[0].value.as_deref().map(id));
        assert_eq!(last.key.as_deref().map(id), registered[0].key.as_deref().map(id));
    }
}

#[test]
fn the_schemas_of_debeziums_converter_keep_their_numbers() {
    // Given schemas as Debezium's own converter registered them, for another prefix.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/postgresql-15/shop/avro/schemas.jsonl");
    let text = std::fs::read_to_string(folder).expect("recorded schemas");
    let mut scene = Scene::new(
        servers::postgres_15(),
        "CREATE TABLE products (sku text PRIMARY KEY, title text NOT NULL, price numeric(8,2) NOT NULL, weight_kg real,
           stock integer NOT NULL DEFAULT 0, tags json, photo bytea, released date)",
    );
    "shop15_avro_numbers".clone_into(&mut scene.topics.prefix);
    let schema = |record: &str| {
        let wanted = "\"namespace\":\"shop15_avro.public.products\"";
        let line = text.lines().find(|line| {
            line.contains(&format!("\"schema\":{{\"type\":\"record\",\"name\":\"{record}\"")) && line.contains(wanted)
        });
        let line = line.expect("the schema of the table");
        let (_, schema) = line.split_once("\"schema\":").expect("a schema");
        // Nothing but the prefix is another one.
        schema[..schema.len() - 1].replace("shop15_avro.", "shop15_avro_numbers.")
    };
    let register = |side: &str, schema: &str| {
        let subject = scene.subject("public.products", side);
        let (status, answer) = ask("POST", &format!("/subjects/{subject}/versions"), Some(&json!({"schema": schema})));
        assert_eq!(status, 200, "{answer}");
        u32::try_from(answer["id"].as_u64().expect("a number")).expect("four bytes")
    };
    let key = register("key", &schema("Key"));
    let value = register("value", &schema("Envelope"));

    // When walcast writes the table in Avro.
    let url = servers::registry().confluent_url();
    let mut properties = confluent(&url);
    properties.push(("schema.name.adjustment.mode", "avro"));
    let _walcast = scene.stream(&properties);
    scene.execute("INSERT INTO products VALUES ('a', 'A', 1.50)");

    // Then its records have the very numbers, and no version is new.
    let records = scene.wait_for("public.products", 1);
    assert_eq!((records[0].key.as_deref().map(id), records[0].value.as_deref().map(id)), (Some(key), Some(value)));
    for side in ["key", "value"] {
        assert_eq!(versions(&scene.subject("public.products", side)), 1, "{side}");
    }
}

#[test]
fn credentials_are_shown_and_never_told() {
    const SECRET: &str = "s3cret-pass";
    // "ada:s3cret-pass" in base64.
    const BASIC: &str = "authorization: Basic YWRhOnMzY3JldC1wYXNz";
    let user_info = format!("ada:{SECRET}");
    let jaas = format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"ada\" password=\"{SECRET}\";"
    );
    type Settings<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, &str, Settings<'_>); 4] = [
        (BASIC, "", &[("basic.auth.credentials.source", "USER_INFO"), ("basic.auth.user.info", &user_info)]),
        (BASIC, &format!("{user_info}@"), &[]),
        (BASIC, "", &[("basic.auth.credentials.source", "SASL_INHERIT"), ("sasl.jaas.config", &jaas)]),
        (
            "authorization: Bearer s3cret-pass",
            "",
            &[("bearer.auth.credentials.source", "STATIC_TOKEN"), ("bearer.auth.token", SECRET)],
        ),
    ];
    for (header, user, settings) in cases {
        // Given a registry that asks for credentials.
        let scene = Scene::new(servers::postgres_15(), TABLE);
        let desk = Desk::asking_for(header);
        let url = desk.url_of(user);
        let names: Vec<(String, &str)> = ["key", "value"]
            .iter()
            .flat_map(|side| settings.iter().map(move |(name, value)| (format!("{side}.converter.{name}"), *value)))
            .collect();
        let mut properties = confluent(&url);
        properties.extend(names.iter().map(|(name, value)| (name.as_str(), *value)));

        // When walcast shows them, then it is let in.
        let walcast = scene.stream(&properties);
        scene.execute("INSERT INTO t VALUES (1, 'a')");
        scene.wait_for("public.t", 1);
        assert_eq!(desk.refused(), 0);
        assert!(!walcast.stderr().contains(SECRET), "{}", walcast.stderr());
    }

    // When it has none, or wrong ones, then it says so before anything is made, and does not repeat them.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let desk = Desk::asking_for(BASIC);
    let wrong = desk.url_of("ada:wrong-s3cret@");
    let mut walcast = scene.start(&confluent(&wrong));
    assert_eq!(walcast.wait_exit().code(), Some(13), "{}", walcast.stderr());
    let log = walcast.stderr();
    assert!(log.contains("the desk says 401") && log.contains("basic.auth.user.info"), "{log}");
    assert!(!log.contains("wrong-s3cret"), "{log}");
}
