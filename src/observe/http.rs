//! `/health`, `/health/live`, `/status` and `/metrics`.
//!
//! Owns the HTTP listener. It runs on a thread of its own, so that a busy pipeline cannot make a probe time out and
//! a scraper cannot take time from the pipeline. It only reads.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::str::FromStr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::form::StreamForm;
use super::metrics::Metrics;
use super::status::{State, Status, utc};
use super::told::{self, Detail};
use crate::error::{Error, Kind, Result};

/// Where to listen, unless something else is said.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:8083";

/// Whether and where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Not at all.
    Off,
    /// At this host and port; port 0 takes a free one.
    At(String),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self::Off);
        }
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(Self::At(text.to_owned())),
            _ => Err("must be HOST:PORT, such as 127.0.0.1:8083 or [::1]:8083, or off".to_owned()),
        }
    }
}

/// A listener that answers until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// The address that is listened at, with the real port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once: open connections are cut with the runtime. A panic there was its own.
            let _ = thread.join();
        }
    }
}

/// Starts to listen; `None` where that is switched off.
///
/// # Errors
/// `Local` where the address cannot be had.
pub fn serve(listen: &Listen, metrics: &Metrics) -> Result<Option<Server>> {
    let Listen::At(wanted) = listen else {
        return Ok(None);
    };
    let cannot = |error: std::io::Error| {
        Error::new(Kind::Local, format!("cannot listen at {wanted} for /health and /metrics"))
            .caused_by(error)
            .hint("give a free address with --listen HOST:PORT, any free port with :0, or --listen off")
    };
    let addresses: Vec<SocketAddr> = wanted.to_socket_addrs().map_err(cannot)?.collect();
    let listener = TcpListener::bind(addresses.as_slice()).map_err(cannot)?;
    listener.set_nonblocking(true).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(cannot)?;
    let (stop, stopped) = oneshot::channel();
    let router = router(metrics.clone());
    let thread = std::thread::Builder::new().name("walcast-http".to_owned()).spawn(move || {
        runtime.block_on(async move {
            let listener = match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => listener,
                Err(error) => return tracing::error!(%error, "the HTTP listener could not be started"),
            };
            tokio::select! {
                // Both ends of this are the end: the sender is only ever dropped.
                _ = stopped => {}
                ended = axum::serve(listener, router) => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "the HTTP listener ended");
                    }
                }
            }
        });
    });
    let thread = thread.map_err(cannot)?;
    Ok(Some(Server { address, stop: Some(stop), thread: Some(thread) }))
}

fn router(metrics: Metrics) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/health/live", get(live))
        .route("/status", get(status))
        .route("/metrics", get(page))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .with_state(metrics)
}

/// 200 while rows or changes flow, 503 otherwise: a readiness probe. A snapshot may take hours and is no fault.
async fn health(Shared(metrics): Shared<Metrics>) -> Response {
    let body = report(metrics.status(), Detail::Brief);
    let flows = matches!(metrics.status().live().state, State::Streaming | State::Snapshotting);
    answer(if flows { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &body)
}

/// 200 unless the connector has failed for good: a liveness probe, which a broker's outage must not fail.
async fn live(Shared(metrics): Shared<Metrics>) -> Response {
    let state = metrics.status().live().state;
    let code = if state == State::Failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    answer(code, &json!({ "state": state.as_str() }))
}

/// 200 with everything that is known, whatever the state: for people and their tools, not for probes.
async fn status(Shared(metrics): Shared<Metrics>) -> Response {
    answer(StatusCode::OK, &report(metrics.status(), Detail::Tables))
}

async fn page(Shared(metrics): Shared<Metrics>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics.render()).into_response()
}

async fn unknown() -> Response {
    let body = json!({ "error_code": 404, "message": "there are /health, /health/live, /status and /metrics" });
    answer(StatusCode::NOT_FOUND, &body)
}

async fn not_allowed() -> Response {
    answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error_code": 405, "message": "only GET is answered" }))
}

