//! JSON as Kafka Connect's `JsonConverter` writes it: appended to a buffer, byte by byte.
//!
//! Owns the rendering of each kind of value and of schemas. Must never allocate per value in the steady state.

use super::format::Format;
use crate::config::{DecimalFormat, NullForm};
use crate::schema::{Put, Schema, append_base64, append_bytes_base64, append_java_text, with_be_bytes};
use crate::value::{Bytes, Unscaled};

mod schema;
pub(super) mod text;

pub(super) use schema::append_schema;

pub(super) use crate::schema::number;

/// JSON with the converter's settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json {
    /// `decimal.format`
    pub(super) decimals: DecimalFormat,
    /// `replace.null.with.default`
    pub(super) nulls: NullForm,
}

impl Format for Json {
    type Writer<'o> = JsonWriter<'o>;
    const OPENING: &'static [u8] = b"{";
    const CLOSING: &'static [u8] = b"}";

    #[inline]
    fn writer(self, out: &mut Vec<u8>) -> JsonWriter<'_> {
        JsonWriter { out, decimals: self.decimals }
    }

    fn nulls(self) -> NullForm {
        self.nulls
    }

    fn label(self, out: &mut Vec<u8>, name: &str, first: bool) {
        if !first {
            out.push(b',');
        }
        text::write_string(out, name);
        out.push(b':');
    }

    fn present(self, _: &mut Vec<u8>, _: &Schema) {}

    /// Kafka refuses a null in a required field; what would stop Debezium is let through here.
    fn null(self, out: &mut Vec<u8>, _: &Schema) -> bool {
        out.extend_from_slice(b"null");
        true
    }

    fn append_sequence_head(self, out: &mut Vec<u8>, last_commit: Option<i64>) {
        out.extend_from_slice(b"\"[");
        match last_commit {
            Some(end) => {
                out.extend_from_slice(b"\\\"");
                number::write_integer(out, end);
                out.extend_from_slice(b"\\\"");
            }
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\\\"");
    }

    #[inline]
    fn put_sequence(self, out: &mut Vec<u8>, head: &[u8], lsn: &[u8]) {
        out.extend_from_slice(head);
        out.extend_from_slice(lsn);
        out.extend_from_slice(b"\\\"]\"");
    }
}

/// Writes values as JSON.
pub(super) struct JsonWriter<'o> {
    out: &'o mut Vec<u8>,
    decimals: DecimalFormat,
}

impl JsonWriter<'_> {
    /// A comma, unless the last byte opened what the next item stands in. No value ends with an opening bracket.
    fn separate(&mut self) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }
}

impl Put for JsonWriter<'_> {
    #[inline]
    fn put_bool(&mut self, value: bool) {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    #[inline]
    fn put_i16(&mut self, value: i16) {
        number::write_integer(self.out, value);
    }

    #[inline]
    fn put_i32(&mut self, value: i32) {
        number::write_integer(self.out, value);
    }

    #[inline]
    fn put_i64(&mut self, value: i64) {
        number::write_integer(self.out, value);
    }

    fn put_f32(&mut self, value: f32) {
        number::write_f32(self.out, value);
    }

    fn put_f64(&mut self, value: f64) {
        number::write_f64(self.out, value);
    }

    #[inline]
    fn put_str(&mut self, value: &str) {
        text::write_string(self.out, value);
    }

    #[inline]
    fn put_plain(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(b'"');
        write(self.out);
        self.out.push(b'"');
    }

    fn put_str_and_surrogate(&mut self, value: &str, high: u16) {
        self.put_plain(|out| {
            text::write_escaped(out, value);
            text::write_unit(out, high);
        });
    }

    fn put_bytes(&mut self, value: Bytes<'_>) {
        self.put_plain(|out| append_bytes_base64(out, value));
    }

    fn put_decimal(&mut self, unscaled: &Unscaled, scale: i32) {
        match self.decimals {
            DecimalFormat::Base64 => {
                self.put_plain(|out| with_be_bytes(unscaled, |bytes| append_base64(out, bytes)));
            }
            DecimalFormat::Numeric => append_java_text(self.out, unscaled, scale),
        }
    }

    fn put_date(&mut self, days: i32) {
        number::write_integer(self.out, days);
    }

    fn put_time(&mut self, millis: i32) {
        number::write_integer(self.out, millis);
    }

    fn put_timestamp(&mut self, millis: i64) {
        number::write_integer(self.out, millis);
    }

    fn begin_struct(&mut self) {
        self.out.push(b'{');
    }

    fn field(&mut self, name: &str) {
        self.separate();
        text::write_string(self.out, name);
        self.out.push(b':');
    }

    fn end_struct(&mut self) {
        self.out.push(b'}');
    }

    fn begin_array(&mut self, _: usize) {
        self.out.push(b'[');
    }

    fn element(&mut self) {
        self.separate();
    }

    fn end_array(&mut self, _: usize) {
        self.out.push(b']');
    }

    fn begin_map(&mut self, _: usize) {
        self.out.push(b'{');
    }

    fn entry(&mut self, key: &str) {
        self.field(key);
    }

    fn end_map(&mut self, _: usize) {
        self.out.push(b'}');
    }

    /// Only a map with keys of text is an object.
    fn begin_entries(&mut self, _: usize) {
        self.out.push(b'[');
    }

    fn begin_entry(&mut self, key: i16) {
        self.separate();
        self.out.push(b'[');
        number::write_integer(self.out, key);
        self.out.push(b',');
    }

    fn end_entry(&mut self) {
        self.out.push(b']');
    }

    fn end_entries(&mut self, _: usize) {
        self.out.push(b']');
    }

    fn optional(&mut self, present: bool) {
        if !present {
            self.out.extend_from_slice(b"null");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(decimals: DecimalFormat, put: impl FnOnce(&mut JsonWriter<'_>)) -> String {
        let mut out = Vec::new();
        put(&mut Json { decimals, nulls: NullForm::Default }.writer(&mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn compounds_are_separated() {
        let json = written(DecimalFormat::Base64, |to| {
            to.begin_struct();
            to.field("x");
            to.put_f64(1.0);
            to.field("list");
            to.begin_array(3);
            for present in [true, false, true] {
                to.element();
                to.optional(present);
                if present {
                    to.put_str("[");
                }
            }
            to.end_array(3);
            to.field("map");
            to.begin_map(0);
            to.end_map(0);
            to.end_struct();
        });
        assert_eq!(json, r#"{"x":1.0,"list":["[",null,"["],"map":{}}"#);
    }

    #[test]
    fn decimals_follow_their_format() {
        let decimal = |to: &mut JsonWriter<'_>| to.put_decimal(&Unscaled::Small(-5), 2);
        assert_eq!(written(DecimalFormat::Base64, decimal), r#""+w==""#);
        assert_eq!(written(DecimalFormat::Numeric, decimal), "-0.05");
    }
}
