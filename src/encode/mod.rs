//! Events to records: Debezium's envelope, key, tombstone, key change, headers and topic names, in JSON without schema.
//!
//! Owns [`Encoder`], the plans it makes of relation versions, and [`record`]. Must never do I/O, wait, or ask the
//! catalog.
//!
//! Invariants:
//! - Records are byte for byte what Debezium 3.6 and Kafka's `JsonConverter` write under default settings, but for
//!   clocks, `source.version` and the run id.
//! - In the steady state an event is encoded without allocation: everything is appended to buffers that stay.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::catalog::RelationVersion;
use crate::config::Records;
use crate::error::{Error, Result};
use crate::event::{Change, Event, KnownRow, OldRow};
use crate::ledger::Ticket;
use crate::pgoutput::{RelationId, Tuple};

mod envelope;
mod header;
mod json;
mod plan;
pub mod record;
mod row;
#[cfg(test)]
mod tests;
mod topic;

use envelope::{Clock, Operation, Source};
use plan::{Form, Plan};
use record::{Header, Headers, Record};
use row::{Row, write_key, write_row};

/// Header of the first records of a key change: the key after it.
const NEW_KEY_HEADER: &str = "__debezium.newkey";
/// Header of the last record of a key change: the key before it.
const OLD_KEY_HEADER: &str = "__debezium.oldkey";
/// A buffer that an unusually large row has grown beyond this is given back.
const BUFFER_KEPT_BYTES: usize = 1 << 20;

/// What an encoder needs to know of the connector.
#[derive(Clone, Debug)]
pub struct EncoderOptions {
    /// `topic.prefix`
    pub topic_prefix: String,
    /// `database.dbname`
    pub dbname: String,
    /// What records look like.
    pub records: Records,
    /// Value of the header `__debezium.context.taskId`.
    pub task_id: String,
    /// Value of the header `__debezium.context.runId`: a UUID made at each start.
    pub run_id: String,
}

/// Encodes the events of one connector.
#[derive(Debug)]
pub struct Encoder {
    options: EncoderOptions,
    shared_headers: Arc<[Header]>,
    plans: Vec<Plan>,
    plan_of: HashMap<RelationId, usize>,
    source: Source,
    clock: Clock,
    encoded: Encoded,
}

/// The records of the last event, in buffers that are used again.
#[derive(Debug, Default)]
struct Encoded {
    /// Index of the plan, for the topic.
    plan: usize,
    keys: Vec<u8>,
    values: Vec<u8>,
    headers: Vec<u8>,
    records: Vec<Parts>,
}

/// Where the parts of a record lie in the buffers.
#[derive(Clone, Debug)]
struct Parts {
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    own_header: Option<(&'static str, Range<usize>)>,
}

impl Encoder {
    /// An encoder without plans.
    #[must_use]
    pub fn new(options: EncoderOptions) -> Self {
        let shared_headers = shared_headers(&options);
        let source = Source::new(&options.topic_prefix, &options.dbname);
        Self {
            options,
            shared_headers,
            plans: Vec::new(),
            plan_of: HashMap::new(),
            source,
            clock: Clock::default(),
            encoded: Encoded::default(),
        }
    }

    /// Headers that all records of the run carry; empty where they are switched off.
    #[must_use]
    pub const fn shared_headers(&self) -> &Arc<[Header]> {
        &self.shared_headers
    }

    /// The topic of a table's records.
    #[must_use]
    pub fn topic(&self, schema: &str, table: &str) -> Arc<str> {
        let records = &self.options.records;
        topic::data_topic(&self.options.topic_prefix, &records.topic_delimiter, schema, table)
    }

    /// Plans a relation version, in place of an earlier one of the relation. Gives the topic of its records, so that
    /// a sink can prepare it. Planning a version again costs a look-up.
    pub fn plan(&mut self, relation: &Arc<RelationVersion>) -> Arc<str> {
        let index = self.plan_index(relation);
        self.plans.get(index).map_or_else(|| Arc::from(""), |plan| Arc::clone(&plan.topic))
    }

