//! What one reading has to read: tables, their parts, and what is left of them after an interruption.
//!
//! Owns [`shares`]. Pure.
//!
//! **The rule for what is read later.** Parts are ranges of pages under one snapshot of the database, a *generation*. After
//! an interruption that snapshot is gone, and what is left is read under a later one. Rows move meanwhile: an update writes
//! a row's new version on any page. So of a table of which parts are left, a later generation reads
//! 1. the pages that are left, whole, and
//! 2. of the pages that were read, every row that changed since the generation that read them: whose `xmin` is not older
//!    than the oldest transaction that this generation did not see as ended.
//!
//! Then every row of the table was delivered as it is under the last generation, or as an earlier one saw it and unchanged
//! since. The stream begins where the slot stands, before the first generation, and repeats every change since: what was
//! deleted or moved away is taken back, and every row ends as it is. In between a consumer may see a row newer than the
//! changes of it that follow, never one that is missing for good. An `xmin` of more than 2^32 transactions ago may look
//! young: its row is read again, and none is left out.
//!
//! A table that was truncated or rewritten lies in another file and is read from its beginning.
//!
//! A partitioned table lies in the heaps of its partitions, and the rule holds for all of them together: as long as one has
//! pages left, the rows that changed in any of them are read again, because a row that changes may move to another
//! partition. A partition that was added since has no part that is done and is read whole; of one that was removed nothing
//! more is read.
//!
//! A query that is read in place of a table has parts where it says yes or no to each row of the table by itself (see `query`):
//! then the rule holds for the rows to which it says yes. A row that changed is judged again where it lies now. The parts of
//! another query count for nothing.

use super::heaps::Heap;
use super::range::Range;
use crate::progress::{Generation, Part};

/// Bytes of a table that are one part at most. What an interruption finds half read is read again, so parts are small;
/// each costs a statement and a record of the progress, so a large table has larger ones.
const PART_BYTES_MAX: u64 = 64 << 20;

/// And at least.
const PART_BYTES_MIN: u64 = 8 << 20;

/// And where several readers share a small table.
const PART_BYTES_SHARED_MIN: u64 = 4 << 20;

/// As many parts as a table has where that lies between the bounds.
const PARTS: u64 = 512;

/// As many parts side by side are read again as one.
const NEIGHBOURS_MAX: u32 = 16;

/// What is read of a table as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which of the table's heaps.
    pub heap: usize,
    /// Its pages; all rows where it is [`Range::WHOLE`].
    pub range: Range,
    /// A condition besides the pages.
    pub condition: Option<String>,
    /// Whether it is kept as a part when it is done.
    pub kept: bool,
}

/// The shares of a table that lies in such heaps, with the parts of each that are done.
#[must_use]
pub fn shares(heaps: &[(Heap, Vec<Part>)], readers: usize, generations: &[Generation]) -> Vec<Share> {
    let bytes: u64 = heaps.iter().map(|(heap, _)| heap.stored_bytes).sum();
    let part_bytes = part_bytes(bytes, readers);
    let (mut again, mut rest) = (Vec::new(), Vec::new());
    for (at, (heap, done)) in heaps.iter().enumerate() {
        let whole = |range| Share { heap: at, range, condition: None, kept: true };
        let Some(pages) = heap.pages else {
            rest.push(Share { kept: false, ..whole(Range::WHOLE) });
            continue;
        };
        let step = step(heap, part_bytes);
        rest.extend(left(pages, step, done).into_iter().map(whole));
        let changed = |(range, generation)| Share {
            heap: at,
            range,
            condition: generations.iter().find(|known| known.number == generation).and_then(changed_since),
            kept: false,
        };
        again.extend(neighbours(done, step.saturating_mul(NEIGHBOURS_MAX)).into_iter().map(changed));
    }
    if rest.is_empty() {
        return Vec::new();
    }
    // A row may have moved from a partition that is left to one that was read.
    again.extend(rest);
    again
}

/// The pages that are left of a heap.
fn left(pages: u32, step: u32, done: &[Part]) -> Vec<Range> {
    let read: Vec<Range> = done.iter().map(|part| Range { from: part.from, to: part.to }).collect();
    Range::left(&read, pages, step)
}

/// Parts side by side that one generation read, taken together up to so many pages: most rows of them have not changed,
/// and a statement for each part would cost more than its rows.
fn neighbours(done: &[Part], pages_max: u32) -> Vec<(Range, u32)> {
    let mut parts: Vec<(Range, u32)> =
        done.iter().map(|part| (Range { from: part.from, to: part.to }, part.generation)).collect();
    parts.sort_unstable_by_key(|(range, _)| range.from);
    let mut together: Vec<(Range, u32)> = Vec::new();
    for (range, generation) in parts {
        match together.last_mut() {
            Some((last, same))
                if *same == generation && last.to == Some(range.from) && range.from - last.from < pages_max =>
            {
                last.to = range.to;
            }
            _ => together.push((range, generation)),
        }
    }
    together
}

/// Whether a table of so many bytes may come to more than one part.
#[must_use]
pub const fn may_be_shared(bytes: u64) -> bool {
    bytes > PART_BYTES_SHARED_MIN
}

