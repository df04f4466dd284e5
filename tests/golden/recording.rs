//! Reads a recording: see the README beside the files.
//!
//! A scenario's folder holds frames and facts, and one folder for each variant of the configuration that it was
//! recorded under.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walcast::catalog::facts::{ColumnFacts, Facts, Sending, TableFacts, TypeFacts, TypeSort};
use walcast::catalog::{Learnt, OwnedColumn, OwnedRelation};
use walcast::lsn::Lsn;
use walcast::pgoutput::{RelationId, ReplicaIdentity, TypeOid};
use walcast::snapshot::query::Query;
use walcast::snapshot::tables::{Expected, Storage, Subject};

use super::chunks::{self, Read};
use super::comparison::{Recorded, Topics};

/// The recorder's own table, in which it inserts a row before each change of the catalog.
const BARRIER: &str = "public.barrier";
/// A pgoutput message that inserts a row; four bytes of its table's id follow.
const INSERT: u8 = b'I';
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
    /// The variant of the configuration: folder name.
    pub(super) variant: String,
    /// Frames of a second slot, with values in text.
    pub(super) frames: Vec<Frame>,
    /// Frames of a third slot, with values in binary where they have such a form.
    pub(super) binary_frames: Vec<Frame>,
    /// What walcast's snapshot reads.
    pub(super) copies: Vec<Copy>,
    /// What walcast's incremental snapshots read.
    pub(super) chunks: Vec<Read>,
    /// Catalog facts with the position from which they hold, ascending.
    facts: Vec<(Lsn, Facts)>,
    /// Tables by schema and name, as they were before the workload.
    pub(super) tables: BTreeMap<String, TableFacts>,
    /// Debezium's records.
    pub(super) records: Topics,
    /// The texts of the records' schemas by id.
    pub(super) schemas: BTreeMap<u64, String>,
}

/// One pgoutput message.
pub(super) struct Frame {
    /// Start of its XLogData.
    pub(super) lsn: Lsn,
    /// The message.
    pub(super) data: Vec<u8>,
}

/// A table, or a query that is read in its place.
pub(super) struct Copy {
    /// The signal that asked for it; none for the snapshot before the stream.
    pub(super) signal: Option<String>,
    pub(super) subject: Subject,
    /// Columns that were asked for as text.
    pub(super) texts: Vec<bool>,
    /// What the server sent.
    pub(super) data: Vec<u8>,
}

impl Recording {
    /// Every variant of every scenario of a major version.
    pub(super) fn each_variant(major: u16, mut what: impl FnMut(&Self)) {
        for scenario in scenarios(major) {
            for variant in variants(&scenario) {
                what(&Self::of(major, &scenario, &variant));
            }
        }
    }

    /// One of them.
    pub(super) fn of(major: u16, scenario: &str, variant: &str) -> Self {
        Self::read(&server(major).join(scenario), variant)
    }

    fn read(folder: &Path, variant: &str) -> Self {
        let path = folder.join(variant);
        let common = Common::read(&path);
        let facts_lines = lines(&folder.join("facts.jsonl"));
        let frames = frames(&folder.join("frames.jsonl"));
        let mut records = Topics::new();
        for line in &lines(&path.join("records.jsonl")) {
            records.entry(text(&line["topic"]).to_owned()).or_default().push(record(line, &common));
        }
        Self {
            server: name(folder.parent().unwrap()),
            scenario: name(folder),
            variant: variant.to_owned(),
            connector: fs::read_to_string(path.join("connector.json")).unwrap(),
            facts: facts_by_position(&facts_lines, &frames),
            tables: tables(&facts_lines[0])
                .map(|table| (text(&table["name"]).to_owned(), table_facts(table)))
                .collect(),
            frames,
            copies: copies(&folder.join("copies.jsonl")),
            chunks: chunks::of(&folder.join("chunks.jsonl")),
            binary_frames: self::frames(&folder.join("frames-binary.jsonl")),
            records,
            schemas: common.schemas,
        }
    }

    /// What the catalog said when the frame at `lsn` was written.
    pub(super) fn facts_at(&self, lsn: Lsn) -> &Facts {
        let after = self.facts.partition_point(|(from, _)| *from <= lsn);
        &self.facts[after.saturating_sub(1)].1
    }
}

fn server(major: u16) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/postgresql-{major}"))
}

/// The scenarios that a major version was recorded with, by name.
pub(super) fn scenarios(major: u16) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(server(major)).unwrap().map(|entry| name(&entry.unwrap().path())).collect();
    names.sort();
    names
}

