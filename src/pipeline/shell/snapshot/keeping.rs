//! What of a snapshot is done, and is kept.

use std::sync::Arc;

use crate::error::Result;
use crate::progress::{Book, Entry, Generation, Part, Pending, SnapshotId, SnapshotState, Store, TableName};

/// The progress of a snapshot, in memory and on its way to where it is kept.
pub(super) struct Keeping {
    store: Option<Arc<dyn Store>>,
    book: Book,
    /// A snapshot was begun or found: what the book says counts.
    known: bool,
    /// Entries that nobody has begun to keep.
    queue: Vec<Entry>,
    /// Entries that are being kept.
    running: Option<Pending<()>>,
    rows: u64,
}

impl Keeping {
    pub(super) fn new(store: Option<Arc<dyn Store>>) -> Self {
        Self { known: store.is_some(), store, book: Book::default(), queue: Vec::new(), running: None, rows: 0 }
    }

    pub(super) fn store(&self) -> Option<Arc<dyn Store>> {
        self.store.clone()
    }

    /// What was kept. What was on its way there is not waited for: it is done again.
    pub(super) fn opened(&mut self, book: Book) {
        self.book = book;
        self.queue.clear();
        self.running = None;
    }

    /// What is kept, or was done by this process; nothing where nobody can say.
    pub(super) fn book(&self) -> Option<&Book> {
        self.known.then_some(&self.book)
    }

    pub(super) fn generations(&self) -> &[Generation] {
        self.book.generations()
    }

    pub(super) fn is_done(&self, table: &TableName) -> bool {
        self.book.is_done(table)
    }

    pub(super) fn parts(&self, table: &TableName, heap: (u32, u32)) -> Vec<Part> {
        self.book.parts(table, heap).cloned().collect()
    }

    /// Rows of tables that this process has finished.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    fn put(&mut self, entry: Entry) {
        self.book.take(entry.clone());
        if self.store.is_some() {
            self.queue.push(entry);
        }
    }

    fn id(&self) -> SnapshotId {
        self.book.snapshot().map_or_else(|| SnapshotId(String::new()), |(id, _)| id.clone())
    }

    fn put_snapshot(&mut self, id: SnapshotId, state: SnapshotState, generations: Vec<Generation>) {
        self.put(Entry::Snapshot { id, state, generations });
    }

    /// Begins a snapshot, before anything is made for it.
    pub(super) fn begin(&mut self) {
        self.known = true;
        self.put_snapshot(SnapshotId(uuid::Uuid::now_v7().to_string()), SnapshotState::Running, Vec::new());
    }

    pub(super) fn add(&mut self, generation: Generation) {
        let mut generations = self.book.generations().to_vec();
        generations.push(generation);
        self.put_snapshot(self.id(), SnapshotState::Running, generations);
    }

    pub(super) fn part_done(&mut self, table: &TableName, part: Part) {
        self.put(Entry::Part { id: self.id(), table: table.clone(), part });
    }

    pub(super) fn table_done(&mut self, table: &TableName, rows: u64) {
        self.rows += rows;
        self.put(Entry::Table { id: self.id(), table: table.clone(), rows });
    }

    /// A table is read from its beginning.
    pub(super) fn forget(&mut self, table: &TableName, parts: Vec<u32>) {
        self.put(Entry::Forget { table: table.clone(), parts });
    }

    pub(super) fn complete(&mut self) {
        self.put_snapshot(self.id(), SnapshotState::Completed, self.book.generations().to_vec());
    }

    /// Whether all there is to keep is kept.
    pub(super) fn is_quiet(&self) -> bool {
        self.queue.is_empty() && self.running.is_none()
    }

    fn start(&mut self) {
        if self.running.is_none()
            && !self.queue.is_empty()
            && let Some(store) = &self.store
        {
            self.running = Some(store.keep(std::mem::take(&mut self.queue)));
        }
    }

    /// Keeps what there is to keep; waits for ever where there is nothing.
    ///
    /// # Cancel safety
    /// Goes on with the next call.
    pub(super) async fn kept(&mut self) -> Result<()> {
        self.start();
        match &mut self.running {
            Some(running) => {
                let kept = running.await;
                self.running = None;
                kept
            }
            None => std::future::pending().await,
        }
    }

    /// The same as a future of its own.
    pub(super) fn take_work(&mut self) -> Pending<()> {
        self.start();
        self.running.take().unwrap_or_else(|| Box::pin(std::future::ready(Ok(()))))
    }
}
