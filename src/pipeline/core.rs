//! Every rule of the pipeline, synchronous and without a clock of its own.
//!
//! Owns [`Core`]: `apply(input, now)` changes it and tells what is to be done. Owns the ledger, so that a
//! status update can carry nothing but what the ledger allows.
//!
//! Invariants:
//! - A status update is emitted at once when the server asks, whatever the state of the sink; and while a full
//!   sink keeps its questions from being read, often enough that it never has to ask.
//! - After a sink is lost, nothing that it held counts: its units are abandoned and the next session starts at
//!   the confirmed position.
//! - After a source is lost, what the sink holds still counts, and what the slot sends again is skipped up to
//!   the last appended position.
//! - A slot that stands beyond what was confirmed here is never accepted: that is a gap.
//! - After `Finish` nothing else is emitted.
//!
//! Must never do I/O, read a clock, or wait.

mod orderly_end;

use std::time::{Duration, Instant};

use orderly_end::Deadlines;

use super::backoff::{Backoff, Next};
use super::failure::{broken, gap, gave_up, unfinished};
use super::input::{Effect, Input, Outcome, Reply};
pub use super::policy::Policy;
use super::policy::STABLE_AFTER;
use crate::error::{Class, Error, Kind};
use crate::ledger::{ConfirmedLsn, Ledger, Ticket};
use crate::lsn::{EndLsn, Lsn, Position};

/// Shortest time between two status updates that nobody asked for. Each may make the server write the slot
/// to disk, so a rate of one a second is enough.
const STATUS_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// However soon the server gives a reader up, it is not told more often than this.
const STATUS_INTERVAL_FLOOR: Duration = Duration::from_millis(50);

/// Silence after which the session is given up, in status intervals: by then the server has been asked to
/// answer at least twice.
const SILENT_INTERVALS_MAX: u32 = 6;

/// Status updates within the time after which the server gives a silent reader up. While the sink is full, the
/// server's questions lie unread, so answers come unasked.
const STATUSES_PER_TIMEOUT: u32 = 3;

/// Where the pipeline stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No session; one is being made.
    Connecting,
    /// Frames flow.
    Streaming,
    /// An orderly end was asked for: the open transaction, then the outstanding deliveries are waited for.
    Draining,
    /// The copy is being ended.
    Ending,
    /// Over.
    Ended,
}

/// The pipeline's state and rules. See the module.
#[derive(Debug)]
pub struct Core {
    policy: Policy,
    phase: Phase,
    /// `None` until the first session has told where the slot stands.
    ledger: Option<Ledger>,
    open: Option<Ticket>,
    backoff: Backoff,
    received: Lsn,
    appended: Option<Position>,
    /// The last unit ended in the middle of its transaction.
    cut: bool,
    blocked: bool,
    /// Frames are wanted no more behind the open transaction: the session is going to be left.
    held: bool,
    heard_at: Instant,
    status_at: Instant,
    status_flush: Lsn,
    /// Time after which the server of this session gives a silent reader up.
    answer_within: Option<Duration>,
    streaming_since: Option<Instant>,
    stop: Option<Deadlines>,
}

impl Core {
    /// A core that wants its first session at once.
    #[must_use]
    pub fn new(policy: Policy, now: Instant) -> Self {
        let backoff = Backoff::new(policy.retries.clone(), policy.seed);
        Self {
            policy,
            phase: Phase::Connecting,
            ledger: None,
            open: None,
            backoff,
            received: Lsn::ZERO,
            appended: None,
            cut: false,
            blocked: false,
            held: false,
            heard_at: now,
            status_at: now,
            status_flush: Lsn::ZERO,
            answer_within: None,
            streaming_since: None,
            stop: None,
        }
    }

    /// Where the pipeline stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Ticket of the open unit.
    #[must_use]
    pub fn open_ticket(&self) -> Option<Ticket> {
        self.open
    }

    /// What may be confirmed, once a session told where the slot stands.
    #[must_use]
    pub fn confirmed(&self) -> Option<ConfirmedLsn> {
        self.ledger.as_ref().map(Ledger::confirmable)
    }

    /// Number of the first unit that is not settled: every ticket below it is.
    #[must_use]
    pub fn first_unsettled(&self) -> u64 {
        self.ledger.as_ref().map_or(0, Ledger::first_unsettled)
    }

