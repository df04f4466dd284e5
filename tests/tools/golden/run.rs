//! One scenario under all its variants: one cluster, one write-ahead log, one slot for each variant.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use walcast::local::{Connect, KafkaBroker, PostgresServer, SchemaRegistry};

use super::records::Topics;
use super::scenario::{Scenario, changes_catalog, is_barrier};
use super::schemas::{Form, Schemas};
use super::session::Session;
use super::variant::{Variant, without_addresses};
use crate::Outcome;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How often a connector that is waited for is asked whether it failed.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);
/// What Java before 19 makes of 1e23: its digits are not the shortest ones.
const OLD_JAVA_DIGITS: &str = "9.999999999999999E22";
/// A pgoutput message that begins a transaction, in hexadecimal.
const BEGIN: &str = "\"data\" : \"42";

/// What Debezium runs in.
pub(crate) struct Oracle<'r> {
    pub(crate) runtime: &'r Runtime,
    pub(crate) connect: &'r Connect,
    pub(crate) kafka: &'r dyn KafkaBroker,
    pub(crate) registry: &'r dyn SchemaRegistry,
}

/// One of Debezium's connectors.
struct Connector {
    /// Of the connector and of the folder.
    variant: String,
    slot: String,
    prefix: String,
    configuration: Map<String, Value>,
}

impl Connector {
    fn property(&self, name: &str) -> Option<&str> {
        self.configuration.get(name).and_then(Value::as_str)
    }

    fn topic(&self, schema: &str, table: &str) -> String {
        [&self.prefix, schema, table].join(self.property("topic.delimiter").unwrap_or("."))
    }

    fn form(&self) -> Form {
        Form::of(self.property("value.converter"), self.property("value.converter.schemas.enable"))
    }
}

/// A scenario under way: every connector streams, the slots for the frames exist.
pub(crate) struct Run<'r> {
    oracle: &'r Oracle<'r>,
    session: Session<'r>,
    topics: Topics,
    scenario: &'r Scenario,
    connectors: Vec<Connector>,
    facts: Vec<String>,
    is_over: bool,
}

impl<'r> Run<'r> {
    pub(crate) fn begin(
        oracle: &'r Oracle<'r>,
        server: &dyn PostgresServer,
        scenario: &'r Scenario,
        variants: &[Variant],
    ) -> Outcome<Self> {
        let session = Session::with_new_database(oracle.runtime, server)?;
        session.execute("CREATE TABLE barrier (id int PRIMARY KEY)")?;
        for statement in &scenario.setup {
            session.execute(statement).map_err(|error| format!("{statement}: {error}"))?;
        }
        let facts = vec![session.facts()?];
        let connector = |variant: &Variant| Connector {
            variant: variant.name.clone(),
            slot: variant.slot(),
            prefix: variant.topic_prefix(&scenario.name, server.major()),
            configuration: variant.configuration(scenario, server, oracle.registry),
        };
        let connectors: Vec<Connector> = variants.iter().map(connector).collect();
        let topics = Topics::new(oracle.kafka.bootstrap())?;
        let run = Self { oracle, session, topics, scenario, connectors, facts, is_over: false };
        run.start_connectors()?;
        run.session.create_slot("golden")?;
        run.session.create_slot("golden_binary")?;
        Ok(run)
    }

    /// The first connector makes the publication, then the others start at the same time.
    fn start_connectors(&self) -> Outcome<()> {
        let (first, others) = self.connectors.split_first().ok_or("no variant to record")?;
        self.each(std::slice::from_ref(first), |name, connector| {
            self.oracle.connect.create(name, &connector.configuration)
        })?;
        self.each(others, |name, connector| self.oracle.connect.create(name, &connector.configuration))?;
        for connector in &self.connectors {
            // A slot is active while it is made, too, and then does not hold yet what is written.
            let state = format!(
                "SELECT r.state FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid
                  WHERE s.slot_name = '{}'",
                connector.slot
            );
            self.wait("streams", connector, || Ok(self.session.one(&state)?.as_deref() == Some("streaming")))?;
        }
        Ok(())
    }

