//! `walcast run FILE`: one connector, until it is stopped.
//!
//! Owns the arguments and the set-up: logs, configuration, status, HTTP, live line. Everything is checked before
//! the first connection is made.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use super::duration;
use super::logging::Logging;
use crate::config::{self, Brokers, Connector, Overrides, Secret, Source};
use crate::error::{Error, Kind, Result};
use crate::observe::http::{self, LISTEN_DEFAULT, Listen, Server};
use crate::observe::log::Format;
use crate::observe::terminal::StatusLine;
use crate::observe::{Metrics, State, Status, narrator};
use crate::pipeline::{self, heartbeat, monitor};
use crate::sink::kafka::{KafkaSink, overrides};
use crate::sink::stdout::{self, LineSink};

/// What it takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The connector: Kafka Connect's JSON or a .properties file; - is standard input.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Sets a property over what the file says; may be given more than once.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub(super) set: Vec<(String, String)>,
    /// Brokers to write to, over what the file says.
    #[arg(long, value_name = "LIST")]
    pub(super) bootstrap_servers: Option<String>,
    /// Where records go.
    #[arg(long, value_enum, default_value_t = SinkChoice::Kafka)]
    pub(super) sink: SinkChoice,
    /// Where /health and /metrics are served: HOST:PORT (port 0 takes a free one), or off.
    #[arg(long, value_name = "ADDR", default_value = LISTEN_DEFAULT, value_parser = str::parse::<Listen>)]
    pub(super) listen: Listen,
    /// How long a stop may take to deliver and confirm what was read: 500ms, 30s, 2m.
    #[arg(long, value_name = "T", default_value = "30s", value_parser = duration::parse)]
    pub(super) shutdown_timeout: Duration,
    #[command(flatten)]
    pub(super) logging: Logging,
}

/// Where records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum SinkChoice {
    /// To Kafka brokers.
    Kafka,
    /// To standard output, one JSON object a line; nothing is kept, so the position moves as it is printed.
    Stdout,
}

/// Everything a pipeline needs, set up. HTTP and the live line end when it is dropped.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What to run.
    pub(super) connector: Connector,
    /// Where records go.
    pub(super) sink: SinkChoice,
    /// How long a stop may take.
    pub(super) shutdown_timeout: Duration,
    /// What the pipeline writes its state and positions to.
    pub(super) status: Arc<Status>,
    /// What it counts in.
    pub(super) metrics: Metrics,
    _server: Option<Server>,
    line: Option<StatusLine>,
}

