//! The readers: connections that copy parts of tables, all under one snapshot.
//!
//! Owns [`Readers`]. What they have read and nobody has taken is bounded in bytes, so that a slow broker stops them: each
//! batch holds a share of the budget until it is dropped, and the server's COPY waits in its socket.
//!
//! Each reader stays in one transaction, and lets go of a table's lock behind each part, so that nobody who wants to change
//! a table waits for more than the part that is being read.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::reading::{OWN_NAMES, ROLES_NAMES};
use super::run::PartId;
use crate::config::Database;
use crate::error::{Error, Kind, Result};
use crate::wire::Connection;

/// Bytes that were read and not yet taken, over all readers. One row may be larger; then it is alone.
const BUDGET_BYTES: usize = 16 << 20;

/// Bytes that are taken together, where they are there already.
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
}

/// What a reader says.
#[derive(Debug)]
pub enum Piece {
    /// Bytes of a part's COPY.
    Bytes {
        /// The part.
        part: PartId,
        /// What came next of it.
        bytes: Bytes,
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

impl Share {
    /// Of the room that was had, what so many bytes need.
    fn of(room: Option<OwnedSemaphorePermit>, bytes: usize) -> Self {
        let Some(mut room) = room else { return Self(None) };
        // What is split off goes back at once.
        drop(room.split(room.num_permits().saturating_sub(bytes)));
        Self(Some(room))
    }
}

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
    pieces: mpsc::Sender<Piece>,
}

impl Reader {
    async fn read(&self) -> Result<()> {
        let mut connection = self.begin().await?;
        loop {
            let task = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(task) = task else { return Ok(()) };
            // What is set behind a savepoint is undone with it.
            let names = if task.by_operator { ROLES_NAMES } else { OWN_NAMES };
            connection.simple_query(&format!("SAVEPOINT part; {names}")).await?;
            let end = match self.read_part(&mut connection, &task).await {
                Ok(end) => end,
                Err(error) if is_of_the_table(&error) && !task.by_operator => Piece::TableChanged(task.part, error),
                Err(error) => return Err(error),
            };
            connection.simple_query("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part").await?;
            self.send(end).await?;
        }
    }

    /// Opens a connection and joins the snapshot.
    async fn begin(&self) -> Result<Connection> {
        let mut connection = Connection::open_for_rows(&self.database, "walcast").await?;
        let mut settings = format!("SET lock_timeout = {}", self.lock_timeout.as_millis());
        let version = connection.server_version_num();
        for (setting, since) in [("idle_session_timeout", 140_000), ("transaction_timeout", 170_000)] {
            if version >= since {
                let _ = write!(settings, "; SET {setting} = 0");
            }
        }
        connection.simple_query(&settings).await?;
        let name = self.snapshot.replace('\'', "''");
        let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{name}'");
        connection.simple_query(&begin).await?;
        Ok(connection)
    }

    async fn read_part(&self, connection: &mut Connection, task: &Task) -> Result<Piece> {
        let mut copy = connection.copy_out(&task.statement).await?;
        while let Some(bytes) = copy.next_bytes().await? {
            // Room is had before the bytes are read, so that what waits for room waits at the server.
            let room = u32::try_from(bytes.clamp(BATCH_BYTES, BUDGET_BYTES)).unwrap_or(u32::MAX);
            let room = Arc::clone(&self.budget).acquire_many_owned(room).await.ok();
            let bytes = copy.take(BATCH_BYTES).await?;
            let share = Share::of(room, bytes.len());
            self.send(Piece::Bytes { part: task.part, bytes, share }).await?;
        }
        // Looked at behind the COPY, which still holds the table's lock: what it read was not replaced meanwhile.
        if let Some((table, file)) = task.file
            && present_file(connection, table).await?.is_none_or(|now| now != file)
        {
            let why = Error::new(Kind::ServerRefused, "a table was truncated or rewritten while it was to be read");
            return Ok(Piece::TableChanged(task.part, why));
        }
        Ok(Piece::End(task.part))
    }

    async fn send(&self, piece: Piece) -> Result<()> {
        // Without a receiver nobody sees this error either.
        self.pieces.send(piece).await.map_err(|_| Error::new(Kind::Local, "nobody reads what the readers read"))
    }
}

/// The file that holds a table's rows now, whatever the snapshot says; nothing where the table is gone.
async fn present_file(connection: &mut Connection, table: u32) -> Result<Option<u32>> {
    let statement = format!(
        "SELECT pg_catalog.pg_relation_filenode(oid::pg_catalog.regclass) FROM pg_catalog.pg_class WHERE oid = {table}"
    );
    let rows = connection.simple_query(&statement).await?;
    let now = rows.into_iter().flatten().flatten().next();
    now.map(|now| now.parse().map_err(|_| Error::bug("the number of a file is no number"))).transpose()
}

/// Whether an error says that a table is not what it was: the statement no longer fits it. Everything else concerns the
/// connection, the server or our rights.
fn is_of_the_table(error: &Error) -> bool {
    error.kind() == Kind::ServerRefused
}
