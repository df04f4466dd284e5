//! What a compacted topic is kept for, and the errors that speak of it.

use rdkafka::error::RDKafkaErrorCode as Code;

use super::{CompactedTopic, Trouble, Writing};
use crate::error::{Error, Kind};
use crate::sink::kafka::failure;

/// The words for what a topic is kept for.
#[derive(Debug)]
pub(in crate::sink::kafka) struct Purpose {
    /// What is kept in it, as in "topic t of ...".
    pub(in crate::sink::kafka) what: &'static str,
    /// One record of it, as in "what is no ...".
    pub(in crate::sink::kafka) record: &'static str,
    /// The property that names the topic.
    pub(in crate::sink::kafka) property: &'static str,
    /// What the brokers will do with a topic that is not compacted only, as in "the brokers will ...".
    pub(in crate::sink::kafka) decay: &'static str,
    /// What is done about such a topic.
    pub(in crate::sink::kafka) forgetful: Forgetful,
    /// The setting under which no topic is needed.
    pub(in crate::sink::kafka) without: &'static str,
    /// What is lost with the topic, as in "and ... with it".
    pub(in crate::sink::kafka) lost: &'static str,
    /// What follows where it is made anew.
    pub(in crate::sink::kafka) made_anew: &'static str,
    /// What a start does with a topic that lost some of its records, as in "start again to ...".
    pub(in crate::sink::kafka) with_the_rest: &'static str,
}

/// What is done about a topic whose records the brokers delete in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sink::kafka) enum Forgetful {
    /// It is told, and used.
    Used,
    /// It is not used, as Kafka Connect does with its offsets (`TopicAdmin.verifyTopicCleanupPolicyOnlyCompact`).
    Refused,
}

impl CompactedTopic {
    pub(super) fn not_compacted(&self, policy: &str) -> Error {
        let (topic, Purpose { what, decay, .. }) = (self.name(), self.purpose);
        let message = format!("topic {topic} of {what} is not compacted only: the brokers will {decay}");
        Error::new(Kind::SinkRefused, message)
            .detail(format!("cleanup.policy is {policy}"))
            .hint(format!("set cleanup.policy=compact on topic {topic}"))
    }

    pub(super) fn missing(&self) -> Error {
        let (topic, Purpose { what, without, .. }) = (self.name(), self.purpose);
        Error::new(Kind::SinkRefused, format!("topic {topic} of {what} does not exist, and may not be made")).hint(
            format!(
                "create topic {topic} with one partition and cleanup.policy=compact, or set \
                 topic.creation.default.replication.factor and topic.creation.default.partitions, or set {without}"
            ),
        )
    }

    pub(super) fn gone(&self) -> Error {
        let Purpose { what, lost, made_anew, .. } = self.purpose;
        Error::new(Kind::SinkRefused, format!("topic {} of {what} is gone", self.name()))
            .detail(format!("it was there when this process began; somebody deleted it, and {lost} with it"))
            .hint(format!("restore the topic; or start again to have it made anew, {made_anew}"))
    }

    pub(super) fn emptied(&self) -> Error {
        let Purpose { what, with_the_rest, .. } = self.purpose;
        Error::new(Kind::SinkRefused, format!("topic {} of {what} was made anew", self.name()))
            .detail("it ends before what this process has read or written; somebody deleted it, or cut its records off")
            .hint(format!("restore the topic; or start again to {with_the_rest}"))
    }

    pub(super) fn unreadable(&self, partition: i32, offset: i64, why: &str) -> Trouble {
        let (topic, Purpose { what, record, property, .. }) = (self.name(), self.purpose);
        let error = Error::new(Kind::SinkRefused, format!("topic {topic} holds what is no {record}"))
            .detail(format!("partition {partition}, offset {offset}: {why}"))
            .hint(format!(
                "give {what} a topic of its own with {property}; or remove what does not belong to topic {topic}"
            ));
        Trouble::Other(error)
    }

    pub(super) fn silent(&self, why: &(impl ToString + ?Sized)) -> Error {
        Error::new(Kind::SinkUnavailable, format!("topic {} of {} cannot be read", self.name(), self.purpose.what))
            .detail(why.to_string())
            .hint("see whether the brokers are up")
    }

    pub(super) fn forbidden(&self) -> Trouble {
        let (topic, Purpose { what, without, .. }) = (self.name(), self.purpose);
        Trouble::NoTopic(Error::new(Kind::SinkRefused, format!("no right to read topic {topic} of {what}")).hint(format!(
            "grant ACL operations READ, WRITE and DESCRIBE on topic {topic} to the connector's Kafka user, or set {without}"
        )))
    }

    pub(super) fn refused(&self, code: Code, record: &Writing<'_>) -> Error {
        match code {
            Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => self.gone(),
            code if failure::is_oversize(code) => {
                let (topic, bytes) = (self.name(), record.key.len() + record.value.map_or(0, <[u8]>::len));
                Error::new(Kind::RecordTooLarge, format!("{} is larger than topic {topic} takes", record.name))
                    .detail(format!("its record has {bytes} bytes"))
                    .hint(format!("raise max.message.bytes of topic {topic}"))
            }
            code => failure::of_record(code, self.name(), false).error(),
        }
    }

    /// What to say where two write to the topic, of the last thing that both have written.
    pub(in crate::sink::kafka) fn two_writers(&self, name: &str) -> Error {
        let Purpose { what, property, .. } = self.purpose;
        Error::new(Kind::SinkRefused, format!("{name} was written by somebody else too"))
            .detail(format!("topic {} of {what} has two writers", self.name()))
            .hint(format!("let only one connector have this topic.prefix, or give each its own {property}"))
    }
}
