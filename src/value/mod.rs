//! A column's datum, text or binary, as a [`Value`] that borrows from the frame.
//!
//! Owns the parsers of every type. Must never know an output format, allocate per column, or panic.
//! Nulls and unchanged TOAST values never come here: they are the row's matter.
//!
//! Invariants:
//! - For one datum of one type, its text form and its binary form give equal `Value`s. The few types whose binary form
//!   does not tell enough are refused in it: [`ColumnType::has_safe_binary`] names them beforehand.
//! - What records hold as PostgreSQL's text, [`Value::write_text`] gives byte for byte from either form.
//! - Text forms are read as the pinned session settings print them (DateStyle ISO, IntervalStyle postgres, TimeZone UTC,
//!   bytea_output hex, extra_float_digits above 0, client_encoding UTF8); any other form is refused, never guessed.
//! - A view over many elements (array, hstore, shape, vector) has its structure checked when it is made, so that walking
//!   it cannot fail; an array's elements are decoded, and may be refused, one by one.
//! - Neither an error nor a `Debug` form shows a value.

use std::fmt;

use crate::catalog::{ColumnType, UnknownType};
use crate::pgtime::PgMicros;

mod array;
mod bits;
mod bytea;
mod ewkb;
mod float;
mod hstore;
mod interval;
mod money;
mod network;
mod numeric;
mod print;
mod printed;
mod quoted;
mod range;
mod read;
mod refused;
mod scalar;
mod shape;
mod temporal;
mod tsvector;
mod unscaled;
mod vector;

#[cfg(test)]
mod compound_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod recorded_compound;
#[cfg(test)]
mod tests;

pub use array::{Array, Element, Elements};
pub use bits::Bits;
pub use ewkb::Ewkb;
pub use float::EXACT_POWERS;
pub use hstore::{Hstore, Pair, Pairs};
pub use interval::Interval;
pub use money::Money;
pub use numeric::NumericSpecial;
pub use printed::Printed;
pub use quoted::Quoted;
pub use refused::{BadValue, Form, Reason, is_of_binary_form};
pub use scalar::{hex_pair, write_uuid};
pub use shape::{Circle, Line, Point, Points, Shape, ShapeKind};
pub use temporal::{Civil, CivilDate, TimeOfDay, TimeTz};
pub use unscaled::{NotExact, Unscaled};
pub use vector::{SparseEntries, SparseVector, Vector, VectorElements, double_of_text};

use printed::Sort;

/// Parses a datum in text form (`t` on the wire, or a column of a text COPY).
///
/// # Errors
///
/// [`BadValue`] where the bytes are not what the type's output function prints under the pinned settings.
#[inline]
pub fn decode_text<'a>(column_type: &'a ColumnType, text: &'a [u8]) -> Result<Value<'a>, BadValue> {
    let value = match column_type {
        ColumnType::Bool => scalar::bool_text(text).map(Value::Bool),
        ColumnType::Int2 => scalar::integer_text(text).map(Value::Int2),
        ColumnType::Int4 => scalar::integer_text(text).map(Value::Int4),
        ColumnType::Int8 => scalar::integer_text(text).map(Value::Int8),
        ColumnType::Oid => scalar::integer_text(text).map(Value::Oid),
        ColumnType::Float4 => float::float4_text(text).map(Value::Float4),
        ColumnType::Float8 => float::float8_text(text).map(Value::Float8),
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
        ColumnType::Char
        | ColumnType::Name
        | ColumnType::Xml
        | ColumnType::Ltree
        | ColumnType::Isbn
        | ColumnType::Unknown(UnknownType::JsonPath | UnknownType::RefCursor | UnknownType::Opaque) => {
            scalar::utf8(text).map(Value::Text)
        }
        ColumnType::TimeTz(_) => TimeTz::from_text(text).map(Value::TimeTz),
        ColumnType::Interval => Interval::from_text(text).map(Value::Interval),
        ColumnType::Money => Money::from_text(text).map(Value::Money),
        ColumnType::Bit(_) | ColumnType::VarBit(_) => Bits::from_text(text).map(Value::Bits),
        ColumnType::Inet
        | ColumnType::Cidr
        | ColumnType::MacAddr
        | ColumnType::MacAddr8
        | ColumnType::Range(_)
        | ColumnType::TsVector
        | ColumnType::Unknown(
            UnknownType::PgLsn
            | UnknownType::Multirange(_)
            | UnknownType::Xid
            | UnknownType::Xid8
            | UnknownType::Tid
            | UnknownType::Snapshot,
        ) => Printed::from_text(text).map(Value::Printed),
        ColumnType::Hstore => Hstore::from_text(text).map(Value::Hstore),
        ColumnType::Point => Point::from_text(text).map(Value::Point),
        ColumnType::Line => Line::from_text(text).map(Value::Line),
        ColumnType::Circle => Circle::from_text(text).map(Value::Circle),
        ColumnType::Lseg => Shape::lseg_text(text).map(Value::Shape),
        ColumnType::Box => Shape::box_text(text).map(Value::Shape),
        ColumnType::Path => Shape::path_text(text).map(Value::Shape),
        ColumnType::Polygon => Shape::polygon_text(text).map(Value::Shape),
        ColumnType::Geometry | ColumnType::Geography => Ewkb::from_text(text).map(Value::Ewkb),
        ColumnType::Vector | ColumnType::HalfVec => Vector::from_text(text).map(Value::Vector),
        ColumnType::SparseVec => SparseVector::from_text(text).map(Value::SparseVector),
        ColumnType::Array(element) | ColumnType::DomainArray(element) | ColumnType::DroppedArray(element) => {
            Array::from_text(element, text).map(Value::Array)
        }
    };
    value.map_err(|reason| refuse(column_type, Form::Text, reason))
}

