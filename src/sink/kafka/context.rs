//! What librdkafka tells us: deliveries, failures, whether any broker is reachable.
//!
//! Owns [`Reports`], the context of the producer. Its callbacks run inside `poll` and `flush`, on the thread
//! that calls them, and that is always the sink's own: so there is one writer. librdkafka's binding asks for
//! `Send + Sync` all the same. A lock for every row would cost more than the count it protects, so the run
//! that is being counted lives in atomics, written by plain loads and stores (no read-modify-write: with one
//! writer at a time nothing can come in between), and a lock is taken only when the ticket changes and
//! when the runs are drained.
//!
//! Invariants: every record handed to librdkafka is counted once, as delivered or as failed; the first failure
//! stays. Must never log a key, a value or a secret.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{NoCustomPartitioner, ProducerContext};

use super::LARGE_RECORD_BYTES;
use super::failure::{self, Failure, Oversize};
use crate::ledger::Ticket;
use crate::sink::Deliveries;

/// Topics that this sink has seen at the brokers.
pub(super) type Vouched = Arc<Mutex<HashSet<Arc<str>>>>;

/// Takes a lock whose data are valid after any panic, because each change to them is one step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds to a counter that only one thread writes.
fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

/// The producer's context.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// The run being counted: its ticket, and how many records of it.
    ticket: AtomicU64,
    count: AtomicU64,
    /// Runs that are complete.
    runs: Mutex<Vec<(Ticket, u64)>>,
    /// Records and bytes that librdkafka has given back, delivered or not, since the start.
    returned_records: AtomicU64,
    returned_bytes: AtomicU64,
    /// Of these, the bytes of large records.
    returned_large_bytes: AtomicU64,
    /// Moves whenever a callback ran, so that `poll` sees whether there was anything to serve.
    served: AtomicU64,
    failed: AtomicBool,
    fatal: AtomicBool,
    failure: Mutex<FirstFailure>,
    brokers_down: AtomicBool,
    vouched: Vouched,
    complaints: Complaints,
}

#[derive(Debug, Default)]
struct FirstFailure {
    other: Option<Failure>,
    oversize: Option<Oversize>,
}

impl Reports {
    pub(super) fn new(vouched: Vouched) -> Self {
        Self { vouched, ..Self::default() }
    }

    /// Callbacks that ran so far.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Records and bytes given back so far.
    pub(super) fn returned(&self) -> (u64, u64) {
        (self.returned_records.load(Ordering::Relaxed), self.returned_bytes.load(Ordering::Relaxed))
    }

    /// Bytes of large records given back so far.
    pub(super) fn returned_large_bytes(&self) -> u64 {
        self.returned_large_bytes.load(Ordering::Relaxed)
    }

    /// No broker can be reached, as far as is known; false again with the next delivery.
    pub(super) fn brokers_down(&self) -> bool {
        self.brokers_down.load(Ordering::Relaxed)
    }

    /// Whether librdkafka has given this producer up.
    pub(super) fn is_fatal(&self) -> bool {
        self.fatal.load(Ordering::Relaxed)
    }

    /// Moves what was delivered since the last call to `into`, in the order of the reports.
    pub(super) fn drain(&self, into: &mut Deliveries) {
        for (ticket, records) in lock(&self.runs).drain(..) {
            into.add(ticket, records);
        }
        let records = self.count.load(Ordering::Relaxed);
        if records > 0 {
            self.count.store(0, Ordering::Relaxed);
            into.add(Ticket::from_u64(self.ticket.load(Ordering::Relaxed)), records);
        }
    }

    /// The first failure of any record.
    pub(super) fn failure(&self) -> Option<Failure> {
        if !self.failed.load(Ordering::Relaxed) {
            return None;
        }
        let first = lock(&self.failure);
        // A record over a limit is the definite reason; what fails around it is its consequence.
        first.oversize.as_ref().map(Oversize::failure).or_else(|| first.other.clone())
    }

    fn delivered(&self, ticket: u64) {
        let count = self.count.load(Ordering::Relaxed);
        if count > 0 {
            let current = self.ticket.load(Ordering::Relaxed);
            if current == ticket {
                self.count.store(count + 1, Ordering::Relaxed);
                return;
            }
            lock(&self.runs).push((Ticket::from_u64(current), count));
        }
        self.ticket.store(ticket, Ordering::Relaxed);
        self.count.store(1, Ordering::Relaxed);
        // Reached once a run, not once a record; a delivery is the proof that a broker is there.
        if self.brokers_down.load(Ordering::Relaxed) {
            self.brokers_down.store(false, Ordering::Relaxed);
        }
    }

    fn undelivered(&self, code: Code, topic: &str, record_bytes: u64) {
        if failure::is_consequence(code) {
            return;
        }
        let mut first = lock(&self.failure);
        if failure::is_oversize(code) {
            let oversize = first.oversize.get_or_insert_with(Oversize::default);
            if oversize.records == 0 || oversize.topic == topic {
                oversize.topic = topic.to_owned();
                oversize.records += 1;
                oversize.largest_bytes = oversize.largest_bytes.max(record_bytes);
            }
        } else if first.other.is_none() {
            let vouched = lock(&self.vouched).contains(topic);
            first.other = Some(failure::of_record(code, topic, vouched));
        }
        self.failed.store(true, Ordering::Relaxed);
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        bump(&self.served, 1);
        self.complaints.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        bump(&self.served, 1);
        match error.rdkafka_error_code() {
            Some(Code::AllBrokersDown) => self.brokers_down.store(true, Ordering::Relaxed),
            Some(Code::Fatal) => self.fatal.store(true, Ordering::Relaxed),
            _ => {}
        }
        self.complaints.warn(reason);
    }

