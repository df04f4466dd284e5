//! What every test here begins with: a table, a topic prefix of its own, and a registry.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use apache_avro::types::Value as Avro;
use serde_json::{Map, Value};
use walcast::local::SchemaRegistry;

use crate::support::database::Database;
use crate::support::servers;
use crate::support::topics::{ConsumedRecord, Topics};
use crate::support::walcast::{Walcast, connector_config, with_properties};

/// A database of its own, and topics of its own at the shared broker.
pub(super) struct Scene {
    pub(super) database: Database<'static>,
    pub(super) topics: Topics,
}

impl Scene {
    /// With these tables.
    pub(super) fn new(tables: &str) -> Self {
        let database = Database::create(servers::postgres_15());
        database.execute(tables);
        Self { database, topics: Topics::new(servers::kafka().bootstrap()) }
    }

    /// The usual configuration with these properties besides.
    pub(super) fn config(&self, properties: &[(&str, &str)]) -> Map<String, Value> {
        with_properties(connector_config(&self.database, &self.topics), properties)
    }

    /// Starts walcast.
    pub(super) fn start(&self, properties: &[(&str, &str)]) -> Walcast {
        Walcast::run(&self.config(properties), &self.topics)
    }

    /// Starts walcast and waits until it streams.
    #[track_caller]
    pub(super) fn stream(&self, properties: &[(&str, &str)]) -> Walcast {
        let mut walcast = self.start(properties);
        walcast.wait_until_streaming(&self.database);
        walcast
    }

    #[track_caller]
    pub(super) fn execute(&self, sql: &str) {
        self.database.execute(sql);
    }

    /// Waits until the topic of a table holds so many records.
    #[track_caller]
    pub(super) fn wait_for(&self, table: &str, count: usize) -> Vec<ConsumedRecord> {
        self.topics.wait_for(&self.topics.topic(table), count)
    }

    /// The subject of a table's keys or values.
    pub(super) fn subject(&self, table: &str, side: &str) -> String {
        format!("{}-{side}", self.topics.topic(table))
    }
}

/// Confluent's converter for keys and values at an address.
pub(super) fn confluent(url: &str) -> Vec<(&str, &str)> {
    let class = "io.confluent.connect.avro.AvroConverter";
    vec![
        ("key.converter", class),
        ("key.converter.schema.registry.url", url),
        ("value.converter", class),
        ("value.converter.schema.registry.url", url),
    ]
}

/// Status and body of a request in Confluent's interface of the shared registry.
pub(super) fn ask(method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let url = servers::registry().confluent_url();
    let (host, base) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an address");
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut stream = TcpStream::connect(host).expect("a registry");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    let head = format!(
        "{method} /{base}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAccept: application/json\r\n\
         Content-Type: application/vnd.schemaregistry.v1+json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split_ascii_whitespace().nth(1).and_then(|code| code.parse().ok()).expect("a status");
    // An answer in chunks has their lengths around it.
    let body = body.find(['{', '[']).and_then(|from| body.get(from..=body.rfind(['}', ']'])?)).unwrap_or("null");
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// The numbers of a subject's versions.
pub(super) fn versions(subject: &str) -> usize {
    let (_, versions) = ask("GET", &format!("/subjects/{subject}/versions"), None);
    versions.as_array().map_or(0, Vec::len)
}

/// The number of the schema that a record was written under.
pub(super) fn id(bytes: &[u8]) -> u32 {
    let (head, _) = bytes.split_at(5);
    assert_eq!(head[0], 0, "Confluent's framing begins with a zero");
    u32::from_be_bytes([head[1], head[2], head[3], head[4]])
}

/// What a reader gets who asks the registry for the schema.
pub(super) fn read(registry: &dyn SchemaRegistry, bytes: &[u8]) -> Avro {
    let text = registry.schema(id(bytes)).unwrap_or_else(|error| panic!("{}", error.report()));
    let mut json = serde_json::from_str(&text).expect("JSON");
    remove_defaults(&mut json);
    let schema = apache_avro::Schema::parse(&json).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut payload = &bytes[5..];
    let value = apache_avro::from_avro_datum(&schema, &mut payload, None).expect("a datum of its schema");
    assert!(payload.is_empty(), "{} bytes are left", payload.len());
    value
}

/// The library knows no default of a decimal in a union. Reading a record needs none.
fn remove_defaults(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.shift_remove("default");
            members.values_mut().for_each(remove_defaults);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_defaults),
        _ => {}
    }
}

/// A member of a record, through unions.
pub(super) fn member<'v>(value: &'v Avro, name: &str) -> &'v Avro {
    match value {
        Avro::Record(fields) => {
            let (_, inner) = fields.iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("no {name}"));
            match inner {
                Avro::Union(_, inner) => inner,
                inner => inner,
            }
        }
        other => panic!("{other:?} has no members"),
    }
}
