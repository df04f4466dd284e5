//! The progress of snapshots in a compacted topic.
//!
//! Owns [`ProgressTopic`], the [`Store`] of the Kafka sink. The topic itself is [`CompactedTopic`]'s matter. Unlike numbers
//! of table versions, progress is never done without: whoever forgets that a snapshot was taken takes it again.

use std::sync::Arc;

use rdkafka::ClientConfig;

use super::compacted::{CompactedTopic, Forgetful, Kept, Purpose, Seen, Trouble, Writing};
use super::topics::on_a_thread;
use crate::config::TopicCreation;
use crate::error::Result;
use crate::progress::record::{Record, records};
use crate::progress::{Book, Entry, Pending, SnapshotId, Store};

static PURPOSE: Purpose = Purpose {
    what: "the progress of snapshots",
    record: "progress of this connector's snapshots",
    property: "walcast.progress.topic",
    decay: "delete what was done, and all rows are then read again",
    forgetful: Forgetful::Refused,
    without: "snapshot.mode=no_data",
    lost: "what was done of the snapshot",
    made_anew: "with a snapshot of all rows",
    with_the_rest: "read again what is not said to be done",
};

/// The progress of one connector. Cloning gives another handle of the same.
#[derive(Clone)]
pub(super) struct ProgressTopic(Arc<Shared>);

struct Shared {
    topic: CompactedTopic,
    connector: String,
}

impl ProgressTopic {
    /// With the settings of the sink's producer.
    pub(super) fn new(client: ClientConfig, creation: Option<TopicCreation>, topic: &str, connector: &str) -> Self {
        let topic = CompactedTopic::new(client, creation, topic.to_owned(), &PURPOSE);
        Self(Arc::new(Shared { topic, connector: connector.to_owned() }))
    }
}

impl Store for ProgressTopic {
    fn look(&self) -> Pending<()> {
        let shared = Arc::clone(&self.0);
        on_a_thread(move || match shared.topic.look()? {
            Seen::Fine => Ok(()),
            Seen::Forgetful(error) | Seen::Refused(error) => Err(error),
        })
    }

    fn open(&self) -> Pending<Book> {
        let shared = Arc::clone(&self.0);
        on_a_thread(move || shared.book(CompactedTopic::open))
    }

    fn keep(&self, entries: Vec<Entry>) -> Pending<()> {
        let shared = Arc::clone(&self.0);
        on_a_thread(move || shared.keep(&entries))
    }
}

/// One of the ways to read the topic.
type Read = fn(&CompactedTopic, &mut super::compacted::Take<'_>) -> Result<(), Trouble>;

impl Shared {
    fn book(&self, read: Read) -> Result<Book> {
        let mut book = Book::default();
        let mut take = |key: Option<&[u8]>, value: Option<&[u8]>| {
            book.take_record(&self.connector, key, value).map_err(|why| why.to_string())
        };
        read(&self.topic, &mut take).map_err(Trouble::into_error)?;
        Ok(book)
    }

    fn keep(&self, entries: &[Entry]) -> Result<()> {
        let records: Vec<Record> = entries.iter().flat_map(|entry| records(&self.connector, entry)).collect();
        let writing: Vec<_> = records
            .iter()
            .map(|Record { key, value }| Writing { name: PURPOSE.what, key, value: value.as_deref() })
            .collect();
        if writing.is_empty() {
            return Ok(());
        }
        match self.topic.keep(&writing)? {
            Kept::Next => Ok(()),
            Kept::AmongOthers => self.check(entries),
        }
    }

    /// What a process of ours that was killed meanwhile has said of this snapshot is true. Another snapshot is another
    /// process's that lives.
    fn check(&self, entries: &[Entry]) -> Result<()> {
        let book = self.book(CompactedTopic::read)?;
        let known = book.snapshot().map(|(id, _)| id);
        match entries.iter().filter_map(Entry::snapshot).all(|id: &SnapshotId| Some(id) == known) {
            true => Ok(()),
            false => Err(self.topic.two_writers(PURPOSE.what)),
        }
    }
}
