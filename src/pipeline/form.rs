//! In which form a session brings values: binary where that is safe for all that is captured, else text.
//!
//! Must never ask for binary again once it failed: what the stream still holds may make it fail again, at the same place.

use crate::catalog::facts::Facts;
use crate::config::{BinaryTransfer, Connector};
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
/// As [`binary::unfit_column`].
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
    match binary::unfit_column(sql, &connector.publication.name, &facts.types, &captured).await? {
        None => Ok(StreamForm::Binary),
        Some(unfit) => {
            tracing::info!(
                table = %unfit.table,
                column = unfit.column,
                "values come as text, because type {} has no binary form that is safe to read",
                unfit.type_name
            );
            Ok(StreamForm::Text)
        }
    }
}
