//! What keeps walcast from starting on a server, told before anything is changed there.

use walcast::local::PostgresOptions;

use super::scene::Scene;
use crate::support::database::Database;
use crate::support::servers;
use crate::support::topics::Topics;
use crate::support::walcast::{Walcast, connector_config};

#[test]
fn preflight_tells_everything_at_once_with_the_sql_that_mends_it() {
    // Given a server without logical decoding and a role without rights.
    let server = servers::own_postgres(&PostgresOptions::new(15).setting("wal_level", "replica"));
    let database = Database::create(&*server);
    database.execute("CREATE TABLE t (words text); CREATE ROLE reader LOGIN");
    let topics = Topics::new(servers::kafka().bootstrap());
    let mut config = connector_config(&database, &topics);
    config.insert("database.user".to_owned(), "reader".into());

    // When walcast starts.
    let mut walcast = Walcast::run(&config, &topics);

    // Then it ends with the code of preflight, all findings and what mends each.
    assert_eq!(walcast.wait_exit().code(), Some(3), "{}", walcast.stderr());
    let log = walcast.stderr();
    for part in [
        "error (wal_level)",
        "ALTER SYSTEM SET wal_level = 'logical'",
        "error (replication_privilege)",
        "ALTER ROLE",
        "error (publication_privilege)",
        "(replica_identity)",
        "REPLICA IDENTITY FULL",
    ] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }

    // And nothing was made.
    assert_eq!(database.session().value("SELECT count(*) FROM pg_replication_slots").as_deref(), Some("0"));
    assert_eq!(database.session().value("SELECT count(*) FROM pg_publication").as_deref(), Some("0"));
    assert_eq!(topics.existing().len(), 0);
}

#[test]
fn a_slot_of_another_plugin_is_left_alone() {
    // Given a slot of another plugin under our name.
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY)");
    let slot = &scene.database.slot;
    scene.execute(&format!("SELECT pg_create_logical_replication_slot('{slot}', 'test_decoding')"));

    // When walcast starts.
    let mut walcast = scene.start(&[]);

    // Then it ends, names both plugins, and the slot stays.
    assert_eq!(walcast.wait_exit().code(), Some(3), "{}", walcast.stderr());
    let log = walcast.stderr();
    assert!(log.contains(slot) && log.contains("test_decoding") && log.contains("pgoutput"), "{log}");
    assert!(scene.has_slot() && !scene.has_publication());
}

#[test]
fn snapshot_modes_that_need_java_are_refused_in_clear_words() {
    // Given a mode that only Java can fill, when walcast starts.
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY)");
    let mut walcast = scene.start(&[("snapshot.mode", "custom")]);

    // Then it says so, names what works, and touches nothing.
    assert_eq!(walcast.wait_exit().code(), Some(2), "{}", walcast.stderr());
    let log = walcast.stderr();
    assert!(log.contains("snapshot.mode") && log.contains("Java") && log.contains("when_needed"), "{log}");
    assert!(!scene.has_slot() && !scene.has_publication());

    // Given never, Debezium's old name of no_data, then it streams.
    let _walcast = scene.stream(&[("snapshot.mode", "never")]);
}

#[test]
fn errors_can_be_read_by_a_machine() {
    // Given a password that is wrong for a role, when walcast starts with JSON logs.
    let server = servers::own_postgres(
        &PostgresOptions::new(18)
            .hba_line("local all all trust")
            .hba_line("host all postgres 127.0.0.1/32 trust")
            .hba_line("host all all 127.0.0.1/32 scram-sha-256"),
    );
    let database = Database::create(&*server);
    database.execute("CREATE ROLE guarded LOGIN REPLICATION PASSWORD 'right-horse'");
    let topics = Topics::new(servers::kafka().bootstrap());
    let mut config = connector_config(&database, &topics);
    config.insert("database.user".to_owned(), "guarded".into());
    config.insert("database.password".to_owned(), "wr0ng-battery".into());
    let bootstrap = ["--bootstrap-servers", servers::kafka().bootstrap(), "--log-format", "json"];
    let mut walcast = Walcast::run_with(&config, &bootstrap);

    // Then every line is an object, the last one is the error, and no password is in any.
    assert_eq!(walcast.wait_exit().code(), Some(4), "{}", walcast.stderr());
    let log = walcast.stderr();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let last = lines.last().expect("a line");
    assert_eq!((&last["kind"], &last["exit_code"]), (&"authentication".into(), &4.into()));
    assert!(!log.contains("battery") && !log.contains("horse"), "{log}");
}
