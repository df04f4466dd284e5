//! The records of the progress topic: JSON in key and value.
//!
//! A key is `{"connector":..,"entry":..}` and, for a table, its `schema` and `table`, and for a part of it the `page` that it
//! begins with: compaction keeps the last record of the snapshot, of each table and of each part, and these are
//! independent of each other. A value has a `format`; within one format members are only ever added.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BlockingState, Entry, Generation, IncrementalState, Part, SnapshotId, SnapshotState, TableName};
use crate::lsn::Lsn;

/// The format of the values that are written, and the only one that is read.
const FORMAT: u32 = 1;

/// A record as it goes to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: Vec<u8>,
    /// Its value; none removes what the key says.
    pub value: Option<Vec<u8>>,
}

/// Why a record is no progress of a connector: what is wrong, without a word of its content but the connector's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It has no key.
    NoKey,
    /// Its key is none of the keys here.
    Key,
    /// It is another connector's.
    Connector(String),
    /// Its value is not what its key says.
    Value,
    /// A later version of walcast has written its value.
    Format(u32),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("it has no key"),
            Self::Key => f.write_str("its key is not connector and entry in JSON"),
            Self::Connector(name) => write!(f, "it is the progress of another connector, {name}"),
            Self::Value => f.write_str("its value is not what its key announces, in JSON"),
            Self::Format(format) => {
                write!(f, "its value has format {format}, and this version of walcast knows {FORMAT} only")
            }
        }
    }
}

impl std::error::Error for Unreadable {}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(super) enum Subject {
    /// The snapshot of the connector.
    Snapshot,
    /// A table.
    Table {
        #[serde(flatten)]
        table: TableName,
    },
    /// The part of a table that begins with a page.
    Part {
        #[serde(flatten)]
        table: TableName,
        page: u32,
    },
    /// The incremental snapshot.
    Incremental,
    /// Blocking snapshots.
    Blocking,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Saying {
    /// Something holds.
    Holds(Entry),
    /// What was said of it holds no more.
    Removed(Subject),
}

#[derive(Serialize, Deserialize)]
struct Key<'a> {
    connector: Cow<'a, str>,
    #[serde(flatten)]
    subject: Subject,
}

#[derive(Serialize, Deserialize)]
struct Value<'a, T> {
    format: u32,
    snapshot: Cow<'a, str>,
    #[serde(flatten)]
    content: T,
}

#[derive(Serialize, Deserialize)]
struct Standing<'a, T: Clone> {
    format: u32,
    #[serde(flatten)]
    state: Cow<'a, T>,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct SnapshotContent {
    state: State,
    generations: Vec<GenerationContent>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Running,
    Completed,
}

#[derive(Serialize, Deserialize)]
struct GenerationContent {
    number: u32,
    lsn: String,
    contents: String,
}

#[derive(Serialize, Deserialize)]
struct TableContent {
    rows: u64,
}

#[derive(Serialize, Deserialize)]
struct PartContent {
    generation: u32,
    oid: u32,
    filenode: u32,
    from: u32,
    to: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    rows: u64,
}

/// The records of an entry of a connector.
#[must_use]
pub fn records(connector: &str, entry: &Entry) -> Vec<Record> {
    let record = |subject, value| Record { key: json(&Key { connector: Cow::Borrowed(connector), subject }), value };
    match entry {
        Entry::Snapshot { id, state, generations } => {
            let state = match state {
                SnapshotState::Running => State::Running,
                SnapshotState::Completed => State::Completed,
            };
            let generations = generations.iter().map(GenerationContent::of).collect();
            vec![record(Subject::Snapshot, Some(value(id, SnapshotContent { state, generations })))]
        }
        Entry::Part { id, table, part } => {
            let subject = Subject::Part { table: table.clone(), page: part.from };
            vec![record(subject, Some(value(id, PartContent::of(part))))]
        }
        Entry::Table { id, table, rows } => {
            vec![record(Subject::Table { table: table.clone() }, Some(value(id, TableContent { rows: *rows })))]
        }
        Entry::Forget { table, parts } => {
            let whole = std::iter::once(Subject::Table { table: table.clone() });
            let parts = parts.iter().map(|page| Subject::Part { table: table.clone(), page: *page });
            whole.chain(parts).map(|subject| record(subject, None)).collect()
        }
        Entry::Incremental(state) => {
            vec![record(Subject::Incremental, Some(json(&Standing { format: FORMAT, state: Cow::Borrowed(state) })))]
        }
        Entry::Blocking(state) => {
            vec![record(Subject::Blocking, Some(json(&Standing { format: FORMAT, state: Cow::Borrowed(state) })))]
        }
    }
}

