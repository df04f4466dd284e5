//! What rows wait for: facts of their relation, numbers of its schemas, and a topic that is ready.
//!
//! Owns the waits between two frames. Must never let one of them fall silent towards the server or deaf to a stop.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::{Shell, queue_status, stop_ordered};
use crate::catalog::{OwnedRelation, RelationVersion};
use crate::encode::{Encoder, SchemaText, Standing};
use crate::error::{Class, Error, Kind, Result};
use crate::observe::State;
use crate::pipeline::backoff::{Backoff, Next};
use crate::pipeline::failure::gave_up;
use crate::pipeline::input::{Effect, Input};
use crate::pipeline::tables::SHARED_TOPIC_REMEDY;
use crate::registry::Registrar;
use crate::sink::Sink;
use crate::source::facts;
use crate::source::preflight::{Report, Severity};
use crate::wire::CopyBoth;

/// The topics of the captured tables and of the records that are certain to come beside them. Tables whose records go to
/// one topic are told.
pub(super) fn topics(report: &mut Report, encoder: &Encoder) -> Vec<Arc<str>> {
    let mut owners: HashMap<Arc<str>, String> = HashMap::new();
    let mut topics: Vec<Arc<str>> = encoder.standing_topics().map(Arc::clone).collect();
    let reserved = topics.clone();
    let mut shared = Vec::new();
    for name in &report.captured {
        let topic = encoder.topic(&name.schema, &name.table);
        let table = format!("{}.{}", name.schema, name.table);
        if reserved.contains(&topic) {
            shared.push(format!("records of table {table} go to topic {topic}, which has records of another kind"));
        } else if let Some(other) = owners.get(&topic) {
            if !encoder.tells_tables_apart() {
                shared.push(format!("records of tables {other} and {table} go to one topic, {topic}"));
            }
        } else {
            owners.insert(Arc::clone(&topic), table);
            topics.push(topic);
        }
    }
    for what in shared {
        report.add_sink_finding(Severity::Warning, Kind::SinkRefused, what, SHARED_TOPIC_REMEDY.to_owned());
    }
    topics
}

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
    /// Reads the facts of a relation, without which its rows cannot be decoded.
    pub(super) async fn learn(&mut self, stream: &mut CopyBoth, relation: OwnedRelation) -> Result<()> {
        let sql = Arc::clone(&self.sql);
        let id = relation.id;
        let facts = self.wait_alive(stream, async move { facts::of_relations(&sql, &[id]).await }).await?;
        if let Some(facts) = facts {
            let version = self.pump.learn(&relation, &facts);
            self.introduce(stream, version).await?;
            self.was_busy();
        }
        Ok(())
    }

    /// Takes in a relation version before the first of its rows, once it has its number and its schemas are registered.
    pub(super) async fn introduce(&mut self, stream: &mut CopyBoth, version: Arc<RelationVersion>) -> Result<()> {
        if self.pump.captures(&version) {
            let Some(number) = self.number(stream, &version).await? else { return Ok(()) };
            self.pump.number(&version, number);
            if !self.register(stream, &self.pump.schemas(&version)).await? {
                return Ok(());
            }
        }
        self.pump.introduce(&version, &self.metrics);
        Ok(())
    }

    /// What a session waits for before its first frame: the numbers of relation versions, and the schemas of records that
    /// belong to no table.
    pub(super) async fn begin(&mut self, stream: &mut CopyBoth) -> Result<()> {
        self.read_history(stream).await?;
        self.register(stream, &self.pump.standing_schemas()).await.map(drop)
    }

    /// Registers the schemas of records that belong to no table, before the first of them.
    pub(super) async fn register_standing(&mut self, stream: &mut CopyBoth, kind: Standing) -> Result<()> {
        self.register(stream, &self.pump.standing_schemas_of(kind)).await.map(drop)
    }

    /// Registers schemas, for as long as it takes. Gives false where the session came to its end meanwhile.
    async fn register(&mut self, stream: &mut CopyBoth, schemas: &[SchemaText]) -> Result<bool> {
        let Some(registrar) = self.registrar.clone().filter(|registrar| !registrar.knows(schemas)) else {
            return Ok(true);
        };
        let mut backoff = Backoff::new(self.connector.retries.clone(), fastrand::u64(..));
        loop {
            let registered = self.wait_alive(stream, async { Ok(registrar.register(schemas).await) }).await?;
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
            if self.wait_alive(stream, slept).await?.is_none() {
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

    /// Makes a topic ready for the records that wait for it.
    pub(super) async fn prepare(&mut self, stream: &mut CopyBoth, topic: Arc<str>) -> Result<()> {
        let prepared = self.sink.prepare(vec![Arc::clone(&topic)]);
        match self.wait_alive(stream, async { Ok(prepared.await) }).await? {
            // A sink that has failed meanwhile vouches for nothing: the next one looks for itself.
            Some(Ok(())) if !self.sink_failed => self.pump.topic_prepared(&topic),
            Some(Ok(())) => {}
            Some(Err(error)) => self.sink_lost(error),
            None => return Ok(()),
        }
        self.was_busy();
        Ok(())
    }

    /// Whatever took its time here was not the server's silence.
    pub(super) fn was_busy(&mut self) {
        self.apply(Input::Received(self.core.received()));
    }

    /// Waits for something slow without falling silent towards the server, nor deaf to an order to stop. Gives
    /// nothing where the session came to its end meanwhile.
    pub(super) async fn wait_alive<T>(
        &mut self,
        stream: &mut CopyBoth,
        slow: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>> {
        let mut slow = std::pin::pin!(slow);
        loop {
            let wake = self.wake();
            tokio::select! {
                biased;
                patience = stop_ordered(&mut self.stop), if !self.stopping => self.stop(patience),
                done = &mut slow => return done.map(Some),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            // Nothing is read here, so the server's silence is ours.
            self.apply(Input::Received(self.core.received()));
            self.settle();
            for effect in self.effects.extract_if(.., |effect| matches!(effect, Effect::Status { .. })) {
                queue_status(stream, &effect);
            }
            if !self.effects.is_empty() {
                return Ok(None);
            }
            stream.flush().await?;
        }
    }
}
