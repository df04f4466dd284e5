//! `money`: text under the server's `lc_monetary`, which cannot be pinned, because it decides what the stored number
//! means.
//!
//! Source: `cash_out` in the server's `cash.c`.

use super::Reason;

/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// The amount in the currency's smallest unit.
    pub unscaled: i64,
    /// Decimal digits of the smallest unit: 2 for cents.
    pub scale: u8,
}

impl Money {
    /// `cash_out`: a currency symbol, a sign or parentheses, digits with separators of the locale.
    ///
    /// The last separator is the decimal point, unless it stands there twice or is a comma before three digits: those are
    /// thousands. (Debezium takes every comma for a separator of thousands and no point.)
    pub(in crate::value) fn from_text(text: &[u8]) -> Result<Self, Reason> {
        let first = text.iter().position(u8::is_ascii_digit).ok_or(Reason::Syntax)?;
        let last = text.iter().rposition(u8::is_ascii_digit).ok_or(Reason::Syntax)?;
        let negative = text.iter().enumerate().any(|(at, byte)| (at < first && *byte == b'(') || *byte == b'-');
        let number = text.get(first..=last).unwrap_or_default();
        let mut unscaled = 0_i64;
        for digit in number.iter().filter(|byte| byte.is_ascii_digit()) {
            let digit = i64::from(digit & 0x0f);
            let digit = if negative { -digit } else { digit };
            unscaled = unscaled.checked_mul(10).and_then(|sum| sum.checked_add(digit)).ok_or(Reason::Range)?;
        }
        let scale = match number.iter().rposition(|byte| matches!(byte, b'.' | b',')) {
            Some(at) => {
                let separator = number.get(at).copied().unwrap_or_default();
                let digits = number.len() - at - 1;
                let twice = number.iter().filter(|byte| **byte == separator).count() > 1;
                if twice || (separator == b',' && digits == 3) { 0 } else { digits }
            }
            None => 0,
        };
        Ok(Self { unscaled, scale: u8::try_from(scale).map_err(|_| Reason::Syntax)? })
    }

    /// Appends it as a plain decimal number.
    pub fn write_text(self, out: &mut Vec<u8>) {
        if self.unscaled < 0 {
            out.push(b'-');
        }
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(self.unscaled.unsigned_abs()).as_bytes();
        let scale = usize::from(self.scale);
        let integer = digits.len().saturating_sub(scale);
        let (integer, fraction) = digits.split_at(integer);
        out.extend_from_slice(if integer.is_empty() { b"0" } else { integer });
        if scale > 0 {
            out.push(b'.');
            out.resize(out.len() + scale - fraction.len(), b'0');
            out.extend_from_slice(fraction);
        }
    }
}
