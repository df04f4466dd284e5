//! A registry that is away, and one of several that is.

use apache_avro::types::Value as Avro;

use super::desk::Desk;
use super::scene::{confluent, member, read};
use crate::stream::scene::Scene;
use crate::support::proxy::Proxy;
use crate::support::{servers, wait};

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY)";

fn port_of_registry() -> u16 {
    let address = servers::registry().address();
    address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port")
}

/// Whether all rows of `t` arrived, in order and once each.
fn assert_complete(scene: &Scene, count: i32) {
    let records = scene.wait_for("public.t", usize::try_from(count).expect("a count"));
    let ids: Vec<Avro> = records
        .iter()
        .map(|record| member(&read(servers::registry(), record.key.as_deref().expect("a key")), "id").clone())
        .collect();
    assert_eq!(ids, (1..=count).map(Avro::Int).collect::<Vec<_>>());
}

#[test]
fn rows_wait_for_a_registry_that_is_away_at_the_start() {
    // Given a registry that nobody reaches, and a server that gives up readers that fall silent.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    scene.execute(&format!(
        "ALTER ROLE {} IN DATABASE {} SET wal_sender_timeout = '2s'",
        "CURRENT_USER", scene.database.name
    ));
    let proxy = Proxy::listen();
    let url = format!("http://127.0.0.1:{}/apis/ccompat/v7", proxy.port());
    let mut properties = confluent(&url);
    properties.push(("retriable.restart.connector.wait.ms", "200"));
    properties.push(("errors.retry.delay.max.ms", "1000"));
    properties.push(("status.update.interval.ms", "300"));

    // When walcast starts and a row is written.
    let walcast = scene.stream(&properties);
    let confirmed = scene.database.confirmed_lsn();
    scene.execute("INSERT INTO t VALUES (1)");

    // Then preflight and log say what is missing, and the status says what is waited for.
    walcast.wait_until_logged("the schema registry does not answer");
    wait::until("the status names the registry", wait::PATIENCE, || {
        walcast.http("/health").is_some_and(|(_, body)| body.contains("registry"))
    });
    // And for longer than the server waits for a silent reader it is the same one, and nothing is confirmed.
    let reader = scene.database.walsender();
    let tries = || walcast.stderr().matches("the schema registry does not answer").count();
    let before = tries();
    wait::until("it is tried again", wait::PATIENCE, || tries() >= before + 5);
    assert_eq!(scene.database.walsender(), reader);
    assert_eq!(scene.topics.existing().len(), 0);
    assert_eq!(scene.database.confirmed_lsn(), confirmed);

    // When it comes back, then the row arrives.
    proxy.forward_to(port_of_registry());
    walcast.wait_until_logged("the schema registry answers again");
    assert_complete(&scene, 1);
    scene.database.wait_until_confirmed();
}

#[test]
fn only_new_schemas_need_a_registry_in_the_middle() {
    // Given a table that is streamed in Avro.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let desk = Desk::open();
    let url = desk.url();
    let _walcast = scene.stream(&confluent(&url));
    scene.execute("INSERT INTO t VALUES (1)");
    assert_complete(&scene, 1);

    // When the registry is out of order, then rows under known schemas go on.
    desk.answer_with(503);
    scene.execute("INSERT INTO t VALUES (2)");
    assert_complete(&scene, 2);

    // When a column is added meanwhile, then its rows wait, and come in order.
    scene.execute("ALTER TABLE t ADD COLUMN note text");
    scene.execute("INSERT INTO t VALUES (3, 'three')");
    wait::until("the registry is asked", wait::PATIENCE, || desk.refused() > 1);
    assert_eq!(scene.topics.read_to_end(&scene.topics.topic("public.t")).len(), 2);
    desk.answer_with(0);
    assert_complete(&scene, 3);
}

#[test]
fn another_address_serves_as_well() {
    // Given two addresses, of which the first one refuses every connection.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let (away, desk) = (Proxy::listen(), Desk::open());
    let urls = format!("http://127.0.0.1:{}/apis/ccompat/v7, {}", away.port(), desk.url());

    // When rows are written, then they are registered at the second one.
    let _walcast = scene.stream(&confluent(&urls));
    scene.execute("INSERT INTO t VALUES (1)");
    assert_complete(&scene, 1);
    assert!(desk.passed() >= 2, "{}", desk.passed());
}

#[test]
fn a_stop_is_heard_while_the_registry_is_away() {
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let away = Proxy::listen();
    let url = format!("http://127.0.0.1:{}/apis/ccompat/v7", away.port());
    let mut walcast = scene.stream(&confluent(&url));
    scene.execute("INSERT INTO t VALUES (1)");
    walcast.wait_until_logged("the schema registry does not answer");
    assert!(walcast.terminate().code().is_some(), "it ends by itself");

    // And the row is still in the slot.
    let url = servers::registry().confluent_url();
    let _walcast = scene.stream(&confluent(&url));
    assert_complete(&scene, 1);
}
