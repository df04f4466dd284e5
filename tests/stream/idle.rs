//! A connector that has nothing to do still lets the server forget its log, and stop.

use std::time::{Duration, Instant};

use walcast::local::{PostgresOptions, PostgresServer, StopMode};

use super::scene::{Scene, after, wait_until_health};
use crate::support::database::Database;
use crate::support::servers;
use crate::support::topics::Topics;
use crate::support::walcast::{Walcast, connector_config};

fn changes_elsewhere_move_the_confirmed_position(server: &'static dyn PostgresServer) {
    // Given walcast on one table, a table outside of its publication, and another database.
    let scene = Scene::new(server, "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE busy (id int)");
    let _walcast = scene.stream(&[("publication.autocreate.mode", "filtered"), ("table.include.list", "public.t")]);
    let elsewhere = Database::create(server);

    // When only those are written to.
    let before = scene.database.confirmed_lsn().expect("a slot");
    scene.execute("INSERT INTO busy SELECT generate_series(1, 1000)");
    scene.database.wait_until_confirmed();
    let between = scene.database.confirmed_lsn().expect("a slot");
    elsewhere.execute("CREATE TABLE busy AS SELECT generate_series(1, 1000)");
    scene.database.wait_until_confirmed();

    // Then the confirmed position moves with each, and nothing was written.
    assert!(before < between && between < scene.database.confirmed_lsn().expect("a slot"));
    assert_eq!(scene.topics.existing().len(), 0);
}

#[test]
fn changes_elsewhere_move_the_confirmed_position_on_postgres_15() {
    changes_elsewhere_move_the_confirmed_position(servers::postgres_15());
}

#[test]
fn changes_elsewhere_move_the_confirmed_position_on_postgres_18() {
    changes_elsewhere_move_the_confirmed_position(servers::postgres_18());
}

fn a_fast_shutdown_of_the_server_is_not_held_up(major: u16) {
    // Given a server whose only session is walcast's, which has streamed a row and is idle.
    let server = servers::own_postgres(&PostgresOptions::new(major));
    let mut database = Database::create(&*server);
    database.execute("CREATE TABLE t (id int PRIMARY KEY)");
    let topics = Topics::new(servers::kafka().bootstrap());
    let mut walcast = Walcast::run(&connector_config(&database, &topics), &topics);
    walcast.wait_until_streaming(&database);
    database.execute("INSERT INTO t VALUES (1)");
    let topic = topics.topic("public.t");
    topics.wait_for(&topic, 1);
    database.wait_until_confirmed();

    // When it is shut down.
    let since = Instant::now();
    server.stop(StopMode::Fast).expect("it stops");
    let took = since.elapsed();

    // Then it does not wait for walcast; walcast waits for it, and goes on.
    assert!(took < Duration::from_secs(8), "the shutdown took {took:?}");
    wait_until_health(&walcast, "reconnecting");
    server.start_again().expect("it starts");
    database.reconnect();
    database.execute("INSERT INTO t VALUES (2)");
    topics.wait_for(&topic, 2);
    database.wait_until_confirmed();
    assert_eq!(after(&topics.read_to_end(&topic), "id"), ["1", "2"]);
}

#[test]
fn a_fast_shutdown_of_postgres_15_is_not_held_up() {
    a_fast_shutdown_of_the_server_is_not_held_up(15);
}

#[test]
fn a_fast_shutdown_of_postgres_18_is_not_held_up() {
    a_fast_shutdown_of_the_server_is_not_held_up(18);
}
