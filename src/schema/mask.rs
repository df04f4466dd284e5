//! Texts and bytes that are cut, and texts whose digest is written instead.
//!
//! Owns [`Masked`]. A mask lies between a conversion and the record format, so that whatever the conversion puts passes
//! through it: values, what stands for a null or for a value that was not sent. Must never show a salt.
//!
//! Source: Debezium's `MaskStrings` and `TruncateColumn`; the "Object Serialization Stream Protocol" of Java.

use std::fmt;

use md5::Digest;

use super::{Conversion, Literal, NotRepresentable, Put};
use crate::config::{Hash, HashAlgorithm, HashForm};
use crate::value::{Bytes, Unscaled, Value};

/// What Java writes before the first object of a stream: the magic number and the version.
const STREAM_HEADER: [u8; 4] = [0xAC, 0xED, 0x00, 0x05];
/// What it writes before a string whose length fits into two bytes, and before a longer one.
const SHORT_STRING: u8 = 0x74;
const LONG_STRING: u8 = 0x7C;

/// A conversion with a mask over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// What is done with values first.
    pub(super) conversion: Conversion,
    /// What is done with the outcome.
    pub(super) mask: Mask,
}

/// What is done with texts and bytes.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Mask {
    /// What is longer is cut, texts in UTF-16 units.
    Cut(usize),
    /// The digest of a text takes its place.
    Hash {
        hash: Hash,
        /// Digits that stay.
        digits: usize,
    },
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(length) => write!(f, "Cut({length})"),
            Self::Hash { hash, digits } => write!(f, "Hash({:?}, {:?}, {digits} digits)", hash.algorithm, hash.form),
        }
    }
}

impl Masked {
    /// Hands a value to a format.
    pub(super) fn put<P: Put>(&self, value: Value<'_>, to: &mut P) -> Result<(), NotRepresentable> {
        self.conversion.put_bare(value, &mut Hiding { mask: &self.mask, to })
    }

    /// Hands what stands for a value to a format.
    pub(super) fn put_literal<P: Put>(&self, literal: &Literal, to: &mut P) {
        literal.put(&mut Hiding { mask: &self.mask, to });
    }
}

/// Lets values through a mask.
struct Hiding<'m, P> {
    mask: &'m Mask,
    to: &'m mut P,
}

impl<P: Put> Put for Hiding<'_, P> {
    fn put_str(&mut self, value: &str) {
        match self.mask {
            Mask::Cut(length) => match cut(value, *length) {
                (text, None) => self.to.put_str(text),
                (text, Some(half)) => self.to.put_str_and_surrogate(text, half),
            },
            Mask::Hash { hash, digits } => self.to.put_plain(|out| append_digest(out, hash, value, *digits)),
        }
    }

    /// A plain text has one byte for each UTF-16 unit.
    fn put_plain(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        match self.mask {
            Mask::Cut(length) => self.to.put_plain(|out| {
                let start = out.len();
                write(out);
                out.truncate(start.saturating_add(*length));
            }),
            Mask::Hash { .. } => {
                let mut text = Vec::new();
                write(&mut text);
                self.put_str(&String::from_utf8_lossy(&text));
            }
        }
    }

    fn put_str_and_surrogate(&mut self, value: &str, _: u16) {
        self.put_str(value);
    }

    fn put_bytes(&mut self, value: Bytes<'_>) {
        match self.mask {
            Mask::Cut(length) => self.to.put_bytes(value.prefix(*length)),
            Mask::Hash { .. } => self.to.put_bytes(value),
        }
    }

    fn put_bool(&mut self, value: bool) {
        self.to.put_bool(value);
    }

    fn put_i16(&mut self, value: i16) {
        self.to.put_i16(value);
    }

    fn put_i32(&mut self, value: i32) {
        self.to.put_i32(value);
    }

    fn put_i64(&mut self, value: i64) {
        self.to.put_i64(value);
    }

    fn put_f32(&mut self, value: f32) {
        self.to.put_f32(value);
    }

    fn put_f64(&mut self, value: f64) {
        self.to.put_f64(value);
    }

    fn put_decimal(&mut self, unscaled: &Unscaled, scale: i32) {
        self.to.put_decimal(unscaled, scale);
    }

    fn put_date(&mut self, days: i32) {
        self.to.put_date(days);
    }

    fn put_time(&mut self, millis: i32) {
        self.to.put_time(millis);
    }

    fn put_timestamp(&mut self, millis: i64) {
        self.to.put_timestamp(millis);
    }

    fn begin_struct(&mut self) {
        self.to.begin_struct();
    }

    fn field(&mut self, name: &str) {
        self.to.field(name);
    }

    fn end_struct(&mut self) {
        self.to.end_struct();
    }

    fn begin_array(&mut self, count: usize) {
        self.to.begin_array(count);
    }

    fn element(&mut self) {
        self.to.element();
    }

    fn end_array(&mut self, count: usize) {
        self.to.end_array(count);
    }

    fn begin_map(&mut self, count: usize) {
        self.to.begin_map(count);
    }

    fn entry(&mut self, key: &str) {
        self.to.entry(key);
    }

    fn end_map(&mut self, count: usize) {
        self.to.end_map(count);
    }

    fn begin_entries(&mut self, count: usize) {
        self.to.begin_entries(count);
    }

    fn begin_entry(&mut self, key: i16) {
        self.to.begin_entry(key);
    }

    fn end_entry(&mut self) {
        self.to.end_entry();
    }

    fn end_entries(&mut self, count: usize) {
        self.to.end_entries(count);
    }

    fn optional(&mut self, present: bool) {
        self.to.optional(present);
    }
}

