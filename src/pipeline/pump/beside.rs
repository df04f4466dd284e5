//! What goes on beside the stream, as the pump sees it: signals among the rows, and chunks between two transactions.
//!
//! Owns [`Beside`]. The rules of incremental snapshots are told what the stream carries, as keys of the records that it came
//! to; and the rows that they let go out are encoded here, in a unit that confirms nothing, as a heartbeat's is.
//!
//! Invariants:
//! - A batch goes out before the next frame is looked at, and never inside a transaction.
//! - A unit with a signal is not settled before what the signal asks for is kept.

mod notices;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use notices::Notices;

use super::off_table::Pending;
use super::{Lacks, Pause, Pump, Scene, Streamed, encode, unix_nanos};
use crate::catalog::RelationVersion;
use crate::encode::Encoder;
use crate::error::Result;
use crate::event::{Change, Event, Notification, SnapshotMark};
use crate::ledger::Ticket;
use crate::lsn::{Lsn, Position};
use crate::pgoutput::{Datum, RelationId, ReplicaIdentity, Tuple, Xid};
use crate::pgtime::PgMicros;
use crate::pipeline::core::Core;
use crate::pipeline::input::{Effect, Input};
use crate::signal::{Heard, channel};
use crate::snapshot::incremental::{self, Batch, ChunkRow, Incremental, Output, Told};
use crate::snapshot::tally::NOBODYS_TICKET;

/// The number of a batch whose rest does not go out.
const NO_BATCH: u64 = 0;

/// OID of jsonb, whose binary form has its version before the text.
const JSONB: u32 = 3802;
/// OID of uuid.
const UUID: u32 = 2950;

/// See the module.
#[derive(Debug)]
pub struct Beside {
    rules: Incremental,
    /// Signals can come, so that rules may have something to do.
    enabled: bool,
    /// `signal.data.collection`
    signal_table: Option<(String, String)>,
    /// Whether one relation, the last that was looked at, is the signal table.
    last_looked_at: Option<(RelationId, bool)>,
    /// Some other key than the replica identity's may be a record's.
    own_keys: bool,
    /// Signals, with the units that wait for what they ask for to be kept.
    heard: Vec<(Heard, Option<Ticket>)>,
    outputs: Vec<Output>,
    /// The shape of the chunk that was read last, with its columns that came as text.
    chunk: Option<(Arc<RelationVersion>, Vec<bool>)>,
    going: Option<Going>,
    /// Batches that the brokers do not hold yet.
    sent: VecDeque<(Ticket, u64)>,
    last_xid: Xid,
    last_event: Option<Streamed>,
    notices: Notices,
}

/// A batch that goes out.
#[derive(Debug)]
struct Going {
    number: u64,
    rows: VecDeque<ChunkRow>,
    scene: Scene,
}

impl Beside {
    /// As configured; `own_keys` where `message.key.columns` is set.
    #[must_use]
    pub fn new(signals: &crate::config::Signals, own_keys: bool) -> Self {
        Self {
            rules: Incremental::new(signals.chunk_rows),
            enabled: signals.are_heard(),
            signal_table: signals.table.clone(),
            last_looked_at: None,
            own_keys,
            heard: Vec::new(),
            outputs: Vec::new(),
            chunk: None,
            going: None,
            sent: VecDeque::new(),
            last_xid: Xid(0),
            last_event: None,
            notices: Notices::default(),
        }
    }

    /// The last change that the stream carried, where signals can come.
    #[must_use]
    pub const fn last_event(&self) -> Option<Streamed> {
        self.last_event
    }

    /// Tells the rules something; what they say is in [`Beside::take_outputs`].
    pub fn apply(&mut self, input: incremental::Input) {
        self.rules.apply(input, &mut self.outputs);
        let is_dropped = self.outputs.extract_if(.., |output| matches!(output, Output::DropBatch)).count() > 0;
        if let Some(going) = &mut self.going
            && is_dropped
        {
            going.rows.clear();
            going.number = NO_BATCH;
        }
    }

    /// Signals that the stream carried, with the units that have one record more for each: it is to be delivered when what
    /// the signal asks for is kept.
    pub fn take_heard(&mut self) -> Vec<(Heard, Option<Ticket>)> {
        std::mem::take(&mut self.heard)
    }

    /// What the rules want done.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// Has a notification written as soon as nothing else waits.
    pub fn notify(&mut self, notification: Notification) {
        self.notices.push(notification);
    }

    /// Batches that the brokers hold, when every unit below `first_unsettled` is settled.
    pub fn settled(&mut self, first_unsettled: u64) {
        self.notices.settled(first_unsettled);
        while let Some((_, number)) = self.sent.pop_front_if(|(ticket, _)| ticket.as_u64() < first_unsettled) {
            self.apply(incremental::Input::Held { number });
        }
    }

    /// A transaction begins.
    pub(super) fn began(&mut self, xid: Xid) {
        if self.enabled {
            self.last_xid = xid;
            self.rules.began(xid);
        }
    }

