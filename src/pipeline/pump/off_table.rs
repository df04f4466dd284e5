//! What the pump does for records that belong to no table: transactions, logical messages, heartbeats, dead letters.
//!
//! Invariants:
//! - A message outside transactions is a unit of its own, whose end is the message's: it confirms nothing that lies
//!   behind it, and is confirmed after everything before it.
//! - A record of a transaction's begin or end counts as appended only when the sink has taken it: where the source is
//!   lost before, it is written again, and where it is lost after, it is not.
//! - A heartbeat is part of the open unit, or a unit of its own that confirms nothing.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Emptied, Pause, Pump};
use crate::config::{Connector, FailureMode};
use crate::encode::{DeadLetter, Encoder, Standing};
use crate::error::{Error, Kind, Result};
use crate::event::{Event, LogicalMessage, Transaction};
use crate::lsn::{CommitLsn, EndLsn, Lsn, Position};
use crate::observe::{FailureOutcome, Metrics, Operation};
use crate::pgtime::PgMicros;
use crate::pipeline::core::{Core, Phase};
use crate::pipeline::input::{Effect, Input};
use crate::source::capture::MessageFilter;

/// The label under which messages are counted among the tables.
const MESSAGES_LABEL: &str = "pg_logical_emit_message";

/// What is left to do when the sink has taken the records that wait.
#[derive(Debug)]
pub(super) enum Pending {
    /// A table of a Truncate message, whose event is to be encoded.
    Emptied(Emptied),
    /// Nothing; what waits is the record of a transaction's begin.
    Begun,
    /// The transaction ends; what waits is the record of its end.
    Ended(EndLsn),
    /// A message outside transactions ends its unit.
    Lone(EndLsn),
    /// Nothing; what waits is a heartbeat in the middle of a unit.
    Beat,
    /// The same in a unit of its own, which ends.
    LoneBeat,
    /// The next row of a chunk that was read beside the stream, or the end of its unit.
    Batch,
    /// The next notification, or the end of their unit, where it is one of their own.
    Notice { lone: bool },
}

/// What the pump keeps for such records.
#[derive(Debug)]
pub struct OffTable {
    messages: MessageFilter,
    failure_mode: FailureMode,
    dead_letter_topic: Option<Arc<str>>,
    beat: Option<Beat>,
    /// Topics that the sink has ready.
    prepared: HashSet<Arc<str>>,
    /// Commit time of the last transaction that was seen.
    pub(super) last_time: Option<PgMicros>,
    /// What was delivered by an earlier session of this process.
    pub(super) resume_after: Option<Position>,
    /// Counted and not yet added to the metrics.
    message_count: u64,
    message_bytes: u64,
    beat_count: u64,
    failures: Vec<(String, FailureOutcome)>,
}

/// When the next heartbeat is due.
#[derive(Clone, Copy, Debug)]
struct Beat {
    interval: Duration,
    due: Instant,
}

impl OffTable {
    /// As the configuration says.
    ///
    /// # Errors
    /// Config, for an expression that cannot be used.
    pub fn new(connector: &Connector, now: Instant) -> Result<Self> {
        let heartbeat = connector.records.heartbeat.as_ref();
        Ok(Self {
            messages: MessageFilter::new(&connector.records.messages)?,
            failure_mode: connector.failures.mode,
            dead_letter_topic: connector.failures.dead_letter_topic.as_deref().map(Arc::from),
            beat: heartbeat.map(|heartbeat| Beat { interval: heartbeat.interval, due: now + heartbeat.interval }),
            prepared: HashSet::new(),
            last_time: None,
            resume_after: None,
            message_count: 0,
            message_bytes: 0,
            beat_count: 0,
            failures: Vec::new(),
        })
    }

    /// Whether an earlier session has delivered everything up to a position.
    fn is_delivered(&self, position: Position) -> bool {
        self.resume_after.is_some_and(|after| position <= after)
    }

    pub(super) fn topic_prepared(&mut self, topic: &str) {
        if !self.prepared.contains(topic) {
            self.prepared.insert(Arc::from(topic));
        }
    }

    pub(super) fn forget_topics(&mut self) {
        self.prepared.clear();
    }

