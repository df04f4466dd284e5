//! Kafka, through librdkafka's idempotent producer.
//!
//! Owns [`KafkaSink`] and the guarantees towards the brokers: idempotence, acks from all in-sync replicas, at most
//! five requests in flight, Java's partitioner, no record given up for time. One `BaseProducer`, fed and polled by
//! the pipeline's own thread; the unit's ticket rides with each record as librdkafka's opaque, so no future and no
//! allocation of ours is made per record. librdkafka's threads batch, compress and send.
//!
//! Must never know PostgreSQL, and must never log or report a key, a value or a secret.
//!
//! - `settings`: what the producer is made with
//! - [`overrides`]: `producer.override.*` into librdkafka's settings
//! - `context`: delivery reports and complaints
//! - `failure`: what an error code means
//! - `topics`, [`mod@preflight`]: topics at the brokers, before they are written to
//! - `compacted`: a topic that is a memory: made, read whole, written
//! - `history`, `progress`: what is kept in such topics
//! - `signals`: a topic that operators write to

mod compacted;
mod context;
mod failure;
mod history;
pub mod overrides;
pub mod preflight;
mod progress;
mod settings;
mod signals;
mod topics;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use self::context::{Reports, Vouched};
use self::failure::Failure;
use self::history::HistoryTopic;
pub use self::preflight::{Preflight, preflight};
use self::progress::ProgressTopic;
use self::topics::Topics;
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::history::Store;
use crate::sink::{
    Append, Concern, Deliveries, Depth, Gravity, Header, Headers, Look, Record, Sink, Subscribe, Waiting,
};

/// Something to be mended before a sink can work, found without side effects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The property it is about, without the prefix `producer.override.` where it is one of those.
    pub property: String,
    /// What is wrong. Never holds a secret.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl Finding {
    fn new(property: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { property: property.into(), problem: problem.into(), remedy: remedy.into() }
    }
}

/// One error out of findings about `producer.override.*`.
fn findings_as_error(findings: &[Finding]) -> Error {
    use std::fmt::Write as _;
    let mut detail = String::new();
    for Finding { property, problem, remedy } in findings {
        let separator = if detail.is_empty() { "" } else { "; " };
        let _ = write!(detail, "{separator}producer.override.{property}: {problem} (remedy: {remedy})");
    }
    Error::new(Kind::Config, "the producer's settings cannot be used")
        .detail(detail)
        .hint("correct producer.override.*")
}

/// What librdkafka and the allocator hold around a record without headers, in bytes: `rd_kafka_msg_t` (about 200),
/// its share of queues and requests, and the two allocations. Measured roughly; it only has to keep the bound honest
/// for records that are smaller than their own overhead.
const RECORD_OVERHEAD_BYTES: u64 = 320;

/// The same for a header: its structure, list slot and two allocations.
const HEADER_OVERHEAD_BYTES: u64 = 80;

/// From this size on a record is a batch of its own, and librdkafka holds its compressed copy besides, which in the worst
/// case is as large: such records count twice against the bound of the queue.
const LARGE_RECORD_BYTES: u64 = 1_000_000;

/// Polls of librdkafka's queue within one [`Sink::poll`]: each gives one batch of reports.
const POLLS_MAX: u32 = 256;

/// The shared headers of a run as librdkafka keeps them. The slice is held, so its address cannot be used again.
struct Rendered {
    shared: Arc<[Header]>,
    headers: OwnedHeaders,
}

/// A producer, and the book of what it holds.
pub struct KafkaSink {
    config: config::Kafka,
    producer: BaseProducer<Reports>,
    topics: Topics,
    queue_bytes_max: u64,
    record_overhead_bytes: u64,
    taken_records: u64,
    taken_bytes: u64,
    /// Of these, the bytes of large records.
    taken_large_bytes: u64,
    rendered: Option<Rendered>,
    failed: Option<Failure>,
}

impl KafkaSink {
    /// Makes a producer. No broker is asked: that is done by [`Sink::prepare`] and by [`preflight()`].
    ///
    /// `client_id` is what brokers see in logs and quotas.
    ///
    /// # Errors
    /// `Config` for settings that are refused or do not fit together.
    pub fn open(config: &config::Kafka, client_id: &str) -> Result<Self> {
        let settings = settings::settings(config, client_id)?;
        let vouched: Vouched = Arc::new(Mutex::default());
        let producer = settings
            .client
            .create_with_context(Reports::new(Arc::clone(&vouched)))
            .map_err(|error| settings::creation_error(&error))?;
        let topics = Topics::new(settings.client.clone(), config.topic_creation.clone(), vouched);
        Ok(Self {
            config: config.clone(),
            producer,
            topics,
            queue_bytes_max: settings.queue_bytes_max,
            record_overhead_bytes: RECORD_OVERHEAD_BYTES,
            taken_records: 0,
            taken_bytes: 0,
            taken_large_bytes: 0,
            rendered: None,
            failed: None,
        })
    }

