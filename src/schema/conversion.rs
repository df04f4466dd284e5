//! How a column's values become Connect values.

use super::binary::{append_bytes_base64, append_bytes_base64_url_safe, append_bytes_hex};
use super::literal::put_variable_scale;
use super::{Literal, Masked, Put, compound, decimal, temporal};
use crate::value::{Bytes, Date, Interval, Money, NotExact, Numeric, Timestamp, Value, write_uuid};

/// A value that its column's Connect kind cannot hold, such as a numeric NaN in precise mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRepresentable;

impl From<NotExact> for NotRepresentable {
    fn from(_: NotExact) -> Self {
        Self
    }
}

/// What is done with a column's values, once the handling modes have had their say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// Nothing: they are written as null, whatever they are.
    Drop,
    /// A value has one form only: truth values, integers, floating point, texts, UUIDs.
    Plain,
    /// `BYTES`
    Bytes,
    /// `STRING`, base64.
    Base64,
    /// `STRING`, base64 with the alphabet for URLs.
    Base64UrlSafe,
    /// `STRING`, hexadecimal.
    Hex,
    /// Connect's `Decimal`.
    Decimal {
        /// Digits after the point.
        scale: i16,
    },
    /// Debezium's `VariableScaleDecimal`.
    VariableScaleDecimal,
    /// `FLOAT64`
    DecimalAsDouble,
    /// `STRING`, plain decimal text.
    DecimalAsString {
        /// Digits after the point, where declared.
        scale: Option<i16>,
    },
    /// `INT32`, days.
    EpochDays,
    /// Connect's `Date`.
    ConnectDate,
    /// `IsoDate`
    IsoDate,
    /// `INT32`, milliseconds since midnight.
    MillisOfDay,
    /// `INT64`, microseconds since midnight.
    MicrosOfDay,
    /// `INT64`, nanoseconds since midnight.
    NanosOfDay,
    /// Connect's `Time`.
    ConnectTime,
    /// `IsoTime`
    IsoTime,
    /// `INT64`, milliseconds since the Unix epoch.
    EpochMillis,
    /// `INT64`, microseconds since the Unix epoch.
    EpochMicros,
    /// `INT64`, nanoseconds since the Unix epoch.
    EpochNanos,
    /// Connect's `Timestamp`.
    ConnectTimestamp,
    /// `IsoTimestamp`
    IsoTimestamp,
    /// `ZonedTimestamp`
    Zoned {
        /// Digits after the point.
        digits: u8,
    },
    /// `ZonedTime`
    ZonedTime,
    /// `MicroDuration`
    MicroDuration,
    /// `Interval`
    IsoInterval,
    /// `BOOLEAN`, of one bit.
    Bit,
    /// `Bits`
    Bits,
    /// A JSON text of an `hstore`.
    HstoreJson,
    /// `MAP` of an `hstore`.
    HstoreMap,
    /// Debezium's `Point`.
    Point,
    /// Debezium's `Geometry` or `Geography`.
    Geometry,
    /// Debezium's `DoubleVector`.
    DoubleVector,
    /// Debezium's `FloatVector`.
    FloatVector,
    /// Debezium's `SparseDoubleVector`.
    SparseVector,
    /// Another one with a mask over it.
    Masked(Box<Masked>),
    /// `ARRAY` without elements, whatever the value.
    EmptyArray,
    /// `ARRAY`
    Array {
        /// What is done with its elements.
        elements: Box<Self>,
        /// Whether an element may be null.
        nullable: bool,
    },
}

impl Conversion {
    /// Hands a value to a format.
    ///
    /// # Errors
    /// [`NotRepresentable`]; something of the value may have been put before.
    #[inline]
    pub fn put<P: Put>(&self, value: Value<'_>, to: &mut P) -> Result<(), NotRepresentable> {
        match self {
            Self::Masked(masked) => masked.put(value, to),
            _ => self.put_bare(value, to),
        }
    }

