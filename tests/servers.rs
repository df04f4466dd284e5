//! The throwaway servers and the support of the tests: each part is tried before anything is built on it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use walcast::local::{KafkaOptions, PostgresOptions, PostgresServer, StopMode, Tuning};

use crate::support::database::Database;
use crate::support::golden::{GoldenRecord, Mask, difference, mask_json};
use crate::support::proxy::{Direction, Proxy};
use crate::support::topics::Topics;
use crate::support::walcast::connector_config;
use crate::support::{servers, wait};

fn a_row_comes_back(server: &dyn PostgresServer) {
    // Given a database of our own with a logical slot.
    let database = Database::create(server);
    database.create_slot();
    let version = database.session().value("SHOW server_version_num").expect("a version");
    assert_eq!(version.parse::<u32>().expect("a number") / 10_000, u32::from(server.major()));

    // When a row is written.
    database.execute("CREATE TABLE greeting (id int PRIMARY KEY, words text)");
    let written = database.session().execute_with("INSERT INTO greeting VALUES ($1, $2)", &[&1, &"hello"]);

    // Then it is read back, and the slot is behind it.
    assert_eq!(written, 1);
    let rows = database.session().rows("SELECT id, words FROM greeting");
    assert_eq!(rows, [[Some("1".to_owned()), Some("hello".to_owned())]]);
    assert!(database.confirmed_lsn().expect("a slot") < database.session().current_lsn());
    assert_eq!(database.walsender(), None);
}

#[test]
fn a_row_comes_back_from_postgres_15() {
    a_row_comes_back(servers::postgres_15());
}

#[test]
fn a_row_comes_back_from_postgres_18() {
    a_row_comes_back(servers::postgres_18());
}

fn produce(topics: &Topics, topic: &str, count: u32) {
    let producer: BaseProducer = topics.client().create().expect("a producer");
    for number in 0..count {
        let (key, value) = (format!("k{number}"), format!("v{number}"));
        producer.send(BaseRecord::to(topic).key(&key).payload(&value)).expect("room in the queue");
    }
    producer.flush(wait::PATIENCE).expect("delivered");
}

#[test]
fn records_come_back_from_kafka() {
    // Given a topic with three records.
    let topics = Topics::new(servers::kafka().bootstrap());
    let topic = topics.topic("public.t");
    assert_eq!(topics.read_to_end(&topic), []);
    produce(&topics, &topic, 3);

    // When it is read to its end.
    let records = topics.wait_for(&topic, 3);

    // Then they are all there, in order.
    let texts: Vec<_> = records.iter().map(|record| (record.key_text(), record.value_text())).collect();
    assert_eq!(texts, [(Some("k0"), Some("v0")), (Some("k1"), Some("v1")), (Some("k2"), Some("v2"))]);
    assert_eq!(topics.existing().into_iter().collect::<Vec<_>>(), [topic]);
}

