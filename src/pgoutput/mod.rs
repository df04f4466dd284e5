//! The messages of pgoutput, protocol versions 1 to 4: bytes to borrowed views and back. No I/O.
//!
//! Owns [`Message`] and its parts, the parser ([`parse()`]) and the builder that tests use ([`build`]).
//! Must never ask the catalog, allocate for a message, or panic, whatever the bytes.
//!
//! Source: PostgreSQL manual, "Logical Replication Message Formats".

use std::fmt;

use crate::lsn::{CommitLsn, EndLsn, Lsn};
use crate::pgtime::PgMicros;

pub mod build;
mod cursor;
mod parse;
mod tuple;

#[cfg(test)]
mod mutation_tests;
#[cfg(test)]
mod tests;

pub use cursor::{Fault, Malformed};
pub use parse::parse;
pub use tuple::{Columns, Datums, Relations};

/// A relation's OID on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationId(pub u32);

/// A type's OID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeOid(pub u32);

/// A 32-bit transaction id, without epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Xid(pub u32);

impl Xid {
    /// Whether it was given out before `other`, as far as 32 bits can tell: ids of one history are never half of
    /// all ids apart (`TransactionIdPrecedes`).
    #[must_use]
    pub const fn precedes(self, other: Self) -> bool {
        self.0 != other.0 && other.0.wrapping_sub(self.0) < 1 << 31
    }
}

impl fmt::Display for RelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TypeOid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Xid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether messages stand inside a Stream Start .. Stream Stop block, where most carry a transaction id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Outside: a whole transaction between Begin and Commit, or between transactions.
    Plain,
    /// Inside a block of an in-progress transaction (protocol 2 and later).
    Streamed,
}

/// One message. Names and tuples borrow the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Message<'a> {
    /// `B`
    Begin(Begin),
    /// `C`
    Commit(Commit),
    /// `O`
    Origin(Origin<'a>),
    /// `R`
    Relation(Relation<'a>),
    /// `Y`
    Type(Type<'a>),
    /// `I`
    Insert(Insert<'a>),
    /// `U`
    Update(Update<'a>),
    /// `D`
    Delete(Delete<'a>),
    /// `T`
    Truncate(Truncate<'a>),
    /// `M`
    Logical(Logical<'a>),
    /// `S`
    StreamStart(StreamStart),
    /// `E`
    StreamStop,
    /// `c`
    StreamCommit(StreamCommit),
    /// `A`
    StreamAbort(StreamAbort),
    /// `b`
    BeginPrepare(BeginPrepare<'a>),
    /// `P`
    Prepare(Prepare<'a>),
    /// `K`
    CommitPrepared(CommitPrepared<'a>),
    /// `r`
    RollbackPrepared(RollbackPrepared<'a>),
    /// `p`
    StreamPrepare(Prepare<'a>),
}

/// Start of a transaction; with protocol 1 its commit is already known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Start of the commit record.
    pub commit: CommitLsn,
    /// Commit time (the origin's, for a replicated transaction).
    pub commit_time: PgMicros,
    /// Transaction id.
    pub xid: Xid,
}

/// End of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Start of the commit record.
    pub commit: CommitLsn,
    /// First byte after the commit record: what is acknowledged.
    pub end: EndLsn,
    /// Commit time.
    pub commit_time: PgMicros,
}

/// Where a replicated transaction came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Commit position at the origin.
    pub lsn: Lsn,
    /// Origin name.
    pub name: &'a str,
}

/// A relation's shape, sent before its first change and again whenever it may have changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relation<'a> {
    /// Subtransaction id inside a stream block.
    pub xid: Option<Xid>,
    /// Relation OID.
    pub id: RelationId,
    /// Schema name; the wire's empty name is given as `pg_catalog`.
    pub schema: &'a str,
    /// Table name.
    pub table: &'a str,
    /// Replica identity setting.
    pub identity: ReplicaIdentity,
    /// Columns in attnum order.
    pub columns: RelationColumns<'a>,
}

/// A table's replica identity setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplicaIdentity {
    /// `d`: the primary key, if there is one.
    Default,
    /// `n`: nothing.
    Nothing,
    /// `f`: the whole row.
    Full,
    /// `i`: the columns of an index.
    Index,
}

/// The columns of a Relation message, checked when parsed; iterate with [`RelationColumns::iter`].
#[derive(Clone, Copy, PartialEq)]
pub struct RelationColumns<'a> {
    pub(in crate::pgoutput) count: u16,
    pub(in crate::pgoutput) body: &'a [u8],
}

impl fmt::Debug for RelationColumns<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One column of a Relation message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelationColumn<'a> {
    /// Whether it is part of the replica identity.
    pub identity: bool,
    /// Column name.
    pub name: &'a str,
    /// Type OID.
    pub type_oid: TypeOid,
    /// Type modifier, -1 for none.
    pub typmod: i32,
}

/// A type that is not built in, sent before the Relation that uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type<'a> {
    /// Subtransaction id inside a stream block.
    pub xid: Option<Xid>,
    /// Type OID; for a domain the domain's.
    pub oid: TypeOid,
    /// Schema name; the wire's empty name is given as `pg_catalog`.
    pub schema: &'a str,
    /// Type name; for a domain its base type's.
    pub name: &'a str,
}

/// A new row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Insert<'a> {
    /// Subtransaction id inside a stream block.
    pub xid: Option<Xid>,
    /// Relation.
    pub relation: RelationId,
    /// The row.
    pub new: Tuple<'a>,
}

/// A changed row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update<'a> {
    /// Subtransaction id inside a stream block.
    pub xid: Option<Xid>,
    /// Relation.
    pub relation: RelationId,
    /// What is known of the row before.
    pub old: OldTuple<'a>,
    /// The row after.
    pub new: Tuple<'a>,
}

/// A removed row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delete<'a> {
    /// Subtransaction id inside a stream block.
    pub xid: Option<Xid>,
    /// Relation.
    pub relation: RelationId,
    /// What is known of the row; never [`OldTuple::Absent`].
    pub old: OldTuple<'a>,
}

/// What an update or delete says of the row before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OldTuple<'a> {
    /// Nothing: the key did not change.
    Absent,
    /// `K`: identity columns; a null elsewhere means "not sent".
    Key(Tuple<'a>),
    /// `O`: the whole row.
    Full(Tuple<'a>),
}

/// A row as sent, checked when parsed; iterate with [`Tuple::iter`]. Its `Debug` form shows no value.
#[derive(Clone, Copy, PartialEq)]
pub struct Tuple<'a> {
    pub(in crate::pgoutput) count: u16,
    pub(in crate::pgoutput) body: &'a [u8],
    pub(in crate::pgoutput) layout: Layout<'a>,
}

/// How the columns of a [`Tuple`] stand in its bytes.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::pgoutput) enum Layout<'a> {
    /// As in a message: a kind, and a length and bytes where the kind has them.
    Message,
    /// As in `COPY ... (FORMAT binary)`: a length, which is -1 for a null, and bytes. A column is text where `texts` says so.
    Copy { texts: &'a [bool] },
}

impl fmt::Debug for Tuple<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One column of a row as sent. Its `Debug` form shows form and length, no value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Datum<'a> {
    /// `n`: SQL NULL, or "not sent" in a key tuple.
    Null,
    /// `u`: a TOASTed value that did not change and is not sent.
    Unchanged,
    /// `t`: the type's text output.
    Text(&'a [u8]),
    /// `b`: the type's binary output.
    Binary(&'a [u8]),
}

impl fmt::Debug for Datum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Unchanged => f.write_str("Unchanged"),
            Self::Text(bytes) => write!(f, "Text({} bytes)", bytes.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

/// Emptied tables.
#[derive(Clone, Copy, PartialEq)]
pub struct Truncate<'a> {
    /// Subtransaction id inside a stream block.
    pub xid: Option<Xid>,
    /// CASCADE was given.
    pub cascade: bool,
    /// RESTART IDENTITY was given.
    pub restart_identity: bool,
    /// The tables, four bytes each; iterate with [`Truncate::relations`].
    pub(in crate::pgoutput) relations: &'a [u8],
}

impl fmt::Debug for Truncate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Truncate")
            .field("xid", &self.xid)
            .field("cascade", &self.cascade)
            .field("restart_identity", &self.restart_identity)
            .field("relations", &self.relations().collect::<Vec<_>>())
            .finish()
    }
}

