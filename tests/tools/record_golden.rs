//! Records Debezium's own records into `tests/golden/`: see the README there.
//!
//! `TZ=UTC JAVA_HOME=... cargo run --example record_golden -- [--major 15]... [--scenario NAME]... [--variant NAME]...`
//!
//! Each scenario gets a new PostgreSQL cluster with a database, the real Debezium in a real Kafka Connect once for each
//! variant of the configuration, and more slots that decode the same write-ahead log.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;

use walcast::local::{ConnectOptions, KafkaOptions, PostgresOptions, Progress, RegistryOptions, Servers};

mod golden;

use golden::run::{Oracle, Run};
use golden::scenario::Scenario;
use golden::variant::Variant;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let wanted = Wanted::from_arguments()?;
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let servers = Servers::choose(Progress::terminal())?;
    let kafka = servers.kafka(&KafkaOptions::default())?;
    let registry = servers.registry(&RegistryOptions::default())?;
    let options = ConnectOptions { heap_mib: 3072, ..ConnectOptions::default() }.with_apicurio_converters();
    let connect = servers.connect(kafka.bootstrap(), &options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let oracle = Oracle { runtime: &runtime, connect: &connect, kafka: &*kafka, registry: &*registry };
    let mut failed = Vec::new();
    for major in wanted.majors {
        for scenario in Scenario::all(&golden.join("sql"))? {
            if !wanted.scenarios.is_empty() && !wanted.scenarios.contains(&scenario.name) {
                continue;
            }
            let mut variants = Variant::all(&golden.join("variants"), &scenario.variants)?;
            variants.retain(|variant| wanted.variants.is_empty() || wanted.variants.contains(&variant.name));
            let options = PostgresOptions::new(major).setting("max_wal_senders", "40");
            let server = servers.postgres(&options)?;
            let folder = golden.join(format!("postgresql-{major}")).join(&scenario.name);
            // What one scenario meets says nothing of the others.
            match Run::begin(&oracle, &*server, &scenario, &variants).and_then(|run| run.record(&folder)) {
                Ok(told) => println!("{major} {}: {told}", scenario.name),
                Err(error) => {
                    println!("{major} {} failed: {error}", scenario.name);
                    failed.push(format!("{major} {}", scenario.name));
                }
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("not recorded: {}", failed.join(", ")).into()) }
}

/// What is to be recorded; empty means all.
struct Wanted {
    majors: Vec<u16>,
    scenarios: BTreeSet<String>,
    /// For trying things out: the scenario's other variants keep positions of another log.
    variants: BTreeSet<String>,
}

impl Wanted {
    fn from_arguments() -> Outcome<Self> {
        let mut wanted = Self { majors: Vec::new(), scenarios: BTreeSet::new(), variants: BTreeSet::new() };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--major" => wanted.majors.push(value.parse()?),
                "--scenario" => {
                    wanted.scenarios.insert(value);
                }
                "--variant" => {
                    wanted.variants.insert(value);
                }
                _ => return Err(format!("unknown {name}; known are --major, --scenario and --variant").into()),
            }
        }
        if wanted.majors.is_empty() {
            wanted.majors = vec![15, 18];
        }
        Ok(wanted)
    }
}
