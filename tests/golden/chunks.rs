//! A recording's incremental snapshots: signals in the frames, and the bytes of each chunk on the way to the encoder.
//!
//! Nothing writes to the tables while Debezium reads them, so each chunk goes out behind the transaction with its signal.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;
use walcast::assemble::Assembler;
use walcast::catalog::{Learnt, OwnedRelation, RelationVersion};
use walcast::config::Connector;
use walcast::event::{Change, Event, Notification, SnapshotMark, Transaction};
use walcast::lsn::{CommitLsn, Lsn, Position};
use walcast::pgoutput::{Datum, Tuple, Xid};
use walcast::pgtime::PgMicros;
use walcast::pipeline::pump::Streamed;
use walcast::progress::{KeyValues, TableName};
use walcast::signal::{Action, Heard, Request, channel};
use walcast::snapshot::incremental::{
    self, Answer, Batch, Chunk, ChunkRow, Incremental, Input, Order, Outcome, Output, Sight, Wanted,
};

use super::recording::{self, Recording};
use super::snapshot;

/// What was read of a table for one order, or how it ended.
pub(super) struct Read {
    signal: String,
    table: TableName,
    /// Nothing where the table ended.
    rows: Option<Rows>,
    ended: Option<Outcome>,
}

struct Rows {
    relation: OwnedRelation,
    texts: Vec<bool>,
    last: Option<KeyValues>,
    until: Option<KeyValues>,
    more: bool,
    rows: Vec<Bytes>,
}

/// Reads `chunks.jsonl`; a scenario without such snapshots has none.
pub(super) fn of(path: &Path) -> Vec<Read> {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let key = |value: &Json| {
        let columns = value.as_array()?.iter();
        Some(KeyValues(columns.map(|column| column.as_str().map(str::to_owned)).collect()))
    };
    let outcome = |value: &Json| {
        let all = [Outcome::NoPrimaryKey, Outcome::UnknownSchema, Outcome::SqlException];
        all.into_iter().find(|outcome| Some(outcome.as_str()) == value.as_str())
    };
    let read = |line: &Json| Read {
        signal: text(&line["signal"]),
        table: TableName { schema: text(&line["schema"]), table: text(&line["table"]) },
        ended: outcome(&line["ended"]),
        rows: line["rows"].as_array().map(|rows| Rows {
            relation: OwnedRelation { learnt: Learnt::FromStream, ..recording::relation(line) },
            texts: recording::texts(line),
            last: key(&line["last"]),
            until: key(&line["until"]),
            more: line["more"].as_bool().unwrap(),
            rows: rows.iter().map(|row| Bytes::from(recording::from_hex(row.as_str().unwrap()))).collect(),
        }),
    };
    if path.exists() { recording::lines(path).iter().map(read).collect() } else { Vec::new() }
}

/// The rules of incremental snapshots beside a stream that is replayed.
pub(super) struct Beside<'r> {
    recording: &'r Recording,
    table: Option<(String, String)>,
    prefix: String,
    rules: Incremental,
    /// What was read and not asked for yet.
    reads: VecDeque<&'r Read>,
    /// Signals of the transaction that is open.
    asked: Vec<Wanted>,
    /// Those for which the stream waits.
    pub(super) waited_for: Vec<(String, Request)>,
    /// The last change.
    pub(super) last: Option<Streamed>,
    /// Where Debezium says that it read its rows, by topic.
    places: HashMap<String, VecDeque<Place>>,
}

/// What the block `source` of a row says.
#[derive(Debug)]
struct Place {
    transaction: Transaction,
    last_commit: Option<Lsn>,
}

/// What Debezium tells first: that it takes no snapshot. The notification's id is a new one each time.
pub(super) fn skipped(recording: &Recording, connector: &Connector) -> Option<Notification> {
    let topic = connector.records.notification_topic.as_ref().filter(|_| !connector.snapshot.mode.reads_rows())?;
    Some(as_told(recording, topic, 0, Notification::skipped(&connector.topic_prefix)))
}

/// A notification with the id that Debezium's has at the same place of the topic, where that is a new one each time.
pub(super) fn as_told(recording: &Recording, topic: &str, at: usize, notification: Notification) -> Notification {
    let told = recording.records.get(topic).and_then(|records| records.get(at)?.key.as_deref());
    let key = String::from_utf8_lossy(told.unwrap_or_default());
    let id = (0..key.len()).filter_map(|at| key.get(at..at + 36)).find(|id| uuid::Uuid::parse_str(id).is_ok());
    Notification { id: id.map_or(notification.id, str::to_owned), ..notification }
}

/// Something that goes out between two transactions.
pub(super) enum Out<'o> {
    Row(&'o Event<'o>),
    Told(&'o Notification),
}

impl<'r> Beside<'r> {
    pub(super) fn of(recording: &'r Recording, connector: &Connector) -> Self {
        let signals = &connector.snapshot.signals;
        Self {
            recording,
            table: signals.table.clone(),
            prefix: connector.topic_prefix.clone(),
            rules: Incremental::new(signals.chunk_rows),
            reads: recording.chunks.iter().collect(),
            asked: Vec::new(),
            waited_for: Vec::new(),
            last: None,
            places: HashMap::new(),
        }
    }

