//! The servers of a bench: one throwaway PostgreSQL, one Kafka broker, and where asked for one Connect worker.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use walcast::local::{
    Connect, ConnectOptions, KafkaBroker, KafkaOptions, PostgresOptions, PostgresServer, Progress, RegistryOptions,
    SchemaRegistry, Servers,
};

use super::connector::Format;
use super::sql::Sql;
use super::topic::Topics;
use super::{Common, Outcome};

/// Newest first; the first with `pg_recvlogical` beside it is taken, so that it can be drained with that as well.
const MAJORS: [u16; 5] = [18, 17, 16, 15, 14];
/// What is fetched where none is installed.
const FETCHED_MAJOR: u16 = 18;

/// Everything that a connector needs around it. Dropping it stops everything.
pub(crate) struct Stand {
    // Dropped in this order: first who uses the others.
    pub(crate) connect: Option<Arc<Connect>>,
    /// Where something is written in Avro.
    pub(crate) registry: Option<Box<dyn SchemaRegistry>>,
    pub(crate) kafka: Box<dyn KafkaBroker>,
    pub(crate) postgres: Box<dyn PostgresServer>,
    pub(crate) topics: Topics,
    /// For configuration files and logs.
    pub(crate) directory: TempDir,
    pub(crate) postgres_version: String,
    pub(crate) pg_recvlogical: Option<PathBuf>,
    /// The binary under test.
    pub(crate) walcast: PathBuf,
    /// What it gets with `--set`.
    pub(crate) set: Vec<String>,
}

impl Stand {
    pub(crate) fn start(arguments: &Common, formats: &[Format]) -> Outcome<Self> {
        let servers = Servers::choose(Progress::terminal())?;
        let major = arguments
            .postgres
            .or_else(|| MAJORS.into_iter().find(|&major| pg_recvlogical(major).is_some()))
            .unwrap_or(FETCHED_MAJOR);
        // Autovacuum and time-driven checkpoints would take CPU from some drains and not from others.
        let options = PostgresOptions::new(major)
            .setting("autovacuum", "off")
            .setting("checkpoint_timeout", "1h")
            .setting("max_wal_size", "32GB")
            .setting("shared_buffers", "512MB");
        let postgres = servers.postgres(&options)?;
        let broker = KafkaOptions::default()
            .property("log.segment.delete.delay.ms", "1000")
            // For the largest rows of a bench.
            .property("message.max.bytes", "104857600");
        let kafka = servers.kafka(&broker)?;
        let registry = match formats.contains(&Format::Avro) {
            true => Some(servers.registry(&RegistryOptions::default())?),
            false => None,
        };
        let options = ConnectOptions { apicurio_converters: registry.is_some(), ..ConnectOptions::default() };
        let connect = match arguments.debezium {
            true => Some(Arc::new(servers.connect(kafka.bootstrap(), &options)?)),
            false => None,
        };
        let topics = Topics::open(kafka.bootstrap())?;
        let postgres_version = Sql::open(postgres.as_ref(), "postgres")?.fetch("SHOW server_version")?;
        let pg_recvlogical = pg_recvlogical(major);
        let directory = TempDir::new()?;
        let (walcast, set) = (arguments.walcast.clone(), arguments.set.clone());
        Ok(Self {
            connect,
            registry,
            kafka,
            postgres,
            topics,
            directory,
            postgres_version,
            pg_recvlogical,
            walcast,
            set,
        })
    }

    /// Process of a backend of the server, where it is one of this machine.
    pub(crate) fn backend(&self, pid: i32) -> Option<u32> {
        self.postgres.pid().and(u32::try_from(pid).ok())
    }
}

/// Of the same installation that the throwaway server comes from.
fn pg_recvlogical(major: u16) -> Option<PathBuf> {
    [format!("/usr/lib/postgresql/{major}/bin"), format!("/usr/pgsql-{major}/bin")].iter().find_map(|directory| {
        let program = Path::new(directory).join("pg_recvlogical");
        program.is_file().then_some(program)
    })
}
