//! Replays recorded pgoutput frames and compares every record with what Debezium wrote for the same log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{Encoder, EncoderOptions};
use crate::assemble::{Assembler, Step};
use crate::catalog::Catalog;
use crate::catalog::facts::{ColumnFacts, Facts, TableFacts, TypeFacts, TypeSort};
use crate::config::{Records, SkippedOperations};
use crate::event::Event;
use crate::ledger::Ticket;
use crate::lsn::Lsn;
use crate::pgoutput::{Block, RelationId, TypeOid, parse};

/// A record as recorded or as encoded: key, value without clocks, headers without the run id.
#[derive(Debug, PartialEq, Eq)]
struct Plain {
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(String, String)>,
}

type Topics = BTreeMap<String, Vec<Plain>>;

fn scenarios() -> Vec<PathBuf> {
    let root = std::env::var("WALCAST_GOLDEN")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/debezium").to_owned());
    let mut found: Vec<PathBuf> = Vec::new();
    for server in std::fs::read_dir(&root).expect("the recorded scenarios").flatten() {
        if server.path().is_dir() {
            found.extend(std::fs::read_dir(server.path()).unwrap().flatten().map(|entry| entry.path()));
        }
    }
    found.retain(|path| path.join("frames.jsonl").is_file());
    found.sort();
    assert!(!found.is_empty(), "no scenario under {root}");
    found
}

