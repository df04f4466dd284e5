//! Blocking snapshots: rows that a signal asks for, read while the stream waits.
//!
//! Owns [`Blocking`]. The stream stops behind a transaction and when the brokers hold all that was sent; then the session is
//! left, rows are read as those of every snapshot, under a snapshot of the database that is later than the stream's position,
//! and the next session goes on where the stream was. The slot confirms nothing meanwhile, so no change is missed: those
//! between the two positions follow the rows, and every row ends as it is.
//!
//! Invariants:
//! - Nobody waits for a snapshot that is not kept where a restart finds it, and the signal in the stream is confirmed with it.
//! - What keeps one from being read ends that one, never the stream.

use std::time::{Duration, Instant};

use super::Keeping;
use crate::error::{Class, Error, Kind, Result};
use crate::event::Notification;
use crate::observe::State;
use crate::observe::course::Kind as SnapshotKind;
use crate::pipeline::input::{Effect, Input, Reply};
use crate::pipeline::shell::beside::Asker;
use crate::pipeline::shell::line::{Line, queue_status};
use crate::pipeline::shell::{END_COPY_PATIENCE, Shell, Turn};
use crate::progress::{BlockingCondition, BlockingRequest, BlockingState, Entry};
use crate::signal::Request;
use crate::sink::Sink;
use crate::wire::{CopyBoth, Ending};

/// Time before something is kept again that could not be.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Default)]
pub(in crate::pipeline::shell) struct Blocking {
    /// What is not done.
    state: BlockingState,
    /// It is not kept yet.
    to_keep: bool,
    /// Not before this time is keeping tried again.
    keep_at: Option<Instant>,
    /// Those whose signals asked for what is not kept yet.
    waiting: Vec<Asker>,
    /// What was done of the first one, when it was interrupted.
    interrupted: Option<Keeping>,
    /// It was told that it begins, and not how it ends.
    begun: bool,
}

impl Blocking {
    /// Takes what was kept when the process began.
    pub(in crate::pipeline::shell) fn restored(&mut self, state: &BlockingState) {
        for request in &state.requests {
            tracing::info!(
                signal = request.signal,
                tables_done = request.done.len(),
                "a blocking snapshot was interrupted; what is left of it is read now"
            );
        }
        let later = std::mem::replace(&mut self.state, state.clone());
        self.state.requests.extend(later.requests);
    }

    /// A signal asks for one.
    pub(in crate::pipeline::shell) fn ask(&mut self, signal: String, request: &Request, asker: Option<Asker>) {
        let collections: Vec<String> = request.tables.texts().map(str::to_owned).collect();
        tracing::info!(signal, asked = collections.join(", "), "a blocking snapshot is asked for");
        let condition = |(collection, filter): (&str, &str)| BlockingCondition {
            collection: collection.to_owned(),
            filter: filter.to_owned(),
        };
        let conditions = request.conditions.iter().map(|one| condition((&one.text, &one.filter))).collect();
        self.state.requests.push(BlockingRequest { signal, collections, conditions, done: Vec::new() });
        self.to_keep = true;
        self.waiting.extend(asker);
    }

    /// Whether one can begin.
    fn is_due(&self) -> bool {
        !self.to_keep && !self.state.requests.is_empty()
    }

    /// What is left of the first one is not read.
    fn give_up(&mut self) {
        if !self.state.requests.is_empty() {
            self.state.requests.remove(0);
        }
        self.to_keep = true;
    }
}

/// What was asked for, as a signal's request.
fn request(asked: &BlockingRequest) -> std::result::Result<Request, String> {
    let conditions = asked.conditions.iter().map(|one| (one.collection.as_str(), one.filter.as_str()));
    Request::of(asked.collections.iter().map(String::as_str), conditions)
}

impl<S: Sink, F: FnMut() -> Result<S>> Shell<S, F> {
    /// Keeps which blocking snapshots were asked for, and then wants the stream to pause.
    pub(in crate::pipeline::shell) async fn attend_blocking(&mut self, line: &mut Line<'_>) -> Result<()> {
        if self.snapshots.blocking.to_keep && self.snapshots.blocking.keep_at.is_none_or(|at| Instant::now() >= at) {
            if let Some(store) = self.beside.store() {
                let kept = store.keep(vec![Entry::Blocking(self.snapshots.blocking.state.clone())]);
                match self.wait_alive(line, async { Ok(kept.await) }).await? {
                    Some(Ok(())) => {}
                    Some(Err(error)) => {
                        tracing::warn!(
                            detail = error.detail_text(),
                            "it could not be kept which blocking snapshots are asked for: {error}"
                        );
                        self.snapshots.blocking.keep_at = Some(Instant::now() + RETRY_INTERVAL);
                        return Ok(());
                    }
                    None => return Ok(()),
                }
                self.was_busy();
            }
            self.snapshots.blocking.to_keep = false;
            self.snapshots.blocking.keep_at = None;
            let waiting = std::mem::take(&mut self.snapshots.blocking.waiting);
            self.release(waiting);
        }
        if self.snapshots.blocking.is_due() && !self.stopping {
            self.apply(Input::Pause);
        }
        Ok(())
    }

