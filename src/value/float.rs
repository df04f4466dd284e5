//! `real` and `double precision` in text form.
//!
//! Must never accept a form that the server's output functions do not produce, and never round otherwise than to the
//! nearest number.

use super::Reason;
use super::scalar::utf8;

/// Powers of ten that a double holds exactly.
pub const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// The same of a float.
const EXACT_POWERS_F32: [f32; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

/// Digits that fit 64 bits whatever they are, or one less and a point.
const PLAIN_BYTES_MAX: usize = 19;

/// `digits / 10^fraction_digits` with its sign.
struct Plain {
    negative: bool,
    digits: u64,
    fraction_digits: usize,
}

impl Plain {
    /// A number of few digits without an exponent; nothing for any other text, be it a number or not.
    #[inline]
    fn read(text: &[u8]) -> Option<Self> {
        let (negative, unsigned) = match text {
            [b'-', unsigned @ ..] => (true, unsigned),
            unsigned => (false, unsigned),
        };
        if unsigned.len() > PLAIN_BYTES_MAX || !unsigned.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        let (mut digits, mut after_point) = (0_u64, None);
        for (at, byte) in unsigned.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit <= 9 {
                digits = digits * 10 + u64::from(digit);
            } else if *byte == b'.' && after_point.is_none() {
                after_point = Some(at + 1);
            } else {
                return None;
            }
        }
        Some(Self { negative, digits, fraction_digits: after_point.map_or(0, |at| unsigned.len() - at) })
    }

    /// Where digits and power are exact, the one division rounds as reading the whole text would (Clinger, "How to Read
    /// Floating Point Numbers Accurately").
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
    fn as_f64(&self) -> Option<f64> {
        let power = EXACT_POWERS.get(self.fraction_digits)?;
        let magnitude = (self.digits <= 1 << f64::MANTISSA_DIGITS).then_some(self.digits as f64 / power)?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "at most 2^24")]
    fn as_f32(&self) -> Option<f32> {
        let power = EXACT_POWERS_F32.get(self.fraction_digits)?;
        let magnitude = (self.digits <= 1 << f32::MANTISSA_DIGITS).then_some(self.digits as f32 / power)?;
        Some(if self.negative { -magnitude } else { magnitude })
    }
}

/// A finite number's text as `float4out` and `float8out` print it: digits, a point, an exponent, signs.
fn finite_text(text: &[u8]) -> Result<&str, Reason> {
    // The standard library's parser also takes `inf`, `nan` and a leading plus sign, which the server never prints.
    let first = text.strip_prefix(b"-").unwrap_or(text).first();
    let plain = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e');
    if first.is_some_and(u8::is_ascii_digit) && text.iter().all(plain) { utf8(text) } else { Err(Reason::Syntax) }
}

/// `float4out`
#[inline]
pub(in crate::value) fn float4_text(text: &[u8]) -> Result<f32, Reason> {
    if let Some(value) = Plain::read(text).and_then(|plain| plain.as_f32()) {
        return Ok(value);
    }
    match text {
        b"NaN" => Ok(f32::NAN),
        b"Infinity" => Ok(f32::INFINITY),
        b"-Infinity" => Ok(f32::NEG_INFINITY),
        _ => {
            let value: f32 = finite_text(text)?.parse().map_err(|_| Reason::Syntax)?;
            if value.is_finite() { Ok(value) } else { Err(Reason::Range) }
        }
    }
}

/// `float8out`
#[inline]
pub(in crate::value) fn float8_text(text: &[u8]) -> Result<f64, Reason> {
    if let Some(value) = Plain::read(text).and_then(|plain| plain.as_f64()) {
        return Ok(value);
    }
    match text {
        b"NaN" => Ok(f64::NAN),
        b"Infinity" => Ok(f64::INFINITY),
        b"-Infinity" => Ok(f64::NEG_INFINITY),
        _ => {
            let value: f64 = finite_text(text)?.parse().map_err(|_| Reason::Syntax)?;
            if value.is_finite() { Ok(value) } else { Err(Reason::Range) }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_that_the_server_never_prints_are_refused() {
        for text in ["", "-", ".5", "+1", "1.2.3", "1,5", "inf", "nan", "0x10", "--1", "1e", "1 "] {
            assert!(float8_text(text.as_bytes()).is_err(), "{text:?}");
            assert!(float4_text(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(float8_text(b"1e400").is_err() && float4_text(b"1e40").is_err());
    }

    #[test]
    fn zero_keeps_its_sign() {
        assert_eq!(float8_text(b"-0").unwrap().to_bits(), (-0.0_f64).to_bits());
        assert_eq!(float4_text(b"-0").unwrap().to_bits(), (-0.0_f32).to_bits());
        assert_eq!(float8_text(b"0").unwrap().to_bits(), 0);
    }

    proptest! {
        #[test]
        fn every_text_becomes_the_nearest_number(digits in 0_u64..100_000_000_000_000_000, point in 0_usize..17, negative: bool) {
            let digits = format!("{digits:018}");
            let (whole, fraction) = digits.split_at(18 - point);
            let whole = whole.trim_start_matches('0');
            let text = format!("{}{}.{fraction}0", if negative { "-" } else { "" }, if whole.is_empty() { "0" } else { whole });
            for text in [text.as_str(), text.split('.').next().unwrap_or_default()] {
                prop_assert_eq!(float8_text(text.as_bytes()).unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits());
                prop_assert_eq!(float4_text(text.as_bytes()).unwrap().to_bits(), text.parse::<f32>().unwrap().to_bits());
            }
        }
    }
}
