//! Booleans, integers, text and UUIDs.
//!
//! Must never accept a form that the server's output functions do not produce.

use super::Reason;

/// A type's fixed number of bytes.
#[inline]
pub(in crate::value) fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Reason> {
    bytes.try_into().map_err(|_| Reason::Length)
}

/// Validated UTF-8. A database in SQL_ASCII converts nothing, so the wire's promise alone is not enough.
#[inline]
pub(in crate::value) fn utf8(bytes: &[u8]) -> Result<&str, Reason> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| Reason::NotUtf8)
}

/// `boolout`
#[inline]
pub(in crate::value) const fn bool_text(text: &[u8]) -> Result<bool, Reason> {
    match text {
        b"t" => Ok(true),
        b"f" => Ok(false),
        _ => Err(Reason::Syntax),
    }
}

/// `boolsend`
#[inline]
pub(in crate::value) const fn bool_binary(bytes: &[u8]) -> Result<bool, Reason> {
    match bytes {
        [0] => Ok(false),
        [1] => Ok(true),
        [_] => Err(Reason::Field),
        _ => Err(Reason::Length),
    }
}

/// `int2out`, `int4out`, `int8out`, `oidout`
#[inline]
pub(in crate::value) fn integer_text<T: TryFrom<i64>>(text: &[u8]) -> Result<T, Reason> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // Nineteen digits hold every i64; twenty could overflow the accumulator itself.
    if digits.is_empty() || digits.len() > 19 {
        return Err(if digits.is_empty() { Reason::Syntax } else { Reason::Range });
    }
    let mut magnitude = 0_u64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Reason::Syntax);
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    let value = if negative { 0_i64.checked_sub_unsigned(magnitude) } else { 0_i64.checked_add_unsigned(magnitude) };
    value.and_then(|value| T::try_from(value).ok()).ok_or(Reason::Range)
}

/// `charsend`: one byte, which `charout` prints as it is, as nothing where it is 0, and as a backslash and three octal
/// digits above 127 (since PostgreSQL 15).
pub(in crate::value) fn char_binary(bytes: &[u8]) -> Result<&str, Reason> {
    match bytes {
        [0] => Ok(""),
        [byte @ 128..=255] => OCTAL.get(usize::from(byte & 0x7f)).ok_or(Reason::Field).and_then(|text| utf8(text)),
        [_] => utf8(bytes),
        _ => Err(Reason::Length),
    }
}

/// `\200` to `\377`, because a value borrows its text.
const OCTAL: &[[u8; 4]; 128] = &{
    let mut texts = [[b'\\', b'0', b'0', b'0']; 128];
    let mut at = 0_u8;
    while at < 128 {
        let byte = at | 0x80;
        texts[at as usize] = [b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)];
        at += 1;
    }
    texts
};

/// `jsonb_send`, `jsonpath_send`, `ltree_send`: a version byte, then the text.
#[inline]
pub(in crate::value) fn versioned_text(bytes: &[u8]) -> Result<&str, Reason> {
    match bytes {
        [1, text @ ..] => utf8(text),
        [] => Err(Reason::Length),
        _ => Err(Reason::Version),
    }
}

/// `uuid_out`: 8-4-4-4-12 hexadecimal digits.
#[inline]
pub(in crate::value) fn uuid_text(text: &[u8]) -> Result<[u8; 16], Reason> {
    let text: &[u8; 36] = text.try_into().map_err(|_| Reason::Syntax)?;
    if [text[8], text[13], text[18], text[23]] != *b"----" {
        return Err(Reason::Syntax);
    }
    let mut digits = [0; 32];
    digits[..8].copy_from_slice(&text[..8]);
    digits[8..12].copy_from_slice(&text[9..13]);
    digits[12..16].copy_from_slice(&text[14..18]);
    digits[16..20].copy_from_slice(&text[19..23]);
    digits[20..].copy_from_slice(&text[24..]);
    // Without a table and with one verdict for all, so that the compiler makes vector instructions of it.
    let mut foreign = false;
    let values = digits.map(|digit| {
        let (number, letter) = (digit.wrapping_sub(b'0'), (digit | 0x20).wrapping_sub(b'a'));
        foreign |= (number > 9) & (letter > 5);
        if number > 9 { letter.wrapping_add(10) } else { number }
    });
    if foreign {
        return Err(Reason::Syntax);
    }
    let mut uuid = [0; 16];
    for (byte, [high, low]) in uuid.iter_mut().zip(values.as_chunks::<2>().0) {
        *byte = high << 4 | low;
    }
    Ok(uuid)
}

/// Appends a UUID as `uuid_out` prints it: lower case, with hyphens.
pub fn write_uuid(uuid: &[u8; 16], out: &mut Vec<u8>) {
    let mut text = [b'-'; 36];
    let [a, b, c, d] = *uuid.as_chunks::<4>().0 else { return };
    let ([b1, b2], [c1, c2]) = (halves(hex_digits(b)), halves(hex_digits(c)));
    text[..8].copy_from_slice(&hex_digits(a));
    text[9..13].copy_from_slice(&b1);
    text[14..18].copy_from_slice(&b2);
    text[19..23].copy_from_slice(&c1);
    text[24..28].copy_from_slice(&c2);
    text[28..].copy_from_slice(&hex_digits(d));
    out.extend_from_slice(&text);
}

/// The digits of four bytes, all at once: each nibble is brought into a byte of its own, and those above 9 are lifted from
/// behind the digits to the letters.
#[inline]
const fn hex_digits(bytes: [u8; 4]) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let spread = u32::from_be_bytes(bytes) as u64;
    let spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff;
    let spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff;
    let spread = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let letters = (spread + ONES * 6) >> 4 & ONES;
    (spread + ONES * (b'0' as u64) + letters * (b'a' - b'0' - 10) as u64).to_be_bytes()
}

#[inline]
const fn halves([a, b, c, d, e, f, g, h]: [u8; 8]) -> [[u8; 4]; 2] {
    [[a, b, c, d], [e, f, g, h]]
}

/// The value of two hexadecimal digits; nothing where one of them is none.
#[inline]
#[must_use]
pub const fn hex_pair([high, low]: [u8; 2]) -> Option<u8> {
    let (high, low) = (hex_digit(high), hex_digit(low));
    if (high | low) > 0x0f { None } else { Some(high << 4 | low) }
}

/// The value of a hexadecimal digit; 255 for any other byte.
#[inline]
const fn hex_digit(digit: u8) -> u8 {
    HEX_VALUES[digit as usize]
}

const HEX_VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value as usize] as usize] = value;
        values[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    values
};
