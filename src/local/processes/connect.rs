//! One throwaway Kafka Connect worker with Debezium's PostgreSQL connector, as a process.
//!
//! The rival in the benches and the oracle of the recorded records. Always a process of this machine: what it
//! costs is to be measured beside walcast, in the same place.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::account::local;
use super::archive::{self, tail};
use super::java;
use super::server::{ServerProcess, Signal, free_port};
use super::workspace::Workspace;
use crate::error::{Error, Kind, Result};
use crate::local::Progress;
use crate::local::http::{Answer, request};

const START_TIMEOUT: Duration = Duration::from_secs(180);
const CONNECTOR_TIMEOUT: Duration = Duration::from_secs(60);

/// What a throwaway Kafka Connect worker is to be like.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// Lines for the worker's properties, after ours, so that they win.
    pub properties: Vec<(String, String)>,
    /// Largest Java heap, MiB.
    pub heap_mib: u32,
    /// Puts Apicurio's converters beside Debezium (`io.apicurio.registry.utils.converter.AvroConverter`).
    pub apicurio_converters: bool,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self { properties: Vec::new(), heap_mib: 2048, apicurio_converters: false }
    }
}

impl ConnectOptions {
    /// Adds one worker property.
    #[must_use]
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }

    /// Puts Apicurio's converters beside Debezium.
    #[must_use]
    pub fn with_apicurio_converters(mut self) -> Self {
        self.apicurio_converters = true;
        self
    }
}

/// A worker; dropping it kills it and removes its files. Its topics stay in Kafka.
#[derive(Debug)]
pub struct Connect {
    port: u16,
    process: ServerProcess,
    log: PathBuf,
    directory: PathBuf,
    _workspace: Arc<Workspace>,
}

impl Connect {
    /// Starts a worker and returns when its REST interface has read its own topics.
    pub(in crate::local) fn start(bootstrap: &str, options: &ConnectOptions, progress: &Progress) -> Result<Self> {
        let java = java::find()?;
        let libraries = archive::connect().fetch(progress)?;
        let debezium = archive::debezium().fetch(progress)?;
        let converters = match options.apicurio_converters {
            true => Some(archive::apicurio_converters().fetch(progress)?),
            false => None,
        };
        let _step = progress.step("starting Kafka Connect with Debezium");
        let workspace = Workspace::open()?;
        let directory = workspace
            .server_directory("connect")
            .map_err(|error| local("cannot make a directory for Kafka Connect", error))?;
        let plugins = match &converters {
            Some(converters) => joined(&debezium, converters, &directory)
                .map_err(|error| local("cannot put the converters beside Debezium", error))?,
            None => debezium,
        };
        let port = free_port()?;
        let file = directory.join("worker.properties");
        fs::write(&file, worker_properties(bootstrap, port, &plugins, &options.properties))
            .map_err(|error| local("cannot write worker.properties", error))?;
        let mut command = Command::new(java);
        command
            .arg("-XX:+UseSerialGC")
            .arg(format!("-Xmx{}m", options.heap_mib))
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
            .arg("-cp")
            .arg(libraries.join("*"))
            .arg("org.apache.kafka.connect.cli.ConnectDistributed")
            .arg(&file)
            .current_dir(&directory);
        let log = directory.join("worker.log");
        let mut process = ServerProcess::start(&workspace, command, "Kafka Connect", &log, Signal::Kill)?;
        process.wait_until(START_TIMEOUT, |_| {
            request(&address(port), "GET", "/connectors", None).is_ok_and(|a| a.is_success())
        })?;
        Ok(Self { port, process, log, directory, _workspace: workspace })
    }

