//! What writes the records.

use super::database::Database;
use crate::Outcome;

/// Some connectors on one database, each with its own slot.
pub(crate) trait Source {
    /// Returns when every slot is streamed from.
    fn wait_until_streaming(&mut self, source: &Database<'_>) -> Outcome<()>;

    /// Returns when every slot has confirmed more than this position and the connectors are stopped.
    fn finish(&mut self, source: &Database<'_>, position: &str) -> Outcome<()>;
}

/// Whether a slot is streamed from. It is active while it is made, too, and then does not hold yet what is written.
pub(crate) fn streams(source: &Database<'_>, slot: &str) -> Outcome<bool> {
    let state = format!(
        "SELECT r.state FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid
          WHERE s.slot_name = '{slot}'"
    );
    Ok(source.one(&state)?.as_deref() == Some("streaming"))
}

/// Whether a slot has confirmed more than a position.
pub(crate) fn has_confirmed(source: &Database<'_>, slot: &str, position: &str) -> Outcome<bool> {
    let state =
        format!("SELECT confirmed_flush_lsn > '{position}' FROM pg_replication_slots WHERE slot_name = '{slot}'");
    Ok(source.one(&state)?.as_deref() == Some("t"))
}
