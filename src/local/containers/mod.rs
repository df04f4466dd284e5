//! Servers in containers of a Docker daemon, by testcontainers.
//!
//! Owns the runtime that talks to the daemon, and the watcher that removes the containers when this process is
//! gone. Every port is chosen before a container starts, because a broker has to advertise it and because it
//! must stay the same through a restart.

use std::fmt;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use testcontainers::bollard::query_parameters::KillContainerOptionsBuilder;
use testcontainers::core::client::docker_client_instance;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _};
use tokio::runtime::Runtime;

use super::processes::account::local;
use super::{
    Backend, KafkaBroker, KafkaOptions, Kept, PostgresOptions, PostgresServer, Progress, RegistryOptions,
    SchemaRegistry,
};
use crate::error::{Error, Kind, Result};

mod kafka;
mod postgres;
mod registry;

/// A daemon on this machine answers within milliseconds.
const DAEMON_TIMEOUT: Duration = Duration::from_secs(3);
/// An image is pulled the first time.
const CONTAINER_TIMEOUT: Duration = Duration::from_secs(600);
const READY_TIMEOUT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
const LABEL: &str = "walcast.owner";

/// The version of the Docker daemon that answers, if one does.
pub(super) fn daemon_version() -> Option<String> {
    let engine = Engine::new().ok()?;
    let version = engine.block_on(async {
        let asked = async { docker_client_instance().await.ok()?.version().await.ok()?.version };
        tokio::time::timeout(DAEMON_TIMEOUT, asked).await
    });
    version.ok().flatten()
}

/// The backend of containers.
#[derive(Debug)]
pub(super) struct Containers {
    engine: Arc<Engine>,
}

impl Containers {
    /// Makes what talks to the daemon; the daemon itself is asked when the first container starts.
    pub(super) fn open() -> Result<Self> {
        let engine = Engine::new().map_err(|error| local("cannot make a runtime for the Docker client", error))?;
        Ok(Self { engine: Arc::new(engine) })
    }
}

impl Backend for Containers {
    fn postgres(&self, options: &PostgresOptions, progress: &Progress) -> Result<Box<dyn PostgresServer>> {
        Ok(Box::new(postgres::Postgres::start(&self.engine, options, progress)?))
    }

    fn kafka(&self, options: &KafkaOptions, progress: &Progress) -> Result<Box<dyn KafkaBroker>> {
        Ok(Box::new(kafka::Kafka::start(&self.engine, options, progress)?))
    }

    fn registry(&self, options: &RegistryOptions, progress: &Progress) -> Result<Box<dyn SchemaRegistry>> {
        Ok(Box::new(registry::Registry::start(&self.engine, options, progress)?))
    }

    fn keep(&self) -> Result<Kept> {
        self.engine.kept.store(true, Ordering::Relaxed);
        let mut watcher = self.engine.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watcher) = watcher.as_mut() {
            let _ = watcher.process.kill();
        }
        Ok(Kept { stop_command: self.engine.removal() })
    }
}

/// The runtime of the Docker client and what all containers of a run share.
struct Engine {
    runtime: Option<Runtime>,
    /// Value of the label by which this run's containers are found.
    owner: String,
    kept: AtomicBool,
    watcher: Mutex<Option<Watcher>>,
}

/// Removes the containers when the pipe closes, because this process is gone; statics are never dropped.
struct Watcher {
    process: Child,
    _pipe: Option<ChildStdin>,
}

impl Engine {
    fn new() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self {
            runtime: Some(runtime),
            owner: uuid::Uuid::now_v7().to_string(),
            kept: AtomicBool::new(false),
            watcher: Mutex::new(None),
        })
    }

    /// Runs a future to its end from any thread, also from one on which another runtime runs.
    fn block_on<F>(&self, future: F) -> F::Output
    where
        F: Future + Send,
        F::Output: Send,
    {
        let Some(runtime) = &self.runtime else { unreachable!("the runtime is taken when the engine is dropped") };
        std::thread::scope(|scope| match scope.spawn(|| runtime.block_on(future)).join() {
            Ok(output) => output,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    fn start(self: &Arc<Self>, title: &str, request: ContainerRequest<GenericImage>) -> Result<Container> {
        self.watch();
        let request = request.with_label(LABEL, &self.owner).with_startup_timeout(CONTAINER_TIMEOUT);
        let inner = self.block_on(request.start()).map_err(|error| {
            Error::new(Kind::Local, format!("cannot start {title}"))
                .caused_by(error)
                .hint("check that the Docker daemon runs and can pull the image, or set WALCAST_TEST_SERVERS=processes")
        })?;
        Ok(Container { title: title.to_owned(), engine: Arc::clone(self), inner: Some(inner) })
    }

    /// Starts the watcher at the first container. Without a `docker` program there is none; the containers are
    /// then removed when their handles are dropped, and only then.
    fn watch(&self) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if watcher.is_some() {
            return;
        }
        let script = format!("trap '' HUP INT TERM; read -r _; {}", self.removal());
        let process = Command::new("sh")
            .args(["-c", &script])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        *watcher = process.ok().map(|mut process| Watcher { _pipe: process.stdin.take(), process });
    }

    fn removal(&self) -> String {
        format!("docker ps --all --quiet --filter label={LABEL}={} | xargs -r docker rm --force --volumes", self.owner)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last handle may be dropped on a thread of another runtime, where waiting is not allowed.
            runtime.shutdown_background();
        }
        let watcher = self.watcher.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(Watcher { mut process, _pipe }) = watcher.take() {
            drop(_pipe);
            let _ = process.wait();
        }
    }
}

