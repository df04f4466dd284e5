//! Rows of a snapshot on their way to the sink: encoded like changes, with tickets of their own.

use std::sync::Arc;

use super::{Pause, Pump, encode, unix_nanos};
use crate::catalog::RelationVersion;
use crate::encode::Standing;
use crate::error::{Error, Result};
use crate::event::{Change, Event, Notification, SnapshotMark, Transaction};
use crate::ledger::Ticket;
use crate::lsn::{CommitLsn, Lsn, Position};
use crate::pgoutput::{Tuple, Xid};
use crate::pgtime::PgMicros;
use crate::pipeline::pump::Fault;
use crate::sink::{Append, Sink};
use crate::snapshot::run::Ready;

/// What the records of one reading of a snapshot say of it.
#[derive(Clone, Debug)]
pub struct Scene {
    pub(super) transaction: Transaction,
    pub(super) lsn: Lsn,
    last_commit: Option<Lsn>,
}

/// The last change that the stream carried.
#[derive(Clone, Copy, Debug)]
pub struct Streamed {
    /// Its position.
    pub lsn: Lsn,
    /// The end of the last transaction before its own.
    pub last_commit: Option<Lsn>,
    /// Its transaction.
    pub xid: Xid,
}

impl Scene {
    /// A reading at a position of the log.
    #[must_use]
    pub const fn new(lsn: Lsn, taken: PgMicros, xid: Xid) -> Self {
        let transaction = Transaction { xid, commit: CommitLsn::new(lsn), commit_time: taken, origin: None };
        Self { transaction, lsn, last_commit: None }
    }

    /// The same where the stream waits meanwhile: its position is the stream's, which goes on from there.
    ///
    /// Source: Debezium's `RelationalSnapshotChangeEventSource`, which leaves the streamed offset as it is.
    #[must_use]
    pub fn while_waiting(self, streamed: Streamed) -> Self {
        let Streamed { lsn, last_commit, xid } = streamed;
        let transaction = Transaction { xid, commit: CommitLsn::new(lsn), ..self.transaction };
        Self { transaction, lsn, last_commit }
    }

    /// A row of the reading.
    #[must_use]
    pub const fn row<'a>(
        &'a self,
        relation: &'a Arc<RelationVersion>,
        row: Tuple<'a>,
        mark: SnapshotMark,
    ) -> Event<'a> {
        Event {
            position: Position { commit: self.transaction.commit, ordinal: 0 },
            lsn: self.lsn,
            last_commit: self.last_commit,
            transaction: &self.transaction,
            relation,
            change: Change::Read { row, mark },
        }
    }
}

impl Pump {
    /// Encodes a row of a snapshot; its records then wait. Gives a pause where their topic has to be made ready first. `now_unix_nanos`
    /// is what the record's clocks show.
    ///
    /// # Errors
    /// `Undecodable` for a value that is none of its type, unless such rows are left out; `Protocol` for a row that does not
    /// fit its table.
    pub fn read(
        &mut self,
        scene: &Scene,
        relation: &Arc<RelationVersion>,
        ready: &Ready,
        texts: &[bool],
        now_unix_nanos: u64,
    ) -> Result<Option<Pause>> {
        let row = Tuple::from_copy(&ready.row, texts)?;
        let event = scene.row(relation, row, ready.mark);
        match encode(&mut self.encoder, &mut self.tables, &event, now_unix_nanos) {
            Ok(waiting) => self.waiting = waiting,
            Err(error) => {
                let (encoder, off_table) = (&mut self.encoder, &mut self.off_table);
                let (records, topic) = Self::handle_failure(encoder, off_table, &event, &ready.row, error)?;
                self.waiting = 0..records;
                return Ok(self.lacking(topic));
            }
        }
        Ok(self.unready(relation.id))
    }

    /// Offers the records that wait. Gives how many there were when the sink has all of them.
    ///
    /// # Errors
    /// [`Fault`], with the side it belongs to.
    #[inline]
    pub fn offer<S: Sink>(&mut self, sink: &mut S, ticket: Ticket) -> Result<Option<u64>, Fault> {
        while self.waiting.start < self.waiting.end {
            let Some(record) = self.encoder.record(self.waiting.start, ticket) else {
                return Err(Fault::Source(Error::bug("the encoder lost a record")));
            };
            match sink.append(&record) {
                Ok(Append::Taken) => self.waiting.start += 1,
                Ok(Append::Full) => return Ok(None),
                Err(error) => return Err(Fault::Sink(self.explain(error, sink.offender()))),
            }
        }
        let records = self.waiting.end as u64;
        self.waiting = 0..0;
        Ok(Some(records))
    }

    /// Encodes a notification; its record then waits. Gives a pause where its topic has to be made ready first. Records
    /// that wait must have been taken before.
    pub fn notify(&mut self, notification: &Notification) -> Option<Pause> {
        let records = self.encoder.notification(notification, unix_nanos());
        self.waiting = 0..records;
        if records == 0 {
            return None;
        }
        let topic = self.off_table.topic_to_prepare(self.encoder.standing_topic(Standing::Notification));
        self.lacking(topic)
    }

    /// Forgets the records that wait: what they came from is read again.
    pub fn drop_waiting(&mut self) {
        self.encoder.take_back();
        self.waiting = 0..0;
    }
}
