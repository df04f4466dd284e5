//! The tasks that run beside the stream. They end when their owner does.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::watermarks::Watermarks;
use super::{Asker, Inbox, entry};
use crate::config::{Connector, Signals};
use crate::error::{Error, Kind, Result};
use crate::progress::{Book, IncrementalState, Store, TableName};
use crate::signal::{Heard, Request, channel};
use crate::snapshot::chunks::{ChunkReader, Found};
use crate::snapshot::incremental::{Order, Outcome};
use crate::source::capture::CaptureFilter;
use crate::source::sql::Sql;

/// First and longest wait before a chunk is read again.
const AGAIN_MIN: Duration = Duration::from_millis(5);
const AGAIN_MAX: Duration = Duration::from_secs(1);

/// Readings of one chunk in vain that follow each other without a wait.
const AT_ONCE: u32 = 12;
/// Readings of one chunk in vain after which it is told.
const AGAIN_TOLD: u32 = 20;

/// What the reader of chunks is to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Look which captured tables a signal asks for.
    Resolve { signal: String, request: Request, asker: Option<Asker> },
    /// Read a chunk.
    Read(Order),
}

/// What tasks tell.
pub(super) enum News {
    /// What was kept was read.
    Opened(Result<Book>),
    /// Signals came.
    Heard(Vec<Heard>),
    /// The tables that a signal asks for.
    Resolved { signal: String, request: Request, tables: Vec<TableName>, asker: Option<Asker> },
    /// What became of an order.
    Found { number: u64, found: Found },
    /// Something was kept, or not.
    Kept { state: IncrementalState, kept: Result<()> },
}

/// See the module.
pub(super) struct Tasks {
    jobs: mpsc::UnboundedSender<Job>,
    sender: mpsc::UnboundedSender<News>,
    inbox: Inbox<News>,
    _running: JoinSet<()>,
}

impl Tasks {
    pub(super) fn start(connector: &Connector, sql: &Arc<Sql>) -> Self {
        let (sender, inbox) = mpsc::unbounded_channel();
        let (jobs, taken) = mpsc::unbounded_channel();
        let mut running = JoinSet::new();
        let signals = &connector.snapshot.signals;
        let reader = ChunkReader::new(connector, Arc::clone(sql));
        let watermarks = Watermarks::new(Arc::clone(sql), signals);
        let filter = CaptureFilter::new(&connector.capture);
        running.spawn(work(reader, watermarks, filter, signals.clone(), taken, sender.clone()));
        if let Some(file) = &signals.file {
            running.spawn(watch(file.clone(), signals.poll_interval, sender.clone()));
        }
        Self { jobs, sender, inbox, _running: running }
    }

    /// What was told and not heard yet.
    pub(super) fn news(&mut self) -> Option<News> {
        self.inbox.try_recv().ok()
    }

    pub(super) fn give(&self, job: Job) {
        // The task takes jobs as long as this is there.
        let _ = self.jobs.send(job);
    }

    pub(super) fn open(&self, store: Arc<dyn Store>, after: Duration) {
        let sender = self.sender.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let _ = sender.send(News::Opened(store.open().await));
        });
    }

    pub(super) fn keep(&self, store: &dyn Store, state: IncrementalState) {
        let (sender, kept) = (self.sender.clone(), store.keep(entry(state.clone())));
        tokio::spawn(async move {
            let _ = sender.send(News::Kept { state, kept: kept.await });
        });
    }
}

async fn work(
    mut reader: ChunkReader,
    mut watermarks: Watermarks,
    filter: Result<CaptureFilter>,
    signals: Signals,
    mut jobs: Inbox<Job>,
    sender: mpsc::UnboundedSender<News>,
) {
    let Ok(filter) = filter else { return };
    while let Some(job) = jobs.recv().await {
        let news = match job {
            Job::Read(order) => {
                if order.again == AGAIN_TOLD {
                    let (schema, table) = (&order.wanted.table.schema, &order.wanted.table.table);
                    tracing::warn!(
                        table = format!("{schema}.{table}"),
                        "a chunk is read again and again, because its rows change in ways that the stream does not tell \
                         by key, or a commit is not visible for long"
                    );
                }
                if order.again > AT_ONCE {
                    let doubled = AGAIN_MIN.saturating_mul(1 << (order.again - AT_ONCE).min(16));
                    tokio::time::sleep(doubled.min(AGAIN_MAX)).await;
                }
                let name = &order.wanted.table;
                let is_captured =
                    !signals.are_in(&name.schema, &name.table) && filter.matches(&name.schema, &name.table);
                let found = if is_captured {
                    let window = watermarks.open().await;
                    let found = reader.read(&order).await;
                    if let Some(window) = window {
                        watermarks.close(window).await;
                    }
                    found
                } else {
                    Found::Ended(Outcome::UnknownSchema, None)
                };
                News::Found { number: order.number, found }
            }
            Job::Resolve { signal, request, asker } => {
                let is_asked_for = |schema: &str, table: &str| {
                    !signals.are_in(schema, table)
                        && filter.matches(schema, table)
                        && request.tables.matches(schema, table)
                };
                let tables = loop {
                    match reader.tables(is_asked_for).await {
                        Ok(tables) => break tables,
                        Err(error) => {
                            tracing::warn!(signal, detail = error.detail_text(), "tables cannot be listed: {error}");
                            tokio::time::sleep(AGAIN_MAX).await;
                        }
                    }
                };
                News::Resolved { signal, request, tables, asker }
            }
        };
        if sender.send(news).is_err() {
            return;
        }
    }
}

/// Looks into the file of signals again and again.
async fn watch(file: PathBuf, interval: Duration, sender: mpsc::UnboundedSender<News>) {
    let mut failed = false;
    loop {
        tokio::time::sleep(interval).await;
        let path = file.clone();
        match tokio::task::spawn_blocking(move || take(&path)).await {
            Ok(Ok(heard)) => {
                failed = false;
                if !heard.is_empty() && sender.send(News::Heard(heard)).is_err() {
                    return;
                }
            }
            Ok(Err(error)) => {
                if !std::mem::replace(&mut failed, true) {
                    tracing::warn!(detail = error.detail_text(), "the file of signals cannot be read: {error}");
                }
            }
            Err(_) => return,
        }
    }
}

/// Takes the signals out of a file, which is empty then. One that is not there has none.
fn take(path: &Path) -> Result<Vec<Heard>> {
    let failed = |error: std::io::Error| {
        Error::new(Kind::Local, format!("signal.file {} cannot be read or emptied", path.display())).caused_by(error)
    };
    loop {
        let content = match fs::read_to_string(path) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        if content.is_empty() {
            return Ok(Vec::new());
        }
        let file = File::options().write(true).open(path).map_err(failed)?;
        // Somebody may have written meanwhile.
        if file.metadata().map_err(failed)?.len() == content.len() as u64 {
            file.set_len(0).map_err(failed)?;
            return Ok((1..).zip(content.lines()).filter_map(|(number, line)| channel::line(line, number)).collect());
        }
    }
}
