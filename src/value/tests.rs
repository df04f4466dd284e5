//! Values against what a real server printed and sent, and what is refused.

use std::sync::Arc;

use super::recorded::{RECORDED, RECORDED_RELATION, RECORDED_ROWS};
use super::*;
use crate::error::{Error, Kind};
use crate::pgoutput::{Block, Datum, Message, OldTuple, Tuple, parse};

fn column_type(name: &str) -> ColumnType {
    match name {
        "bool" => ColumnType::Bool,
        "int2" => ColumnType::Int2,
        "int4" => ColumnType::Int4,
        "int8" => ColumnType::Int8,
        "oid" => ColumnType::Oid,
        "float4" => ColumnType::Float4,
        "float8" => ColumnType::Float8,
        "numeric" => ColumnType::Numeric(None),
        "text" | "varchar" | "char(5)" => ColumnType::Text,
        "name" => ColumnType::Name,
        "\"char\"" => ColumnType::Char,
        "json" => ColumnType::Json,
        "jsonb" => ColumnType::Jsonb,
        "mood" => ColumnType::Enum(Arc::from([])),
        "uuid" => ColumnType::Uuid,
        "bytea" => ColumnType::Bytea,
        "date" => ColumnType::Date,
        "time" => ColumnType::Time(6),
        "timestamp" => ColumnType::Timestamp(6),
        "timestamptz" => ColumnType::TimestampTz(6),
        other => panic!("no type {other}"),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let (pairs, odd) = hex.as_bytes().as_chunks::<2>();
    assert!(odd.is_empty(), "{hex}");
    pairs.iter().map(|pair| hex_pair(*pair).expect("hexadecimal")).collect()
}

fn shown(date: CivilDate) -> (String, &'static str) {
    let (year, era) = if date.year > 0 { (date.year, "") } else { (1 - date.year, " BC") };
    (format!("{year:04}-{:02}-{:02}", date.month, date.day), era)
}

fn shown_time(time: TimeOfDay) -> String {
    let fraction = format!(".{:06}", time.micros);
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{:02}:{:02}:{:02}{fraction}", time.hour, time.minute, time.second)
}

/// A value as the server prints it, by formatters that know nothing of the parsers.
fn print(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    match value {
        Value::Bool(value) => return if *value { "t" } else { "f" }.to_owned(),
        Value::Int2(value) => return value.to_string(),
        Value::Int4(value) => return value.to_string(),
        Value::Int8(value) => return value.to_string(),
        Value::Oid(value) => return value.to_string(),
        Value::Float4(_) | Value::Float8(_) => return String::new(),
        Value::Text(text) => return (*text).to_owned(),
        Value::Numeric(numeric) => numeric.write_text(&mut out),
        Value::Uuid(uuid) => write_uuid(uuid, &mut out),
        Value::Bytes(content) => {
            content.decode_into(&mut out);
            assert_eq!(out.len(), content.len());
            return out.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}"));
        }
        Value::Date(Date::Infinity)
        | Value::Timestamp(Timestamp::Infinity)
        | Value::TimestampTz(Timestamp::Infinity) => return "infinity".to_owned(),
        Value::Date(Date::NegativeInfinity)
        | Value::Timestamp(Timestamp::NegativeInfinity)
        | Value::TimestampTz(Timestamp::NegativeInfinity) => return "-infinity".to_owned(),
        Value::Date(Date::Days(days)) => {
            let (day, era) = shown(CivilDate::from_pg_days(*days));
            return day + era;
        }
        Value::Time(micros) => return shown_time(TimeOfDay::from_micros(*micros)),
        Value::Timestamp(Timestamp::At(at)) => {
            let civil = Civil::from(*at);
            let (day, era) = shown(civil.date);
            return format!("{day} {}{era}", shown_time(civil.time));
        }
        Value::TimestampTz(Timestamp::At(at)) => {
            let civil = Civil::from(*at);
            let (day, era) = shown(civil.date);
            return format!("{day} {}+00{era}", shown_time(civil.time));
        }
        other => panic!("{other:?} has no formatter of its own"),
    }
    String::from_utf8(out).expect("plain text")
}