/// One container; dropping it removes it, unless the servers are kept.
struct Container {
    title: String,
    engine: Arc<Engine>,
    inner: Option<ContainerAsync<GenericImage>>,
}

impl Container {
    fn inner(&self) -> &ContainerAsync<GenericImage> {
        let Some(inner) = &self.inner else { unreachable!("the container is taken when its handle is dropped") };
        inner
    }

    fn failed(&self, what: &str) -> impl FnOnce(testcontainers::TestcontainersError) -> Error {
        let message = format!("cannot {what} {}", self.title);
        move |error| Error::new(Kind::Local, message).caused_by(error)
    }

    fn start_again(&self) -> Result<()> {
        self.engine.block_on(self.inner().start()).map_err(self.failed("start"))
    }

    fn pause(&self) -> Result<()> {
        self.engine.block_on(self.inner().pause()).map_err(self.failed("pause"))
    }

    fn resume(&self) -> Result<()> {
        self.engine.block_on(self.inner().unpause()).map_err(self.failed("resume"))
    }

    /// Sends a signal to the container's first process and waits for its end.
    fn stop_by(&self, signal: &str) -> Result<()> {
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        let id = self.inner().id();
        self.engine
            .block_on(async { docker_client_instance().await.map(|docker| (docker, options)) })
            .map_err(|error| Error::new(Kind::Local, "the Docker daemon does not answer").caused_by(error))
            .and_then(|(docker, options)| {
                self.engine
                    .block_on(docker.kill_container(id, Some(options)))
                    .map_err(|error| Error::new(Kind::Local, format!("cannot signal {}", self.title)).caused_by(error))
            })?;
        self.wait_until("stop", || self.engine.block_on(self.inner().is_running()).is_ok_and(|running| !running))
    }

    fn wait_until(&self, what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + READY_TIMEOUT;
        while !condition() {
            if Instant::now() >= deadline {
                let message = format!("{} did not {what} within {} s", self.title, READY_TIMEOUT.as_secs());
                return Err(
                    Error::new(Kind::Local, message).detail(format!("the end of its log:\n{}", self.log_tail()))
                );
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    fn log_tail(&self) -> String {
        const LINES: usize = 15;
        let (output, errors) =
            self.engine.block_on(async { (self.inner().stdout_to_vec().await, self.inner().stderr_to_vec().await) });
        let bytes = [output.unwrap_or_default(), errors.unwrap_or_default()].concat();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(LINES)).copied().collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container").field("title", &self.title).finish_non_exhaustive()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else { return };
        if self.engine.kept.load(Ordering::Relaxed) {
            // Dropping the handle would remove the container.
            std::mem::forget(inner);
        } else {
            let _ = self.engine.block_on(inner.rm());
        }
    }
}

/// The host at which the daemon publishes ports: this one, unless `DOCKER_HOST` names another.
fn published_host() -> String {
    host_of(std::env::var("DOCKER_HOST").ok().as_deref())
}

fn host_of(docker_host: Option<&str>) -> String {
    docker_host
        .and_then(|url| url.strip_prefix("tcp://").or_else(|| url.strip_prefix("http://")))
        .and_then(|rest| rest.split(['/', ':']).next())
        .filter(|host| !host.is_empty())
        .map_or_else(|| "127.0.0.1".to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_published_where_the_daemon_runs() {
        assert_eq!(host_of(None), "127.0.0.1");
        assert_eq!(host_of(Some("unix:///var/run/docker.sock")), "127.0.0.1");
        assert_eq!(host_of(Some("tcp://docker:2375")), "docker");
    }
}
