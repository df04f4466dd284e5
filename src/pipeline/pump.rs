//! The hot loop: frames to messages to events to records, on one thread, without waiting.
//!
//! Owns [`Pump`]. It takes frames from the buffer of the replication connection as long as there are any, the
//! core wants them and the sink has room, and says why it stopped. The core hears of units, never of rows.
//!
//! Invariants:
//! - A frame is given back to the connection's buffer only after its event stands in the encoder's buffers, and
//!   the next frame is looked at only after all records of the one before were taken by the sink.
//! - Every record carries the ticket of the unit that is open.
//! - A topic is made ready, and a schema registered, when the first record is there, not before: the server also
//!   describes tables of which no row follows, such as partitions whose changes are sent as those of their root.

mod beside;
mod off_table;
mod reading;
mod relations;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::core::Core;
use super::input::{Effect, Input, Reply};
use super::tables::{Capture, Tables};
use crate::assemble::{Assembler, Step};
use crate::catalog::facts::Facts;
use crate::catalog::{Catalog, OwnedRelation, RelationVersion};
use crate::encode::{Encoder, SchemaText, Standing};
use crate::error::{Error, Kind};
use crate::event::{Change, Event, Transaction};
use crate::ledger::Ticket;
use crate::lsn::{EndLsn, Lsn, Position};
use crate::observe::{Metrics, StreamForm};
use crate::pgoutput::{Block, RelationId, TypeOid, parse};
use crate::pgtime::PgMicros;
use crate::sink::{Append, Sink};
use crate::value::is_of_binary_form;
use crate::wire::{CopyBoth, Frame};
pub use beside::{Beside, Keyed};
pub use off_table::OffTable;
use off_table::Pending;
pub use reading::{Scene, Streamed};

/// Records of one unit before a transaction is cut into another slice, so that no count and no wait of the
/// ledger grows with the size of a transaction.
const SLICE_RECORDS_MAX: u64 = 10_000;

/// Frames handled between two looks at the clock, the callbacks and the stop signal: a few milliseconds.
const FRAMES_PER_TURN_MAX: u32 = 4_096;

/// Why the pump stopped.
#[derive(Debug)]
pub enum Pause {
    /// Every complete frame is done: more bytes are needed.
    NeedBytes,
    /// There may be more frames; others had no turn for a while.
    Turn,
    /// A relation's facts are needed before its rows can be decoded.
    NeedFacts(OwnedRelation),
    /// A relation version is there that was not introduced yet.
    NewRelation(Arc<RelationVersion>),
    /// Records wait for what they lack.
    Unready(Lacks),
    /// Something comes that a session in binary form cannot carry.
    NeedText(Unfit),
    /// The sink has no room.
    SinkFull,
    /// The core wants no frames now.
    Held,
    /// The server ended the copy.
    CopyEnded,
}

/// What records lack that wait, each the first of its kind.
#[derive(Debug)]
pub struct Lacks {
    /// Their schemas that are not registered yet.
    pub schemas: Vec<SchemaText>,
    /// Their topic, where it was not made ready yet.
    pub topic: Option<Arc<str>>,
}

/// What a session in binary form cannot carry.
#[derive(Debug)]
pub enum Unfit {
    /// A column of a captured relation, before the first of its rows.
    Column {
        /// `schema.table`
        table: String,
        /// Column name.
        column: String,
        /// OID of its type.
        type_oid: TypeOid,
    },
    /// A value whose binary form cannot be decoded. It may be possible in text; its event was not appended.
    Value(Error),
}

/// Which side a failure of the pump belongs to.
#[derive(Debug)]
pub enum Fault {
    /// The connection, or what it sent.
    Source(Error),
    /// The sink.
    Sink(Error),
}

/// What turns frames into records.
#[derive(Debug)]
pub struct Pump {
    assembler: Assembler,
    encoder: Encoder,
    tables: Tables,
    /// Records of the event in the encoder's buffers that the sink has not taken yet.
    waiting: Range<usize>,
    /// What follows when they are taken.
    pending: VecDeque<Pending>,
    off_table: OffTable,
    beside: Beside,
    unit_records: u64,
    /// Source transactions read to their end and not yet counted in the metrics.
    transactions: u64,
    position: Position,
    commit_time: PgMicros,
    /// Commit times of units that are not settled yet, for the latency histogram.
    unsettled: VecDeque<(Ticket, PgMicros)>,
    /// Commit time of the oldest transaction that was lost with a sink, until one is delivered again.
    resending_since: Option<PgMicros>,
    form: StreamForm,
    /// Why the session's form does not do, where that is known and not said yet.
    unfit: Option<Unfit>,
}

