//! Numbers of table versions over DDL, restarts and kills, and the topic that keeps them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use walcast::local::PostgresServer;

use super::scene::{Scene, header, heavy};
use crate::support::proxy::{Direction, Proxy};
use crate::support::servers;
use crate::support::topics::ConsumedRecord;
use crate::support::walcast::Walcast;

const HEADERS: (&str, &str) = ("walcast.headers", "position,event_id,schema_version");

/// The numbers that the records of a table carry, in order.
pub(super) fn numbers(records: &[ConsumedRecord]) -> Vec<u32> {
    let number = |record| header(record, "walcast.schema_version").expect("a header").parse().expect("a number");
    records.iter().map(number).collect()
}

/// What the history says of a table, by number; each number must stand there once, under its own key.
pub(super) fn history(scene: &Scene, table: &str) -> BTreeMap<u64, Value> {
    let mut versions = BTreeMap::new();
    for record in scene.topics.read_to_end(&scene.topics.schema_history()) {
        let key: Value = serde_json::from_slice(record.key.as_deref().expect("a key")).expect("JSON");
        let value = record.json();
        for member in ["schema", "table", "number"] {
            assert_eq!(key[member], value[member], "{member} in {key}");
        }
        if key["table"] == table {
            let number = key["number"].as_u64().expect("a number");
            assert_eq!(versions.insert(number, value), None, "two records of version {number}");
        }
    }
    versions
}

/// Names and types of the columns of a version.
fn columns(version: &Value) -> Vec<String> {
    let columns = version["columns"].as_array().expect("columns");
    let text = |column: &Value, member: &str| column[member].as_str().unwrap_or_default().to_owned();
    columns.iter().map(|column| format!("{} {}", text(column, "name"), text(column, "type"))).collect()
}

/// A stream that writes its own headers.
fn stream(scene: &Scene) -> Walcast {
    scene.stream(&[HEADERS])
}

fn every_change_of_a_table_has_a_number_that_survives_kills(server: &'static dyn PostgresServer) {
    // Given two tables.
    let tables = "CREATE TYPE mood AS ENUM ('good'); CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL, m mood); \
                  CREATE TABLE u (id int PRIMARY KEY)";
    let scene = Scene::new(server, tables);
    let mut walcast = stream(&scene);

    // When columns are added, dropped, renamed and change their types, between transactions and inside of one, the key and
    // the replica identity change, and walcast is killed in between, again and again.
    let steps = [
        ("INSERT INTO t VALUES (1, 'x'); INSERT INTO u VALUES (1)", 1),
        ("ALTER TABLE t ADD b numeric(10,2) DEFAULT 1.50; INSERT INTO t VALUES (2, 'x')", 2),
        ("INSERT INTO t VALUES (3, 'x')", 2),
        ("ALTER TABLE t RENAME a TO c; INSERT INTO t VALUES (4, 'x')", 3),
        ("ALTER TABLE t ALTER b TYPE numeric(12,3); INSERT INTO t VALUES (5, 'x')", 4),
        ("ALTER TABLE t DROP COLUMN b; INSERT INTO t VALUES (6, 'x')", 5),
        ("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, c); INSERT INTO t VALUES (7, 'x')", 6),
        ("ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t VALUES (8, 'x')", 7),
    ];
    let mut expected = Vec::new();
    for (nth, (sql, number)) in steps.into_iter().enumerate() {
        scene.execute(sql);
        expected.push(number);
        scene.wait_for("public.t", expected.len());
        if nth % 3 == 2 {
            scene.database.wait_until_confirmed();
            walcast.kill();
            walcast = stream(&scene);
        }
    }
    scene.execute(
        "BEGIN; INSERT INTO t VALUES (10, 'x'); ALTER TABLE t ADD d int; INSERT INTO t VALUES (11, 'x'); COMMIT",
    );
    expected.extend([7, 8]);

    // Then every record carries the number of its version, and none counts anew.
    let records = scene.wait_for("public.t", expected.len());
    assert_eq!(numbers(&records), expected);
    assert_eq!(numbers(&scene.settled("public.u")), [1]);

    // And the history has each version once, with what it looked like.
    let versions = history(&scene, "t");
    let shapes: Vec<_> = versions.values().map(columns).collect();
    let shape = |columns: &[&str]| columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        shapes,
        [
            shape(&["id int4", "a text", "m public.mood"]),
            shape(&["id int4", "a text", "m public.mood", "b numeric"]),
            shape(&["id int4", "c text", "m public.mood", "b numeric"]),
            shape(&["id int4", "c text", "m public.mood", "b numeric"]),
            shape(&["id int4", "c text", "m public.mood"]),
            shape(&["id int4", "c text", "m public.mood"]),
            shape(&["id int4", "c text", "m public.mood"]),
            shape(&["id int4", "c text", "m public.mood", "d int4"]),
        ]
    );
    assert_eq!(versions[&2]["columns"][3]["modifiers"], json!([10, 2]));
    assert_eq!(versions[&2]["columns"][3]["default"], json!("1.50"));
    assert_eq!(versions[&4]["columns"][3]["modifiers"], json!([12, 3]));
    assert_eq!(versions[&1]["columns"][2]["labels"], json!(["good"]));
    assert_eq!((&versions[&5]["key"], &versions[&6]["key"]), (&json!(["id"]), &json!(["id", "c"])));
    let identity = |number| versions[&number]["replica_identity"].as_str().expect("a word");
    assert_eq!((identity(6), identity(7)), ("default", "full"));
    // The position of a version is that of the first record with its number.
    for (number, version) in &versions {
        let first =
            records.iter().find(|record| numbers(std::slice::from_ref(record)) == [u32::try_from(*number).unwrap()]);
        assert_eq!(version["position"].as_str(), header(first.expect("a record"), "walcast.position").as_deref());
    }
    assert_eq!(
        scene.topics.configuration(&scene.topics.schema_history(), "cleanup.policy").as_deref(),
        Some("compact")
    );
    assert_eq!(scene.topics.partitions(&scene.topics.schema_history()), 1);
}

