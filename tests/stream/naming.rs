//! Names of topics: strategies, and tables that come out alike.

use serde_json::json;

use super::scene::{Scene, after};
use crate::support::servers;

#[test]
fn tables_that_share_a_topic_are_told_and_can_be_kept_apart() {
    // Given two tables whose names differ only by a character that Kafka does not take, and one more later.
    let tables = "CREATE TABLE \"a b\" (id int PRIMARY KEY); CREATE TABLE \"a!b\" (id int PRIMARY KEY)";
    let scene = Scene::new(servers::postgres_15(), tables);
    let mut walcast = scene.stream(&[]);
    scene.execute("CREATE TABLE a_b (id int PRIMARY KEY)");
    scene.execute("INSERT INTO \"a b\" VALUES (1); INSERT INTO \"a!b\" VALUES (2); INSERT INTO a_b VALUES (3)");

    // Then their records stand in one topic, as Debezium writes them, and it is said at the start and when it happens.
    let records = scene.wait_for("public.a_b", 3);
    assert_eq!(after(&records, "id"), ["1", "2", "3"]);
    assert_eq!(records[2].json()["source"]["table"], json!("a_b"));
    let log = walcast.stderr();
    assert!(log.contains("go to one topic") && log.contains("two tables share a topic"), "{log}");
    assert!(walcast.terminate().success());

    // Given a strategy that keeps them apart.
    let scene = Scene::new(servers::postgres_18(), tables);
    let strategy = ("topic.naming.strategy", "io.debezium.schema.SchemaUnicodeTopicNamingStrategy");
    let walcast = scene.stream(&[strategy]);
    scene.execute("INSERT INTO \"a b\" VALUES (1); INSERT INTO \"a!b\" VALUES (2)");
    // Underscores are replaced as well, also those of the prefix.
    let prefix = scene.topics.prefix.replace('_', "_u005f");
    for (table, id) in [("a_u0020b", "1"), ("a_u0021b", "2")] {
        assert_eq!(after(&scene.topics.wait_for(&format!("{prefix}.public.{table}"), 1), "id"), [id]);
    }
    assert!(!walcast.stderr().contains("one topic"), "{}", walcast.stderr());
}

#[test]
fn shards_in_one_topic_are_told_apart_by_their_keys() {
    // Given two shards of one logical table, one of them without a key.
    let tables = "CREATE TABLE orders_1 (id int PRIMARY KEY); CREATE TABLE orders_2 (id int)";
    let scene = Scene::new(servers::postgres_15(), tables);
    let properties = [
        ("topic.naming.strategy", "io.debezium.schema.SchemaRegexTopicNamingStrategy"),
        ("topic.regex", "(.*)\\.orders_\\d+"),
        ("topic.replacement", "$1.orders"),
        ("topic.key.field.regex", ".*_(\\d+)"),
        ("topic.key.field.replacement", "$1"),
        ("topic.key.field.name", "shard"),
    ];
    let walcast = scene.stream(&properties);

    // When both are written to.
    scene.execute("INSERT INTO orders_1 VALUES (7); INSERT INTO orders_2 VALUES (7)");

    // Then one topic holds both, and the keys say which is which.
    let records = scene.wait_for("public.orders", 2);
    let keys: Vec<_> = records.iter().filter_map(|record| record.key_text()).collect();
    assert_eq!(keys, ["{\"id\":7,\"shard\":\"1\"}", "{\"shard\":\"2\"}"]);
    assert!(!walcast.stderr().contains("one topic"), "{}", walcast.stderr());
}
