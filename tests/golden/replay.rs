//! Feeds walcast with a recording's snapshot and frames.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use walcast::assemble::{Assembler, Step};
use walcast::catalog::{Catalog, OwnedRelation, RelationVersion};
use walcast::config::{self, Brokers, Connector, Overrides};
use walcast::encode::{Encoder, EncoderOptions, SchemaIds};
use walcast::error::Result;
use walcast::event::Event;
use walcast::ledger::Ticket;
use walcast::lsn::Lsn;
use walcast::pgoutput::{Block, RelationId, parse};
use walcast::pgtime::PgMicros;
use walcast::source::capture::{CaptureFilter, MessageFilter};

use super::chunks::{self, Beside, Out};
use super::comparison::{Recorded, Topics};
use super::recording::Recording;
use super::{snapshot, waiting};

/// What the clocks show.
const NOW_UNIX_NANOS: u64 = 1_700_000_000_123_456_789;

/// What walcast makes of a recording's frames.
pub(super) struct Replay {
    /// Its records.
    pub(super) topics: Topics,
    /// Schemas that it asked for and that Debezium's converter did not register, each with what is nearest to it.
    pub(super) unregistered: Vec<String>,
    /// Rows that were read in the form that was asked for.
    pub(super) rows: usize,
}

/// How values come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Text,
    /// In binary, but for tables that walcast reads in text because of a type without a safe binary form.
    Binary,
}

/// Runs frames through catalog and encoder.
///
/// # Errors
/// Where walcast refuses the configuration.
pub(super) fn replay(recording: &Recording, form: Form) -> Result<Replay> {
    let connector = connector(recording)?;
    let filter = CaptureFilter::new(&connector.capture).unwrap();
    let messages = MessageFilter::new(&connector.records.messages).unwrap();
    let ids = Arc::new(RecordedIds::of(recording));
    let whole = connector.clone();
    let options = EncoderOptions {
        topic_prefix: connector.topic_prefix,
        dbname: connector.database.dbname,
        records: connector.records,
        task_id: "0".to_owned(),
        run_id: "01900000-0000-7000-8000-000000000000".to_owned(),
    };
    let encoder = Encoder::new(options).with_schema_ids(Arc::clone(&ids) as Arc<dyn SchemaIds>);
    let mut assembler = Assembler::new(Catalog::new(), None, None);
    let mut stream = Stream { encoder, filter, messages, last_time: None, topics: Topics::new() };
    snapshot::read(recording, &whole, &mut assembler, |event| stream.event(event));
    let mut beside = Beside::of(recording, &whole);
    if let Some(skipped) = chunks::skipped(recording, &whole) {
        stream.out(&Out::Told(&skipped));
    }
    let mut rows = 0;
    let mut in_text = HashSet::new();
    assert_eq!(recording.frames.len(), recording.binary_frames.len(), "{}", recording.scenario);
    for (index, (text, binary)) in recording.frames.iter().zip(&recording.binary_frames).enumerate() {
        let relation = row_relation(&text.data);
        let frame = match form {
            Form::Binary if relation.is_none_or(|relation| !in_text.contains(&relation)) => binary,
            _ => text,
        };
        rows += usize::from(relation.is_some() && std::ptr::eq(frame, if form == Form::Text { text } else { binary }));
        // Over replication, a Begin that an Origin follows comes with position 0; the recorder's function tells its own.
        let start = match recording.frames.get(index + 1) {
            Some(next) if next.data.first() == Some(&b'O') => Lsn::ZERO,
            _ => frame.lsn,
        };
        let message = parse(Block::Plain, &frame.data).unwrap();
        let step = assembler.step(frame.lsn, message).unwrap();
        if let Step::Event(event) = &step {
            beside.look(event);
        }
        let end = if let Step::Commit { end, .. } = &step { Some(end.lsn()) } else { None };
        let needed = stream.take(step, start);
        if end.is_some() {
            let stream = std::cell::RefCell::new(&mut stream);
            beside.go_out(
                &mut assembler,
                frame.lsn,
                |relation| stream.borrow_mut().encoder.plan(relation).to_string(),
                |out| stream.borrow_mut().out(&out),
            );
        }
        if let Some(end) = end {
            for asked in std::mem::take(&mut beside.waited_for) {
                let place = (frame.lsn, end, beside.last.expect("the change that asks"));
                waiting::read(recording, &whole, asked, place, &mut assembler, &mut stream);
            }
        }
        if let Some(relation) = needed {
            let version = assembler.learn(&relation, recording.facts_at(frame.lsn));
            if version.columns.iter().any(|column| !column.column_type.has_safe_binary()) {
                in_text.insert(relation.id);
            }
        }
    }
    let topics = stream.topics;
    let unregistered = std::mem::take(&mut *ids.missed.lock().unwrap());
    Ok(Replay { topics, unregistered, rows })
}

/// The relation of a message about one row.
fn row_relation(message: &[u8]) -> Option<RelationId> {
    let (b'I' | b'U' | b'D', rest) = message.split_first().map(|(tag, rest)| (*tag, rest))? else { return None };
    Some(RelationId(u32::from_be_bytes(*rest.first_chunk()?)))
}

