//! Topics of one test, read back with a real consumer.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::wait;

/// One record as a consumer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConsumedRecord {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: Option<i64>,
    /// None is a null key.
    pub(crate) key: Option<Vec<u8>>,
    /// None is a tombstone.
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl ConsumedRecord {
    /// The key as text; panics on other bytes.
    pub(crate) fn key_text(&self) -> Option<&str> {
        self.key.as_deref().map(|key| std::str::from_utf8(key).expect("a key in UTF-8"))
    }

    /// The value as text; panics on other bytes.
    pub(crate) fn value_text(&self) -> Option<&str> {
        self.value.as_deref().map(|value| std::str::from_utf8(value).expect("a value in UTF-8"))
    }

    /// The value as JSON; null for a tombstone, panics on other bytes.
    pub(crate) fn json(&self) -> serde_json::Value {
        self.value.as_deref().map_or(serde_json::Value::Null, |value| serde_json::from_slice(value).expect("JSON"))
    }
}

/// A topic prefix that nobody else uses, at one broker.
pub(crate) struct Topics {
    bootstrap: String,
    pub(crate) prefix: String,
}

impl Topics {
    /// A fresh prefix.
    pub(crate) fn new(bootstrap: &str) -> Self {
        Self { bootstrap: bootstrap.to_owned(), prefix: format!("test_{:012x}", fastrand::u64(..1 << 48)) }
    }

    /// The full name of a topic, from `schema.table`.
    pub(crate) fn topic(&self, table: &str) -> String {
        format!("{}.{table}", self.prefix)
    }

    /// A client configuration for this broker.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        config.set("reconnect.backoff.ms", "20").set("reconnect.backoff.max.ms", "200");
        config
    }

    fn consumer(&self) -> BaseConsumer {
        self.client()
            .set("group.id", &self.prefix)
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .set("fetch.wait.max.ms", "50")
            .create()
            .expect("a consumer")
    }

    /// The topic of the schema history.
    pub(crate) fn schema_history(&self) -> String {
        self.topic("walcast-schemas")
    }

    /// The topic of the progress of snapshots.
    pub(crate) fn progress(&self) -> String {
        format!("__walcast-progress.{}", self.prefix)
    }

    /// Names of the topics that exist and have the prefix in them, but for those of the schema history and of progress,
    /// which connectors have for themselves.
    pub(crate) fn existing(&self) -> BTreeSet<String> {
        let mut names = self.existing_all();
        names.remove(&self.schema_history());
        names.remove(&self.progress());
        names
    }

    fn existing_all(&self) -> BTreeSet<String> {
        let metadata = self.consumer().fetch_metadata(None, wait::PATIENCE).expect("metadata");
        let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
        names.filter(|name| name.contains(&self.prefix)).collect()
    }

    /// Makes topics with so many partitions and this configuration, and waits until they are there.
    #[track_caller]
    pub(crate) fn create(&self, topics: &[String], partitions: i32, config: &[(&str, &str)]) {
        let new: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|topic| {
                let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
                config.iter().fold(new, |new, (name, value)| new.set(name, value))
            })
            .collect();
        let admin: AdminClient<_> = self.client().create().expect("an admin client");
        let outcomes = block_on(admin.create_topics(&new, &AdminOptions::new())).expect("an answer");
        for outcome in outcomes {
            outcome.expect("the topic is made");
        }
        wait::until("the topics are there", wait::PATIENCE, || {
            let existing = self.existing_all();
            topics.iter().all(|topic| existing.contains(topic))
        });
    }

    /// Writes a record of no connector.
    #[track_caller]
    pub(crate) fn write(&self, topic: &str, key: Option<&str>, value: &str) {
        let producer: BaseProducer = self.client().create().expect("a producer");
        let mut record = BaseRecord::<str, str>::to(topic).payload(value);
        record.key = key;
        producer.send(record).expect("it is taken");
        producer.flush(wait::PATIENCE).expect("it is acknowledged");
    }

    /// Deletes a topic and waits until it is gone.
    #[track_caller]
    pub(crate) fn delete(&self, topic: &str) {
        let admin: AdminClient<_> = self.client().create().expect("an admin client");
        for outcome in block_on(admin.delete_topics(&[topic], &AdminOptions::new())).expect("an answer") {
            outcome.expect("the topic is deleted");
        }
        wait::until("the topic is gone", wait::PATIENCE, || !self.existing_all().contains(topic));
    }

    /// Sets one configuration entry of a topic.
    #[track_caller]
    pub(crate) fn configure(&self, topic: &str, name: &str, value: &str) {
        let admin: AdminClient<_> = self.client().create().expect("an admin client");
        let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(name, value);
        let outcomes = block_on(admin.alter_configs([&change], &AdminOptions::new())).expect("an answer");
        for outcome in outcomes {
            outcome.expect("the topic is configured");
        }
        wait::until("the topic has its new configuration", wait::PATIENCE, || {
            self.configuration(topic, name).as_deref() == Some(value)
        });
    }

    /// One configuration entry of a topic.
    #[track_caller]
    pub(crate) fn configuration(&self, topic: &str, name: &str) -> Option<String> {
        let admin: AdminClient<_> = self.client().create().expect("an admin client");
        let described = block_on(admin.describe_configs([&ResourceSpecifier::Topic(topic)], &AdminOptions::new()));
        let described = described.expect("an answer").into_iter().next().expect("one topic").expect("it is there");
        described.get(name)?.value.clone()
    }

    /// Number of partitions of a topic, as the brokers tell.
    #[track_caller]
    pub(crate) fn partitions(&self, topic: &str) -> usize {
        let metadata = self.consumer().fetch_metadata(Some(topic), wait::PATIENCE).expect("metadata");
        metadata.topics().iter().find(|found| found.name() == topic).expect("the topic").partitions().len()
    }

    /// All records that are in the topic now, partition by partition; none where there is no topic.
    #[track_caller]
    pub(crate) fn read_to_end(&self, topic: &str) -> Vec<ConsumedRecord> {
        let consumer = self.consumer();
        let Some(partitions) = assign_from_start(&consumer, topic) else { return Vec::new() };
        poll_to_end(&consumer, topic, partitions)
    }

    /// Waits for so many records in these topics altogether, which have one partition each.
    #[track_caller]
    pub(crate) fn wait_for_all(&self, topics: &[String], count: usize) -> Vec<ConsumedRecord> {
        let consumer = self.consumer();
        let mut assignment = TopicPartitionList::new();
        for topic in topics {
            assignment.add_partition_offset(topic, 0, Offset::Beginning).expect("a valid offset");
        }
        consumer.assign(&assignment).expect("an assignment");
        poll_count(&consumer, "all topics", count)
    }

    /// The last records of a topic of one partition.
    #[track_caller]
    pub(crate) fn read_last(&self, topic: &str, count: i64) -> Vec<ConsumedRecord> {
        let consumer = self.consumer();
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(topic, 0, Offset::OffsetTail(count)).expect("a valid offset");
        consumer.assign(&assignment).expect("an assignment");
        poll_to_end(&consumer, topic, 1)
    }

    /// How many records were ever written to a topic of one partition.
    #[track_caller]
    pub(crate) fn end_offset(&self, topic: &str) -> i64 {
        self.consumer().fetch_watermarks(topic, 0, wait::PATIENCE).expect("watermarks").1
    }

    /// Waits until the topic holds `count` records and returns all that it holds then, which may be more.
    #[track_caller]
    pub(crate) fn wait_for(&self, topic: &str, count: usize) -> Vec<ConsumedRecord> {
        let what = format!("{topic} holds {count} records");
        let consumer = self.consumer();
        wait::until_some(&what, wait::PATIENCE, || assign_from_start(&consumer, topic));
        poll_count(&consumer, topic, count);
        self.read_to_end(topic)
    }
}

