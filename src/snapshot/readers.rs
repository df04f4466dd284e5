//! The readers: connections that copy parts of tables, all under one snapshot.
//!
//! Owns [`Readers`]. What they have read and nobody has taken is bounded in bytes, so that a slow broker stops them: each
//! batch holds a share of the budget until it is dropped, and the server's COPY waits in its socket.
//!
//! Each reader stays in one transaction, and lets go of a table's lock behind each part, so that nobody who wants to change
//! a table waits for more than the part that is being read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::reading::{CopyOut, OWN_NAMES, ROLES_NAMES, Reading};
use super::run::PartId;
use crate::config::Database;
use crate::error::{Error, Kind, Result};

/// Bytes that were read and not yet taken, over all readers. One row may be larger; then it is alone.
const BUDGET_BYTES: usize = 16 << 20;

/// A batch is sent on when it holds so much, or nothing more is there at the moment.
const BATCH_BYTES: usize = 64 << 10;

/// Batches that wait. The bytes are what bounds them.
const QUEUE_BATCHES: usize = 1024;

/// A part that is to be read.
#[derive(Clone, Debug)]
pub struct Task {
    /// Which one.
    pub part: PartId,
    /// The COPY.
    pub statement: String,
    /// The table's OID and file, where its rows lie in one of its own: another file means that this snapshot does not see
    /// them any more.
    pub file: Option<(u32, u32)>,
    /// Whether it reads what an operator wrote: then an error is his, and not a change of the table.
    pub by_operator: bool,
    /// Whether its rows are large: such parts are read one after the other.
    pub large: bool,
}

/// What a reader says.
#[derive(Debug)]
pub enum Piece {
    /// Bytes of a part's COPY.
    Bytes {
        /// The part.
        part: PartId,
        /// In their order.
        pieces: Vec<Bytes>,
        /// Its share of the budget, given back when it is dropped.
        share: Share,
    },
    /// A part was read to its end.
    End(PartId),
    /// A part cannot be read under this snapshot: its table was dropped, truncated, rewritten, or lost columns.
    TableChanged(PartId, Error),
    /// A reader failed; the others go on, but what it was reading is not read.
    Failed(Error),
}

impl Piece {
    /// Whether nothing more comes of its part.
    #[must_use]
    pub const fn ends_part(&self) -> bool {
        matches!(self, Self::End(_) | Self::TableChanged(..))
    }
}

/// A share of the budget.
#[derive(Debug)]
pub struct Share(#[expect(dead_code, reason = "it counts while it is there")] Option<OwnedSemaphorePermit>);

/// Readers at work. They end when this is dropped.
pub struct Readers {
    pieces: mpsc::Receiver<Piece>,
    _readers: JoinSet<()>,
}

impl Readers {
    /// Starts `count` readers, at least one, that take tasks in their order.
    #[must_use]
    pub fn start(database: &Database, lock_timeout: Duration, snapshot: &str, tasks: Vec<Task>, count: usize) -> Self {
        let (sender, pieces) = mpsc::channel(QUEUE_BATCHES);
        let budget = Arc::new(Semaphore::new(BUDGET_BYTES));
        let large_rows = Arc::new(Semaphore::new(1));
        let count = count.clamp(1, tasks.len().max(1));
        let tasks = Arc::new(Mutex::new(VecDeque::from(tasks)));
        let mut readers = JoinSet::new();
        for _ in 0..count {
            let reader = Reader {
                database: database.clone(),
                lock_timeout,
                snapshot: snapshot.to_owned(),
                tasks: Arc::clone(&tasks),
                budget: Arc::clone(&budget),
                large_rows: Arc::clone(&large_rows),
                pieces: sender.clone(),
            };
            readers.spawn(async move {
                if let Err(error) = reader.read().await {
                    // Whoever is gone does not want to know.
                    let _ = reader.pieces.send(Piece::Failed(error)).await;
                }
            });
        }
        Self { pieces, _readers: readers }
    }

    /// The next piece; nothing when all tasks are done.
    ///
    /// # Cancel safety
    /// No piece is lost.
    pub async fn next(&mut self) -> Option<Piece> {
        self.pieces.recv().await
    }
}

struct Reader {
    database: Database,
    lock_timeout: Duration,
    snapshot: String,
    tasks: Arc<Mutex<VecDeque<Task>>>,
    budget: Arc<Semaphore>,
    /// One connection at a time: each holds some rows besides those that count, in what it reads ahead.
    large_rows: Arc<Semaphore>,
    pieces: mpsc::Sender<Piece>,
}

impl Reader {
    async fn read(&self) -> Result<()> {
        let reading = Reading::begin(&self.database, self.lock_timeout, Some(&self.snapshot)).await?;
        loop {
            let task = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(task) = task else { return Ok(()) };
            // The lock is taken with the COPY, so nobody waits with one.
            let _turn = if task.large { self.large_rows.acquire().await.ok() } else { None };
            // What is set behind a savepoint is undone with it.
            let names = if task.by_operator { ROLES_NAMES } else { OWN_NAMES };
            reading.execute(&format!("SAVEPOINT part; {names}")).await?;
            let end = match self.read_part(&reading, &task).await {
                Ok(()) => Piece::End(task.part),
                Err(error) if is_of_the_table(&error) && !task.by_operator => Piece::TableChanged(task.part, error),
                Err(error) => return Err(error),
            };
            reading.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part").await?;
            self.send(end).await?;
        }
    }

    async fn read_part(&self, reading: &Reading, task: &Task) -> Result<()> {
        let mut copy = reading.copy(&task.statement).await?;
        while let Some(first) = copy.next().await? {
            let pieces = batch(&mut copy, first).await?;
            let bytes: usize = pieces.iter().map(Bytes::len).sum();
            let share = u32::try_from(bytes.min(BUDGET_BYTES)).unwrap_or(u32::MAX);
            let share = Arc::clone(&self.budget).acquire_many_owned(share).await.ok();
            self.send(Piece::Bytes { part: task.part, pieces, share: Share(share) }).await?;
        }
        drop(copy);
        // Looked at behind the COPY, which still holds the table's lock: what it read was not replaced meanwhile.
        if let Some((table, file)) = task.file
            && reading.files(table).await?.is_none_or(|(_, now)| now != file)
        {
            return Err(Error::new(Kind::ServerRefused, "a table was truncated or rewritten while it was to be read"));
        }
        Ok(())
    }

    async fn send(&self, piece: Piece) -> Result<()> {
        // Without a receiver nobody sees this error either.
        self.pieces.send(piece).await.map_err(|_| Error::new(Kind::Local, "nobody reads what the readers read"))
    }
}

/// What is there already, up to a batch.
async fn batch(copy: &mut CopyOut, first: Bytes) -> Result<Vec<Bytes>> {
    let mut bytes = first.len();
    let mut pieces = vec![first];
    while bytes < BATCH_BYTES {
        let Some(piece) = copy.next_now().await? else { break };
        bytes += piece.len();
        pieces.push(piece);
    }
    Ok(pieces)
}

/// Whether an error says that a table is not what it was: the statement no longer fits it. Everything else concerns the
/// connection, the server or our rights.
fn is_of_the_table(error: &Error) -> bool {
    error.kind() == Kind::ServerRefused
}
