//! Dates and times as numbers since the Unix epoch and as ISO texts.
//!
//! Source: Debezium's `io.debezium.time` classes and `PostgresValueConverter`; Java's `DateTimeFormatter`.

use super::NotRepresentable;
use crate::pgtime::{PgMicros, UNIX_TO_PG_EPOCH_DAYS, UNIX_TO_PG_EPOCH_MICROS};
use crate::value::{Civil, CivilDate, Date, TimeOfDay, TimeTz, Timestamp};

pub(super) const MICROS_PER_SECOND: i64 = 1_000_000;
pub(super) const MICROS_PER_MILLISECOND: i64 = 1_000;
const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// What Debezium takes a month for.
const DAYS_PER_MONTH: f64 = 30.4375;
/// `24:00:00`.
pub(super) const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Fraction digits of a microsecond.
const MICROS_DIGITS: usize = 6;

/// Epoch days that Debezium writes for `infinity` and `-infinity`: days -5877611-06-21 and the one after it, of which
/// the later one means the earlier end.
const DATE_INFINITY: i32 = -2_147_472_692;
const DATE_NEGATIVE_INFINITY: i32 = -2_147_472_691;
/// The same as texts, in which the two are what their names say.
const ISO_DATE_INFINITY: &[u8] = b"-5877611-06-21Z";
const ISO_DATE_NEGATIVE_INFINITY: &[u8] = b"-5877611-06-22Z";
/// What pgJDBC's infinities are in microseconds.
const TIMESTAMP_INFINITY_MICROS: i64 = 9_223_372_036_825_200_000;
const TIMESTAMP_NEGATIVE_INFINITY_MICROS: i64 = -9_223_372_036_832_400_000;
const ISO_TIMESTAMP_INFINITY: &[u8] = b"+294247-01-10T04:00:25.2Z";
const ISO_TIMESTAMP_NEGATIVE_INFINITY: &[u8] = b"-290308-12-21T19:59:27.6Z";

/// The same in arrays, where pgJDBC makes them of the ends of `java.sql.Date` in UTC, and days are cut to 32 bits.
const SQL_DATE_INFINITY: i32 = -622_191_234;
const SQL_DATE_NEGATIVE_INFINITY: i32 = -625_821_272;
pub(super) const ISO_SQL_DATE_INFINITY: &str = "+292278994-08-16Z";
pub(super) const ISO_SQL_DATE_NEGATIVE_INFINITY: &str = "+292269055-12-02Z";

/// A date as `java.sql.Date.toLocalDate` gives it: a year before Christ becomes the year after Christ of that number.
pub(super) fn sql_date(date: Date) -> Date {
    let unix_days = match date {
        Date::Infinity => SQL_DATE_INFINITY,
        Date::NegativeInfinity => SQL_DATE_NEGATIVE_INFINITY,
        Date::Days(days) => {
            let CivilDate { year, month, day } = CivilDate::from_pg_days(days);
            if year > 0 {
                return date;
            }
            unix_days_of(CivilDate { year: 1 - year, month, day })
        }
    };
    Date::Days(unix_days.saturating_sub(UNIX_TO_PG_EPOCH_DAYS))
}

/// A time of day as `java.sql.Time` keeps it: cut to a unit, the end of a day being its beginning.
pub(super) const fn sql_time(micros: i64, unit_micros: i64) -> i64 {
    (micros - micros % unit_micros) % MICROS_PER_DAY
}

