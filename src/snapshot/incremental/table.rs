//! A table of an incremental snapshot: how far it went out, and how far the brokers hold it.

use std::collections::VecDeque;

use super::order::{Outcome, Wanted};
use crate::progress::{IncrementalTable, KeyValues};

#[derive(Debug)]
pub(super) struct Table {
    pub(super) wanted: Wanted,
    /// Last key that went out.
    pub(super) after: Option<KeyValues>,
    /// Last key that the brokers hold; what is kept for a restart.
    pub(super) held: Option<KeyValues>,
    /// The largest key when the table was begun; nothing before its first chunk.
    pub(super) until: Option<KeyValues>,
    /// Rows that went out, and of those the ones that the brokers hold.
    pub(super) rows: u64,
    pub(super) held_rows: u64,
    /// Batches that went out and that the brokers do not hold yet.
    pub(super) batches: VecDeque<Sent>,
    /// How it ended, where nothing more of it goes out.
    pub(super) ended: Option<Outcome>,
}

/// A batch that the sink took.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) last: Option<KeyValues>,
    /// Rows of its table that went out with it and before it.
    pub(super) rows: u64,
}

impl Table {
    pub(super) fn new(wanted: Wanted) -> Self {
        let (rows, held_rows) = (0, 0);
        Self { wanted, after: None, held: None, until: None, rows, held_rows, batches: VecDeque::new(), ended: None }
    }

    pub(super) fn restored(kept: IncrementalTable) -> Self {
        let IncrementalTable { signal, table, filter, surrogate_key, after, until, rows } = kept;
        let new = Self::new(Wanted { signal, table, filter, surrogate_key });
        Self { after: after.clone(), held: after, until, rows, held_rows: rows, ..new }
    }

    pub(super) fn kept(&self) -> IncrementalTable {
        let Wanted { signal, table, filter, surrogate_key } = self.wanted.clone();
        let (after, until) = (self.held.clone(), self.until.clone());
        IncrementalTable { signal, table, filter, surrogate_key, after, until, rows: self.held_rows }
    }
}
