//! Messages and catalog to events: transaction bookkeeping, ordinals, and what is left out after a resume.
//!
//! Owns [`Assembler`] and [`Step`]. Never waits, never allocates for a row, never touches a value.
//!
//! Invariants:
//! - The ordinal counts rows, Truncate messages and transactional logical messages from 1 in each transaction, also
//!   those that are left out, so that it does not depend on filters or on where a run began.
//! - An event stands in exactly one transaction and is decoded with the relation version that is current there.
//! - A message out of order is a definite error: nothing after it could be trusted.

use std::sync::Arc;

use crate::catalog::facts::Facts;
use crate::catalog::{Catalog, OwnedRelation, RelationVersion, Seen};
use crate::error::{Error, Kind, Result};
use crate::event::{Change, Event, KnownRow, LogicalMessage, OldRow, Transaction, TransactionOrigin};
use crate::lsn::{CommitLsn, EndLsn, Lsn, Position};
use crate::pgoutput::{Begin, Commit, Logical, Message, OldTuple, Origin, RelationId, Truncate, Xid};

/// Turns the messages of one replication session into events. Made anew for each session.
#[derive(Debug)]
pub struct Assembler {
    catalog: Catalog,
    /// Events at or before it were delivered by an earlier run.
    resume_after: Option<Position>,
    open: Option<Open>,
    /// End of the last commit of this session, or position of the last message outside transactions.
    last_commit: Option<Lsn>,
    /// Origin of the last transaction of this session that is over.
    last_origin: Option<TransactionOrigin>,
    /// The relation of the last row, so that most rows need no look-up.
    last_relation: Option<Arc<RelationVersion>>,
    stray_aborts: u64,
}

/// The transaction between its Begin and its Commit.
#[derive(Debug)]
struct Open {
    transaction: Transaction,
    ordinal: u64,
}

/// What a message came to.
#[derive(Debug)]
pub enum Step<'a> {
    /// A transaction began.
    Begin(&'a Transaction),
    /// One change of one row.
    Event(Event<'a>),
    /// One event for each emptied table, all with one position.
    Truncate(Truncated<'a>),
    /// A message of `pg_logical_emit_message`. One outside transactions stands behind every transaction whose commit
    /// record begins before it, and before every other: its position is the last one before its own end, at which no
    /// commit record can begin, because its record lies there.
    Logical(LogicalMessage<'a>),
    /// The transaction is over; `end` may be confirmed once everything in it is delivered.
    Commit {
        /// Start of the commit record.
        commit: CommitLsn,
        /// First byte after it.
        end: EndLsn,
    },
    /// A relation is known without asking: the version that its rows have now.
    Relation(Arc<RelationVersion>),
    /// Read the catalog for this relation, then call [`Assembler::learn`] before the next [`Assembler::step`].
    NeedsFacts(OwnedRelation),
    /// Nothing to do: a message without meaning for events, or an event that was delivered before.
    Skipped,
}

/// The tables of one Truncate message, in the order of the message.
#[derive(Clone, Debug)]
pub struct Truncated<'a> {
    catalog: &'a Catalog,
    message: Truncate<'a>,
    parts: EventParts<'a>,
}

/// What all events of one message have in common.
#[derive(Clone, Copy, Debug)]
struct EventParts<'a> {
    position: Position,
    lsn: Lsn,
    last_commit: Option<Lsn>,
    transaction: &'a Transaction,
}

impl<'a> EventParts<'a> {
    fn event(self, relation: &'a Arc<RelationVersion>, change: Change<'a>) -> Event<'a> {
        Event {
            position: self.position,
            lsn: self.lsn,
            last_commit: self.last_commit,
            transaction: self.transaction,
            relation,
            change,
        }
    }
}

impl<'a> Truncated<'a> {
    /// The events. Every relation was looked up when the step was made, so none is missing.
    pub fn events(&self) -> impl Iterator<Item = Event<'a>> {
        let Self { catalog, message, parts } = *self;
        message.relations().filter_map(move |id| Some(parts.event(catalog.get(id)?, Change::Truncate)))
    }
}

impl Assembler {
    /// Begins a session.
    ///
    /// `catalog` carries the relation versions of earlier sessions, on which [`Catalog::start_session`] has been
    /// called. Events at or before `resume_after` are left out. `last_commit` is the end of the last commit before
    /// the session where that is known.
    #[must_use]
    pub fn new(catalog: Catalog, resume_after: Option<Position>, last_commit: Option<Lsn>) -> Self {
        Self { catalog, resume_after, open: None, last_commit, last_origin: None, last_relation: None, stray_aborts: 0 }
    }

