//! What of a snapshot is done, and is kept.

use std::sync::Arc;

use crate::error::Result;
use crate::observe::course::Kind;
use crate::progress::{
    BlockingState, Book, Entry, Generation, Part, Pending, SnapshotId, SnapshotState, Store, TableName,
};
use crate::signal::Request;

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
    /// The first of these blocking snapshots is what is read. Nothing else is kept of it than which tables are done.
    asked: Option<(Request, BlockingState)>,
}

impl Keeping {
    pub(super) fn new(store: Option<Arc<dyn Store>>) -> Self {
        Self {
            known: store.is_some(),
            store,
            book: Book::default(),
            queue: Vec::new(),
            running: None,
            rows: 0,
            asked: None,
        }
    }

    /// Of the first of the blocking snapshots that are not done, which is asked for like this.
    pub(super) fn of_blocking(store: Option<Arc<dyn Store>>, state: BlockingState, request: Request) -> Self {
        let mut keeping = Self::new(None);
        keeping.begin();
        for table in state.requests.first().map(|first| first.done.as_slice()).unwrap_or_default() {
            keeping.table_done(table, 0);
        }
        Self { store, asked: Some((request, state)), ..keeping }
    }

    /// What it is the progress of.
    pub(super) const fn kind(&self) -> Kind {
        if self.asked.is_some() { Kind::Blocking } else { Kind::Initial }
    }

    /// What a signal asks for.
    pub(super) fn asked(&self) -> Option<Request> {
        self.asked.as_ref().map(|(request, _)| request.clone())
    }

    /// Whether all is done.
    pub(super) fn is_complete(&self) -> bool {
        self.book.snapshot().is_some_and(|(_, state)| state == SnapshotState::Completed)
    }

    /// What is not done of the blocking snapshots.
    pub(super) fn blocking(&self) -> BlockingState {
        self.asked.as_ref().map(|(_, state)| state.clone()).unwrap_or_default()
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

    pub(super) fn parts(&self, table: &TableName, heap: (u32, u32), query: Option<&str>) -> Vec<Part> {
        self.book.parts(table, heap, query).cloned().collect()
    }

    /// Rows of tables that this process has finished.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    fn put(&mut self, entry: Entry) {
        self.book.take(entry.clone());
        let entry = match &mut self.asked {
            Some((_, state)) => match Self::told_of(state, entry) {
                true => Entry::Blocking(state.clone()),
                false => return,
            },
            None => entry,
        };
        if self.store.is_some() {
            self.queue.push(entry);
        }
    }

    /// Whether an entry says more of a blocking snapshot than was known.
    fn told_of(state: &mut BlockingState, entry: Entry) -> bool {
        match entry {
            Entry::Table { table, .. } => state.requests.first_mut().is_some_and(|first| {
                first.done.push(table);
                true
            }),
            Entry::Snapshot { state: SnapshotState::Completed, .. } if !state.requests.is_empty() => {
                state.requests.remove(0);
                true
            }
            _ => false,
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