    /// No broker can be reached, as far as is known. Records wait meanwhile; the next delivery takes it back.
    #[must_use]
    pub fn brokers_down(&self) -> bool {
        self.reports().brokers_down()
    }

    fn reports(&self) -> &Reports {
        self.producer.context()
    }

    /// Bytes of large records in the queue.
    fn large_bytes(&self) -> u64 {
        self.taken_large_bytes.saturating_sub(self.reports().returned_large_bytes())
    }

    fn fail(&mut self, failure: Failure) -> Error {
        self.failed.get_or_insert(failure).error()
    }

    /// The headers as librdkafka wants them: owned by the record.
    ///
    /// A copy of the rendered ones costs librdkafka an allocation a header; it has no shared headers.
    fn headers(&mut self, headers: Headers<'_>) -> Option<OwnedHeaders> {
        let stamps = headers.stamps.as_slice();
        if headers.own.is_none() && headers.shared.is_empty() && stamps.is_empty() {
            return None;
        }
        if let Some((key, value)) = headers.own {
            // Rare: key changes only. Its own header comes first, so nothing rendered can be extended.
            let own = OwnedHeaders::new_with_capacity(headers.shared.len() + stamps.len() + 1);
            let own = own.insert(KafkaHeader { key, value: Some(value) });
            return Some(with_stamps(with_shared(own, headers.shared), stamps));
        }
        match &self.rendered {
            Some(rendered) if Arc::ptr_eq(&rendered.shared, headers.shared) => {
                Some(with_stamps(rendered.headers.clone(), stamps))
            }
            _ => {
                let rendered = with_shared(OwnedHeaders::new_with_capacity(headers.shared.len()), headers.shared);
                // Stamps are of about one size all along.
                let held: u64 =
                    headers.iter().map(|(name, value)| HEADER_OVERHEAD_BYTES + (name.len() + value.len()) as u64).sum();
                self.record_overhead_bytes = RECORD_OVERHEAD_BYTES + held;
                let first = rendered.clone();
                self.rendered = Some(Rendered { shared: Arc::clone(headers.shared), headers: rendered });
                Some(with_stamps(first, stamps))
            }
        }
    }

    /// What a refusal by `send` means: wait, or the end of this sink.
    fn refused(&mut self, error: &KafkaError, record: &Record<'_>, record_bytes: u64) -> Result<Append> {
        let code = match error {
            KafkaError::MessageProduction(code) => *code,
            // The only other one is a topic name with a NUL in it.
            _ => Code::InvalidTopic,
        };
        let failure = match code {
            Code::QueueFull => return Ok(Append::Full),
            Code::MessageSizeTooLarge => {
                let limit = self.topics.setting("message.max.bytes").unwrap_or_default();
                failure::larger_than_request(record.topic, record_bytes, &limit)
            }
            Code::Fatal => match self.fatal() {
                Some(failure) => failure,
                None => return Ok(Append::Full),
            },
            code => failure::of_record(code, record.topic, self.topics.is_vouched(record.topic)),
        };
        Err(self.fail(failure))
    }

    /// Why the producer cannot go on; nothing yet where it stopped at a record, whose own report says why and is on
    /// its way.
    fn fatal(&self) -> Option<Failure> {
        let (code, reason) = self.producer.client().fatal_error().unwrap_or((Code::Fatal, String::new()));
        if code == Code::GaplessGuarantee {
            return self.reports().failure();
        }
        Some(failure::fatal(code, &reason))
    }
}

fn with_shared(headers: OwnedHeaders, shared: &[Header]) -> OwnedHeaders {
    shared.iter().fold(headers, |headers, header| {
        headers.insert(KafkaHeader { key: &header.key, value: Some(header.value.as_slice()) })
    })
}