    /// The same where no mask lies over it.
    #[inline]
    pub(super) fn put_bare<P: Put>(&self, value: Value<'_>, to: &mut P) -> Result<(), NotRepresentable> {
        match value {
            Value::Bool(value) => to.put_bool(value),
            Value::Int2(value) => to.put_i16(value),
            Value::Int4(value) => to.put_i32(value),
            Value::Int8(value) => to.put_i64(value),
            Value::Oid(value) => to.put_i64(value.into()),
            Value::Float4(value) => to.put_f32(value),
            Value::Float8(value) => to.put_f64(value),
            Value::Text(value) if matches!(self, Self::Plain) => to.put_str(value),
            Value::Uuid(value) => to.put_plain(|out| write_uuid(&value, out)),
            Value::Bytes(value) => return self.put_bytes(value, to),
            Value::Numeric(value) => return self.put_numeric(value, to),
            Value::Date(value) => return self.put_date(value, to),
            Value::Time(micros) => return self.put_time(micros, to),
            Value::Timestamp(value) => return self.put_timestamp(value, to),
            Value::TimestampTz(value) => return self.put_zoned(value, to),
            Value::Text(_)
            | Value::Money(_)
            | Value::Bits(_)
            | Value::TimeTz(_)
            | Value::Interval(_)
            | Value::Printed(_)
            | Value::Point(_)
            | Value::Line(_)
            | Value::Circle(_)
            | Value::Shape(_)
            | Value::Ewkb(_)
            | Value::Hstore(_)
            | Value::Vector(_)
            | Value::SparseVector(_)
            | Value::Array(_) => return self.put_rare(value, to),
        }
        Ok(())
    }

    /// Whether values are written as null, whatever they are.
    #[must_use]
    pub fn drops(&self) -> bool {
        match self {
            Self::Masked(masked) => masked.conversion == Self::Drop,
            _ => *self == Self::Drop,
        }
    }

    /// Puts what stands for a value.
    pub fn put_literal<P: Put>(&self, literal: &Literal, to: &mut P) {
        match self {
            Self::Masked(masked) => masked.put_literal(literal, to),
            _ => literal.put(to),
        }
    }

    /// The types that few tables have.
    fn put_rare<P: Put>(&self, value: Value<'_>, to: &mut P) -> Result<(), NotRepresentable> {
        match (self, value) {
            (Self::EmptyArray, _) => {
                to.begin_array(0);
                to.end_array(0);
            }
            (Self::Plain, Value::Printed(value)) => match value.as_str() {
                Some(text) => to.put_str(text),
                None => put_text(to, |out| value.write_text(out)),
            },
            (_, Value::Money(value)) => return self.put_money(value, to),
            (_, Value::Interval(value)) => return self.put_interval(value, to),
            (Self::ZonedTime, Value::TimeTz(value)) => to.put_plain(|out| temporal::append_zoned_time(out, value)),
            (Self::Bit, Value::Bits(value)) if !value.is_empty() => to.put_bool(value.iter().any(|bit| bit)),
            (Self::Bits, Value::Bits(value)) => compound::put_bits(value, to),
            (Self::HstoreJson, Value::Hstore(value)) => compound::put_hstore_json(value, to),
            (Self::HstoreMap, Value::Hstore(value)) => compound::put_hstore_map(value, to),
            (Self::Point, Value::Point(value)) => compound::put_point(value, to),
            (Self::Geometry, Value::Ewkb(value)) => compound::put_ewkb(value, to),
            (Self::DoubleVector, Value::Vector(value)) => compound::put_double_vector(value, to),
            (Self::FloatVector, Value::Vector(value)) => compound::put_float_vector(value, to),
            (Self::SparseVector, Value::SparseVector(value)) => return compound::put_sparse_vector(value, to),
            (Self::Array { elements, nullable }, Value::Array(value)) => {
                return compound::put_array(value, elements, *nullable, to);
            }
            // The text of a type that Debezium has no schema for; that of shapes goes through Java's numbers.
            (Self::Bytes | Self::Base64 | Self::Base64UrlSafe | Self::Hex, value) => {
                return self.put_text_of(value, to);
            }
            _ => return Err(NotRepresentable),
        }
        Ok(())
    }

    /// Puts a value's text where bytes are wanted.
    pub(super) fn put_text_of<P: Put>(&self, value: Value<'_>, to: &mut P) -> Result<(), NotRepresentable> {
        let mut text = Vec::new();
        if !compound::append_java_shape(&mut text, value) {
            value.write_text(&mut text);
        }
        self.put_bytes(Bytes::Raw(&text), to)
    }

    fn put_money<P: Put>(&self, value: Money, to: &mut P) -> Result<(), NotRepresentable> {
        match self {
            Self::Decimal { scale } => to.put_decimal(&decimal::money_at(value, *scale)?, (*scale).into()),
            Self::DecimalAsDouble => {
                let mut text = Vec::new();
                value.write_text(&mut text);
                let text = std::str::from_utf8(&text).map_err(|_| NotRepresentable)?;
                to.put_f64(text.parse().map_err(|_| NotRepresentable)?);
            }
            Self::DecimalAsString { .. } => to.put_plain(|out| value.write_text(out)),
            _ => return Err(NotRepresentable),
        }
        Ok(())
    }

