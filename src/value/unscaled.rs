//! A `numeric` as the integer and the scale that decimal types of record formats are made of.
//!
//! Numbers of up to 38 digits stay in an `i128`; only longer ones take the allocating way over [`BigInt`].

use num_bigint::BigInt;

use super::numeric::{groups, power_of_last_group};
use super::{Numeric, NumericSign, NumericSpecial};

/// The integer that a decimal number becomes when its point is taken away at some scale.
///
/// Canonical: `Big` holds only what `Small` cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unscaled {
    /// Fits 128 bits.
    Small(i128),
    /// Does not.
    Big(BigInt),
}

/// Why a `numeric` has no unscaled integer at a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotExact {
    /// It is no number.
    Special(NumericSpecial),
    /// Digits other than zero would be lost.
    DigitsLost,
}

impl Unscaled {
    /// Appends the shortest big-endian two's complement form, one byte at least, as Java's
    /// `BigInteger.toByteArray` gives it.
    pub fn write_be(&self, out: &mut Vec<u8>) {
        match self {
            Self::Small(value) => {
                let bytes = value.to_be_bytes();
                // A leading byte says nothing where the sign bit behind it says the same.
                let sign = if *value < 0 { 0xff } else { 0x00 };
                let redundant = bytes.iter().zip(bytes.iter().skip(1));
                let skip = redundant.take_while(|(byte, next)| **byte == sign && (**next ^ sign) & 0x80 == 0).count();
                out.extend_from_slice(bytes.get(skip..).unwrap_or_default());
            }
            Self::Big(value) => out.extend_from_slice(&value.to_signed_bytes_be()),
        }
    }

    fn of_digits(negative: bool, digits: &[u8]) -> Option<Self> {
        let magnitude = if digits.is_empty() { BigInt::ZERO } else { BigInt::parse_bytes(digits, 10)? };
        let value = if negative { -magnitude } else { magnitude };
        Some(i128::try_from(&value).map_or(Self::Big(value), Self::Small))
    }
}

/// A number as `magnitude * 10^power`.
struct Scientific {
    negative: bool,
    magnitude: u128,
    power: i32,
}

/// Powers of ten that fit a `u128`.
const POWERS: [u128; 39] = {
    let mut powers = [1; 39];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

impl Numeric<'_> {
    /// The unscaled integer at `scale` decimal digits after the point (before it, where negative), as
    /// `BigDecimal.setScale(scale).unscaledValue()` gives it.
    ///
    /// # Errors
    ///
    /// [`NotExact`] for a special value, and where digits other than zero would be lost.
    pub fn unscaled_at(&self, scale: i16) -> Result<Unscaled, NotExact> {
        if let Some(special) = self.special() {
            return Err(NotExact::Special(special));
        }
        match self.scientific() {
            Some(number) => match number.shifted(i32::from(scale)) {
                Shifted::Fits(value) => Ok(Unscaled::Small(value)),
                Shifted::DigitsLost => Err(NotExact::DigitsLost),
                Shifted::TooLarge => self.unscaled_long(scale),
            },
            None => self.unscaled_long(scale),
        }
    }

    /// The scale and unscaled integer after trailing zeros are stripped and a negative scale is raised to 0: what
    /// Debezium's `VariableScaleDecimal` holds.
    ///
    /// # Errors
    ///
    /// The special value, where it is one.
    pub fn variable(&self) -> Result<(i32, Unscaled), NumericSpecial> {
        if let Some(special) = self.special() {
            return Err(special);
        }
        if let Some(mut number) = self.scientific() {
            if number.magnitude == 0 {
                return Ok((0, Unscaled::Small(0)));
            }
            while number.power < 0 && number.magnitude.is_multiple_of(10) {
                number.magnitude /= 10;
                number.power += 1;
            }
            let scale = number.power.saturating_neg().max(0);
            if let Shifted::Fits(value) = number.shifted(scale) {
                return Ok((scale, Unscaled::Small(value)));
            }
        }
        let (negative, mut digits, mut scale) = self.long_digits();
        while scale > 0 && digits.last() == Some(&b'0') {
            digits.pop();
            scale -= 1;
        }
        Ok((scale, Unscaled::of_digits(negative, &digits).unwrap_or(Unscaled::Small(0))))
    }

    /// The number where its digits fit a `u128`.
    fn scientific(&self) -> Option<Scientific> {
        match *self {
            Self::Binary { digits, weight, sign, .. } => {
                let mut magnitude = 0_u128;
                if digits.len() <= 8 {
                    // Sixteen decimal digits: one machine word does.
                    magnitude = groups(digits).fold(0_u64, |sum, group| sum * 10_000 + u64::from(group)).into();
                } else {
                    for group in groups(digits) {
                        magnitude = magnitude.checked_mul(10_000)?.checked_add(group.into())?;
                    }
                }
                let negative = sign == NumericSign::Negative;
                Some(Scientific { negative, magnitude, power: power_of_last_group(digits, weight) })
            }
            Self::Text(text) if text.len() <= WORD_TEXT_BYTES_MAX => Some(Scientific::of_short_text(text)),
            Self::Text(text) => {
                let (negative, integer, fraction) = split(text);
                let count = integer.len() + fraction.len();
                if count > 38 {
                    return None;
                }
                let digits = integer.iter().chain(fraction).map(|digit| digit & 0x0f);
                let magnitude = digits.fold(0_u128, |sum, digit| sum * 10 + u128::from(digit));
                Some(Scientific { negative, magnitude, power: -i32::try_from(fraction.len()).ok()? })
            }
        }
    }

    /// Sign, all decimal digits, and how many of them stand after the point.
    fn long_digits(&self) -> (bool, Vec<u8>, i32) {
        let mut text = Vec::new();
        self.write_text(&mut text);
        let negative = text.first() == Some(&b'-');
        let point = text.iter().position(|byte| *byte == b'.');
        let scale = point.map_or(0, |point| text.len() - point - 1);
        text.retain(u8::is_ascii_digit);
        (negative, text, i32::try_from(scale).unwrap_or(i32::MAX))
    }

    #[cold]
    fn unscaled_long(&self, scale: i16) -> Result<Unscaled, NotExact> {
        let (negative, mut digits, present) = self.long_digits();
        let missing = i32::from(scale) - present;
        if missing >= 0 {
            digits.resize(digits.len() + missing.unsigned_abs() as usize, b'0');
        } else {
            let keep = digits.len().saturating_sub(missing.unsigned_abs() as usize);
            if digits.iter().skip(keep).any(|digit| *digit != b'0') {
                return Err(NotExact::DigitsLost);
            }
            digits.truncate(keep);
        }
        Unscaled::of_digits(negative, &digits).ok_or(NotExact::DigitsLost)
    }
}

