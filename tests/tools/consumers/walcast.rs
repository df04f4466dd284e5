//! Walcasts, run as users run them.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Map, Value};
use tempfile::TempDir;

use super::database::Database;
use super::source::{Source, has_confirmed, streams};
use super::stage::wait;
use crate::Outcome;

const PATIENCE: Duration = Duration::from_secs(120);

/// One for each consumer.
pub(crate) struct Walcasts(Vec<Walcast>);

impl Walcasts {
    pub(crate) fn start(binary: &Path, connectors: &[Map<String, Value>], bootstrap: &str) -> Outcome<Self> {
        let walcasts = connectors.iter().map(|connector| Walcast::start(binary, connector, bootstrap));
        Ok(Self(walcasts.collect::<Outcome<_>>()?))
    }
}

impl Source for Walcasts {
    fn wait_until_streaming(&mut self, source: &Database<'_>) -> Outcome<()> {
        self.0.iter_mut().try_for_each(|walcast| walcast.wait("streams", |slot| streams(source, slot)))
    }

    fn finish(&mut self, source: &Database<'_>, position: &str) -> Outcome<()> {
        self.0.iter_mut().try_for_each(|walcast| {
            walcast.wait("has confirmed everything", |slot| has_confirmed(source, slot, position))?;
            walcast.stop()
        })
    }
}

/// A running `walcast run`; dropping it kills it.
struct Walcast {
    child: Child,
    slot: String,
    directory: TempDir,
}

impl Walcast {
    /// Starts it; a slot and a publication of its own are made by itself.
    fn start(binary: &Path, connector: &Map<String, Value>, bootstrap: &str) -> Outcome<Self> {
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

    fn wait(&mut self, what: &str, condition: impl Fn(&str) -> Outcome<bool>) -> Outcome<()> {
        let (child, log) = (&mut self.child, self.directory.path().join("log"));
        let told = || format!("the walcast of {} {what}:\n{}", self.slot, fs::read_to_string(&log).unwrap_or_default());
        wait(told, PATIENCE, || match child.try_wait()? {
            Some(status) => Err(format!("{status} before {}", told()).into()),
            None => condition(&self.slot),
        })
    }

    /// Stops it in order.
    fn stop(&mut self) -> Outcome<()> {
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
