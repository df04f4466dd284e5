//! The producer's settings: what walcast needs, then what the user may change.
//!
//! Owns the list of librdkafka settings that every client of this sink starts with. Must never weaken a
//! guarantee: what the user gives has passed [`translate`], which refuses everything that would.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::overrides::translate;
use super::{Finding, findings_as_error};
use crate::config;
use crate::error::{Kind, Result};

/// Largest record by default, in bytes: a broker's `socket.request.max.bytes` less room for the request around it.
///
/// Below it the broker decides by the topic's `max.message.bytes` and answers with an error of its own. Above it
/// a broker with default settings would only close the connection, which looks like a network fault that
/// is retried for ever, so such a record has to be refused here, by name.
pub(super) const RECORD_BYTES_MAX: u64 = 100 * 1024 * 1024 - 64 * 1024;

/// Records in the queue at most. The bound that matters is the one in bytes; this one only has to be out of its way.
const QUEUE_RECORDS_MAX: u32 = 1_000_000;

/// What we need, and what we would choose: `(name, value)`. The user may replace those of the second part.
const BASE: &[(&str, &str)] = &[
    // The guarantees. `overrides` refuses other values.
    ("enable.idempotence", "true"),
    ("acks", "all"),
    // A record that the brokers refuse stops the producer; otherwise those behind it would be written without it.
    ("enable.gapless.guarantee", "true"),
    ("max.in.flight.requests.per.connection", "5"),
    // Where Java's default partitioner puts a keyed record, so that keys stay where Debezium had put them.
    ("partitioner", "murmur2_random"),
    // Nothing is lost to a clock: a record is retried until the brokers take it or refuse it.
    ("message.timeout.ms", "0"),
    ("delivery.report.only.error", "false"),
    // From here on: choices.
    ("compression.type", "lz4"),
    // Latency of a lone change; under load batches fill by themselves long before.
    ("linger.ms", "5"),
    ("batch.size", "1000000"),
    ("batch.num.messages", "10000"),
    // A topic was seen at the brokers before anything is sent to it, so that it is missing later means that it was
    // deleted, or that one broker lags behind: neither is worth the default's half minute of silence.
    ("topic.metadata.propagation.max.ms", "5000"),
    // A record without a key sticks to a partition as long as a batch waits, not longer.
    ("sticky.partitioning.linger.ms", "4"),
    ("socket.keepalive.enable", "true"),
    ("socket.connection.setup.timeout.ms", "10000"),
    ("reconnect.backoff.ms", "100"),
    ("reconnect.backoff.max.ms", "2000"),
    ("retry.backoff.ms", "100"),
    ("retry.backoff.max.ms", "1000"),
    ("topic.metadata.refresh.interval.ms", "300000"),
    ("statistics.interval.ms", "0"),
    // Brokers close idle connections as a matter of course.
    ("log.connection.close", "false"),
];

/// Settings of the producer, and the bound of its queue in bytes.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// For librdkafka.
    pub(super) client: ClientConfig,
    /// Keys, values and what librdkafka holds around them, in bytes.
    pub(super) queue_bytes_max: u64,
}

/// Merges our settings with the user's.
///
/// # Errors
/// `Config` with every finding about `producer.override.*`.
pub(super) fn settings(config: &config::Kafka, client_id: &str) -> Result<Settings> {
    let overrides = translate(&config.producer).map_err(|findings| findings_as_error(&findings))?;
    let mut client = ClientConfig::new();
    client.set_log_level(RDKafkaLogLevel::Notice);
    for (name, value) in BASE {
        client.set(*name, *value);
    }
    client.set("bootstrap.servers", &config.bootstrap_servers);
    client.set("client.id", client_id);
    client.set("message.max.bytes", RECORD_BYTES_MAX.to_string());
    client.set("queue.buffering.max.messages", QUEUE_RECORDS_MAX.to_string());
    if let Some(bytes) = batch_bytes_max(config) {
        client.set("batch.size", bytes.to_string());
    }
    let mut queue_bytes_max = config.queue_bytes_max.max(1);
    for (name, value) in &overrides {
        let value = value.expose();
        match name.as_str() {
            // The smaller of the two bounds holds; our own book is the one that is asked.
            "queue.buffering.max.kbytes" => {
                let bytes = value.parse::<u64>().map_or(u64::MAX, |kbytes| kbytes.saturating_mul(1024));
                queue_bytes_max = queue_bytes_max.min(bytes);
            }
            "debug" => {
                client.set_log_level(RDKafkaLogLevel::Debug);
                client.set(name, value);
            }
            _ => {
                client.set(name, value);
            }
        }
    }
    // librdkafka counts values only, so its own bound comes never before ours.
    let kbytes = queue_bytes_max.div_ceil(1024).clamp(1, 2_147_483_647);
    client.set("queue.buffering.max.kbytes", kbytes.to_string());
    Ok(Settings { client, queue_bytes_max })
}

