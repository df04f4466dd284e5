//! Avro's binary form with Confluent's framing, as `AvroConverter` writes it: appended to a buffer.
//!
//! Owns the writer and, in `schema`, the schema text. Must never allocate per value in the steady state.
//!
//! Source: the Avro specification, "Binary encoding"; Confluent's `AvroData` and wire format.

use super::format::Format;
use crate::config::{NullForm, SchemaMetadata, SubjectNames};
use crate::schema::{Put, Schema, with_be_bytes};
use crate::value::{Bytes, Unscaled};

mod schema;

pub(super) use schema::{record_name, schema_text};

/// Bytes of the longest variable-length number.
const VARINT_BYTES_MAX: usize = 10;
/// First byte of the framing.
const MAGIC: u8 = 0;
/// The two branches of a union, encoded.
const FIRST_BRANCH: u8 = 0;
const SECOND_BRANCH: u8 = 2;

/// What stands before a payload: the magic byte and the schema's number.
pub(super) fn header(schema_id: u32) -> [u8; 5] {
    let [a, b, c, d] = schema_id.to_be_bytes();
    [MAGIC, a, b, c, d]
}

/// Avro.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avro {
    pub(super) nulls: NullForm,
    pub(super) metadata: SchemaMetadata,
    pub(super) subjects: SubjectNames,
}

impl Format for Avro {
    type Writer<'o> = AvroWriter<'o>;
    const OPENING: &'static [u8] = b"";
    const CLOSING: &'static [u8] = b"";

    #[inline]
    fn writer(self, out: &mut Vec<u8>) -> AvroWriter<'_> {
        AvroWriter { out }
    }

    /// `AvroData` asks the struct for its values, which gives defaults for nulls, unless it is told not to.
    fn nulls(self) -> NullForm {
        self.nulls
    }

    fn label(self, _: &mut Vec<u8>, _: &str, _: bool) {}

    /// In the union of an optional schema the type of the default comes first, for that is what Avro asks of defaults.
    fn present(self, out: &mut Vec<u8>, schema: &Schema) {
        if schema.optional {
            out.push(if schema.default.is_some() { FIRST_BRANCH } else { SECOND_BRANCH });
        }
    }

    fn null(self, out: &mut Vec<u8>, schema: &Schema) -> bool {
        if schema.optional {
            out.push(if schema.default.is_some() { SECOND_BRANCH } else { FIRST_BRANCH });
        }
        schema.optional
    }

    fn append_sequence_head(self, out: &mut Vec<u8>, last_commit: Option<i64>) {
        out.push(b'[');
        match last_commit {
            Some(end) => {
                out.push(b'"');
                out.extend_from_slice(itoa::Buffer::new().format(end).as_bytes());
                out.push(b'"');
            }
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"");
    }

    #[inline]
    fn put_sequence(self, out: &mut Vec<u8>, head: &[u8], lsn: &[u8]) {
        const TAIL: &[u8] = b"\"]";
        write_length(out, head.len() + lsn.len() + TAIL.len());
        for part in [head, lsn, TAIL] {
            out.extend_from_slice(part);
        }
    }
}

/// Appends a `long` (or an `int`, which is written alike): zigzag, seven bits a byte, lowest first.
#[inline]
fn write_long(out: &mut Vec<u8>, value: i64) {
    write_varint(out, (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
}

#[inline]
fn write_varint(out: &mut Vec<u8>, mut rest: u64) {
    let mut bytes = [0; VARINT_BYTES_MAX];
    let mut length = 0;
    for byte in &mut bytes {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        length += 1;
        if rest == 0 {
            *byte = low;
            break;
        }
        *byte = low | 0x80;
    }
    out.extend_from_slice(bytes.get(..length).unwrap_or_default());
}

/// Appends the length of a string or of bytes, or a count.
#[inline]
fn write_length(out: &mut Vec<u8>, length: usize) {
    // A slice is never longer than `isize::MAX`.
    write_long(out, i64::try_from(length).unwrap_or(i64::MAX));
}

/// Writes values in Avro's binary form.
pub(super) struct AvroWriter<'o> {
    out: &'o mut Vec<u8>,
}

impl AvroWriter<'_> {
    fn raw(&mut self, bytes: &[u8]) {
        write_length(self.out, bytes.len());
        self.out.extend_from_slice(bytes);
    }
}

