//! The server's position and what the slot holds back, asked now and then, on a connection of its own: so that lag is known
//! also while nothing is sent, and a snapshot that takes long does not cost the slot unnoticed.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Connector;
use crate::error::Result;
use crate::observe::retention::{Danger, Retention, WalStatus, Watch};
use crate::observe::{State, Status};
use crate::source::lag::{self, SlotLag};
use crate::source::sql::Sql;

/// Time between two questions.
const INTERVAL: Duration = Duration::from_secs(5);

/// Asks until it is dropped. A server that does not answer is the pipeline's matter, not ours.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn watch(connector: Arc<Connector>, status: Arc<Status>) {
    let sql = Sql::new(connector.database.clone());
    let slot = &connector.slot.name;
    let mut watch = Watch::default();
    loop {
        match ask(&sql, slot, &status).await {
            Ok(Some(retention)) => {
                if let Some(danger) = watch.look(&retention) {
                    warn(danger, &retention, slot, status.live().state);
                }
            }
            Ok(None) => watch = Watch::default(),
            Err(error) => tracing::debug!(%error, "the server's position is not known"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// What the slot holds back; nothing where there is no slot.
async fn ask(sql: &Sql, slot: &str, status: &Status) -> Result<Option<Retention>> {
    let lag = lag::slot_lag(sql, slot).await?;
    let position = match &lag {
        Some(lag) => lag.current,
        None => lag::wal_position(sql).await?,
    };
    status.server_end(position);
    let retention = lag.as_ref().map(retention);
    status.retains(retention);
    Ok(retention)
}

fn retention(lag: &SlotLag) -> Retention {
    Retention {
        held_bytes: lag.retained_bytes().unwrap_or_default(),
        safe_bytes: lag.safe_wal_size_bytes,
        limit_bytes: lag.limit_bytes,
        status: WalStatus::of(lag.wal_status.as_deref()),
    }
}

/// Says what is in danger and what to do, before it is too late for it.
fn warn(danger: Danger, retention: &Retention, slot: &str, state: State) {
    let (held_bytes, limit_bytes) = (retention.held_bytes, retention.limit_bytes);
    // What is read by a snapshot keeps the slot where it is until its end.
    let why = if state == State::Snapshotting {
        "the snapshot has to end first; more snapshot.max.threads may help it"
    } else {
        "look at what keeps records from being delivered"
    };
    let raise = "ALTER SYSTEM SET max_slot_wal_keep_size = '...'; SELECT pg_reload_conf()";
    match danger {
        Danger::None => {}
        Danger::Half | Danger::Most => {
            tracing::warn!(
                slot,
                held_bytes,
                limit_bytes,
                percent = retention.percent(),
                remedy = format_args!("{raise}; {why}"),
                "the slot holds back much of the log that max_slot_wal_keep_size allows; beyond it the slot is lost"
            );
        }
        Danger::Unreserved => tracing::warn!(
            slot,
            held_bytes,
            limit_bytes,
            remedy = format_args!("at once: {raise}; {why}"),
            "the slot is over max_slot_wal_keep_size: the next checkpoint may remove its log, and the slot is lost then"
        ),
        Danger::Lost => tracing::error!(
            slot,
            limit_bytes,
            remedy = "drop the slot and take a new snapshot, with max_slot_wal_keep_size raised",
            "the server has removed log that the slot needs: the slot is lost"
        ),
    }
}
