//! The topic of transactions and the block in each record, from a real server.

use serde_json::{Value, json};

use super::scene::Scene;
use crate::support::servers;

const TABLES: &str = "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY); \
                      CREATE TABLE hidden (id int PRIMARY KEY)";

fn xid(id: &Value) -> String {
    id.as_str().and_then(|id| id.split_once(':')).expect("an id").0.to_owned()
}

#[test]
fn a_transaction_has_a_begin_and_an_end_and_its_records_their_numbers() {
    // Given a connector that leaves one table out, when a transaction touches all three.
    let scene = Scene::new(servers::postgres_18(), TABLES);
    let properties = [
        ("provide.transaction.metadata", "true"),
        ("table.exclude.list", "public.hidden"),
        ("topic.transaction", "tx"),
    ];
    let _walcast = scene.stream(&properties);
    scene.execute(
        "BEGIN; INSERT INTO t VALUES (1); INSERT INTO hidden VALUES (1); INSERT INTO u VALUES (1); \
         UPDATE t SET id = 2; COMMIT",
    );

    // Then its end counts what was written of it: a key change twice, and nothing of what is left out.
    let records = scene.wait_for("tx", 2);
    let (begin, end) = (records[0].json(), records[1].json());
    assert_eq!((&begin["status"], &begin["event_count"]), (&json!("BEGIN"), &json!(null)));
    assert_eq!((&end["status"], &end["event_count"]), (&json!("END"), &json!(4)));
    let counts = end["data_collections"].as_array().expect("collections");
    for (table, count) in [("public.t", 3), ("public.u", 1)] {
        assert!(counts.contains(&json!({"data_collection": table, "event_count": count})), "{counts:?}");
    }
    assert_eq!(counts.len(), 2);
    assert_eq!(xid(&begin["id"]), xid(&end["id"]));

    // And each record has its place.
    let order = |table: &str| -> Vec<(i64, i64)> {
        let records = scene.wait_for(table, 1);
        let blocks = records.iter().map(|record| record.json()["transaction"].clone()).filter(|block| !block.is_null());
        let number = |block: &Value, name: &str| block[name].as_i64().expect("a number");
        blocks.map(|block| (number(&block, "total_order"), number(&block, "data_collection_order"))).collect()
    };
    assert_eq!(order("public.t"), [(1, 1), (3, 2), (4, 3)]);
    assert_eq!(order("public.u"), [(2, 1)]);
    scene.database.wait_until_confirmed();
}
