//! Bytes to [`Message`].
//!
//! Each reader carries its message's grammar in the manual's order; `[x]` is the subtransaction id that stands only
//! inside a stream block. Must never allocate, keep state between messages, or accept bytes it does not understand.
//!
//! Source: PostgreSQL manual, "Logical Replication Message Formats"; `logicalrep_read_*` in the server's `proto.c`.

use super::cursor::{Cursor, Fault, Malformed};
use super::{
    Begin, BeginPrepare, Block, Commit, CommitPrepared, Delete, Insert, Logical, Message, OldTuple, Origin, Prepare,
    Relation, RelationColumns, RelationId, ReplicaIdentity, RollbackPrepared, StreamAbort, StreamCommit, StreamStart,
    Truncate, Tuple, Type, TypeOid, Update, Xid,
};
use crate::lsn::{CommitLsn, EndLsn, Lsn};
use crate::pgtime::PgMicros;

/// Flag of a Truncate message.
pub(in crate::pgoutput) const TRUNCATE_CASCADE: u8 = 1;
/// Flag of a Truncate message.
pub(in crate::pgoutput) const TRUNCATE_RESTART_IDENTITY: u8 = 2;
/// Flag of a Message message.
pub(in crate::pgoutput) const LOGICAL_TRANSACTIONAL: u8 = 1;

/// What the wire's empty schema name stands for.
pub(in crate::pgoutput) const CATALOG_SCHEMA: &str = "pg_catalog";

/// Parses one message: the payload of one XLogData.
///
/// # Errors
///
/// [`Malformed`] where the bytes are not exactly one well-formed message; as a [`crate::error::Error`] it is
/// definite.
#[inline]
pub fn parse(block: Block, payload: &[u8]) -> Result<Message<'_>, Malformed> {
    let mut cursor = Cursor::new(payload);
    let Ok(tag) = cursor.u8() else {
        return Err(cursor.refuse(Fault::Empty));
    };
    let read = &mut cursor;
    let message = match tag {
        b'I' => Message::Insert(insert(block, read)?),
        b'U' => Message::Update(update(block, read)?),
        b'D' => Message::Delete(delete(block, read)?),
        b'B' => Message::Begin(begin(read)?),
        b'C' => Message::Commit(commit(read)?),
        b'R' => Message::Relation(relation(block, read)?),
        b'Y' => Message::Type(type_(block, read)?),
        b'O' => Message::Origin(origin(read)?),
        b'T' => Message::Truncate(truncate(block, read)?),
        b'M' => Message::Logical(logical(block, read)?),
        b'S' => Message::StreamStart(stream_start(read)?),
        b'E' => Message::StreamStop,
        b'c' => Message::StreamCommit(stream_commit(read)?),
        b'A' => Message::StreamAbort(stream_abort(read)?),
        b'b' => Message::BeginPrepare(begin_prepare(read)?),
        b'P' => Message::Prepare(prepare(read)?),
        b'K' => Message::CommitPrepared(commit_prepared(read)?),
        b'r' => Message::RollbackPrepared(rollback_prepared(read)?),
        b'p' => Message::StreamPrepare(prepare(read)?),
        tag => return Err(cursor.refuse_previous(Fault::UnknownTag(tag))),
    };
    cursor.finish()?;
    Ok(message)
}

fn lsn(read: &mut Cursor<'_>) -> Result<Lsn, Malformed> {
    read.u64().map(Lsn::new)
}

fn commit_lsn(read: &mut Cursor<'_>) -> Result<CommitLsn, Malformed> {
    lsn(read).map(CommitLsn::new)
}

fn end_lsn(read: &mut Cursor<'_>) -> Result<EndLsn, Malformed> {
    lsn(read).map(EndLsn::new)
}

fn time(read: &mut Cursor<'_>) -> Result<PgMicros, Malformed> {
    read.i64().map(PgMicros)
}

fn xid(read: &mut Cursor<'_>) -> Result<Xid, Malformed> {
    read.u32().map(Xid)
}

/// `[x]`
#[inline]
fn block_xid(block: Block, read: &mut Cursor<'_>) -> Result<Option<Xid>, Malformed> {
    match block {
        Block::Plain => Ok(None),
        Block::Streamed => xid(read).map(Some),
    }
}

/// A flag byte of which only the bits of `known` may be set.
fn flags(read: &mut Cursor<'_>, known: u8) -> Result<u8, Malformed> {
    let flags = read.u8()?;
    if flags & !known == 0 { Ok(flags) } else { Err(read.refuse_previous(Fault::UnknownFlags(flags))) }
}