    fn plan_index(&mut self, relation: &Arc<RelationVersion>) -> usize {
        let known = self.plan_of.get(&relation.id).copied();
        if let Some(plan) = known.and_then(|index| self.plans.get_mut(index)) {
            if !Arc::ptr_eq(&plan.relation, relation) {
                *plan = make_plan(&self.options, relation, Some(plan));
            }
            return known.unwrap_or_default();
        }
        self.plans.push(make_plan(&self.options, relation, None));
        self.plan_of.insert(relation.id, self.plans.len() - 1);
        self.plans.len() - 1
    }

    /// Encodes an event and gives the number of its records, 0 to 3; they stay until the next call.
    ///
    /// `now_unix_nanos` is what the envelope's clocks show.
    ///
    /// # Errors
    /// `Undecodable` for a value that is none of its type; `Protocol` for a row that does not fit its relation.
    pub fn encode(&mut self, event: &Event<'_>, now_unix_nanos: u64) -> Result<usize> {
        let last = self.encoded.plan;
        let planned = self.plans.get(last).is_some_and(|plan| Arc::ptr_eq(&plan.relation, event.relation));
        let index = if planned { last } else { self.plan_index(event.relation) };
        self.encoded.clear(index);
        if is_empty(event) {
            return Ok(0);
        }
        let Some(plan) = self.plans.get(index) else { return Err(Error::bug("the plan just made is gone")) };
        self.source.prepare(plan, event);
        self.clock.set(now_unix_nanos);
        let mut writer = Writer {
            plan,
            event,
            source: &self.source,
            clock: &self.clock,
            options: &self.options.records,
            out: &mut self.encoded,
        };
        let written = writer.write();
        if let Err(error) = written {
            self.encoded.clear(index);
            return Err(error.at(event.lsn));
        }
        Ok(self.encoded.records.len())
    }

    /// Bytes of keys and values of the last event encoded; a tombstone's key counts once with its delete's.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.encoded.keys.len() + self.encoded.values.len()
    }

    /// A record of the last event encoded, counted from 0; `None` beyond the last one.
    #[must_use]
    pub fn record(&self, index: usize, ticket: Ticket) -> Option<Record<'_>> {
        let encoded = &self.encoded;
        let parts = encoded.records.get(index)?;
        let own = match &parts.own_header {
            Some((name, range)) => Some((*name, encoded.headers.get(range.clone())?)),
            None => None,
        };
        Some(Record {
            topic: &self.plans.get(encoded.plan)?.topic,
            key: parts.key.clone().and_then(|range| encoded.keys.get(range)),
            value: parts.value.clone().and_then(|range| encoded.values.get(range)),
            headers: Headers { own, shared: &self.shared_headers },
            ticket,
        })
    }
}

/// Debezium makes no record of a row without columns.
const fn is_empty(event: &Event<'_>) -> bool {
    match event.change {
        Change::Insert { new } | Change::Update { new, .. } => new.is_empty(),
        Change::Delete { old: KnownRow::Key(old) | KnownRow::Full(old) } => old.is_empty(),
        Change::Truncate => false,
    }
}

fn make_plan(options: &EncoderOptions, relation: &Arc<RelationVersion>, before: Option<&Plan>) -> Plan {
    let same = before.filter(|plan| plan.relation.schema == relation.schema && plan.relation.table == relation.table);
    let topic = same.map_or_else(
        || {
            let delimiter = &options.records.topic_delimiter;
            topic::data_topic(&options.topic_prefix, delimiter, &relation.schema, &relation.table)
        },
        |plan| Arc::clone(&plan.topic),
    );
    Plan::new(relation, topic, &options.records)
}

fn shared_headers(options: &EncoderOptions) -> Arc<[Header]> {
    if !options.records.context_headers {
        return Arc::from([]);
    }
    [
        ("connectorLogicalName", options.topic_prefix.as_str()),
        ("taskId", &options.task_id),
        ("connectorName", "postgresql"),
        ("runId", &options.run_id),
    ]
    .into_iter()
    .map(|(name, value)| Header { key: format!("__debezium.context.{name}"), value: value.as_bytes().to_vec() })
    .collect()
}

impl Encoded {
    fn clear(&mut self, plan: usize) {
        self.plan = plan;
        self.records.clear();
        for buffer in [&mut self.keys, &mut self.values, &mut self.headers] {
            buffer.clear();
            buffer.shrink_to(BUFFER_KEPT_BYTES);
        }
    }
}