/// The connector's own configuration, as Debezium got it.
fn connector(recording: &Recording) -> Result<Connector> {
    let overrides = Overrides { brokers: Brokers::NotNeeded, ..Overrides::default() };
    let loaded = config::load_text("connector.json", &recording.connector, &overrides, &|_| None)?;
    Ok(loaded.connector)
}

/// The numbers that the registry gave to the texts of Debezium's converter.
#[derive(Debug)]
struct RecordedIds {
    by_text: HashMap<String, u32>,
    missed: Mutex<Vec<String>>,
}

impl RecordedIds {
    fn of(recording: &Recording) -> Self {
        let schemas = recording.schemas.iter();
        let by_text = schemas.map(|(id, text)| (text.clone(), u32::try_from(*id).unwrap())).collect();
        Self { by_text, missed: Mutex::default() }
    }
}

impl SchemaIds for RecordedIds {
    fn id(&self, subject: &str, schema: &str) -> Option<u32> {
        let id = self.by_text.get(schema).copied();
        if id.is_none() {
            let same = |text: &str| text.bytes().zip(schema.bytes()).take_while(|(left, right)| left == right).count();
            let nearest = self.by_text.keys().map(|text| (same(text), text)).max();
            let rest = |text: &str, from| String::from_utf8_lossy(&text.as_bytes()[from..]).into_owned();
            let (ours, its) = nearest.map(|(same, text)| (rest(schema, same), rest(text, same))).unwrap_or_default();
            let told = format!("schema of {subject}\n    ours …{ours:.400}\n    its  …{its:.400}");
            let mut missed = self.missed.lock().unwrap();
            if !missed.contains(&told) {
                missed.push(told);
            }
        }
        id
    }
}

/// What walcast makes of a stream's steps.
pub(super) struct Stream {
    encoder: Encoder,
    filter: CaptureFilter,
    messages: MessageFilter,
    /// Commit time of the last transaction.
    last_time: Option<PgMicros>,
    topics: Topics,
}

impl Stream {
    /// Encodes a step whose frame starts, as the server says, at `start`. Gives the relation that needs its facts.
    fn take(&mut self, step: Step<'_>, start: Lsn) -> Option<OwnedRelation> {
        match step {
            Step::Begin(transaction) => {
                self.last_time = Some(transaction.commit_time);
                let count = self.encoder.begin_transaction(transaction, start);
                self.keep(count);
            }
            Step::Commit { .. } => {
                let count = self.encoder.end_transaction(start);
                self.keep(count);
            }
            Step::Logical(message) => {
                if self.messages.matches(message.prefix) {
                    let count = self.encoder.message(message, self.last_time, NOW_UNIX_NANOS);
                    self.keep(count);
                }
            }
            Step::Event(event) => self.event(&event),
            Step::Truncate(truncated) => truncated.events().for_each(|event| self.event(&event)),
            Step::NeedsFacts(relation) => return Some(relation),
            Step::Relation(_) | Step::Skipped => {}
        }
        None
    }

    /// Encodes what goes out between two transactions.
    pub(super) fn out(&mut self, out: &Out<'_>) {
        match out {
            Out::Row(event) => self.event(event),
            Out::Told(notification) => {
                let count = self.encoder.notification(notification, NOW_UNIX_NANOS);
                self.keep(count);
            }
        }
    }

    pub(super) fn event(&mut self, event: &Event<'_>) {
        if !self.filter.matches(&event.relation.schema, &event.relation.table) {
            return;
        }
        match self.encoder.encode(event, NOW_UNIX_NANOS) {
            Ok(count) => self.keep(count),
            // Told as a record that differs, so that one refusal does not hide what comes after it.
            Err(error) => {
                let topic = self.encoder.plan(event.relation).to_string();
                let value = Some(error.report().into_bytes());
                self.topics.entry(topic).or_default().push(Recorded { key: None, value, headers: Vec::new() });
            }
        }
    }

    /// Where rows of a relation go.
    pub(super) fn topic(&mut self, relation: &Arc<RelationVersion>) -> String {
        self.encoder.plan(relation).to_string()
    }

    /// How many records a topic has.
    pub(super) fn written(&self, topic: &str) -> usize {
        self.topics.get(topic).map_or(0, Vec::len)
    }

    /// Keeps the records that the encoder holds.
    fn keep(&mut self, count: usize) {
        for index in 0..count {
            // One whose schema is not registered is missed in its topic, and its schema told.
            let Some(record) = self.encoder.record(index, Ticket::from_u64(0)) else { return };
            let own = record.headers.own.map(|(key, value)| (key.to_owned(), value.to_vec()));
            let shared = record.headers.shared.iter().map(|header| (header.key.clone(), header.value.clone()));
            self.topics.entry(record.topic.to_string()).or_default().push(Recorded {
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                headers: own.into_iter().chain(shared).collect(),
            });
        }
    }
}
