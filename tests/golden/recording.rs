//! Reads a recording: see the README beside the files.
//!
//! A scenario's folder holds frames and facts, and one folder for each variant of the configuration that it was
//! recorded under.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walcast::catalog::facts::{ColumnFacts, Facts, TableFacts, TypeFacts, TypeSort};
use walcast::lsn::Lsn;
use walcast::pgoutput::{RelationId, TypeOid};

/// Scenarios whose types walcast does not all know yet.
const SCENARIOS_TO_COME: &[&str] = &[
    "adjusted", "bytes", "columns", "defaults", "geometry", "masks", "numbers", "required", "strings", "temporal",
    "unknown",
];
/// The variant that walcast writes; the others are to come.
const VARIANT: &str = "default";
/// Stands in a record for the headers that all records have in common.
const CONTEXT_MARK: &str = "context";

/// What one run of a scenario left.
pub(super) struct Recording {
    /// Folder name of the server's major version.
    pub(super) server: String,
    /// Folder name.
    pub(super) scenario: String,
    /// The configuration Debezium ran with.
    pub(super) connector: String,
    /// Frames of the second slot.
    pub(super) frames: Vec<Frame>,
    /// Catalog facts with the position from which they hold, ascending.
    facts: Vec<(Lsn, Facts)>,
    /// Tables by schema and name, as they were before the workload.
    pub(super) tables: BTreeMap<String, TableFacts>,
    /// Debezium's records with their topics, in order per topic.
    pub(super) records: Vec<(String, Recorded)>,
}

/// One pgoutput message.
pub(super) struct Frame {
    /// Start of its XLogData.
    pub(super) lsn: Lsn,
    /// The message.
    pub(super) data: Vec<u8>,
}

/// A record as it stands in a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
}

impl Recording {
    /// All recordings of a major version that walcast has to equal, by name.
    pub(super) fn all(major: u16) -> Vec<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("postgresql-{major}"));
        let mut scenarios: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        scenarios.sort();
        scenarios.retain(|scenario| !SCENARIOS_TO_COME.contains(&name(scenario).as_str()));
        scenarios.iter().map(|scenario| Self::read(scenario, VARIANT)).collect()
    }

    /// Every variant of every scenario of a major version, also those that walcast does not equal yet.
    pub(super) fn each_variant(major: u16, mut what: impl FnMut(&str, &Self)) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("postgresql-{major}"));
        for scenario in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            for variant in variants(&name(&scenario)) {
                what(&variant, &Self::read(&scenario, &variant));
            }
        }
    }

    fn read(folder: &Path, variant: &str) -> Self {
        let frame = |line: &Value| Frame { lsn: lsn(&line["lsn"]), data: from_hex(text(&line["data"])) };
        let variant = folder.join(variant);
        let common = Common::read(&variant);
        let facts_lines = lines(&folder.join("facts.jsonl"));
        let tables = facts_lines[0]["tables"].as_array().unwrap().iter();
        Self {
            server: name(folder.parent().unwrap()),
            scenario: name(folder),
            connector: fs::read_to_string(variant.join("connector.json")).unwrap(),
            frames: lines(&folder.join("frames.jsonl")).iter().map(frame).collect(),
            facts: facts_lines.iter().map(|line| (lsn(&line["lsn"]), facts(line))).collect(),
            tables: tables.map(|table| (text(&table["name"]).to_owned(), table_facts(table))).collect(),
            records: lines(&variant.join("records.jsonl"))
                .iter()
                .map(|line| (text(&line["topic"]).to_owned(), record(line, &common)))
                .collect(),
        }
    }

    /// What the catalog said when the frame at `lsn` was written.
    pub(super) fn facts_at(&self, lsn: Lsn) -> &Facts {
        let after = self.facts.partition_point(|(from, _)| *from <= lsn);
        &self.facts[after.saturating_sub(1)].1
    }
}

/// The statements of a scenario.
fn statements(scenario: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/sql/{scenario}.sql"));
    fs::read_to_string(path).unwrap()
}

/// The variants that a scenario is recorded under.
fn variants(scenario: &str) -> Vec<String> {
    let text = statements(scenario);
    let names = text.lines().find_map(|line| line.strip_prefix("-- variants: ")).unwrap();
    names.split_whitespace().map(str::to_owned).collect()
}