#[track_caller]
fn poll_count(consumer: &BaseConsumer, topic: &str, count: usize) -> Vec<ConsumedRecord> {
    let mut records = Vec::new();
    let deadline = Instant::now() + wait::PATIENCE;
    while records.len() < count {
        let found = records.len();
        assert!(Instant::now() < deadline, "waited in vain until {topic} holds {count} records: there are {found}");
        // Errors are passed over: a broker that is being restarted is part of some tests.
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            records.push(consumed(&message));
        }
    }
    records
}

/// Reads to where the topic ends now: one that is written to all the while has no other end.
#[track_caller]
fn poll_to_end(consumer: &BaseConsumer, topic: &str, partitions: usize) -> Vec<ConsumedRecord> {
    let mut ends = BTreeSet::new();
    let mut records = Vec::new();
    let high = |partition| consumer.fetch_watermarks(topic, partition, wait::PATIENCE).expect("watermarks").1;
    let highs: Vec<i64> = (0..i32::try_from(partitions).expect("few")).map(high).collect();
    let deadline = Instant::now() + wait::PATIENCE;
    while ends.len() < partitions {
        assert!(Instant::now() < deadline, "{topic} has no end: {} records so far", records.len());
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                if usize::try_from(message.partition()).is_ok_and(|at| message.offset() + 1 >= highs[at]) {
                    ends.insert(message.partition());
                }
                records.push(consumed(&message));
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ends.insert(partition);
            }
            Some(Err(error)) => panic!("{topic}: {error}"),
            None => {}
        }
    }
    records.sort_by(|a, b| (&a.topic, a.partition, a.offset).cmp(&(&b.topic, b.partition, b.offset)));
    records
}

/// Waits for an answer of a Kafka client, which comes from a thread of its own.
pub(crate) fn block_on<T>(answer: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(answer)
}

/// Assigns every partition of a topic; none where the topic does not exist or has no leader yet.
fn assign_from_start(consumer: &BaseConsumer, topic: &str) -> Option<usize> {
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(5)).ok()?;
    let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none())?;
    let mut assignment = TopicPartitionList::new();
    for partition in found.partitions() {
        assignment.add_partition_offset(topic, partition.id(), Offset::Beginning).expect("a valid offset");
    }
    consumer.assign(&assignment).expect("an assignment");
    (assignment.count() > 0).then_some(assignment.count())
}

fn consumed(message: &BorrowedMessage<'_>) -> ConsumedRecord {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
    });
    ConsumedRecord {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}