    /// Ends the session, giving back the catalog for the next.
    #[must_use]
    pub fn into_catalog(self) -> Catalog {
        self.catalog
    }

    /// The relations of this session.
    #[must_use]
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Completes the relation of the last [`Step::NeedsFacts`].
    pub fn learn(&mut self, message: &OwnedRelation, facts: &Facts) -> Arc<RelationVersion> {
        self.last_relation = None;
        self.catalog.learn(message, facts)
    }

    /// The transaction whose end has not been read yet.
    #[must_use]
    pub fn open_xid(&self) -> Option<Xid> {
        self.open.as_ref().map(|open| open.transaction.xid)
    }

    /// Stream Abort messages that came although streaming was not asked for.
    #[must_use]
    pub const fn stray_aborts(&self) -> u64 {
        self.stray_aborts
    }

    /// End of the last commit of this session.
    #[must_use]
    pub const fn last_commit(&self) -> Option<Lsn> {
        self.last_commit
    }

    /// Where the next change of the open transaction will stand; 0/0 outside transactions.
    #[must_use]
    pub const fn next_position(&self) -> Position {
        match &self.open {
            Some(open) => Position { commit: open.transaction.commit, ordinal: open.ordinal.saturating_add(1) },
            None => Position { commit: CommitLsn::new(Lsn::ZERO), ordinal: 0 },
        }
    }

    /// Takes the next message, whose frame starts at `frame_start`.
    ///
    /// # Errors
    /// `Protocol` where messages come out of order or belong to a protocol version that was not asked for.
    #[inline]
    pub fn step<'a>(&'a mut self, frame_start: Lsn, message: Message<'a>) -> Result<Step<'a>> {
        match message {
            Message::Insert(row) => self.row(frame_start, row.relation, Change::Insert { new: row.new }),
            Message::Update(row) => {
                let old = match row.old {
                    OldTuple::Absent => OldRow::Absent,
                    OldTuple::Key(tuple) => OldRow::Known(KnownRow::Key(tuple)),
                    OldTuple::Full(tuple) => OldRow::Known(KnownRow::Full(tuple)),
                };
                self.row(frame_start, row.relation, Change::Update { old, new: row.new })
            }
            Message::Delete(row) => match row.old {
                OldTuple::Absent => Err(out_of_order("a delete names no row", frame_start)),
                OldTuple::Key(tuple) => {
                    self.row(frame_start, row.relation, Change::Delete { old: KnownRow::Key(tuple) })
                }
                OldTuple::Full(tuple) => {
                    self.row(frame_start, row.relation, Change::Delete { old: KnownRow::Full(tuple) })
                }
            },
            Message::Begin(begin) => self.begin(begin),
            Message::Commit(commit) => self.commit(commit),
            other => self.rare(frame_start, other),
        }
    }

    #[inline]
    fn row<'a>(&'a mut self, lsn: Lsn, id: RelationId, change: Change<'a>) -> Result<Step<'a>> {
        let Some(parts) = next_change(&mut self.open, self.resume_after, self.last_commit, lsn)? else {
            return Ok(Step::Skipped);
        };
        if self.last_relation.as_ref().is_none_or(|last| last.id != id) {
            self.last_relation = Some(Arc::clone(self.catalog.require(id).map_err(|error| error.at(lsn))?));
        }
        let Some(relation) = &self.last_relation else { return Err(Error::bug("the relation just found is gone")) };
        Ok(Step::Event(parts.event(relation, change)))
    }