/// A message of `pg_logical_emit_message`. Its `Debug` form shows the content's length only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Logical<'a> {
    /// Subtransaction id inside a stream block.
    pub xid: Option<Xid>,
    /// Part of the surrounding transaction, or on its own.
    pub transactional: bool,
    /// Its own position.
    pub lsn: Lsn,
    /// Prefix.
    pub prefix: &'a str,
    /// Content.
    pub content: &'a [u8],
}

impl fmt::Debug for Logical<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logical")
            .field("xid", &self.xid)
            .field("transactional", &self.transactional)
            .field("lsn", &self.lsn)
            .field("prefix", &self.prefix)
            .field("content_bytes", &self.content.len())
            .finish()
    }
}

/// Start of a block of an in-progress transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamStart {
    /// Top-level transaction id.
    pub xid: Xid,
    /// First block of this transaction.
    pub first: bool,
}

/// Commit of a streamed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamCommit {
    /// Top-level transaction id.
    pub xid: Xid,
    /// Start of the commit record.
    pub commit: CommitLsn,
    /// First byte after it.
    pub end: EndLsn,
    /// Commit time.
    pub commit_time: PgMicros,
}

/// Abort of a streamed transaction or of one of its subtransactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamAbort {
    /// Top-level transaction id.
    pub xid: Xid,
    /// What is aborted; equal to `xid` for the whole.
    pub subxid: Xid,
    /// Position and time; only with `streaming=parallel`.
    pub at: Option<(Lsn, PgMicros)>,
}

/// Start of a prepared transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeginPrepare<'a> {
    /// Start of the prepare record.
    pub prepare: Lsn,
    /// First byte after it.
    pub end: EndLsn,
    /// Prepare time.
    pub time: PgMicros,
    /// Transaction id.
    pub xid: Xid,
    /// Global identifier.
    pub gid: &'a str,
}

/// End of the changes of a prepared transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepare<'a> {
    /// Start of the prepare record.
    pub prepare: Lsn,
    /// First byte after it.
    pub end: EndLsn,
    /// Prepare time.
    pub time: PgMicros,
    /// Transaction id.
    pub xid: Xid,
    /// Global identifier.
    pub gid: &'a str,
}

/// Commit of a prepared transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitPrepared<'a> {
    /// Start of the commit record.
    pub commit: CommitLsn,
    /// First byte after it.
    pub end: EndLsn,
    /// Commit time.
    pub commit_time: PgMicros,
    /// Transaction id.
    pub xid: Xid,
    /// Global identifier.
    pub gid: &'a str,
}

/// Rollback of a prepared transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollbackPrepared<'a> {
    /// First byte after the prepare record.
    pub prepare_end: EndLsn,
    /// First byte after the rollback record.
    pub rollback_end: EndLsn,
    /// Prepare time.
    pub prepare_time: PgMicros,
    /// Rollback time.
    pub rollback_time: PgMicros,
    /// Transaction id.
    pub xid: Xid,
    /// Global identifier.
    pub gid: &'a str,
}
