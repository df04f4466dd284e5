//! Events to records: Debezium's envelope, key, tombstone, key change, headers and topic names, in JSON with and without
//! schema and in Avro.
//!
//! Owns [`Encoder`], the plans it makes of relation versions, the record formats, and [`record`]. What a column becomes
//! is the `schema` room's matter. Must never do I/O, wait, or ask the catalog.
//!
//! Invariants:
//! - Records are byte for byte what Debezium 3.6 and the converters write under the same settings, but for clocks,
//!   `source.version` and the run id.
//! - In the steady state an event is encoded without allocation: everything is appended to buffers that stay.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::catalog::RelationVersion;
use crate::config::{Converter, NameAdjustment, Records, SchemaMetadata};
use crate::error::{Error, Result};
use crate::event::{Change, Event, KnownRow};
use crate::ledger::Ticket;
use crate::pgoutput::RelationId;
pub use crate::schema::holds_values;
use crate::schema::{Schema, Tables};

mod avro;
#[cfg(test)]
mod avro_tests;
#[cfg(test)]
mod column_tests;
mod envelope;
mod format;
mod framing;
mod header;
mod java;
mod json;
#[cfg(test)]
mod mode_tests;
mod plan;
pub mod record;
mod row;
mod stamp;
#[cfg(test)]
mod stamp_tests;
pub mod standing;
#[cfg(test)]
mod tests;
mod topic;
mod writer;

use envelope::Surroundings;
use format::AnyFormat;
pub use framing::{SchemaIds, SchemaText, Side};
use plan::{Parts, Plan};
use record::{Header, Headers, Record, Stamps};
use stamp::Stamper;
pub use standing::{DeadLetter, Standing};
use standing::{Place, StandingRecords};
use writer::Writer;

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
    tables: Tables,
    schema_ids: Option<Arc<dyn SchemaIds>>,
    key_format: AnyFormat,
    value_format: AnyFormat,
    plans: Vec<Plan>,
    plan_of: HashMap<RelationId, usize>,
    /// Texts of schema numbers, each with the version of the relation that it belongs to.
    numbers: HashMap<RelationId, (u32, Vec<u8>)>,
    surroundings: Surroundings,
    stamper: Stamper,
    standing: StandingRecords,
    encoded: Encoded,
}

/// What the last records belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Origin {
    /// A table's change.
    #[default]
    Table,
    /// No table.
    Standing(Standing),
    /// A change that could not be decoded.
    DeadLetter,
}

/// The records of the last event, in buffers that are used again.
#[derive(Debug, Default)]
struct Encoded {
    origin: Origin,
    /// Index of the last plan, for the topic of a table's records.
    plan: usize,
    keys: Vec<u8>,
    values: Vec<u8>,
    headers: Vec<u8>,
    records: Vec<Ranges>,
    /// What the clock showed, where it was looked at.
    unix_millis: Option<i64>,
    /// They stand without the number of a schema that is not registered yet.
    lacks_numbers: bool,
    /// Whether records of no table carry walcast's own headers.
    stamped: bool,
}

/// Where the parts of a record lie in the buffers.
#[derive(Clone, Debug)]
struct Ranges {
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    own_header: Option<(&'static str, Range<usize>)>,
    /// Its number in the event, whatever is left out: 1 for a tombstone, 2 for the create of a key change, else 0.
    number: u8,
}

impl Encoder {
    /// An encoder without plans.
    #[must_use]
    pub fn new(mut options: EncoderOptions) -> Self {
        let records = &mut options.records;
        // Debezium looks at the converters: where one of them is Avro's, names of fields are made legal for it.
        let is_avro = |converter| matches!(converter, Converter::Avro(_));
        if [records.key_converter, records.value_converter].into_iter().any(is_avro)
            && records.field_names == NameAdjustment::None
        {
            records.field_names = NameAdjustment::Avro;
        }
        let shared_headers = shared_headers(&options);
        let value_format = AnyFormat::of(options.records.value_converter);
        let (prefix, dbname) = (&options.topic_prefix, &options.dbname);
        let surroundings = match value_format {
            AnyFormat::Json(json, _) => Surroundings::new(json, prefix, dbname, options.records.transactions),
            AnyFormat::Avro(avro) => Surroundings::new(avro, prefix, dbname, options.records.transactions),
            AnyFormat::Java(java) => Surroundings::new(java, prefix, dbname, options.records.transactions),
        };
        Self {
            shared_headers,
            tables: Tables::default(),
            schema_ids: None,
            key_format: AnyFormat::of(options.records.key_converter),
            value_format,
            plans: Vec::new(),
            plan_of: HashMap::new(),
            numbers: HashMap::new(),
            surroundings,
            stamper: Stamper::new(options.records.walcast_headers.clone()),
            standing: StandingRecords::new(&options),
            encoded: Encoded::default(),
            options,
        }
    }

