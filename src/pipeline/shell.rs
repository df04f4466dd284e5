//! The asynchronous shell: turns sockets, timers and callbacks into inputs and carries effects out.
//!
//! Runs on a thread of its own with a current-thread runtime: nothing else competes for its turns, and a record
//! crosses no thread before it is inside the Kafka client. Holds no rule; see [`super::core`].

mod beside;
mod line;
mod preparation;
mod registration;
mod snapshot;
mod text;
mod versions;

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::core::{Core, Phase, Policy};
use super::input::{Effect, Input, Outcome};
use super::pump::{Beside, Fault, OffTable, Pause, Pump};
use super::session::{self, Known, Session};
use super::tables::Tables;
use crate::config::Connector;
use crate::encode::{Encoder, EncoderOptions};
use crate::error::{Class, Error, Kind, Result};
use crate::ledger::ConfirmedLsn;
use crate::observe::{Metrics, Side, State};
use crate::registry::Registrar;
use crate::sink::{Deliveries, Gravity, Sink, Waiting};
use crate::source::capture::CaptureFilter;
use crate::source::preflight::{self, Severity};
use crate::source::sql::Sql;
use crate::wire::CopyBoth;
use beside::Attendant;
use line::{Line, queue_status};
use preparation::topics;
use snapshot::Snapshots;
use versions::Versions;

/// How often deliveries are looked for while some are outstanding and no bytes arrive.
const DELIVERY_POLL_INTERVAL: Duration = Duration::from_millis(2);

/// How long the end of the copy may take after everything is confirmed.
const END_COPY_PATIENCE: Duration = Duration::from_secs(2);

/// An order to stop, with the time until the end must be reached.
pub type StopSignal = watch::Receiver<Option<Duration>>;

/// Runs one connector until it is stopped or fails for good.
///
/// `make_sink` is called for the first sink and again whenever one was lost.
///
/// # Errors
/// Only what happens before the first session is tried: the sink cannot be made.
pub async fn run<S: Sink>(
    connector: Arc<Connector>,
    make_sink: impl FnMut() -> Result<S>,
    metrics: Metrics,
    stop: StopSignal,
) -> Result<Outcome> {
    let mut shell = Shell::new(connector, make_sink, metrics, stop)?;
    let mut wait = Duration::ZERO;
    loop {
        let turn = match shell.snapshot(wait).await {
            Some(turn) => turn,
            None => shell.connect(wait).await,
        };
        match turn {
            Turn::Streaming(session) => match shell.stream(*session).await {
                Turn::Connect(after) => wait = after,
                Turn::Drain => return Ok(shell.drain().await),
                Turn::Finish(outcome) => return Ok(shell.close(outcome).await),
                Turn::Streaming(_) => return Err(Error::bug("a session inside a session")),
            },
            Turn::Connect(after) => wait = after,
            Turn::Drain => return Ok(shell.drain().await),
            Turn::Finish(outcome) => return Ok(shell.close(outcome).await),
        }
    }
}

/// What the shell does next.
enum Turn {
    /// A session is there: stream.
    Streaming(Box<Session>),
    /// Make a session after this wait.
    Connect(Duration),
    /// A stop was ordered and there is no session: wait for what the sink still holds.
    Drain,
    /// It is over.
    Finish(Outcome),
}

struct Shell<S, F> {
    connector: Arc<Connector>,
    sql: Arc<Sql>,
    registrar: Option<Arc<Registrar>>,
    core: Core,
    pump: Pump,
    sink: S,
    make_sink: F,
    known: Known,
    versions: Versions,
    snapshots: Snapshots,
    beside: Attendant,
    metrics: Metrics,
    stop: StopSignal,
    /// A stop was ordered and taken in; the signal is not looked at again.
    stopping: bool,
    /// The sink has failed and is not replaced yet; it says so at every call, and once is enough.
    sink_failed: bool,
    deliveries: Deliveries,
    effects: Vec<Effect>,
}

