//! What converters' settings change in subjects, numbers, schemas and records, end to end.

use apache_avro::types::Value as Avro;
use serde_json::Value;

use super::desk::Desk;
use super::scene::{ask, ask_apicurio, borrowed, confluent_with, id, latest, member, read, read_as, versions};
use crate::stream::scene::Scene;
use crate::support::servers;
use crate::support::topics::ConsumedRecord;

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT 8, price numeric(8, 2))";

fn value(record: &ConsumedRecord) -> &[u8] {
    record.value.as_deref().expect("a value")
}

#[test]
fn subjects_are_called_as_their_strategy_says() {
    let url = servers::registry().confluent_url();
    for (strategy, before) in [("RecordNameStrategy", ""), ("TopicRecordNameStrategy", "TOPIC-")] {
        // Given a strategy that looks at the record.
        let scene = Scene::new(servers::postgres_15(), TABLE);
        let class = format!("io.confluent.kafka.serializers.subject.{strategy}");
        let properties = confluent_with(&url, &[("SIDE.subject.name.strategy", &class)]);
        let _walcast = scene.stream(&borrowed(&properties));

        // When a row is written.
        scene.execute("INSERT INTO t VALUES (1)");

        // Then the subjects bear the records' names, the topic's subjects are not there, and readers find the schemas.
        let records = scene.wait_for("public.t", 1);
        let topic = scene.topics.topic("public.t");
        let before = before.replace("TOPIC", &topic);
        let (key, envelope) = (format!("{before}{topic}.Key"), format!("{before}{topic}.Envelope"));
        assert_eq!((versions(&key), versions(&envelope)), (1, 1), "{key} {envelope}");
        for side in ["key", "value"] {
            assert_eq!(ask("GET", &format!("/subjects/{topic}-{side}/versions"), None).0, 404);
        }
        let read_value = read(servers::registry(), value(&records[0]));
        assert_eq!(*member(member(&read_value, "after"), "n"), Avro::Int(8));
        let (_, registered) = ask("GET", &format!("/subjects/{envelope}/versions/latest"), None);
        assert_eq!(registered["id"].as_u64(), Some(id(value(&records[0])).into()));
    }
}

#[test]
fn schemas_keep_what_avro_has_no_words_for_unless_it_is_not_wanted() {
    let url = servers::registry().confluent_url();
    for (setting, kept) in [("true", true), ("false", false)] {
        let scene = Scene::new(servers::postgres_15(), TABLE);
        let settings = [("connect.meta.data", setting), ("enhanced.avro.schema.support", "true")];
        let _walcast = scene.stream(&borrowed(&confluent_with(&url, &settings)));
        scene.execute("INSERT INTO t VALUES (1, 2, 3.50)");
        let records = scene.wait_for("public.t", 1);
        let schema = latest(&scene.subject("public.t", "value"));
        assert_eq!(schema.to_string().contains("\"connect."), kept, "{schema}");
        // The scale is Avro's own word.
        assert!(schema.to_string().contains("\"logicalType\":\"decimal\""), "{schema}");
        let read_value = read(servers::registry(), value(&records[0]));
        assert_eq!(*member(member(&read_value, "after"), "n"), Avro::Int(2));
    }
}

#[test]
fn a_null_becomes_its_fields_default_unless_it_is_to_stay() {
    let url = servers::registry().confluent_url();
    for (setting, expected) in [("false", Avro::Int(8)), ("true", Avro::Null)] {
        let scene = Scene::new(servers::postgres_15(), TABLE);
        let properties = confluent_with(&url, &[("ignore.default.for.nullables", setting)]);
        let _walcast = scene.stream(&borrowed(&properties));
        scene.execute("INSERT INTO t VALUES (1, NULL, NULL)");
        let records = scene.wait_for("public.t", 1);
        let read_value = read(servers::registry(), value(&records[0]));
        assert_eq!(*member(member(&read_value, "after"), "n"), expected);
    }
}

