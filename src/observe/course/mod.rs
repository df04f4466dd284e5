//! How far a snapshot is, as it can be seen from outside.
//!
//! Owns [`Course`], one for each [`Kind`] of snapshot, and [`Table`], whose counters the data thread adds to once a batch:
//! a few relaxed additions, no lock. The lock of a course is taken when something begins or ends, and by those who look.
//! What the figures come to, shares and times that are left, is [`Figures`], pure. No key and no value of a row passes through.

mod figures;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use figures::{Figures, TableFigures};

/// What a snapshot was asked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `snapshot.mode`, before the stream.
    Initial,
    /// A signal, while the stream waits.
    Blocking,
    /// A signal, beside the stream.
    Incremental,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Initial, Self::Blocking, Self::Incremental];

    /// The word used in JSON, metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Blocking => "blocking",
            Self::Incremental => "incremental",
        }
    }
}

/// Where a snapshot stands. Source: the flags of Debezium's `SnapshotMetricsMXBean`, of which one is true at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Rows are read.
    Running,
    /// An operator paused it.
    Paused,
    /// All rows are with the brokers.
    Completed,
    /// It was cut short; what is left is read at the next attempt, where there is one.
    Aborted,
    /// There was nothing to read.
    Skipped,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Running, Self::Paused, Self::Completed, Self::Aborted, Self::Skipped];

    /// The word used in JSON and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Aborted => "aborted",
            Self::Skipped => "skipped",
        }
    }
}

/// What becomes of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing of it was read yet.
    Waiting,
    /// It is being read.
    InWork,
    /// The brokers hold all of it.
    Done,
    /// It could not be read, or not under this snapshot of the database.
    Left,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Waiting, Self::InWork, Self::Done, Self::Left];

    /// The word used in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InWork => "in_work",
            Self::Done => "done",
            Self::Left => "left",
        }
    }
}

/// What is known of a table before it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// `schema.table`
    pub name: String,
    /// Rows, by the server's estimate.
    pub rows: Option<u64>,
    /// Bytes on disk; 0 where nobody can say.
    pub bytes: u64,
    /// Bytes of the pages that its rows lie on; 0 where it is read by other means.
    pub heap_bytes: u64,
    /// Rows that the brokers hold from before.
    pub rows_before: u64,
    /// Bytes of the pages that were read before.
    pub heap_bytes_before: u64,
    /// Parts that it is read in.
    pub parts: u32,
}

/// A table of a snapshot. Written by the data thread, read by everybody.
#[derive(Debug)]
pub struct Table {
    planned: Planned,
    stage: AtomicU8,
    rows: AtomicU64,
    /// Bytes that were copied since it was planned.
    bytes: AtomicU64,
    /// Of these, those of finished parts, and the bytes of the pages that they lay on.
    bytes_done: AtomicU64,
    heap_bytes_done: AtomicU64,
    parts_done: AtomicU32,
    /// Milliseconds of its course, plus one; 0 is "not yet".
    began: AtomicU64,
    ended: AtomicU64,
}

impl Table {
    fn new(planned: Planned) -> Self {
        Self {
            stage: AtomicU8::new(Stage::Waiting as u8),
            rows: AtomicU64::new(planned.rows_before),
            planned,
            bytes: AtomicU64::new(0),
            bytes_done: AtomicU64::new(0),
            heap_bytes_done: AtomicU64::new(0),
            parts_done: AtomicU32::new(0),
            began: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        }
    }

    /// `schema.table`
    #[must_use]
    pub fn name(&self) -> &str {
        &self.planned.name
    }

    /// So many more rows were read.
    pub fn add_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// So many rows were read in all.
    pub fn set_rows(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
    }

    /// So many more bytes came from the server.
    pub fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A part is with the brokers: so many bytes, from pages of so many bytes.
    pub fn part_done(&self, bytes: u64, heap_bytes: u64) {
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        self.heap_bytes_done.fetch_add(heap_bytes, Ordering::Relaxed);
        self.parts_done.fetch_add(1, Ordering::Relaxed);
    }

    /// What becomes of it.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let stage = self.stage.load(Ordering::Relaxed);
        Stage::ALL.into_iter().find(|known| *known as u8 == stage).unwrap_or(Stage::Waiting)
    }

    fn enter(&self, stage: Stage, elapsed: Duration) {
        let at = millis(elapsed) + 1;
        if stage == Stage::InWork {
            self.began.store(at, Ordering::Relaxed);
        } else {
            self.ended.store(at, Ordering::Relaxed);
        }
        self.stage.store(stage as u8, Ordering::Relaxed);
    }
}

/// The tables of a snapshot at a moment; cheap to clone.
pub type Tables = Arc<[Arc<Table>]>;

/// The snapshots of one kind in this process, of which the last one counts.
#[derive(Debug, Default)]
pub struct Course(Mutex<Option<Inner>>);

#[derive(Clone, Debug)]
struct Inner {
    phase: Phase,
    began: Instant,
    ended: Option<Instant>,
    paused: Option<Instant>,
    paused_for: Duration,
    tables: Tables,
    /// Tables that were done before this process.
    done_before: usize,
    /// What was planned last, and what of it was done by then.
    planned: Instant,
    share_before: f64,
    chunk: Option<u64>,
}

