//! Counters and gauges in Prometheus' form.
//!
//! Owns every metric and label name, as constants, and [`Metrics`], which the pipeline writes to. Base units only:
//! bytes and seconds. The hot loop never comes here for a row: it counts in a [`TableTally`], plain integers, and
//! flushes that once a batch. Gauges are read from [`Status`] when somebody scrapes.

pub mod snapshot;

use std::fmt::{self, Write as _};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use self::snapshot::SnapshotGauges;
use super::form::StreamForm;
use super::status::{State, Status};

/// Change events written, by table and operation.
pub const EVENTS_TOTAL: &str = "walcast_events_total";
/// Bytes of keys and values written, by table.
pub const RECORD_BYTES_TOTAL: &str = "walcast_record_bytes_total";
/// Records that the brokers acknowledged.
pub const RECORDS_DELIVERED_TOTAL: &str = "walcast_records_delivered_total";
/// Source transactions read to their end.
pub const TRANSACTIONS_TOTAL: &str = "walcast_transactions_total";
/// Streams and producers that were lost, by side.
pub const RECONNECTS_TOTAL: &str = "walcast_reconnects_total";
/// Heartbeats written.
pub const HEARTBEATS_TOTAL: &str = "walcast_heartbeats_total";
/// Failures of `heartbeat.action.query`.
pub const HEARTBEAT_QUERY_FAILURES_TOTAL: &str = "walcast_heartbeat_query_failures_total";
/// Signals that nobody can understand.
pub const SIGNALS_REFUSED_TOTAL: &str = "walcast_signals_refused_total";
/// Changes that could not be decoded, by table and outcome.
pub const FAILED_EVENTS_TOTAL: &str = "walcast_failed_events_total";
/// Time from commit to delivery, per unit.
pub const DELIVERY_LATENCY_SECONDS: &str = "walcast_delivery_latency_seconds";
/// Bytes of the server's log that are not confirmed.
pub const LAG_BYTES: &str = "walcast_lag_bytes";
/// Age of the oldest commit that is not delivered.
pub const LAG_SECONDS: &str = "walcast_lag_seconds";
/// The last confirmed position, as a number.
pub const CONFIRMED_LSN: &str = "walcast_confirmed_lsn";
/// The last received position, as a number.
pub const RECEIVED_LSN: &str = "walcast_received_lsn";
/// Bytes that the brokers do not have yet.
pub const QUEUE_BYTES: &str = "walcast_queue_bytes";
/// Records that the brokers do not have yet.
pub const QUEUE_RECORDS: &str = "walcast_queue_records";
/// 1 while changes flow.
pub const UP: &str = "walcast_up";
/// 1 for the state the connector is in, by state.
pub const STATE: &str = "walcast_state";
/// 1 for the form in which the present or last session brings values, by form.
pub const STREAM_FORM: &str = "walcast_stream_form";
/// Always 1; the version is a label.
pub const BUILD_INFO: &str = "walcast_build_info";

/// `schema.table`
pub const LABEL_TABLE: &str = "table";
/// `create`, `update`, `delete`, `truncate` or `message`
pub const LABEL_OPERATION: &str = "operation";
/// `stopped`, `left_out` or `kept`
pub const LABEL_OUTCOME: &str = "outcome";
/// `source` or `sink`
pub const LABEL_SIDE: &str = "side";
/// See [`State`].
pub const LABEL_STATE: &str = "state";
/// See [`StreamForm`].
pub const LABEL_FORM: &str = "form";
/// Of walcast.
pub const LABEL_VERSION: &str = "version";

/// Upper bounds of the latency histogram, in seconds: from below a commit's own time to a broker's outage.
const LATENCY_BUCKETS: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A new row.
    Create,
    /// A changed row.
    Update,
    /// A row that is gone.
    Delete,
    /// A table that was emptied.
    Truncate,
    /// A logical decoding message.
    Message,
    /// A row of a snapshot.
    Read,
}

