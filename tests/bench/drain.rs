//! How fast a backlog is drained: PostgreSQL alone, walcast into a real broker, and Debezium beside them.
//!
//! `cargo bench --bench drain [-- --debezium] [--rows N] [--only WORKLOAD]...`, and `-- --help` for the rest.
//!
//! For each workload one backlog is written while as many slots stand at the same position as there are going to be
//! drains, so that every drain decodes the same log. Drains of different readers alternate, because a
//! machine's speed drifts; figures are medians of the rounds, and a ratio is the median of the rounds' own ratios. A
//! drain begins when its slot is taken and ends when the last row is at the far end: counted by the raw reader, in the
//! topic for connectors. Counts that are not equal end the bench with exit code 1.

mod drain {
    pub(crate) mod measure;
    pub(crate) mod quiet;
    pub(crate) mod raw;
    pub(crate) mod reader;
    pub(crate) mod report;
    pub(crate) mod workload;
}
#[allow(dead_code, reason = "each bench uses a part of what both share")]
mod support;

use std::process::ExitCode;

use clap::Parser;
use walcast::lsn::Lsn;

use drain::measure::{Backlog, Drained};
use drain::quiet;
use drain::raw;
use drain::reader::Reader;
use drain::report::Report;
use drain::workload::{self, PUBLICATION, Workload};
use support::Outcome;
use support::connector::{Format, Stream};
use support::machine;
use support::sql::Sql;
use support::stand::Stand;

/// Rows of the drains that nobody counts: they warm the broker and, where asked for, the Connect worker, which takes
/// some ten seconds to compile its hot paths.
const WARM_UP_ROWS: u64 = 200_000;

/// Drains one backlog of each workload through every reader and prints what it took.
#[derive(Debug, Parser)]
#[command(name = "drain")]
struct Arguments {
    #[command(flatten)]
    common: support::Common,
    /// Rows of the narrow workloads; the others have fewer in proportion.
    #[arg(long, default_value_t = 400_000, value_name = "N")]
    rows: u64,
    /// How often each reader drains each backlog.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8))]
    rounds: u32,
    /// Only this workload; may be given more than once.
    #[arg(long, value_enum, value_name = "WORKLOAD")]
    only: Vec<Workload>,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, clap::Subcommand)]
enum Role {
    /// The raw reader, in a process of its own.
    #[command(hide = true)]
    RawReader(raw::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    support::exit(match &arguments.role {
        Some(Role::RawReader(arguments)) => raw::run(arguments),
        None => bench(&arguments),
    })
}

fn bench(arguments: &Arguments) -> Outcome<()> {
    let chosen = if arguments.only.is_empty() { &workload::ALL[..] } else { &arguments.only };
    let formats: Vec<Format> = chosen.iter().map(|workload| workload.format()).collect();
    let stand = Stand::start(&arguments.common, &formats)?;
    let readers = readers(&stand);
    let mut report = Report::new(machine::facts(&stand), arguments.rounds);
    eprintln!("warming up");
    let warming: Vec<Reader> = readers.iter().copied().filter(|reader| reader.is_connector()).collect();
    run(&stand, "warm_up", Workload::Narrow, WARM_UP_ROWS, &warming, 1, &mut |_| {})?;
    for &workload in chosen {
        let rows = workload.rows(arguments.rows);
        run(&stand, workload.dbname(), workload, rows, &readers, arguments.rounds, &mut |drained| report.add(drained))?;
    }
    for &reader in &warming {
        report.quiet(quiet::measure(&stand, reader)?);
    }
    report.print(arguments.common.output);
    Ok(())
}

fn readers(stand: &Stand) -> Vec<Reader> {
    let mut readers = vec![Reader::Raw];
    if stand.pg_recvlogical.is_some() {
        readers.push(Reader::PgRecvlogical);
    }
    readers.push(Reader::Walcast);
    if stand.connect.is_some() {
        readers.push(Reader::Debezium);
    }
    readers
}

/// Writes one backlog in a database of its own and drains it `rounds` times through every reader.
fn run(
    stand: &Stand,
    dbname: &str,
    workload: Workload,
    rows: u64,
    readers: &[Reader],
    rounds: u32,
    add: &mut dyn FnMut(Drained),
) -> Outcome<()> {
    let control = Sql::open(stand.postgres.as_ref(), "postgres")?;
    control.run(&format!("CREATE DATABASE {dbname}"))?;
    let sql = Sql::open(stand.postgres.as_ref(), dbname)?;
    sql.run(&workload.preparation(rows))?;
    let drains: Vec<(u32, Reader)> =
        (1..=rounds).flat_map(|round| readers.iter().map(move |&reader| (round, reader))).collect();
    let streams: Vec<Stream> = drains.iter().map(|&(round, reader)| stream(dbname, workload, reader, round)).collect();
    create_slots(&sql, &streams)?;
    eprintln!("{}: writing {rows} rows", workload.title());
    sql.run("SET synchronous_commit = off")?;
    sql.run(&workload.backlog(rows))?;
    let end: String = sql.fetch("SELECT pg_current_wal_insert_lsn()::text")?;
    // What was written goes to disk now and not during the first drains.
    sql.run("CHECKPOINT")?;
    let backlog = Backlog::new(stand, &sql, workload, rows, end.parse::<Lsn>()?)?;
    let mut topics = Vec::new();
    for (&(round, reader), stream) in drains.iter().zip(&streams) {
        let drained = backlog.drain(reader, round, stream)?;
        eprintln!(
            "  round {round}: {} {:.0} rows/s{}",
            reader.title(),
            drained.rows_per_second(),
            drained.threads_line()
        );
        add(drained);
        if reader.is_connector() {
            topics.push(stream.topic(workload.table()));
        }
    }
    stand.topics.delete(&topics)?;
    for stream in &streams {
        sql.drop_slot(&stream.slot)?;
    }
    drop(sql);
    control.run(&format!("DROP DATABASE {dbname} WITH (FORCE)"))
}

fn stream(dbname: &str, workload: Workload, reader: Reader, round: u32) -> Stream {
    let slot = format!("{dbname}_{}_{round}", reader.name());
    Stream {
        dbname: dbname.to_owned(),
        prefix: slot.clone(),
        slot,
        publication: PUBLICATION.to_owned(),
        format: workload.format(),
        properties: Vec::new(),
    }
}

/// All at one position: one is made and the others are copied from it.
fn create_slots(sql: &Sql, streams: &[Stream]) -> Outcome<()> {
    let Some((first, others)) = streams.split_first() else { return Ok(()) };
    sql.run(&format!("SELECT pg_create_logical_replication_slot('{}', 'pgoutput')", first.slot))?;
    for stream in others {
        sql.run(&format!("SELECT pg_copy_logical_replication_slot('{}', '{}')", first.slot, stream.slot))?;
    }
    Ok(())
}
