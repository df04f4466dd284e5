//! Reading a topic whole.
//!
//! Owns what a consumer is made with; partitions are assigned by hand, and no group is joined.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};

use super::{ANSWER_TIMEOUT, CompactedTopic, Take, Trouble};
use crate::sink::kafka::context::Quiet;
use crate::sink::kafka::settings;

/// How long one wait for a record lasts at most.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long reading may take without a record.
const READ_PATIENCE: Duration = Duration::from_secs(30);

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

/// Reads a topic to where it ends now, which must not be before where it ended. Gives where each partition ends.
pub(super) fn read(topic: &CompactedTopic, before: &[i64], take: &mut Take<'_>) -> Result<Vec<i64>, Trouble> {
    let consumer: BaseConsumer<Quiet> = consumer_settings(&topic.client, topic.name())
        .create_with_context(Quiet::default())
        .map_err(|error| settings::creation_error(&error))?;
    let ends = ends(topic, &consumer)?;
    if before.iter().zip(&ends).any(|(before, end)| end < before) {
        return Err(Trouble::Other(topic.emptied()));
    }
    let mut assignment = TopicPartitionList::new();
    for partition in 0..ends.len() {
        let partition = i32::try_from(partition).unwrap_or(i32::MAX);
        assignment
            .add_partition_offset(topic.name(), partition, Offset::Beginning)
            .map_err(|error| topic.silent(&error))?;
    }
    consumer.assign(&assignment).map_err(|error| topic.silent(&error))?;
    let mut done: Vec<bool> = ends.iter().map(|end| *end == 0).collect();
    let mut last = Instant::now();
    while done.contains(&false) {
        let (partition, next) = match consumer.poll(POLL_INTERVAL) {
            Some(Ok(message)) => {
                let (partition, offset) = (message.partition(), message.offset());
                take(message.key(), message.payload()).map_err(|why| topic.unreadable(partition, offset, &why))?;
                (partition, offset.saturating_add(1))
            }
            // What lay last may be gone, or was no record.
            Some(Err(KafkaError::PartitionEOF(partition))) => (partition, i64::MAX),
            Some(Err(error)) => {
                judge(topic, &error)?;
                continue;
            }
            None if last.elapsed() > READ_PATIENCE => {
                return Err(Trouble::Other(topic.silent("no record came for half a minute")));
            }
            None => continue,
        };
        last = Instant::now();
        let at = usize::try_from(partition).unwrap_or(usize::MAX);
        if let (Some(end), Some(done)) = (ends.get(at), done.get_mut(at)) {
            *done |= next >= *end;
        }
    }
    Ok(ends)
}

/// The settings that a consumer shares with the producer.
pub(in crate::sink::kafka) fn consumer_settings(producer: &ClientConfig, topic: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set_log_level(RDKafkaLogLevel::Notice);
    for (name, value) in producer.config_map() {
        if !PRODUCER_ONLY.iter().any(|only| name.starts_with(only)) {
            client.set(name, value);
        }
    }
    // Partitions are assigned by hand and offsets committed nowhere; the library only wants a name.
    client.set("group.id", format!("{topic}-walcast"));
    client.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    client.set("isolation.level", "read_committed").set("enable.partition.eof", "true");
    client.set("fetch.wait.max.ms", "50").set("allow.auto.create.topics", "false");
    client
}

/// Where each partition ends now.
fn ends(topic: &CompactedTopic, consumer: &BaseConsumer<Quiet>) -> Result<Vec<i64>, Trouble> {
    let name = topic.name();
    let metadata = consumer.fetch_metadata(Some(name), ANSWER_TIMEOUT).map_err(|error| topic.silent(&error))?;
    let found = metadata.topics().iter().find(|found| found.name() == name);
    let partitions = found.map_or(0, |found| found.partitions().len());
    if partitions == 0 {
        return Err(Trouble::Other(topic.silent("its partitions are not known")));
    }
    let end = |partition: usize| {
        let partition = i32::try_from(partition).unwrap_or(i32::MAX);
        consumer.fetch_watermarks(name, partition, ANSWER_TIMEOUT).map(|(_, end)| end)
    };
    (0..partitions).map(end).collect::<Result<_, _>>().map_err(|error| match judge(topic, &error) {
        Err(trouble) => trouble,
        Ok(()) => Trouble::Other(topic.silent(&error)),
    })
}

/// What an error means for a reader; nothing where it only concerns the group that nobody is a member of.
fn judge(topic: &CompactedTopic, error: &KafkaError) -> Result<(), Trouble> {
    match error.rdkafka_error_code() {
        Some(Code::GroupAuthorizationFailed | Code::CoordinatorNotAvailable | Code::NotCoordinator) => Ok(()),
        Some(Code::TopicAuthorizationFailed) => Err(topic.forbidden()),
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Err(Trouble::Other(topic.gone())),
        // It goes on by itself; how long that may take is bounded by whoever asks.
        Some(Code::AllBrokersDown | Code::BrokerTransportFailure | Code::OperationTimedOut) | None => Ok(()),
        Some(_) => Err(Trouble::Other(topic.silent(error))),
    }
}
