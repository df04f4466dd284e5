//! Which server answers: the facts that tell one cluster, timeline and database from another.

use super::sql::{ReadOnly, ServerVersion, Sql, field};
use crate::error::{Error, Kind, Result};

/// Who answers at the configured address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerIdentity {
    /// Set by `initdb`; the same on standbys and after a restore.
    pub system_identifier: u64,
    /// Raised by every promotion and point-in-time recovery. On a standby that of its last restart point: there
    /// `IDENTIFY_SYSTEM` on the replication connection knows it better.
    pub timeline: u32,
    /// OID of the connected database: dropped and made again, it has another one.
    pub database_oid: u32,
    /// Name of the connected database.
    pub database: String,
    /// Server version.
    pub version: ServerVersion,
    /// Whether it is a hot standby.
    pub in_recovery: bool,
}

/// Asks who answers.
///
/// # Errors
/// Authentication, connection, server unavailable, and what a server answer maps to.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn identity(sql: &Sql) -> Result<ServerIdentity> {
    let mut session = sql.session().await?;
    let transaction = session.read_only().await?;
    read(&transaction).await
}

pub(super) async fn read(transaction: &ReadOnly<'_>) -> Result<ServerIdentity> {
    let recovery = transaction.query_one("SELECT pg_is_in_recovery() AS in_recovery", &[]).await?;
    let in_recovery: bool = field(&recovery, "in_recovery")?;
    // A WAL file's name begins with its timeline; the control file names that of the last checkpoint, which is
    // stale right after a promotion, but a standby has nothing better in SQL.
    let timeline_source = if in_recovery {
        "to_hex((SELECT timeline_id FROM pg_control_checkpoint()))"
    } else {
        "left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"
    };
    let statement = format!(
        "SELECT (SELECT system_identifier FROM pg_control_system()) AS system_identifier,
                {timeline_source} AS timeline, d.oid, d.datname::text AS name
           FROM pg_database d WHERE d.datname = current_database()"
    );
    let row = transaction.query_one(&statement, &[]).await?;
    let timeline: String = field(&row, "timeline")?;
    Ok(ServerIdentity {
        system_identifier: field::<i64>(&row, "system_identifier")?.cast_unsigned(),
        timeline: u32::from_str_radix(&timeline, 16)
            .map_err(|e| Error::new(Kind::Protocol, "the server's timeline is not a number").caused_by(e))?,
        database_oid: field(&row, "oid")?,
        database: field(&row, "name")?,
        version: transaction.version(),
        in_recovery,
    })
}
