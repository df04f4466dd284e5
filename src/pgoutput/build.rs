//! [`Message`] to bytes: the mirror of the parser, for tests and benches that need a stream without a server.
//!
//! Owns the buffers a borrowed [`Tuple`], [`RelationColumns`] or [`Truncate`] can be made from. Writes what the
//! server would write, so that parsing it gives the same message. Not on any path of a running pipeline.
//!
//! Source: `logicalrep_write_*` in the server's `proto.c`.

use super::parse::{CATALOG_SCHEMA, LOGICAL_TRANSACTIONAL, TRUNCATE_CASCADE, TRUNCATE_RESTART_IDENTITY};
use super::tuple::COLUMN_IDENTITY;
use super::{
    Block, Datum, Layout, Message, OldTuple, Prepare, RelationColumn, RelationColumns, RelationId, ReplicaIdentity,
    Truncate, Tuple, Xid,
};
use crate::lsn::{CommitLsn, EndLsn, Lsn};
use crate::pgtime::PgMicros;

/// Owns a row's bytes.
#[derive(Clone, Default)]
pub struct TupleBuffer {
    count: u16,
    body: Vec<u8>,
}

impl TupleBuffer {
    /// A row of these columns.
    ///
    /// # Panics
    ///
    /// With more than 65 535 columns, or 4 GiB in one of them.
    #[must_use]
    pub fn new(datums: &[Datum<'_>]) -> Self {
        let mut buffer = Self::default();
        for datum in datums {
            buffer.push(*datum);
        }
        buffer
    }

    /// A row of text columns.
    ///
    /// # Panics
    ///
    /// As [`TupleBuffer::new`].
    #[must_use]
    pub fn of_text(values: &[&str]) -> Self {
        let mut buffer = Self::default();
        for value in values {
            buffer.push(Datum::Text(value.as_bytes()));
        }
        buffer
    }

    /// Adds a column.
    ///
    /// # Panics
    ///
    /// As [`TupleBuffer::new`].
    pub fn push(&mut self, datum: Datum<'_>) {
        self.count = self.count.checked_add(1).expect("a row has at most 65535 columns");
        match datum {
            Datum::Null => self.body.push(b'n'),
            Datum::Unchanged => self.body.push(b'u'),
            Datum::Text(bytes) => {
                self.body.push(b't');
                put_sized(&mut self.body, bytes);
            }
            Datum::Binary(bytes) => {
                self.body.push(b'b');
                put_sized(&mut self.body, bytes);
            }
        }
    }

    /// The row, borrowed.
    #[must_use]
    pub fn tuple(&self) -> Tuple<'_> {
        Tuple { count: self.count, body: &self.body, layout: Layout::Message }
    }
}

/// Owns the columns of a relation.
#[derive(Clone, Default)]
pub struct ColumnsBuffer {
    count: u16,
    body: Vec<u8>,
}

impl ColumnsBuffer {
    /// These columns, in attnum order.
    ///
    /// # Panics
    ///
    /// With more than 65 535 columns, or a name with a zero byte.
    #[must_use]
    pub fn new(columns: &[RelationColumn<'_>]) -> Self {
        let mut body = Vec::new();
        for column in columns {
            body.push(if column.identity { COLUMN_IDENTITY } else { 0 });
            put_name(&mut body, column.name);
            body.extend_from_slice(&column.type_oid.0.to_be_bytes());
            body.extend_from_slice(&column.typmod.to_be_bytes());
        }
        Self { count: u16::try_from(columns.len()).expect("a relation has at most 65535 columns"), body }
    }

    /// The columns, borrowed.
    #[must_use]
    pub fn columns(&self) -> RelationColumns<'_> {
        RelationColumns { count: self.count, body: &self.body }
    }
}

/// Owns the relations of a truncate.
#[derive(Clone, Default)]
pub struct TruncateBuffer {
    relations: Vec<u8>,
}

impl TruncateBuffer {
    /// These tables.
    #[must_use]
    pub fn new(relations: &[RelationId]) -> Self {
        Self { relations: relations.iter().flat_map(|relation| relation.0.to_be_bytes()).collect() }
    }

    /// The message outside a stream block with neither CASCADE nor RESTART IDENTITY, borrowed.
    #[must_use]
    pub fn truncate(&self) -> Truncate<'_> {
        Truncate { xid: None, cascade: false, restart_identity: false, relations: &self.relations }
    }
}

