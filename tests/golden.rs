//! Debezium's own records, byte for byte.
//!
//! `tests/golden/` holds what Debezium wrote for workloads under many configurations, and the pgoutput frames of further
//! slots on the same write-ahead log (see the README there), so walcast is fed with the very bytes that Debezium decoded,
//! in text and in binary, and every byte of its records must agree: keys, values, headers, topics, order within a topic,
//! LSNs and transaction ids, schemas and their numbers.

#![expect(clippy::unwrap_used, reason = "a recording that cannot be read is a failure of the test")]

mod avro;
mod catalog;
mod chunks;
mod comparison;
mod corpus;
mod recording;
mod replay;
mod snapshot;
mod waiting;

use std::collections::BTreeMap;

use comparison::{AvroSchemas, Comparison, Differences, Known};
use recording::Recording;
use replay::{Form, replay};

/// Records of one major version that are compared, each from text and from binary.
const RECORDS_MIN: usize = 12_000;
/// Rows of one major version that are read in binary.
const BINARY_ROWS_MIN: usize = 4_200;

/// Given every recording of a major version, when walcast reads its frames, then it writes Debezium's records.
fn every_variant(major: u16) {
    let known = Known::read();
    let (mut differences, mut compared) = (Differences::default(), Compared::default());
    Recording::each_variant(major, |recording| {
        for form in [Form::Text, Form::Binary] {
            compare(recording, form, &known, &mut differences, &mut compared);
        }
    });

    assert_eq!(differences.len(), 0, "{differences}");
    println!("PostgreSQL {major}: {compared:?}");
    for form in [Form::Text, Form::Binary] {
        let records: usize = compared.records[&form].values().sum();
        assert!(records >= RECORDS_MIN, "only {records} records are compared from {form:?}");
    }
    assert!(compared.binary_rows >= BINARY_ROWS_MIN, "only {} rows are read in binary", compared.binary_rows);
}

/// How much was compared.
#[derive(Debug, Default)]
struct Compared {
    /// Records by variant.
    records: BTreeMap<Form, BTreeMap<String, usize>>,
    /// Rows that came in binary.
    binary_rows: usize,
}

/// Compares one recording in one form.
fn compare(recording: &Recording, form: Form, known: &Known, into: &mut Differences, compared: &mut Compared) {
    let place = format!("{} {} {} {form:?}", recording.server, recording.scenario, recording.variant);
    let schemas = schemas(recording);
    let comparison = Comparison { known, schemas: &schemas, place: place.clone() };
    let ours = match replay(recording, form) {
        Ok(replay) => replay,
        Err(refusal) => return into.tell(format!("{place}: {}", refusal.report())),
    };
    let mut found = Differences::default();
    let count = comparison.topics(&ours.topics, &recording.records, &mut found);
    *compared.records.entry(form).or_default().entry(recording.variant.clone()).or_default() += count;
    compared.binary_rows += if form == Form::Binary { ours.rows } else { 0 };
    if found.len() > 0 {
        ours.unregistered.into_iter().for_each(|told| found.tell(format!("{place}: {told}")));
    }
    found.iter().for_each(|told| into.tell(told.to_owned()));
}

/// The schemas of a recording's Avro records.
fn schemas(recording: &Recording) -> AvroSchemas {
    let mut schemas = AvroSchemas::default();
    if avro::is_avro(recording) {
        for (id, text) in recording.schemas.iter().map(|(id, text)| (u32::try_from(*id).unwrap(), text)) {
            assert!(!schemas.contains(id), "schema {id} stands twice");
            schemas.add(id, text);
        }
    }
    schemas
}

#[test]
fn records_of_postgresql_15_are_debeziums() {
    every_variant(15);
}

#[test]
fn records_of_postgresql_18_are_debeziums() {
    every_variant(18);
}

/// A comparison that cannot fail proves nothing: one changed byte anywhere must be told, in every format.
#[test]
fn one_changed_byte_is_told() {
    for (variant, label) in [("default", &b"\"txId\":"[..]), ("schemas", b"\"txId\":"), ("avro", b"post")] {
        let recording = Recording::of(15, "shop", variant);
        let mut ours = replay(&recording, Form::Text).unwrap().topics;
        let value = ours.values_mut().flatten().find_map(|record| record.value.as_mut()).unwrap();
        let at = value.windows(label.len()).position(|window| window == label).unwrap() + label.len();
        value[at] ^= 1;
        let schemas = schemas(&recording);
        let comparison = Comparison { known: &Known::read(), schemas: &schemas, place: variant.to_owned() };

        let mut differences = Differences::default();
        comparison.topics(&ours, &recording.records, &mut differences);

        assert_eq!(differences.len(), 1, "{differences}");
    }
}
