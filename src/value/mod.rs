//! A column's datum, text or binary, as a [`Value`] that borrows from the frame.
//!
//! Owns the parsers of every supported type. Must never know an output format, allocate per column, or panic.
//!
//! Invariant: for one datum of one type, its text form and its binary form give equal `Value`s.

use crate::pgtime::PgMicros;

/// A parsed column value. Borrows the frame it came in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// `boolean`.
    Bool(bool),
    /// `smallint`.
    Int2(i16),
    /// `integer`.
    Int4(i32),
    /// `bigint`.
    Int8(i64),
    /// `oid`.
    Oid(u32),
    /// `real`.
    Float4(f32),
    /// `double precision`.
    Float8(f64),
    /// `numeric`, kept in the form it came in; compared by value.
    Numeric(Numeric<'a>),
    /// `text`, `varchar`, `char`, `name`, `json`, `jsonb` (without its binary version byte), `xml`, enum labels.
    Text(&'a str),
    /// `uuid`.
    Uuid([u8; 16]),
    /// `bytea`.
    Bytes(Bytes<'a>),
    /// `date`.
    Date(Date),
    /// `time`, in microseconds since midnight; `24:00:00` is 86 400 000 000.
    Time(i64),
    /// `timestamp`, without zone.
    Timestamp(Timestamp),
    /// `timestamptz`, in UTC.
    TimestampTz(Timestamp),
}

/// A `date`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Date {
    /// Before every other date.
    NegativeInfinity,
    /// Days since 2000-01-01, proleptic Gregorian.
    Days(i32),
    /// After every other date.
    Infinity,
}

/// A `timestamp` or `timestamptz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timestamp {
    /// Before every other timestamp.
    NegativeInfinity,
    /// Microseconds since 2000-01-01 00:00.
    At(PgMicros),
    /// After every other timestamp.
    Infinity,
}

/// A `numeric` in the form it came in, checked to be well formed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Numeric<'a> {
    /// Decimal text such as `-12.340`, `NaN`, `Infinity`.
    Text(&'a str),
    /// The base-10000 digits of the binary form, without its eight header bytes.
    Binary {
        /// Big-endian `i16` digits, each 0 to 9999.
        digits: &'a [u8],
        /// Power of 10000 of the first digit.
        weight: i16,
        /// Sign or special value.
        sign: NumericSign,
        /// Decimal digits after the point.
        dscale: u16,
    },
}

/// The sign field of a binary `numeric`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumericSign {
    /// Zero or more.
    Positive,
    /// Less than zero.
    Negative,
    /// Not a number.
    NaN,
    /// After every other number.
    Infinity,
    /// Before every other number.
    NegativeInfinity,
}

/// A `bytea` in the form it came in, checked to be well formed; compared by content.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bytes<'a> {
    /// An even number of hexadecimal digits, without the leading `\x`.
    Hex(&'a [u8]),
    /// The bytes themselves.
    Raw(&'a [u8]),
}
