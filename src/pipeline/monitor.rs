//! The server's position, asked now and then, so that lag is known also while nothing is sent.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Connector;
use crate::observe::Status;
use crate::source::lag;
use crate::source::sql::Sql;

/// Time between two questions.
const INTERVAL: Duration = Duration::from_secs(5);

/// Asks until it is dropped. A server that does not answer is the pipeline's matter, not ours.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn watch(connector: Arc<Connector>, status: Arc<Status>) {
    let sql = Sql::new(connector.database.clone());
    loop {
        match lag::wal_position(&sql).await {
            Ok(position) => status.server_end(position),
            Err(error) => tracing::debug!(%error, "the server's position is not known"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
