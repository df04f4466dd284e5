//! The servers of a run.

use std::time::{Duration, Instant};

use walcast::local::{KafkaBroker, PostgresServer, SchemaRegistry, Servers};

use crate::Outcome;

/// How often a condition is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What walcasts and consumers are given to work with.
pub(crate) struct Stage<'s> {
    pub(crate) servers: &'s Servers,
    pub(crate) kafka: &'s dyn KafkaBroker,
    /// Only where one of the consumers wants it.
    pub(crate) registry: Option<&'s dyn SchemaRegistry>,
    /// Holds the source and all targets.
    pub(crate) postgres: &'s dyn PostgresServer,
}

/// Waits for a condition, for some time.
pub(crate) fn wait(
    what: impl Fn() -> String,
    patience: Duration,
    mut condition: impl FnMut() -> Outcome<bool>,
) -> Outcome<()> {
    let deadline = Instant::now() + patience;
    while !condition()? {
        if Instant::now() >= deadline {
            return Err(format!("waited {} s in vain until {}", patience.as_secs(), what()).into());
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}
