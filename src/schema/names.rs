//! Names that Avro takes.
//!
//! Source: Debezium's `SchemaNameAdjuster`, `FieldNameUnderscoreReplacementFunction` and
//! `FieldNameUnicodeReplacementFunction`.

use std::borrow::Cow;

use crate::config::NameAdjustment;

/// A schema's name, adjusted as `schema.name.adjustment.mode` says.
#[must_use]
pub fn adjust_name(mode: NameAdjustment, name: &str) -> Cow<'_, str> {
    adjusted(mode, name, |c| c == '.')
}

/// A field's name, adjusted as `field.name.adjustment.mode` says: dots are no part of it.
#[must_use]
pub fn adjust_field_name(mode: NameAdjustment, name: &str) -> Cow<'_, str> {
    adjusted(mode, name, |_| false)
}

fn adjusted(mode: NameAdjustment, name: &str, allowed: impl Fn(char) -> bool) -> Cow<'_, str> {
    let unicode = match mode {
        NameAdjustment::None => return Cow::Borrowed(name),
        NameAdjustment::Avro => false,
        NameAdjustment::AvroUnicode => true,
    };
    let valid = |at: usize, c: char| {
        c.is_ascii_alphabetic() || (c == '_' && !unicode) || (at > 0 && (c.is_ascii_digit() || allowed(c)))
    };
    if name.chars().enumerate().all(|(at, c)| valid(at, c)) {
        return Cow::Borrowed(name);
    }
    let mut text = String::with_capacity(name.len() + 8);
    for (at, c) in name.chars().enumerate() {
        if valid(at, c) {
            text.push(c);
        } else if unicode {
            // Java counts UTF-16 units, and pads one or two digits by two zeros.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let zeros = if *unit <= 0xFF { "00" } else { "" };
                text.push_str(&format!("_u{zeros}{unit:x}"));
            }
        } else {
            text.extend(std::iter::repeat_n('_', c.len_utf16()));
            if at == 0 && c.is_ascii_digit() {
                text.push(c);
            }
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_only_what_avro_takes() {
        for (name, avro, unicode) in [
            ("shop.public.orders", "shop.public.orders", "shop.public.orders"),
            ("my-shop.public.a_b", "my_shop.public.a_b", "my_u002dshop.public.a_u005fb"),
            ("9lives", "_9lives", "_u0039lives"),
            ("größe", "gr__e", "gr_u00f6_u00dfe"),
            ("aıb", "a_b", "a_u131b"),
        ] {
            assert_eq!(adjust_name(NameAdjustment::Avro, name), avro);
            assert_eq!(adjust_name(NameAdjustment::AvroUnicode, name), unicode);
            assert_eq!(adjust_name(NameAdjustment::None, name), name);
        }
        assert_eq!(adjust_field_name(NameAdjustment::Avro, "a.b"), "a_b");
    }
}
