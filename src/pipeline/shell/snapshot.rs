//! The snapshot before the stream: whether one is due, and its readings until all of it is delivered.
//!
//! Owns [`Snapshots`] and the waits of a snapshot. Which rows are read is decided by `snapshot::decision` and
//! `snapshot::plan`, which of them go out when by `snapshot::run`.
//!
//! A failure of either side ends a reading, as it ends a session; the next attempt goes on with what is left, under a
//! snapshot of its own. What is done is kept only when the brokers hold it, and the stream begins only when it is kept that
//! all is done.

mod blocking;
mod generation;
mod keeping;
pub(super) mod notices;
mod progress;

use std::time::{Duration, Instant};

use blocking::Blocking;
use generation::{Generation, Prepared};
use keeping::Keeping;

use super::{Shell, Turn, stop_ordered};
use crate::error::{Class, Error, Kind, Result};
use crate::event::Notification;
use crate::observe::{Course, State};
use crate::pipeline::input::{Input, Outcome};
use crate::pipeline::shell::line::Line;
use crate::pipeline::snapshot::{Feed, Stop};
use crate::progress::Pending;
use crate::sink::{Deliveries, Sink};
use crate::snapshot::decision::{Decision, Slot, decide};
use crate::snapshot::readers::Readers;
use crate::snapshot::run::Run;
use crate::snapshot::tally::Tally;
use crate::source::preflight::{Report, Severity};
use crate::source::slot::{self, SlotState};

/// Readings of one attempt after tables turned out to have changed; then something else is wrong.
const READINGS_MAX: u32 = 10;

/// Where the snapshot of this process stands.
pub(super) struct Snapshots {
    /// Decided, and done where one was due.
    settled: bool,
    /// The look before the first session was taken, and found nothing in the way.
    pub(super) looked: bool,
    /// `snapshot.delay.ms` is over.
    waited: bool,
    /// It was told that it begins, and not how it ends.
    begun: bool,
    keeping: Keeping,
    /// The reading under way, for deliveries.
    run: Option<Run>,
    /// Tickets are never used twice, whatever becomes of a reading.
    tally: Tally,
    /// What signals ask for while the stream waits.
    pub(super) blocking: Blocking,
}

impl Snapshots {
    pub(super) fn of(sink: &impl Sink, connector: &crate::config::Connector) -> Self {
        let snapshot = &connector.snapshot;
        Self {
            settled: !snapshot.mode.reads_rows(),
            looked: false,
            waited: false,
            begun: false,
            keeping: Keeping::new(
                snapshot
                    .mode
                    .reads_rows()
                    .then(|| sink.progress(&snapshot.progress_topic, &connector.topic_prefix))
                    .flatten(),
            ),
            run: None,
            tally: Tally::default(),
            blocking: Blocking::default(),
        }
    }

    /// Looks for what would keep progress from being kept.
    pub(super) fn look(&self) -> Pending<()> {
        match self.keeping.store() {
            Some(store) => store.look(),
            None => Box::pin(std::future::ready(Ok(()))),
        }
    }

    /// Takes the deliveries that are a snapshot's out of what the sink reports.
    pub(super) fn settle(&mut self, deliveries: &mut Deliveries) -> Result<u64> {
        let mut delivered = 0;
        for (ticket, records) in deliveries.runs.extract_if(.., |(ticket, _)| Tally::owns(*ticket)) {
            delivered += records;
            if let Some(run) = &mut self.run {
                run.delivered(ticket, records)?;
            }
        }
        Ok(delivered)
    }

    fn end_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.tally = run.into_tally();
        }
    }
}

/// Adds what a look at the store has come to to a report.
pub(super) fn report(looked: Result<()>, report: &mut Report) -> Result<()> {
    match looked {
        Err(error) if error.class() == Class::Definite => {
            let what = error
                .detail_text()
                .map_or_else(|| error.message().to_owned(), |detail| format!("{}: {detail}", error.message()));
            let remedy = error.hint_text().unwrap_or_default().to_owned();
            report.add_sink_finding(Severity::Error, error.kind(), what, remedy);
            Ok(())
        }
        looked => looked,
    }
}