fn frames(path: &Path) -> Vec<Frame> {
    let frame = |line: &Value| Frame { lsn: lsn(&line["lsn"]), data: from_hex(text(&line["data"])) };
    lines(path).iter().map(frame).collect()
}

/// Of a scenario without a snapshot, none.
fn copies(path: &Path) -> Vec<Copy> {
    let lines = if path.exists() { lines(path) } else { Vec::new() };
    let copy = |line: &Value| {
        let relation = relation(line);
        let query = line["query"].as_str().map(str::to_owned);
        let (file, rows, bytes, filter, expected) = (0, None, 0, None, Expected::default());
        Copy {
            signal: line["signal"].as_str().map(str::to_owned),
            subject: Subject {
                relation,
                storage: Storage::Elsewhere,
                file,
                rows,
                bytes,
                expected,
                filter,
                query: query.map(Query::whole),
            },
            texts: texts(line),
            data: from_hex(text(&line["data"])),
        }
    };
    lines.iter().map(copy).collect()
}

/// The columns that were asked for as text.
pub(super) fn texts(line: &Value) -> Vec<bool> {
    line["columns"].as_array().unwrap().iter().map(|column| column["text"].as_bool().unwrap()).collect()
}

/// The shape of a table that was read.
pub(super) fn relation(line: &Value) -> OwnedRelation {
    let column = |column: &Value| OwnedColumn {
        name: text(&column["name"]).to_owned(),
        type_oid: TypeOid(oid(&column["type"])),
        typmod: i32::try_from(column["typmod"].as_i64().unwrap()).unwrap(),
        identity: column["identity"].as_bool().unwrap(),
    };
    OwnedRelation {
        id: RelationId(oid(&line["oid"])),
        schema: text(&line["schema"]).to_owned(),
        table: text(&line["table"]).to_owned(),
        identity: match text(&line["identity"]) {
            "n" => ReplicaIdentity::Nothing,
            "f" => ReplicaIdentity::Full,
            "i" => ReplicaIdentity::Index,
            _ => ReplicaIdentity::Default,
        },
        columns: line["columns"].as_array().unwrap().iter().map(column).collect(),
        learnt: Learnt::FromCatalog,
    }
}

/// Facts with the position from which they hold. They were read after the transaction that changed the catalog, and
/// Debezium saw the change when it read that transaction, so they hold from the barrier's row on that stands before it.
fn facts_by_position(lines: &[Value], frames: &[Frame]) -> Vec<(Lsn, Facts)> {
    let barrier = tables(&lines[0]).find(|table| table["name"] == BARRIER).unwrap();
    let insert: Vec<u8> = [INSERT].into_iter().chain(oid(&barrier["oid"]).to_be_bytes()).collect();
    let barriers: Vec<Lsn> =
        frames.iter().filter(|frame| frame.data.starts_with(&insert)).map(|frame| frame.lsn).collect();
    let from = |read: Lsn| barriers.iter().rev().find(|barrier| **barrier < read).copied().unwrap_or(read);
    lines.iter().map(|line| (from(lsn(&line["lsn"])), facts(line))).collect()
}

fn tables(facts: &Value) -> impl Iterator<Item = &Value> {
    facts["tables"].as_array().unwrap().iter()
}

/// The statements of a scenario.
fn statements(scenario: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/sql/{scenario}.sql"));
    fs::read_to_string(path).unwrap()
}

/// The variants that a scenario is recorded under.
pub(super) fn variants(scenario: &str) -> Vec<String> {
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

/// Whether the tables of a scenario are those that another one leaves behind.
pub(super) fn follows_another(scenario: &str) -> bool {
    statements(scenario).lines().any(|line| line.starts_with("-- after: "))
}

/// The extensions that a scenario installs.
pub(super) fn extensions(scenario: &str) -> Vec<String> {
    let installed = |line: &str| Some(line.strip_prefix("CREATE EXTENSION ")?.trim_end_matches(';').to_owned());
    statements(scenario).lines().filter_map(installed).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

pub(super) fn lines(path: &Path) -> Vec<Value> {
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

pub(super) fn from_hex(digits: &str) -> Vec<u8> {
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
    let types = line["types"].as_array().unwrap().iter();
    Facts {
        tables: tables(line).map(|table| (RelationId(oid(&table["oid"])), table_facts(table))).collect(),
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
    TypeFacts {
        name: text(&kind["name"]).to_owned(),
        schema: text(&kind["schema"]).to_owned(),
        sort,
        extension: None,
        sending: Sending::Binary,
    }
}
