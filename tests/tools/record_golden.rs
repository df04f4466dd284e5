//! Records Debezium's own records into `tests/golden/`: see the README there.
//!
//! `TZ=UTC JAVA_HOME=... cargo run --example record_golden -- --major 15 [--scenario NAME]...`
//!
//! Each scenario gets a new PostgreSQL cluster with a database, the real Debezium in a real Kafka Connect, and a second
//! slot that decodes the same write-ahead log.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use walcast::local::{
    Connect, ConnectOptions, KafkaBroker, KafkaOptions, PostgresOptions, PostgresServer, Progress, Servers,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Parts setup from workload in a scenario.
const WORKLOAD_MARK: &str = "-- workload";
/// Gives the connector one more property.
const CONNECTOR_MARK: &str = "-- connector: ";
/// Waits for Debezium, as every statement that changes the catalog does by itself.
const BARRIER_MARK: &str = "-- barrier";
/// Says that a transaction changes the catalog.
const DDL_MARK: &str = "-- ddl";
/// What Java before 19 makes of 1e23: its digits are not the shortest ones.
const OLD_JAVA_DIGITS: &str = "9.999999999999999E22";

fn main() -> Outcome<()> {
    let (majors, wanted) = arguments()?;
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let servers = Servers::choose(Progress::terminal())?;
    let kafka = servers.kafka(&KafkaOptions::default())?;
    let connect = servers.connect(kafka.bootstrap(), &ConnectOptions::default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    for major in majors {
        for scenario in Scenario::all(&golden.join("sql"))? {
            if !wanted.is_empty() && !wanted.contains(&scenario.name) {
                continue;
            }
            let server = servers.postgres(&PostgresOptions::new(major).setting("max_wal_senders", "20"))?;
            let folder = golden.join(format!("postgresql-{major}")).join(&scenario.name);
            let run = Run::begin(&runtime, &*server, &connect, &*kafka, &scenario)?;
            let count = run.record(&folder)?;
            println!("{major} {}: {count} records", scenario.name);
        }
    }
    Ok(())
}

fn arguments() -> Outcome<(Vec<u16>, BTreeSet<String>)> {
    let (mut majors, mut scenarios) = (Vec::new(), BTreeSet::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--major" => majors.push(value.parse()?),
            "--scenario" => {
                scenarios.insert(value);
            }
            _ => return Err(format!("unknown argument {name}; known are --major and --scenario").into()),
        }
    }
    if majors.is_empty() {
        majors = vec![15, 18];
    }
    Ok((majors, scenarios))
}

/// A file of `tests/golden/sql`.
struct Scenario {
    name: String,
    /// Properties that the connector has besides the usual ones.
    properties: Vec<(String, String)>,
    setup: Vec<String>,
    workload: Vec<String>,
}

impl Scenario {
    fn all(folder: &Path) -> Outcome<Vec<Self>> {
        let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Outcome<Self> {
        let name = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a scenario without name")?;
        let text = fs::read_to_string(path)?;
        let (setup, workload) = text.split_once(WORKLOAD_MARK).ok_or_else(|| format!("{name} has no workload"))?;
        let property = |line: &str| {
            let (key, value) = line.strip_prefix(CONNECTOR_MARK)?.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        };
        let properties = setup.lines().filter_map(property).collect();
        let setup = setup.lines().filter(|line| !line.starts_with(CONNECTOR_MARK)).collect::<Vec<_>>().join("\n");
        Ok(Self { name: name.to_owned(), properties, setup: paragraphs(&setup), workload: paragraphs(workload) })
    }

    fn topic_prefix(&self, server: &dyn PostgresServer) -> String {
        format!("{}{}", self.name, server.major())
    }

    /// A typical configuration; the port is none that a reader would mistake for a real one.
    fn configuration(&self, server: &dyn PostgresServer) -> Map<String, Value> {
        let mut configuration = Map::new();
        let usual = [
            ("connector.class", "io.debezium.connector.postgresql.PostgresConnector"),
            ("database.hostname", server.host()),
            ("database.port", &server.port().to_string()),
            ("database.user", server.user()),
            ("database.dbname", "golden"),
            ("plugin.name", "pgoutput"),
            ("snapshot.mode", "no_data"),
            ("topic.prefix", &self.topic_prefix(server)),
            ("poll.interval.ms", "50"),
            ("errors.max.retries", "0"),
        ];
        let own = self.properties.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in usual.into_iter().chain(own) {
            configuration.insert(key.to_owned(), Value::from(value));
        }
        configuration
    }
}

/// Text between empty lines: what is sent as one simple query.
fn paragraphs(text: &str) -> Vec<String> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).map(str::to_owned).collect()
}

