//! Recorded records, and comparison byte for byte with what differs from run to run masked.
//!
//! A golden file holds one record a line, as a JSON object of `topic`, `key`, `value` and `headers`; the bytes of
//! each are a JSON string, or null. Topics are written without their prefix.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::topics::ConsumedRecord;

/// What of a record is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    /// The connector's clock, its version and run id: two connectors on two slots of one database.
    Clock,
    /// Also what the server's run decides: positions, transaction ids, commit times and names of database and
    /// prefix: a recording and a later run.
    Run,
}

const CLOCK: &[&str] = &["ts_ms", "ts_us", "ts_ns", "source.version"];
const RUN: &[&str] = &[
    "source.ts_ms",
    "source.ts_us",
    "source.ts_ns",
    "source.name",
    "source.db",
    "source.sequence",
    "source.txId",
    "source.lsn",
    "source.xmin",
    "transaction.id",
];
/// Headers whose value is masked in every comparison, then those that carry the connector's name.
const CLOCK_HEADERS: &[&str] = &["__debezium.context.runId"];
const RUN_HEADERS: &[&str] = &["__debezium.context.connectorName", "__debezium.context.connectorLogicalName"];
const MASKED: &str = "\"*\"";

impl Mask {
    fn covers(self, path: &str) -> bool {
        // With schemas enabled the envelope lies one level deeper.
        let path = path.strip_prefix("payload.").unwrap_or(path);
        CLOCK.contains(&path) || self == Self::Run && RUN.contains(&path)
    }

    fn covers_header(self, name: &str) -> bool {
        CLOCK_HEADERS.contains(&name) || self == Self::Run && RUN_HEADERS.contains(&name)
    }
}

/// A record with its masked parts replaced, ready to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GoldenRecord {
    pub(crate) topic: String,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) headers: Vec<(String, Option<String>)>,
}

impl GoldenRecord {
    /// Masks a record that was read from a topic with this prefix.
    pub(crate) fn of(record: &ConsumedRecord, prefix: &str, mask: Mask) -> Self {
        let text = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let topic = record.topic.strip_prefix(prefix).map_or(&*record.topic, |rest| rest.trim_start_matches('.'));
        Self {
            topic: topic.to_owned(),
            key: text(&record.key),
            value: text(&record.value).map(|value| mask_json(&value, mask)),
            headers: record
                .headers
                .iter()
                .map(|(name, value)| {
                    let value = if mask.covers_header(name) { Some("*".to_owned()) } else { text(value) };
                    (name.clone(), value)
                })
                .collect(),
        }
    }

    fn to_line(&self) -> String {
        let headers: Vec<Value> = self.headers.iter().map(|(name, value)| json!([name, value])).collect();
        json!({"topic": self.topic, "key": self.key, "value": self.value, "headers": headers}).to_string()
    }

    fn from_line(line: &str) -> Self {
        let value: Value = serde_json::from_str(line).expect("a line of a golden file is JSON");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let headers = value["headers"].as_array().expect("headers");
        Self {
            topic: text(&value["topic"]).expect("a topic"),
            key: text(&value["key"]),
            value: text(&value["value"]),
            headers: headers.iter().map(|pair| (text(&pair[0]).expect("a header name"), text(&pair[1]))).collect(),
        }
    }
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.jsonl"))
}

