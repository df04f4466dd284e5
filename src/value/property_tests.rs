//! Properties of values over generated numbers and over bytes that mean nothing.

use std::sync::Arc;

use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;
use crate::catalog::RangeType;

const NUMERIC: ColumnType = ColumnType::Numeric(None);

/// The decimal text of `digits` (at least one more than `dscale` of them) with the point put in.
fn numeric_text(negative: bool, digits: &str, dscale: usize) -> String {
    let (integer, fraction) = digits.split_at(digits.len() - dscale);
    let integer = match integer.trim_start_matches('0') {
        "" => "0",
        integer => integer,
    };
    let sign = if negative && digits.contains(|digit| digit != '0') { "-" } else { "" };
    if dscale == 0 { format!("{sign}{integer}") } else { format!("{sign}{integer}.{fraction}") }
}

/// The same number as the server sends it.
fn numeric_binary(negative: bool, digits: &str, dscale: usize) -> Vec<u8> {
    let (integer, fraction) = digits.split_at(digits.len() - dscale);
    let integer = format!("{}{integer}", "0".repeat((4 - integer.len() % 4) % 4));
    let fraction = format!("{fraction}{}", "0".repeat((4 - fraction.len() % 4) % 4));
    let all = format!("{integer}{fraction}");
    let mut groups: Vec<u16> = all
        .as_bytes()
        .chunks(4)
        .map(|group| std::str::from_utf8(group).expect("digits").parse().expect("four digits"))
        .collect();
    let mut weight = i16::try_from(integer.len() / 4).expect("short") - 1;
    while groups.first() == Some(&0) {
        groups.remove(0);
        weight -= 1;
    }
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    let sign: u16 = if negative && !groups.is_empty() { 0x4000 } else { 0 };
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&u16::try_from(groups.len()).expect("short").to_be_bytes());
    bytes.extend_from_slice(&weight.to_be_bytes());
    bytes.extend_from_slice(&sign.to_be_bytes());
    bytes.extend_from_slice(&u16::try_from(dscale).expect("short").to_be_bytes());
    for group in groups {
        bytes.extend_from_slice(&group.to_be_bytes());
    }
    bytes
}

fn numeric<'a>(value: Result<Value<'a>, BadValue>) -> Numeric<'a> {
    match value {
        Ok(Value::Numeric(numeric)) => numeric,
        other => panic!("{other:?}"),
    }
}

fn big(unscaled: &Unscaled) -> BigInt {
    match unscaled {
        Unscaled::Small(value) => BigInt::from(*value),
        Unscaled::Big(value) => value.clone(),
    }
}

