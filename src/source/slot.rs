//! The replication slot as it stands on the server, and what that means for us.
//!
//! Owns [`SlotState`] and the question who holds back a slot that is being made. Making, reading and dropping a
//! slot are commands of the replication connection; here they are only judged.
//!
//! Invariant: a state other than [`SlotState::Absent`] and [`SlotState::Ready`] is never "repaired" by making the
//! slot again, because that would hide a gap.

use std::time::Duration;

use tokio_postgres::types::{PgLsn, Type};

use super::ident::QuotedIdent;
use super::lag::lsn;
use super::sql::{ReadOnly, Sql, field, seconds};
use crate::error::{Error, Kind, Result};
use crate::lsn::Lsn;

/// The only output plugin that is read.
pub const PLUGIN: &str = "pgoutput";

/// A row of `pg_replication_slots`, as far as this server version has the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotFacts {
    /// Output plugin; `None` for a physical slot.
    pub plugin: Option<String>,
    /// Database; `None` for a physical slot.
    pub database: Option<String>,
    /// Ends with the session that made it.
    pub temporary: bool,
    /// Process that reads it now.
    pub active_pid: Option<i32>,
    /// Application name of that process.
    pub active_application: Option<String>,
    /// Client address of that process; only for roles that may see it.
    pub active_client: Option<String>,
    /// How long that process has been connected; only for roles that may see it.
    pub active_connected: Option<Duration>,
    /// Oldest log it keeps.
    pub restart_lsn: Option<Lsn>,
    /// What its reader confirmed.
    pub confirmed_flush: Option<Lsn>,
    /// `reserved`, `extended`, `unreserved`, `lost` (13 and later).
    pub wal_status: Option<String>,
    /// `wal_removed`, `rows_removed`, `wal_level_insufficient`, `idle_timeout` (17 and later).
    pub invalidation_reason: Option<String>,
    /// Invalidated by recovery (16 and later).
    pub conflicting: bool,
    /// Decodes prepared transactions (14 and later).
    pub two_phase: bool,
    /// Kept in step on standbys (17 and later).
    pub failover: bool,
    /// On a standby: kept in step from its primary, not to be read before promotion (17 and later).
    pub synced: bool,
}

/// What the slot's row means for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// There is no slot of this name.
    Absent,
    /// It can be read.
    Ready(ReadySlot),
    /// Another process reads it, or is making it.
    InUse(SlotUser),
    /// It is invalidated or its log is removed: a gap.
    Lost {
        /// Why, in the server's word.
        reason: String,
        /// What was confirmed before.
        confirmed_flush: Option<Lsn>,
    },
    /// It is a logical slot of another plugin.
    WrongPlugin {
        /// Its plugin.
        plugin: String,
    },
    /// It is a physical slot.
    Physical,
    /// It belongs to another database.
    WrongDatabase {
        /// Its database.
        database: String,
    },
    /// It is a temporary slot of another session.
    Temporary,
    /// It is a copy on a standby and can be read only after promotion.
    Synced,
}

/// A slot that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadySlot {
    /// Where streaming goes on: everything before is confirmed.
    pub confirmed_flush: Lsn,
    /// Oldest log it keeps.
    pub restart_lsn: Lsn,
    /// Whether it decodes prepared transactions.
    pub two_phase: bool,
    /// Whether it is kept in step on standbys.
    pub failover: bool,
    /// Whether its log may be removed by the next checkpoint.
    pub endangered: bool,
}

/// Who reads a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotUser {
    /// Server process.
    pub pid: i32,
    /// Its application name, where it has one.
    pub application: Option<String>,
    /// Its client address, where we may see it.
    pub client: Option<String>,
    /// How long it has been connected, where we may see it.
    pub connected: Option<Duration>,
}

impl std::fmt::Display for SlotUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {}", self.pid)?;
        if let Some(application) = self.application.as_deref().filter(|name| !name.is_empty()) {
            write!(f, ", application {application:?}")?;
        }
        if let Some(client) = &self.client {
            write!(f, ", from {client}")?;
        }
        if let Some(connected) = self.connected {
            write!(f, ", connected for {} s", connected.as_secs())?;
        }
        Ok(())
    }
}

