//! `numeric` in the forms that records have for it.
//!
//! Source: Java's `BigInteger.toByteArray`, `BigDecimal.toString`, `toPlainString` and `doubleValue`; Debezium's
//! `SpecialValueDecimal`.

use super::NotRepresentable;
use crate::catalog::NumericSize;
use crate::value::{EXACT_POWERS, Money, Numeric, NumericSpecial, Unscaled};

/// Integers below it are exact as doubles.
const EXACT_INTEGERS: u64 = 1 << 53;

/// The scale in the Connect schema. Debezium reads the 11 bits of the modifier without their sign, so that a scale of
/// -2 becomes 2046; a consumer that knows the schema reads the right number all the same.
pub(super) const fn connect_scale(size: NumericSize) -> i16 {
    if size.scale < 0 { size.scale + 2_048 } else { size.scale }
}

/// Hands over the shortest big-endian two's complement form, one byte at least.
pub fn with_be_bytes<R>(unscaled: &Unscaled, take: impl FnOnce(&[u8]) -> R) -> R {
    match unscaled {
        Unscaled::Small(value) => {
            let bytes = value.to_be_bytes();
            let bits = if *value < 0 { value.leading_ones() } else { value.leading_zeros() };
            // One sign bit must stay, and with it one byte.
            let redundant = (bits.saturating_sub(1) / u8::BITS) as usize;
            take(bytes.get(redundant..).unwrap_or_default())
        }
        Unscaled::Big(value) => take(&value.to_signed_bytes_be()),
    }
}

/// Appends Java's `BigDecimal.toString`: with an exponent for very small numbers.
pub fn append_java_text(out: &mut Vec<u8>, unscaled: &Unscaled, scale: i32) {
    match unscaled {
        Unscaled::Small(value) => append_digits(out, itoa::Buffer::new().format(*value), scale),
        Unscaled::Big(value) => append_digits(out, &value.to_string(), scale),
    }
}

fn append_digits(out: &mut Vec<u8>, integer: &str, scale: i32) {
    let (sign, digits) = integer.strip_prefix('-').map_or(("", integer), |digits| ("-", digits));
    let digits = digits.as_bytes();
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let adjusted = length - 1 - i64::from(scale);
    out.extend_from_slice(sign.as_bytes());
    if scale == 0 {
        out.extend_from_slice(digits);
    } else if scale > 0 && adjusted >= -6 {
        let fraction = usize::try_from(scale).unwrap_or_default();
        let whole = digits.len().saturating_sub(fraction);
        let (whole, rest) = digits.split_at(whole);
        out.extend_from_slice(if whole.is_empty() { b"0" } else { whole });
        out.push(b'.');
        out.extend(std::iter::repeat_n(b'0', fraction - rest.len()));
        out.extend_from_slice(rest);
    } else {
        let (first, rest) = digits.split_at(1);
        out.extend_from_slice(first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
        out.extend_from_slice(if adjusted < 0 { b"E" } else { b"E+" });
        out.extend_from_slice(itoa::Buffer::new().format(adjusted).as_bytes());
    }
}

/// An amount of money at a scale, rounded half up where it has more digits.
///
/// # Errors
/// [`NotRepresentable`] where the scale is out of all proportion.
pub(super) fn money_at(money: Money, scale: i16) -> Result<Unscaled, NotRepresentable> {
    let shift = i32::from(scale) - i32::from(money.scale);
    let power = 10_i128.checked_pow(shift.unsigned_abs()).ok_or(NotRepresentable)?;
    let unscaled = i128::from(money.unscaled);
    if shift >= 0 {
        return unscaled.checked_mul(power).map(Unscaled::Small).ok_or(NotRepresentable);
    }
    let rounded = (unscaled.abs() + power / 2) / power;
    Ok(Unscaled::Small(if unscaled < 0 { -rounded } else { rounded }))
}

/// What Debezium calls a number that is none.
pub(super) const fn special_text(special: NumericSpecial) -> &'static str {
    match special {
        NumericSpecial::NaN => "NAN",
        NumericSpecial::Infinity => "POSITIVE_INFINITY",
        NumericSpecial::NegativeInfinity => "NEGATIVE_INFINITY",
    }
}

/// Appends the plain decimal text of a number, brought to a scale where one is declared.
///
/// # Errors
/// [`NotRepresentable`] where digits other than zero would be lost; what was appended stays.
pub(super) fn append_plain(
    out: &mut Vec<u8>,
    numeric: &Numeric<'_>,
    scale: Option<i16>,
) -> Result<(), NotRepresentable> {
    let start = out.len();
    numeric.write_text(out);
    let Some(scale) = scale else { return Ok(()) };
    let scale = usize::try_from(scale).map_err(|_| NotRepresentable)?;
    let text = out.get(start..).unwrap_or_default();
    let point = text.iter().position(|byte| *byte == b'.');
    let present = point.map_or(0, |point| text.len() - point - 1);
    if present <= scale {
        if point.is_none() && scale > 0 {
            out.push(b'.');
        }
        out.extend(std::iter::repeat_n(b'0', scale - present));
        return Ok(());
    }
    let kept = text.len() - (present - scale);
    let lost = text.get(kept..).unwrap_or_default();
    if lost.iter().any(|byte| *byte != b'0') {
        return Err(NotRepresentable);
    }
    let kept = if scale == 0 { kept - 1 } else { kept };
    out.truncate(start + kept);
    Ok(())
}

