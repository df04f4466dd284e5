//! Dates, times and timestamps: ISO text or binary counts, and the civil calendar over them.
//!
//! Years are astronomical and proleptic Gregorian: 1 BC is year 0, as in Java's `LocalDate` and in ISO 8601.
//!
//! Source: `EncodeDateOnly`, `EncodeDateTime` and the `*_recv` functions in the server's `datetime.c`, `date.c` and
//! `timestamp.c`.

use super::scalar::fixed;
use super::{Date, Reason, Timestamp};
use crate::pgtime::{PgMicros, UNIX_TO_PG_EPOCH_DAYS, UNIX_TO_PG_EPOCH_MICROS};

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// The first date and timestamp that the server knows: 4714-11-24 BC, Julian day 0.
const FIRST_DAY: i64 = -2_451_545;
/// The day after the last date: 5874898-01-01.
const END_OF_DATES: i64 = 2_147_483_494 - 2_451_545;
/// The day after the last timestamp: 294277-01-01. The server refuses it as input, but its midnight is what a precision
/// of less than six digits rounds the last second up to.
const END_OF_TIMESTAMPS: i64 = 109_203_528 - 2_451_545;

/// What every zone's offset stays below: `TZDISP_LIMIT`.
const ZONE_END_SECONDS: i32 = 16 * 3_600;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilDate {
    /// Astronomical year: 0 is 1 BC, -1 is 2 BC.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl CivilDate {
    /// The day that lies `days` after 2000-01-01.
    #[must_use]
    pub const fn from_pg_days(days: i32) -> Self {
        Self::from_day_number(days as i64)
    }

    /// Days from 2000-01-01, any `i64` whose year fits an `i32`.
    ///
    /// The calendar is counted in eras of 400 years that begin on 1 March, so that the leap day ends a year
    /// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    #[expect(clippy::cast_possible_truncation, reason = "every field is bounded by the divisions before it")]
    const fn from_day_number(days: i64) -> Self {
        let days = days + DAYS_FROM_MARCH_OF_YEAR_0;
        let era = days.div_euclid(DAYS_PER_ERA);
        // From here on 32 bits do, in which division by a constant costs half.
        let day_of_era = days.rem_euclid(DAYS_PER_ERA) as u32;
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era as i64 + if month <= 2 { 1 } else { 0 };
        Self { year: year as i32, month: month as u8, day: day as u8 }
    }
}

const DAYS_PER_ERA: i64 = 146_097;
/// From 0000-03-01 to 2000-01-01.
const DAYS_FROM_MARCH_OF_YEAR_0: i64 = 730_425;

/// Whole eras, and more years than a text has room for: added to a year, they leave nothing below zero.
const YEARS_ADDED: u32 = 25_000 * 400;

