//! Dates and times in Debezium's adaptive precision.
//!
//! Source: Debezium's `io.debezium.time` classes and `PostgresValueConverter`; Java's `DateTimeFormatter` for zoned texts.

use super::number::write_integer;
use crate::pgtime::{PgMicros, UNIX_TO_PG_EPOCH_DAYS, UNIX_TO_PG_EPOCH_MICROS};
use crate::value::{Civil, Date, Timestamp};

const MICROS_PER_SECOND: i64 = 1_000_000;
/// Fraction digits of a microsecond.
const MICROS_DIGITS: usize = 6;
/// Most fraction digits that are counted in milliseconds.
pub(in crate::encode) const MILLIS_DIGITS_MAX: u8 = 3;

/// Epoch days that Debezium writes for `infinity` and `-infinity`: days -5877611-06-21 and the one after it, of which
/// the later one means the earlier end.
const DATE_INFINITY: i32 = -2_147_472_692;
const DATE_NEGATIVE_INFINITY: i32 = -2_147_472_691;
/// What pgJDBC's infinities are in microseconds.
const TIMESTAMP_INFINITY_MICROS: i64 = 9_223_372_036_825_200_000;
const TIMESTAMP_NEGATIVE_INFINITY_MICROS: i64 = -9_223_372_036_832_400_000;

/// Appends days since the Unix epoch.
pub(in crate::encode) fn write_date(out: &mut Vec<u8>, date: Date) {
    write_integer(
        out,
        match date {
            Date::Infinity => DATE_INFINITY,
            Date::NegativeInfinity => DATE_NEGATIVE_INFINITY,
            Date::Days(days) => days.saturating_add(UNIX_TO_PG_EPOCH_DAYS),
        },
    );
}

/// Appends a time of day: milliseconds up to three declared digits, else microseconds.
pub(in crate::encode) fn write_time(out: &mut Vec<u8>, micros: i64, digits: u8) {
    write_integer(out, if digits <= MILLIS_DIGITS_MAX { micros / 1_000 } else { micros });
}

/// Appends a timestamp since the Unix epoch: milliseconds up to three declared digits, else microseconds.
pub(in crate::encode) fn write_timestamp(out: &mut Vec<u8>, timestamp: Timestamp, digits: u8) {
    let millis = digits <= MILLIS_DIGITS_MAX;
    let value = match timestamp {
        Timestamp::Infinity => TIMESTAMP_INFINITY_MICROS / if millis { 1_000 } else { 1 },
        Timestamp::NegativeInfinity => TIMESTAMP_NEGATIVE_INFINITY_MICROS / if millis { 1_000 } else { 1 },
        Timestamp::At(PgMicros(micros)) => {
            let seconds = micros.div_euclid(MICROS_PER_SECOND) + UNIX_TO_PG_EPOCH_MICROS / MICROS_PER_SECOND;
            let fraction = micros.rem_euclid(MICROS_PER_SECOND);
            if millis {
                seconds * 1_000 + fraction / 1_000
            } else {
                // The last 29 years before PostgreSQL's end of time do not fit. `TimeUnit.toMicros` stops at the
                // largest number, and then Debezium's addition of the fraction wraps around.
                seconds.saturating_mul(MICROS_PER_SECOND).wrapping_add(fraction)
            }
        }
    };
    write_integer(out, value);
}

/// Appends a timestamp with zone as ISO text in UTC with exactly the declared digits; with none declared as zero,
/// the fraction is left away.
pub(in crate::encode) fn write_zoned(out: &mut Vec<u8>, timestamp: Timestamp, digits: u8) {
    match timestamp {
        Timestamp::Infinity => out.extend_from_slice(b"\"infinity\""),
        Timestamp::NegativeInfinity => out.extend_from_slice(b"\"-infinity\""),
        Timestamp::At(at) => {
            out.push(b'"');
            write_instant(out, at, digits);
            out.push(b'"');
        }
    }
}

