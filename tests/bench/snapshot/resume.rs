//! A snapshot that is killed in its middle: how soon the next process goes on, and how much it reads again.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::table::{PUBLICATION, Table};
use crate::support::Outcome;
use crate::support::connector::{Connector, Format, Stream};
use crate::support::sql::Sql;
use crate::support::stand::Stand;

const DATABASE: &str = "resumed";
const PATIENCE: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(5);

/// What it came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Resumed {
    pub(crate) rows: u64,
    /// Records in the topic when the first process was killed.
    pub(crate) before: u64,
    /// From the start of the second process to its first record in the topic.
    pub(crate) seconds: f64,
    /// Rows that were written twice: of parts that were being read, or not yet kept as done.
    pub(crate) again: u64,
}

/// Fills a table, takes half of a snapshot, kills it with SIGKILL, and lets another process take the rest.
pub(crate) fn measure(stand: &Stand, rows: u64) -> Outcome<Resumed> {
    eprintln!("writing {rows} rows for a snapshot that is killed");
    let control = Sql::open(stand.postgres.as_ref(), "postgres")?;
    control.run(&format!("CREATE DATABASE {DATABASE}"))?;
    let sql = Sql::open(stand.postgres.as_ref(), DATABASE)?;
    sql.run("SET synchronous_commit = off")?;
    sql.run(&Table::Narrow.filled(rows))?;
    sql.run(&format!("CREATE PUBLICATION {PUBLICATION} FOR ALL TABLES"))?;
    sql.run("VACUUM (FREEZE, ANALYZE) orders")?;
    let stream = Stream {
        dbname: DATABASE.to_owned(),
        prefix: DATABASE.to_owned(),
        slot: DATABASE.to_owned(),
        publication: PUBLICATION.to_owned(),
        format: Format::Json,
        properties: vec![("snapshot.mode", "initial".to_owned()), ("snapshot.max.threads", "4".to_owned())],
    };
    let topic = stream.topic(Table::Narrow.name());
    stand.topics.create(&topic)?;
    let mut connector = Connector::walcast(stand, &stream)?;
    wait_for(stand, &mut connector, &topic, rows / 2)?;
    connector.stop()?;
    let before = stand.topics.records(&topic)?;
    let begun = Instant::now();
    let mut connector = Connector::walcast(stand, &stream)?;
    wait_for(stand, &mut connector, &topic, before + 1)?;
    let seconds = begun.elapsed().as_secs_f64();
    // The stream begins when all of it is there.
    let active =
        sql.prepare("SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL")?;
    while sql.value::<i64>(&active, &[&stream.slot])? != Some(1) {
        connector.check()?;
        if begun.elapsed() > PATIENCE {
            return Err("a snapshot that was killed does not come to its end".into());
        }
        std::thread::sleep(POLL);
    }
    let after = stand.topics.records(&topic)?;
    connector.stop()?;
    sql.drop_slot(&stream.slot)?;
    stand.topics.delete(&[topic])?;
    drop(sql);
    control.run(&format!("DROP DATABASE {DATABASE} WITH (FORCE)"))?;
    let again = after.checked_sub(rows).ok_or_else(|| format!("{rows} rows, and only {after} records"))?;
    let resumed = Resumed { rows, before, seconds, again };
    eprintln!("  {resumed:?}");
    Ok(resumed)
}

fn wait_for(stand: &Stand, connector: &mut Connector, topic: &str, records: u64) -> Outcome<()> {
    let deadline = Instant::now() + PATIENCE;
    while stand.topics.records(topic)? < records {
        connector.check()?;
        if Instant::now() > deadline {
            return Err(format!("{topic} does not come to {records} records").into());
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}
