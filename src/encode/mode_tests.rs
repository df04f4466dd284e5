//! What the handling modes and the converter's settings make of values, written out.

use super::tests::{NOW_NANOS, column, event, options, relation, transaction};
use super::*;
use crate::catalog::{Column, ColumnType, Nullability, NumericSize, RangeType};
use crate::config::{
    BinaryHandling, Converter, DecimalFormat, DecimalHandling, HstoreHandling, IntervalHandling, JsonConverter,
    JsonSchemas, NameAdjustment, NullForm, TimePrecision, UnknownTypes,
};
use crate::pgoutput::Datum;
use crate::pgoutput::build::TupleBuffer;

/// The row of an insert of one optional column, without the braces.
#[track_caller]
fn written(records: Records, column_type: ColumnType, text: &str) -> String {
    let relation = relation(vec![column("c", column_type, Nullability::Optional)], &[]);
    let row = TupleBuffer::of_text(&[text]);
    let value = value(records, &relation, &row);
    let (_, row) = value.split_once(r#""after":{"c":"#).unwrap();
    row.split_once("},\"source\":").unwrap().0.to_owned()
}

#[track_caller]
fn value(records: Records, relation: &Arc<RelationVersion>, row: &TupleBuffer) -> String {
    let transaction = transaction();
    let mut encoder = Encoder::new(EncoderOptions { records, ..options() });
    encoder.encode(&event(&transaction, relation, Change::Insert { new: row.tuple() }), NOW_NANOS).unwrap();
    let record = encoder.record(0, Ticket::from_u64(0)).unwrap();
    String::from_utf8(record.value.unwrap().to_vec()).unwrap()
}

const fn sized(precision: u16, scale: i16) -> ColumnType {
    ColumnType::Numeric(Some(NumericSize { precision, scale }))
}

#[test]
fn decimals_are_bytes_doubles_or_texts() {
    use DecimalHandling::{Double, Precise, String};
    for (mode, column_type, text, json) in [
        (Precise, sized(10, 2), "1.50", r#""AJY=""#),
        (Precise, sized(10, 2), "NaN", "null"),
        (Precise, ColumnType::Numeric(None), "1.50", r#"{"scale":1,"value":"Dw=="}"#),
        (Double, sized(10, 2), "1.50", "1.5"),
        (Double, ColumnType::Numeric(None), "100000000000000000000", "1.0E20"),
        (Double, ColumnType::Numeric(None), "NaN", r#""NaN""#),
        (Double, sized(10, 2), "-Infinity", r#""-Infinity""#),
        (String, sized(10, 2), "1.50", r#""1.50""#),
        (String, sized(5, -2), "12300", &format!("\"12300.{}\"", "0".repeat(2_046))),
        (String, ColumnType::Numeric(None), "1.50", r#""1.50""#),
        (String, ColumnType::Numeric(None), "NaN", r#""NAN""#),
        (String, ColumnType::Numeric(None), "Infinity", r#""POSITIVE_INFINITY""#),
        (String, ColumnType::Numeric(None), "-Infinity", r#""NEGATIVE_INFINITY""#),
    ] {
        let records = Records { decimals: mode, ..Records::default() };
        assert_eq!(written(records, column_type, text), json, "{text} in {mode:?}");
    }
}

#[test]
fn times_follow_their_precision_mode() {
    use TimePrecision::{Adaptive, AdaptiveTimeMicroseconds, Connect, IsoString, Microseconds, Nanoseconds};
    let (date, time3, time6) = (ColumnType::Date, ColumnType::Time(3), ColumnType::Time(6));
    let (at3, at6) = (ColumnType::Timestamp(3), ColumnType::Timestamp(6));
    let (second, micro) = ("1970-01-02 00:00:01", "1970-01-01 00:00:01.000002");
    for (mode, column_type, text, json) in [
        (Adaptive, &date, "1970-01-02", "1"),
        (Adaptive, &time3, "00:00:01.5", "1500"),
        (Adaptive, &time6, "00:00:01.5", "1500000"),
        (Adaptive, &at3, second, "86401000"),
        (Adaptive, &at6, micro, "1000002"),
        (AdaptiveTimeMicroseconds, &time3, "00:00:01.5", "1500000"),
        (AdaptiveTimeMicroseconds, &at3, second, "86401000"),
        (Connect, &date, "1970-01-02", "1"),
        (Connect, &time6, "00:00:01.5", "1500"),
        (Connect, &at6, micro, "1000"),
        (Connect, &at6, "infinity", "9223372036825200"),
        (IsoString, &date, "1970-01-02", r#""1970-01-02Z""#),
        (IsoString, &time6, "00:00:01.5", r#""00:00:01.5Z""#),
        (IsoString, &at6, micro, r#""1970-01-01T00:00:01.000002Z""#),
        (IsoString, &at6, "-infinity", r#""-290308-12-21T19:59:27.6Z""#),
        (Microseconds, &time3, "00:00:01.5", "1500000"),
        (Microseconds, &at3, second, "86401000000"),
        (Nanoseconds, &date, "1970-01-02", "1"),
        (Nanoseconds, &time3, "00:00:01.5", "1500000000"),
        (Nanoseconds, &at6, micro, "1000002000"),
        (Nanoseconds, &at6, "infinity", "9223372036854775807"),
        (Nanoseconds, &at6, "2262-05-01 00:00:00", "null"),
    ] {
        let records = Records { times: mode, ..Records::default() };
        assert_eq!(written(records, column_type.clone(), text), json, "{text} in {mode:?}");
    }
}

#[test]
fn bytes_are_bytes_or_texts() {
    for (binary, json) in [
        (BinaryHandling::Bytes, r#""+//+AQ==""#),
        (BinaryHandling::Base64, r#""+//+AQ==""#),
        (BinaryHandling::Base64UrlSafe, r#""-__-AQ==""#),
        (BinaryHandling::Hex, r#""fbfffe01""#),
    ] {
        let records = Records { binary, ..Records::default() };
        assert_eq!(written(records, ColumnType::Bytea, "\\xfbfffe01"), json, "{binary:?}");
    }
}

#[test]
fn types_of_few_tables_have_debeziums_forms() {
    let array = |element| ColumnType::Array(Box::new(element));
    for (column_type, text, json) in [
        (ColumnType::Money, "$1,234.50", r#""AeI6""#),
        (ColumnType::Bit(Some(1)), "1", "true"),
        (ColumnType::Bit(Some(9)), "100000001", r#""AQE=""#),
        (ColumnType::VarBit(None), "0", r#""""#),
        (ColumnType::TimeTz(6), "12:34:56.5+02", r#""10:34:56.5Z""#),
        (ColumnType::Interval, "1 mon", "2629800000000"),
        (ColumnType::Cidr, "10.0.0.0/8", r#""10.0.0.0/8""#),
        (ColumnType::Range(RangeType::Int4), "[1,5)", r#""[1,5)""#),
        (ColumnType::Hstore, r#""a"=>"x\"y", "b"=>NULL"#, r#""{\"a\":\"x\\\"y\",\"b\":null}""#),
        (ColumnType::Point, "(1,2)", r#"{"x":1.0,"y":2.0,"wkb":"AQEAAAAAAAAAAADwPwAAAAAAAABA","srid":null}"#),
        (
            ColumnType::Geometry,
            "0101000020E6100000000000000000F03F0000000000000040",
            r#"{"wkb":"AQEAACDmEAAAAAAAAAAA8D8AAAAAAAAAQA==","srid":4326}"#,
        ),
        (ColumnType::Vector, "[1,0.1]", "[1.0,0.1]"),
        (ColumnType::SparseVec, "{1:1.5,3:0.1}/5", r#"{"dimensions":5,"vector":[[1,1.5],[3,0.1]]}"#),
        (ColumnType::SparseVec, "{}/3", r#"{"dimensions":3,"vector":[]}"#),
        // The order of a Java map of four buckets that holds four entries, and so has grown to eight.
        (
            ColumnType::SparseVec,
            "{1:1,8:2,9:3,17:4}/20",
            r#"{"dimensions":20,"vector":[[8,2.0],[1,1.0],[9,3.0],[17,4.0]]}"#,
        ),
        // Debezium has short integers for indexes and dimensions.
        (ColumnType::SparseVec, "{1:1}/40000", "null"),
        (array(ColumnType::Text), r#"{a,NULL,"NULL"}"#, r#"["a",null,"NULL"]"#),
        (array(ColumnType::Int2), "{}", "[]"),
        (array(ColumnType::Date), "{1970-01-02}", "[1]"),
        // Debezium has no form for arrays in arrays.
        (array(ColumnType::Int4), "{{1,2},{3,4},{5,6}}", "[null,null,null]"),
        (array(ColumnType::Text), r#"{{a,"}"},{NULL,c}}"#, "[null,null]"),
        (array(ColumnType::Float8), "[0:1][1:1][1:1]={{{1}},{{2}}}", "[null,null]"),
        (array(ColumnType::Date), "{{1970-01-02}}", "[null]"),
    ] {
        assert_eq!(written(Records::default(), column_type.clone(), text), json, "{column_type:?}");
    }
    let records = || Records {
        intervals: IntervalHandling::String,
        hstore: HstoreHandling::Map,
        unknown_types: UnknownTypes::AsBytes,
        binary: BinaryHandling::Hex,
        ..Records::default()
    };
    assert_eq!(written(records(), ColumnType::Interval, "-1 days +00:00:01.5"), r#""P0Y0M-1DT0H0M1.5S""#);
    assert_eq!(written(records(), ColumnType::Hstore, r#""a"=>NULL"#), r#"{"a":null}"#);
    let domains = |element| ColumnType::DomainArray(Box::new(element));
    assert_eq!(written(records(), domains(ColumnType::Int4), "{1,23}"), r#"["31","3233"]"#);
    assert_eq!(written(records(), domains(ColumnType::Text), "{a,NULL}"), "null");
    assert_eq!(written(records(), ColumnType::Circle, "<(1,2),3>"), format!("\"{}\"", hex("<(1.0,2.0),3.0>")));
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn json(schemas: JsonSchemas, decimals: DecimalFormat, nulls: NullForm) -> Records {
    let converter = Converter::Json(JsonConverter { schemas, decimals, nulls });
    Records { key_converter: converter, value_converter: converter, ..Records::default() }
}

#[test]
fn decimals_can_be_json_numbers() {
    let records = || json(JsonSchemas::Absent, DecimalFormat::Numeric, NullForm::Default);
    assert_eq!(written(records(), sized(10, 2), "1.50"), "1.50");
    assert_eq!(written(records(), sized(10, 8), "0.00000001"), "1E-8");
    assert_eq!(written(records(), ColumnType::Numeric(None), "1.50"), r#"{"scale":1,"value":"Dw=="}"#);
}

#[test]
fn nulls_can_stay_null() {
    let defaulted =
        |name, nullability| Column { default: Some("7".to_owned()), ..column(name, ColumnType::Int4, nullability) };
    let table = relation(vec![defaulted("a", Nullability::Optional), defaulted("b", Nullability::Required)], &[]);
    let row = TupleBuffer::new(&[Datum::Null; 2]);
    let records = json(JsonSchemas::Absent, DecimalFormat::Base64, NullForm::Null);
    let value = value(records, &table, &row);
    assert!(value.contains(r#""after":{"a":null,"b":7}"#), "{value}");
    assert!(value.contains(r#""snapshot":null"#), "the default of source.snapshot is one too: {value}");
}

#[test]
fn a_record_carries_its_schema_where_asked_to() {
    let table = relation(
        vec![
            column("id", ColumnType::Int4, Nullability::Required),
            Column {
                default: Some("1.5".to_owned()),
                ..column(
                    "no.te",
                    ColumnType::Numeric(Some(NumericSize { precision: 5, scale: 2 })),
                    Nullability::Optional,
                )
            },
        ],
        &[0],
    );
    let records = Records {
        schema_names: NameAdjustment::Avro,
        field_names: NameAdjustment::Avro,
        ..json(JsonSchemas::InEachRecord, DecimalFormat::Base64, NullForm::Default)
    };
    let row = TupleBuffer::of_text(&["1", "2.25"]);
    let transaction = transaction();
    let mut encoder = Encoder::new(EncoderOptions { records, topic_prefix: "my-shop".to_owned(), ..options() });
    encoder
        .encode(&event(&transaction, &table, Change::Delete { old: KnownRow::Full(row.tuple()) }), NOW_NANOS)
        .unwrap();
    let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
    let delete = encoder.record(0, Ticket::from_u64(0)).unwrap();
    let (key, value) = (text(delete.key), text(delete.value));

    assert_eq!(&**delete.topic, "my-shop.public.t");
    assert_eq!(
        key,
        concat!(
            r#"{"schema":{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"}],"optional":false,"#,
            r#""name":"my_shop.public.t.Key"},"payload":{"id":1}}"#
        )
    );
    let row = concat!(
        r#"{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"},"#,
        r#"{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"#,
        r#""parameters":{"scale":"2","connect.decimal.precision":"5"},"default":"AJY=","field":"no_te"}],"#,
        r#""optional":true,"name":"my_shop.public.t.Value","field":"#
    );
    let start = format!(
        r#"{{"schema":{{"type":"struct","fields":[{row}"before"}},{row}"after"}},{{"type":"struct","fields":[{{"type":"string","optional":false,"field":"version"}}"#
    );
    assert!(value.starts_with(&start), "{value}");
    let block = concat!(
        r#"{"type":"string","optional":true,"name":"io.debezium.data.Enum","version":1,"parameters":{"allowed":"#,
        r#""true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"},"default":"false","#,
        r#""field":"snapshot"}"#
    );
    assert!(value.contains(block), "{value}");
    let end = concat!(
        r#""optional":false,"name":"my_shop.public.t.Envelope","version":2},"#,
        r#""payload":{"before":{"id":1,"no_te":"AOE="},"after":null,"source":{"version":"#
    );
    assert!(value.contains(end) && value.ends_with("}}"), "{value}");
    assert!(encoder.record(1, Ticket::from_u64(0)).unwrap().value.is_none(), "a tombstone stays null");
}