/// One request; all of the answer.
fn post(address: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close");
    let rest = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(format!("{head}\r\n{rest}").as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_schema_comes_back_from_the_registry() {
    // Given a schema that was registered as Confluent's clients do.
    let registry = servers::registry();
    let path = registry.confluent_url().replace(&format!("http://{}", registry.address()), "");
    let body = r#"{"schema": "{\"type\":\"record\",\"name\":\"A\",\"fields\":[]}"}"#;
    let answer = post(registry.address(), &format!("{path}/subjects/a-value/versions"), body);
    let (_, id) = answer.split_once("\"id\":").unwrap_or_else(|| panic!("no id in {answer}"));
    let id = id.trim_end_matches('}').parse().expect("a number");

    // When it is asked for by its id.
    let schema = registry.schema(id).unwrap_or_else(|error| panic!("{}", error.report()));

    // Then it is the same text, and an id that nobody was given is an error.
    assert_eq!(schema, r#"{"type":"record","name":"A","fields":[]}"#);
    assert!(registry.schema(id + 1_000_000).is_err());
}

#[test]
fn postgres_keeps_its_rows_and_its_port_through_every_kind_of_stop() {
    // Given a server of our own with a row.
    let server = servers::own_postgres(&PostgresOptions::new(15).setting("wal_sender_timeout", "7s"));
    let mut database = Database::create(&*server);
    assert_eq!(database.session().value("SHOW wal_sender_timeout").as_deref(), Some("7s"));
    database.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    let port = server.port();

    for mode in [StopMode::Fast, StopMode::Immediate, StopMode::Kill] {
        // When it is stopped and started again.
        server.stop(mode).expect("it stops");
        assert_eq!(server.pid(), None);
        // A backend whose postmaster was killed goes as soon as it sees it.
        wait::until(&format!("{mode:?} ends the session"), wait::PATIENCE, || {
            database.session().try_execute("SELECT 1").is_err()
        });
        server.start_again().expect("it starts");

        // Then the row is still there, at the same address.
        database.reconnect();
        assert_eq!(database.session().value("SELECT count(*) FROM t").as_deref(), Some("1"), "{mode:?}");
        assert_eq!(server.port(), port);
    }
}

#[test]
fn kafka_keeps_its_records_through_stop_kill_and_pause() {
    // Given a broker of our own with records.
    let broker = servers::own_kafka(&KafkaOptions::default().tuned_for(Tuning::Start));
    let topics = Topics::new(broker.bootstrap());
    let topic = topics.topic("public.t");
    produce(&topics, &topic, 10);

    // When it is stopped in order, killed, and frozen for a moment.
    broker.stop().expect("it stops");
    broker.start_again().expect("it starts");
    assert_eq!(topics.wait_for(&topic, 10).len(), 10);
    broker.kill().expect("it is killed");
    broker.start_again().expect("it starts");
    broker.pause().expect("it is frozen");
    let client: BaseProducer = topics.client().create().expect("a client");
    assert!(client.client().fetch_metadata(None, Duration::from_millis(300)).is_err(), "it answers though frozen");
    broker.resume().expect("it goes on");

    // Then the records are still there.
    assert_eq!(topics.wait_for(&topic, 10).len(), 10);
}

#[test]
fn the_proxy_forwards_stalls_and_cuts() {
    // Given a session through a proxy.
    let server = servers::postgres_15();
    let proxy = Proxy::to(server.port());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let connect = || {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(proxy.port()).user("postgres").dbname("postgres");
        let (client, connection) = runtime.block_on(config.connect(tokio_postgres::NoTls)).expect("a session");
        (client, runtime.spawn(connection))
    };
    let (client, connection) = connect();
    let ask =
        |timeout| runtime.block_on(async { tokio::time::timeout(timeout, client.simple_query("SELECT 1")).await });
    ask(wait::PATIENCE).expect("in time").expect("an answer");
    assert_eq!(proxy.connections(), 1);
    assert!(proxy.bytes(Direction::ToServer) > 0 && proxy.bytes(Direction::ToClient) > 0);

    // When answers are stalled, then none comes; when they flow again, they come.
    proxy.stall(Direction::ToClient);
    let sent = proxy.bytes(Direction::ToServer);
    assert!(ask(Duration::from_millis(200)).is_err(), "an answer passed a stalled proxy");
    wait::until("the question arrived", wait::PATIENCE, || proxy.bytes(Direction::ToServer) > sent);
    proxy.flow();
    ask(wait::PATIENCE).expect("in time").expect("an answer");

    // When it is cut, then the session is over, and a new one is served.
    proxy.cut();
    runtime.block_on(async { tokio::time::timeout(wait::PATIENCE, connection).await }).expect("it ends").ok();
    assert!(client.is_closed());
    connect();
    assert_eq!(proxy.connections(), 2);
}

#[test]
fn masks_cover_the_clock_and_nothing_of_the_row() {
    let value = r#"{"before":null,"after":{"ts_ms":1,"a":"\"},{[","b":[{"ts_ms":2}]},"source":{"version":"3.6","ts_ms":3,"lsn":4,"xmin":null},"transaction":null,"op":"c","ts_ms":5,"ts_us":6}"#;

    assert_eq!(
        mask_json(value, Mask::Clock),
        r#"{"before":null,"after":{"ts_ms":1,"a":"\"},{[","b":[{"ts_ms":2}]},"source":{"version":"*","ts_ms":3,"lsn":4,"xmin":null},"transaction":null,"op":"c","ts_ms":"*","ts_us":"*"}"#
    );
    assert_eq!(
        mask_json(value, Mask::Run),
        r#"{"before":null,"after":{"ts_ms":1,"a":"\"},{[","b":[{"ts_ms":2}]},"source":{"version":"*","ts_ms":"*","lsn":"*","xmin":null},"transaction":null,"op":"c","ts_ms":"*","ts_us":"*"}"#
    );
    assert_eq!(mask_json("Struct{}", Mask::Run), "Struct{}");
}

#[test]
fn a_difference_names_its_bytes() {
    let record = |value: &str| GoldenRecord {
        topic: "public.t".to_owned(),
        key: None,
        value: Some(value.to_owned()),
        headers: vec![],
    };

    assert_eq!(difference(&record("{\"a\":1}"), &record("{\"a\":1}")), None);
    let found = difference(&record("{\"a\":1}"), &record("{\"a\":22}")).expect("they differ");
    assert!(found.starts_with("value differs in bytes 5..6 (expected) and 5..7 (found)"), "{found}");
}

#[test]
fn debezium_streams_a_row_in_a_local_worker() {
    // Given a table, a worker, and Debezium's connector running on a slot of ours.
    let database = Database::create(servers::postgres_15());
    let topics = Topics::new(servers::kafka().bootstrap());
    database.execute("CREATE TABLE t (id int PRIMARY KEY, words text)");
    database.execute(&format!("CREATE PUBLICATION {} FOR TABLE t", database.publication));
    database.create_slot();
    let worker = servers::connect(&walcast::local::ConnectOptions::default());
    let mut config = connector_config(&database, &topics);
    config.insert("poll.interval.ms".to_owned(), "50".into());
    worker.create(&topics.prefix, &config).expect("it runs");

    // When a row is written.
    database.execute("INSERT INTO t VALUES (1, 'hello')");

    // Then its record is in Kafka, and the connector can be deleted.
    let records = topics.wait_for(&topics.topic("public.t"), 1);
    assert_eq!(records[0].key_text(), Some("{\"id\":1}"));
    assert_eq!(records[0].json()["after"], serde_json::json!({"id": 1, "words": "hello"}));
    worker.delete(&topics.prefix).expect("it is gone");
    assert!(worker.status(&topics.prefix).is_err());
}
