//! Writers: several sessions that change a few hot rows and add rows of their own, from a seed.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use walcast::local::PostgresServer;

use crate::support::database::Session;
use crate::support::wait;

/// Tables of the load.
pub(super) const TABLES: &[&str] = &["hot", "uniq"];

/// Their definition.
pub(super) const SCHEMA: &str = "
    CREATE TABLE hot (id int PRIMARY KEY, seq bigint NOT NULL, note text);
    CREATE TABLE uniq (id bigint PRIMARY KEY, writer int NOT NULL, pad text);
    CREATE SEQUENCE hot_seq;";

/// Rows that everybody changes.
const HOT_ROWS: u32 = 5;

/// Writers at work; dropping it stops them.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<u64>>,
}

impl Load {
    /// Starts writers. They come back after a loss of their session for as long as they are not stopped.
    pub(super) fn start(server: &'static dyn PostgresServer, database: &str, seed: u64, writers: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let spawn = |writer| {
            let (stop, database) = (Arc::clone(&stop), database.to_owned());
            let random = fastrand::Rng::with_seed(seed ^ u64::from(writer) << 32);
            std::thread::spawn(move || write(server, &database, writer, random, &stop))
        };
        Self { writers: (0..writers).map(spawn).collect(), stop }
    }

    /// Stops the writers and returns how many transactions they committed.
    #[track_caller]
    pub(super) fn finish(mut self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        self.writers.drain(..).map(|writer| writer.join().expect("a writer")).sum()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for writer in self.writers.drain(..) {
            let _ = writer.join();
        }
    }
}

fn write(
    server: &dyn PostgresServer,
    database: &str,
    writer: u32,
    mut random: fastrand::Rng,
    stop: &AtomicBool,
) -> u64 {
    let (mut committed, mut rows) = (0, 0);
    let mut session: Option<Session> = None;
    while !stop.load(Ordering::SeqCst) {
        let Some(open) = &session else {
            session =
                wait::until_some("a session, or the end", wait::PATIENCE, || match Session::open(server, database) {
                    Ok(session) => Some(Some(session)),
                    Err(_) => stop.load(Ordering::SeqCst).then_some(None),
                });
            continue;
        };
        if open.try_execute(&transaction(writer, &mut rows, &mut random)).is_ok() {
            committed += 1;
        } else if open.try_execute("ROLLBACK").is_err() {
            session = None;
        }
    }
    committed
}

/// A transaction of a few statements and a short rest at the server.
fn transaction(writer: u32, rows: &mut u64, random: &mut fastrand::Rng) -> String {
    let mut sql = "SET deadlock_timeout = '20ms'; BEGIN;".to_owned();
    for _ in 0..random.u32(1..=8) {
        let hot = random.u32(..HOT_ROWS);
        let _ = match random.u32(..10) {
            0..=4 => {
                *rows += 1;
                let id = u64::from(writer) * 1_000_000_000 + *rows;
                write!(sql, "INSERT INTO uniq VALUES ({id}, {writer}, repeat('x', {}));", random.u32(..300))
            }
            5..=6 => write!(
                sql,
                "INSERT INTO hot VALUES ({hot}, nextval('hot_seq'), 'w{writer}') \
                 ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, note = excluded.note;"
            ),
            7 => write!(sql, "UPDATE hot SET seq = nextval('hot_seq'), note = NULL WHERE id = {hot};"),
            8 => write!(sql, "DELETE FROM hot WHERE id = {hot};"),
            // The key of a row changes.
            _ => {
                let to = (hot + 1) % HOT_ROWS;
                write!(
                    sql,
                    "DELETE FROM hot WHERE id = {to}; UPDATE hot SET id = {to}, seq = nextval('hot_seq') WHERE id = {hot};"
                )
            }
        };
    }
    sql.push_str(if random.u32(..10) == 0 { "ROLLBACK;" } else { "COMMIT;" });
    sql.push_str("SELECT pg_sleep(0.01)");
    sql
}