impl<S: Sink, F: FnMut() -> Result<S>> Shell<S, F> {
    /// What is told of the snapshot that is being taken.
    fn course(&self) -> &Course {
        self.metrics.status().course(self.snapshots.keeping.kind())
    }

    /// Takes the snapshots that are due, if any. Gives nothing where the stream may begin.
    pub(super) async fn snapshot(&mut self, wait: Duration) -> Option<Turn> {
        if self.snapshots.settled {
            return self.blocking_snapshots(wait).await;
        }
        let taken = self.take_snapshot(wait).await;
        self.snapshots.end_run();
        self.pump.drop_waiting();
        let begun = std::mem::take(&mut self.snapshots.begun);
        if begun {
            self.course().abort(Instant::now());
        }
        if begun && !self.sink_failed {
            // What is told of the end cannot be what ends it.
            let _ = self.tell(&Notification::aborted(&self.connector.topic_prefix.clone())).await;
        }
        match taken {
            Ok(Some(turn)) => return Some(turn),
            Ok(None) if self.effects.is_empty() && !self.stopping => {
                self.snapshots.settled = true;
                if self.connector.snapshot.mode.streams() {
                    return None;
                }
                tracing::info!("the snapshot is complete, and snapshot.mode wants no stream behind it");
                return Some(Turn::Finish(Outcome::Stopped));
            }
            Ok(None) => {}
            Err(error) => self.source_lost(error),
        }
        if self.stopping {
            return Some(Turn::Drain);
        }
        self.carry_out(&mut None).await.or(Some(Turn::Connect(Duration::ZERO)))
    }

    /// Takes what was delivered of a snapshot.
    pub(super) fn settle_snapshot(&mut self) {
        match self.snapshots.settle(&mut self.deliveries) {
            Ok(0) => {}
            Ok(delivered) => {
                self.metrics.delivered(delivered);
                self.apply(Input::RowsDelivered);
            }
            Err(error) => self.source_lost(error),
        }
    }

    /// Gives a turn where something else has to be done first, and nothing where all is done, or effects say more.
    async fn take_snapshot(&mut self, wait: Duration) -> Result<Option<Turn>> {
        let checked = self.preflight();
        let mut line = Line::Closed;
        let begun = async {
            tokio::time::sleep(wait).await;
            checked.await
        };
        if self.wait_alive(&mut line, begun).await?.is_none() {
            return Ok(None);
        }
        self.snapshots.looked = true;
        if !self.open_progress().await? {
            return Ok(None);
        }
        let decision = self.decide_snapshot().await?;
        match decision {
            Decision::None => {
                self.course().skip(Instant::now());
                self.tell(&Notification::skipped(&self.connector.topic_prefix.clone())).await?;
                return Ok(None);
            }
            Decision::Gap => return Err(gap(&self.connector.slot.name)),
            Decision::Begin => self.snapshots.keeping.begin(),
            Decision::Resume => {
                tracing::info!("a snapshot was interrupted; what is left of it is read now");
            }
        }
        if !std::mem::replace(&mut self.snapshots.waited, true) && !self.rest(self.connector.snapshot.delay).await? {
            return Ok(None);
        }
        self.read_history(&mut Line::Closed).await?;
        self.metrics.status().enter(State::Snapshotting);
        self.course().attempt(Instant::now());
        self.tell(&Notification::started(&self.connector.topic_prefix.clone())).await?;
        self.snapshots.begun = true;
        if self.read_all().await? { self.complete_snapshot().await } else { Ok(None) }
    }

    /// Reads until every table is read as it is. Gives false where the attempt came to its end meanwhile.
    async fn read_all(&mut self) -> Result<bool> {
        for _ in 0..READINGS_MAX {
            let Some(generation) = self.prepare_generation().await? else { return Ok(false) };
            let Some(changed) = self.read_generation(generation).await? else { return Ok(false) };
            if changed == 0 {
                return Ok(true);
            }
            tracing::info!(tables = changed, "tables changed while they were to be read; they are read again");
        }
        Err(Error::new(Kind::ServerRefused, "tables change faster than a snapshot can read them")
            .detail(format!("{READINGS_MAX} readings found tables dropped, truncated or rewritten meanwhile"))
            .hint("start again at a calmer time, or set snapshot.locking.mode=shared"))
    }