impl Message<'_> {
    /// Where a parser has to believe it is to read this message back: the messages that carry a subtransaction id
    /// say so themselves, the others read the same in both places.
    #[must_use]
    pub const fn block(&self) -> Block {
        let xid = match self {
            Self::Relation(relation) => relation.xid,
            Self::Type(type_) => type_.xid,
            Self::Insert(insert) => insert.xid,
            Self::Update(update) => update.xid,
            Self::Delete(delete) => delete.xid,
            Self::Truncate(truncate) => truncate.xid,
            Self::Logical(logical) => logical.xid,
            _ => None,
        };
        if xid.is_some() { Block::Streamed } else { Block::Plain }
    }

    /// The message in new bytes.
    ///
    /// # Panics
    ///
    /// As [`Message::write`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Appends the message.
    ///
    /// # Panics
    ///
    /// With a zero byte in a name, 4 GiB of content, or a [`Delete`](super::Delete) whose old tuple is absent.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.tag());
        match self {
            Self::Begin(begin) => {
                put_commit(out, begin.commit);
                put_time(out, begin.commit_time);
                put_xid(out, begin.xid);
            }
            Self::Commit(commit) => {
                out.push(0);
                put_commit(out, commit.commit);
                put_end(out, commit.end);
                put_time(out, commit.commit_time);
            }
            Self::Origin(origin) => {
                put_lsn(out, origin.lsn);
                put_name(out, origin.name);
            }
            Self::Relation(_) | Self::Type(_) => self.write_shape(out),
            Self::Insert(_) | Self::Update(_) | Self::Delete(_) | Self::Truncate(_) | Self::Logical(_) => {
                self.write_change(out);
            }
            Self::StreamStart(start) => {
                put_xid(out, start.xid);
                out.push(u8::from(start.first));
            }
            Self::StreamStop => {}
            Self::StreamCommit(commit) => {
                put_xid(out, commit.xid);
                out.push(0);
                put_commit(out, commit.commit);
                put_end(out, commit.end);
                put_time(out, commit.commit_time);
            }
            Self::StreamAbort(abort) => {
                put_xid(out, abort.xid);
                put_xid(out, abort.subxid);
                if let Some((lsn, time)) = abort.at {
                    put_lsn(out, lsn);
                    put_time(out, time);
                }
            }
            Self::BeginPrepare(_)
            | Self::Prepare(_)
            | Self::StreamPrepare(_)
            | Self::CommitPrepared(_)
            | Self::RollbackPrepared(_) => self.write_prepared(out),
        }
    }

    /// The tag byte the message starts with.
    #[must_use]
    pub const fn tag(&self) -> u8 {
        match self {
            Self::Begin(_) => b'B',
            Self::Commit(_) => b'C',
            Self::Origin(_) => b'O',
            Self::Relation(_) => b'R',
            Self::Type(_) => b'Y',
            Self::Insert(_) => b'I',
            Self::Update(_) => b'U',
            Self::Delete(_) => b'D',
            Self::Truncate(_) => b'T',
            Self::Logical(_) => b'M',
            Self::StreamStart(_) => b'S',
            Self::StreamStop => b'E',
            Self::StreamCommit(_) => b'c',
            Self::StreamAbort(_) => b'A',
            Self::BeginPrepare(_) => b'b',
            Self::Prepare(_) => b'P',
            Self::CommitPrepared(_) => b'K',
            Self::RollbackPrepared(_) => b'r',
            Self::StreamPrepare(_) => b'p',
        }
    }

    fn write_shape(&self, out: &mut Vec<u8>) {
        match self {
            Self::Relation(relation) => {
                put_block_xid(out, relation.xid);
                out.extend_from_slice(&relation.id.0.to_be_bytes());
                put_schema(out, relation.schema);
                put_name(out, relation.table);
                out.push(identity_byte(relation.identity));
                out.extend_from_slice(&relation.columns.count.to_be_bytes());
                out.extend_from_slice(relation.columns.body);
            }
            Self::Type(type_) => {
                put_block_xid(out, type_.xid);
                out.extend_from_slice(&type_.oid.0.to_be_bytes());
                put_schema(out, type_.schema);
                put_name(out, type_.name);
            }
            _ => {}
        }
    }

    fn write_change(&self, out: &mut Vec<u8>) {
        match self {
            Self::Insert(insert) => {
                put_block_xid(out, insert.xid);
                out.extend_from_slice(&insert.relation.0.to_be_bytes());
                put_tuple(out, b'N', insert.new);
            }
            Self::Update(update) => {
                put_block_xid(out, update.xid);
                out.extend_from_slice(&update.relation.0.to_be_bytes());
                put_old(out, update.old);
                put_tuple(out, b'N', update.new);
            }
            Self::Delete(delete) => {
                assert!(delete.old != OldTuple::Absent, "a delete names its row");
                put_block_xid(out, delete.xid);
                out.extend_from_slice(&delete.relation.0.to_be_bytes());
                put_old(out, delete.old);
            }
            Self::Truncate(truncate) => {
                put_block_xid(out, truncate.xid);
                let count = truncate.relations().len();
                out.extend_from_slice(&u32::try_from(count).expect("fits a u32").to_be_bytes());
                let cascade = if truncate.cascade { TRUNCATE_CASCADE } else { 0 };
                let restart = if truncate.restart_identity { TRUNCATE_RESTART_IDENTITY } else { 0 };
                out.push(cascade | restart);
                out.extend_from_slice(truncate.relations);
            }
            Self::Logical(logical) => {
                put_block_xid(out, logical.xid);
                out.push(if logical.transactional { LOGICAL_TRANSACTIONAL } else { 0 });
                put_lsn(out, logical.lsn);
                put_name(out, logical.prefix);
                put_sized(out, logical.content);
            }
            _ => {}
        }
    }

    fn write_prepared(&self, out: &mut Vec<u8>) {
        match self {
            Self::BeginPrepare(begin) => {
                put_lsn(out, begin.prepare);
                put_end(out, begin.end);
                put_time(out, begin.time);
                put_xid(out, begin.xid);
                put_name(out, begin.gid);
            }
            Self::Prepare(prepare) | Self::StreamPrepare(prepare) => put_prepare(out, prepare),
            Self::CommitPrepared(commit) => {
                out.push(0);
                put_commit(out, commit.commit);
                put_end(out, commit.end);
                put_time(out, commit.commit_time);
                put_xid(out, commit.xid);
                put_name(out, commit.gid);
            }
            Self::RollbackPrepared(rollback) => {
                out.push(0);
                put_end(out, rollback.prepare_end);
                put_end(out, rollback.rollback_end);
                put_time(out, rollback.prepare_time);
                put_time(out, rollback.rollback_time);
                put_xid(out, rollback.xid);
                put_name(out, rollback.gid);
            }
            _ => {}
        }
    }
}

