//! Numbers: integers by `itoa`, floating point as Java prints it.
//!
//! Source: `Double.toString` and `Float.toString` of Java 19 and later: the shortest digits that read back as the same
//! number, plain between 10^-3 and 10^7, else with one digit before the point and an exponent.

use std::io::Write as _;
use std::ops::Range;

/// Numbers that Java writes without an exponent. In this range the formatter writes the same: digits on both sides of a
/// point.
const PLAIN: Range<f64> = 1e-3..1e7;

/// Most digits of a shortest `f64`.
const DIGITS_MAX: usize = 17;

/// Appends an integer.
#[inline]
pub fn write_integer<I: itoa::Integer>(out: &mut Vec<u8>, value: I) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a `double precision`; what JSON has no number for stands in quotes, as Jackson writes it.
pub fn write_f64(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        write_java_f64(out, value);
    } else {
        write_special(out, value.is_nan(), value > 0.0);
    }
}

/// Appends a `real`.
pub fn write_f32(out: &mut Vec<u8>, value: f32) {
    if value.is_finite() {
        write_java_f32(out, value);
    } else {
        write_special(out, value.is_nan(), value > 0.0);
    }
}

/// Appends a `double precision` as Java's own text has it, in which what is no number stands without quotes.
pub(super) fn append_f64(out: &mut Vec<u8>, value: f64) {
    match (value.is_finite(), value.is_nan(), value > 0.0) {
        (true, ..) => write_java_f64(out, value),
        (_, true, _) => out.extend_from_slice(b"NaN"),
        (_, _, true) => out.extend_from_slice(b"Infinity"),
        (_, _, false) => out.extend_from_slice(b"-Infinity"),
    }
}

fn write_special(out: &mut Vec<u8>, nan: bool, positive: bool) {
    let text: &[u8] = match (nan, positive) {
        (true, _) => b"\"NaN\"",
        (false, true) => b"\"Infinity\"",
        (false, false) => b"\"-Infinity\"",
    };
    out.extend_from_slice(text);
}

/// Appends a finite `f64`.
fn write_java_f64(out: &mut Vec<u8>, value: f64) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    if PLAIN.contains(&value.abs()) && !text.contains('e') {
        return out.extend_from_slice(text.as_bytes());
    }
    let mut shortest = Shortest::read(text);
    if shortest.length == 1 && value.is_subnormal() {
        // Java takes the nearest of all two-digit forms that read back; only the last few subnormals have several.
        shortest.refine(format_args!("{value:.1e}"), |text| text.parse() == Ok(value));
    }
    shortest.write_java(out);
}

/// Appends a finite `f32`.
fn write_java_f32(out: &mut Vec<u8>, value: f32) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    if PLAIN.contains(&f64::from(value.abs())) && !text.contains('e') {
        return out.extend_from_slice(text.as_bytes());
    }
    let mut shortest = Shortest::read(text);
    if shortest.length == 1 && value.is_subnormal() {
        shortest.refine(format_args!("{value:.1e}"), |text| text.parse() == Ok(value));
    }
    shortest.write_java(out);
}

/// A finite number as `0.d1d2d3... * 10^point`, without zeros at either end.
struct Shortest {
    negative: bool,
    digits: [u8; DIGITS_MAX],
    length: usize,
    point: i32,
}

impl Shortest {
    /// Reads what a formatter wrote: digits with or without a point and an exponent.
    fn read(text: &str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i32 = exponent.strip_prefix('+').unwrap_or(exponent).parse().unwrap_or_default();
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut number = Self { negative, digits: [0; DIGITS_MAX], length: 0, point: exponent };
        for digit in whole.bytes() {
            if number.push(digit) {
                number.point += 1;
            }
        }
        for digit in fraction.bytes() {
            if !number.push(digit) {
                number.point -= 1;
            }
        }
        while number.length > 0 && number.digits.get(number.length - 1) == Some(&b'0') {
            number.length -= 1;
        }
        number
    }

    /// Takes a digit unless it is a zero before all others; says whether it stands.
    fn push(&mut self, digit: u8) -> bool {
        if self.length == 0 && digit == b'0' {
            return false;
        }
        if let Some(slot) = self.digits.get_mut(self.length) {
            *slot = digit;
            self.length += 1;
        }
        true
    }

