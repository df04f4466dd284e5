//! Transactions: their records, and what each record says of its place in one.
//!
//! Owns [`Tally`]. What is counted are records other than tombstones, behind all filters, as in Debezium: a key change
//! counts twice, and a transaction without a captured change has a begin and an end with nothing between them.
//!
//! Source: Debezium's `TransactionMonitor`, `PostgresTransactionMonitor`, `TransactionContext` and
//! `DefaultTransactionStructMaker`.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::Encoder;
use super::super::format::{Format, Payload, Segments};
use super::Standing;
use crate::catalog::RelationVersion;
use crate::event::Transaction;
use crate::lsn::{CommitLsn, Lsn, Position};
use crate::pgoutput::{RelationId, Xid};
use crate::pgtime::PgMicros;
use crate::schema::{JAVA_BUCKETS_MIN, Put, java_bucket_order, java_buckets, java_hash};

/// What messages are counted under. Debezium means it so, but writes the address of an object, another for each message.
const MESSAGES: &str = "LOGICAL_DECODING_MESSAGE";

/// Where a record stands in its transaction.
#[derive(Clone, Copy, Debug)]
pub(in crate::encode) struct Order {
    pub(in crate::encode) xid: Xid,
    pub(in crate::encode) lsn: Lsn,
    pub(in crate::encode) numbers: Numbers,
}

/// Its numbers, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::encode) struct Numbers {
    pub(in crate::encode) total: i64,
    pub(in crate::encode) of_collection: i64,
}

/// Writes the id of a transaction as it stands in a record of this position.
pub(in crate::encode) fn put_id<P: Put>(to: &mut P, xid: Xid, lsn: Lsn) {
    to.put_plain(|out| {
        let mut digits = itoa::Buffer::new();
        out.extend_from_slice(digits.format(xid.0).as_bytes());
        out.push(b':');
        out.extend_from_slice(digits.format(lsn.as_i64()).as_bytes());
    });
}

/// Fills the `transaction` block.
pub(super) fn put_block<F: Format>(to: Segments<'_, F>, order: Order) -> Segments<'_, F> {
    let to = to.value(|to| put_id(to, order.xid, order.lsn));
    to.value(|to| to.put_i64(order.numbers.total)).value(|to| to.put_i64(order.numbers.of_collection))
}

/// What was written of the open transaction.
#[derive(Debug)]
pub(in crate::encode) struct Tally {
    transaction: Option<(Xid, CommitLsn)>,
    commit_time: PgMicros,
    total: i64,
    collections: Vec<Collection>,
    index: HashMap<RelationId, usize>,
    messages: i64,
    /// Buckets of Debezium's map of counts, which is emptied with each transaction but never shrinks.
    buckets: u32,
    /// What was counted at `position`, to be taken back where its records are sent again.
    position: Position,
    last: Vec<Counted>,
}

#[derive(Debug)]
struct Collection {
    relation: Arc<RelationVersion>,
    hash: u32,
    events: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Row { collection: usize },
    Message,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            transaction: None,
            commit_time: PgMicros::default(),
            total: 0,
            collections: Vec::new(),
            index: HashMap::new(),
            messages: 0,
            buckets: JAVA_BUCKETS_MIN,
            position: Position::default(),
            last: Vec::new(),
        }
    }
}

impl Tally {
    fn begin(&mut self, transaction: &Transaction) {
        self.transaction = Some((transaction.xid, transaction.commit));
        self.commit_time = transaction.commit_time;
        (self.total, self.messages) = (0, 0);
        self.collections.clear();
        self.index.clear();
        self.last.clear();
    }

    /// Takes note of the event whose records are counted next.
    #[inline]
    pub(in crate::encode) fn at(&mut self, position: Position) {
        if self.position != position {
            self.position = position;
            self.last.clear();
        }
    }

    /// The number under which a table's records are counted.
    #[inline]
    pub(in crate::encode) fn collection(&mut self, relation: &Arc<RelationVersion>) -> usize {
        match self.index.get(&relation.id).and_then(|&at| Some((at, self.collections.get(at)?))) {
            Some((at, known)) if Arc::ptr_eq(&known.relation, relation) => at,
            _ => self.new_collection(relation),
        }
    }

    /// A table is known by its name: one that is renamed counts anew.
    #[cold]
    fn new_collection(&mut self, relation: &Arc<RelationVersion>) -> usize {
        let hash = java_hash(&name(relation));
        let is_it = |known: &Collection| {
            known.hash == hash && known.relation.schema == relation.schema && known.relation.table == relation.table
        };
        let at = self.collections.iter().position(is_it).unwrap_or(self.collections.len());
        match self.collections.get_mut(at) {
            Some(known) => known.relation = Arc::clone(relation),
            None => self.collections.push(Collection { relation: Arc::clone(relation), hash, events: 0 }),
        }
        self.index.insert(relation.id, at);
        at
    }

    /// Counts a record of a table and gives its numbers.
    #[inline]
    pub(in crate::encode) fn count(&mut self, collection: usize) -> Numbers {
        self.total += 1;
        self.last.push(Counted::Row { collection });
        let of_collection = self.collections.get_mut(collection).map_or(1, |known| {
            known.events += 1;
            known.events
        });
        Numbers { total: self.total, of_collection }
    }

    /// Counts a message and gives its numbers.
    pub(super) fn count_message(&mut self) -> Numbers {
        self.total += 1;
        self.messages += 1;
        self.last.push(Counted::Message);
        Numbers { total: self.total, of_collection: self.messages }
    }

    fn take_back(&mut self) {
        for counted in self.last.drain(..) {
            self.total -= 1;
            match counted {
                Counted::Row { collection } => {
                    if let Some(known) = self.collections.get_mut(collection) {
                        known.events -= 1;
                    }
                }
                Counted::Message => self.messages -= 1,
            }
        }
    }

