//! One throwaway Kafka broker, controller included, as a process (KRaft, one node).
//!
//! Readiness is a metadata request that names a broker, not a line of a log.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::account::local;
use super::archive::{self, run_to_end, tail};
use super::java;
use super::server::{ServerProcess, Signal, free_port};
use super::workspace::Workspace;
use crate::error::{Error, Kind, Result};
use crate::local::ready::KafkaProbe;
use crate::local::{KafkaBroker, KafkaOptions, Progress, Tuning};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const START_TIMEOUT: Duration = Duration::from_secs(90);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// Ports are chosen before they are bound, so another process may be quicker.
const PORT_ATTEMPTS: u32 = 5;
const DESCRIPTION: &str = "Apache Kafka 4.3.1 (fetched)";

/// A broker; dropping it stops it, and its directory goes with the workspace.
#[derive(Debug)]
pub(super) struct Kafka {
    workspace: Arc<Workspace>,
    java: PathBuf,
    libraries: PathBuf,
    directory: PathBuf,
    log: PathBuf,
    /// Options of the Java virtual machine.
    machine: Vec<String>,
    port: u16,
    bootstrap: String,
    process: Mutex<Option<ServerProcess>>,
}

impl Kafka {
    /// Formats a log directory and returns when the broker answers.
    pub(super) fn start(workspace: &Arc<Workspace>, options: &KafkaOptions, progress: &Progress) -> Result<Self> {
        let java = java::find()?;
        let libraries = archive::kafka().fetch(progress)?;
        let prepared = prepared_classes(workspace, &java, &libraries, progress);
        let _step = progress.step(&format!("starting {DESCRIPTION}"));
        Self::start_with(workspace, &java, &libraries, options, machine_options(options, prepared.as_deref()))
    }

