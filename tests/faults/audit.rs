//! The auditor: what the topics hold against what the write-ahead log says.
//!
//! The oracle is a second slot on the same publication, made before the first write and never confirmed: it tells
//! every committed change with its transaction, position and place in the order of commits. An event is known by
//! transaction, position and operation, which a consumer sees as `source.txId`, `source.lsn` and `op`.

use std::collections::{BTreeMap, HashMap, HashSet};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use serde_json::Value;
use walcast::lsn::Lsn;
use walcast::pgoutput::{Block, Datum, Message, OldTuple, RelationId, Tuple, parse};

use crate::support::database::Database;
use crate::support::topics::{ConsumedRecord, Topics};
use crate::support::wait;

/// Values of a row as text, by column; none is null.
type Row = BTreeMap<String, Option<String>>;

/// What an event is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Id {
    xid: u64,
    lsn: u64,
    operation: Operation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Operation {
    Create,
    Update,
    Delete,
}

/// A change as the log has it, or as a topic has it.
#[derive(Clone, Debug)]
struct Change {
    id: Id,
    /// The row's key.
    key: String,
    /// The row after the change; none for a delete.
    after: Option<Row>,
    /// End of the commit in the log; offset in the topic.
    place: u64,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Findings {
    /// Changes of the log, all of which are in the topics.
    pub(super) changes: usize,
    /// Records that a topic holds once more than needed.
    pub(super) duplicates: usize,
}

/// What was confirmed at some moment, and how long the topics were then.
#[derive(Debug)]
pub(super) struct Mark {
    confirmed: Lsn,
    ends: Vec<(&'static str, i64)>,
}

/// Compares topics with the log.
pub(super) struct Audit<'a> {
    database: &'a Database<'static>,
    topics: &'a Topics,
    tables: &'static [&'static str],
    marks: Vec<Mark>,
}