/// Writes the records of one event.
struct Writer<'w, 'e> {
    plan: &'w Plan,
    event: &'w Event<'e>,
    source: &'w Source,
    clock: &'w Clock,
    options: &'w Records,
    out: &'w mut Encoded,
}

impl Writer<'_, '_> {
    fn write(&mut self) -> Result<()> {
        match self.event.change {
            Change::Insert { new } => {
                let key = self.key(Row { tuple: new, older: None })?;
                self.change(Operation::Create, key, None, Some(Row { tuple: new, older: None }), None)
            }
            Change::Update { old: OldRow::Absent, new } => {
                let new = Row { tuple: new, older: None };
                let key = self.key(new)?;
                self.change(Operation::Update, key, None, Some(new), None)
            }
            Change::Update { old: OldRow::Known(old), new } => self.update(old, new),
            Change::Delete { old } => {
                let old = Row::old(old);
                let key = self.key(old)?;
                self.delete(key, old, None)
            }
            Change::Truncate => self.change(Operation::Truncate, None, None, None, None),
        }
    }

    /// An update whose old row was sent: where the key differs, the old row is deleted and a new one created.
    fn update(&mut self, old: KnownRow<'_>, new: Tuple<'_>) -> Result<()> {
        let old = Row::old(old);
        let new = Row { tuple: new, older: Some(old.tuple) };
        let old_key = self.key(old)?;
        let new_key = self.key(new)?;
        if self.key_bytes(old_key.as_ref()) == self.key_bytes(new_key.as_ref()) {
            return self.change(Operation::Update, new_key, Some(old), Some(new), None);
        }
        let to = self.key_header(NEW_KEY_HEADER, new)?;
        let from = self.key_header(OLD_KEY_HEADER, old)?;
        self.delete(old_key, old, Some(to))?;
        self.change(Operation::Create, new_key, None, Some(new), Some(from))
    }

    fn delete(
        &mut self,
        key: Option<Range<usize>>,
        old: Row<'_>,
        own_header: Option<(&'static str, Range<usize>)>,
    ) -> Result<()> {
        self.change(Operation::Delete, key.clone(), Some(old), None, own_header.clone())?;
        if self.options.tombstones_on_delete && !self.is_skipped(Operation::Delete) {
            self.out.records.push(Parts { key, value: None, own_header });
        }
        Ok(())
    }

    /// `skipped.operations` names records, not changes: a key change that is no update leaves records of its own kinds.
    const fn is_skipped(&self, operation: Operation) -> bool {
        let skipped = &self.options.skipped;
        match operation {
            Operation::Create => skipped.create,
            Operation::Update => skipped.update,
            Operation::Delete => skipped.delete,
            Operation::Truncate => skipped.truncate,
        }
    }

    /// One record with an envelope, unless its operation is skipped.
    fn change(
        &mut self,
        operation: Operation,
        key: Option<Range<usize>>,
        before: Option<Row<'_>>,
        after: Option<Row<'_>>,
        own_header: Option<(&'static str, Range<usize>)>,
    ) -> Result<()> {
        if self.is_skipped(operation) {
            return Ok(());
        }
        let out = &mut self.out.values;
        let start = out.len();
        for (label, row) in [(&b"{\"before\":"[..], before), (b",\"after\":", after)] {
            out.extend_from_slice(label);
            match row {
                Some(row) => write_row(out, self.plan, row)?,
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b',');
        self.source.write(out, self.event.lsn, operation, self.clock);
        let value = Some(start..out.len());
        self.out.records.push(Parts { key, value, own_header });
        Ok(())
    }

    /// The key of a row; `None` for a table without key.
    fn key(&mut self, row: Row<'_>) -> Result<Option<Range<usize>>> {
        if self.plan.key.is_none() {
            return Ok(None);
        }
        let out = &mut self.out.keys;
        let start = out.len();
        write_key(out, self.plan, row, Form::Json)?;
        Ok(Some(start..out.len()))
    }

    fn key_bytes(&self, key: Option<&Range<usize>>) -> Option<&[u8]> {
        key.and_then(|range| self.out.keys.get(range.clone()))
    }

    fn key_header(&mut self, name: &'static str, row: Row<'_>) -> Result<(&'static str, Range<usize>)> {
        let out = &mut self.out.headers;
        let start = out.len();
        write_key(out, self.plan, row, Form::Header)?;
        Ok((name, start..out.len()))
    }
}
