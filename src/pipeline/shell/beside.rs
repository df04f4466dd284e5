//! What goes on beside the stream: signals, and the chunks of incremental snapshots.
//!
//! Owns [`Attendant`] and its tasks: one reads chunks, on a connection of its own; one looks into the file of signals; and
//! what is to be kept for a restart is kept while the stream goes on. They run on the data thread's runtime, whenever it
//! waits, and speak through a queue, which is looked at at every turn. Nothing here can stop the stream: what fails is tried
//! again, or told.

mod askers;
mod notices;
mod tasks;
mod told;
mod watermarks;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

pub(super) use askers::Asker;
use tasks::{Job, News, Tasks};

use super::line::Line;
use super::{DELIVERY_POLL_INTERVAL, Shell};
use crate::config::Connector;
use crate::error::{Error, Result};
use crate::observe::course::Kind as SnapshotKind;
use crate::pipeline::input;
use crate::pipeline::pump::Keyed;
use crate::progress::{Entry, IncrementalState, Store};
use crate::signal::{Action, Heard, Signal, channel};
use crate::sink::{Arrived, Deliveries, Sink, Subscribe, Subscription};
use crate::snapshot::chunks::{Found, Rows};
use crate::snapshot::incremental::{Answer, Chunk, Input, Output, wanted};
use crate::source::sql::Sql;

/// How often the queue is looked at where something may come that nobody waits for.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Time before something is tried again that could not be kept, or read.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Attendant {
    /// Signals can come.
    enabled: bool,
    polls: bool,
    tasks: Option<Tasks>,
    store: Option<Arc<dyn Store>>,
    /// What was kept has been read, or there is nothing that keeps.
    opened: bool,
    /// How to begin to read the topic of signals, and what reads it.
    subscribe: Option<Subscribe>,
    topic: Option<Subscription>,
    /// Signals that were not acted on yet, with those who wait for them.
    signals: VecDeque<(Heard, Option<Asker>)>,
    /// It is being looked up which tables a signal asks for.
    is_resolving: bool,
    /// An order was read, and its answer not taken in yet.
    answer: Option<(u64, Found)>,
    /// Orders without an answer.
    orders: usize,
    /// What is to be kept and nobody has begun to.
    to_keep: Option<IncrementalState>,
    is_keeping: bool,
    /// Those who wait for what is kept next, and for what is being kept.
    waiting: Vec<Asker>,
    held: Vec<Asker>,
}

impl Attendant {
    pub(super) fn of(sink: &impl Sink, connector: &Connector) -> Result<Self> {
        let signals = &connector.snapshot.signals;
        let enabled = signals.are_heard();
        let topic = &connector.snapshot.progress_topic;
        let store = enabled.then(|| sink.progress(topic, &connector.topic_prefix)).flatten();
        let subscribe = match &signals.topic {
            Some(topic) => sink.signals(topic)?,
            None => None,
        };
        if signals.topic.is_some() && subscribe.is_none() {
            tracing::warn!("signals of a topic are not heard: this sink has no topics to read");
        }
        Ok(Self {
            enabled,
            polls: signals.file.is_some() || subscribe.is_some(),
            subscribe,
            topic: None,
            tasks: None,
            opened: store.is_none(),
            store,
            signals: VecDeque::new(),
            is_resolving: false,
            answer: None,
            orders: 0,
            to_keep: None,
            is_keeping: false,
            waiting: Vec::new(),
            held: Vec::new(),
        })
    }

    /// When to look again, at the latest.
    pub(super) fn wake(&self, wake: Instant) -> Instant {
        if !self.enabled {
            return wake;
        }
        let is_busy = self.orders > 0 || self.is_keeping || self.answer.is_some() || !self.opened;
        match (is_busy, self.polls || !self.signals.is_empty()) {
            (true, _) => wake.min(Instant::now() + DELIVERY_POLL_INTERVAL),
            (_, true) => wake.min(Instant::now() + LOOK_INTERVAL),
            _ => wake,
        }
    }

    /// What keeps progress, where something does.
    pub(super) fn store(&self) -> Option<Arc<dyn Store>> {
        self.store.clone()
    }

    fn start(&mut self, connector: &Connector, sql: &Arc<Sql>) {
        if self.tasks.is_none() {
            self.topic = self.subscribe.take().map(|subscribe| subscribe());
            let tasks = Tasks::start(connector, sql);
            if let Some(store) = &self.store {
                tasks.open(Arc::clone(store), Duration::ZERO);
            }
            self.tasks = Some(tasks);
        }
    }

    fn give(&mut self, job: Job) {
        if let Some(tasks) = &self.tasks {
            self.orders += 1;
            tasks.give(job);
        }
    }

