//! Arrays, intervals, addresses and other values with parts: generated ones, and the cases that recordings do not reach.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::recorded_compound::RECORDED;
use super::*;
use crate::catalog::{RangeType, UnknownType};

/// Given both forms, when each is decoded, then the values are equal, and the binary form prints the text.
#[track_caller]
fn check(column_type: &ColumnType, text: &str, binary: &[u8]) {
    let from_text = decode_text(column_type, text.as_bytes()).unwrap_or_else(|bad| panic!("{text}: {bad}"));
    let from_binary = decode_binary(column_type, binary).unwrap_or_else(|bad| panic!("{text}: {bad}"));
    assert!(from_text == from_binary, "{text} and {binary:02x?} differ");
    assert_eq!(printed(&from_binary), text);
    assert_eq!(printed(&from_text), text);
}

fn printed(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    value.write_text(&mut out);
    String::from_utf8(out).expect("text")
}

fn sized(datum: Option<&[u8]>) -> Vec<u8> {
    match datum {
        Some(datum) => [&i32::try_from(datum.len()).expect("short").to_be_bytes(), datum].concat(),
        None => (-1_i32).to_be_bytes().to_vec(),
    }
}

/// An array of text in both forms, by rules of its own.
fn text_array(lens: &[u32], first: i32, elements: &[Option<String>]) -> (String, Vec<u8>) {
    let quoted = |element: &Option<String>| match element {
        None => "NULL".to_owned(),
        Some(text) => {
            let special = text.is_empty() || text.eq_ignore_ascii_case("null");
            if special || text.contains(['"', '\\', '{', '}', ',', ' ', '\t', '\n', '\r', '\x0b', '\x0c']) {
                format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            } else {
                text.clone()
            }
        }
    };
    let mut items: Vec<String> = elements.iter().map(quoted).collect();
    let mut bounds = String::new();
    let mut binary = i32::try_from(lens.len()).expect("short").to_be_bytes().to_vec();
    binary.extend_from_slice(&i32::from(elements.contains(&None)).to_be_bytes());
    binary.extend_from_slice(&25_u32.to_be_bytes());
    for len in lens {
        binary.extend_from_slice(&len.to_be_bytes());
        binary.extend_from_slice(&first.to_be_bytes());
        bounds += &format!("[{first}:{}]", i64::from(first) + i64::from(*len) - 1);
    }
    for element in elements {
        binary.extend(sized(element.as_deref().map(str::as_bytes)));
    }
    for len in lens.iter().rev() {
        let len = usize::try_from(*len).expect("short");
        items = items.chunks(len).map(|items| format!("{{{}}}", items.join(","))).collect();
    }
    let text = if lens.is_empty() { "{}".to_owned() } else { items.concat() };
    (if first == 1 || lens.is_empty() { text } else { format!("{bounds}={text}") }, binary)
}

fn elements() -> impl Strategy<Value = (Vec<u32>, Vec<Option<String>>)> {
    prop::collection::vec(1_u32..4, 0..4).prop_flat_map(|lens| {
        let count = if lens.is_empty() { 0 } else { lens.iter().product::<u32>() as usize };
        let element = prop::option::of("[a\"\\\\{}, NULLnull\té🦀]{0,4}");
        (Just(lens), prop::collection::vec(element, count))
    })
}