/// Sets up and streams.
pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    let prepared = prepare(arguments)?;
    tracing::info!(
        connector = prepared.connector.name,
        slot = prepared.connector.slot.name,
        publication = prepared.connector.publication.name,
        sink = ?prepared.sink,
        shutdown_timeout = ?prepared.shutdown_timeout,
        "ready to stream"
    );
    let connector = Arc::new(prepared.connector);
    let (order, stop) = watch::channel(None);
    let (ended, end) = oneshot::channel();
    let metrics = prepared.metrics;
    let watched = metrics.clone();
    let thread = match prepared.sink {
        SinkChoice::Kafka => {
            let (kafka, client_id) = (connector.kafka.clone(), format!("walcast-{}", connector.name));
            let make = move || KafkaSink::open(&kafka, &client_id);
            pipeline::spawn(Arc::clone(&connector), make, metrics, stop, ended)?
        }
        SinkChoice::Stdout => {
            let make = || Ok(LineSink::stdout());
            pipeline::spawn(Arc::clone(&connector), make, metrics, stop, ended)?
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Local, "no runtime could be made").caused_by(error))?;
    if prepared.line.is_none() {
        runtime.spawn(narrator::narrate(Arc::clone(&prepared.status)));
    }
    runtime.block_on(supervise(connector, &watched, order, prepared.shutdown_timeout, end))?;
    let outcome = match pipeline::join(thread) {
        // `| head` has seen enough; what it did not take is sent again at the next start.
        Err(error) if stdout::is_reader_gone(&error) => Ok(()),
        outcome => outcome,
    };
    if let Err(error) = &outcome {
        prepared.status.trouble(error);
        prepared.status.enter(State::Failed);
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Waits for the pipeline's end, passing on the signals that order one; a second signal waits no longer.
async fn supervise(
    connector: Arc<Connector>,
    metrics: &Metrics,
    order: watch::Sender<Option<Duration>>,
    patience: Duration,
    mut end: oneshot::Receiver<()>,
) -> Result<()> {
    let no_signals = |error| Error::new(Kind::Local, "signals cannot be received").caused_by(error);
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let heartbeat = tokio::spawn(heartbeat::act(Arc::clone(&connector), metrics.clone()));
    let monitor = tokio::spawn(monitor::watch(connector, Arc::clone(metrics.status())));
    let mut signals = 0;
    loop {
        tokio::select! {
            _ = &mut end => break,
            _ = terminate.recv() => signals += 1,
            _ = interrupt.recv() => signals += 1,
        }
        if signals > 1 {
            return Err(Error::new(Kind::ShutdownTimeout, "stopped by a second signal, without waiting any longer")
                .detail("nothing is lost: the slot sends what was not confirmed again at the next start"));
        }
        tracing::info!(?patience, "stopping: delivering and confirming what was read");
        // The receiver is gone only when the pipeline has ended, which `end` tells next.
        let _ = order.send(Some(patience));
    }
    monitor.abort();
    heartbeat.abort();
    Ok(())
}

/// Loads, warns, listens: whatever can fail without a server.
fn prepare(arguments: &Arguments) -> Result<Prepared> {
    let screen = arguments.logging.set_up()?;
    let overrides = Overrides {
        set: arguments.set.clone(),
        bootstrap_servers: arguments.bootstrap_servers.clone(),
        brokers: match arguments.sink {
            SinkChoice::Kafka => Brokers::Required,
            SinkChoice::Stdout => Brokers::NotNeeded,
        },
        producer: (arguments.sink == SinkChoice::Kafka).then_some(producer_mistakes),
    };
    let loaded = config::load(&Source::File(arguments.file.clone()), &overrides)?;
    for warning in &loaded.warnings {
        tracing::warn!("configuration: {warning}");
    }
    for note in &loaded.notes {
        tracing::debug!("configuration: {} has no effect: {}", note.property, note.reason);
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), file = loaded.origin, "configuration is good");
    let status = Arc::new(Status::new(&loaded.connector.name));
    let metrics = Metrics::new(Arc::clone(&status));
    let server = http::serve(&arguments.listen, &metrics)?;
    if let Some(server) = &server {
        tracing::info!(address = %server.address(), "serving /health and /metrics");
    }
    let line = match arguments.logging.format {
        Format::Text => StatusLine::start(&screen, &status),
        Format::Json => None,
    };
    Ok(Prepared {
        connector: loaded.connector,
        sink: arguments.sink,
        shutdown_timeout: arguments.shutdown_timeout,
        status,
        metrics,
        _server: server,
        line,
    })
}

/// What the Kafka sink would refuse, so that it is told together with everything else.
fn producer_mistakes(given: &[(String, Secret)]) -> Vec<(String, String)> {
    let findings = overrides::translate(given).err().unwrap_or_default();
    findings.into_iter().map(|finding| (finding.property, format!("{}; {}", finding.problem, finding.remedy))).collect()
}

/// `key=value`; the value may be empty and may hold more equals signs.
fn key_and_value(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, text: &str) -> Result<config::Loaded> {
        let overrides = Overrides { producer: Some(producer_mistakes), ..Overrides::default() };
        config::load_text(name, text, &overrides, &|_| Some("a secret".to_owned()))
    }

    #[test]
    fn the_producer_settings_of_every_ready_made_connector_are_accepted() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
        let mut seen = 0;
        for file in std::fs::read_dir(folder).expect("connectors/") {
            let path = file.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension == "md") {
                continue;
            }
            let text = std::fs::read_to_string(&path)
                .expect("text")
                .replace("${file:/etc/walcast/secrets.properties:", "${env:");
            load(&path.display().to_string(), &text).unwrap_or_else(|error| panic!("{}", error.report()));
            seen += 1;
        }
        assert!(seen >= 6, "only {seen} connectors");
    }

    #[test]
    fn refused_producer_settings_stand_in_the_same_report_as_the_rest() {
        let text = "database.hostname=h\ndatabase.user=u\ndatabase.dbname=d\ntopic.prefix=p\nbootstrap.servers=b:1\n\
                    snapshot.mode=no_data\nslot.name=BAD\nproducer.override.acks=1\nproducer.override.linger.msec=5\n";
        let report = load("x.properties", text).expect_err("three mistakes").report();
        for part in
            ["has 3 mistakes", "slot.name = \"BAD\"", "producer.override.acks: ", "producer.override.linger.msec: "]
        {
            assert!(report.contains(part), "{part} is not in\n{report}");
        }
    }
}
