//! How a column's values become Connect values.

use super::binary::{append_bytes_base64, append_bytes_base64_url_safe, append_bytes_hex};
use super::literal::put_variable_scale;
use super::{Put, decimal, temporal};
use crate::value::{Bytes, Date, NotExact, Numeric, Timestamp, Value, write_uuid};

/// A value that its column's Connect kind cannot hold, such as a numeric NaN in precise mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRepresentable;

impl From<NotExact> for NotRepresentable {
    fn from(_: NotExact) -> Self {
        Self
    }
}

/// What is done with a column's values, once the handling modes have had their say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

impl Conversion {
    /// Hands a value to a format.
    ///
    /// # Errors
    /// [`NotRepresentable`]; something of the value may have been put before.
    #[inline]
    pub fn put<P: Put>(self, value: Value<'_>, to: &mut P) -> Result<(), NotRepresentable> {
        match value {
            Value::Bool(value) => to.put_bool(value),
            Value::Int2(value) => to.put_i16(value),
            Value::Int4(value) => to.put_i32(value),
            Value::Int8(value) => to.put_i64(value),
            Value::Oid(value) => to.put_i64(value.into()),
            Value::Float4(value) => to.put_f32(value),
            Value::Float8(value) => to.put_f64(value),
            Value::Text(value) => to.put_str(value),
            Value::Uuid(value) => to.put_plain(|out| write_uuid(&value, out)),
            Value::Bytes(value) => return self.put_bytes(value, to),
            Value::Numeric(value) => return self.put_numeric(value, to),
            Value::Date(value) => return self.put_date(value, to),
            Value::Time(micros) => return self.put_time(micros, to),
            Value::Timestamp(value) => return self.put_timestamp(value, to),
            Value::TimestampTz(value) => return self.put_zoned(value, to),
        }
        Ok(())
    }

    fn put_bytes<P: Put>(self, value: Bytes<'_>, to: &mut P) -> Result<(), NotRepresentable> {
        match self {
            Self::Bytes => to.put_bytes(value),
            Self::Base64 => to.put_plain(|out| append_bytes_base64(out, value)),
            Self::Base64UrlSafe => to.put_plain(|out| append_bytes_base64_url_safe(out, value)),
            Self::Hex => to.put_plain(|out| append_bytes_hex(out, value)),
            _ => return Err(NotRepresentable),
        }
        Ok(())
    }

    fn put_numeric<P: Put>(self, value: Numeric<'_>, to: &mut P) -> Result<(), NotRepresentable> {
        match self {
            Self::Decimal { scale } => to.put_decimal(&value.unscaled_at(scale)?, scale.into()),
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
                to.put_plain(|out| written = decimal::append_plain(out, &value, scale));
                return written;
            }
            _ => return Err(NotRepresentable),
        }
        Ok(())
    }

    fn put_date<P: Put>(self, value: Date, to: &mut P) -> Result<(), NotRepresentable> {
        match self {
            Self::EpochDays => to.put_i32(temporal::epoch_days(value)),
            Self::ConnectDate => to.put_date(temporal::epoch_days(value)),
            Self::IsoDate => to.put_plain(|out| temporal::append_iso_date(out, value)),
            _ => return Err(NotRepresentable),
        }
        Ok(())
    }

    fn put_time<P: Put>(self, micros: i64, to: &mut P) -> Result<(), NotRepresentable> {
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

    fn put_timestamp<P: Put>(self, value: Timestamp, to: &mut P) -> Result<(), NotRepresentable> {
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

    fn put_zoned<P: Put>(self, value: Timestamp, to: &mut P) -> Result<(), NotRepresentable> {
        let Self::Zoned { digits } = self else { return Err(NotRepresentable) };
        match value {
            Timestamp::At(at) => to.put_plain(|out| temporal::append_instant(out, at, digits)),
            Timestamp::Infinity => to.put_plain(|out| out.extend_from_slice(b"infinity")),
            Timestamp::NegativeInfinity => to.put_plain(|out| out.extend_from_slice(b"-infinity")),
        }
        Ok(())
    }
}