/// Reads `tests/golden/NAME.jsonl`.
pub(crate) fn load(name: &str) -> Vec<GoldenRecord> {
    let path = path(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(GoldenRecord::from_line).collect()
}

/// Writes `tests/golden/NAME.jsonl`.
pub(crate) fn store(name: &str, records: &[GoldenRecord]) {
    let text: String = records.iter().map(|record| record.to_line() + "\n").collect();
    std::fs::write(path(name), text).expect("a golden file");
}

/// Panics with the first record that differs, and in it the bytes.
#[track_caller]
pub(crate) fn assert_same(expected: &[GoldenRecord], found: &[GoldenRecord]) {
    for (number, (expected, found)) in expected.iter().zip(found).enumerate() {
        if let Some(difference) = difference(expected, found) {
            panic!("record {number} of {}: {difference}", expected.topic);
        }
    }
    assert_eq!(expected.len(), found.len(), "as many records are expected (left) as are found (right)");
}

/// What differs between two records, first topic, then key, headers and value.
pub(crate) fn difference(expected: &GoldenRecord, found: &GoldenRecord) -> Option<String> {
    let headers =
        |record: &GoldenRecord| record.headers.iter().map(|(n, v)| format!("{n}={v:?}\n")).collect::<String>();
    differing_bytes("topic", Some(&expected.topic), Some(&found.topic))
        .or_else(|| differing_bytes("key", expected.key.as_deref(), found.key.as_deref()))
        .or_else(|| differing_bytes("headers", Some(&headers(expected)), Some(&headers(found))))
        .or_else(|| differing_bytes("value", expected.value.as_deref(), found.value.as_deref()))
}

fn differing_bytes(part: &str, expected: Option<&str>, found: Option<&str>) -> Option<String> {
    const CONTEXT: usize = 40;
    if expected == found {
        return None;
    }
    let (Some(expected), Some(found)) = (expected, found) else {
        return Some(format!("{part} is {found:?} instead of {expected:?}"));
    };
    let (left, right) = (expected.as_bytes(), found.as_bytes());
    let same_start = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let rest = left.len().min(right.len()) - same_start;
    let same_end = left.iter().rev().zip(right.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let around = |bytes: &[u8]| {
        let (from, to) = (same_start.saturating_sub(CONTEXT), bytes.len() - same_end);
        String::from_utf8_lossy(&bytes[from..(to + CONTEXT).min(bytes.len())]).into_owned()
    };
    Some(format!(
        "{part} differs in bytes {same_start}..{} (expected) and {same_start}..{} (found)\n expected: …{}…\n    found: …{}…",
        left.len() - same_end,
        right.len() - same_end,
        around(left),
        around(right),
    ))
}

/// Replaces masked members by `"*"` and leaves every other byte as it is; null stays null, so that a missing
/// value is still seen. Text that is not a JSON object is returned unchanged.
pub(crate) fn mask_json(text: &str, mask: Mask) -> String {
    if !text.starts_with('{') || serde_json::from_str::<Value>(text).is_err() {
        return text.to_owned();
    }
    let mut masker = Masker { text, position: 0, output: String::with_capacity(text.len()), copied: 0, mask };
    masker.value(&mut String::new());
    masker.output + &text[masker.copied..]
}

/// Walks valid JSON; arrays are left alone, since nothing in them is masked.
struct Masker<'t> {
    text: &'t str,
    position: usize,
    output: String,
    copied: usize,
    mask: Mask,
}

impl Masker<'_> {
    fn peek(&self) -> u8 {
        self.text.as_bytes()[self.position]
    }

    fn value(&mut self, path: &mut String) {
        let start = self.position;
        if self.peek() == b'{' {
            self.object(path);
        } else {
            self.skip();
        }
        let written = &self.text[start..self.position];
        if written != "null" && self.mask.covers(path) {
            self.output.push_str(&self.text[self.copied..start]);
            self.output.push_str(MASKED);
            self.copied = self.position;
        }
    }

    fn object(&mut self, path: &mut String) {
        self.position += 1;
        loop {
            match self.peek() {
                b'}' => break,
                b'"' => {
                    let start = self.position + 1;
                    self.skip();
                    let name = &self.text[start..self.position - 1];
                    while self.peek() != b':' {
                        self.position += 1;
                    }
                    self.position += 1;
                    while self.peek().is_ascii_whitespace() {
                        self.position += 1;
                    }
                    let outer = path.len();
                    if outer > 0 {
                        path.push('.');
                    }
                    path.push_str(name);
                    self.value(path);
                    path.truncate(outer);
                }
                _ => self.position += 1,
            }
        }
        self.position += 1;
    }

    /// Passes over a string, a number, a word or an array.
    fn skip(&mut self) {
        let mut depth = 0_u32;
        loop {
            match self.peek() {
                b'"' => {
                    self.position += 1;
                    while self.peek() != b'"' {
                        self.position += if self.peek() == b'\\' { 2 } else { 1 };
                    }
                    self.position += 1;
                }
                b'[' | b'{' => {
                    depth += 1;
                    self.position += 1;
                }
                b']' | b'}' if depth > 0 => {
                    depth -= 1;
                    self.position += 1;
                }
                b',' | b':' | b']' | b'}' if depth == 0 => return,
                _ => {
                    self.position += 1;
                    continue;
                }
            }
            if depth == 0 {
                return;
            }
        }
    }
}
