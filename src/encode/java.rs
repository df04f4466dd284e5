//! What Java prints of a struct, as Kafka Connect's `StringConverter` writes it: `Struct{id=1,name=Ada}`.
//!
//! Fields without a value are left out, texts stand as they are, and what an object's address would be is a zero: two
//! runs of Java never print the same.
//!
//! Source: Connect's `Struct.toString`, Java's `AbstractCollection`, `AbstractMap`, `BigDecimal`, `Date` (in UTC).

use super::format::Format;
use super::header::java_special;
use super::json::number;
use crate::config::NullForm;
use crate::pgtime::PgMicros;
use crate::schema::{Put, Schema, append_instant, append_java_text};
use crate::value::{Bytes, Unscaled};

const MILLIS_PER_DAY: i64 = 86_400_000;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The form of `StringConverter`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Java;

impl Format for Java {
    type Writer<'o> = JavaWriter<'o>;
    const OPENING: &'static [u8] = b"Struct{";
    const CLOSING: &'static [u8] = b"}";
    const SKIPS_NULLS: bool = true;

    fn writer(self, out: &mut Vec<u8>) -> JavaWriter<'_> {
        JavaWriter { out, is_first: true, label_at: None, depth: 0 }
    }

    fn nulls(self) -> NullForm {
        NullForm::Null
    }

    fn label(self, out: &mut Vec<u8>, name: &str, first: bool) {
        if !first {
            out.push(b',');
        }
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
    }

    fn present(self, _: &mut Vec<u8>, _: &Schema) {}

    fn null(self, _: &mut Vec<u8>, _: &Schema) -> bool {
        true
    }

    fn append_sequence_head(self, out: &mut Vec<u8>, last_commit: Option<i64>) {
        out.push(b'[');
        match last_commit {
            Some(end) => {
                out.push(b'"');
                number::write_integer(out, end);
                out.push(b'"');
            }
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"");
    }

    fn put_sequence(self, out: &mut Vec<u8>, head: &[u8], lsn: &[u8]) {
        for part in [head, lsn, b"\"]"] {
            out.extend_from_slice(part);
        }
    }
}

/// Writes values as Java prints them.
pub(super) struct JavaWriter<'o> {
    out: &'o mut Vec<u8>,
    /// No element or entry stands before the next one.
    is_first: bool,
    /// Where the label of the field under way begins, which goes where its value is null.
    label_at: Option<usize>,
    /// Structs around the next value, besides the row.
    depth: usize,
}

impl JavaWriter<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.out.extend_from_slice(b", ");
        }
        self.label_at = None;
    }

    /// `java.util.Date.toString` in UTC.
    fn date(&mut self, unix_millis: i64) {
        let mut text = Vec::new();
        append_instant(&mut text, PgMicros::from_unix_micros(unix_millis.saturating_mul(1_000)), 3);
        let text = String::from_utf8(text).unwrap_or_default();
        let (date, time) = text.split_once('T').unwrap_or_default();
        let mut parts = date.rsplitn(3, '-');
        let (day, month, year) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let weekday = usize::try_from(unix_millis.div_euclid(MILLIS_PER_DAY).rem_euclid(7)).unwrap_or_default();
        let month = month.parse::<usize>().unwrap_or(1).saturating_sub(1);
        let words = [
            WEEKDAYS.get(weekday).copied().unwrap_or_default(),
            MONTHS.get(month).copied().unwrap_or_default(),
            day,
            time.get(..8).unwrap_or_default(),
            "UTC",
            year,
        ];
        self.out.extend_from_slice(words.join(" ").as_bytes());
    }
}