fn with_stamps(headers: OwnedHeaders, stamps: &[(&'static str, &[u8])]) -> OwnedHeaders {
    stamps.iter().fold(headers, |headers, &(key, value)| headers.insert(KafkaHeader { key, value: Some(value) }))
}

/// Brokers that cannot be reached may come, and a topic that is missing may never be written to.
fn concern(finding: Finding) -> Concern {
    let fatal = finding.property.starts_with("producer.override.");
    Concern {
        gravity: if fatal { Gravity::Fatal } else { Gravity::Warning },
        what: format!("{}: {}", finding.property, finding.problem),
        remedy: finding.remedy,
    }
}

impl Sink for KafkaSink {
    fn preflight(&self) -> Look {
        let config = self.config.clone();
        Box::new(move |topics| {
            Box::pin(async move {
                let found = preflight(&config, &topics).await?;
                Ok(found.findings.into_iter().map(concern).collect())
            })
        })
    }

    fn history(&self, history: &config::SchemaHistory) -> Option<Arc<dyn Store>> {
        if history.keeping == config::Keeping::Off {
            return None;
        }
        let creation = self.config.topic_creation.clone();
        Some(Arc::new(HistoryTopic::new(self.topics.client().clone(), creation, history.clone())))
    }

    fn progress(&self, topic: &str, connector: &str) -> Option<Arc<dyn crate::progress::Store>> {
        let creation = self.config.topic_creation.clone();
        Some(Arc::new(ProgressTopic::new(self.topics.client().clone(), creation, topic, connector)))
    }

    fn signals(&self, topic: &config::SignalTopic) -> Result<Option<Subscribe>> {
        signals::subscribe(&self.config, topic).map(Some)
    }

    /// See the trait. What it takes to look is done on a thread of its own.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the look running to its own time limit; its outcome is then lost, nothing else.
    fn prepare(&self, topics: Vec<Arc<str>>) -> Waiting<()> {
        self.topics.prepare(topics)
    }

    fn append(&mut self, record: &Record<'_>) -> Result<Append> {
        if let Some(failure) = &self.failed {
            return Err(failure.error());
        }
        let record_bytes = (record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len)) as u64;
        let is_large = record_bytes >= LARGE_RECORD_BYTES;
        let twice = if is_large { record_bytes } else { 0 };
        let depth = self.depth();
        let held = depth.bytes + self.large_bytes() + depth.records * self.record_overhead_bytes;
        if held + record_bytes + twice + self.record_overhead_bytes > self.queue_bytes_max {
            if record_bytes + self.record_overhead_bytes > self.queue_bytes_max {
                let failure = failure::larger_than_queue(record.topic, record_bytes, self.queue_bytes_max);
                return Err(self.fail(failure));
            }
            // The largest of all are sent alone.
            if depth.records > 0 {
                return Ok(Append::Full);
            }
        }
        let Ok(ticket) = usize::try_from(record.ticket.as_u64()) else {
            return Err(Error::bug("a ticket is wider than the platform's pointers"));
        };
        let mut sending = BaseRecord::with_opaque_to(record.topic, ticket);
        sending.key = record.key;
        sending.payload = record.value;
        sending.partition = record.partition;
        sending.timestamp = record.unix_millis;
        sending.headers = self.headers(record.headers);
        match self.producer.send(sending) {
            Ok(()) => {
                self.taken_records += 1;
                self.taken_bytes += record_bytes;
                if is_large {
                    self.taken_large_bytes += record_bytes;
                }
                Ok(Append::Taken)
            }
            Err((error, returned)) => {
                drop(returned);
                self.refused(&error, record, record_bytes)
            }
        }
    }

    fn poll(&mut self, into: &mut Deliveries) -> Result<()> {
        for _ in 0..POLLS_MAX {
            // One call serves one event, so it is called until it serves none.
            let before = self.reports().served();
            self.producer.poll(Duration::ZERO);
            if self.reports().served() == before {
                break;
            }
        }
        self.reports().drain(into);
        if self.failed.is_none() {
            self.failed = self.reports().failure();
        }
        if self.failed.is_none() && self.reports().is_fatal() {
            self.failed = self.fatal();
        }
        match &self.failed {
            Some(failure) => Err(failure.error()),
            None => Ok(()),
        }
    }

    fn depth(&self) -> Depth {
        let (records, bytes) = self.reports().returned();
        Depth { records: self.taken_records.saturating_sub(records), bytes: self.taken_bytes.saturating_sub(bytes) }
    }

    fn offender(&self) -> Option<&str> {
        self.failed.as_ref()?.topic.as_deref()
    }

    fn close(self, patience: Duration) {
        if self.failed.is_none()
            && let Err(error) = self.producer.flush(patience)
        {
            let depth = self.depth();
            tracing::warn!(records = depth.records, bytes = depth.bytes, "closed with undelivered records: {error}");
        }
        // Dropping the producer purges what is left; whoever reads this sink's reports has stopped counting.
    }
}
