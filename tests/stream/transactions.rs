//! Transactions of every shape: savepoints, COPY, TRUNCATE, messages, roll-backs, interleaving.

use super::scene::{Scene, after, operations};
use crate::support::{servers, wait};

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, words text)";

#[test]
fn only_what_is_committed_arrives_in_the_order_of_commits() {
    // Given walcast, and a second session.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let _walcast = scene.stream(&[]);
    let other = scene.database.another_session();

    // When transactions interleave, roll back in part and as a whole.
    scene.execute("BEGIN; INSERT INTO t VALUES (1)");
    other.execute("BEGIN; INSERT INTO t VALUES (2); COMMIT");
    scene.execute("SAVEPOINT a; INSERT INTO t VALUES (3); ROLLBACK TO a; SAVEPOINT b; INSERT INTO t VALUES (4)");
    scene.execute("RELEASE b; COMMIT");
    other.execute("BEGIN; INSERT INTO t VALUES (5); ROLLBACK");
    scene.execute("INSERT INTO t VALUES (6)");

    // Then the consumer sees what is committed, in the order of commits.
    scene.wait_for("public.t", 4);
    let records = scene.settled("public.t");
    assert_eq!(after(&records, "id"), ["2", "1", "4", "6"]);

    // And the rows of one transaction say so.
    let transaction = |number: usize| records[number].json()["source"]["txId"].as_i64().expect("an id");
    assert_eq!(transaction(1), transaction(2));
    assert_ne!(transaction(0), transaction(1));
}

#[test]
fn copied_rows_arrive_as_inserted_ones() {
    // Given walcast, when rows are written by COPY's way of inserting many at once.
    let scene = Scene::new(servers::postgres_18(), TABLE);
    let _walcast = scene.stream(&[]);
    scene.execute("COPY t FROM PROGRAM 'seq -f \"%g,row\" 1 2000' WITH (FORMAT csv)");

    // Then each is a create.
    let records = scene.wait_for("public.t", 2000);
    let expected: Vec<_> = (1..=2000).map(|id: u32| id.to_string()).collect();
    assert_eq!(after(&records, "id"), expected);
    assert!(records.iter().all(|record| record.json()["op"] == "c"));
}

#[test]
fn truncate_is_skipped_unless_it_is_asked_for() {
    // Given one connector with defaults, when a table is emptied between two rows.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let mut walcast = scene.stream(&[]);
    scene.execute("INSERT INTO t VALUES (1); TRUNCATE t; INSERT INTO t VALUES (2)");

    // Then only the rows are seen.
    scene.wait_for("public.t", 2);
    assert_eq!(operations(&scene.settled("public.t")), "cc");
    assert!(walcast.terminate().success());

    // Given a connector that skips nothing, when two tables are emptied at once.
    let scene = Scene::new(servers::postgres_18(), TABLE);
    scene.execute("CREATE TABLE u (id int PRIMARY KEY)");
    let _walcast = scene.stream(&[("skipped.operations", "none")]);
    scene.execute("INSERT INTO t VALUES (1); INSERT INTO u VALUES (1); TRUNCATE t, u; INSERT INTO t VALUES (2)");

    // Then each table's topic has the truncate in its place, without a key.
    let records = scene.wait_for("public.t", 3);
    assert_eq!(operations(&records), "ctc");
    assert_eq!(records[1].key, None);
    assert_eq!(operations(&scene.wait_for("public.u", 2)), "ct");
}

#[test]
fn logical_messages_do_no_harm() {
    let scene = Scene::new(servers::postgres_18(), TABLE);
    let _walcast = scene.stream(&[]);

    // When messages come alone, inside a transaction, and of 1 MiB.
    scene.execute("SELECT pg_logical_emit_message(false, 'p', 'outside')");
    scene.execute("BEGIN; SELECT pg_logical_emit_message(true, 'p', 'inside'); INSERT INTO t VALUES (1); COMMIT");
    scene.execute("SELECT pg_logical_emit_message(true, 'p', repeat('x', 1 << 20))");
    scene.execute("INSERT INTO t VALUES (2)");

    // Then the rows arrive and all is confirmed.
    assert_eq!(after(&scene.wait_for("public.t", 2), "id"), ["1", "2"]);
    scene.database.wait_until_confirmed();
}

#[test]
fn a_value_that_was_not_changed_and_not_sent_is_marked() {
    // Given a row with a value that is stored out of line.
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY, n int, words text)");
    scene.execute("ALTER TABLE t ALTER words SET STORAGE EXTERNAL");
    let _walcast = scene.stream(&[]);
    scene.execute("INSERT INTO t VALUES (1, 0, repeat('long', 10000))");

    // When another column is changed.
    scene.execute("UPDATE t SET n = 1");

    // Then the value is Debezium's placeholder, not null.
    let records = scene.wait_for("public.t", 2);
    assert_eq!(after(&records, "words"), ["long".repeat(10_000), "__debezium_unavailable_value".to_owned()]);
}

#[test]
fn prepared_transactions_arrive_when_they_are_committed() {
    // Given a server that prepares transactions.
    let options = walcast::local::PostgresOptions::new(18).setting("max_prepared_transactions", "5");
    let server = servers::own_postgres(&options);
    let database = crate::support::database::Database::create(&*server);
    let topics = crate::support::topics::Topics::new(servers::kafka().bootstrap());
    database.execute(TABLE);
    let config = crate::support::walcast::connector_config(&database, &topics);
    let mut walcast = crate::support::walcast::Walcast::run(&config, &topics);
    walcast.wait_until_streaming(&database);

    // When one is committed and one is rolled back.
    database.execute("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'kept'");
    database.execute("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'dropped'");
    database.execute("INSERT INTO t VALUES (3)");
    database.execute("ROLLBACK PREPARED 'dropped'");
    database.execute("COMMIT PREPARED 'kept'");

    // Then the committed one arrives at its commit.
    let topic = topics.topic("public.t");
    topics.wait_for(&topic, 2);
    database.wait_until_confirmed();
    assert_eq!(after(&topics.read_to_end(&topic), "id"), ["3", "1"]);
    wait::until("it streams on", wait::PATIENCE, || database.walsender().is_some());
}