fn lines(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(json: &Json) -> String {
    json.as_str().unwrap().to_owned()
}

fn texts(json: &Json) -> Vec<String> {
    json.as_array().into_iter().flatten().map(text).collect()
}

fn oid(json: &Json) -> u32 {
    u32::try_from(json.as_u64().unwrap()).unwrap()
}

fn facts(line: &Json) -> Facts {
    let table = |table: &Json| {
        let columns = table["columns"].as_array().unwrap().iter().map(|column| ColumnFacts {
            name: text(&column["name"]),
            not_null: column["not_null"].as_bool().unwrap(),
            default_expression: column["default"].as_str().map(str::to_owned),
        });
        let facts = TableFacts {
            columns: columns.collect(),
            primary_key: texts(&table["primary_key"]),
            unique_indexes: table["unique_indexes"].as_array().unwrap().iter().map(texts).collect(),
        };
        (RelationId(oid(&table["oid"])), facts)
    };
    let typ = |typ: &Json| {
        let sort = match (typ["typtype"].as_str().unwrap(), typ["typcategory"].as_str().unwrap()) {
            ("e", _) => TypeSort::Enum(texts(&typ["labels"])),
            ("d", _) => TypeSort::Domain {
                base: TypeOid(oid(&typ["base"])),
                typmod: i32::try_from(typ["typmod"].as_i64().unwrap()).unwrap(),
            },
            ("b", "A") => TypeSort::Array(TypeOid(oid(&typ["elem"]))),
            ("b", _) => TypeSort::Base,
            _ => TypeSort::Other,
        };
        (TypeOid(oid(&typ["oid"])), TypeFacts { name: text(&typ["name"]), schema: text(&typ["schema"]), sort })
    };
    Facts {
        tables: line["tables"].as_array().unwrap().iter().map(table).collect(),
        types: line["types"].as_array().into_iter().flatten().map(typ).collect(),
    }
}

fn without_clocks(value: &str) -> String {
    let value = match value.rfind(",\"ts_ms\":") {
        Some(clocks) => &value[..clocks],
        None => value,
    };
    let Some((before, rest)) = value.split_once("\"source\":{\"version\":\"") else { return value.to_owned() };
    let (_, after) = rest.split_once('"').unwrap();
    format!("{before}\"source\":{{{after}")
}

fn without_run_id(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    for (name, value) in &mut headers {
        if name == "__debezium.context.runId" {
            value.clear();
        }
    }
    headers
}

fn recorded(scenario: &Path) -> Topics {
    let mut topics = Topics::new();
    for line in lines(&scenario.join("records.jsonl")) {
        let headers = line["headers"].as_array().unwrap().iter().map(|pair| (text(&pair[0]), text(&pair[1])));
        topics.entry(text(&line["topic"])).or_default().push(Plain {
            key: line["key"].as_str().map(str::to_owned),
            value: line["value"].as_str().map(without_clocks),
            headers: without_run_id(headers.collect()),
        });
    }
    topics
}

fn options(scenario: &Path) -> EncoderOptions {
    let connector = lines(&scenario.join("connector.json")).remove(0);
    let property = |name: &str| connector[name].as_str();
    let skipped = property("skipped.operations").unwrap_or("t");
    EncoderOptions {
        topic_prefix: property("topic.prefix").unwrap().to_owned(),
        dbname: property("database.dbname").unwrap().to_owned(),
        records: Records {
            tombstones_on_delete: property("tombstones.on.delete") != Some("false"),
            context_headers: property("extended.headers.enabled") != Some("false"),
            unavailable_placeholder: property("unavailable.value.placeholder")
                .unwrap_or("__debezium_unavailable_value")
                .to_owned(),
            topic_delimiter: property("topic.delimiter").unwrap_or(".").to_owned(),
            skipped: SkippedOperations {
                create: skipped.contains('c'),
                update: skipped.contains('u'),
                delete: skipped.contains('d'),
                truncate: skipped.contains('t'),
            },
        },
        task_id: "0".to_owned(),
        run_id: String::new(),
    }
}

fn encode(encoder: &mut Encoder, event: &Event<'_>, topics: &mut Topics) {
    let ticket = Ticket::from_u64(1);
    let count = match encoder.encode(event, 0) {
        Ok(count) => count,
        Err(error) => {
            println!("ENCODE ERROR {error}: {error:?}");
            return;
        }
    };
    for index in 0..count {
        let record = encoder.record(index, ticket).unwrap();
        let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let own = record.headers.own.map(|(name, value)| (name.to_owned(), string(value)));
        let shared = record.headers.shared.iter().map(|header| (header.key.clone(), string(&header.value)));
        topics.entry(record.topic.to_string()).or_default().push(Plain {
            key: record.key.map(string),
            value: record.value.map(|value| without_clocks(&string(value))),
            headers: without_run_id(own.into_iter().chain(shared).collect()),
        });
    }
}

fn replayed(scenario: &Path) -> Topics {
    let mut topics = Topics::new();
    let known: Vec<(u64, Facts)> =
        lines(&scenario.join("facts.jsonl")).iter().map(|line| (line["lsn"].as_u64().unwrap(), facts(line))).collect();
    let mut encoder = Encoder::new(options(scenario));
    let mut assembler = Assembler::new(Catalog::new(), None, None);
    for frame in lines(&scenario.join("frames.jsonl")) {
        let lsn = frame["lsn"].as_u64().unwrap();
        let hex = text(&frame["data"]);
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let message = parse(Block::Plain, &bytes).unwrap();
        let relation = match assembler.step(Lsn::new(lsn), message).unwrap() {
            Step::Event(event) => {
                encode(&mut encoder, &event, &mut topics);
                None
            }
            Step::Truncate(truncated) => {
                truncated.events().for_each(|event| encode(&mut encoder, &event, &mut topics));
                None
            }
            Step::NeedsFacts(relation) => Some(relation),
            _ => None,
        };
        if let Some(relation) = relation {
            let current = known.iter().rev().find(|(from, _)| *from <= lsn).map_or(&known[0].1, |(_, facts)| facts);
            encoder.plan(&assembler.learn(&relation, current));
        }
    }
    topics
}

/// Where two records part, with a little of what stands before it.
fn difference(expected: &Plain, found: &Plain) -> String {
    let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
    let same = expected.chars().zip(found.chars()).take_while(|(left, right)| left == right).count();
    let cut = |text: &str| text.chars().skip(same.saturating_sub(60)).take(160).collect::<String>();
    format!("\n  debezium ..{}\n  walcast  ..{}", cut(&expected), cut(&found))
}

#[test]
fn records_are_debeziums() {
    let mut differences = Vec::new();
    let mut compared = 0;
    for scenario in scenarios() {
        let (mut expected, mut found) = (recorded(&scenario), replayed(&scenario));
        let topics: Vec<String> =
            expected.keys().chain(found.keys()).cloned().collect::<BTreeSet<_>>().into_iter().collect();
        // Logical messages have records of their own kind, which are not made here.
        for topic in topics.iter().filter(|topic| !topic.ends_with(".message")) {
            let (expected, found) =
                (expected.remove(topic).unwrap_or_default(), found.remove(topic).unwrap_or_default());
            compared += expected.len();
            if expected.len() != found.len() {
                differences.push(format!("{topic}: {} records instead of {}", found.len(), expected.len()));
            }
            for (index, (expected, found)) in expected.iter().zip(&found).enumerate() {
                if expected != found {
                    differences.push(format!("{topic} record {index}{}", difference(expected, found)));
                }
            }
        }
    }
    assert!(compared > 0);
    println!("{compared} records compared, {} differ", differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