/// Given a datum in both forms as a server gave them, when each is decoded, then the values are equal, and print as
/// the server printed them.
#[track_caller]
fn check(type_name: &str, text: &str, hex: &str) {
    let (column_type, binary) = (column_type(type_name), bytes(hex));
    let from_text =
        decode_text(&column_type, text.as_bytes()).unwrap_or_else(|bad| panic!("{type_name} {text}: {bad}"));
    let from_binary = decode_binary(&column_type, &binary).unwrap_or_else(|bad| panic!("{type_name} {hex}: {bad}"));
    assert!(from_text == from_binary, "{type_name} {text} and {hex} differ");
    let printable = !matches!(type_name, "float4" | "float8");
    let in_utc = type_name != "timestamptz" || !text.contains(':') || text.contains("+00 ") || text.ends_with("+00");
    if printable && in_utc {
        for value in [from_text, from_binary] {
            assert_eq!(print(&value), text, "{type_name} {hex}");
        }
    }
}

#[test]
fn recorded_text_and_binary_forms_are_equal_values() {
    for (type_name, text, hex) in RECORDED {
        check(type_name, text, hex);
    }
}

/// The rows of a change, the row before it first.
fn rows<'a>(message: &Message<'a>) -> Vec<Tuple<'a>> {
    match message {
        Message::Insert(insert) => vec![insert.new],
        Message::Update(update) => match update.old {
            OldTuple::Absent => vec![update.new],
            OldTuple::Key(old) | OldTuple::Full(old) => vec![old, update.new],
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn recorded_rows_are_equal_with_and_without_the_binary_option() {
    // Given a table with a column of every type, as the server described it.
    let relation = bytes(RECORDED_RELATION);
    let Ok(Message::Relation(relation)) = parse(Block::Plain, &relation) else { panic!("a relation") };
    let column_types: Vec<ColumnType> = relation
        .columns
        .iter()
        .map(|column| {
            column_type(match column.type_oid.0 {
                16 => "bool",
                17 => "bytea",
                20 => "int8",
                21 => "int2",
                23 => "int4",
                25 | 1042 | 1043 => "text",
                26 => "oid",
                114 => "json",
                700 => "float4",
                701 => "float8",
                1082 => "date",
                1083 => "time",
                1114 => "timestamp",
                1184 => "timestamptz",
                1700 => "numeric",
                2950 => "uuid",
                3802 => "jsonb",
                _ => "mood",
            })
        })
        .collect();
    for (text, binary) in RECORDED_ROWS {
        // When the same change comes in text and in binary.
        let (text, binary) = (bytes(text), bytes(binary));
        let (text, binary) = (parse(Block::Plain, &text), parse(Block::Plain, &binary));
        let (Ok(text), Ok(binary)) = (text, binary) else { panic!("two changes") };
        let pairs = rows(&text).into_iter().zip(rows(&binary)).flat_map(|(text, binary)| text.iter().zip(binary));
        // Then every column of every row has the same value in both.
        let mut compared = 0;
        for (column_type, pair) in column_types.iter().cycle().zip(pairs) {
            match pair {
                (Datum::Text(text), Datum::Binary(binary)) => {
                    let value = decode_text(column_type, text).expect("a value");
                    assert!(decode_binary(column_type, binary) == Ok(value), "{column_type:?}");
                    compared += 1;
                }
                pair => assert_eq!(pair, (Datum::Null, Datum::Null)),
            }
        }
        assert!(compared >= column_types.len() - 1, "all but the null");
    }
}

#[test]
fn recorded_values_that_print_differently_are_different_values() {
    let pairs = || RECORDED.iter().enumerate();
    for (at, (type_name, text, hex)) in pairs() {
        for (_, (other_type, other_text, other_hex)) in pairs().skip(at + 1) {
            if type_name == other_type && hex != other_hex {
                let binary = bytes(other_hex);
                let (a, b) = (column_type(type_name), column_type(other_type));
                assert!(
                    decode_text(&a, text.as_bytes()) != decode_binary(&b, &binary),
                    "{type_name} {text} {other_text}"
                );
            }
        }
    }
}

#[test]
fn floats_keep_every_bit() {
    for (text, bits) in [("-0", 1_u64 << 63), ("5e-324", 1), ("1.7976931348623157e+308", 0x7fef_ffff_ffff_ffff)] {
        let value = decode_text(&ColumnType::Float8, text.as_bytes());
        assert!(matches!(value, Ok(Value::Float8(value)) if value.to_bits() == bits), "{text}");
    }
    assert!(Value::Float8(0.0) != Value::Float8(-0.0), "their records differ");
    assert!(Value::Float8(f64::NAN) == Value::Float8(-f64::NAN), "their records do not");
}

#[test]
fn an_upper_case_or_unusual_spelling_of_the_same_content_is_the_same() {
    let text = |column_type: &'static ColumnType, text: &'static str| decode_text(column_type, text.as_bytes());
    assert!(text(&ColumnType::Bytea, "\\xDEad") == text(&ColumnType::Bytea, "\\xdeAD"));
    assert!(
        text(&ColumnType::Uuid, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11")
            == text(&ColumnType::Uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
    );
    // One group more at either end than the server would send.
    let padded = bytes("0003000100000002 0000 0001 0000".replace(' ', "").as_str());
    assert!(decode_binary(&ColumnType::Numeric(None), &padded) == text(&ColumnType::Numeric(None), "1.00"));
}

#[test]
fn the_longest_numbers_of_the_format_are_exact() {
    // 131072 digits before the point and 16383 after it, all zero but the first and the last.
    let text = format!("1{}.{}1", "0".repeat(131_071), "0".repeat(16_382));
    let numeric = Numeric::Text(&text);
    assert!(decode_text(&ColumnType::Numeric(None), text.as_bytes()) == Ok(Value::Numeric(numeric)));
    let mut written = Vec::new();
    for unscaled in
        [numeric.unscaled_at(16_383), numeric.variable().map(|(_, unscaled)| unscaled).map_err(NotExact::Special)]
    {
        let Ok(Unscaled::Big(unscaled)) = unscaled else { panic!("a long number") };
        assert_eq!(unscaled.bits(), 489_832, "log2(10^147454) rounded up");
        written.clear();
        Unscaled::Big(unscaled).write_be(&mut written);
        assert_eq!(written.len(), 489_833_usize.div_ceil(8));
    }
    assert_eq!(numeric.unscaled_at(16_382), Err(NotExact::DigitsLost));
    assert!(
        decode_text(&ColumnType::Numeric(None), format!("{text}1").as_bytes()).is_err(),
        "no room for one digit more"
    );
}

#[test]
fn unix_counts_follow_from_the_two_epochs() {
    let date = |text: &str| match decode_text(&ColumnType::Date, text.as_bytes()) {
        Ok(Value::Date(date)) => date.unix_days(),
        other => panic!("{other:?}"),
    };
    assert_eq!(date("1970-01-01"), Some(0));
    assert_eq!(date("2000-01-01"), Some(10_957));
    assert_eq!(date("5874897-12-31"), Some(2_145_042_905));
    assert_eq!(date("infinity"), None);
    let timestamp = |text: &str| match decode_text(&ColumnType::Timestamp(6), text.as_bytes()) {
        Ok(Value::Timestamp(timestamp)) => timestamp.unix_micros(),
        other => panic!("{other:?}"),
    };
    assert_eq!(timestamp("1969-12-31 23:59:59.999999"), Some(-1));
    assert_eq!(timestamp("294247-01-10 04:00:54.775807"), Some(i64::MAX));
    assert_eq!(timestamp("294247-01-10 04:00:54.775808"), None, "one microsecond too many");
    assert_eq!(timestamp("-infinity"), None);
}

#[test]
fn the_calendar_agrees_with_a_walk_over_every_day() {
    // Given the server's first day, 4714-11-24 BC, and a walk by the rules of the Gregorian calendar.
    let mut walk = CivilDate { year: -4_713, month: 11, day: 24 };
    for days in -2_451_545..3_000_000 {
        // When a day number becomes a day, then it is the day of the walk.
        assert_eq!(CivilDate::from_pg_days(days), walk, "{days}");
        let leap = walk.year % 4 == 0 && (walk.year % 100 != 0 || walk.year % 400 == 0);
        let last = match walk.month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        (walk.year, walk.month, walk.day) = match (walk.month, walk.day) {
            (12, 31) => (walk.year + 1, 1, 1),
            (month, day) if day == last => (walk.year, month + 1, 1),
            (month, day) => (walk.year, month, day + 1),
        };
    }
}

#[track_caller]
fn check_refused(type_name: &str, form: Form, datum: &[u8], reason: Reason) {
    let column_type = column_type(type_name);
    let refused = match form {
        Form::Text => decode_text(&column_type, datum),
        Form::Binary => decode_binary(&column_type, datum),
    };
    let shown = datum.escape_ascii();
    assert_eq!(refused.map_err(|bad| (bad.form, bad.reason)), Err((form, reason)), "{type_name} {shown}");
}

#[test]
fn text_that_the_server_does_not_print_is_refused() {
    let syntax: &[(&str, &[&str])] = &[
        ("bool", &["", "true", "T", "1"]),
        ("int4", &["", "-", "+1", "1 ", "0x1", "1.0", "--1"]),
        ("float8", &["", "-", "+1", "inf", "nan", "infinity", "-NaN", "1e", ".5", "1_0", "0x1"]),
        ("numeric", &["", "-", ".", "1.", ".5", "01", "-0", "-0.00", "1e5", "nan", "+1", "1,5", "1.5.2", "--1"]),
        ("uuid", &["", "a0eebc999c0b4ef8bb6d6bb9bd380a11", "{0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"]),
        ("uuid", &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g", "a0eebc999-c0b-4ef8-bb6d-6bb9bd380a11"]),
        ("bytea", &["", "\\", "\\X00", "\\x0", "\\x0g", "abc", "\\336\\255"]),
        ("date", &["", "2024-1-01", "24-01-01", "2024-13-01", "2024-00-01", "2024-02-30", "2023-02-29", "1900-02-29"]),
        (
            "date",
            &["0000-01-01", "2024-01-01 AD", "2024-01-01BC", "01/02/2024", "2024-01-01 00:00:00", "12345678-01-01"],
        ),
        ("date", &["2024-04-31", "2024-01-00", "2024-01-32", "Infinity", "-2024-01-01"]),
        ("time", &["", "1:00:00", "12:60:00", "12:00:60", "25:00:00", "12:00", "12:00:00.", "12:00:00.1234567"]),
        ("time", &["12:00:00+00", "12:00:00 PM"]),
        ("timestamp", &["2024-01-01", "2024-01-01T00:00:00", "2024-01-01 24:00:00", "2024-01-01 00:00:00+00"]),
        ("timestamptz", &["2024-01-01 00:00:00", "2024-01-01 00:00:00 UTC", "2024-01-01 00:00:00Z"]),
        ("timestamptz", &["2024-01-01 00:00:00+0", "2024-01-01 00:00:00+00:60", "2024-01-01 00:00:00+24"]),
        ("timestamptz", &["2024-01-01 00:00:00+00:00:0", "2024-01-01 00:00:00+00 CE"]),
    ];
    for (type_name, texts) in syntax {
        for text in *texts {
            check_refused(type_name, Form::Text, text.as_bytes(), Reason::Syntax);
        }
    }
}

#[test]
fn values_beyond_a_type_are_refused() {
    let range: &[(&str, &[&str])] = &[
        ("int2", &["32768", "-32769"]),
        ("int4", &["2147483648"]),
        ("int8", &["9223372036854775808", "-9223372036854775809", "99999999999999999999"]),
        ("oid", &["4294967296", "-1"]),
        ("float4", &["3.5e38"]),
        ("float8", &["1e309"]),
        ("date", &["4714-11-23 BC", "5874898-01-01", "9999999-12-31", "9999999-12-31 BC"]),
        ("time", &["24:00:00.000001", "24:30:00"]),
        ("timestamp", &["294277-01-01 00:00:00.000001", "4714-11-23 23:59:59.999999 BC", "9999999-01-01 00:00:00"]),
        (
            "timestamptz",
            &["4714-11-24 00:00:00+00:00:01 BC", "294276-12-31 23:59:59-01", "9999999-01-01 00:00:00-23 BC"],
        ),
    ];
    for (type_name, texts) in range {
        for text in *texts {
            check_refused(type_name, Form::Text, text.as_bytes(), Reason::Range);
        }
    }
    for (type_name, hex) in [
        ("date", "ffda97a6"),
        ("date", "7fda970d"),
        ("time", "ffffffffffffffff"),
        ("time", "000000141dd76001"),
        ("timestamp", "fd0f7cc1411f9fff"),
        ("timestamptz", "7fffff5bb3b2a001"),
    ] {
        check_refused(type_name, Form::Binary, &bytes(hex), Reason::Range);
    }
}

#[test]
fn binary_that_the_server_does_not_send_is_refused() {
    for (type_name, hex, reason) in [
        ("bool", "", Reason::Length),
        ("bool", "0001", Reason::Length),
        ("bool", "02", Reason::Field),
        ("int2", "000000", Reason::Length),
        ("int4", "", Reason::Length),
        ("uuid", "00", Reason::Length),
        ("date", "0000000000000000", Reason::Length),
        ("timestamp", "00000000", Reason::Length),
        ("jsonb", "", Reason::Length),
        ("jsonb", "027b7d", Reason::Version),
        ("numeric", "00010000000000", Reason::Length),
        ("numeric", "0002000000000000 0001", Reason::Length),
        ("numeric", "0001000000000000 00010002", Reason::Length),
        ("numeric", "ffff000000000000", Reason::Length),
        ("numeric", "0001000000010000 0001", Reason::Field),
        ("numeric", "0001000000000000 2710", Reason::Field),
        ("numeric", "0001000000000000 ffff", Reason::Field),
        ("numeric", "0001000000004000 0001", Reason::Field),
        ("numeric", "0000000040000000", Reason::Field),
        // More digits after the point than the display scale tells.
        ("numeric", "0001ffff00000003 0001", Reason::Field),
        ("numeric", "0001fffe00000004 0001", Reason::Field),
        ("text", "ff", Reason::NotUtf8),
        ("json", "22ff22", Reason::NotUtf8),
        ("mood", "e9", Reason::NotUtf8),
        ("jsonb", "0122ff22", Reason::NotUtf8),
    ] {
        check_refused(type_name, Form::Binary, &bytes(&hex.replace(' ', "")), reason);
    }
    check_refused("text", Form::Text, b"caf\xe9", Reason::NotUtf8);
    for column_type in [ColumnType::Money, ColumnType::Isbn, ColumnType::Unknown(UnknownType::Opaque)] {
        assert!(decode_binary(&column_type, b"x").is_err_and(|bad| bad.reason == Reason::NoSafeBinary));
    }
}

#[test]
fn neither_errors_nor_debug_forms_show_a_value() {
    let bad = decode_text(&ColumnType::Date, b"hunter2").expect_err("not a date");
    let error = Error::from(bad);
    assert_eq!(error.kind(), Kind::Undecodable);
    assert!(error.report().contains("type date"), "{}", error.report());
    let shown = format!("{bad:?} {error:?} {}", error.report());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(error.hint_text().is_some());

    for value in [
        Value::Text("4321"),
        Value::Int4(4321),
        Value::Numeric(Numeric::Text("4321")),
        Value::Bytes(Bytes::Hex(b"4321")),
    ] {
        assert!(!format!("{value:?}").contains("4321"), "{value:?}");
    }
    let parts = format!("{:?} {:?}", Numeric::Text("4321"), Bytes::Raw(b"4321"));
    assert!(!parts.contains("4321"), "{parts}");
}