    /// Reads what is kept. Gives false where the attempt came to its end meanwhile.
    async fn open_progress(&mut self) -> Result<bool> {
        let Some(store) = self.snapshots.keeping.store() else { return Ok(true) };
        match self.wait_alive(&mut Line::Closed, async { Ok(store.open().await) }).await? {
            Some(Ok(book)) => {
                self.snapshots.keeping.opened(book);
                Ok(true)
            }
            Some(Err(error)) => {
                self.sink_lost(error);
                Ok(false)
            }
            None => Ok(false),
        }
    }

    async fn decide_snapshot(&mut self) -> Result<Decision> {
        let sql = std::sync::Arc::clone(&self.sql);
        let state = slot::state(&sql, &self.connector.slot.name).await?;
        let slot = if state == SlotState::Absent { Slot::Absent } else { Slot::There };
        let mode = self.connector.snapshot.mode;
        let kept = self.snapshots.keeping.book();
        let decision = decide(mode, kept, slot);
        if kept.is_none() && decision == Decision::None && mode.reads_rows() {
            tracing::warn!(
                slot = self.connector.slot.name,
                "this sink keeps no progress: the slot that is there stands for a snapshot that was taken"
            );
        }
        Ok(decision)
    }

    /// Makes what the reading needs, its snapshot of the database among it. Gives nothing where the attempt came to its end.
    async fn prepare_generation(&mut self) -> Result<Option<Generation>> {
        if !self.keep_all().await? {
            return Ok(None);
        }
        let keeping = &self.snapshots.keeping;
        let prepared = Prepared::make(self.connector.clone(), self.sql.clone(), keeping.generations(), keeping.asked());
        let Some(prepared) = self.wait_alive(&mut Line::Closed, prepared).await? else { return Ok(None) };
        self.snapshots.keeping.add(prepared.generation.clone());
        if !self.keep_all().await? {
            return Ok(None);
        }
        let (keeping, status) = (&self.snapshots.keeping, self.metrics.status());
        Ok(Some(prepared.plan(&mut self.pump, &self.connector, keeping, status)))
    }

    /// Reads under one snapshot of the database. Gives how many tables have to be read again under another one, and nothing
    /// where the attempt came to its end.
    async fn read_generation(&mut self, mut generation: Generation) -> Result<Option<usize>> {
        let connector = std::sync::Arc::clone(&self.connector);
        let tally = std::mem::take(&mut self.snapshots.tally);
        let tasks = std::mem::take(&mut generation.tasks);
        let parts = tasks.len();
        self.snapshots.run = Some(Run::new(&generation.parts_of_tables(), tally));
        let mut feed = Feed::new(generation.scene.clone(), std::mem::take(&mut generation.sources), parts);
        let snapshot = &connector.snapshot;
        let mut readers = Readers::start(
            &connector.database,
            snapshot.lock_timeout,
            &generation.snapshot_name,
            tasks,
            snapshot.readers,
        );
        let (mut hungry, mut left) = (parts > 0, parts);
        loop {
            if hungry {
                let wake = self.wake();
                let keeping = &mut self.snapshots.keeping;
                tokio::select! {
                    biased;
                    patience = stop_ordered(&mut self.stop), if !self.stopping => self.stop(patience),
                    kept = keeping.kept() => if let Err(error) = kept { self.sink_lost(error) },
                    piece = readers.next(), if left > 0 => match (piece, &mut self.snapshots.run) {
                        (Some(piece), Some(run)) => {
                            left -= usize::from(piece.ends_part());
                            generation.begin(&piece);
                            if let Some(Stop::TableChanged(part, why)) = feed.take(piece, run)? {
                                generation.changed(part, &why, run, &mut feed)?;
                            }
                        }
                        _ => return Err(Error::bug("the readers ended before their work was done")),
                    },
                    () = tokio::time::sleep_until(wake.into()) => {}
                }
            }
            hungry = self.work_off(&mut feed).await?;
            self.settle();
            let Some(run) = &mut self.snapshots.run else { return Ok(None) };
            generation.progress.turn(run);
            let finished = run.take_finished();
            let is_read = run.is_read();
            generation.finish(&finished, &mut self.snapshots.keeping);
            if hungry {
                while let Some(notification) = generation.notices.pop_front() {
                    self.tell(&notification).await?;
                }
            }
            if !self.effects.is_empty() || self.stopping || self.sink_failed {
                return Ok(None);
            }
            if is_read && generation.is_finished() && generation.notices.is_empty() && self.snapshots.keeping.is_quiet()
            {
                self.snapshots.end_run();
                return Ok(Some(generation.tables_to_read_again()));
            }
        }
    }

