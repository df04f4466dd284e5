//! Numbers of relation versions: read when the first session is made, kept before the first row of a new version.
//!
//! Owns [`Versions`]. Which number a version has is the `history` room's matter.

use std::sync::Arc;

use super::Shell;
use crate::catalog::RelationVersion;
use crate::config::SchemaHistory;
use crate::error::{Kind, Result};
use crate::history::record::Record;
use crate::history::{Doubt, Fingerprint, Number, Numbers, Opened, Standing, Store};
use crate::sink::{Sink, Waiting};
use crate::source::preflight::{Report, Severity};
use crate::wire::CopyBoth;

/// The numbers of this process, and where they are kept.
#[derive(Default)]
pub(super) struct Versions {
    numbers: Numbers,
    /// `None` where nothing keeps them: then they begin at 1 with every run.
    store: Option<Arc<dyn Store>>,
}

impl Versions {
    /// What a sink has to offer. A later sink of the same connector would offer the same.
    pub(super) fn of(sink: &impl Sink, history: &SchemaHistory) -> Self {
        Self { numbers: Numbers::default(), store: sink.history(history) }
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

    /// Opens the store.
    pub(super) fn open(&self) -> Waiting<Option<Opened>> {
        let store = self.store.clone();
        Box::pin(async move {
            match store {
                Some(store) => store.open().await.map(Some),
                None => Ok(None),
            }
        })
    }

    /// Takes in what opening the store has come to.
    pub(super) fn opened(&mut self, opened: Opened) {
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
    /// The number of a relation version, once it is kept; nothing where the session came to its end meanwhile.
    pub(super) async fn number(&mut self, stream: &mut CopyBoth, relation: &RelationVersion) -> Result<Option<Number>> {
        let (schema, table) = (&relation.schema, &relation.table);
        let (number, standing) = self.versions.numbers.number(schema, table, Fingerprint::of(relation));
        let store = match standing {
            Standing::Given => self.versions.store.clone(),
            Standing::Kept => None,
        };
        if let Some(store) = store {
            let (position, time) = self.pump.next_change();
            let keeping = store.keep(Record::new(relation, number, position, time));
            if self.wait_alive(stream, keeping).await?.is_none() {
                return Ok(None);
            }
            self.was_busy();
        }
        self.versions.numbers.kept(schema, table, number);
        if standing == Standing::Given {
            tracing::info!(table = format!("{schema}.{table}"), version = number.get(), "a new version of a table");
        }
        Ok(Some(number))
    }
}