impl Operation {
    const COUNT: usize = 6;

    const ALL: [Self; Self::COUNT] =
        [Self::Create, Self::Update, Self::Delete, Self::Truncate, Self::Message, Self::Read];

    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Truncate => "truncate",
            Self::Message => "message",
            Self::Read => "read",
        }
    }
}

/// What became of a change that could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureOutcome {
    /// It stopped the connector.
    Stopped,
    /// It was left out.
    LeftOut,
    /// It was left out and is kept in the dead-letter topic.
    Kept,
}

impl FailureOutcome {
    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::LeftOut => "left_out",
            Self::Kept => "kept",
        }
    }
}

/// Which connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// To PostgreSQL.
    Source,
    /// To the brokers.
    Sink,
}

impl Side {
    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Sink => "sink",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TableOperation {
    table: Arc<str>,
    operation: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TableOutcome {
    table: String,
    outcome: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Table {
    table: Arc<str>,
}

/// A label's value that is one of a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Word(&'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        encoder.write_str(self.0)
    }
}

type ByWord = [(&'static str, Word); 1];

/// Everything that is counted of one connector. Cheap to clone; all clones are the same counters.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    status: Arc<Status>,
    events: Family<TableOperation, Counter>,
    record_bytes: Family<Table, Counter>,
    delivered: Counter,
    transactions: Counter,
    heartbeats: Counter,
    heartbeat_query_failures: Counter,
    signals_refused: Counter,
    failed_events: Family<TableOutcome, Counter>,
    source_reconnects: Counter,
    sink_reconnects: Counter,
    latency: Histogram,
    gauges: Gauges,
}

/// Filled from [`Status`] for each scrape.
#[derive(Debug, Default)]
struct Gauges {
    lag_bytes: Gauge<u64, AtomicU64>,
    lag_seconds: Gauge<f64, AtomicU64>,
    confirmed: Gauge<u64, AtomicU64>,
    received: Gauge<u64, AtomicU64>,
    queue_bytes: Gauge<u64, AtomicU64>,
    queue_records: Gauge<u64, AtomicU64>,
    up: Gauge<u64, AtomicU64>,
    state: Family<ByWord, Gauge<u64, AtomicU64>>,
    stream_form: Family<ByWord, Gauge<u64, AtomicU64>>,
}

/// The crate puts `_total` and `_info` after counters' and infos' names by itself.
fn stem(name: &'static str) -> &'static str {
    name.strip_suffix("_total").or_else(|| name.strip_suffix("_info")).unwrap_or(name)
}

impl Metrics {
    /// Metrics of the connector with this status.
    #[must_use]
    pub fn new(status: Arc<Status>) -> Self {
        let mut registry = Registry::default();
        let events = Family::<TableOperation, Counter>::default();
        registry.register(stem(EVENTS_TOTAL), "Change events written", events.clone());
        let record_bytes = Family::<Table, Counter>::default();
        registry.register(stem(RECORD_BYTES_TOTAL), "Bytes of keys and values written", record_bytes.clone());
        let (delivered, transactions) = (Counter::default(), Counter::default());
        registry.register(stem(RECORDS_DELIVERED_TOTAL), "Records that the brokers acknowledged", delivered.clone());
        registry.register(stem(TRANSACTIONS_TOTAL), "Source transactions read to their end", transactions.clone());
        let (heartbeats, heartbeat_query_failures) = (Counter::default(), Counter::default());
        registry.register(stem(HEARTBEATS_TOTAL), "Heartbeats written", heartbeats.clone());
        let help = "Failures of heartbeat.action.query";
        registry.register(stem(HEARTBEAT_QUERY_FAILURES_TOTAL), help, heartbeat_query_failures.clone());
        let (signals_refused, help) = (Counter::default(), "Signals that nobody can understand");
        registry.register(stem(SIGNALS_REFUSED_TOTAL), help, signals_refused.clone());
        let failed_events = Family::<TableOutcome, Counter>::default();
        registry.register(stem(FAILED_EVENTS_TOTAL), "Changes that could not be decoded", failed_events.clone());
        let reconnects = Family::<ByWord, Counter>::default();
        registry.register(stem(RECONNECTS_TOTAL), "Streams and producers that were lost", reconnects.clone());
        // Both series exist from the start, so that a rate over the first reconnect is not lost.
        let side = |side: Side| reconnects.get_or_create_owned(&[(LABEL_SIDE, Word(side.as_str()))]);
        let latency = Histogram::new(LATENCY_BUCKETS);
        registry.register(DELIVERY_LATENCY_SECONDS, "Time from commit to delivery of a unit", latency.clone());
        let build = Info::new([(LABEL_VERSION, env!("CARGO_PKG_VERSION"))]);
        registry.register(stem(BUILD_INFO), "Version of walcast", build);
        let gauges = Gauges::default();
        gauges.register(&mut registry);
        registry.register_collector(Box::new(SnapshotGauges(Arc::clone(&status))));
        let (source_reconnects, sink_reconnects) = (side(Side::Source), side(Side::Sink));
        Self(Arc::new(Inner {
            registry,
            status,
            events,
            record_bytes,
            delivered,
            transactions,
            heartbeats,
            heartbeat_query_failures,
            signals_refused,
            failed_events,
            source_reconnects,
            sink_reconnects,
            latency,
            gauges,
        }))
    }

    /// The status that the gauges are read from.
    #[must_use]
    pub fn status(&self) -> &Arc<Status> {
        &self.0.status
    }

    /// The counters of one table, `schema.table`: ask once a relation version, not once a row.
    #[must_use]
    pub fn table(&self, table: &str) -> TableMetrics {
        TableMetrics {
            metrics: self.clone(),
            table: Arc::from(table),
            events: std::array::from_fn(|_| OnceLock::new()),
            bytes: OnceLock::new(),
        }
    }

    /// `n` more events of an operation on a table were written, as records of `bytes` bytes.
    pub fn events(&self, table: &TableMetrics, operation: Operation, n: u64, bytes: u64) {
        table.add(operation, n, bytes);
        self.0.status.add(n, bytes);
    }

    /// `n` more records were acknowledged by the brokers.
    pub fn delivered(&self, n: u64) {
        self.0.delivered.inc_by(n);
    }

    /// `n` more source transactions were read to their end.
    pub fn transactions(&self, n: u64) {
        self.0.transactions.inc_by(n);
    }

    /// `n` more heartbeats were written.
    pub fn heartbeats(&self, n: u64) {
        self.0.heartbeats.inc_by(n);
    }

    /// `heartbeat.action.query` failed once more.
    pub fn heartbeat_query_failed(&self) {
        self.0.heartbeat_query_failures.inc();
    }

    /// A signal of an unknown type, or with data that make no sense, came.
    pub fn signal_refused(&self) {
        self.0.signals_refused.inc();
    }

    /// A change of a table could not be decoded.
    pub fn failed_event(&self, table: &str, outcome: FailureOutcome) {
        let labels = TableOutcome { table: table.to_owned(), outcome: Word(outcome.as_str()) };
        self.0.failed_events.get_or_create_owned(&labels).inc();
    }

    /// A stream or a producer was lost.
    pub fn reconnected(&self, side: Side) {
        match side {
            Side::Source => self.0.source_reconnects.inc(),
            Side::Sink => self.0.sink_reconnects.inc(),
        };
    }

    /// A unit was delivered so long after its commit. Takes a lock: once a unit, not once a row.
    pub fn delivery_latency(&self, latency: Duration) {
        self.0.latency.observe(latency.as_secs_f64());
    }

    /// Everything in OpenMetrics' text form.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.gauges.fill(&self.0.status);
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &self.0.registry) {
            Ok(()) => text,
            // Writing to a `String` does not fail; a half-written page would be worse than none.
            Err(fmt::Error) => "# EOF\n".to_owned(),
        }
    }
}

impl Gauges {
    fn register(&self, registry: &mut Registry) {
        registry.register(LAG_BYTES, "Bytes of the server's log that are not confirmed", self.lag_bytes.clone());
        registry.register(LAG_SECONDS, "Age of the oldest commit that is not delivered", self.lag_seconds.clone());
        registry.register(CONFIRMED_LSN, "Last confirmed position", self.confirmed.clone());
        registry.register(RECEIVED_LSN, "Last received position", self.received.clone());
        registry.register(QUEUE_BYTES, "Bytes that the brokers do not have yet", self.queue_bytes.clone());
        registry.register(QUEUE_RECORDS, "Records that the brokers do not have yet", self.queue_records.clone());
        registry.register(UP, "1 while changes flow", self.up.clone());
        registry.register(STATE, "1 for the state that the connector is in", self.state.clone());
        registry.register(STREAM_FORM, "1 for the form in which values are sent", self.stream_form.clone());
    }

