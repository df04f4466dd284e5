//! Numbers of relation versions: read when the first session begins, kept before the first row of a new version.
//!
//! Owns [`Versions`]. Which number a version has is the `history` room's matter.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::Shell;
use super::line::Line;
use crate::catalog::RelationVersion;
use crate::config::SchemaHistory;
use crate::error::{Error, Kind, Result};
use crate::history::record::Record;
use crate::history::{Doubt, Fingerprint, Number, Numbers, Opened, Pending, Standing, Store};
use crate::sink::Sink;
use crate::source::preflight::{Report, Severity};

/// The numbers of this process, and where they are kept.
#[derive(Default)]
pub(super) struct Versions {
    numbers: Numbers,
    /// `None` where nothing keeps them: then they begin at 1 with every run.
    store: Option<Arc<dyn Store>>,
    /// Whether the store was read.
    read: bool,
    /// The store is being opened, since the making of the session began.
    opening: Option<Opening>,
}

/// A store that is opened beside something else. Dropped, it opens the store all the same.
pub(super) type Opening = JoinHandle<Result<Opened>>;

impl Versions {
    /// What a sink has to offer. A later sink of the same connector would offer the same.
    pub(super) fn of(sink: &impl Sink, history: &SchemaHistory) -> Self {
        Self { numbers: Numbers::default(), store: sink.history(history), read: false, opening: None }
    }

    /// Begins to open the store when it is called, unless the store was read: what takes a server and brokers their time
    /// may take it at once.
    pub(super) fn opener(&self) -> impl FnOnce() -> Option<Opening> + Send + use<> {
        let store = self.store.clone().filter(|_| !self.read);
        move || store.map(|store| tokio::spawn(store.open()))
    }

    /// Takes what [`Self::opener`] has begun.
    pub(super) fn opens(&mut self, opening: Option<Opening>) {
        self.opening = opening;
    }

    /// Adds what stands in the way to a report.
    pub(super) fn look(&self) -> impl Future<Output = Result<Vec<Doubt>>> + Send + use<> {
        let store = self.store.clone();
        async move {
            match store {
                Some(store) => store.look().await,
                None => Ok(Vec::new()),
            }
        }
    }

    /// Takes in what opening the store has come to.
    fn opened(&mut self, opened: Opened) {
        self.read = true;
        match opened {
            Opened::Kept(numbers) => {
                tracing::debug!(versions = numbers.len(), "read the schema history");
                self.numbers = numbers;
            }
            Opened::NotKept(why) => {
                tracing::warn!(
                    detail = why.detail_text(),
                    remedy = why.hint_text(),
                    "no schema history is kept, and numbers of table versions begin at 1 with this run: {why}"
                );
                self.store = None;
            }
        }
    }
}

/// Adds doubts to a report.
pub(super) fn report(doubts: Vec<Doubt>, report: &mut Report) {
    for doubt in doubts {
        match doubt {
            Doubt::Fatal { what, remedy } => report.add_sink_finding(Severity::Error, Kind::SinkRefused, what, remedy),
            Doubt::Warning { what, remedy } => {
                report.add_sink_finding(Severity::Warning, Kind::SinkRefused, what, remedy);
            }
        }
    }
}

impl<S: Sink, F: FnMut() -> Result<S>> Shell<S, F> {
    /// Reads the history, unless an earlier session has.
    pub(super) async fn read_history(&mut self, line: &mut Line<'_>) -> Result<()> {
        let Some(store) = self.versions.store.clone().filter(|_| !self.versions.read) else { return Ok(()) };
        let opening: Pending<Opened> = match self.versions.opening.take() {
            Some(begun) => Box::pin(async {
                begun.await.unwrap_or_else(|_| Err(Error::bug("the opening of the schema history panicked")))
            }),
            None => store.open(),
        };
        if let Some(opened) = self.await_store(line, opening).await? {
            self.versions.opened(opened);
        }
        Ok(())
    }

    /// The number of a relation version, once it is kept; nothing where the session came to its end meanwhile.
    pub(super) async fn number(&mut self, line: &mut Line<'_>, relation: &RelationVersion) -> Result<Option<Number>> {
        let (schema, table) = (&relation.schema, &relation.table);
        let (number, standing) = self.versions.numbers.number(schema, table, Fingerprint::of(relation));
        if standing == Standing::Given {
            if let Some(store) = self.versions.store.clone() {
                let (position, time) = self.pump.next_change();
                let keeping = store.keep(Record::new(relation, number, position, time));
                if self.await_store(line, keeping).await?.is_none() {
                    return Ok(None);
                }
            }
            self.versions.numbers.kept(schema, table, number);
            tracing::info!(table = format!("{schema}.{table}"), version = number.get(), "a new version of a table");
        }
        Ok(Some(number))
    }

    /// Waits for the store. What is wrong with it is the brokers' matter, and so ends the sink with the session.
    async fn await_store<T>(&mut self, line: &mut Line<'_>, answer: Pending<T>) -> Result<Option<T>> {
        let done = match self.wait_alive(line, async { Ok(answer.await) }).await? {
            Some(Ok(done)) => Some(done),
            Some(Err(error)) => {
                self.sink_lost(error);
                None
            }
            None => return Ok(None),
        };
        self.was_busy();
        Ok(done)
    }
}
