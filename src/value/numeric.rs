//! `numeric`: decimal text or base-10000 groups, checked, compared and printed without an allocation.
//!
//! Invariant: a [`Numeric`] that was parsed is canonical, so two of the same form are equal exactly when their
//! parts are.
//!
//! Source: `numeric_out`, `numeric_send` and `numeric_recv` in the server's `numeric.c`.

use std::fmt;

use super::scalar::utf8;
use super::{Numeric, NumericSign, Reason};

/// A `numeric` that is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumericSpecial {
    /// Not a number.
    NaN,
    /// After every other number.
    Infinity,
    /// Before every other number.
    NegativeInfinity,
}

/// The most digits after the point that the format has room for.
const MAX_DSCALE: u16 = 0x3fff;

impl<'a> Numeric<'a> {
    /// `numeric_out`: `-?(0|[1-9][0-9]*)(\.[0-9]+)?` or a special value.
    pub(in crate::value) fn from_text(text: &'a [u8]) -> Result<Self, Reason> {
        if matches!(text, b"NaN" | b"Infinity" | b"-Infinity") {
            return utf8(text).map(Self::Text);
        }
        let unsigned = text.strip_prefix(b"-").unwrap_or(text);
        let integer_len = unsigned.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (integer, fraction) = unsigned.split_at_checked(integer_len).ok_or(Reason::Syntax)?;
        let fraction_is_sound = match fraction {
            [] => true,
            [b'.', digits @ ..] => {
                !digits.is_empty() && digits.len() <= usize::from(MAX_DSCALE) && digits.iter().all(u8::is_ascii_digit)
            }
            _ => false,
        };
        let integer_is_sound = matches!(integer, [b'0'] | [b'1'..=b'9', ..]);
        let is_negative_zero = unsigned.len() != text.len() && !text.iter().any(|byte| matches!(byte, b'1'..=b'9'));
        if fraction_is_sound && integer_is_sound && !is_negative_zero {
            utf8(text).map(Self::Text)
        } else {
            Err(Reason::Syntax)
        }
    }

    /// `numeric_send`: `ndigits:i16 weight:i16 sign:u16 dscale:u16 ndigits * i16`
    pub(in crate::value) fn from_binary(bytes: &'a [u8]) -> Result<Self, Reason> {
        let (header, mut digits) = bytes.split_first_chunk::<8>().ok_or(Reason::Length)?;
        let [c0, c1, w0, w1, s0, s1, d0, d1] = *header;
        if digits.len() != usize::from(u16::from_be_bytes([c0, c1])) * 2 {
            return Err(Reason::Length);
        }
        let sign = match u16::from_be_bytes([s0, s1]) {
            0x0000 => NumericSign::Positive,
            0x4000 => NumericSign::Negative,
            0xC000 => NumericSign::NaN,
            0xD000 => NumericSign::Infinity,
            0xF000 => NumericSign::NegativeInfinity,
            _ => return Err(Reason::Field),
        };
        if !matches!(sign, NumericSign::Positive | NumericSign::Negative) {
            // The server leaves whatever it likes in the other fields of a special value.
            return Ok(Self::Binary { digits: &[], weight: 0, sign, dscale: 0 });
        }
        let mut weight = i16::from_be_bytes([w0, w1]);
        let dscale = u16::from_be_bytes([d0, d1]);
        if dscale > MAX_DSCALE || groups(digits).any(|group| group > 9_999) {
            return Err(Reason::Field);
        }
        while let [0, 0, rest @ ..] = digits {
            digits = rest;
            weight = weight.checked_sub(1).ok_or(Reason::Range)?;
        }
        while let [rest @ .., 0, 0] = digits {
            digits = rest;
        }
        if digits.is_empty() {
            return if sign == NumericSign::Positive {
                Ok(Self::Binary { digits, weight: 0, sign, dscale })
            } else {
                Err(Reason::Field)
            };
        }
        // Digits that the display scale would hide: never sent, and printing would lose them without a word.
        let hidden = power_of_last_group(digits, weight).saturating_neg().saturating_sub(i32::from(dscale));
        let unit = match hidden {
            ..=0 => 1,
            1 => 10,
            2 => 100,
            3 => 1_000,
            _ => return Err(Reason::Field),
        };
        if !groups(digits).next_back().unwrap_or_default().is_multiple_of(unit) {
            return Err(Reason::Field);
        }
        Ok(Self::Binary { digits, weight, sign, dscale })
    }

