//! Signals that come through a topic.
//!
//! Owns the thread that reads it. It reads partition 0 and no other, as Debezium does, from behind the last signal that was
//! acted on, which the brokers keep for the group; a group without a place begins where `auto.offset.reset` says, by default
//! with the first signal of the topic. Nothing here can stop the stream: what fails is told, and tried again.
//!
//! Source: Debezium's `KafkaSignalChannel`.

use std::collections::BTreeMap;
use std::sync::mpsc::TryRecvError;
use std::thread;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::Message as _;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::compacted::consumer_settings;
use super::context::Quiet;
use super::{Finding, overrides, settings};
use crate::config::{self, SignalTopic};
use crate::error::{Error, Kind, Result};
use crate::sink::{Arrived, Publisher, Subscribe, Subscription};

/// The partition of signals.
const PARTITION: i32 = 0;

/// How long the brokers have to answer a question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Time before a consumer is made again.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// Longest wait for a record, so that what was acted on is committed soon.
const POLL_MAX: Duration = Duration::from_millis(200);
/// Shortest wait, so that no time is burnt.
const POLL_MIN: Duration = Duration::from_millis(20);

/// What reads a topic of signals, once it is called.
///
/// # Errors
/// `Config` with every finding about `signal.consumer.*`.
pub(super) fn subscribe(kafka: &config::Kafka, topic: &SignalTopic) -> Result<Subscribe> {
    let reader = Reader { client: client(kafka, topic)?, topic: topic.clone() };
    Ok(Box::new(move || {
        let (publisher, subscription) = Subscription::pair();
        let spawned = thread::Builder::new().name("kafka-signals".to_owned()).spawn(move || reader.run(&publisher));
        if let Err(error) = spawned {
            tracing::warn!(%error, "cannot start a thread, so no signals of a topic are heard");
        }
        subscription
    }))
}

/// The consumer's settings: those of the producer where its brokers are asked, else none; and over them what is given.
fn client(kafka: &config::Kafka, topic: &SignalTopic) -> Result<ClientConfig> {
    let base = match &topic.bootstrap_servers {
        None => kafka.clone(),
        Some(servers) => config::Kafka { bootstrap_servers: servers.clone(), producer: Vec::new(), ..kafka.clone() },
    };
    let given = overrides::translate_consumer(&topic.consumer).map_err(|findings| refused(&findings))?;
    let mut client = consumer_settings(&settings::settings(&base, "walcast-signals")?.client, &topic.name);
    client.set("group.id", &topic.group_id);
    client.set("auto.offset.reset", "earliest").set("enable.partition.eof", "false").set("fetch.wait.max.ms", "500");
    for (name, value) in &given {
        client.set(name, value.expose());
    }
    Ok(client)
}

fn refused(findings: &[Finding]) -> Error {
    let told: Vec<String> = findings
        .iter()
        .map(|Finding { property, problem, remedy }| {
            format!("signal.consumer.{property}: {problem} (remedy: {remedy})")
        })
        .collect();
    Error::new(Kind::Config, "the settings of the consumer of signals cannot be used")
        .detail(told.join("; "))
        .hint("correct signal.consumer.*")
}

struct Reader {
    client: ClientConfig,
    topic: SignalTopic,
}

/// Whether anybody still wants signals.
#[derive(PartialEq, Eq)]
enum Wanted {
    Still,
    NoMore,
}