/// Parses a datum in binary form (`b` on the wire, or a column of a binary COPY).
///
/// # Errors
///
/// [`BadValue`] where the bytes are not what the type's send function writes, and for a type without
/// [`ColumnType::has_safe_binary`].
#[inline]
pub fn decode_binary<'a>(column_type: &'a ColumnType, bytes: &'a [u8]) -> Result<Value<'a>, BadValue> {
    let printed = |sort| Printed::from_binary(sort, bytes).map(Value::Printed);
    let value = match column_type {
        ColumnType::Bool => scalar::bool_binary(bytes).map(Value::Bool),
        ColumnType::Int2 => scalar::fixed(bytes).map(i16::from_be_bytes).map(Value::Int2),
        ColumnType::Int4 => scalar::fixed(bytes).map(i32::from_be_bytes).map(Value::Int4),
        ColumnType::Int8 => scalar::fixed(bytes).map(i64::from_be_bytes).map(Value::Int8),
        ColumnType::Oid => scalar::fixed(bytes).map(u32::from_be_bytes).map(Value::Oid),
        ColumnType::Float4 => scalar::fixed(bytes).map(f32::from_be_bytes).map(Value::Float4),
        ColumnType::Float8 => scalar::fixed(bytes).map(f64::from_be_bytes).map(Value::Float8),
        ColumnType::Numeric(_) => Numeric::from_binary(bytes).map(Value::Numeric),
        ColumnType::Text | ColumnType::Json | ColumnType::Enum(_) => scalar::utf8(bytes).map(Value::Text),
        ColumnType::Jsonb => scalar::versioned_text(bytes).map(Value::Text),
        ColumnType::Uuid => scalar::fixed(bytes).map(Value::Uuid),
        ColumnType::Bytea => Ok(Value::Bytes(Bytes::Raw(bytes))),
        ColumnType::Date => Date::from_binary(bytes).map(Value::Date),
        ColumnType::Time(_) => temporal::time_binary(bytes).map(Value::Time),
        ColumnType::Timestamp(_) => Timestamp::from_binary(bytes).map(Value::Timestamp),
        ColumnType::TimestampTz(_) => Timestamp::from_binary(bytes).map(Value::TimestampTz),
        ColumnType::Name | ColumnType::Xml | ColumnType::Unknown(UnknownType::RefCursor) => {
            scalar::utf8(bytes).map(Value::Text)
        }
        ColumnType::Char => scalar::char_binary(bytes).map(Value::Text),
        ColumnType::Ltree | ColumnType::Unknown(UnknownType::JsonPath) => {
            scalar::versioned_text(bytes).map(Value::Text)
        }
        ColumnType::TimeTz(_) => TimeTz::from_binary(bytes).map(Value::TimeTz),
        ColumnType::Interval => Interval::from_binary(bytes).map(Value::Interval),
        ColumnType::Bit(_) | ColumnType::VarBit(_) => Bits::from_binary(bytes).map(Value::Bits),
        ColumnType::Inet => printed(Sort::Inet),
        ColumnType::Cidr => printed(Sort::Cidr),
        ColumnType::MacAddr => printed(Sort::MacAddr),
        ColumnType::MacAddr8 => printed(Sort::MacAddr8),
        ColumnType::Range(range_type) => printed(Sort::Range(*range_type)),
        ColumnType::TsVector => printed(Sort::TsVector),
        ColumnType::Unknown(UnknownType::PgLsn) => printed(Sort::PgLsn),
        ColumnType::Unknown(UnknownType::Multirange(range_type)) => printed(Sort::Multirange(*range_type)),
        ColumnType::Unknown(UnknownType::Xid) => printed(Sort::Xid),
        ColumnType::Unknown(UnknownType::Xid8) => printed(Sort::Xid8),
        ColumnType::Unknown(UnknownType::Tid) => printed(Sort::Tid),
        ColumnType::Unknown(UnknownType::Snapshot) => printed(Sort::Snapshot),
        ColumnType::Hstore => Hstore::from_binary(bytes).map(Value::Hstore),
        ColumnType::Point => Point::from_binary(bytes).map(Value::Point),
        ColumnType::Line => Line::from_binary(bytes).map(Value::Line),
        ColumnType::Circle => Circle::from_binary(bytes).map(Value::Circle),
        ColumnType::Lseg => Shape::pair_binary(ShapeKind::Lseg, bytes).map(Value::Shape),
        ColumnType::Box => Shape::pair_binary(ShapeKind::Box, bytes).map(Value::Shape),
        ColumnType::Path => Shape::path_binary(bytes).map(Value::Shape),
        ColumnType::Polygon => Shape::polygon_binary(bytes).map(Value::Shape),
        ColumnType::Geometry | ColumnType::Geography => Ok(Value::Ewkb(Ewkb::from_binary(bytes))),
        ColumnType::Vector => Vector::from_binary(bytes).map(Value::Vector),
        ColumnType::HalfVec => Vector::half_binary(bytes).map(Value::Vector),
        ColumnType::SparseVec => SparseVector::from_binary(bytes).map(Value::SparseVector),
        ColumnType::Array(element) | ColumnType::DomainArray(element) | ColumnType::DroppedArray(element) => {
            Array::from_binary(element, bytes).map(Value::Array)
        }
        ColumnType::Money | ColumnType::Isbn | ColumnType::Unknown(UnknownType::Opaque) => Err(Reason::NoSafeBinary),
    };
    value.map_err(|reason| refuse(column_type, Form::Binary, reason))
}