    /// A topic, where it was not made ready yet.
    pub(super) fn topic_to_prepare(&self, topic: &Arc<str>) -> Option<Arc<str>> {
        (!self.prepared.contains(topic)).then(|| Arc::clone(topic))
    }

    pub(super) fn flush_counters(&mut self, metrics: &Metrics) {
        let messages = std::mem::take(&mut self.message_count);
        if messages > 0 {
            let table = metrics.table(MESSAGES_LABEL);
            metrics.events(&table, Operation::Message, messages, std::mem::take(&mut self.message_bytes));
        }
        metrics.heartbeats(std::mem::take(&mut self.beat_count));
        for (table, outcome) in self.failures.drain(..) {
            metrics.failed_event(&table, outcome);
        }
    }
}

impl Pump {
    /// A transaction began: its unit opens, and its record is written unless it was before.
    pub(super) fn begin_transaction(
        encoder: &mut Encoder,
        off_table: &mut OffTable,
        transaction: &Transaction,
        start: Lsn,
    ) -> Option<usize> {
        off_table.last_time = Some(transaction.commit_time);
        if off_table.is_delivered(Position::begin(transaction.commit)) {
            encoder.resume_transaction(transaction);
            return None;
        }
        Some(encoder.begin_transaction(transaction, start)).filter(|records| *records > 0)
    }

    /// Leaves the record of a transaction in the buffers, to be followed by `pending`.
    pub(super) fn offer_standing(&mut self, kind: Standing, records: usize, pending: Pending) -> Option<Pause> {
        self.waiting = 0..records;
        self.pending.push_back(pending);
        self.standing_unready(kind)
    }

    /// A pause where the records of a kind that wait are the first ones.
    fn standing_unready(&self, kind: Standing) -> Option<Pause> {
        self.lacking(self.off_table.topic_to_prepare(self.encoder.standing_topic(kind)))
    }