    /// The same with a place where the numbers of registered schemas are found, now or when they are needed
    /// ([`Encoder::take_numbers`]).
    #[must_use]
    pub fn with_schema_ids(mut self, schema_ids: Arc<dyn SchemaIds>) -> Self {
        self.schema_ids = Some(schema_ids);
        self
    }

    /// A session with a cluster begins; its system identifier stands in event ids.
    pub const fn begin_session(&mut self, system_id: u64) {
        self.stamper.begin(system_id);
    }

    /// Gives a relation version its number in the schema history; it must come before [`Encoder::plan`].
    pub fn number(&mut self, relation: &RelationVersion, number: u32) {
        self.numbers.insert(relation.id, (relation.version, number.to_string().into_bytes()));
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
        topic::data_topic(&self.options.topic_prefix, &records.topic_delimiter, &records.naming, schema, table)
    }

    /// Plans a relation version, in place of an earlier one of the relation. Gives the topic of its records, so that
    /// a sink can prepare it. Planning a version again costs a look-up.
    pub fn plan(&mut self, relation: &Arc<RelationVersion>) -> Arc<str> {
        let index = self.plan_index(relation);
        self.plans.get(index).map_or_else(|| Arc::from(""), |plan| Arc::clone(&plan.topic))
    }

    /// Whether records of a relation have values of one of its columns.
    #[must_use]
    pub fn holds_values(&self, relation: &RelationVersion, position: usize) -> bool {
        holds_values(relation, position, &self.options.records)
    }

    fn plan_index(&mut self, relation: &Arc<RelationVersion>) -> usize {
        let known = self.plan_of.get(&relation.id).copied();
        let before = known.and_then(|index| self.plans.get(index));
        if before.is_some_and(|plan| Arc::ptr_eq(&plan.relation, relation)) {
            return known.unwrap_or_default();
        }
        let plan = self.make_plan(relation, before);
        match known.and_then(|index| Some((index, self.plans.get_mut(index)?))) {
            Some((index, place)) => {
                *place = plan;
                index
            }
            None => {
                self.plans.push(plan);
                self.plan_of.insert(relation.id, self.plans.len() - 1);
                self.plans.len() - 1
            }
        }
    }

