//! `interval`: months, days and microseconds, none of which is turned into another.
//!
//! Source: `EncodeInterval` in the server's `datetime.c` (style `postgres`), `interval2itm`, `interval_send`.

use super::Reason;
use super::scalar::fixed;
use super::temporal::read_fraction;

const MICROS_PER_SECOND: i128 = 1_000_000;

/// An `interval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Before every other interval; since PostgreSQL 17.
    NegativeInfinity,
    /// A span of time.
    Span {
        /// Months, of years too.
        months: i32,
        /// Days.
        days: i32,
        /// Microseconds, of hours, minutes and seconds too.
        micros: i64,
    },
    /// After every other interval; since PostgreSQL 17.
    Infinity,
}

/// `Y years M mons D days -HH:MM:SS.ffffff` taken apart; every part has a sign of its own.
#[derive(Clone, Copy, Default)]
struct Parts {
    years: i64,
    months: i64,
    days: i64,
    micros: i128,
}

impl Interval {
    /// `interval_out` with `IntervalStyle` postgres.
    pub(in crate::value) fn from_text(text: &[u8]) -> Result<Self, Reason> {
        match text {
            b"infinity" => return Ok(Self::Infinity),
            b"-infinity" => return Ok(Self::NegativeInfinity),
            b"" => return Err(Reason::Syntax),
            _ => {}
        }
        let mut parts = Parts::default();
        // Each unit is written once at most, the larger ones first.
        let mut rank = 0;
        let mut words = text.split(|byte| *byte == b' ');
        while let Some(word) = words.next() {
            if rank == 4 {
                return Err(Reason::Syntax);
            }
            if word.contains(&b':') {
                parts.micros = read_time(word)?;
                rank = 4;
                continue;
            }
            let (negative, digits) = sign(word);
            let number = digits_value(digits)?;
            let number = if negative { -number } else { number };
            let (unit, field) = match words.next() {
                Some(b"year" | b"years") => (1, &mut parts.years),
                Some(b"mon" | b"mons") => (2, &mut parts.months),
                Some(b"day" | b"days") => (3, &mut parts.days),
                _ => return Err(Reason::Syntax),
            };
            if unit <= rank {
                return Err(Reason::Syntax);
            }
            *field = number;
            rank = unit;
        }
        let months = parts.years.checked_mul(12).and_then(|months| months.checked_add(parts.months));
        Ok(Self::Span {
            months: months.and_then(|months| i32::try_from(months).ok()).ok_or(Reason::Range)?,
            days: i32::try_from(parts.days).map_err(|_| Reason::Range)?,
            micros: i64::try_from(parts.micros).map_err(|_| Reason::Range)?,
        })
    }

    /// `interval_send`: `micros:i64 days:i32 months:i32`. The ends of all three ranges together are the infinities; before
    /// PostgreSQL 17 they were an interval like any other, which nobody can have meant.
    pub(in crate::value) fn from_binary(bytes: &[u8]) -> Result<Self, Reason> {
        let [m0, m1, m2, m3, m4, m5, m6, m7, d0, d1, d2, d3, o0, o1, o2, o3] = fixed(bytes)?;
        let micros = i64::from_be_bytes([m0, m1, m2, m3, m4, m5, m6, m7]);
        let days = i32::from_be_bytes([d0, d1, d2, d3]);
        let months = i32::from_be_bytes([o0, o1, o2, o3]);
        Ok(match (months, days, micros) {
            (i32::MAX, i32::MAX, i64::MAX) => Self::Infinity,
            (i32::MIN, i32::MIN, i64::MIN) => Self::NegativeInfinity,
            _ => Self::Span { months, days, micros },
        })
    }

    /// Appends it as `interval_out` prints it with `IntervalStyle` postgres.
    pub fn write_text(self, out: &mut Vec<u8>) {
        let (months, days, micros) = match self {
            Self::Infinity => return out.extend_from_slice(b"infinity"),
            Self::NegativeInfinity => return out.extend_from_slice(b"-infinity"),
            Self::Span { months, days, micros } => (months, days, micros),
        };
        let start = out.len();
        let mut after_negative = false;
        for (number, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
            if number == 0 {
                continue;
            }
            if out.len() > start {
                out.push(b' ');
            }
            if after_negative && number > 0 {
                out.push(b'+');
            }
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            out.push(b' ');
            out.extend_from_slice(unit.as_bytes());
            if number != 1 {
                out.push(b's');
            }
            after_negative = number < 0;
        }
        if micros == 0 && out.len() > start {
            return;
        }
        if out.len() > start {
            out.push(b' ');
        }
        if micros < 0 {
            out.push(b'-');
        } else if after_negative {
            out.push(b'+');
        }
        super::print::write_clock(out, micros.unsigned_abs());
    }
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

/// One to ten decimal digits.
fn digits_value(digits: &[u8]) -> Result<i64, Reason> {
    if !(1..=10).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Reason::Syntax);
    }
    Ok(digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit & 0x0f)))
}

/// `[+-]H{2,}:MM:SS[.f{1,6}]` in microseconds.
fn read_time(word: &[u8]) -> Result<i128, Reason> {
    let (negative, time) = sign(word);
    let mut fields = time.splitn(3, |byte| *byte == b':');
    let (Some(hours), Some(minutes), Some(seconds)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(Reason::Syntax);
    };
    let (whole, fraction) = match seconds {
        [s1, s2] => ([*s1, *s2], 0),
        [s1, s2, b'.', fraction @ ..] => match read_fraction(fraction)? {
            (micros, []) => ([*s1, *s2], micros),
            _ => return Err(Reason::Syntax),
        },
        _ => return Err(Reason::Syntax),
    };
    let (hours, minutes, seconds) = (digits_value(hours)?, digits_value(minutes)?, digits_value(&whole)?);
    if minutes > 59 || seconds > 59 {
        return Err(Reason::Syntax);
    }
    let seconds = i128::from(hours) * 3_600 + i128::from(minutes) * 60 + i128::from(seconds);
    let micros = seconds * MICROS_PER_SECOND + i128::from(fraction);
    Ok(if negative { -micros } else { micros })
}
