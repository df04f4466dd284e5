//! Throwaway real servers for `walcast demo`, the tests and the benches.
//!
//! Owns the choice between two backends behind one trait: containers where a Docker daemon answers, processes of
//! this machine otherwise. Invariants: a server listens on 127.0.0.1 alone, has its own directory, and is
//! stopped with everything it wrote when its handle is dropped or the owning process dies, however it dies.
//!
//! Must never be reached from the pipeline, and never hold anything worth keeping: the servers run without
//! fsync and, unless the caller says otherwise, trust every local connection.
//!
//! All calls block; call them from a blocking thread where a runtime is running.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Kind, Result};

mod choice;
mod containers;
mod http;
mod processes;
mod progress;
mod ready;

pub use choice::{Backend, Choice};
pub use processes::connect::{Connect, ConnectOptions};
pub use progress::Progress;

/// Where a registry has the interface that is compatible with Confluent's.
const CONFLUENT_PATH: &str = "/apis/ccompat/v7";

/// How a PostgreSQL server is asked to stop (manual: "Shutting Down the Server").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// SIGINT: sessions are ended, a shutdown checkpoint is written, walsenders are told to finish.
    Fast,
    /// SIGQUIT: no checkpoint; the next start recovers from the write-ahead log.
    Immediate,
    /// SIGKILL to the postmaster, as the kernel does when memory runs out.
    Kill,
}

/// Certificate and key that a PostgreSQL server shows to its clients.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Server certificate, PEM (`ssl_cert_file`).
    pub certificate: PathBuf,
    /// Its private key, PEM (`ssl_key_file`).
    pub key: PathBuf,
    /// Authority that client certificates are checked against (`ssl_ca_file`).
    pub client_authority: Option<PathBuf>,
}

/// What a throwaway PostgreSQL cluster is to be like.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Major version, for example 18.
    pub major: u16,
    /// Lines for `postgresql.conf`, after ours, so that they win.
    pub settings: Vec<(String, String)>,
    /// The whole `pg_hba.conf`, line by line; empty means that every local connection is trusted.
    pub hba: Vec<String>,
    /// Turns `ssl` on with these files.
    pub tls: Option<TlsFiles>,
}

impl PostgresOptions {
    /// A cluster of a major version, `wal_level=logical`, trusting local connections.
    #[must_use]
    pub fn new(major: u16) -> Self {
        Self { major, settings: Vec::new(), hba: Vec::new(), tls: None }
    }

    /// Settings of every cluster, before those of the options. It is thrown away: only the kernel has to survive, and
    /// it does, so nothing waits for a disk.
    fn base_settings() -> Vec<(String, String)> {
        [
            ("wal_level", "logical"),
            ("max_wal_senders", "40"),
            ("max_replication_slots", "40"),
            ("max_connections", "200"),
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("max_wal_size", "4GB"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Adds one setting.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Adds one line of `pg_hba.conf`; the first one replaces the trusting default.
    #[must_use]
    pub fn hba_line(mut self, line: impl Into<String>) -> Self {
        self.hba.push(line.into());
        self
    }

    /// Turns TLS on.
    #[must_use]
    pub fn tls(mut self, files: TlsFiles) -> Self {
        self.tls = Some(files);
        self
    }
}

/// What a broker's Java virtual machine is tuned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuning {
    /// Full compilation of hot code, as in production: for figures.
    Throughput,
    /// Quick compilation alone: half the processor time until it answers, and slower under load.
    Start,
}

/// What a throwaway Kafka broker is to be like.
#[derive(Clone, Debug)]
pub struct KafkaOptions {
    /// Lines for `server.properties`, after ours, so that they win.
    pub properties: Vec<(String, String)>,
    /// Largest Java heap, MiB.
    pub heap_mib: u32,
    /// What the Java virtual machine is tuned for.
    pub tuning: Tuning,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self { properties: Vec::new(), heap_mib: 512, tuning: Tuning::Throughput }
    }
}

impl KafkaOptions {
    /// Tunes the Java virtual machine.
    #[must_use]
    pub fn tuned_for(mut self, tuning: Tuning) -> Self {
        self.tuning = tuning;
        self
    }