/// The nearest double.
pub(super) fn to_f64(numeric: &Numeric<'_>) -> f64 {
    match numeric.special() {
        Some(NumericSpecial::NaN) => return f64::NAN,
        Some(NumericSpecial::Infinity) => return f64::INFINITY,
        Some(NumericSpecial::NegativeInfinity) => return f64::NEG_INFINITY,
        None => {}
    }
    if let Numeric::Text(text) = numeric {
        return text.parse().unwrap_or(f64::NAN);
    }
    if let Ok((scale, Unscaled::Small(unscaled))) = numeric.variable()
        && let Ok(unscaled) = i64::try_from(unscaled)
        && unscaled.unsigned_abs() < EXACT_INTEGERS
        && let Some(power) = usize::try_from(scale).ok().and_then(|scale| EXACT_POWERS.get(scale))
    {
        // Both are exact, so that the one division rounds as reading the text would.
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        return unscaled as f64 / power;
    }
    let mut text = Vec::new();
    numeric.write_text(&mut text);
    std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ColumnType;
    use crate::value::{Value, decode_binary, decode_text};

    fn numeric(text: &str) -> Numeric<'_> {
        match decode_text(&ColumnType::Numeric(None), text.as_bytes()).unwrap() {
            Value::Numeric(numeric) => numeric,
            _ => unreachable!(),
        }
    }

    #[test]
    fn bytes_are_big_integers() {
        for (unscaled, bytes) in [
            (0, &[0][..]),
            (100, &[0x64]),
            (128, &[0x00, 0x80]),
            (-1, &[0xff]),
            (-128, &[0x80]),
            (-129, &[0xff, 0x7f]),
            (12_340, &[0x30, 0x34]),
            (i128::MAX, &i128::MAX.to_be_bytes()),
            (i128::MIN, &i128::MIN.to_be_bytes()),
        ] {
            with_be_bytes(&Unscaled::Small(unscaled), |found| assert_eq!(found, bytes, "{unscaled}"));
        }
        let big = Unscaled::Big(num_bigint::BigInt::from(i128::MAX) + 1);
        with_be_bytes(&big, |found| assert_eq!((found.len(), found[0], found[1]), (17, 0, 0x80)));
    }

    #[test]
    fn java_text_is_that_of_big_decimals() {
        for (unscaled, scale, java) in [
            (150, 2, "1.50"),
            (0, 2, "0.00"),
            (-5, 2, "-0.05"),
            (1, 7, "1E-7"),
            (12, 8, "1.2E-7"),
            (0, 10, "0E-10"),
            (123, 0, "123"),
            (123, -2, "1.23E+4"),
            (123_456, 3, "123.456"),
            (1, 6, "0.000001"),
        ] {
            let mut out = Vec::new();
            append_java_text(&mut out, &Unscaled::Small(unscaled), scale);
            assert_eq!(String::from_utf8(out).unwrap(), java);
        }
    }

    #[test]
    fn money_is_rounded_half_up() {
        let at = |unscaled, scale| money_at(Money { unscaled, scale: 2 }, scale);
        assert_eq!(at(12_345, 4), Ok(Unscaled::Small(1_234_500)));
        assert_eq!(at(12_350, 0), Ok(Unscaled::Small(124)));
        assert_eq!(at(-12_350, 0), Ok(Unscaled::Small(-124)));
        assert_eq!(at(1, 300), Err(NotRepresentable));
    }

    #[test]
    fn plain_text_is_brought_to_its_scale() {
        for (text, scale, plain) in [
            ("1.5", None, Ok("1.5")),
            ("1.5", Some(3), Ok("1.500")),
            ("12", Some(2), Ok("12.00")),
            ("12", Some(0), Ok("12")),
            ("1.500", Some(1), Ok("1.5")),
            ("1.0", Some(0), Ok("1")),
            ("1.25", Some(1), Err(NotRepresentable)),
        ] {
            let mut out = Vec::new();
            let written = append_plain(&mut out, &numeric(text), scale);
            assert_eq!(written.map(|()| String::from_utf8(out).unwrap()), plain.map(str::to_owned), "{text} {scale:?}");
        }
    }

    #[test]
    fn doubles_are_the_nearest_in_both_forms() {
        // 1.1, as base-10000 groups 1 and 1000; and 10^23, which no double is.
        let binary = |bytes: &'static [u8]| match decode_binary(&ColumnType::Numeric(None), bytes).unwrap() {
            Value::Numeric(numeric) => to_f64(&numeric).to_bits(),
            _ => unreachable!(),
        };
        assert_eq!(binary(b"\0\x02\0\0\0\0\0\x01\0\x01\x03\xe8"), 1.1_f64.to_bits());
        assert_eq!(binary(b"\0\x01\0\x05\0\0\0\0\x03\xe8"), 1e23_f64.to_bits());
        // The least integer of 64 bits has no counterpart above zero.
        let least = b"\0\x05\0\x04\x40\0\0\0\x03\x9a\x0d\x2c\x01\x70\x15\x65\x16\xb0";
        assert_eq!(binary(least), (-9_223_372_036_854_775_808_f64).to_bits());
        for text in ["0", "-12.5", "0.1", "3.141592653589793238462643", "100000000000000000000000"] {
            assert_eq!(to_f64(&numeric(text)).to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
        assert!(to_f64(&numeric("NaN")).is_nan());
        assert_eq!(to_f64(&numeric("-Infinity")), f64::NEG_INFINITY);
    }
}