impl Put for AvroWriter<'_> {
    fn put_bool(&mut self, value: bool) {
        self.out.push(value.into());
    }

    fn put_i16(&mut self, value: i16) {
        write_long(self.out, value.into());
    }

    fn put_i32(&mut self, value: i32) {
        write_long(self.out, value.into());
    }

    fn put_i64(&mut self, value: i64) {
        write_long(self.out, value);
    }

    fn put_f32(&mut self, value: f32) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    fn put_f64(&mut self, value: f64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    fn put_str(&mut self, value: &str) {
        self.raw(value.as_bytes());
    }

    /// The length is known behind the text only. A text of up to 63 bytes has a length of one byte, which is kept free;
    /// a longer one is moved.
    fn put_plain(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.out.len();
        self.out.push(0);
        write(self.out);
        let end = self.out.len();
        write_length(self.out, end - at - 1);
        let mut length = [0; VARINT_BYTES_MAX];
        let digits = self.out.len() - end;
        if let (Some(to), Some(from)) = (length.get_mut(..digits), self.out.get(end..)) {
            to.copy_from_slice(from);
        }
        // What was appended behind the text makes just the room that moving it takes.
        self.out.truncate(end + digits - 1);
        self.out.copy_within(at + 1..end, at + digits);
        if let (Some(to), Some(from)) = (self.out.get_mut(at..at + digits), length.get(..digits)) {
            to.copy_from_slice(from);
        }
    }

    /// UTF-8 has no half of a character, for which Java writes a question mark.
    fn put_str_and_surrogate(&mut self, value: &str, _: u16) {
        write_length(self.out, value.len() + 1);
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'?');
    }

    fn put_bytes(&mut self, value: Bytes<'_>) {
        write_length(self.out, value.len());
        value.decode_into(self.out);
    }

    fn put_decimal(&mut self, unscaled: &Unscaled, _: i32) {
        with_be_bytes(unscaled, |bytes| self.raw(bytes));
    }

    fn put_date(&mut self, days: i32) {
        self.put_i32(days);
    }

    fn put_time(&mut self, millis: i32) {
        self.put_i32(millis);
    }

    fn put_timestamp(&mut self, millis: i64) {
        self.put_i64(millis);
    }

    fn begin_struct(&mut self) {}

    fn field(&mut self, _: &str) {}

    fn end_struct(&mut self) {}

    /// One block holds all elements; an empty array has none.
    fn begin_array(&mut self, count: usize) {
        if count > 0 {
            write_length(self.out, count);
        }
    }

    fn element(&mut self) {}

    fn end_array(&mut self, _: usize) {
        self.out.push(0);
    }

    fn begin_map(&mut self, count: usize) {
        self.begin_array(count);
    }

    fn entry(&mut self, key: &str) {
        self.put_str(key);
    }

    fn end_map(&mut self, count: usize) {
        self.end_array(count);
    }

    /// A map whose keys are no texts is an array of records to Avro.
    fn begin_entries(&mut self, count: usize) {
        self.begin_array(count);
    }

    fn begin_entry(&mut self, key: i16) {
        self.put_i16(key);
    }

    fn end_entry(&mut self) {}

    fn end_entries(&mut self, count: usize) {
        self.end_array(count);
    }

    fn optional(&mut self, present: bool) {
        self.out.push(if present { SECOND_BRANCH } else { FIRST_BRANCH });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AVRO: Avro = Avro { nulls: NullForm::Default, metadata: SchemaMetadata::Kept, subjects: SubjectNames::Topic };

    fn written(put: impl FnOnce(&mut AvroWriter<'_>)) -> Vec<u8> {
        let mut out = b"before".to_vec();
        put(&mut AVRO.writer(&mut out));
        out.split_off(6)
    }

    #[test]
    fn numbers_are_zigzag() {
        for (value, bytes) in [
            (0, &[0][..]),
            (-1, &[1]),
            (1, &[2]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] {
            assert_eq!(written(|to| to.put_i64(value)), bytes, "{value}");
        }
    }

    #[test]
    fn a_text_written_in_place_is_as_any_other() {
        for length in [0, 1, 63, 64, 65, 8_191, 8_192, 100_000] {
            let text = "x1".repeat(length).split_at(length).0.to_owned();
            let plain = written(|to| to.put_plain(|out| out.extend_from_slice(text.as_bytes())));
            assert_eq!(plain, written(|to| to.put_str(&text)), "{length}");
        }
    }

    #[test]
    fn compounds_are_blocks_with_a_count() {
        let array = |count| {
            written(|to| {
                to.begin_array(count);
                for _ in 0..count {
                    to.element();
                    to.optional(true);
                    to.put_i32(5);
                }
                to.end_array(count);
            })
        };
        assert_eq!(array(0), [0]);
        assert_eq!(array(2), [4, 2, 10, 2, 10, 0]);
        assert_eq!(written(|to| to.put_bytes(Bytes::Hex(b"00ff"))), [4, 0, 0xff]);
        assert_eq!(written(|to| to.put_decimal(&Unscaled::Small(-129), 2)), [4, 0xff, 0x7f]);
        assert_eq!(header(0x0102_0304), [0, 1, 2, 3, 4]);
    }
}
