//! What an operator decides of the core's rules: its settings, and when an order to stop must be done.

use std::time::{Duration, Instant};

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

/// The two deadlines of an orderly end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// Until then an open transaction may come to its end; `None` once that time is over.
    pub(super) transaction: Option<Instant>,
    /// Then it is over, whatever is outstanding.
    pub(super) all: Instant,
}