fn schema<'a>(read: &mut Cursor<'a>) -> Result<&'a str, Malformed> {
    let name = read.name()?;
    Ok(if name.is_empty() { CATALOG_SCHEMA } else { name })
}

/// `final_lsn:u64 commit_ts:i64 xid:u32`
fn begin(read: &mut Cursor<'_>) -> Result<Begin, Malformed> {
    Ok(Begin { commit: commit_lsn(read)?, commit_time: time(read)?, xid: xid(read)? })
}

/// `flags:u8 commit_lsn:u64 end_lsn:u64 commit_ts:i64`
fn commit(read: &mut Cursor<'_>) -> Result<Commit, Malformed> {
    flags(read, 0)?;
    Ok(Commit { commit: commit_lsn(read)?, end: end_lsn(read)?, commit_time: time(read)? })
}

/// `origin_lsn:u64 name:cstr`
fn origin<'a>(read: &mut Cursor<'a>) -> Result<Origin<'a>, Malformed> {
    Ok(Origin { lsn: lsn(read)?, name: read.name()? })
}

/// `[x] rel:u32 nsp:cstr name:cstr replident:u8 ncols:u16 ncols * (flags:u8 name:cstr type:u32 typmod:i32)`
fn relation<'a>(block: Block, read: &mut Cursor<'a>) -> Result<Relation<'a>, Malformed> {
    Ok(Relation {
        xid: block_xid(block, read)?,
        id: RelationId(read.u32()?),
        schema: schema(read)?,
        table: read.name()?,
        identity: identity(read)?,
        columns: RelationColumns::read(read)?,
    })
}

fn identity(read: &mut Cursor<'_>) -> Result<ReplicaIdentity, Malformed> {
    match read.u8()? {
        b'd' => Ok(ReplicaIdentity::Default),
        b'n' => Ok(ReplicaIdentity::Nothing),
        b'f' => Ok(ReplicaIdentity::Full),
        b'i' => Ok(ReplicaIdentity::Index),
        other => Err(read.refuse_previous(Fault::UnknownIdentity(other))),
    }
}

/// `[x] type:u32 nsp:cstr name:cstr`
fn type_<'a>(block: Block, read: &mut Cursor<'a>) -> Result<Type<'a>, Malformed> {
    Ok(Type { xid: block_xid(block, read)?, oid: TypeOid(read.u32()?), schema: schema(read)?, name: read.name()? })
}

/// `[x] rel:u32 'N' tuple`
#[inline]
fn insert<'a>(block: Block, read: &mut Cursor<'a>) -> Result<Insert<'a>, Malformed> {
    Ok(Insert { xid: block_xid(block, read)?, relation: RelationId(read.u32()?), new: new_tuple(read)? })
}

/// `[x] rel:u32 ('K' tuple | 'O' tuple | nothing) 'N' tuple`
#[inline]
fn update<'a>(block: Block, read: &mut Cursor<'a>) -> Result<Update<'a>, Malformed> {
    let xid = block_xid(block, read)?;
    let relation = RelationId(read.u32()?);
    let (old, new) = match read.u8()? {
        b'N' => (OldTuple::Absent, Tuple::read(read)?),
        b'K' => (OldTuple::Key(Tuple::read(read)?), new_tuple(read)?),
        b'O' => (OldTuple::Full(Tuple::read(read)?), new_tuple(read)?),
        kind => return Err(read.refuse_previous(Fault::UnknownTupleKind(kind))),
    };
    Ok(Update { xid, relation, old, new })
}

/// `[x] rel:u32 ('K' | 'O') tuple`
#[inline]
fn delete<'a>(block: Block, read: &mut Cursor<'a>) -> Result<Delete<'a>, Malformed> {
    let xid = block_xid(block, read)?;
    let relation = RelationId(read.u32()?);
    let old = match read.u8()? {
        b'K' => OldTuple::Key(Tuple::read(read)?),
        b'O' => OldTuple::Full(Tuple::read(read)?),
        kind => return Err(read.refuse_previous(Fault::UnknownTupleKind(kind))),
    };
    Ok(Delete { xid, relation, old })
}

/// `'N' tuple`
#[inline]
fn new_tuple<'a>(read: &mut Cursor<'a>) -> Result<Tuple<'a>, Malformed> {
    match read.u8()? {
        b'N' => Tuple::read(read),
        kind => Err(read.refuse_previous(Fault::UnknownTupleKind(kind))),
    }
}

