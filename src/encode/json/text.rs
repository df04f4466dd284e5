//! Strings with Jackson's escaping.
//!
//! Source: Jackson's `CharTypes.get7BitOutputEscapes` and `UTF8JsonGenerator` with default features: `"`, `\` and
//! control characters are escaped; characters above U+FFFF go out as two escaped surrogates; the rest as UTF-8.

/// Bytes looked at in one step of the scan.
const STEP_BYTES: usize = 8;
/// Bytes looked at together as long as none needs an escape.
const BLOCK_BYTES: usize = 32;
const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HEX_DIGITS: &[u8; 16] = b"0123456789ABCDEF";
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Appends a string with its quotes.
#[inline]
pub(in crate::encode) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_escaped(out, text);
    out.push(b'"');
}

/// Appends a string's content.
#[inline]
pub(in crate::encode) fn write_escaped(out: &mut Vec<u8>, text: &str) {
    let clean = clean_prefix(text.as_bytes());
    let Some((head, rest)) = text.split_at_checked(clean) else { return };
    out.extend_from_slice(head.as_bytes());
    if !rest.is_empty() {
        write_speckled(out, rest);
    }
}

/// Appends content in which there is an escape. Where there is one, there are mostly many, as in JSON documents.
fn write_speckled(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some((step, tail)) = rest.split_first_chunk::<STEP_BYTES>() {
        let marks = escapes(u64::from_le_bytes(*step));
        // A whole step is a store; what is too much of it is taken back.
        out.extend_from_slice(step);
        if marks == 0 {
            rest = tail;
            let clean = clean_blocks(rest);
            if let Some((head, tail)) = rest.split_at_checked(clean).filter(|_| clean > 0) {
                out.extend_from_slice(head);
                rest = tail;
            }
            continue;
        }
        let clean = (marks.trailing_zeros() / u8::BITS) as usize;
        out.truncate(out.len() - (STEP_BYTES - clean));
        rest = write_special(out, text, rest.get(clean..).unwrap_or_default());
    }
    while let Some((&byte, tail)) = rest.split_first() {
        if needs_escape(byte) {
            rest = write_special(out, text, rest);
        } else {
            out.push(byte);
            rest = tail;
        }
    }
}

/// Appends the escape of the first character of `rest`, which is the end of `text`, and gives what follows it.
#[inline]
fn write_special<'t>(out: &mut Vec<u8>, text: &'t str, rest: &'t [u8]) -> &'t [u8] {
    if let [byte @ (b'"' | b'\\'), tail @ ..] = rest {
        out.extend_from_slice(&[b'\\', *byte]);
        return tail;
    }
    let special = text.get(text.len() - rest.len()..).and_then(|rest| rest.chars().next());
    let Some(special) = special else { return &[] };
    write_escape(out, special);
    rest.get(special.len_utf8()..).unwrap_or_default()
}

/// Bytes of the whole blocks at the beginning that have no escape, which is most of them: the compiler makes vector
/// instructions of it.
#[inline]
fn clean_blocks(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
    let is_clean = |block: &&[u8; BLOCK_BYTES]| !block.iter().fold(false, |found, &byte| found | needs_escape(byte));
    blocks.iter().take_while(is_clean).count() * BLOCK_BYTES
}

/// Length of the longest prefix that needs no escape. It ends between characters.
#[inline]
fn clean_prefix(bytes: &[u8]) -> usize {
    let mut clean = clean_blocks(bytes);
    let (steps, rest) = bytes.get(clean..).unwrap_or_default().as_chunks::<STEP_BYTES>();
    for step in steps {
        let marks = escapes(u64::from_le_bytes(*step));
        if marks != 0 {
            return clean + (marks.trailing_zeros() / u8::BITS) as usize;
        }
        clean += STEP_BYTES;
    }
    clean + rest.iter().position(|&byte| needs_escape(byte)).unwrap_or(rest.len())
}

/// The high bit of each byte that needs an escape; exact up to and including the lowest such byte, which is all
/// that the scan asks for (a borrow out of it may mark a byte above).
#[inline]
const fn escapes(step: u64) -> u64 {
    let control = step.wrapping_sub(LOW_BITS * 0x20) & !step;
    let quote = step ^ (LOW_BITS * b'"' as u64);
    let quote = quote.wrapping_sub(LOW_BITS) & !quote;
    let backslash = step ^ (LOW_BITS * b'\\' as u64);
    let backslash = backslash.wrapping_sub(LOW_BITS) & !backslash;
    // Four leading ones: the first byte of a character above U+FFFF.
    let four_bytes = step & step << 1 & step << 2 & step << 3;
    (control | quote | backslash | four_bytes) & HIGH_BITS
}

const fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\') | (byte >= 0xF0)
}

/// Appends the escape of a UTF-16 unit.
pub(in crate::encode) fn write_unit(out: &mut Vec<u8>, unit: u16) {
    let [first, second] = unit.to_be_bytes();
    let digits = [first >> 4, first & 0xF, second >> 4, second & 0xF];
    out.extend_from_slice(b"\\u");
    out.extend(digits.iter().filter_map(|&digit| HEX_DIGITS.get(usize::from(digit))));
}

#[cold]
fn write_escape(out: &mut Vec<u8>, special: char) {
    let short = match special {
        '"' => b'"',
        '\\' => b'\\',
        '\u{8}' => b'b',
        '\t' => b't',
        '\n' => b'n',
        '\u{c}' => b'f',
        '\r' => b'r',
        _ => {
            for unit in special.encode_utf16(&mut [0; 2]) {
                write_unit(out, *unit);
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string(text: &str) -> String {
        let mut out = Vec::new();
        write_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_are_jacksons() {
        for (text, json) in [
            ("", r#""""#),
            ("plain text, longer than one step", r#""plain text, longer than one step""#),
            ("a\"b\\c/d", r#""a\"b\\c/d""#),
            ("\u{8}\t\n\u{c}\r", r#""\b\t\n\f\r""#),
            ("\0\u{1}\u{1f}\u{1a}", r#""\u0000\u0001\u001F\u001A""#),
            ("\u{7f}\u{80}ü€\u{2028}", "\"\u{7f}\u{80}ü€\u{2028}\""),
            ("🎉", r#""\uD83C\uDF89""#),
            ("seven b🎉, € \u{ffff}\u{10000}", "\"seven b\\uD83C\\uDF89, € \u{ffff}\\uD800\\uDC00\""),
            ("<a href='x'>&</a>", "\"<a href='x'>&</a>\""),
            ("1234567\n1234567\n", r#""1234567\n1234567\n""#),
            ("ÿÿÿÿ\"ÿÿÿÿÿ", r#""ÿÿÿÿ\"ÿÿÿÿÿ""#),
        ] {
            assert_eq!(string(text), json, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_string_comes_back(text in "\\PC*|[\0-\u{ff}]*") {
            let back: String = serde_json::from_str(&string(&text)).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
