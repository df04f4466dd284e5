//! Everything that can be known to go wrong, found at once, before a slot or a publication is touched.
//!
//! Owns [`preflight`]: it reads the situation in one snapshot, then judges it without I/O. Must never change
//! anything on the server.

mod published;
mod report;
mod rows;
mod server;
mod signals;

#[cfg(test)]
mod tests;

use tokio_postgres::types::Type;

use super::capture::CaptureFilter;
use super::ident::QualifiedName;
use super::identity::{self, ServerIdentity};
use super::publication::{self, PublicationFacts, Situation};
use super::slot::{self, BlockingTransaction, SlotState};
use super::sql::{ReadOnly, ServerVersion, Sql, field};
use super::tables::{self, Table};
use crate::config::Connector;
use crate::error::{Error, Kind, Result};

pub use report::{Check, Finding, Remedy, Report, Severity};

/// The first version with pgoutput.
const OLDEST_WITH_PGOUTPUT: ServerVersion = ServerVersion(100_000);

/// Looks at server, role, slot, publication and tables, and reports all findings.
///
/// # Errors
/// Only where the server cannot be asked: authentication, connection, server unavailable, preflight (no CONNECT
/// privilege, no such database), and config for a capture list that is no expression. What is found is in the report;
/// [`Report::into_result`] makes it an error.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn preflight(sql: &Sql, connector: &Connector) -> Result<Report> {
    let filter = CaptureFilter::new(&connector.capture)?;
    let mut session = sql.session().await?;
    if session.version() < OLDEST_WITH_PGOUTPUT {
        return Err(Error::new(Kind::Preflight, format!("PostgreSQL {} has no pgoutput", session.version()))
            .hint("upgrade to a supported version of PostgreSQL"));
    }
    let seen = look(&session.read_only().await?, connector).await?;
    let mut findings = server::judge(&seen, connector);
    findings.extend(rows::try_queries(connector).await?);
    let plan = publication::plan(&seen.situation(connector, &filter));
    findings.extend(published::judge(&seen, connector, &filter, &plan));
    let sent = published::names(&plan, &seen, connector, &filter);
    findings.extend(rows::judge(&seen, connector, &sent)?);
    if let Some((schema, table)) = &connector.snapshot.signals.table {
        let columns = signals::columns(&session, schema, table).await?;
        let name = QualifiedName::new(schema, table);
        let is_sent = sent.contains(&name);
        findings.extend(signals::judge(&name, columns, connector, is_sent));
    }
    findings.sort_by_key(|finding| finding.severity);
    let names = seen.tables.iter().map(|table| &table.name);
    let captured = names.filter(|name| filter.matches(&name.schema, &name.table)).cloned().collect();
    Ok(Report { findings, identity: seen.identity, slot: seen.slot, plan, captured })
}

/// What was seen of the server, in one snapshot.
struct Seen {
    identity: ServerIdentity,
    settings: Settings,
    role: Role,
    slot: SlotState,
    publication: Option<PublicationFacts>,
    tables: Vec<Table>,
    /// Read only where a slot has to be made.
    blocking: Vec<BlockingTransaction>,
}

impl Seen {
    fn situation<'a>(&'a self, connector: &'a Connector, filter: &'a CaptureFilter) -> Situation<'a> {
        Situation {
            config: &connector.publication,
            skipped: connector.records.skipped,
            existing: self.publication.as_ref(),
            tables: &self.tables,
            filter,
            in_recovery: self.identity.in_recovery,
        }
    }
}

/// Settings and how far they are used up.
struct Settings {
    wal_level: String,
    replication_slots: Usage,
    wal_senders: Usage,
    /// `-1` for no limit; absent before 13.
    max_slot_wal_keep_size: Option<String>,
    /// `0` for never; absent before 18.
    idle_replication_slot_timeout: Option<String>,
    encoding: String,
}

/// A resource of which the server has a fixed number.
#[derive(Clone, Copy)]
struct Usage {
    used: i64,
    max: i64,
}