    /// Looks whether a change is a signal.
    pub(super) fn look(&mut self, event: &Event<'_>) {
        self.last = Some(Streamed { lsn: event.lsn, last_commit: event.last_commit, xid: event.transaction.xid });
        let Some((schema, table)) = &self.table else { return };
        let Change::Insert { new } = event.change else { return };
        if (&event.relation.schema, &event.relation.table) != (schema, table) {
            return;
        }
        let text = |datum| match datum {
            Datum::Text(bytes) | Datum::Binary(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        };
        let columns: Vec<Option<&str>> = new.iter().map(text).collect();
        let Heard::Signal(signal) = channel::row(&columns) else { return };
        let request = match signal.action {
            Action::Incremental(request) => request,
            Action::Blocking(request) => return self.waited_for.push((signal.id, request)),
            _ => return,
        };
        let of_signal = self.reads.iter().filter(|read| read.signal == signal.id);
        let known = of_signal.filter(|read| read.ended != Some(Outcome::UnknownSchema));
        let mut tables: Vec<TableName> = known.map(|read| read.table.clone()).collect();
        tables.dedup();
        self.asked.extend(incremental::wanted(&signal.id, &request, tables));
    }

    /// A transaction is over: what it asked for goes out. `topic` tells where rows of a relation go.
    pub(super) fn go_out(
        &mut self,
        assembler: &mut Assembler,
        at: Lsn,
        mut topic: impl FnMut(&Arc<RelationVersion>) -> String,
        mut take: impl FnMut(Out<'_>),
    ) {
        let (mut outputs, mut relation) = (Vec::new(), None);
        let asked = std::mem::take(&mut self.asked);
        self.rules.reached(at, &mut outputs);
        self.rules.apply(Input::Asked(asked), &mut outputs);
        let mut outputs = VecDeque::from(outputs);
        while let Some(output) = outputs.pop_front() {
            let mut next = Vec::new();
            match output {
                Output::Read(order) => {
                    let answer = self.answer(&order, assembler, at, &mut relation);
                    self.rules.apply(Input::Answered { number: order.number, answer }, &mut next);
                }
                Output::Emit(Batch { number, rows, .. }) => {
                    let (relation, texts) = relation.as_ref().expect("rows of a relation");
                    let topic = topic(relation);
                    rows.iter().for_each(|row| self.row(&topic, relation, texts, &row.row, &mut take));
                    self.rules.apply(Input::Taken { number }, &mut next);
                    self.rules.apply(Input::Held { number }, &mut next);
                }
                Output::Tell(notice) => {
                    notice.notification(&self.prefix).iter().for_each(|told| take(Out::Told(told)));
                }
                Output::Keep(_) | Output::DropBatch => {}
            }
            outputs.extend(next);
        }
    }

    fn answer(
        &mut self,
        order: &Order,
        assembler: &mut Assembler,
        at: Lsn,
        relation: &mut Option<(Arc<RelationVersion>, &'r [bool])>,
    ) -> Answer {
        let read = self.reads.pop_front().expect("a chunk that was recorded");
        assert_eq!((&read.table, &read.signal), (&order.wanted.table, &order.wanted.signal));
        let Some(rows) = &read.rows else { return Answer::Ended(read.ended.expect("how the table ended")) };
        let version = assembler.learn(&rows.relation, self.recording.facts_at(at));
        *relation = Some((Arc::clone(&version), &rows.texts));
        let row = |row: &Bytes| ChunkRow { key: Bytes::new(), row: row.clone() };
        Answer::Chunk(Chunk {
            relation: version.id,
            sight: Sight::parse("1:1:").expect("a snapshot"),
            log_end: at,
            rows: rows.rows.iter().map(row).collect(),
            key: Vec::new(),
            last: rows.last.clone(),
            until: rows.until.clone(),
            more: rows.more,
        })
    }

    fn row(
        &mut self,
        topic: &str,
        relation: &Arc<RelationVersion>,
        texts: &[bool],
        row: &Bytes,
        take: &mut impl FnMut(Out<'_>),
    ) {
        let places = match self.places.entry(topic.to_owned()) {
            Entry::Occupied(places) => places.into_mut(),
            Entry::Vacant(none) => none.insert(places(self.recording, topic)),
        };
        let place = places.pop_front().unwrap_or_else(|| panic!("Debezium has fewer rows in {topic}"));
        take(Out::Row(&Event {
            position: Position { commit: place.transaction.commit, ordinal: 0 },
            lsn: place.transaction.commit.lsn(),
            last_commit: place.last_commit,
            transaction: &place.transaction,
            relation,
            change: Change::Read { row: Tuple::from_copy(row, texts).unwrap(), mark: SnapshotMark::Incremental },
        }));
    }
}

/// What Debezium's rows of a topic say of where they were read.
fn places(recording: &Recording, topic: &str) -> VecDeque<Place> {
    let values = recording.records.get(topic).into_iter().flatten().filter_map(|record| record.value.as_deref());
    let sources = values.map(|value| snapshot::source(recording, value));
    let incremental = sources.filter(|source| source("snapshot") == "incremental");
    let place = |source: Box<dyn Fn(&str) -> Json>| {
        let sequence = source("sequence");
        let sequence: Vec<Option<String>> = serde_json::from_str(sequence.as_str().unwrap()).unwrap();
        let lsn = |at: usize| sequence[at].as_ref().map(|lsn| Lsn::new(lsn.parse().unwrap()));
        Place {
            transaction: Transaction {
                xid: Xid(0),
                commit: CommitLsn::new(lsn(1).unwrap()),
                commit_time: PgMicros::from_unix_micros(source("ts_us").as_i64().unwrap()),
                origin: None,
            },
            last_commit: lsn(0),
        }
    };
    incremental.map(place).collect()
}
