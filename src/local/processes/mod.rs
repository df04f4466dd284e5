//! Servers as processes of this machine.
//!
//! Owns the fetching of archives through Maven ([`archive`]), the directory in which one run's servers live
//! ([`workspace`]), and the processes themselves. Invariants: nothing is started as root that refuses root, nothing
//! outlives the owning process unless it was kept on purpose.

use std::sync::Arc;
use std::time::Duration;

use super::{
    Backend, KafkaBroker, KafkaOptions, Kept, PostgresOptions, PostgresServer, Progress, RegistryOptions,
    SchemaRegistry,
};
use crate::error::Result;

pub(super) mod account;
pub(super) mod archive;
pub(super) mod connect;
pub(super) mod java;
mod kafka;
mod postgres;
mod postgres_files;
mod registry;
pub(super) mod server;
pub(super) mod workspace;

use postgres_files::Installations;
use workspace::Workspace;

/// How often a condition of a child process is looked at.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The backend of local processes.
#[derive(Debug)]
pub(super) struct Processes {
    workspace: Arc<Workspace>,
    installations: Installations,
}

impl Processes {
    /// Makes the directory for this run's servers and removes those of dead owners.
    pub(super) fn open() -> Result<Self> {
        Ok(Self { workspace: Workspace::open()?, installations: Installations::default() })
    }
}

impl Backend for Processes {
    fn postgres(&self, options: &PostgresOptions, progress: &Progress) -> Result<Box<dyn PostgresServer>> {
        let template = self.installations.template(options.major, &self.workspace, progress)?;
        Ok(Box::new(postgres::Postgres::start(&self.workspace, &template, options, progress)?))
    }

    fn kafka(&self, options: &KafkaOptions, progress: &Progress) -> Result<Box<dyn KafkaBroker>> {
        Ok(Box::new(kafka::Kafka::start(&self.workspace, options, progress)?))
    }

    fn registry(&self, options: &RegistryOptions, progress: &Progress) -> Result<Box<dyn SchemaRegistry>> {
        Ok(Box::new(registry::Registry::start(&self.workspace, options, progress)?))
    }

    fn keep(&self) -> Result<Kept> {
        self.workspace.keep()
    }
}
