//! A column's datum, text or binary, as a [`Value`] that borrows from the frame.
//!
//! Owns the parsers of every supported type. Must never know an output format, allocate per column, or panic.
//! Nulls and unchanged TOAST values never come here: they are the row's matter.
//!
//! Invariants:
//! - For one datum of one type, its text form and its binary form give equal `Value`s.
//! - Text forms are read as the pinned session settings print them (DateStyle ISO, TimeZone UTC, bytea_output hex,
//!   extra_float_digits above 0, client_encoding UTF8); any other form is refused, never guessed.
//! - Neither an error nor a `Debug` form shows a value.

use std::fmt;

use crate::catalog::ColumnType;
use crate::error::{Error, Kind};
use crate::pgtime::PgMicros;

mod bytea;
mod numeric;
mod scalar;
mod temporal;
mod unscaled;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;

pub use numeric::NumericSpecial;
pub use scalar::{hex_pair, write_uuid};
pub use temporal::{Civil, CivilDate, TimeOfDay};
pub use unscaled::{NotExact, Unscaled};

/// Parses a datum in text form (`t` on the wire, or a column of a text COPY).
///
/// # Errors
///
/// [`BadValue`] where the bytes are not what the type's output function prints under the pinned settings, and for
/// [`ColumnType::Unsupported`].
#[inline]
pub fn decode_text<'a>(column_type: &ColumnType, text: &'a [u8]) -> Result<Value<'a>, BadValue> {
    let value = match column_type {
        ColumnType::Bool => scalar::bool_text(text).map(Value::Bool),
        ColumnType::Int2 => scalar::integer_text(text).map(Value::Int2),
        ColumnType::Int4 => scalar::integer_text(text).map(Value::Int4),
        ColumnType::Int8 => scalar::integer_text(text).map(Value::Int8),
        ColumnType::Oid => scalar::integer_text(text).map(Value::Oid),
        ColumnType::Float4 => scalar::float4_text(text).map(Value::Float4),
        ColumnType::Float8 => scalar::float8_text(text).map(Value::Float8),
        ColumnType::Numeric(_) => Numeric::from_text(text).map(Value::Numeric),
        ColumnType::Text | ColumnType::Json | ColumnType::Jsonb | ColumnType::Enum(_) => {
            scalar::utf8(text).map(Value::Text)
        }
        ColumnType::Uuid => scalar::uuid_text(text).map(Value::Uuid),
        ColumnType::Bytea => Bytes::from_text(text).map(Value::Bytes),
        ColumnType::Date => Date::from_text(text).map(Value::Date),
        ColumnType::Time(_) => temporal::time_text(text).map(Value::Time),
        ColumnType::Timestamp(_) => Timestamp::from_text(text).map(Value::Timestamp),
        ColumnType::TimestampTz(_) => Timestamp::from_zoned_text(text).map(Value::TimestampTz),
        ColumnType::Unsupported => Err(Reason::Unsupported),
    };
    value.map_err(|reason| BadValue { type_name: type_name(column_type), form: Form::Text, reason })
}

/// Parses a datum in binary form (`b` on the wire, or a column of a binary COPY).
///
/// # Errors
///
/// [`BadValue`] where the bytes are not what the type's send function writes, and for [`ColumnType::Unsupported`].
#[inline]
pub fn decode_binary<'a>(column_type: &ColumnType, bytes: &'a [u8]) -> Result<Value<'a>, BadValue> {
    let value = match column_type {
        ColumnType::Bool => scalar::bool_binary(bytes).map(Value::Bool),
        ColumnType::Int2 => scalar::fixed(bytes).map(i16::from_be_bytes).map(Value::Int2),
        ColumnType::Int4 => scalar::fixed(bytes).map(i32::from_be_bytes).map(Value::Int4),
        ColumnType::Int8 => scalar::fixed(bytes).map(i64::from_be_bytes).map(Value::Int8),
        ColumnType::Oid => scalar::fixed(bytes).map(u32::from_be_bytes).map(Value::Oid),
        ColumnType::Float4 => scalar::fixed(bytes).map(f32::from_be_bytes).map(Value::Float4),
        ColumnType::Float8 => scalar::fixed(bytes).map(f64::from_be_bytes).map(Value::Float8),
        ColumnType::Numeric(_) => Numeric::from_binary(bytes).map(Value::Numeric),
        ColumnType::Text => scalar::text_binary(bytes).map(Value::Text),
        ColumnType::Json | ColumnType::Enum(_) => scalar::utf8(bytes).map(Value::Text),
        ColumnType::Jsonb => scalar::jsonb_binary(bytes).map(Value::Text),
        ColumnType::Uuid => scalar::fixed(bytes).map(Value::Uuid),
        ColumnType::Bytea => Ok(Value::Bytes(Bytes::Raw(bytes))),
        ColumnType::Date => Date::from_binary(bytes).map(Value::Date),
        ColumnType::Time(_) => temporal::time_binary(bytes).map(Value::Time),
        ColumnType::Timestamp(_) => Timestamp::from_binary(bytes).map(Value::Timestamp),
        ColumnType::TimestampTz(_) => Timestamp::from_binary(bytes).map(Value::TimestampTz),
        ColumnType::Unsupported => Err(Reason::Unsupported),
    };
    value.map_err(|reason| BadValue { type_name: type_name(column_type), form: Form::Binary, reason })
}