impl SlotState {
    /// Judges a row. What can never be read comes before what only has to be waited for.
    #[must_use]
    pub fn judge(facts: Option<&SlotFacts>, database: &str) -> Self {
        let Some(facts) = facts else { return Self::Absent };
        let Some(plugin) = facts.plugin.as_deref() else { return Self::Physical };
        if plugin != PLUGIN {
            return Self::WrongPlugin { plugin: plugin.to_owned() };
        }
        if let Some(other) = facts.database.as_deref().filter(|&name| name != database) {
            return Self::WrongDatabase { database: other.to_owned() };
        }
        if let Some(reason) = loss(facts) {
            return Self::Lost { reason, confirmed_flush: facts.confirmed_flush };
        }
        if facts.temporary {
            return Self::Temporary;
        }
        if facts.synced {
            return Self::Synced;
        }
        if let Some(pid) = facts.active_pid {
            return Self::InUse(SlotUser {
                pid,
                application: facts.active_application.clone(),
                client: facts.active_client.clone(),
                connected: facts.active_connected,
            });
        }
        match (facts.confirmed_flush, facts.restart_lsn) {
            (Some(confirmed_flush), Some(restart_lsn)) => Self::Ready(ReadySlot {
                confirmed_flush,
                restart_lsn,
                two_phase: facts.two_phase,
                failover: facts.failover,
                endangered: facts.wal_status.as_deref() == Some("unreserved"),
            }),
            (confirmed_flush, _) => Self::Lost { reason: "no position".to_owned(), confirmed_flush },
        }
    }

    /// The error for a state that cannot be streamed from; `None` for [`Self::Absent`] and [`Self::Ready`].
    #[must_use]
    pub fn refusal(&self, slot: &str) -> Option<Error> {
        let choose = "choose another slot.name, or drop it where nobody needs it: \
                      SELECT pg_drop_replication_slot(slot_name)";
        let slot = QuotedIdent(slot);
        Some(match self {
            Self::Absent | Self::Ready(_) => return None,
            Self::InUse(user) => Error::new(Kind::SlotInUse, format!("slot {slot} is in use by {user}")).hint(format!(
                "give each connector a slot.name of its own; a process that is left over can be ended with \
                 SELECT pg_terminate_backend({});",
                user.pid
            )),
            Self::Lost { reason, confirmed_flush } => {
                let error = Error::new(Kind::SlotLost, format!("slot {slot} is lost ({reason})"))
                    .detail("changes after the last confirmed position are not available from it any more")
                    .hint(
                        "drop the slot, decide how the gap is filled (a new snapshot of the tables), and start with a \
                         new slot; raise max_slot_wal_keep_size so that it does not happen again",
                    );
                match confirmed_flush {
                    Some(lsn) => error.at(*lsn),
                    None => error,
                }
            }
            Self::WrongPlugin { plugin } => {
                Error::new(Kind::Preflight, format!("slot {slot} belongs to plugin {plugin:?}, not to {PLUGIN}"))
                    .hint(choose)
            }
            Self::Physical => {
                Error::new(Kind::Preflight, format!("slot {slot} is a physical slot, not a logical one")).hint(choose)
            }
            Self::WrongDatabase { database } => {
                Error::new(Kind::Preflight, format!("slot {slot} belongs to database {database:?}")).hint(choose)
            }
            Self::Temporary => {
                Error::new(Kind::Preflight, format!("slot {slot} is a temporary slot of another session")).hint(choose)
            }
            Self::Synced => {
                Error::new(Kind::Preflight, format!("slot {slot} is a standby's copy of its primary's slot"))
                    .hint("connect to the primary, or promote this server")
            }
        })
    }
}

fn loss(facts: &SlotFacts) -> Option<String> {
    if let Some(reason) = &facts.invalidation_reason {
        return Some(reason.clone());
    }
    if facts.wal_status.as_deref() == Some("lost") {
        return Some("wal_removed".to_owned());
    }
    if facts.conflicting {
        return Some("conflicting".to_owned());
    }
    // A slot that is being made has a reader and no position yet; without a reader there is no way to get one.
    (facts.restart_lsn.is_none() && facts.active_pid.is_none()).then(|| "no position".to_owned())
}

/// Reads the slot's row and judges it.
///
/// # Errors
/// Authentication, connection, server unavailable, and what a server answer maps to. A state that cannot be
/// streamed from is no error here; see [`SlotState::refusal`].
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn state(sql: &Sql, slot: &str) -> Result<SlotState> {
    let mut session = sql.session().await?;
    let transaction = session.read_only().await?;
    let facts = read(&transaction, slot).await?;
    Ok(SlotState::judge(facts.as_ref(), &sql.database().dbname))
}