/// What became of a number whose point was moved.
enum Shifted {
    Fits(i128),
    TooLarge,
    DigitsLost,
}

/// Texts whose digits fit one machine word, whatever they are.
const WORD_TEXT_BYTES_MAX: usize = 19;

impl Scientific {
    /// Of a checked text of no more than [`WORD_TEXT_BYTES_MAX`] bytes.
    #[inline]
    fn of_short_text(text: &str) -> Self {
        let (negative, unsigned) = match text.as_bytes() {
            [b'-', unsigned @ ..] => (true, unsigned),
            unsigned => (false, unsigned),
        };
        let (mut magnitude, mut power, mut step) = (0_u64, 0, 0);
        for byte in unsigned {
            if *byte == b'.' {
                step = 1;
            } else {
                magnitude = magnitude.wrapping_mul(10).wrapping_add(u64::from(byte & 0x0f));
                power -= step;
            }
        }
        Self { negative, magnitude: magnitude.into(), power }
    }

    /// `magnitude * 10^(power + scale)` with its sign.
    fn shifted(&self, scale: i32) -> Shifted {
        if self.magnitude == 0 {
            return Shifted::Fits(0);
        }
        let shift = self.power.saturating_add(scale);
        let factor = POWERS.get(shift.unsigned_abs() as usize).copied();
        let magnitude = match (factor, u64::try_from(self.magnitude)) {
            (Some(factor), _) if shift >= 0 => self.magnitude.checked_mul(factor),
            (None, _) if shift >= 0 => None,
            // Division of machine words is many times cheaper, and nearly every number fits one.
            (Some(factor), Ok(word)) => match u64::try_from(factor) {
                Ok(factor) if word.is_multiple_of(factor) => Some(u128::from(word / factor)),
                _ => return Shifted::DigitsLost,
            },
            (Some(factor), Err(_)) if self.magnitude.is_multiple_of(factor) => Some(self.magnitude / factor),
            _ => return Shifted::DigitsLost,
        };
        let signed = magnitude.and_then(|magnitude| {
            if self.negative { 0_i128.checked_sub_unsigned(magnitude) } else { i128::try_from(magnitude).ok() }
        });
        signed.map_or(Shifted::TooLarge, Shifted::Fits)
    }
}

/// Sign, digits before and digits after the point of a number's text.
fn split(text: &str) -> (bool, &[u8], &[u8]) {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text),
    };
    let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    (negative, integer.as_bytes(), fraction.as_bytes())
}
