//! Each setting against its catalogue entry.
//!
//! Owns [`check`] and [`Checked`], from which the typed form is built. A setting that fails its check is reported
//! and left out, so that the rest can still be looked at.

use std::collections::BTreeMap;

use regex::Regex;

use super::catalogue;
use super::findings::{Findings, shown, shown_name};
use super::load::Setting;
use super::nearest::nearest;
use super::property::{Prefix, Property, State, ValueType};
use super::{custom_converters, pattern};

/// Settings that passed, by canonical name, and those of implemented prefixes.
pub(super) struct Checked {
    values: BTreeMap<&'static str, Setting>,
    prefixed: Vec<(&'static str, Setting)>,
}

impl Checked {
    /// The value given, or the catalogue's default.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.explicit(name).or_else(|| catalogue::property(name).and_then(|property| property.default))
    }

    /// The value given.
    pub(super) fn explicit(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|setting| setting.value.as_str())
    }

    /// Everything given under a prefix: the rest of the name, and the setting.
    pub(super) fn under(&self, prefix: &str) -> impl Iterator<Item = (&str, &Setting)> {
        self.prefixed
            .iter()
            .filter(move |(family, _)| *family == prefix)
            .map(|(family, setting)| (setting.name.get(family.len()..).unwrap_or_default(), setting))
    }
}

/// Checks all settings; mistakes, warnings and notes go to `findings`.
pub(super) fn check(mut settings: Vec<Setting>, findings: &mut Findings) -> Checked {
    custom_converters::refuse(&mut settings, findings);
    let hidden = sanitize_pattern(&settings);
    let mut checked = Checked { values: BTreeMap::new(), prefixed: Vec::new() };
    for mut setting in settings {
        setting.secret |= hidden.is_match(&setting.name);
        if let Some(property) = catalogue::property(&setting.name) {
            one(property, setting, &mut checked, findings);
        } else if let Some(prefix) = catalogue::prefix(&setting.name)
            && catalogue::renamed(&setting.name).is_none()
        {
            prefixed(prefix, setting, &mut checked, findings);
        } else {
            unknown(&setting, findings);
        }
    }
    for property in catalogue::properties().filter(|property| property.required) {
        let absent = !checked.values.contains_key(property.name);
        if absent && !findings.is_reported(property.name) {
            findings.mistake(format!("{}: is missing; it is the {}", property.name, lower_first(property.doc)));
        }
    }
    exclusive(&checked, findings);
    checked
}

/// `custom.sanitize.pattern`, or its default where it is absent or cannot be used.
fn sanitize_pattern(settings: &[Setting]) -> Regex {
    const NAME: &str = "custom.sanitize.pattern";
    let given = settings.iter().find(|setting| setting.name == NAME).map(|setting| setting.value.as_str());
    let default = catalogue::property(NAME).and_then(|property| property.default);
    let usable = given.and_then(|given| pattern::compile(given).ok());
    usable
        .or_else(|| default.and_then(|default| pattern::compile(default).ok()))
        // A pattern that matches every name: where nothing is known, everything is a secret.
        .or_else(|| Regex::new("").ok())
        .expect("the empty expression is one")
}

fn one(property: &'static Property, mut setting: Setting, checked: &mut Checked, findings: &mut Findings) {
    let name = property.name;
    setting.secret |= property.value == ValueType::Password;
    if property.value.trims() {
        setting.value = setting.value.trim().to_owned();
    }
    if let Some(other) = checked.values.get(name) {
        findings.mistake(format!(
            "{}{}: is another name of {}{}; give one",
            setting.name, setting.place, other.name, other.place
        ));
        return;
    }
    let given = format!("{} = {}{}", setting.name, shown(&setting.value, setting.secret), setting.place);
    if let Err(why) = property.value.check(&setting.value) {
        // What an expression list complains about contains the list.
        let why = if setting.secret && property.value == ValueType::Patterns {
            "has an expression that cannot be used".to_owned()
        } else {
            why
        };
        findings.mistake_of(name, format!("{given}: {why}"));
        return;
    }
    match property.state {
        State::NotYet { harmless } if !property.is_harmless(&setting.value, harmless) => {
            let remedy = match property.default {
                Some(default) => format!("set it to {default}, or remove it"),
                None => "remove it".to_owned(),
            };
            findings
                .mistake_of(name, format!("{given}: is not there yet, and records would silently differ; {remedy}"));
            return;
        }
        State::NoEffect { reason } => findings.note(&setting.name, reason),
        State::NotYet { .. } | State::Implemented => {}
    }
    match property.validate.map_or(Ok(()), |validate| validate(&setting.value)) {
        Ok(()) => {
            checked.values.insert(name, setting);
        }
        Err(why) => findings.mistake_of(name, format!("{given}: {why}")),
    }
}

fn prefixed(prefix: &'static Prefix, setting: Setting, checked: &mut Checked, findings: &mut Findings) {
    match prefix.state {
        State::Implemented => checked.prefixed.push((prefix.prefix, setting)),
        State::NoEffect { reason } if matches!(prefix.prefix, "database." | "driver.") => {
            let hint =
                nearest(&setting.name, names()).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            findings.warn(&setting.name, format!("has no effect: {reason}{hint}"));
        }
        State::NoEffect { reason } => findings.note(&setting.name, reason),
        State::NotYet { .. } => findings.mistake(format!(
            "{}{}: is not there yet, and what is written would silently differ; remove it",
            shown_name(&setting.name),
            setting.place
        )),
    }
}

fn unknown(setting: &Setting, findings: &mut Findings) {
    let hint = match catalogue::renamed(&setting.name) {
        Some(new) => format!("; it is called {new} since Debezium 2"),
        None => nearest(&setting.name, names()).map(|near| format!("; did you mean {near}?")).unwrap_or_default(),
    };
    findings.warn(&setting.name, format!("is not known and has no effect{hint}"));
}

fn names() -> impl Iterator<Item = &'static str> {
    catalogue::properties().map(|property| property.name)
}

/// Include and exclude lists of one kind: Debezium reports the exclude list.
fn exclusive(checked: &Checked, findings: &mut Findings) {
    for kind in ["schema", "table", "column", "message.prefix"] {
        let (include, exclude) = (format!("{kind}.include.list"), format!("{kind}.exclude.list"));
        let given = |name: &str| checked.values.get(name).filter(|setting| !setting.value.is_empty());
        if let (Some(_), Some(setting)) = (given(&include), given(&exclude)) {
            findings.mistake(format!("{exclude}{}: cannot stand beside {include}; keep one of the two", setting.place));
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
