//! What a connector does beside the stream that is measured: an incremental snapshot of another table.

use std::time::{Duration, Instant};

use crate::support::Outcome;
use crate::support::connector::{Connector, Stream};
use crate::support::sql::Sql;
use crate::support::stand::Stand;
use crate::support::tables::{NARROW_ROWS, NARROW_TABLE};

/// The rest of a snapshot may take so long when the writers are done.
const REST_MAX: Duration = Duration::from_secs(300);

/// What a connector is told so that it hears signals.
pub(crate) fn properties() -> Vec<(&'static str, String)> {
    vec![("signal.data.collection", "public.signals".to_owned())]
}

/// Makes the table that is going to be read, and the one for signals.
pub(crate) fn prepare(sql: &Sql, rows: u64) -> Outcome<()> {
    sql.run(&format!(
        "{NARROW_TABLE}; {NARROW_ROWS} FROM generate_series(1::bigint, {rows}) n; \
         CREATE TABLE signals (id text PRIMARY KEY, type text NOT NULL, data text)"
    ))?;
    sql.run("VACUUM (ANALYZE) orders")
}

/// A snapshot that was asked for.
pub(crate) struct Beside {
    topic: String,
    rows: u64,
    begun: Instant,
}

impl Beside {
    pub(crate) fn begin(stand: &Stand, sql: &Sql, stream: &Stream, rows: u64) -> Outcome<Self> {
        let topic = stream.topic("orders");
        stand.topics.create(&topic)?;
        sql.run(&format!(
            "INSERT INTO signals VALUES ('{}', 'execute-snapshot', \
             '{{\"type\": \"incremental\", \"data-collections\": [\"public.orders\"]}}')",
            stream.slot
        ))?;
        Ok(Self { topic, rows, begun: Instant::now() })
    }

    /// How many rows are in the topic now.
    pub(crate) fn rows(&self, stand: &Stand) -> Outcome<u64> {
        stand.topics.records(&self.topic)
    }

    /// Waits until every row is in the topic, and gives the rows a second of the whole.
    pub(crate) fn finish(self, stand: &Stand, connector: &mut Connector) -> Outcome<f64> {
        let deadline = Instant::now() + REST_MAX;
        loop {
            let there = self.rows(stand)?;
            if there >= self.rows {
                break;
            }
            connector.check()?;
            if Instant::now() > deadline {
                return Err(format!("an incremental snapshot stands at {there} of {} rows", self.rows).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        stand.topics.delete(&[self.topic])?;
        Ok(self.rows as f64 / seconds)
    }
}
