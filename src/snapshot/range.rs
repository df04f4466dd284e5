//! Parts of a table: which there are, and what they are in SQL.
//!
//! Owns [`Range`]. A range of pages means the same rows only under one snapshot, in which rows do not move.

use std::fmt::Write as _;

/// Rows of a heap by the pages that they lie on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// First page.
    pub from: u32,
    /// First page behind it; to the end of the table where absent, however long that has become.
    pub to: Option<u32>,
}

impl Range {
    /// The whole table.
    pub const WHOLE: Self = Self { from: 0, to: None };

    /// Cuts a heap of `pages` into ranges of `step` pages, the last one without end.
    #[must_use]
    pub fn cut(pages: u32, step: u32) -> Vec<Self> {
        let step = step.max(1);
        let mut ranges = Vec::new();
        let mut from: u32 = 0;
        while let Some(to) = from.checked_add(step).filter(|to| *to < pages) {
            ranges.push(Self { from, to: Some(to) });
            from = to;
        }
        ranges.push(Self { from, to: None });
        ranges
    }

    /// What remains of a heap of `pages` when some ranges are read, in steps of `step` pages.
    #[must_use]
    pub fn left(read: &[Self], pages: u32, step: u32) -> Vec<Self> {
        let mut read = read.to_vec();
        read.sort_unstable();
        let (mut left, mut from) = (Vec::new(), Some(0));
        for range in read {
            let Some(begin) = from else { break };
            if range.from > begin {
                left.extend(Self::bounded(begin, range.from, step));
            }
            from = range.to.map(|to| to.max(begin));
        }
        if let Some(begin) = from {
            let tail = Self::cut(pages.saturating_sub(begin), step);
            left.extend(tail.into_iter().map(|range| Self {
                from: range.from.saturating_add(begin),
                to: range.to.map(|to| to.saturating_add(begin)),
            }));
        }
        left
    }

    fn bounded(from: u32, to: u32, step: u32) -> Vec<Self> {
        let mut ranges = Self::cut(to - from, step);
        for range in &mut ranges {
            range.from += from;
            range.to = Some(range.to.map_or(to, |end| end + from));
        }
        ranges
    }

    /// Adds the condition for its rows; nothing for the whole table.
    pub fn write_condition(self, sql: &mut String) {
        // Writing to a text cannot fail.
        let _ = match (self.from, self.to) {
            (0, None) => Ok(()),
            (from, None) => write!(sql, "ctid >= '({from},0)'::tid"),
            (0, Some(to)) => write!(sql, "ctid < '({to},0)'::tid"),
            (from, Some(to)) => write!(sql, "ctid >= '({from},0)'::tid AND ctid < '({to},0)'::tid"),
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Which of the first pages a list of ranges holds, and how often.
    fn held(ranges: &[Range], pages: u32) -> Vec<usize> {
        (0..pages)
            .map(|page| ranges.iter().filter(|range| range.from <= page && range.to.is_none_or(|to| page < to)).count())
            .collect()
    }

    proptest! {
        #[test]
        fn a_cut_holds_every_page_once_and_pages_that_come_later(pages in 0u32..500, step in 0u32..60) {
            let ranges = Range::cut(pages, step);
            prop_assert_eq!(held(&ranges, pages + 50), vec![1; pages as usize + 50]);
            prop_assert_eq!(ranges.iter().filter(|range| range.to.is_none()).count(), 1);
        }

        #[test]
        fn what_was_read_and_what_is_left_hold_every_page_once(
            pages in 0u32..300, step in 1u32..40, then in 1u32..40, later in 0u32..400, read in any::<u64>()
        ) {
            // Given some ranges of a cut that were read, when the table has another size, then the rest has all others.
            let ranges = Range::cut(pages, step);
            let read: Vec<Range> =
                ranges.into_iter().enumerate().filter(|(at, _)| read >> (at % 64) & 1 == 1).map(|(_, range)| range).collect();
            let mut all = Range::left(&read, later, then);
            all.extend(&read);
            prop_assert_eq!(held(&all, 500), vec![1; 500]);
        }
    }

    #[test]
    fn a_condition_names_pages() {
        let text = |from, to| {
            let mut sql = String::new();
            Range { from, to }.write_condition(&mut sql);
            sql
        };
        assert_eq!(text(0, None), "");
        assert_eq!(text(0, Some(9)), "ctid < '(9,0)'::tid");
        assert_eq!(text(9, None), "ctid >= '(9,0)'::tid");
        assert_eq!(text(9, Some(18)), "ctid >= '(9,0)'::tid AND ctid < '(18,0)'::tid");
    }
}
