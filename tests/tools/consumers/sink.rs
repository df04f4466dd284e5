//! Kafka Connect with a sink connector, run to the end of its topics.

use std::time::Duration;

use serde_json::{Map, Value};
use walcast::local::ConnectOptions;

use super::stage::{Stage, wait};
use super::topics::Topics;
use crate::Outcome;

/// From the start of the connector until it has confirmed the last record.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs the connector until it has confirmed all records below the prefix `name`, and returns their number.
pub(crate) fn run(
    stage: &Stage<'_>,
    topics: &Topics,
    name: &str,
    plugin_path: &str,
    configuration: &str,
) -> Outcome<i64> {
    let configuration: Map<String, Value> = serde_json::from_str(configuration)?;
    // The later line wins: of Debezium, only the sink is in this worker.
    let options = ConnectOptions { heap_mib: 700, ..ConnectOptions::default() }.property("plugin.path", plugin_path);
    let connect = stage.servers.connect(stage.kafka.bootstrap(), &options)?;
    connect.create(name, &configuration)?;
    let mut confirmed = 0;
    wait(
        || format!("the sink has confirmed all records\n{}", connect.log_tail()),
        PATIENCE,
        || {
            let status = connect.status(name)?;
            if status["tasks"][0]["state"] == "FAILED" {
                return Err(status["tasks"][0]["trace"].as_str().unwrap_or_default().into());
            }
            let (records, is_all) = topics.confirmed(&format!("connect-{name}"), &format!("{name}."))?;
            confirmed = records;
            Ok(is_all && records > 0)
        },
    )?;
    connect.delete(name)?;
    Ok(confirmed)
}
