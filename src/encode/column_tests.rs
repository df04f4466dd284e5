//! Rules for columns: what rows leave out, hide, cut and describe, and which columns make the key.

use super::tests::{NOW_NANOS, column, event, options, relation, transaction};
use super::*;
use crate::catalog::{Column, ColumnType, IsText, Nullability, NumericSize, SourceType};
use crate::config::{
    AvroConverter, BinaryHandling, Brokers, Columns, DecimalHandling, JsonConverter, JsonSchemas, Overrides, load_text,
};
use crate::error::Kind;
use crate::event::OldRow;
use crate::pgoutput::Datum;
use crate::pgoutput::build::TupleBuffer;

/// The rules of some properties.
fn rules(properties: &str) -> Columns {
    let required = "database.hostname=h\ndatabase.user=u\ndatabase.dbname=d\ntopic.prefix=p\nplugin.name=pgoutput\n\
                    snapshot.mode=no_data\n";
    let overrides = Overrides { brokers: Brokers::NotNeeded, ..Overrides::default() };
    let loaded = load_text("x.properties", &format!("{required}{properties}"), &overrides, &|_| None);
    loaded.unwrap_or_else(|error| panic!("{}", error.report())).connector.records.columns
}

fn source(name: &str, length: i32, text: IsText) -> SourceType {
    SourceType { name: name.to_owned(), length, scale: Some(0), text }
}

/// `id integer PRIMARY KEY`
fn id() -> Column {
    Column { source_type: source("int4", 10, IsText::Other), ..column("id", ColumnType::Int4, Nullability::Required) }
}

/// `name text`
fn text(name: &str, nullability: Nullability) -> Column {
    Column { source_type: source("text", i32::MAX, IsText::Text), ..column(name, ColumnType::Text, nullability) }
}

#[test]
fn values_are_held_where_rows_or_the_key_have_them() {
    use crate::catalog::UnknownType;
    use crate::config::UnknownTypes;
    use crate::schema::holds_values;
    let composite = ColumnType::Unknown(UnknownType::Opaque);
    let columns =
        [ColumnType::Int4, ColumnType::Money, composite, ColumnType::DroppedArray(Box::new(ColumnType::Money))];
    let columns = (0..).zip(columns).map(|(at, of)| column(&format!("c{at}"), of, Nullability::Optional)).collect();
    let table = relation(columns, &[0]);
    let held = |properties: &str, unknown_types| {
        let records = Records { columns: rules(properties), unknown_types, ..Records::default() };
        [0, 1, 2, 3, 4].map(|position| holds_values(&table, position, &records))
    };
    for (properties, expected) in [
        ("", [true, true, false, false, false]),
        ("column.exclude.list=public.t.c1\n", [true, false, false, false, false]),
        ("column.include.list=public.t.c2\n", [true, false, false, false, false]),
        ("column.exclude.list=public.t.c[01]\nmessage.key.columns=public.t:c1\n", [false, true, false, false, false]),
    ] {
        assert_eq!(held(properties, UnknownTypes::LeftOut), expected, "{properties}");
    }
    assert_eq!(held("", UnknownTypes::AsBytes), [true, true, true, false, false]);
}

struct Written {
    keys: Vec<String>,
    values: Vec<String>,
}

impl Written {
    /// The rows of the values, from `before` to in front of `source`.
    fn rows(&self) -> Vec<&str> {
        let rows = |value: &'_ str| {
            let start = value.find("\"before\":").unwrap_or_default();
            let end = value.find(",\"source\":").unwrap_or(value.len());
            start..end
        };
        self.values.iter().map(|value| value.get(rows(value)).unwrap_or_default()).collect()
    }
}