/// Digits, sign and display scale of a number; zeros are common at both ends.
fn number() -> impl Strategy<Value = (bool, String, usize)> {
    let digits = prop_oneof![
        4 => "0{0,6}[0-9]{1,12}0{0,6}",
        1 => "[0-9]{30,45}",
        1 => "[1-9][0-9]{0,3}0{30,60}[0-9]{0,9}",
    ];
    (any::<bool>(), digits).prop_flat_map(|(negative, digits)| {
        let longest = digits.len() - 1;
        (Just(negative), Just(digits), 0..=longest)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn text_and_binary_of_a_number_are_equal((negative, digits, dscale) in number()) {
        let text = numeric_text(negative, &digits, dscale);
        let binary = numeric_binary(negative, &digits, dscale);
        let from_text = numeric(decode_text(&NUMERIC, text.as_bytes()));
        let from_binary = numeric(decode_binary(&NUMERIC, &binary));
        prop_assert!(from_text == from_binary);
        prop_assert!(from_binary == from_text);
        for numeric in [from_text, from_binary] {
            let mut written = Vec::new();
            numeric.write_text(&mut written);
            prop_assert_eq!(std::str::from_utf8(&written), Ok(text.as_str()));
        }
    }

    #[test]
    fn numbers_that_print_differently_are_different(a in number(), b in number()) {
        let texts = [&a, &b].map(|(negative, digits, dscale)| numeric_text(*negative, digits, *dscale));
        let binary = numeric_binary(b.0, &b.1, b.2);
        let equal = numeric(decode_text(&NUMERIC, texts[0].as_bytes())) == numeric(decode_binary(&NUMERIC, &binary));
        prop_assert_eq!(equal, texts[0] == texts[1]);
    }

    #[test]
    fn the_unscaled_integer_is_exact((negative, digits, dscale) in number(), scale in -30_i16..60) {
        // Given a number as an integer of its own.
        let text = numeric_text(negative, &digits, dscale);
        let binary = numeric_binary(negative, &digits, dscale);
        let integer: BigInt = format!("{}{digits}", if negative { "-" } else { "" }).parse().expect("an integer");
        let shift = i32::from(scale) - i32::try_from(dscale).expect("short");
        let factor = BigInt::from(10).pow(shift.unsigned_abs());
        let expected = if shift >= 0 {
            Ok(&integer * &factor)
        } else if &integer % &factor == BigInt::ZERO {
            Ok(&integer / &factor)
        } else {
            Err(NotExact::DigitsLost)
        };
        for numeric in [numeric(decode_text(&NUMERIC, text.as_bytes())), numeric(decode_binary(&NUMERIC, &binary))] {
            // When it is asked for at a scale, then it is the same integer, or a refusal where digits would go.
            let unscaled = numeric.unscaled_at(scale);
            prop_assert_eq!(unscaled.as_ref().map(big).map_err(|error| *error), expected.clone());
            if let Ok(unscaled) = unscaled {
                prop_assert_eq!(matches!(unscaled, Unscaled::Small(_)), i128::try_from(big(&unscaled)).is_ok());
                let mut bytes = Vec::new();
                unscaled.write_be(&mut bytes);
                prop_assert_eq!(bytes, big(&unscaled).to_signed_bytes_be());
            }
        }
    }

    #[test]
    fn the_variable_form_has_no_trailing_zero_after_the_point((negative, digits, dscale) in number()) {
        let text = numeric_text(negative, &digits, dscale);
        let binary = numeric_binary(negative, &digits, dscale);
        let mut expected: BigInt = format!("{}{digits}", if negative { "-" } else { "" }).parse().expect("an integer");
        let mut scale = i32::try_from(dscale).expect("short");
        while scale > 0 && &expected % 10 == BigInt::ZERO {
            expected /= 10;
            scale -= 1;
        }
        for numeric in [numeric(decode_text(&NUMERIC, text.as_bytes())), numeric(decode_binary(&NUMERIC, &binary))] {
            let (found_scale, unscaled) = numeric.variable().expect("a number");
            prop_assert_eq!((found_scale, big(&unscaled)), (scale, expected.clone()));
            prop_assert_eq!(matches!(unscaled, Unscaled::Small(_)), i128::try_from(big(&unscaled)).is_ok());
        }
    }

    #[test]
    fn every_128_bit_integer_writes_as_the_library_writes_it(value: i128, shift in 0_u32..128) {
        let value = value >> shift;
        let mut bytes = Vec::new();
        Unscaled::Small(value).write_be(&mut bytes);
        prop_assert_eq!(bytes, BigInt::from(value).to_signed_bytes_be());
    }

    #[test]
    fn integers_and_floats_are_the_same_in_both_forms(integer: i64, shift in 0_u32..64, float: f64, single: f32) {
        let integer = integer >> shift;
        let text = |column_type: &ColumnType, text: &str, binary: &[u8]| {
            decode_text(column_type, text.as_bytes()).is_ok_and(|value| Ok(value) == decode_binary(column_type, binary))
        };
        prop_assert!(text(&ColumnType::Int8, &integer.to_string(), &integer.to_be_bytes()));
        if let Ok(integer) = i32::try_from(integer) {
            prop_assert!(text(&ColumnType::Int4, &integer.to_string(), &integer.to_be_bytes()));
        } else {
            prop_assert!(decode_text(&ColumnType::Int4, integer.to_string().as_bytes()).is_err());
        }
        if float.is_finite() {
            let printed = format!("{float:e}");
            prop_assert!(text(&ColumnType::Float8, &printed, &float.to_be_bytes()));
        }
        if single.is_finite() {
            let printed = single.to_string();
            prop_assert!(text(&ColumnType::Float4, &printed, &single.to_be_bytes()));
        }
    }

    #[test]
    fn timestamps_survive_their_text(micros in -211_813_488_000_000_000_i64..9_223_371_331_200_000_000, zone in -50_400_i64..50_400) {
        let show = |at: i64| {
            let Civil { date, time } = Civil::from(PgMicros(at));
            let (year, era) = if date.year > 0 { (date.year, "") } else { (1 - date.year, " BC") };
            let day = format!("{year:04}-{:02}-{:02}", date.month, date.day);
            (format!("{day} {:02}:{:02}:{:02}.{:06}", time.hour, time.minute, time.second, time.micros), era)
        };
        let (text, era) = show(micros);
        let text = format!("{text}{era}");
        let plain = decode_text(&ColumnType::Timestamp(6), text.as_bytes());
        prop_assert_eq!(plain, Ok(Value::Timestamp(Timestamp::At(PgMicros(micros)))));

        let (local, era) = show(micros.saturating_add(zone * 1_000_000));
        let (sign, seconds) = if zone < 0 { ('-', -zone) } else { ('+', zone) };
        let offset = format!("{sign}{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let zoned = format!("{local}{offset}{era}");
        let zoned = decode_text(&ColumnType::TimestampTz(6), zoned.as_bytes());
        if micros.checked_add(zone * 1_000_000).is_some() {
            prop_assert_eq!(zoned, Ok(Value::TimestampTz(Timestamp::At(PgMicros(micros)))));
        }
    }

    #[test]
    fn bytes_are_the_same_in_both_forms(content in prop::collection::vec(any::<u8>(), 0..64)) {
        let text = content.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}"));
        let from_text = decode_text(&ColumnType::Bytea, text.as_bytes());
        prop_assert_eq!(from_text, decode_binary(&ColumnType::Bytea, &content));
        let Ok(Value::Bytes(bytes)) = from_text else { panic!("{from_text:?}") };
        let mut decoded = Vec::new();
        bytes.decode_into(&mut decoded);
        prop_assert_eq!((bytes.len(), decoded), (content.len(), content));
    }

    #[test]
    fn bytes_that_mean_nothing_never_panic(datum in noise()) {
        for column_type in all_types() {
            for value in [decode_text(&column_type, &datum), decode_binary(&column_type, &datum)].into_iter().flatten() {
                exercise(&value);
            }
        }
    }

    #[test]
    fn hand_made_numerics_never_panic(text in ".{0,60}", digits in prop::collection::vec(any::<u8>(), 0..60), weight in -400_i16..400, dscale in 0_u16..2_000, scale: i16) {
        let binary = Numeric::Binary { digits: &digits, weight, sign: NumericSign::Negative, dscale };
        for numeric in [Numeric::Text(&text), binary] {
            let _ = numeric.unscaled_at(scale);
            exercise(&Value::Numeric(numeric));
        }
    }
}

/// Random bytes, and random words of the alphabets that the parsers know.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[-+0-9.e]{0,30}".prop_map(String::into_bytes),
        "[-+0-9]{0,4}[0-9]{4,7}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,7})?)?([-+][0-9:]{2,8})?( BC)?"
            .prop_map(String::into_bytes),
        "[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,7})?".prop_map(String::into_bytes),
        "\\\\x[0-9a-fA-F]{0,20}".prop_map(String::into_bytes),
        "[0-9a-fA-F]{0,40}".prop_map(String::into_bytes),
        "[01]{0,40}".prop_map(String::into_bytes),
        "[-+]?[0-9]{1,11} (year|years|mon|mons|day|days)( [-+]?[0-9]{2,11}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,7})?)?"
            .prop_map(String::into_bytes),
        "[0-9]{2}:[0-9]{2}:[0-9]{2}[-+][0-9]{2}(:[0-9]{2}){0,2}".prop_map(String::into_bytes),
        "(\\[-?[0-9]:[0-9]\\]=)?[{}\",;:aNUL1\\\\ é]{0,24}".prop_map(String::into_bytes),
        "\\{(\"[a\\\\\" é]{0,4}\"|NULL|1|a|,){0,9}\\}".prop_map(String::into_bytes),
        "(\"[a\\\\é]{0,3}\"=>(NULL|\"[a\\\\]{0,3}\")(, )?){0,3}".prop_map(String::into_bytes),
        "[\\[({<]?\\(?[0-9.]{1,3},[0-9.]{1,3}\\)?(,\\(?[0-9.]{1,3},[0-9.]{1,3}\\)?){0,2}[\\])}>]?".prop_map(String::into_bytes),
        "[\\[{]([0-9]:)?[0-9.]{1,3}(,([0-9]:)?[0-9.]{1,3}){0,3}[\\]}](/[0-9]{1,2})?".prop_map(String::into_bytes),
        "[-$(]?[-$]?[0-9,.]{1,22}[ )]?".prop_map(String::into_bytes),
        // Small numbers of one to four bytes, so that counts and lengths are plausible.
        prop::collection::vec((-1_i32..5, 1_usize..5), 0..16).prop_map(|fields| {
            fields.iter().flat_map(|(number, size)| number.to_be_bytes()[4 - size..].to_vec()).collect()
        }),
        // The header of a binary numeric with plausible fields, then groups.
        (0_u16..6, -4_i16..6, prop::sample::select(vec![0_u16, 0x4000, 0xC000, 0xD000, 0xF000]), 0_u16..30, prop::collection::vec(0_u16..10_100, 0..6))
            .prop_map(|(count, weight, sign, dscale, groups)| {
                let mut bytes = Vec::new();
                bytes.extend_from_slice(&count.to_be_bytes());
                bytes.extend_from_slice(&weight.to_be_bytes());
                bytes.extend_from_slice(&sign.to_be_bytes());
                bytes.extend_from_slice(&dscale.to_be_bytes());
                groups.iter().for_each(|group| bytes.extend_from_slice(&group.to_be_bytes()));
                bytes
            }),
    ]
}

