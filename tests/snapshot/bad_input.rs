//! Tables that change under a snapshot, rows that are too large, roles with time limits of their own, and standbys.

use std::collections::BTreeSet;
use std::thread;

use walcast::local::{PostgresOptions, PostgresServer};

use super::incremental::{SIGNALS, TABLE, signal};
use crate::stream::scene::{Scene, after, operations};
use crate::support::standby::Standby;
use crate::support::walcast::Walcast;
use crate::support::{servers, wait};

/// Two tables, of which the first takes a while to read.
const TABLES: &str = "
    CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1);
    CREATE TABLE b (id int PRIMARY KEY, code text NOT NULL UNIQUE);
    INSERT INTO b SELECT i, 'c' || i FROM generate_series(1, 2000) i;";
const SLOWLY: [(&str, &str); 4] = [
    ("snapshot.mode", "initial"),
    ("table.include.list", "public.a,public.b"),
    ("snapshot.select.statement.overrides", "public.a"),
    ("snapshot.select.statement.overrides.public.a", "SELECT a.* FROM public.a, pg_sleep(2)"),
];

/// Waits until a table is being read whose query takes its time with `pg_sleep()`.
pub(super) fn wait_until_first_is_read(scene: &Scene) {
    wait::until("the first table is being read", wait::PATIENCE, || {
        let sql = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
        scene.database.session().value(sql).is_some()
    });
}

/// Starts an initial snapshot, and changes the second table while the first one is being read.
fn change_during_initial(change: &str) -> (Scene, Walcast) {
    let scene = Scene::new(servers::postgres_18(), TABLES);
    let walcast = scene.start(&SLOWLY);
    wait_until_first_is_read(&scene);
    scene.execute(change);
    (scene, walcast)
}

fn numbers(scene: &Scene, table: &str) -> BTreeSet<i64> {
    after(&scene.settled(table), "id").iter().map(|id| id.parse().unwrap()).collect()
}

#[test]
fn a_table_that_is_dropped_during_a_snapshot_is_left_out() {
    let (scene, mut walcast) = change_during_initial("DROP TABLE b");
    walcast.wait_until_streaming(&scene.database);
    scene.execute("INSERT INTO a VALUES (2)");
    assert_eq!(operations(&scene.settled("public.a")), "rc");
    assert!(!scene.topics.existing().contains(&scene.topics.topic("public.b")), "{}", walcast.stderr());
}

#[test]
fn a_table_that_is_truncated_during_a_snapshot_has_the_rows_that_came_after() {
    let (scene, mut walcast) = change_during_initial("TRUNCATE b; INSERT INTO b VALUES (7, 'new'), (8, 'newer')");
    walcast.wait_until_streaming(&scene.database);
    let records = scene.settled("public.b");
    assert_eq!(numbers(&scene, "public.b"), BTreeSet::from([7, 8]), "{}", operations(&records));
}