impl Inner {
    fn new(phase: Phase, now: Instant) -> Self {
        Self {
            phase,
            began: now,
            ended: None,
            paused: None,
            paused_for: Duration::ZERO,
            tables: Tables::default(),
            done_before: 0,
            planned: now,
            share_before: 0.0,
            chunk: None,
        }
    }

    fn elapsed(&self, now: Instant) -> Duration {
        self.ended.unwrap_or(now).saturating_duration_since(self.began)
    }

    fn end(&mut self, phase: Phase, now: Instant) {
        self.resume(now);
        self.phase = phase;
        self.ended = Some(now);
    }

    fn resume(&mut self, now: Instant) {
        if let Some(since) = self.paused.take() {
            self.paused_for += now.saturating_duration_since(since);
            self.phase = Phase::Running;
        }
    }
}

impl Course {
    fn lock(&self) -> MutexGuard<'_, Option<Inner>> {
        // Whoever panicked with it held a whole value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        if let Some(inner) = self.lock().as_mut() {
            change(inner);
        }
    }

    /// A snapshot begins, unless one is under way.
    pub fn begin(&self, now: Instant) {
        let mut inner = self.lock();
        let under_way = inner.as_ref().is_some_and(|inner| matches!(inner.phase, Phase::Running | Phase::Paused));
        if !under_way {
            *inner = Some(Inner::new(Phase::Running, now));
        }
    }

    /// A snapshot is tried: one that was cut short goes on, and began when it began.
    pub fn attempt(&self, now: Instant) {
        self.change(|inner| {
            if inner.phase == Phase::Aborted {
                inner.phase = Phase::Running;
                inner.ended = None;
            }
        });
        self.begin(now);
    }

    /// What is to be read is known. Tables that this process has finished, and that are not to be read again, stay; `done`
    /// counts all that are finished, those of earlier processes too.
    pub fn plan(&self, planned: Vec<Planned>, done: usize, now: Instant) -> Tables {
        let new: Vec<Arc<Table>> = planned.into_iter().map(|planned| Arc::new(Table::new(planned))).collect();
        let tables = Tables::from(new);
        self.change(|inner| {
            let again: HashSet<&str> = tables.iter().map(|table| table.name()).collect();
            let finished = |table: &&Arc<Table>| table.stage() == Stage::Done && !again.contains(table.name());
            let mut all: Vec<Arc<Table>> = inner.tables.iter().filter(finished).cloned().collect();
            inner.done_before = done.saturating_sub(all.len());
            all.extend(tables.iter().cloned());
            inner.tables = all.into();
            inner.planned = now;
            inner.share_before = figures::share_of_all(&inner.tables).unwrap_or_default();
        });
        tables
    }

    /// Tables are to be read besides those that are known, whose size nobody looked up.
    pub fn add(&self, names: impl IntoIterator<Item = String>) {
        let new: BTreeMap<String, Arc<Table>> = names
            .into_iter()
            .map(|name| (name.clone(), Arc::new(Table::new(Planned { name, ..Planned::default() }))))
            .collect();
        self.change(|inner| {
            let old = inner.tables.iter().filter(|table| !new.contains_key(table.name())).cloned();
            inner.tables = old.chain(new.values().cloned()).collect();
        });
    }

    /// A table of this name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<Arc<Table>> {
        self.lock().as_ref()?.tables.iter().find(|table| table.name() == name).cloned()
    }

    /// Something becomes of a table. Gives the time since the snapshot began.
    pub fn enter(&self, table: &Table, stage: Stage, now: Instant) -> Duration {
        let elapsed = self.lock().as_ref().map_or(Duration::ZERO, |inner| inner.elapsed(now));
        table.enter(stage, elapsed);
        elapsed
    }

    /// A chunk of this number is read.
    pub fn chunk(&self, number: u64) {
        self.change(|inner| inner.chunk = Some(number));
    }

    /// An operator paused it.
    pub fn pause(&self, now: Instant) {
        self.change(|inner| {
            if inner.phase == Phase::Running {
                inner.phase = Phase::Paused;
                inner.paused = Some(now);
            }
        });
    }

    /// An operator let it go on.
    pub fn resume(&self, now: Instant) {
        self.change(|inner| inner.resume(now));
    }

    /// All rows are with the brokers. Gives the time that it took.
    pub fn complete(&self, now: Instant) -> Duration {
        self.change(|inner| inner.end(Phase::Completed, now));
        self.lock().as_ref().map_or(Duration::ZERO, |inner| inner.elapsed(now))
    }

    /// It is cut short, unless it has ended.
    pub fn abort(&self, now: Instant) {
        self.change(|inner| {
            if matches!(inner.phase, Phase::Running | Phase::Paused) {
                inner.end(Phase::Aborted, now);
            }
        });
    }

    /// There is nothing to read. What was read before by this process stays told.
    pub fn skip(&self, now: Instant) {
        let mut inner = self.lock();
        if inner.is_none() {
            *inner = Some(Inner { ended: Some(now), ..Inner::new(Phase::Skipped, now) });
        }
    }

    /// How far it is; nothing where there was none of this kind.
    #[must_use]
    pub fn figures(&self, now: Instant) -> Option<Figures> {
        // Ten thousand tables are not looked at while the data thread waits for the lock.
        let inner = self.lock().clone();
        inner.map(|inner| Figures::of(&inner, now))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX - 1)
}
