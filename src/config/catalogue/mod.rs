//! Every property there is: Kafka Connect's for source connectors, Debezium's for PostgreSQL, and walcast's own.
//!
//! Owns the tables, one file a group, and looking things up in them. Names, types and defaults are those of
//! Debezium 3.6 (`PostgresConnectorConfig` and what it inherits) and Kafka 4 (`SourceConnectorConfig`,
//! `TopicCreationConfig`); where walcast's default differs, the property's doc says so.

use super::property::{Prefix, Property};

mod capture;
mod connect;
mod connection;
mod records;
mod registry;
mod runtime;
mod slot;
mod snapshot;
mod walcast;

/// Why settings for writing marks of chunks again are accepted.
const NO_MARKS: &str =
    "chunks have their place by positions of the log, so nothing waits for their marks and none is written again";

/// All properties, by group.
pub fn properties() -> impl Iterator<Item = &'static Property> {
    [
        connect::PROPERTIES,
        registry::KEY,
        registry::VALUE,
        connection::PROPERTIES,
        slot::PROPERTIES,
        capture::PROPERTIES,
        records::PROPERTIES,
        snapshot::PROPERTIES,
        runtime::PROPERTIES,
        walcast::PROPERTIES,
    ]
    .into_iter()
    .flatten()
}

/// All families of properties that share a prefix.
pub fn prefixes() -> impl Iterator<Item = &'static Prefix> {
    [
        connect::PREFIXES,
        registry::PREFIXES,
        connection::PREFIXES,
        records::PREFIXES,
        snapshot::PREFIXES,
        runtime::PREFIXES,
    ]
    .into_iter()
    .flatten()
}

/// The property of this name or alias.
#[must_use]
pub fn property(name: &str) -> Option<&'static Property> {
    properties().find(|property| property.name == name || property.aliases.contains(&name))
}

/// The family that a name belongs to: the one with the longest prefix.
#[must_use]
pub fn prefix(name: &str) -> Option<&'static Prefix> {
    prefixes()
        .filter(|family| name.len() > family.prefix.len() && name.starts_with(family.prefix))
        .max_by_key(|family| family.prefix.len())
}

/// What a name of an older Debezium is called now; such names are ignored there, and warned about here.
#[must_use]
pub fn renamed(name: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(old, _)| *old == name).map(|(_, new)| *new)
}

/// Names that Debezium 2 and 3 dropped.
const RENAMED: &[(&str, &str)] = &[
    ("database.server.name", "topic.prefix"),
    ("database.whitelist", "database.include.list"),
    ("database.blacklist", "database.exclude.list"),
    ("schema.whitelist", "schema.include.list"),
    ("schema.blacklist", "schema.exclude.list"),
    ("table.whitelist", "table.include.list"),
    ("table.blacklist", "table.exclude.list"),
    ("column.whitelist", "column.include.list"),
    ("column.blacklist", "column.exclude.list"),
    ("slot.drop_on_stop", "slot.drop.on.stop"),
    ("toasted.value.placeholder", "unavailable.value.placeholder"),
    ("sanitize.field.names", "field.name.adjustment.mode"),
    ("source.struct.version", "sourceinfo.struct.maker"),
    ("snapshot.select.statement.override", "snapshot.select.statement.overrides"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::property::State;
    use super::*;

    #[test]
    fn names_are_unique_and_every_property_is_described() {
        let mut seen = BTreeSet::new();
        for property in properties() {
            for name in std::iter::once(&property.name).chain(property.aliases) {
                assert!(seen.insert(*name), "{name} stands twice");
            }
            assert!(property.doc.len() > 10 && !property.doc.ends_with('.'), "{}: {:?}", property.name, property.doc);
        }
        assert!(seen.len() > 150, "only {} properties", seen.len());
    }

    #[test]
    fn every_default_and_harmless_value_is_a_value_of_its_property() {
        for property in properties() {
            let harmless = match property.state {
                State::NotYet { harmless } => harmless,
                State::Implemented | State::NoEffect { .. } => &[],
            };
            for value in property.default.iter().chain(harmless) {
                assert_eq!(property.value.check(value), Ok(()), "{} = {value}", property.name);
                let valid = property.validate.map_or(Ok(()), |validate| validate(value));
                assert!(valid.is_ok(), "{} = {value}: {valid:?}", property.name);
            }
        }
    }

    #[test]
    fn the_longest_prefix_wins_and_renamed_names_lead_to_known_ones() {
        let found = |name| prefix(name).map(|family| family.prefix);
        assert_eq!(found("topic.creation.default.partitions"), Some("topic.creation.default."));
        assert_eq!(found("topic.creation.big.partitions"), Some("topic.creation."));
        assert_eq!(found("database.socketTimeout"), Some("database."));
        assert_eq!(found("nothing.of.this"), None);
        for (old, new) in RENAMED {
            assert!(property(old).is_none() && property(new).is_some(), "{old} to {new}");
        }
    }

    /// Defaults that are not Debezium's or Kafka Connect's own, each with its reason.
    const OTHER_DEFAULTS: &[(&str, &str)] = &[
        ("database.connection.timeout.ms", "ten minutes are a pool's patience, not a connection's"),
        ("lsn.flush.mode", "undeclared; the code falls back to connector"),
        ("snapshot.fetch.size", "undeclared; the code falls back to 10240"),
        ("plugin.name", "decoderbufs is not there"),
        ("retriable.restart.connector.wait.ms", "a reconnect costs milliseconds, not a task restart"),
    ];

    #[test]
    fn every_property_of_the_real_connector_is_known_with_its_default() {
        // Given what the real connector says of itself; when it is looked up here; then it is there, and the same
        let lines = include_str!("debezium-3.6.0.tsv").lines().filter(|line| !line.starts_with('#'));
        let mut wrong = Vec::new();
        for line in lines {
            let [name, _, default] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {line}") };
            let Some(property) = property(name) else {
                wrong.extend(prefix(name).is_none().then(|| format!("{name} is not known")));
                continue;
            };
            let same = match (default, property.default) {
                ("REQUIRED", None) | ("", None) => true,
                (default, Some(ours)) => property.value.same(default, ours),
                _ => false,
            };
            if !same && OTHER_DEFAULTS.iter().all(|(other, _)| *other != name) {
                wrong.push(format!("{name}: {default:?} there, {:?} here", property.default));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
