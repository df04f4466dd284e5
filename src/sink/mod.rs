//! Where records go: one trait, one folder or file a sink.
//!
//! Owns [`Sink`] and what passes between a sink and the pipeline; takes [`Record`]s. Must never know PostgreSQL.
//!
//! The contract of a sink:
//! - `append` never waits. It takes a record or says [`Append::Full`], and then has taken nothing of it.
//! - Records of one key, appended in an order, are held by the brokers in that order.
//! - Each record taken is reported by `poll` exactly once: counted as delivered, or the sink has failed and
//!   every later call fails too. A failed sink is thrown away; what it had not reported is sent again.
//! - Memory for records taken and not yet delivered is bounded in bytes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{SchemaHistory, SignalTopic};
use crate::error::Result;
use crate::history::Store;
use crate::ledger::Ticket;
use crate::progress;

pub use crate::encode::record::{Header, Headers, Record, Stamps};

pub mod kafka;
pub mod memory;
pub mod stdout;
mod subscription;

pub use subscription::{Arrived, Publisher, Subscribe, Subscription};

/// Whether a record was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Append {
    /// The sink holds a copy and will report its delivery.
    Taken,
    /// No room: try the same record again after `poll`.
    Full,
}

/// Deliveries since the last look, as runs of one ticket each, in the order they were reported.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// `(unit, records)`; a unit may stand in several runs.
    pub runs: Vec<(Ticket, u64)>,
}

impl Deliveries {
    /// Counts records of a unit, extending the newest run where it is the same unit's.
    pub fn add(&mut self, ticket: Ticket, records: u64) {
        match self.runs.last_mut() {
            Some((last, count)) if *last == ticket => *count += records,
            _ => self.runs.push((ticket, records)),
        }
    }
}

/// How much a sink holds that is not delivered yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Records taken and not yet reported.
    pub records: u64,
    /// Their keys and values, in bytes.
    pub bytes: u64,
}

/// A future that owns what it needs, so that the pipeline can answer keepalives while it waits for it.
pub type Waiting<T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'static>>;

/// Something that a sink's look before the start has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// How bad it is.
    pub gravity: Gravity,
    /// What was found, one sentence. Never holds a secret.
    pub what: String,
    /// How to mend it.
    pub remedy: String,
}

/// How bad a [`Concern`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gravity {
    /// Nothing can be written until an operator acts.
    Fatal,
    /// Some records may not find their way, or it may pass by itself.
    Warning,
}

/// Looks at what would keep records for these topics from being written.
pub type Look = Box<dyn FnOnce(Vec<Arc<str>>) -> Waiting<Vec<Concern>> + Send>;

/// A destination for records. See the module for the contract.
pub trait Sink {
    /// Gives the look that is taken before the start, without side effects.
    fn preflight(&self) -> Look {
        Box::new(|_| Box::pin(std::future::ready(Ok(Vec::new()))))
    }

    /// Where the schema history is kept beside the records; nothing where this sink keeps none, or it is switched off.
    fn history(&self, _history: &SchemaHistory) -> Option<Arc<dyn Store>> {
        None
    }

    /// Where the progress of a connector, named by its `topic.prefix`, is kept in a topic beside the records; nothing where
    /// this sink keeps none.
    fn progress(&self, _topic: &str, _connector: &str) -> Option<Arc<dyn progress::Store>> {
        None
    }

    /// What reads the topic of signals, once it is called; nothing where this sink has no topics to read.
    ///
    /// # Errors
    /// `Config` where its settings cannot be used.
    fn signals(&self, _topic: &SignalTopic) -> Result<Option<Subscribe>> {
        Ok(None)
    }

    /// Makes sure that a topic can be written to, creating it where that was configured.
    ///
    /// # Errors
    /// `SinkRefused` for rights or settings; `SinkUnavailable` when the brokers do not answer.
    fn prepare(&self, topics: Vec<Arc<str>>) -> Waiting<()>;

    /// Offers a record. Never waits.
    ///
    /// # Errors
    /// `RecordTooLarge` or `SinkRefused` for what no retry mends; `SinkUnavailable` for the rest.
    fn append(&mut self, record: &Record<'_>) -> Result<Append>;

    /// Serves callbacks without waiting and adds what was delivered to `into`.
    ///
    /// # Errors
    /// The first failure of any record, after which the sink is of no use any more.
    fn poll(&mut self, into: &mut Deliveries) -> Result<()>;

    /// What is taken and not yet reported.
    fn depth(&self) -> Depth;

    /// Topic of the record that a failure is about, where it is one record's, so that its table can be named.
    fn offender(&self) -> Option<&str> {
        None
    }

    /// Ends the sink, waiting at most `patience` for what it still holds. Call `poll` until it is empty first
    /// where every delivery matters; what this drops is sent again at the next start.
    fn close(self, patience: Duration);
}
