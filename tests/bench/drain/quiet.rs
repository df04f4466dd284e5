//! What a connector needs when there is nothing to do: time to start streaming, memory while idle.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::reader::Reader;
use super::workload::PUBLICATION;
use crate::support::connector::{Connector, Format, Stream};
use crate::support::process;
use crate::support::sql::Sql;
use crate::support::stand::Stand;
use crate::support::{Outcome, markdown};

const DATABASE: &str = "quiet";
const STARTS: u32 = 5;
const START_MAX: Duration = Duration::from_secs(60);
const ACTIVE_POLL: Duration = Duration::from_millis(1);
/// How long it streams nothing before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Quiet {
    pub(crate) reader: Reader,
    /// From the start of the process (of the request to a warm worker, for Debezium) to the slot being taken, each.
    pub(crate) start_seconds: Vec<f64>,
    /// Resident after five seconds of streaming nothing, KiB.
    pub(crate) idle_kib: u64,
}

impl Quiet {
    pub(crate) fn start_median(&self) -> Option<f64> {
        markdown::median(self.start_seconds.iter().copied())
    }
}

/// Starts a connector a few times on a prepared slot and lets the last one idle.
pub(crate) fn measure(stand: &Stand, reader: Reader) -> Outcome<Quiet> {
    let control = Sql::open(stand.postgres.as_ref(), "postgres")?;
    control.run(&format!("CREATE DATABASE {DATABASE}"))?;
    let sql = Sql::open(stand.postgres.as_ref(), DATABASE)?;
    sql.run(&format!("CREATE TABLE nothing (id bigint PRIMARY KEY); CREATE PUBLICATION {PUBLICATION} FOR ALL TABLES"))?;
    let active = sql.prepare("SELECT active FROM pg_replication_slots WHERE slot_name = $1")?;
    let mut quiet = Quiet { reader, start_seconds: Vec::new(), idle_kib: 0 };
    eprintln!("{}: starting {STARTS} times", reader.title());
    for attempt in 1..=STARTS {
        let slot = format!("quiet_{}_{attempt}", reader.name());
        sql.run(&format!("SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')"))?;
        let stream = Stream {
            dbname: DATABASE.to_owned(),
            prefix: slot.clone(),
            slot: slot.clone(),
            publication: PUBLICATION.to_owned(),
            format: Format::Json,
            properties: Vec::new(),
        };
        let begun = Instant::now();
        let mut connector = match reader {
            Reader::Debezium => Connector::debezium(stand, &stream)?,
            _ => Connector::walcast(stand, &stream)?,
        };
        while sql.value::<bool>(&active, &[&slot])? != Some(true) {
            connector.check()?;
            if begun.elapsed() > START_MAX {
                return Err(format!("{} did not take its slot", reader.title()).into());
            }
            std::thread::sleep(ACTIVE_POLL);
        }
        quiet.start_seconds.push(begun.elapsed().as_secs_f64());
        if attempt == STARTS {
            std::thread::sleep(IDLE);
            connector.check()?;
            quiet.idle_kib = process::resident_kib(connector.pid())?;
        }
        connector.stop()?;
        sql.drop_slot(&slot)?;
    }
    drop(sql);
    control.run(&format!("DROP DATABASE {DATABASE} WITH (FORCE)"))?;
    Ok(quiet)
}