/// What is told of a datum that cannot be read.
#[cold]
#[inline(never)]
const fn refuse(column_type: &ColumnType, form: Form, reason: Reason) -> BadValue {
    BadValue { type_name: type_name(column_type), form, reason }
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
        ColumnType::Money => "money",
        ColumnType::Text => "text",
        ColumnType::Char => "\"char\"",
        ColumnType::Name => "name",
        ColumnType::Xml => "xml",
        ColumnType::Uuid => "uuid",
        ColumnType::Json => "json",
        ColumnType::Jsonb => "jsonb",
        ColumnType::Bytea => "bytea",
        ColumnType::Bit(_) => "bit",
        ColumnType::VarBit(_) => "bit varying",
        ColumnType::Date => "date",
        ColumnType::Time(_) => "time",
        ColumnType::TimeTz(_) => "timetz",
        ColumnType::Timestamp(_) => "timestamp",
        ColumnType::TimestampTz(_) => "timestamptz",
        ColumnType::Interval => "interval",
        ColumnType::Inet => "inet",
        ColumnType::Cidr => "cidr",
        ColumnType::MacAddr => "macaddr",
        ColumnType::MacAddr8 => "macaddr8",
        ColumnType::Range(_) => "range",
        ColumnType::TsVector => "tsvector",
        ColumnType::Ltree => "ltree",
        ColumnType::Isbn => "isbn",
        ColumnType::Hstore => "hstore",
        ColumnType::Point => "point",
        ColumnType::Line => "line",
        ColumnType::Lseg => "lseg",
        ColumnType::Box => "box",
        ColumnType::Path => "path",
        ColumnType::Polygon => "polygon",
        ColumnType::Circle => "circle",
        ColumnType::Geometry => "geometry",
        ColumnType::Geography => "geography",
        ColumnType::Vector => "vector",
        ColumnType::HalfVec => "halfvec",
        ColumnType::SparseVec => "sparsevec",
        ColumnType::Enum(_) => "enum",
        ColumnType::Array(_) | ColumnType::DomainArray(_) | ColumnType::DroppedArray(_) => "array",
        ColumnType::Unknown(UnknownType::PgLsn) => "pg_lsn",
        ColumnType::Unknown(UnknownType::Multirange(_)) => "multirange",
        ColumnType::Unknown(_) => "a type without a mapping",
    }
}

