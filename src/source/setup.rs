//! Brings the publication to what the configuration asks for, before a slot is made.

use super::capture::CaptureFilter;
use super::ident::QuotedIdent;
use super::publication::{self, Plan, Refusal, Situation};
use super::sql::{Sql, field};
use super::tables;
use crate::config::{Autocreate, Connector};
use crate::error::{Error, Kind, Result};

/// What was done to the publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicationOutcome {
    /// It was there and serves.
    Kept,
    /// It was made.
    Created,
    /// Its tables were changed.
    Changed,
}

/// Makes or changes the publication as `publication.autocreate.mode` says. To be called at every start, and always
/// before a slot is made. Safe to repeat, and safe against another process that does the same.
///
/// # Errors
/// Publication missing, preflight (nothing captured, privileges, an all-tables publication with `filtered`), and
/// what a server answer maps to.
///
/// # Cancel safety
/// Either all statements have taken effect or none.
pub async fn ensure_publication(
    sql: &Sql,
    connector: &Connector,
    filter: &CaptureFilter,
) -> Result<PublicationOutcome> {
    let name = &connector.publication.name;
    let mut session = sql.session().await?;
    let plan = {
        let transaction = session.read_only().await?;
        let recovery = transaction.query_one("SELECT pg_is_in_recovery() AS in_recovery", &[]).await?;
        let existing = publication::read(&transaction, name).await?;
        // Only this mode looks at the tables, of which there may be very many.
        let tables = match connector.publication.autocreate {
            Autocreate::Filtered => tables::read(&transaction).await?,
            Autocreate::AllTables | Autocreate::Disabled | Autocreate::NoTables => Vec::new(),
        };
        publication::plan(&Situation {
            config: &connector.publication,
            skipped: connector.records.skipped,
            existing: existing.as_ref(),
            tables: &tables,
            filter,
            in_recovery: field(&recovery, "in_recovery")?,
        })
    };
    let (statements, outcome) = match plan {
        Plan::Keep => return Ok(PublicationOutcome::Kept),
        Plan::Refuse(refusal) => return Err(refused(refusal, name)),
        Plan::Create(statements) => (statements, PublicationOutcome::Created),
        Plan::Change(statements) => (statements, PublicationOutcome::Changed),
    };
    match session.execute_all(&statements).await {
        Ok(()) => {
            tracing::info!(publication = %name, ?outcome, "publication is set up");
            Ok(outcome)
        }
        Err(error) => {
            // Somebody else made it between our look and our statement: what counts is that it is there.
            let transaction = session.read_only().await?;
            if outcome == PublicationOutcome::Created && publication::read(&transaction, name).await?.is_some() {
                return Ok(PublicationOutcome::Kept);
            }
            let hint = format!("have a role with the privileges run: {};", statements.join("; "));
            Err(if error.kind() == Kind::Preflight { error.hint(hint) } else { error })
        }
    }
}

/// The error for a publication that cannot serve.
pub(super) fn refused(refusal: Refusal, name: &str) -> Error {
    let publication = QuotedIdent(name);
    match refusal {
        Refusal::Missing => Error::new(
            Kind::PublicationMissing,
            format!("publication {publication} does not exist and publication.autocreate.mode is disabled"),
        ),
        Refusal::MissingOnStandby => Error::new(
            Kind::PublicationMissing,
            format!("publication {publication} does not exist and a standby cannot make it"),
        )
        .hint("make it on the primary"),
        Refusal::DiffersOnStandby => Error::new(
            Kind::Preflight,
            format!("publication {publication} does not hold the captured tables and a standby cannot change it"),
        )
        .hint("change it on the primary, or set publication.autocreate.mode=disabled"),
        Refusal::NothingCaptured => Error::new(
            Kind::Preflight,
            format!("publication {publication} would hold no table: none passes the include and exclude lists"),
        )
        .hint("check table.include.list and the other lists, or create the tables first"),
        Refusal::AllTables => Error::new(
            Kind::Preflight,
            format!("publication {publication} is FOR ALL TABLES, but publication.autocreate.mode is filtered"),
        )
        .hint(format!(
            "set publication.autocreate.mode=all_tables or another publication.name, or: DROP PUBLICATION {publication};"
        )),
    }
}