    /// Address of the REST interface.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Process id of the worker.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The last lines that the worker logged.
    #[must_use]
    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }

    /// Creates a connector, or gives it a new configuration, and returns when it and its task run.
    ///
    /// # Errors
    /// `Local` when the worker refuses the configuration, the task fails, or the time is over.
    pub fn create(&self, name: &str, config: &Map<String, Value>) -> Result<()> {
        let body = Value::Object(config.clone()).to_string();
        let path = format!("/connectors/{name}/config");
        let answer = self.ask_patiently("PUT", &path, Some(&body))?;
        if !answer.is_success() {
            return Err(self.refused(name, &answer));
        }
        self.wait_until_running(name)
    }

    /// Deletes a connector and returns when the worker no longer knows it.
    ///
    /// # Errors
    /// `Local` when the worker refuses, or the time is over.
    pub fn delete(&self, name: &str) -> Result<()> {
        let answer = self.ask_patiently("DELETE", &format!("/connectors/{name}"), None)?;
        if !answer.is_success() {
            return Err(self.refused(name, &answer));
        }
        let deadline = Instant::now() + CONNECTOR_TIMEOUT;
        while self.ask("GET", &format!("/connectors/{name}/status"), None)?.status != 404 {
            self.pause_before(deadline, name, "was not gone")?;
        }
        Ok(())
    }

    /// State of the connector and of its tasks, as the worker's REST interface gives it.
    ///
    /// # Errors
    /// `Local` when the worker does not answer or does not know the connector.
    pub fn status(&self, name: &str) -> Result<Value> {
        let answer = self.ask("GET", &format!("/connectors/{name}/status"), None)?;
        if !answer.is_success() {
            return Err(self.refused(name, &answer));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| Error::new(Kind::Local, "Kafka Connect's status is not JSON").caused_by(error))
    }

    fn wait_until_running(&self, name: &str) -> Result<()> {
        let deadline = Instant::now() + CONNECTOR_TIMEOUT;
        loop {
            let answer = self.ask("GET", &format!("/connectors/{name}/status"), None)?;
            // Not known yet is an answer too: the worker learns of its connectors from a topic.
            let status = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
            match state(&status) {
                State::Running => return Ok(()),
                State::Failed(trace) => {
                    return Err(Error::new(Kind::Local, format!("Debezium's connector {name} failed")).detail(trace));
                }
                State::Pending => self.pause_before(deadline, name, "did not run")?,
            }
        }
    }

    fn pause_before(&self, deadline: Instant, name: &str, what: &str) -> Result<()> {
        if Instant::now() >= deadline {
            return Err(Error::new(
                Kind::Local,
                format!("Debezium's connector {name} {what} within {} s", CONNECTOR_TIMEOUT.as_secs()),
            )
            .detail(format!("the end of the worker's log:\n{}", self.log_tail())));
        }
        std::thread::sleep(super::POLL_INTERVAL * 5);
        Ok(())
    }

    /// Asks again while the worker rebalances (409), which it does after each change of its connectors.
    fn ask_patiently(&self, method: &str, path: &str, body: Option<&str>) -> Result<Answer> {
        let deadline = Instant::now() + CONNECTOR_TIMEOUT;
        loop {
            let answer = self.ask(method, path, body)?;
            if answer.status != 409 || Instant::now() >= deadline {
                return Ok(answer);
            }
            std::thread::sleep(super::POLL_INTERVAL * 5);
        }
    }

    fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Result<Answer> {
        request(&address(self.port), method, path, body).map_err(|error| {
            local("Kafka Connect does not answer", error).detail(format!("the end of its log:\n{}", self.log_tail()))
        })
    }

    fn refused(&self, name: &str, answer: &Answer) -> Error {
        Error::new(Kind::Local, format!("Kafka Connect refused a request about {name} with {}", answer.status))
            .detail(String::from_utf8_lossy(&answer.body).into_owned())
    }
}

impl Drop for Connect {
    fn drop(&mut self) {
        // The process is killed by its own drop, after this; the workspace then removes what it still wrote.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// A plugin path in which the jars of Debezium and of the converters lie in one folder, since each folder is loaded
/// by itself and Debezium must see the converters' classes to adjust its field names for them.
fn joined(debezium: &Path, converters: &Path, directory: &Path) -> io::Result<PathBuf> {
    let plugins = directory.join("plugins");
    for plugin in fs::read_dir(debezium)? {
        let plugin = plugin?;
        let into = plugins.join(plugin.file_name());
        fs::create_dir_all(&into)?;
        for file in fs::read_dir(plugin.path())?.chain(fs::read_dir(converters)?) {
            let file = file?;
            let name = into.join(file.file_name());
            // A jar that both need is there once.
            if !name.exists() {
                symlink(file.path(), name)?;
            }
        }
    }
    Ok(plugins)
}

fn worker_properties(bootstrap: &str, port: u16, plugins: &Path, own: &[(String, String)]) -> String {
    // Workers of one broker must not meet.
    let group = format!("connect-{:08x}", fastrand::u32(..));
    let mut text = format!(
        "bootstrap.servers={bootstrap}\n\
         group.id={group}\n\
         key.converter=org.apache.kafka.connect.json.JsonConverter\n\
         key.converter.schemas.enable=false\n\
         value.converter=org.apache.kafka.connect.json.JsonConverter\n\
         value.converter.schemas.enable=false\n\
         listeners=http://127.0.0.1:{port}\n\
         plugin.path={plugins}\n\
         plugin.discovery=hybrid_warn\n\
         offset.flush.interval.ms=1000\n\
         scheduled.rebalance.max.delay.ms=0\n",
        plugins = plugins.display(),
    );
    for storage in ["offset", "config", "status"] {
        let _ = writeln!(text, "{storage}.storage.topic={group}-{storage}\n{storage}.storage.replication.factor=1");
    }
    text.push_str("offset.storage.partitions=1\nstatus.storage.partitions=1\n");
    for (name, value) in own {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Pending,
    Running,
    Failed(String),
}

/// Running means that the connector and at least one task say so, and none says that it failed.
fn state(status: &Value) -> State {
    let none = Vec::new();
    let tasks = status["tasks"].as_array().unwrap_or(&none);
    let all: Vec<&Value> = tasks.iter().chain(std::iter::once(&status["connector"])).collect();
    if let Some(failed) = all.iter().find(|part| part["state"] == json!("FAILED")) {
        return State::Failed(failed["trace"].as_str().unwrap_or("without a trace").to_owned());
    }
    let running = !tasks.is_empty() && all.iter().all(|part| part["state"] == json!("RUNNING"));
    if running { State::Running } else { State::Pending }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_runs_when_it_and_all_its_tasks_do() {
        let status = |connector: &str, tasks: &[&str]| {
            let tasks: Vec<Value> = tasks.iter().map(|state| json!({"state": state, "trace": "why"})).collect();
            state(&json!({"connector": {"state": connector}, "tasks": tasks}))
        };
        assert_eq!(status("RUNNING", &[]), State::Pending);
        assert_eq!(status("RUNNING", &["UNASSIGNED"]), State::Pending);
        assert_eq!(status("RUNNING", &["RUNNING"]), State::Running);
        assert_eq!(status("RUNNING", &["FAILED"]), State::Failed("why".to_owned()));
        assert_eq!(state(&Value::Null), State::Pending);
    }
}