    /// Names and counts in the order of Debezium's `HashMap`.
    fn counts(&mut self) -> Vec<(String, i64)> {
        let messages = usize::try_from(self.messages).unwrap_or(usize::MAX);
        let written = |known: &&Collection| known.events > 0;
        let entries = self.collections.iter().filter(written).count().saturating_add(messages);
        self.buckets = java_buckets(self.buckets, entries);
        let rows =
            self.collections.iter().filter(written).map(|known| (known.hash, name(&known.relation), known.events));
        let messages = (self.messages > 0).then(|| (java_hash(MESSAGES), MESSAGES.to_owned(), self.messages));
        let mut counts: Vec<_> = rows.chain(messages).collect();
        counts.sort_by_key(|(hash, ..)| java_bucket_order(*hash, self.buckets));
        counts.into_iter().map(|(_, name, events)| (name, events)).collect()
    }
}

/// `TableId.toString`
fn name(relation: &RelationVersion) -> String {
    format!("{}.{}", relation.schema, relation.table)
}

struct Key {
    xid: Xid,
    lsn: Lsn,
}

impl Payload for Key {
    fn fill<'s, F: Format>(&self, to: Segments<'s, F>) -> Segments<'s, F> {
        to.value(|to| put_id(to, self.xid, self.lsn))
    }
}

struct Value {
    xid: Xid,
    lsn: Lsn,
    commit_time: PgMicros,
    /// Of all, and by collection; `None` at the begin.
    events: Option<(i64, Vec<(String, i64)>)>,
}

impl Payload for Value {
    fn fill<'s, F: Format>(&self, to: Segments<'s, F>) -> Segments<'s, F> {
        let events = self.events.as_ref();
        let to = to.value(|to| to.put_str(if events.is_some() { "END" } else { "BEGIN" }));
        let to = to.value(|to| put_id(to, self.xid, self.lsn));
        let to = to.value_or_null(events, |to, (total, _)| to.put_i64(*total));
        let to = to.value_or_null(events, |to, (_, counts)| {
            to.begin_array(counts.len());
            for (name, events) in counts {
                to.element();
                to.optional(true);
                to.begin_struct();
                to.field("data_collection");
                to.put_str(name);
                to.field("event_count");
                to.put_i64(*events);
                to.end_struct();
            }
            to.end_array(counts.len());
        });
        to.value(|to| to.put_i64(self.commit_time.unix_millis()))
    }
}

impl Encoder {
    /// Begins to count a transaction and encodes its record; gives the number of records, which is 0 where transactions
    /// are not described. `lsn` is where the frame of its begin starts.
    pub fn begin_transaction(&mut self, transaction: &Transaction, lsn: Lsn) -> usize {
        let Some(tally) = &mut self.standing.tally else { return 0 };
        tally.begin(transaction);
        let (xid, commit_time) = (transaction.xid, transaction.commit_time);
        let value = Value { xid, lsn, commit_time, events: None };
        self.write_standing(Standing::Transaction, Some(Position::begin(transaction.commit)), &Key { xid, lsn }, &value)
    }

    /// Goes on with a transaction whose begin was written before, after its source was lost. What was written of it is
    /// still counted.
    pub fn resume_transaction(&mut self, transaction: &Transaction) {
        if let Some(tally) = &mut self.standing.tally
            && tally.transaction != Some((transaction.xid, transaction.commit))
        {
            tally.begin(transaction);
        }
    }

    /// Encodes the record of a transaction's end; gives the number of records, which is 0 where transactions are not
    /// described. `lsn` is where the frame of its commit starts.
    pub fn end_transaction(&mut self, lsn: Lsn) -> usize {
        let Some(tally) = &mut self.standing.tally else { return 0 };
        let Some((xid, commit)) = tally.transaction else { return 0 };
        let commit_time = tally.commit_time;
        let events = Some((tally.total, tally.counts()));
        let value = Value { xid, lsn, commit_time, events };
        self.write_standing(Standing::Transaction, Some(Position::end(commit)), &Key { xid, lsn }, &value)
    }

    /// Takes back what the last event was counted for: its records were not all taken, and it is going to be encoded
    /// again.
    pub fn take_back(&mut self) {
        if let Some(tally) = &mut self.standing.tally {
            tally.take_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::tests::relation;

    fn position(ordinal: u64) -> Position {
        Position { commit: CommitLsn::new(Lsn::new(0x500)), ordinal }
    }

    fn transaction() -> Transaction {
        Transaction { xid: Xid(7), commit: position(0).commit, commit_time: PgMicros(0), origin: None }
    }

    #[test]
    fn what_was_not_taken_is_not_counted_twice() {
        // Given a transaction of which one row and a message were written
        let mut tally = Tally::default();
        tally.begin(&transaction());
        let table = relation(Vec::new(), &[]);
        tally.at(position(1));
        let at = tally.collection(&table);
        assert_eq!(tally.count(at), Numbers { total: 1, of_collection: 1 });
        tally.at(position(2));
        assert_eq!(tally.count_message(), Numbers { total: 2, of_collection: 1 });
        // When a key change of two records is taken back and comes again
        for _ in 0..2 {
            tally.at(position(3));
            assert_eq!(tally.count(at), Numbers { total: 3, of_collection: 2 });
            assert_eq!(tally.count(at), Numbers { total: 4, of_collection: 3 });
            tally.take_back();
        }
        // Then only what came before it counts
        assert_eq!(tally.counts(), [(name(&table), 1), ("LOGICAL_DECODING_MESSAGE".to_owned(), 1)]);
        assert_eq!(tally.total, 2);
    }
}
