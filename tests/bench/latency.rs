//! How long a committed row takes to reach a consumer: writer, connector, broker and consumer on one machine.
//!
//! `cargo bench --bench latency [-- --debezium] [--seconds N] [--incremental ROWS]`
//!
//! A writer commits at a steady rate. Each row carries the writer's clock, read just before the one statement that
//! is the transaction is sent, so a latency holds the statement, the commit, the way through the connector and the
//! broker, and the consumer's receipt, by the same clock. Rows of the warm-up are not counted; all others are, and a
//! row that does not arrive, or arrives twice, ends the bench with exit code 1.
//!
//! With `--incremental`, the middle rate is measured once more while a table of so many rows is read beside the stream,
//! begun by a signal when the measuring begins.

mod latency {
    pub(crate) mod beside;
    pub(crate) mod consumer;
    pub(crate) mod writer;
}
#[allow(dead_code, reason = "each bench uses a part of what both share")]
mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use clap::Parser;
use serde_json::{Value, json};

use latency::beside::{self, Beside};
use latency::consumer::{Consumer, Latencies};
use latency::writer::{self, Pace};
use support::connector::{Connector, Format, Stream};
use support::machine::{self, Ticks};
use support::markdown::{Table, count, number};
use support::process::{self, Cpu};
use support::sql::Sql;
use support::stand::Stand;
use support::{Outcome, Output};

const DATABASE: &str = "latency";
const PUBLICATION: &str = "bench";
/// A connector that has not taken its slot by then will not.
const START_MAX: Duration = Duration::from_secs(60);
/// How long the last rows may take to arrive after the writers are done.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);

/// The rates: one-row transactions at both, and tens at the higher one. A backend commits some thousand
/// times a second in turn, so the highest rate of transactions needs more than one.
const PACES: [Pace; 3] = [
    Pace { rows_per_second: 500, rows_per_transaction: 1, writers: 1 },
    Pace { rows_per_second: 5_000, rows_per_transaction: 10, writers: 1 },
    Pace { rows_per_second: 5_000, rows_per_transaction: 1, writers: 4 },
];

/// Measures commit-to-consumer latency at steady rates.
#[derive(Debug, Parser)]
#[command(name = "latency")]
struct Arguments {
    #[command(flatten)]
    common: support::Common,
    /// Seconds measured for each rate.
    #[arg(long, default_value_t = 20, value_name = "N")]
    seconds: u64,
    /// Seconds of writing before that.
    #[arg(long, default_value_t = 5, value_name = "N")]
    warm_up: u64,
    /// Also measure beside an incremental snapshot of a table of so many rows.
    #[arg(long, value_name = "ROWS")]
    incremental: Option<u64>,
}

/// Who is measured.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Walcast,
    Debezium,
}

impl Subject {
    fn name(self) -> &'static str {
        match self {
            Self::Walcast => "walcast",
            Self::Debezium => "debezium",
        }
    }

    fn start(self, stand: &Stand, stream: &Stream) -> Outcome<Connector> {
        match self {
            Self::Walcast => Connector::walcast(stand, stream),
            Self::Debezium => Connector::debezium(stand, stream),
        }
    }
}

/// One connector at one rate.
struct Measured {
    subject: Subject,
    pace: Pace,
    /// What ran beside it, if anything.
    beside: Option<Incremental>,
    /// Rows a second that were really written.
    achieved: f64,
    latencies: Latencies,
    /// CPU of the connector, in percent of a core.
    cpu_percent: f64,
    resident_kib: u64,
    elsewhere_percent: f64,
}

/// An incremental snapshot beside the stream.
#[derive(Clone, Copy, Debug)]
struct Incremental {
    rows: u64,
    /// Of them, how many were in their topic when the last row that was measured was written.
    meanwhile: u64,
    rows_per_second: f64,
}

fn main() -> ExitCode {
    support::exit(bench(&Arguments::parse()))
}

fn bench(arguments: &Arguments) -> Outcome<()> {
    let stand = Stand::start(&arguments.common, &[Format::Json])?;
    let facts = machine::facts(&stand);
    Sql::open(stand.postgres.as_ref(), "postgres")?.run(&format!("CREATE DATABASE {DATABASE}"))?;
    let sql = Sql::open(stand.postgres.as_ref(), DATABASE)?;
    sql.run(&format!("{}; CREATE PUBLICATION {PUBLICATION} FOR ALL TABLES", writer::TABLE))?;
    let subjects =
        if arguments.common.debezium { &[Subject::Walcast, Subject::Debezium][..] } else { &[Subject::Walcast] };
    let mut runs: Vec<(Pace, Option<u64>)> = PACES.map(|pace| (pace, None)).to_vec();
    if let Some(rows) = arguments.incremental {
        eprintln!("writing {rows} rows to be read beside the stream");
        beside::prepare(&sql, rows)?;
        runs.push((PACES[1], Some(rows)));
    }
    let mut all = Vec::new();
    for (number, (pace, beside)) in (1..).zip(runs) {
        for &subject in subjects {
            eprintln!(
                "{}: {} rows/s, {} a transaction{}",
                subject.name(),
                pace.rows_per_second,
                pace.rows_per_transaction,
                if beside.is_some() { ", beside an incremental snapshot" } else { "" }
            );
            all.push(measure(&stand, &sql, subject, pace, beside, number, arguments)?);
        }
    }
    match arguments.common.output {
        Output::Markdown => print_markdown(&facts, &all),
        Output::Json => {
            let measured: Vec<Value> = all.iter().map(Measured::json).collect();
            println!("{}", json!({ "machine": facts, "load_after": machine::load(), "latency": measured }));
        }
    }
    Ok(())
}

