//! When a server is ready, asked in its own protocol.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio_postgres::error::SqlState;

use super::CONFLUENT_PATH;
use super::http::request;
use crate::error::{Error, Kind, Result};

/// Asks a broker whether it serves; one client for all questions.
pub(super) struct KafkaProbe(BaseConsumer);

impl KafkaProbe {
    /// A client for this `host:port`.
    pub(super) fn new(bootstrap: &str) -> Result<Self> {
        ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("reconnect.backoff.ms", "20")
            .set("reconnect.backoff.max.ms", "100")
            .create()
            .map(Self)
            .map_err(|error| Error::new(Kind::Local, "cannot make a Kafka client").caused_by(error))
    }

    /// Whether a metadata request is answered and names a broker.
    pub(super) fn answers(&self) -> bool {
        let metadata = self.0.fetch_metadata(None, Duration::from_secs(2));
        metadata.is_ok_and(|metadata| !metadata.brokers().is_empty())
    }
}

/// Whether a failed attempt to log in still shows a server that takes connections.
///
/// The caller's `pg_hba.conf` may well refuse us, or ask for a password that we do not have. What shows that a
/// server is not ready is a socket error, or `cannot_connect_now` while it starts up or recovers.
pub(super) fn shows_a_ready_server(error: &tokio_postgres::Error) -> bool {
    use std::error::Error as _;
    match error.code() {
        Some(code) => *code != SqlState::CANNOT_CONNECT_NOW,
        None => !error.is_closed() && !error.source().is_some_and(|source| source.is::<std::io::Error>()),
    }
}

/// Whether a schema registry answers the question for its subjects.
pub(super) fn registry_answers(address: &str) -> bool {
    let path = format!("{CONFLUENT_PATH}/subjects");
    request(address, "GET", &path, None).is_ok_and(|answer| answer.is_success())
}
