//! Built-in ranges and multiranges in their binary form, printed as the server prints them.
//!
//! Source: `range_send`, `range_deparse`, `range_bound_escape` in the server's `rangetypes.c`, `multirange_send` and
//! `multirange_out` in `multirangetypes.c`.

use super::print::{is_space, quote_since, write_date, write_integer, write_timestamp};
use super::scalar::fixed;
use super::{Date, Numeric, Reason, Timestamp, read};
use crate::catalog::RangeType;

const EMPTY: u8 = 0x01;
const LOWER_INCLUSIVE: u8 = 0x02;
const UPPER_INCLUSIVE: u8 = 0x04;
const LOWER_INFINITE: u8 = 0x08;
const UPPER_INFINITE: u8 = 0x10;

/// The parts of a range's binary form.
#[derive(Clone, Copy)]
struct Bounds<'a> {
    flags: u8,
    lower: Option<&'a [u8]>,
    upper: Option<&'a [u8]>,
}

impl<'a> Bounds<'a> {
    /// `flags:u8`, then for each bound that is there `len:i32` and the bound.
    fn read(bytes: &'a [u8]) -> Result<Self, Reason> {
        let (flags, mut rest) = bytes.split_first().ok_or(Reason::Length)?;
        let flags = *flags;
        let known = EMPTY | LOWER_INCLUSIVE | UPPER_INCLUSIVE | LOWER_INFINITE | UPPER_INFINITE;
        let both = |pair: u8| flags & pair == pair;
        let contradiction = both(LOWER_INCLUSIVE | LOWER_INFINITE) || both(UPPER_INCLUSIVE | UPPER_INFINITE);
        if flags & !known != 0 || contradiction || (flags & EMPTY != 0 && flags != EMPTY) {
            return Err(Reason::Field);
        }
        let mut bound = |infinite: u8| {
            if flags & (EMPTY | infinite) != 0 {
                return Ok(None);
            }
            let (bytes, after) = read::sized(rest)?;
            rest = after;
            Ok(Some(bytes))
        };
        let (lower, upper) = (bound(LOWER_INFINITE)?, bound(UPPER_INFINITE)?);
        if rest.is_empty() { Ok(Self { flags, lower, upper }) } else { Err(Reason::Length) }
    }
}

/// Checks a range's binary form.
pub(in crate::value) fn check(range_type: RangeType, bytes: &[u8]) -> Result<(), Reason> {
    let bounds = Bounds::read(bytes)?;
    bounds.lower.into_iter().chain(bounds.upper).try_for_each(|bound| check_bound(range_type, bound))
}

fn check_bound(range_type: RangeType, bytes: &[u8]) -> Result<(), Reason> {
    match range_type {
        RangeType::Int4 => fixed::<4>(bytes).map(|_| ()),
        RangeType::Int8 => fixed::<8>(bytes).map(|_| ()),
        RangeType::Numeric => Numeric::from_binary(bytes).map(|_| ()),
        RangeType::Date => Date::from_binary(bytes).map(|_| ()),
        RangeType::Timestamp | RangeType::TimestampTz => Timestamp::from_binary(bytes).map(|_| ()),
    }
}

/// `range_out`
pub(in crate::value) fn write(out: &mut Vec<u8>, range_type: RangeType, bytes: &[u8]) {
    let Ok(bounds) = Bounds::read(bytes) else { return };
    if bounds.flags & EMPTY != 0 {
        return out.extend_from_slice(b"empty");
    }
    out.push(if bounds.flags & LOWER_INCLUSIVE != 0 { b'[' } else { b'(' });
    if let Some(lower) = bounds.lower {
        write_bound(out, range_type, lower);
    }
    out.push(b',');
    if let Some(upper) = bounds.upper {
        write_bound(out, range_type, upper);
    }
    out.push(if bounds.flags & UPPER_INCLUSIVE != 0 { b']' } else { b')' });
}

fn write_bound(out: &mut Vec<u8>, range_type: RangeType, bytes: &[u8]) {
    let start = out.len();
    match range_type {
        RangeType::Int4 => write_integer(out, fixed(bytes).map(i32::from_be_bytes).unwrap_or_default()),
        RangeType::Int8 => write_integer(out, fixed(bytes).map(i64::from_be_bytes).unwrap_or_default()),
        RangeType::Numeric => {
            if let Ok(numeric) = Numeric::from_binary(bytes) {
                numeric.write_text(out);
            }
        }
        RangeType::Date => {
            if let Ok(date) = Date::from_binary(bytes) {
                write_date(out, date);
            }
        }
        RangeType::Timestamp | RangeType::TimestampTz => {
            let zone: &[u8] = if range_type == RangeType::TimestampTz { b"+00" } else { b"" };
            if let Ok(at) = Timestamp::from_binary(bytes) {
                write_timestamp(out, at, zone);
            }
        }
    }
    // No bound of these types holds any of the other characters that ask for quotes.
    quote_since(out, start, |text| text.iter().any(|byte| is_space(*byte)));
}

/// The ranges of a multirange: `count:i32`, then `len:i32` and each.
fn ranges(bytes: &[u8]) -> Result<(u32, &[u8]), Reason> {
    let (count, rest) = bytes.split_first_chunk::<4>().ok_or(Reason::Length)?;
    Ok((u32::try_from(i32::from_be_bytes(*count)).map_err(|_| Reason::Field)?, rest))
}

/// Checks a multirange's binary form.
pub(in crate::value) fn check_multi(range_type: RangeType, bytes: &[u8]) -> Result<(), Reason> {
    let (count, mut rest) = ranges(bytes)?;
    for _ in 0..count {
        let (range, after) = read::sized(rest)?;
        check(range_type, range)?;
        rest = after;
    }
    if rest.is_empty() { Ok(()) } else { Err(Reason::Length) }
}

/// `multirange_out`
pub(in crate::value) fn write_multi(out: &mut Vec<u8>, range_type: RangeType, bytes: &[u8]) {
    let Ok((count, mut rest)) = ranges(bytes) else { return };
    out.push(b'{');
    for at in 0..count {
        let Ok((range, after)) = read::sized(rest) else { break };
        if at > 0 {
            out.push(b',');
        }
        write(out, range_type, range);
        rest = after;
    }
    out.push(b'}');
}
