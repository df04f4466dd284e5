//! One walcast, run as users run it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Map, Value};
use tempfile::TempDir;

use super::database::Database;
use super::stage::wait;
use crate::Outcome;

const PATIENCE: Duration = Duration::from_secs(120);

/// A running `walcast run`; dropping it kills it.
pub(crate) struct Walcast {
    child: Child,
    slot: String,
    directory: TempDir,
}

impl Walcast {
    /// Starts it; a slot and a publication of its own are made by itself.
    pub(crate) fn start(binary: &Path, connector: &Map<String, Value>, bootstrap: &str) -> Outcome<Self> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("connector.json");
        fs::write(&file, Value::Object(connector.clone()).to_string())?;
        let child = Command::new(binary)
            .arg("run")
            .arg(file)
            .args(["--bootstrap-servers", bootstrap, "--listen", "off"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(directory.path().join("log"))?)
            .spawn()?;
        let slot = connector.get("slot.name").and_then(Value::as_str).ok_or("no slot.name")?.to_owned();
        Ok(Self { child, slot, directory })
    }

    pub(crate) fn wait_until_streaming(&mut self, source: &Database<'_>) -> Outcome<()> {
        // A slot is active while it is made, too, and then does not hold yet what is written.
        let state = format!(
            "SELECT r.state FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid
              WHERE s.slot_name = '{}'",
            self.slot
        );
        self.wait("streams", || Ok(source.one(&state)?.as_deref() == Some("streaming")))
    }

    /// Waits until it has confirmed all that is in the log now.
    pub(crate) fn wait_until_confirmed(&mut self, source: &Database<'_>) -> Outcome<()> {
        let end = source.one("SELECT pg_current_wal_insert_lsn()")?.ok_or("no position")?;
        let state = format!(
            "SELECT confirmed_flush_lsn >= '{end}' FROM pg_replication_slots WHERE slot_name = '{}'",
            self.slot
        );
        self.wait("has confirmed everything", || Ok(source.one(&state)?.as_deref() == Some("t")))
    }

    fn wait(&mut self, what: &str, mut condition: impl FnMut() -> Outcome<bool>) -> Outcome<()> {
        let (child, log) = (&mut self.child, self.directory.path().join("log"));
        let told = || format!("the walcast of {} {what}:\n{}", self.slot, fs::read_to_string(&log).unwrap_or_default());
        wait(&told, PATIENCE, || match child.try_wait()? {
            Some(status) => Err(format!("{status} before {}", told()).into()),
            None => condition(),
        })
    }

    /// Stops it in order.
    pub(crate) fn stop(&mut self) -> Outcome<()> {
        let sent =
            Command::new("sh").args(["-c", "kill -s TERM \"$1\"", "kill", &self.child.id().to_string()]).status()?;
        let status = self.child.wait()?;
        if sent.success() && status.success() {
            Ok(())
        } else {
            Err(format!("walcast of {}: {status}", self.slot).into())
        }
    }
}

impl Drop for Walcast {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