    /// Keeps what there is to keep.
    fn keep(&mut self) {
        let (Some(store), Some(tasks)) = (&self.store, &self.tasks) else {
            self.to_keep = None;
            return;
        };
        if !self.is_keeping
            && self.opened
            && let Some(state) = self.to_keep.take()
        {
            self.is_keeping = true;
            self.held.append(&mut self.waiting);
            tasks.keep(store.as_ref(), state);
        }
    }

    /// What a signal of the topic asks for is kept.
    pub(super) fn acted_on(&self, offset: i64) {
        if let Some(topic) = &self.topic {
            topic.acted_on(offset);
        }
    }

    /// Those who wait for nothing any more.
    fn released(&mut self) -> Vec<Asker> {
        if self.is_keeping {
            return Vec::new();
        }
        let mut released = std::mem::take(&mut self.held);
        if self.to_keep.is_none() {
            released.append(&mut self.waiting);
        }
        released
    }
}

impl<S: Sink, F: FnMut() -> Result<S>> Shell<S, F> {
    /// Attends to what goes on beside the stream. Errors are the stream's.
    pub(super) async fn attend(&mut self, line: &mut Line<'_>) -> Result<()> {
        if !self.beside.enabled {
            return Ok(());
        }
        self.beside.start(&self.connector, &self.sql);
        while let Some(news) = self.beside.tasks.as_mut().and_then(Tasks::news) {
            self.hear_news(news);
        }
        let heard = self.pump.beside().take_heard();
        let heard = heard.into_iter().map(|(heard, unit)| (heard, unit.map(Asker::Unit)));
        self.beside.signals.extend(heard);
        while let Some(Arrived { key, value, offset }) = self.beside.topic.as_mut().and_then(Subscription::arrived) {
            let prefix = &self.connector.topic_prefix;
            let heard = channel::record(key.as_deref(), value.as_deref(), offset, prefix);
            self.beside.signals.push_back((heard, Some(Asker::Record(offset))));
        }
        if self.beside.opened {
            // What comes behind a request for tables may be about them.
            while !self.beside.is_resolving
                && let Some((heard, asker)) = self.beside.signals.pop_front()
            {
                self.act(heard, asker);
            }
        }
        if let Some((number, found)) = self.beside.answer.take()
            && !self.stopping
        {
            self.answer(line, number, found).await?;
        }
        let first_unsettled = self.core.first_unsettled();
        self.pump.beside().settled(first_unsettled);
        for output in self.pump.beside().take_outputs() {
            match output {
                // What is left is read after the next start.
                Output::Read(_) if self.stopping => {}
                Output::Read(order) => {
                    told::ordered(self.metrics.status().course(SnapshotKind::Incremental), &order);
                    self.beside.give(Job::Read(order));
                }
                Output::Keep(state) => self.beside.to_keep = Some(state),
                Output::Tell(notice) => {
                    told::noted(self.metrics.status().course(SnapshotKind::Incremental), &notice);
                    self.tell_operators(&notice);
                }
                Output::Emit(_) | Output::DropBatch => return Err(Error::bug("a batch was left lying")),
            }
        }
        self.attend_blocking(line).await?;
        self.beside.keep();
        let released = self.beside.released();
        self.release(released);
        if self.beside.orders > 0 || self.beside.is_keeping {
            // A stream that never runs dry would not let the tasks have their turn.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// What these have asked for is kept.
    pub(super) fn release(&mut self, askers: Vec<Asker>) {
        let mut deliveries = Deliveries::default();
        for asker in askers {
            match asker {
                Asker::Unit(ticket) => deliveries.add(ticket, 1),
                Asker::Record(offset) => self.beside.acted_on(offset),
            }
        }
        if !deliveries.runs.is_empty() {
            self.apply(input::Input::Delivered(&deliveries));
        }
    }

    fn hear_news(&mut self, news: News) {
        match news {
            News::Opened(Ok(book)) => {
                self.beside.opened = true;
                self.snapshots.blocking.restored(book.blocking());
                let state = book.incremental().clone();
                if !state.tables.is_empty() {
                    tracing::info!(tables = state.tables.len(), "an incremental snapshot goes on where it was");
                    told::restored(self.metrics.status().course(SnapshotKind::Incremental), &state);
                    self.pump.beside().apply(Input::Restored(state));
                }
            }
            News::Opened(Err(error)) => {
                tracing::warn!(
                    detail = error.detail_text(),
                    "the progress of incremental snapshots cannot be read: {error}"
                );
                if let (Some(store), Some(tasks)) = (&self.beside.store, &self.beside.tasks) {
                    tasks.open(Arc::clone(store), RETRY_INTERVAL);
                }
            }
            News::Heard(heard) => self.beside.signals.extend(heard.into_iter().map(|heard| (heard, None))),
            News::Resolved { signal, request, tables, asker } => {
                self.beside.is_resolving = false;
                self.beside.orders = self.beside.orders.saturating_sub(1);
                if tables.is_empty() {
                    let asked: Vec<&str> = request.tables.texts().collect();
                    tracing::warn!(signal, asked = asked.join(", "), "a signal asks for no table that is captured");
                }
                let wanted = wanted(&signal, &request, tables);
                self.pump.beside().apply(Input::Asked(wanted));
                self.beside.waiting.extend(asker);
            }
            News::Found { number, found } => {
                self.beside.orders = self.beside.orders.saturating_sub(1);
                self.beside.answer = Some((number, found));
            }
            News::Kept { state, kept } => {
                self.beside.is_keeping = false;
                if let Err(error) = kept {
                    tracing::warn!(
                        detail = error.detail_text(),
                        "the progress of an incremental snapshot could not be kept: {error}"
                    );
                    // What has been said since then is the truth by now.
                    self.beside.to_keep.get_or_insert(state);
                    let mut held = std::mem::take(&mut self.beside.held);
                    self.beside.waiting.append(&mut held);
                }
            }
        }
    }

    /// Does what a signal asks.
    fn act(&mut self, heard: Heard, asker: Option<Asker>) {
        let Signal { id, action } = match heard {
            Heard::Signal(signal) => signal,
            Heard::Refused(refused) => {
                tracing::warn!(signal = refused.id, "a signal is refused: {}", refused.why);
                self.metrics.signal_refused();
                self.beside.waiting.extend(asker);
                return;
            }
            Heard::ForAnother => {
                tracing::debug!("a record of the topic of signals is for another connector");
                self.beside.waiting.extend(asker);
                return;
            }
        };
        let beside = self.pump.beside();
        match action {
            Action::Log { message } => {
                let message = message.replace("{}", &self.core.received().to_string());
                tracing::info!(signal = id, "{message}");
            }
            Action::Incremental(request) => {
                self.beside.is_resolving = true;
                self.beside.give(Job::Resolve { signal: id, request, asker });
                return;
            }
            Action::Blocking(request) => {
                self.snapshots.blocking.ask(id, &request, asker);
                return;
            }
            Action::Stop { tables } => beside.apply(Input::Stopped(tables)),
            Action::Pause => beside.apply(Input::Paused),
            Action::Resume => beside.apply(Input::Resumed),
            Action::WindowMark => {}
        }
        self.beside.waiting.extend(asker);
    }

    /// Takes in what became of an order.
    async fn answer(&mut self, line: &mut Line<'_>, number: u64, found: Found) -> Result<()> {
        let answer = match found {
            Found::Again(error) => {
                if let Some(error) = error {
                    tracing::warn!(
                        detail = error.detail_text(),
                        "a chunk could not be read, and is tried again: {error}"
                    );
                }
                Answer::Again
            }
            Found::Ended(outcome, error) => {
                if let Some(error) = error {
                    tracing::warn!(
                        status = outcome.as_str(),
                        detail = error.detail_text(),
                        "a table cannot be read for an incremental snapshot: {error}"
                    );
                }
                Answer::Ended(outcome)
            }
            Found::Rows(rows) => match self.keys(line, *rows).await? {
                Ok(chunk) => Answer::Chunk(chunk),
                Err(rows) => {
                    self.beside.answer = Some((number, Found::Rows(Box::new(rows))));
                    return Ok(());
                }
            },
        };
        self.pump.beside().apply(Input::Answered { number, answer });
        self.pump.begin_batch();
        Ok(())
    }

    /// Gives the rows of a chunk the keys of their records; gives them back where that cannot be now.
    async fn keys(&mut self, line: &mut Line<'_>, found: Rows) -> Result<std::result::Result<Chunk, Rows>> {
        let relation = found.relation.id;
        loop {
            // The version may be another one after a wait.
            let (read, texts) = (found.relation.clone(), found.texts.clone());
            self.pump.chunk_version(read, texts);
            match self.pump.keys_of_chunk(&found.rows)? {
                Keyed::Busy => return Ok(Err(found)),
                Keyed::Lacking(lacks) => {
                    if !self.register(line, &lacks.schemas).await? {
                        return Ok(Err(found));
                    }
                    self.pump.take_numbers();
                }
                Keyed::Rows(rows) => {
                    let Rows { sight, log_end, key, last, until, more, .. } = found;
                    return Ok(Ok(Chunk { relation, sight, log_end, rows, key, last, until, more }));
                }
            }
        }
    }
}

/// What is sent to be kept.
fn entry(state: IncrementalState) -> Vec<Entry> {
    vec![Entry::Incremental(state)]
}

/// A queue without bound: what speaks through it waits for answers before it says more.
type Inbox<T> = mpsc::UnboundedReceiver<T>;
