//! A chunk between its reading and its place in the stream.

use std::collections::HashMap;

use bytes::Bytes;

use super::order::{Chunk, ChunkRow, Told};
use super::recent::Touched;
use super::sight::Sight;
use crate::lsn::Lsn;
use crate::pgoutput::RelationId;
use crate::progress::KeyValues;

/// See the module.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) relation: RelationId,
    pub(super) sight: Sight,
    /// Where its rows go out, or behind it.
    pub(super) closes: Lsn,
    /// Its rows; nothing in place of those that were removed.
    pub(super) rows: Vec<Option<ChunkRow>>,
    /// How many were read.
    pub(super) read: u64,
    pub(super) last: Option<KeyValues>,
    pub(super) more: bool,
    /// Rows by key. Keys that an operator chose need not tell rows apart.
    by_key: HashMap<Bytes, Vec<usize>>,
    doomed: bool,
    wants_whole_rows: bool,
    #[cfg(test)]
    all: Vec<ChunkRow>,
}

impl Window {
    /// Where it wants whole rows, a change that tells a row of it in part has it read again.
    pub(super) fn new(chunk: Chunk, wants_whole_rows: bool) -> Self {
        let Chunk { relation, sight, log_end, rows, last, more, .. } = chunk;
        let mut by_key: HashMap<Bytes, Vec<usize>> = HashMap::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            by_key.entry(row.key.clone()).or_default().push(at);
        }
        Self {
            relation,
            sight,
            closes: log_end,
            #[cfg(test)]
            all: rows.clone(),
            read: rows.len() as u64,
            rows: rows.into_iter().map(Some).collect(),
            last,
            more,
            by_key,
            doomed: false,
            wants_whole_rows,
        }
    }

    /// Removes the rows of a key.
    pub(super) fn remove(&mut self, relation: RelationId, key: &[u8], told: Told) {
        if relation != self.relation {
            return;
        }
        let Some(removed) = self.by_key.remove(key) else { return };
        self.doomed |= told == Told::InPart && self.wants_whole_rows;
        for at in removed {
            if let Some(row) = self.rows.get_mut(at) {
                *row = None;
            }
        }
    }

    /// Removes all rows: their table was emptied.
    pub(super) fn empty(&mut self, relation: RelationId) {
        if relation == self.relation {
            self.by_key.clear();
            self.rows.clear();
        }
    }

    /// It has to be read again.
    pub(super) fn doom(&mut self, relation: RelationId) {
        self.doomed |= relation == self.relation;
    }

    pub(super) const fn is_doomed(&self) -> bool {
        self.doomed
    }

    /// Removes what a transaction touched; tells whether that is known.
    pub(super) fn remove_touched(&mut self, touched: &Touched) -> bool {
        let Touched::These { keys, emptied, somehow } = touched else { return false };
        for ((relation, key), told) in keys {
            self.remove(*relation, key, *told);
        }
        for relation in emptied {
            self.empty(*relation);
        }
        !somehow.contains(&self.relation)
    }

    #[cfg(test)]
    pub(super) fn restore_all(&mut self) {
        self.rows = self.all.iter().cloned().map(Some).collect();
    }
}