/// Whether a paragraph may change what the catalog says.
fn changes_catalog(paragraph: &str) -> bool {
    let changes = ["create", "alter", "drop", DDL_MARK];
    paragraph.lines().any(|line| changes.iter().any(|word| line.to_ascii_lowercase().starts_with(word)))
}

/// A scenario under way: Debezium streams, the second slot exists.
struct Run<'r> {
    runtime: &'r Runtime,
    client: Client,
    connect: &'r Connect,
    consumer: BaseConsumer,
    scenario: &'r Scenario,
    configuration: Map<String, Value>,
    facts: Vec<String>,
}

impl<'r> Run<'r> {
    fn begin(
        runtime: &'r Runtime,
        server: &dyn PostgresServer,
        connect: &'r Connect,
        kafka: &dyn KafkaBroker,
        scenario: &'r Scenario,
    ) -> Outcome<Self> {
        let consumer = ClientConfig::new()
            .set("bootstrap.servers", kafka.bootstrap())
            .set("group.id", "golden")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()?;
        let admin = open(runtime, server, "postgres")?;
        runtime.block_on(admin.batch_execute("CREATE DATABASE golden TEMPLATE template0 ENCODING 'UTF8'"))?;
        let configuration = scenario.configuration(server);
        let client = open(runtime, server, "golden")?;
        let mut run = Self { runtime, client, connect, consumer, scenario, configuration, facts: Vec::new() };
        run.execute("SET TIME ZONE 'UTC'")?;
        run.execute("CREATE TABLE barrier (id int PRIMARY KEY)")?;
        for statement in &scenario.setup {
            run.execute(statement).map_err(|error| format!("{statement}: {error}"))?;
        }
        run.note_facts()?;
        connect.create(&scenario.name, &run.configuration)?;
        let is_active = "SELECT active FROM pg_replication_slots WHERE slot_name = 'debezium'";
        run.wait("Debezium streams", |run| Ok(run.one(is_active)?.as_deref() == Some("t")))?;
        run.execute("SELECT pg_create_logical_replication_slot('golden', 'pgoutput')")?;
        Ok(run)
    }

    /// Runs the workload and writes everything down; gives the number of records.
    fn record(mut self, folder: &Path) -> Outcome<usize> {
        let mut barriers = 0;
        for statement in &self.scenario.workload {
            let is_change = changes_catalog(statement);
            if is_change || statement == BARRIER_MARK {
                barriers += 1;
                self.barrier(barriers)?;
            }
            // Some statements are there to be refused.
            if let Err(error) = self.execute(statement) {
                println!("refused: {statement}: {error}");
                self.execute("ROLLBACK")?;
            }
            if is_change {
                self.note_facts()?;
            }
        }
        self.barrier(barriers + 1)?;
        self.connect.delete(&self.scenario.name)?;
        let records = self.records()?;
        if records.iter().any(|record| record.to_string().contains(OLD_JAVA_DIGITS)) {
            return Err("Debezium ran on a Java before 19: set JAVA_HOME to a newer one".into());
        }
        fs::create_dir_all(folder)?;
        write_lines(&folder.join("frames.jsonl"), &self.frames()?)?;
        write_lines(&folder.join("facts.jsonl"), &self.facts)?;
        write_lines(&folder.join("records.jsonl"), &records.iter().map(Value::to_string).collect::<Vec<_>>())?;
        // Where the server was matters to nobody.
        self.configuration.insert("database.hostname".to_owned(), Value::from("127.0.0.1"));
        self.configuration.insert("database.port".to_owned(), Value::from("5432"));
        fs::write(folder.join("connector.json"), serde_json::to_string_pretty(&self.configuration)? + "\n")?;
        Ok(records.len())
    }

    fn execute(&self, statement: &str) -> Outcome<()> {
        Ok(self.runtime.block_on(self.client.batch_execute(statement))?)
    }