/// The type of a recording.
fn column_type(name: &str) -> ColumnType {
    if let Some(element) = name.strip_suffix("[]") {
        return ColumnType::Array(Box::new(column_type(element)));
    }
    if let Some(range) = name.strip_suffix("multirange") {
        return ColumnType::Unknown(UnknownType::Multirange(range_type(range)));
    }
    if let Some(range) = name.strip_suffix("range") {
        return ColumnType::Range(range_type(range));
    }
    match name.split('(').next().unwrap_or_default() {
        "bool" => ColumnType::Bool,
        "int2" => ColumnType::Int2,
        "int4" => ColumnType::Int4,
        "int8" => ColumnType::Int8,
        "oid" => ColumnType::Oid,
        "float4" => ColumnType::Float4,
        "float8" => ColumnType::Float8,
        "numeric" | "amount" => ColumnType::Numeric(None),
        "text" | "varchar" | "char" | "citext" => ColumnType::Text,
        "\"char\"" => ColumnType::Char,
        "name" => ColumnType::Name,
        "xml" => ColumnType::Xml,
        "uuid" => ColumnType::Uuid,
        "json" => ColumnType::Json,
        "jsonb" => ColumnType::Jsonb,
        "jsonpath" => ColumnType::Unknown(UnknownType::JsonPath),
        "bytea" => ColumnType::Bytea,
        "bit" => ColumnType::Bit(None),
        "varbit" => ColumnType::VarBit(None),
        "date" => ColumnType::Date,
        "time" => ColumnType::Time(6),
        "timetz" => ColumnType::TimeTz(6),
        "timestamp" => ColumnType::Timestamp(6),
        "timestamptz" => ColumnType::TimestampTz(6),
        "interval" => ColumnType::Interval,
        "inet" => ColumnType::Inet,
        "cidr" => ColumnType::Cidr,
        "macaddr" => ColumnType::MacAddr,
        "macaddr8" => ColumnType::MacAddr8,
        "tsvector" => ColumnType::TsVector,
        "pg_lsn" => ColumnType::Unknown(UnknownType::PgLsn),
        "xid" | "cid" => ColumnType::Unknown(UnknownType::Xid),
        "xid8" => ColumnType::Unknown(UnknownType::Xid8),
        "tid" => ColumnType::Unknown(UnknownType::Tid),
        "pg_snapshot" | "txid_snapshot" => ColumnType::Unknown(UnknownType::Snapshot),
        "refcursor" => ColumnType::Unknown(UnknownType::RefCursor),
        "hstore" => ColumnType::Hstore,
        "ltree" => ColumnType::Ltree,
        "point" => ColumnType::Point,
        "line" => ColumnType::Line,
        "lseg" => ColumnType::Lseg,
        "box" => ColumnType::Box,
        "path" => ColumnType::Path,
        "polygon" => ColumnType::Polygon,
        "circle" => ColumnType::Circle,
        "geometry" => ColumnType::Geometry,
        "mood" | "feeling" => ColumnType::Enum([].into()),
        "some_ints" => ColumnType::Array(Box::new(ColumnType::Int4)),
        other => panic!("no type {other}"),
    }
}

fn range_type(name: &str) -> RangeType {
    match name {
        "int4" => RangeType::Int4,
        "int8" => RangeType::Int8,
        "num" => RangeType::Numeric,
        "date" => RangeType::Date,
        "ts" => RangeType::Timestamp,
        "tstz" => RangeType::TimestampTz,
        other => panic!("no range of {other}"),
    }
}

#[test]
fn recorded_forms_are_equal_and_print_as_recorded() {
    for (type_name, text, binary) in RECORDED {
        check(&column_type(type_name), text, &hex(binary));
    }
}

#[test]
fn recorded_values_that_print_differently_are_different_values() {
    for (type_name, text, _) in RECORDED {
        let column_type = column_type(type_name);
        let value = decode_text(&column_type, text.as_bytes()).expect("a value");
        for (_, other, binary) in RECORDED.iter().filter(|(name, other, _)| name == type_name && other != text) {
            let binary = hex(binary);
            let from_text = decode_text(&column_type, other.as_bytes()).expect("a value");
            let from_binary = decode_binary(&column_type, &binary).expect("a value");
            assert!(value != from_text && value != from_binary, "{type_name} {text} and {other}");
        }
    }
}

#[test]
fn a_recording_that_is_cut_or_prolonged_is_refused() {
    for (type_name, _, binary) in RECORDED {
        let (column_type, binary) = (column_type(type_name), hex(binary));
        let of_any_length = matches!(decode_binary(&column_type, &binary), Ok(Value::Text(_) | Value::Ewkb(_)));
        if of_any_length {
            continue;
        }
        for len in 0..binary.len() {
            assert!(decode_binary(&column_type, &binary[..len]).is_err(), "{type_name} {binary:02x?} cut to {len}");
        }
        let longer = [&binary[..], &[0]].concat();
        assert!(decode_binary(&column_type, &longer).is_err(), "{type_name} {longer:02x?}");
    }
}

