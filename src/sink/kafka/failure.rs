//! What a refused or failed record means, and the table that says so.
//!
//! Owns [`Failure`]: the first failure of a producer, kept in a form that can be told again and again, since
//! every call after it must fail too. Must never hold a key or a value.

use rdkafka::error::RDKafkaErrorCode as Code;

use crate::error::{Error, Kind};

/// Why a producer is of no use any more.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) message: String,
    pub(super) detail: Option<String>,
    pub(super) hint: String,
    /// Topic of the record it is about.
    pub(super) topic: Option<String>,
}

impl Failure {
    fn new(kind: Kind, topic: Option<&str>, message: String, hint: impl Into<String>) -> Self {
        Self { kind, message, detail: None, hint: hint.into(), topic: topic.map(str::to_owned) }
    }

    fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The error as a caller gets it.
    pub(super) fn error(&self) -> Error {
        let error = Error::new(self.kind, self.message.clone()).hint(self.hint.clone());
        match &self.detail {
            Some(detail) => error.detail(detail.clone()),
            None => error,
        }
    }
}

/// A record that could never fit into the queue.
pub(super) fn larger_than_queue(topic: &str, record_bytes: u64, queue_bytes_max: u64) -> Failure {
    Failure::new(
        Kind::RecordTooLarge,
        Some(topic),
        format!("a record of {record_bytes} bytes for topic {topic} does not fit into the queue"),
        "raise max.queue.size.in.bytes (and producer.override.buffer.memory where it is set)",
    )
    .detail(format!("the queue holds {queue_bytes_max} bytes"))
}

/// A record over `message.max.bytes`, found before it was sent.
pub(super) fn larger_than_request(topic: &str, record_bytes: u64, limit: &str) -> Failure {
    Failure::new(
        Kind::RecordTooLarge,
        Some(topic),
        format!("a record of {record_bytes} bytes for topic {topic} is larger than a request may be"),
        "raise producer.override.max.request.size, socket.request.max.bytes and message.max.bytes of the brokers, \
         and max.message.bytes of the topic",
    )
    .detail(format!("producer.override.max.request.size is {limit} bytes, before compression"))
}

/// What the brokers refused as too large within one look at the reports: one batch, or some.
#[derive(Clone, Debug, Default)]
pub(super) struct Oversize {
    pub(super) topic: String,
    pub(super) records: u64,
    pub(super) largest_bytes: u64,
}

impl Oversize {
    /// librdkafka sends a record that is larger than `batch.size` in a batch of its own, so a batch of many was
    /// refused for their sum: then the topic's limit is below `batch.size`, and no record need be too large.
    pub(super) fn failure(&self) -> Failure {
        let Self { topic, records, largest_bytes } = self;
        if *records == 1 {
            return Failure::new(
                Kind::RecordTooLarge,
                Some(topic),
                format!("a record of {largest_bytes} bytes is larger than topic {topic} takes"),
                format!(
                    "raise max.message.bytes of topic {topic} (or message.max.bytes of the brokers, which it \
                     defaults to), and the consumers' fetch sizes with it"
                ),
            )
            .detail("the size is that of key and value before compression");
        }
        Failure::new(
            Kind::RecordTooLarge,
            Some(topic),
            format!("a batch of {records} records is larger than topic {topic} takes"),
            format!(
                "raise max.message.bytes of topic {topic} above producer.override.batch.size, or lower \
                 producer.override.batch.size below it"
            ),
        )
        .detail(format!("the largest record of it has {largest_bytes} bytes"))
    }
}

/// Whether a delivery failed for no reason of its own: producer or queue are being shut down by ourselves, or the
/// producer stopped at an error that is told apart from any record.
pub(super) fn is_consequence(code: Code) -> bool {
    matches!(code, Code::PurgeQueue | Code::PurgeInflight | Code::Fatal | Code::GaplessGuarantee)
}

/// Whether the brokers call the record, or its batch, too large.
pub(super) fn is_oversize(code: Code) -> bool {
    matches!(code, Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize)
}