    /// First column of all rows.
    fn column(&self, query: &str) -> Outcome<Vec<String>> {
        let messages = self.runtime.block_on(self.client.simple_query(query))?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        Ok(rows.collect())
    }

    fn one(&self, query: &str) -> Outcome<Option<String>> {
        Ok(self.column(query)?.into_iter().next())
    }

    fn wait(&self, what: &str, mut condition: impl FnMut(&Self) -> Outcome<bool>) -> Outcome<()> {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self)? {
            if Instant::now() > deadline {
                let status = self.connect.status(&self.scenario.name)?;
                return Err(format!("waited in vain until {what}; the connector: {status}").into());
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    /// Inserts a row and waits until Debezium has written it, so that it reads the catalog of this moment.
    fn barrier(&self, number: i64) -> Outcome<()> {
        self.execute(&format!("INSERT INTO public.barrier VALUES ({number})"))?;
        let delimiter = self.property("topic.delimiter").unwrap_or(".");
        let topic = [self.prefix(), "public", "barrier"].join(delimiter);
        self.wait("Debezium has caught up", |run| {
            // The topic does not exist before its first record.
            let watermarks = run.consumer.fetch_watermarks(&topic, 0, Duration::from_secs(5));
            Ok(watermarks.is_ok_and(|(_, end)| end >= number))
        })
    }

    fn property(&self, name: &str) -> Option<&str> {
        self.configuration.get(name).and_then(Value::as_str)
    }

    fn prefix(&self) -> &str {
        self.property("topic.prefix").unwrap_or_default()
    }

    fn note_facts(&mut self) -> Outcome<()> {
        let facts = self.one(include_str!("golden_facts.sql"))?.ok_or("no facts")?;
        self.facts.push(facts.replace('\n', " "));
        Ok(())
    }

    fn frames(&self) -> Outcome<Vec<String>> {
        self.column(
            "SELECT json_build_object('lsn', lsn - '0/0'::pg_lsn, 'data', encode(data, 'hex'))::text
               FROM pg_logical_slot_get_binary_changes('golden', NULL, NULL, 'proto_version', '1',
                    'publication_names', 'dbz_publication', 'messages', 'true')",
        )
    }

    /// All records of all topics, topic by topic.
    fn records(&self) -> Outcome<Vec<Value>> {
        let metadata = self.consumer.fetch_metadata(None, PATIENCE)?;
        let topics = metadata.topics().iter().map(|topic| topic.name());
        let topics: BTreeSet<&str> = topics.filter(|name| name.starts_with(self.prefix())).collect();
        let mut records = Vec::new();
        for topic in topics {
            self.read_topic(topic, &mut records)?;
        }
        Ok(records)
    }

    /// Every topic was made by Kafka Connect and has one partition.
    fn read_topic(&self, topic: &str, into: &mut Vec<Value>) -> Outcome<()> {
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(topic, 0, Offset::Beginning)?;
        self.consumer.assign(&assignment)?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => into.push(record(&message)?),
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                Some(Err(error)) => return Err(error.into()),
                None => {}
            }
        }
        Err(format!("{topic} has no end").into())
    }
}

fn open(runtime: &Runtime, server: &dyn PostgresServer, database: &str) -> Outcome<Client> {
    let mut config = tokio_postgres::Config::new();
    config.host(server.host()).port(server.port()).user(server.user()).dbname(database);
    let (client, connection) = runtime.block_on(config.connect(NoTls))?;
    runtime.spawn(connection);
    Ok(client)
}

/// A record as it stands in the file; all bytes that Debezium's JSON converter writes are UTF-8.
fn record(message: &BorrowedMessage<'_>) -> Outcome<Value> {
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8(bytes.to_vec())).transpose();
    let mut headers = Vec::new();
    for header in message.headers().into_iter().flat_map(Headers::iter) {
        headers.push(json!([header.key, text(header.value)?]));
    }
    Ok(json!({
        "topic": message.topic(),
        "key": text(message.key())?,
        "value": text(message.payload())?,
        "headers": headers,
    }))
}

fn write_lines(path: &Path, lines: &[String]) -> Outcome<()> {
    Ok(fs::write(path, lines.join("\n") + "\n")?)
}
