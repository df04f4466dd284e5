//! The schema history where its topic is missing, gone, foreign or not what it should be.

use walcast::local::PostgresServer;

use super::history::numbers;
use super::scene::{Scene, after, strict_kafka};
use crate::support::servers;

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY)";
const SHOWN: (&str, &str) = ("walcast.headers", "schema_version");

#[test]
fn without_its_topic_it_streams_with_a_warning_unless_numbers_are_shown() {
    // Given brokers that make no topics, and a topic for the table only.
    let (_turn, broker) = strict_kafka();
    let scene = Scene::at(servers::postgres_18(), broker.bootstrap(), TABLE);
    scene.topics.create(&[scene.topics.topic("public.t")], 1, &[]);

    // When nobody asks for numbers, then rows are written and a warning says what is missing.
    let mut walcast = scene.stream(&[]);
    walcast.wait_until_logged(&scene.topics.schema_history());
    scene.execute("INSERT INTO t VALUES (1)");
    assert_eq!(after(&scene.wait_for("public.t", 1), "id"), ["1"]);
    assert!(walcast.terminate().success(), "{}", walcast.stderr());

    // When numbers are to be shown, then it ends before it streams, and names the topic and the remedies.
    let mut walcast = scene.start(&[SHOWN]);
    assert_eq!(walcast.wait_exit().code(), Some(3), "{}", walcast.stderr());
    let log = walcast.stderr();
    for part in [&scene.topics.schema_history(), "cleanup.policy=compact", "walcast.schema.history=off"] {
        assert!(log.contains(part), "{part} is not in {log}");
    }

    // When the topic is there, then it streams.
    scene.topics.create(&[scene.topics.schema_history()], 1, &[("cleanup.policy", "compact")]);
    let _walcast = scene.stream(&[SHOWN]);
    scene.execute("INSERT INTO t VALUES (2)");
    assert_eq!(numbers(&scene.wait_for("public.t", 2)[1..]), [1]);
}

#[test]
fn a_topic_that_is_not_compacted_is_a_warning() {
    let scene = Scene::new(servers::postgres_15(), TABLE);
    scene.topics.create(&[scene.topics.schema_history()], 1, &[]);
    let walcast = scene.stream(&[SHOWN]);
    walcast.wait_until_logged("not compacted");
    scene.execute("INSERT INTO t VALUES (1)");
    assert_eq!(numbers(&scene.wait_for("public.t", 1)), [1]);
}

#[test]
fn a_topic_that_holds_something_else_is_named_with_the_place() {
    // Given a topic of somebody else's under the name of the history.
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE other (id int PRIMARY KEY)");
    let mut walcast = scene.stream(&[]);
    scene.execute("INSERT INTO other VALUES (1)");
    scene.wait_for("public.other", 1);
    assert!(walcast.terminate().success(), "{}", walcast.stderr());

    // When it is taken for the history.
    let foreign = scene.topics.topic("public.other");
    let mut walcast = scene.start(&[("walcast.schema.history.topic", &foreign)]);

    // Then walcast ends with the topic, the partition and the offset, and without a word of the content.
    assert_eq!(walcast.wait_exit().code(), Some(7), "{}", walcast.stderr());
    let log = walcast.stderr();
    for part in [foreign.as_str(), "partition 0, offset 0", "walcast.schema.history.topic"] {
        assert!(log.contains(part), "{part} is not in {log}");
    }
}

fn a_history_that_is_deleted_meanwhile_stops_the_connector(
    server: &'static dyn PostgresServer,
    brokers: &str,
    words: &str,
) {
    // Given a history that is in use.
    let scene = Scene::at(server, brokers, TABLE);
    let create =
        [SHOWN, ("topic.creation.default.partitions", "1"), ("topic.creation.default.replication.factor", "1")];
    let mut walcast = scene.stream(&create);
    scene.execute("INSERT INTO t VALUES (1)");
    scene.wait_for("public.t", 1);
    scene.database.wait_until_confirmed();

    // When its topic is deleted, and a table gets another shape.
    scene.topics.delete(&scene.topics.schema_history());
    let before = scene.database.session().execute_behind("ALTER TABLE t ADD a int; INSERT INTO t VALUES (2)");

    // Then walcast ends and says so, and the row is not confirmed.
    assert_eq!(walcast.wait_exit().code(), Some(7), "{}", walcast.stderr());
    let log = walcast.stderr();
    assert!(log.contains(&scene.topics.schema_history()) && log.contains(words), "{log}");
    assert!(scene.database.confirmed_lsn().expect("a slot") <= before);

    // When it is started again, then it makes the topic anew and goes on.
    let _walcast = scene.stream(&create);
    assert_eq!(numbers(&scene.wait_for("public.t", 2)[1..]), [1]);
}

#[test]
fn a_history_that_is_deleted_meanwhile_stops_the_connector_at_brokers_that_make_topics() {
    let brokers = servers::kafka().bootstrap();
    a_history_that_is_deleted_meanwhile_stops_the_connector(servers::postgres_15(), brokers, "is gone");
}

#[test]
fn a_history_that_is_deleted_meanwhile_stops_the_connector_at_brokers_that_make_none() {
    let (_turn, broker) = strict_kafka();
    a_history_that_is_deleted_meanwhile_stops_the_connector(servers::postgres_18(), broker.bootstrap(), "is gone");
}

#[test]
fn brokers_that_are_away_are_waited_for() {
    // Given brokers that freeze before a table gets another shape.
    let (_turn, broker) = strict_kafka();
    let scene = Scene::at(servers::postgres_18(), broker.bootstrap(), TABLE);
    let create =
        [SHOWN, ("topic.creation.default.partitions", "1"), ("topic.creation.default.replication.factor", "1")];
    let _walcast = scene.stream(&create);
    scene.execute("INSERT INTO t VALUES (1)");
    scene.wait_for("public.t", 1);
    broker.pause().expect("it is frozen");
    scene.execute("ALTER TABLE t ADD a int; INSERT INTO t VALUES (2)");

    // When they come back, then the row is written under its number.
    broker.resume().expect("it goes on");
    assert_eq!(numbers(&scene.wait_for("public.t", 2)), [1, 2]);
}

#[test]
fn switched_off_it_makes_no_topic() {
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let _walcast = scene.stream(&[("walcast.schema.history", "off")]);
    scene.execute("INSERT INTO t VALUES (1)");
    scene.wait_for("public.t", 1);
    assert_eq!(scene.topics.read_to_end(&scene.topics.schema_history()), []);
}