impl Put for JavaWriter<'_> {
    fn put_bool(&mut self, value: bool) {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn put_i16(&mut self, value: i16) {
        number::write_integer(self.out, value);
    }

    fn put_i32(&mut self, value: i32) {
        number::write_integer(self.out, value);
    }

    fn put_i64(&mut self, value: i64) {
        number::write_integer(self.out, value);
    }

    fn put_f32(&mut self, value: f32) {
        if value.is_finite() {
            number::write_f32(self.out, value);
        } else {
            self.out.extend_from_slice(java_special(value.into()));
        }
    }

    fn put_f64(&mut self, value: f64) {
        if value.is_finite() {
            number::write_f64(self.out, value);
        } else {
            self.out.extend_from_slice(java_special(value));
        }
    }

    fn put_str(&mut self, value: &str) {
        self.out.extend_from_slice(value.as_bytes());
    }

    fn put_plain(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.out);
    }

    /// Java writes a question mark for half a character.
    fn put_str_and_surrogate(&mut self, value: &str, _: u16) {
        self.put_str(value);
        self.out.push(b'?');
    }

    /// A column's bytes are a buffer, those inside a value an array.
    fn put_bytes(&mut self, value: Bytes<'_>) {
        if self.depth > 0 {
            return self.out.extend_from_slice(b"[B@0");
        }
        self.out.extend_from_slice(b"java.nio.HeapByteBuffer[pos=0 lim=");
        for part in [&b""[..], b" cap="] {
            self.out.extend_from_slice(part);
            number::write_integer(self.out, value.len());
        }
        self.out.push(b']');
    }

    fn put_decimal(&mut self, unscaled: &Unscaled, scale: i32) {
        append_java_text(self.out, unscaled, scale);
    }

    fn put_date(&mut self, days: i32) {
        self.date(i64::from(days) * MILLIS_PER_DAY);
    }

    fn put_time(&mut self, millis: i32) {
        self.date(millis.into());
    }

    fn put_timestamp(&mut self, millis: i64) {
        self.date(millis);
    }

    fn begin_struct(&mut self) {
        self.depth += 1;
        self.out.extend_from_slice(Java::OPENING);
    }

    fn field(&mut self, name: &str) {
        self.label_at = Some(self.out.len());
        // No value of a struct inside another ends with an opening brace.
        let first = self.out.ends_with(Java::OPENING);
        Java.label(self.out, name, first);
    }

    fn end_struct(&mut self) {
        self.depth -= 1;
        self.label_at = None;
        self.out.extend_from_slice(Java::CLOSING);
    }

    fn begin_array(&mut self, _: usize) {
        self.is_first = true;
        self.out.push(b'[');
    }

    fn element(&mut self) {
        self.separate();
    }

    fn end_array(&mut self, _: usize) {
        self.out.push(b']');
    }

    fn begin_map(&mut self, _: usize) {
        self.is_first = true;
        self.out.push(b'{');
    }

    fn entry(&mut self, key: &str) {
        self.separate();
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'=');
    }

    fn end_map(&mut self, _: usize) {
        self.out.push(b'}');
    }

    fn begin_entries(&mut self, count: usize) {
        self.begin_map(count);
    }

    fn begin_entry(&mut self, key: i16) {
        self.entry(itoa::Buffer::new().format(key));
    }

    fn end_entry(&mut self) {}

    fn end_entries(&mut self, count: usize) {
        self.end_map(count);
    }

    fn optional(&mut self, present: bool) {
        match self.label_at {
            _ if present => {}
            Some(at) => self.out.truncate(at),
            None => self.out.extend_from_slice(b"null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(put: impl FnOnce(&mut JavaWriter<'_>)) -> String {
        let mut out = Vec::new();
        put(&mut Java.writer(&mut out));
        String::from_utf8(out).unwrap()
    }

    /// As `java` prints the same values in a `Struct`.
    #[test]
    fn values_are_as_java_prints_them() {
        assert_eq!(written(|to| to.put_f32(1e10)), "1.0E10");
        assert_eq!(written(|to| to.put_f64(f64::NAN)), "NaN");
        assert_eq!(written(|to| to.put_date(1)), "Fri Jan 02 00:00:00 UTC 1970");
        assert_eq!(written(|to| to.put_time(1_000)), "Thu Jan 01 00:00:01 UTC 1970");
        assert_eq!(written(|to| to.put_timestamp(1_600_000_000_123)), "Sun Sep 13 12:26:40 UTC 2020");
        assert_eq!(written(|to| to.put_decimal(&Unscaled::Small(1), 7)), "1E-7");
        assert_eq!(written(|to| to.put_bytes(Bytes::Raw(&[1, 2, 3]))), "java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]");
    }

    #[test]
    fn compounds_leave_out_what_is_null_in_structs_only() {
        let text = written(|to| {
            to.begin_struct();
            to.field("gone");
            to.optional(false);
            to.field("x");
            to.put_f64(1.0);
            to.field("list");
            to.begin_array(3);
            for word in [Some("a, ["), None, Some("")] {
                to.element();
                to.optional(word.is_some());
                if let Some(word) = word {
                    to.put_str(word);
                }
            }
            to.end_array(3);
            to.field("srid");
            to.optional(false);
            to.end_struct();
        });
        assert_eq!(text, "Struct{x=1.0,list=[a, [, null, ]}");
        let text = written(|to| {
            to.begin_map(2);
            to.entry("k");
            to.put_str("v");
            to.entry("n");
            to.optional(false);
            to.end_map(2);
        });
        assert_eq!(text, "{k=v, n=null}");
    }
}