    fn begin(&mut self, begin: Begin) -> Result<Step<'_>> {
        if let Some(open) = &self.open {
            return Err(out_of_order("a transaction began inside another", begin.commit.lsn())
                .detail(format!("transaction {} was open", open.transaction.xid)));
        }
        let transaction =
            Transaction { xid: begin.xid, commit: begin.commit, commit_time: begin.commit_time, origin: None };
        let open = self.open.insert(Open { transaction, ordinal: 0 });
        Ok(Step::Begin(&open.transaction))
    }

    fn commit(&mut self, commit: Commit) -> Result<Step<'_>> {
        let Some(open) = self.open.take() else {
            return Err(out_of_order("a commit came without its begin", commit.commit.lsn()));
        };
        let expected = open.transaction.commit;
        if expected != commit.commit {
            return Err(Error::new(Kind::Protocol, "a commit stands elsewhere than its begin said")
                .positions(expected.lsn(), commit.commit.lsn()));
        }
        self.last_commit = Some(commit.end.lsn());
        self.last_origin = open.transaction.origin;
        Ok(Step::Commit { commit: commit.commit, end: commit.end })
    }

    fn rare<'a>(&'a mut self, frame_start: Lsn, message: Message<'a>) -> Result<Step<'a>> {
        match message {
            Message::Relation(relation) => {
                self.last_relation = None;
                let xid = self.open_xid();
                Ok(match self.catalog.observe(&relation, xid) {
                    Seen::Same(version) => Step::Relation(version),
                    Seen::NeedsFacts(relation) => Step::NeedsFacts(relation),
                })
            }
            // Facts name the types that a relation uses, so the message tells nothing that is not asked for anyway.
            Message::Type(_) => Ok(Step::Skipped),
            Message::Origin(origin) => self.origin(frame_start, origin),
            Message::Truncate(truncate) => self.truncate(frame_start, truncate),
            Message::Logical(logical) if logical.transactional => {
                let parts = next_change(&mut self.open, self.resume_after, self.last_commit, frame_start)?;
                let Some(parts) = parts else { return Ok(Step::Skipped) };
                Ok(Step::Logical(LogicalMessage {
                    position: parts.position,
                    lsn: parts.lsn,
                    last_commit: parts.last_commit,
                    transaction: Some(parts.transaction),
                    origin: parts.transaction.origin.as_ref(),
                    prefix: logical.prefix,
                    content: logical.content,
                }))
            }
            Message::Logical(logical) => self.lone(frame_start, logical),
            // PostgreSQL 18 sends one for some aborted transactions although streaming is off.
            Message::StreamAbort(_) => {
                self.stray_aborts = self.stray_aborts.saturating_add(1);
                Ok(Step::Skipped)
            }
            _ => Err(out_of_order("a message of a protocol version that was not asked for", frame_start)
                .hint("remove proto_version, streaming and two_phase from slot.stream.params")),
        }
    }

    /// A message outside transactions stands for itself, and `source.sequence` counts from it as from a commit. The
    /// server writes it when it decodes its record, so never inside a transaction, which it writes in one piece: inside
    /// one it would confirm what lies behind it.
    fn lone<'a>(&'a mut self, frame_start: Lsn, logical: Logical<'a>) -> Result<Step<'a>> {
        if let Some(open) = &self.open {
            return Err(out_of_order("a message outside transactions came inside one", frame_start)
                .detail(format!("transaction {} was open", open.transaction.xid)));
        }
        self.last_commit = Some(frame_start);
        let before = Lsn::new(frame_start.as_u64().saturating_sub(1));
        let position = Position::end(CommitLsn::new(before));
        if self.resume_after.is_some_and(|after| position <= after) {
            return Ok(Step::Skipped);
        }
        Ok(Step::Logical(LogicalMessage {
            position,
            lsn: frame_start,
            last_commit: self.last_commit,
            transaction: None,
            origin: self.last_origin.as_ref(),
            prefix: logical.prefix,
            content: logical.content,
        }))
    }

    fn origin<'a>(&'a mut self, frame_start: Lsn, origin: Origin<'a>) -> Result<Step<'a>> {
        match &mut self.open {
            Some(open) if open.ordinal == 0 => {
                open.transaction.origin = Some(TransactionOrigin { name: origin.name.to_owned(), lsn: origin.lsn });
                Ok(Step::Skipped)
            }
            _ => Err(out_of_order("an origin came elsewhere than right after a begin", frame_start)),
        }
    }

    fn truncate<'a>(&'a mut self, frame_start: Lsn, message: Truncate<'a>) -> Result<Step<'a>> {
        let Some(parts) = next_change(&mut self.open, self.resume_after, self.last_commit, frame_start)? else {
            return Ok(Step::Skipped);
        };
        for id in message.relations() {
            self.catalog.require(id).map_err(|error| error.at(frame_start))?;
        }
        Ok(Step::Truncate(Truncated { catalog: &self.catalog, message, parts }))
    }
}

/// Counts a change of the open transaction; `None` where it was delivered before.
#[inline]
fn next_change(
    open: &mut Option<Open>,
    resume_after: Option<Position>,
    last_commit: Option<Lsn>,
    lsn: Lsn,
) -> Result<Option<EventParts<'_>>> {
    let Some(open) = open else { return Err(out_of_order("a change came outside a transaction", lsn)) };
    open.ordinal += 1;
    let position = Position { commit: open.transaction.commit, ordinal: open.ordinal };
    if resume_after.is_some_and(|after| position <= after) {
        return Ok(None);
    }
    Ok(Some(EventParts { position, lsn, last_commit, transaction: &open.transaction }))
}

fn out_of_order(what: &str, at: Lsn) -> Error {
    Error::new(Kind::Protocol, what).at(at).detail("the server broke the order of the replication protocol")
}

#[cfg(test)]
mod tests;