impl<S: Sink, F: FnMut() -> Result<S>> Shell<S, F> {
    fn new(connector: Arc<Connector>, mut make_sink: F, metrics: Metrics, stop: StopSignal) -> Result<Self> {
        let policy = Policy {
            status_interval: connector.status_interval,
            retries: connector.retries.clone(),
            seed: fastrand::u64(..),
        };
        let now = Instant::now();
        let sink = make_sink()?;
        let registrar = Registrar::open(&connector.registries)?;
        let mut encoder = encoder(&connector);
        if let Some(registrar) = &registrar {
            encoder = encoder.with_schema_ids(registrar.numbers());
        }
        Ok(Self {
            core: Core::new(policy, now),
            pump: Pump::new(
                encoder,
                Tables::new(CaptureFilter::new(&connector.capture)?, now),
                OffTable::new(&connector, now)?,
                Beside::new(&connector.snapshot.signals, !connector.records.columns.keys.is_empty()),
            ),
            sql: Arc::new(Sql::new(connector.database.clone())),
            versions: Versions::of(&sink, &connector.schema_history),
            snapshots: Snapshots::of(&sink, &connector),
            beside: Attendant::of(&sink, &connector)?,
            sink,
            known: Known::default(),
            registrar,
            make_sink,
            connector,
            metrics,
            stop,
            stopping: false,
            sink_failed: false,
            deliveries: Deliveries::default(),
            effects: Vec::new(),
        })
    }

