//! One reading of a snapshot: which row goes out when, with which mark, and which parts are finished.
//!
//! Owns [`Run`]. Pure: readers feed it with rows of parts, in any order among parts, and it gives out rows that are ready.
//! Rows of one part go out in their order.
//!
//! What a row is marked with depends on what follows it, so one row of each part is held back, then one of each table,
//! then one of all. A part is sealed when its last row went out, so a held row keeps its part unfinished.
//!
//! Source of the marks: Debezium's `RelationalSnapshotChangeEventSource.setSnapshotMarker`, whose last row is marked again
//! by `SnapshotReceiver.completeSnapshot`.

use std::collections::HashMap;

use bytes::Bytes;

use super::tally::Tally;
use crate::error::{Error, Result};
use crate::event::SnapshotMark;
use crate::ledger::Ticket;

/// A part of a table, counted from 0 over all tables of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId(pub usize);

/// A row that goes out now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its part.
    pub part: PartId,
    /// Index of its table.
    pub table: usize,
    /// The row, as it was copied.
    pub row: Bytes,
    /// What `source.snapshot` says.
    pub mark: SnapshotMark,
    /// What the sink reports its delivery with.
    pub ticket: Ticket,
}

#[derive(Debug)]
struct Part {
    table: usize,
    ticket: Ticket,
    /// The last row that was read, until another follows it.
    held: Option<Bytes>,
    /// Rows that were read and not yet taken by the sink: given out, or in a table's hold, or in that of all.
    waiting: u64,
    /// Rows that were read.
    rows: u64,
    /// Records that the sink took.
    records: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// More rows may come.
    Open,
    /// None will come; some were not taken yet.
    Ended,
    /// All were taken.
    Sealed,
}

#[derive(Debug, Default)]
struct Table {
    /// Parts that have not ended.
    open: usize,
    /// A row went out.
    begun: bool,
    held: Option<(PartId, Bytes)>,
}

/// See the module.
#[derive(Debug)]
pub struct Run {
    parts: Vec<Part>,
    tables: Vec<Table>,
    /// Tables that have not ended.
    open: usize,
    /// The last row of the last table that ended with rows.
    held: Option<Ready>,
    tally: Tally,
    by_ticket: HashMap<Ticket, PartId>,
    finished: Vec<PartId>,
    /// Parts that are not sealed.
    unsealed: usize,
}

impl Run {
    /// A run over tables with so many parts each; one without parts has ended before it begins.
    #[must_use]
    pub fn new(parts_of_tables: &[usize], mut tally: Tally) -> Self {
        let (mut parts, mut by_ticket) = (Vec::new(), HashMap::new());
        for (table, &count) in parts_of_tables.iter().enumerate() {
            for _ in 0..count {
                let ticket = tally.open();
                by_ticket.insert(ticket, PartId(parts.len()));
                parts.push(Part { table, ticket, held: None, waiting: 0, rows: 0, records: 0, state: State::Open });
            }
        }
        let tables: Vec<Table> = parts_of_tables.iter().map(|&open| Table { open, ..Table::default() }).collect();
        let open = tables.iter().filter(|table| table.open > 0).count();
        let unsealed = parts.len();
        Self { parts, tables, open, held: None, tally, by_ticket, finished: Vec::new(), unsealed }
    }

    /// Takes a row of a part, and gives the one before it, which it shows not to be the last.
    ///
    /// # Errors
    /// `Bug` for a part that is not open.
    #[inline]
    pub fn row(&mut self, id: PartId, row: Bytes) -> Result<Option<Ready>> {
        let part = self.parts.get_mut(id.0).filter(|part| part.state == State::Open).ok_or_else(not_open)?;
        part.rows += 1;
        let Some(row) = part.held.replace(row) else { return Ok(None) };
        part.waiting += 1;
        let (table, ticket) = (part.table, part.ticket);
        Ok(Some(Ready { part: id, table, row, mark: self.mark_within(table), ticket }))
    }

    /// The mark of a row that others of its table follow.
    #[inline]
    fn mark_within(&mut self, at: usize) -> SnapshotMark {
        let begun = self.tables.get_mut(at).is_none_or(|table| std::mem::replace(&mut table.begun, true));
        match at {
            _ if begun => SnapshotMark::Within,
            0 => SnapshotMark::First,
            _ => SnapshotMark::FirstInTable,
        }
    }

