//! Converters: what they are set to, taken together.
//!
//! Owns the typed form of `key.converter` and `value.converter` with their settings. Kafka's `JsonConverter` writes schemas unless it is told not to, so that leaving
//! `schemas.enable` out is not the same as setting it to false; walcast without any converter writes none.

use super::check::Checked;
use super::model::{Converter, DecimalFormat, JsonConverter, JsonSchemas, NullForm};

/// What writes keys.
pub(super) fn key(checked: &Checked) -> Converter {
    converter(checked, "key.converter")
}

/// What writes values.
pub(super) fn value(checked: &Checked) -> Converter {
    converter(checked, "value.converter")
}

fn converter(checked: &Checked, name: &str) -> Converter {
    let is = |setting: &str, word: &str| {
        checked.value(&format!("{name}.{setting}")).is_some_and(|value| value.trim().eq_ignore_ascii_case(word))
    };
    let given = checked.explicit(name).is_some_and(|class| !class.is_empty());
    let schemas = is("schemas.enable", "true") || (given && !is("schemas.enable", "false"));
    Converter::Json(JsonConverter {
        schemas: if schemas { JsonSchemas::InEachRecord } else { JsonSchemas::Absent },
        decimals: if is("decimal.format", "numeric") { DecimalFormat::Numeric } else { DecimalFormat::Base64 },
        nulls: if is("replace.null.with.default", "false") { NullForm::Null } else { NullForm::Default },
    })
}