impl Pump {
    /// A pump that has seen nothing.
    #[must_use]
    pub fn new(encoder: Encoder, tables: Tables, off_table: OffTable, beside: Beside) -> Self {
        Self {
            assembler: Assembler::new(Catalog::new(), None, None),
            encoder,
            tables,
            waiting: 0..0,
            pending: VecDeque::new(),
            off_table,
            beside,
            unit_records: 0,
            transactions: 0,
            position: Position::default(),
            commit_time: PgMicros::default(),
            unsettled: VecDeque::new(),
            resending_since: None,
            form: StreamForm::Text,
            unfit: None,
        }
    }

    /// Begins a session with a cluster and the facts that were read for it, leaving out what was appended before.
    pub fn begin(&mut self, facts: Facts, system_id: u64, resume_after: Option<Position>, form: StreamForm) {
        self.encoder.begin_session(system_id);
        let last_commit = self.assembler.last_commit();
        let ended = std::mem::replace(&mut self.assembler, Assembler::new(Catalog::new(), None, None));
        let mut catalog = ended.into_catalog();
        catalog.start_session(facts);
        self.assembler = Assembler::new(catalog, resume_after, last_commit);
        self.waiting = 0..0;
        self.pending.clear();
        self.off_table.resume_after = resume_after;
        self.beside.begin_session();
        self.unit_records = 0;
        self.form = form;
        self.unfit = None;
    }

    /// The form in which the session brings values.
    #[must_use]
    pub const fn form(&self) -> StreamForm {
        self.form
    }