    fn fill(&self, status: &Status) {
        let now = status.snapshot(SystemTime::now());
        let state = status.live().state;
        self.lag_bytes.set(now.lag_bytes);
        self.lag_seconds.set(now.lag.as_secs_f64());
        self.confirmed.set(now.confirmed.as_u64());
        self.received.set(now.received.as_u64());
        self.queue_bytes.set(now.queue_bytes);
        self.queue_records.set(now.queue_records);
        self.up.set(u64::from(state == State::Streaming));
        for one in State::ALL {
            self.state.get_or_create_owned(&[(LABEL_STATE, Word(one.as_str()))]).set(u64::from(one == state));
        }
        for one in StreamForm::ALL {
            let gauge = self.stream_form.get_or_create_owned(&[(LABEL_FORM, Word(one.as_str()))]);
            gauge.set(u64::from(status.stream_form() == Some(one)));
        }
    }
}

/// The counters of one table. A series appears with its first event, so that ten thousand quiet tables are not
/// fifty thousand series.
#[derive(Debug)]
pub struct TableMetrics {
    metrics: Metrics,
    table: Arc<str>,
    events: [OnceLock<Counter>; Operation::COUNT],
    bytes: OnceLock<Counter>,
}

impl TableMetrics {
    fn add(&self, operation: Operation, n: u64, bytes: u64) {
        let inner = &self.metrics.0;
        if n > 0 {
            let counter = self.events[operation as usize].get_or_init(|| {
                let labels = TableOperation { table: Arc::clone(&self.table), operation: Word(operation.as_str()) };
                inner.events.get_or_create_owned(&labels)
            });
            counter.inc_by(n);
        }
        if bytes > 0 {
            let labels = || Table { table: Arc::clone(&self.table) };
            self.bytes.get_or_init(|| inner.record_bytes.get_or_create_owned(&labels())).inc_by(bytes);
        }
    }

    /// A tally to count rows of this table in.
    #[must_use]
    pub fn tally(self) -> TableTally {
        TableTally { table: self, events: [0; Operation::COUNT], bytes: 0 }
    }
}

/// Counts rows in plain integers, for the loop that sees each of them.
#[derive(Debug)]
pub struct TableTally {
    table: TableMetrics,
    events: [u64; Operation::COUNT],
    bytes: u64,
}

impl TableTally {
    /// One more event, as records of `bytes` bytes altogether.
    #[inline]
    pub const fn count(&mut self, operation: Operation, bytes: usize) {
        self.events[operation as usize] += 1;
        self.bytes += bytes as u64;
    }

    /// Adds what was counted to the metrics and starts again from nothing: once a batch.
    pub fn flush(&mut self) {
        let metrics = self.table.metrics.clone();
        for operation in Operation::ALL {
            let n = std::mem::take(&mut self.events[operation as usize]);
            if n > 0 {
                metrics.events(&self.table, operation, n, std::mem::take(&mut self.bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests;
