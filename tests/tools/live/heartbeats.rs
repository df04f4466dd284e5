//! Heartbeats of both sides, as sets: how many there are is a matter of clocks.

use std::collections::BTreeSet;

use crate::Outcome;
use crate::comparison::{Differences, schema_id};
use crate::golden::debezium::Connector;
use crate::golden::scenario::Scenario;
use crate::golden::topics::{Raw, Topics};

/// How often both sides write one.
const INTERVAL: (&str, &str) = ("heartbeat.interval.ms", "100");
/// The number of a schema, and the byte before it.
const FRAME_BYTES: usize = 5;

/// What all heartbeats of a connector have in common: key, value without its time, and headers.
type Shape = (Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

/// Turns heartbeats on.
pub(crate) fn turn_on(scenario: &mut Scenario) {
    let (name, value) = INTERVAL;
    scenario.properties.push((name.to_owned(), value.to_owned()));
}

/// Whether a connector has written a heartbeat.
pub(crate) fn has_beaten(connector: &Connector, topics: &Topics) -> bool {
    topics.count(&topic(connector)) > 0
}

/// Compares the heartbeats of both sides, walcast's first.
pub(crate) fn compare(
    connector: &Connector,
    sides: [&Topics; 2],
    place: &str,
    differences: &mut Differences,
) -> Outcome<()> {
    let topic = [topic(connector)];
    let [ours, theirs] =
        sides.map(|topics| -> Outcome<BTreeSet<Shape>> { Ok(topics.read(&topic)?.into_iter().map(shape).collect()) });
    let (ours, theirs) = (ours?, theirs?);
    if ours != theirs {
        differences.tell(format!("{place} {}:\n    ours {}\n    its  {}", topic[0], told(&ours), told(&theirs)));
    }
    Ok(())
}

fn topic(connector: &Connector) -> String {
    let delimiter = connector.property("topic.delimiter").unwrap_or(".");
    ["__debezium-heartbeat", &connector.prefix].join(delimiter)
}

fn shape(raw: Raw) -> Shape {
    (raw.key, raw.value.map(without_time), raw.headers)
}

/// A value with one digit instead of its time: in Avro all that follows the number of the schema, in text the digits
/// behind the last name.
fn without_time(mut value: Vec<u8>) -> Vec<u8> {
    if schema_id(&value).is_some() {
        value.truncate(FRAME_BYTES);
        return value;
    }
    let end = value.iter().rposition(u8::is_ascii_digit).map_or(0, |last| last + 1);
    let digits = value.iter().take(end).rev().take_while(|byte| byte.is_ascii_digit()).count();
    value.splice(end - digits..end, *b"0");
    value
}

fn told(shapes: &BTreeSet<Shape>) -> String {
    let text = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    let told = shapes.iter().map(|(key, value, headers)| format!("{} {} {headers:?}", text(key), text(value)));
    told.collect::<Vec<_>>().join(", ")
}
