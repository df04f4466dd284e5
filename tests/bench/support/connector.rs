//! The connectors under test: walcast as its release binary, Debezium in a Connect worker. Both get one configuration.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::{Map, Value, json};
use walcast::local::Connect;

use super::Outcome;
use super::stand::Stand;

/// What records are written as: JSON without schemas, or Avro in Confluent's framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Avro,
}

/// Where a connector reads and what its topics are called.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) dbname: String,
    pub(crate) slot: String,
    pub(crate) publication: String,
    /// `topic.prefix`; also the connector's name.
    pub(crate) prefix: String,
    pub(crate) format: Format,
    /// What is set besides, or otherwise.
    pub(crate) properties: Vec<(&'static str, String)>,
}

impl Stream {
    /// The topic of a table in schema `public`.
    pub(crate) fn topic(&self, table: &str) -> String {
        format!("{}.public.{table}", self.prefix)
    }
}

/// Default settings for both, apart from what has to be named. Confirming once a second instead of every ten is
/// what Connect does here too, and lets the bench see the confirmed position soon.
fn configuration(stand: &Stand, stream: &Stream) -> Map<String, Value> {
    let config = json!({
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "tasks.max": "1",
        "database.hostname": stand.postgres.host(),
        "database.port": stand.postgres.port().to_string(),
        "database.user": stand.postgres.user(),
        "database.password": "unused",
        "database.dbname": stream.dbname,
        "topic.prefix": stream.prefix,
        "plugin.name": "pgoutput",
        "slot.name": stream.slot,
        "publication.name": stream.publication,
        "publication.autocreate.mode": "disabled",
        "snapshot.mode": "no_data",
        "status.update.interval.ms": "1000",
    });
    let mut config = match config {
        Value::Object(config) => config,
        _ => Map::new(),
    };
    if let (Format::Avro, Some(registry)) = (stream.format, &stand.registry) {
        for side in ["key", "value"] {
            let class = "io.apicurio.registry.utils.converter.AvroConverter";
            config.insert(format!("{side}.converter"), json!(class));
            for (name, value) in [
                ("url", registry.native_url()),
                ("auto-register", "true".to_owned()),
                ("as-confluent", "true".to_owned()),
                ("use-id", "contentId".to_owned()),
                ("headers.enabled", "false".to_owned()),
            ] {
                config.insert(format!("{side}.converter.apicurio.registry.{name}"), json!(value));
            }
        }
    }
    config.extend(stream.properties.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    config
}

/// A connector that runs. Dropping walcast kills it.
pub(crate) enum Connector {
    Walcast {
        child: Child,
        log: std::path::PathBuf,
    },
    Debezium {
        worker: Arc<Connect>,
        name: String,
        /// Ends when the worker says that the connector runs, which is later than the first record.
        creating: Option<JoinHandle<walcast::error::Result<()>>>,
    },
}

impl Connector {
    /// Executes walcast and returns at once.
    pub(crate) fn walcast(stand: &Stand, stream: &Stream) -> Outcome<Self> {
        let mut config = configuration(stand, stream);
        config.insert("bootstrap.servers".to_owned(), json!(stand.kafka.bootstrap()));
        let file = stand.directory.path().join(format!("{}.json", stream.prefix));
        fs::write(&file, json!({ "name": stream.prefix, "config": config }).to_string())?;
        let log = file.with_extension("log");
        let child = Command::new(&stand.walcast)
            .arg("run")
            .arg(&file)
            .args(["--listen", "off"])
            .args(stand.set.iter().flat_map(|property| ["--set", property.as_str()]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        Ok(Self::Walcast { child, log })
    }

    /// Asks the worker for the connector and returns at once.
    pub(crate) fn debezium(stand: &Stand, stream: &Stream) -> Outcome<Self> {
        let worker = Arc::clone(stand.connect.as_ref().ok_or("no Connect worker was started")?);
        let (config, name) = (configuration(stand, stream), stream.prefix.clone());
        let creating = {
            let (worker, name) = (Arc::clone(&worker), name.clone());
            std::thread::spawn(move || worker.create(&name, &config))
        };
        Ok(Self::Debezium { worker, name, creating: Some(creating) })
    }

    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Walcast { child, .. } => child.id(),
            Self::Debezium { worker, .. } => worker.pid(),
        }
    }

    /// Fails when the connector has failed, with what it said.
    pub(crate) fn check(&mut self) -> Outcome<()> {
        match self {
            Self::Walcast { child, log } => match child.try_wait()? {
                Some(status) => {
                    let said = fs::read_to_string(log).unwrap_or_default();
                    Err(format!("walcast ended with {status}:\n{said}").into())
                }
                None => Ok(()),
            },
            Self::Debezium { creating, .. } => match creating.take_if(|creating| creating.is_finished()) {
                Some(created) => Ok(created.join().map_err(|_| "asking the Connect worker panicked")??),
                None => Ok(()),
            },
        }
    }

    /// Ends it; its slot is free soon after.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        self.check()?;
        match &mut self {
            Self::Walcast { child, .. } => {
                child.kill()?;
                child.wait()?;
            }
            Self::Debezium { worker, name, creating } => {
                if let Some(creating) = creating.take() {
                    creating.join().map_err(|_| "asking the Connect worker panicked")??;
                }
                worker.delete(name)?;
            }
        }
        Ok(())
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        if let Self::Walcast { child, .. } = self {
            // Both fail only where it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
