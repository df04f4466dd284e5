//! walcast's own headers on the records of every kind of event.

use super::tests::{NOW_NANOS, column, options, relation};
use super::*;
use crate::catalog::{ColumnType, Nullability};
use crate::config::WalcastHeader::{EventId, Position as PositionHeader, SchemaVersion};
use crate::config::{SkippedOperations, TransactionMetadata, WalcastHeader};
use crate::event::{LogicalMessage, OldRow, Transaction};
use crate::lsn::{CommitLsn, Lsn, Position};
use crate::pgoutput::build::TupleBuffer;
use crate::pgoutput::{Datum, Xid};
use crate::pgtime::PgMicros;

const SYSTEM_ID: u64 = 7_345_678_901_234_567_890;

fn table() -> Arc<RelationVersion> {
    relation(vec![column("id", ColumnType::Int4, Nullability::Required)], &[0])
}

fn encoder(headers: &[WalcastHeader], change: impl FnOnce(&mut Records)) -> Encoder {
    let mut options = options();
    options.records.context_headers = false;
    options.records.walcast_headers = headers.to_vec();
    change(&mut options.records);
    let mut encoder = Encoder::new(options);
    encoder.begin_session(SYSTEM_ID);
    encoder
}

fn transaction() -> Transaction {
    Transaction {
        xid: Xid(7),
        commit: CommitLsn::new(Lsn::new(0x16_B374_D848)),
        commit_time: PgMicros::from_unix_micros(0),
        origin: None,
    }
}

/// The headers of all records of an event, but for the keys of a key change.
fn stamps(encoder: &mut Encoder, relation: &Arc<RelationVersion>, ordinal: u64, change: Change<'_>) -> Vec<String> {
    let transaction = transaction();
    let position = Position { commit: transaction.commit, ordinal };
    let event = Event { position, lsn: Lsn::new(1), last_commit: None, transaction: &transaction, relation, change };
    let records = encoder.encode(&event, NOW_NANOS).unwrap();
    written(encoder, records)
}