proptest! {
    #[test]
    fn arrays_are_the_same_in_both_forms((lens, elements) in elements(), first in prop_oneof![Just(1), any::<i32>()]) {
        let column_type = ColumnType::Array(Box::new(ColumnType::Text));
        let (text, binary) = text_array(&lens, first, &elements);
        check(&column_type, &text, &binary);
        let Ok(Value::Array(array)) = decode_text(&column_type, text.as_bytes()) else { panic!("an array") };
        prop_assert_eq!(usize::from(array.dimensions()), lens.len());
        let Ok(Value::Array(of_binary)) = decode_binary(&column_type, &binary) else { panic!("an array") };
        for array in [array, of_binary] {
            prop_assert_eq!(array.outer_len(), lens.first().map_or(0, |len| *len as usize));
        }
        let mut scratch = String::new();
        for (found, expected) in array.elements().zip(&elements) {
            match (found.decode(&mut scratch), expected) {
                (Ok(None), None) => {}
                (Ok(Some(Value::Text(found))), Some(expected)) => prop_assert_eq!(found, expected),
                other => panic!("{other:?}"),
            }
        }
        prop_assert_eq!(array.elements().count(), elements.len());
    }

    #[test]
    fn hstores_are_the_same_in_both_forms(pairs in prop::collection::vec(("[a\"\\\\=>, é]{0,4}", prop::option::of("[a\"\\\\N,🦀]{0,4}")), 0..5)) {
        let quoted = |text: &String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let texts: Vec<String> = pairs
            .iter()
            .map(|(key, value)| format!("{}=>{}", quoted(key), value.as_ref().map_or("NULL".to_owned(), quoted)))
            .collect();
        let mut binary = i32::try_from(pairs.len()).expect("short").to_be_bytes().to_vec();
        for (key, value) in &pairs {
            binary.extend(sized(Some(key.as_bytes())));
            binary.extend(sized(value.as_deref().map(str::as_bytes)));
        }
        check(&ColumnType::Hstore, &texts.join(", "), &binary);
    }

    #[test]
    fn intervals_survive_their_text(months: i32, days: i32, micros: i64, shift in 0_u32..64, small in -14_i32..14) {
        for (months, days) in [(months, days), (small, -small), (0, small), (small, 0), (0, 0)] {
            let binary = [&(micros >> shift).to_be_bytes()[..], &days.to_be_bytes(), &months.to_be_bytes()].concat();
            let value = decode_binary(&ColumnType::Interval, &binary).expect("an interval");
            let text = printed(&value);
            prop_assert_eq!(decode_text(&ColumnType::Interval, text.as_bytes()), Ok(value), "{}", text);
        }
    }

    #[test]
    fn times_with_zones_survive_their_text(micros in 0_i64..=86_400_000_000, west in -57_599_i32..=57_599) {
        let binary = [&micros.to_be_bytes()[..], &west.to_be_bytes()].concat();
        let value = decode_binary(&ColumnType::TimeTz(6), &binary);
        prop_assert_eq!(value, Ok(Value::TimeTz(TimeTz { micros, offset_seconds: -west })));
        let text = printed(&value.expect("a time"));
        prop_assert_eq!(decode_text(&ColumnType::TimeTz(6), text.as_bytes()), value, "{}", text);
    }

    #[test]
    fn floats_survive_their_text(double: f64, single: f32, digits in 0_i64..1_000_000, power in -20_i32..25) {
        for double in [double, digits as f64 * 10_f64.powi(power)] {
            let value = Value::Float8(double);
            let text = printed(&value);
            prop_assert_eq!(decode_text(&ColumnType::Float8, text.as_bytes()), Ok(value), "{}", text);
        }
        for single in [single, digits as f32 * 10_f32.powi(power)] {
            let value = Value::Float4(single);
            let text = printed(&value);
            prop_assert_eq!(decode_text(&ColumnType::Float4, text.as_bytes()), Ok(value), "{}", text);
        }
    }

    #[test]
    fn addresses_print_as_addresses(address: [u8; 16], zeros: [bool; 8], bits in 0_u8..=128) {
        let mut address = address;
        for (word, zero) in address.as_chunks_mut::<2>().0.iter_mut().zip(zeros) {
            if zero {
                *word = [0, 0];
            }
        }
        let binary = [&[3, bits, 0, 16][..], &address].concat();
        let text = printed(&decode_binary(&ColumnType::Inet, &binary).expect("an address"));
        let shown = if bits == 128 { text.clone() } else { text.strip_suffix(&format!("/{bits}")).expect("its bits").to_owned() };
        prop_assert_eq!(shown.parse(), Ok(Ipv6Addr::from(address)), "{}", text);

        let [a, b, c, d, ..] = address;
        let text = printed(&decode_binary(&ColumnType::Cidr, &[2, 32, 1, 4, a, b, c, d]).expect("an address"));
        prop_assert_eq!(text, format!("{}/32", Ipv4Addr::new(a, b, c, d)));
    }

    #[test]
    fn bits_are_the_same_in_both_forms(bits in prop::collection::vec(any::<bool>(), 0..40)) {
        let text: String = bits.iter().map(|bit| if *bit { '1' } else { '0' }).collect();
        let mut binary = i32::try_from(bits.len()).expect("short").to_be_bytes().to_vec();
        for byte in bits.chunks(8) {
            binary.push(byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | u8::from(*bit) << (7 - at)));
        }
        check(&ColumnType::VarBit(None), &text, &binary);
        let Ok(Value::Bits(found)) = decode_binary(&ColumnType::VarBit(None), &binary) else { panic!("bits") };
        let mut number = Vec::new();
        found.write_number_le(&mut number);
        let expected = bits.iter().fold(0_u64, |sum, bit| sum << 1 | u64::from(*bit));
        let len = number.len();
        number.resize(8, 0);
        prop_assert_eq!(u64::from_le_bytes(number.try_into().expect("eight")), expected);
        prop_assert_eq!(len, 8 - expected.leading_zeros() as usize / 8);
    }

    #[test]
    fn money_reads_as_it_is_printed(cents: i64) {
        let digits = format!("{:03}", cents.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - 2);
        let mut grouped = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let sign = if cents < 0 { "-" } else { "" };
        let text = format!("{sign}${grouped}.{fraction}");
        prop_assert_eq!(decode_text(&ColumnType::Money, text.as_bytes()), Ok(Value::Money(Money { unscaled: cents, scale: 2 })));
    }
}

