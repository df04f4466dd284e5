//! Where signals come from, what is said of those that nobody understands, and what they may ask of a table.

use serde_json::json;

use super::incremental::{SIGNALS, TABLE, signal};
use crate::stream::scene::{Scene, after, operations};
use crate::support::database::Session;
use crate::support::topics::Topics;
use crate::support::{servers, wait};

/// Writes a signal into the topic of signals.
fn send(topics: &Topics, key: &str, id: &str, kind: &str, data: &serde_json::Value) {
    let value = json!({"id": id, "type": kind, "data": data}).to_string();
    topics.write(&format!("{}-signal", topics.prefix), Some(key), &value);
}

/// The place that a group has come to in the topic of signals.
fn place(topics: &Topics, group: &str) -> Option<i64> {
    use rdkafka::consumer::{BaseConsumer, Consumer as _};
    let topic = format!("{}-signal", topics.prefix);
    let consumer: BaseConsumer = topics.client().set("group.id", group).create().expect("a consumer");
    let mut wanted = rdkafka::TopicPartitionList::new();
    wanted.add_partition(&topic, 0);
    let found = consumer.committed_offsets(wanted, wait::PATIENCE).expect("an answer");
    found.elements().first()?.offset().to_raw().filter(|offset| *offset >= 0)
}

#[test]
fn a_topic_brings_signals_which_are_committed_when_they_are_acted_on() {
    // Given a topic with a signal for another connector, one that makes no sense, and one for a table.
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5)",
    );
    let (topics, prefix) = (&scene.topics, scene.topics.prefix.as_str());
    topics.create(&[format!("{prefix}-signal")], 1, &[]);
    let of_t = json!({"data-collections": ["public.t"]});
    send(topics, "another", "1", "execute-snapshot", &of_t);
    topics.write(&format!("{prefix}-signal"), Some(prefix), "no JSON");
    send(topics, prefix, "2", "dance", &json!({}));
    send(topics, prefix, "3", "execute-snapshot", &of_t);
    let settings = [
        ("signal.enabled.channels", "kafka"),
        ("signal.kafka.groupId", prefix),
        ("signal.consumer.fetch.max.wait.ms", "50"),
    ];
    // When a connector begins, then it acts on what is its own, counts what nobody understands, and commits.
    let mut walcast = scene.stream(&settings);
    walcast.wait_until_logged("the incremental snapshot is complete");
    assert_eq!(operations(&scene.settled("public.t")), "rrrrr");
    assert_eq!(walcast.metric("walcast_signals_refused_total "), Some(2.0));
    wait::until("all four are committed", wait::PATIENCE, || place(topics, prefix) == Some(4));

    // And what was acted on is not read again, whatever ends the process; later signals are.
    walcast.kill();
    send(topics, prefix, "4", "log", &json!({"message": "here at {}"}));
    let mut blocking = of_t.clone();
    blocking["type"] = json!("blocking");
    send(topics, prefix, "5", "execute-snapshot", &blocking);
    let walcast = scene.stream(&settings);
    walcast.wait_until_logged("here at ");
    walcast.wait_until_logged("the blocking snapshot is complete");
    wait::until("all six are committed", wait::PATIENCE, || place(topics, prefix) == Some(6));
    assert_eq!(operations(&scene.settled("public.t")), "r".repeat(10));
    assert_eq!(walcast.metric("walcast_signals_refused_total "), Some(0.0));
}

#[test]
fn a_topic_that_is_not_there_or_has_several_partitions_is_told_and_the_stream_goes_on() {
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY)");
    let (topics, name) = (&scene.topics, format!("{}-asks", scene.topics.prefix));
    let bootstrap = topics.client().get("bootstrap.servers").expect("set").to_owned();
    let settings = [
        ("signal.enabled.channels", "kafka"),
        ("signal.kafka.topic", name.as_str()),
        ("signal.kafka.bootstrap.servers", bootstrap.as_str()),
        ("signal.kafka.groupId", name.as_str()),
        ("signal.consumer.topic.metadata.refresh.interval.ms", "500"),
    ];
    let walcast = scene.stream(&settings);
    walcast.wait_until_logged("the topic of signals does not exist");
    scene.execute("INSERT INTO t VALUES (1)");
    assert_eq!(operations(&scene.settled("public.t")), "c");
    topics.create(std::slice::from_ref(&name), 2, &[]);
    walcast.wait_until_logged("signals are read from the first partition only");
}

