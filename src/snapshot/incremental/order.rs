//! What passes between the rules and whoever reads, streams and keeps.

use bytes::Bytes;

use super::notice::{Notice, Outcome};
use super::sight::Sight;
use crate::lsn::Lsn;
use crate::pgoutput::RelationId;
use crate::progress::{IncrementalState, KeyValues, TableName};
use crate::signal::Tables;

/// A table that is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Id of the signal that asked.
    pub signal: String,
    /// The table.
    pub table: TableName,
    /// A predicate for its rows.
    pub filter: Option<String>,
    /// The column by which chunks are cut in place of the key.
    pub surrogate_key: Option<String>,
}

/// How much of a row the stream told with a change of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// All of it, or that it is gone.
    Whole,
    /// Not the values outside its page that did not change: whoever has not the row before lacks them.
    InPart,
}

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// A process began, and this was kept by the one before it.
    Restored(IncrementalState),
    /// Tables are to be read, behind those that are asked for already.
    Asked(Vec<Wanted>),
    /// Tables are to be forgotten; all where none are named.
    Stopped(Option<Tables>),
    /// No further chunk is to be read.
    Paused,
    /// Chunks are to be read again.
    Resumed,
    /// What became of an order.
    Answered {
        /// Its number.
        number: u64,
        /// The answer.
        answer: Answer,
    },
    /// The sink took all rows of a batch.
    Taken {
        /// Its number.
        number: u64,
    },
    /// The brokers hold a batch and everything that went out before it.
    Held {
        /// Its number.
        number: u64,
    },
    /// The replication session ended.
    SessionLost,
    /// The sink was lost with what it held; the stream goes back to where it was confirmed.
    SinkLost,
}

/// What became of an order.
#[derive(Debug)]
pub enum Answer {
    /// Rows.
    Chunk(Chunk),
    /// The table changed while it was read, or it could not be read now: it is to be tried again.
    Again,
    /// The table cannot be read.
    Ended(Outcome),
}

/// Rows that were read, in the order of their keys.
#[derive(Debug)]
pub struct Chunk {
    /// The table.
    pub relation: RelationId,
    /// What its snapshot sees.
    pub sight: Sight,
    /// The end of the log, looked at behind the read: every commit that the snapshot sees lies before it.
    pub log_end: Lsn,
    /// The rows.
    pub rows: Vec<ChunkRow>,
    /// The columns of the key that they were cut by, with their types.
    pub key: Vec<String>,
    /// The key of the last one.
    pub last: Option<KeyValues>,
    /// The largest key of the table, as it was when the table was begun.
    pub until: Option<KeyValues>,
    /// Whether there may be more behind them.
    pub more: bool,
}

/// A row that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkRow {
    /// The key of its record.
    pub key: Bytes,
    /// The row as it was copied.
    pub row: Bytes,
}

/// Something to be done.
#[derive(Debug)]
pub enum Output {
    /// Read a chunk. The one that was ordered before is wanted no more.
    Read(Order),
    /// Let rows go out here, between two transactions, and tell [`Input::Taken`].
    Emit(Batch),
    /// Rows of a batch that did not go out yet are not to go out.
    DropBatch,
    /// Keep this for a restart.
    Keep(IncrementalState),
    /// Tell operators.
    Tell(Notice),
}

/// A chunk to be read.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its number, which the answer carries.
    pub number: u64,
    /// The table.
    pub wanted: Wanted,
    /// The columns of the key that the bounds are of: where the table has another key now, it is read from its beginning.
    pub key: Vec<String>,
    /// Behind which key; from the beginning where absent.
    pub after: Option<KeyValues>,
    /// Up to which key; the largest one is to be looked up where absent.
    pub until: Option<KeyValues>,
    /// How many rows at most.
    pub rows: usize,
    /// How often this chunk was read in vain: a reason to wait a little.
    pub again: u32,
}

/// Rows that go out together.
#[derive(Debug)]
pub struct Batch {
    /// Its number.
    pub number: u64,
    /// The table.
    pub table: TableName,
    /// The same.
    pub relation: RelationId,
    /// The rows that are left of a chunk.
    pub rows: Vec<ChunkRow>,
}
