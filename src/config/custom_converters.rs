//! `converters`: Java classes that make schemas and values of columns. None can be run here, so each is refused by name,
//! with what does the same where something does.
//!
//! Source: Debezium's `CustomConverterRegistry`. The PostgreSQL connector ships no such class; those of Debezium's other
//! connectors are for types that PostgreSQL has not.

use super::catalogue;
use super::findings::{Findings, shown};
use super::load::Setting;

/// Parts of class names, in lower case, and what to do instead.
const INSTEAD: &[(&str, &str)] = &[
    ("io.debezium.connector.", "it is for columns of another database, and PostgreSQL has none of them; remove it"),
    ("time", "set time.precision.mode=isostring for texts, or one of its other modes for numbers"),
    ("date", "set time.precision.mode=isostring for texts, or one of its other modes for numbers"),
    ("decimal", "set decimal.handling.mode to string or double"),
    ("numeric", "set decimal.handling.mode to string or double"),
    ("interval", "set interval.handling.mode=string"),
    (
        "mask",
        "use column.mask.hash.v2.ALGORITHM.with.salt.SALT, column.mask.with.N.chars or column.truncate.to.N.chars",
    ),
    ("bytea", "set binary.handling.mode to base64, base64-url-safe or hex"),
    ("hstore", "set hstore.handling.mode to json or map"),
];
const OTHERWISE: &str =
    "use the handling modes and masks, or convert at the source with a generated column; or in the consumer";

/// Refuses what `converters` names, and takes it out of the settings with everything that belongs to it.
pub(super) fn refuse(settings: &mut Vec<Setting>, findings: &mut Findings) {
    const NAME: &str = "converters";
    let Some(list) = settings.iter().find(|setting| setting.name == NAME) else { return };
    let (place, secret) = (list.place.clone(), list.secret);
    let names: Vec<String> =
        list.value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.is_empty() {
        return;
    }
    for name in &names {
        let class = settings.iter().find(|setting| setting.name.strip_prefix(name.as_str()) == Some(".type"));
        let instead = class.map_or(OTHERWISE, |class| instead(&class.value));
        let class = class.map_or_else(
            || "without a class".to_owned(),
            |class| format!("the Java class {}", shown(&class.value, class.secret)),
        );
        findings.mistake_of(
            NAME,
            format!("{NAME}{place}: {} is {class}, and walcast runs no Java; {instead}", shown(name, secret)),
        );
    }
    let is_theirs = |setting: &Setting| {
        let owned =
            names.iter().any(|name| setting.name.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.')));
        owned && catalogue::property(&setting.name).is_none() && catalogue::prefix(&setting.name).is_none()
    };
    settings.retain(|setting| setting.name != NAME && !is_theirs(setting));
}

fn instead(class: &str) -> &'static str {
    let class = class.to_ascii_lowercase();
    INSTEAD.iter().find(|(part, _)| class.contains(part)).map_or(OTHERWISE, |(_, instead)| instead)
}
