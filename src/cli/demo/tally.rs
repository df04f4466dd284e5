//! Counts by table and kind of record, and their comparison.

use std::collections::BTreeMap;
use std::fmt;

/// A kind of record, as a consumer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// A row that was there before the connector.
    Read,
    Create,
    Update,
    Delete,
    Tombstone,
}

impl Sort {
    const ALL: [Self; 5] = [Self::Read, Self::Create, Self::Update, Self::Delete, Self::Tombstone];

    const fn name(self) -> &'static str {
        match self {
            Self::Read => "there before",
            Self::Create => "created",
            Self::Update => "updated",
            Self::Delete => "deleted",
            Self::Tombstone => "tombstones",
        }
    }
}

/// Records by table and sort.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally(BTreeMap<(String, Sort), u64>);

impl Tally {
    pub(super) fn add(&mut self, table: &str, sort: Sort, n: u64) {
        if n > 0 {
            *self.0.entry((table.to_owned(), sort)).or_default() += n;
        }
    }

    pub(super) fn get(&self, table: &str, sort: Sort) -> u64 {
        self.0.get(&(table.to_owned(), sort)).copied().unwrap_or(0)
    }

    /// Records with an envelope, tombstones left out.
    pub(super) fn events(&self) -> u64 {
        self.0.iter().filter(|((_, sort), _)| *sort != Sort::Tombstone).map(|(_, n)| n).sum()
    }

    /// Whether nothing of `other` is missing here.
    pub(super) fn holds(&self, other: &Self) -> bool {
        other.0.iter().all(|((table, sort), n)| self.get(table, *sort) >= *n)
    }
}

/// What was written beside what was read.
#[derive(Debug)]
pub(super) struct Verdict {
    written: Tally,
    read: Tally,
    latency: Option<Latency>,
}

/// Commit to consumer, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latency {
    pub(super) median_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
}

impl Verdict {
    pub(super) fn new(written: Tally, (read, latency): (Tally, Option<Latency>)) -> Self {
        Self { written, read, latency }
    }

    pub(super) fn is_equal(&self) -> bool {
        self.written == self.read && self.written.events() > 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tables: Vec<&str> =
            self.written.0.keys().chain(self.read.0.keys()).map(|(table, _)| &**table).collect();
        tables.sort_unstable();
        tables.dedup();
        writeln!(f, "\n{:<14} {:<12} {:>14} {:>16}", "table", "records", "written (SQL)", "read (Kafka)")?;
        for table in tables {
            for sort in Sort::ALL {
                let (written, read) = (self.written.get(table, sort), self.read.get(table, sort));
                if written > 0 || read > 0 {
                    let mark = if written == read { "" } else { "   <-- differs" };
                    writeln!(f, "{table:<14} {:<12} {written:>14} {read:>16}{mark}", sort.name())?;
                }
            }
        }
        if let Some(Latency { median_ms, p99_ms, max_ms }) = self.latency {
            writeln!(f, "\ncommit to consumer: median {median_ms:.1} ms, p99 {p99_ms:.1} ms, max {max_ms:.1} ms")?;
        }
        let verdict = if self.is_equal() { "equal" } else { "NOT EQUAL" };
        writeln!(
            f,
            "events written by SQL {}, events read from Kafka {}: {verdict}",
            self.written.events(),
            self.read.events()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_more_or_less_is_a_difference() {
        let mut written = Tally::default();
        written.add("orders", Sort::Create, 3);
        let mut read = written.clone();
        assert!(Verdict::new(written.clone(), (read.clone(), None)).is_equal());
        read.add("orders", Sort::Tombstone, 1);
        assert!(!Verdict::new(written.clone(), (read.clone(), None)).is_equal(), "one too many");
        assert!(read.holds(&written) && !written.holds(&read));
        let nothing = Verdict::new(Tally::default(), (Tally::default(), None));
        assert!(!nothing.is_equal(), "a demo that wrote nothing has shown nothing");
        assert!(Verdict::new(written, (read, None)).to_string().contains("NOT EQUAL"));
    }
}