fn answer(code: StatusCode, body: &Value) -> Response {
    (code, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

/// The body of `/health`, and of `/status` with more detail.
fn report(status: &Arc<Status>, detail: Detail) -> Value {
    let now = SystemTime::now();
    let (live, numbers) = (status.live(), status.snapshot(now));
    let last_error = live.last_error.map(|trouble| {
        json!({
            "at": utc(trouble.at),
            "kind": trouble.kind.as_str(),
            "class": trouble.class.as_str(),
            "message": trouble.message,
            "remedy": trouble.hint,
        })
    });
    json!({
        "connector": status.connector(),
        "state": live.state.as_str(),
        "since": utc(live.since),
        "since_seconds": now.duration_since(live.since).unwrap_or_default().as_secs(),
        "stream_form": status.stream_form().map(StreamForm::as_str),
        "confirmed_lsn": numbers.confirmed.to_string(),
        "received_lsn": numbers.received.to_string(),
        "server_lsn": numbers.server_end.to_string(),
        "lag_bytes": numbers.lag_bytes,
        "lag_seconds": numbers.lag.as_secs_f64(),
        "queue_records": numbers.queue_records,
        "queue_bytes": numbers.queue_bytes,
        "events": numbers.events,
        "slot": told::slot(status.retention()),
        "snapshots": told::snapshots(status, detail),
        "last_error": last_error,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn start(status: &Arc<Status>) -> Server {
        let listen = Listen::At("127.0.0.1:0".to_owned());
        serve(&listen, &Metrics::new(Arc::clone(status))).expect("a free port").expect("not off")
    }

    /// Status line and body of one request.
    fn request(server: &Server, line: &str) -> (String, String) {
        let mut stream = std::net::TcpStream::connect(server.address()).expect("connected");
        write!(stream, "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("answered");
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
    }

    #[test]
    fn health_follows_the_state() {
        // Given a connector in each state; when it is asked; then the code says whether anything flows
        let status = Arc::new(Status::new("shop"));
        let server = start(&status);
        for (state, code, live_code) in [
            (State::Starting, "503", "200"),
            (State::Snapshotting, "200", "200"),
            (State::Streaming, "200", "200"),
            (State::Reconnecting, "503", "200"),
            (State::Stopping, "503", "200"),
            (State::Failed, "503", "503"),
        ] {
            status.enter(state);
            let (line, body) = request(&server, "GET /health");
            assert!(line.contains(code), "{line} in {state:?}");
            let body: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!((&body["state"], &body["connector"]), (&json!(state.as_str()), &json!("shop")));
            assert!(body["last_error"].is_null());
            let (line, _) = request(&server, "GET /health/live");
            assert!(line.contains(live_code), "{line} in {state:?}");
        }
    }

    #[test]
    fn the_last_error_and_positions_are_told() {
        let status = Arc::new(Status::new("shop"));
        let server = start(&status);
        status.trouble(&Error::new(Kind::SinkUnavailable, "brokers are away").hint("wait"));
        status.received(crate::lsn::Lsn::new(0x16_B374_D848));
        let body: Value = serde_json::from_str(&request(&server, "GET /health").1).expect("JSON");
        assert_eq!(body["last_error"]["kind"], json!("sink_unavailable"));
        assert_eq!(body["last_error"]["class"], json!("transient"));
        assert_eq!(body["received_lsn"], json!("16/B374D848"));
    }

    #[test]
    fn metrics_are_served_and_other_requests_are_answered_in_json() {
        let server = start(&Arc::new(Status::new("shop")));
        let (line, body) = request(&server, "GET /metrics");
        assert!(line.contains("200") && body.contains("walcast_up 0") && body.ends_with("# EOF\n"), "{line}\n{body}");
        for (what, code) in [("GET /nothing", 404), ("POST /health", 405)] {
            let (line, body) = request(&server, what);
            assert!(line.contains(&code.to_string()), "{line}");
            let body: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(body["error_code"], json!(code));
        }
    }

    #[test]
    fn a_taken_port_is_a_clear_error_and_a_dropped_server_gives_its_port_back() {
        let status = Arc::new(Status::new("shop"));
        let metrics = Metrics::new(Arc::clone(&status));
        let server = start(&status);
        let taken = Listen::At(server.address().to_string());
        let error = serve(&taken, &metrics).expect_err("taken");
        assert_eq!(error.kind(), Kind::Local);
        assert!(error.report().contains(&server.address().to_string()) && error.report().contains("--listen"));
        drop(server);
        serve(&taken, &metrics).expect("free again");
        assert!(serve(&Listen::Off, &metrics).expect("nothing to do").is_none());
    }

    #[test]
    fn addresses_are_checked_before_they_are_used() {
        for (text, listen) in [
            ("off", Some(Listen::Off)),
            ("OFF", Some(Listen::Off)),
            ("127.0.0.1:0", Some(Listen::At("127.0.0.1:0".to_owned()))),
            ("[::1]:8083", Some(Listen::At("[::1]:8083".to_owned()))),
            ("localhost:8083", Some(Listen::At("localhost:8083".to_owned()))),
            ("8083", None),
            (":8083", None),
            ("host:port", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Listen>().ok(), listen, "{text:?}");
        }
    }
}
