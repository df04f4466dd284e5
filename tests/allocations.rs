//! The encoder takes no memory in the steady state: every allocation of the process is counted.

#![allow(clippy::unwrap_used, reason = "in a test a broken expectation is a failure, also in its support code")]

#[allow(dead_code, reason = "the bench uses the rest")]
#[path = "bench/encode/cases.rs"]
mod cases;

use walcast::config::{Converter, Records, TransactionMetadata};

/// Events before the count, for buffers to reach their size, and events counted.
const WARM_UP_EVENTS: u64 = 100;
const EVENTS: u64 = 10_000;

/// Allocations of one format over one table.
fn allocations(case: &cases::Case, converter: Converter) -> u64 {
    let mut encoder = cases::encoder(converter);
    let mut encode = |from: u64, count: u64| {
        for nth in from..from + count {
            // The clock moves on now and then, and the key changes with each second event.
            let event = if nth % 2 == 0 { case.insert(nth) } else { case.key_change(nth) };
            encoder.encode(&event, 1_700_000_000_000_000_000 + nth / 7).unwrap();
        }
    };
    encode(0, WARM_UP_EVENTS);
    allocation_counter::measure(|| encode(WARM_UP_EVENTS, EVENTS)).count_total
}

#[test]
fn encoding_an_event_takes_no_memory() {
    for case in [cases::narrow(), cases::wide()] {
        for converter in [cases::json(), cases::json_with_schema(), Converter::Avro] {
            assert_eq!(allocations(&case, converter), 0, "{} in {converter:?}", case.name);
        }
    }
}

/// Neither does saying where a record stands in its transaction.
#[test]
fn numbering_the_records_of_a_transaction_takes_no_memory() {
    let case = cases::narrow();
    for converter in [cases::json(), cases::json_with_schema(), Converter::Avro] {
        let mut encoder =
            cases::encoder_of(Records { transactions: TransactionMetadata::Provided, ..records(converter) });
        let mut encode = |from: u64, count: u64| {
            for nth in from..from + count {
                let event = case.key_change(nth);
                encoder.encode(&event, 1_700_000_000_000_000_000).unwrap();
            }
        };
        encode(0, WARM_UP_EVENTS);
        let taken = allocation_counter::measure(|| encode(WARM_UP_EVENTS, EVENTS)).count_total;
        assert_eq!(taken, 0, "{converter:?}");
    }
}

fn records(converter: Converter) -> Records {
    Records { key_converter: converter, value_converter: converter, ..Records::default() }
}

/// A count that is always nought proves nothing.
#[test]
fn an_allocation_would_be_counted() {
    let info = allocation_counter::measure(|| {
        std::hint::black_box(vec![1, 2, 3]);
    });
    assert_eq!(info.count_total, 1);
}