    /// Adds one broker property.
    #[must_use]
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }
}

/// What a throwaway schema registry is to be like.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// Properties of the registry, as its manual names them.
    pub properties: Vec<(String, String)>,
    /// Largest Java heap, MiB.
    pub heap_mib: u32,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self { properties: Vec::new(), heap_mib: 512 }
    }
}

impl RegistryOptions {
    /// Adds one property.
    #[must_use]
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }
}

/// A throwaway PostgreSQL cluster; dropping it stops it and removes its files.
pub trait PostgresServer: Send + Sync + fmt::Debug {
    /// Version and where it came from, for people.
    fn description(&self) -> &str;
    /// Major version.
    fn major(&self) -> u16;
    /// Address for TCP connections.
    fn host(&self) -> &str;
    /// Port; it stays the same when the server is stopped and started again.
    fn port(&self) -> u16;
    /// Directory of the Unix socket, where this machine can reach it.
    fn socket_dir(&self) -> Option<&Path>;
    /// Superuser; no password is asked for unless the caller's `pg_hba.conf` says so.
    fn user(&self) -> &str;
    /// Data directory, where this machine can reach it.
    fn data_dir(&self) -> Option<&Path>;
    /// Process id of the postmaster, where it is a process of this machine and runs.
    fn pid(&self) -> Option<u32>;
    /// The last lines that the server logged.
    fn log_tail(&self) -> String;
    /// Stops the server and returns when it is down.
    ///
    /// # Errors
    /// `Local` when it does not stop in time.
    fn stop(&self, mode: StopMode) -> Result<()>;
    /// Starts a stopped server on the same port with the same data and returns when it takes connections.
    ///
    /// # Errors
    /// `Local` when it does not start in time.
    fn start_again(&self) -> Result<()>;
    /// Stops and starts again.
    ///
    /// # Errors
    /// As [`stop`](Self::stop) and [`start_again`](Self::start_again).
    fn restart(&self, mode: StopMode) -> Result<()> {
        self.stop(mode)?;
        self.start_again()
    }
}

/// A throwaway Kafka broker; dropping it stops it and removes its files.
pub trait KafkaBroker: Send + Sync + fmt::Debug {
    /// Version and where it came from, for people.
    fn description(&self) -> &str;
    /// `host:port` for `bootstrap.servers`; it stays the same when the broker is stopped and started again.
    fn bootstrap(&self) -> &str;
    /// Process id, where it is a process of this machine and runs.
    fn pid(&self) -> Option<u32>;
    /// The last lines that the broker logged.
    fn log_tail(&self) -> String;
    /// Stops the broker in order and returns when it is down.
    ///
    /// # Errors
    /// `Local` when it does not stop in time.
    fn stop(&self) -> Result<()>;
    /// Kills the broker at once, as the kernel does when memory runs out.
    ///
    /// # Errors
    /// `Local` when the signal cannot be sent.
    fn kill(&self) -> Result<()>;
    /// Starts a stopped broker on the same port with the same data; returns when it answers a metadata request.
    ///
    /// # Errors
    /// `Local` when it does not start in time.
    fn start_again(&self) -> Result<()>;
    /// Freezes the broker: connections stay open and nothing answers.
    ///
    /// # Errors
    /// `Local` when the signal cannot be sent.
    fn pause(&self) -> Result<()>;
    /// Lets a frozen broker go on.
    ///
    /// # Errors
    /// `Local` when the signal cannot be sent.
    fn resume(&self) -> Result<()>;
}

