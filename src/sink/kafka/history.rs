//! The schema history in a compacted topic.
//!
//! Owns [`HistoryTopic`], the [`Store`] of the Kafka sink: one record is written when a table gets a shape that it never
//! had. The topic itself is [`CompactedTopic`]'s matter.

use std::sync::Arc;

use rdkafka::ClientConfig;

use super::compacted::{CompactedTopic, Forgetful, Kept, Purpose, Seen, Trouble, Writing};
use super::topics::on_a_thread;
use crate::config::{Keeping, SchemaHistory, TopicCreation};
use crate::error::{Error, Result};
use crate::history::record::Record;
use crate::history::{Doubt, Numbers, Opened, Pending, Store};

static PURPOSE: Purpose = Purpose {
    what: "the schema history",
    record: "record of a schema history",
    property: "walcast.schema.history.topic",
    decay: "delete versions of tables, whose numbers are then given to others",
    forgetful: Forgetful::Used,
    without: "walcast.schema.history=off",
    lost: "the numbers of table versions",
    made_anew: "with numbers that begin at 1 and mean other versions than before",
    with_the_rest: "number from what is left in it",
};

/// The schema history of one connector. Cloning gives another handle of the same.
#[derive(Clone)]
pub(super) struct HistoryTopic(Arc<Shared>);

struct Shared {
    topic: CompactedTopic,
    keeping: Keeping,
}

impl HistoryTopic {
    /// With the settings of the sink's producer.
    pub(super) fn new(client: ClientConfig, creation: Option<TopicCreation>, history: SchemaHistory) -> Self {
        let topic = CompactedTopic::new(client, creation, history.topic, &PURPOSE);
        Self(Arc::new(Shared { topic, keeping: history.keeping }))
    }
}

impl Store for HistoryTopic {
    fn look(&self) -> Pending<Vec<Doubt>> {
        let shared = Arc::clone(&self.0);
        on_a_thread(move || shared.look())
    }

    fn open(&self) -> Pending<Opened> {
        let shared = Arc::clone(&self.0);
        on_a_thread(move || shared.open())
    }

    fn keep(&self, record: Record) -> Pending<()> {
        let shared = Arc::clone(&self.0);
        on_a_thread(move || shared.keep(&record))
    }
}

impl Shared {
    fn look(&self) -> Result<Vec<Doubt>> {
        let words = |error: &Error| (error.message().to_owned(), error.hint_text().unwrap_or_default().to_owned());
        Ok(match self.topic.look()? {
            Seen::Forgetful(error) => {
                let (what, remedy) = words(&error);
                vec![Doubt::Warning { what, remedy }]
            }
            Seen::Refused(error) if self.keeping == Keeping::Required => {
                let (what, remedy) = words(&error);
                vec![Doubt::Fatal { what, remedy }]
            }
            Seen::Fine | Seen::Refused(_) => Vec::new(),
        })
    }

    fn open(&self) -> Result<Opened> {
        let mut numbers = Numbers::default();
        match self.topic.open(&mut |key, value| numbers.take(key, value).map_err(|why| why.to_string())) {
            Ok(()) => Ok(Opened::Kept(numbers)),
            Err(Trouble::NoTopic(error)) if self.keeping == Keeping::WherePossible => Ok(Opened::NotKept(error)),
            Err(trouble) => Err(trouble.into_error()),
        }
    }

    fn keep(&self, record: &Record) -> Result<()> {
        let writing = Writing { name: &record.name, key: &record.key, value: Some(&record.value) };
        match self.topic.keep(&[writing])? {
            Kept::Next => Ok(()),
            Kept::AmongOthers => self.check(record),
        }
    }

    /// Records of a process of ours that was killed meanwhile are like ours.
    fn check(&self, record: &Record) -> Result<()> {
        let mut numbers = Numbers::default();
        self.topic
            .read(&mut |key, value| numbers.take(key, value).map_err(|why| why.to_string()))
            .map_err(Trouble::into_error)?;
        match numbers.agrees_with(record) {
            true => Ok(()),
            false => Err(self.topic.two_writers(&record.name)),
        }
    }
}