    /// A part has no more rows. Adds the rows that go out with that.
    ///
    /// # Errors
    /// `Bug` for a part that is not open.
    pub fn end(&mut self, id: PartId, ready: &mut Vec<Ready>) -> Result<()> {
        let part = self.parts.get_mut(id.0).filter(|part| part.state == State::Open).ok_or_else(not_open)?;
        part.state = State::Ended;
        let at = part.table;
        let held = part.held.take();
        part.waiting += u64::from(held.is_some());
        let table = self.tables.get_mut(at).ok_or_else(not_open)?;
        table.open = table.open.saturating_sub(1);
        let ended = table.open == 0;
        if let Some(row) = held
            && let Some((before, row)) = table.held.replace((id, row))
        {
            let mark = self.mark_within(at);
            ready.extend(self.ready(before, row, mark));
        }
        if ended {
            self.end_table(at, ready);
        }
        self.seal(id)
    }

    fn end_table(&mut self, at: usize, ready: &mut Vec<Ready>) {
        self.open = self.open.saturating_sub(1);
        let held = self.tables.get_mut(at).and_then(|table| Some((table.begun, table.held.take()?)));
        if let Some((begun, (part, row))) = held {
            let mark = if at == 0 && !begun { SnapshotMark::First } else { SnapshotMark::LastInTable };
            let last = self.ready(part, row, mark);
            ready.extend(std::mem::replace(&mut self.held, last));
        }
        if self.open == 0 {
            ready.extend(self.held.take().map(|last| Ready { mark: SnapshotMark::Last, ..last }));
        }
    }

    fn ready(&self, part: PartId, row: Bytes, mark: SnapshotMark) -> Option<Ready> {
        let Part { table, ticket, .. } = self.parts.get(part.0)?;
        Some(Ready { part, table: *table, row, mark, ticket: *ticket })
    }

    /// The sink took all records of a row that went out.
    ///
    /// # Errors
    /// `Bug` for a row that did not go out.
    #[inline]
    pub fn taken(&mut self, id: PartId, records: u64) -> Result<()> {
        let part = self.parts.get_mut(id.0).filter(|part| part.waiting > 0).ok_or_else(not_open)?;
        part.waiting -= 1;
        part.records += records;
        if part.state == State::Open { Ok(()) } else { self.seal(id) }
    }

    /// Seals a part that has ended and whose rows were all taken.
    fn seal(&mut self, id: PartId) -> Result<()> {
        let part = self.parts.get_mut(id.0).ok_or_else(not_open)?;
        if part.state != State::Ended || part.waiting > 0 {
            return Ok(());
        }
        part.state = State::Sealed;
        self.unsealed = self.unsealed.saturating_sub(1);
        let (ticket, records) = (part.ticket, part.records);
        if self.tally.seal(ticket, records)? {
            self.finished.push(id);
        }
        Ok(())
    }

    /// Records were delivered.
    ///
    /// # Errors
    /// `Bug` where more were delivered than were taken.
    pub fn delivered(&mut self, ticket: Ticket, records: u64) -> Result<()> {
        if self.tally.delivered(ticket, records)? {
            self.finished.extend(self.by_ticket.get(&ticket));
        }
        Ok(())
    }

    /// Rows of a part that were read so far.
    #[must_use]
    pub fn rows(&self, id: PartId) -> u64 {
        self.parts.get(id.0).map_or(0, |part| part.rows)
    }

    /// Takes the parts that the brokers hold whole since the last look, with the number of their rows.
    pub fn take_finished(&mut self) -> Vec<(PartId, u64)> {
        std::mem::take(&mut self.finished).into_iter().map(|id| (id, self.rows(id))).collect()
    }

    /// Whether every part was read to its end and every row of it taken.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.unsealed == 0
    }

    /// Ends the run; what the sink still holds of it counts no more. The tally goes on, so that no ticket is used twice.
    #[must_use]
    pub fn into_tally(mut self) -> Tally {
        self.tally.abandon();
        self.tally
    }
}

