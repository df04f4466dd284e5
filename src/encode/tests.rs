//! Events and the records they become, written out.

use super::*;
use crate::catalog::{Column, ColumnType, DeclaredType, Learnt, Nullability, NumericSize, SourceType, UnknownType};
use crate::config::{SkippedOperations, Unrepresentable};
use crate::error::Kind;
use crate::event::{OldRow, SnapshotMark, Transaction, TransactionOrigin};
use crate::lsn::{CommitLsn, Lsn, Position};
use crate::pgoutput::build::TupleBuffer;
use crate::pgoutput::{Datum, ReplicaIdentity, TypeOid, Xid};
use crate::pgtime::PgMicros;

pub(super) const NOW_NANOS: u64 = 1_700_000_000_123_456_789;
const CLOCKS: &str = r#""ts_ms":1700000000123,"ts_us":1700000000123456,"ts_ns":1700000000123456789}"#;

pub(super) fn options() -> EncoderOptions {
    EncoderOptions {
        topic_prefix: "shop".to_owned(),
        dbname: "db".to_owned(),
        records: Records {
            skipped: SkippedOperations { create: false, update: false, delete: false, truncate: false },
            ..Records::default()
        },
        task_id: "0".to_owned(),
        run_id: "run".to_owned(),
    }
}

pub(super) fn column(name: &str, column_type: ColumnType, nullability: Nullability) -> Column {
    Column {
        name: name.to_owned(),
        type_oid: TypeOid(0),
        typmod: -1,
        identity: false,
        column_type,
        nullability,
        declared: DeclaredType::default(),
        default: None,
        source_type: SourceType::default(),
        learnt: Learnt::FromStream,
    }
}

pub(super) fn relation(columns: Vec<Column>, key: &[usize]) -> Arc<RelationVersion> {
    Arc::new(RelationVersion {
        id: RelationId(16_400),
        version: 1,
        schema: "public".to_owned(),
        table: "t".to_owned(),
        identity: ReplicaIdentity::Default,
        columns,
        key: key.to_vec(),
    })
}

/// `id integer PRIMARY KEY, name text NOT NULL, note text`
fn people() -> Arc<RelationVersion> {
    relation(
        vec![
            column("id", ColumnType::Int4, Nullability::Required),
            column("name", ColumnType::Text, Nullability::Required),
            column("note", ColumnType::Text, Nullability::Optional),
        ],
        &[0],
    )
}

pub(super) fn transaction() -> Transaction {
    Transaction {
        xid: Xid(u32::MAX),
        commit: CommitLsn::new(Lsn::new(1_000)),
        commit_time: PgMicros::from_unix_micros(1_600_000_000_123_456),
        origin: None,
    }
}

pub(super) fn event<'a>(
    transaction: &'a Transaction,
    relation: &'a Arc<RelationVersion>,
    change: Change<'a>,
) -> Event<'a> {
    Event {
        position: Position { commit: transaction.commit, ordinal: 1 },
        lsn: Lsn::new(900),
        last_commit: Some(Lsn::new(800)),
        transaction,
        relation,
        change,
    }
}

/// Records of a change as `own header | key | value` with the fixed parts of values left away.
fn records(encoder: &mut Encoder, relation: &Arc<RelationVersion>, change: Change<'_>) -> Vec<String> {
    let transaction = transaction();
    let count = encoder.encode(&event(&transaction, relation, change), NOW_NANOS).unwrap();
    (0..count).map(|index| told(&encoder.record(index, Ticket::from_u64(1)).unwrap())).collect()
}

fn told(record: &Record<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let value = record.value.map_or_else(
        || "tombstone".to_owned(),
        |value| {
            let value = text(value);
            let (rows, rest) = value.split_once(",\"source\":{").unwrap();
            let (_, operation) = rest.split_once("\"transaction\":null,").unwrap();
            format!("{rows} {}", operation.strip_suffix(CLOCKS).unwrap().trim_end_matches(','))
        },
    );
    let own = record.headers.own.map_or_else(String::new, |(name, value)| format!("{name}={} | ", text(value)));
    format!("{own}{} | {value}", record.key.map_or_else(|| "no key".to_owned(), text))
}

#[track_caller]
fn check(relation: &Arc<RelationVersion>, change: Change<'_>, expected: &[&str]) {
    assert_eq!(records(&mut Encoder::new(options()), relation, change), expected);
}

