//! What is in the topics of a broker.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::Outcome;

/// Longest wait for a topic.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest wait for one answer of the broker.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A record as it stands in a topic.
pub(crate) struct Raw {
    pub(crate) topic: String,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Raw {
    fn of(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().into_iter().flat_map(Headers::iter);
        Self {
            topic: message.topic().to_owned(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect(),
        }
    }
}

/// Reads topics that were made with one partition each.
pub(crate) struct Topics {
    consumer: BaseConsumer,
}

impl Topics {
    pub(crate) fn new(bootstrap: &str) -> Outcome<Self> {
        let consumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "golden")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "20")
            .create()?;
        Ok(Self { consumer })
    }

    /// How many records a topic holds; one that does not exist yet holds none.
    pub(crate) fn count(&self, topic: &str) -> i64 {
        // The client remembers for long that a topic did not exist, unless it is told anew what exists.
        let exists = self.consumer.fetch_metadata(None, REQUEST_TIMEOUT).is_ok_and(|metadata| {
            metadata.topics().iter().any(|known| known.name() == topic && !known.partitions().is_empty())
        });
        if !exists {
            return 0;
        }
        self.consumer.fetch_watermarks(topic, 0, REQUEST_TIMEOUT).map_or(0, |(_, end)| end)
    }

    /// Topics whose longest prefix among `prefixes` is `prefix`.
    pub(crate) fn of(&self, prefix: &str, prefixes: &[String]) -> Outcome<Vec<String>> {
        let metadata = self.consumer.fetch_metadata(None, PATIENCE)?;
        let longest = |topic: &str| prefixes.iter().filter(|prefix| topic.starts_with(*prefix)).max_by_key(|p| p.len());
        let mut topics: Vec<String> = metadata.topics().iter().map(|topic| topic.name().to_owned()).collect();
        topics.retain(|topic| longest(topic).is_some_and(|longest| longest == prefix));
        topics.sort();
        Ok(topics)
    }

    /// Everything in these topics, in order within each.
    pub(crate) fn read(&self, topics: &[String]) -> Outcome<Vec<Raw>> {
        let mut assignment = TopicPartitionList::new();
        for topic in topics {
            assignment.add_partition_offset(topic, 0, Offset::Beginning)?;
        }
        self.consumer.assign(&assignment)?;
        let (mut records, mut ends) = (Vec::new(), 0);
        let deadline = Instant::now() + PATIENCE;
        while ends < topics.len() {
            if Instant::now() > deadline {
                return Err("a topic has no end".into());
            }
            match self.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => records.push(Raw::of(&message)),
                Some(Err(KafkaError::PartitionEOF(_))) => ends += 1,
                Some(Err(error)) => return Err(error.into()),
                None => {}
            }
        }
        Ok(records)
    }
}
