//! Transactions that were streamed of late: what a chunk that was read meanwhile may not see.
//!
//! Owns [`Recent`]. It is bounded in transactions and in bytes of keys: what is dropped for that becomes unknown, never
//! forgotten in silence, as long as it is one of the last [`TRANSACTIONS_MAX`].

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use super::order::Told;
use super::sight::Sight;
use crate::pgoutput::{RelationId, Xid};

/// Transactions that are remembered. A commit is streamed before it is visible by the time that its backend takes to leave
/// the list of running transactions, and by as much as it waits for a synchronous standby: meanwhile no more than these may
/// be streamed.
pub(super) const TRANSACTIONS_MAX: usize = 65_536;

/// Bytes of keys that are remembered, with what keeping one costs.
const KEY_BYTES_MAX: usize = 32 << 20;

/// What keeping a key costs beside its bytes.
const KEY_OVERHEAD_BYTES: usize = 48;

/// What one transaction changed.
#[derive(Debug)]
pub(super) struct Streamed {
    pub(super) xid: Xid,
    pub(super) touched: Touched,
}

/// Which rows.
#[derive(Debug)]
pub(super) enum Touched {
    /// Those with these keys, and all rows of these tables.
    These { keys: HashMap<(RelationId, Box<[u8]>), Told>, emptied: Vec<RelationId>, somehow: Vec<RelationId> },
    /// Nobody has noted it.
    Unknown,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Recent {
    transactions: VecDeque<Streamed>,
    key_bytes: usize,
    /// Keys are noted.
    noting: bool,
}

impl Recent {
    /// Begins to note keys, or stops.
    pub(super) fn note_keys(&mut self, noting: bool) {
        if self.noting == noting {
            return;
        }
        self.noting = noting;
        // What is noted of a transaction is all of it, or nothing.
        for transaction in &mut self.transactions {
            transaction.touched = Touched::Unknown;
        }
        self.key_bytes = 0;
    }

    pub(super) fn begin(&mut self, xid: Xid) {
        if self.transactions.len() >= TRANSACTIONS_MAX {
            self.transactions.pop_front();
        }
        let nothing = Touched::These { keys: HashMap::new(), emptied: Vec::new(), somehow: Vec::new() };
        let touched = if self.noting { nothing } else { Touched::Unknown };
        self.transactions.push_back(Streamed { xid, touched });
    }

    /// The transaction that was begun last.
    pub(super) fn last(&self) -> Option<Xid> {
        self.transactions.back().map(|transaction| transaction.xid)
    }

    pub(super) fn changed(&mut self, relation: RelationId, key: &[u8], told: Told) {
        if let Some(Streamed { touched: Touched::These { keys, .. }, .. }) = self.transactions.back_mut()
            && let Entry::Vacant(vacant) = keys.entry((relation, Box::from(key)))
        {
            // What it told first is what counts: after that the rest is known.
            vacant.insert(told);
            self.key_bytes += key.len() + KEY_OVERHEAD_BYTES;
        }
        if self.key_bytes > KEY_BYTES_MAX {
            for transaction in &mut self.transactions {
                transaction.touched = Touched::Unknown;
            }
            self.key_bytes = 0;
        }
    }

    pub(super) fn emptied(&mut self, relation: RelationId) {
        if let Some(Streamed { touched: Touched::These { emptied, .. }, .. }) = self.transactions.back_mut() {
            emptied.push(relation);
        }
    }

    /// The transaction that was begun last changed rows of a table, and nobody knows which.
    pub(super) fn changed_somehow(&mut self, relation: RelationId) {
        if let Some(Streamed { touched: Touched::These { somehow, .. }, .. }) = self.transactions.back_mut()
            && !somehow.contains(&relation)
        {
            somehow.push(relation);
        }
    }

    /// The transactions that a snapshot does not see. Those that it sees every later one sees too: they are forgotten,
    /// except for the last, which may not be over.
    pub(super) fn unseen(&mut self, sight: &Sight) -> impl Iterator<Item = &Streamed> {
        let last = self.transactions.pop_back();
        self.transactions.retain(|transaction| !sight.sees(transaction.xid));
        self.transactions.extend(last);
        self.key_bytes = self.transactions.iter().map(|transaction| transaction.touched.key_bytes()).sum();
        self.transactions.iter().filter(|transaction| !sight.sees(transaction.xid))
    }
}

impl Touched {
    fn key_bytes(&self) -> usize {
        match self {
            Self::These { keys, .. } => keys.keys().map(|(_, key)| key.len() + KEY_OVERHEAD_BYTES).sum(),
            Self::Unknown => 0,
        }
    }
}