#[test]
fn an_envelope_is_debeziums_from_end_to_end() {
    let (transaction, relation) = (transaction(), people());
    let row = TupleBuffer::new(&[Datum::Text(b"1"), Datum::Text(b"Ada \"L\""), Datum::Null]);
    let mut encoder = Encoder::new(options());

    let count =
        encoder.encode(&event(&transaction, &relation, Change::Insert { new: row.tuple() }), NOW_NANOS).unwrap();
    let record = encoder.record(0, Ticket::from_u64(7)).unwrap();

    assert_eq!((count, &**record.topic, record.ticket), (1, "shop.public.t", Ticket::from_u64(7)));
    assert_eq!(record.unix_millis, Some(1_700_000_000_123));
    assert_eq!(record.key, Some(&br#"{"id":1}"#[..]));
    let expected = format!(
        concat!(
            r#"{{"before":null,"after":{{"id":1,"name":"Ada \"L\"","note":null}},"source":{{"version":"{}","#,
            r#""connector":"postgresql","name":"shop","ts_ms":1600000000123,"snapshot":"false","db":"db","#,
            r#""sequence":"[\"800\",\"900\"]","ts_us":1600000000123456,"ts_ns":1600000000123456000,"#,
            r#""schema":"public","table":"t","txId":4294967295,"lsn":900,"xmin":null,"origin":null,"#,
            r#""origin_lsn":null}},"transaction":null,"op":"c",{}"#
        ),
        env!("CARGO_PKG_VERSION"),
        CLOCKS
    );
    assert_eq!(std::str::from_utf8(record.value.unwrap()), Ok(expected.as_str()));
    let shared: Vec<String> = record
        .headers
        .shared
        .iter()
        .map(|header| format!("{}={}", header.key, String::from_utf8_lossy(&header.value)))
        .collect();
    assert_eq!(
        shared,
        [
            "__debezium.context.connectorLogicalName=shop",
            "__debezium.context.taskId=0",
            "__debezium.context.connectorName=postgresql",
            "__debezium.context.runId=run",
        ]
    );
    assert!(record.headers.own.is_none());
    assert!(encoder.record(1, Ticket::from_u64(7)).is_none());
}

#[test]
fn source_follows_the_transaction() {
    let relation = people();
    let row = TupleBuffer::of_text(&["1", "a", "b"]);
    for change in [Change::Insert { new: row.tuple() }, Change::Read { row: row.tuple(), mark: SnapshotMark::Within }] {
        let mut encoder = Encoder::new(options());
        let mut value = |event: Event<'_>| {
            encoder.encode(&event, NOW_NANOS).unwrap();
            String::from_utf8(encoder.record(0, Ticket::from_u64(1)).unwrap().value.unwrap().to_vec()).unwrap()
        };

        let first = transaction();
        let without = value(Event { last_commit: None, ..event(&first, &relation, change) });
        let later = value(Event { lsn: Lsn::new(950), last_commit: None, ..event(&first, &relation, change) });
        let again = value(Event { lsn: Lsn::new(950), last_commit: None, ..event(&first, &relation, change) });
        let second = Transaction {
            commit: CommitLsn::new(Lsn::new(2_000)),
            origin: Some(TransactionOrigin { name: "up \"1\"".to_owned(), lsn: Lsn::new(55) }),
            ..first.clone()
        };
        let replicated = value(Event { lsn: Lsn::new(950), ..event(&second, &relation, change) });

        assert!(without.contains(r#""sequence":"[null,\"900\"]""#), "{without}");
        assert!(later.contains(r#""sequence":"[null,\"950\"]""#) && later.contains(r#""lsn":950"#), "{later}");
        assert_eq!(later, again);
        assert!(replicated.contains(r#""origin":"up \"1\"","origin_lsn":55}"#), "{replicated}");
    }
}

#[test]
fn updates_and_deletes_show_what_was_sent_of_the_old_row() {
    let (one, two) = (TupleBuffer::of_text(&["1", "a", "b"]), TupleBuffer::of_text(&["1", "A", "b"]));
    let (one, two) = (one.tuple(), two.tuple());
    let key = TupleBuffer::new(&[Datum::Text(b"1"), Datum::Null, Datum::Null]);
    check(
        &people(),
        Change::Update { old: OldRow::Absent, new: two },
        &[r#"{"id":1} | {"before":null,"after":{"id":1,"name":"A","note":"b"} "op":"u""#],
    );
    check(
        &people(),
        Change::Update { old: OldRow::Known(KnownRow::Full(one)), new: two },
        &[r#"{"id":1} | {"before":{"id":1,"name":"a","note":"b"},"after":{"id":1,"name":"A","note":"b"} "op":"u""#],
    );
    check(
        &people(),
        Change::Delete { old: KnownRow::Full(one) },
        &[r#"{"id":1} | {"before":{"id":1,"name":"a","note":"b"},"after":null "op":"d""#, r#"{"id":1} | tombstone"#],
    );
    check(
        &people(),
        Change::Delete { old: KnownRow::Key(key.tuple()) },
        &[r#"{"id":1} | {"before":{"id":1,"name":"","note":null},"after":null "op":"d""#, r#"{"id":1} | tombstone"#],
    );
}

#[test]
fn a_key_change_is_delete_tombstone_create() {
    let old = TupleBuffer::new(&[Datum::Text(b"1"), Datum::Null, Datum::Null]);
    let new = TupleBuffer::of_text(&["2", "a", "b"]);
    let change = Change::Update { old: OldRow::Known(KnownRow::Key(old.tuple())), new: new.tuple() };
    let delete =
        r#"__debezium.newkey={"id":2} | {"id":1} | {"before":{"id":1,"name":"","note":null},"after":null "op":"d""#;
    let tombstone = r#"__debezium.newkey={"id":2} | {"id":1} | tombstone"#;
    let create =
        r#"__debezium.oldkey={"id":1} | {"id":2} | {"before":null,"after":{"id":2,"name":"a","note":"b"} "op":"c""#;
    check(&people(), change, &[delete, tombstone, create]);

    let mut without = options();
    without.records.tombstones_on_delete = false;
    assert_eq!(records(&mut Encoder::new(without), &people(), change), [delete, create]);
}

#[test]
fn a_table_without_key_has_null_keys() {
    let keyless = relation(people().columns.clone(), &[]);
    let (one, two) = (TupleBuffer::of_text(&["1", "a", "b"]), TupleBuffer::of_text(&["2", "a", "b"]));
    check(
        &keyless,
        Change::Update { old: OldRow::Known(KnownRow::Full(one.tuple())), new: two.tuple() },
        &[r#"no key | {"before":{"id":1,"name":"a","note":"b"},"after":{"id":2,"name":"a","note":"b"} "op":"u""#],
    );
    check(
        &keyless,
        Change::Delete { old: KnownRow::Full(one.tuple()) },
        &[r#"no key | {"before":{"id":1,"name":"a","note":"b"},"after":null "op":"d""#, "no key | tombstone"],
    );
}

#[test]
fn a_composite_key_is_in_key_order() {
    let reversed = relation(people().columns.clone(), &[1, 0]);
    let row = TupleBuffer::of_text(&["1", "a", "b"]);
    check(
        &reversed,
        Change::Insert { new: row.tuple() },
        &[r#"{"name":"a","id":1} | {"before":null,"after":{"id":1,"name":"a","note":"b"} "op":"c""#],
    );
}

#[test]
fn unchanged_toast_values_come_from_the_old_row_or_are_a_placeholder() {
    let new = TupleBuffer::new(&[Datum::Text(b"1"), Datum::Unchanged, Datum::Unchanged]);
    let old = TupleBuffer::new(&[Datum::Text(b"1"), Datum::Text(b"long"), Datum::Null]);
    check(
        &people(),
        Change::Update { old: OldRow::Absent, new: new.tuple() },
        &[concat!(
            r#"{"id":1} | {"before":null,"after":{"id":1,"name":"__debezium_unavailable_value","#,
            r#""note":"__debezium_unavailable_value"} "op":"u""#
        )],
    );
    check(
        &people(),
        Change::Update { old: OldRow::Known(KnownRow::Full(old.tuple())), new: new.tuple() },
        &[concat!(
            r#"{"id":1} | {"before":{"id":1,"name":"long","note":null},"#,
            r#""after":{"id":1,"name":"long","note":"__debezium_unavailable_value"} "op":"u""#
        )],
    );
    let others = relation(
        vec![
            column("b", ColumnType::Bytea, Nullability::Optional),
            column("n", ColumnType::Numeric(None), Nullability::Optional),
        ],
        &[],
    );
    let new = TupleBuffer::new(&[Datum::Unchanged, Datum::Unchanged]);
    check(
        &others,
        Change::Update { old: OldRow::Absent, new: new.tuple() },
        &[r#"no key | {"before":null,"after":{"b":"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==","n":null} "op":"u""#],
    );
}

#[test]
fn nulls_are_written_as_defaults_and_fillers() {
    let defaulted = |name, column_type, nullability, default: &str| Column {
        default: Some(default.to_owned()),
        ..column(name, column_type, nullability)
    };
    let size = Some(NumericSize { precision: 10, scale: 2 });
    let table = relation(
        vec![
            defaulted("a", ColumnType::Int4, Nullability::Optional, "7"),
            defaulted("b", ColumnType::Text, Nullability::Required, "x\"y"),
            defaulted("c", ColumnType::Numeric(size), Nullability::Optional, "1"),
            defaulted("d", ColumnType::Numeric(None), Nullability::Optional, "1"),
            defaulted("e", ColumnType::Int4, Nullability::Optional, "(1 + 1)"),
            column("f", ColumnType::TimestampTz(6), Nullability::Required),
            column("g", ColumnType::Numeric(None), Nullability::Required),
            column("h", ColumnType::Date, Nullability::Required),
            column("i", ColumnType::Unknown(UnknownType::Opaque), Nullability::Required),
            column("j", ColumnType::Uuid, Nullability::Required),
        ],
        &[],
    );
    let row = TupleBuffer::new(&[Datum::Null; 10]);
    check(
        &table,
        Change::Insert { new: row.tuple() },
        &[concat!(
            r#"no key | {"before":null,"after":{"a":7,"b":"x\"y","c":"ZA==","d":null,"e":null,"f":"1970-01-01T00:00:00Z","#,
            r#""g":{"scale":0,"value":"AA=="},"h":0,"j":""} "op":"c""#
        )],
    );
}

#[test]
fn a_number_that_json_has_not_is_null() {
    let table = relation(vec![column("n", ColumnType::Numeric(None), Nullability::Optional)], &[]);
    let row = TupleBuffer::of_text(&["NaN"]);
    let expected = [r#"no key | {"before":null,"after":{"n":null} "op":"c""#];
    check(&table, Change::Insert { new: row.tuple() }, &expected);
}

#[test]
fn a_number_that_json_has_not_stops_where_that_is_asked_for() {
    let table = relation(vec![column("n", ColumnType::Numeric(None), Nullability::Optional)], &[]);
    let row = TupleBuffer::of_text(&["NaN"]);
    let mut stopping = options();
    stopping.records.unrepresentable = Unrepresentable::Stops;
    let mut encoder = Encoder::new(stopping);
    encoder.plan(&table);
    let error =
        encoder.encode(&event(&transaction(), &table, Change::Insert { new: row.tuple() }), NOW_NANOS).unwrap_err();
    assert_eq!(error.kind(), Kind::Undecodable);
    assert!(error.report().contains(".n"), "{}", error.report());
}

#[test]
fn a_column_of_type_name_is_null() {
    let name = |name, nullability| Column { type_oid: TypeOid(19), ..column(name, ColumnType::Text, nullability) };
    let table = relation(vec![name("a", Nullability::Required), name("b", Nullability::Optional)], &[0]);
    let row = TupleBuffer::of_text(&["x", "y"]);
    let expected = [r#"{"a":""} | {"before":null,"after":{"a":"","b":null} "op":"c""#];
    check(&table, Change::Insert { new: row.tuple() }, &expected);
}

#[test]
fn skipped_operations_and_empty_rows_make_no_record() {
    let row = TupleBuffer::of_text(&["1", "a", "b"]);
    let row = row.tuple();
    let empty = TupleBuffer::new(&[]);
    let mut skipping = options();
    let SkippedOperations { create, update, delete, truncate, .. } = &mut skipping.records.skipped;
    [*create, *update, *delete, *truncate] = [true; 4];
    for change in [
        Change::Insert { new: row },
        Change::Update { old: OldRow::Absent, new: row },
        Change::Delete { old: KnownRow::Full(row) },
        Change::Truncate,
    ] {
        assert_eq!(records(&mut Encoder::new(skipping.clone()), &people(), change), [""; 0], "{change:?}");
    }
    let columnless = relation(Vec::new(), &[]);
    assert_eq!(records(&mut Encoder::new(options()), &columnless, Change::Insert { new: empty.tuple() }), [""; 0]);
}

#[test]
fn a_key_change_is_skipped_record_by_record() {
    let (old, new) = (TupleBuffer::of_text(&["1", "a", "b"]), TupleBuffer::of_text(&["2", "a", "b"]));
    let change = Change::Update { old: OldRow::Known(KnownRow::Full(old.tuple())), new: new.tuple() };
    let left = |skipped| {
        let mut options = options();
        options.records.skipped = skipped;
        let records = records(&mut Encoder::new(options), &people(), change);
        records.iter().map(|record| record.split(' ').next_back().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let none = SkippedOperations { create: false, update: false, delete: false, truncate: false };
    let (create, delete) = (r#""op":"c""#, r#""op":"d""#);
    assert_eq!(left(SkippedOperations { update: true, ..none }), [delete, "tombstone", create]);
    assert_eq!(left(SkippedOperations { delete: true, ..none }), [create]);
    assert_eq!(left(SkippedOperations { create: true, ..none }), [delete, "tombstone"]);
}

#[test]
fn a_truncate_has_no_key() {
    check(&people(), Change::Truncate, &[r#"no key | {"before":null,"after":null "op":"t""#]);
}

#[test]
fn headers_can_be_switched_off() {
    let mut plain = options();
    plain.records.context_headers = false;
    assert!(Encoder::new(plain).shared_headers().is_empty());
}

#[test]
fn an_undecodable_value_names_its_column_and_not_itself() {
    let (transaction, relation) = (transaction(), people());
    let row = TupleBuffer::of_text(&["forty-two", "a", "b"]);
    let mut encoder = Encoder::new(options());

    let error =
        encoder.encode(&event(&transaction, &relation, Change::Insert { new: row.tuple() }), NOW_NANOS).unwrap_err();

    assert_eq!((error.kind(), error.lsns().1), (Kind::Undecodable, Some(Lsn::new(900))));
    let report = error.report();
    assert!(report.contains("public.t.id") && !report.contains("forty"), "{report}");
    assert!(encoder.record(0, Ticket::from_u64(1)).is_none(), "nothing of the event is left");
}

#[test]
fn a_row_of_another_width_is_refused() {
    let (transaction, relation) = (transaction(), people());
    let row = TupleBuffer::of_text(&["1", "a"]);
    let change = Change::Insert { new: row.tuple() };
    let error = Encoder::new(options()).encode(&event(&transaction, &relation, change), NOW_NANOS).unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
}

#[test]
fn a_new_version_is_planned_and_keeps_its_topic() {
    let mut encoder = Encoder::new(options());
    let row = TupleBuffer::of_text(&["1", "a", "b"]);
    let narrow = TupleBuffer::of_text(&["1"]);
    let first = people();
    let second = relation(vec![column("id", ColumnType::Int4, Nullability::Required)], &[0]);

    let topic = encoder.plan(&first);
    records(&mut encoder, &first, Change::Insert { new: row.tuple() });
    let later = records(&mut encoder, &second, Change::Insert { new: narrow.tuple() });

    assert_eq!(later, [r#"{"id":1} | {"before":null,"after":{"id":1} "op":"c""#]);
    assert!(Arc::ptr_eq(&topic, &encoder.plan(&second)), "the name is made once");
}

#[test]
fn the_steady_state_needs_no_memory() {
    let (transaction, relation) = (transaction(), people());
    let old = TupleBuffer::new(&[Datum::Text(b"1"), Datum::Null, Datum::Null]);
    let new = TupleBuffer::of_text(&["2", "a name of some length, with \"quotes\"", "\n"]);
    let change = Change::Update { old: OldRow::Known(KnownRow::Key(old.tuple())), new: new.tuple() };
    let mut encoder = Encoder::new(options());
    let capacities = |encoder: &Encoder| {
        let encoded = &encoder.encoded;
        [&encoded.keys, &encoded.values, &encoded.headers].map(Vec::capacity)
    };
    encoder.encode(&event(&transaction, &relation, change), NOW_NANOS).unwrap();
    let before = capacities(&encoder);

    for round in 0..10_000 {
        encoder.encode(&event(&transaction, &relation, change), NOW_NANOS + round).unwrap();
    }

    assert_eq!(capacities(&encoder), before);
}

#[test]
fn memory_of_a_very_large_row_is_given_back() {
    let relation = people();
    let large = "x".repeat(8 * BUFFER_KEPT_BYTES);
    let (large, small) = (TupleBuffer::of_text(&["1", &large, "b"]), TupleBuffer::of_text(&["1", "a", "b"]));
    let mut encoder = Encoder::new(options());
    let transaction = transaction();

    encoder.encode(&event(&transaction, &relation, Change::Insert { new: large.tuple() }), NOW_NANOS).unwrap();
    encoder.encode(&event(&transaction, &relation, Change::Insert { new: small.tuple() }), NOW_NANOS).unwrap();

    assert!(encoder.encoded.values.capacity() <= BUFFER_KEPT_BYTES);
}
