//! Tables that change their shape while they are streamed.

use serde_json::json;
use walcast::local::PostgresServer;

use super::scene::{Scene, after, operations};
use crate::support::servers;

fn every_row_has_the_shape_of_its_time(server: &'static dyn PostgresServer) {
    // Given a table that walcast streams.
    let scene = Scene::new(server, "CREATE TABLE t (id int PRIMARY KEY, a text)");
    let _walcast = scene.stream(&[]);

    // When its columns change between rows, without waiting for anything to be read.
    scene.execute("INSERT INTO t VALUES (1, 'x')");
    scene.execute("ALTER TABLE t ADD COLUMN b int DEFAULT 7");
    scene.execute("INSERT INTO t VALUES (2, 'x')");
    scene.execute("ALTER TABLE t RENAME COLUMN a TO c");
    scene.execute("INSERT INTO t VALUES (3, 'x', 8)");
    scene.execute("ALTER TABLE t DROP COLUMN b");
    scene.execute("INSERT INTO t VALUES (4, 'x')");
    scene.execute("ALTER TABLE t ALTER COLUMN id TYPE bigint");
    scene.execute("INSERT INTO t VALUES (5000000000, 'x')");
    scene.execute("ALTER TABLE t ALTER COLUMN c TYPE int USING length(c)");
    scene.execute("UPDATE t SET c = 2 WHERE id = 1");
    scene.execute(
        "BEGIN; INSERT INTO t VALUES (6, 1); ALTER TABLE t ADD d text; INSERT INTO t VALUES (7, 1, 'y'); COMMIT",
    );

    // Then every record has the columns and types of its moment.
    let records = scene.wait_for("public.t", 8);
    let rows: Vec<_> = records.iter().map(|record| record.json()["after"].clone()).collect();
    assert_eq!(
        rows,
        [
            json!({"id": 1, "a": "x"}),
            json!({"id": 2, "a": "x", "b": 7}),
            json!({"id": 3, "c": "x", "b": 8}),
            json!({"id": 4, "c": "x"}),
            json!({"id": 5_000_000_000_i64, "c": "x"}),
            json!({"id": 1, "c": 2}),
            json!({"id": 6, "c": 1}),
            json!({"id": 7, "c": 1, "d": "y"}),
        ]
    );
    assert_eq!(records[4].key_text(), Some("{\"id\":5000000000}"));
}

#[test]
fn every_row_has_the_shape_of_its_time_on_postgres_15() {
    every_row_has_the_shape_of_its_time(servers::postgres_15());
}

#[test]
fn every_row_has_the_shape_of_its_time_on_postgres_18() {
    every_row_has_the_shape_of_its_time(servers::postgres_18());
}

#[test]
fn tables_that_are_made_renamed_and_dropped_meanwhile_have_their_topics() {
    // Given walcast on a publication of all tables.
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY)");
    let _walcast = scene.stream(&[]);

    // When tables are made, renamed, moved to another schema, dropped and made again with another shape.
    scene.execute("INSERT INTO t VALUES (1)");
    scene.execute("CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1)");
    scene.execute("ALTER TABLE t RENAME TO renamed; INSERT INTO renamed VALUES (2)");
    scene.execute("CREATE SCHEMA elsewhere; ALTER TABLE renamed SET SCHEMA elsewhere");
    scene.execute("INSERT INTO elsewhere.renamed VALUES (3)");
    scene.execute("DROP TABLE fresh; CREATE TABLE fresh (id uuid PRIMARY KEY, n int)");
    scene.execute("INSERT INTO fresh VALUES ('00000000-0000-0000-0000-00000000000a', 2)");

    // Then each row is in the topic of the name that its table had.
    for (table, ids) in [
        ("public.t", &["1"][..]),
        ("public.renamed", &["2"]),
        ("elsewhere.renamed", &["3"]),
        ("public.fresh", &["1", "00000000-0000-0000-0000-00000000000a"]),
    ] {
        assert_eq!(after(&scene.wait_for(table, ids.len()), "id"), ids, "{table}");
    }
}

