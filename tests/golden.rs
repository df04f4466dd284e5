//! Debezium's own records, byte for byte.
//!
//! `tests/golden/` holds what Debezium wrote for a workload and the pgoutput frames of a second slot on the same
//! write-ahead log (see the README there), so walcast is fed with the very bytes that Debezium decoded, and every
//! byte of its records must agree: keys, values, headers, topics, order within a topic, LSNs and transaction ids.

#![expect(clippy::unwrap_used, reason = "a recording that cannot be read is a failure of the test")]

use std::collections::BTreeMap;

use walcast::assemble::{Assembler, Step};
use walcast::catalog::Catalog;
use walcast::config::{self, Brokers, Connector, Overrides};
use walcast::encode::{Encoder, EncoderOptions};
use walcast::event::Event;
use walcast::ledger::Ticket;
use walcast::pgoutput::{Block, parse};
use walcast::source::capture::CaptureFilter;

mod catalog;
mod compare;
mod corpus;
mod recording;

use compare::Differences;
use recording::{Recorded, Recording};

/// Runs every recorded scenario of a major version; all differences are told at once.
fn every_scenario(major: u16) {
    let recordings = Recording::all(major);
    assert!(recordings.len() >= 6, "only {} scenarios are recorded for {major}", recordings.len());
    let mut differences = Differences::default();
    for recording in &recordings {
        let ours = replay(recording);
        compare::records(recording, &ours, &mut differences);
    }
    differences.none_or_panic();
}

#[test]
fn records_of_postgresql_15_are_debeziums() {
    every_scenario(15);
}

#[test]
fn records_of_postgresql_18_are_debeziums() {
    every_scenario(18);
}

/// A comparison that cannot fail proves nothing: one changed byte anywhere must be told.
#[test]
fn one_changed_byte_is_told() {
    let recording = Recording::all(15).into_iter().find(|recording| recording.scenario == "shop").unwrap();
    let mut ours = replay(&recording);
    let value = ours.values_mut().flatten().find_map(|record| record.value.as_mut()).unwrap();
    let at = value.windows(7).position(|window| window == b"\"txId\":").unwrap() + 7;
    value[at] = if value[at] == b'1' { b'2' } else { b'1' };

    let mut differences = Differences::default();
    compare::records(&recording, &ours, &mut differences);

    assert_eq!(differences.len(), 1, "{differences}");
}

/// What walcast makes of a recording's frames, by topic.
fn replay(recording: &Recording) -> BTreeMap<String, Vec<Recorded>> {
    let connector = connector(recording);
    let filter = CaptureFilter::new(&connector.capture).unwrap();
    let mut encoder = Encoder::new(EncoderOptions {
        topic_prefix: connector.topic_prefix,
        dbname: connector.database.dbname,
        records: connector.records,
        task_id: "0".to_owned(),
        run_id: "01900000-0000-7000-8000-000000000000".to_owned(),
    });
    let mut assembler = Assembler::new(Catalog::new(), None, None);
    let mut records = BTreeMap::new();
    let mut take = |event: &Event<'_>| {
        if filter.matches(&event.relation.schema, &event.relation.table) {
            encode(&mut encoder, event, &mut records);
        }
    };
    for frame in &recording.frames {
        let message = parse(Block::Plain, &frame.data).unwrap();
        let needed = match assembler.step(frame.lsn, message).unwrap() {
            Step::Event(event) => {
                take(&event);
                None
            }
            Step::Truncate(truncated) => {
                truncated.events().for_each(|event| take(&event));
                None
            }
            Step::NeedsFacts(relation) => Some(relation),
            _ => None,
        };
        if let Some(relation) = needed {
            assembler.learn(&relation, recording.facts_at(frame.lsn));
        }
    }
    records
}

/// The connector's own configuration, as Debezium got it.
fn connector(recording: &Recording) -> Connector {
    let overrides = Overrides { brokers: Brokers::NotNeeded, ..Overrides::default() };
    config::load_text("connector.json", &recording.connector, &overrides, &|_| None)
        .unwrap_or_else(|error| panic!("{}: {}", recording.scenario, error.report()))
        .connector
}

fn encode(encoder: &mut Encoder, event: &Event<'_>, records: &mut BTreeMap<String, Vec<Recorded>>) {
    let count = match encoder.encode(event, 1_700_000_000_123_456_789) {
        Ok(count) => count,
        // Told as a record that differs, so that one refusal does not hide what comes after it.
        Err(error) => {
            let topic = encoder.plan(event.relation).to_string();
            let value = Some(error.report().into_bytes());
            records.entry(topic).or_default().push(Recorded { key: None, value, headers: Vec::new() });
            return;
        }
    };
    for index in 0..count {
        let record = encoder.record(index, Ticket::from_u64(0)).unwrap();
        let own = record.headers.own.map(|(key, value)| (key.to_owned(), value.to_vec()));
        let shared = record.headers.shared.iter().map(|header| (header.key.clone(), header.value.clone()));
        records.entry(record.topic.to_string()).or_default().push(Recorded {
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: own.into_iter().chain(shared).collect(),
        });
    }
}
