//! One throwaway PostgreSQL cluster as a process.
//!
//! Owns its data directory and configuration. Readiness is what `pg_ctl` looks at: the status line of
//! `postmaster.pid`, together with the process id in its first line, because a killed server leaves an old file.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::account::local;
use super::archive::tail;
use super::postgres_files::{SUPERUSER, Template};
use super::server::{ServerProcess, Signal, free_port};
use super::workspace::Workspace;
use crate::error::{Error, Kind, Result};
use crate::local::{PostgresOptions, PostgresServer, Progress, StopMode};

const HOST: &str = "127.0.0.1";
const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// Ports are chosen before they are bound, so another process may be quicker.
const PORT_ATTEMPTS: u32 = 5;

/// A cluster; dropping it stops the server, and its directory goes with the workspace.
#[derive(Debug)]
pub(super) struct Postgres {
    template: Arc<Template>,
    workspace: Arc<Workspace>,
    directory: PathBuf,
    data: PathBuf,
    sockets: PathBuf,
    log: PathBuf,
    port: u16,
    process: Mutex<Option<ServerProcess>>,
}

impl Postgres {
    /// Copies the template, configures it, and returns when it takes connections.
    pub(super) fn start(
        workspace: &Arc<Workspace>,
        template: &Arc<Template>,
        options: &PostgresOptions,
        progress: &Progress,
    ) -> Result<Self> {
        let _step = progress.step(&format!("starting {}", template.description));
        let problem = |error| local("cannot make a PostgreSQL cluster", error);
        let directory = workspace.server_directory(&format!("postgres-{}", template.major)).map_err(problem)?;
        let mut cluster = Self {
            template: Arc::clone(template),
            workspace: Arc::clone(workspace),
            data: directory.join("data"),
            sockets: directory.join("socket"),
            log: directory.join("server.log"),
            directory,
            port: 0,
            process: Mutex::new(None),
        };
        workspace.make_directory(&cluster.sockets, 0o711).map_err(problem)?;
        template.copy_to(&cluster.data, workspace.account()).map_err(problem)?;
        cluster.configure(options).map_err(problem)?;
        for attempt in 1.. {
            cluster.port = free_port()?;
            match cluster.launch() {
                Ok(()) => break,
                Err(error) if attempt < PORT_ATTEMPTS && mentions(&error, "Address already in use") => {}
                Err(error) => return Err(error),
            }
        }
        Ok(cluster)
    }

    fn configure(&self, options: &PostgresOptions) -> io::Result<()> {
        let mut settings = PostgresOptions::base_settings();
        settings.push(("listen_addresses".to_owned(), HOST.to_owned()));
        settings.push(("unix_socket_directories".to_owned(), self.sockets.display().to_string()));
        if let Some(tls) = &options.tls {
            settings.push(("ssl".to_owned(), "on".to_owned()));
            settings.push(("ssl_cert_file".to_owned(), self.copy_private(&tls.certificate, "server.crt")?));
            settings.push(("ssl_key_file".to_owned(), self.copy_private(&tls.key, "server.key")?));
            if let Some(authority) = &tls.client_authority {
                settings.push(("ssl_ca_file".to_owned(), self.copy_private(authority, "root.crt")?));
            }
        }
        settings.extend(options.settings.iter().cloned());
        let mut file = fs::OpenOptions::new().append(true).open(self.data.join("postgresql.conf"))?;
        for (name, value) in settings {
            writeln!(file, "{name} = '{}'", value.replace('\'', "''"))?;
        }
        if !options.hba.is_empty() {
            fs::write(self.data.join("pg_hba.conf"), options.hba.join("\n") + "\n")?;
        }
        Ok(())
    }

    /// Copies a file into the data directory, readable by the servers' account alone, as PostgreSQL demands.
    fn copy_private(&self, from: &Path, name: &str) -> io::Result<String> {
        let to = self.data.join(name);
        fs::copy(from, &to)?;
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600))?;
        if let Some(account) = self.workspace.account() {
            account.own(&to)?;
        }
        Ok(name.to_owned())
    }

    fn launch(&self) -> Result<()> {
        let mut slot = self.process();
        if slot.is_some() {
            return Err(Error::new(Kind::Local, format!("{} runs already", self.template.description)));
        }
        let mut command = self.template.command("postgres", self.workspace.account());
        command.arg("-D").arg(&self.data).arg("-p").arg(self.port.to_string());
        let title = &self.template.description;
        let mut process = ServerProcess::start(&self.workspace, command, title, &self.log, Signal::Quit)?;
        let status = self.data.join("postmaster.pid");
        process.wait_until(START_TIMEOUT, |pid| is_ready(&status, pid))?;
        *slot = Some(process);
        Ok(())
    }

    fn process(&self) -> MutexGuard<'_, Option<ServerProcess>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `postmaster.pid` has the process id in line 1 and the status in line 8 (`utils/pidfile.h`).
fn is_ready(status: &Path, pid: u32) -> bool {
    let Ok(text) = fs::read_to_string(status) else { return false };
    let mut lines = text.lines();
    let same = lines.next().is_some_and(|line| line.trim() == pid.to_string());
    same && lines.nth(6).is_some_and(|line| line.trim() == "ready")
}

fn mentions(error: &Error, text: &str) -> bool {
    error.detail_text().is_some_and(|detail| detail.contains(text))
}

impl PostgresServer for Postgres {
    fn description(&self) -> &str {
        &self.template.description
    }

    fn major(&self) -> u16 {
        self.template.major
    }

    fn host(&self) -> &str {
        HOST
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn socket_dir(&self) -> Option<&Path> {
        Some(&self.sockets)
    }

    fn user(&self) -> &str {
        SUPERUSER
    }

    fn data_dir(&self) -> Option<&Path> {
        Some(&self.data)
    }

    fn pid(&self) -> Option<u32> {
        self.process().as_ref().map(ServerProcess::pid)
    }

    fn log_tail(&self) -> String {
        tail(&self.log)
    }

    fn stop(&self, mode: StopMode) -> Result<()> {
        let process = self.process().take();
        let process =
            process.ok_or_else(|| Error::new(Kind::Local, format!("{} does not run", self.template.description)))?;
        let signal = match mode {
            StopMode::Fast => Signal::Interrupt,
            StopMode::Immediate => Signal::Quit,
            StopMode::Kill => Signal::Kill,
        };
        process.stop(signal, STOP_TIMEOUT)
    }

    fn start_again(&self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            match self.launch() {
                // After a kill the orphaned backends hold the shared memory until they notice.
                Err(error) if mentions(&error, "shared memory block") && Instant::now() < deadline => {
                    std::thread::sleep(super::POLL_INTERVAL);
                }
                other => return other,
            }
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.workspace.is_kept() {
            return;
        }
        if let Some(process) = self.process().take() {
            // Immediate, not killed: the postmaster then ends its backends and frees its shared memory.
            let _ = process.stop(Signal::Quit, STOP_TIMEOUT);
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_read_from_the_status_line_of_the_same_process() {
        let directory = tempfile::tempdir().unwrap();
        let status = directory.path().join("postmaster.pid");
        assert!(!is_ready(&status, 7), "no file");

        fs::write(&status, "7\n/data\n1\n5432\n/socket\n127.0.0.1\n  1  2\nstarting\n").unwrap();
        assert!(!is_ready(&status, 7), "still starting");

        fs::write(&status, "7\n/data\n1\n5432\n/socket\n127.0.0.1\n  1  2\nready   \n").unwrap();
        assert!(is_ready(&status, 7));
        assert!(!is_ready(&status, 8), "the file of a killed server");
    }
}
