//! When Debezium has taken a snapshot that a signal asked for: as its notifications say.

use super::debezium::{Connector, Debezium};
use super::topics::Topics;
use crate::Outcome;

/// Types of notifications: of a snapshot, and of a table of one.
const COMPLETED: &str = "COMPLETED";
const TABLE_COMPLETED: &str = "TABLE_SCAN_COMPLETED";

/// Waits until all connectors have taken so many snapshots.
pub(crate) fn wait(debezium: &Debezium<'_>, snapshots: usize, topics: &Topics) -> Outcome<()> {
    debezium.connectors.iter().try_for_each(|connector| {
        debezium.wait("has taken a snapshot", connector, || Ok(told(connector, topics)? >= snapshots))
    })
}

/// Of how many snapshots a connector has told that they are complete.
fn told(connector: &Connector, topics: &Topics) -> Outcome<usize> {
    let topic = connector.property("notification.sink.topic.name").ok_or("nobody tells of snapshots")?;
    if topics.count(topic) == 0 {
        return Ok(0);
    }
    let completes = |value: &[u8]| {
        let text = String::from_utf8_lossy(value);
        text.contains(COMPLETED) && !text.contains(TABLE_COMPLETED)
    };
    let records = topics.read(&[topic.to_owned()])?;
    Ok(records.iter().filter(|record| record.value.as_deref().is_some_and(completes)).count())
}
