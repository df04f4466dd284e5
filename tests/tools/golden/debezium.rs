//! Debezium's connectors for one scenario, one for each variant, in Kafka Connect.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use walcast::local::{Connect, KafkaBroker, PostgresServer, SchemaRegistry};

use super::scenario::Scenario;
use super::session::Session;
use super::topics::Topics;
use super::variant::Variant;
use crate::Outcome;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How often a connector that is waited for is asked whether it failed.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// What Debezium runs in.
pub(crate) struct Oracle<'r> {
    pub(crate) runtime: &'r Runtime,
    pub(crate) connect: &'r Connect,
    pub(crate) kafka: &'r dyn KafkaBroker,
    pub(crate) registry: &'r dyn SchemaRegistry,
}

/// A connector, Debezium's or walcast's.
pub(crate) struct Connector {
    /// Name of the variant.
    pub(crate) variant: String,
    pub(crate) slot: String,
    pub(crate) prefix: String,
    pub(crate) configuration: Map<String, Value>,
}

impl Connector {
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        self.configuration.get(name).and_then(Value::as_str)
    }

    /// Whether it has written the row of a barrier.
    pub(crate) fn has_passed(&self, barrier: i64, topics: &Topics) -> bool {
        let delimiter = self.property("topic.delimiter").unwrap_or(".");
        topics.count(&[&self.prefix, "public", "barrier"].join(delimiter)) >= barrier
    }

    /// Whether it has written the ends of so many transactions, for which barriers do not wait.
    pub(crate) fn has_told_of(&self, transactions: i64, topics: &Topics) -> bool {
        self.property("provide.transaction.metadata") != Some("true")
            || topics.count(&format!("{}.transaction", self.prefix)) >= 2 * transactions
    }
}

/// The connectors of one scenario, streaming.
pub(crate) struct Debezium<'r> {
    oracle: &'r Oracle<'r>,
    scenario: &'r str,
    pub(crate) connectors: Vec<Connector>,
    is_over: bool,
}

impl<'r> Debezium<'r> {
    /// The first connector makes the publication, then the others start at the same time.
    pub(crate) fn start(
        oracle: &'r Oracle<'r>,
        session: &Session<'_>,
        server: &dyn PostgresServer,
        scenario: &'r Scenario,
        variants: &[Variant],
    ) -> Outcome<Self> {
        let connector = |variant: &Variant| Connector {
            variant: variant.name.clone(),
            slot: variant.slot(),
            prefix: variant.topic_prefix(&scenario.name, server.major()),
            configuration: variant.configuration(scenario, server, oracle.registry),
        };
        let connectors = variants.iter().map(connector).collect();
        let debezium = Self { oracle, scenario: &scenario.name, connectors, is_over: false };
        let (first, others) = debezium.connectors.split_first().ok_or("no variant is wanted")?;
        debezium.each(std::slice::from_ref(first), |name, connector| {
            oracle.connect.create(name, &connector.configuration)
        })?;
        debezium.each(others, |name, connector| oracle.connect.create(name, &connector.configuration))?;
        for connector in &debezium.connectors {
            debezium.wait("streams", connector, || session.is_streaming(&connector.slot))?;
        }
        Ok(debezium)
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
        format!("{}-{}", self.scenario, connector.variant)
    }

    /// Waits until all connectors have written a barrier's row, so that they read the catalog of this moment.
    pub(crate) fn pass(&self, barrier: i64, topics: &Topics) -> Outcome<()> {
        self.connectors.iter().try_for_each(|connector| {
            self.wait("has caught up", connector, || Ok(connector.has_passed(barrier, topics)))
        })
    }

    /// Waits until all connectors have written the ends of so many transactions.
    pub(crate) fn tell_of(&self, transactions: i64, topics: &Topics) -> Outcome<()> {
        self.connectors.iter().try_for_each(|connector| {
            self.wait("has written the last transaction's end", connector, || {
                Ok(connector.has_told_of(transactions, topics))
            })
        })
    }

    pub(super) fn wait(
        &self,
        what: &str,
        connector: &Connector,
        condition: impl FnMut() -> Outcome<bool>,
    ) -> Outcome<()> {
        wait(condition, |is_over| self.check(what, connector, is_over))
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

    /// Deletes the connectors.
    pub(crate) fn stop(&mut self) -> Outcome<()> {
        self.each(&self.connectors, |name, _| self.oracle.connect.delete(name))?;
        self.is_over = true;
        Ok(())
    }
}

impl Drop for Debezium<'_> {
    fn drop(&mut self) {
        // After a failure they would go on to look for their database.
        if !self.is_over {
            let _ = self.stop();
        }
    }
}

/// Waits for a condition; `look` is asked now and then whether there is still hope, and told when the time is over.
pub(crate) fn wait(
    mut condition: impl FnMut() -> Outcome<bool>,
    mut look: impl FnMut(bool) -> Outcome<()>,
) -> Outcome<()> {
    let start = Instant::now();
    let mut next_look = start + STATUS_INTERVAL;
    while !condition()? {
        let now = Instant::now();
        if now >= next_look {
            look(now - start > PATIENCE)?;
            next_look = now + STATUS_INTERVAL;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}