#[test]
fn a_new_key_is_used_from_its_moment_on() {
    // Given a table with one key.
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL)");
    let _walcast = scene.stream(&[]);
    scene.execute("INSERT INTO t VALUES (1, 'a')");
    scene.wait_for("public.t", 1);

    // When the key becomes another column.
    scene.execute("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (code)");
    scene.execute("INSERT INTO t VALUES (2, 'b')");

    // Then records are keyed by it.
    let records = scene.wait_for("public.t", 2);
    let keys: Vec<_> = records.iter().map(|record| record.key_text().expect("a key")).collect();
    assert_eq!(keys, ["{\"id\":1}", "{\"code\":\"b\"}"]);
}

#[test]
fn a_table_that_changes_before_its_first_row_is_written_as_it_is_then() {
    for server in [servers::postgres_15(), servers::postgres_18()] {
        // Given walcast that streams, and a table without rows.
        let scene = Scene::new(server, "CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL)");
        let _walcast = scene.stream(&[]);

        // When its key changes before the first row comes.
        scene.execute("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (code)");
        scene.execute("INSERT INTO t VALUES (1, 'a')");

        // Then its records have the new key.
        let records = scene.wait_for("public.t", 1);
        assert_eq!(records[0].key_text(), Some("{\"code\":\"a\"}"), "PostgreSQL {}", server.major());
    }
}

