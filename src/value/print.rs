//! Values as the server's output functions print them under the pinned session settings: what a binary form's text is.

use super::quoted::write_quoted;
use super::{Civil, CivilDate, Date, TimeOfDay, TimeTz, Timestamp, Value, write_uuid};
use crate::pgtime::PgMicros;

const MICROS_PER_SECOND: u64 = 1_000_000;

impl Value<'_> {
    /// Appends the text that PostgreSQL prints for this value. A `money` comes out as a plain decimal number, because its
    /// locale is not known.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Bool(value) => out.push(if value { b't' } else { b'f' }),
            Self::Int2(value) => write_integer(out, value),
            Self::Int4(value) => write_integer(out, value),
            Self::Int8(value) => write_integer(out, value),
            Self::Oid(value) => write_integer(out, value),
            Self::Float4(value) => write_float4(out, value),
            Self::Float8(value) => write_float8(out, value),
            Self::Numeric(value) => value.write_text(out),
            Self::Money(value) => value.write_text(out),
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Uuid(uuid) => write_uuid(&uuid, out),
            Self::Bytes(bytes) => {
                out.extend_from_slice(b"\\x");
                bytes.write_hex(out);
            }
            Self::Bits(bits) => bits.write_text(out),
            Self::Date(date) => write_date(out, date),
            Self::Time(micros) => write_time(out, micros),
            Self::TimeTz(time) => time.write_text(out),
            Self::Timestamp(at) => write_timestamp(out, at, b""),
            Self::TimestampTz(at) => write_timestamp(out, at, b"+00"),
            Self::Interval(interval) => interval.write_text(out),
            Self::Printed(printed) => printed.write_text(out),
            Self::Point(point) => point.write_text(out),
            Self::Line(line) => line.write_text(out),
            Self::Circle(circle) => circle.write_text(out),
            Self::Shape(shape) => shape.write_text(out),
            Self::Ewkb(ewkb) => {
                let start = out.len();
                ewkb.0.write_hex(out);
                out.get_mut(start..).unwrap_or_default().make_ascii_uppercase();
            }
            Self::Hstore(hstore) => hstore.write_text(out),
            Self::Vector(vector) => vector.write_text(out),
            Self::SparseVector(vector) => vector.write_text(out),
            Self::Array(array) => array.write_text(out),
        }
    }
}

pub(in crate::value) fn write_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends the lowest of `digits` decimal digits.
fn write_padded(out: &mut Vec<u8>, value: u32, digits: usize) {
    let start = out.len();
    write_integer(out, value);
    let missing = digits.saturating_sub(out.len() - start);
    out.splice(start..start, std::iter::repeat_n(b'0', missing));
}

/// `date_out`
pub(in crate::value) fn write_date(out: &mut Vec<u8>, date: Date) {
    match date {
        Date::Infinity => out.extend_from_slice(b"infinity"),
        Date::NegativeInfinity => out.extend_from_slice(b"-infinity"),
        Date::Days(days) => {
            let era = write_day(out, CivilDate::from_pg_days(days));
            out.extend_from_slice(era);
        }
    }
}

/// `timestamp_out`, and `timestamptz_out` with the zone `+00`.
pub(in crate::value) fn write_timestamp(out: &mut Vec<u8>, at: Timestamp, zone: &[u8]) {
    match at {
        Timestamp::Infinity => out.extend_from_slice(b"infinity"),
        Timestamp::NegativeInfinity => out.extend_from_slice(b"-infinity"),
        Timestamp::At(PgMicros(micros)) => {
            let civil = Civil::from(PgMicros(micros));
            let era = write_day(out, civil.date);
            out.push(b' ');
            write_time_of_day(out, civil.time);
            out.extend_from_slice(zone);
            out.extend_from_slice(era);
        }
    }
}

/// `YYYY-MM-DD`; returns what says the era at the end.
fn write_day(out: &mut Vec<u8>, date: CivilDate) -> &'static [u8] {
    let (year, era): (i32, &[u8]) = if date.year > 0 { (date.year, b"") } else { (1 - date.year, b" BC") };
    write_padded(out, year.unsigned_abs(), 4);
    out.push(b'-');
    write_padded(out, date.month.into(), 2);
    out.push(b'-');
    write_padded(out, date.day.into(), 2);
    era
}

/// `time_out`
pub(in crate::value) fn write_time(out: &mut Vec<u8>, micros: i64) {
    write_time_of_day(out, TimeOfDay::from_micros(micros));
}

