//! What cannot work is said at the start, and nothing is made.

use super::scene::{Scene, assert_ends, guarded};
use crate::support::servers;

#[test]
fn a_wrong_password_is_said_at_once() {
    // Given a role with a password.
    let server = guarded(15);
    let scene = Scene::new(&*server);
    scene.execute("CREATE ROLE reader SUPERUSER LOGIN REPLICATION PASSWORD 'right-secret'");

    // When walcast starts with another one, or with none, or as nobody.
    for (user, password, words) in [
        ("reader", Some("wrong-secret"), "28P01"),
        ("reader", None, "database.password"),
        ("nobody_known", Some("wrong-secret"), "28P01"),
    ] {
        let mut properties = vec![("database.user", user)];
        properties.extend(password.map(|password| ("database.password", password)));
        let mut walcast = scene.start(&properties);

        // Then it ends and shows no password.
        let log = assert_ends(&mut walcast, 4, &[words, "database.password"]);
        assert!(!log.contains("secret"), "{log}");
    }
    assert_eq!(scene.database.confirmed_lsn(), None);
}

#[test]
fn a_missing_database_is_named() {
    let scene = Scene::new(servers::postgres_18());
    let mut walcast = scene.start(&[("database.dbname", "no_such_database")]);
    assert_ends(&mut walcast, 3, &["3D000", "no_such_database", "check database.dbname"]);
}

#[test]
fn a_server_that_is_not_there_uses_up_the_attempts() {
    // Given an address at which every connection is closed, and one of a host that does not exist.
    let scene = Scene::new(servers::postgres_18());
    scene.proxy.refuse(true);
    for host in ["127.0.0.1", "nowhere.invalid"] {
        // When walcast starts with no attempt to spare.
        let mut walcast = scene.start(&[("errors.max.retries", "0"), ("database.hostname", host)]);

        // Then it ends at once.
        assert_ends(&mut walcast, 9, &["gave up after 0 retries", "database.hostname", "errors.max.retries"]);
    }
}

#[test]
fn required_tls_that_is_not_offered_is_refused() {
    // Given a server without TLS.
    let scene = Scene::new(servers::postgres_18());
    for mode in ["require", "verify-ca", "verify-full"] {
        // When walcast insists on it.
        let mut walcast = scene.start(&[("database.sslmode", mode)]);

        // Then it ends, and has never sent more than the question.
        assert_ends(&mut walcast, 4, &["does not support TLS", "database.sslmode"]);
    }
    assert_eq!(scene.database.confirmed_lsn(), None);
}