fn written(records: Records, table: &Arc<RelationVersion>, change: Change<'_>) -> Written {
    let transaction = transaction();
    let mut encoder = Encoder::new(EncoderOptions { records, ..options() });
    let count = encoder.encode(&event(&transaction, table, change), NOW_NANOS).unwrap();
    let text = |bytes: Option<&[u8]>| {
        bytes.map_or_else(|| "null".to_owned(), |bytes| String::from_utf8(bytes.to_vec()).unwrap())
    };
    let records: Vec<_> = (0..count).map(|index| encoder.record(index, Ticket::from_u64(0)).unwrap()).collect();
    Written {
        keys: records.iter().map(|record| text(record.key)).collect(),
        values: records.iter().map(|record| text(record.value)).collect(),
    }
}

fn with(properties: &str) -> Records {
    Records { columns: rules(properties), ..Records::default() }
}

fn with_schema(properties: &str) -> Records {
    let Converter::Json(json) = Converter::default() else { panic!("JSON") };
    let converter = Converter::Json(JsonConverter { schemas: JsonSchemas::InEachRecord, ..json });
    Records { key_converter: converter, value_converter: converter, ..with(properties) }
}

#[test]
fn rows_leave_out_what_the_lists_say_and_the_key_stays() {
    // Given a table whose key and another column are excluded
    let defaulted = Column { default: Some("7".to_owned()), ..id() };
    let table = relation(vec![defaulted, text("a", Nullability::Optional), text("b", Nullability::Optional)], &[0]);
    let new = TupleBuffer::of_text(&["1", "x", "y"]);
    let insert = || Change::Insert { new: new.tuple() };
    for (list, row) in [
        ("column.exclude.list=PUBLIC.T.(id|b)", r#"{"a":"x"}"#),
        ("column.include.list=public.t.a,other.t.b", r#"{"a":"x"}"#),
        ("column.include.list=nothing", "{}"),
    ] {
        // When a row is written
        let written = written(with(list), &table, insert());

        // Then the row lacks them, and the key has its value
        assert_eq!(written.rows(), [format!(r#""before":null,"after":{row}"#)], "{list}");
        assert_eq!(written.keys, [r#"{"id":1}"#]);
    }
    // And in the key's schema such a column may be null and has no default, for Debezium reads neither
    let written = written(with_schema("column.exclude.list=public.t.id"), &table, insert());
    assert!(written.keys[0].contains(r#"[{"type":"int32","optional":true,"field":"id"}]"#), "{:?}", written.keys);
}

#[test]
fn texts_are_hidden_in_rows_and_not_in_keys() {
    // Given a table whose key is a text, with a rule for each column
    let table = relation(
        vec![
            text("key", Nullability::Required),
            text("stars", Nullability::Optional),
            text("hash", Nullability::Required),
            Column { source_type: source("varchar", 8, IsText::Text), ..text("short", Nullability::Optional) },
        ],
        &[0],
    );
    let records = || {
        with(
            "column.mask.with.3.chars=public.t.(key|stars)\n\
             column.mask.hash.v2.MD5.with.salt.a=public.t.(hash|short)",
        )
    };
    let row = |stars: &str, hash: &str, short: &str| {
        format!(r#"{{"key":"***","stars":{stars},"hash":{hash},"short":{short}}}"#)
    };
    let abc = "900150983cd24fb0d6963f7d28e17f72";

    // When rows with and without values are written; then null is hidden by stars and not by a hash, what stands for
    // values that were not sent is hashed, too, and a hash is no longer than the column
    let new = TupleBuffer::of_text(&["secret", "secret", "bc", "bc"]);
    let inserted = written(records(), &table, Change::Insert { new: new.tuple() });
    let expected = row(r#""***""#, &format!("\"{abc}\""), r#""90015098""#);
    assert_eq!(inserted.rows(), [format!(r#""before":null,"after":{expected}"#)]);
    assert_eq!(inserted.keys, [r#"{"key":"secret"}"#]);

    let old = TupleBuffer::new(&[Datum::Text(b"secret"), Datum::Null, Datum::Null, Datum::Null]);
    let deleted = written(records(), &table, Change::Delete { old: KnownRow::Key(old.tuple()) });
    let expected = row(r#""***""#, r#""0cc175b9c0f1b6a831c399e269772661""#, "null");
    assert_eq!(deleted.rows()[0], format!(r#""before":{expected},"after":null"#));

    let toast = TupleBuffer::new(&[Datum::Text(b"secret"), Datum::Unchanged, Datum::Unchanged, Datum::Unchanged]);
    let updated = written(records(), &table, Change::Update { old: OldRow::Absent, new: toast.tuple() });
    assert!(!updated.values[0].contains("__debezium_unavailable_value"), "{}", updated.values[0]);
}

#[test]
fn what_is_no_text_is_marked_and_not_hidden() {
    let table = relation(
        vec![
            id(),
            Column { source_type: source("citext", i32::MAX, IsText::Other), ..text("c", Nullability::Optional) },
        ],
        &[0],
    );
    let new = TupleBuffer::of_text(&["1", "shown"]);
    for rule in ["column.mask.with.3.chars=public.*", "column.mask.hash.MD5.with.salt.a=public.*"] {
        let written = written(with_schema(rule), &table, Change::Insert { new: new.tuple() });
        assert_eq!(
            written.rows()[0]
                .split_once("\"payload\":")
                .map_or(written.rows()[0], |(_, payload)| payload)
                .matches("shown")
                .count(),
            1
        );
        assert!(
            written.values[0].contains(r#""optional":true,"parameters":{"masked":"true"},"field":"c"}"#),
            "{}",
            written.values[0]
        );
    }
}

#[test]
fn texts_and_bytes_are_cut_whatever_they_are() {
    // Given columns of several types, all cut to five
    let of = |name: &str, column_type, length| Column {
        source_type: source("x", length, IsText::Other),
        ..column(name, column_type, Nullability::Optional)
    };
    let size = Some(NumericSize { precision: 10, scale: 2 });
    let table = relation(
        vec![
            text("t", Nullability::Optional),
            of("uuid", ColumnType::Uuid, i32::MAX),
            of("bytes", ColumnType::Bytea, i32::MAX),
            of("zoned", ColumnType::TimestampTz(6), 35),
            of("number", ColumnType::Numeric(size), 10),
            of("integer", ColumnType::Int8, 19),
            of("list", ColumnType::Array(Box::new(ColumnType::Text)), i32::MAX),
            of("short", ColumnType::Text, 5),
        ],
        &[],
    );
    let row = TupleBuffer::of_text(&[
        "a\u{1F389}\u{1F389}\u{1F389}",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "\\x00010203040506",
        "2024-02-29 12:34:56+00",
        "12345678.90",
        "1234567",
        "{abcdefgh}",
        "not cut",
    ]);
    let cut = |records: Records| {
        let records = Records { columns: rules("column.truncate.to.5.chars=public.t.*"), ..records };
        written(records, &table, Change::Insert { new: row.tuple() }).rows()[0].to_owned()
    };

    // When they are written; then texts are cut in UTF-16 units and bytes in bytes, numbers and lists are whole, and so is
    // a text of a column that is no longer than five
    let expected = concat!(
        r#""before":null,"after":{"t":"a\uD83C\uDF89\uD83C\uDF89","uuid":"a0eeb","bytes":"AAECAwQ=","zoned":"2024-","#,
        r#""number":"SZYC0g==","integer":1234567,"list":["abcdefgh"],"short":"not cut"}"#
    );
    assert_eq!(cut(Records::default()), expected);

    // And where numbers and bytes are texts, they are cut
    let texts = Records { decimals: DecimalHandling::String, binary: BinaryHandling::Hex, ..Records::default() };
    let row = cut(texts);
    assert!(row.contains(r#""bytes":"00010","#) && row.contains(r#""number":"12345","#), "{row}");
}

#[test]
fn half_a_character_is_an_escape_in_json_and_a_question_mark_in_avro() {
    let table = relation(vec![text("t", Nullability::Required)], &[]);
    let row = TupleBuffer::of_text(&["\u{1F389}\u{1F389}"]);
    let records = with("column.truncate.to.3.chars=public.t.t");
    let json = written(records.clone(), &table, Change::Insert { new: row.tuple() });
    assert_eq!(json.rows(), [r#""before":null,"after":{"t":"\uD83C\uDF89\uD83C"}"#]);

    #[derive(Debug)]
    struct Registered;
    impl SchemaIds for Registered {
        fn id(&self, _: &str, _: &str) -> Option<u32> {
            Some(1)
        }
    }
    let avro = Converter::Avro(AvroConverter::default());
    let records = Records { key_converter: avro, value_converter: avro, ..records };
    let mut encoder = Encoder::new(EncoderOptions { records, ..options() }).with_schema_ids(Arc::new(Registered));
    let transaction = transaction();
    encoder.encode(&event(&transaction, &table, Change::Insert { new: row.tuple() }), NOW_NANOS).unwrap();
    let value = encoder.record(0, Ticket::from_u64(0)).unwrap().value.unwrap();
    assert!(value.starts_with("\0\0\0\0\u{1}\0\u{2}\u{a}\u{1F389}?".as_bytes()), "{value:02x?}");
}

#[test]
fn the_first_rule_that_matches_a_column_holds() {
    // Given rules in the order in which Debezium tries them; when one column has two; then the earlier one holds
    let table = relation(vec![text("t", Nullability::Required)], &[]);
    let row = TupleBuffer::of_text(&["abc"]);
    let cut = "column.truncate.to.1.chars=public.t.t";
    let stars = "column.mask.with.2.chars=public.t.t";
    let described = "datatype.propagate.source.type=public.t.text";
    let hash = "column.mask.hash.v2.MD5.with.salt.x=public.t.t";
    for (properties, value) in [
        ([hash, stars, cut], "a"),
        ([hash, described, stars], "**"),
        // A description in front of a hash leaves the text as it is, in Debezium, too.
        ([hash, described, ""], "abc"),
    ] {
        let written = written(with(&properties.join("\n")), &table, Change::Insert { new: row.tuple() });
        assert_eq!(written.rows(), [format!(r#""before":null,"after":{{"t":"{value}"}}"#)], "{properties:?}");
    }
}

#[test]
fn a_source_is_described_behind_the_parameters_of_the_type() {
    let size = Some(NumericSize { precision: 10, scale: 2 });
    let amount = Column {
        source_type: SourceType { scale: Some(2), ..source("numeric", 10, IsText::Other) },
        ..column("an amount", ColumnType::Numeric(size), Nullability::Optional)
    };
    let unlimited = Column { source_type: source("bit", -1, IsText::Other), ..text("b", Nullability::Optional) };
    let table = relation(vec![id(), amount, unlimited], &[0]);
    let row = TupleBuffer::of_text(&["1", "1", "x"]);
    let written =
        written(with_schema("column.propagate.source.type=public.*"), &table, Change::Insert { new: row.tuple() });
    for part in [
        concat!(
            r#""parameters":{"scale":"2","connect.decimal.precision":"10","__debezium.source.column.type":"NUMERIC","#,
            r#""__debezium.source.column.length":"10","__debezium.source.column.scale":"2","#,
            r#""__debezium.source.column.name":"an amount"},"field":"an amount"}"#
        ),
        // A length that the driver does not know is not there.
        concat!(
            r#""parameters":{"__debezium.source.column.type":"BIT","__debezium.source.column.scale":"0","#,
            r#""__debezium.source.column.name":"b"},"field":"b"}"#
        ),
    ] {
        assert!(written.values[0].contains(part), "{}", written.values[0]);
    }
    assert!(!written.keys[0].contains("parameters"), "{}", written.keys[0]);
}

#[test]
fn keys_are_made_of_the_columns_that_are_named_in_their_order() {
    // Given a table with a primary key, and one without
    let columns = || vec![id(), text("b1", Nullability::Optional), text("b2", Nullability::Required)];
    let (keyed, keyless) = (relation(columns(), &[0]), relation(columns(), &[]));
    let new = TupleBuffer::of_text(&["1", "x", "y"]);
    for (rule, of_keyed, of_keyless) in [
        ("public.t:b2,id", r#"{"b2":"y","id":1}"#, r#"{"b2":"y","id":1}"#),
        ("other.t:b2;(.*).t:b1", r#"{"b1":"x"}"#, r#"{"b1":"x"}"#),
        // Several columns of one expression come in the table's order, and no column twice.
        ("public.t:b2,b.*", r#"{"b2":"y","b1":"x"}"#, r#"{"b2":"y","b1":"x"}"#),
        // What names no column at all changes nothing.
        ("public.t:nothing", r#"{"id":1}"#, "null"),
        ("public.u:b1", r#"{"id":1}"#, "null"),
        // A column that is left out of rows is in the key all the same.
        ("public.t:b1\ncolumn.exclude.list=public.t.b1", r#"{"b1":"x"}"#, r#"{"b1":"x"}"#),
    ] {
        for (table, key) in [(&keyed, of_keyed), (&keyless, of_keyless)] {
            let written =
                written(with(&format!("message.key.columns={rule}")), table, Change::Insert { new: new.tuple() });
            assert_eq!(written.keys, [key], "{rule}");
        }
    }
}

#[test]
fn a_named_key_that_changes_is_a_delete_and_a_create() {
    // Given a key that is not the replica identity
    let table = relation(vec![id(), text("b", Nullability::Optional)], &[0]);
    let records = || with("message.key.columns=public.t:b");
    let row = TupleBuffer::of_text(&["1", "x"]);
    let changed = TupleBuffer::of_text(&["1", "y"]);
    let identity = TupleBuffer::new(&[Datum::Text(b"2"), Datum::Null]);

    // When the old row is known whole and the column changes; then the old key is deleted
    let old = OldRow::Known(KnownRow::Full(row.tuple()));
    let full = written(records(), &table, Change::Update { old, new: changed.tuple() });
    assert_eq!(full.keys, [r#"{"b":"x"}"#, r#"{"b":"x"}"#, r#"{"b":"y"}"#]);

    // When only the identity is known; then the old key is null, as it is in Debezium
    let old = OldRow::Known(KnownRow::Key(identity.tuple()));
    let keyed = written(records(), &table, Change::Update { old, new: row.tuple() });
    assert_eq!(keyed.keys, [r#"{"b":null}"#, r#"{"b":null}"#, r#"{"b":"x"}"#]);

    // When nothing of it is known; then it is an update
    let plain = written(records(), &table, Change::Update { old: OldRow::Absent, new: changed.tuple() });
    assert_eq!(plain.keys, [r#"{"b":"y"}"#]);
}

#[test]
fn an_undecodable_value_or_element_tells_the_form_it_came_in() {
    // Given an integer of three bytes, and arrays with an element that is none.
    let array = ColumnType::Array(Box::new(ColumnType::Int4));
    let bits = |numbers: &[i32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
    let element = [bits(&[1, 0, 23, 1, 1, 3]), vec![1, 2, 3]].concat();
    let is_binary = crate::value::is_of_binary_form;
    for (of, datum, binary) in [
        (ColumnType::Int4, Datum::Binary(b"\0\0\x01"), true),
        (ColumnType::Int4, Datum::Text(b"forty"), false),
        (array.clone(), Datum::Binary(&element), true),
        (array, Datum::Text(b"{1,forty}"), false),
    ] {
        let table = relation(vec![column("n", of, Nullability::Optional)], &[]);
        let row = TupleBuffer::new(&[datum]);

        // When the row is encoded, then it fails, whatever is done with values that a field cannot hold.
        let change = Change::Insert { new: row.tuple() };
        let error = Encoder::new(options()).encode(&event(&transaction(), &table, change), NOW_NANOS).unwrap_err();
        assert_eq!((error.kind(), is_binary(&error)), (Kind::Undecodable, binary), "{datum:?}");
        let report = error.report();
        assert!(report.contains("public.t.n, type OID") && !report.contains("forty"), "{report}");
    }
}
