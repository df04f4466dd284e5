//! Records Debezium's own records into `tests/golden/`: see the README there.
//!
//! `TZ=UTC JAVA_HOME=... cargo run --example record_golden -- [--major 15]... [--scenario NAME]... [--variant NAME]...`
//!
//! Each scenario gets a new PostgreSQL cluster with a database, the real Debezium in a real Kafka Connect once for each
//! variant of the configuration, and more slots that decode the same write-ahead log.

use std::error::Error;

use walcast::local::{ConnectOptions, KafkaOptions, PostgresOptions, Progress, RegistryOptions, Servers};

mod golden;

use golden::debezium::Oracle;
use golden::run::Run;
use golden::wanted::{Wanted, corpus};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let wanted = Wanted::from_arguments()?;
    let servers = Servers::choose(Progress::terminal())?;
    let kafka = servers.kafka(&KafkaOptions::default())?;
    let registry = servers.registry(&RegistryOptions::default())?;
    let options = ConnectOptions { heap_mib: 3072, ..ConnectOptions::default() }.with_apicurio_converters();
    let connect = servers.connect(kafka.bootstrap(), &options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let oracle = Oracle { runtime: &runtime, connect: &connect, kafka: &*kafka, registry: &*registry };
    // `--variant` is for trying things out: the scenario's other variants keep positions of another log.
    let mut failed = Vec::new();
    for major in wanted.majors.iter().copied() {
        for (scenario, variants) in wanted.scenarios(major)? {
            let server = servers.postgres(&PostgresOptions::new(major))?;
            let folder = corpus().join(format!("postgresql-{major}")).join(&scenario.name);
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