    /// Highest position received.
    #[must_use]
    pub fn received(&self) -> Lsn {
        self.received
    }

    /// Whether a session was made and all that was read is delivered, whole transactions of it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.open.is_none() && !self.cut && self.ledger.as_ref().is_some_and(Ledger::is_idle)
    }

    /// When an orderly end that was asked for is over, whatever is outstanding.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.stop.map(|deadlines| deadlines.all)
    }

    /// Last appended position: what the slot sends again up to here is to be skipped.
    #[must_use]
    pub fn resume_after(&self) -> Option<Position> {
        self.appended
    }

    /// Whether frames are wanted: not while the sink is full, nor after an orderly end or a pause was asked for, except
    /// for the rest of a transaction that is open.
    #[must_use]
    pub fn reading(&self) -> bool {
        !self.blocked
            && match self.phase {
                Phase::Streaming => !self.held || self.open.is_some(),
                Phase::Draining => self.open.is_some(),
                Phase::Connecting | Phase::Ending | Phase::Ended => false,
            }
    }

    /// Whether the pause that was asked for is reached: between two transactions, and everything is delivered.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.phase == Phase::Streaming && self.held && self.is_complete()
    }

    /// When [`Input::Tick`] is due next, in the absence of anything else.
    #[must_use]
    pub fn next_tick(&self) -> Instant {
        let mut next = self.status_at + self.status_interval();
        if self.confirmed().is_some_and(|confirmed| confirmed.lsn() > self.status_flush) {
            next = next.min(self.status_at + STATUS_INTERVAL_MIN);
        }
        if let Some(deadlines) = self.stop {
            next = next.min(deadlines.transaction.unwrap_or(deadlines.all));
        }
        next
    }

    /// Takes in what happened and adds what is to be done to `effects`.
    pub fn apply(&mut self, input: Input<'_>, now: Instant, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Ended {
            return;
        }
        match input {
            Input::Connected { confirmed_flush, answer_within } => {
                self.answer_within = answer_within;
                self.connected(confirmed_flush, now, effects);
            }
            Input::UnitOpened => self.unit_opened(effects),
            Input::UnitSealed { records, end, position } => self.unit_sealed(records, end, position, now, effects),
            Input::MarkSealed { records } => self.mark_sealed(records, now, effects),
            Input::Received(lsn) => {
                self.heard_at = now;
                self.received = self.received.max(lsn);
            }
            Input::Keepalive { end, reply } => self.keepalive(end, reply, now, effects),
            Input::SinkFull => {
                self.blocked = true;
            }
            Input::Delivered(deliveries) => self.delivered(deliveries, now, effects),
            Input::SinkLost(error) => self.sink_lost(error, now, effects),
            Input::SourceLost(error) => self.source_lost(error, now, effects),
            Input::SessionLeft => self.session_left(now, effects),
            Input::RowsDelivered => self.backoff.succeeded(),
            Input::Pause => self.held = true,
            Input::CopyEnded => self.copy_ended(effects),
            Input::Stop { patience } => self.stop(patience, now, effects),
            Input::Tick => self.tick(now, effects),
        }
    }

    fn connected(&mut self, confirmed_flush: Lsn, now: Instant, effects: &mut Vec<Effect>) {
        match &self.ledger {
            None => self.ledger = Some(Ledger::new(confirmed_flush)),
            Some(ledger) => {
                let ours = ledger.confirmable().lsn();
                if confirmed_flush > ours {
                    self.fail(gap(ours, confirmed_flush), effects);
                    return;
                }
            }
        }
        if self.stop.is_none() {
            self.phase = Phase::Streaming;
        }
        self.heard_at = now;
        self.streaming_since = Some(now);
        self.status(Reply::NotRequested, now, effects);
    }

    fn unit_opened(&mut self, effects: &mut Vec<Effect>) {
        match (&mut self.ledger, self.open) {
            (Some(ledger), None) => self.open = Some(ledger.open()),
            (None, _) => self.fail(Error::bug("a unit opened before any session"), effects),
            (_, Some(_)) => self.fail(Error::bug("a unit opened inside another"), effects),
        }
    }

    fn unit_sealed(
        &mut self,
        records: u64,
        end: Option<EndLsn>,
        position: Position,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) {
        let (Some(ledger), Some(ticket)) = (&mut self.ledger, self.open.take()) else {
            self.fail(Error::bug("a unit was sealed that was not open"), effects);
            return;
        };
        self.appended = self.appended.max(Some(position));
        self.cut = end.is_none();
        if let Err(fault) = ledger.seal(ticket, records, end) {
            self.fail(broken(fault), effects);
            return;
        }
        self.after_settlement(now, effects);
    }

    /// What is confirmed already is the mark's end, behind which a keepalive may then move it.
    fn mark_sealed(&mut self, records: u64, now: Instant, effects: &mut Vec<Effect>) {
        let (Some(ledger), Some(ticket)) = (&mut self.ledger, self.open.take()) else {
            self.fail(Error::bug("a mark was sealed that was not open"), effects);
            return;
        };
        let end = EndLsn::new(ledger.confirmable().lsn());
        if let Err(fault) = ledger.seal(ticket, records, Some(end)) {
            self.fail(broken(fault), effects);
            return;
        }
        self.after_settlement(now, effects);
    }

    fn keepalive(&mut self, end: EndLsn, reply: Reply, now: Instant, effects: &mut Vec<Effect>) {
        self.heard_at = now;
        self.received = self.received.max(end.lsn());
        if let Some(ledger) = &mut self.ledger {
            ledger.keepalive(end);
        }
        if reply == Reply::Requested {
            self.status(Reply::NotRequested, now, effects);
        }
        self.after_settlement(now, effects);
    }

    fn delivered(&mut self, deliveries: &crate::sink::Deliveries, now: Instant, effects: &mut Vec<Effect>) {
        let Some(ledger) = &mut self.ledger else { return };
        for &(ticket, records) in &deliveries.runs {
            if let Err(fault) = ledger.delivered(ticket, records) {
                self.fail(broken(fault), effects);
                return;
            }
        }
        if !deliveries.runs.is_empty() {
            self.backoff.succeeded();
            if self.blocked {
                self.blocked = false;
                // Nothing was read meanwhile, so the server's silence was ours.
                self.heard_at = now;
            }
        }
        self.after_settlement(now, effects);
    }

    /// A confirmed position that rose is told to the server soon, and an end that waited for it is reached.
    fn after_settlement(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Draining {
            self.drain(now, effects);
        }
        if matches!(self.phase, Phase::Streaming | Phase::Draining)
            && self.confirmed().is_some_and(|confirmed| confirmed.lsn() > self.status_flush)
            && now.duration_since(self.status_at) >= STATUS_INTERVAL_MIN
        {
            self.status(Reply::NotRequested, now, effects);
        }
    }

    fn sink_lost(&mut self, error: Error, now: Instant, effects: &mut Vec<Effect>) {
        if error.class() != Class::Transient {
            self.fail(error, effects);
            return;
        }
        if self.stop.is_some() {
            self.fail(unfinished(error), effects);
            return;
        }
        if let Some(ledger) = &mut self.ledger {
            ledger.abandon();
        }
        self.open = None;
        self.appended = None;
        self.blocked = false;
        effects.push(Effect::CloseSource);
        effects.push(Effect::ReplaceSink);
        self.again(error, now, effects);
    }

    fn source_lost(&mut self, error: Error, now: Instant, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Ending {
            // Everything is delivered and the last status was sent; a cut now takes nothing away.
            self.finish(Outcome::Stopped, effects);
            return;
        }
        if self.open.is_some() {
            self.fail(Error::bug("the source was lost inside a unit that was not sealed").caused_by(error), effects);
            return;
        }
        if error.class() != Class::Transient {
            self.fail(error, effects);
            return;
        }
        if !self.ends_without_source(now, effects) {
            self.again(error, now, effects);
        }
    }

    /// A session that we left is no failure: the next one begins at once, and no attempt is counted.
    fn session_left(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        if self.open.is_some() {
            self.fail(Error::bug("a session was left inside a unit that was not sealed"), effects);
            return;
        }
        if !self.ends_without_source(now, effects) {
            self.between_sessions(now);
            effects.push(Effect::Connect { after: Duration::ZERO });
        }
    }

    /// Closes the source, and says whether an orderly end was asked for: then no other is wanted. What the sink holds
    /// is still waited for; what cannot be confirmed any more is sent again.
    fn ends_without_source(&mut self, now: Instant, effects: &mut Vec<Effect>) -> bool {
        effects.push(Effect::CloseSource);
        if self.stop.is_some() {
            self.phase = Phase::Draining;
            self.drain(now, effects);
        }
        self.stop.is_some()
    }

    /// After a loss that may pass: try again, or give up.
    fn again(&mut self, error: Error, now: Instant, effects: &mut Vec<Effect>) {
        self.between_sessions(now);
        match self.backoff.failed() {
            Next::After(after) => effects.push(Effect::Connect { after }),
            Next::GiveUp { attempts } => self.fail(gave_up(attempts, error), effects),
        }
    }

    fn between_sessions(&mut self, now: Instant) {
        self.phase = Phase::Connecting;
        self.held = false;
        self.streaming_since = None;
        // What a session announced before it ended says nothing about the next one.
        self.heard_at = now;
    }

    fn copy_ended(&mut self, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Ending {
            self.finish(Outcome::Stopped, effects);
        } else {
            let error = Error::new(Kind::ServerUnavailable, "the server ended the replication stream")
                .detail("a server that shuts down does this after everything was confirmed");
            effects.push(Effect::LoseSource(error));
        }
    }

    fn tick(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        if let Some(deadlines) = self.stop
            && now >= deadlines.all
        {
            if self.phase == Phase::Ending {
                self.finish(Outcome::Stopped, effects);
            } else {
                let cause = Error::new(Kind::SinkUnavailable, "deliveries are outstanding");
                self.fail(unfinished(cause), effects);
            }
            return;
        }
        if let Some(deadlines) = &mut self.stop
            && deadlines.transaction.is_some_and(|deadline| now >= deadline)
        {
            deadlines.transaction = None;
        }
        match self.phase {
            Phase::Streaming | Phase::Draining => {
                let silence = now.duration_since(self.heard_at);
                if self.phase == Phase::Streaming && !self.blocked && !self.held && silence >= self.silence_max() {
                    let error = Error::new(Kind::Connection, "the server has been silent for too long").detail(
                        format!("nothing arrived for {} s although an answer was asked for", silence.as_secs()),
                    );
                    // Said once; what follows is the shell's to tell.
                    self.heard_at = now;
                    effects.push(Effect::LoseSource(error));
                    return;
                }
                if now.duration_since(self.status_at) >= self.status_interval() {
                    let reply = if silence >= self.status_interval() { Reply::Requested } else { Reply::NotRequested };
                    self.status(reply, now, effects);
                }
                if self.streaming_since.is_some_and(|since| now.duration_since(since) >= STABLE_AFTER) {
                    self.backoff.succeeded();
                }
                self.after_settlement(now, effects);
            }
            // Nobody is there to be told, so the next look is due an interval from now.
            Phase::Connecting => self.status_at = now,
            Phase::Ending | Phase::Ended => {}
        }
    }

    /// Longest time between two status updates in this session.
    fn status_interval(&self) -> Duration {
        let wanted = self.policy.status_interval;
        self.answer_within.map_or(wanted, |within| wanted.min(within / STATUSES_PER_TIMEOUT).max(STATUS_INTERVAL_FLOOR))
    }

    fn silence_max(&self) -> Duration {
        self.policy.status_interval.saturating_mul(SILENT_INTERVALS_MAX).max(Duration::from_secs(10))
    }

    fn status(&mut self, reply: Reply, now: Instant, effects: &mut Vec<Effect>) {
        let Some(ledger) = &self.ledger else { return };
        let flush = ledger.confirmable();
        self.status_at = now;
        self.status_flush = flush.lsn();
        effects.push(Effect::Status { received: self.received.max(flush.lsn()), flush, reply });
    }

    fn fail(&mut self, error: Error, effects: &mut Vec<Effect>) {
        effects.push(Effect::CloseSource);
        self.finish(Outcome::Failed(error), effects);
    }

    fn finish(&mut self, outcome: Outcome, effects: &mut Vec<Effect>) {
        self.phase = Phase::Ended;
        effects.push(Effect::Finish(outcome));
    }
}
