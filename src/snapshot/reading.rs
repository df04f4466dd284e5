//! Connections that read tables under one snapshot.
//!
//! Owns [`Reading`]. It has none of the limits of the connection for catalog queries: a COPY may take hours, and wait for
//! the brokers meanwhile.
//!
//! Source: PostgreSQL manual, "SET TRANSACTION", "System Administration Functions" (snapshot synchronization).

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream as _;
use tokio_postgres::types::{PgLsn, Type};
use tokio_postgres::{CopyOutStream, Row};

use crate::config::Database;
use crate::error::{Error, Kind, Result};
use crate::lsn::Lsn;
use crate::pgtime::PgMicros;
use crate::source::sql::{Live, Param, ServerVersion, connect, field, from_answer};

/// What every session that reads rows has set. Values are printed as the stream prints them; row security that applies to
/// the role is an error and not a silent lack of rows; and a table is read from its beginning.
const OPTIONS: &str = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 \
                       -c row_security=off -c synchronize_seqscans=off -c DateStyle=ISO -c IntervalStyle=postgres \
                       -c TimeZone=UTC -c extra_float_digits=3 -c bytea_output=hex";

/// From here on in a transaction names are ours: those of the catalog.
pub const OWN_NAMES: &str = "SET LOCAL search_path = pg_catalog";

/// From here on in a transaction names are the role's own, as in every session of it: of an operator's queries and filters, and
/// of the operators of types that extensions brought, such as citext.
///
/// Source: Debezium, whose connections have the `search_path` of role and database.
pub const ROLES_NAMES: &str = "SET LOCAL search_path TO DEFAULT";

/// A transaction that sees one snapshot of the database, and sees it for as long as it is kept.
pub struct Reading {
    live: Live,
}

/// A snapshot that a transaction holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSnapshot {
    /// Name for SET TRANSACTION SNAPSHOT, valid while its holder's transaction lasts.
    pub name: String,
    /// Which transactions it sees: `xmin:xmax:xip,...`, ids with their epoch.
    pub contents: String,
    /// When it was taken, or joined.
    pub taken: PgMicros,
    /// End of the log at that time: every commit that the snapshot sees lies before it.
    pub end: Lsn,
}

impl Reading {
    /// Opens a connection and begins a transaction: under a snapshot that another one exported, or under one of its own.
    ///
    /// # Errors
    /// Connection, authentication, server unavailable; `ServerRefused` where that snapshot is gone.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn begin(database: &Database, lock_timeout: Duration, snapshot: Option<&str>) -> Result<Self> {
        let options = format!("{OPTIONS} -c lock_timeout={}", lock_timeout.as_millis());
        let live = connect(database, &options).await?;
        let reading = Self { live };
        // Not in the start-up packet: what is set there could not be reset to what the role has.
        let mut settings = "SET search_path = pg_catalog".to_owned();
        for (setting, since) in [("idle_session_timeout", 140_000), ("transaction_timeout", 170_000)] {
            // These came after 10, so they cannot stand in the start-up packet either.
            if reading.version() >= ServerVersion(since) {
                settings.push_str(&format!("; SET {setting} = 0"));
            }
        }
        reading.execute(&settings).await?;
        reading.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        if let Some(name) = snapshot {
            let name = name.replace('\'', "''");
            reading.execute(&format!("SET TRANSACTION SNAPSHOT '{name}'")).await?;
        }
        Ok(reading)
    }

    /// Exports the snapshot of this transaction.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    pub async fn export(&self) -> Result<HeldSnapshot> {
        // The end of the log is read behind the snapshot, which the first query has taken.
        let statement = "
            SELECT pg_export_snapshot() AS name, txid_current_snapshot()::text AS contents,
                   (extract(epoch FROM clock_timestamp()) * 1000000)::int8 AS unix_micros,
                   CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END AS ended";
        let row = self.query_one(statement, &[]).await?;
        Ok(HeldSnapshot {
            name: field(&row, "name")?,
            contents: field(&row, "contents")?,
            taken: PgMicros::from_unix_micros(field(&row, "unix_micros")?),
            end: Lsn::new(u64::from(field::<PgLsn>(&row, "ended")?)),
        })
    }

    /// The server's version.
    #[must_use]
    pub fn version(&self) -> ServerVersion {
        self.live.version
    }

    /// Whether the connection is lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.live.client.is_closed()
    }

    /// Runs statements without parameters and leaves their rows alone.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    pub async fn execute(&self, statements: &str) -> Result<()> {
        self.live.client.batch_execute(statements).await.map_err(from_answer)
    }

    /// Runs one statement and returns its rows.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    pub async fn query(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        self.live.client.query_typed(statement, params).await.map_err(from_answer)
    }

    /// Runs one statement that returns exactly one row.
    ///
    /// # Errors
    /// Any kind a server answer maps to; `ServerRefused` where there is none.
    pub async fn query_one(&self, statement: &str, params: &[Param<'_>]) -> Result<Row> {
        let row = self.query(statement, params).await?.into_iter().next();
        row.ok_or_else(|| Error::new(Kind::ServerRefused, "a query of the catalog gave no row"))
    }

    /// Begins a COPY to us.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    pub async fn copy(&self, statement: &str) -> Result<CopyOut> {
        let stream = self.live.client.copy_out(statement).await.map_err(from_answer)?;
        Ok(CopyOut { stream: Box::pin(stream), ended: false })
    }

    /// The file that holds a table's rows: as this transaction's snapshot has it, and as it is now. They differ where the
    /// table was truncated or rewritten since, which an older snapshot does not see. Nothing where the table is gone.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    pub async fn files(&self, table: u32) -> Result<Option<(u32, u32)>> {
        let statement =
            "SELECT relfilenode AS then, pg_relation_filenode(oid::regclass) AS now FROM pg_class WHERE oid = $1";
        let rows = self.query(statement, &[(&table, Type::OID)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let now: Option<u32> = field(row, "now")?;
        let then = field(row, "then")?;
        Ok(now.map(|now| (then, now)))
    }
}

impl Drop for Reading {
    /// A COPY that nobody reads any more would be sent to its end otherwise.
    fn drop(&mut self) {
        self.live.driver.abort();
    }
}

/// What a COPY sends.
pub struct CopyOut {
    stream: Pin<Box<CopyOutStream>>,
    ended: bool,
}

impl CopyOut {
    /// The next piece of the stream; nothing at its end.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    ///
    /// # Cancel safety
    /// No piece is lost.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.ended {
            return Ok(None);
        }
        let next = poll_fn(|context| self.stream.as_mut().poll_next(context)).await;
        self.ended = next.is_none();
        next.transpose().map_err(from_answer)
    }
}
