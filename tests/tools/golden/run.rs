//! Records one scenario under all its variants: one cluster, one write-ahead log, one slot for each variant.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use walcast::local::{PostgresServer, SchemaRegistry};

use super::chunks::Chunks;
use super::copies;
use super::debezium::{Connector, Debezium, Oracle};
use super::records::Recording;
use super::scenario::Scenario;
use super::schemas::{Form, Schemas};
use super::session::{self, Session};
use super::taken;
use super::topics::Topics;
use super::variant::Variant;
use crate::Outcome;

/// What Java before 19 makes of 1e23: its digits are not the shortest ones.
const OLD_JAVA_DIGITS: &str = "9.999999999999999E22";

/// A scenario under way: every connector streams, the slots for the frames exist.
pub(crate) struct Run<'r> {
    oracle: &'r Oracle<'r>,
    session: Session<'r>,
    topics: Topics,
    scenario: &'r Scenario,
    debezium: Debezium<'r>,
    facts: Vec<String>,
    copies: Vec<String>,
    chunks: Chunks,
}

impl<'r> Run<'r> {
    pub(crate) fn begin(
        oracle: &'r Oracle<'r>,
        server: &dyn PostgresServer,
        scenario: &'r Scenario,
        variants: &[Variant],
    ) -> Outcome<Self> {
        let session = Session::with_new_database(oracle.runtime, server)?;
        scenario.prepare(&session)?;
        let facts = vec![facts_of(&session)?];
        let topics = Topics::new(oracle.kafka.bootstrap())?;
        let debezium = Debezium::start(oracle, &session, server, scenario, variants)?;
        let copies = copies::of(oracle.runtime, &debezium.connectors)?;
        session.create_slot("golden")?;
        session.create_slot("golden_binary")?;
        Ok(Self { oracle, session, topics, scenario, debezium, facts, copies, chunks: Chunks::default() })
    }

    /// Runs the workload and writes everything down; tells the number of records.
    pub(crate) fn record(mut self, folder: &Path) -> Outcome<String> {
        let Self { oracle, session, topics, debezium, facts, scenario, chunks, .. } = &mut self;
        scenario.perform(
            session,
            |barrier| debezium.pass(barrier, topics),
            || {
                facts.push(facts_of(session)?);
                Ok(())
            },
            |snapshots| {
                taken::wait(debezium, snapshots, topics)?;
                let connector = debezium.connectors.first().ok_or("no variant is wanted")?;
                chunks.read(oracle.runtime, session, connector)
            },
        )?;
        self.copies.append(&mut self.chunks.copies);
        let frames = self.session.frames("golden", "")?;
        let binary_frames = self.session.frames("golden_binary", ", 'binary', 'true'")?;
        self.debezium.tell_of(session::transactions(&frames)?, &self.topics)?;
        self.debezium.stop()?;
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        write_lines(&folder.join("frames.jsonl"), &frames)?;
        write_lines(&folder.join("frames-binary.jsonl"), &binary_frames)?;
        write_lines(&folder.join("facts.jsonl"), &self.facts)?;
        if !self.copies.is_empty() {
            write_lines(&folder.join("copies.jsonl"), &self.copies)?;
        }
        if !self.chunks.lines.is_empty() {
            write_lines(&folder.join("chunks.jsonl"), &self.chunks.lines)?;
        }
        let connectors = self.debezium.connectors.iter();
        let told = connectors.map(|connector| self.write(connector, &folder.join(&connector.variant)));
        Ok(told.collect::<Outcome<Vec<_>>>()?.join(", "))
    }

    fn write(&self, connector: &Connector, folder: &Path) -> Outcome<String> {
        let prefixes: Vec<String> = self.debezium.connectors.iter().map(|known| known.prefix.clone()).collect();
        let form =
            Form::of(connector.property("value.converter"), connector.property("value.converter.schemas.enable"));
        let mut schemas = Schemas::new(form, self.oracle.registry);
        let raw = self.topics.read(&self.topics.of(&connector.prefix, &prefixes)?)?;
        let recording = Recording::of(&raw, &mut schemas)?;
        let records: Vec<String> = recording.records.iter().map(Value::to_string).collect();
        if records.iter().any(|record| record.contains(OLD_JAVA_DIGITS)) {
            return Err("Debezium ran on a Java before 19: set JAVA_HOME to a newer one".into());
        }
        fs::create_dir_all(folder)?;
        write_lines(&folder.join("records.jsonl"), &records)?;
        let schemas = schemas.lines();
        if !schemas.is_empty() {
            write_lines(&folder.join("schemas.jsonl"), &schemas)?;
        }
        write_pretty(&folder.join("common.json"), &recording.common)?;
        let configuration = without_addresses(connector.configuration.clone(), self.oracle.registry);
        write_pretty(&folder.join("connector.json"), &Value::Object(configuration))?;
        Ok(format!("{} {}", connector.variant, records.len()))
    }
}

/// Tables and types as the catalog has them now.
fn facts_of(session: &Session<'_>) -> Outcome<String> {
    let facts = session.one(include_str!("facts.sql"))?.ok_or("no facts")?;
    Ok(facts.replace('\n', " "))
}

/// The configuration as it is recorded: where the servers were matters to nobody.
fn without_addresses(mut configuration: Map<String, Value>, registry: &dyn SchemaRegistry) -> Map<String, Value> {
    for value in configuration.values_mut() {
        let text = value.as_str().unwrap_or_default();
        *value = Value::from(text.replace(registry.address(), "127.0.0.1:8080"));
    }
    configuration.insert("database.hostname".to_owned(), Value::from("127.0.0.1"));
    configuration.insert("database.port".to_owned(), Value::from("5432"));
    configuration
}

fn write_lines(path: &Path, lines: &[String]) -> Outcome<()> {
    Ok(fs::write(path, lines.join("\n") + "\n")?)
}

fn write_pretty(path: &Path, value: &Value) -> Outcome<()> {
    Ok(fs::write(path, serde_json::to_string_pretty(value)? + "\n")?)
}
