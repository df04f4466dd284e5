//! Servers in containers of a Docker daemon.

use super::{Backend, KafkaBroker, KafkaOptions, Kept, PostgresOptions, PostgresServer, Progress};
use crate::error::{Error, Kind, Result};

/// The version of the Docker daemon that answers, if one does.
pub(super) fn daemon_version() -> Option<String> {
    None
}

/// The backend of containers.
#[derive(Debug)]
pub(super) struct Containers;

impl Containers {
    pub(super) fn open() -> Result<Self> {
        Err(Error::new(Kind::Local, "containers are not there yet").hint("set WALCAST_TEST_SERVERS=processes"))
    }
}

impl Backend for Containers {
    fn postgres(&self, _: &PostgresOptions, _: &Progress) -> Result<Box<dyn PostgresServer>> {
        Self::open().map(|_| unreachable!())
    }
    fn kafka(&self, _: &KafkaOptions, _: &Progress) -> Result<Box<dyn KafkaBroker>> {
        Self::open().map(|_| unreachable!())
    }
    fn keep(&self) -> Result<Kept> {
        Self::open().map(|_| unreachable!())
    }
}
