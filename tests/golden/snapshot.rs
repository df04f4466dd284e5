//! A recording's snapshot: the bytes of each COPY on the way to the encoder.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;
use walcast::assemble::Assembler;
use walcast::catalog::RelationVersion;
use walcast::config::Connector;
use walcast::event::Event;
use walcast::lsn::Lsn;
use walcast::pgoutput::{Tuple, Xid};
use walcast::pgtime::PgMicros;
use walcast::pipeline::pump::Scene;
use walcast::snapshot::copy::CopyRows;
use walcast::snapshot::run::{PartId, Ready, Run};
use walcast::snapshot::selection::Selection;
use walcast::snapshot::tables::Subject;
use walcast::snapshot::tally::Tally;

use super::avro;
use super::recording::{Copy, Recording};

/// Bytes of a COPY that come at a time: few, so that rows lie in several pieces.
const PIECE_BYTES: usize = 1_000;

/// Reads all tables one after the other, and gives each event to `take`. Nothing where the connector takes no snapshot.
pub(super) fn read(
    recording: &Recording,
    connector: &Connector,
    assembler: &mut Assembler,
    take: impl FnMut(&Event<'_>),
) {
    if !connector.snapshot.mode.reads_rows() {
        return;
    }
    // Where every table is empty, nothing says when they were read.
    let Some(scene) = scene(recording) else { return };
    let tables = Tables::of(recording, &Selection::new(connector).unwrap(), None, assembler, Lsn::ZERO);
    tables.read(&scene, take);
}

/// What one snapshot reads.
pub(super) struct Tables<'r> {
    copies: Vec<&'r Copy>,
    pub(super) relations: Vec<Arc<RelationVersion>>,
}

impl<'r> Tables<'r> {
    /// Those that were copied for a signal, or before the stream, in the connector's order and as the catalog was at `at`.
    pub(super) fn of(
        recording: &'r Recording,
        selection: &Selection,
        signal: Option<&str>,
        assembler: &mut Assembler,
        at: Lsn,
    ) -> Self {
        let all: Vec<&Copy> = recording.copies.iter().filter(|copy| copy.signal.as_deref() == signal).collect();
        let copies = selected(&all, selection);
        let facts = recording.facts_at(at);
        let relations = copies.iter().map(|copy| assembler.learn(&copy.subject.relation, facts)).collect();
        Self { copies, relations }
    }

    /// Reads one after the other, and gives each event to `take`. Tells how many rows each has.
    pub(super) fn read(&self, scene: &Scene, mut take: impl FnMut(&Event<'_>)) -> Vec<u64> {
        let mut run = Run::new(&vec![1; self.copies.len()], Tally::default());
        let mut go_out = |ready: Ready| {
            let row = Tuple::from_copy(&ready.row, &self.copies[ready.table].texts).unwrap();
            take(&scene.row(&self.relations[ready.table], row, ready.mark));
        };
        for (part, copy) in self.copies.iter().enumerate() {
            let mut rows = CopyRows::new();
            for piece in copy.data.chunks(PIECE_BYTES) {
                rows.feed(Bytes::copy_from_slice(piece));
                while let Some(row) = rows.next_row().unwrap() {
                    run.row(PartId(part), row).unwrap().into_iter().for_each(&mut go_out);
                }
            }
            assert!(rows.has_ended(), "{} was cut off", copy.subject.name());
            let mut ready = Vec::new();
            run.end(PartId(part), &mut ready).unwrap();
            ready.into_iter().for_each(&mut go_out);
        }
        (0..self.copies.len()).map(|part| run.rows(PartId(part))).collect()
    }
}

/// The copies of what a connector reads, in its order.
fn selected<'r>(copies: &[&'r Copy], selection: &Selection) -> Vec<&'r Copy> {
    let mut subjects: Vec<Subject> = copies
        .iter()
        .map(|copy| &copy.subject)
        .filter(|subject| selection.admits(&subject.relation.schema, &subject.relation.table))
        .cloned()
        .collect();
    subjects.sort_by_key(|subject| subject.relation.id.0);
    subjects.dedup_by_key(|subject| subject.relation.id.0);
    selection.arrange(&mut subjects);
    let copy_of = |subject: &Subject| {
        let is_it =
            |copy: &&&Copy| copy.subject.relation.id == subject.relation.id && copy.subject.query == subject.query;
        *copies.iter().find(is_it).unwrap_or_else(|| panic!("{} was not copied", subject.name()))
    };
    subjects.iter().map(copy_of).collect()
}

/// When and where Debezium read the tables, as each of its records says.
fn scene(recording: &Recording) -> Option<Scene> {
    let values = recording.records.values().filter_map(|records| records.first()?.value.as_deref());
    let mut sources = values.map(|value| source(recording, value));
    let source = sources.find(|source| source("snapshot").as_str().is_some_and(|mark| mark != "false"))?;
    let number = |name| source(name).as_u64().unwrap();
    let taken = PgMicros::from_unix_micros(number("ts_us").cast_signed());
    Some(Scene::new(Lsn::new(number("lsn")), taken, Xid(u32::try_from(number("txId")).unwrap())))
}

/// The members of a record's block `source`, by name.
pub(super) fn source(recording: &Recording, value: &[u8]) -> Box<dyn Fn(&str) -> Json> {
    let source = avro::is_avro(recording).then(|| avro::source(recording, value));
    // Debezium cuts texts between the halves of a surrogate pair; what is no JSON then is not looked at.
    let json = if source.is_none() { avro::payload(value) } else { None };
    Box::new(move |name: &str| match (&source, &json) {
        (Some(source), _) => avro::held(source.get(name)),
        (None, json) => json.as_ref().map_or(Json::Null, |json| json["source"][name].clone()),
    })
}