/// Bytes of one part of a table that has so many.
fn part_bytes(bytes: u64, readers: usize) -> u64 {
    let wanted = (bytes / PARTS).clamp(PART_BYTES_MIN, PART_BYTES_MAX);
    match u64::try_from(readers).unwrap_or(u64::MAX) {
        0 | 1 => wanted,
        readers => wanted.min((bytes / readers.saturating_mul(2)).max(PART_BYTES_SHARED_MIN)),
    }
}

/// Pages of one part of a heap.
fn step(heap: &Heap, part_bytes: u64) -> u32 {
    let pages = u64::from(heap.pages.unwrap_or_default().max(1));
    let page_bytes = (heap.stored_bytes / pages).max(1);
    u32::try_from(part_bytes / page_bytes).unwrap_or(u32::MAX).max(1)
}

/// The condition for rows that changed since a generation; none where it cannot be told, which reads all of them.
fn changed_since(generation: &Generation) -> Option<String> {
    let oldest: u64 = generation.contents.split(':').next()?.parse().ok()?;
    // Transaction ids of rows have no epoch.
    Some(format!("age(w.xmin) <= age('{}'::xid)", oldest & 0xffff_ffff))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsn::Lsn;
    use crate::pgoutput::RelationId;
    use crate::progress::TableName;

    fn part(from: u32, to: Option<u32>, generation: u32) -> Part {
        Part { generation, heap: (1, 1), from, to, query: None, rows: 0 }
    }

    fn heap(pages: Option<u32>, bytes: u64, done: &[Part]) -> (Heap, Vec<Part>) {
        let name = TableName { schema: "public".to_owned(), table: "t".to_owned() };
        (Heap { name, id: RelationId(1), file: 1, pages, bytes, stored_bytes: bytes }, done.to_vec())
    }

    fn generations() -> [Generation; 2] {
        [1, 2].map(|number| Generation {
            number,
            lsn: Lsn::ZERO,
            contents: format!("{}:{}:", 4_294_967_296 + u64::from(number) * 100, 4_294_967_999u64),
        })
    }

    /// Each share as text: heap, pages, condition, and whether it is kept.
    fn told(shares: &[Share]) -> Vec<String> {
        let told = |share: &Share| {
            let Share { heap, range: Range { from, to }, condition, kept } = share;
            let to = to.map(|to| to.to_string()).unwrap_or_default();
            let condition = condition.as_deref().map(|condition| format!(" where {condition}")).unwrap_or_default();
            format!("{heap}: {from}..{to}{condition}{}", if *kept { " kept" } else { "" })
        };
        shares.iter().map(told).collect()
    }

    #[test]
    fn a_table_is_cut_by_its_size() {
        let cut = |pages: u32, readers| shares(&[heap(Some(pages), u64::from(pages) * 8192, &[])], readers, &[]).len();
        assert_eq!(cut(0, 4), 1, "an empty table is one share");
        assert_eq!(cut(100, 4), 1, "a small one too");
        assert_eq!(cut(1024, 1), 1);
        assert_eq!(cut(1025, 1), 2);
        assert_eq!(cut(1024, 4), 2);
        assert_eq!(cut(8192, 4), 8);
        assert_eq!(cut(512 * 4096, 4), 512);
        assert_eq!(cut(1024 * 8192, 4), 1024, "parts of very large tables do not grow");
        assert_eq!(shares(&[heap(None, 1 << 40, &[])], 4, &[]).len(), 1, "without pages of its own it cannot be cut");
    }

    #[test]
    fn what_is_left_is_read_whole_and_what_was_read_where_it_changed() {
        let done =
            [part(0, Some(512), 1), part(2048, Some(2500), 2), part(512, Some(768), 1), part(768, Some(1024), 2)];
        assert_eq!(
            told(&shares(&[heap(Some(5000), 5000 * 8192, &done)], 1, &generations())),
            [
                "0: 0..768 where age(w.xmin) <= age('100'::xid)",
                "0: 768..1024 where age(w.xmin) <= age('200'::xid)",
                "0: 2048..2500 where age(w.xmin) <= age('200'::xid)",
                "0: 1024..2048 kept",
                "0: 2500..3524 kept",
                "0: 3524..4548 kept",
                "0: 4548.. kept",
            ]
        );
        let read = heap(Some(9), 9 * 8192, &[part(0, None, 1)]);
        assert!(shares(&[read], 1, &generations()).is_empty(), "nothing is left");
    }

    #[test]
    fn while_a_partition_has_pages_left_what_changed_in_all_of_them_is_read_again() {
        // Given a partition that was read, one that was begun, one that came since, and one at another server.
        let read = heap(Some(1000), 1000 * 8192, &[part(0, None, 1)]);
        let begun = heap(Some(2000), 2000 * 8192, &[part(0, Some(1024), 2)]);
        let came = heap(Some(3), 3 * 8192, &[]);
        let foreign = heap(None, 0, &[]);
        let heaps = [read.clone(), begun, came, foreign];
        assert_eq!(
            told(&shares(&heaps, 1, &generations())),
            [
                "0: 0.. where age(w.xmin) <= age('100'::xid)",
                "1: 0..1024 where age(w.xmin) <= age('200'::xid)",
                "1: 1024.. kept",
                "2: 0.. kept",
                "3: 0..",
            ]
        );
        assert!(shares(&[read.clone(), read], 1, &generations()).is_empty(), "all of them were read");
    }
}