impl Usage {
    const fn exhausted(self) -> bool {
        self.used >= self.max
    }
}

/// Our role.
#[expect(clippy::struct_excessive_bools, reason = "independent attributes of a role")]
struct Role {
    name: String,
    superuser: bool,
    /// The attribute REPLICATION, or a vendor's role that stands for it.
    replication: bool,
    /// A member of a vendor's administrator role, which may do what elsewhere only superusers may.
    vendor_admin: bool,
    /// On Amazon RDS and Aurora, where settings and replication rights are given in other ways.
    on_rds: bool,
    /// May make objects such as publications in the database.
    may_create: bool,
}

async fn look(transaction: &ReadOnly<'_>, connector: &Connector) -> Result<Seen> {
    let identity = identity::read(transaction).await?;
    let slot = slot::read(transaction, &connector.slot.name).await?;
    let slot = SlotState::judge(slot.as_ref(), &identity.database);
    let blocking = match slot {
        SlotState::Absent => slot::read_blocking(transaction).await?,
        _ => Vec::new(),
    };
    Ok(Seen {
        settings: settings(transaction).await?,
        role: role(transaction).await?,
        publication: publication::read(transaction, &connector.publication.name).await?,
        tables: tables::read(transaction).await?,
        identity,
        slot,
        blocking,
    })
}

async fn settings(transaction: &ReadOnly<'_>) -> Result<Settings> {
    let row = transaction
        .query_one(
            "SELECT current_setting('wal_level') AS wal_level,
                    current_setting('max_replication_slots')::int8 AS max_slots,
                    (SELECT count(*) FROM pg_replication_slots) AS used_slots,
                    current_setting('max_wal_senders')::int8 AS max_senders,
                    (SELECT count(*) FROM pg_stat_get_wal_senders()) AS used_senders,
                    current_setting('max_slot_wal_keep_size', true) AS keep_size,
                    current_setting('idle_replication_slot_timeout', true) AS idle_timeout,
                    pg_encoding_to_char(d.encoding)::text AS encoding
               FROM pg_database d WHERE d.datname = current_database()",
            &[],
        )
        .await?;
    Ok(Settings {
        wal_level: field(&row, "wal_level")?,
        replication_slots: Usage { used: field(&row, "used_slots")?, max: field(&row, "max_slots")? },
        wal_senders: Usage { used: field(&row, "used_senders")?, max: field(&row, "max_senders")? },
        max_slot_wal_keep_size: field(&row, "keep_size")?,
        idle_replication_slot_timeout: field(&row, "idle_timeout")?,
        encoding: field(&row, "encoding")?,
    })
}

async fn role(transaction: &ReadOnly<'_>) -> Result<Role> {
    const ADMINS: &[&str] = &["rds_superuser", "cloudsqlsuperuser", "azure_pg_admin", "alloydbsuperuser"];
    let row = transaction
        .query_one(
            "SELECT r.rolname::text AS name, r.rolsuper AS superuser,
                    r.rolreplication OR EXISTS (SELECT FROM pg_roles v
                        WHERE v.rolname = 'rds_replication' AND pg_has_role(v.oid, 'MEMBER')) AS replication,
                    EXISTS (SELECT FROM pg_roles v
                        WHERE v.rolname = ANY ($1) AND pg_has_role(v.oid, 'MEMBER')) AS vendor_admin,
                    EXISTS (SELECT FROM pg_roles v WHERE v.rolname = 'rds_replication') AS on_rds,
                    has_database_privilege(current_database(), 'CREATE') AS may_create
               FROM pg_roles r WHERE r.rolname = current_user",
            &[(&ADMINS, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(Role {
        name: field(&row, "name")?,
        superuser: field(&row, "superuser")?,
        replication: field(&row, "replication")?,
        vendor_admin: field(&row, "vendor_admin")?,
        on_rds: field(&row, "on_rds")?,
        may_create: field(&row, "may_create")?,
    })
}
