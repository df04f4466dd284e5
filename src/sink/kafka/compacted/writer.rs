//! Writing a few records, and waiting for the brokers' word on all of them.
//!
//! Owns [`Writer`], a producer of its own beside the sink's.

use std::sync::Mutex;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, NoCustomPartitioner, Producer as _, ProducerContext};

use super::{ANSWER_TIMEOUT, CompactedTopic, Writing};
use crate::error::{Error, Result};
use crate::sink::kafka::context::{Complaints, lock};
use crate::sink::kafka::settings;

/// How long a record may take to be acknowledged; whoever wrote it then begins anew and writes it again.
const WRITE_TIMEOUT_MS: &str = "30000";

/// How often the brokers' word is looked for. The library's wait always lasts to its end, and rows wait with it.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// Where a record lies: partition and offset.
type Place = (i32, i64);

/// A producer for a compacted topic. One that has failed must be thrown away, with what it may still hold.
pub(super) struct Writer(BaseProducer<Answers>);

impl Writer {
    pub(super) fn new(client: &ClientConfig) -> Result<Self> {
        let mut client = client.clone();
        client.set("linger.ms", "0").set("message.timeout.ms", WRITE_TIMEOUT_MS);
        // Records may be written twice: nothing that needs sequence numbers, for which the library would wait half a second
        // before the first record. One request at a time keeps their order.
        client.set("enable.idempotence", "false").set("enable.gapless.guarantee", "false");
        client.set("max.in.flight.requests.per.connection", "1");
        // A topic that was deleted must not come back by itself.
        client.set("allow.auto.create.topics", "false");
        let producer = client.create_with_context(Answers::default());
        producer.map(Self).map_err(|error| settings::creation_error(&error))
    }

    /// Has it know the topic before the first write. Where this fails, that says why.
    pub(super) fn learn(&self, topic: &str) {
        let _ = self.0.client().fetch_metadata(Some(topic), ANSWER_TIMEOUT);
    }

    /// Writes records and waits for the brokers; says where they lie.
    pub(super) fn write(&mut self, topic: &CompactedTopic, records: &[Writing<'_>]) -> Result<Vec<Place>> {
        for (nth, record) in records.iter().enumerate() {
            self.send(topic, nth, record)?;
        }
        loop {
            self.0.poll(LOOK_INTERVAL);
            let is_idle = self.0.in_flight_count() == 0;
            let mut answers = lock(&self.0.context().answers);
            if let Some((nth, code)) = answers.failure.take() {
                return Err(records.get(nth).map_or_else(too_many, |record| topic.refused(code, record)));
            }
            if answers.places.len() >= records.len() {
                return Ok(std::mem::take(&mut answers.places));
            }
            if is_idle {
                return Err(Error::bug("a record of a compacted topic was neither kept nor refused"));
            }
        }
    }

    fn send(&self, topic: &CompactedTopic, nth: usize, record: &Writing<'_>) -> Result<()> {
        loop {
            let mut sending = BaseRecord::with_opaque_to(topic.name(), nth).key(record.key);
            sending.payload = record.value;
            match self.0.send(sending).map_err(|(error, _)| error.rdkafka_error_code()) {
                Ok(()) => return Ok(()),
                // Each of those before it leaves the queue in time, one way or the other.
                Err(Some(Code::QueueFull)) if self.0.in_flight_count() > 0 => self.0.poll(LOOK_INTERVAL),
                Err(code) => return Err(topic.refused(code.unwrap_or(Code::Unknown), record)),
            }
        }
    }
}

fn too_many() -> Error {
    Error::bug("an answer came for a record that nobody wrote")
}

/// Keeps the answers to the records that are on their way.
#[derive(Default)]
struct Answers {
    answers: Mutex<Answered>,
    complaints: Complaints,
}

#[derive(Default)]
struct Answered {
    places: Vec<Place>,
    /// The first record that was not kept, by its number in what is written.
    failure: Option<(usize, Code)>,
}

impl ClientContext for Answers {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.complaints.log(level, facility, line);
    }

    fn error(&self, _error: KafkaError, reason: &str) {
        self.complaints.warn(reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for Answers {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, nth: usize) {
        let mut answers = lock(&self.answers);
        match result {
            Ok(message) => answers.places.push((message.partition(), message.offset())),
            Err((error, _)) => {
                let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
                answers.failure.get_or_insert((nth, code));
            }
        }
    }
}
