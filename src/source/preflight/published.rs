//! Findings about the publication and its tables.

use std::collections::{BTreeSet, HashMap};

use super::Seen;
use super::report::{Check, Finding, Remedy};
use crate::config::{Autocreate, Connector, SkippedOperations};
use crate::error::Kind;
use crate::source::capture::CaptureFilter;
use crate::source::ident::{QualifiedName, QuotedIdent};
use crate::source::publication::{self, Operations, Plan, Refusal};
use crate::source::setup;
use crate::source::tables::Table;

/// So many tables are named in one finding; the rest are counted.
const TABLES_NAMED_MAX: usize = 20;

pub(super) fn judge(seen: &Seen, connector: &Connector, filter: &CaptureFilter, plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    match plan {
        Plan::Refuse(refusal) => findings.push(refused(*refusal, seen, connector, filter)),
        Plan::Create(statements) | Plan::Change(statements) => {
            findings.extend(privileges(seen, connector, filter, plan, statements));
        }
        Plan::Keep => {}
    }
    let sent = Sent::after(plan, seen, connector, filter);
    if *plan == Plan::Keep {
        findings.extend(kept(seen, connector, filter, &sent));
    }
    findings.extend(identities(seen, &sent));
    findings.extend(unlogged(seen, filter));
    findings
}

fn refused(refusal: Refusal, seen: &Seen, connector: &Connector, filter: &CaptureFilter) -> Finding {
    let error = setup::refused(refusal, &connector.publication.name);
    let remedy = match (refusal, error.hint_text()) {
        (Refusal::Missing | Refusal::MissingOnStandby, _) => {
            Remedy::sql(publication::create(&seen.situation(connector, filter)))
        }
        (_, Some(hint)) => Remedy::action(hint),
        (_, None) => None,
    };
    Finding::error(Check::Publication, error.kind(), error.message(), remedy)
}

/// What the role lacks to carry out the plan. One finding, whose remedy is the plan itself, for an administrator.
fn privileges(
    seen: &Seen,
    connector: &Connector,
    filter: &CaptureFilter,
    plan: &Plan,
    statements: &[String],
) -> Option<Finding> {
    let role = &seen.role;
    if role.superuser {
        return None;
    }
    let publication = QuotedIdent(&connector.publication.name);
    let creating = matches!(plan, Plan::Create(_));
    let mut lacks = Vec::new();
    if creating && !role.may_create {
        lacks.push(format!("CREATE on database {}", QuotedIdent(&seen.identity.database)));
    }
    if creating && connector.publication.autocreate == Autocreate::AllTables && !role.vendor_admin {
        lacks.push("superuser, which FOR ALL TABLES needs".to_owned());
    }
    if let Some(existing) = &seen.publication
        && !existing.owned
    {
        lacks.push(format!("ownership of publication {publication}"));
    }
    if connector.publication.autocreate == Autocreate::Filtered {
        let situation = seen.situation(connector, filter);
        let held = seen.publication.as_ref();
        let foreign: Vec<&QualifiedName> = situation
            .captured()
            .filter(|table| !table.owned && held.is_none_or(|held| !held.tables.contains(&table.oid)))
            .map(|table| &table.name)
            .collect();
        if !foreign.is_empty() {
            lacks.push(format!("ownership of {}", named(&foreign)));
        }
    }
    if lacks.is_empty() {
        return None;
    }
    let verb = if creating { "make" } else { "change" };
    Some(Finding::error(
        Check::PublicationPrivilege,
        Kind::Preflight,
        format!(
            "role {} cannot {verb} publication {publication}: it lacks {}",
            QuotedIdent(&role.name),
            lacks.join(", ")
        ),
        Some(Remedy::Sql(statements.to_vec())),
    ))
}

/// The names under which changes are sent, once the plan is carried out.
pub(super) fn names<'a>(
    plan: &Plan,
    seen: &'a Seen,
    connector: &Connector,
    filter: &CaptureFilter,
) -> BTreeSet<&'a QualifiedName> {
    Sent::after(plan, seen, connector, filter).names
}

/// What the publication sends once the plan is carried out.
struct Sent<'a> {
    /// Tables with rows whose changes are sent, by OID.
    leaves: BTreeSet<u32>,
    /// The names under which changes are sent: of the tables themselves, or of their roots.
    names: BTreeSet<&'a QualifiedName>,
    operations: Operations,
}

impl<'a> Sent<'a> {
    fn after(plan: &Plan, seen: &'a Seen, connector: &Connector, filter: &CaptureFilter) -> Self {
        let mode = connector.publication.autocreate;
        let existing = seen.publication.as_ref();
        let names = |table: &Table| match plan {
            Plan::Create(_) | Plan::Change(_) => match mode {
                Autocreate::AllTables => true,
                Autocreate::Filtered => filter.matches(&table.name.schema, &table.name.table),
                Autocreate::NoTables | Autocreate::Disabled => false,
            },
            Plan::Keep | Plan::Refuse(_) => existing.is_some_and(|existing| existing.names(table)),
        };
        let via_root =
            existing.map_or(connector.publication.via_partition_root, |existing| existing.via_partition_root);
        let by_oid: HashMap<u32, &Table> = seen.tables.iter().map(|table| (table.oid, table)).collect();
        let mut sent = Self {
            leaves: BTreeSet::new(),
            names: BTreeSet::new(),
            operations: existing
                .map_or_else(|| created_operations(connector.records.skipped), |existing| existing.operations),
        };
        for leaf in seen.tables.iter().filter(|table| !table.partitioned && !table.unlogged) {
            let lineage = std::iter::successors(Some(leaf), |table| by_oid.get(&table.parent?).copied());
            let Some(top) = lineage.filter(|table| names(table)).last() else { continue };
            sent.leaves.insert(leaf.oid);
            sent.names.insert(if via_root { &top.name } else { &leaf.name });
        }
        sent
    }
}