/// A parsed column value. Borrows the frame it came in, and an array also its element's type. Its `Debug` form names the
/// type only.
///
/// Equal values give equal records: floats are compared by bits with all NaNs equal (so `0` and `-0` differ),
/// numerics by value and display scale, everything else by content, whatever form it came in.
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
    /// `money`.
    Money(Money),
    /// What is the same text in both forms but for a version byte: `text`, `varchar`, `char`, `name`, `json`, `jsonb`,
    /// `xml`, `ltree`, enum labels, `isbn`, and of unknown types those without a safe binary form.
    Text(&'a str),
    /// `uuid`.
    Uuid([u8; 16]),
    /// `bytea`.
    Bytes(Bytes<'a>),
    /// `bit`, `bit varying`.
    Bits(Bits<'a>),
    /// `date`.
    Date(Date),
    /// `time`, in microseconds since midnight; `24:00:00` is 86 400 000 000.
    Time(i64),
    /// `timetz`.
    TimeTz(TimeTz),
    /// `timestamp`, without zone.
    Timestamp(Timestamp),
    /// `timestamptz`, in UTC.
    TimestampTz(Timestamp),
    /// `interval`.
    Interval(Interval),
    /// What records hold as PostgreSQL's text: `inet`, `cidr`, `macaddr`, `macaddr8`, ranges, `tsvector`, and of unknown
    /// types those with a safe binary form.
    Printed(Printed<'a>),
    /// `point`.
    Point(Point),
    /// `line`.
    Line(Line),
    /// `circle`.
    Circle(Circle),
    /// `box`, `lseg`, `path`, `polygon`.
    Shape(Shape<'a>),
    /// PostGIS `geometry`, `geography`.
    Ewkb(Ewkb<'a>),
    /// `hstore`.
    Hstore(Hstore<'a>),
    /// pgvector's `vector`, `halfvec`.
    Vector(Vector<'a>),
    /// pgvector's `sparsevec`.
    SparseVector(SparseVector<'a>),
    /// An array of any type.
    Array(Array<'a>),
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
            (Self::Float8(a), Self::Float8(b)) => shape::same(*a, *b),
            (Self::Numeric(a), Self::Numeric(b)) => a == b,
            (Self::Money(a), Self::Money(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Uuid(a), Self::Uuid(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Bits(a), Self::Bits(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::TimeTz(a), Self::TimeTz(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) | (Self::TimestampTz(a), Self::TimestampTz(b)) => a == b,
            (Self::Interval(a), Self::Interval(b)) => a == b,
            (Self::Printed(a), Self::Printed(b)) => a == b,
            (Self::Point(a), Self::Point(b)) => a == b,
            (Self::Line(a), Self::Line(b)) => a == b,
            (Self::Circle(a), Self::Circle(b)) => a == b,
            (Self::Shape(a), Self::Shape(b)) => a == b,
            (Self::Ewkb(a), Self::Ewkb(b)) => a == b,
            (Self::Hstore(a), Self::Hstore(b)) => a == b,
            (Self::Vector(a), Self::Vector(b)) => a == b,
            (Self::SparseVector(a), Self::SparseVector(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
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
            Self::Money(_) => "Money(..)",
            Self::Text(_) => "Text(..)",
            Self::Uuid(_) => "Uuid(..)",
            Self::Bytes(_) => "Bytes(..)",
            Self::Bits(_) => "Bits(..)",
            Self::Date(_) => "Date(..)",
            Self::Time(_) => "Time(..)",
            Self::TimeTz(_) => "TimeTz(..)",
            Self::Timestamp(_) => "Timestamp(..)",
            Self::TimestampTz(_) => "TimestampTz(..)",
            Self::Interval(_) => "Interval(..)",
            Self::Printed(_) => "Printed(..)",
            Self::Point(_) => "Point(..)",
            Self::Line(_) => "Line(..)",
            Self::Circle(_) => "Circle(..)",
            Self::Shape(_) => "Shape(..)",
            Self::Ewkb(_) => "Ewkb(..)",
            Self::Hstore(_) => "Hstore(..)",
            Self::Vector(_) => "Vector(..)",
            Self::SparseVector(_) => "SparseVector(..)",
            Self::Array(_) => "Array(..)",
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