fn not_open() -> Error {
    Error::bug("a row of a snapshot belongs to no part that waits for it")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    /// Reads tables of parts of rows one part after the other and gives each row with its mark.
    fn marks(tables: &[&[&[&str]]]) -> Vec<(String, &'static str)> {
        let parts: Vec<usize> = tables.iter().map(|parts| parts.len()).collect();
        let mut run = Run::new(&parts, Tally::default());
        let mut ready = Vec::new();
        for (at, rows) in tables.iter().flat_map(|parts| parts.iter()).enumerate() {
            for text in *rows {
                ready.extend(run.row(PartId(at), row(text)).unwrap());
            }
            run.end(PartId(at), &mut ready).unwrap();
        }
        ready.iter().map(|ready| (String::from_utf8(ready.row.to_vec()).unwrap(), ready.mark.as_str())).collect()
    }

    #[test]
    fn rows_are_marked_as_debezium_marks_them() {
        let told = |tables: &[&[&[&str]]]| -> Vec<String> {
            marks(tables).iter().map(|(row, mark)| format!("{row} {mark}")).collect()
        };
        assert_eq!(
            told(&[&[&["a", "b", "c"]], &[&["d"]], &[&["e", "f"]]]),
            [
                "a first",
                "b true",
                "c last_in_data_collection",
                "e first_in_data_collection",
                // It could have been the last of all.
                "d last_in_data_collection",
                "f last"
            ]
        );
        assert_eq!(told(&[&[&[]], &[&["a", "b"]], &[&[]]]), ["a first_in_data_collection", "b last"]);
        assert_eq!(told(&[&[&["a"]], &[&["b"]]]), ["a first", "b last"]);
        assert_eq!(told(&[&[&["a"]]]), ["a last"]);
        assert_eq!(told(&[&[&["a"], &[], &["b"]], &[]]), ["a first", "b last"]);
        assert!(told(&[&[&[]], &[&[]]]).is_empty());
    }

    proptest! {
        #[test]
        fn whatever_the_order_every_row_goes_out_once_and_a_part_is_finished_only_when_all_of_it_is_delivered(
            tables in prop::collection::vec(prop::collection::vec(0usize..5, 1..4), 1..4),
            order in prop::collection::vec(any::<prop::sample::Index>(), 80),
        ) {
            // Given tables of parts of rows, when parts are read in any interleaving and each row is taken at once and
            // delivered later, then each row goes out once, in the order of its part, and one is the last of all.
            let sizes: Vec<usize> = tables.iter().flatten().copied().collect();
            let parts: Vec<usize> = tables.iter().map(Vec::len).collect();
            let mut run = Run::new(&parts, Tally::default());
            let mut read = vec![0; sizes.len()];
            let mut open: Vec<usize> = (0..sizes.len()).collect();
            let (mut out, mut at) = (Vec::new(), 0);
            while !open.is_empty() {
                let pick = order[at % order.len()].index(open.len());
                at += 1;
                let part = open[pick];
                let mut ready = Vec::new();
                if read[part] < sizes[part] {
                    ready.extend(run.row(PartId(part), row(&format!("{part}:{:03}", read[part]))).unwrap());
                    read[part] += 1;
                } else {
                    open.remove(pick);
                    run.end(PartId(part), &mut ready).unwrap();
                }
                for ready in ready {
                    run.taken(ready.part, 1).unwrap();
                    out.push(ready);
                }
            }
            prop_assert!(run.is_read());
            let empty: Vec<PartId> = run.take_finished().into_iter().map(|(part, _)| part).collect();
            prop_assert!(empty.iter().all(|part| sizes[part.0] == 0), "nothing was delivered yet");
            let mut sent: Vec<Vec<u8>> = out.iter().map(|ready| ready.row.to_vec()).collect();
            for (part, &size) in sizes.iter().enumerate() {
                let own: Vec<&Ready> = out.iter().filter(|ready| ready.part.0 == part).collect();
                prop_assert_eq!(own.len(), size);
                prop_assert!(own.windows(2).all(|pair| pair[0].row < pair[1].row));
            }
            sent.sort();
            sent.dedup();
            prop_assert_eq!(sent.len(), out.len());
            let last = out.iter().filter(|ready| ready.mark == SnapshotMark::Last).count();
            prop_assert_eq!(last, usize::from(!out.is_empty()));
            let mut finished = empty.len();
            for (at, ready) in out.iter().enumerate() {
                run.delivered(ready.ticket, 1).unwrap();
                let left = |part: PartId| out[at + 1..].iter().any(|other| other.part == part);
                for (part, rows) in run.take_finished() {
                    prop_assert!(!left(part));
                    prop_assert_eq!(usize::try_from(rows).unwrap(), sizes[part.0]);
                    finished += 1;
                }
            }
            prop_assert_eq!(finished, sizes.len());
        }
    }
}
