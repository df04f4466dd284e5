//! What rows wait for: facts of their relation, and records: numbers of their schemas, and a topic that is ready.
//!
//! Owns the waits between two frames. Must never let one of them fall silent towards the server or deaf to a stop.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use super::line::Line;
use super::{Shell, stop_ordered};
use crate::catalog::{OwnedRelation, RelationVersion};
use crate::encode::Encoder;
use crate::error::{Kind, Result};
use crate::pipeline::input::{Effect, Input};
use crate::pipeline::pump::Lacks;
use crate::pipeline::tables::SHARED_TOPIC_REMEDY;
use crate::sink::Sink;
use crate::source::facts;
use crate::source::preflight::{Report, Severity};

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

impl<S: Sink, F: FnMut() -> Result<S>> Shell<S, F> {
    /// Reads the facts of a relation, without which its rows cannot be decoded.
    pub(super) async fn learn(&mut self, line: &mut Line<'_>, relation: OwnedRelation) -> Result<()> {
        let sql = Arc::clone(&self.sql);
        let (id, xid) = (relation.id, self.pump.open_xid());
        let read = async move {
            match xid {
                Some(xid) => facts::of_relations_after(&sql, &[id], xid).await,
                None => facts::of_relations(&sql, &[id]).await,
            }
        };
        let facts = self.wait_alive(line, read).await?;
        if let Some(facts) = facts {
            let version = self.pump.learn(&relation, &facts);
            self.introduce(line, version).await?;
            self.was_busy();
        }
        Ok(())
    }

    /// Takes in a relation version before the first of its rows: it gets its number.
    pub(super) async fn introduce(&mut self, line: &mut Line<'_>, version: Arc<RelationVersion>) -> Result<()> {
        if self.pump.captures(&version) {
            let Some(number) = self.number(line, &version).await? else { return Ok(()) };
            self.pump.number(&version, number);
        }
        self.pump.introduce(&version, &self.metrics);
        Ok(())
    }

    /// Gets what the records lack that wait: the numbers of their schemas, then a topic that is ready.
    pub(super) async fn make_ready(&mut self, line: &mut Line<'_>, lacks: Lacks) -> Result<()> {
        if !self.register(line, &lacks.schemas).await? {
            return Ok(());
        }
        self.pump.take_numbers();
        match lacks.topic {
            Some(topic) => self.prepare(line, topic).await,
            None => Ok(()),
        }
    }

    /// Makes a topic ready for the records that wait for it.
    async fn prepare(&mut self, line: &mut Line<'_>, topic: Arc<str>) -> Result<()> {
        let prepared = self.sink.prepare(vec![Arc::clone(&topic)]);
        match self.wait_alive(line, async { Ok(prepared.await) }).await? {
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
        line: &mut Line<'_>,
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
                line.queue_status(&effect);
            }
            if !self.effects.is_empty() {
                return Ok(None);
            }
            line.flush().await?;
        }
    }
}
