//! Very many tables with nothing in them: what a snapshot costs apart from rows.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::measure::Contender;
use super::table::PUBLICATION;
use crate::support::Outcome;
use crate::support::connector::{Connector, Format, Stream};
use crate::support::process;
use crate::support::sql::Sql;
use crate::support::stand::Stand;

const DATABASE: &str = "empty";
const PATIENCE: Duration = Duration::from_secs(900);
/// Tables of one transaction: each takes locks.
const TABLES_PER_TRANSACTION: u32 = 500;

/// What it came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Empty {
    pub(crate) contender: Contender,
    pub(crate) tables: u32,
    /// From the start of the process (of the request to a warm worker, for Debezium) until it streams.
    pub(crate) seconds: f64,
    pub(crate) peak_kib: u64,
}

/// Makes the tables, and lets everybody read them once.
pub(crate) fn measure(stand: &Stand, tables: u32, contenders: &[Contender]) -> Outcome<Vec<Empty>> {
    eprintln!("making {tables} empty tables");
    let control = Sql::open(stand.postgres.as_ref(), "postgres")?;
    control.run(&format!("CREATE DATABASE {DATABASE}"))?;
    let sql = Sql::open(stand.postgres.as_ref(), DATABASE)?;
    sql.run("SET synchronous_commit = off")?;
    sql.run(&format!(
        "DO $$BEGIN FOR n IN 1..{tables} LOOP \
         EXECUTE format('CREATE TABLE t%s (id bigint PRIMARY KEY, note text)', n); \
         IF n % {TABLES_PER_TRANSACTION} = 0 THEN COMMIT; END IF; END LOOP; END$$"
    ))?;
    sql.run(&format!("CREATE PUBLICATION {PUBLICATION} FOR ALL TABLES"))?;
    sql.run("CHECKPOINT")?;
    let active = sql.prepare(
        "SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL \
                              AND confirmed_flush_lsn IS NOT NULL AND EXISTS (SELECT FROM pg_stat_replication \
                              WHERE pid = active_pid AND state = 'streaming')",
    )?;
    let mut all = Vec::new();
    for &contender in contenders {
        let slot = format!("empty_{}", if contender == Contender::Walcast { "walcast" } else { "debezium" });
        let stream = Stream {
            dbname: DATABASE.to_owned(),
            prefix: slot.clone(),
            slot: slot.clone(),
            publication: PUBLICATION.to_owned(),
            format: Format::Json,
            properties: vec![("snapshot.mode", "initial".to_owned())],
        };
        let begun = Instant::now();
        let mut connector = match contender {
            Contender::Debezium => Connector::debezium(stand, &stream)?,
            _ => Connector::walcast(stand, &stream)?,
        };
        while sql.value::<i64>(&active, &[&slot])? != Some(1) {
            connector.check()?;
            if begun.elapsed() > PATIENCE {
                return Err(format!("{} does not stream", contender.title()).into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let seconds = begun.elapsed().as_secs_f64();
        let peak_kib = process::peak_kib(connector.pid())?;
        eprintln!("  {}: {tables} empty tables, {seconds:.1} s, peak {} MiB", contender.title(), peak_kib / 1024);
        connector.stop()?;
        sql.drop_slot(&slot)?;
        all.push(Empty { contender, tables, seconds, peak_kib });
    }
    drop(sql);
    control.run(&format!("DROP DATABASE {DATABASE} WITH (FORCE)"))?;
    Ok(all)
}