    /// A row was changed, and its records stand in the encoder. Tells whether a signal came with it, for which the unit has
    /// one record more.
    #[inline]
    pub(super) fn event(&mut self, event: &Event<'_>, records: usize, encoder: &Encoder, core: &Core) -> u64 {
        if !self.enabled {
            return 0;
        }
        self.last_event = Some(Streamed { lsn: event.lsn, last_commit: event.last_commit, xid: event.transaction.xid });
        // Where nothing goes out, the row that was read stays.
        if self.rules.is_active() && records > 0 {
            self.changed(event, records, encoder);
        }
        if self.signal_table.is_none() || !self.is_signal_table(event.relation) {
            return 0;
        }
        let Change::Insert { new } = event.change else { return 0 };
        let unit = core.open_ticket();
        self.heard.push((signal(event.relation, new), unit));
        u64::from(unit.is_some())
    }

    fn changed(&mut self, event: &Event<'_>, records: usize, encoder: &Encoder) {
        let relation = event.relation;
        let is_exact = match event.change {
            Change::Insert { .. } => true,
            _ => {
                relation.identity == ReplicaIdentity::Full
                    || !self.own_keys
                        && relation.key.iter().all(|&at| relation.columns.get(at).is_some_and(|column| column.identity))
            }
        };
        if !is_exact {
            self.rules.changed_somehow(relation.id);
            return;
        }
        let is_left_out = |datum| matches!(datum, Datum::Unchanged);
        let told = match event.change {
            Change::Update { new, .. } if relation.identity != ReplicaIdentity::Full && new.iter().any(is_left_out) => {
                Told::InPart
            }
            _ => Told::Whole,
        };
        for at in 0..records {
            match encoder.record(at, NOBODYS_TICKET) {
                Some(record) => self.rules.changed(relation.id, record.key.unwrap_or_default(), told),
                // Its key is not known before its schema has a number.
                None => self.rules.changed_somehow(relation.id),
            }
        }
    }

    /// A row was changed that has no records, because it could not be decoded.
    pub(super) fn changed_somehow(&mut self, relation: RelationId) {
        if self.enabled {
            self.rules.changed_somehow(relation);
        }
    }

    /// A table was emptied.
    pub(super) fn emptied(&mut self, relation: RelationId) {
        if self.enabled {
            self.rules.emptied(relation);
        }
    }

    /// A session begins; the one before it is over.
    pub(super) fn begin_session(&mut self) {
        self.going = None;
        self.notices.begin_session();
        self.apply(incremental::Input::SessionLost);
    }

    /// The sink is lost.
    pub(super) fn abandon(&mut self) {
        self.going = None;
        self.sent.clear();
        self.notices.abandon();
        self.apply(incremental::Input::SinkLost);
    }

    fn is_signal_table(&mut self, relation: &RelationVersion) -> bool {
        match self.last_looked_at {
            Some((id, is_it)) if id == relation.id => is_it,
            _ => {
                let name = self.signal_table.as_ref();
                let is_it = name.is_some_and(|(schema, table)| *schema == relation.schema && *table == relation.table);
                self.last_looked_at = Some((relation.id, is_it));
                is_it
            }
        }
    }
}