#[test]
fn names_that_need_quotes_are_streamed() {
    // Given names with capitals, spaces, quotes and letters of other alphabets.
    let table = r#"CREATE SCHEMA "Sch""ema"; CREATE TABLE "Sch""ema"."Tä ble" ("I d" int PRIMARY KEY, "q""t" text)"#;
    let scene = Scene::new(servers::postgres_18(), table);
    let _walcast = scene.stream(&[]);

    // When a row is written.
    scene.execute(r#"INSERT INTO "Sch""ema"."Tä ble" VALUES (1, 'x')"#);

    // Then its topic has what Kafka takes of the name, and the record the name itself.
    let topic = crate::support::wait::until_some("a topic is there", crate::support::wait::PATIENCE, || {
        scene.topics.existing().into_iter().next()
    });
    let records = scene.topics.wait_for(&topic, 1);
    let record = records[0].json();
    assert_eq!(record["after"], json!({"I d": 1, "q\"t": "x"}));
    assert_eq!((&record["source"]["schema"], &record["source"]["table"]), (&json!("Sch\"ema"), &json!("Tä ble")));
}

fn what_happened_while_it_was_stopped_arrives(server: &'static dyn PostgresServer) {
    // Given a slot and publication, and nobody who reads.
    let scene =
        Scene::new(server, "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE gone (id int PRIMARY KEY)");
    assert!(scene.stream(&[]).terminate().success());

    // When rows are written to tables that are then changed, renamed and dropped.
    scene.execute("INSERT INTO t VALUES (1, 'x')");
    scene.execute("ALTER TABLE t ADD COLUMN b int; INSERT INTO t VALUES (2, 'x', 7)");
    scene.execute("ALTER TABLE t DROP COLUMN a; INSERT INTO t VALUES (3, 7)");
    scene.execute("ALTER TABLE t RENAME TO u; INSERT INTO u VALUES (4, 7)");
    scene.execute("INSERT INTO gone VALUES (1); DROP TABLE gone");
    scene.execute("CREATE TYPE mood AS ENUM ('good'); CREATE TABLE typed (id int PRIMARY KEY, mood mood)");
    scene.execute("INSERT INTO typed VALUES (1, 'good'); DROP TABLE typed; DROP TYPE mood");
    scene.execute("INSERT INTO u VALUES (5, 8)");

    // Then, after the next start, every row arrives in the topic of its name then.
    let walcast = scene.stream(&[]);
    let rows = |table: &str, count: usize| -> Vec<serde_json::Value> {
        scene.wait_for(table, count).iter().map(|record| record.json()["after"].clone()).collect()
    };
    assert_eq!(
        rows("public.t", 3),
        [json!({"id": 1, "a": "x"}), json!({"id": 2, "a": "x", "b": 7}), json!({"id": 3, "b": 7})]
    );
    assert_eq!(rows("public.u", 2), [json!({"id": 4, "b": 7}), json!({"id": 5, "b": 8})]);
    assert_eq!(rows("public.gone", 1), [json!({"id": 1})]);
    assert_eq!(rows("public.typed", 1)[0]["id"], 1);
    scene.database.wait_until_confirmed();
    drop(walcast);
}

#[test]
fn what_happened_while_it_was_stopped_arrives_from_postgres_15() {
    what_happened_while_it_was_stopped_arrives(servers::postgres_15());
}

#[test]
fn what_happened_while_it_was_stopped_arrives_from_postgres_18() {
    what_happened_while_it_was_stopped_arrives(servers::postgres_18());
}

#[test]
fn maintenance_and_tables_that_are_not_logged_do_no_harm() {
    // Given a table with an index, and walcast.
    let scene =
        Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY, n int); CREATE INDEX i ON t (n)");
    let _walcast = scene.stream(&[]);
    scene.execute("INSERT INTO t SELECT n, n FROM generate_series(1, 100) n");

    // When the table is rewritten in every way, and rows go where nothing is logged.
    for statement in [
        "VACUUM FULL t",
        "CLUSTER t USING i",
        "REINDEX TABLE t",
        "ALTER TABLE t ADD COLUMN stamp timestamptz DEFAULT clock_timestamp()",
        "ALTER TABLE t ALTER COLUMN n TYPE bigint",
        "ANALYZE t",
        "CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY)",
        "INSERT INTO unlogged VALUES (1)",
        "CREATE TEMPORARY TABLE temporary (id int PRIMARY KEY)",
        "INSERT INTO temporary VALUES (1)",
        "CREATE MATERIALIZED VIEW seen AS SELECT * FROM t",
        "REFRESH MATERIALIZED VIEW seen",
        "CREATE SEQUENCE counted",
        "SELECT nextval('counted')",
        "INSERT INTO t VALUES (101, 101)",
    ] {
        scene.execute(statement);
    }

    // Then the consumer sees the rows that were written to the table and nothing else.
    let records = scene.wait_for("public.t", 101);
    let records = if records.len() == 101 { scene.settled("public.t") } else { records };
    let expected: Vec<_> = (1..=101).map(|id: u32| id.to_string()).collect();
    assert_eq!(after(&records, "id"), expected);
    assert_eq!(scene.topics.existing().len(), 1);
}

#[test]
fn partitions_have_topics_of_their_own_unless_their_root_is_published() {
    const TABLES: &str = "CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);
                          CREATE TABLE low PARTITION OF root FOR VALUES FROM (0) TO (10);
                          CREATE TABLE high PARTITION OF root FOR VALUES FROM (10) TO (20)";
    const ROWS: &str = "INSERT INTO root VALUES (1), (11); UPDATE root SET id = 12 WHERE id = 1";
    // Given a publication that sends partitions, when a row moves from one to the other.
    let scene = Scene::new(servers::postgres_15(), TABLES);
    let _walcast = scene.stream(&[]);
    scene.execute(ROWS);

    // Then it is deleted here and created there.
    assert_eq!(operations(&scene.wait_for("public.low", 3)), "cd-");
    assert_eq!(after(&scene.wait_for("public.high", 2), "id"), ["11", "12"]);

    // Given one that sends them as their root, then there is one topic, and all of it there.
    let scene = Scene::new(servers::postgres_18(), TABLES);
    let _walcast = scene.stream(&[("publish.via.partition.root", "true")]);
    scene.execute(ROWS);
    assert_eq!(after(&scene.wait_for("public.root", 5), "id"), ["1", "11", "12"]);
    assert_eq!(scene.topics.existing().len(), 1);
}
