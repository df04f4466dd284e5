//! How topics are named.
//!
//! Owns the naming strategies that Debezium ships, and their settings. Must never know a table.

use regex::Regex;

use super::build::{flag, optional};
use super::check::Checked;
use super::findings::Findings;
use super::pattern;

/// `topic.naming.strategy`: what a table's topic is made from, and what becomes of characters that Kafka does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// `SchemaTopicNamingStrategy`: prefix, schema and table.
    Schema,
    /// `DefaultTopicNamingStrategy`: prefix and table.
    Table,
    /// `SchemaRegexTopicNamingStrategy`: as [`Strategy::Schema`], then renamed.
    SchemaRegex,
    /// `DefaultRegexTopicNamingStrategy`: as [`Strategy::Table`], then renamed.
    TableRegex,
    /// `SchemaUnicodeTopicNamingStrategy`: as [`Strategy::Schema`], other characters as `_u` and their code.
    SchemaUnicode,
    /// `DefaultUnicodeTopicNamingStrategy`: as [`Strategy::Table`], other characters as `_u` and their code.
    TableUnicode,
}

impl Strategy {
    const CLASSES: [(&'static str, Self); 6] = [
        ("io.debezium.schema.SchemaTopicNamingStrategy", Self::Schema),
        ("io.debezium.schema.DefaultTopicNamingStrategy", Self::Table),
        ("io.debezium.schema.SchemaRegexTopicNamingStrategy", Self::SchemaRegex),
        ("io.debezium.schema.DefaultRegexTopicNamingStrategy", Self::TableRegex),
        ("io.debezium.schema.SchemaUnicodeTopicNamingStrategy", Self::SchemaUnicode),
        ("io.debezium.schema.DefaultUnicodeTopicNamingStrategy", Self::TableUnicode),
    ];

    /// The strategy of a Java class.
    #[must_use]
    pub fn of(class: &str) -> Option<Self> {
        Self::CLASSES.iter().find(|(name, _)| *name == class.trim()).map(|(_, strategy)| *strategy)
    }

    /// All classes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::CLASSES.iter().map(|(name, _)| *name)
    }

    /// Whether topics are renamed by `topic.regex`.
    #[must_use]
    pub const fn renames(self) -> bool {
        matches!(self, Self::SchemaRegex | Self::TableRegex)
    }
}

/// How topics are named.
#[derive(Clone, Debug)]
pub struct Naming {
    /// `topic.naming.strategy`
    pub strategy: Strategy,
    /// `topic.regex` and `topic.replacement`, with the strategies that rename.
    pub renaming: Option<Replacement>,
    /// The field that renaming adds to keys; `None` with `topic.key.enforce.uniqueness=false`, or without renaming.
    pub key_field: Option<KeyField>,
    /// `topic.transaction`
    pub transaction: String,
    /// `topic.heartbeat.prefix`
    pub heartbeat_prefix: String,
    /// `topic.heartbeat.name`, in place of the prefix.
    pub heartbeat_name: Option<String>,
}

impl Default for Naming {
    /// Debezium's defaults.
    fn default() -> Self {
        Self {
            strategy: Strategy::Schema,
            renaming: None,
            key_field: None,
            transaction: "transaction".to_owned(),
            heartbeat_prefix: "__debezium-heartbeat".to_owned(),
            heartbeat_name: None,
        }
    }
}

/// `topic.key.field.*`
#[derive(Clone, Debug)]
pub struct KeyField {
    /// `topic.key.field.name`
    pub name: String,
    /// `topic.key.field.regex` and `topic.key.field.replacement`; without them the field holds the topic as it would be
    /// without renaming.
    pub value: Option<Replacement>,
}

/// A Java expression and what a name that it matches becomes.
#[derive(Clone, Debug)]
pub struct Replacement {
    whole: Regex,
    first: Regex,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Group(usize),
    Named(String),
}

impl Replacement {
    /// Compiles both.
    ///
    /// # Errors
    /// Why one cannot be used, as the end of a sentence.
    pub fn new(expression: &str, replacement: &str) -> Result<Self, String> {
        let (whole, first) = pattern::compile_exact(expression)?;
        let parts = parts(replacement, &whole)?;
        Ok(Self { whole, first, parts })
    }

    /// `Matcher.matches`, then `Matcher.replaceFirst`; `None` where the expression does not match the whole name.
    #[must_use]
    pub fn apply(&self, name: &str) -> Option<String> {
        if !self.whole.is_match(name) {
            return None;
        }
        let found = self.first.captures(name)?;
        let span = found.get(0)?;
        let mut text = name.get(..span.start())?.to_owned();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Group(group) => text.push_str(found.get(*group).map_or("", |group| group.as_str())),
                Part::Named(group) => text.push_str(found.name(group).map_or("", |group| group.as_str())),
            }
        }
        text.push_str(name.get(span.end()..)?);
        Some(text)
    }
}