#[test]
fn every_change_of_a_table_has_a_number_that_survives_kills_on_postgres_15() {
    every_change_of_a_table_has_a_number_that_survives_kills(servers::postgres_15());
}

#[test]
fn every_change_of_a_table_has_a_number_that_survives_kills_on_postgres_18() {
    every_change_of_a_table_has_a_number_that_survives_kills(servers::postgres_18());
}

#[test]
fn what_is_sent_again_after_a_kill_has_the_number_and_the_id_that_it_had() {
    // Given a table in its second version, and a server that hears nothing of walcast any more. Nobody else uses the
    // server: what others do to its catalogs may have it describe the table again, and walcast ask it about the table.
    let (_turn, server) = heavy();
    let scene = Scene::new(server, "CREATE TABLE t (id int PRIMARY KEY)");
    let proxy = Proxy::to(scene.database.server.port());
    let mut walcast = scene.stream(&[HEADERS, ("database.port", &proxy.port().to_string())]);
    scene.execute("INSERT INTO t VALUES (1)");
    scene.execute("ALTER TABLE t ADD a int; INSERT INTO t VALUES (2)");
    // The server describes the table once more after the transaction that changed it.
    scene.execute("INSERT INTO t VALUES (0)");
    scene.wait_for("public.t", 3);
    scene.database.wait_until_confirmed();
    proxy.stall(Direction::ToServer);

    // When rows and a key change are delivered, walcast is killed, and another one begins where the slot stands.
    scene.execute("INSERT INTO t VALUES (3); UPDATE t SET id = 4 WHERE id = 3; DELETE FROM t WHERE id = 4");
    let before = scene.wait_for("public.t", 9);
    walcast.kill();
    drop(proxy);
    let _walcast = stream(&scene);
    let all = scene.wait_for("public.t", 15);

    // Then what came again has the ids and the number that it had, and every other id is different.
    let ids = |records: &[ConsumedRecord]| -> Vec<String> {
        records.iter().map(|record| header(record, "walcast.event_id").expect("an id")).collect()
    };
    assert_eq!(ids(&all[9..]), ids(&before[3..]));
    assert_eq!(ids(&before).into_iter().collect::<BTreeSet<_>>().len(), 9);
    assert_eq!(numbers(&all), [&[1][..], &[2; 14]].concat());
    assert_eq!(history(&scene, "t").len(), 2);
}

#[test]
fn a_shape_that_comes_back_has_its_number_back() {
    // Given a table that gets a column and loses it again.
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY)");
    let _walcast = stream(&scene);
    scene.execute("INSERT INTO t VALUES (1)");
    scene.execute("ALTER TABLE t ADD a int; INSERT INTO t VALUES (2)");
    scene.execute("ALTER TABLE t DROP a; INSERT INTO t VALUES (3)");
    // The catalog tells what a table looks like now, so it must not be gone by then.
    scene.wait_for("public.t", 3);

    // When it is dropped and made anew as it was, under another OID.
    scene.execute("DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (4)");

    // Then the same shape has the same number.
    assert_eq!(numbers(&scene.wait_for("public.t", 4)), [1, 2, 1, 1]);
    assert_eq!(history(&scene, "t").len(), 2);
}

#[test]
fn numbers_go_by_the_name_of_a_table() {
    // Given a table with two versions.
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY)");
    let _walcast = stream(&scene);
    scene.execute("INSERT INTO t VALUES (1)");
    scene.execute("ALTER TABLE t ADD a int; INSERT INTO t VALUES (2)");
    scene.wait_for("public.t", 2);

    // When it is renamed, and renamed back.
    scene.execute("ALTER TABLE t RENAME TO renamed; INSERT INTO renamed VALUES (3)");
    assert_eq!(numbers(&scene.wait_for("public.renamed", 1)), [1]);
    scene.execute("ALTER TABLE renamed RENAME TO t; INSERT INTO t VALUES (4)");

    // Then each name has numbers of its own, and goes on with them.
    assert_eq!(numbers(&scene.wait_for("public.t", 3)), [1, 2, 2]);
}

#[test]
fn a_new_label_of_an_enum_is_a_new_version_from_the_next_look_at_the_table_on() {
    // Given a table with an enum column.
    let scene = Scene::new(
        servers::postgres_15(),
        "CREATE TYPE mood AS ENUM ('good'); CREATE TABLE t (id int PRIMARY KEY, m mood)",
    );
    let mut walcast = stream(&scene);
    scene.execute("INSERT INTO t VALUES (1, 'good')");
    scene.wait_for("public.t", 1);

    // When a label is added, of which the server tells nothing, and walcast starts again.
    scene.execute("ALTER TYPE mood ADD VALUE 'bad'");
    scene.execute("INSERT INTO t VALUES (2, 'bad')");
    scene.wait_for("public.t", 2);
    assert!(walcast.terminate().success());
    let _walcast = stream(&scene);
    scene.execute("INSERT INTO t VALUES (3, 'bad')");

    // Then its rows go on, and the label stands in a version of its own.
    assert_eq!(numbers(&scene.wait_for("public.t", 3)), [1, 1, 2]);
    let versions = history(&scene, "t");
    assert_eq!(versions[&2]["columns"][1]["labels"], json!(["good", "bad"]));
}
