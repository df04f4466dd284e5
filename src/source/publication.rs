//! The publication: what it holds, and what has to be done so that it holds what is captured.
//!
//! Owns [`Plan`], decided by the pure `plan` and carried out by [`super::setup`]. The rules are Debezium's, with
//! two exceptions: unlogged tables, which cannot be published, do not make the whole publication fail, and a
//! changed set of tables is reached by ADD and DROP, because SET would silently remove row filters and column lists
//! of the tables that stay.
//! Source: Debezium's `PostgresReplicationConnection.initPublication`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tokio_postgres::types::Type;

use super::capture::CaptureFilter;
use super::ident::{QualifiedName, QuotedIdent};
use super::sql::{ReadOnly, ServerVersion, Sql, field};
use super::tables::Table;
use crate::config::{self, Autocreate, SkippedOperations};
use crate::error::Result;

/// A publication as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicationFacts {
    /// `FOR ALL TABLES`.
    pub all_tables: bool,
    /// What it publishes.
    pub operations: Operations,
    /// Changes of partitions are sent as changes of the root.
    pub via_partition_root: bool,
    /// Whether our role may change it.
    pub owned: bool,
    /// Tables that are named in it, by OID.
    pub tables: BTreeSet<u32>,
    /// Schemas of which it holds all tables, by OID, with their names (15 and later).
    pub schemas: BTreeMap<u32, String>,
}

/// Operations that a publication sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of four independent operations")]
pub struct Operations {
    /// INSERT
    pub insert: bool,
    /// UPDATE
    pub update: bool,
    /// DELETE
    pub delete: bool,
    /// TRUNCATE
    pub truncate: bool,
}

impl Default for Operations {
    fn default() -> Self {
        Self { insert: true, update: true, delete: true, truncate: true }
    }
}

impl Operations {
    /// What is left when `skipped.operations` are.
    #[must_use]
    pub const fn wanted(skipped: SkippedOperations) -> Self {
        Self { insert: !skipped.create, update: !skipped.update, delete: !skipped.delete, truncate: !skipped.truncate }
    }

    /// Those of `self` that `other` lacks.
    #[must_use]
    pub const fn missing_in(self, other: Self) -> Self {
        Self {
            insert: self.insert && !other.insert,
            update: self.update && !other.update,
            delete: self.delete && !other.delete,
            truncate: self.truncate && !other.truncate,
        }
    }

    /// Those of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            insert: self.insert || other.insert,
            update: self.update || other.update,
            delete: self.delete || other.delete,
            truncate: self.truncate || other.truncate,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        !(self.insert || self.update || self.delete || self.truncate)
    }
}

impl std::fmt::Display for Operations {
    /// As the publication parameter `publish` lists them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names =
            [(self.insert, "insert"), (self.update, "update"), (self.delete, "delete"), (self.truncate, "truncate")];
        let names: Vec<&str> = names.iter().filter(|(present, _)| *present).map(|(_, name)| *name).collect();
        f.write_str(&names.join(", "))
    }
}

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// It serves as it is.
    Keep,
    /// It does not exist and is made by these statements.
    Create(Vec<String>),
    /// It exists and is changed by these statements.
    Change(Vec<String>),
    /// It cannot serve.
    Refuse(Refusal),
}

/// Why a publication cannot serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not exist, and we are not to make it.
    Missing,
    /// It does not exist, and a standby cannot make it.
    MissingOnStandby,
    /// It does not hold the captured tables, and a standby cannot change it.
    DiffersOnStandby,
    /// `filtered`, and no table is captured.
    NothingCaptured,
    /// `filtered`, and it is FOR ALL TABLES.
    AllTables,
}

/// Reads a publication; `None` where it does not exist.
///
/// # Errors
/// Connection, server unavailable, and what a server answer maps to.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn facts(sql: &Sql, name: &str) -> Result<Option<PublicationFacts>> {
    let mut session = sql.session().await?;
    let transaction = session.read_only().await?;
    read(&transaction, name).await
}

pub(super) async fn read(transaction: &ReadOnly<'_>, name: &str) -> Result<Option<PublicationFacts>> {
    // Columns that a version lacks are absent from the row's JSON form.
    let statement = "
        SELECT p.oid, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete,
               COALESCE((to_jsonb(p) ->> 'pubtruncate')::bool, false) AS pubtruncate,
               COALESCE((to_jsonb(p) ->> 'pubviaroot')::bool, false) AS pubviaroot,
               pg_has_role(p.pubowner, 'USAGE') AS owned,
               ARRAY(SELECT r.prrelid FROM pg_publication_rel r WHERE r.prpubid = p.oid) AS tables
          FROM pg_publication p WHERE p.pubname = $1";
    let Some(row) = transaction.query_first(statement, &[(&name, Type::TEXT)]).await? else { return Ok(None) };
    let mut schemas = BTreeMap::new();
    if transaction.version() >= ServerVersion(150_000) {
        let oid: u32 = field(&row, "oid")?;
        let statement = "
            SELECT n.oid, n.nspname::text AS name
              FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = $1";
        for row in transaction.query(statement, &[(&oid, Type::OID)]).await? {
            schemas.insert(field(&row, "oid")?, field(&row, "name")?);
        }
    }
    Ok(Some(PublicationFacts {
        all_tables: field(&row, "puballtables")?,
        operations: Operations {
            insert: field(&row, "pubinsert")?,
            update: field(&row, "pubupdate")?,
            delete: field(&row, "pubdelete")?,
            truncate: field(&row, "pubtruncate")?,
        },
        via_partition_root: field(&row, "pubviaroot")?,
        owned: field(&row, "owned")?,
        tables: field::<Vec<u32>>(&row, "tables")?.into_iter().collect(),
        schemas,
    }))
}

