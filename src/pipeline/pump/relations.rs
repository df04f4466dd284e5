//! What the pump is told of relation versions, and what it says of them, before the first of their rows.

use std::sync::Arc;

use super::{Pump, Unfit};
use crate::catalog::facts::Facts;
use crate::catalog::{OwnedRelation, RelationVersion};
use crate::history::Number;
use crate::lsn::Position;
use crate::observe::{Metrics, StreamForm};
use crate::pgoutput::Xid;
use crate::pgtime::PgMicros;
use crate::pipeline::tables::{Capture, SHARED_TOPIC_REMEDY};

impl Pump {
    /// The transaction that is being read.
    pub fn open_xid(&self) -> Option<Xid> {
        self.assembler.open_xid()
    }

    /// Completes a relation with its facts.
    pub fn learn(&mut self, relation: &OwnedRelation, facts: &Facts) -> Arc<RelationVersion> {
        let version = self.assembler.learn(relation, facts);
        self.unfit = self.unfit(&version);
        version
    }

    /// The first column of a captured relation that the session's form cannot carry. Of columns that records have not, and
    /// of other relations, no value is read.
    pub(super) fn unfit(&self, relation: &RelationVersion) -> Option<Unfit> {
        if self.form == StreamForm::Text {
            return None;
        }
        let unfit = self.assembler.catalog().unfit_for_binary(relation.id);
        if unfit.is_empty() || !self.tables.captures(relation) {
            return None;
        }
        let column = unfit.iter().find(|&&position| self.encoder.holds_values(relation, position))?;
        let column = relation.columns.get(*column)?;
        Some(Unfit::Column {
            table: format!("{}.{}", relation.schema, relation.table),
            column: column.name.clone(),
            type_oid: column.type_oid,
        })
    }

    /// Whether changes of a relation version go on to the sink.
    #[must_use]
    pub fn captures(&self, relation: &RelationVersion) -> bool {
        self.tables.captures(relation)
    }

    /// Gives a relation version its number in the schema history, before it is introduced.
    pub fn number(&mut self, relation: &RelationVersion, number: Number) {
        self.encoder.number(relation, number.get());
    }

    /// Where the next change will stand, and when its transaction was committed.
    #[must_use]
    pub const fn next_change(&self) -> (Position, PgMicros) {
        (self.assembler.next_position(), self.commit_time)
    }

    /// Takes in a relation version.
    pub fn introduce(&mut self, relation: &Arc<RelationVersion>, metrics: &Metrics) {
        match self.tables.introduce(relation, metrics) {
            Capture::Excluded => {}
            Capture::Captured => {
                let topic = self.encoder.plan(relation);
                if let Some(other) = self.tables.set_topic(relation.id, &topic)
                    && !self.encoder.tells_tables_apart()
                {
                    tracing::warn!(
                        topic = &*topic,
                        table = format!("{}.{}", relation.schema, relation.table),
                        other = format!("{}.{}", other.schema, other.table),
                        remedy = SHARED_TOPIC_REMEDY,
                        "two tables share a topic"
                    );
                }
            }
        }
    }
}
