//! A writer beside a snapshot: a steady rate of rows into a table of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::Outcome;
use crate::support::sql::Sql;
use crate::support::stand::Stand;

/// The table; it is captured as well.
pub(crate) const TABLE: &str = "CREATE TABLE written (id bigint PRIMARY KEY, note text NOT NULL)";

const ROWS_PER_SECOND: i64 = 5_000;
const ROWS_PER_TRANSACTION: i64 = 50;

/// A writer at work, until it is stopped.
pub(crate) struct Writer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Outcome<()>>,
}

impl Writer {
    pub(crate) fn start(stand: &Stand, dbname: &str) -> Outcome<Self> {
        let sql = Sql::open(stand.postgres.as_ref(), dbname)?;
        sql.run("TRUNCATE written")?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let statement = sql
                .prepare("INSERT INTO written SELECT n, 'note ' || n FROM generate_series($1::bigint, $2::bigint) n")?;
            let interval = Duration::from_secs_f64(ROWS_PER_TRANSACTION as f64 / ROWS_PER_SECOND as f64);
            let (mut id, mut due) = (0i64, Instant::now());
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                sql.execute(&statement, &[&id, &(id + ROWS_PER_TRANSACTION - 1)])?;
                id += ROWS_PER_TRANSACTION;
                due += interval;
            }
            Ok(())
        });
        Ok(Self { stop, thread })
    }

    pub(crate) fn stop(self) -> Outcome<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the writer panicked")?
    }
}