#[test]
fn a_table_that_gets_another_key_during_a_snapshot_has_all_rows_and_each_change_the_new_key() {
    let (scene, mut walcast) =
        change_during_initial("ALTER TABLE b DROP CONSTRAINT b_pkey; ALTER TABLE b ADD PRIMARY KEY (code)");
    walcast.wait_until_streaming(&scene.database);
    assert_eq!(numbers(&scene, "public.b").len(), 2_000, "{}", walcast.stderr());
    scene.execute("UPDATE b SET id = -1 WHERE id = 1");
    let records = scene.settled("public.b");
    let last = records.last().unwrap();
    assert_eq!(last.key_text().unwrap(), r#"{"code":"c1"}"#);
    assert_eq!(last.json()["op"], "u");
}

/// Changes a table while it is read beside the stream, and waits for the end of that.
fn change_during_incremental(change: &str) -> (Scene, Walcast) {
    let rows = "CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL UNIQUE);
                INSERT INTO t SELECT i, 'c' || i FROM generate_series(1, 5000) i; CREATE TABLE u (id int PRIMARY KEY);
                INSERT INTO u VALUES (1)";
    let scene = Scene::new(servers::postgres_18(), &format!("{SIGNALS} {rows}"));
    let walcast = scene.stream(&[TABLE, ("incremental.snapshot.chunk.size", "20")]);
    signal(&scene, "1", "execute-snapshot", r#"{"data-collections": ["public.t", "public.u"]}"#);
    scene.wait_for("public.t", 40);
    scene.execute(change);
    walcast.wait_until_logged("the incremental snapshot is complete");
    (scene, walcast)
}

#[test]
fn a_table_that_is_dropped_while_it_is_read_beside_the_stream_ends_there() {
    let (scene, walcast) = change_during_incremental("DROP TABLE t");
    assert!(walcast.stderr().contains("UNKNOWN_SCHEMA"), "{}", walcast.stderr());
    assert_eq!(numbers(&scene, "public.u"), BTreeSet::from([1]), "what comes behind it is read");
}

#[test]
fn a_table_that_is_truncated_while_it_is_read_beside_the_stream_has_the_rows_that_came_after() {
    let (scene, _walcast) = change_during_incremental("TRUNCATE t; INSERT INTO t VALUES (6000, 'new')");
    let records = scene.settled("public.t");
    let created = records.iter().position(|record| record.json()["op"] == "c").expect("the new row");
    assert!(records[created..].iter().all(|record| record.json()["after"]["id"] == 6_000), "no old row behind it");
    assert_eq!(numbers(&scene, "public.u"), BTreeSet::from([1]));
}

#[test]
fn a_table_that_gets_another_key_while_it_is_read_beside_the_stream_has_all_rows() {
    let (scene, walcast) =
        change_during_incremental("ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (code)");
    let numbers = numbers(&scene, "public.t");
    assert_eq!(numbers.len(), 5_000, "{}", walcast.stderr());
}

#[test]
fn a_row_over_the_limit_in_a_snapshot_stops_with_what_to_do_and_nothing_is_lost() {
    // Given a topic that takes records up to 100 kB, and a larger row among others.
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE t (id int PRIMARY KEY, body text); INSERT INTO t SELECT i, 's3cret' FROM generate_series(1, 50) i;
         INSERT INTO t SELECT 51, 's3cret' || string_agg(md5(n::text), '') FROM generate_series(1, 10000) n;
         INSERT INTO t SELECT i, 's3cret' FROM generate_series(52, 100) i",
    );
    let topic = scene.topics.topic("public.t");
    scene.topics.create(std::slice::from_ref(&topic), 1, &[("max.message.bytes", "100000")]);
    let settings = [("snapshot.mode", "initial"), ("producer.override.batch.size", "16384")];

    // When it is read, then walcast ends and names table, key columns, size and setting, and no value of the row.
    let mut walcast = scene.start(&settings);
    assert_eq!(walcast.wait_exit().code(), Some(7), "{}", walcast.stderr());
    let log = walcast.stderr();
    for part in [r#""public"."t""#, "(id)", "320", "max.message.bytes"] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
    assert!(!log.contains("s3cret"), "a value of the row is in the log:\n{log}");

    // And when the limit is raised, then the snapshot goes on to its end.
    scene.topics.configure(&topic, "max.message.bytes", "900000");
    let _walcast = scene.stream(&settings);
    assert_eq!(numbers(&scene, "public.t"), (1..=100).collect());
}

#[test]
fn a_row_over_the_limit_beside_the_stream_stops_with_what_to_do_and_nothing_is_lost() {
    // Given a topic that takes records up to 100 kB, and a larger row among others.
    let scene = Scene::new(
        servers::postgres_18(),
        &format!(
            "{SIGNALS} CREATE TABLE t (id int PRIMARY KEY, body text);
             INSERT INTO t SELECT i, 's3cret' FROM generate_series(1, 50) i;
             INSERT INTO t SELECT 51, 's3cret' || string_agg(md5(n::text), '') FROM generate_series(1, 10000) n;
             INSERT INTO t SELECT i, 's3cret' FROM generate_series(52, 100) i"
        ),
    );
    let topic = scene.topics.topic("public.t");
    scene.topics.create(std::slice::from_ref(&topic), 1, &[("max.message.bytes", "100000")]);
    let settings = [TABLE, ("incremental.snapshot.chunk.size", "20"), ("producer.override.batch.size", "16384")];

    // When an incremental snapshot comes to it, then walcast ends and names table, size and setting, and no value of it.
    let mut walcast = scene.stream(&settings);
    signal(&scene, "1", "execute-snapshot", r#"{"data-collections": ["public.t"]}"#);
    assert_eq!(walcast.wait_exit().code(), Some(7), "{}", walcast.stderr());
    let log = walcast.stderr();
    for part in [r#""public"."t""#, "320", "max.message.bytes"] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
    assert!(!log.contains("s3cret"), "a value of the row is in the log:\n{log}");

    // And when the limit is raised, then the snapshot goes on to its end, and the stream with it.
    scene.topics.configure(&topic, "max.message.bytes", "900000");
    let walcast = scene.stream(&settings);
    walcast.wait_until_logged("the incremental snapshot is complete");
    assert_eq!(numbers(&scene, "public.t"), (1..=100).collect());
    scene.execute("INSERT INTO t VALUES (101, '')");
    assert_eq!(numbers(&scene, "public.t"), (1..=101).collect());
}

#[test]
fn time_limits_of_the_role_do_not_end_a_snapshot() {
    // Given a role whose sessions end after 300 ms of anything, and tables that take longer.
    let scene = Scene::new(servers::postgres_18(), &format!("{SIGNALS} {TABLES}"));
    let role = format!("{}_impatient", scene.database.name);
    let limits = ["statement", "idle_in_transaction_session", "lock", "transaction", "idle_session"];
    scene.execute(&format!("CREATE ROLE {role} LOGIN SUPERUSER"));
    limits.iter().for_each(|limit| scene.execute(&format!("ALTER ROLE {role} SET {limit}_timeout = 300")));
    let mut settings = SLOWLY.to_vec();
    settings.retain(|(name, _)| *name != "table.include.list");
    settings.extend([("database.user", role.as_str()), TABLE, ("incremental.snapshot.chunk.size", "500")]);

    // When they are read, the one way while somebody holds a lock for a while, and then the other.
    let mut walcast = scene.start(&settings);
    thread::scope(|scope| {
        scope.spawn(|| {
            let other = scene.database.another_session();
            wait::until("the slot is there", wait::PATIENCE, || scene.has_slot());
            other.execute("BEGIN; LOCK TABLE b IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3); COMMIT");
        });
    });
    walcast.wait_until_streaming(&scene.database);
    signal(&scene, "1", "execute-snapshot", r#"{"data-collections": ["public.b"]}"#);
    walcast.wait_until_logged("the incremental snapshot is complete");

    // Then all rows are there, and each reading had to be done once.
    assert_eq!(operations(&scene.settled("public.b")), "r".repeat(4_000), "{}", walcast.stderr());
    assert!(walcast.terminate().success());
    scene.execute(&format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// A server with a standby, and tables with rows.
fn with_standby(major: u16) -> (Scene, Standby) {
    let server: &'static dyn PostgresServer = Box::leak(servers::process_postgres(&PostgresOptions::new(major)));
    let scene = Scene::new(server, &format!("{SIGNALS} {TABLES}"));
    scene.execute(&format!("CREATE PUBLICATION {} FOR ALL TABLES", scene.database.publication));
    let mut scene = scene;
    let standby = Standby::of(server);
    scene.database.reconnect();
    (scene, standby)
}

#[test]
fn a_standby_is_read_at_the_start_and_beside_the_stream() {
    // Given a hot standby of PostgreSQL 18.
    let (scene, standby) = with_standby(18);
    let port = standby.port.to_string();
    let settings = [
        ("snapshot.mode", "initial"),
        ("database.port", port.as_str()),
        ("read.only", "true"),
        TABLE,
        ("incremental.snapshot.chunk.size", "700"),
    ];

    // When walcast begins there, and a signal comes from the primary, which tells now and then what runs.
    let walcast = scene.start(&settings);
    let tells = |condition: &dyn Fn() -> bool| {
        wait::until("the standby's log is read", wait::PATIENCE, || {
            scene.execute("SELECT pg_log_standby_snapshot()");
            condition()
        });
    };
    tells(&|| walcast.stderr().contains("INFO streaming"));
    signal(&scene, "1", "execute-snapshot", r#"{"data-collections": ["public.b"]}"#);
    tells(&|| walcast.stderr().contains("the incremental snapshot is complete"));

    // Then each row was read once in each of the two ways, and changes follow.
    scene.execute("INSERT INTO b VALUES (0, 'new')");
    let records = scene.wait_for("public.b", 4_001);
    assert_eq!(operations(&records), "r".repeat(4_000) + "c");
}

#[test]
fn a_standby_that_cannot_decode_is_refused_at_the_start() {
    // Given a hot standby of PostgreSQL 15, when walcast begins there, then it says what to do and ends.
    let (scene, standby) = with_standby(15);
    let port = standby.port.to_string();
    let mut walcast = scene.start(&[("snapshot.mode", "initial"), ("database.port", &port)]);
    assert!(!walcast.wait_exit().success());
    assert!(walcast.stderr().contains("primary"), "{}", walcast.stderr());
}