    /// Brings rows to the sink as far as it has room. Tells whether more may be read.
    async fn work_off(&mut self, feed: &mut Feed) -> Result<bool> {
        let Some(run) = &mut self.snapshots.run else { return Ok(false) };
        match feed.drive(run, &mut self.pump, &mut self.sink) {
            Err(crate::pipeline::pump::Fault::Source(error)) => return Err(error),
            Err(crate::pipeline::pump::Fault::Sink(error)) => self.sink_lost(error),
            Ok(Stop::Empty) => return Ok(true),
            Ok(Stop::NewTable(table)) => {
                if let Some(source) = feed.sources.get_mut(table) {
                    let relation = std::sync::Arc::clone(&source.relation);
                    self.introduce(&mut Line::Closed, relation).await?;
                    source.introduced = true;
                }
            }
            Ok(Stop::Unready(lacks)) => self.make_ready(&mut Line::Closed, lacks).await?,
            Ok(Stop::SinkFull) => {
                let wake = self.wake();
                tokio::select! {
                    biased;
                    patience = stop_ordered(&mut self.stop), if !self.stopping => self.stop(patience),
                    () = tokio::time::sleep_until(wake.into()) => {}
                }
            }
            Ok(Stop::Turn | Stop::TableChanged(..)) => tokio::task::yield_now().await,
        }
        Ok(false)
    }

    /// All rows are with the brokers: keeps that.
    async fn complete_snapshot(&mut self) -> Result<Option<Turn>> {
        self.snapshots.keeping.complete();
        if !self.keep_all().await? {
            return Ok(None);
        }
        let seconds = self.course().complete(Instant::now()).as_secs_f64();
        tracing::info!(rows = self.snapshots.keeping.rows(), seconds, "the snapshot is complete");
        self.tell(&Notification::completed(&self.connector.topic_prefix.clone())).await?;
        self.snapshots.begun = false;
        if self.rest(self.connector.snapshot.streaming_delay).await? { Ok(None) } else { Ok(Some(Turn::Drain)) }
    }

    /// Keeps what is to be kept, and waits for it. Gives false where the attempt came to its end meanwhile.
    async fn keep_all(&mut self) -> Result<bool> {
        while !self.snapshots.keeping.is_quiet() {
            let kept = self.snapshots.keeping.take_work();
            match self.wait_alive(&mut Line::Closed, async { Ok(kept.await) }).await? {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    self.sink_lost(error);
                    return Ok(false);
                }
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Waits for a time that was configured. Gives false where the attempt came to its end meanwhile.
    async fn rest(&mut self, time: Duration) -> Result<bool> {
        let slept = async {
            tokio::time::sleep(time).await;
            Ok(())
        };
        Ok(self.wait_alive(&mut Line::Closed, slept).await?.is_some())
    }
}

fn gap(slot: &str) -> Error {
    Error::new(Kind::SlotLost, format!("slot \"{slot}\" is gone, and the snapshot before it was complete"))
        .detail("changes since the slot was dropped are not known to anybody")
        .hint("set snapshot.mode=when_needed to read all rows again behind a new slot, or restore the slot")
}
