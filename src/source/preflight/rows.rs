//! Findings about the rows that a snapshot is to read.

use std::collections::BTreeSet;

use super::Seen;
use super::published::named;
use super::report::{Check, Finding, Remedy};
use crate::config::Connector;
use crate::error::{Class, Kind, Result};
use crate::source::capture::SnapshotFilter;
use crate::source::ident::{QualifiedName, QuotedIdent};
use crate::source::sql::{connect, from_answer};

/// Judges whether the role may read what the snapshot reads: of the names under which changes are sent all that it may not,
/// at once.
pub(super) fn judge(seen: &Seen, connector: &Connector, sent: &BTreeSet<&QualifiedName>) -> Result<Vec<Finding>> {
    let snapshot = &connector.snapshot;
    if !snapshot.mode.reads_rows() {
        return Ok(Vec::new());
    }
    let filter = SnapshotFilter::new(connector)?;
    let mut findings = Vec::new();
    let is_read = |name: &QualifiedName| sent.contains(name) && filter.admits(&name.schema, &name.table);
    let unreadable: Vec<&QualifiedName> =
        seen.tables.iter().filter(|table| !table.readable && is_read(&table.name)).map(|table| &table.name).collect();
    if !unreadable.is_empty() {
        let role = QuotedIdent(&seen.role.name);
        let mut schemas: Vec<&str> = unreadable.iter().map(|name| name.schema.as_str()).collect();
        schemas.dedup();
        let usage = schemas.iter().map(|schema| format!("GRANT USAGE ON SCHEMA {} TO {role}", QuotedIdent(schema)));
        let tables: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
        let select = format!("GRANT SELECT ON {} TO {role}", tables.join(", "));
        findings.push(Finding::error(
            Check::SnapshotPrivilege,
            Kind::Preflight,
            format!("role {role} may not read the rows of {}, which snapshot.mode wants", named(&unreadable)),
            Some(Remedy::Sql(usage.chain([select]).collect())),
        ));
    }
    for query in &snapshot.overrides {
        let is_table = |name: &QualifiedName| format!("{}.{}", name.schema, name.table) == query.table;
        if !seen.tables.iter().any(|table| is_table(&table.name) && is_read(&table.name)) {
            findings.push(Finding::warning(
                Check::SnapshotQuery,
                format!("snapshot.select.statement.overrides names {}, which is no table that is read", query.table),
                Remedy::action("write it as schema.table, in the case that the catalog has, or leave it out"),
            ));
        }
    }
    Ok(findings)
}

/// Has the server parse the queries that are read in place of tables, with the names that they have for the role itself.
pub(super) async fn try_queries(connector: &Connector) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if connector.snapshot.overrides.is_empty() {
        return Ok(findings);
    }
    let live = connect(&connector.database, "-c statement_timeout=90000 -c default_transaction_read_only=on").await?;
    for one in &connector.snapshot.overrides {
        let query = &one.query;
        let tried = live.client.batch_execute(&format!("SELECT FROM ({query}\n) AS w LIMIT 0")).await;
        if let Err(error) = tried.map_err(from_answer) {
            if error.class() == Class::Transient {
                return Err(error);
            }
            findings.push(Finding::error(
                Check::SnapshotQuery,
                Kind::Preflight,
                format!("the query for {} cannot be run: {}", one.table, error.message()),
                Remedy::action(format!("mend snapshot.select.statement.overrides.{}", one.table)),
            ));
        }
    }
    Ok(findings)
}