const fn type_name(column_type: &ColumnType) -> &'static str {
    match column_type {
        ColumnType::Bool => "boolean",
        ColumnType::Int2 => "smallint",
        ColumnType::Int4 => "integer",
        ColumnType::Int8 => "bigint",
        ColumnType::Oid => "oid",
        ColumnType::Float4 => "real",
        ColumnType::Float8 => "double precision",
        ColumnType::Numeric(_) => "numeric",
        ColumnType::Text => "text",
        ColumnType::Uuid => "uuid",
        ColumnType::Json => "json",
        ColumnType::Jsonb => "jsonb",
        ColumnType::Bytea => "bytea",
        ColumnType::Date => "date",
        ColumnType::Time(_) => "time",
        ColumnType::Timestamp(_) => "timestamp",
        ColumnType::TimestampTz(_) => "timestamptz",
        ColumnType::Enum(_) => "enum",
        ColumnType::Unsupported => "unsupported type",
    }
}

/// A datum that is not a value of its column's type. Names the type and why, never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadValue {
    /// The type as PostgreSQL names it.
    pub type_name: &'static str,
    /// The form it came in.
    pub form: Form,
    /// Why it was refused.
    pub reason: Reason,
}

/// The form a datum came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The type's text output.
    Text,
    /// The type's binary output.
    Binary,
}

/// Why a datum was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Text is not UTF-8.
    NotUtf8,
    /// The text does not read as this type under the pinned session settings.
    Syntax,
    /// The binary form has another length than the type.
    Length,
    /// A field of the binary form holds what the type never writes there.
    Field,
    /// The value lies outside the type's range.
    Range,
    /// A version byte is not the one that is known.
    Version,
    /// The type has no mapping.
    Unsupported,
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::Text => "text",
            Form::Binary => "binary",
        };
        let reason = match self.reason {
            Reason::NotUtf8 => "it is not UTF-8",
            Reason::Syntax => "it does not read as this type",
            Reason::Length => "its length is not the type's",
            Reason::Field => "a field holds what the type never writes",
            Reason::Range => "it lies outside the type's range",
            Reason::Version => "its version byte is not known",
            Reason::Unsupported => "the type has no mapping",
        };
        write!(f, "the {form} form of a value of type {} is refused: {reason}", self.type_name)
    }
}

impl std::error::Error for BadValue {}

impl From<BadValue> for Error {
    fn from(bad: BadValue) -> Self {
        let hint = match bad.reason {
            Reason::NotUtf8 => {
                "the database holds text in another encoding, as server_encoding SQL_ASCII allows; convert the column or leave it out with column.exclude.list"
            }
            Reason::Syntax => {
                "check that nothing between walcast and PostgreSQL overrides the session's DateStyle, TimeZone, bytea_output or extra_float_digits; otherwise report it with the column's type"
            }
            Reason::Unsupported => "leave the column out with column.exclude.list",
            Reason::Length | Reason::Field | Reason::Range | Reason::Version => {
                "report it with the column's type and the server's version"
            }
        };
        Self::new(Kind::Undecodable, "a column's value cannot be decoded").hint(hint).caused_by(bad)
    }
}

/// A parsed column value. Borrows the frame it came in. Its `Debug` form names the type only.
///
/// Equal values give equal records: floats are compared by bits with all NaNs equal (so `0` and `-0` differ),
/// numerics by value and display scale, byte strings by content.
#[derive(Clone, Copy)]
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

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int2(a), Self::Int2(b)) => a == b,
            (Self::Int4(a), Self::Int4(b)) => a == b,
            (Self::Int8(a), Self::Int8(b)) | (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Oid(a), Self::Oid(b)) => a == b,
            (Self::Float4(a), Self::Float4(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::Float8(a), Self::Float8(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::Numeric(a), Self::Numeric(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Uuid(a), Self::Uuid(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) | (Self::TimestampTz(a), Self::TimestampTz(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool(_) => "Bool(..)",
            Self::Int2(_) => "Int2(..)",
            Self::Int4(_) => "Int4(..)",
            Self::Int8(_) => "Int8(..)",
            Self::Oid(_) => "Oid(..)",
            Self::Float4(_) => "Float4(..)",
            Self::Float8(_) => "Float8(..)",
            Self::Numeric(_) => "Numeric(..)",
            Self::Text(_) => "Text(..)",
            Self::Uuid(_) => "Uuid(..)",
            Self::Bytes(_) => "Bytes(..)",
            Self::Date(_) => "Date(..)",
            Self::Time(_) => "Time(..)",
            Self::Timestamp(_) => "Timestamp(..)",
            Self::TimestampTz(_) => "TimestampTz(..)",
        })
    }
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

/// A `numeric` in the form it came in, checked to be well formed and in canonical form: no leading zeros, no
/// negative zero, no zero group at either end. Its `Debug` form shows no digit.
///
/// Equal when they denote the same number with the same count of digits after the point, whatever the form:
/// `1.0` and `1.00` differ, because their records do.
#[derive(Clone, Copy)]
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

/// A `bytea` in the form it came in, checked to be well formed; compared by content. Its `Debug` form shows the
/// length only.
#[derive(Clone, Copy)]
pub enum Bytes<'a> {
    /// An even number of hexadecimal digits, without the leading `\x`.
    Hex(&'a [u8]),
    /// The bytes themselves.
    Raw(&'a [u8]),
}
