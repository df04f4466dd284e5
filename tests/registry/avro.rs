//! Avro end to end: written by walcast, read by another library with the schemas that the registry gives.

use apache_avro::types::Value as Avro;

use super::scene::{confluent, id, member, read, versions};
use crate::stream::scene::Scene;
use crate::support::servers;

/// Apicurio's converter as a Debezium file has it.
fn apicurio(url: &str) -> Vec<(String, String)> {
    let mut properties = Vec::new();
    for side in ["key", "value"] {
        let name = format!("{side}.converter");
        properties.push((name.clone(), "io.apicurio.registry.utils.converter.AvroConverter".to_owned()));
        for (setting, value) in [
            ("apicurio.registry.url", url),
            ("apicurio.registry.auto-register", "true"),
            ("apicurio.registry.as-confluent", "true"),
            ("apicurio.registry.use-id", "contentId"),
            ("apicurio.registry.headers.enabled", "false"),
        ] {
            properties.push((format!("{name}.{setting}"), value.to_owned()));
        }
    }
    properties
}

fn assert_read_back(scene: &Scene) {
    let registry = servers::registry();
    // When rows are written before and after a column is added.
    scene.execute("INSERT INTO t VALUES (1, 'Ada', 1.50)");
    scene.execute("ALTER TABLE t ADD COLUMN born date");
    scene.execute("UPDATE t SET born = '1815-12-10'");
    scene.execute("DELETE FROM t");

    // Then a reader gets them with the registry's schemas, each under that of its own position.
    let records = scene.wait_for("public.t", 4);
    let keys: Vec<Avro> = records.iter().map(|record| read(registry, record.key.as_deref().expect("a key"))).collect();
    assert!(keys.iter().all(|key| *member(key, "id") == Avro::Int(1)), "{keys:?}");
    let values: Vec<Avro> =
        records.iter().filter_map(|record| Some(read(registry, record.value.as_deref()?))).collect();
    let [created, updated, deleted] = &values[..] else { panic!("{values:?}") };
    assert_eq!(*member(created, "op"), Avro::String("c".to_owned()));
    assert_eq!(*member(member(created, "after"), "name"), Avro::String("Ada".to_owned()));
    assert_eq!(*member(member(updated, "after"), "born"), Avro::Int(-56_270));
    assert_eq!(*member(deleted, "after"), Avro::Null);
    assert_eq!(records[3].value, None, "a tombstone has no schema");
    let number = |at: usize| id(records[at].value.as_deref().expect("a value"));
    assert_ne!(number(0), number(1), "another column is another schema");
    assert_eq!(number(1), number(2));
    assert_eq!(versions(&scene.subject("public.t", "value")), 2);
    assert_eq!(versions(&scene.subject("public.t", "key")), 1);
}

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, price numeric(8, 2) DEFAULT 0.5)";

#[test]
fn avro_of_confluents_converter_is_read_with_the_registrys_schemas() {
    // Given a table that walcast streams in Avro.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let url = servers::registry().confluent_url();
    let _walcast = scene.stream(&confluent(&url));
    assert_read_back(&scene);
}

#[test]
fn avro_of_apicurios_converter_is_read_in_both_versions_of_its_interface() {
    let registry = servers::registry();
    for url in [registry.native_url(), registry.native_url().replace("/v2", "/v3")] {
        let scene = Scene::new(servers::postgres_15(), TABLE);
        let properties = apicurio(&url);
        let properties: Vec<_> = properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let _walcast = scene.stream(&properties);
        assert_read_back(&scene);
    }
}