#[test]
fn money_is_read_under_any_locale() {
    for (text, unscaled, scale) in [
        ("$0.00", 0, 2),
        ("-$1,234.56", -123_456, 2),
        ("($1,234.56)", -123_456, 2),
        ("1.234,56 €", 123_456, 2),
        ("-1.234,56 €", -123_456, 2),
        ("1.234.567,00 €", 123_456_700, 2),
        ("¥1,234", 1_234, 0),
        ("¥1,234,567", 1_234_567, 0),
        ("1\u{202f}234,56 €", 123_456, 2),
        ("KD 1.234", 1_234, 3),
        ("-$92,233,720,368,547,758.08", i64::MIN, 2),
    ] {
        let expected = Ok(Value::Money(Money { unscaled, scale }));
        assert_eq!(decode_text(&ColumnType::Money, text.as_bytes()), expected, "{text}");
    }
    for (text, reason) in [("", Reason::Syntax), ("$", Reason::Syntax), ("$92,233,720,368,547,758.08", Reason::Range)] {
        let refused = decode_text(&ColumnType::Money, text.as_bytes()).map_err(|bad| bad.reason);
        assert_eq!(refused, Err(reason), "{text}");
    }
}

#[test]
fn text_that_the_server_does_not_print_is_refused() {
    let array = || ColumnType::Array(Box::new(ColumnType::Int4));
    let cases: &[(ColumnType, &[&str])] = &[
        (
            array(),
            &[
                "",
                "{",
                "}",
                "1",
                "{1",
                "1}",
                "{1}}",
                "{{1}",
                "{1,}",
                "{,1}",
                "{1,,2}",
                "{1}{2}",
                "{{1},2}",
                "{1,{2}}",
                "{{}}",
                "{\"1}",
                "{\"1\"2}",
                "{1\"2\"}",
                "{1\\}",
                "[1:2]{1,2}",
                "[1]={1}",
                "[1:1][1:1]={1}",
                "x={1}",
                "{{{{{{{1}}}}}}}",
                "{1} ",
            ],
        ),
        (
            ColumnType::Hstore,
            &["a", "\"a\"", "\"a\"=>", "\"a\"=>1", "\"a\"=>\"b\",", "\"a\"=>\"b\", ", "\"a\"=>\"b\\", "\"a\"=>NULLx"],
        ),
        (
            ColumnType::Interval,
            &[
                "",
                " ",
                "1",
                "1 hour",
                "1 day 2 years",
                "1 day 1 day",
                "01:02",
                "1:2:3",
                "00:60:00",
                "00:00:60",
                "00:00:00 1 day",
                "P1D",
                "1 day ",
                "00:00:00.",
                "00:00:00.1234567",
                "@ 1 day",
                "1.5 days",
            ],
        ),
        (ColumnType::TimeTz(6), &["12:00:00", "12:00:00Z", "12:00:00+0", "24:00:01", "12:00:00+24"]),
        (ColumnType::Bit(None), &["2", "0b1", " 1"]),
        (ColumnType::Point, &["", "(1,2", "1,2", "(1)", "(1,2,3)", "(1, 2)", "(1,2))"]),
        (ColumnType::Line, &["(1,2,3)", "{1,2}", "{1,2,3,4}"]),
        (ColumnType::Circle, &["<(1,2)>", "<(1,2),3", "((1,2),3)", "<(1,2),3>>"]),
        (ColumnType::Box, &["(1,2)", "(1,2),(3,4),(5,6)", "((1,2),(3,4))", "(1,2),"]),
        (ColumnType::Lseg, &["(1,2),(3,4)", "[(1,2)]", "[]"]),
        (ColumnType::Path, &["", "[]", "[(1,2)", "(1,2),(3,4)", "[(1,2))"]),
        (ColumnType::Polygon, &["()", "[(1,2)]"]),
        (ColumnType::Geometry, &["0", "POINT(1 2)"]),
        (ColumnType::Vector, &["", "[]", "1,2", "[1,]", "[1,,2]"]),
        (ColumnType::SparseVec, &["", "{}", "{1}/2", "{1:}/2", "{1:1},/2", "{}/x"]),
    ];
    for (column_type, texts) in cases {
        for text in *texts {
            let refused = decode_text(column_type, text.as_bytes()).map_err(|bad| bad.reason);
            assert!(matches!(refused, Err(Reason::Syntax | Reason::Range)), "{column_type:?} {text}: {refused:?}");
        }
    }
}

