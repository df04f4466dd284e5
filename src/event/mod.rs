//! The normalized change event: what everybody after the decoder talks about.
//!
//! Owns [`Event`], [`LogicalMessage`], [`Transaction`] and the row views. Must never know an output format.

mod notification;

use std::fmt;
use std::sync::Arc;

pub use notification::{Incremental, Notification, ScanStatus};

use crate::catalog::RelationVersion;
use crate::lsn::{CommitLsn, Lsn, Position};
use crate::pgoutput::{Tuple, Xid};
use crate::pgtime::PgMicros;

/// The transaction that an event belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Transaction id.
    pub xid: Xid,
    /// Start of the commit record.
    pub commit: CommitLsn,
    /// Commit time.
    pub commit_time: PgMicros,
    /// Replication origin, where there is one.
    pub origin: Option<TransactionOrigin>,
}

/// Where a replicated transaction came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionOrigin {
    /// Origin name.
    pub name: String,
    /// Commit position at the origin.
    pub lsn: Lsn,
}

/// One change of one row or table, decoded with the relation version that was current at its position.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Where it stands.
    pub position: Position,
    /// WAL position of the frame it came in: metadata, never compared.
    pub lsn: Lsn,
    /// End of the commit before this transaction, as this process saw it: the first half of `source.sequence`.
    pub last_commit: Option<Lsn>,
    /// Its transaction.
    pub transaction: &'a Transaction,
    /// The shape it was decoded with.
    pub relation: &'a Arc<RelationVersion>,
    /// What happened.
    pub change: Change<'a>,
}

/// A message of `pg_logical_emit_message`.
#[derive(Clone, Copy)]
pub struct LogicalMessage<'a> {
    /// Where it stands; see [`crate::assemble::Step::Logical`] for one outside transactions.
    pub position: Position,
    /// WAL position of the frame it came in. For one outside transactions also the first byte after its record.
    pub lsn: Lsn,
    /// The first half of `source.sequence`; its own position for one outside transactions.
    pub last_commit: Option<Lsn>,
    /// Its transaction, where it was emitted as part of one.
    pub transaction: Option<&'a Transaction>,
    /// Its transaction's origin; that of the last transaction of the session for one outside transactions, because Debezium
    /// forgets an origin only when the next transaction begins.
    pub origin: Option<&'a TransactionOrigin>,
    /// What it is about.
    pub prefix: &'a str,
    /// What it says.
    pub content: &'a [u8],
}

impl fmt::Debug for LogicalMessage<'_> {
    /// Without the content, which is data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogicalMessage")
            .field("position", &self.position)
            .field("lsn", &self.lsn)
            .finish_non_exhaustive()
    }
}

/// What happened to a row or table.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// A new row.
    Insert {
        /// The row.
        new: Tuple<'a>,
    },
    /// A changed row.
    Update {
        /// What is known of the row before.
        old: OldRow<'a>,
        /// The row after.
        new: Tuple<'a>,
    },
    /// A removed row.
    Delete {
        /// What is known of the row.
        old: KnownRow<'a>,
    },
    /// An emptied table.
    Truncate,
    /// A row that was there when a snapshot was taken.
    Read {
        /// The row.
        row: Tuple<'a>,
        /// Its place in the snapshot.
        mark: SnapshotMark,
    },
}

impl Change<'_> {
    /// What `source.snapshot` says of it.
    #[inline]
    #[must_use]
    pub const fn mark(&self) -> SnapshotMark {
        match self {
            Self::Read { mark, .. } => *mark,
            _ => SnapshotMark::Streamed,
        }
    }
}

/// What `source.snapshot` says of a record.
///
/// Source: Debezium's `SnapshotRecord`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnapshotMark {
    /// `false`: a change from the stream.
    #[default]
    Streamed,
    /// `first`: the first row of the snapshot's first table.
    First,
    /// `first_in_data_collection`: the first row of another table.
    FirstInTable,
    /// `true`: a row among others.
    Within,
    /// `last_in_data_collection`: the last row of a table.
    LastInTable,
    /// `last`: the last row of all.
    Last,
    /// `incremental`: a row of a snapshot that is taken beside the stream.
    Incremental,
}

impl SnapshotMark {
    /// All marks, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Streamed,
        Self::First,
        Self::FirstInTable,
        Self::Within,
        Self::LastInTable,
        Self::Last,
        Self::Incremental,
    ];

    /// The word in the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Streamed => "false",
            Self::First => "first",
            Self::FirstInTable => "first_in_data_collection",
            Self::Within => "true",
            Self::LastInTable => "last_in_data_collection",
            Self::Last => "last",
            Self::Incremental => "incremental",
        }
    }
}

/// What an update says of the row before it.
#[derive(Clone, Copy, Debug)]
pub enum OldRow<'a> {
    /// Nothing: the key did not change.
    Absent,
    /// Something.
    Known(KnownRow<'a>),
}

/// An old row, in one of the two widths in which it is sent.
#[derive(Clone, Copy, Debug)]
pub enum KnownRow<'a> {
    /// Identity columns only; a null elsewhere means "not sent".
    Key(Tuple<'a>),
    /// The whole row.
    Full(Tuple<'a>),
}
