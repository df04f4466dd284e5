//! The schema history in a compacted topic.
//!
//! Owns [`HistoryTopic`], the [`Store`] of the Kafka sink. Everything here blocks and is rare, so each step runs on a thread
//! of its own: the whole topic is read when a connector starts, and one record is written, with all in-sync replicas'
//! acknowledgement, when a table gets a shape that it never had.
//!
//! Nobody else writes to the topic. That is checked by its offsets: a record must come to lie right behind what was read
//! or written last. Where it lies further on, the topic is read again, and where it lies before, the topic was emptied.
//! Must never make a topic that was there and is gone: its numbers would begin anew, in silence.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, NoCustomPartitioner, Producer as _, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};

use super::context::{Complaints, lock};
use super::topics::{Brokers, Dry, on_a_thread};
use super::{failure, settings};
use crate::config::{Keeping, SchemaHistory, TopicCreation};
use crate::error::{Error, Kind, Result};
use crate::history::record::Record;
use crate::history::{Doubt, Numbers, Opened, Pending, Store};

/// How long the brokers have to answer a question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long reading may take without a record.
const READ_PATIENCE: Duration = Duration::from_secs(30);

/// How long a record may take to be acknowledged; the session is then made anew and the record is written again.
const WRITE_TIMEOUT_MS: &str = "30000";

/// How often the answer to a write is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Settings of the sink's producer that mean nothing to a consumer, which would complain of each.
const PRODUCER_ONLY: &[&str] = &[
    "acks",
    "batch.",
    "compression.",
    "delivery.",
    "enable.idempotence",
    "enable.gapless.guarantee",
    "linger.ms",
    "message.send.max.retries",
    "message.timeout.ms",
    "partitioner",
    "queue.buffering.",
    "queuing.strategy",
    "request.required.acks",
    "request.timeout.ms",
    "retries",
    "sticky.partitioning.linger.ms",
    "transaction",
];

/// The schema history of one connector. Cloning gives another handle of the same.
#[derive(Clone)]
pub(super) struct HistoryTopic(Arc<Shared>);

struct Shared {
    client: ClientConfig,
    creation: Option<TopicCreation>,
    history: SchemaHistory,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Where the next record of each partition will lie, as far as this process knows; none before the topic was read.
    ends: Vec<i64>,
    producer: Option<BaseProducer<Answers>>,
}

impl HistoryTopic {
    /// With the settings of the sink's producer.
    pub(super) fn new(client: ClientConfig, creation: Option<TopicCreation>, history: SchemaHistory) -> Self {
        Self(Arc::new(Shared { client, creation, history, state: Mutex::default() }))
    }
}

impl Store for HistoryTopic {
    fn look(&self) -> Pending<Vec<Doubt>> {
        let shared = Arc::clone(&self.0);
        on_a_thread(move || shared.look())
    }

    fn open(&self) -> Pending<Opened> {
        let shared = Arc::clone(&self.0);
        on_a_thread(move || shared.open())
    }

    fn keep(&self, record: Record) -> Pending<()> {
        let shared = Arc::clone(&self.0);
        on_a_thread(move || shared.keep(&record))
    }
}

impl Shared {
    fn topic(&self) -> &str {
        &self.history.topic
    }

    /// How the topic is made: as configured for all topics, but for what a history needs.
    fn new_topic(&self) -> TopicCreation {
        let configured = self.creation.as_ref();
        TopicCreation {
            partitions: 1,
            replication_factor: configured.map_or(-1, |creation| creation.replication_factor),
            config: vec![("cleanup.policy".to_owned(), "compact".to_owned())],
        }
    }

    /// Whether topics may be made: walcast was told to, or the brokers do it for anybody who writes.
    fn may_make(&self, brokers: &mut Brokers) -> bool {
        self.creation.is_some() || brokers.creates_automatically() != Some(false)
    }

