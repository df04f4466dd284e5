//! How far behind the slot is.

use tokio_postgres::types::{PgLsn, Type};

use super::sql::{Sql, field};
use crate::error::{Error, Kind, Result};
use crate::lsn::Lsn;

/// The server's write position beside the slot's, read in one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotLag {
    /// End of the log that the server can send: flushed on a primary, replayed on a standby.
    pub current: Lsn,
    /// Oldest log the slot keeps; `None` once it is lost.
    pub restart_lsn: Option<Lsn>,
    /// What we confirmed last, as the server knows it.
    pub confirmed_flush: Option<Lsn>,
    /// Bytes that may still be written before the slot is lost; `None` without a limit and before 13.
    pub safe_wal_size_bytes: Option<i64>,
    /// `max_slot_wal_keep_size`; `None` without a limit and before 13.
    pub limit_bytes: Option<u64>,
    /// `reserved`, `extended`, `unreserved`, `lost`; `None` before 13.
    pub wal_status: Option<String>,
}

impl SlotLag {
    /// Bytes of log between what we confirmed and what the server can send.
    #[must_use]
    pub fn lag_bytes(&self) -> Option<u64> {
        self.confirmed_flush.map(|confirmed| self.current.bytes_since(confirmed))
    }

    /// Bytes of log that the server keeps because of the slot.
    #[must_use]
    pub fn retained_bytes(&self) -> Option<u64> {
        self.restart_lsn.map(|restart| self.current.bytes_since(restart))
    }
}

/// The position up to which the server can send. On a standby what is replayed, because it decodes no further.
const POSITION: &str =
    "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END";

/// The end of the log that the server can send now.
///
/// # Errors
/// Connection, server unavailable, and what a server answer maps to.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn wal_position(sql: &Sql) -> Result<Lsn> {
    let session = sql.session().await?;
    let rows = session.query(&format!("SELECT {POSITION} AS position"), &[]).await?;
    let position: Option<PgLsn> = rows.first().map(|row| field(row, "position")).transpose()?.flatten();
    position.map(lsn).ok_or_else(|| Error::new(Kind::ServerUnavailable, "the standby has replayed nothing yet"))
}

/// Where the slot stands against the server's position; `None` where there is no such slot.
///
/// # Errors
/// Connection, server unavailable, and what a server answer maps to.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn slot_lag(sql: &Sql, slot: &str) -> Result<Option<SlotLag>> {
    let session = sql.session().await?;
    let statement = format!(
        "SELECT {POSITION} AS position, s.restart_lsn, s.confirmed_flush_lsn,
                (to_jsonb(s) ->> 'safe_wal_size')::int8 AS safe_wal_size, to_jsonb(s) ->> 'wal_status' AS wal_status,
                (SELECT setting::int8 FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS keep_mebibytes
           FROM pg_replication_slots s WHERE s.slot_name = $1"
    );
    let rows = session.query(&statement, &[(&slot, Type::TEXT)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    // It is -1 where there is no limit.
    let limit = field::<Option<i64>>(row, "keep_mebibytes")?.and_then(|mebibytes| u64::try_from(mebibytes).ok());
    Ok(Some(SlotLag {
        current: field::<Option<PgLsn>>(row, "position")?.map_or(Lsn::ZERO, lsn),
        restart_lsn: field::<Option<PgLsn>>(row, "restart_lsn")?.map(lsn),
        confirmed_flush: field::<Option<PgLsn>>(row, "confirmed_flush_lsn")?.map(lsn),
        safe_wal_size_bytes: field(row, "safe_wal_size")?,
        limit_bytes: limit.map(|mebibytes| mebibytes << 20),
        wal_status: field(row, "wal_status")?,
    }))
}

pub(super) fn lsn(value: PgLsn) -> Lsn {
    Lsn::new(u64::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_slot_retains_nothing_that_could_be_counted() {
        let lag = SlotLag {
            current: Lsn::new(100),
            restart_lsn: None,
            confirmed_flush: Some(Lsn::new(40)),
            safe_wal_size_bytes: None,
            limit_bytes: None,
            wal_status: Some("lost".to_owned()),
        };
        assert_eq!((lag.lag_bytes(), lag.retained_bytes()), (Some(60), None));
    }
}
