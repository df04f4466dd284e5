//! The wait for the schema registry.
//!
//! The first record under a schema waits until that has its number: for ever where the registry is away, while the server
//! is kept alive and the slot keeps what is not written.

use std::time::Duration;

use super::Shell;
use super::line::Line;
use crate::encode::SchemaText;
use crate::error::{Class, Error, Kind, Result};
use crate::observe::State;
use crate::pipeline::backoff::{Backoff, Next};
use crate::pipeline::failure::gave_up;
use crate::registry::Registrar;
use crate::sink::Sink;
use crate::source::preflight::{Report, Severity};

/// How long the first look at the schema registry may take; it is asked again when a number is needed.
const REGISTRY_LOOK_PATIENCE: Duration = Duration::from_secs(5);

/// Adds to a report what is wrong with the schema registry. One that does not answer may come.
pub(super) async fn look_at_registry(registrar: Option<&Registrar>, report: &mut Report) {
    let Some(registrar) = registrar else { return };
    let looked = tokio::time::timeout(REGISTRY_LOOK_PATIENCE, registrar.look()).await;
    let error = match looked {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error,
        Err(_) => Error::new(Kind::RegistryUnavailable, "the schema registry does not answer")
            .hint("check the converter's registry url; rows wait until it answers"),
    };
    let severity = if error.class() == Class::Transient { Severity::Warning } else { Severity::Error };
    let detail = error.detail_text().map(|detail| format!(": {detail}")).unwrap_or_default();
    let remedy = error.hint_text().unwrap_or_default().to_owned();
    report.add_sink_finding(severity, error.kind(), format!("{}{detail}", error.message()), remedy);
}

impl<S: Sink, F: FnMut() -> Result<S>> Shell<S, F> {
    /// Registers schemas, for as long as it takes. Gives false where the session came to its end meanwhile.
    pub(super) async fn register(&mut self, line: &mut Line<'_>, schemas: &[SchemaText]) -> Result<bool> {
        let Some(registrar) = self.registrar.clone().filter(|registrar| !registrar.knows(schemas)) else {
            return Ok(true);
        };
        let mut backoff = Backoff::new(self.connector.retries.clone(), fastrand::u64(..));
        loop {
            let registered = self.wait_alive(line, async { Ok(registrar.register(schemas).await) }).await?;
            let error = match registered {
                None => return Ok(false),
                Some(Ok(())) => break,
                Some(Err(error)) if error.class() != Class::Transient => return Err(error),
                Some(Err(error)) => error,
            };
            self.trouble(&error);
            self.metrics.status().enter(State::Reconnecting);
            let wait = match backoff.failed() {
                Next::After(wait) => wait,
                Next::GiveUp { attempts } => return Err(gave_up(attempts, error)),
            };
            let slept = async {
                tokio::time::sleep(wait).await;
                Ok(())
            };
            if self.wait_alive(line, slept).await?.is_none() {
                return Ok(false);
            }
        }
        if backoff.attempts() > 0 && !self.stopping {
            tracing::info!(retries = backoff.attempts(), "the schema registry answers again");
            self.metrics.status().enter(State::Streaming);
        }
        self.was_busy();
        Ok(true)
    }
}
