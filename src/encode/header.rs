//! Header values: the old and new key of a key change, as text.
//!
//! Source: Connect's `SimpleHeaderConverter` over `Values.convertToString`. A struct is written like JSON, but
//! strings escape only quotes and backslashes, and decimals are plain numbers.

use super::json::{NotRepresentable, connect_scale, decimal, write_value};
use crate::catalog::ColumnType;
use crate::value::Value;

/// Appends a string in quotes.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Appends a value of a column as it stands inside a struct.
///
/// # Errors
/// [`NotRepresentable`], and then nothing was appended.
pub(super) fn write_field(
    out: &mut Vec<u8>,
    column_type: &ColumnType,
    value: Value<'_>,
) -> Result<(), NotRepresentable> {
    match (value, column_type) {
        (Value::Text(value), _) => write_string(out, value),
        (Value::Numeric(value), ColumnType::Numeric(Some(size))) => {
            let scale = connect_scale(*size);
            decimal::write_java_decimal(out, scale.into(), &value.unscaled_at(scale)?);
        }
        (Value::Float8(value), _) if !value.is_finite() => out.extend_from_slice(java_special(value)),
        (Value::Float4(value), _) if !value.is_finite() => out.extend_from_slice(java_special(value.into())),
        _ => write_value(out, column_type, value)?,
    }
    Ok(())
}

/// What JSON quotes and Java's text does not.
const fn java_special(value: f64) -> &'static [u8] {
    match (value.is_nan(), value > 0.0) {
        (true, _) => b"NaN",
        (false, true) => b"Infinity",
        (false, false) => b"-Infinity",
    }
}
