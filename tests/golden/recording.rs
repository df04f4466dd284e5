//! Reads a recording: its files are one JSON object a line, see the README beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walcast::catalog::facts::{ColumnFacts, Facts, TableFacts, TypeFacts, TypeSort};
use walcast::lsn::Lsn;
use walcast::pgoutput::{RelationId, TypeOid};

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
    /// All recordings of a major version, by name.
    pub(super) fn all(major: u16) -> Vec<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("postgresql-{major}"));
        let mut scenarios: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        scenarios.sort();
        scenarios.iter().map(|scenario| Self::read(scenario)).collect()
    }

    fn read(folder: &Path) -> Self {
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let frame = |line: &Value| Frame { lsn: lsn(&line["lsn"]), data: from_hex(text(&line["data"])) };
        let facts_lines = lines(&folder.join("facts.jsonl"));
        let tables = facts_lines[0]["tables"].as_array().unwrap().iter();
        Self {
            server: name(folder.parent().unwrap()),
            scenario: name(folder),
            connector: fs::read_to_string(folder.join("connector.json")).unwrap(),
            frames: lines(&folder.join("frames.jsonl")).iter().map(frame).collect(),
            facts: facts_lines.iter().map(|line| (lsn(&line["lsn"]), facts(line))).collect(),
            tables: tables.map(|table| (text(&table["name"]).to_owned(), table_facts(table))).collect(),
            records: lines(&folder.join("records.jsonl"))
                .iter()
                .map(|line| (text(&line["topic"]).to_owned(), record(line)))
                .collect(),
        }
    }

    /// What the catalog said when the frame at `lsn` was written.
    pub(super) fn facts_at(&self, lsn: Lsn) -> &Facts {
        let after = self.facts.partition_point(|(from, _)| *from <= lsn);
        &self.facts[after.saturating_sub(1)].1
    }
}

/// The statements that prepare a scenario.
pub(super) fn setup(scenario: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/sql/{scenario}.sql"));
    let text = fs::read_to_string(path).unwrap();
    let (setup, _) = text.split_once("-- workload").unwrap();
    setup.split("\n\n").map(str::to_owned).collect()
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

fn record(line: &Value) -> Recorded {
    let bytes = |value: &Value| value.as_str().map(|text| text.as_bytes().to_vec());
    let header = |header: &Value| (text(&header[0]).to_owned(), bytes(&header[1]).unwrap());
    Recorded {
        key: bytes(&line["key"]),
        value: bytes(&line["value"]),
        headers: line["headers"].as_array().unwrap().iter().map(header).collect(),
    }
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
