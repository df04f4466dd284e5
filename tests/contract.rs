//! The public contract in `schemas/`: whether it is what the code makes, and whether it is true of records and of
//! connectors.

use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::{Value, json};
use walcast::catalog::{Column, ColumnType, DeclaredType, Learnt, Nullability, RelationVersion, SourceType};
use walcast::history::record::Record;
use walcast::history::{Fingerprint, Numbers};
use walcast::lsn::{CommitLsn, Lsn, Position};
use walcast::pgoutput::{RelationId, ReplicaIdentity, TypeOid};
use walcast::pgtime::PgMicros;

#[path = "tools/contract/mod.rs"]
mod generated;

fn source_tree() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn json_file(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A JSON Schema of the contract, as it lies there.
fn validator(name: &str) -> Validator {
    jsonschema::validator_for(&json_file(&generated::folder().join(name))).expect("a JSON Schema")
}

#[track_caller]
fn assert_valid(validator: &Validator, instance: &Value, what: &str) {
    let errors: Vec<String> =
        validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}:\n{}\n{instance:#}", errors.join("\n"));
}

#[test]
fn every_file_is_what_the_code_makes() {
    let folder = generated::folder();
    let mut stale = Vec::new();
    let mut made = std::collections::BTreeSet::new();
    for file in generated::files() {
        if std::fs::read_to_string(folder.join(&file.path)).ok().as_ref() != Some(&file.text) {
            stale.push(file.path.clone());
        }
        made.insert(folder.join(file.path));
    }
    for part in ["", "json", "avro"] {
        for entry in std::fs::read_dir(folder.join(part)).expect("a folder of the contract") {
            let path = entry.expect("an entry").path();
            let ours =
                path.is_dir() || path.extension().is_some_and(|extension| extension == "md") || made.contains(&path);
            if !ours {
                stale.push(format!("{} (nothing makes it)", path.display()));
            }
        }
    }
    assert!(stale.is_empty(), "run `cargo run --example contract` for:\n{}", stale.join("\n"));
}

/// A record that Debezium wrote.
struct Recorded {
    topic: String,
    key: Value,
    value: Value,
}

/// The records of a scenario that Debezium wrote in JSON, without their schemas; tombstones left out.
fn recorded(scenario: &str, variant: &str) -> Vec<Recorded> {
    let folder = source_tree().join("tests/golden/postgresql-15").join(scenario).join(variant);
    let common = json_file(&folder.join("common.json"));
    let phrases = common["phrases"].as_array().expect("phrases");
    let full = |text: &Value| {
        let phrase = |c: char| match phrases.get((c as usize).wrapping_sub(1)) {
            Some(phrase) => phrase.as_str().expect("text").to_owned(),
            None => c.to_string(),
        };
        let payload = text.as_str().or_else(|| text["payload"].as_str());
        let text: Option<String> = payload.map(|text| text.chars().map(phrase).collect());
        text.map_or(Value::Null, |text| serde_json::from_str(&text).expect("JSON"))
    };
    let lines = std::fs::read_to_string(folder.join("records.jsonl")).expect("records");
    let records = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")).map(|record| Recorded {
        topic: record["topic"].as_str().expect("a topic").to_owned(),
        key: full(&record["key"]),
        value: full(&record["value"]),
    });
    records.filter(|record| !record.value.is_null()).collect()
}

/// The values of a scenario's changes.
fn golden(scenario: &str) -> Vec<Value> {
    let records = recorded(scenario, "default").into_iter().filter(|record| !record.topic.ends_with(".message"));
    records.map(|record| record.value).collect()
}

#[test]
fn recorded_transactions_and_messages_are_as_the_contract_says() {
    let mut seen = std::collections::BTreeMap::new();
    for (scenario, variant, name) in
        [("transactions", "transaction-metadata", "transaction"), ("transactions", "default", "message")]
    {
        let key = validator(&format!("json/{name}-key.schema.json"));
        let value = validator(&format!("json/{name}-value.schema.json"));
        for record in recorded(scenario, variant).iter().filter(|record| record.topic.ends_with(&format!(".{name}"))) {
            assert_valid(&key, &record.key, name);
            assert_valid(&value, &record.value, name);
            *seen.entry(name).or_insert(0) += 1;
        }
    }
    assert!(seen.len() == 2 && seen.values().all(|seen| *seen > 1), "{seen:?}");
}

