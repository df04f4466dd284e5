//! Topics that are not there: made, made with a configuration, or missed by name.

use walcast::local::PostgresServer;

use super::scene::{Scene, after, strict_kafka};
use crate::support::{servers, wait};

const TABLES: &str = "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)";

#[test]
fn topics_are_made_with_the_configuration_that_is_given() {
    // Given brokers that make no topics by themselves.
    let (_turn, broker) = strict_kafka();
    let scene = Scene::at(servers::postgres_18(), broker.bootstrap(), TABLES);

    // When walcast is told how to make them.
    let _walcast = scene.stream(&[
        ("topic.creation.default.partitions", "5"),
        ("topic.creation.default.replication.factor", "1"),
        ("topic.creation.default.cleanup.policy", "compact"),
        ("topic.creation.default.max.message.bytes", "2000000"),
    ]);
    scene.execute("INSERT INTO t VALUES (1); INSERT INTO u VALUES (1)");

    // Then each table's topic is made so, and filled.
    for table in ["public.t", "public.u"] {
        assert_eq!(after(&scene.wait_for(table, 1), "id"), ["1"]);
        let topic = scene.topics.topic(table);
        assert_eq!(scene.topics.partitions(&topic), 5);
        assert_eq!(scene.topics.configuration(&topic, "cleanup.policy").as_deref(), Some("compact"));
        assert_eq!(scene.topics.configuration(&topic, "max.message.bytes").as_deref(), Some("2000000"));
    }
}

fn a_missing_topic_is_named(server: &'static dyn PostgresServer) {
    // Given brokers that make no topics, and a topic for one table of two.
    let (_turn, broker) = strict_kafka();
    let scene = Scene::at(server, broker.bootstrap(), TABLES);
    scene.topics.create(&[scene.topics.topic("public.t")], 1, &[]);
    let mut walcast = scene.stream(&[]);
    scene.execute("INSERT INTO t VALUES (1)");
    scene.wait_for("public.t", 1);
    scene.database.wait_until_confirmed();

    // When a row of the other table comes.
    let before = scene.database.session().execute_behind("INSERT INTO u VALUES (1)");

    // Then walcast ends with the code of a refusal, names the topic, and confirms nothing past it.
    assert_eq!(walcast.wait_exit().code(), Some(7), "{}", walcast.stderr());
    let log = walcast.stderr();
    assert!(log.contains(&scene.topics.topic("public.u")) && log.contains("topic.creation.default"), "{log}");
    assert!(scene.database.confirmed_lsn().expect("a slot") <= before);

    // When the topic is made and walcast starts again, then the row arrives.
    scene.topics.create(&[scene.topics.topic("public.u")], 1, &[]);
    let _walcast = scene.stream(&[]);
    assert_eq!(after(&scene.wait_for("public.u", 1), "id"), ["1"]);
    assert_eq!(scene.settled("public.t").len(), 1);
}

#[test]
fn a_missing_topic_is_named_on_postgres_15() {
    a_missing_topic_is_named(servers::postgres_15());
}

#[test]
fn a_stop_that_brokers_do_not_let_finish_ends_in_time_with_its_own_code() {
    // Given walcast on brokers that freeze while a row is under way.
    let (_turn, broker) = strict_kafka();
    let scene = Scene::at(servers::postgres_18(), broker.bootstrap(), TABLES);
    scene.topics.create(&[scene.topics.topic("public.t")], 1, &[]);
    let bootstrap = ["--bootstrap-servers", broker.bootstrap(), "--shutdown-timeout", "700ms"];
    let mut walcast = crate::support::walcast::Walcast::run_with(&scene.config(&[]), &bootstrap);
    walcast.wait_until_streaming(&scene.database);
    scene.execute("INSERT INTO t VALUES (1)");
    scene.wait_for("public.t", 1);
    scene.database.wait_until_confirmed();
    broker.pause().expect("it is frozen");
    let before = scene.database.session().execute_behind("INSERT INTO t VALUES (2)");
    wait::until("the row waits in the queue", wait::PATIENCE, || walcast.metric("walcast_queue_records") == Some(1.0));

    // When it is told to stop.
    let since = std::time::Instant::now();
    let code = walcast.terminate().code();
    let took = since.elapsed();
    broker.resume().expect("it goes on");

    // Then it gives up after the time it was given, and what was not delivered is not confirmed.
    assert_eq!(code, Some(10), "{}", walcast.stderr());
    assert!(took.as_millis() >= 600 && took.as_secs() < 10, "{took:?}");
    assert!(walcast.stderr().contains("--shutdown-timeout"), "{}", walcast.stderr());
    assert!(scene.database.confirmed_lsn().expect("a slot") <= before);

    // When it starts again, then the row arrives.
    let _walcast = scene.stream(&[]);
    let ids = after(&scene.wait_for("public.t", 2), "id");
    assert!(ids == ["1", "2"] || ids == ["1", "2", "2"], "{ids:?}");
}

#[test]
fn a_topic_that_is_deleted_meanwhile_is_named_too() {
    // Given walcast that has written to a topic, at brokers that make none.
    let (_turn, broker) = strict_kafka();
    let scene = Scene::at(servers::postgres_15(), broker.bootstrap(), TABLES);
    let topic = scene.topics.topic("public.t");
    scene.topics.create(std::slice::from_ref(&topic), 1, &[]);
    let mut walcast = scene.stream(&[]);
    scene.execute("INSERT INTO t VALUES (1)");
    scene.wait_for("public.t", 1);
    scene.database.wait_until_confirmed();

    // When the topic is deleted and another row comes.
    scene.topics.delete(&topic);
    let before = scene.database.session().execute_behind("INSERT INTO t VALUES (2)");

    // Then walcast ends and names it, and the row is not lost.
    assert_eq!(walcast.wait_exit().code(), Some(7), "{}", walcast.stderr());
    assert!(walcast.stderr().contains(&topic), "{}", walcast.stderr());
    assert!(scene.database.confirmed_lsn().expect("a slot") <= before);
    scene.topics.create(std::slice::from_ref(&topic), 1, &[]);
    let _walcast = scene.stream(&[]);
    assert_eq!(after(&scene.wait_for("public.t", 1), "id"), ["2"]);
}
