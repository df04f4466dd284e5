//! Lets consumers that others wrote read walcast's topics, and compares what they make of them with the database.
//!
//! `tests/consumers/run.sh`, or `cargo run --release --example consumers -- [--consumer NAME]... [--major 18]
//! [--source walcast|debezium] [--walcast PATH]` beside a built `walcast`: see the README in `tests/consumers/`.
//!
//! One PostgreSQL and one broker; for each consumer a walcast with the consumer's configuration, all on the same
//! workload; then one consumer after the other.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Map, Value};
use walcast::local::{KafkaOptions, PostgresOptions, Progress, RegistryOptions, Servers, Tuning};

mod consumers;

use consumers::compare::Comparison;
use consumers::consumer::{Consumer, Reading};
use consumers::database::{Database, SQL};
use consumers::debezium::Debezium;
use consumers::source::Source;
use consumers::stage::Stage;
use consumers::topics::Topics;
use consumers::walcast::Walcasts;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Of the cluster.
const MAJOR: u16 = 18;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the table; true means that every consumer has what the source has.
fn run() -> Outcome<bool> {
    let wanted = Wanted::from_arguments()?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consumers");
    let consumers: Vec<Consumer> =
        wanted.consumers.iter().map(|name| Consumer::open(&folder, name)).collect::<Outcome<_>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let servers = Servers::choose(Progress::terminal())?;
    let kafka = servers.kafka(&KafkaOptions::default().tuned_for(Tuning::Start))?;
    let registry = match consumers.iter().any(Consumer::wants_registry) {
        true => Some(servers.registry(&RegistryOptions::default())?),
        false => None,
    };
    let postgres = servers.postgres(&PostgresOptions::new(wanted.major))?;
    let stage = Stage { servers: &servers, kafka: &*kafka, registry: registry.as_deref(), postgres: &*postgres };

    let source = Database::create(&runtime, &*postgres, "shop")?;
    source.run_file(&folder, SQL.tables)?;
    let connectors: Vec<Map<String, Value>> =
        consumers.iter().map(|consumer| consumer.connector(&stage)).collect::<Outcome<_>>()?;
    let mut casts: Box<dyn Source> = match &wanted.debezium {
        true => Box::new(Debezium::start(&stage, connectors)?),
        false => Box::new(Walcasts::start(&wanted.walcast, &connectors, kafka.bootstrap())?),
    };
    casts.wait_until_streaming(&source)?;
    eprintln!("running the workload");
    source.run_file(&folder, SQL.work)?;
    source.run_file(&folder, SQL.alter)?;
    let last_commit = source.run_file_in_transaction(&folder, SQL.last_work)?;
    casts.finish(&source, &last_commit)?;
    eprintln!("everything is written");

    let topics = Topics::new(kafka.bootstrap());
    println!("| consumer | version | its topics hold | it read | tables, rows | equal to the source |");
    println!("|---|---|---:|---:|---:|---|");
    let mut all_equal = true;
    for consumer in &consumers {
        eprintln!("reading with {}", consumer.name);
        let target = Database::create(&runtime, &*postgres, &consumer.database())?;
        target.run_file(&folder, SQL.tables)?;
        let outcome = consumer.read(&stage, &folder, &target, &topics).and_then(|reading: Reading| {
            let comparison = Comparison::of(&source, &target, &consumer.tables()?, &consumer.omitted()?)?;
            Ok((reading, comparison))
        });
        let records = topics.records(&format!("{}.", consumer.name))?;
        match outcome {
            Ok((reading, comparison)) => {
                all_equal &= comparison.is_equal();
                let Reading { version, read } = reading;
                println!("| {} | {version} | {records} records | {read} | {comparison} |", consumer.title);
                comparison.explain(&source, &target)?;
            }
            Err(error) => {
                all_equal = false;
                println!("| {} | | {records} records | | | failed |", consumer.title);
                eprintln!("{}: {error}", consumer.name);
            }
        }
    }
    Ok(all_equal)
}

/// What the command line asks for.
struct Wanted {
    consumers: Vec<String>,
    major: u16,
    walcast: PathBuf,
    /// Debezium writes the records instead, so that what a consumer cannot do is told from what walcast did wrong.
    debezium: bool,
}

impl Wanted {
    fn from_arguments() -> Outcome<Self> {
        let beside = std::env::current_exe()?.parent().and_then(Path::parent).map(|folder| folder.join("walcast"));
        let mut wanted =
            Self { consumers: Vec::new(), major: MAJOR, walcast: beside.unwrap_or_default(), debezium: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--consumer" => wanted.consumers.push(value),
                "--major" => wanted.major = value.parse()?,
                "--walcast" => wanted.walcast = value.into(),
                "--source" if ["walcast", "debezium"].contains(&value.as_str()) => {
                    wanted.debezium = value == "debezium"
                }
                _ => return Err(format!(
                    "unknown {name}; known are --consumer, --major, --source walcast, --source debezium and --walcast"
                )
                .into()),
            }
        }
        if wanted.consumers.is_empty() {
            wanted.consumers = Consumer::NAMES.map(str::to_owned).to_vec();
        }
        if !wanted.walcast.is_file() {
            return Err(format!("there is no {}: build it, or name it by --walcast", wanted.walcast.display()).into());
        }
        Ok(wanted)
    }
}