/// Java's replacement: `$1`, `${name}`, and a backslash before a character that stands for itself.
fn parts(replacement: &str, expression: &Regex) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut chars = replacement.chars().peekable();
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().ok_or_else(|| format!("{replacement:?} ends with a backslash"))?),
            '$' => {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                if chars.next_if_eq(&'{').is_some() {
                    let name: String = std::iter::from_fn(|| chars.next_if(|c| *c != '}')).collect();
                    if chars.next().is_none() || !expression.capture_names().flatten().any(|known| known == name) {
                        return Err(format!("{replacement:?} names a group that the expression has not"));
                    }
                    parts.push(Part::Named(name));
                    continue;
                }
                // As many digits as still name a group.
                let mut group: Option<usize> = None;
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                    let next = group.unwrap_or_default().saturating_mul(10).saturating_add(digit as usize);
                    if group.is_some() && next >= expression.captures_len() {
                        break;
                    }
                    group = Some(next);
                    chars.next();
                }
                match group {
                    Some(group) if group < expression.captures_len() => parts.push(Part::Group(group)),
                    _ => return Err(format!("{replacement:?} names a group that the expression has not")),
                }
            }
            c => text.push(c),
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

pub(super) fn naming(checked: &Checked, findings: &mut Findings) -> Naming {
    let strategy = Strategy::of(checked.value("topic.naming.strategy").unwrap_or_default()).unwrap_or(Strategy::Schema);
    let text = |name| checked.value(name).unwrap_or_default().to_owned();
    let mut naming = Naming {
        strategy,
        renaming: None,
        key_field: None,
        transaction: text("topic.transaction"),
        heartbeat_prefix: text("topic.heartbeat.prefix"),
        heartbeat_name: optional(checked, "topic.heartbeat.name"),
    };
    if !strategy.renames() {
        for name in ["topic.regex", "topic.replacement", "topic.key.field.regex", "topic.key.field.replacement"] {
            if checked.explicit(name).is_some() {
                findings.note(name, "only the regex strategies of topic.naming.strategy use it");
            }
        }
        return naming;
    }
    naming.renaming = replacement(checked, "topic.regex", "topic.replacement", findings);
    if naming.renaming.is_none() && !findings.is_reported("topic.regex") {
        findings.mistake_of("topic.regex", "topic.regex: is missing; this topic.naming.strategy needs it".to_owned());
    }
    if flag(checked, "topic.key.enforce.uniqueness") {
        let value = replacement(checked, "topic.key.field.regex", "topic.key.field.replacement", findings);
        naming.key_field = Some(KeyField { name: text("topic.key.field.name"), value });
    }
    naming
}

/// A pair of properties; nothing where the expression is absent.
fn replacement(
    checked: &Checked,
    expression: &'static str,
    replacement: &'static str,
    findings: &mut Findings,
) -> Option<Replacement> {
    let given = optional(checked, expression)?;
    let Some(becomes) = optional(checked, replacement) else {
        findings.mistake_of(expression, format!("{replacement}: is missing; {expression} needs it"));
        return None;
    };
    match Replacement::new(&given, &becomes) {
        Ok(made) => Some(made),
        Err(why) => {
            // Either may have come from a provider, and is shown nowhere.
            let why = why.replace(&format!("{given:?}"), "the expression");
            let why = why.replace(&format!("{becomes:?}"), "the replacement");
            findings.mistake_of(expression, format!("{expression}: {why}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_as_java_replaces_them() {
        for (expression, replacement, name, becomes) in [
            ("(.*)customers_shard(.*)", "$1customers_all", "p.s.customers_shard7", Some("p.s.customers_all")),
            ("(.*)_shard\\d+", "$1", "P.S.T_SHARD1", None),
            ("(.*)_shard\\d+", "$1", "p.s.t_shard12", Some("p.s.t")),
            ("p\\.(?<rest>.*)", "q-${rest}", "p.s.t", Some("q-s.t")),
            ("(a)(b)", "$11", "ab", Some("a1")),
            ("a.*", "\\$x", "abc", Some("$x")),
            ("b.*", "x", "abc", None),
            // The whole name must match, but what is replaced is the first match that is found.
            ("a|ab", "x", "ab", Some("xb")),
        ] {
            let made = Replacement::new(expression, replacement).unwrap();
            assert_eq!(made.apply(name).as_deref(), becomes, "{expression} {replacement} {name}");
        }
        for (expression, replacement) in [("(a)", "$2"), ("a", "${x}"), ("a", "\\"), ("a", "$x"), ("(", "x")] {
            assert!(Replacement::new(expression, replacement).is_err(), "{expression} {replacement}");
        }
    }
}
