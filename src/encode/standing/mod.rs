//! Records that belong to no table: of transactions, logical decoding messages, heartbeats, and changes that could not
//! be decoded.
//!
//! Owns [`Standing`], the topics of these records and what frames them. None of them carries the context headers, as in
//! Debezium; walcast's own, where they are asked for, stand on those that the database's log has a position for.

use std::sync::Arc;

use super::format::Payload;
use super::framing::{Frame, Side};
use super::record::Header;
use super::{Encoder, Origin, Ranges, topic};
use crate::config::TransactionMetadata;
use crate::lsn::Position;
use crate::schema::{Conversion, Schema, standing};

mod dead_letter;
mod heartbeat;
mod message;
mod notification;
mod transaction;

pub use dead_letter::DeadLetter;
pub(super) use transaction::{Order, Tally, put_id};

/// A kind of records that belong to no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Begin and end of transactions.
    Transaction,
    /// Messages of `pg_logical_emit_message`.
    Message,
    /// Heartbeats.
    Heartbeat,
    /// Notifications of snapshots.
    Notification,
}

impl Standing {
    const ALL: [Self; 4] = [Self::Transaction, Self::Message, Self::Heartbeat, Self::Notification];
}

/// Topic, headers and partition of records.
pub(super) struct Place<'a> {
    pub(super) topic: &'a Arc<str>,
    pub(super) headers: &'a Arc<[Header]>,
    /// `None` where the key decides.
    pub(super) partition: Option<i32>,
}

/// Where the records of a kind go, and in which shape.
#[derive(Debug)]
struct Stream {
    topic: Arc<str>,
    key: Schema,
    value: Schema,
    /// `None` before the first record.
    frames: Option<Frames>,
}

/// What frames the records of a kind.
#[derive(Debug)]
pub(super) struct Frames {
    pub(super) key: Frame,
    pub(super) value: Frame,
}

/// The records of a connector that belong to no table.
#[derive(Debug)]
pub(super) struct StandingRecords {
    streams: [Stream; Standing::ALL.len()],
    /// How the content of messages is written.
    content: Conversion,
    no_headers: Arc<[Header]>,
    /// Headers of the last dead letter.
    dead_headers: Arc<[Header]>,
    dead_topic: Arc<str>,
    /// `None` where records say nothing of their transaction.
    pub(super) tally: Option<Tally>,
}

impl StandingRecords {
    pub(super) fn new(options: &super::EncoderOptions) -> Self {
        let records = &options.records;
        let (prefix, delimiter, naming) = (&options.topic_prefix, &records.topic_delimiter, &records.naming);
        let (message, content) = standing::message_value(records.binary);
        let stream = |topic, key, value| Stream { topic, key, value, frames: None };
        Self {
            streams: [
                stream(
                    topic::transaction_topic(prefix, delimiter, naming),
                    standing::transaction_key(),
                    standing::transaction_value(),
                ),
                stream(topic::message_topic(prefix), standing::message_key(), message),
                stream(
                    topic::heartbeat_topic(prefix, delimiter, naming),
                    standing::heartbeat_key(),
                    standing::heartbeat_value(),
                ),
                stream(
                    Arc::from(records.notification_topic.as_deref().unwrap_or_default()),
                    standing::notification_key(),
                    standing::notification_value(),
                ),
            ],
            content,
            no_headers: Arc::from([]),
            dead_headers: Arc::from([]),
            dead_topic: Arc::from(""),
            tally: (records.transactions == TransactionMetadata::Provided).then(Tally::default),
        }
    }

    fn stream(&self, kind: Standing) -> &Stream {
        let [transaction, message, heartbeat, notification] = &self.streams;
        match kind {
            Standing::Transaction => transaction,
            Standing::Message => message,
            Standing::Heartbeat => heartbeat,
            Standing::Notification => notification,
        }
    }

    fn stream_mut(&mut self, kind: Standing) -> &mut Stream {
        let [transaction, message, heartbeat, notification] = &mut self.streams;
        match kind {
            Standing::Transaction => transaction,
            Standing::Message => message,
            Standing::Heartbeat => heartbeat,
            Standing::Notification => notification,
        }
    }

    /// What frames the records of a kind; nothing before the first of them.
    pub(super) fn frames(&self, kind: Standing) -> Option<&Frames> {
        self.stream(kind).frames.as_ref()
    }

    /// The same, to be completed.
    pub(super) fn frames_mut(&mut self, kind: Standing) -> Option<&mut Frames> {
        self.stream_mut(kind).frames.as_mut()
    }

    /// Where the last records go; nothing where they are a table's.
    pub(super) fn place(&self, origin: Origin) -> Option<Place<'_>> {
        match origin {
            Origin::Table => None,
            Origin::Standing(kind) => {
                let partition = (kind == Standing::Heartbeat).then_some(0);
                Some(Place { topic: &self.stream(kind).topic, headers: &self.no_headers, partition })
            }
            Origin::DeadLetter => Some(Place { topic: &self.dead_topic, headers: &self.dead_headers, partition: None }),
        }
    }
}

impl Encoder {
    /// The topic of a kind of records.
    #[must_use]
    pub fn standing_topic(&self, kind: Standing) -> &Arc<str> {
        &self.standing.stream(kind).topic
    }

    /// The topics of the kinds of records that are certain to come.
    pub fn standing_topics(&self) -> impl Iterator<Item = &Arc<str>> {
        Standing::ALL.into_iter().filter(|kind| self.is_certain(*kind)).map(|kind| self.standing_topic(kind))
    }

    /// Whether records of a kind are certain to come. Messages may never come.
    fn is_certain(&self, kind: Standing) -> bool {
        match kind {
            Standing::Transaction => self.standing.tally.is_some(),
            Standing::Message => false,
            Standing::Notification => self.options.records.notification_topic.is_some(),
            Standing::Heartbeat => self.options.records.heartbeat.is_some(),
        }
    }

    /// Whether keys tell the tables apart whose records go to one topic.
    #[must_use]
    pub fn tells_tables_apart(&self) -> bool {
        self.options.records.naming.key_field.is_some()
    }

    /// Leaves one record in the buffers, with walcast's own headers where it has a position, and says how many there are now.
    fn write_standing(
        &mut self,
        kind: Standing,
        position: Option<Position>,
        key: &impl Payload,
        value: &impl Payload,
    ) -> usize {
        let (key_format, value_format, ids) = (self.key_format, self.value_format, self.schema_ids.as_deref());
        let Stream { topic, key: key_schema, value: value_schema, frames } = self.standing.stream_mut(kind);
        let frames = frames.get_or_insert_with(|| Frames {
            key: key_format.frame(topic, Side::Key, key_schema, ids),
            value: value_format.frame(topic, Side::Value, value_schema, ids),
        });
        let out = &mut self.encoded;
        out.clear(Origin::Standing(kind));
        out.keys.extend_from_slice(&frames.key.head);
        key_format.put(&mut out.keys, key_schema, key);
        out.keys.extend_from_slice(frames.key.tail);
        out.values.extend_from_slice(&frames.value.head);
        value_format.put(&mut out.values, value_schema, value);
        out.values.extend_from_slice(frames.value.tail);
        out.lacks_numbers = !(frames.key.is_registered() && frames.value.is_registered());
        let (key, value) = (Some(0..out.keys.len()), Some(0..out.values.len()));
        out.records.push(Ranges { key, value, own_header: None, number: 0 });
        out.stamped = position.is_some();
        if let Some(position) = position {
            self.stamper.render_standing(position, &out.records);
        }
        1
    }
}
