//! `--sink stdout`: one JSON record a line, without any broker.

use serde_json::{Value, json};

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

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

#[test]
fn a_reader_that_has_seen_enough_ends_it_in_all_quiet() {
    // Given walcast whose output goes to a reader of one line.
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY)");
    let file = tempfile::NamedTempFile::with_suffix(".json").expect("a file");
    std::fs::write(file.path(), Value::Object(scene.config(&[])).to_string()).expect("a configuration");
    let mut walcast = Command::new(env!("CARGO_BIN_EXE_walcast"))
        .arg("run")
        .arg(file.path())
        .args(["--sink", "stdout", "--listen", "off"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built binary");
    wait::until("walcast streams", wait::PATIENCE, || scene.database.walsender().is_some());
    scene.execute("INSERT INTO t VALUES (1)");
    let mut reader = BufReader::new(walcast.stdout.take().expect("it is piped"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");

    // When the reader goes and more rows come.
    drop(reader);
    scene.execute("INSERT INTO t VALUES (2)");

    // Then walcast ends with success and without a word of an error.
    let ended = walcast.wait_with_output().expect("it ends");
    let log = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && !log.contains("error"), "{}: {log}", ended.status);
    assert!(line.contains(r#""id":1"#), "{line}");
}
