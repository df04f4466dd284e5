//! How much is in the topics, and how much of it a consumer group has taken.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::Outcome;

/// Longest wait for one answer of the broker.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Asks one broker.
pub(crate) struct Topics {
    bootstrap: String,
}

impl Topics {
    pub(crate) fn new(bootstrap: &str) -> Self {
        Self { bootstrap: bootstrap.to_owned() }
    }

    /// Number of records, tombstones among them, in the topics whose names begin so.
    pub(crate) fn records(&self, prefix: &str) -> Outcome<i64> {
        let consumer = self.consumer("nobody")?;
        self.ends(&consumer, prefix).map(|ends| ends.iter().map(|(_, _, end)| end).sum())
    }

    /// Number of records that a group has confirmed, and whether these are all.
    pub(crate) fn confirmed(&self, group: &str, prefix: &str) -> Outcome<(i64, bool)> {
        let consumer = self.consumer(group)?;
        let ends = self.ends(&consumer, prefix)?;
        let mut asked = TopicPartitionList::new();
        for (topic, partition, _) in &ends {
            asked.add_partition(topic, *partition);
        }
        let committed = consumer.committed_offsets(asked, REQUEST_TIMEOUT)?;
        let of = |topic: &str, partition| match committed.find_partition(topic, partition).map(|found| found.offset()) {
            Some(Offset::Offset(offset)) => offset,
            _ => 0,
        };
        let confirmed = ends.iter().map(|(topic, partition, _)| of(topic, *partition)).sum();
        Ok((confirmed, ends.iter().all(|(topic, partition, end)| of(topic, *partition) == *end)))
    }

    fn consumer(&self, group: &str) -> Outcome<BaseConsumer> {
        Ok(ClientConfig::new().set("bootstrap.servers", &self.bootstrap).set("group.id", group).create()?)
    }

    /// Topic, partition and end offset of tables' topics; that of walcast's schema history is none.
    fn ends(&self, consumer: &BaseConsumer, prefix: &str) -> Outcome<Vec<(String, i32, i64)>> {
        let metadata = consumer.fetch_metadata(None, REQUEST_TIMEOUT)?;
        let mut ends = Vec::new();
        let is_data = |name: &str| name.starts_with(prefix) && !name.ends_with(".walcast-schemas");
        for topic in metadata.topics().iter().filter(|topic| is_data(topic.name())) {
            for partition in topic.partitions() {
                let (_, end) = consumer.fetch_watermarks(topic.name(), partition.id(), REQUEST_TIMEOUT)?;
                ends.push((topic.name().to_owned(), partition.id(), end));
            }
        }
        Ok(ends)
    }
}