fn all_types() -> Vec<ColumnType> {
    use UnknownType::{JsonPath, Multirange, Opaque, PgLsn, RefCursor, Snapshot, Tid, Xid, Xid8};

    let ranges = [
        RangeType::Int4,
        RangeType::Int8,
        RangeType::Numeric,
        RangeType::Date,
        RangeType::Timestamp,
        RangeType::TimestampTz,
    ];
    let unknown = [PgLsn, Xid, Xid8, Tid, Snapshot, JsonPath, RefCursor, Opaque];
    let mut types = vec![
        ColumnType::Bool,
        ColumnType::Int2,
        ColumnType::Int4,
        ColumnType::Int8,
        ColumnType::Oid,
        ColumnType::Float4,
        ColumnType::Float8,
        NUMERIC,
        ColumnType::Money,
        ColumnType::Text,
        ColumnType::Char,
        ColumnType::Name,
        ColumnType::Xml,
        ColumnType::Uuid,
        ColumnType::Json,
        ColumnType::Jsonb,
        ColumnType::Bytea,
        ColumnType::Bit(None),
        ColumnType::VarBit(None),
        ColumnType::Date,
        ColumnType::Time(6),
        ColumnType::TimeTz(6),
        ColumnType::Timestamp(6),
        ColumnType::TimestampTz(6),
        ColumnType::Interval,
        ColumnType::Inet,
        ColumnType::Cidr,
        ColumnType::MacAddr,
        ColumnType::MacAddr8,
        ColumnType::TsVector,
        ColumnType::Ltree,
        ColumnType::Isbn,
        ColumnType::Hstore,
        ColumnType::Point,
        ColumnType::Line,
        ColumnType::Lseg,
        ColumnType::Box,
        ColumnType::Path,
        ColumnType::Polygon,
        ColumnType::Circle,
        ColumnType::Geometry,
        ColumnType::Geography,
        ColumnType::Vector,
        ColumnType::HalfVec,
        ColumnType::SparseVec,
        ColumnType::Enum(Arc::from([])),
    ];
    types.extend(ranges.map(ColumnType::Range));
    types.extend(ranges.map(|range_type| ColumnType::Unknown(Multirange(range_type))));
    types.extend(unknown.map(ColumnType::Unknown));
    let arrays: Vec<ColumnType> = types.iter().map(|element| ColumnType::Array(Box::new(element.clone()))).collect();
    types.extend(arrays);
    types.push(ColumnType::DomainArray(Box::new(ColumnType::Array(Box::new(ColumnType::Text)))));
    types.push(ColumnType::DroppedArray(Box::new(ColumnType::Interval)));
    types
}

