//! Entries, and what they come to.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::blocking::BlockingState;
use super::incremental::IncrementalState;
use super::record::{self, Saying, Subject, Unreadable};
use crate::lsn::Lsn;

/// One snapshot of a connector: a new one for each that is begun, the same while it is resumed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotId(pub String);

/// A table. Its members are members of keys in the progress topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    /// Schema name.
    pub schema: String,
    /// Table name.
    pub table: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}

/// Whether a snapshot is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotState {
    /// Begun: what is missing is read after a restart.
    Running,
    /// The brokers hold all of it.
    Completed,
}

/// One snapshot of the database under which parts were read. A snapshot that was interrupted has several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Counted from 1.
    pub number: u32,
    /// Where it stands in the log: its rows' `source.lsn`.
    pub lsn: Lsn,
    /// Which transactions it sees, as `txid_current_snapshot()` prints it.
    pub contents: String,
}

/// A part of a table that the brokers hold: a range of pages under one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The generation that it was read in.
    pub generation: u32,
    /// The table's OID and the file that held its rows: in another file the same pages are other rows.
    pub heap: (u32, u32),
    /// First page.
    pub from: u32,
    /// First page behind it; the table's end where absent.
    pub to: Option<u32>,
    /// Which query was read in place of the table, where one was: what another one gives of the same pages are other rows.
    pub query: Option<String>,
    /// How many rows it had.
    pub rows: u64,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A snapshot and its generations so far.
    Snapshot {
        /// Which one.
        id: SnapshotId,
        /// How far it is.
        state: SnapshotState,
        /// By number.
        generations: Vec<Generation>,
    },
    /// The brokers hold a part of a table.
    Part {
        /// The snapshot.
        id: SnapshotId,
        /// The table.
        table: TableName,
        /// The part.
        part: Part,
    },
    /// The brokers hold a table; its parts matter no more.
    Table {
        /// The snapshot.
        id: SnapshotId,
        /// The table.
        table: TableName,
        /// How many rows it had.
        rows: u64,
    },
    /// Nothing that a table's entries said holds any more: it is read again from its beginning.
    Forget {
        /// The table.
        table: TableName,
        /// Pages with which parts of it began.
        parts: Vec<u32>,
    },
    /// How far the incremental snapshot is.
    Incremental(IncrementalState),
    /// Which blocking snapshots are not done.
    Blocking(BlockingState),
}

impl Entry {
    /// The snapshot that it belongs to; what forgets a table belongs to none.
    #[must_use]
    pub const fn snapshot(&self) -> Option<&SnapshotId> {
        match self {
            Self::Snapshot { id, .. } | Self::Part { id, .. } | Self::Table { id, .. } => Some(id),
            Self::Forget { .. } | Self::Incremental(_) | Self::Blocking(_) => None,
        }
    }
}

/// What the entries of a store come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    snapshot: Option<(SnapshotId, SnapshotState, Vec<Generation>)>,
    tables: HashMap<TableName, (SnapshotId, u64)>,
    parts: HashMap<TableName, Vec<(SnapshotId, Part)>>,
    incremental: IncrementalState,
    blocking: BlockingState,
}

impl Book {
    /// Takes an entry behind all before it.
    pub fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Snapshot { id, state, generations } => self.snapshot = Some((id, state, generations)),
            Entry::Part { id, table, part } => {
                let parts = self.parts.entry(table).or_default();
                parts.retain(|(_, known)| known.from != part.from);
                parts.push((id, part));
            }
            Entry::Table { id, table, rows } => {
                self.tables.insert(table, (id, rows));
            }
            Entry::Forget { table, parts } => {
                self.tables.remove(&table);
                self.remove_parts(&table, &parts);
            }
            Entry::Incremental(state) => self.incremental = state,
            Entry::Blocking(state) => self.blocking = state,
        }
    }

    /// Takes a record of the progress topic of a connector, in the order of the topic; a later one of a key replaces an
    /// earlier one, as compaction does.
    ///
    /// # Errors
    /// What is wrong with a record that is no progress of this connector.
    pub fn take_record(&mut self, connector: &str, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), Unreadable> {
        match record::read(connector, key, value)? {
            Saying::Holds(entry) => self.take(entry),
            // Only an operator's hand removes it: then nothing was ever read.
            Saying::Removed(Subject::Snapshot) => self.snapshot = None,
            Saying::Removed(Subject::Incremental) => self.incremental = IncrementalState::default(),
            Saying::Removed(Subject::Blocking) => self.blocking = BlockingState::default(),
            Saying::Removed(Subject::Table { table }) => drop(self.tables.remove(&table)),
            Saying::Removed(Subject::Part { table, page }) => self.remove_parts(&table, &[page]),
        }
        Ok(())
    }

    fn remove_parts(&mut self, table: &TableName, from: &[u32]) {
        if let Some(known) = self.parts.get_mut(table) {
            known.retain(|(_, part)| !from.contains(&part.from));
            if known.is_empty() {
                self.parts.remove(table);
            }
        }
    }

    /// The last snapshot, where there was one.
    #[must_use]
    pub fn snapshot(&self) -> Option<(&SnapshotId, SnapshotState)> {
        self.snapshot.as_ref().map(|(id, state, _)| (id, *state))
    }

    /// What is left of the incremental snapshot.
    #[must_use]
    pub const fn incremental(&self) -> &IncrementalState {
        &self.incremental
    }

    /// Blocking snapshots that are not done.
    #[must_use]
    pub const fn blocking(&self) -> &BlockingState {
        &self.blocking
    }

    /// Its generations.
    #[must_use]
    pub fn generations(&self) -> &[Generation] {
        self.snapshot.as_ref().map_or(&[], |(_, _, generations)| generations)
    }

    /// Whether a table of the last snapshot is done.
    #[must_use]
    pub fn is_done(&self, table: &TableName) -> bool {
        let id = self.snapshot.as_ref().map(|(id, ..)| id);
        self.tables.get(table).is_some_and(|(of, _)| Some(of) == id)
    }

    /// Parts of a table that are done in the last snapshot, in the file that holds its rows now, and of the query that is
    /// read in its place now.
    pub fn parts(&self, table: &TableName, heap: (u32, u32), query: Option<&str>) -> impl Iterator<Item = &Part> {
        let id = self.snapshot.as_ref().map(|(id, ..)| id);
        let parts = self.parts.get(table).map_or(&[][..], Vec::as_slice);
        let counts =
            move |of: &SnapshotId, part: &Part| Some(of) == id && part.heap == heap && part.query.as_deref() == query;
        parts.iter().filter(move |(of, part)| counts(of, part)).map(|(_, part)| part)
    }
}