/// What a code of librdkafka or of a broker means for the record that it was given for.
///
/// `vouched` says that the topic was seen at the brokers by this sink: then "unknown topic" is either stale
/// metadata of one broker or a deletion, and only a new look can tell which, so it counts as transient.
pub(super) fn of_record(code: Code, topic: &str, vouched: bool) -> Failure {
    let refused = |message: String, hint: String| Failure::new(Kind::SinkRefused, Some(topic), message, hint);
    match code {
        Code::TopicAuthorizationFailed => refused(
            format!("no right to write to topic {topic}"),
            format!("grant ACL operations WRITE and DESCRIBE on topic {topic} to the connector's Kafka user"),
        ),
        Code::ClusterAuthorizationFailed => cluster_rights(),
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition if vouched => Failure::new(
            Kind::SinkUnavailable,
            Some(topic),
            format!("topic {topic} is reported missing, though it was there"),
            "if the topic was deleted, create it again; otherwise this passes by itself",
        ),
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => missing_topic(topic),
        Code::InvalidTopic => refused(
            format!("{topic} is not a topic name that Kafka takes"),
            "a topic name has up to 249 letters, digits, dots, underscores and hyphens; see topic.prefix".to_owned(),
        ),
        Code::InvalidRecord => refused(
            format!("topic {topic} refuses a record as invalid"),
            "a compacted topic takes no records without a key: give the table a primary key or set \
             cleanup.policy=delete on the topic"
                .to_owned(),
        ),
        Code::PolicyViolation => refused(
            format!("a policy of the brokers refuses a record for topic {topic}"),
            "see the brokers' log for the policy".to_owned(),
        ),
        Code::UnsupportedCompressionType | Code::UnsupportedForMessageFormat | Code::InvalidConfig => refused(
            format!("the brokers refuse how records are written to topic {topic}: {}", text(code)),
            "check producer.override.compression.type and the topic's configuration".to_owned(),
        ),
        other => Failure::new(
            Kind::SinkUnavailable,
            Some(topic),
            format!("a record for topic {topic} was not delivered: {}", text(other)),
            "see whether the brokers are up; what was not delivered is sent again",
        ),
    }
}

/// A fatal error of librdkafka: the idempotent producer cannot go on.
pub(super) fn fatal(code: Code, reason: &str) -> Failure {
    match code {
        Code::ClusterAuthorizationFailed => cluster_rights().detail(reason),
        _ => Failure::new(
            Kind::SinkUnavailable,
            None,
            format!("the producer cannot go on: {}", text(code)),
            "a new producer is made and what was not delivered is sent again",
        )
        .detail(reason),
    }
}

/// A topic that is not there and that nobody makes.
pub(super) fn missing_topic(topic: &str) -> Failure {
    Failure::new(
        Kind::SinkRefused,
        Some(topic),
        format!("topic {topic} does not exist"),
        format!(
            "create topic {topic}, or set topic.creation.default.partitions and \
             topic.creation.default.replication.factor to have topics created, or \
             auto.create.topics.enable=true on the brokers"
        ),
    )
}

fn cluster_rights() -> Failure {
    Failure::new(
        Kind::SinkRefused,
        None,
        "no right to use an idempotent producer".to_owned(),
        "grant ACL operation IDEMPOTENT_WRITE on the cluster (brokers before 2.8), or WRITE on the topics, to the \
         connector's Kafka user",
    )
}

/// The code in words: the binding writes `Name (Broker: words)`.
pub(super) fn text(code: Code) -> String {
    let text = code.to_string();
    match text.split_once(" (").and_then(|(_, words)| words.strip_suffix(')')) {
        Some(words) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    #[test]
    fn codes_have_the_class_an_operator_expects() {
        // (code, topic was seen before) to (kind, word of the remedy)
        let table = [
            (Code::TopicAuthorizationFailed, true, Kind::SinkRefused, "WRITE"),
            (Code::ClusterAuthorizationFailed, true, Kind::SinkRefused, "IDEMPOTENT_WRITE"),
            (Code::UnknownTopicOrPartition, false, Kind::SinkRefused, "topic.creation.default.partitions"),
            (Code::UnknownTopicOrPartition, true, Kind::SinkUnavailable, "deleted"),
            (Code::InvalidRecord, true, Kind::SinkRefused, "primary key"),
            (Code::InvalidTopic, false, Kind::SinkRefused, "topic name"),
            (Code::MessageTimedOut, true, Kind::SinkUnavailable, "sent again"),
            (Code::BrokerTransportFailure, true, Kind::SinkUnavailable, "sent again"),
        ];
        for (code, vouched, kind, remedy) in table {
            let error = of_record(code, "shop.public.t", vouched).error();
            assert_eq!(error.kind(), kind, "{code:?}");
            assert!(error.hint_text().unwrap().contains(remedy), "{code:?}: {}", error.report());
        }
    }

    #[test]
    fn a_fatal_error_is_transient_unless_it_is_about_rights() {
        assert_eq!(fatal(Code::OutOfOrderSequenceNumber, "why").error().class(), Class::Transient);
        assert_eq!(fatal(Code::ClusterAuthorizationFailed, "why").error().class(), Class::Definite);
    }

    #[test]
    fn a_refused_batch_names_the_batch_size() {
        let many = Oversize { topic: "t".to_owned(), records: 7, largest_bytes: 100 }.failure().error();
        assert!(many.hint_text().unwrap().contains("batch.size"), "{}", many.report());
        let one = Oversize { topic: "t".to_owned(), records: 1, largest_bytes: 9_000_000 }.failure().error();
        assert!(one.report().contains("9000000") && one.report().contains("max.message.bytes"), "{}", one.report());
    }
}