/// Days from 2000-01-01 to a day of the calendar, or nothing where there is no such day. The year has seven digits at most.
#[inline]
fn day_number(year: i32, month: u8, day: u8) -> Option<i64> {
    let year = YEARS_ADDED.checked_add_signed(year)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day == 0 || day > last {
        return None;
    }
    let (month, day) = (u32::from(month), u32::from(day));
    let (year, month_from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let eras = i64::from(era) - i64::from(YEARS_ADDED / 400);
    Some(eras * DAYS_PER_ERA + i64::from(day_of_era) - DAYS_FROM_MARCH_OF_YEAR_0)
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    /// 0 to 23; 24 for the `time` value `24:00:00`.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999 999.
    pub micros: u32,
}

impl TimeOfDay {
    /// The time that lies `micros` microseconds after midnight: a [`Value::Time`](super::Value::Time).
    ///
    /// Counts outside of a day are taken to its nearest end.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "every field is bounded by the clamp and the divisions")]
    #[expect(clippy::cast_sign_loss, reason = "every field is positive by the clamp")]
    pub fn from_micros(micros: i64) -> Self {
        let micros = micros.clamp(0, MICROS_PER_DAY);
        let seconds = (micros / MICROS_PER_SECOND) as u32;
        Self {
            hour: (seconds / 3_600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            micros: (micros % MICROS_PER_SECOND) as u32,
        }
    }
}

/// A timestamp taken apart, for output of any year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The day.
    pub date: CivilDate,
    /// The time, below 24:00.
    pub time: TimeOfDay,
}

impl From<PgMicros> for Civil {
    fn from(at: PgMicros) -> Self {
        Self {
            date: CivilDate::from_day_number(at.0.div_euclid(MICROS_PER_DAY)),
            time: TimeOfDay::from_micros(at.0.rem_euclid(MICROS_PER_DAY)),
        }
    }
}

impl Date {
    /// Days since 1970-01-01; nothing for the infinities.
    #[must_use]
    pub const fn unix_days(self) -> Option<i32> {
        match self {
            Self::Days(days) => days.checked_add(UNIX_TO_PG_EPOCH_DAYS),
            Self::NegativeInfinity | Self::Infinity => None,
        }
    }

    /// `date_out`
    pub(in crate::value) fn from_text(text: &[u8]) -> Result<Self, Reason> {
        match text {
            b"infinity" => return Ok(Self::Infinity),
            b"-infinity" => return Ok(Self::NegativeInfinity),
            _ => {}
        }
        let (era, text) = Era::split(text);
        let (day, rest) = read_day(era, text)?;
        if rest.is_empty() { Self::of_day_number(day) } else { Err(Reason::Syntax) }
    }

    /// `date_send`: `days:i32` since 2000-01-01.
    pub(in crate::value) fn from_binary(bytes: &[u8]) -> Result<Self, Reason> {
        match i32::from_be_bytes(fixed(bytes)?) {
            i32::MIN => Ok(Self::NegativeInfinity),
            i32::MAX => Ok(Self::Infinity),
            days => Self::of_day_number(days.into()),
        }
    }

    fn of_day_number(day: i64) -> Result<Self, Reason> {
        if !(FIRST_DAY..END_OF_DATES).contains(&day) {
            return Err(Reason::Range);
        }
        i32::try_from(day).map(Self::Days).map_err(|_| Reason::Range)
    }
}

impl Timestamp {
    /// Microseconds since 1970-01-01 00:00; nothing for the infinities, and for the last thirty years of the range
    /// (from 294247-01-10), which that count cannot reach in 64 bits.
    #[must_use]
    pub const fn unix_micros(self) -> Option<i64> {
        match self {
            Self::At(at) => at.0.checked_add(UNIX_TO_PG_EPOCH_MICROS),
            Self::NegativeInfinity | Self::Infinity => None,
        }
    }

    /// `timestamp_out`
    pub(in crate::value) fn from_text(text: &[u8]) -> Result<Self, Reason> {
        if let Some(infinity) = Self::infinity(text) {
            return Ok(infinity);
        }
        let (era, text) = Era::split(text);
        let (micros, rest) = read_day_and_time(era, text)?;
        if rest.is_empty() { Self::of_micros(micros) } else { Err(Reason::Syntax) }
    }

    /// `timestamptz_out`: as `timestamp_out`, with `+HH[:MM[:SS]]` behind the time.
    pub(in crate::value) fn from_zoned_text(text: &[u8]) -> Result<Self, Reason> {
        if let Some(infinity) = Self::infinity(text) {
            return Ok(infinity);
        }
        let (era, text) = Era::split(text);
        let (micros, zone) = read_day_and_time(era, text)?;
        // Every offset that the server prints lies within a day, so this cannot overflow.
        Self::of_micros(micros - read_offset(zone)?)
    }

    /// `timestamp_send`, `timestamptz_send`: `micros:i64` since 2000-01-01.
    pub(in crate::value) fn from_binary(bytes: &[u8]) -> Result<Self, Reason> {
        match i64::from_be_bytes(fixed(bytes)?) {
            i64::MIN => Ok(Self::NegativeInfinity),
            i64::MAX => Ok(Self::Infinity),
            micros => Self::of_micros(micros),
        }
    }

    fn infinity(text: &[u8]) -> Option<Self> {
        match text {
            b"infinity" => Some(Self::Infinity),
            b"-infinity" => Some(Self::NegativeInfinity),
            _ => None,
        }
    }

    fn of_micros(micros: i64) -> Result<Self, Reason> {
        if (FIRST_DAY * MICROS_PER_DAY..=END_OF_TIMESTAMPS * MICROS_PER_DAY).contains(&micros) {
            Ok(Self::At(PgMicros(micros)))
        } else {
            Err(Reason::Range)
        }
    }
}

/// `time_out`
pub(in crate::value) fn time_text(text: &[u8]) -> Result<i64, Reason> {
    let (micros, rest) = read_time(text)?;
    if rest.is_empty() { time_in_range(micros) } else { Err(Reason::Syntax) }
}

/// `time_send`: `micros:i64` since midnight.
pub(in crate::value) fn time_binary(bytes: &[u8]) -> Result<i64, Reason> {
    time_in_range(i64::from_be_bytes(fixed(bytes)?))
}

fn time_in_range(micros: i64) -> Result<i64, Reason> {
    if (0..=MICROS_PER_DAY).contains(&micros) { Ok(micros) } else { Err(Reason::Range) }
}

/// A `timetz`: a time of day and how far its zone lies from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeTz {
    /// Microseconds since midnight, in the zone; `24:00:00` is 86 400 000 000.
    pub micros: i64,
    /// Seconds by which the zone's clocks are ahead of UTC, as ISO 8601 writes offsets.
    pub offset_seconds: i32,
}

