//! Debezium in walcast's place, with the same configurations.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use walcast::local::{Connect, ConnectOptions};

use super::database::Database;
use super::source::{Source, streams};
use super::stage::{Stage, wait};
use super::topics::Topics;
use crate::Outcome;

const PATIENCE: Duration = Duration::from_secs(120);
/// Topics that have not grown for so long are complete.
const QUIET: Duration = Duration::from_secs(8);
/// Not in any public package registry.
const CONFLUENT_CONVERTER: &str = "io.confluent.connect.avro.AvroConverter";
/// Writes the same bytes where it is told to.
const APICURIO_CONVERTER: &str = "io.apicurio.registry.utils.converter.AvroConverter";

/// A worker with a connector for each consumer.
pub(crate) struct Debezium {
    connect: Connect,
    connectors: Vec<Map<String, Value>>,
    topics: Topics,
}

impl Debezium {
    pub(crate) fn start(stage: &Stage<'_>, connectors: Vec<Map<String, Value>>) -> Outcome<Self> {
        let options = ConnectOptions { heap_mib: 900, ..ConnectOptions::default() }.with_apicurio_converters();
        let connect = stage.servers.connect(stage.kafka.bootstrap(), &options)?;
        let native_url = stage.registry.map(|registry| registry.native_url()).unwrap_or_default();
        let mut debezium = Self { connect, connectors, topics: Topics::new(stage.kafka.bootstrap()) };
        for connector in &mut debezium.connectors {
            with_obtainable_converters(connector, &native_url);
            debezium.connect.create(name(connector), connector)?;
        }
        Ok(debezium)
    }

    fn wait(&self, what: &str, condition: impl Fn(&str) -> Outcome<bool>) -> Outcome<()> {
        for connector in &self.connectors {
            let told = || format!("the connector {} {what}\n{}", name(connector), self.connect.log_tail());
            wait(told, PATIENCE, || {
                let status = self.connect.status(name(connector))?;
                match status["tasks"][0]["state"] == "FAILED" {
                    true => Err(status["tasks"][0]["trace"].as_str().unwrap_or_default().into()),
                    false => condition(name(connector)),
                }
            })?;
        }
        Ok(())
    }
}

impl Source for Debezium {
    fn wait_until_streaming(&mut self, source: &Database<'_>) -> Outcome<()> {
        self.wait("streams", |slot| streams(source, slot))
    }

    /// Its slots confirm a transaction only with a later one, so it is the topics that are waited for.
    fn finish(&mut self, _: &Database<'_>, _: &str) -> Outcome<()> {
        for connector in &self.connectors {
            let prefix = format!("{}.", connector.get("topic.prefix").and_then(Value::as_str).unwrap_or_default());
            let mut last = (0, Instant::now());
            let told = || format!("the topics of {prefix} no longer grow");
            wait(told, PATIENCE, || {
                let records = self.topics.records(&prefix)?;
                if records != last.0 {
                    last = (records, Instant::now());
                }
                Ok(records > 0 && last.1.elapsed() > QUIET)
            })?;
        }
        self.connectors.iter().try_for_each(|connector| Ok(self.connect.delete(name(connector))?))
    }
}

/// Of the connector and of its slot.
fn name(connector: &Map<String, Value>) -> &str {
    connector.get("slot.name").and_then(Value::as_str).unwrap_or_default()
}

/// Replaces Confluent's converter.
fn with_obtainable_converters(connector: &mut Map<String, Value>, native_url: &str) {
    for side in ["key", "value"] {
        let class = format!("{side}.converter");
        if connector.get(&class).and_then(Value::as_str) != Some(CONFLUENT_CONVERTER) {
            continue;
        }
        connector.retain(|name, _| !name.starts_with(&format!("{class}.")));
        connector.insert(class.clone(), APICURIO_CONVERTER.into());
        let properties = [
            ("apicurio.registry.url", native_url),
            ("apicurio.registry.auto-register", "true"),
            ("apicurio.registry.as-confluent", "true"),
            ("apicurio.registry.use-id", "contentId"),
            ("apicurio.registry.headers.enabled", "false"),
        ];
        connector.extend(properties.map(|(name, value)| (format!("{class}.{name}"), Value::from(value))));
    }
}
