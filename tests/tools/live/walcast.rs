//! The built binary as a child process.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::Outcome;
use crate::golden::debezium::Connector;

/// Builds walcast under the profile of this example, since Cargo builds no binary for an example.
pub(crate) fn binary() -> Outcome<PathBuf> {
    let example = std::env::current_exe()?;
    let folder = example.parent().and_then(Path::parent).ok_or("an example outside a target directory")?;
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut command = Command::new(cargo);
    // With an example beside it, the binary is built of the crates that this example was built of.
    command.args(["build", "--quiet", "--bin", "walcast", "--example", "differential", "--profile", profile]);
    command.arg("--manifest-path").arg(manifest);
    // What Cargo tells those it runs would look like a change to build scripts, and have it build their crates anew.
    let told = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    });
    for name in told {
        command.env_remove(name);
    }
    if !command.status()?.success() {
        return Err("walcast cannot be built".into());
    }
    Ok(folder.join("walcast"))
}

impl Connector {
    /// Whether its records are framed with numbers of the schema registry.
    pub(crate) fn is_avro(&self) -> bool {
        self.property("value.converter").is_some_and(|class| class.ends_with("AvroConverter"))
    }
}

/// A running `walcast`. It is told to stop when it is dropped, and also when this process goes without a word.
pub(crate) struct Walcast {
    pub(crate) connector: Connector,
    child: Child,
    guard: Child,
    pipe: Option<ChildStdin>,
    folder: TempDir,
}

impl Walcast {
    /// `walcast run` with the connector's configuration against a broker.
    pub(crate) fn start(binary: &Path, connector: Connector, bootstrap: &str) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("connector.json");
        fs::write(&file, Value::Object(connector.configuration.clone()).to_string())?;
        let child = Command::new(binary)
            .arg("run")
            .arg(&file)
            .args(["--bootstrap-servers", bootstrap, "--listen", "off", "--shutdown-timeout", "10s"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log"))?)
            .spawn()?;
        let mut guard = Command::new("sh")
            .args(["-c", "trap '' HUP INT; read -r _; kill -s TERM \"$1\"", "guard", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = guard.stdin.take();
        Ok(Self { connector, child, guard, pipe, folder })
    }

    /// Its log, where it has ended by itself.
    pub(crate) fn ended(&mut self) -> Outcome<Option<String>> {
        match self.child.try_wait()? {
            Some(status) => Ok(Some(format!("walcast ended: {status}\n{}", self.log()))),
            None => Ok(None),
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Makes it wait, or go on: where two register a schema at the same time, Apicurio refuses one of them, and
    /// Debezium's converter then gives up.
    pub(crate) fn hold(&self, held: bool) {
        if self.connector.is_avro() {
            let signal = if held { "STOP" } else { "CONT" };
            let _ = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status();
        }
    }

    /// Stops it and waits for its end.
    pub(crate) fn stop(&mut self) {
        if let Some(pipe) = self.pipe.take() {
            self.hold(false);
            drop(pipe);
        }
        let _ = self.guard.wait();
        let _ = self.child.wait();
    }
}

impl Drop for Walcast {
    fn drop(&mut self) {
        self.stop();
    }
}
