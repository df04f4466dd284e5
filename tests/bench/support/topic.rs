//! Topics of a bench: made before a run, counted during it, deleted after it.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio::runtime::{Builder, Runtime};

use super::Outcome;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of the broker that is no part of what is measured.
pub(crate) struct Topics {
    runtime: Runtime,
    admin: AdminClient<DefaultClientContext>,
    consumer: BaseConsumer,
}

impl Topics {
    pub(crate) fn open(bootstrap: &str) -> Outcome<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap);
        Ok(Self {
            runtime: Builder::new_current_thread().enable_all().build()?,
            admin: config.create()?,
            consumer: config.create()?,
        })
    }

    /// Makes a topic of one partition, so that no reader pays for it and every reader writes the same one.
    pub(crate) fn create(&self, topic: &str) -> Outcome<()> {
        let new = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
        let options = AdminOptions::new().operation_timeout(Some(REQUEST_TIMEOUT));
        for result in self.runtime.block_on(self.admin.create_topics([&new], &options))? {
            result.map_err(|(topic, code)| format!("topic {topic} cannot be made: {code}"))?;
        }
        Ok(())
    }

    pub(crate) fn delete(&self, topics: &[String]) -> Outcome<()> {
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        if names.is_empty() {
            return Ok(());
        }
        let options = AdminOptions::new().operation_timeout(Some(REQUEST_TIMEOUT));
        for result in self.runtime.block_on(self.admin.delete_topics(&names, &options))? {
            result.map_err(|(topic, code)| format!("topic {topic} cannot be deleted: {code}"))?;
        }
        Ok(())
    }

    /// Records in the topic: with one partition, no transactions and no compaction, each offset is one.
    pub(crate) fn records(&self, topic: &str) -> Outcome<u64> {
        let (low, high) = self.consumer.fetch_watermarks(topic, 0, REQUEST_TIMEOUT)?;
        u64::try_from(high - low).map_err(|_| format!("watermarks of {topic} are {low} and {high}").into())
    }
}