impl<'a> Audit<'a> {
    /// Makes the oracle. Call it before the first write.
    pub(super) fn begin(database: &'a Database<'static>, topics: &'a Topics, tables: &'static [&'static str]) -> Self {
        Self::create_oracle(database);
        Self::of(database, topics, tables)
    }

    /// Makes the oracle alone, where the audit comes after the session was opened anew.
    pub(super) fn create_oracle(database: &Database<'_>) {
        database.execute(&format!("SELECT pg_create_logical_replication_slot('{}_oracle', 'pgoutput')", database.name));
    }

    /// The audit of an oracle that was made before.
    pub(super) fn of(database: &'a Database<'static>, topics: &'a Topics, tables: &'static [&'static str]) -> Self {
        Self { database, topics, tables, marks: Vec::new() }
    }

    /// Notes what is confirmed and how far the topics reach, at a moment when nobody streams.
    pub(super) fn mark(&mut self) {
        wait::until("the walsender is gone", wait::PATIENCE, || self.database.walsender().is_none());
        let confirmed = self.database.confirmed_lsn().expect("a slot");
        let consumer: BaseConsumer = self.topics.client().create().expect("a consumer");
        let end = |table: &'static str| {
            let topic = self.topics.topic(&format!("public.{table}"));
            // A topic that does not exist yet holds nothing.
            let end = consumer.fetch_watermarks(&topic, 0, wait::PATIENCE).map_or(0, |(_, end)| end);
            (table, end)
        };
        self.marks.push(Mark { confirmed, ends: self.tables.iter().copied().map(end).collect() });
    }

    /// Nothing is missing, the order is that of the commits, nothing is invented, the topics' fold is the tables'
    /// state, and nothing was confirmed before a topic held it.
    #[track_caller]
    pub(super) fn pass(&self) -> Findings {
        let log = self.log();
        let mut findings = Findings { changes: 0, duplicates: 0 };
        for table in self.tables {
            let records = self.topics.read_to_end(&self.topics.topic(&format!("public.{table}")));
            let expected = log.get(*table).map_or(&[][..], Vec::as_slice);
            let found = self.table(table, expected, &records);
            findings.changes += expected.len();
            findings.duplicates += found.len() - expected.len();
        }
        findings
    }

    /// Audits one table and returns the changes that its topic holds.
    #[track_caller]
    fn table(&self, table: &str, expected: &[Change], records: &[ConsumedRecord]) -> Vec<Change> {
        assert!(records.iter().all(|record| record.partition == 0), "the marks count one partition");
        let found: Vec<Change> = records.iter().filter_map(change_of_record).collect();
        let mut first: HashMap<Id, &Change> = HashMap::new();
        let mut order = Vec::new();
        for change in &found {
            let known = *first.entry(change.id).or_insert_with(|| {
                order.push(change.id);
                change
            });
            assert_eq!((&known.key, &known.after), (&change.key, &change.after), "{table}: a duplicate differs");
        }

        let missing: Vec<_> = expected.iter().filter(|change| !first.contains_key(&change.id)).collect();
        assert!(
            missing.is_empty(),
            "{table}: {} of {} are missing, such as {:?}",
            missing.len(),
            expected.len(),
            missing[0]
        );
        assert_eq!(order.len(), expected.len(), "{table}: the topic holds changes that were never committed");
        for (expected, found) in expected.iter().zip(&order) {
            assert_eq!(expected.id, *found, "{table}: the order of first appearance is not that of the commits");
            let found = first[found];
            assert_eq!((&expected.key, &expected.after), (&found.key, &found.after), "{table}: other values");
        }
        self.tombstones(table, expected, records);
        self.fold(table, &found);
        for mark in &self.marks {
            let end = mark.ends.iter().find(|(name, _)| name == &table).map_or(0, |(_, end)| *end);
            for change in expected.iter().filter(|change| Lsn::new(change.place) <= mark.confirmed) {
                let offset = first[&change.id].place;
                assert!(
                    i64::try_from(offset).is_ok_and(|offset| offset < end),
                    "{table}: {} was confirmed, yet the topic ended at {end} before {change:?} at {offset}",
                    mark.confirmed
                );
            }
        }
        found
    }

    /// Every delete is followed by a tombstone of its key.
    #[track_caller]
    fn tombstones(&self, table: &str, expected: &[Change], records: &[ConsumedRecord]) {
        let mut tombstones: HashMap<String, usize> = HashMap::new();
        for record in records.iter().filter(|record| record.value.is_none()) {
            *tombstones.entry(key_of(record)).or_default() += 1;
        }
        let mut deletes: HashMap<&str, usize> = HashMap::new();
        for change in expected.iter().filter(|change| change.id.operation == Operation::Delete) {
            *deletes.entry(&change.key).or_default() += 1;
        }
        for (key, deletes) in deletes {
            let found = tombstones.get(key).copied().unwrap_or_default();
            assert!(found >= deletes, "{table}: key {key} was deleted {deletes} times and has {found} tombstones");
        }
    }

    /// Applying every record in its order ends with what the table holds.
    #[track_caller]
    fn fold(&self, table: &str, found: &[Change]) {
        let mut state: BTreeMap<&str, &Row> = BTreeMap::new();
        for change in found {
            match &change.after {
                Some(row) => state.insert(&change.key, row),
                None => state.remove(&*change.key),
            };
        }
        let rows = self.database.session().rows(&format!("SELECT id, row_to_json(t)::text FROM public.{table} t"));
        let table_state: BTreeMap<String, Row> = rows
            .into_iter()
            .map(|row| {
                let [Some(key), Some(json)] = &row[..] else { panic!("{row:?}") };
                (key.clone(), row_of(&serde_json::from_str(json).expect("JSON")).expect("a row"))
            })
            .collect();
        let state: BTreeMap<String, Row> = state.into_iter().map(|(key, row)| (key.to_owned(), row.clone())).collect();
        assert!(
            state == table_state,
            "{table}: the topic's fold has {} rows, the table {}, or their values differ",
            state.len(),
            table_state.len()
        );
    }

    /// Every committed change by table, in the order of commits.
    fn log(&self) -> HashMap<String, Vec<Change>> {
        let rows = self.database.session().rows(&format!(
            "SELECT lsn, encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes('{}_oracle', NULL, NULL, \
             'proto_version', '1', 'publication_names', '{}')",
            self.database.name, self.database.publication
        ));
        let mut relations: HashMap<RelationId, (String, Vec<(String, bool)>)> = HashMap::new();
        let mut changes: HashMap<String, Vec<Change>> = HashMap::new();
        let mut open: Vec<(String, Change)> = Vec::new();
        let mut xid = 0;
        for row in rows {
            let [Some(lsn), Some(data)] = &row[..] else { panic!("{row:?}") };
            let lsn: Lsn = lsn.parse().expect("an LSN");
            let data = bytes_of_hex(data);
            let mut add = |relation: &RelationId, operation, key: &Tuple<'_>, after: Option<&Tuple<'_>>| {
                let (table, columns) = &relations[relation];
                let id = Id { xid, lsn: lsn.as_u64(), operation };
                let key =
                    text_of(columns, key, |identity| identity).into_values().flatten().collect::<Vec<_>>().join(",");
                let after = after.map(|tuple| text_of(columns, tuple, |_| true));
                open.push((table.clone(), Change { id, key, after, place: 0 }));
            };
            match parse(Block::Plain, &data).expect("pgoutput") {
                Message::Begin(begin) => xid = u64::from(begin.xid.0),
                Message::Relation(relation) => {
                    let columns = relation.columns.iter().map(|column| (column.name.to_owned(), column.identity));
                    relations.insert(relation.id, (relation.table.to_owned(), columns.collect()));
                }
                Message::Insert(row) => add(&row.relation, Operation::Create, &row.new, Some(&row.new)),
                Message::Update(row) => match &row.old {
                    OldTuple::Absent => add(&row.relation, Operation::Update, &row.new, Some(&row.new)),
                    OldTuple::Key(old) | OldTuple::Full(old) => {
                        add(&row.relation, Operation::Delete, old, None);
                        add(&row.relation, Operation::Create, &row.new, Some(&row.new));
                    }
                },
                Message::Delete(row) => match &row.old {
                    OldTuple::Key(old) | OldTuple::Full(old) => add(&row.relation, Operation::Delete, old, None),
                    OldTuple::Absent => panic!("a delete without a key"),
                },
                Message::Commit(commit) => {
                    for (table, change) in open.drain(..) {
                        let place = commit.end.lsn().as_u64();
                        changes.entry(table).or_default().push(Change { place, ..change });
                    }
                }
                _ => {}
            }
        }
        let mut ids = HashSet::new();
        assert!(changes.values().flatten().all(|change| ids.insert(change.id)), "events are told apart by their ids");
        changes
    }
}

fn text_of(columns: &[(String, bool)], tuple: &Tuple<'_>, wanted: impl Fn(bool) -> bool) -> Row {
    let value = |datum: Datum<'_>| match datum {
        Datum::Null => None,
        Datum::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        other => panic!("the tables of the audit have no {other:?}"),
    };
    let pairs = columns.iter().zip(tuple.iter()).filter(|((_, identity), _)| wanted(*identity));
    pairs.map(|((name, _), datum)| (name.clone(), value(datum))).collect()
}

/// The change that a record tells; none for a tombstone.
fn change_of_record(record: &ConsumedRecord) -> Option<Change> {
    record.value.as_ref()?;
    let value = record.json();
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("a number instead of {value}"));
    let operation = match value["op"].as_str() {
        Some("c") => Operation::Create,
        Some("u") => Operation::Update,
        Some("d") => Operation::Delete,
        other => panic!("operation {other:?}"),
    };
    let id = Id { xid: number(&value["source"]["txId"]), lsn: number(&value["source"]["lsn"]), operation };
    let place = u64::try_from(record.offset).expect("an offset");
    Some(Change { id, key: key_of(record), after: row_of(&value["after"]), place })
}

fn key_of(record: &ConsumedRecord) -> String {
    let key: Value = serde_json::from_str(record.key_text().expect("a key")).expect("JSON");
    let values = row_of(&key).expect("an object");
    values.into_values().flatten().collect::<Vec<_>>().join(",")
}

fn row_of(value: &Value) -> Option<Row> {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Some(value.as_object()?.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

fn bytes_of_hex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).expect("hex");
    hex.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