    fn look(&self) -> Result<Vec<Doubt>> {
        let mut brokers = Brokers::new(self.client.clone())?;
        let Ok(seen) = brokers.topics(ANSWER_TIMEOUT) else {
            // That brokers are away is told by the sink's own look.
            return Ok(Vec::new());
        };
        let topic = self.topic();
        if seen.contains(topic) {
            let policy = brokers.configuration(topic, "cleanup.policy");
            let compacted = policy.is_none_or(|policy| policy.split(',').any(|word| word.trim() == "compact"));
            let doubt = || Doubt::Warning {
                what: format!(
                    "topic {topic} of the schema history is not compacted: the brokers will delete versions of tables, \
                     whose numbers are then given to others"
                ),
                remedy: format!("set cleanup.policy=compact on topic {topic}"),
            };
            return Ok((!compacted).then(doubt).into_iter().collect());
        }
        if self.history.keeping != Keeping::Required {
            return Ok(Vec::new());
        }
        let refusal = if self.may_make(&mut brokers) {
            let name: Arc<str> = Arc::from(topic);
            let outcome = brokers.creation_outcome(&[&name], &self.new_topic(), Dry::Run)?;
            let code = outcome.into_iter().find_map(|(_, code)| code).filter(|code| *code != Code::TopicAlreadyExists);
            code.map(|_| ())
        } else {
            Some(())
        };
        let doubt = |()| {
            let missing = self.missing();
            Doubt::Fatal {
                what: missing.message().to_owned(),
                remedy: missing.hint_text().unwrap_or_default().to_owned(),
            }
        };
        Ok(refusal.map(doubt).into_iter().collect())
    }

    fn open(&self) -> Result<Opened> {
        let mut state = lock(&self.state);
        match self.make_and_read(&mut state) {
            Ok(numbers) => Ok(Opened::Kept(numbers)),
            Err(Trouble::NoTopic(error)) if self.history.keeping == Keeping::WherePossible => {
                Ok(Opened::NotKept(error))
            }
            Err(Trouble::NoTopic(error) | Trouble::Other(error)) => Err(error),
        }
    }

    fn make_and_read(&self, state: &mut State) -> Result<Numbers, Trouble> {
        let mut brokers = Brokers::new(self.client.clone())?;
        if !brokers.topics(ANSWER_TIMEOUT)?.contains(self.topic()) {
            if !state.ends.is_empty() {
                return Err(Trouble::Other(self.gone()));
            }
            if !self.may_make(&mut brokers) {
                return Err(Trouble::NoTopic(self.missing()));
            }
            let name: Arc<str> = Arc::from(self.topic());
            brokers.create(&[&name], &self.new_topic()).map_err(|error| match error.kind() {
                Kind::SinkRefused => Trouble::NoTopic(error),
                _ => Trouble::Other(error),
            })?;
            tracing::info!(topic = self.topic(), "made the topic of the schema history");
            state.ends = vec![0]; // Not every broker may have heard of it.
            // Rows will wait for a version. Where this fails, the first write says why.
            state.producer = self.producer().ok();
            let warm =
                |producer: &BaseProducer<_>| producer.client().fetch_metadata(Some(self.topic()), ANSWER_TIMEOUT);
            state.producer.as_ref().map(warm).transpose().ok();
            return Ok(Numbers::default());
        }
        self.read(state)
    }