    /// A transaction is over: its record is written unless it was before, and then its unit is sealed.
    pub(super) fn end_transaction(
        &mut self,
        commit: CommitLsn,
        end: EndLsn,
        start: Lsn,
        core: &mut Core,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<Pause>> {
        self.position = Position::end(commit);
        core.apply(Input::Received(end.lsn()), now, effects);
        if !self.off_table.is_delivered(self.position) {
            let records = self.encoder.end_transaction(start);
            if records > 0 {
                return Ok(self.offer_standing(Standing::Transaction, records, Pending::Ended(end)));
            }
        }
        self.seal_transaction(end, core, now, effects);
        Ok(None)
    }

    fn seal_transaction(&mut self, end: EndLsn, core: &mut Core, now: Instant, effects: &mut Vec<Effect>) {
        self.seal(Some(end), core, now, effects);
        self.transactions += 1;
        self.passed(end.lsn(), core);
    }

    /// Does what was left for the time when the records before it are taken.
    pub(super) fn resolve(
        &mut self,
        pending: Pending,
        core: &mut Core,
        clock_nanos: u64,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<Pause>> {
        match pending {
            Pending::Emptied(emptied) => return self.truncate(&emptied, clock_nanos),
            Pending::Ended(end) => self.seal_transaction(end, core, now, effects),
            Pending::Lone(end) => {
                let records = std::mem::take(&mut self.unit_records);
                core.apply(Input::UnitSealed { records, end: Some(end), position: self.position }, now, effects);
            }
            Pending::LoneBeat => {
                let records = std::mem::take(&mut self.unit_records);
                core.apply(Input::MarkSealed { records }, now, effects);
            }
            Pending::Batch => return self.go_on_with_batch(core, now, effects),
            Pending::Notice { lone } => return Ok(self.go_on_with_notices(lone, core, now, effects)),
            Pending::Begun | Pending::Beat => {}
        }
        Ok(None)
    }

    /// Encodes a message, unless its prefix is left out. One outside transactions opens a unit of its own, also where it
    /// is left out: it moves the confirmed position all the same.
    pub(super) fn message_record(
        encoder: &mut Encoder,
        off_table: &mut OffTable,
        message: LogicalMessage<'_>,
        clock_nanos: u64,
    ) -> usize {
        if !off_table.messages.matches(message.prefix) {
            return 0;
        }
        let records = encoder.message(message, off_table.last_time, clock_nanos);
        off_table.message_count += 1;
        off_table.message_bytes += encoder.bytes() as u64;
        records
    }

    /// Leaves a message's record in the buffers.
    pub(super) fn offer_message(&mut self, records: usize) -> Option<Pause> {
        self.waiting = 0..records;
        if records == 0 {
            return None;
        }
        self.standing_unready(Standing::Message)
    }

    /// Lets notifications go out, and makes a heartbeat where one is due, and nothing waits.
    pub(super) fn beat(
        &mut self,
        core: &mut Core,
        clock_nanos: u64,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<Pause>> {
        self.begin_notices(core, now, effects);
        if self.next_beat(core).is_none_or(|due| now < due) {
            return Ok(None);
        }
        if let Some(beat) = &mut self.off_table.beat {
            beat.due = now + beat.interval;
        }
        let pending = if core.open_ticket().is_some() {
            Pending::Beat
        } else {
            self.unit_records = 0;
            core.apply(Input::UnitOpened, now, effects);
            Pending::LoneBeat
        };
        let records = self.encoder.heartbeat(clock_nanos);
        self.off_table.beat_count += 1;
        Ok(self.offer_standing(Standing::Heartbeat, records, pending))
    }

    /// When a heartbeat is due, if one can be made then.
    #[must_use]
    pub fn next_beat(&self, core: &Core) -> Option<Instant> {
        let beat = self.off_table.beat?;
        self.is_free(core).then_some(beat.due)
    }

    /// Whether records may go out that nobody waits for.
    pub(super) fn is_free(&self, core: &Core) -> bool {
        self.waiting.is_empty() && self.pending.is_empty() && core.phase() == Phase::Streaming
    }

    /// What becomes of a change that cannot be decoded: the number of records in its place, with their topic where it was
    /// not made ready yet, or the error.
    #[cold]
    pub(super) fn handle_failure(
        encoder: &mut Encoder,
        off_table: &mut OffTable,
        event: &Event<'_>,
        message: &[u8],
        error: Error,
    ) -> Result<(usize, Option<Arc<str>>)> {
        let relation = event.relation;
        let table = format!("{}.{}", relation.schema, relation.table);
        if error.kind() != Kind::Undecodable {
            return Err(error);
        }
        let outcome = match (off_table.failure_mode, &off_table.dead_letter_topic) {
            (FailureMode::Fail, _) => FailureOutcome::Stopped,
            (_, Some(_)) => FailureOutcome::Kept,
            (_, None) => FailureOutcome::LeftOut,
        };
        off_table.failures.push((table.clone(), outcome));
        if off_table.failure_mode == FailureMode::Fail {
            let remedy = error.hint_text().unwrap_or("change or delete the value at the source").to_owned();
            return Err(error.more_detail(&format!("change {} of table {table}", event.position)).hint(format!(
                "{remedy}; or set event.processing.failure.handling.mode to warn, with walcast.dead.letter.topic to keep \
                 such changes, and start again"
            )));
        }
        if off_table.failure_mode == FailureMode::Warn {
            let kept = off_table.dead_letter_topic.as_deref().map(tracing::field::display);
            let (position, detail) = (event.position, error.detail_text());
            tracing::warn!(table, %position, detail, kept_in = kept, "a change is left out: {}", error.message());
        }
        let Some(topic) = &off_table.dead_letter_topic else { return Ok((0, None)) };
        let letter = DeadLetter { topic, position: event.position, lsn: event.lsn, relation, reason: &error, message };
        Ok((encoder.dead_letter(&letter), off_table.topic_to_prepare(topic)))
    }

    /// The position up to which everything is appended, where the stream is cut while records wait.
    pub(super) fn reached(&mut self) -> Position {
        let before = Position { ordinal: self.position.ordinal.saturating_sub(1), ..self.position };
        match self.pending.front() {
            // An event's records, or those of a Truncate message. The sink took some or none; the slot sends it again.
            None | Some(Pending::Emptied(_)) => {
                self.encoder.take_back();
                before
            }
            Some(Pending::Ended(_)) => before,
            // Nothing of the transaction or message; what was reached before stays.
            Some(Pending::Begun | Pending::Lone(_)) => Position::default(),
            Some(Pending::Beat | Pending::LoneBeat | Pending::Batch | Pending::Notice { .. }) => self.position,
        }
    }
}