/// Calls everything that an encoder could call.
fn exercise(value: &Value<'_>) {
    let mut out = Vec::new();
    match value {
        Value::Numeric(numeric) => {
            numeric.write_text(&mut out);
            let _ = numeric.special();
            for scale in [i16::MIN, -1, 0, 2, 40] {
                if let Ok(unscaled) = numeric.unscaled_at(scale) {
                    unscaled.write_be(&mut out);
                }
            }
            if let Ok((_, unscaled)) = numeric.variable() {
                unscaled.write_be(&mut out);
            }
        }
        Value::Bytes(bytes) => bytes.decode_into(&mut out),
        Value::Uuid(uuid) => write_uuid(uuid, &mut out),
        Value::Date(date) => {
            if let Date::Days(days) = date {
                let _ = CivilDate::from_pg_days(*days);
            }
            let _ = date.unix_days();
        }
        Value::Time(micros) => {
            let _ = TimeOfDay::from_micros(*micros);
        }
        Value::Timestamp(timestamp) | Value::TimestampTz(timestamp) => {
            if let Timestamp::At(at) = timestamp {
                let _ = Civil::from(*at);
            }
            let _ = timestamp.unix_micros();
        }
        Value::Bits(bits) => {
            assert_eq!(bits.iter().count(), bits.len());
            bits.write_number_le(&mut out);
        }
        Value::Shape(shape) => assert!(shape.points().count() > 0),
        Value::Ewkb(ewkb) => drop(ewkb.srid()),
        Value::Hstore(hstore) => hstore.pairs().for_each(|pair| pair.key.write(&mut out)),
        Value::Vector(vector) => assert!(vector.elements().count() > 0),
        Value::SparseVector(vector) => drop(vector.entries().count()),
        Value::Array(array) => {
            assert_eq!(array.elements().next().is_none(), array.dimensions() == 0);
            let mut scratch = String::new();
            for element in array.elements() {
                let _ = element.decode(&mut scratch);
            }
        }
        _ => {}
    }
    value.write_text(&mut out);
    let same = *value;
    assert!(*value == same, "a value equals itself");
}
