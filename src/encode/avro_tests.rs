//! What the Avro writer writes is read back by a library and equals what the JSON writer writes of the same event.

use apache_avro::types::Value as Avro;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::tests::{NOW_NANOS, column, event, options, relation, transaction};
use super::*;
use crate::catalog::{Column, ColumnType, Nullability, NumericSize, RangeType, UnknownType};
use crate::config::{
    AvroConverter, BinaryHandling, Converter, DecimalHandling, HstoreHandling, IntervalHandling, TimePrecision,
    UnknownTypes,
};
use crate::event::OldRow;
use crate::pgoutput::Datum;
use crate::pgoutput::build::TupleBuffer;

const VALUE_ID: u32 = 0x0102_0304;
const KEY_ID: u32 = 9;

/// A registry that has every schema.
#[derive(Debug)]
struct Registered;

impl SchemaIds for Registered {
    fn id(&self, subject: &str, _: &str) -> Option<u32> {
        Some(if subject.ends_with("-key") { KEY_ID } else { VALUE_ID })
    }
}

fn unregistered(records: Records, converter: Converter) -> Encoder {
    let records = Records { key_converter: converter, value_converter: converter, ..records };
    Encoder::new(EncoderOptions { records, ..options() })
}

fn encoder(records: Records, converter: Converter) -> Encoder {
    unregistered(records, converter).with_schema_ids(Arc::new(Registered))
}

/// One column of each type, required, optional and with a default.
fn every_type() -> (Arc<RelationVersion>, Vec<&'static str>) {
    let size = |precision, scale| ColumnType::Numeric(Some(NumericSize { precision, scale }));
    let labels: Arc<[String]> = Arc::from(["sad".to_owned(), "ok".to_owned()]);
    let kinds = [
        (ColumnType::Bool, "t", "f"),
        (ColumnType::Int2, "-7", "1"),
        (ColumnType::Int4, "2147483647", "2"),
        (ColumnType::Int8, "-9223372036854775808", "3"),
        (ColumnType::Oid, "4294967295", "4"),
        (ColumnType::Float4, "1.1", "0.5"),
        (ColumnType::Float8, "-Infinity", "1e-05"),
        (size(10, 2), "-1234.50", "1.28"),
        (size(30, 0), "123456789012345678901234567890", "200"),
        (ColumnType::Numeric(None), "0.00000000000001", "1.5"),
        (ColumnType::Text, "größe \u{1F600} \"x\" \\ \n", "a \"default\" \u{1F600}"),
        (ColumnType::Uuid, "9b0f2a5e-6f0e-4b0a-9d3f-0c6f4f6d7a11", "00000000-0000-0000-0000-000000000000"),
        (ColumnType::Json, "{\"a\": 1}", "{}"),
        (ColumnType::Jsonb, "[1, 2]", "{}"),
        (ColumnType::Bytea, "\\x00ff10", "\\x"),
        (ColumnType::Date, "2020-09-13", "1970-01-01"),
        (ColumnType::Time(3), "12:34:56.789", "00:00:00"),
        (ColumnType::Time(6), "24:00:00", "00:00:00"),
        (ColumnType::Timestamp(0), "2020-09-13 12:26:40", "1970-01-01 00:00:00"),
        (ColumnType::Timestamp(6), "1969-12-31 23:59:59.999999", "2000-01-01 00:00:00"),
        (ColumnType::TimestampTz(6), "2020-09-13 12:26:40.5+00", "1970-01-01 00:00:00+00"),
        (ColumnType::Enum(Arc::clone(&labels)), "ok", "sad"),
        (ColumnType::Money, "-$1,234.50", "$1.00"),
        (ColumnType::Bit(Some(1)), "1", "0"),
        (ColumnType::VarBit(Some(12)), "100000001", "1"),
        (ColumnType::TimeTz(6), "12:34:56.5+02", "00:00:00+00"),
        (ColumnType::Interval, "1 year 2 mons 3 days 04:05:06.7", "01:00:00"),
        (ColumnType::Inet, "10.0.0.1/8", ""),
        (ColumnType::Range(RangeType::Timestamp), "[\"2019-03-31 15:30:00\",)", ""),
        (ColumnType::Hstore, "\"a\"=>\"1\", \"b\"=>NULL", ""),
        (ColumnType::Point, "(1.5,-2)", ""),
        (ColumnType::Geometry, "0101000020E6100000000000000000F03F0000000000000040", ""),
        (ColumnType::Geography, "0101000000000000000000F03F0000000000000040", ""),
        (ColumnType::Vector, "[1,0.1,3]", ""),
        (ColumnType::HalfVec, "[1,0.5]", ""),
        (ColumnType::SparseVec, "{1:1.5,3:0.1}/5", ""),
        (ColumnType::Array(Box::new(ColumnType::Text)), "{a,NULL,\"x \\\"y\\\"\"}", ""),
        (ColumnType::Array(Box::new(ColumnType::Int4)), "{}", ""),
        (ColumnType::Array(Box::new(size(6, 2))), "{1.50,NULL}", ""),
        (ColumnType::Array(Box::new(ColumnType::Timestamp(3))), "{\"2020-09-13 12:26:40.5\"}", ""),
        (ColumnType::Array(Box::new(ColumnType::Enum(labels))), "{sad,ok}", ""),
        (ColumnType::Unknown(UnknownType::Opaque), "(1,\"a b\")", ""),
    ];
    let (mut columns, mut row) = (Vec::new(), Vec::new());
    for (index, (kind, value, default)) in kinds.iter().enumerate() {
        columns.push(column(&format!("required_{index}"), kind.clone(), Nullability::Required));
        columns.push(column(&format!("optional_{index}"), kind.clone(), Nullability::Optional));
        let defaulted = column(&format!("defaulted_{index}"), kind.clone(), Nullability::Optional);
        let default = (!default.is_empty() || *kind == ColumnType::Text).then(|| (*default).to_owned());
        columns.push(Column { default, ..defaulted });
        row.extend([*value; 3]);
    }
    (relation(columns, &[6, 0]), row)
}