/// Days since the Unix epoch of a day after Christ, counted in years that begin on 1 March.
fn unix_days_of(CivilDate { year, month, day }: CivilDate) -> i32 {
    let (month, day) = (i32::from(month), i32::from(day));
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

/// Days since the Unix epoch.
pub(super) const fn epoch_days(date: Date) -> i32 {
    match date {
        Date::Infinity => DATE_INFINITY,
        Date::NegativeInfinity => DATE_NEGATIVE_INFINITY,
        Date::Days(days) => days.saturating_add(UNIX_TO_PG_EPOCH_DAYS),
    }
}

/// Milliseconds since the Unix epoch, rounded down.
pub(super) const fn epoch_millis(timestamp: Timestamp) -> i64 {
    match timestamp {
        Timestamp::Infinity => TIMESTAMP_INFINITY_MICROS / 1_000,
        Timestamp::NegativeInfinity => TIMESTAMP_NEGATIVE_INFINITY_MICROS / 1_000,
        Timestamp::At(at) => {
            let (seconds, fraction) = unix_seconds(at);
            seconds * 1_000 + fraction / 1_000
        }
    }
}

/// Microseconds since the Unix epoch. The last 29 years before PostgreSQL's end of time do not fit: `TimeUnit.toMicros`
/// stops at the largest number, and then Debezium's addition of the fraction wraps around.
pub(super) const fn epoch_micros(timestamp: Timestamp) -> i64 {
    match timestamp {
        Timestamp::Infinity => TIMESTAMP_INFINITY_MICROS,
        Timestamp::NegativeInfinity => TIMESTAMP_NEGATIVE_INFINITY_MICROS,
        Timestamp::At(at) => {
            let (seconds, fraction) = unix_seconds(at);
            seconds.saturating_mul(MICROS_PER_SECOND).wrapping_add(fraction)
        }
    }
}

/// Nanoseconds since the Unix epoch.
///
/// # Errors
/// [`NotRepresentable`] outside the years 1677 to 2262.
pub(super) fn epoch_nanos(timestamp: Timestamp) -> Result<i64, NotRepresentable> {
    match timestamp {
        Timestamp::Infinity => Ok(i64::MAX),
        Timestamp::NegativeInfinity => Ok(i64::MIN),
        Timestamp::At(at) => {
            // Days are multiplied before the time is added, so that the first day, which does not begin in range, is out.
            let (seconds, fraction) = unix_seconds(at);
            let nanos_of_day = seconds.rem_euclid(SECONDS_PER_DAY) * NANOS_PER_SECOND + fraction * 1_000;
            let days = seconds.div_euclid(SECONDS_PER_DAY).checked_mul(SECONDS_PER_DAY * NANOS_PER_SECOND);
            days.and_then(|days| days.checked_add(nanos_of_day)).ok_or(NotRepresentable)
        }
    }
}

const fn unix_seconds(PgMicros(micros): PgMicros) -> (i64, i64) {
    let seconds = micros.div_euclid(MICROS_PER_SECOND) + UNIX_TO_PG_EPOCH_MICROS / MICROS_PER_SECOND;
    (seconds, micros.rem_euclid(MICROS_PER_SECOND))
}

/// Appends a date as `IsoDate`.
pub(super) fn append_iso_date(out: &mut Vec<u8>, date: Date) {
    match date {
        Date::Infinity => out.extend_from_slice(ISO_DATE_INFINITY),
        Date::NegativeInfinity => out.extend_from_slice(ISO_DATE_NEGATIVE_INFINITY),
        Date::Days(days) => {
            append_date(out, CivilDate::from_pg_days(days));
            out.push(b'Z');
        }
    }
}

/// Appends a time of day as `IsoTime`; the end of a day is the beginning of one.
pub(super) fn append_iso_time(out: &mut Vec<u8>, micros: i64) {
    append_time(out, TimeOfDay::from_micros(micros % MICROS_PER_DAY), Fraction::Needed);
    out.push(b'Z');
}

/// Appends a timestamp as `IsoTimestamp`.
pub(super) fn append_iso_timestamp(out: &mut Vec<u8>, timestamp: Timestamp) {
    match timestamp {
        Timestamp::Infinity => out.extend_from_slice(ISO_TIMESTAMP_INFINITY),
        Timestamp::NegativeInfinity => out.extend_from_slice(ISO_TIMESTAMP_NEGATIVE_INFINITY),
        Timestamp::At(at) => append(out, at, Fraction::Needed),
    }
}

/// Appends an instant in UTC as ISO text with exactly `digits` fraction digits; with none, the point goes as well.
pub fn append_instant(out: &mut Vec<u8>, at: PgMicros, digits: u8) {
    append(out, at, Fraction::Exactly(digits));
}

/// Appends a time of day with zone as `ZonedTime`: in UTC; the end of a day is the beginning of one.
pub(super) fn append_zoned_time(out: &mut Vec<u8>, time: TimeTz) {
    append_iso_time(out, (time.micros - i64::from(time.offset_seconds) * MICROS_PER_SECOND).rem_euclid(MICROS_PER_DAY));
}

/// Microseconds of an interval whose months have 30.4375 days, in the double arithmetic of `MicroDuration`.
pub(super) fn duration_micros(months: i32, days: i32, micros: i64) -> i64 {
    let Clock { hours, minutes, seconds, fraction } = Clock::of(micros);
    let seconds = seconds as f64 + fraction as f64 / 1e6;
    let days = f64::from(months) * DAYS_PER_MONTH + f64::from(days);
    // A cast of a double stops at the ends of the range, in Java too.
    #[expect(clippy::cast_possible_truncation, reason = "that is the meaning")]
    return ((((days * 24.0 + hours as f64) * 60.0 + minutes as f64) * 60.0 + seconds) * 1e6) as i64;
}

/// Appends an interval as `Interval` has it: every part, each with its sign, seconds without zeros at the end.
pub(super) fn append_iso_interval(out: &mut Vec<u8>, months: i32, days: i32, micros: i64) {
    let clock = Clock::of(micros);
    let mut part = |lead: &[u8], value: i64, unit: u8| {
        out.extend_from_slice(lead);
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        out.push(unit);
    };
    part(b"P", (months / 12).into(), b'Y');
    part(b"", (months % 12).into(), b'M');
    part(b"", days.into(), b'D');
    part(b"T", clock.hours, b'H');
    part(b"", clock.minutes, b'M');
    let negative = clock.seconds < 0 || clock.fraction < 0;
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(itoa::Buffer::new().format(clock.seconds.unsigned_abs()).as_bytes());
    if clock.fraction != 0 {
        let mut digits = *b".000000";
        put_digits(digits.get_mut(1..), u32::try_from(clock.fraction.unsigned_abs()).unwrap_or_default());
        let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
        out.extend_from_slice(digits.get(..digits.len() - zeros).unwrap_or_default());
    }
    out.push(b'S');
}

/// Microseconds taken apart, each part with the sign of the whole.
struct Clock {
    hours: i64,
    minutes: i64,
    seconds: i64,
    fraction: i64,
}

impl Clock {
    const fn of(micros: i64) -> Self {
        let seconds = micros / MICROS_PER_SECOND;
        Self {
            hours: seconds / 3_600,
            minutes: seconds / 60 % 60,
            seconds: seconds % 60,
            fraction: micros % MICROS_PER_SECOND,
        }
    }
}

/// How many digits stand after the point of a second.
#[derive(Clone, Copy)]
enum Fraction {
    Exactly(u8),
    /// As many as there are without zeros at the end.
    Needed,
}

fn append(out: &mut Vec<u8>, at: PgMicros, fraction: Fraction) {
    let Civil { date, time } = Civil::from(at);
    if let (Some(date), Fraction::Exactly(6)) = (near_date(date), fraction) {
        // Nearly all there are: put together, and appended at once.
        let mut text = *b"yyyy-mm-ddThh:mm:ss.ffffffZ";
        text[..10].copy_from_slice(&date);
        text[11..26].copy_from_slice(&time_text(time));
        return out.extend_from_slice(&text);
    }
    append_date(out, date);
    out.push(b'T');
    append_time(out, time, fraction);
    out.push(b'Z');
}

/// A day whose year has four digits.
#[inline]
fn near_date(date: CivilDate) -> Option<[u8; 10]> {
    let year = u16::try_from(date.year).ok().filter(|year| *year <= 9_999)?;
    let [[y1, y2], [y3, y4]] = [pair(year / 100), pair(year % 100)];
    let [[m1, m2], [d1, d2]] = [pair(date.month.into()), pair(date.day.into())];
    Some([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2])
}

/// A time of day with all digits of its fraction.
#[inline]
fn time_text(time: TimeOfDay) -> [u8; 15] {
    let [[h1, h2], [m1, m2], [s1, s2]] = [time.hour, time.minute, time.second].map(|part| pair(part.into()));
    let micros = time.micros;
    let [[f1, f2], [f3, f4], [f5, f6]] =
        [micros / 10_000, micros / 100 % 100, micros % 100].map(|part| pair(u16::try_from(part).unwrap_or_default()));
    [h1, h2, b':', m1, m2, b':', s1, s2, b'.', f1, f2, f3, f4, f5, f6]
}

#[inline]
fn append_date(out: &mut Vec<u8>, date: CivilDate) {
    match near_date(date) {
        Some(text) => out.extend_from_slice(&text),
        None => append_far_date(out, date),
    }
}

/// Without digits of a fraction its point goes as well.
#[inline]
fn append_time(out: &mut Vec<u8>, time: TimeOfDay, fraction: Fraction) {
    let text = time_text(time);
    let digits = match fraction {
        Fraction::Exactly(digits) => usize::from(digits).min(MICROS_DIGITS),
        Fraction::Needed if time.micros == 0 => 0,
        Fraction::Needed => MICROS_DIGITS - text.iter().rev().take_while(|digit| **digit == b'0').count(),
    };
    let end = if digits == 0 { FRACTION_AT - 1 } else { FRACTION_AT + digits };
    out.extend_from_slice(text.get(..end).unwrap_or(&text));
}

/// Where the fraction begins in a time of day.
const FRACTION_AT: usize = 9;

/// Two digits of a number below 100.
#[inline]
const fn pair(value: u16) -> [u8; 2] {
    let tens = value / 10;
    let [[tens, _], [ones, _]] = [tens.to_le_bytes(), (value - tens * 10).to_le_bytes()];
    [b'0'.wrapping_add(tens), b'0'.wrapping_add(ones)]
}

/// A day whose year has not four digits: more of them carry a plus sign, as `SignStyle.EXCEEDS_PAD` has it.
#[cold]
fn append_far_date(out: &mut Vec<u8>, date: CivilDate) {
    let year = date.year;
    if (-9_999..0).contains(&year) {
        let mut text = *b"-0000";
        put_digits(text.get_mut(1..), year.unsigned_abs());
        out.extend_from_slice(&text);
    } else {
        if year > 0 {
            out.push(b'+');
        }
        out.extend_from_slice(itoa::Buffer::new().format(year).as_bytes());
    }
    let [[m1, m2], [d1, d2]] = [pair(date.month.into()), pair(date.day.into())];
    out.extend_from_slice(&[b'-', m1, m2, b'-', d1, d2]);
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

    fn written(append: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        append(&mut out);
        String::from_utf8(out).unwrap()
    }

    const fn at(unix_micros: i64) -> PgMicros {
        PgMicros::from_unix_micros(unix_micros)
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
            assert_eq!(written(|out| append_instant(out, at(unix_micros), digits)), text);
        }
    }

    #[test]
    fn iso_texts_have_the_digits_they_need() {
        for (unix_micros, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_600_000_000_120_000, "2020-09-13T12:26:40.12Z"),
            (1_600_000_000_000_001, "2020-09-13T12:26:40.000001Z"),
        ] {
            assert_eq!(written(|out| append_iso_timestamp(out, Timestamp::At(at(unix_micros)))), text);
        }
        assert_eq!(written(|out| append_iso_timestamp(out, Timestamp::Infinity)), "+294247-01-10T04:00:25.2Z");
        assert_eq!(written(|out| append_iso_date(out, Date::Days(0))), "2000-01-01Z");
        assert_eq!(written(|out| append_iso_time(out, 14_711_789_000)), "04:05:11.789Z");
        assert_eq!(written(|out| append_iso_time(out, MICROS_PER_DAY)), "00:00:00Z");
    }

    #[test]
    fn intervals_are_numbers_or_texts() {
        for (months, days, micros, number, text) in [
            (14, 3, 3_661_500_000, 37_080_061_500_000, "P1Y2M3DT1H1M1.5S"),
            (0, 0, 0, 0, "P0Y0M0DT0H0M0S"),
            (-1, 0, -500_000, -2_629_800_500_000, "P0Y-1M0DT0H0M-0.5S"),
        ] {
            assert_eq!(written(|out| append_iso_interval(out, months, days, micros)), text);
            assert_eq!(duration_micros(months, days, micros), number, "{text}");
        }
        assert_eq!(duration_micros(12, 0, 0), 31_557_600_000_000);
    }

    #[test]
    fn zoned_times_are_in_utc() {
        for (micros, offset_seconds, text) in [
            (3_600_000_000, 7_200, "23:00:00Z"),
            (1_500_000, 0, "00:00:01.5Z"),
            (MICROS_PER_DAY, 0, "00:00:00Z"),
            (0, -18_000, "05:00:00Z"),
        ] {
            assert_eq!(written(|out| append_zoned_time(out, TimeTz { micros, offset_seconds })), text);
        }
    }

    #[test]
    fn dates_in_arrays_lose_their_era() {
        // 15 March 44 BC, of which Java keeps 15 March 44.
        assert_eq!(
            sql_date(Date::Days(-735_160 - UNIX_TO_PG_EPOCH_DAYS)),
            Date::Days(-703_383 - UNIX_TO_PG_EPOCH_DAYS)
        );
        assert_eq!(sql_date(Date::Days(0)), Date::Days(0));
        assert_eq!(sql_time(45_296_789_012, MICROS_PER_MILLISECOND), 45_296_789_000);
        assert_eq!(sql_time(MICROS_PER_DAY, MICROS_PER_SECOND), 0);
    }

    #[test]
    fn numbers_count_from_the_unix_epoch() {
        let before = Timestamp::At(at(-1_500));
        assert_eq!(epoch_micros(before), -1_500);
        assert_eq!(epoch_millis(before), -2, "rounds down as Instant.toEpochMilli");
        assert_eq!(epoch_nanos(before), Ok(-1_500_000));
        let last = Timestamp::At(PgMicros(9_223_371_331_199_999_999));
        assert_eq!(epoch_micros(last), -9_223_372_036_853_775_810);
        assert_eq!(epoch_nanos(last), Err(NotRepresentable));
        // 1677-09-21 00:12:43.145225 is the first that 64 bits have.
        assert_eq!(epoch_nanos(Timestamp::At(at(-9_223_372_036_854_775))), Err(NotRepresentable));
        assert_eq!(epoch_nanos(Timestamp::At(at(-9_223_286_400_000_000))), Ok(-9_223_286_400_000_000_000));
        assert_eq!(epoch_micros(Timestamp::Infinity), 9_223_372_036_825_200_000);
        assert_eq!(epoch_millis(Timestamp::Infinity), 9_223_372_036_825_200);
        assert_eq!(epoch_micros(Timestamp::NegativeInfinity), -9_223_372_036_832_400_000);
        assert_eq!(epoch_days(Date::Days(0)), 10_957);
        assert_eq!(epoch_days(Date::Infinity), -2_147_472_692);
    }
}
