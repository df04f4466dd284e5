//! What is recorded is whole: each variant of each scenario, and in each the schemas of all its records.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::comparison::Recorded;
use super::recording::Recording;

const MAJORS: [u16; 2] = [15, 18];
/// The end of a string that `column.truncate.to.5.chars` cut.
const HALF_A_CHARACTER: &str = "\\uD83C\"";

/// Given the recordings of a major version, then they hold what the corpus is to hold.
#[test]
fn corpus_is_as_large_as_it_is_said_to_be() {
    for major in MAJORS {
        let (mut tables, mut variants) = (BTreeSet::new(), BTreeMap::<String, usize>::new());
        let mut copies = BTreeSet::new();
        Recording::each_variant(major, |recording| {
            tables.extend(recording.tables.keys().map(|table| format!("{} {table}", recording.scenario)));
            copies
                .extend(recording.copies.iter().map(|copy| format!("{} {}", recording.scenario, copy.subject.name())));
            let records = recording.records.values().map(Vec::len).sum::<usize>();
            *variants.entry(recording.variant.clone()).or_default() += records;
        });

        assert!(tables.len() >= 170, "{} tables", tables.len());
        assert!(copies.len() >= 150, "{} tables that a snapshot reads", copies.len());
        assert!(variants.len() >= 17, "{variants:?}");
        assert!(variants["default"] >= 1_400, "{variants:?}");
    }
}

/// Given a record in any form, when it is read, then it is JSON as its connector's converter writes it, or Avro in
/// Confluent's framing.
#[test]
fn every_record_is_whole() {
    for major in MAJORS {
        Recording::each_variant(major, |recording| {
            let connector: Value = serde_json::from_str(&recording.connector).unwrap();
            let place = format!("{major} {} {}", recording.scenario, recording.variant);
            let converter = connector["value.converter"].as_str().unwrap_or_default();
            let enables_schemas = connector["value.converter.schemas.enable"] == "true";
            for (topic, records) in &recording.records {
                let prints =
                    |side: &str| connector[side].as_str().is_some_and(|class| class.ends_with("StringConverter"));
                let (keys, values) = (prints("key.converter"), prints("value.converter"));
                let parts = records.iter().flat_map(|Recorded { key, value, .. }| [(key, keys), (value, values)]);
                for (bytes, printed) in parts.filter_map(|(bytes, printed)| Some((bytes.as_ref()?, printed))) {
                    if printed {
                        assert!(bytes.starts_with(b"Struct{") && bytes.ends_with(b"}"), "{place} {topic}: {bytes:?}");
                        continue;
                    }
                    if converter.ends_with("AvroConverter") {
                        assert!(bytes.len() >= 5 && bytes[0] == 0, "{place} {topic}: {bytes:?}");
                        continue;
                    }
                    // Debezium cuts text between the halves of a surrogate pair, and writes the half.
                    let text = std::str::from_utf8(bytes).unwrap().replace(HALF_A_CHARACTER, "\"");
                    let json: Value = serde_json::from_str(&text)
                        .unwrap_or_else(|error| panic!("{place} {topic}: {error} in {text}"));
                    let envelope = if enables_schemas { &json["payload"] } else { &json };
                    assert!(envelope.is_object(), "{place} {topic}: {json}");
                    assert_eq!(enables_schemas, json["schema"]["type"] == "struct", "{place} {topic}: {json}");
                }
            }
        });
    }
}