/// Reads a record with its framing.
fn read(schema: &SchemaText, id: u32, bytes: &[u8]) -> Avro {
    let (head, mut payload) = bytes.split_at(5);
    assert_eq!((head[0], &head[1..]), (0, &id.to_be_bytes()[..]));
    let mut json: Json = serde_json::from_str(&schema.text).unwrap();
    remove_defaults(&mut json);
    let parsed = apache_avro::Schema::parse(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let value = apache_avro::from_avro_datum(&parsed, &mut payload, None).unwrap();
    assert!(payload.is_empty(), "{} bytes are left", payload.len());
    value
}

/// The library knows no default of a decimal in a union. Reading a record needs none.
fn remove_defaults(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            members.shift_remove("default");
            members.values_mut().for_each(remove_defaults);
        }
        Json::Array(items) => items.iter_mut().for_each(remove_defaults),
        _ => {}
    }
}

fn assert_same(place: &str, avro: &Avro, json: &Json) {
    let same = match (avro, json) {
        (Avro::Union(_, inner), _) => return assert_same(place, inner, json),
        (Avro::Record(fields), Json::Object(members)) => {
            let names: Vec<&String> = fields.iter().map(|(name, _)| name).collect();
            assert_eq!(names, members.keys().collect::<Vec<_>>(), "{place}");
            for ((name, value), member) in fields.iter().zip(members.values()) {
                assert_same(&format!("{place}.{name}"), value, member);
            }
            true
        }
        // An entry of a map whose keys are no texts.
        (Avro::Record(fields), Json::Array(entry)) => {
            fields
                .iter()
                .zip(entry)
                .for_each(|((name, avro), json)| assert_same(&format!("{place}.{name}"), avro, json));
            fields.len() == entry.len()
        }
        (Avro::Null, Json::Null) => true,
        (Avro::Boolean(avro), Json::Bool(json)) => avro == json,
        (Avro::Int(avro) | Avro::Date(avro) | Avro::TimeMillis(avro), _) => json.as_i64() == Some((*avro).into()),
        (Avro::Long(avro) | Avro::TimestampMillis(avro), _) => json.as_i64() == Some(*avro),
        (Avro::Float(avro), Json::Number(json)) => json.to_string().parse() == Ok(*avro),
        (Avro::Double(avro), Json::Number(json)) => json.as_f64() == Some(*avro),
        (Avro::Double(avro), Json::String(json)) => json.parse() == Ok(*avro),
        (Avro::String(avro), Json::String(json)) => avro == json,
        (Avro::Array(avro), Json::Array(json)) => {
            avro.iter()
                .zip(json)
                .enumerate()
                .for_each(|(at, (avro, json))| assert_same(&format!("{place}[{at}]"), avro, json));
            avro.len() == json.len()
        }
        (Avro::Map(avro), Json::Object(json)) => {
            json.iter().for_each(|(key, json)| assert_same(&format!("{place}.{key}"), &avro[key], json));
            avro.len() == json.len()
        }
        (Avro::Bytes(avro), Json::String(json)) => STANDARD.encode(avro) == *json,
        (Avro::Decimal(avro), Json::String(json)) => {
            STANDARD.encode(Vec::<u8>::try_from(avro.clone()).unwrap()) == *json
        }
        _ => false,
    };
    assert!(same, "{place}: {avro:?} in Avro, {json} in JSON");
}

