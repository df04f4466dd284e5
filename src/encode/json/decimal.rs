//! `numeric` as Connect's `Decimal` and Debezium's `VariableScaleDecimal`: two's complement bytes in base64.

use super::number::write_integer;
use super::text::write_base64;
use crate::value::Unscaled;

/// Appends the unscaled number's bytes in base64, with quotes: a Connect `Decimal`.
pub(in crate::encode) fn write_decimal(out: &mut Vec<u8>, unscaled: &Unscaled) {
    match unscaled {
        Unscaled::Small(value) => {
            let bytes = value.to_be_bytes();
            let bits = if *value < 0 { value.leading_ones() } else { value.leading_zeros() };
            // One sign bit must stay, and with it one byte.
            let redundant = (bits.saturating_sub(1) / u8::BITS) as usize;
            write_base64(out, bytes.get(redundant..).unwrap_or_default());
        }
        Unscaled::Big(value) => write_base64(out, &value.to_signed_bytes_be()),
    }
}

/// Appends a `VariableScaleDecimal`.
pub(in crate::encode) fn write_variable(out: &mut Vec<u8>, scale: i32, unscaled: &Unscaled) {
    out.extend_from_slice(b"{\"scale\":");
    write_integer(out, scale);
    out.extend_from_slice(b",\"value\":");
    write_decimal(out, unscaled);
    out.push(b'}');
}

/// Appends Java's `BigDecimal.toString`, which header texts hold: with an exponent for very small numbers.
pub(in crate::encode) fn write_java_decimal(out: &mut Vec<u8>, scale: i32, unscaled: &Unscaled) {
    let unscaled = match unscaled {
        Unscaled::Small(value) => value.to_string(),
        Unscaled::Big(value) => value.to_string(),
    };
    let (sign, digits) = unscaled.strip_prefix('-').map_or(("", unscaled.as_str()), |digits| ("-", digits));
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let scale = i64::from(scale);
    let adjusted = length - 1 - scale;
    out.extend_from_slice(sign.as_bytes());
    if scale == 0 {
        out.extend_from_slice(digits.as_bytes());
    } else if scale > 0 && adjusted >= -6 {
        let zeros = usize::try_from(scale + 1 - length).unwrap_or(0);
        let padded = format!("{}{digits}", "0".repeat(zeros));
        let (whole, fraction) = padded.split_at(padded.len() - usize::try_from(scale).unwrap_or(0));
        out.extend_from_slice(whole.as_bytes());
        out.push(b'.');
        out.extend_from_slice(fraction.as_bytes());
    } else {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        out.extend_from_slice(format!("{first}{point}{rest}E{adjusted:+}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn bytes_are_big_integers() {
        for (unscaled, json) in [
            (0, "\"AA==\""),
            (100, "\"ZA==\""),
            (128, "\"AIA=\""),
            (-1, "\"/w==\""),
            (-128, "\"gA==\""),
            (-129, "\"/38=\""),
            (12_340, "\"MDQ=\""),
            (i128::MAX, "\"f////////////////////w==\""),
            (i128::MIN, "\"gAAAAAAAAAAAAAAAAAAAAA==\""),
        ] {
            assert_eq!(written(|out| write_decimal(out, &Unscaled::Small(unscaled))), json, "{unscaled}");
        }
        let big = Unscaled::Big(num_bigint::BigInt::from(i128::MAX) + 1);
        assert_eq!(written(|out| write_decimal(out, &big)), "\"AIAAAAAAAAAAAAAAAAAAAAA=\"");
        let variable = written(|out| write_variable(out, 1, &Unscaled::Small(15)));
        assert_eq!(variable, r#"{"scale":1,"value":"Dw=="}"#);
    }

    #[test]
    fn header_text_is_big_decimals() {
        for (unscaled, scale, java) in [
            (150, 2, "1.50"),
            (0, 2, "0.00"),
            (-5, 2, "-0.05"),
            (1, 7, "1E-7"),
            (12, 8, "1.2E-7"),
            (0, 10, "0E-10"),
            (123, 0, "123"),
            (123, -2, "1.23E+4"),
        ] {
            assert_eq!(written(|out| write_java_decimal(out, scale, &Unscaled::Small(unscaled))), java);
        }
    }
}