#[test]
fn recorded_changes_are_as_the_contract_says() {
    let (envelope, source) = (validator("json/envelope.schema.json"), validator("json/source.schema.json"));
    let mut seen = 0;
    for scenario in ["shop", "shapes", "transactions", "types"] {
        for value in golden(scenario) {
            assert_valid(&envelope, &value, scenario);
            assert_valid(&source, &value["source"], scenario);
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} records");
}

#[test]
fn another_record_is_not() {
    let envelope = validator("json/envelope.schema.json");
    let good = golden("shop").remove(0);
    assert!(envelope.is_valid(&good));
    let bad: [&dyn Fn(&mut Value); 5] = [
        &|value| drop(value.as_object_mut().expect("an object").remove("op")),
        &|value| value["more"] = json!(1),
        &|value| value["op"] = json!(1),
        &|value| value["source"]["lsn"] = json!("16/B374D848"),
        &|value| value["source"]["snapshot"] = json!("maybe"),
    ];
    for (nth, spoil) in bad.into_iter().enumerate() {
        let mut value = good.clone();
        spoil(&mut value);
        assert!(!envelope.is_valid(&value), "{nth}: {value}");
    }
}

/// A table with everything that a record of the history can say.
fn version() -> Record {
    let column = |name: &str, declared: DeclaredType, default: Option<&str>| Column {
        name: name.to_owned(),
        type_oid: TypeOid(0),
        typmod: -1,
        identity: default.is_none(),
        column_type: ColumnType::Text,
        declared,
        nullability: Nullability::Optional,
        default: default.map(str::to_owned),
        source_type: SourceType::default(),
        learnt: Learnt::FromStream,
    };
    let mood = DeclaredType {
        name: "public.feeling".to_owned(),
        modifiers: Vec::new(),
        made_of: vec!["public.mood".to_owned()],
        labels: vec!["good".to_owned(), "bad".to_owned()],
    };
    let price = DeclaredType { name: "numeric".to_owned(), modifiers: vec![10, 2], ..DeclaredType::default() };
    let relation = RelationVersion {
        id: RelationId(1),
        version: 1,
        schema: "public".to_owned(),
        table: "t".to_owned(),
        identity: ReplicaIdentity::Full,
        columns: vec![column("mood", mood, None), column("price", price, Some("1.50"))],
        key: vec![0],
    };
    let (number, _) = Numbers::default().number("public", "t", Fingerprint::of(&relation));
    let position = Position { commit: CommitLsn::new(Lsn::new(0xAB)), ordinal: 1 };
    Record::new(&relation, number, position, PgMicros::from_unix_micros(1_700_000_000_123_456))
}

#[test]
fn records_of_the_schema_history_are_as_the_contract_says_in_json_and_in_avro() {
    let record = version();
    for (name, bytes) in [("schema-history-key", &record.key), ("schema-history-value", &record.value)] {
        let json: Value = serde_json::from_slice(bytes).expect("JSON");
        assert_valid(&validator(&format!("json/{name}.schema.json")), &json, name);
        let avro = std::fs::read_to_string(generated::folder().join(format!("avro/{name}.avsc"))).expect("a file");
        let avro = apache_avro::Schema::parse_str(&avro).expect("an Avro schema");
        let value = apache_avro::types::Value::from(json).resolve(&avro).expect("it fits the schema");
        let bytes = apache_avro::to_avro_datum(&avro, value.clone()).expect("Avro");
        let back = apache_avro::from_avro_datum(&avro, &mut bytes.as_slice(), None).expect("Avro");
        assert_eq!(back, value);
    }
}

#[test]
fn every_avro_file_is_an_avro_schema() {
    let mut seen = 0;
    for file in generated::files().into_iter().filter(|file| file.path.ends_with(".avsc")) {
        if let Err(error) = apache_avro::Schema::parse_str(&file.text) {
            panic!("{}: {error}", file.path);
        }
        seen += 1;
    }
    assert!(seen >= 11, "only {seen}");
}

#[test]
fn ready_made_connectors_are_as_the_contract_says_and_mistakes_are_not() {
    // Given the connectors that come with walcast, when they are held against the schema, then it takes them.
    let validator = validator("configuration.schema.json");
    let mut seen = 0;
    for entry in std::fs::read_dir(source_tree().join("connectors")).expect("connectors") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            assert_valid(&validator, &json_file(&path), &path.display().to_string());
            seen += 1;
        }
    }
    assert!(seen >= 4, "only {seen} connectors");

    // When a property has another value, then it takes what walcast takes, and nothing else.
    let with = |name: &str, value: Value| {
        let mut config = json!({
            "topic.prefix": "p", "database.hostname": "h", "database.user": "u", "database.dbname": "d",
        });
        config[name] = value;
        config
    };
    for (name, value, taken) in [
        ("decimal.handling.mode", json!("DOUBLE"), true),
        ("decimal.handling.mode", json!("exact"), false),
        ("decimal.handling.mode", json!("${env:MODE}"), true),
        ("tombstones.on.delete", json!(true), true),
        ("tombstones.on.delete", json!("False"), true),
        ("tombstones.on.delete", json!("no"), false),
        ("database.port", json!(5432), true),
        ("database.port", json!("5432"), true),
        ("database.port", json!(-1), false),
        ("database.port", json!("some"), false),
        ("walcast.headers", json!("position,event_id"), true),
        ("slot.name", json!(["a"]), false),
        ("somebody.elses", json!("x"), true),
    ] {
        let config = with(name, value.clone());
        assert_eq!(validator.is_valid(&config), taken, "{name} = {value}");
        assert_eq!(validator.is_valid(&json!({"name": "c", "config": config})), taken, "{name} = {value} in config");
    }
    assert!(!validator.is_valid(&json!({"name": "c", "config": {"topic.prefix": "p"}})), "what is required is missing");
}