fn write_time_of_day(out: &mut Vec<u8>, time: TimeOfDay) {
    let seconds = u64::from(time.hour) * 3_600 + u64::from(time.minute) * 60 + u64::from(time.second);
    write_clock(out, seconds * MICROS_PER_SECOND + u64::from(time.micros));
}

/// `H{2,}:MM:SS[.f{1,6}]`, without zeros at the fraction's end.
pub(in crate::value) fn write_clock(out: &mut Vec<u8>, micros: u64) {
    let (seconds, fraction) = (micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND);
    if seconds < 36_000 {
        out.push(b'0');
    }
    write_integer(out, seconds / 3_600);
    for field in [seconds / 60 % 60, seconds % 60] {
        out.push(b':');
        write_padded(out, u32::try_from(field).unwrap_or_default(), 2);
    }
    if fraction > 0 {
        out.push(b'.');
        write_padded(out, u32::try_from(fraction).unwrap_or_default(), 6);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

impl TimeTz {
    /// Appends it as `timetz_out` prints it.
    pub fn write_text(self, out: &mut Vec<u8>) {
        write_time(out, self.micros);
        out.push(if self.offset_seconds < 0 { b'-' } else { b'+' });
        let offset = self.offset_seconds.unsigned_abs();
        write_padded(out, offset / 3_600, 2);
        let (minutes, seconds) = (offset / 60 % 60, offset % 60);
        if minutes > 0 || seconds > 0 {
            out.push(b':');
            write_padded(out, minutes, 2);
        }
        if seconds > 0 {
            out.push(b':');
            write_padded(out, seconds, 2);
        }
    }
}

/// `float4out` with `extra_float_digits` above 0: the shortest digits that read back as the same number.
pub(in crate::value) fn write_float4(out: &mut Vec<u8>, value: f32) {
    // A number of up to six digits before the point is written without an exponent.
    write_float(out, format_args!("{value:e}"), f64::from(value), 6);
}

/// `float8out`, likewise.
pub(in crate::value) fn write_float8(out: &mut Vec<u8>, value: f64) {
    write_float(out, format_args!("{value:e}"), value, 15);
}

/// Source: `to_chars` in the server's `d2s.c` and `f2s.c`.
fn write_float(out: &mut Vec<u8>, scientific: std::fmt::Arguments<'_>, value: f64, plain_digits: i32) {
    use std::io::Write;

    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
    }
    let mut shortest = [0_u8; 32];
    let mut rest = &mut shortest[..];
    // Seventeen digits, a point, two signs and an exponent of three digits fit.
    let _ = rest.write_fmt(scientific);
    let unused = rest.len();
    let written = shortest.get(..shortest.len() - unused).unwrap_or_default();
    let mark = written.iter().position(|byte| *byte == b'e').unwrap_or(written.len());
    let (mantissa, exponent) = written.split_at(mark);
    let exponent: i32 =
        exponent.get(1..).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).unwrap_or_default();
    let (negative, mantissa) = match mantissa {
        [b'-', mantissa @ ..] => (true, mantissa),
        mantissa => (false, mantissa),
    };
    if negative {
        out.push(b'-');
    }
    if value == 0.0 {
        return out.push(b'0');
    }
    if (-4..plain_digits).contains(&exponent) {
        write_plain(out, mantissa, exponent);
    } else {
        out.extend_from_slice(mantissa);
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        write_padded(out, exponent.unsigned_abs(), 2);
    }
}

/// `D.DDD` times ten to the exponent, written without it.
fn write_plain(out: &mut Vec<u8>, mantissa: &[u8], exponent: i32) {
    let digits = mantissa.iter().copied().filter(u8::is_ascii_digit);
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', exponent.unsigned_abs() as usize - 1));
        out.extend(digits);
        return;
    }
    let before_point = exponent.unsigned_abs() as usize + 1;
    let mut count = 0;
    for digit in digits {
        if count == before_point {
            out.push(b'.');
        }
        out.push(digit);
        count += 1;
    }
    out.extend(std::iter::repeat_n(b'0', before_point.saturating_sub(count)));
}

/// Puts quotes around what was appended since `start`, where the form that it stands in asks for them.
pub(in crate::value) fn quote_since(out: &mut Vec<u8>, start: usize, needs_quotes: impl FnOnce(&[u8]) -> bool) {
    if needs_quotes(out.get(start..).unwrap_or_default()) {
        let text = out.split_off(start.min(out.len()));
        write_quoted(out, &text);
    }
}

/// `array_isspace`, `isspace` in the C locale.
pub(in crate::value) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}