    /// Works until there is a reason to pause.
    ///
    /// # Errors
    /// [`Fault`], with the side it belongs to; after one, the session or the sink is of no use any more.
    pub fn drive<S: Sink>(
        &mut self,
        copy: &mut CopyBoth,
        sink: &mut S,
        core: &mut Core,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Result<Pause, Fault> {
        if let Some(unfit) = self.unfit.take() {
            return Ok(Pause::NeedText(unfit));
        }
        let clock_nanos = unix_nanos();
        if let Some(pause) = self.beat(core, clock_nanos, now, effects).map_err(Fault::Source)? {
            return Ok(pause);
        }
        for _ in 0..FRAMES_PER_TURN_MAX {
            if self.append(sink, core)? == Append::Full {
                core.apply(Input::SinkFull, now, effects);
                return Ok(Pause::SinkFull);
            }
            if let Some(pending) = self.pending.pop_front() {
                let pause = self.resolve(pending, core, clock_nanos, now, effects).map_err(Fault::Source)?;
                if let Some(pause) = pause {
                    return Ok(pause);
                }
                continue;
            }
            if self.unit_records >= SLICE_RECORDS_MAX {
                self.seal(None, core, now, effects);
                core.apply(Input::UnitOpened, now, effects);
            }
            if !core.reading() {
                return Ok(Pause::Held);
            }
            let Some(frame) = copy.peek_frame().map_err(Fault::Source)? else { return Ok(Pause::NeedBytes) };
            let pause = match frame {
                Frame::Data { start, payload, .. } => {
                    self.message(start, payload, core, clock_nanos, now, effects).map_err(Fault::Source)?
                }
                Frame::Keepalive { end, reply_requested, .. } => {
                    let reply = if reply_requested { Reply::Requested } else { Reply::NotRequested };
                    core.apply(Input::Keepalive { end: EndLsn::new(end), reply }, now, effects);
                    self.passed(end, core);
                    None
                }
                Frame::Done => Some(Pause::CopyEnded),
            };
            copy.consume_frame();
            if let Some(pause) = pause {
                return Ok(pause);
            }
        }
        Ok(Pause::Turn)
    }

    #[inline]
    fn message(
        &mut self,
        start: Lsn,
        payload: &[u8],
        core: &mut Core,
        clock_nanos: u64,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<Pause>, Error> {
        let message = parse(Block::Plain, payload).map_err(|malformed| Error::from(malformed).at(start))?;
        match self.assembler.step(start, message)? {
            Step::Event(event) => {
                self.position = event.position;
                let id = event.relation.id;
                match encode(&mut self.encoder, &mut self.tables, &event, clock_nanos) {
                    Ok(waiting) => {
                        self.unit_records += self.beside.event(&event, waiting.end, &self.encoder, core);
                        self.waiting = waiting;
                    }
                    Err(error) if self.form == StreamForm::Binary && is_of_binary_form(&error) => {
                        self.position.ordinal = self.position.ordinal.saturating_sub(1);
                        return Ok(Some(Pause::NeedText(Unfit::Value(error))));
                    }
                    Err(error) => {
                        self.beside.changed_somehow(id);
                        let (encoder, off_table) = (&mut self.encoder, &mut self.off_table);
                        let (records, topic) = Self::handle_failure(encoder, off_table, &event, payload, error)?;
                        self.waiting = 0..records;
                        return Ok(self.lacking(topic));
                    }
                }
                return Ok(self.unready(id));
            }
            Step::Begin(transaction) => {
                self.commit_time = transaction.commit_time;
                self.position = Position::begin(transaction.commit);
                self.unit_records = 0;
                self.beside.began(transaction.xid);
                core.apply(Input::UnitOpened, now, effects);
                let begun = Self::begin_transaction(&mut self.encoder, &mut self.off_table, transaction, start);
                if let Some(records) = begun {
                    return Ok(self.offer_standing(Standing::Transaction, records, Pending::Begun));
                }
            }
            Step::Commit { commit, end } => return self.end_transaction(commit, end, start, core, now, effects),
            Step::Truncate(truncated) => {
                for event in truncated.events() {
                    self.position = event.position;
                    self.pending.push_back(Pending::Emptied(Emptied::from(&event)));
                }
            }
            Step::NeedsFacts(relation) => return Ok(Some(Pause::NeedFacts(relation))),
            Step::Relation(relation) => {
                if let Some(unfit) = self.unfit(&relation) {
                    return Ok(Some(Pause::NeedText(unfit)));
                }
                if !self.tables.knows(&relation) {
                    return Ok(Some(Pause::NewRelation(relation)));
                }
            }
            Step::Logical(message) => {
                let lone = message.transaction.is_none().then(|| EndLsn::new(message.lsn));
                self.position = message.position;
                let records = Self::message_record(&mut self.encoder, &mut self.off_table, message, clock_nanos);
                if let Some(end) = lone {
                    self.unit_records = 0;
                    core.apply(Input::UnitOpened, now, effects);
                    core.apply(Input::Received(end.lsn()), now, effects);
                    self.pending.push_back(Pending::Lone(end));
                }
                return Ok(self.offer_message(records));
            }
            Step::Skipped => {}
        }
        Ok(None)
    }
}

impl Pump {
    /// Offers the records of the last event; stops at the first that finds no room.
    #[inline]
    fn append<S: Sink>(&mut self, sink: &mut S, core: &mut Core) -> Result<Append, Fault> {
        while self.waiting.start < self.waiting.end {
            let Some(ticket) = core.open_ticket() else {
                return Err(Fault::Source(Error::bug("a change stands outside any unit")));
            };
            let Some(record) = self.encoder.record(self.waiting.start, ticket) else {
                return Err(Fault::Source(Error::bug("the encoder lost a record")));
            };
            match sink.append(&record) {
                Ok(Append::Taken) => {
                    self.unit_records += 1;
                    self.waiting.start += 1;
                }
                Ok(Append::Full) => return Ok(Append::Full),
                Err(error) => return Err(Fault::Sink(self.explain(error, sink.offender()))),
            }
        }
        Ok(Append::Taken)
    }

    fn truncate(&mut self, emptied: &Emptied, clock_nanos: u64) -> Result<Option<Pause>, Error> {
        let event = Event {
            position: emptied.position,
            lsn: emptied.lsn,
            last_commit: emptied.last_commit,
            transaction: &emptied.transaction,
            relation: &emptied.relation,
            change: Change::Truncate,
        };
        self.beside.emptied(emptied.relation.id);
        self.waiting = encode(&mut self.encoder, &mut self.tables, &event, clock_nanos)?;
        Ok(self.unready(emptied.relation.id))
    }

    /// A pause where the records of a table that wait are the first ones of their kind.
    #[inline]
    fn unready(&mut self, id: RelationId) -> Option<Pause> {
        if self.waiting.is_empty() {
            return None;
        }
        let topic = self.tables.topic_to_prepare(id).map(Arc::clone);
        self.lacking(topic)
    }

    /// A pause where the records that wait lack this topic or the numbers of schemas.
    #[inline]
    fn lacking(&self, topic: Option<Arc<str>>) -> Option<Pause> {
        let lack = topic.is_some() || self.encoder.lacks_numbers();
        lack.then(|| Pause::Unready(Lacks { schemas: self.encoder.unregistered(), topic }))
    }

    fn seal(&mut self, end: Option<EndLsn>, core: &mut Core, now: Instant, effects: &mut Vec<Effect>) {
        if let Some(ticket) = core.open_ticket()
            && self.unit_records > 0
        {
            self.unsettled.push_back((ticket, self.commit_time));
        }
        let records = std::mem::take(&mut self.unit_records);
        core.apply(Input::UnitSealed { records, end, position: self.position }, now, effects);
    }

    /// Seals what was appended of a transaction that was cut off: one more slice, which confirms nothing.
    pub fn cut(&mut self, core: &mut Core, now: Instant, effects: &mut Vec<Effect>) {
        if core.open_ticket().is_some() {
            if !self.waiting.is_empty() || !self.pending.is_empty() {
                self.position = self.reached();
                self.waiting = 0..0;
                self.pending.clear();
            }
            self.seal(None, core, now, effects);
        }
    }

    /// The schemas are registered that the records lack that wait.
    pub fn take_numbers(&mut self) {
        self.encoder.take_numbers();
    }

    /// The sink has made a topic ready.
    pub fn topic_prepared(&mut self, topic: &str) {
        self.tables.topic_prepared(topic);
        self.off_table.topic_prepared(topic);
    }

    /// The sink is lost with all that it held. A new one has no topic ready.
    pub fn abandon(&mut self) {
        self.resending_since = self.oldest_unsettled();
        self.unsettled.clear();
        self.tables.forget_topics();
        self.beside.abandon();
        self.off_table.forget_topics();
    }

    /// Adds the table and the names of its key columns to a sink's complaint about a topic's record.
    pub fn explain(&self, error: Error, topic: Option<&str>) -> Error {
        if error.kind() != Kind::RecordTooLarge {
            return error;
        }
        let Some(relation) = topic.and_then(|topic| self.tables.written_to(topic)) else { return error };
        let key: Vec<&str> =
            relation.key.iter().filter_map(|&at| relation.columns.get(at)).map(|column| column.name.as_str()).collect();
        let key = if key.is_empty() { "no key".to_owned() } else { format!("key columns ({})", key.join(", ")) };
        error.more_detail(&format!("it is a change of table \"{}\".\"{}\", {key}", relation.schema, relation.table))
    }

    /// Takes note that every unit below `first_unsettled` is held by the brokers.
    pub fn settled(&mut self, first_unsettled: u64, metrics: &Metrics) {
        let mut now = None;
        while let Some(&(ticket, commit_time)) = self.unsettled.front() {
            if ticket.as_u64() >= first_unsettled {
                return;
            }
            self.unsettled.pop_front();
            self.resending_since = None;
            let now = *now.get_or_insert_with(PgMicros::now);
            metrics.delivery_latency(Duration::from_micros(u64::try_from(now.0 - commit_time.0).unwrap_or(0)));
        }
    }

    /// Commit time of the oldest transaction that the brokers do not hold yet.
    #[must_use]
    pub fn oldest_unsettled(&self) -> Option<PgMicros> {
        self.resending_since.or_else(|| self.unsettled.front().map(|&(_, commit_time)| commit_time))
    }

    /// Adds the counters to the shared metrics, if it is time.
    pub fn flush_counters(&mut self, now: Instant, metrics: &Metrics) {
        if self.tables.flush(now) {
            metrics.transactions(std::mem::take(&mut self.transactions));
            self.off_table.flush_counters(metrics);
        }
    }
}

/// Leaves the records of an event in the encoder and tells how many they are.
#[inline]
fn encode(
    encoder: &mut Encoder,
    tables: &mut Tables,
    event: &Event<'_>,
    clock_nanos: u64,
) -> Result<Range<usize>, Error> {
    if tables.capture(event.relation.id) == Capture::Excluded {
        return Ok(0..0);
    }
    let records = encoder.encode(event, clock_nanos)?;
    tables.count(event, encoder.bytes());
    Ok(0..records)
}

/// One table of a Truncate message, kept until its event finds room.
#[derive(Debug)]
struct Emptied {
    position: Position,
    lsn: Lsn,
    last_commit: Option<Lsn>,
    transaction: Transaction,
    relation: Arc<RelationVersion>,
}

impl From<&Event<'_>> for Emptied {
    fn from(event: &Event<'_>) -> Self {
        Self {
            position: event.position,
            lsn: event.lsn,
            last_commit: event.last_commit,
            transaction: event.transaction.clone(),
            relation: Arc::clone(event.relation),
        }
    }
}

/// Nanoseconds since the Unix epoch, for the clock fields of records.
pub(super) fn unix_nanos() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
