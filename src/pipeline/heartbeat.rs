//! `heartbeat.action.query`: a statement of the operator's, run at each heartbeat's interval.
//!
//! It runs beside the stream, on a connection of its own: a slow or failing statement delays nothing and stops nothing.
//! Must never show the statement.

use std::sync::Arc;

use tokio::time::MissedTickBehavior;

use crate::config::Connector;
use crate::observe::{Metrics, State};
use crate::source::sql::Sql;

/// Runs the statement until it is dropped, while changes are streamed; returns at once where there is none.
///
/// # Cancel safety
/// Dropping the future leaves a statement that runs to finish by itself.
pub async fn act(connector: Arc<Connector>, metrics: Metrics) {
    let Some(heartbeat) = &connector.records.heartbeat else { return };
    let Some(query) = &heartbeat.action_query else { return };
    let sql = Sql::for_operator(connector.database.clone());
    let mut clock = tokio::time::interval(heartbeat.interval);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        clock.tick().await;
        if metrics.status().live().state != State::Streaming {
            continue;
        }
        let done = async { sql.session().await?.execute(query).await };
        match done.await {
            Ok(()) if std::mem::take(&mut failing) => tracing::info!("heartbeat.action.query succeeds again"),
            Ok(()) => {}
            Err(error) => {
                metrics.heartbeat_query_failed();
                let detail = error.detail_text();
                if std::mem::replace(&mut failing, true) {
                    tracing::debug!(detail, "heartbeat.action.query failed again: {error}");
                } else {
                    tracing::warn!(
                        detail,
                        remedy = error.hint_text(),
                        "heartbeat.action.query failed: {error}; said once"
                    );
                }
            }
        }
    }
}
