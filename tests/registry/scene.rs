//! The registry's side of a scene: converters, requests, and records read back with its schemas.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use apache_avro::types::Value as Avro;
use serde_json::Value;
use walcast::local::SchemaRegistry;

use crate::support::servers;

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
    ask_at(&servers::registry().confluent_url(), method, path, body)
}

/// The same in Apicurio's own interface, version 3.
pub(super) fn ask_apicurio(path: &str) -> (u16, Value) {
    ask_at(&servers::registry().native_url().replace("/v2", "/v3"), "GET", path, None)
}

fn ask_at(url: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
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

/// Confluent's converter with these settings for keys and values each.
pub(super) fn confluent_with(url: &str, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut properties: Vec<(String, String)> =
        confluent(url).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    for side in ["key", "value"] {
        let of_side = |(name, value): &(&str, &str)| {
            // Confluent's strategies have the side in their name as well.
            let name = name.replace("SIDE", side);
            (format!("{side}.converter.{name}"), (*value).to_owned())
        };
        properties.extend(settings.iter().map(of_side));
    }
    properties
}

/// As a scene takes them.
pub(super) fn borrowed(properties: &[(String, String)]) -> Vec<(&str, &str)> {
    properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The schema that was registered last under a subject.
pub(super) fn latest(subject: &str) -> Value {
    let (status, answer) = ask("GET", &format!("/subjects/{subject}/versions/latest"), None);
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(answer["schema"].as_str().expect("a schema")).expect("JSON")
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
    read_as(serde_json::from_str(&text).expect("JSON"), bytes)
}

/// What a reader gets who knows the schema.
pub(super) fn read_as(mut json: Value, bytes: &[u8]) -> Avro {
    remove_defaults(&mut json);
    let schema = apache_avro::Schema::parse(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
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
