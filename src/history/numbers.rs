//! The book of numbers.

use std::collections::HashMap;
use std::fmt;

use super::Fingerprint;
use super::record::{Entry, Record, Unreadable};

/// The number of a version of a table, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub(super) u32);

impl Number {
    /// As it stands in records.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a number may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The store holds it.
    Kept,
    /// It was given out, and the store is not known to hold it.
    Given,
}

#[derive(Debug)]
struct Line {
    number: Number,
    fingerprint: Fingerprint,
    standing: Standing,
}

#[derive(Debug, Default)]
struct Table {
    lines: Vec<Line>,
    /// The highest number that ever was, removed or not: none is given out twice.
    highest: u32,
}

/// Numbers by table and fingerprint: forty bytes a version, and nothing of its columns.
#[derive(Debug, Default)]
pub struct Numbers {
    tables: HashMap<(String, String), Table>,
}

impl Numbers {
    /// Takes in a record of the history, in the order of the store; a later one of a version replaces an earlier one, as
    /// it does in a compacted topic.
    ///
    /// # Errors
    /// What is wrong with a record that is none of the history's.
    pub fn take(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), Unreadable> {
        let Entry { schema, table, number, fingerprint } = Entry::read(key, value)?;
        let table = self.tables.entry((schema, table)).or_default();
        table.highest = table.highest.max(number.0);
        table.lines.retain(|line| line.number != number);
        if let Some(fingerprint) = fingerprint {
            table.lines.push(Line { number, fingerprint, standing: Standing::Kept });
        }
        Ok(())
    }

    /// The number of a version: the one that its fingerprint has, or the next one of its table, which is given to it from
    /// now on.
    pub fn number(&mut self, schema: &str, table: &str, fingerprint: Fingerprint) -> (Number, Standing) {
        let table = self.tables.entry((schema.to_owned(), table.to_owned())).or_default();
        let known = table.lines.iter().filter(|line| line.fingerprint == fingerprint);
        // Of two numbers, which only somebody else's hand can have given to one fingerprint, the first one holds.
        if let Some(line) = known.min_by_key(|line| line.number) {
            return (line.number, line.standing);
        }
        table.highest = table.highest.saturating_add(1);
        let number = Number(table.highest);
        table.lines.push(Line { number, fingerprint, standing: Standing::Given });
        (number, Standing::Given)
    }

    /// Takes note that the store holds a number that was given out.
    pub fn kept(&mut self, schema: &str, table: &str, number: Number) {
        if let Some(table) = self.tables.get_mut(&(schema.to_owned(), table.to_owned())) {
            for line in table.lines.iter_mut().filter(|line| line.number == number) {
                line.standing = Standing::Kept;
            }
        }
    }

    /// Whether the version of a record has the number that the record gives it, and no other has.
    #[must_use]
    pub fn agrees_with(&self, record: &Record) -> bool {
        let Ok(entry) = Entry::read(Some(&record.key), Some(&record.value)) else { return false };
        let Some(table) = self.tables.get(&(entry.schema, entry.table)) else { return false };
        let line = table.lines.iter().find(|line| line.number == entry.number);
        line.is_some_and(|line| Some(line.fingerprint) == entry.fingerprint)
    }

    /// How many versions it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.values().map(|table| table.lines.len()).sum()
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