/// What a publication that we make sends: everything, unless `skipped.operations` was changed from its default.
const fn created_operations(skipped: SkippedOperations) -> Operations {
    let wanted = Operations::wanted(skipped);
    if wanted.insert && wanted.update && wanted.delete { Operations { truncate: true, ..wanted } } else { wanted }
}

/// Findings about a publication that is used as it is.
fn kept(seen: &Seen, connector: &Connector, filter: &CaptureFilter, sent: &Sent<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(existing) = &seen.publication else { return findings };
    let publication = QuotedIdent(&connector.publication.name);
    let captured = |name: &QualifiedName| filter.matches(&name.schema, &name.table);
    let missing: Vec<&QualifiedName> = seen
        .tables
        .iter()
        .filter(|table| !table.unlogged && captured(&table.name))
        // Of a partitioned table and its partitions only one side is ever sent under its name.
        .filter(|table| if existing.via_partition_root { table.parent.is_none() } else { !table.partitioned })
        .map(|table| &table.name)
        .filter(|name| !sent.names.contains(name))
        .collect();
    let addition =
        (!missing.is_empty()).then(|| format!("ALTER PUBLICATION {publication} ADD TABLE {}", listed(&missing, ", ")));
    if !sent.names.iter().any(|name| captured(name)) {
        findings.push(Finding::warning(
            Check::PublicationTables,
            format!("publication {publication} sends no table that passes the include and exclude lists"),
            addition.map(|statement| Remedy::Sql(vec![statement])).or_else(|| Remedy::action("check the lists")),
        ));
    } else if !connector.capture.table_include.is_empty() && !missing.is_empty() {
        findings.push(Finding::warning(
            Check::PublicationTables,
            format!("publication {publication} does not send {}, which table.include.list captures", named(&missing)),
            addition.map(|statement| Remedy::Sql(vec![statement])),
        ));
    }
    let lacking = Operations::wanted(connector.records.skipped).missing_in(existing.operations);
    if !lacking.is_empty() {
        let all = existing.operations.union(lacking);
        findings.push(Finding::warning(
            Check::PublicationOperations,
            format!("publication {publication} does not send {lacking}, which skipped.operations lets through"),
            Remedy::sql(format!("ALTER PUBLICATION {publication} SET (publish = '{all}')")),
        ));
    }
    let root = connector.publication.via_partition_root;
    if root != existing.via_partition_root && seen.tables.iter().any(|table| table.partitioned && captured(&table.name))
    {
        findings.push(Finding::warning(
            Check::PublicationRoot,
            format!(
                "publication {publication} has publish_via_partition_root = {}, but publish.via.partition.root is {root}",
                existing.via_partition_root
            ),
            Remedy::sql(format!("ALTER PUBLICATION {publication} SET (publish_via_partition_root = {root})")),
        ));
    }
    findings
}

/// Tables that the application cannot update or delete from once they are published, captured or not.
fn identities(seen: &Seen, sent: &Sent<'_>) -> Vec<Finding> {
    let verbs = match (sent.operations.update, sent.operations.delete) {
        (true, true) => "UPDATE and DELETE",
        (true, false) => "UPDATE",
        (false, true) => "DELETE",
        (false, false) => return Vec::new(),
    };
    let blocked = |with_key: bool| -> Vec<&QualifiedName> {
        seen.tables
            .iter()
            .filter(|table| sent.leaves.contains(&table.oid) && table.identity.blocks_updates())
            .filter(|table| table.key_serves == with_key)
            .map(|table| &table.name)
            .collect()
    };
    let mut findings = Vec::new();
    for (with_key, why, identity) in [
        (false, "has no primary key that serves as replica identity", "FULL"),
        (true, "has a primary key, but another replica identity, which does not serve", "DEFAULT"),
    ] {
        let tables = blocked(with_key);
        if tables.is_empty() {
            continue;
        }
        findings.push(Finding::warning(
            Check::ReplicaIdentity,
            format!("while published, {verbs} fail for the application on each table that {why}: {}", named(&tables)),
            Some(Remedy::Sql(
                tables
                    .iter()
                    .take(TABLES_NAMED_MAX)
                    .map(|name| format!("ALTER TABLE {name} REPLICA IDENTITY {identity}"))
                    .collect(),
            )),
        ));
    }
    findings
}

fn unlogged(seen: &Seen, filter: &CaptureFilter) -> Option<Finding> {
    let tables: Vec<&QualifiedName> = seen
        .tables
        .iter()
        .filter(|table| table.unlogged && filter.matches(&table.name.schema, &table.name.table))
        .map(|table| &table.name)
        .collect();
    if tables.is_empty() {
        return None;
    }
    let statements =
        tables.iter().take(TABLES_NAMED_MAX).map(|name| format!("ALTER TABLE {name} SET LOGGED")).collect();
    Some(Finding::warning(
        Check::UnloggedTables,
        format!("unlogged tables are captured by the lists but never sent: {}", named(&tables)),
        Some(Remedy::Sql(statements)),
    ))
}

/// The first few names, and how many more there are.
pub(super) fn named(tables: &[&QualifiedName]) -> String {
    let list = listed(tables, ", ");
    match tables.len().saturating_sub(TABLES_NAMED_MAX) {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

fn listed(tables: &[&QualifiedName], separator: &str) -> String {
    let names: Vec<String> = tables.iter().take(TABLES_NAMED_MAX).map(ToString::to_string).collect();
    names.join(separator)
}