#[test]
fn the_registry_is_asked_to_normalise_where_that_is_wanted() {
    for setting in ["true", "false"] {
        let scene = Scene::new(servers::postgres_15(), TABLE);
        let desk = Desk::open();
        let properties = confluent_with(&desk.url(), &[("normalize.schemas", setting)]);
        let walcast = scene.stream(&borrowed(&properties));
        scene.execute("INSERT INTO t VALUES (1)");
        let records = scene.wait_for("public.t", 1);
        read(servers::registry(), value(&records[0]));
        drop(walcast);

        // The same without registering: the registry finds what is there.
        let settings = [("normalize.schemas", setting), ("auto.register.schemas", "false")];
        let _walcast = scene.stream(&borrowed(&confluent_with(&desk.url(), &settings)));
        scene.execute("INSERT INTO t VALUES (2)");
        let records = scene.wait_for("public.t", 2);
        assert_eq!(id(value(&records[0])), id(value(&records[1])));
        let asked: Vec<String> = desk.requests().into_iter().filter(|request| request.starts_with("POST")).collect();
        assert_eq!(asked.len(), 4, "{asked:?}");
        assert!(asked.iter().all(|request| request.contains(&format!("normalize={setting}"))), "{asked:?}");
    }
}

/// Apicurio's converter that writes these numbers, in a group of its own.
fn apicurio(version: &str, use_id: &str, group: &str) -> Vec<(String, String)> {
    let url = servers::registry().native_url().replace("/v2", version);
    let settings = [
        ("apicurio.registry.url", url.as_str()),
        ("apicurio.registry.auto-register", "true"),
        ("apicurio.registry.as-confluent", "true"),
        ("apicurio.registry.use-id", use_id),
        ("apicurio.registry.headers.enabled", "false"),
        ("apicurio.registry.artifact.group-id", group),
    ];
    ["key", "value"]
        .iter()
        .flat_map(|side| {
            let class = (format!("{side}.converter"), "io.apicurio.registry.utils.converter.AvroConverter".to_owned());
            let settings = settings.iter();
            let settings = settings.map(move |(name, value)| (format!("{side}.converter.{name}"), (*value).to_owned()));
            std::iter::once(class).chain(settings)
        })
        .collect()
}

#[test]
fn apicurios_records_carry_the_number_of_the_text_or_of_the_version() {
    for version in ["/v2", "/v3"] {
        // Given one table whose schemas are registered in two groups: one text each, and two versions.
        let scene = Scene::new(servers::postgres_15(), TABLE);
        let prefix = &scene.topics.prefix;
        let groups = [format!("{prefix}-a"), format!("{prefix}-b")];
        let uses =
            [("contentId", &groups[0]), ("contentId", &groups[1]), ("globalId", &groups[0]), ("globalId", &groups[1])];
        for (count, (use_id, group)) in (1..).zip(uses) {
            let _walcast = scene.stream(&borrowed(&apicurio(version, use_id, group)));
            scene.execute(&format!("INSERT INTO t VALUES ({count})"));
            scene.wait_for("public.t", count);
            // Whoever follows does not send it again.
            scene.database.wait_until_confirmed();
        }

        // Then the text has one number in both, and each version its own, under which readers find the schema.
        let records = scene.wait_for("public.t", 4);
        let numbers: Vec<u32> = records.iter().map(|record| id(value(record))).collect();
        assert_eq!(numbers[0], numbers[1]);
        assert_ne!(numbers[2], numbers[3]);
        for (record, group) in records.iter().zip(groups.iter().cycle()).skip(2) {
            let artifact = scene.subject("public.t", "value");
            let (status, found) = ask_apicurio(&format!("/groups/{group}/artifacts/{artifact}/versions/branch=latest"));
            assert_eq!(status, 200, "{found}");
            assert_eq!(found["globalId"].as_u64(), Some(id(value(record)).into()), "{found}");
        }
        for (record, ids) in records.iter().zip(["contentIds", "contentIds", "globalIds", "globalIds"]) {
            let (status, schema): (u16, Value) = ask_apicurio(&format!("/ids/{ids}/{}", id(value(record))));
            assert_eq!(status, 200);
            assert_eq!(*member(&read_as(schema, value(record)), "op"), Avro::String("c".to_owned()));
        }
    }
}