    fn start_with(
        workspace: &Arc<Workspace>,
        java: &Path,
        libraries: &Path,
        options: &KafkaOptions,
        machine: Vec<String>,
    ) -> Result<Self> {
        for attempt in 1.. {
            let directory = workspace
                .server_directory("kafka")
                .map_err(|error| local("cannot make a directory for Kafka", error))?;
            let port = free_port()?;
            let broker = Self {
                workspace: Arc::clone(workspace),
                java: java.to_owned(),
                libraries: libraries.to_owned(),
                log: directory.join("server.log"),
                directory,
                machine: machine.clone(),
                port,
                bootstrap: format!("127.0.0.1:{port}"),
                process: Mutex::new(None),
            };
            broker.format(options)?;
            match broker.launch() {
                Ok(()) => return Ok(broker),
                Err(error) if attempt < PORT_ATTEMPTS && lost_its_port(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::bug("the attempts to start Kafka ended without an answer"))
    }

    fn properties_file(&self) -> PathBuf {
        self.directory.join("server.properties")
    }

    fn format(&self, options: &KafkaOptions) -> Result<()> {
        let controller = free_port()?;
        let properties = server_properties(self.port, controller, &self.directory.join("data"), &options.properties);
        fs::write(self.properties_file(), properties)
            .map_err(|error| local("cannot write server.properties", error))?;
        let cluster = URL_SAFE_NO_PAD.encode(uuid::Uuid::now_v7().into_bytes());
        let mut command = self.java();
        // It runs half a second: compiling it well would cost more than it saves.
        command.arg("-XX:TieredStopAtLevel=1").arg("kafka.tools.StorageTool").args([
            "format",
            "--cluster-id",
            &cluster,
        ]);
        command.arg("--config").arg(self.properties_file());
        run_to_end(command, &self.directory, "Kafka could not format its log directory")
    }

    fn java(&self) -> Command {
        let mut command = Command::new(&self.java);
        command
            .arg("-XX:+UseSerialGC")
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
            .arg("-cp")
            .arg(self.libraries.join("*"))
            .current_dir(&self.directory);
        command
    }

    fn launch(&self) -> Result<()> {
        let mut slot = self.process();
        if slot.is_some() {
            return Err(Error::new(Kind::Local, "Kafka runs already"));
        }
        let mut command = self.java();
        command.args(&self.machine).arg("kafka.Kafka").arg(self.properties_file());
        let mut process = ServerProcess::start(&self.workspace, command, "Kafka", &self.log, Signal::Kill)?;
        let address = (Ipv4Addr::LOCALHOST, self.port);
        process.wait_until(START_TIMEOUT, |_| TcpStream::connect(address).is_ok())?;
        let probe = KafkaProbe::new(&self.bootstrap)?;
        process.wait_until(START_TIMEOUT, |_| probe.answers())?;
        *slot = Some(process);
        Ok(())
    }

    fn process(&self) -> MutexGuard<'_, Option<ServerProcess>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_process(&self) -> Result<ServerProcess> {
        self.process().take().ok_or_else(not_running)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        self.process().as_ref().ok_or_else(not_running)?.signal(signal)
    }
}

fn machine_options(options: &KafkaOptions, prepared: Option<&Path>) -> Vec<String> {
    let mut machine = vec![format!("-Xmx{}m", options.heap_mib)];
    if options.tuning == Tuning::Start {
        machine.push("-XX:TieredStopAtLevel=1".to_owned());
    }
    if let Some(prepared) = prepared {
        machine.push(format!("-XX:SharedArchiveFile={}", prepared.display()));
    }
    machine
}

/// Kafka's classes as this Java wants to have them in memory (class data sharing), written once by a broker that
/// is started and stopped for it. It halves the processor time of each later start and saves 50 MB resident.
///
/// Only a help: a broker starts without it, and Java itself passes over a file that does not fit.
fn prepared_classes(workspace: &Arc<Workspace>, java: &Path, libraries: &Path, progress: &Progress) -> Option<PathBuf> {
    let folder = libraries.file_name()?.to_str()?;
    let file = libraries.with_file_name(format!("{folder}-java-{}.jsa", java::version(java)?));
    if file.is_file() {
        return Some(file);
    }
    let lock = fs::File::create(file.with_extension("lock")).ok()?;
    let _step = progress.step(&format!("preparing {DESCRIPTION}, once"));
    lock.lock().ok()?;
    if file.is_file() {
        return Some(file);
    }
    let unfinished = file.with_extension("unfinished");
    let options = KafkaOptions::default();
    let mut machine = machine_options(&options, None);
    machine.push(format!("-XX:ArchiveClassesAtExit={}", unfinished.display()));
    let broker = Kafka::start_with(workspace, java, libraries, &options, machine).ok()?;
    broker.stop().ok()?;
    fs::rename(&unfinished, &file).ok()?;
    Some(file)
}

fn not_running() -> Error {
    Error::new(Kind::Local, "Kafka does not run")
}

fn lost_its_port(error: &Error) -> bool {
    error.detail_text().is_some_and(|detail| detail.contains("Address already in use"))
}

/// One node that is broker and controller; every internal topic has one replica and few partitions.
fn server_properties(port: u16, controller: u16, data: &Path, own: &[(String, String)]) -> String {
    let mut text = format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
         log.dirs={data}\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.num.partitions=1\n\
         transaction.state.log.min.isr=1\n\
         share.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.num.partitions=1\n\
         share.coordinator.state.topic.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         broker.session.timeout.ms=2000\n\
         broker.heartbeat.interval.ms=200\n\
         log.cleaner.dedupe.buffer.size=16777216\n",
        data = data.display(),
    );
    for (name, value) in own {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

impl KafkaBroker for Kafka {
    fn description(&self) -> &str {
        DESCRIPTION
    }

    fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    fn pid(&self) -> Option<u32> {
        self.process().as_ref().map(ServerProcess::pid)
    }

    fn log_tail(&self) -> String {
        tail(&self.log)
    }

    fn stop(&self) -> Result<()> {
        self.take_process()?.stop(Signal::Terminate, STOP_TIMEOUT)
    }

    fn kill(&self) -> Result<()> {
        self.take_process()?.stop(Signal::Kill, STOP_TIMEOUT)
    }

    fn start_again(&self) -> Result<()> {
        self.launch()
    }

    fn pause(&self) -> Result<()> {
        self.signal(Signal::Stop)
    }

    fn resume(&self) -> Result<()> {
        self.signal(Signal::Continue)
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        if self.workspace.is_kept() {
            return;
        }
        // Nothing of it is wanted, so it is killed; an orderly stop takes a second.
        drop(self.process().take());
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_of_the_caller_come_last() {
        let own = [("message.max.bytes".to_owned(), "1000".to_owned())];
        let text = server_properties(1, 2, Path::new("/data"), &own);
        assert!(text.contains("\nlog.dirs=/data\n"));
        assert!(text.ends_with("\nmessage.max.bytes=1000\n"));
    }
}