impl TimeTz {
    /// `timetz_out`: a time with `+HH[:MM[:SS]]` behind it.
    #[inline(never)]
    pub(in crate::value) fn from_text(text: &[u8]) -> Result<Self, Reason> {
        let (micros, zone) = read_time(text)?;
        Self::in_range(micros, read_offset(zone)? / MICROS_PER_SECOND)
    }

    /// `timetz_send`: `micros:i64 zone:i32`, the zone in seconds west of UTC.
    #[inline(never)]
    pub(in crate::value) fn from_binary(bytes: &[u8]) -> Result<Self, Reason> {
        let [m0, m1, m2, m3, m4, m5, m6, m7, z0, z1, z2, z3] = fixed(bytes)?;
        let west = i32::from_be_bytes([z0, z1, z2, z3]);
        Self::in_range(i64::from_be_bytes([m0, m1, m2, m3, m4, m5, m6, m7]), -i64::from(west))
    }

    fn in_range(micros: i64, offset_seconds: i64) -> Result<Self, Reason> {
        let offset_seconds = i32::try_from(offset_seconds).ok().filter(|offset| offset.abs() < ZONE_END_SECONDS);
        Ok(Self { micros: time_in_range(micros)?, offset_seconds: offset_seconds.ok_or(Reason::Range)? })
    }
}

/// Which side of year 1.
#[derive(Clone, Copy)]
enum Era {
    Christ,
    BeforeChrist,
}

impl Era {
    /// The era and the text before its suffix.
    fn split(text: &[u8]) -> (Self, &[u8]) {
        match text.strip_suffix(b" BC") {
            Some(text) => (Self::BeforeChrist, text),
            None => (Self::Christ, text),
        }
    }
}

/// Numbers of two decimal digits each; all of them are judged at once.
#[inline]
fn two_digits<const N: usize>(pairs: [[u8; 2]; N]) -> Option<[u8; N]> {
    let mut highest = 0;
    let numbers = pairs.map(|[tens, ones]| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        highest = tens.max(ones).max(highest);
        tens.wrapping_mul(10).wrapping_add(ones)
    });
    (highest <= 9).then_some(numbers)
}

/// `Y{4,7}-MM-DD` as a day number, and what follows it.
#[inline]
fn read_day(era: Era, text: &[u8]) -> Result<(i64, &[u8]), Reason> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, rest @ ..] = text else {
        return read_far_day(era, text);
    };
    let Some([century, year, month, day]) = two_digits([[*y1, *y2], [*y3, *y4], [*m1, *m2], [*d1, *d2]]) else {
        return Err(Reason::Syntax);
    };
    let year = i32::from(century) * 100 + i32::from(year);
    Ok((day_in_era(era, year, month, day)?, rest))
}

fn day_in_era(era: Era, year: i32, month: u8, day: u8) -> Result<i64, Reason> {
    let year = match (era, year) {
        (_, 0) => return Err(Reason::Syntax),
        (Era::Christ, year) => year,
        (Era::BeforeChrist, year) => 1 - year,
    };
    day_number(year, month, day).ok_or(Reason::Syntax)
}