/// The statements that prepare a scenario.
pub(super) fn setup(scenario: &str) -> Vec<String> {
    let text = statements(scenario);
    let (setup, _) = text.split_once("-- workload").unwrap();
    setup.split("\n\n").map(str::to_owned).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn lines(path: &Path) -> Vec<Value> {
    let content = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    content.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn lsn(value: &Value) -> Lsn {
    Lsn::new(value.as_u64().unwrap())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn names(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|name| text(name).to_owned()).collect()
}

fn oid(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn from_hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

type Header = (String, Vec<u8>);

/// What the records of a variant have in common.
struct Common {
    headers: Vec<Header>,
    /// The first stands where a text has U+0001, and so on.
    phrases: Vec<String>,
    schemas: Schemas,
}

impl Common {
    fn read(variant: &Path) -> Self {
        let common: Value = serde_json::from_str(&fs::read_to_string(variant.join("common.json")).unwrap()).unwrap();
        Self {
            headers: headers(&common["headers"], &[]),
            phrases: names(&common["phrases"]),
            schemas: schemas(&variant.join("schemas.jsonl")),
        }
    }
}

type Schemas = BTreeMap<u64, String>;

/// The schemas of a recording by id; plain text has none.
fn schemas(path: &Path) -> Schemas {
    let text = fs::read_to_string(path).unwrap_or_default();
    let entry = |line: &str| {
        let (id, schema) = line.strip_prefix("{\"id\":").unwrap().split_once(",\"schema\":").unwrap();
        (id.parse().unwrap(), schema.strip_suffix('}').unwrap().to_owned())
    };
    text.lines().map(entry).collect()
}

/// The bytes of a schema, in which other schemas stand by their ids.
fn schema(id: u64, schemas: &Schemas) -> String {
    let mut parts = schemas[&id].split("{\"@\":");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (id, rest) = part.split_once(',').unwrap();
        text.push_str(schema(id.parse().unwrap(), schemas).strip_suffix('}').unwrap());
        text.push(',');
        text.push_str(rest);
    }
    text
}

fn record(line: &Value, common: &Common) -> Recorded {
    Recorded {
        key: bytes(&line["key"], common),
        value: bytes(&line["value"], common),
        headers: headers(&line["headers"], &common.headers),
    }
}

/// A key or value: text, text with its schema, or Avro.
fn bytes(part: &Value, common: &Common) -> Option<Vec<u8>> {
    match part {
        Value::Null => None,
        Value::String(short) => Some(whole(short, common).into_bytes()),
        _ => Some(match part["schema"].as_u64() {
            Some(id) => {
                let (schema, payload) = (schema(id, &common.schemas), whole(text(&part["payload"]), common));
                format!("{{\"schema\":{schema},\"payload\":{payload}}}").into_bytes()
            }
            None => from_hex(text(&part["hex"])),
        }),
    }
}

fn whole(short: &str, common: &Common) -> String {
    let phrases = (1_u8..).zip(&common.phrases);
    phrases.fold(short.to_owned(), |text, (mark, phrase)| text.replace(char::from(mark), phrase))
}

/// Pairs of name and value; the mark stands for those of the context.
fn headers(list: &Value, context: &[Header]) -> Vec<Header> {
    let header = |header: &Value| match header.as_str() {
        Some(mark) => {
            assert_eq!(mark, CONTEXT_MARK);
            context.to_vec()
        }
        None => vec![(text(&header[0]).to_owned(), text(&header[1]).as_bytes().to_vec())],
    };
    list.as_array().unwrap().iter().flat_map(header).collect()
}

fn facts(line: &Value) -> Facts {
    let tables = line["tables"].as_array().unwrap().iter();
    let types = line["types"].as_array().unwrap().iter();
    Facts {
        tables: tables.map(|table| (RelationId(oid(&table["oid"])), table_facts(table))).collect(),
        types: types.map(|kind| (TypeOid(oid(&kind["oid"])), type_facts(kind))).collect(),
        ended_before: None,
    }
}

fn table_facts(table: &Value) -> TableFacts {
    let column = |column: &Value| ColumnFacts {
        name: text(&column["name"]).to_owned(),
        not_null: column["not_null"].as_bool().unwrap(),
        default_expression: column["default"].as_str().map(str::to_owned),
    };
    TableFacts {
        columns: table["columns"].as_array().unwrap().iter().map(column).collect(),
        primary_key: names(&table["primary_key"]),
        unique_indexes: table["unique_indexes"].as_array().unwrap().iter().map(names).collect(),
    }
}

fn type_facts(kind: &Value) -> TypeFacts {
    let sort = match (text(&kind["typtype"]), oid(&kind["elem"])) {
        ("e", _) => TypeSort::Enum(names(&kind["labels"])),
        ("d", _) => TypeSort::Domain {
            base: TypeOid(oid(&kind["base"])),
            typmod: i32::try_from(kind["typmod"].as_i64().unwrap()).unwrap(),
        },
        ("b", 0) => TypeSort::Base,
        ("b", element) => TypeSort::Array(TypeOid(element)),
        _ => TypeSort::Other,
    };
    TypeFacts { name: text(&kind["name"]).to_owned(), schema: text(&kind["schema"]).to_owned(), sort }
}
