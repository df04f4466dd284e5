//! What the counters of a snapshot come to: shares, and times that are left.
//!
//! How much of a table is read is known by its rows, where the server has an estimate of them, else by the pages that were
//! read. A page gives as many bytes of a COPY as the pages of the finished parts did; before there are any, as many as it has.
//! How long the rest takes is said by the share that was read since the snapshot was planned and the time that took.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Inner, Phase, Stage, Table, Tables};

/// What counts for a table besides its bytes, so that ten thousand empty ones are not nothing.
const TABLE_BYTES: u64 = 8192;

/// An estimate never says that all was read.
const SHARE_MAX: f64 = 0.99;

/// Below this share nothing is said about the time that is left.
const SHARE_TOLD_MIN: f64 = 0.005;

/// A snapshot at a moment.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Where it stands.
    pub phase: Phase,
    /// Tables that it reads in all, those that were read before this process too.
    pub tables_total: usize,
    /// Tables that it has still to read, or is reading.
    pub tables_left: usize,
    /// Rows of the tables that this process knows.
    pub rows: u64,
    /// Rows that there are, by the server's estimate; unknown where one table's are.
    pub rows_expected: Option<u64>,
    /// Bytes that were copied.
    pub bytes: u64,
    /// How much of it is read, from 0 to 1; unknown while the size of a table is that is to be read.
    pub share: Option<f64>,
    /// Time since it began, without end while it runs.
    pub elapsed: Duration,
    /// Of that, while it was paused.
    pub paused: Duration,
    /// Time that is left, at the pace so far.
    pub left: Option<Duration>,
    /// The chunk that was ordered last.
    pub chunk: Option<u64>,
    /// Its tables.
    pub tables: Tables,
}

/// A table at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct TableFigures {
    /// What becomes of it.
    pub stage: Stage,
    /// Rows that were read, before this process too.
    pub rows: u64,
    /// Rows that there are, by the server's estimate.
    pub rows_expected: Option<u64>,
    /// Bytes that were copied.
    pub bytes: u64,
    /// How much of it is read, from 0 to 1.
    pub share: Option<f64>,
    /// Time since it was begun, without end while it is read.
    pub elapsed: Duration,
    /// Time that is left, at the pace so far.
    pub left: Option<Duration>,
    /// Parts that it is read in, and of these the finished ones.
    pub parts: u32,
    /// See above.
    pub parts_done: u32,
}

impl Figures {
    pub(super) fn of(inner: &Inner, now: Instant) -> Self {
        let tables = Arc::clone(&inner.tables);
        let elapsed = inner.elapsed(now);
        let share = share_of_all(&tables);
        let expected = |table: &Arc<Table>| Some(table.planned.rows?.max(table.rows.load(Ordering::Relaxed)));
        let is_left = |table: &&Arc<Table>| matches!(table.stage(), Stage::Waiting | Stage::InWork);
        let running = inner.phase == Phase::Running;
        let since_plan = now.saturating_duration_since(inner.planned);
        Self {
            phase: inner.phase,
            tables_total: inner.done_before + tables.len(),
            tables_left: tables.iter().filter(is_left).count(),
            rows: tables.iter().map(|table| table.rows.load(Ordering::Relaxed)).sum(),
            rows_expected: tables.iter().map(expected).sum(),
            bytes: tables.iter().map(|table| table.bytes.load(Ordering::Relaxed)).sum(),
            share,
            elapsed,
            paused: inner.paused_for
                + inner.paused.map_or(Duration::ZERO, |since| now.saturating_duration_since(since)),
            left: share.filter(|_| running).and_then(|share| left(inner.share_before, share, since_plan)),
            chunk: inner.chunk,
            tables,
        }
    }

    /// The tables that are being read.
    #[must_use]
    pub fn in_work(&self) -> Vec<&Arc<Table>> {
        self.tables.iter().filter(|table| table.stage() == Stage::InWork).collect()
    }
}

impl Table {
    /// How far it is, so long after its course began.
    #[must_use]
    pub fn figures(&self, elapsed: Duration) -> TableFigures {
        let load = |at: &std::sync::atomic::AtomicU64| at.load(Ordering::Relaxed);
        let stage = self.stage();
        let share = self.share();
        let elapsed = match (load(&self.began), load(&self.ended)) {
            (0, _) => Duration::ZERO,
            (began, 0) => elapsed.saturating_sub(Duration::from_millis(began - 1)),
            (began, ended) => Duration::from_millis(ended.saturating_sub(began)),
        };
        TableFigures {
            stage,
            rows: load(&self.rows),
            rows_expected: self.planned.rows,
            bytes: load(&self.bytes),
            share,
            elapsed,
            left: share
                .filter(|_| stage == Stage::InWork)
                .and_then(|share| left(self.share_before().unwrap_or_default(), share, elapsed)),
            parts: self.planned.parts,
            parts_done: self.parts_done.load(Ordering::Relaxed),
        }
    }

    /// How much of it is read.
    fn share(&self) -> Option<f64> {
        let load = |at: &std::sync::atomic::AtomicU64| at.load(Ordering::Relaxed);
        match self.stage() {
            Stage::Done | Stage::Left => return Some(1.0),
            Stage::Waiting | Stage::InWork => {}
        }
        let planned = &self.planned;
        if let Some(rows) = planned.rows.filter(|rows| *rows > 0) {
            return Some(ratio(load(&self.rows), rows).min(SHARE_MAX));
        }
        if planned.heap_bytes == 0 {
            return (planned.rows == Some(0)).then_some(0.0);
        }
        let (done, heap_done) = (load(&self.bytes_done), load(&self.heap_bytes_done));
        let copied = load(&self.bytes).saturating_sub(done);
        let per_heap_byte = if done > 0 && heap_done > 0 { ratio(done, heap_done) } else { 1.0 };
        let before = planned.heap_bytes_before + heap_done;
        let open = ratio(copied, planned.heap_bytes) / per_heap_byte;
        Some((ratio(before, planned.heap_bytes) + open).min(SHARE_MAX))
    }

    /// How much of it was read before it was planned.
    fn share_before(&self) -> Option<f64> {
        let planned = &self.planned;
        match planned.rows.filter(|rows| *rows > 0) {
            Some(rows) => Some(ratio(planned.rows_before, rows).min(SHARE_MAX)),
            None if planned.heap_bytes > 0 => Some(ratio(planned.heap_bytes_before, planned.heap_bytes).min(SHARE_MAX)),
            None => None,
        }
    }
}

/// How much of all tables is read, each by its size. One of which only the size is known counts when it is done. Unknown
/// while one is to be read of which nothing is known.
pub(super) fn share_of_all(tables: &[Arc<Table>]) -> Option<f64> {
    let (mut read, mut all) = (0.0, 0.0);
    for table in tables {
        let bytes = table.planned.bytes.max(table.planned.heap_bytes);
        let weight = ratio(bytes + TABLE_BYTES, 1);
        read += table.share().or((bytes > 0).then_some(0.0))? * weight;
        all += weight;
    }
    (all > 0.0).then(|| read / all)
}

/// Time that is left, where `share` was reached from `before` in `elapsed`.
fn left(before: f64, share: f64, elapsed: Duration) -> Option<Duration> {
    let read = share - before;
    if read < SHARE_TOLD_MIN {
        return None;
    }
    Duration::try_from_secs_f64(elapsed.as_secs_f64() * (1.0 - share) / read).ok()
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
