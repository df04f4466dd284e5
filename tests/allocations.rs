//! The encoder takes no memory in the steady state: every allocation of the process is counted.

#![allow(clippy::unwrap_used, reason = "in a test a broken expectation is a failure, also in its support code")]

#[allow(dead_code, reason = "the bench uses the rest")]
#[path = "bench/encode/cases.rs"]
mod cases;

use walcast::config::{self, AvroConverter, Brokers, Converter, Overrides, Records, TransactionMetadata};
use walcast::encode::Encoder;
use walcast::ledger::Ticket;

/// Events before the count, for buffers to reach their size, and events counted.
const WARM_UP_EVENTS: u64 = 100;
const EVENTS: u64 = 10_000;

/// Columns that are left out, cut, starred and hashed in both ways, and a key of one's own.
const RULES: &str = "\
    column.exclude.list=public.wide.column_2_.*\n\
    column.truncate.to.4.chars=public.(narrow.name|wide.column_0_.*)\n\
    column.mask.with.3.chars=public.wide.column_1_.*\n\
    column.mask.hash.SHA-256.with.salt.x=public.narrow.updated_at\n\
    message.key.columns=public.wide:column_0_1,column_0_6";
const HASHES: &str = "\
    column.mask.hash.SHA-256.with.salt.x=public.(narrow.name|wide.column_0_.*)\n\
    column.mask.hash.v2.SHA-512.with.salt.x=public.wide.column_1_.*";

/// Records under some rules.
fn under(rules: &str) -> Records {
    let text = format!(
        "database.hostname=h\ndatabase.user=u\ndatabase.dbname=d\ntopic.prefix=p\nplugin.name=pgoutput\n\
         snapshot.mode=no_data\n{rules}"
    );
    let overrides = Overrides { brokers: Brokers::NotNeeded, ..Overrides::default() };
    config::load_text("x.properties", &text, &overrides, &|_| None).unwrap().connector.records
}

/// Allocations of one encoder over one table.
fn allocations(case: &cases::Case, mut encoder: Encoder) -> u64 {
    let mut encode = |from: u64, count: u64| {
        for nth in from..from + count {
            // The clock moves on now and then, and the key changes with each second event.
            let event = if nth % 2 == 0 { case.insert(nth) } else { case.key_change(nth) };
            let records = encoder.encode(&event, 1_700_000_000_000_000_000 + nth / 7).unwrap();
            for index in 0..records {
                std::hint::black_box(encoder.record(index, Ticket::from_u64(nth)).unwrap().headers.iter().count());
            }
        }
    };
    encode(0, WARM_UP_EVENTS);
    allocation_counter::measure(|| encode(WARM_UP_EVENTS, EVENTS)).count_total
}

#[test]
fn encoding_an_event_takes_no_memory() {
    for case in rows() {
        for converter in [cases::json(), cases::json_with_schema(), Converter::Avro(AvroConverter::default())] {
            assert_eq!(allocations(&case, cases::encoder(converter)), 0, "{} in {converter:?}", case.name);
        }
        let mut stamping = cases::stamping_encoder();
        stamping.begin_session(7);
        stamping.number(&case.relation, 3);
        assert_eq!(allocations(&case, stamping), 0, "{} with stamps", case.name);
    }
}

/// Each row as it comes in text and in binary.
fn rows() -> impl Iterator<Item = cases::Case> {
    cases::Form::ALL.into_iter().flat_map(|form| [cases::narrow(form), cases::wide(form)])
}

#[test]
fn hiding_columns_takes_no_memory() {
    for case in rows() {
        for converter in [cases::json(), Converter::Avro(AvroConverter::default())] {
            for rules in [RULES, HASHES] {
                let counted = allocations(&case, cases::encoder_with(converter, under(rules)));
                assert_eq!(counted, 0, "{} in {converter:?} under {rules}", case.name);
            }
        }
    }
}

/// Neither does saying where a record stands in its transaction.
#[test]
fn numbering_the_records_of_a_transaction_takes_no_memory() {
    for case in rows() {
        for converter in [cases::json(), cases::json_with_schema(), Converter::Avro(AvroConverter::default())] {
            let records = Records { transactions: TransactionMetadata::Provided, ..Records::default() };
            let counted = allocations(&case, cases::encoder_with(converter, records));
            assert_eq!(counted, 0, "{} in {converter:?}", case.name);
        }
    }
}

/// A count that is always nought proves nothing.
#[test]
fn an_allocation_would_be_counted() {
    let info = allocation_counter::measure(|| {
        std::hint::black_box(vec![1, 2, 3]);
    });
    assert_eq!(info.count_total, 1);
}
