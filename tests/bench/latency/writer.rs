//! Writers: connections that commit at a steady rate, each on a thread of its own.

use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::Outcome;
use crate::support::sql::Sql;
use crate::support::stand::Stand;

/// The table; `sent_us` is the writer's clock, microseconds since 1970.
pub(crate) const TABLE: &str = "CREATE TABLE ticks (id bigint PRIMARY KEY, sent_us bigint NOT NULL, customer_id integer NOT NULL, note text NOT NULL)";

/// One statement is the transaction.
const STATEMENT: &str =
    "INSERT INTO ticks SELECT n, $3, n % 1000, 'tick ' || n FROM generate_series($1::bigint, $2::bigint) n";

/// A rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) rows_per_second: u64,
    pub(crate) rows_per_transaction: u64,
    /// Connections that share it.
    pub(crate) writers: u32,
}

/// Starts the writers; each returns how many rows it has committed.
pub(crate) fn start(stand: &Stand, dbname: &str, pace: Pace, time: Duration) -> Outcome<Vec<JoinHandle<Outcome<u64>>>> {
    let connections: Vec<Sql> =
        (0..pace.writers).map(|_| Sql::open(stand.postgres.as_ref(), dbname)).collect::<Outcome<_>>()?;
    let writers = u64::from(pace.writers);
    // Every writer's share of the transactions, and the ids of its rows far from the others'.
    let interval = Duration::from_secs_f64((pace.rows_per_transaction * writers) as f64 / pace.rows_per_second as f64);
    let begin = Instant::now();
    let start = |(writer, sql): (u32, Sql)| {
        let first_id = i64::from(writer) << 40;
        // Offset against each other, so that they do not all commit at one moment.
        let begin = begin + interval * writer / pace.writers;
        std::thread::spawn(move || write(&sql, pace.rows_per_transaction, interval, begin, time, first_id))
    };
    Ok((0..).zip(connections).map(start).collect())
}

fn write(sql: &Sql, size: u64, interval: Duration, begin: Instant, time: Duration, first_id: i64) -> Outcome<u64> {
    let statement = sql.prepare(STATEMENT)?;
    let size = i64::try_from(size)?;
    let (mut id, mut due) = (first_id, begin);
    // A writer that falls behind catches up, and what it achieved is reported; a latency counts from the moment at
    // which its statement was really sent.
    while due < begin + time {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        sql.execute(&statement, &[&id, &(id + size - 1), &unix_micros()?])?;
        id += size;
        due += interval;
    }
    Ok(u64::try_from(id - first_id)?)
}

fn unix_micros() -> Outcome<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
}