impl PublicationFacts {
    /// Whether it names a table, its schema, or everything. A partition may be in it by its root alone.
    pub(super) fn names(&self, table: &Table) -> bool {
        !table.unlogged
            && (self.all_tables || self.tables.contains(&table.oid) || self.schemas.contains_key(&table.schema_oid))
    }
}

/// What a plan is made from.
pub(super) struct Situation<'a> {
    pub(super) config: &'a config::Publication,
    pub(super) skipped: SkippedOperations,
    pub(super) existing: Option<&'a PublicationFacts>,
    /// All tables of the database.
    pub(super) tables: &'a [Table],
    pub(super) filter: &'a CaptureFilter,
    pub(super) in_recovery: bool,
}

impl<'a> Situation<'a> {
    /// The tables that `filtered` wants in the publication.
    pub(super) fn captured(&self) -> impl Iterator<Item = &'a Table> {
        let filter = self.filter;
        self.tables.iter().filter(move |table| !table.unlogged && filter.matches(&table.name.schema, &table.name.table))
    }
}

/// Decides what has to be done with the publication.
pub(super) fn plan(situation: &Situation<'_>) -> Plan {
    let mode = situation.config.autocreate;
    match (situation.existing, mode) {
        (None, Autocreate::Disabled) => Plan::Refuse(Refusal::Missing),
        (None, Autocreate::Filtered) if situation.captured().next().is_none() => Plan::Refuse(Refusal::NothingCaptured),
        (None, _) if situation.in_recovery => Plan::Refuse(Refusal::MissingOnStandby),
        (None, _) => Plan::Create(vec![create(situation)]),
        (Some(_), Autocreate::AllTables | Autocreate::Disabled | Autocreate::NoTables) => Plan::Keep,
        (Some(existing), Autocreate::Filtered) if existing.all_tables => Plan::Refuse(Refusal::AllTables),
        (Some(existing), Autocreate::Filtered) => {
            if situation.captured().next().is_none() {
                return Plan::Refuse(Refusal::NothingCaptured);
            }
            let statements = change(situation, existing);
            if statements.is_empty() {
                Plan::Keep
            } else if situation.in_recovery {
                Plan::Refuse(Refusal::DiffersOnStandby)
            } else {
                Plan::Change(statements)
            }
        }
    }
}

/// The statement that makes the publication.
pub(super) fn create(situation: &Situation<'_>) -> String {
    let mut statement = format!("CREATE PUBLICATION {}", QuotedIdent(&situation.config.name));
    match situation.config.autocreate {
        Autocreate::AllTables => statement.push_str(" FOR ALL TABLES"),
        Autocreate::Filtered | Autocreate::Disabled => {
            let names = situation.captured().map(|table| &table.name);
            let list = joined(names);
            if !list.is_empty() {
                let _ = write!(statement, " FOR TABLE {list}");
            }
        }
        Autocreate::NoTables => {}
    }
    let mut parameters = Vec::new();
    if situation.config.via_partition_root {
        parameters.push("publish_via_partition_root = true".to_owned());
    }
    // By default only TRUNCATE is skipped; that is done on our side, as Debezium does where nothing is set.
    let by_default = SkippedOperations { create: false, update: false, delete: false, truncate: true };
    if situation.skipped != by_default {
        parameters.push(format!("publish = '{}'", Operations::wanted(situation.skipped)));
    }
    if !parameters.is_empty() {
        let _ = write!(statement, " WITH ({})", parameters.join(", "));
    }
    statement
}

/// The statements that bring the publication from the tables it holds to those that are captured.
fn change(situation: &Situation<'_>, existing: &PublicationFacts) -> Vec<String> {
    let publication = QuotedIdent(&situation.config.name);
    let wanted: BTreeSet<u32> = situation.captured().map(|table| table.oid).collect();
    let held: BTreeSet<u32> =
        situation.tables.iter().filter(|table| existing.names(table)).map(|table| table.oid).collect();
    if wanted == held {
        return Vec::new();
    }
    let named = |keep: &dyn Fn(&Table) -> bool| {
        joined(situation.tables.iter().filter(|table| keep(table)).map(|table| &table.name))
    };
    let added = named(&|table| wanted.contains(&table.oid) && !existing.tables.contains(&table.oid));
    let dropped = named(&|table| !wanted.contains(&table.oid) && existing.tables.contains(&table.oid));
    let mut statements = Vec::new();
    if !existing.schemas.is_empty() {
        let schemas: Vec<String> = existing.schemas.values().map(|name| QuotedIdent(name).to_string()).collect();
        statements.push(format!("ALTER PUBLICATION {publication} DROP TABLES IN SCHEMA {}", schemas.join(", ")));
    }
    if !added.is_empty() {
        statements.push(format!("ALTER PUBLICATION {publication} ADD TABLE {added}"));
    }
    if !dropped.is_empty() {
        statements.push(format!("ALTER PUBLICATION {publication} DROP TABLE {dropped}"));
    }
    statements
}

fn joined<'a>(names: impl Iterator<Item = &'a QualifiedName>) -> String {
    let names: Vec<String> = names.map(ToString::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
#[path = "publication_tests.rs"]
mod tests;