/// The first UTF-16 units of a text, and the first half of a character that the cut goes through.
fn cut(text: &str, units: usize) -> (&str, Option<u16>) {
    // Each byte of UTF-8 is at most one unit.
    if text.len() <= units {
        return (text, None);
    }
    let mut left = units;
    for (at, c) in text.char_indices() {
        let width = c.len_utf16();
        if width > left {
            let half = (left > 0).then(|| {
                let mut halves = [0; 2];
                c.encode_utf16(&mut halves);
                halves[0]
            });
            return (text.get(..at).unwrap_or_default(), half);
        }
        left -= width;
    }
    (text, None)
}

/// Appends the first digits of the digest of the salt and a text.
fn append_digest(out: &mut Vec<u8>, hash: &Hash, text: &str, digits: usize) {
    let start = out.len();
    match hash.algorithm {
        HashAlgorithm::Md2 => append::<md2::Md2>(out, hash, text),
        HashAlgorithm::Md5 => append::<md5::Md5>(out, hash, text),
        HashAlgorithm::Sha1 => append::<sha1::Sha1>(out, hash, text),
        HashAlgorithm::Sha224 => append::<sha2::Sha224>(out, hash, text),
        HashAlgorithm::Sha256 => append::<sha2::Sha256>(out, hash, text),
        HashAlgorithm::Sha384 => append::<sha2::Sha384>(out, hash, text),
        HashAlgorithm::Sha512 => append::<sha2::Sha512>(out, hash, text),
        HashAlgorithm::Sha512In224 => append::<sha2::Sha512_224>(out, hash, text),
        HashAlgorithm::Sha512In256 => append::<sha2::Sha512_256>(out, hash, text),
        HashAlgorithm::Sha3In224 => append::<sha3::Sha3_224>(out, hash, text),
        HashAlgorithm::Sha3In256 => append::<sha3::Sha3_256>(out, hash, text),
        HashAlgorithm::Sha3In384 => append::<sha3::Sha3_384>(out, hash, text),
        HashAlgorithm::Sha3In512 => append::<sha3::Sha3_512>(out, hash, text),
    }
    out.truncate(start.saturating_add(digits));
}

fn append<D: Digest>(out: &mut Vec<u8>, hash: &Hash, text: &str) {
    let mut digest = D::new();
    digest.update(hash.salt.expose());
    match hash.form {
        HashForm::Utf8 => digest.update(text),
        HashForm::Serialized => serialize(text, |bytes| digest.update(bytes)),
    }
    Bytes::Raw(&digest.finalize()).write_hex(out);
}

/// A text as `ObjectOutputStream.writeObject` writes it: its length and its "modified UTF-8", in which characters above
/// U+FFFF are two surrogates of three bytes, and U+0000 has two bytes.
fn serialize(text: &str, mut write: impl FnMut(&[u8])) {
    let is_special = |c: char| c.len_utf16() == 2 || c == '\0';
    let length: usize = text.chars().map(|c| modified(c, &mut [0; 6]).len()).sum();
    write(&STREAM_HEADER);
    match u16::try_from(length) {
        Ok(length) => {
            write(&[SHORT_STRING]);
            write(&length.to_be_bytes());
        }
        Err(_) => {
            write(&[LONG_STRING]);
            write(&(length as u64).to_be_bytes());
        }
    }
    let mut rest = text;
    while let Some(at) = rest.find(is_special) {
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        write(plain.as_bytes());
        let mut tail = tail.chars();
        if let Some(special) = tail.next() {
            write(modified(special, &mut [0; 6]));
        }
        rest = tail.as_str();
    }
    write(rest.as_bytes());
}