/// A throwaway schema registry, which keeps its schemas in memory; dropping it stops it.
pub trait SchemaRegistry: Send + Sync + fmt::Debug {
    /// Version and where it came from, for people.
    fn description(&self) -> &str;
    /// `host:port`.
    fn address(&self) -> &str;
    /// Process id, where it is a process of this machine.
    fn pid(&self) -> Option<u32>;
    /// The last lines that the registry logged.
    fn log_tail(&self) -> String;
    /// The registry's own interface, which Apicurio's converters use (`apicurio.registry.url`).
    fn native_url(&self) -> String {
        format!("http://{}/apis/registry/v2", self.address())
    }
    /// The interface that is compatible with Confluent's (`schema.registry.url`).
    fn confluent_url(&self) -> String {
        format!("http://{}{CONFLUENT_PATH}", self.address())
    }
    /// The text of a schema, by the id that stands before each record in Confluent's framing.
    ///
    /// # Errors
    /// `Local` when the registry does not answer or does not know the id.
    fn schema(&self, id: u32) -> Result<String> {
        let problem = || Error::new(Kind::Local, format!("{} does not give schema {id}", self.description()));
        let answer = http::request(self.address(), "GET", &format!("{CONFLUENT_PATH}/schemas/ids/{id}"), None)
            .map_err(|error| problem().caused_by(error))?;
        let body: Value = serde_json::from_slice(&answer.body).map_err(|error| problem().caused_by(error))?;
        body["schema"].as_str().map(str::to_owned).ok_or_else(|| problem().detail(body.to_string()))
    }
}

/// Servers that outlive this process: where they live and how they are stopped.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Shell command that stops the servers and removes their files.
    pub stop_command: String,
}

/// Starts servers on the backend that this machine has.
#[derive(Debug)]
pub struct Servers {
    backend: Box<dyn Backend>,
    choice: Choice,
    progress: Progress,
}

impl Servers {
    /// Chooses a backend (see [`Choice::of_this_machine`]) and says through `progress` which one it is and why.
    ///
    /// # Errors
    /// `Config` when `WALCAST_TEST_SERVERS` has an unknown value; `Local` when the directory for the servers
    /// cannot be made.
    pub fn choose(progress: Progress) -> Result<Self> {
        Self::of(Choice::of_this_machine()?, progress)
    }

    /// Takes a backend and says through `progress` which one it is and why.
    ///
    /// # Errors
    /// `Local` when the directory for the servers cannot be made.
    pub fn of(choice: Choice, progress: Progress) -> Result<Self> {
        progress.say(&choice.to_string());
        let backend: Box<dyn Backend> = match choice {
            Choice::Containers { .. } => Box::new(containers::Containers::open()?),
            Choice::Processes { .. } => Box::new(processes::Processes::open()?),
        };
        Ok(Self { backend, choice, progress })
    }

    /// The backend and the reason for it.
    #[must_use]
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Starts a PostgreSQL cluster and returns when it takes connections.
    ///
    /// # Errors
    /// `Local` when it cannot be fetched or started; the hint names the remedy.
    pub fn postgres(&self, options: &PostgresOptions) -> Result<Box<dyn PostgresServer>> {
        self.backend.postgres(options, &self.progress)
    }

    /// Starts a Kafka broker and returns when it answers a metadata request.
    ///
    /// # Errors
    /// `Local` when it cannot be fetched or started; the hint names the remedy.
    pub fn kafka(&self, options: &KafkaOptions) -> Result<Box<dyn KafkaBroker>> {
        self.backend.kafka(options, &self.progress)
    }

    /// Starts a schema registry and returns when it answers.
    ///
    /// # Errors
    /// `Local` when it cannot be fetched or started; the hint names the remedy.
    pub fn registry(&self, options: &RegistryOptions) -> Result<Box<dyn SchemaRegistry>> {
        self.backend.registry(options, &self.progress)
    }

    /// Starts a Kafka Connect worker with Debezium's PostgreSQL connector; always a process of this machine.
    ///
    /// # Errors
    /// `Local` when it cannot be fetched or started; the hint names the remedy.
    pub fn connect(&self, bootstrap: &str, options: &ConnectOptions) -> Result<Connect> {
        Connect::start(bootstrap, options, &self.progress)
    }

    /// Leaves the servers running when this process ends or the handles are dropped.
    ///
    /// # Errors
    /// `Local` when it cannot be noted down.
    pub fn keep(&self) -> Result<Kept> {
        self.backend.keep()
    }
}
