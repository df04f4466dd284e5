//! `--sink stdout`: one JSON record a line, without any broker.

use serde_json::{Value, json};

use super::scene::Scene;
use crate::support::walcast::Walcast;
use crate::support::{servers, wait};

#[test]
fn each_record_is_a_line_of_json() {
    // Given a connector without brokers.
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY, words text)");
    let mut walcast = Walcast::run_with(&scene.config(&[]), &["--sink", "stdout"]);
    walcast.wait_until_streaming(&scene.database);

    // When rows come, with line breaks in them, and go.
    scene.execute("INSERT INTO t VALUES (1, E'two\\nlines and \"quotes\"'), (2, NULL); DELETE FROM t WHERE id = 1");

    // Then each record is one line, and printing it confirms it.
    wait::until("four lines are printed", wait::PATIENCE, || walcast.stdout().lines().count() >= 4);
    scene.database.wait_until_confirmed();
    assert!(walcast.terminate().success(), "{}", walcast.stderr());
    let lines: Vec<Value> =
        walcast.stdout().lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line["topic"] == scene.topics.topic("public.t")));
    assert_eq!(lines[0]["key"], json!({"id": 1}));
    assert_eq!(lines[0]["value"]["after"], json!({"id": 1, "words": "two\nlines and \"quotes\""}));
    assert_eq!(lines[1]["value"]["after"], json!({"id": 2, "words": null}));
    assert_eq!((&lines[2]["value"]["op"], &lines[3]["value"]), (&json!("d"), &json!(null)));
    assert_eq!(lines[0]["headers"]["__debezium.context.connectorLogicalName"], json!(scene.topics.prefix));
}