    /// Makes a session, while deliveries of the last one still come in and a stop is still heard.
    async fn connect(&mut self, wait: Duration) -> Turn {
        let connector = Arc::clone(&self.connector);
        let sql = Arc::clone(&self.sql);
        let (known, confirmed) = (self.known.clone(), self.core.confirmed().map(ConfirmedLsn::lsn));
        let (checked, open_history) = (self.preflight(), self.versions.opener());
        let attempt = async move {
            tokio::time::sleep(wait).await;
            checked.await?;
            let opening = open_history();
            Ok((Session::open(connector, sql, known, confirmed).await?, opening))
        };
        let mut attempt = std::pin::pin!(attempt);
        loop {
            let wake = self.wake();
            tokio::select! {
                biased;
                patience = stop_ordered(&mut self.stop), if !self.stopping => {
                    // The attempt is dropped: no session is wanted any more.
                    self.stop(patience);
                    return Turn::Drain;
                }
                session = &mut attempt => match session {
                    Ok((session, opening)) => {
                        self.known.learn(&session);
                        self.versions.opens(opening);
                        self.apply(Input::Connected {
                            confirmed_flush: session.confirmed_flush,
                            answer_within: session.answer_within,
                        });
                        if self.core.phase() == Phase::Streaming {
                            return Turn::Streaming(Box::new(session));
                        }
                    }
                    Err(error) => {
                        self.trouble(&error);
                        self.apply(Input::SourceLost(error));
                    }
                },
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            self.settle();
            if let Some(turn) = self.carry_out(&mut None).await {
                return turn;
            }
        }
    }

    /// After an ordered stop and without a session: waits for what the sink holds.
    async fn drain(mut self) -> Outcome {
        loop {
            match self.carry_out(&mut None).await {
                Some(Turn::Finish(outcome)) => return self.close(outcome).await,
                Some(_) => return Outcome::Failed(Error::bug("a session was wanted after an ordered stop")),
                None => {}
            }
            tokio::time::sleep_until(self.wake().into()).await;
            self.settle();
        }
    }

    /// Looks at both ends before the first session, and reports everything at once. Later sessions need it not.
    fn preflight(&self) -> Waiting<()> {
        if !self.known.is_first() || self.snapshots.looked {
            return Box::pin(std::future::ready(Ok(())));
        }
        let (sql, connector) = (Arc::clone(&self.sql), Arc::clone(&self.connector));
        let (sink, encoder) = (self.sink.preflight(), encoder(&connector));
        let (history, progress) = (self.versions.look(), self.snapshots.look());
        let registrar = self.registrar.clone();
        Box::pin(async move {
            // Both sides take their time, and neither needs the other.
            let history = tokio::spawn(history);
            let mut report = preflight::preflight(&sql, &connector).await?;
            let topics = topics(&mut report, &encoder);
            for concern in sink(topics).await? {
                let severity = match concern.gravity {
                    Gravity::Fatal => Severity::Error,
                    Gravity::Warning => Severity::Warning,
                };
                report.add_sink_finding(severity, Kind::SinkRefused, concern.what, concern.remedy);
            }
            let doubts = history.await.unwrap_or_else(|_| Err(Error::bug("a look at the schema history panicked")));
            versions::report(doubts?, &mut report);
            snapshot::report(progress.await, &mut report)?;
            registration::look_at_registry(registrar.as_deref(), &mut report).await;
            report.log();
            report.into_result().map(drop)
        })
    }

    /// Streams until the session ends.
    async fn stream(&mut self, session: Session) -> Turn {
        self.pump.begin(session.facts, session.server.system_id, self.core.resume_after(), session.form);
        self.metrics.status().enter_form(session.form);
        self.metrics.status().enter(State::Streaming);
        let mut stream = session.copy;
        if let Err(error) = self.read_history(&mut Line::Open(&mut stream)).await {
            self.source_lost(error);
        }
        let mut copy = Some(stream);
        loop {
            if let Some(turn) = self.carry_out(&mut copy).await {
                return turn;
            }
            if self.leave_for_snapshot(&mut copy).await {
                continue;
            }
            let Some(stream) = &mut copy else { return Turn::Drain };
            if let Err(error) = self.attend(&mut Line::Open(stream)).await {
                self.source_lost(error);
                continue;
            }
            let now = Instant::now();
            let pause = self.pump.drive(stream, &mut self.sink, &mut self.core, now, &mut self.effects);
            self.settle();
            match pause {
                Err(Fault::Source(error)) => self.source_lost(error),
                Err(Fault::Sink(error)) => self.sink_lost(error),
                Ok(Pause::CopyEnded) => {
                    self.seal_cut();
                    self.apply(Input::CopyEnded);
                }
                Ok(Pause::NeedFacts(relation)) => {
                    if let Err(error) = self.learn(&mut Line::Open(stream), relation).await {
                        self.source_lost(error);
                    }
                }
                Ok(Pause::NeedText(unfit)) => self.leave_for_text(&mut copy, unfit).await,
                Ok(Pause::NewRelation(relation)) => {
                    if let Err(error) = self.introduce(&mut Line::Open(stream), relation).await {
                        self.source_lost(error);
                    }
                }
                Ok(Pause::Unready(lacks)) => {
                    if let Err(error) = self.make_ready(&mut Line::Open(stream), lacks).await {
                        self.source_lost(error);
                    }
                }
                Ok(Pause::NeedBytes) if self.effects.is_empty() => {
                    let wake = self.wake_or_beat();
                    tokio::select! {
                        biased;
                        patience = stop_ordered(&mut self.stop), if !self.stopping => self.stop(patience),
                        filled = stream.fill() => match filled {
                            // Part of a frame is a sign of life as well.
                            Ok(_) => self.apply(Input::Received(self.core.received())),
                            Err(error) => self.source_lost(error),
                        },
                        () = tokio::time::sleep_until(wake.into()) => {}
                    }
                }
                Ok(Pause::SinkFull | Pause::Held) if self.effects.is_empty() => {
                    let wake = self.wake_or_beat();
                    tokio::select! {
                        biased;
                        patience = stop_ordered(&mut self.stop), if !self.stopping => self.stop(patience),
                        Err(error) = stream.flush() => self.source_lost(error),
                        () = tokio::time::sleep_until(wake.into()) => {}
                    }
                }
                Ok(Pause::Turn | Pause::NeedBytes | Pause::SinkFull | Pause::Held) => {}
            }
            self.settle();
        }
    }

    /// Serves the sink's callbacks and the clock.
    fn settle(&mut self) {
        self.deliveries.runs.clear();
        let polled = self.sink.poll(&mut self.deliveries);
        let now = Instant::now();
        self.settle_snapshot();
        if !self.deliveries.runs.is_empty() {
            self.core.apply(Input::Delivered(&self.deliveries), now, &mut self.effects);
            self.metrics.delivered(self.deliveries.runs.iter().map(|(_, records)| records).sum());
            self.pump.settled(self.core.first_unsettled(), &self.metrics);
        }
        if let Err(error) = polled {
            let error = self.pump.explain(error, self.sink.offender());
            self.sink_lost(error);
        }
        if now >= self.core.next_tick() {
            self.core.apply(Input::Tick, now, &mut self.effects);
        }
        self.report(now);
    }

    /// Shows where things stand to whoever looks.
    fn report(&mut self, now: Instant) {
        self.pump.flush_counters(now, &self.metrics);
        let status = self.metrics.status();
        status.received(self.core.received());
        if let Some(confirmed) = self.core.confirmed() {
            status.confirmed(confirmed);
        }
        status.outstanding_since(self.pump.oldest_unsettled());
        let depth = self.sink.depth();
        status.queue(depth.records, depth.bytes);
    }

    /// The slot will send the cut transaction again; what stands of it with the sink is one more slice.
    fn seal_cut(&mut self) {
        self.pump.cut(&mut self.core, Instant::now(), &mut self.effects);
    }

    fn source_lost(&mut self, error: Error) {
        if self.falls_back(&error) {
            return;
        }
        self.trouble(&error);
        self.metrics.reconnected(Side::Source);
        self.seal_cut();
        self.apply(Input::SourceLost(self.with_positions(error)));
    }

    /// A definite error of the stream names the confirmed position and the one that was reached.
    fn with_positions(&self, error: Error) -> Error {
        match (self.core.confirmed(), error.lsns()) {
            (Some(confirmed), (None, None)) if error.class() == Class::Definite => {
                error.positions(confirmed.lsn(), self.core.received())
            }
            _ => error,
        }
    }

    fn sink_lost(&mut self, error: Error) {
        if std::mem::replace(&mut self.sink_failed, true) {
            return;
        }
        self.trouble(&error);
        self.metrics.reconnected(Side::Sink);
        self.pump.abandon();
        self.apply(Input::SinkLost(error));
    }

    /// Logs what a retry follows; what ends the pipeline is reported by whoever started it.
    fn trouble(&self, error: &Error) {
        self.metrics.status().trouble(error);
        if error.class() == Class::Transient {
            tracing::warn!(
                kind = error.kind().as_str(),
                detail = error.detail_text(),
                cause = error.source().map(tracing::field::display),
                remedy = error.hint_text(),
                "{error}"
            );
        }
    }

    fn stop(&mut self, patience: Duration) {
        self.stopping = true;
        self.metrics.status().enter(State::Stopping);
        self.apply(Input::Stop { patience });
    }

    fn apply(&mut self, input: Input<'_>) {
        self.core.apply(input, Instant::now(), &mut self.effects);
    }

    /// When to look again in the absence of anything else.
    fn wake(&self) -> Instant {
        let tick = self.core.next_tick();
        if self.sink.depth().records > 0 { tick.min(Instant::now() + DELIVERY_POLL_INTERVAL) } else { tick }
    }

    /// The same while streaming, when a heartbeat may be due.
    fn wake_or_beat(&self) -> Instant {
        let wake = self.beside.wake(self.wake());
        self.pump.next_beat(&self.core).map_or(wake, |due| wake.min(due))
    }

    async fn carry_out(&mut self, copy: &mut Option<CopyBoth>) -> Option<Turn> {
        let mut turn = None;
        while !self.effects.is_empty() {
            for effect in std::mem::take(&mut self.effects) {
                match effect {
                    Effect::Status { .. } => {
                        if let Some(copy) = copy {
                            queue_status(copy, &effect);
                        }
                    }
                    Effect::LoseSource(error) => self.source_lost(error),
                    Effect::CloseSource => *copy = None,
                    Effect::ReplaceSink => match (self.make_sink)() {
                        Ok(sink) => {
                            std::mem::replace(&mut self.sink, sink).close(Duration::ZERO);
                            self.sink_failed = false;
                        }
                        Err(error) => turn = Some(Turn::Finish(Outcome::Failed(error))),
                    },
                    Effect::Connect { after } => {
                        self.metrics.status().enter(State::Reconnecting);
                        turn.get_or_insert(Turn::Connect(after));
                    }
                    Effect::EndCopy => {
                        if let Some(copy) = copy.take()
                            && let Err(error) = copy.finish(END_COPY_PATIENCE).await
                        {
                            tracing::debug!(%error, "the replication stream did not end in order");
                        }
                        self.apply(Input::CopyEnded);
                    }
                    Effect::Finish(outcome) => turn = Some(Turn::Finish(outcome)),
                }
            }
        }
        turn
    }

    async fn close(self, outcome: Outcome) -> Outcome {
        let stopped = matches!(outcome, Outcome::Stopped);
        self.sink.close(if stopped { END_COPY_PATIENCE } else { Duration::ZERO });
        if stopped && self.connector.slot.drop_on_stop {
            session::drop_slot(&self.connector, self.core.is_complete(), self.core.deadline()).await;
        }
        outcome
    }
}

fn encoder(connector: &Connector) -> Encoder {
    Encoder::new(EncoderOptions {
        topic_prefix: connector.topic_prefix.clone(),
        dbname: connector.database.dbname.clone(),
        records: connector.records.clone(),
        task_id: "0".to_owned(),
        run_id: uuid::Uuid::now_v7().to_string(),
    })
}

/// Waits until a stop is ordered. Cancel-safe.
async fn stop_ordered(stop: &mut StopSignal) -> Duration {
    match stop.wait_for(Option::is_some).await {
        Ok(patience) => patience.unwrap_or_default(),
        // Whoever could have ordered a stop is gone; then nobody ever will.
        Err(_) => std::future::pending().await,
    }
}