fn write_instant(out: &mut Vec<u8>, at: PgMicros, digits: u8) {
    let Civil { date, time } = Civil::from(at);
    let mut text = *b"-00-00T00:00:00.000000Z";
    let fields = [(1, date.month), (4, date.day), (7, time.hour), (10, time.minute), (13, time.second)];
    for (start, value) in fields {
        put_digits(text.get_mut(start..start + 2), value.into());
    }
    put_digits(text.get_mut(16..22), time.micros);
    write_year(out, date.year);
    // Without digits the point goes as well.
    let kept = if digits == 0 { 15 } else { 16 + usize::from(digits).min(MICROS_DIGITS) };
    out.extend_from_slice(text.get(..kept).unwrap_or_default());
    out.push(b'Z');
}

/// Four digits at least; more carry a plus sign, as `SignStyle.EXCEEDS_PAD` has it.
fn write_year(out: &mut Vec<u8>, year: i32) {
    let mut text = *b"-0000";
    put_digits(text.get_mut(1..), year.unsigned_abs());
    match year {
        0..=9_999 => out.extend_from_slice(text.get(1..).unwrap_or_default()),
        -9_999..0 => out.extend_from_slice(&text),
        _ => {
            if year > 0 {
                out.push(b'+');
            }
            write_integer(out, year);
        }
    }
}

/// Fills a place with the last decimal digits of a number.
fn put_digits(place: Option<&mut [u8]>, mut value: u32) {
    for digit in place.into_iter().flatten().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn zoned_texts_are_javas() {
        for (unix_micros, digits, text) in [
            (0, 6, "1970-01-01T00:00:00.000000Z"),
            (-1, 6, "1969-12-31T23:59:59.999999Z"),
            (1_600_000_000_123_456, 6, "2020-09-13T12:26:40.123456Z"),
            (1_600_000_000_120_000, 2, "2020-09-13T12:26:40.12Z"),
            (1_600_000_000_000_000, 0, "2020-09-13T12:26:40Z"),
            (951_782_400_000_000, 3, "2000-02-29T00:00:00.000Z"),
            (253_402_300_800_000_000, 1, "+10000-01-01T00:00:00.0Z"),
            (-62_167_219_200_000_000, 6, "0000-01-01T00:00:00.000000Z"),
            (-210_866_803_200_000_000, 0, "-4713-11-24T00:00:00Z"),
        ] {
            let at = Timestamp::At(PgMicros::from_unix_micros(unix_micros));
            assert_eq!(written(|out| write_zoned(out, at, digits)), format!("\"{text}\""));
        }
        assert_eq!(written(|out| write_zoned(out, Timestamp::Infinity, 6)), "\"infinity\"");
        assert_eq!(written(|out| write_zoned(out, Timestamp::NegativeInfinity, 6)), "\"-infinity\"");
    }

    #[test]
    fn precision_chooses_the_unit() {
        let at = Timestamp::At(PgMicros::from_unix_micros(-1_500));
        assert_eq!(written(|out| write_timestamp(out, at, 6)), "-1500");
        assert_eq!(written(|out| write_timestamp(out, at, 3)), "-2", "rounds down as Instant.toEpochMilli");
        let last = Timestamp::At(PgMicros(9_223_371_331_199_999_999));
        assert_eq!(written(|out| write_timestamp(out, last, 6)), "-9223372036853775810");
        assert_eq!(written(|out| write_timestamp(out, Timestamp::Infinity, 6)), "9223372036825200000");
        assert_eq!(written(|out| write_timestamp(out, Timestamp::Infinity, 0)), "9223372036825200");
        assert_eq!(written(|out| write_timestamp(out, Timestamp::NegativeInfinity, 4)), "-9223372036832400000");
        assert_eq!(written(|out| write_time(out, 86_400_000_000, 6)), "86400000000");
        assert_eq!(written(|out| write_time(out, 86_400_000_000, 3)), "86400000");
        assert_eq!(written(|out| write_date(out, Date::Days(0))), "10957");
    }
}
