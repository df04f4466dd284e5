//! JSON as Kafka Connect's `JsonConverter` writes it without schemas: appended to a buffer, byte by byte.
//!
//! Owns the rendering of each kind of value. Must never allocate per value in the steady state.

use crate::catalog::{ColumnType, NumericSize};
use crate::value::{NotExact, Value};

pub(super) mod decimal;
pub(super) mod number;
pub(super) mod temporal;
pub(super) mod text;

/// A value that its column's Connect type cannot hold, such as a numeric NaN in precise mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotRepresentable;

impl From<NotExact> for NotRepresentable {
    fn from(_: NotExact) -> Self {
        Self
    }
}

/// Appends a value of a column.
///
/// # Errors
/// [`NotRepresentable`], and then nothing was appended.
#[inline]
pub(super) fn write_value(
    out: &mut Vec<u8>,
    column_type: &ColumnType,
    value: Value<'_>,
) -> Result<(), NotRepresentable> {
    match value {
        Value::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Value::Int2(value) => number::write_integer(out, value),
        Value::Int4(value) => number::write_integer(out, value),
        Value::Int8(value) => number::write_integer(out, value),
        Value::Oid(value) => number::write_integer(out, value),
        Value::Float4(value) => number::write_f32(out, value),
        Value::Float8(value) => number::write_f64(out, value),
        Value::Numeric(value) => match column_type {
            ColumnType::Numeric(Some(size)) => decimal::write_decimal(out, &value.unscaled_at(connect_scale(*size))?),
            _ => {
                let (scale, unscaled) = value.variable().map_err(|_| NotRepresentable)?;
                decimal::write_variable(out, scale, &unscaled);
            }
        },
        Value::Text(value) => text::write_string(out, value),
        Value::Uuid(value) => text::write_uuid(out, value),
        Value::Bytes(value) => text::write_bytea(out, value),
        Value::Date(value) => temporal::write_date(out, value),
        Value::Time(micros) => temporal::write_time(out, micros, fraction_digits(column_type)),
        Value::Timestamp(value) => temporal::write_timestamp(out, value, fraction_digits(column_type)),
        Value::TimestampTz(value) => temporal::write_zoned(out, value, fraction_digits(column_type)),
        // Columns of these types are left out.
        Value::Money(_)
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
        | Value::Array(_) => return Err(NotRepresentable),
    }
    Ok(())
}

/// The scale in the Connect schema. Debezium reads the 11 bits of the modifier without their sign, so that a scale of
/// -2 becomes 2046; a consumer that knows the schema reads the right number all the same.
pub(super) const fn connect_scale(size: NumericSize) -> i16 {
    if size.scale < 0 { size.scale + 2_048 } else { size.scale }
}

/// Declared fraction digits of a temporal type.
const fn fraction_digits(column_type: &ColumnType) -> u8 {
    match column_type {
        ColumnType::Time(digits) | ColumnType::Timestamp(digits) | ColumnType::TimestampTz(digits) => *digits,
        _ => 6,
    }
}