/// Reads the slot's row. Columns that a version lacks are absent from its JSON form and so come out as unknown.
pub(super) async fn read(transaction: &ReadOnly<'_>, slot: &str) -> Result<Option<SlotFacts>> {
    let statement = "
        SELECT s.plugin::text, s.database::text, s.temporary, s.active_pid, s.restart_lsn, s.confirmed_flush_lsn,
               j ->> 'wal_status' AS wal_status, j ->> 'invalidation_reason' AS invalidation_reason,
               COALESCE((j ->> 'conflicting')::bool, false) AS conflicting,
               COALESCE((j ->> 'two_phase')::bool, false) AS two_phase,
               COALESCE((j ->> 'failover')::bool, false) AS failover,
               COALESCE((j ->> 'synced')::bool, false) AS synced,
               a.application_name, host(a.client_addr) AS client,
               extract(epoch FROM clock_timestamp() - a.backend_start)::float8 AS seconds
          FROM pg_replication_slots s
         CROSS JOIN LATERAL to_jsonb(s) AS j
          LEFT JOIN pg_stat_activity a ON a.pid = s.active_pid
         WHERE s.slot_name = $1";
    let Some(row) = transaction.query_first(statement, &[(&slot, Type::TEXT)]).await? else { return Ok(None) };
    Ok(Some(SlotFacts {
        plugin: field(&row, "plugin")?,
        database: field(&row, "database")?,
        temporary: field(&row, "temporary")?,
        active_pid: field(&row, "active_pid")?,
        active_application: field(&row, "application_name")?,
        active_client: field(&row, "client")?,
        active_connected: seconds(&row, "seconds")?,
        restart_lsn: field::<Option<PgLsn>>(&row, "restart_lsn")?.map(lsn),
        confirmed_flush: field::<Option<PgLsn>>(&row, "confirmed_flush_lsn")?.map(lsn),
        wal_status: field(&row, "wal_status")?,
        invalidation_reason: field(&row, "invalidation_reason")?,
        conflicting: field(&row, "conflicting")?,
        two_phase: field(&row, "two_phase")?,
        failover: field(&row, "failover")?,
        synced: field(&row, "synced")?,
    }))
}

/// A transaction that a slot which is being made has to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockingTransaction {
    /// Who holds it open.
    pub holder: TransactionHolder,
    /// Database it runs in: slots wait for the transactions of all databases.
    pub database: String,
    /// How long it has been open, where we may see it.
    pub age: Option<Duration>,
}

/// Who holds a transaction open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionHolder {
    /// A server process.
    Process {
        /// Its number.
        pid: i32,
        /// Its application name.
        application: Option<String>,
        /// What it does, such as `idle in transaction`, where we may see it.
        state: Option<String>,
    },
    /// A prepared transaction, by its global identifier.
    Prepared {
        /// Its global identifier.
        gid: String,
    },
}

impl BlockingTransaction {
    /// The statement that ends it, for an operator to decide about.
    #[must_use]
    pub fn remedy(&self) -> String {
        match &self.holder {
            TransactionHolder::Process { pid, .. } => format!("SELECT pg_terminate_backend({pid});"),
            TransactionHolder::Prepared { gid } => format!("ROLLBACK PREPARED '{}';", gid.replace('\'', "''")),
        }
    }
}

impl std::fmt::Display for BlockingTransaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.holder {
            TransactionHolder::Process { pid, application, state } => {
                write!(f, "process {pid}")?;
                if let Some(application) = application.as_deref().filter(|name| !name.is_empty()) {
                    write!(f, ", application {application:?}")?;
                }
                if let Some(state) = state {
                    write!(f, ", {state}")?;
                }
            }
            TransactionHolder::Prepared { gid } => write!(f, "prepared transaction {gid:?}")?,
        }
        write!(f, ", database {:?}", self.database)?;
        match self.age {
            Some(age) => write!(f, ", open for {} s", age.as_secs()),
            None => f.write_str(", open for an unknown time"),
        }
    }
}

/// Transactions with an id that are open now, oldest first: a slot is finished only when those that were open at
/// its beginning have ended. Their queries are not shown, since they hold values.
///
/// # Errors
/// Connection, server unavailable, and what a server answer maps to.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn blocking_transactions(sql: &Sql) -> Result<Vec<BlockingTransaction>> {
    let mut session = sql.session().await?;
    let transaction = session.read_only().await?;
    read_blocking(&transaction).await
}