/// The same where the year has more than four digits.
#[cold]
fn read_far_day(era: Era, text: &[u8]) -> Result<(i64, &[u8]), Reason> {
    let year_len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (year_digits, rest) = text.split_at_checked(year_len).ok_or(Reason::Syntax)?;
    let [b'-', m1, m2, b'-', d1, d2, rest @ ..] = rest else {
        return Err(Reason::Syntax);
    };
    // Seven digits hold the last year of the range.
    if !(5..=7).contains(&year_digits.len()) {
        return Err(Reason::Syntax);
    }
    let year = year_digits.iter().fold(0, |year, digit| year * 10 + i32::from(digit & 0x0f));
    let Some([month, day]) = two_digits([[*m1, *m2], [*d1, *d2]]) else {
        return Err(Reason::Syntax);
    };
    Ok((day_in_era(era, year, month, day)?, rest))
}

/// `HH:MM:SS[.f{1,6}]` in microseconds, and what follows it.
#[inline]
fn read_time(text: &[u8]) -> Result<(i64, &[u8]), Reason> {
    let [h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = text else {
        return Err(Reason::Syntax);
    };
    let Some([hour, minute, second]) = two_digits([[*h1, *h2], [*m1, *m2], [*s1, *s2]]) else {
        return Err(Reason::Syntax);
    };
    if hour > 24 || minute > 59 || second > 59 {
        return Err(Reason::Syntax);
    }
    let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => read_fraction(rest)?,
        rest => (0, rest),
    };
    Ok((seconds * MICROS_PER_SECOND + fraction, rest))
}

/// `f{1,6}` in microseconds, and what follows it.
#[inline]
pub(in crate::value) fn read_fraction(text: &[u8]) -> Result<(i64, &[u8]), Reason> {
    if let [f1, f2, f3, f4, f5, f6, rest @ ..] = text
        && let Some([first, second, third]) = two_digits([[*f1, *f2], [*f3, *f4], [*f5, *f6]])
        && !rest.first().is_some_and(u8::is_ascii_digit)
    {
        return Ok((i64::from(first) * 10_000 + i64::from(second) * 100 + i64::from(third), rest));
    }
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(count).ok_or(Reason::Syntax)?;
    if !(1..=6).contains(&count) {
        return Err(Reason::Syntax);
    }
    let mut micros = digits.iter().fold(0, |micros, digit| micros * 10 + i64::from(digit & 0x0f));
    for _ in count..6 {
        micros *= 10;
    }
    Ok((micros, rest))
}

/// `Y{4,6}-MM-DD HH:MM:SS[.f{1,6}]` in microseconds, and what follows it.
fn read_day_and_time(era: Era, text: &[u8]) -> Result<(i64, &[u8]), Reason> {
    let (day, rest) = read_day(era, text)?;
    let [b' ', rest @ ..] = rest else {
        return Err(Reason::Syntax);
    };
    let (time, rest) = read_time(rest)?;
    if time >= MICROS_PER_DAY {
        return Err(Reason::Syntax);
    }
    let micros = day.checked_mul(MICROS_PER_DAY).and_then(|micros| micros.checked_add(time)).ok_or(Reason::Range)?;
    // Room for the offset that the caller takes away.
    if micros.checked_abs().is_none_or(|micros| micros > i64::MAX - 4 * MICROS_PER_DAY) {
        return Err(Reason::Range);
    }
    Ok((micros, rest))
}

/// `+HH[:MM[:SS]]`, east of UTC, in microseconds.
#[inline]
fn read_offset(text: &[u8]) -> Result<i64, Reason> {
    // The session's own zone is UTC.
    if text == b"+00" {
        return Ok(0);
    }
    read_far_offset(text)
}

fn read_far_offset(text: &[u8]) -> Result<i64, Reason> {
    let (sign, [h1, h2, rest @ ..]) = (match text {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return Err(Reason::Syntax),
    }) else {
        return Err(Reason::Syntax);
    };
    let ([m1, m2], [s1, s2]) = match rest {
        [] => (*b"00", *b"00"),
        [b':', m1, m2] => ([*m1, *m2], *b"00"),
        [b':', m1, m2, b':', s1, s2] => ([*m1, *m2], [*s1, *s2]),
        _ => return Err(Reason::Syntax),
    };
    let Some([hours, minutes @ 0..60, seconds @ 0..60]) = two_digits([[*h1, *h2], [m1, m2], [s1, s2]]) else {
        return Err(Reason::Syntax);
    };
    let seconds = i64::from(hours) * 3_600 + i64::from(minutes) * 60 + i64::from(seconds);
    if seconds >= 86_400 { Err(Reason::Syntax) } else { Ok(sign * seconds * MICROS_PER_SECOND) }
}
