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

/// Bytes of a table that are one part, where it is large.
const PART_BYTES: u64 = 64 << 20;

/// And where several readers share a smaller one.
const PART_BYTES_MIN: u64 = 4 << 20;

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
    let again = done.iter().map(|part| Share {
        range: Range { from: part.from, to: part.to },
        condition: generations.iter().find(|known| known.number == part.generation).and_then(changed_since),
        kept: false,
    });
    let mut shares: Vec<Share> = again.collect();
    shares.extend(left.into_iter().map(whole));
    shares
}

/// Pages of one part.
fn step(pages: u32, bytes: u64, readers: usize) -> u32 {
    let readers = u64::try_from(readers).unwrap_or(u64::MAX).max(1);
    let wanted = if readers == 1 { PART_BYTES } else { (bytes / (readers * 2)).clamp(PART_BYTES_MIN, PART_BYTES) };
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
        assert_eq!(cut(8192, 1), 1);
        assert_eq!(cut(8193, 1), 2);
        assert_eq!(cut(8192, 4), 8);
        assert_eq!(shares(None, 1 << 40, 4, &[], &[]).len(), 1, "without pages of its own it cannot be cut");
    }

    #[test]
    fn what_is_left_is_read_whole_and_what_was_read_where_it_changed() {
        let generations = [1, 2].map(|number| Generation {
            number,
            lsn: Lsn::ZERO,
            contents: format!("{}:{}:", 4_294_967_296 + u64::from(number) * 100, 4_294_967_999u64),
        });
        let done = [part(0, Some(8192), 1), part(16384, Some(20000), 2)];
        let found = shares(Some(30000), 30000 * 8192, 1, &done, &generations);
        let told: Vec<(u32, Option<u32>, Option<&str>, bool)> = found
            .iter()
            .map(|share| (share.range.from, share.range.to, share.condition.as_deref(), share.kept))
            .collect();
        assert_eq!(
            told,
            [
                (0, Some(8192), Some("age(w.xmin) <= age('100'::xid)"), false),
                (16384, Some(20000), Some("age(w.xmin) <= age('200'::xid)"), false),
                (8192, Some(16384), None, true),
                (20000, Some(28192), None, true),
                (28192, None, None, true),
            ]
        );
        assert!(shares(Some(9), 9 * 8192, 1, &[part(0, None, 1)], &generations).is_empty(), "nothing is left");
    }
}
