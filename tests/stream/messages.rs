//! Records of `pg_logical_emit_message`.

use serde_json::json;

use super::scene::{Scene, after};
use crate::support::{servers, wait};

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY)";

#[test]
fn messages_have_a_topic_of_their_own() {
    // Given walcast, when messages come outside transactions and inside one.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let walcast = scene.stream(&[("provide.transaction.metadata", "true")]);
    scene.execute("SELECT pg_logical_emit_message(false, 'alone', '\\x00ff'::bytea)");
    scene.execute("BEGIN; INSERT INTO t VALUES (1); SELECT pg_logical_emit_message(true, 'beside', 'text'); COMMIT");
    scene.execute("SELECT pg_logical_emit_message(false, 'alone', 'again')");

    // Then each is a record under its prefix, in order, without context headers.
    let records = scene.wait_for("message", 3);
    let keys: Vec<_> = records.iter().filter_map(|record| record.key_text()).collect();
    assert_eq!(keys, ["{\"prefix\":\"alone\"}", "{\"prefix\":\"beside\"}", "{\"prefix\":\"alone\"}"]);
    assert!(records.iter().all(|record| record.headers.is_empty()));
    let values: Vec<_> = records.iter().map(|record| record.json()).collect();
    let contents: Vec<_> = values.iter().map(|value| value["message"]["content"].clone()).collect();
    assert_eq!(contents, ["AP8=", "dGV4dA==", "YWdhaW4="]);

    // And only the one inside belongs to a transaction, as its second event.
    let transactions: Vec<_> = values.iter().map(|value| value["transaction"]["total_order"].clone()).collect();
    assert_eq!(transactions, [json!(null), json!(2), json!(null)]);
    assert_eq!((&values[0]["source"]["txId"], &values[0]["op"]), (&json!(null), &json!("m")));
    scene.database.wait_until_confirmed();
    let sample = "walcast_events_total{table=\"pg_logical_emit_message\",operation=\"message\"}";
    wait::until("the messages are counted", wait::PATIENCE, || walcast.metric(sample) == Some(3.0));
}

#[test]
fn prefixes_that_are_left_out_are_confirmed_all_the_same() {
    // Given a connector that takes some prefixes only.
    let scene = Scene::new(servers::postgres_18(), TABLE);
    let _walcast = scene.stream(&[("message.prefix.include.list", "wanted.*")]);

    // When others come, before and behind one that is wanted.
    for prefix in ["other", "Wanted too", "not wanted"] {
        scene.execute(&format!("SELECT pg_logical_emit_message(false, '{prefix}', 'x')"));
        scene.execute(&format!("SELECT pg_logical_emit_message(true, '{prefix}', 'x')"));
    }

    // Then only that one is there, twice, and all is confirmed.
    scene.database.wait_until_confirmed();
    let records = scene.settled("message");
    let keys: Vec<_> = records.iter().filter_map(|record| record.key_text()).collect();
    assert_eq!(keys, ["{\"prefix\":\"Wanted too\"}"; 2]);
}

#[test]
fn messages_keep_their_place_among_rows() {
    // Given a thousand rows with a message behind each.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let _walcast = scene.stream(&[]);
    scene.execute(
        "DO $$ BEGIN FOR n IN 1..1000 LOOP INSERT INTO t VALUES (n); \
         PERFORM pg_logical_emit_message(n % 2 = 0, 'n', n::text); END LOOP; END $$",
    );
    scene.execute("SELECT pg_logical_emit_message(false, 'n', 'last')");

    // Then rows and messages of the transaction are all there, and what stands alone did not wait for its commit.
    assert_eq!(after(&scene.wait_for("public.t", 1000), "id").len(), 1000);
    let records = scene.wait_for("message", 1001);
    let alone = |value: &serde_json::Value| value["source"]["txId"].is_null();
    let values: Vec<_> = records.iter().map(|record| record.json()).collect();
    assert!(values[..500].iter().all(alone) && values[500..1000].iter().all(|value| !alone(value)));
    assert!(alone(&values[1000]));
    let lsns: Vec<_> = values.iter().map(|value| value["source"]["lsn"].as_u64()).collect();
    assert!(lsns[..500].is_sorted() && lsns[500..1000].is_sorted() && lsns[1000] > lsns[999]);
    scene.database.wait_until_confirmed();
}