fn put_prepare(out: &mut Vec<u8>, prepare: &Prepare<'_>) {
    out.push(0);
    put_lsn(out, prepare.prepare);
    put_end(out, prepare.end);
    put_time(out, prepare.time);
    put_xid(out, prepare.xid);
    put_name(out, prepare.gid);
}

fn put_lsn(out: &mut Vec<u8>, lsn: Lsn) {
    out.extend_from_slice(&lsn.as_u64().to_be_bytes());
}

fn put_commit(out: &mut Vec<u8>, commit: CommitLsn) {
    put_lsn(out, commit.lsn());
}

fn put_end(out: &mut Vec<u8>, end: EndLsn) {
    put_lsn(out, end.lsn());
}

fn put_time(out: &mut Vec<u8>, time: PgMicros) {
    out.extend_from_slice(&time.0.to_be_bytes());
}

fn put_xid(out: &mut Vec<u8>, xid: Xid) {
    out.extend_from_slice(&xid.0.to_be_bytes());
}

fn put_block_xid(out: &mut Vec<u8>, xid: Option<Xid>) {
    if let Some(xid) = xid {
        put_xid(out, xid);
    }
}

fn put_name(out: &mut Vec<u8>, name: &str) {
    assert!(!name.as_bytes().contains(&0), "a name holds no zero byte");
    out.extend_from_slice(name.as_bytes());
    out.push(0);
}

fn put_schema(out: &mut Vec<u8>, schema: &str) {
    put_name(out, if schema == CATALOG_SCHEMA { "" } else { schema });
}

fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).expect("less than 4 GiB").to_be_bytes());
    out.extend_from_slice(bytes);
}

fn put_tuple(out: &mut Vec<u8>, kind: u8, tuple: Tuple<'_>) {
    out.push(kind);
    out.extend_from_slice(&tuple.count.to_be_bytes());
    out.extend_from_slice(tuple.body);
}

fn put_old(out: &mut Vec<u8>, old: OldTuple<'_>) {
    match old {
        OldTuple::Absent => {}
        OldTuple::Key(tuple) => put_tuple(out, b'K', tuple),
        OldTuple::Full(tuple) => put_tuple(out, b'O', tuple),
    }
}

const fn identity_byte(identity: ReplicaIdentity) -> u8 {
    match identity {
        ReplicaIdentity::Default => b'd',
        ReplicaIdentity::Nothing => b'n',
        ReplicaIdentity::Full => b'f',
        ReplicaIdentity::Index => b'i',
    }
}