    fn refine(&mut self, two_digits: std::fmt::Arguments<'_>, reads_back: impl Fn(&str) -> bool) {
        let mut text = [0_u8; 16];
        let mut rest = &mut text[..];
        if rest.write_fmt(two_digits).is_ok() {
            let left = rest.len();
            let written = text.get(..text.len() - left).unwrap_or_default();
            if let Some(text) = std::str::from_utf8(written).ok().filter(|text| reads_back(text)) {
                *self = Self::read(text);
            }
        }
    }

    fn write_java(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        let digits = self.digits.get(..self.length).unwrap_or_default();
        if digits.is_empty() {
            out.extend_from_slice(b"0.0");
            return;
        }
        match self.point {
            // From 10^-3 up: zeros between the point and the first digit.
            -2..=0 => {
                out.extend_from_slice(b"0.");
                out.extend(std::iter::repeat_n(b'0', usize::try_from(-self.point).unwrap_or_default()));
                out.extend_from_slice(digits);
            }
            // Below 10^7: the point stands among the digits or after zeros.
            1..=7 => {
                let whole = usize::try_from(self.point).unwrap_or_default();
                let (head, tail) = digits.split_at(whole.min(digits.len()));
                out.extend_from_slice(head);
                out.extend(std::iter::repeat_n(b'0', whole - head.len()));
                out.push(b'.');
                out.extend_from_slice(if tail.is_empty() { b"0" } else { tail });
            }
            _ => {
                let (head, tail) = digits.split_at(1);
                out.extend_from_slice(head);
                out.push(b'.');
                out.extend_from_slice(if tail.is_empty() { b"0" } else { tail });
                out.push(b'E');
                write_integer(out, self.point - 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn double(value: f64) -> String {
        let mut out = Vec::new();
        write_f64(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    fn float(value: f32) -> String {
        let mut out = Vec::new();
        write_f32(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_are_javas() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (3.3, "3.3"),
            (-1.5, "-1.5"),
            (100.0, "100.0"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1e10, "1.0E10"),
            (12_345_678.9, "1.23456789E7"),
            (0.001, "0.001"),
            (0.0123, "0.0123"),
            (0.000_999, "9.99E-4"),
            (1e-5, "1.0E-5"),
            (1e23, "1.0E23"),
            (2e-3, "0.002"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (5e-324, "4.9E-324"),
            (1e-323, "9.9E-324"),
            (1.5e-323, "1.5E-323"),
            (2e-323, "2.0E-323"),
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            assert_eq!(double(value), text);
        }
    }

    #[test]
    fn floats_are_javas() {
        for (value, text) in [
            (3.3_f32, "3.3"),
            (1e10, "1.0E10"),
            (16_777_216.0, "1.6777216E7"),
            (f32::MAX, "3.4028235E38"),
            (f32::MIN_POSITIVE, "1.1754944E-38"),
            (1e-45, "1.4E-45"),
            (f32::NAN, "\"NaN\""),
        ] {
            assert_eq!(float(value), text);
        }
    }

    proptest! {
        #[test]
        fn plain_numbers_are_written_as_if_taken_apart(digits in 1_u64..1_000_000_000_000_000_000, power in 0_i32..22) {
            let value = digits as f64 / 10_f64.powi(power);
            let (mut buffer, mut taken_apart) = (zmij::Buffer::new(), Vec::new());
            Shortest::read(buffer.format_finite(value)).write_java(&mut taken_apart);
            prop_assert_eq!(double(value), String::from_utf8(taken_apart).unwrap());
            #[expect(clippy::cast_possible_truncation, reason = "any float will do")]
            let value = value as f32;
            let mut taken_apart = Vec::new();
            Shortest::read(buffer.format_finite(value)).write_java(&mut taken_apart);
            prop_assert_eq!(float(value), String::from_utf8(taken_apart).unwrap());
        }

        #[test]
        fn every_finite_number_reads_back(bits: u64) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                prop_assert_eq!(double(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
            }
        }
    }
}
