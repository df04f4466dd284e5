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
    /// Its pages; all rows where it is [`Range::WHOLE`].
    pub range: Range,
    /// A condition besides the pages.
    pub condition: Option<String>,
    /// Whether it is kept as a part when it is done.
    pub kept: bool,
}

/// The shares of a table that lies in `pages` pages of `bytes` bytes in all, of which `done` parts are done.
#[must_use]
pub fn shares(pages: Option<u32>, bytes: u64, readers: usize, done: &[Part], generations: &[Generation]) -> Vec<Share> {
    let whole = |range| Share { range, condition: None, kept: true };
    let Some(pages) = pages else { return vec![Share { kept: false, ..whole(Range::WHOLE) }] };
    let step = step(pages, bytes, readers);
    if done.is_empty() {
        return Range::cut(pages, step).into_iter().map(whole).collect();
    }
    let read: Vec<Range> = done.iter().map(|part| Range { from: part.from, to: part.to }).collect();
    let left = Range::left(&read, pages, step);
    if left.is_empty() {
        return Vec::new();
    }
    let again = neighbours(done, step.saturating_mul(NEIGHBOURS_MAX)).into_iter().map(|(range, generation)| Share {
        range,
        condition: generations.iter().find(|known| known.number == generation).and_then(changed_since),
        kept: false,
    });
    let mut shares: Vec<Share> = again.collect();
    shares.extend(left.into_iter().map(whole));
    shares
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

/// Pages of one part.
fn step(pages: u32, bytes: u64, readers: usize) -> u32 {
    let wanted = (bytes / PARTS).clamp(PART_BYTES_MIN, PART_BYTES_MAX);
    let wanted = match u64::try_from(readers).unwrap_or(u64::MAX) {
        0 | 1 => wanted,
        readers => wanted.min((bytes / readers.saturating_mul(2)).max(PART_BYTES_SHARED_MIN)),
    };
    let page_bytes = (bytes / u64::from(pages.max(1))).max(1);
    u32::try_from(wanted / page_bytes).unwrap_or(u32::MAX).max(1)
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

    fn part(from: u32, to: Option<u32>, generation: u32) -> Part {
        Part { generation, heap: (1, 1), from, to, rows: 0 }
    }

    #[test]
    fn a_table_is_cut_by_its_size() {
        let cut = |pages: u32, readers| shares(Some(pages), u64::from(pages) * 8192, readers, &[], &[]).len();
        assert_eq!(cut(0, 4), 1, "an empty table is one share");
        assert_eq!(cut(100, 4), 1, "a small one too");
        assert_eq!(cut(1024, 1), 1);
        assert_eq!(cut(1025, 1), 2);
        assert_eq!(cut(1024, 4), 2);
        assert_eq!(cut(8192, 4), 8);
        assert_eq!(cut(512 * 4096, 4), 512);
        assert_eq!(cut(1024 * 8192, 4), 1024, "parts of very large tables do not grow");
        assert_eq!(shares(None, 1 << 40, 4, &[], &[]).len(), 1, "without pages of its own it cannot be cut");
    }

    #[test]
    fn what_is_left_is_read_whole_and_what_was_read_where_it_changed() {
        let generations = [1, 2].map(|number| Generation {
            number,
            lsn: Lsn::ZERO,
            contents: format!("{}:{}:", 4_294_967_296 + u64::from(number) * 100, 4_294_967_999u64),
        });
        let done =
            [part(0, Some(512), 1), part(2048, Some(2500), 2), part(512, Some(768), 1), part(768, Some(1024), 2)];
        let found = shares(Some(5000), 5000 * 8192, 1, &done, &generations);
        let told: Vec<(u32, Option<u32>, Option<&str>, bool)> = found
            .iter()
            .map(|share| (share.range.from, share.range.to, share.condition.as_deref(), share.kept))
            .collect();
        assert_eq!(
            told,
            [
                (0, Some(768), Some("age(w.xmin) <= age('100'::xid)"), false),
                (768, Some(1024), Some("age(w.xmin) <= age('200'::xid)"), false),
                (2048, Some(2500), Some("age(w.xmin) <= age('200'::xid)"), false),
                (1024, Some(2048), None, true),
                (2500, Some(3524), None, true),
                (3524, Some(4548), None, true),
                (4548, None, None, true),
            ]
        );
        assert!(shares(Some(9), 9 * 8192, 1, &[part(0, None, 1)], &generations).is_empty(), "nothing is left");
    }
}
