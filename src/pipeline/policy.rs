//! What an operator decides of the core's rules.

use std::time::Duration;

use crate::config::Retries;

/// A session that streamed for this long counts as a success for the back-off, even when nothing changed.
pub(super) const STABLE_AFTER: Duration = Duration::from_secs(60);

/// Settings of the core.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Longest time between two status updates.
    pub status_interval: Duration,
    /// When to give up.
    pub retries: Retries,
    /// Seed of the jitter.
    pub seed: u64,
}