/// Encodes an event in both formats and compares keys and values of all its records.
fn compare(records: &Records, relation: &Arc<RelationVersion>, change: Change<'_>) {
    let transaction = transaction();
    let event = event(&transaction, relation, change);
    let mut avro = encoder(records.clone(), Converter::Avro(AvroConverter::default()));
    let mut json = encoder(records.clone(), Converter::default());
    let mut asking = unregistered(records.clone(), Converter::Avro(AvroConverter::default()));
    asking.encode(&event, NOW_NANOS).unwrap();
    let schemas = asking.unregistered();
    let [key, value] = &schemas[..] else { panic!("{schemas:?}") };
    assert_eq!((key.subject.as_str(), value.subject.as_str()), ("shop.public.t-key", "shop.public.t-value"));

    let count = avro.encode(&event, NOW_NANOS).unwrap();
    assert_eq!(json.encode(&event, NOW_NANOS).unwrap(), count);

    for index in 0..count {
        let (avro, json) = (avro.record(index, Ticket::from_u64(0)), json.record(index, Ticket::from_u64(0)));
        let (avro, json) = (avro.unwrap(), json.unwrap());
        for (schema, id, avro, json) in [(key, KEY_ID, avro.key, json.key), (value, VALUE_ID, avro.value, json.value)] {
            assert_eq!(avro.is_some(), json.is_some());
            if let (Some(avro), Some(json)) = (avro, json) {
                assert_same("", &read(schema, id, avro), &serde_json::from_slice(json).unwrap());
            }
        }
    }
}

#[test]
fn every_type_in_every_mode_reads_back_as_json_has_it() {
    let (relation, row) = every_type();
    let nulls = TupleBuffer::new(&vec![Datum::Null; row.len()]);
    let values = TupleBuffer::of_text(&row);
    let mut other_key: Vec<Datum<'_>> = row.iter().map(|text| Datum::Text(text.as_bytes())).collect();
    other_key[6] = Datum::Text(b"1");
    let other_key = TupleBuffer::new(&other_key);
    for times in [
        TimePrecision::Adaptive,
        TimePrecision::AdaptiveTimeMicroseconds,
        TimePrecision::Connect,
        TimePrecision::IsoString,
        TimePrecision::Microseconds,
        TimePrecision::Nanoseconds,
    ] {
        for (decimals, binary) in [
            (DecimalHandling::Precise, BinaryHandling::Bytes),
            (DecimalHandling::Double, BinaryHandling::Base64),
            (DecimalHandling::String, BinaryHandling::Base64UrlSafe),
            (DecimalHandling::String, BinaryHandling::Hex),
        ] {
            let (intervals, hstore) = match decimals {
                DecimalHandling::Precise => (IntervalHandling::Numeric, HstoreHandling::Json),
                DecimalHandling::Double | DecimalHandling::String => (IntervalHandling::String, HstoreHandling::Map),
            };
            let unknown_types = UnknownTypes::AsBytes;
            let records = Records { times, decimals, binary, intervals, hstore, unknown_types, ..Records::default() };
            compare(&records, &relation, Change::Insert { new: values.tuple() });
            compare(&records, &relation, Change::Insert { new: nulls.tuple() });
            compare(&records, &relation, Change::Delete { old: KnownRow::Full(values.tuple()) });
            let old = OldRow::Known(KnownRow::Full(other_key.tuple()));
            compare(&records, &relation, Change::Update { old, new: values.tuple() });
        }
    }
}

#[test]
fn records_wait_for_the_numbers_of_their_schemas() {
    let (relation, row) = every_type();
    let row = TupleBuffer::of_text(&row);
    let transaction = transaction();
    let event = event(&transaction, &relation, Change::Insert { new: row.tuple() });
    let avro = Converter::Avro(AvroConverter::default());
    for (key, sides) in [(avro, &[Side::Key, Side::Value][..]), (Converter::default(), &[Side::Value])] {
        let records = Records { key_converter: key, value_converter: avro, ..Records::default() };
        let mut encoder = Encoder::new(EncoderOptions { records, ..options() });

        // Given a record whose schemas nobody has registered, then it is not there.
        assert_eq!(encoder.encode(&event, NOW_NANOS).unwrap(), 1);
        assert!(encoder.lacks_numbers());
        let unregistered = encoder.unregistered();
        assert_eq!(unregistered.iter().map(|schema| schema.side).collect::<Vec<_>>(), sides);
        encoder.take_numbers();
        let ticket = Ticket::from_u64(0);
        assert!(encoder.record(0, ticket).is_none());

        // When they are registered, then it has their numbers, and so has the next one.
        let mut encoder = encoder.with_schema_ids(Arc::new(Registered));
        encoder.take_numbers();
        for _ in 0..2 {
            assert!(!encoder.lacks_numbers());
            let record = encoder.record(0, ticket).unwrap();
            assert_eq!(record.value.unwrap()[..5], [0, 1, 2, 3, 4]);
            let is_framed = record.key.unwrap().starts_with(&[0, 0, 0, 0, 9]);
            assert_eq!(is_framed, sides.len() == 2, "keys may be JSON");
            encoder.encode(&event, NOW_NANOS).unwrap();
        }
    }
}
