//! Runs walcast and Debezium side by side and prints every byte of their records that differs.
//!
//! `TZ=UTC JAVA_HOME=... cargo run --release --example differential -- [--variant NAME|all]... [--scenario NAME]...
//! [--major 15|18]...`
//!
//! Both get the same configuration, but for the slot, and so decode the same write-ahead log from slots of one database;
//! each writes to a broker of its own, so that topics have the same names; they share the schema registry. What may differ
//! stands in `tests/golden/DIFFERENCES.md`; anything else ends the run with a failure. Scenarios that begin with a snapshot
//! are left out and named.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;

use walcast::local::{ConnectOptions, KafkaOptions, PostgresOptions, Progress, RegistryOptions, Servers};

#[path = "../golden/comparison/mod.rs"]
mod comparison;
mod live;
/// What the recorder has as well.
mod golden {
    pub(crate) mod debezium;
    pub(crate) mod scenario;
    pub(crate) mod session;
    pub(crate) mod topics;
    pub(crate) mod variant;
    pub(crate) mod wanted;
}

use comparison::Known;
use golden::debezium::Oracle;
use golden::wanted::Wanted;
use live::heartbeats;
use live::run::{Sides, run};
use live::walcast::binary;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<ExitCode> {
    let wanted = Wanted::from_arguments()?;
    let binary = binary()?;
    let servers = Servers::choose(Progress::terminal())?;
    let (theirs, ours) = (servers.kafka(&KafkaOptions::default())?, servers.kafka(&KafkaOptions::default())?);
    let registry = servers.registry(&RegistryOptions::default())?;
    let options = ConnectOptions { heap_mib: 3072, ..ConnectOptions::default() }.with_apicurio_converters();
    let connect = servers.connect(theirs.bootstrap(), &options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let oracle = Oracle { runtime: &runtime, connect: &connect, kafka: &*theirs, registry: &*registry };
    let sides = Sides { oracle: &oracle, kafka: &*ours, binary: &binary, known: &Known::read() };
    let (mut compared, mut differences) = (BTreeMap::<String, usize>::new(), 0);
    for major in wanted.majors.iter().copied() {
        for (mut scenario, variants) in wanted.scenarios(major)? {
            let takes_snapshots = ["snapshot.mode", "signal.data.collection"];
            if scenario.properties.iter().any(|(name, _)| takes_snapshots.contains(&name.as_str())) {
                // Two snapshots have two positions, times and transaction ids. `cargo test` compares them as recorded.
                println!("{major} {}: left out, because it takes snapshots", scenario.name);
                continue;
            }
            heartbeats::turn_on(&mut scenario);
            let server = servers.postgres(&PostgresOptions::new(major))?;
            let outcomes = match run(&sides, &*server, &scenario, &variants) {
                // What PostgreSQL says of an extension that is not installed. `cargo test` compares it as recorded.
                Err(error) if error.to_string().contains("is not available") => {
                    println!("{major} {}: left out: {error}", scenario.name);
                    continue;
                }
                outcomes => outcomes?,
            };
            for outcome in outcomes {
                outcome.differences.iter().for_each(|difference| println!("{difference}"));
                println!(
                    "{}: {} records compared, {}",
                    outcome.place,
                    outcome.compared,
                    told(outcome.differences.len())
                );
                *compared.entry(outcome.variant).or_default() += outcome.compared;
                differences += outcome.differences.len();
            }
        }
    }
    for (variant, count) in &compared {
        println!("{variant}: {count} records");
    }
    println!("{} records compared, {}", compared.values().sum::<usize>(), told(differences));
    Ok(if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(differences: usize) -> String {
    match differences {
        0 => "all equal".to_owned(),
        count => format!("{count} differences"),
    }
}
