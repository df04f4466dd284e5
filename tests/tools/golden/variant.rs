//! What Debezium is told: a file of `tests/golden/variants`.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use walcast::local::{PostgresServer, SchemaRegistry};

use super::scenario::Scenario;
use crate::Outcome;

/// Stands for the schema registry's own interface in a variant's properties.
const REGISTRY_MARK: &str = "${registry}";
/// Stands for the topic prefix in a property.
const PREFIX_MARK: &str = "${prefix}";
/// The variant whose names have no suffix.
const DEFAULT: &str = "default";

/// Named properties of a connector.
pub(crate) struct Variant {
    /// Name of the file.
    pub(crate) name: String,
    properties: Vec<(String, String)>,
}

impl Variant {
    /// The variants of these names, in that order.
    pub(crate) fn all(folder: &Path, names: &[String]) -> Outcome<Vec<Self>> {
        names.iter().map(|name| Self::read(folder, name)).collect()
    }

    fn read(folder: &Path, name: &str) -> Outcome<Self> {
        let path = folder.join(format!("{name}.properties"));
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let properties = lines.map(|line| {
            let (key, value) = line.split_once('=').ok_or_else(|| format!("{name}: {line} is no property"))?;
            Ok((key.to_owned(), value.to_owned()))
        });
        Ok(Self { name: name.to_owned(), properties: properties.collect::<Outcome<_>>()? })
    }

    /// Follows the name of whatever each connector needs of its own.
    fn suffix(&self) -> String {
        if self.name == DEFAULT { String::new() } else { format!("_{}", self.name.replace('-', "_")) }
    }

    /// Slot of the connector.
    pub(crate) fn slot(&self) -> String {
        format!("debezium{}", self.suffix())
    }

    /// Topic prefix; Avro allows no dash in it.
    pub(crate) fn topic_prefix(&self, scenario: &str, major: u16) -> String {
        format!("{scenario}{major}{}", self.suffix())
    }

    /// A typical configuration with the properties of scenario and variant.
    pub(crate) fn configuration(
        &self,
        scenario: &Scenario,
        server: &dyn PostgresServer,
        registry: &dyn SchemaRegistry,
    ) -> Map<String, Value> {
        let prefix = self.topic_prefix(&scenario.name, server.major());
        let given = |value: &str| value.replace(REGISTRY_MARK, &registry.native_url()).replace(PREFIX_MARK, &prefix);
        let usual = [
            ("connector.class", "io.debezium.connector.postgresql.PostgresConnector"),
            ("database.hostname", server.host()),
            ("database.port", &server.port().to_string()),
            ("database.user", server.user()),
            ("database.dbname", "golden"),
            ("plugin.name", "pgoutput"),
            ("slot.name", &self.slot()),
            ("snapshot.mode", "no_data"),
            ("topic.prefix", &prefix),
            ("poll.interval.ms", "50"),
            ("errors.max.retries", "0"),
        ];
        let own = scenario.properties.iter().chain(&self.properties);
        let own = own.map(|(key, value)| (key.as_str(), value.as_str()));
        let all = usual.into_iter().chain(own);
        all.map(|(key, value)| (key.to_owned(), Value::from(given(value)))).collect()
    }
}