    fn stats_raw(&self, _statistics: &[u8]) {
        bump(&self.served, 1);
    }
}

impl ProducerContext<NoCustomPartitioner> for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: usize) {
        bump(&self.served, 1);
        let (Ok(message) | Err((_, message))) = result;
        // usize is no wider than u64 on any platform that Rust knows.
        let record_bytes = (message.key_len() + message.payload_len()) as u64;
        bump(&self.returned_records, 1);
        bump(&self.returned_bytes, record_bytes);
        if record_bytes >= LARGE_RECORD_BYTES {
            bump(&self.returned_large_bytes, record_bytes);
        }
        match result {
            Ok(_) => self.delivered(ticket as u64),
            Err((error, message)) => {
                let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
                self.undelivered(code, message.topic(), record_bytes);
            }
        }
    }
}

/// Lets one complaint of librdkafka through in a while, and says how many it kept back.
#[derive(Debug, Default)]
pub(super) struct Complaints(Mutex<Option<(Instant, u64)>>);

/// How long librdkafka is silenced after a complaint that was let through.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(10);

impl Complaints {
    fn admit(&self, now: Instant) -> Option<u64> {
        let mut last = lock(&self.0);
        match last.as_mut() {
            Some((since, kept_back)) if now.duration_since(*since) < COMPLAINT_INTERVAL => {
                *kept_back += 1;
                None
            }
            _ => last.replace((now, 0)).map_or(Some(0), |(_, kept_back)| Some(kept_back)),
        }
    }

    /// A global error.
    pub(super) fn warn(&self, reason: &str) {
        if let Some(kept_back) = self.admit(Instant::now()) {
            tracing::warn!(target: "walcast::sink::kafka", kept_back, "{reason}");
        }
    }

    /// A line of librdkafka's log.
    pub(super) fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        match level {
            // A remark on a choice of ours tells an operator nothing.
            _ if facility == "CONFWARN" && line.contains("enable.gapless.guarantee") => {
                tracing::debug!(target: "walcast::sink::kafka", facility, "{line}");
            }
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug | RDKafkaLogLevel::Notice => {
                tracing::debug!(target: "walcast::sink::kafka", facility, "{line}");
            }
            _ => {
                if let Some(kept_back) = self.admit(Instant::now()) {
                    tracing::warn!(target: "walcast::sink::kafka", facility, kept_back, "{line}");
                }
            }
        }
    }
}

/// Says what a consumer complains of.
#[derive(Default)]
pub(super) struct Quiet(Complaints);

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.log(level, facility, line);
    }

    fn error(&self, _error: KafkaError, reason: &str) {
        self.0.warn(reason);
    }
}

impl ConsumerContext for Quiet {}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(reports: &Reports) -> Vec<(u64, u64)> {
        let mut into = Deliveries::default();
        reports.drain(&mut into);
        into.runs.iter().map(|(ticket, records)| (ticket.as_u64(), *records)).collect()
    }

    #[test]
    fn deliveries_are_counted_in_runs() {
        // Given deliveries of three units, when they are drained, then each run stands once and in order.
        let reports = Reports::default();
        for ticket in [0, 0, 1, 1, 1, 0] {
            reports.delivered(ticket);
        }
        assert_eq!(drained(&reports), [(0, 2), (1, 3), (0, 1)]);
        assert_eq!(drained(&reports), []);
        reports.delivered(0);
        assert_eq!(drained(&reports), [(0, 1)]);
    }

    #[test]
    fn a_delivery_proves_that_a_broker_is_there() {
        let reports = Reports::default();
        reports.error(KafkaError::Global(Code::AllBrokersDown), "1/1 brokers are down");
        assert!(reports.brokers_down());
        reports.delivered(3);
        assert!(!reports.brokers_down());
    }

    #[test]
    fn an_oversize_record_is_the_reason_whatever_fails_around_it() {
        let reports = Reports::default();
        reports.undelivered(Code::BrokerTransportFailure, "a", 1);
        reports.undelivered(Code::MessageSizeTooLarge, "b", 9_000);
        let failure = reports.failure().unwrap();
        assert_eq!(failure.topic.as_deref(), Some("b"));
        assert!(failure.message.contains("9000"));
    }

    #[test]
    fn a_purge_is_no_failure() {
        let reports = Reports::default();
        reports.undelivered(Code::PurgeQueue, "a", 1);
        assert!(reports.failure().is_none());
    }

    #[test]
    fn complaints_come_once_in_a_while_and_are_counted() {
        let complaints = Complaints::default();
        let start = Instant::now();
        assert_eq!(complaints.admit(start), Some(0));
        assert_eq!(complaints.admit(start + Duration::from_secs(1)), None);
        assert_eq!(complaints.admit(start + Duration::from_secs(9)), None);
        assert_eq!(complaints.admit(start + Duration::from_secs(11)), Some(2));
    }
}
