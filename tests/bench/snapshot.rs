//! How fast a table is read from nothing: PostgreSQL alone, a broker alone, walcast between them, and Debezium beside it.
//!
//! `cargo bench --bench snapshot [-- --debezium] [--rows N] [--only TABLE]... [--readers N]...`, and `-- --help` for the rest.
//!
//! The two bounds are measured with what walcast itself asks of either side: *copy* reads the same columns in the same
//! ranges of pages with `COPY ... (FORMAT binary)` through as many connections under one snapshot, and throws them away;
//! *produce* hands the very records that walcast wrote, headers included, to a producer with the same settings and the same
//! allocator, into a topic with the same settings. Whatever reads and writes cannot be faster than the slower of them, and shares the machine with both.
//!
//! A connector's time runs from the moment its slot stands until the last row is in the topic; its start is not in it.
//! Who is measured alternates within a round, because a machine's speed drifts; figures are medians of the rounds, and a
//! ratio is the median of the rounds' own ratios. Counts that are not equal end the bench with exit code 1.

mod snapshot {
    pub(crate) mod copy;
    pub(crate) mod empty;
    pub(crate) mod measure;
    pub(crate) mod produce;
    pub(crate) mod report;
    pub(crate) mod resume;
    pub(crate) mod table;
    pub(crate) mod writer;
}
#[allow(dead_code, reason = "each bench uses a part of what all share")]
mod support;

use std::process::ExitCode;

use clap::Parser;

use snapshot::copy;
use snapshot::empty;
use snapshot::measure::{Contender, Setting, Taken, Taking};
use snapshot::produce;
use snapshot::report::Report;
use snapshot::resume;
use snapshot::table::{self, PUBLICATION, Table};
use snapshot::writer;
use support::Outcome;
use support::connector::Format;
use support::machine;
use support::sql::Sql;
use support::stand::Stand;

/// Rows of the snapshots that nobody counts: they warm the broker and, where asked for, the Connect worker.
const WARM_UP_ROWS: u64 = 200_000;

/// Takes snapshots of tables and prints what they took.
#[derive(Debug, Parser)]
#[command(name = "snapshot")]
struct Arguments {
    #[command(flatten)]
    common: support::Common,
    /// Rows of the narrow table; the others have fewer in proportion.
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    rows: u64,
    /// How often each is measured.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8))]
    rounds: u32,
    /// Only this table; may be given more than once.
    #[arg(long, value_enum, value_name = "TABLE")]
    only: Vec<Table>,
    /// Connections that read; may be given more than once.
    #[arg(long, default_values_t = [1, 2, 4], value_name = "N")]
    readers: Vec<usize>,
    /// Leave out the measurements with a writer beside them.
    #[arg(long)]
    no_writer: bool,
    /// So many empty tables are read as well.
    #[arg(long, value_name = "N")]
    empty_tables: Option<u32>,
    /// A snapshot of so many narrow rows is killed in its middle as well.
    #[arg(long, value_name = "ROWS")]
    resume: Option<u64>,
    /// Leave out the tables with rows.
    #[arg(long)]
    no_tables: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, clap::Subcommand)]
enum Role {
    /// Reads and throws away, in a process of its own.
    #[command(hide = true)]
    Copy(copy::Arguments),
    /// Writes records that are there already, in a process of its own.
    #[command(hide = true)]
    Produce(produce::Arguments),
}

/// walcast's own: the bare producer is not to wait for another one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    support::exit(match &arguments.role {
        Some(Role::Copy(arguments)) => copy::run(arguments),
        Some(Role::Produce(arguments)) => produce::run(arguments),
        None => bench(&arguments),
    })
}

fn bench(arguments: &Arguments) -> Outcome<()> {
    let chosen = if arguments.only.is_empty() { &table::ALL[..] } else { &arguments.only };
    let stand = Stand::start(&arguments.common, &[Format::Json])?;
    let mut report = Report::new(machine::facts(&stand), arguments.rounds);
    eprintln!("warming up");
    run(&stand, "warm_up", Table::Narrow, WARM_UP_ROWS, &[1], 1, &[false], &mut |_| {})?;
    for &table in chosen.iter().filter(|_| !arguments.no_tables) {
        let writers: &[bool] = if arguments.no_writer || !table.with_writer() { &[false] } else { &[false, true] };
        let (name, rows) = (table.dbname(), table.rows(arguments.rows));
        run(&stand, name, table, rows, &arguments.readers, arguments.rounds, writers, &mut |taken| report.add(taken))?;
    }
    if let Some(tables) = arguments.empty_tables {
        let connectors: Vec<Contender> = contenders(&stand).into_iter().filter(|who| who.is_connector()).collect();
        report.empty(empty::measure(&stand, tables, &connectors)?);
    }
    if let Some(rows) = arguments.resume {
        report.resumed(resume::measure(&stand, rows)?);
    }
    report.print(arguments.common.output);
    Ok(())
}

/// Fills one table in a database of its own and lets everybody read it `rounds` times.
#[expect(clippy::too_many_arguments, reason = "each is one dimension of the bench")]
fn run(
    stand: &Stand,
    dbname: &str,
    table: Table,
    rows: u64,
    readers: &[usize],
    rounds: u32,
    writers: &[bool],
    add: &mut dyn FnMut(Taken),
) -> Outcome<()> {
    let control = Sql::open(stand.postgres.as_ref(), "postgres")?;
    control.run(&format!("CREATE DATABASE {dbname}"))?;
    let sql = Sql::open(stand.postgres.as_ref(), dbname)?;
    eprintln!("{}: writing {rows} rows", table.title());
    sql.run("SET synchronous_commit = off")?;
    sql.run(&table.filled(rows))?;
    sql.run(&format!("{}; CREATE PUBLICATION {PUBLICATION} FOR ALL TABLES", writer::TABLE))?;
    // Hint bits are set and statistics are there, as in a table that was used for a while.
    sql.run(&format!("VACUUM (FREEZE, ANALYZE) {}", table.name()))?;
    sql.run("CHECKPOINT")?;
    let taking = Taking { stand, dbname, table, rows, sql: &sql };
    for round in 1..=rounds {
        for &with_writer in writers {
            // What the producer writes again is what walcast wrote first.
            let mut sample = None;
            for &readers in readers {
                let setting = Setting { round, readers, with_writer };
                for contender in contenders(stand) {
                    let taken = taking.take(contender, setting, &mut sample)?;
                    eprintln!("  {}", taken.line());
                    add(taken);
                }
            }
            stand.topics.delete(&sample.into_iter().collect::<Vec<_>>())?;
        }
    }
    drop(sql);
    control.run(&format!("DROP DATABASE {dbname} WITH (FORCE)"))
}

fn contenders(stand: &Stand) -> Vec<Contender> {
    let mut contenders = vec![Contender::Copy, Contender::Walcast, Contender::Produce];
    if stand.connect.is_some() {
        contenders.push(Contender::Debezium);
    }
    contenders
}