/// A smaller `batch.size`, where topics are created with a limit that ours would exceed.
///
/// A broker refuses a batch, not a record, and librdkafka does not split a refused batch as Java's client does.
fn batch_bytes_max(config: &config::Kafka) -> Option<u32> {
    let creation = config.topic_creation.as_ref()?;
    let (_, limit) = creation.config.iter().find(|(name, _)| name == "max.message.bytes")?;
    let limit: u32 = limit.trim().parse().ok()?;
    // A tenth is left for what a batch has around its records.
    (limit < 1_100_000).then_some((limit / 10 * 9).max(1))
}

/// What librdkafka says about settings that do not fit together, without a value in it.
pub(super) fn creation_error(error: &rdkafka::error::KafkaError) -> crate::error::Error {
    use rdkafka::error::KafkaError;
    let text = match error {
        // The description may quote the value, and the value may be a secret.
        KafkaError::ClientConfig(_, _, name, _) => format!("the setting {name} was refused"),
        KafkaError::ClientCreation(reason) => reason.clone(),
        other => other.to_string(),
    };
    crate::error::Error::new(Kind::Config, "the Kafka client cannot be made from these settings")
        .detail(text)
        .hint("correct producer.override.*")
}

/// Every setting by itself, as librdkafka judges it: pure, no file is read and no socket opened.
pub(super) fn refused_by_library(name: &str, value: &str) -> Option<Finding> {
    use rdkafka::error::KafkaError;
    let error = ClientConfig::new().set(name, value).create_native_config().err()?;
    let problem = match error {
        KafkaError::ClientConfig(_, _, _, _) if is_secret(name) => "the value is not valid".to_owned(),
        KafkaError::ClientConfig(_, reason, _, _) => reason,
        _ => "the value holds a NUL character".to_owned(),
    };
    Some(Finding::new(name, problem, "give a value that librdkafka documents for it"))
}

/// Whether a setting's value must not be shown.
pub(super) fn is_secret(name: &str) -> bool {
    ["password", "passphrase", "secret", ".pem", "jaas", "username"].iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use rdkafka::producer::BaseProducer;

    fn kafka(producer: &[(&str, &str)]) -> config::Kafka {
        config::Kafka {
            bootstrap_servers: "127.0.0.1:1".to_owned(),
            producer: producer.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect(),
            topic_creation: None,
            queue_bytes_max: 64 << 20,
        }
    }

    #[test]
    fn the_library_takes_our_settings() {
        // Given nothing from the user, when librdkafka is given the lot, then it makes a client of it.
        let settings = settings(&kafka(&[]), "walcast-test").unwrap();
        let producer: Result<BaseProducer, _> = settings.client.create();
        assert!(producer.is_ok());
        assert_eq!(settings.client.get("queue.buffering.max.kbytes"), Some("65536"));
    }

    #[test]
    fn the_user_changes_choices_and_the_smaller_queue_holds() {
        let given = kafka(&[("linger.ms", "50"), ("buffer.memory", "1048576"), ("compression.type", "zstd")]);
        let settings = settings(&given, "walcast-test").unwrap();
        assert_eq!(settings.client.get("linger.ms"), Some("50"));
        assert_eq!(settings.client.get("compression.type"), Some("zstd"));
        assert_eq!(settings.queue_bytes_max, 1 << 20);
        assert_eq!(settings.client.get("enable.idempotence"), Some("true"));
    }

    #[test]
    fn batches_stay_below_the_limit_of_topics_that_are_created() {
        for (limit, batch) in [("100000", "90000"), ("30000000", "1000000"), ("all", "1000000")] {
            let config = vec![("max.message.bytes".to_owned(), limit.to_owned())];
            let creation = config::TopicCreation { partitions: 1, replication_factor: 1, config };
            let given = config::Kafka { topic_creation: Some(creation), ..kafka(&[]) };
            assert_eq!(settings(&given, "walcast-test").unwrap().client.get("batch.size"), Some(batch), "{limit}");
        }
    }

    #[test]
    fn all_refusals_come_at_once() {
        let error = settings(&kafka(&[("acks", "1"), ("retries", "0")]), "walcast-test").unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        let report = error.report();
        assert!(report.contains("acks") && report.contains("retries"), "{report}");
    }
}
