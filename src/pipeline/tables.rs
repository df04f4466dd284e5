//! What the pump keeps per table: whether it is captured, whether its topic is ready, and plain counters.
//!
//! Counters are ordinary integers of the data thread; they are added to the shared metrics now and then, so
//! that a row costs an increment and no atomic.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::catalog::RelationVersion;
use crate::event::{Change, Event};
use crate::observe::{Metrics, Operation, TableTally};
use crate::pgoutput::RelationId;
use crate::source::capture::CaptureFilter;

/// Time between two transfers of the counters to the shared metrics.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// What helps where two tables share a topic. Nothing is lost by it, as long as the topic keeps all its records: where it
/// is compacted, a row of one table replaces the row of the other that has the same key.
pub const SHARED_TOPIC_REMEDY: &str = "rename a table, or set topic.naming.strategy to \
     io.debezium.schema.SchemaUnicodeTopicNamingStrategy, under which no two tables share a topic; where they are meant \
     to share it, see that the topic is not compacted";

/// Whether changes of a table go to the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    /// They do.
    Captured,
    /// The configuration leaves the table out.
    Excluded,
}

#[derive(Debug)]
struct Table {
    capture: Capture,
    relation: Arc<RelationVersion>,
    topic: Option<Arc<str>>,
    /// Whether the sink was told of the topic and had it ready.
    topic_ready: bool,
    tally: TableTally,
}

/// All tables that the stream has named.
#[derive(Debug)]
pub struct Tables {
    filter: CaptureFilter,
    index: HashMap<RelationId, usize>,
    tables: Vec<Table>,
    /// The first table of each topic.
    topic_owner: HashMap<Arc<str>, RelationId>,
    /// The table of the last row: rows of one table come in runs.
    last: Option<(RelationId, usize)>,
    flushed_at: Instant,
}

impl Tables {
    /// No tables yet.
    #[must_use]
    pub fn new(filter: CaptureFilter, now: Instant) -> Self {
        Self {
            filter,
            index: HashMap::new(),
            tables: Vec::new(),
            topic_owner: HashMap::new(),
            last: None,
            flushed_at: now,
        }
    }

    /// Whether a relation is captured, known or not.
    #[must_use]
    pub fn captures(&self, relation: &RelationVersion) -> bool {
        self.filter.matches(&relation.schema, &relation.table)
    }

    /// Takes in a relation version; tells whether it is captured.
    pub fn introduce(&mut self, relation: &Arc<RelationVersion>, metrics: &Metrics) -> Capture {
        self.last = None;
        let capture = if self.captures(relation) { Capture::Captured } else { Capture::Excluded };
        let table = Table {
            capture,
            relation: Arc::clone(relation),
            topic: None,
            topic_ready: false,
            tally: metrics.table(&format!("{}.{}", relation.schema, relation.table)).tally(),
        };
        match self.index.get(&relation.id) {
            Some(&at) => {
                if let Some(slot) = self.tables.get_mut(at) {
                    slot.tally.flush();
                    *slot = table;
                }
            }
            None => {
                self.index.insert(relation.id, self.tables.len());
                self.tables.push(table);
            }
        }
        capture
    }

    /// Whether changes of a relation go on to the sink.
    #[inline]
    pub fn capture(&mut self, id: RelationId) -> Capture {
        self.table(id).map_or(Capture::Captured, |table| table.capture)
    }

    /// Counts a change that was encoded, with the bytes of its records.
    #[inline]
    pub fn count(&mut self, event: &Event<'_>, bytes: usize) {
        let operation = match event.change {
            Change::Insert { .. } => Operation::Create,
            Change::Update { .. } => Operation::Update,
            Change::Delete { .. } => Operation::Delete,
            Change::Truncate => Operation::Truncate,
            Change::Read { .. } => Operation::Read,
        };
        if let Some(table) = self.table(event.relation.id) {
            table.tally.count(operation, bytes);
        }
    }

    /// Whether this is the version that a table was last introduced with.
    #[must_use]
    pub fn knows(&self, relation: &Arc<RelationVersion>) -> bool {
        let known = self.index.get(&relation.id).and_then(|&at| self.tables.get(at));
        known.is_some_and(|table| Arc::ptr_eq(&table.relation, relation))
    }

    /// Remembers the topic of a table; gives another table whose records go there too.
    pub fn set_topic(&mut self, id: RelationId, topic: &Arc<str>) -> Option<&RelationVersion> {
        let owner = *self.topic_owner.entry(Arc::clone(topic)).or_insert(id);
        if let Some(table) = self.index.get(&id).and_then(|&at| self.tables.get_mut(at)) {
            table.topic = Some(Arc::clone(topic));
        }
        let table = |id| self.index.get(&id).and_then(|&at| self.tables.get(at)).map(|table| &*table.relation);
        // A table that was dropped and made again has another number and the same name.
        let (owner, own) = (table(owner)?, table(id)?);
        ((&owner.schema, &owner.table) != (&own.schema, &own.table)).then_some(owner)
    }

    /// The topic of a table where it was not made ready yet.
    #[inline]
    pub fn topic_to_prepare(&mut self, id: RelationId) -> Option<&Arc<str>> {
        self.table(id).filter(|table| !table.topic_ready)?.topic.as_ref()
    }

    /// Takes note that a topic is ready.
    pub fn topic_prepared(&mut self, topic: &str) {
        for table in &mut self.tables {
            table.topic_ready |= table.topic.as_deref() == Some(topic);
        }
    }

    /// A new sink has no topic ready.
    pub fn forget_topics(&mut self) {
        for table in &mut self.tables {
            table.topic_ready = false;
        }
    }

    /// The relation version whose rows were last written to a topic.
    #[must_use]
    pub fn written_to(&self, topic: &str) -> Option<&RelationVersion> {
        let is_its = |table: &&Table| table.topic.as_deref() == Some(topic);
        self.tables.iter().find(is_its).map(|table| table.relation.as_ref())
    }

    /// Adds the counters to the shared metrics, if it is time; tells whether it was.
    pub fn flush(&mut self, now: Instant) -> bool {
        let due = now.duration_since(self.flushed_at) >= FLUSH_INTERVAL;
        if due {
            self.flushed_at = now;
            for table in &mut self.tables {
                table.tally.flush();
            }
        }
        due
    }

    #[inline]
    fn table(&mut self, id: RelationId) -> Option<&mut Table> {
        let at = match self.last {
            Some((last, at)) if last == id => at,
            _ => {
                let at = *self.index.get(&id)?;
                self.last = Some((id, at));
                at
            }
        };
        self.tables.get_mut(at)
    }
}