impl Reader {
    fn run(&self, publisher: &Publisher) {
        loop {
            match self.read(publisher) {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(
                        topic = self.topic.name,
                        detail = error.detail_text(),
                        "signals of a topic cannot be read for now: {error}"
                    );
                }
            }
            thread::sleep(RETRY_INTERVAL);
            if publisher.arrived.is_closed() {
                return;
            }
        }
    }

    /// Reads until nobody wants signals any more.
    fn read(&self, publisher: &Publisher) -> Result<()> {
        let consumer: BaseConsumer<Quiet> =
            self.client.create_with_context(Quiet::default()).map_err(|error| settings::creation_error(&error))?;
        let mut assignment = TopicPartitionList::new();
        let assigned = assignment
            .add_partition_offset(&self.topic.name, PARTITION, Offset::Stored)
            .and_then(|()| consumer.assign(&assignment));
        assigned.map_err(|error| self.silent(&error))?;
        let wait = self.topic.poll_timeout.clamp(POLL_MIN, POLL_MAX);
        let (mut places, mut counted, mut told) = (Places::default(), false, None);
        loop {
            match consumer.poll(wait) {
                Some(Ok(message)) => {
                    let offset = message.offset();
                    places.read(offset);
                    let (key, value) = (message.key().map(<[u8]>::to_vec), message.payload().map(<[u8]>::to_vec));
                    if publisher.arrived.send(Arrived { key, value, offset }).is_err() {
                        return Ok(());
                    }
                    told = None;
                }
                Some(Err(error)) => {
                    let code = error.rdkafka_error_code();
                    if told != Some(code) {
                        self.tell(code, &error);
                        told = Some(code);
                    }
                }
                None => counted = counted || self.count_partitions(&consumer),
            }
            let wanted = places.take_in(publisher);
            if let Some(next) = places.moved() {
                self.commit(&consumer, next);
            }
            if wanted == Wanted::NoMore {
                return Ok(());
            }
        }
    }

    fn commit(&self, consumer: &BaseConsumer<Quiet>, next: i64) {
        let mut place = TopicPartitionList::new();
        let committed = place
            .add_partition_offset(&self.topic.name, PARTITION, Offset::Offset(next))
            .and_then(|()| consumer.commit(&place, CommitMode::Sync));
        if let Err(error) = committed {
            tracing::warn!(
                topic = self.topic.name,
                group = self.topic.group_id,
                %error,
                "it cannot be kept which signals were acted on; they would be read again after a restart"
            );
        }
    }

    /// Signals have an order, so there is one partition. Tells whether the brokers have answered.
    fn count_partitions(&self, consumer: &BaseConsumer<Quiet>) -> bool {
        let name = self.topic.name.as_str();
        let Ok(metadata) = consumer.fetch_metadata(Some(name), ANSWER_TIMEOUT) else { return false };
        let found = metadata.topics().iter().find(|found| found.name() == name && !found.partitions().is_empty());
        let Some(found) = found else { return false };
        if found.partitions().len() > 1 {
            tracing::warn!(
                topic = name,
                partitions = found.partitions().len(),
                remedy = "give the topic of signals one partition",
                "signals are read from the first partition only; those in others are never heard"
            );
        }
        true
    }

    fn tell(&self, code: Option<Code>, error: &KafkaError) {
        let topic = self.topic.name.as_str();
        match code {
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
                tracing::warn!(
                    topic,
                    remedy = "create it with one partition",
                    "the topic of signals does not exist; signals are heard when it does"
                );
            }
            // The client goes on by itself, and says so where it cannot.
            Some(Code::AllBrokersDown | Code::BrokerTransportFailure | Code::OperationTimedOut) | None => {}
            Some(_) => tracing::warn!(topic, %error, "signals of a topic cannot be read for now"),
        }
    }

    fn silent(&self, error: &KafkaError) -> Error {
        Error::new(Kind::SinkUnavailable, format!("topic {} cannot be read", self.topic.name)).detail(error.to_string())
    }
}

/// Which signals were read, and which of them were acted on: the place behind all that were is what is committed.
#[derive(Default)]
struct Places {
    read: BTreeMap<i64, bool>,
}

impl Places {
    fn read(&mut self, offset: i64) {
        self.read.insert(offset, false);
    }

    fn acted_on(&mut self, offset: i64) {
        if let Some(acted_on) = self.read.get_mut(&offset) {
            *acted_on = true;
        }
    }

    fn take_in(&mut self, publisher: &Publisher) -> Wanted {
        loop {
            match publisher.acted_on.try_recv() {
                Ok(offset) => self.acted_on(offset),
                Err(TryRecvError::Empty) => return Wanted::Still,
                Err(TryRecvError::Disconnected) => return Wanted::NoMore,
            }
        }
    }

    /// The place that is to be committed, where it has moved.
    fn moved(&mut self) -> Option<i64> {
        let mut moved = None;
        while let Some(first) = self.read.first_entry().filter(|first| *first.get()) {
            moved = Some(first.remove_entry().0.saturating_add(1));
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn the_place_behind_all_that_were_acted_on_is_committed() {
        let mut places = Places::default();
        [3, 4, 9].into_iter().for_each(|offset| places.read(offset));
        assert_eq!(places.moved(), None);
        places.acted_on(4);
        assert_eq!(places.moved(), None, "the one before it is not done");
        places.acted_on(3);
        assert_eq!(places.moved(), Some(5));
        places.acted_on(9);
        assert_eq!((places.moved(), places.moved()), (Some(10), None));
    }

    #[test]
    fn other_brokers_have_settings_of_their_own() {
        let kafka = config::Kafka {
            bootstrap_servers: "producer:1".to_owned(),
            producer: vec![
                ("linger.ms".to_owned(), Secret::new("7")),
                ("security.protocol".to_owned(), Secret::new("SSL")),
            ],
            topic_creation: None,
            queue_bytes_max: 1 << 20,
        };
        let topic = |bootstrap_servers: Option<&str>| SignalTopic {
            name: "shop-signal".to_owned(),
            bootstrap_servers: bootstrap_servers.map(str::to_owned),
            group_id: "kafka-signal".to_owned(),
            poll_timeout: Duration::from_millis(100),
            consumer: vec![("auto.offset.reset".to_owned(), Secret::new("latest"))],
        };
        let own = client(&kafka, &topic(None)).unwrap();
        assert_eq!((own.get("bootstrap.servers"), own.get("security.protocol")), (Some("producer:1"), Some("ssl")));
        assert_eq!((own.get("linger.ms"), own.get("auto.offset.reset")), (None, Some("latest")));
        assert_eq!((own.get("group.id"), own.get("enable.auto.commit")), (Some("kafka-signal"), Some("false")));
        let other = client(&kafka, &topic(Some("signals:1"))).unwrap();
        assert_eq!((other.get("bootstrap.servers"), other.get("security.protocol")), (Some("signals:1"), None));
    }
}
