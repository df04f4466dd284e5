//! Bytes as text: base64 and hexadecimal.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE};

use crate::value::{Bytes, hex_pair};

/// Bytes turned to base64 in one step: a multiple of three, so that only the last step pads.
const STEP_BYTES: usize = 768;

/// Bytes of a decimal that fits a machine word; the engine's way is made for longer ones.
const SHORT_BYTES_MAX: usize = 8;

/// Appends bytes as base64, padded.
#[inline]
pub fn append_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() > SHORT_BYTES_MAX {
        return append_with(&STANDARD, out, bytes);
    }
    let (triples, rest) = bytes.as_chunks::<3>();
    for triple in triples {
        out.extend_from_slice(&four_digits(*triple));
    }
    match *rest {
        [a] => {
            let [first, second, ..] = four_digits([a, 0, 0]);
            out.extend_from_slice(&[first, second, b'=', b'=']);
        }
        [a, b] => {
            let [first, second, third, _] = four_digits([a, b, 0]);
            out.extend_from_slice(&[first, second, third, b'=']);
        }
        _ => {}
    }
}

/// Three bytes in base64.
#[inline]
fn four_digits([a, b, c]: [u8; 3]) -> [u8; 4] {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = u32::from_be_bytes([0, a, b, c]);
    [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 0x3f) as usize])
}

/// Appends a `bytea` as base64, padded.
pub fn append_bytes_base64(out: &mut Vec<u8>, bytes: Bytes<'_>) {
    append_bytes_with(&STANDARD, out, bytes);
}

/// Appends a `bytea` as base64 with the alphabet for URLs, padded.
pub(super) fn append_bytes_base64_url_safe(out: &mut Vec<u8>, bytes: Bytes<'_>) {
    append_bytes_with(&URL_SAFE, out, bytes);
}

/// Appends a `bytea` as lower-case hexadecimal digits.
pub(super) fn append_bytes_hex(out: &mut Vec<u8>, bytes: Bytes<'_>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    match bytes {
        // The server prints lower-case digits.
        Bytes::Hex(digits) => out.extend_from_slice(digits),
        Bytes::Raw(raw) => out.extend(raw.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)])),
    }
}

fn append_with(engine: &GeneralPurpose, out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    if let Some(room) = out.get_mut(start..) {
        // The room is exactly what the encoding takes, so this cannot fail.
        let written = engine.encode_slice(bytes, room).unwrap_or_default();
        out.truncate(start + written);
    }
}

fn append_bytes_with(engine: &GeneralPurpose, out: &mut Vec<u8>, bytes: Bytes<'_>) {
    let digits = match bytes {
        Bytes::Raw(raw) => return append_with(engine, out, raw),
        Bytes::Hex(digits) => digits,
    };
    let mut step = [0; STEP_BYTES];
    for digits in digits.chunks(STEP_BYTES * 2) {
        let mut length = 0;
        for (byte, pair) in step.iter_mut().zip(digits.as_chunks::<2>().0) {
            // The decoder has checked that they are digits.
            *byte = hex_pair(*pair).unwrap_or_default();
            length += 1;
        }
        append_with(engine, out, step.get(..length).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(append: fn(&mut Vec<u8>, Bytes<'_>), bytes: Bytes<'_>) -> String {
        let mut out = Vec::new();
        append(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn both_forms_of_bytea_give_one_text() {
        for length in [0, 1, 2, 3, 4, 767, 768, 769, 2000] {
            let raw: Vec<u8> = (0..length).map(|i| u8::try_from(i * 7 % 256).unwrap()).collect();
            let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
            let (raw_form, hex_form) = (Bytes::Raw(&raw), Bytes::Hex(hex.as_bytes()));
            for (append, expected) in [
                (append_bytes_base64 as fn(&mut Vec<u8>, Bytes<'_>), STANDARD.encode(&raw)),
                (append_bytes_base64_url_safe, URL_SAFE.encode(&raw)),
                (append_bytes_hex, hex.clone()),
            ] {
                assert_eq!(written(append, raw_form), expected, "{length} bytes");
                assert_eq!(written(append, hex_form), expected, "{length} bytes");
            }
        }
    }

    #[test]
    fn short_bytes_are_as_the_engine_writes_them() {
        for length in 0..=9_u8 {
            for seed in 0..=255_u8 {
                let raw: Vec<u8> =
                    (0..length).map(|at| seed.wrapping_mul(37).wrapping_add(at.wrapping_mul(101))).collect();
                let mut out = Vec::new();
                append_base64(&mut out, &raw);
                assert_eq!(String::from_utf8(out).unwrap(), STANDARD.encode(&raw));
            }
        }
    }

    #[test]
    fn alphabets_are_javas() {
        let raw = Bytes::Raw(&[0xfb, 0xff, 0xfe, 0x01]);
        assert_eq!(written(append_bytes_base64, raw), "+//+AQ==");
        assert_eq!(written(append_bytes_base64_url_safe, raw), "-__-AQ==");
        assert_eq!(written(append_bytes_hex, raw), "fbfffe01");
    }
}