/// A row of the signal table, whatever types its columns have that print as text.
fn signal(relation: &RelationVersion, row: Tuple<'_>) -> Heard {
    let text = |(at, datum): (usize, Datum<'_>)| match datum {
        Datum::Text(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        Datum::Binary(bytes) => match relation.columns.get(at).map(|column| column.type_oid.0) {
            Some(JSONB) => String::from_utf8(bytes.get(1..)?.to_vec()).ok(),
            Some(UUID) => uuid::Uuid::from_slice(bytes).ok().map(|id| id.to_string()),
            _ => String::from_utf8(bytes.to_vec()).ok(),
        },
        _ => None,
    };
    let columns: Vec<Option<String>> = row.iter().enumerate().map(text).collect();
    let columns: Vec<Option<&str>> = columns.iter().map(Option::as_deref).collect();
    channel::row(&columns)
}

impl Pump {
    /// What goes on beside the stream.
    pub fn beside(&mut self) -> &mut Beside {
        &mut self.beside
    }

    /// The stream stands between two transactions and has passed a position.
    pub(super) fn passed(&mut self, end: Lsn, core: &Core) {
        if self.beside.enabled && core.open_ticket().is_none() {
            let Beside { rules, outputs, .. } = &mut self.beside;
            rules.reached(end, outputs);
            self.begin_batch();
        }
    }

    /// Begins to let a batch go out, if the rules want one to.
    pub fn begin_batch(&mut self) {
        let mut batches = self.beside.outputs.extract_if(.., |output| matches!(output, Output::Emit(_)));
        if let Some(Output::Emit(Batch { number, rows, .. })) = batches.next() {
            drop(batches);
            let lsn = self.assembler.last_commit().unwrap_or_default();
            let scene = Scene::new(lsn, PgMicros::now(), self.beside.last_xid);
            self.beside.going = Some(Going { number, rows: VecDeque::from(rows), scene });
            self.pending.push_back(Pending::Batch);
        }
    }

    /// The next row of the batch that goes out: its records wait. At the end its unit is sealed.
    pub(super) fn go_on_with_batch(
        &mut self,
        core: &mut Core,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<Pause>> {
        let Some((relation, texts)) = self.beside.chunk.clone() else { return Ok(None) };
        let Some(mut going) = self.beside.going.take() else { return Ok(None) };
        if !self.tables.knows(&relation) {
            self.beside.going = Some(going);
            self.pending.push_front(Pending::Batch);
            return Ok(Some(Pause::NewRelation(relation)));
        }
        if core.open_ticket().is_none() {
            self.unit_records = 0;
            core.apply(Input::UnitOpened, now, effects);
        }
        if let Some(ChunkRow { row, .. }) = going.rows.pop_front() {
            let pause = self.encode_row(&going.scene, &relation, &row, &texts)?;
            self.beside.going = Some(going);
            self.pending.push_back(Pending::Batch);
            return Ok(pause);
        }
        let records = std::mem::take(&mut self.unit_records);
        let ticket = core.open_ticket();
        core.apply(Input::MarkSealed { records }, now, effects);
        self.beside.sent.extend(ticket.map(|ticket| (ticket, going.number)));
        self.beside.apply(incremental::Input::Taken { number: going.number });
        // The stream goes on with the shape that it has.
        let streamed = self.assembler.catalog().get(relation.id).filter(|streamed| !self.tables.knows(streamed));
        Ok(streamed.map(|streamed| Pause::NewRelation(Arc::clone(streamed))))
    }

    fn encode_row(
        &mut self,
        scene: &Scene,
        relation: &Arc<RelationVersion>,
        row: &[u8],
        texts: &[bool],
    ) -> Result<Option<Pause>> {
        let mark = SnapshotMark::Incremental;
        let event = scene.event(relation, Change::Read { row: Tuple::from_copy(row, texts)?, mark });
        match encode(&mut self.encoder, &mut self.tables, &event, unix_nanos()) {
            Ok(waiting) => self.waiting = waiting,
            Err(error) => {
                let (encoder, off_table) = (&mut self.encoder, &mut self.off_table);
                let (records, topic) = Self::handle_failure(encoder, off_table, &event, row, error)?;
                self.waiting = 0..records;
                return Ok(self.lacking(topic));
            }
        }
        Ok(self.unready(relation.id))
    }

    /// The version that rows of a chunk are encoded with: that of the stream, or of the chunk before, where it is the same.
    pub fn chunk_version(&mut self, read: RelationVersion, texts: Vec<bool>) {
        let streamed = self.assembler.catalog().get(read.id);
        let before = self.beside.chunk.as_ref().map(|(relation, _)| relation);
        let is_same = |known: &&Arc<RelationVersion>| known.id == read.id && known.same_but_number(&read);
        let version = match streamed.filter(is_same).or(before.filter(is_same)) {
            Some(known) => Arc::clone(known),
            // Its number is none of the stream's, so that nobody takes it for one of those.
            None => Arc::new(RelationVersion { version: u32::MAX, ..read }),
        };
        self.beside.chunk = Some((version, texts));
    }

    /// The rows of a chunk with the keys of their records.
    ///
    /// # Errors
    /// `Protocol` for a row that does not fit its table.
    pub fn keys_of_chunk(&mut self, rows: &[Bytes]) -> Result<Keyed> {
        if !self.waiting.is_empty() {
            return Ok(Keyed::Busy);
        }
        let Some((relation, texts)) = self.beside.chunk.clone() else { return Ok(Keyed::Rows(Vec::new())) };
        let scene = Scene::new(Lsn::ZERO, PgMicros::now(), Xid(0));
        let mut keyed = Vec::with_capacity(rows.len());
        for row in rows {
            let change = Change::Read { row: Tuple::from_copy(row, &texts)?, mark: SnapshotMark::Incremental };
            // One that cannot be decoded is met again when it goes out, and handled there as every such row is.
            let records = self.encoder.encode(&scene.event(&relation, change), unix_nanos()).unwrap_or_default();
            self.encoder.take_back();
            if records > 0 && self.encoder.lacks_numbers() {
                return Ok(Keyed::Lacking(Lacks { schemas: self.encoder.unregistered(), topic: None }));
            }
            let key = self.encoder.record(0, NOBODYS_TICKET).and_then(|record| record.key);
            let key = key.map(Bytes::copy_from_slice).unwrap_or_default();
            keyed.push(ChunkRow { key, row: row.clone() });
        }
        Ok(Keyed::Rows(keyed))
    }
}

/// What became of the keys of a chunk.
#[derive(Debug)]
pub enum Keyed {
    /// They are here.
    Rows(Vec<ChunkRow>),
    /// Records wait in the encoder, so nothing else can be encoded now.
    Busy,
    /// Schemas have to be registered first.
    Lacking(Lacks),
}

impl Scene {
    fn event<'a>(&'a self, relation: &'a Arc<RelationVersion>, change: Change<'a>) -> Event<'a> {
        Event {
            position: Position { commit: self.transaction.commit, ordinal: 0 },
            lsn: self.lsn,
            last_commit: Some(self.lsn),
            transaction: &self.transaction,
            relation,
            change,
        }
    }
}