/// A character in "modified UTF-8".
fn modified(c: char, buffer: &mut [u8; 6]) -> &[u8] {
    match c {
        '\0' => &[0xC0, 0x80],
        _ if c.len_utf16() == 2 => {
            let mut units = [0; 2];
            c.encode_utf16(&mut units);
            let (low_bits, bytes) =
                (|unit: u16, shift: u32| 0x80 | (unit >> shift & 0x3F), buffer.as_chunks_mut::<3>().0);
            for (unit, three) in units.into_iter().zip(bytes) {
                let parts = [0xE0 | unit >> 12, low_bits(unit, 6), low_bits(unit, 0)];
                *three = parts.map(|part| u8::try_from(part).unwrap_or_default());
            }
            buffer
        }
        _ => match buffer.get_mut(..c.len_utf8()) {
            Some(bytes) => {
                c.encode_utf8(bytes);
                bytes
            }
            None => &[],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn digest(algorithm: HashAlgorithm, form: HashForm, salt: &str, text: &str) -> String {
        let mut out = Vec::new();
        append_digest(&mut out, &Hash { algorithm, form, salt: Secret::new(salt) }, text, usize::MAX);
        String::from_utf8(out).unwrap()
    }

    fn serialized(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        serialize(text, |bytes| out.extend_from_slice(bytes));
        out
    }

    #[test]
    fn digests_are_those_of_javas_algorithms() {
        // Given no salt to add; when "abc" is hashed; then each digest is the one its standard prints
        for (algorithm, begins) in [
            (HashAlgorithm::Md2, "da853b0d3f88d99b30283a69e6ded6bb"),
            (HashAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (HashAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (HashAlgorithm::Sha224, "23097d223405d8228642a477bda255b3"),
            (HashAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223"),
            (HashAlgorithm::Sha384, "cb00753f45a35e8bb5a03d699ac65007"),
            (HashAlgorithm::Sha512, "ddaf35a193617abacc417349ae204131"),
            (HashAlgorithm::Sha512In224, "4634270f707b6a54daae7530460842e2"),
            (HashAlgorithm::Sha512In256, "53048e2681941ef99b2e29b76b4c7dab"),
            (HashAlgorithm::Sha3In224, "e642824c3f8cf24ad09234ee7d3c766f"),
            (HashAlgorithm::Sha3In256, "3a985da74fe225b2045c172d6bd390bd"),
            (HashAlgorithm::Sha3In384, "ec01498288516fc926459f58e2c6ad8d"),
            (HashAlgorithm::Sha3In512, "b751850b1a57168a5693cd924b6b096e"),
        ] {
            for (salt, text) in [("", "abc"), ("a", "bc")] {
                let digits = digest(algorithm, HashForm::Utf8, salt, text);
                assert!(digits.starts_with(begins), "{algorithm:?}: {digits}");
            }
        }
    }

    #[test]
    fn the_first_form_hashes_what_java_serializes() {
        // Given what Debezium 3.6 wrote for these texts
        for (text, digits) in [
            ("secret", "122e56d6f15256f7a553c665138b101b52d5201a2cd0fd8f61b54c0c28a14efa"),
            ("", "7b061bc77caec9afdc6b986ab6c4de894d58006b32ac0f7ea728404a5cf3a9e5"),
            ("größe 漢字 🎉", "a9de3fc728b0f8bf8f7315473ec04e2e63f5210b047bfa3bb3249806b607b2a7"),
        ] {
            assert_eq!(digest(HashAlgorithm::Sha256, HashForm::Serialized, "CzQMA0cB5K", text), digits);
        }
    }

    #[test]
    fn a_long_text_has_a_length_of_eight_bytes() {
        let at_limit = serialized(&"x".repeat(65_535));
        assert_eq!(at_limit.get(..7), Some(&[0xAC, 0xED, 0, 5, 0x74, 0xFF, 0xFF][..]));
        let beyond = serialized(&"ü".repeat(32_768));
        assert_eq!(beyond.get(..13), Some(&[0xAC, 0xED, 0, 5, 0x7C, 0, 0, 0, 0, 0, 1, 0, 0][..]));
        assert_eq!(serialized("a\u{1F389}").get(7..), Some(&[b'a', 0xED, 0xA0, 0xBC, 0xED, 0xBE, 0x89][..]));
        assert_eq!(serialized("\0b").get(5..), Some(&[0, 3, 0xC0, 0x80, b'b'][..]));
    }

    #[test]
    fn texts_are_cut_between_utf_16_units() {
        for (text, units, head, half) in [
            ("", 5, "", None),
            ("abcde", 5, "abcde", None),
            ("abcdef", 5, "abcde", None),
            ("größer", 5, "größe", None),
            ("🎉🎉🎉🎉", 5, "🎉🎉", Some(0xD83C)),
            ("🎉🎉🎉🎉", 4, "🎉🎉", None),
            ("🎉", 0, "", None),
            ("漢字", 1, "漢", None),
            ("漢字", 6, "漢字", None),
        ] {
            assert_eq!(cut(text, units), (head, half), "{text} {units}");
        }
    }

    #[test]
    fn a_salt_is_never_shown() {
        let hash = Hash { algorithm: HashAlgorithm::Md5, form: HashForm::Utf8, salt: Secret::new("s4lt") };
        let masked = Masked { conversion: Conversion::Plain, mask: Mask::Hash { hash, digits: 3 } };
        assert!(!format!("{masked:?}").contains("s4lt"));
    }
}
