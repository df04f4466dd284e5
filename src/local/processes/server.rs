//! One server process: started, watched, signalled, waited for.
//!
//! Owns [`ServerProcess`], [`Signal`] and the choice of ports. Invariant: a process that is running is known to
//! the workspace's watcher.

use std::fs::OpenOptions;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::POLL_INTERVAL;
use super::account::local;
use super::archive::tail;
use super::java::REMEDY;
use super::workspace::Workspace;
use crate::error::{Error, Kind, Result};

/// Signals that servers are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::local) enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Stop,
    /// SIGCONT.
    Continue,
}

impl Signal {
    /// The name that `kill -s` takes.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Quit => "QUIT",
            Self::Terminate => "TERM",
            Self::Kill => "KILL",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        }
    }
}

/// A running server.
#[derive(Debug)]
pub(in crate::local) struct ServerProcess {
    title: String,
    child: Child,
    log: PathBuf,
    workspace: Arc<Workspace>,
}

impl ServerProcess {
    /// Starts a server in a process group of its own, so that Ctrl-C at our terminal is ours alone to handle.
    ///
    /// `last_resort` is what the watcher sends first when we are gone.
    pub(in crate::local) fn start(
        workspace: &Arc<Workspace>,
        mut command: Command,
        title: &str,
        log: &Path,
        last_resort: Signal,
    ) -> Result<Self> {
        let open_log = || OpenOptions::new().create(true).append(true).open(log);
        let output = open_log().map_err(|error| local(format!("cannot write the log of {title}"), error))?;
        let errors = open_log().map_err(|error| local(format!("cannot write the log of {title}"), error))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|error| local(format!("cannot start {title}"), error).hint(REMEDY))?;
        let process = Self { title: title.to_owned(), child, log: log.to_owned(), workspace: Arc::clone(workspace) };
        workspace
            .watch(process.pid(), last_resort)
            .map_err(|error| local(format!("cannot have {title} watched"), error))?;
        Ok(process)
    }

    /// Process id.
    pub(in crate::local) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` says yes.
    ///
    /// # Errors
    /// `Local` when the process ends before, or the time is over; the last lines of its log are the detail.
    pub(in crate::local) fn wait_until(&mut self, timeout: Duration, mut ready: impl FnMut(u32) -> bool) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            let ended = self.child.try_wait().map_err(|error| local("cannot wait for a server", error))?;
            if let Some(status) = ended {
                return Err(self.failed(&format!("ended while it started: {status}")));
            }
            if ready(self.child.id()) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.failed(&format!("was not ready within {} s", timeout.as_secs())));
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Sends a signal.
    pub(in crate::local) fn signal(&self, signal: Signal) -> Result<()> {
        // The standard library sends SIGKILL alone; every shell has the others built in.
        let status = Command::new("sh")
            .args(["-c", "kill -s \"$1\" \"$2\"", "kill", signal.name(), &self.child.id().to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(Error::new(Kind::Local, format!("{} does not run", self.title))),
            Err(error) => Err(local(format!("cannot signal {}", self.title), error)),
        }
    }

    /// Sends a signal and waits for the end; the process is killed when the time is over, which is an error.
    pub(in crate::local) fn stop(mut self, signal: Signal, timeout: Duration) -> Result<()> {
        self.signal(signal)?;
        if self.ends_within(timeout) {
            return Ok(());
        }
        Err(self.failed(&format!("did not stop within {} s", timeout.as_secs())))
    }

    fn ends_within(&mut self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            match self.child.try_wait() {
                Ok(None) if Instant::now() < deadline => std::thread::sleep(POLL_INTERVAL),
                Ok(None) => return false,
                Ok(Some(_)) | Err(_) => return true,
            }
        }
    }

    fn failed(&self, what: &str) -> Error {
        Error::new(Kind::Local, format!("{} {what}", self.title))
            .detail(format!("the end of its log:\n{}", tail(&self.log)))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if self.workspace.is_kept() {
            return;
        }
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        self.workspace.forget(self.child.id());
    }
}

/// A port that nothing listens on.
///
/// Below the range from which the kernel takes the ports of outgoing connections (32768 and up): else a client
/// that dials a stopped server over and over could be given the server's own port, and keep it.
pub(in crate::local) fn free_port() -> Result<u16> {
    for _ in 0..100 {
        let port = fastrand::u16(18_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(local("found no free port on 127.0.0.1", io::Error::from(io::ErrorKind::AddrInUse)))
}