pub(super) async fn read_blocking(transaction: &ReadOnly<'_>) -> Result<Vec<BlockingTransaction>> {
    let statement = "
        SELECT a.pid, a.application_name, a.state, NULL::text AS gid, COALESCE(a.datname::text, '') AS database,
               extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds, age(a.backend_xid) AS age
          FROM pg_stat_activity a
         WHERE a.backend_xid IS NOT NULL AND a.pid <> pg_backend_pid()
        UNION ALL
        SELECT NULL, NULL, NULL, p.gid, p.database::text,
               extract(epoch FROM clock_timestamp() - p.prepared)::float8, age(p.transaction)
          FROM pg_prepared_xacts p
         ORDER BY age DESC";
    let mut blocking = Vec::new();
    for row in transaction.query(statement, &[]).await? {
        let holder = match (field::<Option<i32>>(&row, "pid")?, field::<Option<String>>(&row, "gid")?) {
            (Some(pid), _) => TransactionHolder::Process {
                pid,
                application: field(&row, "application_name")?,
                state: field(&row, "state")?,
            },
            (None, gid) => TransactionHolder::Prepared { gid: gid.unwrap_or_default() },
        };
        blocking.push(BlockingTransaction {
            holder,
            database: field(&row, "database")?,
            age: seconds(&row, "seconds")?,
        });
    }
    Ok(blocking)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> SlotFacts {
        SlotFacts {
            plugin: Some("pgoutput".to_owned()),
            database: Some("shop".to_owned()),
            restart_lsn: Some(Lsn::new(10)),
            confirmed_flush: Some(Lsn::new(20)),
            wal_status: Some("reserved".to_owned()),
            ..SlotFacts::default()
        }
    }

    fn judged(change: impl FnOnce(&mut SlotFacts)) -> SlotState {
        let mut facts = good();
        change(&mut facts);
        SlotState::judge(Some(&facts), "shop")
    }

    fn lost(reason: &str) -> SlotState {
        SlotState::Lost { reason: reason.to_owned(), confirmed_flush: Some(Lsn::new(20)) }
    }

    #[test]
    fn a_row_is_judged_by_its_worst_trait() {
        assert_eq!(SlotState::judge(None, "shop"), SlotState::Absent);
        let ready = ReadySlot {
            confirmed_flush: Lsn::new(20),
            restart_lsn: Lsn::new(10),
            two_phase: false,
            failover: false,
            endangered: false,
        };
        assert_eq!(judged(|_| ()), SlotState::Ready(ready));
        assert_eq!(
            judged(|f| f.wal_status = Some("unreserved".to_owned())),
            SlotState::Ready(ReadySlot { endangered: true, ..ready })
        );
        assert_eq!(judged(|f| f.plugin = None), SlotState::Physical);
        assert_eq!(
            judged(|f| f.plugin = Some("wal2json".to_owned())),
            SlotState::WrongPlugin { plugin: "wal2json".to_owned() }
        );
        assert_eq!(
            judged(|f| f.database = Some("other".to_owned())),
            SlotState::WrongDatabase { database: "other".to_owned() }
        );
        assert_eq!(judged(|f| f.temporary = true), SlotState::Temporary);
        assert_eq!(judged(|f| f.synced = true), SlotState::Synced);
        assert_eq!(judged(|f| f.wal_status = Some("lost".to_owned())), lost("wal_removed"));
        assert_eq!(judged(|f| f.invalidation_reason = Some("idle_timeout".to_owned())), lost("idle_timeout"));
        assert_eq!(judged(|f| f.conflicting = true), lost("conflicting"));
        assert_eq!(judged(|f| f.restart_lsn = None), lost("no position"), "before 13 this is all there is to see");
    }

    #[test]
    fn a_slot_that_is_being_made_is_in_use_and_not_lost() {
        let state = judged(|f| {
            f.active_pid = Some(7);
            f.active_application = Some("walcast".to_owned());
            f.restart_lsn = None;
            f.confirmed_flush = None;
        });
        let SlotState::InUse(user) = &state else { panic!("{state:?}") };
        assert_eq!(user.to_string(), r#"process 7, application "walcast""#);
        assert_eq!(state.refusal("s").map(|e| e.kind()), Some(Kind::SlotInUse));
    }

    #[test]
    fn only_absent_and_ready_slots_are_not_refused() {
        assert!(SlotState::Absent.refusal("s").is_none());
        assert!(judged(|_| ()).refusal("s").is_none());
        let error = lost("wal_removed").refusal("s").expect("refused");
        assert_eq!((error.kind(), error.lsns()), (Kind::SlotLost, (None, Some(Lsn::new(20)))));
        for state in [SlotState::Physical, SlotState::Temporary, SlotState::Synced] {
            assert_eq!(state.refusal("s").map(|e| e.kind()), Some(Kind::Preflight), "{state:?}");
        }
    }

    #[test]
    fn a_blocker_is_named_with_its_age_and_its_end() {
        let process = BlockingTransaction {
            holder: TransactionHolder::Process {
                pid: 42,
                application: Some("psql".to_owned()),
                state: Some("idle in transaction".to_owned()),
            },
            database: "shop".to_owned(),
            age: Some(Duration::from_secs(61)),
        };
        assert_eq!(
            process.to_string(),
            r#"process 42, application "psql", idle in transaction, database "shop", open for 61 s"#
        );
        assert_eq!(process.remedy(), "SELECT pg_terminate_backend(42);");
        let prepared = BlockingTransaction {
            holder: TransactionHolder::Prepared { gid: "it's".to_owned() },
            database: "shop".to_owned(),
            age: None,
        };
        assert_eq!(prepared.remedy(), "ROLLBACK PREPARED 'it''s';");
    }
}
