//! In which form a session brings values: binary where that is safe for all that is captured, else text.
//!
//! Must never ask for binary again once it failed: what the stream still holds may make it fail again, at the same place.

use crate::catalog::facts::Facts;
use crate::catalog::{BinaryUse, OwnedRelation, binary_use};
use crate::config::{BinaryTransfer, Connector};
use crate::encode::holds_values;
use crate::error::Result;
use crate::observe::StreamForm;
use crate::source::binary;
use crate::source::capture::CaptureFilter;
use crate::source::sql::Sql;

/// First version whose pgoutput can send binary.
const BINARY: u32 = 140_000;

/// What this process knows of binary sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BinaryTried {
    /// None has failed.
    #[default]
    NotFailed,
    /// One had to be left.
    Failed,
}

/// Chooses the form of a session that is about to begin.
///
/// # Errors
/// As [`binary::unfit_tables`].
pub(super) async fn choose(
    connector: &Connector,
    sql: &Sql,
    tried: BinaryTried,
    server_version_num: u32,
    facts: &Facts,
) -> Result<StreamForm> {
    if connector.binary == BinaryTransfer::Never || tried == BinaryTried::Failed || server_version_num < BINARY {
        return Ok(StreamForm::Text);
    }
    let captured = CaptureFilter::new(&connector.capture)?;
    for relation in binary::unfit_tables(sql, &connector.publication.name, facts).await? {
        if let Some((column, type_name)) = unfit_column(&relation, connector, &captured, facts) {
            tracing::info!(
                table = format!("{}.{}", relation.schema, relation.table),
                column,
                "values come as text, because type {type_name} has no binary form that is safe to read"
            );
            return Ok(StreamForm::Text);
        }
    }
    Ok(StreamForm::Binary)
}

/// Name and type of the first column that a binary session cannot carry: one whose values records hold, or, in any table,
/// one at which the server itself fails.
fn unfit_column(
    relation: &OwnedRelation,
    connector: &Connector,
    captured: &CaptureFilter,
    facts: &Facts,
) -> Option<(String, String)> {
    let version = relation.completed(facts);
    let captured = captured.matches(&relation.schema, &relation.table);
    let unfit = relation.unfit_for_binary(&facts.types).find_map(|position| {
        let column = version.columns.get(position)?;
        let fails = binary_use(column.type_oid, &facts.types) == BinaryUse::MayStop;
        (fails || (captured && holds_values(&version, position, &connector.records))).then_some(column)
    })?;
    Some((unfit.name.clone(), unfit.declared.name.clone()))
}
