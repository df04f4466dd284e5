//! What is told of a reading while it goes on, to those who look and to the log.
//!
//! Owns [`Progress`]: which counters a part adds to. It is called once a batch and once a turn, never for a row.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::observe::Status;
use crate::observe::course::{Kind, Planned, Stage, Tables};
use crate::progress::Part;
use crate::snapshot::heaps::Heap;
use crate::snapshot::plan::Share;
use crate::snapshot::run::{PartId, Run};
use crate::snapshot::tables::Subject;

/// So many tables have a line in the log when they are done; of more, only those that took a while.
const TABLES_TOLD_MAX: usize = 100;
const TOLD_SECONDS_MIN: f64 = 1.0;

/// See the module.
pub(super) struct Progress {
    status: Arc<Status>,
    kind: Kind,
    tables: Tables,
    parts: Vec<Counted>,
    /// Tables that are not finished.
    left: usize,
    /// The part that is being worked off.
    current: Option<PartId>,
}

struct Counted {
    table: usize,
    /// Rows and bytes that were told.
    rows: u64,
    bytes: u64,
    /// Bytes of its pages.
    heap_bytes: u64,
}

/// What is to be read, as it is found out.
#[derive(Default)]
pub(super) struct Plan {
    tables: Vec<Planned>,
    parts: Vec<Counted>,
    done: usize,
}

impl Plan {
    /// A table that was done before.
    pub(super) const fn add_done(&mut self) {
        self.done += 1;
    }

    /// A table with its heaps, what is left of it, and the rows that the brokers hold from before.
    pub(super) fn add(&mut self, subject: &Subject, heaps: &[(Heap, Vec<Part>)], shares: &[Share], rows_before: u64) {
        // What is read again of pages that were read before brings the table no further.
        let of_share = |share: &Share| match heaps.get(share.heap) {
            Some((heap, _)) if share.kept => {
                let to = share.range.to.or(heap.pages).unwrap_or_default();
                u64::from(to.saturating_sub(share.range.from)) * heap.page_bytes()
            }
            _ => 0,
        };
        let table = self.tables.len();
        let parts = shares.iter().map(|share| Counted { table, rows: 0, bytes: 0, heap_bytes: of_share(share) });
        self.parts.extend(parts);
        let name = subject.table_name().to_string();
        // What an operator's query gives, or a filter leaves, nobody has counted.
        let counted = subject.filter.is_none() && subject.query.is_none();
        let planned = if !subject.is_cut() {
            Planned { name, bytes: subject.expected.bytes, ..Planned::default() }
        } else {
            let left: u64 = shares.iter().map(of_share).sum();
            let in_pages: u64 = heaps.iter().filter(|(heap, _)| heap.pages > Some(0)).map(|(heap, _)| heap.bytes).sum();
            let heap_bytes = if in_pages > 0 { in_pages } else { subject.expected.bytes };
            Planned {
                name,
                rows: subject.expected.rows.filter(|rows| counted || *rows == 0),
                bytes: subject.expected.bytes,
                heap_bytes,
                rows_before,
                heap_bytes_before: if in_pages > 0 { heap_bytes.saturating_sub(left) } else { 0 },
                parts: u32::try_from(shares.len()).unwrap_or(u32::MAX),
            }
        };
        self.tables.push(planned);
    }

    /// Tells what is to be read.
    pub(super) fn tell(self, status: &Arc<Status>, kind: Kind) -> Progress {
        let bytes: u64 = self.tables.iter().map(|table| table.bytes).sum();
        let rows: Option<u64> = self.tables.iter().map(|table| table.rows).sum();
        let (tables, done, parts) = (self.tables.len(), self.done, self.parts.len());
        tracing::info!(tables, done, parts, rows_expected = rows, bytes_on_disk = bytes, "reading tables");
        let left = tables;
        let tables = status.course(kind).plan(self.tables, self.done, Instant::now());
        Progress { status: Arc::clone(status), kind, tables, parts: self.parts, left, current: None }
    }
}

impl Progress {
    /// A batch of a part came from the server.
    pub(super) fn batch(&mut self, id: PartId, bytes: usize) {
        self.current = Some(id);
        if let Some(part) = self.parts.get_mut(id.0)
            && let Some(table) = self.tables.get(part.table)
        {
            part.bytes += bytes as u64;
            table.add_bytes(bytes as u64);
        }
    }

    /// Rows of the part of the last batch were taken out of it.
    pub(super) fn turn(&mut self, run: &Run) {
        let Some(id) = self.current else { return };
        if let Some(part) = self.parts.get_mut(id.0)
            && let Some(table) = self.tables.get(part.table)
        {
            let rows = run.rows(id);
            table.add_rows(rows - part.rows);
            part.rows = rows;
        }
    }

    /// A part is with the brokers.
    pub(super) fn part_done(&self, id: PartId) {
        if let Some(part) = self.parts.get(id.0)
            && let Some(table) = self.tables.get(part.table)
        {
            table.part_done(part.bytes, part.heap_bytes);
        }
    }

    /// Something of a table was read.
    pub(super) fn begin(&self, table: usize) {
        self.enter(table, Stage::InWork);
    }

    /// A table is not read any further under this snapshot of the database.
    pub(super) fn leave(&mut self, table: usize) {
        self.left = self.left.saturating_sub(1);
        self.enter(table, Stage::Left);
    }

    /// A table is with the brokers.
    pub(super) fn finish(&mut self, at: usize) {
        self.left = self.left.saturating_sub(1);
        let elapsed = self.enter(at, Stage::Done);
        let Some(table) = self.tables.get(at) else { return };
        let figures = table.figures(elapsed);
        let (table, rows, seconds) = (table.name(), figures.rows, figures.elapsed.as_secs_f64());
        if self.tables.len() <= TABLES_TOLD_MAX || seconds >= TOLD_SECONDS_MIN {
            tracing::info!(table, rows, seconds, tables_left = self.left, "a table is read");
        } else {
            tracing::debug!(table, rows, seconds, tables_left = self.left, "a table is read");
        }
    }

    /// Gives the time since the snapshot began.
    fn enter(&self, at: usize, stage: Stage) -> Duration {
        let Some(table) = self.tables.get(at) else { return Duration::ZERO };
        self.status.course(self.kind).enter(table, stage, Instant::now())
    }
}