/// walcast's own headers of the last records, and no others.
fn written(encoder: &Encoder, records: usize) -> Vec<String> {
    (0..records)
        .map(|index| {
            let record = encoder.record(index, Ticket::from_u64(0)).unwrap();
            let texts = record.headers.iter().filter(|(name, _)| name.starts_with("walcast."));
            texts
                .map(|(name, value)| format!("{name}={}", std::str::from_utf8(value).unwrap()))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

fn row(id: &[u8]) -> TupleBuffer {
    TupleBuffer::new(&[Datum::Text(id)])
}

#[test]
fn every_record_of_an_event_is_stamped_in_the_order_that_is_asked_for() {
    let table = table();
    let (one, two) = (row(b"1"), row(b"2"));
    let mut encoder = encoder(&[SchemaVersion, EventId, PositionHeader], |_| {});
    encoder.number(&table, 12);
    encoder.plan(&table);
    let expected = |ordinal: u64, numbers: &[u32]| -> Vec<String> {
        let one = |number| {
            format!(
                "walcast.schema_version=12 walcast.event_id={SYSTEM_ID}-16/B374D848:{ordinal}-{number} \
                 walcast.position=16/B374D848:{ordinal}"
            )
        };
        numbers.iter().map(one).collect()
    };
    let new = one.tuple();
    let old = KnownRow::Key(two.tuple());
    for (ordinal, change, numbers) in [
        (1, Change::Insert { new }, &[0][..]),
        (2, Change::Update { old: OldRow::Absent, new }, &[0]),
        (3, Change::Update { old: OldRow::Known(old), new }, &[0, 1, 2]),
        (u64::MAX, Change::Delete { old }, &[0, 1]),
        (5, Change::Truncate, &[0]),
    ] {
        assert_eq!(stamps(&mut encoder, &table, ordinal, change), expected(ordinal, numbers), "{change:?}");
    }
}

#[test]
fn an_id_does_not_depend_on_the_records_that_are_left_out() {
    let table = table();
    let (one, two) = (row(b"1"), row(b"2"));
    let change = Change::Update { old: OldRow::Known(KnownRow::Key(two.tuple())), new: one.tuple() };
    let last = |text: &String| text.rsplit('-').next().map(str::to_owned);
    let ids = |change_records: &dyn Fn(&mut Records)| -> Vec<Option<String>> {
        let mut encoder = encoder(&[EventId], change_records);
        stamps(&mut encoder, &table, 1, change).iter().map(last).collect()
    };
    let own = |texts: &[&str]| -> Vec<Option<String>> { texts.iter().map(|text| Some((*text).to_owned())).collect() };
    assert_eq!(ids(&|_| {}), own(&["0", "1", "2"]));
    assert_eq!(ids(&|records| records.tombstones_on_delete = false), own(&["0", "2"]));
    let no_delete = SkippedOperations { create: false, update: false, delete: true, truncate: false };
    assert_eq!(ids(&|records| records.skipped = no_delete), own(&["2"]));
}

#[test]
fn the_tables_of_one_truncate_count_on_and_a_new_session_begins_anew() {
    let table = table();
    let mut encoder = encoder(&[EventId], |_| {});
    let id = |encoder: &mut Encoder, ordinal| {
        let stamped = stamps(encoder, &table, ordinal, Change::Truncate);
        stamped[0].rsplit('-').next().map(str::to_owned).unwrap()
    };
    assert_eq!([id(&mut encoder, 1), id(&mut encoder, 1), id(&mut encoder, 2)], ["0", "1", "0"]);
    encoder.begin_session(SYSTEM_ID);
    assert_eq!(id(&mut encoder, 2), "0", "what was cut off is sent again whole");
}

#[test]
fn a_number_belongs_to_its_version() {
    let first = table();
    let mut encoder = encoder(&[SchemaVersion], |_| {});
    encoder.number(&first, 1);
    let one = row(b"1");
    let insert = Change::Insert { new: one.tuple() };
    assert_eq!(stamps(&mut encoder, &first, 1, insert), ["walcast.schema_version=1"]);

    // Given a second version, when it has its number, then its records carry it
    let mut second = Arc::try_unwrap(table()).unwrap();
    second.version = 2;
    let second = Arc::new(second);
    encoder.number(&second, 2);
    encoder.plan(&second);
    assert_eq!(stamps(&mut encoder, &second, 2, insert), ["walcast.schema_version=2"]);

    // and one without a number carries none, rather than another one's
    let mut third = Arc::try_unwrap(table()).unwrap();
    third.version = 3;
    assert_eq!(stamps(&mut encoder, &Arc::new(third), 3, insert), [""]);
}

#[test]
fn nothing_is_added_unless_it_is_asked_for() {
    let table = table();
    let mut encoder = encoder(&[], |_| {});
    encoder.number(&table, 1);
    let one = row(b"1");
    assert_eq!(stamps(&mut encoder, &table, 1, Change::Insert { new: one.tuple() }), [""]);
}

#[test]
fn records_of_no_table_say_where_they_stand_unless_nothing_happened_there() {
    let (table, one, transaction) = (table(), row(b"1"), transaction());
    let mut encoder = encoder(&[PositionHeader, SchemaVersion, EventId], |records| {
        records.transactions = TransactionMetadata::Provided;
    });
    encoder.number(&table, 3);
    let message = |position, transaction| LogicalMessage {
        position,
        lsn: Lsn::new(0x16_B374_D8A0),
        last_commit: None,
        transaction,
        origin: None,
        prefix: "audit",
        content: b"x",
    };
    let stamped = |position: &str| [format!("walcast.position={position} walcast.event_id={SYSTEM_ID}-{position}-0")];

    // Given a transaction of a row and a message, then each of its records has a position of its own
    let records = encoder.begin_transaction(&transaction, Lsn::new(1));
    assert_eq!(written(&encoder, records), stamped("16/B374D848:0"));
    let numbered =
        format!("walcast.position=16/B374D848:1 walcast.schema_version=3 walcast.event_id={SYSTEM_ID}-16/B374D848:1-0");
    assert_eq!(stamps(&mut encoder, &table, 1, Change::Insert { new: one.tuple() }), [numbered]);
    let inside = message(Position { commit: transaction.commit, ordinal: 2 }, Some(&transaction));
    let records = encoder.message(inside, None, NOW_NANOS);
    assert_eq!(written(&encoder, records), stamped("16/B374D848:2"));
    let records = encoder.end_transaction(Lsn::new(1));
    assert_eq!(written(&encoder, records), stamped("16/B374D848:18446744073709551615"));

    // and so has a message outside transactions
    let lone = message(Position::end(CommitLsn::new(Lsn::new(0x16_B374_D89F))), None);
    let records = encoder.message(lone, None, NOW_NANOS);
    assert_eq!(written(&encoder, records), stamped("16/B374D89F:18446744073709551615"));

    // but not a heartbeat, which is no event of the database
    let records = encoder.heartbeat(NOW_NANOS);
    assert_eq!(written(&encoder, records), [""]);
}
