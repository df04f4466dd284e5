//! Header values: the old and new key of a key change, as text, and texts themselves.
//!
//! Source of the form that is usual: Connect's `SimpleHeaderConverter` over `Values.convertToString`. A struct is written like JSON, but
//! strings escape only quotes and backslashes, decimals are plain numbers, and Connect's own dates and times are texts
//! of whatever pattern suits the number of milliseconds.

use super::format::{AnyFormat, Format};
use super::framing::Side;
use super::json::{self, Json, JsonWriter};
use crate::config::{DecimalFormat, HeaderConverter, NullForm};
use crate::pgtime::PgMicros;
use crate::schema::{Kind, Put, Schema, append_instant, append_java_text};
use crate::value::{Bytes, Unscaled};

const MILLIS_PER_DAY: i64 = 86_400_000;

/// The form of header texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeaderText;

/// What it shares with JSON.
const JSON: Json = Json { decimals: DecimalFormat::Numeric, nulls: NullForm::Default };

impl Format for HeaderText {
    type Writer<'o> = HeaderWriter<'o>;
    const OPENING: &'static [u8] = b"{";
    const CLOSING: &'static [u8] = b"}";

    fn writer(self, out: &mut Vec<u8>) -> HeaderWriter<'_> {
        HeaderWriter { out }
    }

    fn nulls(self) -> NullForm {
        NullForm::Default
    }

    fn label(self, out: &mut Vec<u8>, name: &str, first: bool) {
        if !first {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
    }

    fn present(self, _: &mut Vec<u8>, _: &Schema) {}

    fn null(self, out: &mut Vec<u8>, schema: &Schema) -> bool {
        JSON.null(out, schema)
    }

    fn append_sequence_head(self, out: &mut Vec<u8>, last_commit: Option<i64>) {
        JSON.append_sequence_head(out, last_commit);
    }

    fn put_sequence(self, out: &mut Vec<u8>, head: &[u8], lsn: &[u8]) {
        JSON.put_sequence(out, head, lsn);
    }
}

/// A header that is a text, as its converter writes it.
pub(super) fn text(converter: HeaderConverter, text: &str) -> Vec<u8> {
    let HeaderConverter::Json(json) = converter else { return text.as_bytes().to_vec() };
    let schema = Schema::of(Kind::String);
    let format = Json { decimals: json.decimals, nulls: json.nulls };
    let frame = AnyFormat::Json(format, json.schemas).frame("", Side::Value, &schema, None);
    let mut out = frame.head;
    format.writer(&mut out).put_str(text);
    out.extend_from_slice(frame.tail);
    out
}

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

/// Appends a `java.util.Date`: its time of day up to a day after the epoch, else its date, with the time where it has
/// one.
fn write_java_date(out: &mut Vec<u8>, unix_millis: i64) {
    let start = out.len();
    append_instant(out, PgMicros::from_unix_micros(unix_millis.saturating_mul(1_000)), 3);
    let text = out.get(start..).unwrap_or_default();
    let time_at = text.iter().position(|byte| *byte == b'T').unwrap_or_default();
    if unix_millis < MILLIS_PER_DAY {
        out.drain(start..=start + time_at);
    } else if unix_millis % MILLIS_PER_DAY == 0 {
        out.truncate(start + time_at);
    }
}

/// Writes header texts.
pub(super) struct HeaderWriter<'o> {
    out: &'o mut Vec<u8>,
}

impl HeaderWriter<'_> {
    fn json(&mut self) -> JsonWriter<'_> {
        JSON.writer(self.out)
    }
}

impl Put for HeaderWriter<'_> {
    fn put_bool(&mut self, value: bool) {
        self.json().put_bool(value);
    }

    fn put_i16(&mut self, value: i16) {
        self.json().put_i16(value);
    }

    fn put_i32(&mut self, value: i32) {
        self.json().put_i32(value);
    }

    fn put_i64(&mut self, value: i64) {
        self.json().put_i64(value);
    }

    fn put_f32(&mut self, value: f32) {
        if value.is_finite() {
            json::number::write_f32(self.out, value);
        } else {
            self.out.extend_from_slice(java_special(value.into()));
        }
    }

    fn put_f64(&mut self, value: f64) {
        if value.is_finite() {
            json::number::write_f64(self.out, value);
        } else {
            self.out.extend_from_slice(java_special(value));
        }
    }

    fn put_str(&mut self, value: &str) {
        write_string(self.out, value);
    }

    fn put_plain(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.json().put_plain(write);
    }

    /// Java writes a question mark for half a character.
    fn put_str_and_surrogate(&mut self, value: &str, _: u16) {
        write_string(self.out, &format!("{value}?"));
    }

    fn put_bytes(&mut self, value: Bytes<'_>) {
        self.json().put_bytes(value);
    }

    fn put_decimal(&mut self, unscaled: &Unscaled, scale: i32) {
        append_java_text(self.out, unscaled, scale);
    }

    fn put_date(&mut self, days: i32) {
        write_java_date(self.out, i64::from(days) * MILLIS_PER_DAY);
    }

    fn put_time(&mut self, millis: i32) {
        write_java_date(self.out, millis.into());
    }

    fn put_timestamp(&mut self, millis: i64) {
        write_java_date(self.out, millis);
    }

    fn begin_struct(&mut self) {
        self.json().begin_struct();
    }

    fn field(&mut self, name: &str) {
        self.json().field(name);
    }

    fn end_struct(&mut self) {
        self.json().end_struct();
    }

    fn begin_array(&mut self, count: usize) {
        self.json().begin_array(count);
    }

    fn element(&mut self) {
        self.json().element();
    }

    fn end_array(&mut self, count: usize) {
        self.json().end_array(count);
    }

    fn begin_map(&mut self, count: usize) {
        self.json().begin_map(count);
    }

    fn entry(&mut self, key: &str) {
        self.json().entry(key);
    }

    fn end_map(&mut self, count: usize) {
        self.json().end_map(count);
    }

    /// `Values.convertToString` writes every map with braces, whatever its keys are.
    fn begin_entries(&mut self, _: usize) {
        self.out.push(b'{');
    }

    fn begin_entry(&mut self, key: i16) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        json::number::write_integer(self.out, key);
        self.out.push(b':');
    }

    fn end_entry(&mut self) {}

    fn end_entries(&mut self, _: usize) {
        self.out.push(b'}');
    }

    fn optional(&mut self, present: bool) {
        self.json().optional(present);
    }
}

/// What JSON quotes and Java's text does not.
pub(super) const fn java_special(value: f64) -> &'static [u8] {
    match (value.is_nan(), value > 0.0) {
        (true, _) => b"NaN",
        (false, true) => b"Infinity",
        (false, false) => b"-Infinity",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_take_the_pattern_that_suits_them() {
        for (unix_millis, text) in [
            (0, "00:00:00.000Z"),
            (86_399_999, "23:59:59.999Z"),
            (-1, "23:59:59.999Z"),
            (86_400_000, "1970-01-02"),
            (1_600_000_000_123, "2020-09-13T12:26:40.123Z"),
        ] {
            let mut out = Vec::new();
            write_java_date(&mut out, unix_millis);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