    fn put_interval<P: Put>(&self, value: Interval, to: &mut P) -> Result<(), NotRepresentable> {
        let (months, days, micros) = match value {
            Interval::Span { months, days, micros } => (months, days, micros),
            // pgJDBC reads nothing in an infinite interval, which leaves all its parts at zero.
            Interval::Infinity | Interval::NegativeInfinity => (0, 0, 0),
        };
        match self {
            Self::MicroDuration => to.put_i64(temporal::duration_micros(months, days, micros)),
            Self::IsoInterval => to.put_plain(|out| temporal::append_iso_interval(out, months, days, micros)),
            _ => return Err(NotRepresentable),
        }
        Ok(())
    }

    fn put_bytes<P: Put>(&self, value: Bytes<'_>, to: &mut P) -> Result<(), NotRepresentable> {
        match self {
            Self::Bytes => to.put_bytes(value),
            Self::Base64 => to.put_plain(|out| append_bytes_base64(out, value)),
            Self::Base64UrlSafe => to.put_plain(|out| append_bytes_base64_url_safe(out, value)),
            Self::Hex => to.put_plain(|out| append_bytes_hex(out, value)),
            _ => return Err(NotRepresentable),
        }
        Ok(())
    }

    fn put_numeric<P: Put>(&self, value: Numeric<'_>, to: &mut P) -> Result<(), NotRepresentable> {
        match self {
            Self::Decimal { scale } => to.put_decimal(&value.unscaled_at(*scale)?, (*scale).into()),
            Self::VariableScaleDecimal => {
                let (scale, unscaled) = value.variable().map_err(|_| NotRepresentable)?;
                put_variable_scale(to, &unscaled, scale);
            }
            Self::DecimalAsDouble => to.put_f64(decimal::to_f64(&value)),
            Self::DecimalAsString { scale } => {
                if let Some(special) = value.special() {
                    to.put_str(decimal::special_text(special));
                    return Ok(());
                }
                let mut written = Ok(());
                to.put_plain(|out| written = decimal::append_plain(out, &value, *scale));
                return written;
            }
            _ => return Err(NotRepresentable),
        }
        Ok(())
    }

    fn put_date<P: Put>(&self, value: Date, to: &mut P) -> Result<(), NotRepresentable> {
        match self {
            Self::EpochDays => to.put_i32(temporal::epoch_days(value)),
            Self::ConnectDate => to.put_date(temporal::epoch_days(value)),
            Self::IsoDate => to.put_plain(|out| temporal::append_iso_date(out, value)),
            _ => return Err(NotRepresentable),
        }
        Ok(())
    }

    fn put_time<P: Put>(&self, micros: i64, to: &mut P) -> Result<(), NotRepresentable> {
        let millis = || i32::try_from(micros / 1_000).map_err(|_| NotRepresentable);
        match self {
            Self::MillisOfDay => to.put_i32(millis()?),
            Self::MicrosOfDay => to.put_i64(micros),
            Self::NanosOfDay => to.put_i64(micros * 1_000),
            Self::ConnectTime => to.put_time(millis()?),
            Self::IsoTime => to.put_plain(|out| temporal::append_iso_time(out, micros)),
            _ => return Err(NotRepresentable),
        }
        Ok(())
    }

    fn put_timestamp<P: Put>(&self, value: Timestamp, to: &mut P) -> Result<(), NotRepresentable> {
        match self {
            Self::EpochMicros => to.put_i64(temporal::epoch_micros(value)),
            Self::EpochMillis => to.put_i64(temporal::epoch_millis(value)),
            Self::EpochNanos => to.put_i64(temporal::epoch_nanos(value)?),
            Self::ConnectTimestamp => to.put_timestamp(temporal::epoch_millis(value)),
            Self::IsoTimestamp => to.put_plain(|out| temporal::append_iso_timestamp(out, value)),
            _ => return Err(NotRepresentable),
        }
        Ok(())
    }

    fn put_zoned<P: Put>(&self, value: Timestamp, to: &mut P) -> Result<(), NotRepresentable> {
        let Self::Zoned { digits } = self else { return Err(NotRepresentable) };
        match value {
            Timestamp::At(at) => to.put_plain(|out| temporal::append_instant(out, at, *digits)),
            Timestamp::Infinity => to.put_plain(|out| out.extend_from_slice(b"infinity")),
            Timestamp::NegativeInfinity => to.put_plain(|out| out.extend_from_slice(b"-infinity")),
        }
        Ok(())
    }
}

/// Puts a text that has to be made first. Only binary forms come here.
fn put_text<P: Put>(to: &mut P, write: impl FnOnce(&mut Vec<u8>)) {
    let mut text = Vec::new();
    write(&mut text);
    to.put_str(&String::from_utf8_lossy(&text));
}
