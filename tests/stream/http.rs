//! `/health` and `/metrics` of a running connector, and where they are served.

use std::net::{Ipv4Addr, TcpListener};

use super::scene::{Scene, wait_until_health};
use crate::support::walcast::{Walcast, http_at};
use crate::support::{servers, wait};

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY)";

#[test]
fn health_and_metrics_tell_what_happened() {
    // Given a connector that has streamed three rows and confirmed them.
    let scene = Scene::new(servers::postgres_18(), TABLE);
    let mut walcast = scene.stream(&[]);
    scene.execute("INSERT INTO t SELECT generate_series(1, 3)");
    scene.wait_for("public.t", 3);
    scene.database.wait_until_confirmed();

    // Then /health says that it streams, and where it stands.
    let (code, health) = wait_until_health(&walcast, "streaming");
    assert_eq!((code, &health["connector"]), (200, &scene.topics.prefix.clone().into()));
    assert!(health["last_error"].is_null(), "{health}");
    let confirmed: walcast::lsn::Lsn = health["confirmed_lsn"].as_str().expect("text").parse().expect("an LSN");
    assert!(confirmed > walcast::lsn::Lsn::ZERO);

    // And /metrics counts it, by table and operation.
    let sample = "walcast_events_total{table=\"public.t\",operation=\"create\"}";
    wait::until("the rows are counted", wait::PATIENCE, || walcast.metric(sample) == Some(3.0));
    wait::until("the records are counted", wait::PATIENCE, || {
        walcast.metric("walcast_records_delivered_total") == Some(3.0)
    });
    for (sample, value) in [
        ("walcast_up", 1.0),
        ("walcast_queue_bytes", 0.0),
        ("walcast_queue_records", 0.0),
        ("walcast_reconnects_total{side=\"source\"}", 0.0),
        ("walcast_reconnects_total{side=\"sink\"}", 0.0),
        ("walcast_lag_seconds", 0.0),
        ("walcast_state{state=\"streaming\"}", 1.0),
    ] {
        assert_eq!(walcast.metric(sample), Some(value), "{sample}");
    }
    let more_than = |sample: &str| walcast.metric(sample).unwrap_or_else(|| panic!("no {sample}"));
    assert!(more_than("walcast_record_bytes_total{table=\"public.t\"}") > 300.0);
    assert!(more_than("walcast_transactions_total") >= 1.0);
    assert!(more_than("walcast_delivery_latency_seconds_count") >= 1.0);
    assert!(more_than("walcast_confirmed_lsn") > 0.0);
    assert!(more_than("walcast_lag_bytes") >= 0.0);

    // And a lost connection is counted.
    scene.database.terminate_walsender();
    wait::until("a reconnect is counted", wait::PATIENCE, || {
        walcast.metric("walcast_reconnects_total{side=\"source\"}") == Some(1.0)
    });
    let (_, health) = wait_until_health(&walcast, "streaming");
    assert_eq!(health["last_error"]["class"], "transient", "{health}");
    assert_eq!(walcast.http("/nothing").expect("an answer").0, 404);
    assert!(walcast.terminate().success());
    assert_eq!(walcast.http("/health"), None);
}

/// The port in the line that says where it serves.
fn served_port(walcast: &Walcast) -> u16 {
    walcast.wait_until_logged("serving /health and /metrics");
    let log = walcast.stderr();
    let line = log.lines().find(|line| line.contains("serving /health")).expect("the line");
    let (_, port) = line.rsplit_once(':').expect("an address at the end");
    port.trim().parse().expect("a port")
}

#[test]
fn it_is_served_at_a_free_port_at_the_given_one_or_nowhere() {
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let bootstrap = servers::kafka().bootstrap();
    let run =
        |listen: &str| Walcast::run_with(&scene.config(&[]), &["--bootstrap-servers", bootstrap, "--listen", listen]);

    // Given port 0, then a free port is taken and told.
    let mut walcast = run("127.0.0.1:0");
    walcast.wait_until_streaming(&scene.database);
    let (code, body) = http_at(served_port(&walcast), "/health").expect("an answer");
    assert!(matches!(code, 200 | 503) && body.contains("confirmed_lsn"), "{body}");
    assert!(walcast.terminate().success());

    // Given a port that is taken, then it ends before it touches the server, and names the port and the way out.
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut walcast = run(&address);
    assert_eq!(walcast.wait_exit().code(), Some(11), "{}", walcast.stderr());
    let log = walcast.stderr();
    assert!(log.contains(&address) && log.contains("--listen"), "{log}");

    // Given off, then nothing is served.
    let mut walcast = run("off");
    walcast.wait_until_streaming(&scene.database);
    assert!(!walcast.stderr().contains("serving"), "{}", walcast.stderr());
    assert!(walcast.terminate().success());
}
