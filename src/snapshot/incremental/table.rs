//! A table of an incremental snapshot: how far it went out, and how far the brokers hold it.

use std::collections::VecDeque;

use super::notice::{Happening, Outcome};
use super::order::Wanted;
use crate::progress::{IncrementalTable, KeyValues};

#[derive(Debug)]
pub(super) struct Table {
    pub(super) wanted: Wanted,
    /// The columns of the key that the keys here are of; none where that is not known.
    pub(super) key: Vec<String>,
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
        let (key, batches) = (Vec::new(), VecDeque::new());
        Self { wanted, key, after: None, held: None, until: None, rows, held_rows, batches, ended: None }
    }

    pub(super) fn restored(kept: IncrementalTable) -> Self {
        let IncrementalTable { signal, table, filter, surrogate_key, key, after, until, rows } = kept;
        let new = Self::new(Wanted { signal, table, filter, surrogate_key });
        Self { key, after: after.clone(), held: after, until, rows, held_rows: rows, ..new }
    }

    pub(super) fn kept(&self) -> IncrementalTable {
        let Wanted { signal, table, filter, surrogate_key } = self.wanted.clone();
        let (after, until) = (self.held.clone(), self.until.clone());
        let (key, rows) = (self.key.clone(), self.held_rows);
        IncrementalTable { signal, table, filter, surrogate_key, key, after, until, rows }
    }

    /// A chunk of it was read, cut by a key. Where that is another one than before, it was read from the beginning, and what
    /// is known of the one before says nothing any more.
    pub(super) fn cut_by(&mut self, key: Vec<String>, until: Option<KeyValues>) {
        let is_another = !self.key.is_empty() && self.key != key;
        if is_another {
            (self.after, self.held) = (None, None);
            self.batches.iter_mut().for_each(|batch| batch.last = None);
        }
        if is_another || self.until.is_none() {
            self.until = until;
        }
        self.key = key;
    }

    /// The brokers hold so many of its rows, up to a key.
    pub(super) fn is_held(&mut self, last: Option<KeyValues>, rows: u64) -> Happening {
        self.held_rows = rows;
        self.held.clone_from(&last);
        let (until, last) = (self.asked_key(self.until.as_ref()), self.asked_key(last.as_ref()));
        Happening::Progressed { table: self.wanted.table.clone(), rows, until, last }
    }

    /// A key without the columns that are behind a surrogate key to tell rows apart.
    fn asked_key(&self, key: Option<&KeyValues>) -> Option<KeyValues> {
        let columns = if self.wanted.surrogate_key.is_some() { 1 } else { usize::MAX };
        key.map(|key| KeyValues(key.0.iter().take(columns).cloned().collect()))
    }
}
