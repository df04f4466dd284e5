//! One throwaway schema registry as a process.
//!
//! Apicurio's, which keeps its schemas in memory and has Confluent's interface beside its own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::account::local;
use super::archive::{self, REGISTRY_VERSION, tail};
use super::java;
use super::server::{ServerProcess, Signal, free_port};
use super::workspace::Workspace;
use crate::error::Result;
use crate::local::ready::registry_answers;
use crate::local::{Progress, RegistryOptions, SchemaRegistry};

const START_TIMEOUT: Duration = Duration::from_secs(90);
/// The oldest Java that the registry runs on.
const OLDEST_JAVA_MAJOR: u32 = 21;

/// A registry; dropping it kills it, and its directory goes with the workspace.
#[derive(Debug)]
pub(super) struct Registry {
    description: String,
    address: String,
    log: PathBuf,
    process: ServerProcess,
}

impl Registry {
    /// Returns when the registry answers.
    pub(super) fn start(workspace: &Arc<Workspace>, options: &RegistryOptions, progress: &Progress) -> Result<Self> {
        let description = format!("Apicurio Registry {REGISTRY_VERSION} (fetched)");
        let java = java::find_for("the schema registry", OLDEST_JAVA_MAJOR)?;
        let program = archive::registry().fetch(progress)?;
        let _step = progress.step(&format!("starting {description}"));
        let directory = workspace
            .server_directory("registry")
            .map_err(|error| local("cannot make a directory for the schema registry", error))?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut command = Command::new(java);
        command.arg("-XX:+UseSerialGC").arg(format!("-Xmx{}m", options.heap_mib));
        for (name, value) in settings(&address, free_port()?).iter().chain(&options.properties) {
            command.arg(format!("-D{name}={value}"));
        }
        command.arg("-jar").arg(program.join("quarkus-run.jar")).current_dir(&directory);
        let log = directory.join("registry.log");
        let mut process = ServerProcess::start(workspace, command, &description, &log, Signal::Kill)?;
        process.wait_until(START_TIMEOUT, |_| registry_answers(&address))?;
        Ok(Self { description, address, log, process })
    }
}

/// Nothing but this machine reaches either port; the second one serves the health checks.
fn settings(address: &str, management_port: u16) -> Vec<(String, String)> {
    let (host, port) = address.split_once(':').unwrap_or((address, "8080"));
    [
        ("quarkus.http.host", host),
        ("quarkus.http.port", port),
        ("quarkus.management.host", host),
        ("quarkus.management.port", &management_port.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

impl SchemaRegistry for Registry {
    fn description(&self) -> &str {
        &self.description
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn pid(&self) -> Option<u32> {
        Some(self.process.pid())
    }

    fn log_tail(&self) -> String {
        tail(&self.log)
    }
}
