//! Which backend serves this machine.
//!
//! Owns [`Backend`], the trait of both, and [`Choice`]. Invariant: nothing is chosen silently; a choice
//! carries its reason.

use std::fmt;

use super::{
    KafkaBroker, KafkaOptions, Kept, PostgresOptions, PostgresServer, Progress, RegistryOptions, SchemaRegistry,
    containers,
};
use crate::error::{Error, Kind, Result};

/// Environment variable that forces a backend: `containers` or `processes`.
pub(super) const BACKEND_VARIABLE: &str = "WALCAST_TEST_SERVERS";

/// Something that can start servers.
pub trait Backend: Send + Sync + fmt::Debug {
    /// Starts a PostgreSQL cluster.
    ///
    /// # Errors
    /// `Local` when it cannot be fetched or started.
    fn postgres(&self, options: &PostgresOptions, progress: &Progress) -> Result<Box<dyn PostgresServer>>;
    /// Starts a Kafka broker.
    ///
    /// # Errors
    /// `Local` when it cannot be fetched or started.
    fn kafka(&self, options: &KafkaOptions, progress: &Progress) -> Result<Box<dyn KafkaBroker>>;
    /// Starts a schema registry.
    ///
    /// # Errors
    /// `Local` when it cannot be fetched or started.
    fn registry(&self, options: &RegistryOptions, progress: &Progress) -> Result<Box<dyn SchemaRegistry>>;
    /// Leaves all servers of this backend running when their handles are dropped.
    ///
    /// # Errors
    /// `Local` when it cannot be noted down.
    fn keep(&self) -> Result<Kept>;
}

/// The backend and why it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Containers of a Docker daemon.
    Containers {
        /// Why.
        reason: String,
    },
    /// Processes of this machine.
    Processes {
        /// Why.
        reason: String,
    },
}

impl Choice {
    /// Containers where a Docker daemon answers, processes otherwise; `WALCAST_TEST_SERVERS` overrules both.
    ///
    /// # Errors
    /// `Config` when the variable has an unknown value.
    pub fn of_this_machine() -> Result<Self> {
        let forced = std::env::var(BACKEND_VARIABLE).ok();
        Self::from_facts(forced.as_deref(), containers::daemon_version)
    }

    /// The rule itself. The daemon is asked only where nothing is forced.
    fn from_facts(forced: Option<&str>, daemon_version: impl FnOnce() -> Option<String>) -> Result<Self> {
        match forced {
            Some("containers") => Ok(Self::Containers { reason: format!("{BACKEND_VARIABLE}=containers") }),
            Some("processes") => Ok(Self::Processes { reason: format!("{BACKEND_VARIABLE}=processes") }),
            None | Some("") => Ok(match daemon_version() {
                Some(version) => Self::Containers { reason: format!("Docker {version} answers") },
                None => Self::Processes { reason: "no Docker daemon answers".to_owned() },
            }),
            Some(_) => Err(Error::new(Kind::Config, format!("{BACKEND_VARIABLE} has an unknown value"))
                .hint("set it to containers or processes, or leave it unset")),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Containers { reason } => write!(f, "servers run in containers ({reason})"),
            Self::Processes { reason } => write!(f, "servers run as local processes ({reason})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daemon_must_not_be_asked() -> Option<String> {
        panic!("the daemon was asked although a backend is forced")
    }

    #[test]
    fn a_forced_backend_wins_without_asking_the_daemon() {
        let choice = Choice::from_facts(Some("containers"), daemon_must_not_be_asked).unwrap();
        assert_eq!(choice.to_string(), "servers run in containers (WALCAST_TEST_SERVERS=containers)");

        let choice = Choice::from_facts(Some("processes"), daemon_must_not_be_asked).unwrap();
        assert_eq!(choice.to_string(), "servers run as local processes (WALCAST_TEST_SERVERS=processes)");
    }

    #[test]
    fn a_daemon_that_answers_is_used() {
        let choice = Choice::from_facts(None, || Some("27.1".to_owned())).unwrap();
        assert_eq!(choice.to_string(), "servers run in containers (Docker 27.1 answers)");
    }

    #[test]
    fn processes_serve_where_no_daemon_answers() {
        let choice = Choice::from_facts(Some(""), || None).unwrap();
        assert_eq!(choice.to_string(), "servers run as local processes (no Docker daemon answers)");
    }

    #[test]
    fn an_unknown_backend_is_refused_with_the_remedy() {
        let error = Choice::from_facts(Some("vms"), daemon_must_not_be_asked).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert_eq!(error.hint_text(), Some("set it to containers or processes, or leave it unset"));
    }
}