    /// Reads the topic to where it ends now.
    fn read(&self, state: &mut State) -> Result<Numbers, Trouble> {
        let consumer: BaseConsumer<Quiet> = self
            .consumer_settings()
            .create_with_context(Quiet::default())
            .map_err(|error| settings::creation_error(&error))?;
        let topic = self.topic();
        let ends = self.ends(&consumer)?;
        let before = std::mem::take(&mut state.ends);
        if before.iter().zip(&ends).any(|(before, end)| end < before) {
            return Err(Trouble::Other(self.emptied()));
        }
        let mut assignment = TopicPartitionList::new();
        for partition in 0..ends.len() {
            let partition = i32::try_from(partition).unwrap_or(i32::MAX);
            assignment
                .add_partition_offset(topic, partition, Offset::Beginning)
                .map_err(|error| self.silent(&error))?;
        }
        consumer.assign(&assignment).map_err(|error| self.silent(&error))?;
        let mut done: Vec<bool> = ends.iter().map(|end| *end == 0).collect();
        let mut numbers = Numbers::default();
        let mut last = Instant::now();
        while done.contains(&false) {
            let (partition, next) = match consumer.poll(POLL_INTERVAL) {
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    numbers
                        .take(message.key(), message.payload())
                        .map_err(|why| self.unreadable(partition, offset, &why.to_string()))?;
                    (partition, offset.saturating_add(1))
                }
                // What lay last may be gone, or was no record.
                Some(Err(KafkaError::PartitionEOF(partition))) => (partition, i64::MAX),
                Some(Err(error)) => {
                    self.read_failure(&error)?;
                    continue;
                }
                None if last.elapsed() > READ_PATIENCE => {
                    return Err(Trouble::Other(self.silent("no record came for half a minute")));
                }
                None => continue,
            };
            last = Instant::now();
            let at = usize::try_from(partition).unwrap_or(usize::MAX);
            if let (Some(end), Some(done)) = (ends.get(at), done.get_mut(at)) {
                *done |= next >= *end;
            }
        }
        state.ends = ends;
        Ok(numbers)
    }

    /// The settings that a consumer shares with the producer.
    fn consumer_settings(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set_log_level(RDKafkaLogLevel::Notice);
        for (name, value) in self.client.config_map() {
            if !PRODUCER_ONLY.iter().any(|only| name.starts_with(only)) {
                client.set(name, value);
            }
        }
        // Partitions are assigned by hand and offsets committed nowhere; the library only wants a name.
        client.set("group.id", format!("{}-walcast", self.topic()));
        client.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        client.set("isolation.level", "read_committed").set("enable.partition.eof", "true");
        client.set("fetch.wait.max.ms", "50").set("allow.auto.create.topics", "false");
        client
    }

    /// Where each partition ends now.
    fn ends(&self, consumer: &BaseConsumer<Quiet>) -> Result<Vec<i64>, Trouble> {
        let topic = self.topic();
        let metadata = consumer.fetch_metadata(Some(topic), ANSWER_TIMEOUT).map_err(|error| self.silent(&error))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let partitions = found.map_or(0, |found| found.partitions().len());
        if partitions == 0 {
            return Err(Trouble::Other(self.silent("its partitions are not known")));
        }
        let end = |partition: usize| {
            let partition = i32::try_from(partition).unwrap_or(i32::MAX);
            consumer.fetch_watermarks(topic, partition, ANSWER_TIMEOUT).map(|(_, end)| end)
        };
        (0..partitions).map(end).collect::<Result<_, _>>().map_err(|error| match self.read_failure(&error) {
            Err(trouble) => trouble,
            Ok(()) => Trouble::Other(self.silent(&error)),
        })
    }

    /// What an error means for a reader; nothing where it only concerns the group that nobody is a member of.
    fn read_failure(&self, error: &KafkaError) -> Result<(), Trouble> {
        match error.rdkafka_error_code() {
            Some(Code::GroupAuthorizationFailed | Code::CoordinatorNotAvailable | Code::NotCoordinator) => Ok(()),
            Some(Code::TopicAuthorizationFailed) => Err(Trouble::NoTopic(
                Error::new(Kind::SinkRefused, format!("no right to read topic {} of the schema history", self.topic()))
                    .hint(format!(
                        "grant ACL operations READ, WRITE and DESCRIBE on topic {} to the connector's Kafka user, or set \
                         walcast.schema.history=off",
                        self.topic()
                    )),
            )),
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Err(Trouble::Other(self.gone())),
            // It goes on by itself; how long that may take is bounded by whoever asks.
            Some(Code::AllBrokersDown | Code::BrokerTransportFailure | Code::OperationTimedOut) | None => Ok(()),
            Some(_) => Err(Trouble::Other(self.silent(error))),
        }
    }

    fn keep(&self, record: &Record) -> Result<()> {
        let mut state = lock(&self.state);
        let producer = match state.producer.take() {
            Some(producer) => producer,
            None => self.producer()?,
        };
        let (partition, offset) = self.write(&producer, record)?;
        state.producer = Some(producer);
        let expected = usize::try_from(partition).ok().and_then(|at| state.ends.get_mut(at));
        match expected {
            Some(expected) if offset == *expected => {
                *expected += 1;
                Ok(())
            }
            Some(expected) if offset < *expected => Err(self.emptied()),
            _ => self.check(&mut state, record),
        }
    }

    /// Somebody else has written: a process of ours that was killed meanwhile, whose records are like ours, or another.
    fn check(&self, state: &mut State, record: &Record) -> Result<()> {
        let numbers = self.read(state).map_err(Trouble::into_error)?;
        match numbers.agrees_with(record) {
            true => Ok(()),
            false => Err(Error::new(Kind::SinkRefused, format!("{} was written by somebody else too", record.name))
                .detail(format!("topic {} of the schema history has two writers", self.topic()))
                .hint(
                    "let only one connector have this topic.prefix, or give each its own walcast.schema.history.topic",
                )),
        }
    }

    fn producer(&self) -> Result<BaseProducer<Answers>> {
        let mut client = self.client.clone();
        client.set("linger.ms", "0").set("message.timeout.ms", WRITE_TIMEOUT_MS);
        // One record at a time, which may be written twice: nothing that needs sequence numbers, for which the library
        // would wait half a second before the first record.
        client.set("enable.idempotence", "false").set("enable.gapless.guarantee", "false");
        client.set("max.in.flight.requests.per.connection", "1");
        // A topic that was deleted must not come back by itself.
        client.set("allow.auto.create.topics", "false");
        client.create_with_context(Answers::default()).map_err(|error| settings::creation_error(&error))
    }

    /// Writes a record and waits for the brokers; says where it lies.
    fn write(&self, producer: &BaseProducer<Answers>, record: &Record) -> Result<(i32, i64)> {
        let sending = BaseRecord::to(self.topic()).key(&record.key).payload(&record.value);
        if let Err((error, _)) = producer.send(sending) {
            return Err(self.refused(error.rdkafka_error_code().unwrap_or(Code::Unknown), record));
        }
        loop {
            producer.poll(POLL_INTERVAL);
            let answer = lock(&producer.context().answer).take();
            match answer {
                Some(Ok(place)) => return Ok(place),
                Some(Err(code)) => return Err(self.refused(code, record)),
                None if producer.in_flight_count() == 0 => {
                    return Err(Error::bug("a record of the schema history was neither kept nor refused"));
                }
                None => {}
            }
        }
    }

    fn refused(&self, code: Code, record: &Record) -> Error {
        match code {
            Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => self.gone(),
            code if failure::is_oversize(code) => {
                Error::new(Kind::RecordTooLarge, format!("{} is larger than topic {} takes", record.name, self.topic()))
                    .detail(format!("its record has {} bytes", record.key.len() + record.value.len()))
                    .hint(format!("raise max.message.bytes of topic {}", self.topic()))
            }
            code => failure::of_record(code, self.topic(), false).error(),
        }
    }

    fn missing(&self) -> Error {
        let topic = self.topic();
        Error::new(
            Kind::SinkRefused,
            format!("topic {topic} of the schema history does not exist, and may not be made"),
        )
        .hint(format!(
            "create topic {topic} with one partition and cleanup.policy=compact, or set \
                 topic.creation.default.replication.factor and topic.creation.default.partitions, or set \
                 walcast.schema.history=off"
        ))
    }

    fn gone(&self) -> Error {
        Error::new(Kind::SinkRefused, format!("topic {} of the schema history is gone", self.topic()))
            .detail(
                "it was there when this process began; somebody deleted it, and the numbers of table versions with it",
            )
            .hint(
                "restore the topic; or start again to have it made anew, with numbers that begin at 1 and mean other \
                 versions than before",
            )
    }

    fn emptied(&self) -> Error {
        Error::new(Kind::SinkRefused, format!("topic {} of the schema history was made anew", self.topic()))
            .detail("it ends before what this process has read or written; somebody deleted it, or cut its records off")
            .hint("restore the topic; or start again to number from what is left in it")
    }

    fn unreadable(&self, partition: i32, offset: i64, why: &str) -> Trouble {
        let topic = self.topic();
        let error = Error::new(Kind::SinkRefused, format!("topic {topic} holds what is no record of a schema history"))
            .detail(format!("partition {partition}, offset {offset}: {why}"))
            .hint(format!(
                "give the history a topic of its own with walcast.schema.history.topic; or remove what does not belong to \
                 topic {topic}"
            ));
        Trouble::Other(error)
    }

    fn silent(&self, why: &(impl ToString + ?Sized)) -> Error {
        Error::new(Kind::SinkUnavailable, format!("topic {} of the schema history cannot be read", self.topic()))
            .detail(why.to_string())
            .hint("see whether the brokers are up")
    }
}

/// Why there are no numbers.
enum Trouble {
    /// The topic is not there and may not be made, or may not be read.
    NoTopic(Error),
    /// Anything else.
    Other(Error),
}

impl Trouble {
    fn into_error(self) -> Error {
        match self {
            Self::NoTopic(error) | Self::Other(error) => error,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Keeps the answer to the one record that is on its way.
#[derive(Default)]
struct Answers {
    answer: Mutex<Option<Result<(i32, i64), Code>>>,
    complaints: Complaints,
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
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let answer = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(Code::Unknown)),
        };
        *lock(&self.answer) = Some(answer);
    }
}

/// Says what a reader complains of.
#[derive(Default)]
struct Quiet(Complaints);

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.log(level, facility, line);
    }

    fn error(&self, _error: KafkaError, reason: &str) {
        self.0.warn(reason);
    }
}

impl ConsumerContext for Quiet {}
