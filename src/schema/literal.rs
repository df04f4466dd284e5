//! Values that stand for themselves: defaults of columns, fallbacks, placeholders.

use super::Put;
use super::compound::{put_ewkb, put_point, put_sparse};
use super::decimal::with_be_bytes;
use crate::value::{Bytes, Ewkb, Point, Unscaled};

/// A Connect value that outlives the row it came from. Its `Debug` form is for tests: a default is no row's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `BOOLEAN`
    Boolean(bool),
    /// `INT16`
    Int16(i16),
    /// `INT32`
    Int32(i32),
    /// `INT64`
    Int64(i64),
    /// `FLOAT32`
    Float32(f32),
    /// `FLOAT64`
    Float64(f64),
    /// `STRING`
    String(String),
    /// `BYTES`
    Bytes(Vec<u8>),
    /// Connect's `Decimal`.
    Decimal {
        /// The number without its point.
        unscaled: Unscaled,
        /// Digits after the point.
        scale: i32,
    },
    /// Connect's `Date`, in days.
    Date(i32),
    /// Connect's `Time`, in milliseconds.
    Time(i32),
    /// Connect's `Timestamp`, in milliseconds.
    Timestamp(i64),
    /// Debezium's `VariableScaleDecimal`.
    VariableScaleDecimal {
        /// The number without its point.
        unscaled: Unscaled,
        /// Digits after the point.
        scale: i32,
    },
    /// `ARRAY` of elements that may be null and are not.
    Array(Vec<Self>),
    /// `MAP` from a text to a text that may be null and is not; at most one entry.
    Map(Option<(String, String)>),
    /// Debezium's `Point`.
    Point {
        /// Abscissa.
        x: f64,
        /// Ordinate.
        y: f64,
    },
    /// Debezium's `Geometry` or `Geography` without a spatial reference.
    Geometry(Vec<u8>),
    /// Debezium's `SparseDoubleVector` of no dimensions.
    SparseVector,
}

impl Literal {
    /// Hands it to a format.
    pub fn put<P: Put>(&self, to: &mut P) {
        match self {
            Self::Boolean(value) => to.put_bool(*value),
            Self::Int16(value) => to.put_i16(*value),
            Self::Int32(value) => to.put_i32(*value),
            Self::Int64(value) => to.put_i64(*value),
            Self::Float32(value) => to.put_f32(*value),
            Self::Float64(value) => to.put_f64(*value),
            Self::String(value) => to.put_str(value),
            Self::Bytes(value) => to.put_bytes(Bytes::Raw(value)),
            Self::Decimal { unscaled, scale } => to.put_decimal(unscaled, *scale),
            Self::Date(days) => to.put_date(*days),
            Self::Time(millis) => to.put_time(*millis),
            Self::Timestamp(millis) => to.put_timestamp(*millis),
            Self::VariableScaleDecimal { unscaled, scale } => put_variable_scale(to, unscaled, *scale),
            Self::Array(elements) => {
                to.begin_array(elements.len());
                for element in elements {
                    to.element();
                    to.optional(true);
                    element.put(to);
                }
                to.end_array(elements.len());
            }
            Self::Map(entry) => {
                let count = usize::from(entry.is_some());
                to.begin_map(count);
                if let Some((key, value)) = entry {
                    to.entry(key);
                    to.optional(true);
                    to.put_str(value);
                }
                to.end_map(count);
            }
            Self::Point { x, y } => put_point(Point { x: *x, y: *y }, to),
            Self::Geometry(wkb) => put_ewkb(Ewkb(Bytes::Raw(wkb)), to),
            Self::SparseVector => put_sparse(0, &[], to),
        }
    }

    /// What a conversion puts, as a literal; nothing for arrays, maps and structs, which Connect takes no default of.
    pub(super) fn captured<E>(put: impl FnOnce(&mut Capture) -> Result<(), E>) -> Option<Self> {
        let mut capture = Capture::default();
        put(&mut capture).ok()?;
        capture.literal.filter(|_| !capture.compound)
    }
}

/// Puts a `VariableScaleDecimal`.
pub(super) fn put_variable_scale<P: Put>(to: &mut P, unscaled: &Unscaled, scale: i32) {
    to.begin_struct();
    to.field("scale");
    to.put_i32(scale);
    to.field("value");
    with_be_bytes(unscaled, |bytes| to.put_bytes(Bytes::Raw(bytes)));
    to.end_struct();
}

/// Keeps the one scalar that is put.
#[derive(Default)]
pub(super) struct Capture {
    literal: Option<Literal>,
    compound: bool,
}

impl Put for Capture {
    fn put_bool(&mut self, value: bool) {
        self.literal = Some(Literal::Boolean(value));
    }

    fn put_i16(&mut self, value: i16) {
        self.literal = Some(Literal::Int16(value));
    }

    fn put_i32(&mut self, value: i32) {
        self.literal = Some(Literal::Int32(value));
    }

    fn put_i64(&mut self, value: i64) {
        self.literal = Some(Literal::Int64(value));
    }

    fn put_f32(&mut self, value: f32) {
        self.literal = Some(Literal::Float32(value));
    }

    fn put_f64(&mut self, value: f64) {
        self.literal = Some(Literal::Float64(value));
    }

    fn put_str(&mut self, value: &str) {
        self.literal = Some(Literal::String(value.to_owned()));
    }

    fn put_plain(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut text = Vec::new();
        write(&mut text);
        self.literal = String::from_utf8(text).ok().map(Literal::String);
    }

    fn put_str_and_surrogate(&mut self, value: &str, _: u16) {
        self.put_str(value);
    }

    fn put_bytes(&mut self, value: Bytes<'_>) {
        let mut bytes = Vec::new();
        value.decode_into(&mut bytes);
        self.literal = Some(Literal::Bytes(bytes));
    }

    fn put_decimal(&mut self, unscaled: &Unscaled, scale: i32) {
        self.literal = Some(Literal::Decimal { unscaled: unscaled.clone(), scale });
    }

    fn put_date(&mut self, days: i32) {
        self.literal = Some(Literal::Date(days));
    }

    fn put_time(&mut self, millis: i32) {
        self.literal = Some(Literal::Time(millis));
    }

    fn put_timestamp(&mut self, millis: i64) {
        self.literal = Some(Literal::Timestamp(millis));
    }

    fn begin_struct(&mut self) {
        self.compound = true;
    }

    fn field(&mut self, _: &str) {}

    fn end_struct(&mut self) {}

    fn begin_array(&mut self, _: usize) {
        self.compound = true;
    }

    fn element(&mut self) {}

    fn end_array(&mut self, _: usize) {}

    fn begin_map(&mut self, _: usize) {
        self.compound = true;
    }

    fn entry(&mut self, _: &str) {}

    fn end_map(&mut self, _: usize) {}

    fn begin_entries(&mut self, _: usize) {
        self.compound = true;
    }

    fn begin_entry(&mut self, _: i16) {}

    fn end_entry(&mut self) {}

    fn end_entries(&mut self, _: usize) {}

    fn optional(&mut self, _: bool) {
        self.compound = true;
    }
}