/// Reads a record of a connector.
pub(super) fn read(connector: &str, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Saying, Unreadable> {
    let key: Key<'_> = serde_json::from_slice(key.ok_or(Unreadable::NoKey)?).map_err(|_| Unreadable::Key)?;
    if key.connector != connector {
        return Err(Unreadable::Connector(key.connector.into_owned()));
    }
    let Some(value) = value else { return Ok(Saying::Removed(key.subject)) };
    // What follows the format is read only where it is known.
    match serde_json::from_slice(value) {
        Ok(Format { format: FORMAT }) => {}
        Ok(Format { format }) => return Err(Unreadable::Format(format)),
        Err(_) => return Err(Unreadable::Value),
    }
    let entry = match key.subject {
        Subject::Snapshot => {
            let (id, SnapshotContent { state, generations }) = content(value)?;
            let state = match state {
                State::Running => SnapshotState::Running,
                State::Completed => SnapshotState::Completed,
            };
            let generations = generations.into_iter().map(GenerationContent::into_generation);
            Entry::Snapshot { id, state, generations: generations.collect::<Result<_, _>>()? }
        }
        Subject::Table { table } => {
            let (id, TableContent { rows }) = content(value)?;
            Entry::Table { id, table, rows }
        }
        Subject::Part { table, page } => {
            let (id, part): (_, PartContent) = content(value)?;
            if part.from != page {
                return Err(Unreadable::Value);
            }
            Entry::Part { id, table, part: part.into_part() }
        }
        Subject::Incremental => {
            let Standing::<IncrementalState> { state, .. } = standing(value)?;
            Entry::Incremental(state.into_owned())
        }
        Subject::Blocking => {
            let Standing::<BlockingState> { state, .. } = standing(value)?;
            Entry::Blocking(state.into_owned())
        }
    };
    Ok(Saying::Holds(entry))
}

/// Texts, numbers and lists of them always have a form in JSON.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn value(id: &SnapshotId, content: impl Serialize) -> Vec<u8> {
    json(&Value { format: FORMAT, snapshot: Cow::Borrowed(&id.0), content })
}

fn standing<T: Clone + for<'de> Deserialize<'de>>(value: &[u8]) -> Result<Standing<'static, T>, Unreadable> {
    serde_json::from_slice(value).map_err(|_| Unreadable::Value)
}

fn content<T: for<'de> Deserialize<'de>>(value: &[u8]) -> Result<(SnapshotId, T), Unreadable> {
    let value: Value<'_, T> = serde_json::from_slice(value).map_err(|_| Unreadable::Value)?;
    Ok((SnapshotId(value.snapshot.into_owned()), value.content))
}

impl GenerationContent {
    fn of(generation: &Generation) -> Self {
        let Generation { number, lsn, contents } = generation;
        Self { number: *number, lsn: lsn.to_string(), contents: contents.clone() }
    }

    fn into_generation(self) -> Result<Generation, Unreadable> {
        let lsn: Lsn = self.lsn.parse().map_err(|_| Unreadable::Value)?;
        Ok(Generation { number: self.number, lsn, contents: self.contents })
    }
}

impl PartContent {
    fn of(part: &Part) -> Self {
        let &Part { generation, heap: (oid, filenode), from, to, ref query, rows } = part;
        Self { generation, oid, filenode, from, to, query: query.clone(), rows }
    }

    fn into_part(self) -> Part {
        let Self { generation, oid, filenode, from, to, query, rows } = self;
        Part { generation, heap: (oid, filenode), from, to, query, rows }
    }
}