fn measure(
    stand: &Stand,
    sql: &Sql,
    subject: Subject,
    pace: Pace,
    rows_beside: Option<u64>,
    number: u32,
    arguments: &Arguments,
) -> Outcome<Measured> {
    let slot = format!("{}_{number}", subject.name());
    let stream = Stream {
        dbname: DATABASE.to_owned(),
        prefix: slot.clone(),
        slot: slot.clone(),
        publication: PUBLICATION.to_owned(),
        format: Format::Json,
        properties: rows_beside.map_or_else(Vec::new, |_| beside::properties()),
    };
    sql.run("TRUNCATE ticks")?;
    sql.run(&format!("SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')"))?;
    let topic = stream.topic("ticks");
    stand.topics.create(&topic)?;
    let mut connector = subject.start(stand, &stream)?;
    let walsender = wait_until_active(sql, &slot, &mut connector)?;
    let consumer = Consumer::start(stand.kafka.bootstrap(), &topic)?;

    let warm_up = Duration::from_secs(arguments.warm_up);
    let writers = writer::start(stand, DATABASE, pace, warm_up + Duration::from_secs(arguments.seconds))?;
    std::thread::sleep(warm_up);
    let (measured_from, begun, ticks) = (SystemTime::now(), Instant::now(), Ticks::now());
    let pids: Vec<u32> =
        [Some(connector.pid()), stand.backend(walsender), stand.kafka.pid()].into_iter().flatten().collect();
    let costs = || pids.iter().map(|&pid| Cpu::of(pid)).collect::<Outcome<Vec<Cpu>>>();
    let before = costs()?;
    let beside = rows_beside.map(|rows| Beside::begin(stand, sql, &stream, rows)).transpose()?;
    let mut written = Vec::new();
    for writer in writers {
        written.push(writer.join().map_err(|_| "a writer panicked")??);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let spent: Vec<Cpu> = costs()?.into_iter().zip(before).map(|(now, then)| now - then).collect();
    let elsewhere_percent = ticks.elsewhere_percent(&spent);
    let resident_kib = process::resident_kib(connector.pid())?;

    let meanwhile = beside.as_ref().map_or(Ok(0), |beside| beside.rows(stand))?;

    let rows: u64 = written.iter().sum();
    let arrivals = consumer.finish(rows, ARRIVAL_MAX)?;
    let beside = match beside {
        Some(beside) => Some(Incremental {
            rows: rows_beside.unwrap_or_default(),
            meanwhile,
            rows_per_second: beside.finish(stand, &mut connector)?,
        }),
        None => None,
    };
    connector.stop()?;
    let latencies = Latencies::since(&arrivals, measured_from)?;
    Ok(Measured {
        subject,
        pace,
        beside,
        achieved: latencies.count() as f64 / seconds,
        latencies,
        cpu_percent: spent.first().map_or(0.0, |cpu| cpu.as_secs_f64() * 100.0 / seconds),
        resident_kib,
        elsewhere_percent,
    })
}

fn wait_until_active(sql: &Sql, slot: &str, connector: &mut Connector) -> Outcome<i32> {
    let active = sql.prepare("SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1")?;
    let deadline = Instant::now() + START_MAX;
    loop {
        if let Some(pid) = sql.value::<Option<i32>>(&active, &[&slot])?.flatten() {
            return Ok(pid);
        }
        connector.check()?;
        if Instant::now() > deadline {
            return Err(format!("slot {slot} was not taken within {} s", START_MAX.as_secs()).into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Measured {
    fn json(&self) -> Value {
        json!({
            "connector": self.subject.name(),
            "rows_per_second": self.pace.rows_per_second,
            "rows_per_transaction": self.pace.rows_per_transaction,
            "writers": self.pace.writers,
            "incremental_rows": self.beside.map(|beside| beside.rows),
            "incremental_rows_meanwhile": self.beside.map(|beside| beside.meanwhile),
            "incremental_rows_per_second": self.beside.map(|beside| beside.rows_per_second),
            "achieved_rows_per_second": self.achieved,
            "samples": self.latencies.count(),
            "p50_ms": self.latencies.millis(0.50),
            "p90_ms": self.latencies.millis(0.90),
            "p99_ms": self.latencies.millis(0.99),
            "p999_ms": self.latencies.millis(0.999),
            "max_ms": self.latencies.millis(1.0),
            "cpu_percent": self.cpu_percent,
            "resident_kib": self.resident_kib,
            "elsewhere_percent": self.elsewhere_percent,
        })
    }
}

fn print_markdown(facts: &Value, all: &[Measured]) {
    println!("{}.\n", machine::line(facts));
    let mut table = Table::new(
        1,
        &[
            "connector",
            "rows/s",
            "a transaction",
            "written/s",
            "samples",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "p99.9 ms",
            "max ms",
            "CPU %",
            "resident MiB",
            "other %",
            "beside it",
        ],
    );
    for one in all {
        let millis = |quantile| number(Some(one.latencies.millis(quantile)), 1);
        table.row(vec![
            one.subject.name().to_owned(),
            count(one.pace.rows_per_second),
            one.pace.rows_per_transaction.to_string(),
            number(Some(one.achieved), 0),
            count(one.latencies.count()),
            millis(0.50),
            millis(0.90),
            millis(0.99),
            millis(0.999),
            millis(1.0),
            number(Some(one.cpu_percent), 0),
            one.resident_kib.div_ceil(1024).to_string(),
            number(Some(one.elsewhere_percent), 0),
            one.beside.map_or_else(
                || "nothing".to_owned(),
                |beside| {
                    format!(
                        "{} of {} rows, {:.0}/s",
                        count(beside.meanwhile),
                        count(beside.rows),
                        beside.rows_per_second
                    )
                },
            ),
        ]);
    }
    table.print();
}