#[test]
fn vectors_are_the_same_in_both_forms() {
    check(&ColumnType::Vector, "[1,2.5,-0.1]", &hex("0003 0000 3f800000 40200000 bdcccccd"));
    check(&ColumnType::HalfVec, "[1,2.5,-0.099975586,5.9604645e-08,65504]", &hex("0005 0000 3c00 4100 ae66 0001 7bff"));
    check(
        &ColumnType::SparseVec,
        "{1:1.5,3:-0.1}/5",
        &hex("00000005 00000002 00000000 00000000 00000002 3fc00000 bdcccccd"),
    );
    check(&ColumnType::SparseVec, "{}/5", &hex("00000005 00000000 00000000"));
    for (column_type, binary) in [
        (ColumnType::Vector, "0000 0000"),
        (ColumnType::Vector, "0002 0000 3f800000"),
        (ColumnType::Vector, "0001 0001 3f800000"),
        (ColumnType::SparseVec, "00000002 00000001 00000000 00000002 3f800000"),
        (ColumnType::SparseVec, "00000002 7fffffff 00000000"),
    ] {
        assert!(decode_binary(&column_type, &hex(binary)).is_err(), "{binary}");
    }
}

#[test]
fn a_single_is_widened_by_its_text() {
    for (single, double) in
        [(0.1_f32, 0.1_f64), (1e-10, 1e-10), (-3.402_823_5e38, -3.402_823_5e38), (0.0, 0.0), (2.5, 2.5)]
    {
        assert_eq!(double_of_text(single), double);
    }
}

#[test]
fn an_srid_is_read_in_either_byte_order() {
    for (text, srid) in [
        ("0101000020E6100000000000000000F03F0000000000000040", Some(4326)),
        ("0020000001000010E63FF00000000000004000000000000000", Some(4326)),
        ("0101000000000000000000F03F0000000000000040", None),
        ("", None),
    ] {
        let binary = hex(text);
        check(&ColumnType::Geometry, text, &binary);
        for value in
            [decode_text(&ColumnType::Geography, text.as_bytes()), decode_binary(&ColumnType::Geometry, &binary)]
        {
            let Ok(Value::Ewkb(ewkb)) = value else { panic!("{value:?}") };
            assert_eq!(ewkb.srid(), srid, "{text}");
        }
    }
}

#[test]
fn a_value_stays_small() {
    assert!(size_of::<Value<'_>>() <= 32, "{}", size_of::<Value<'_>>());
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    digits.as_chunks::<2>().0.iter().map(|pair| hex_pair(*pair).expect("hexadecimal")).collect()
}