/// `[x] nrels:u32 flags:u8 nrels * rel:u32`
fn truncate<'a>(block: Block, read: &mut Cursor<'a>) -> Result<Truncate<'a>, Malformed> {
    let xid = block_xid(block, read)?;
    let count = read.u32()? as usize;
    let flags = flags(read, TRUNCATE_CASCADE | TRUNCATE_RESTART_IDENTITY)?;
    let start = *read;
    for _ in 0..count {
        read.u32()?;
    }
    Ok(Truncate {
        xid,
        cascade: flags & TRUNCATE_CASCADE != 0,
        restart_identity: flags & TRUNCATE_RESTART_IDENTITY != 0,
        relations: read.since(start),
    })
}

/// `[x] flags:u8 lsn:u64 prefix:cstr len:u32 bytes`
fn logical<'a>(block: Block, read: &mut Cursor<'a>) -> Result<Logical<'a>, Malformed> {
    Ok(Logical {
        xid: block_xid(block, read)?,
        transactional: flags(read, LOGICAL_TRANSACTIONAL)? == LOGICAL_TRANSACTIONAL,
        lsn: lsn(read)?,
        prefix: read.name()?,
        content: read.sized()?,
    })
}

/// `xid:u32 first_segment:u8`
fn stream_start(read: &mut Cursor<'_>) -> Result<StreamStart, Malformed> {
    Ok(StreamStart { xid: xid(read)?, first: flags(read, 1)? == 1 })
}

/// `xid:u32 flags:u8 commit_lsn:u64 end_lsn:u64 commit_ts:i64`
fn stream_commit(read: &mut Cursor<'_>) -> Result<StreamCommit, Malformed> {
    let xid = xid(read)?;
    flags(read, 0)?;
    Ok(StreamCommit { xid, commit: commit_lsn(read)?, end: end_lsn(read)?, commit_time: time(read)? })
}

/// `xid:u32 subxid:u32 [abort_lsn:u64 abort_ts:i64]`: the last two only with `streaming=parallel`, told by length.
fn stream_abort(read: &mut Cursor<'_>) -> Result<StreamAbort, Malformed> {
    let top = xid(read)?;
    let subxid = xid(read)?;
    let at = if read.rest().is_empty() { None } else { Some((lsn(read)?, time(read)?)) };
    Ok(StreamAbort { xid: top, subxid, at })
}

/// `prepare_lsn:u64 end_lsn:u64 prepare_ts:i64 xid:u32 gid:cstr`
fn begin_prepare<'a>(read: &mut Cursor<'a>) -> Result<BeginPrepare<'a>, Malformed> {
    Ok(BeginPrepare { prepare: lsn(read)?, end: end_lsn(read)?, time: time(read)?, xid: xid(read)?, gid: read.name()? })
}

/// `flags:u8 prepare_lsn:u64 end_lsn:u64 prepare_ts:i64 xid:u32 gid:cstr`
fn prepare<'a>(read: &mut Cursor<'a>) -> Result<Prepare<'a>, Malformed> {
    flags(read, 0)?;
    Ok(Prepare { prepare: lsn(read)?, end: end_lsn(read)?, time: time(read)?, xid: xid(read)?, gid: read.name()? })
}

/// `flags:u8 commit_lsn:u64 end_lsn:u64 commit_ts:i64 xid:u32 gid:cstr`
fn commit_prepared<'a>(read: &mut Cursor<'a>) -> Result<CommitPrepared<'a>, Malformed> {
    flags(read, 0)?;
    Ok(CommitPrepared {
        commit: commit_lsn(read)?,
        end: end_lsn(read)?,
        commit_time: time(read)?,
        xid: xid(read)?,
        gid: read.name()?,
    })
}

/// `flags:u8 prepare_end_lsn:u64 rollback_end_lsn:u64 prepare_ts:i64 rollback_ts:i64 xid:u32 gid:cstr`
fn rollback_prepared<'a>(read: &mut Cursor<'a>) -> Result<RollbackPrepared<'a>, Malformed> {
    flags(read, 0)?;
    Ok(RollbackPrepared {
        prepare_end: end_lsn(read)?,
        rollback_end: end_lsn(read)?,
        prepare_time: time(read)?,
        rollback_time: time(read)?,
        xid: xid(read)?,
        gid: read.name()?,
    })
}
