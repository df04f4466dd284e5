//! What is in the topics: `records.jsonl` and `common.json`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Value, json};

use super::schemas::Schemas;
use crate::Outcome;

/// Longest wait for a topic.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest wait for one answer of the broker.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// What the headers have in common that Debezium puts on each record; the file says them once.
const CONTEXT_HEADER: &str = "__debezium.context.";
/// Stands for them in a record.
const CONTEXT_MARK: &str = "context";
/// Where the phrase begins and ends that names connector and prefix in each record's source block.
const SOURCE: (&str, &str) = ("\"source\":{", "\"ts_ms\":");
/// What else nearly all JSON records have in them.
const PHRASES: [&str; 2] = [
    ",\"snapshot\":\"false\",\"db\":\"golden\",\"sequence\":",
    ",\"xmin\":null,\"origin\":null,\"origin_lsn\":null},\"transaction\":null,\"op\":",
];

/// Name and value.
type Header = (String, Option<String>);

/// Reads topics, each of which Kafka Connect made with one partition.
pub(crate) struct Topics {
    consumer: BaseConsumer,
}

impl Topics {
    pub(crate) fn new(bootstrap: &str) -> Outcome<Self> {
        let consumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "golden")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "20")
            .create()?;
        Ok(Self { consumer })
    }

    /// How many records a topic holds; one that does not exist yet holds none.
    pub(crate) fn count(&self, topic: &str) -> i64 {
        // The client remembers for long that a topic did not exist, unless it is told anew what exists.
        let exists = self.consumer.fetch_metadata(None, REQUEST_TIMEOUT).is_ok_and(|metadata| {
            metadata.topics().iter().any(|known| known.name() == topic && !known.partitions().is_empty())
        });
        if !exists {
            return 0;
        }
        self.consumer.fetch_watermarks(topic, 0, REQUEST_TIMEOUT).map_or(0, |(_, end)| end)
    }

    /// Topics whose longest prefix among `prefixes` is `prefix`.
    pub(crate) fn of(&self, prefix: &str, prefixes: &[String]) -> Outcome<Vec<String>> {
        let metadata = self.consumer.fetch_metadata(None, PATIENCE)?;
        let longest = |topic: &str| prefixes.iter().filter(|prefix| topic.starts_with(*prefix)).max_by_key(|p| p.len());
        let mut topics: Vec<String> = metadata.topics().iter().map(|topic| topic.name().to_owned()).collect();
        topics.retain(|topic| longest(topic).is_some_and(|longest| longest == prefix));
        topics.sort();
        Ok(topics)
    }

    /// Everything in these topics, topic by topic.
    pub(crate) fn read(&self, topics: &[String], schemas: &mut Schemas<'_>) -> Outcome<Recording> {
        let mut assignment = TopicPartitionList::new();
        for topic in topics {
            assignment.add_partition_offset(topic, 0, Offset::Beginning)?;
        }
        self.consumer.assign(&assignment)?;
        let (mut records, mut ends) = (BTreeMap::<String, Vec<Value>>::new(), 0);
        let mut context = None;
        let deadline = Instant::now() + PATIENCE;
        while ends < topics.len() {
            if Instant::now() > deadline {
                return Err("a topic has no end".into());
            }
            match self.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    let record = record(&message, schemas, &mut context)?;
                    records.entry(message.topic().to_owned()).or_default().push(record);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => ends += 1,
                Some(Err(error)) => return Err(error.into()),
                None => {}
            }
        }
        let mut records: Vec<Value> = records.into_values().flatten().collect();
        let phrases = shorten(&mut records)?;
        Ok(Recording { records, common: json!({"headers": context.unwrap_or_default(), "phrases": phrases}) })
    }
}

/// What one connector wrote.
pub(crate) struct Recording {
    /// Topic by topic.
    pub(crate) records: Vec<Value>,
    /// The headers and phrases that records have in common.
    pub(crate) common: Value,
}

/// Puts a control character, which no JSON text holds, in place of each common phrase: the first for U+0001 and so on.
fn shorten(records: &mut [Value]) -> Outcome<Vec<String>> {
    let mut texts: Vec<&mut String> = records.iter_mut().filter_map(|record| text_of(&mut record["value"])).collect();
    if texts.iter().any(|text| text.contains(|c| c < ' ')) {
        return Err("a record's text holds a control character".into());
    }
    let Some(source) = texts.iter().find_map(|text| source_phrase(text)) else { return Ok(Vec::new()) };
    let phrases: Vec<String> = [source].into_iter().chain(PHRASES.map(str::to_owned)).collect();
    for text in &mut texts {
        for (mark, phrase) in (1_u8..).zip(&phrases) {
            **text = text.replace(phrase, &char::from(mark).to_string());
        }
    }
    Ok(phrases)
}

fn text_of(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(text) => Some(text),
        Value::Object(parts) => match parts.get_mut("payload") {
            Some(Value::String(text)) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn source_phrase(text: &str) -> Option<String> {
    let (begin, end) = SOURCE;
    let from = text.find(begin)?;
    let length = text[from..].find(end)? + end.len();
    Some(text[from..from + length].to_owned())
}

/// A record as it stands in the file.
fn record(
    message: &BorrowedMessage<'_>,
    schemas: &mut Schemas<'_>,
    context: &mut Option<Vec<Header>>,
) -> Outcome<Value> {
    let (mut own, mut common) = (Vec::new(), Vec::new());
    for header in message.headers().into_iter().flat_map(Headers::iter) {
        let value = header.value.map(|bytes| String::from_utf8(bytes.to_vec())).transpose()?;
        if header.key.starts_with(CONTEXT_HEADER) {
            common.push((header.key.to_owned(), value));
        } else if common.is_empty() {
            own.push(json!([header.key, value]));
        } else {
            return Err(format!("header {} stands behind those of the context", header.key).into());
        }
    }
    if !common.is_empty() {
        if *context.get_or_insert_with(|| common.clone()) != common {
            return Err("the headers of the context are not the same on all records".into());
        }
        own.push(Value::from(CONTEXT_MARK));
    }
    Ok(json!({
        "topic": message.topic(),
        "key": schemas.part(message.key())?,
        "value": schemas.part(message.payload())?,
        "headers": own,
    }))
}
