//! How a Connect value is handed to a record format.

use crate::value::{Bytes, Unscaled};

/// Takes a Connect value: one method for each kind. A format implements it over its output, and [`super::Conversion`]
/// and [`super::Literal`] are generic over it, so that one walk over a row serves every format without a value in
/// between.
///
/// A struct is `begin_struct`, then for each field in schema order `field` and its value, then `end_struct`. Where a
/// schema inside a value is optional (and has no default), `optional` comes before the value or stands for its absence.
pub trait Put {
    /// `BOOLEAN`
    fn put_bool(&mut self, value: bool);
    /// `INT16`
    fn put_i16(&mut self, value: i16);
    /// `INT32`
    fn put_i32(&mut self, value: i32);
    /// `INT64`
    fn put_i64(&mut self, value: i64);
    /// `FLOAT32`
    fn put_f32(&mut self, value: f32);
    /// `FLOAT64`
    fn put_f64(&mut self, value: f64);
    /// `STRING`
    fn put_str(&mut self, value: &str);
    /// `STRING` of ASCII letters, digits and signs that no format escapes, which `write` appends to a buffer.
    fn put_plain(&mut self, write: impl FnOnce(&mut Vec<u8>));
    /// `STRING` that ends with the first half of a character above U+FFFF, whose second half was cut off.
    fn put_str_and_surrogate(&mut self, value: &str, high: u16);
    /// `BYTES`
    fn put_bytes(&mut self, value: Bytes<'_>);
    /// Connect's `Decimal`.
    fn put_decimal(&mut self, unscaled: &Unscaled, scale: i32);
    /// Connect's `Date`, in days since the Unix epoch.
    fn put_date(&mut self, days: i32);
    /// Connect's `Time`, in milliseconds since midnight.
    fn put_time(&mut self, millis: i32);
    /// Connect's `Timestamp`, in milliseconds since the Unix epoch.
    fn put_timestamp(&mut self, millis: i64);

    /// Begins a struct.
    fn begin_struct(&mut self);
    /// Begins the next field of a struct.
    fn field(&mut self, name: &str);
    /// Ends a struct.
    fn end_struct(&mut self);

    /// Begins an array of `count` elements.
    fn begin_array(&mut self, count: usize);
    /// Begins the next element of an array.
    fn element(&mut self);
    /// Ends an array of `count` elements.
    fn end_array(&mut self, count: usize);

    /// Begins a map of `count` entries with string keys.
    fn begin_map(&mut self, count: usize);
    /// Begins the next entry of a map.
    fn entry(&mut self, key: &str);
    /// Ends a map of `count` entries.
    fn end_map(&mut self, count: usize);

    /// Begins a map of `count` entries with keys of `INT16`.
    fn begin_entries(&mut self, count: usize);
    /// Begins the next entry of such a map.
    fn begin_entry(&mut self, key: i16);
    /// Ends it.
    fn end_entry(&mut self);
    /// Ends a map of `count` such entries.
    fn end_entries(&mut self, count: usize);

    /// Says whether an optional value inside another follows, or is null.
    fn optional(&mut self, present: bool);
}