#[test]
fn a_table_of_signals_that_cannot_serve_is_told_before_the_start() {
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE narrow (id int PRIMARY KEY, type text)");
    for (table, told) in [("public.nowhere", "which does not exist"), ("public.narrow", "has 2 columns")] {
        let walcast = scene.stream(&[("signal.data.collection", table)]);
        assert!(walcast.stderr().contains(told), "{}", walcast.stderr());
    }
    let scene = Scene::new(servers::postgres_18(), &format!("{SIGNALS} CREATE TABLE t (id int PRIMARY KEY)"));
    let lists = [TABLE, ("publication.autocreate.mode", "filtered"), ("table.include.list", "public.t")];
    let walcast = scene.stream(&lists);
    assert!(walcast.stderr().contains("the table of signals: none can be heard"), "{}", walcast.stderr());
}

#[test]
fn names_in_filters_and_queries_are_those_that_the_role_has() {
    // Given a database in which a schema of functions and views is looked into first, when filters name what is in it.
    let scene = Scene::new(
        servers::postgres_18(),
        &format!(
            "{SIGNALS} CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 6);
             CREATE SCHEMA app; CREATE FUNCTION app.is_even(n int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT n % 2 = 0';
             CREATE VIEW app.odd AS SELECT * FROM public.t WHERE id % 2 = 1"
        ),
    );
    scene.execute(&format!("ALTER DATABASE {} SET search_path = app, public", scene.database.name));
    let walcast = scene.stream(&[TABLE, ("incremental.snapshot.chunk.size", "2")]);
    let ask = |id: &str, kind: &str, filter: &str| {
        let conditions = json!([{"data-collection": "public.t", "filter": filter}]);
        let data = json!({"type": kind, "data-collections": ["public.t"], "additional-conditions": conditions});
        signal(&scene, id, "execute-snapshot", &data.to_string());
    };
    ask("1", "incremental", "is_even(t.id)");
    walcast.wait_until_logged("the incremental snapshot is complete");
    ask("2", "blocking", "SELECT * FROM odd ORDER BY id");
    walcast.wait_until_logged("the blocking snapshot is complete");
    let ids = after(&scene.settled("public.t"), "id");
    assert_eq!(ids, ["2", "4", "6", "1", "3", "5"]);
}

#[test]
fn a_query_of_the_settings_has_the_names_of_the_role_too() {
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 6)",
    );
    let query = ("snapshot.select.statement.overrides.public.t", "SELECT * FROM t WHERE id > 4 -- few");
    let list = ("snapshot.select.statement.overrides", "public.t");
    let _walcast = scene.stream(&[("snapshot.mode", "initial"), list, query]);
    assert_eq!(after(&scene.settled("public.t"), "id"), ["5", "6"]);
}

#[test]
fn a_table_without_a_primary_key_is_read_by_the_columns_that_are_its_key() {
    // Given keys of which some come more than once, or have no value, when chunks are smaller than the rows of one key.
    let scene = Scene::new(
        servers::postgres_18(),
        &format!(
            "{SIGNALS} CREATE TABLE t (k int, v int); ALTER TABLE t REPLICA IDENTITY FULL;
             INSERT INTO t SELECT NULLIF(i % 4, 0), i FROM generate_series(1, 20) i"
        ),
    );
    let settings = [TABLE, ("message.key.columns", "public.t:k"), ("incremental.snapshot.chunk.size", "3")];
    let walcast = scene.stream(&settings);
    signal(&scene, "1", "execute-snapshot", r#"{"data-collections": ["public.t"]}"#);
    walcast.wait_until_logged("the incremental snapshot is complete");

    // Then each row is there once.
    let rows = scene.settled("public.t");
    let mut values: Vec<u32> = after(&rows, "v").iter().map(|v| v.parse().unwrap()).collect();
    values.sort_unstable();
    assert_eq!(values, (1..=20).collect::<Vec<u32>>());
    assert!(rows.iter().any(|row| row.key_text().unwrap().contains("null")), "{rows:?}");
}

#[test]
fn a_lock_that_lasts_delays_a_chunk_and_does_not_end_its_table() {
    let scene = Scene::new(
        servers::postgres_18(),
        &format!("{SIGNALS} CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 10)"),
    );
    let walcast = scene.stream(&[TABLE, ("snapshot.lock.timeout.ms", "50")]);
    let locker: Session = scene.database.another_session();
    locker.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
    signal(&scene, "1", "execute-snapshot", r#"{"data-collections": ["public.t"]}"#);
    walcast.wait_until_logged("55P03");
    locker.execute("COMMIT");
    walcast.wait_until_logged("the incremental snapshot is complete");
    assert_eq!(operations(&scene.settled("public.t")), "r".repeat(10));
}
