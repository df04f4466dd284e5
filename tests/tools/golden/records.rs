//! How records stand in the files: `records.jsonl` and `common.json`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::schemas::Schemas;
use super::topics::Raw;
use crate::Outcome;

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

/// What one connector wrote.
pub(crate) struct Recording {
    /// Topic by topic.
    pub(crate) records: Vec<Value>,
    /// The headers and phrases that records have in common.
    pub(crate) common: Value,
}

impl Recording {
    pub(crate) fn of(raw: &[Raw], schemas: &mut Schemas<'_>) -> Outcome<Self> {
        let (mut records, mut context) = (BTreeMap::<&str, Vec<Value>>::new(), None);
        for raw in raw {
            records.entry(&raw.topic).or_default().push(record(raw, schemas, &mut context)?);
        }
        let mut records: Vec<Value> = records.into_values().flatten().collect();
        let phrases = shorten(&mut records)?;
        Ok(Self { records, common: json!({"headers": context.unwrap_or_default(), "phrases": phrases}) })
    }
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
fn record(raw: &Raw, schemas: &mut Schemas<'_>, context: &mut Option<Vec<Header>>) -> Outcome<Value> {
    let (mut own, mut common) = (Vec::new(), Vec::new());
    for (name, value) in &raw.headers {
        let value = value.as_deref().map(|bytes| String::from_utf8(bytes.to_vec())).transpose()?;
        if name.starts_with(CONTEXT_HEADER) {
            common.push((name.clone(), value));
        } else if common.is_empty() {
            own.push(json!([name, value]));
        } else {
            return Err(format!("header {name} stands behind those of the context").into());
        }
    }
    if !common.is_empty() {
        if *context.get_or_insert_with(|| common.clone()) != common {
            return Err("the headers of the context are not the same on all records".into());
        }
        own.push(Value::from(CONTEXT_MARK));
    }
    Ok(json!({
        "topic": raw.topic,
        "key": schemas.part(raw.key.as_deref())?,
        "value": schemas.part(raw.value.as_deref())?,
        "headers": own,
    }))
}
