//! Converters: what they are set to, taken together.
//!
//! Owns the rule that walcast writes JSON without schema. Kafka's `JsonConverter` writes schemas unless it is
//! told not to, so that leaving `schemas.enable` out is not the same as setting it to false.

use super::catalogue::JSON_CONVERTER;
use super::check::Checked;
use super::findings::Findings;

/// Checks `key.converter` and `value.converter` with their settings.
pub(super) fn check(checked: &Checked, findings: &mut Findings) {
    for side in ["key", "value"] {
        let converter = format!("{side}.converter");
        let enable = format!("{converter}.schemas.enable");
        let is_json = checked.explicit(&converter).is_some_and(|class| class == JSON_CONVERTER);
        if is_json && checked.explicit(&enable).is_none() && !findings.is_reported(&enable) {
            findings.mistake(format!(
                "{enable}: is missing, and Kafka's default is true, which is not there yet; set {enable}=false"
            ));
        }
    }
}