    /// Does the same to several connectors at the same time.
    fn each(
        &self,
        connectors: &[Connector],
        what: impl Fn(&str, &Connector) -> walcast::error::Result<()> + Sync,
    ) -> Outcome<()> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = connectors
                .iter()
                .map(|connector| {
                    let what = &what;
                    scope.spawn(move || what(&self.name(connector), connector).map_err(|error| error.report()))
                })
                .collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
        })?;
        Ok(())
    }

    fn name(&self, connector: &Connector) -> String {
        format!("{}-{}", self.scenario.name, connector.variant)
    }

    /// Runs the workload and writes everything down; tells the number of records.
    pub(crate) fn record(mut self, folder: &Path) -> Outcome<String> {
        let mut barriers = 0;
        for statement in &self.scenario.workload {
            let is_change = changes_catalog(statement);
            if is_change || is_barrier(statement) {
                barriers += 1;
                self.barrier(barriers)?;
            }
            // Some statements are there to be refused.
            if let Err(error) = self.session.execute(statement) {
                println!("refused: {statement}: {error}");
                self.session.execute("ROLLBACK")?;
            }
            if is_change {
                self.facts.push(self.session.facts()?);
            }
        }
        self.barrier(barriers + 1)?;
        let frames = self.session.frames("golden", "")?;
        let binary_frames = self.session.frames("golden_binary", ", 'binary', 'true'")?;
        self.wait_for_transactions(&frames)?;
        self.each(&self.connectors, |name, _| self.oracle.connect.delete(name))?;
        self.is_over = true;
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        write_lines(&folder.join("frames.jsonl"), &frames)?;
        write_lines(&folder.join("frames-binary.jsonl"), &binary_frames)?;
        write_lines(&folder.join("facts.jsonl"), &self.facts)?;
        let told = self.connectors.iter().map(|connector| self.write(connector, &folder.join(&connector.variant)));
        Ok(told.collect::<Outcome<Vec<_>>>()?.join(", "))
    }

    /// The last transaction's end has a topic of its own, for which the barrier does not wait.
    fn wait_for_transactions(&self, frames: &[String]) -> Outcome<()> {
        let transactions = frames.iter().filter(|frame| frame.contains(BEGIN)).count();
        let expected = i64::try_from(transactions * 2)?;
        for connector in &self.connectors {
            if connector.property("provide.transaction.metadata") == Some("true") {
                let topic = format!("{}.transaction", connector.prefix);
                self.wait("has written the last transaction's end", connector, || {
                    Ok(self.topics.count(&topic) >= expected)
                })?;
            }
        }
        Ok(())
    }

    fn write(&self, connector: &Connector, folder: &Path) -> Outcome<String> {
        let prefixes: Vec<String> = self.connectors.iter().map(|connector| connector.prefix.clone()).collect();
        let mut schemas = Schemas::new(connector.form(), self.oracle.registry);
        let recording = self.topics.read(&self.topics.of(&connector.prefix, &prefixes)?, &mut schemas)?;
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

    /// Inserts a row and waits until each connector has written it, so that it reads the catalog of this moment.
    fn barrier(&self, number: i64) -> Outcome<()> {
        self.session.execute(&format!("INSERT INTO public.barrier VALUES ({number})"))?;
        for connector in &self.connectors {
            let topic = connector.topic("public", "barrier");
            self.wait("has caught up", connector, || Ok(self.topics.count(&topic) >= number))?;
        }
        Ok(())
    }

    fn wait(&self, what: &str, connector: &Connector, mut condition: impl FnMut() -> Outcome<bool>) -> Outcome<()> {
        let start = Instant::now();
        let mut next_look = start + STATUS_INTERVAL;
        while !condition()? {
            let now = Instant::now();
            if now >= next_look {
                self.check(what, connector, now - start > PATIENCE)?;
                next_look = now + STATUS_INTERVAL;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    /// A task that failed is an error at once, one that still runs only when the time is over.
    fn check(&self, what: &str, connector: &Connector, is_over: bool) -> Outcome<()> {
        let name = self.name(connector);
        let status = self.oracle.connect.status(&name)?;
        let task = &status["tasks"][0];
        if is_over || task["state"] == json!("FAILED") {
            let trace = task["trace"].as_str().unwrap_or_default();
            let log = self.oracle.connect.log_tail() + "\n" + &self.oracle.registry.log_tail();
            return Err(format!("waited in vain until {name} {what}: {}\n{trace}\n{log}", task["state"]).into());
        }
        Ok(())
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // After a failure they would go on to look for their database.
        if !self.is_over {
            let _ = self.each(&self.connectors, |name, _| self.oracle.connect.delete(name));
        }
    }
}

fn write_lines(path: &Path, lines: &[String]) -> Outcome<()> {
    Ok(fs::write(path, lines.join("\n") + "\n")?)
}

fn write_pretty(path: &Path, value: &Value) -> Outcome<()> {
    Ok(fs::write(path, serde_json::to_string_pretty(value)? + "\n")?)
}