    fn make_plan(&self, relation: &Arc<RelationVersion>, before: Option<&Plan>) -> Plan {
        let same =
            before.filter(|plan| plan.relation.schema == relation.schema && plan.relation.table == relation.table);
        let topic = same.map_or_else(|| self.topic(&relation.schema, &relation.table), |plan| Arc::clone(&plan.topic));
        let schemas = self.tables.of(relation, &topic, &self.options.records);
        let (records, prefix) = (&self.options.records, &self.options.topic_prefix);
        let (schema, table) = (&relation.schema, &relation.table);
        let key_field = topic::key_field(prefix, &records.topic_delimiter, &records.naming, schema, table);
        let parts = Parts { relation, topic: Arc::clone(&topic), schemas, key_field, records };
        let ids = self.schema_ids.as_deref();
        let number = self.numbers.get(&relation.id).filter(|(version, _)| *version == relation.version);
        let number = number.map_or_else(Vec::new, |(_, number)| number.clone());
        Plan::new(parts, number, self.value_format, self.key_format, |side, schema| {
            let format = match side {
                Side::Key => self.key_format,
                Side::Value => self.value_format,
            };
            format.frame(&topic, side, schema, ids)
        })
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
        self.encoded.clear(Origin::Table);
        self.encoded.plan = index;
        self.encoded.unix_millis = i64::try_from(now_unix_nanos / 1_000_000).ok();
        if is_empty(event) {
            return Ok(0);
        }
        let Some(plan) = self.plans.get(index) else { return Err(Error::bug("the plan just made is gone")) };
        let records = &self.options.records;
        let writer = Writer {
            plan,
            event,
            surroundings: &mut self.surroundings,
            records,
            key_format: self.key_format,
            value_format: (),
            tally: self.standing.tally.as_mut(),
            out: &mut self.encoded,
        };
        let written = match self.value_format {
            AnyFormat::Json(json, _) => writer.write_as(json, now_unix_nanos),
            AnyFormat::Avro(avro) => writer.write_as(avro, now_unix_nanos),
            AnyFormat::Java(java) => writer.write_as(java, now_unix_nanos),
        };
        if let Err(error) = written {
            self.encoded.clear(Origin::Table);
            self.take_back();
            return Err(error.at(event.lsn));
        }
        self.encoded.lacks_numbers = !plan.is_registered();
        self.stamper.render(event, &self.encoded.records);
        Ok(self.encoded.records.len())
    }

    /// Bytes of keys and values of the last event encoded; a tombstone's key counts once with its delete's.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.encoded.keys.len() + self.encoded.values.len()
    }

    /// A record of the last event encoded, counted from 0; `None` beyond the last one, and where it lacks the number of
    /// a schema ([`Encoder::lacks_numbers`]).
    #[must_use]
    #[inline]
    pub fn record(&self, index: usize, ticket: Ticket) -> Option<Record<'_>> {
        let encoded = &self.encoded;
        if encoded.lacks_numbers {
            return None;
        }
        let parts = encoded.records.get(index)?;
        let own = match &parts.own_header {
            Some((name, range)) => Some((*name, encoded.headers.get(range.clone())?)),
            None => None,
        };
        let (place, stamps) = match self.standing.place(encoded.origin) {
            Some(place) if encoded.stamped => (place, self.stamper.of(index, &[])),
            Some(place) => (place, Stamps::NONE),
            None => {
                let plan = self.plans.get(encoded.plan)?;
                let place = Place { topic: &plan.topic, headers: &self.shared_headers, partition: None };
                (place, self.stamper.of(index, &plan.schema_number))
            }
        };
        Some(Record {
            topic: place.topic,
            key: parts.key.clone().and_then(|range| encoded.keys.get(range)),
            value: parts.value.clone().and_then(|range| encoded.values.get(range)),
            partition: place.partition,
            headers: Headers { own, shared: place.headers, stamps },
            unix_millis: encoded.unix_millis,
            ticket,
        })
    }
}

/// A schema in Avro, as `AvroConverter` registers it.
#[must_use]
pub fn avro_schema(schema: &Schema) -> String {
    avro::schema_text(schema, SchemaMetadata::Kept)
}

/// Debezium makes no record of a row without columns.
const fn is_empty(event: &Event<'_>) -> bool {
    match event.change {
        Change::Insert { new: row } | Change::Update { new: row, .. } | Change::Read { row, .. } => row.is_empty(),
        Change::Delete { old: KnownRow::Key(old) | KnownRow::Full(old) } => old.is_empty(),
        Change::Truncate => false,
    }
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
    .map(|(name, value)| Header {
        key: format!("__debezium.context.{name}"),
        value: header::text(options.records.header_converter, value),
    })
    .collect()
}

impl Encoded {
    fn clear(&mut self, origin: Origin) {
        self.origin = origin;
        self.lacks_numbers = false;
        self.stamped = false;
        self.unix_millis = None;
        self.records.clear();
        for buffer in [&mut self.keys, &mut self.values, &mut self.headers] {
            buffer.clear();
            buffer.shrink_to(BUFFER_KEPT_BYTES);
        }
    }
}