    /// Which special value it is, if it is one.
    #[must_use]
    pub fn special(&self) -> Option<NumericSpecial> {
        match self {
            Self::Text("NaN") | Self::Binary { sign: NumericSign::NaN, .. } => Some(NumericSpecial::NaN),
            Self::Text("Infinity") | Self::Binary { sign: NumericSign::Infinity, .. } => Some(NumericSpecial::Infinity),
            Self::Text("-Infinity") | Self::Binary { sign: NumericSign::NegativeInfinity, .. } => {
                Some(NumericSpecial::NegativeInfinity)
            }
            _ => None,
        }
    }

    /// Appends it as `numeric_out` prints it: plain decimal, never an exponent, or the special value's name.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        self.pieces(&mut |piece| {
            out.extend_from_slice(piece);
            true
        });
    }

    /// Hands the text over in pieces, until `take` returns false.
    fn pieces(&self, take: &mut impl FnMut(&[u8]) -> bool) -> bool {
        let (digits, weight, dscale) = match *self {
            Self::Text(text) => return take(text.as_bytes()),
            Self::Binary { sign: NumericSign::NaN, .. } => return take(b"NaN"),
            Self::Binary { sign: NumericSign::Infinity, .. } => return take(b"Infinity"),
            Self::Binary { sign: NumericSign::NegativeInfinity, .. } => return take(b"-Infinity"),
            Self::Binary { digits, weight, sign, dscale } => {
                if sign == NumericSign::Negative && !take(b"-") {
                    return false;
                }
                (digits, i32::from(weight), usize::from(dscale))
            }
        };
        let first = group_text(group_at(digits, weight, weight.max(0)));
        let zeros = first.iter().take_while(|digit| **digit == b'0').count().min(3);
        if !take(first.get(zeros..).unwrap_or_default()) {
            return false;
        }
        for power in (0..weight).rev() {
            if !take(&group_text(group_at(digits, weight, power))) {
                return false;
            }
        }
        if dscale > 0 && !take(b".") {
            return false;
        }
        let mut left = dscale;
        let mut power = -1;
        while left > 0 {
            let text = group_text(group_at(digits, weight, power));
            if !take(text.get(..left.min(4)).unwrap_or_default()) {
                return false;
            }
            left = left.saturating_sub(4);
            power -= 1;
        }
        true
    }
}

/// The base-10000 groups of a binary numeric.
pub(in crate::value) fn groups(digits: &[u8]) -> impl DoubleEndedIterator<Item = u16> {
    digits.as_chunks::<2>().0.iter().map(|group| u16::from_be_bytes(*group))
}

/// The power of ten that one unit of the last group stands for.
pub(in crate::value) fn power_of_last_group(digits: &[u8], weight: i16) -> i32 {
    let count = i32::try_from(digits.len() / 2).unwrap_or(i32::MAX);
    (i32::from(weight) + 1).saturating_sub(count).saturating_mul(4)
}

/// The group that counts powers of `10000^power`; zero where none was sent.
fn group_at(digits: &[u8], weight: i32, power: i32) -> u16 {
    let group = usize::try_from(weight - power).ok().and_then(|at| digits.as_chunks::<2>().0.get(at));
    group.copied().map_or(0, u16::from_be_bytes)
}

fn group_text(group: u16) -> [u8; 4] {
    let digit = |unit: u16| b'0' + (group / unit % 10).to_le_bytes()[0];
    [digit(1_000), digit(100), digit(10), digit(1)]
}

impl PartialEq for Numeric<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a == b,
            (
                Self::Binary { digits: a, weight: a_weight, sign: a_sign, dscale: a_dscale },
                Self::Binary { digits: b, weight: b_weight, sign: b_sign, dscale: b_dscale },
            ) => a == b && a_weight == b_weight && a_sign == b_sign && a_dscale == b_dscale,
            (Self::Text(text), binary @ Self::Binary { .. }) | (binary @ Self::Binary { .. }, Self::Text(text)) => {
                let mut rest = text.as_bytes();
                binary.pieces(&mut |piece| match rest.strip_prefix(piece) {
                    Some(after) => {
                        rest = after;
                        true
                    }
                    None => false,
                }) && rest.is_empty()
            }
        }
    }
}

impl Eq for Numeric<'_> {}

impl fmt::Debug for Numeric<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Numeric::Text(..)",
            Self::Binary { .. } => "Numeric::Binary(..)",
        })
    }
}