    /// Leaves the session where it has come to the pause that a blocking snapshot wants. Tells whether it did.
    pub(in crate::pipeline::shell) async fn leave_for_snapshot(&mut self, copy: &mut Option<CopyBoth>) -> bool {
        if self.stopping || !self.snapshots.blocking.is_due() || !self.core.is_paused() {
            return false;
        }
        tracing::info!("streaming pauses for a blocking snapshot");
        if let Some(mut copy) = copy.take() {
            if let Some(flush) = self.core.confirmed() {
                let received = self.core.received();
                queue_status(&mut copy, &Effect::Status { received, flush, reply: Reply::NotRequested });
            }
            if !matches!(copy.finish(END_COPY_PATIENCE).await, Ok(Ending::Orderly)) {
                self.wait_until_slot_is_free().await;
            }
        }
        self.apply(Input::SessionLeft);
        true
    }

    /// Takes the blocking snapshots that are due. Gives nothing where the stream may go on.
    pub(super) async fn blocking_snapshots(&mut self, wait: Duration) -> Option<Turn> {
        let mut wait = wait;
        while self.snapshots.blocking.is_due() && !self.stopping {
            let read = self.read_blocking(std::mem::take(&mut wait)).await;
            self.snapshots.end_run();
            self.pump.drop_waiting();
            let ended = match read {
                Ok(true) => None,
                Ok(false) => Some(None),
                Err(error) => Some(Some(error)),
            };
            let Some(trouble) = ended else { continue };
            let begun = std::mem::take(&mut self.snapshots.blocking.begun);
            if begun {
                self.metrics.status().course(SnapshotKind::Blocking).abort(Instant::now());
            }
            if begun && !self.sink_failed {
                // What is told of the end cannot be what ends it.
                let _ = self.tell(&Notification::aborted(&self.connector.topic_prefix.clone())).await;
            }
            match trouble {
                Some(error) if error.class() == Class::Definite => self.refuse_blocking(&error),
                Some(error) => self.source_lost(error),
                None => {}
            }
            if self.stopping {
                return Some(Turn::Drain);
            }
            if self.effects.is_empty() && self.snapshots.blocking.to_keep {
                break;
            }
            return self.carry_out(&mut None).await.or(Some(Turn::Connect(Duration::ZERO)));
        }
        None
    }

    fn refuse_blocking(&mut self, error: &Error) {
        let signal =
            self.snapshots.blocking.state.requests.first().map(|first| first.signal.as_str()).unwrap_or_default();
        tracing::warn!(
            signal,
            detail = error.detail_text(),
            remedy = error.hint_text(),
            "a blocking snapshot cannot be read, and the stream goes on without it: {error}"
        );
        self.snapshots.blocking.interrupted = None;
        self.snapshots.blocking.give_up();
    }

    /// Reads what the first one asks for. Gives false where the attempt came to its end meanwhile.
    async fn read_blocking(&mut self, wait: Duration) -> Result<bool> {
        let interrupted = self.snapshots.blocking.interrupted.take();
        let goes_on = interrupted.is_some();
        let keeping = match interrupted {
            Some(interrupted) => interrupted,
            None => {
                let state = std::mem::take(&mut self.snapshots.blocking.state);
                let asked = state.requests.first().map(request);
                let asked = match asked.unwrap_or_else(|| Request::of([], [])) {
                    Ok(asked) => asked,
                    Err(why) => {
                        self.snapshots.blocking.state = state;
                        return Err(Error::new(Kind::Config, "a signal that was kept cannot be read").detail(why));
                    }
                };
                Keeping::of_blocking(self.beside.store(), state, asked)
            }
        };
        // What is kept of the snapshot before the stream stays as it is.
        let own = std::mem::replace(&mut self.snapshots.keeping, keeping);
        let read = self.read_as_asked(wait, goes_on).await;
        let keeping = std::mem::replace(&mut self.snapshots.keeping, own);
        self.snapshots.blocking.state = keeping.blocking();
        match &read {
            Ok(true) => {}
            // That it is done could not be kept.
            _ if keeping.is_complete() => self.snapshots.blocking.to_keep = true,
            Err(error) if error.class() != Class::Transient => {}
            _ => self.snapshots.blocking.interrupted = Some(keeping),
        }
        read
    }

    async fn read_as_asked(&mut self, wait: Duration, goes_on: bool) -> Result<bool> {
        let waited = async {
            tokio::time::sleep(wait).await;
            Ok(())
        };
        if self.wait_alive(&mut Line::Closed, waited).await?.is_none() {
            return Ok(false);
        }
        self.metrics.status().enter(State::Snapshotting);
        let (course, now) = (self.course(), Instant::now());
        if goes_on {
            course.attempt(now);
        } else {
            course.begin(now);
        }
        let connector = self.connector.topic_prefix.clone();
        self.tell(&Notification::started(&connector)).await?;
        self.snapshots.blocking.begun = true;
        if !self.read_all().await? {
            return Ok(false);
        }
        self.snapshots.keeping.complete();
        if !self.keep_all().await? {
            return Ok(false);
        }
        let seconds = self.course().complete(Instant::now()).as_secs_f64();
        tracing::info!(rows = self.snapshots.keeping.rows(), seconds, "the blocking snapshot is complete");
        self.tell(&Notification::completed(&connector)).await?;
        self.snapshots.blocking.begun = false;
        Ok(true)
    }
}
