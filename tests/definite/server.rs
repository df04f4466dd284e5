//! The server itself is another one, is gone for good, or does not let us in any more.

use walcast::local::{PostgresOptions, StopMode};

use super::scene::{Scene, assert_ends, found, guarded};
use crate::support::database::Database;
use crate::support::servers;

#[test]
fn another_cluster_at_the_same_address_is_not_read() {
    // Given walcast, cut off, and another cluster that has a database of the same name and nothing in it.
    let scene = Scene::new(servers::postgres_18());
    let mut walcast = scene.stream(&[]);
    let ours = scene.cut_off();
    let other = Database::create(servers::postgres_15());
    other.execute(&format!("CREATE DATABASE {}", scene.database.name));

    // When the address leads there.
    scene.proxy.forward_to(servers::postgres_15().port());
    scene.let_back();

    // Then walcast ends and has made nothing there.
    let words = ["another database cluster answers", "system identifier", "check which server"];
    let log = assert_ends(&mut walcast, 5, &words);
    found(&log, ours);
    let made = format!("SELECT 1 FROM pg_replication_slots WHERE slot_name = '{}'", scene.database.slot);
    assert_eq!(other.session().value(&made), None);
    other.execute(&format!("DROP DATABASE {} WITH (FORCE)", scene.database.name));
}

#[test]
fn a_password_changed_meanwhile_ends_the_attempts() {
    // Given walcast that streams as a role with a password.
    let server = guarded(18);
    let scene = Scene::new(&*server);
    scene.execute("CREATE ROLE reader SUPERUSER LOGIN REPLICATION PASSWORD 'first-secret'");
    let mut walcast = scene.stream(&[("database.user", "reader"), ("database.password", "first-secret")]);

    // When the password is changed and the connection ended.
    scene.execute("ALTER ROLE reader PASSWORD 'second-secret'");
    scene.database.terminate_walsender();

    // Then walcast ends and shows neither password.
    let log = assert_ends(&mut walcast, 4, &["the server refused the credentials", "28P01", "database.password"]);
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn a_limit_of_attempts_is_kept() {
    // Given walcast that may try twice.
    let server = servers::own_postgres(&PostgresOptions::new(15));
    let scene = Scene::new(&*server);
    let mut walcast = scene.stream(&[("errors.max.retries", "2")]);

    // When the server goes away.
    server.stop(StopMode::Immediate).expect("it stops");

    // Then it tries, and ends.
    assert_ends(&mut walcast, 9, &["gave up after 2 retries", "errors.max.retries"]);
}
