//! Queues, retries, metrics and what else runs beside the data.

use super::super::property::{Prefix, Property, ValueType};

const IN_BYTES: &str = "queues are bounded in bytes, by max.queue.size.in.bytes";
const PUSHED: &str = "changes are pushed on as they come; nothing polls";
const NO_LINEAGE: &str = "only openlineage.integration.enabled uses it";

pub(super) static PROPERTIES: &[Property] = &[
    Property::int("max.batch.size", 1, "Most records of one poll").or("2048").medium().no_effect(IN_BYTES),
    Property::int("max.queue.size", 1, "Most records in the queue").or("8192").medium().no_effect(IN_BYTES),
    Property::long("max.queue.size.in.bytes", 0, "Most bytes that are taken and not yet held by the brokers; 0 is walcast's 33554432")
        .or("0")
        .medium(),
    Property::long("poll.interval.ms", 1, "Time between two polls").or("500").medium().no_effect(PUSHED),
    Property::long("poll.dispatch.interval.ms", 0, "Time between two dispatches").or("0").no_effect(PUSHED),
    Property::text("queue.provider.type", "Kind of the queue").or("memory").no_effect(PUSHED),
    Property::one_of(
        "event.processing.failure.handling.mode",
        &["fail", "warn", "skip", "ignore"],
        "What happens to a change that cannot be decoded: fail stops, warn counts and logs it, skip (or ignore) counts it",
    )
    .or("fail")
    .medium(),
    Property::text(
        "walcast.dead.letter.topic",
        "Topic that keeps the pgoutput message of a change that cannot be decoded, where that does not stop the connector",
    )
    .medium()
    .check(dead_letter_topic),
    Property::new(
        "errors.max.retries",
        ValueType::Integer { min: -1, max: i32::MAX as i64 },
        "How often in a row to reconnect without progress; -1 is for ever",
    )
    .or("-1")
    .medium(),
    Property::long(
        "retriable.restart.connector.wait.ms",
        0,
        "Wait before the first try to reconnect, doubled for each next one up to errors.retry.delay.max.ms (where absent, 500; Debezium's default is 10000)",
    )
    .medium(),
    Property::text("internal.custom.retriable.exception", "Java exceptions to retry").no_effect("walcast has its own classes of errors"),
    Property::long("executor.shutdown.timeout.ms", 0, "Time limit of a stop").or("4000").no_effect("walcast run --shutdown-timeout sets it"),
    Property::text("custom.metric.tags", "More labels of metrics, k=v,k=v").no_effect("a scrape adds labels"),
    Property::text("custom.sanitize.pattern", "Properties whose values are never shown")
        .or(r".*secret$|.*password$|.*sasl\.jaas\.config$|.*basic\.auth\.user\.info|.*registry\.auth\.client-secret|.*credentials\.json$")
        .check(pattern),
    Property::bool("statistics.metrics.enabled", "true", "Quantiles of lag").no_effect("/metrics has a histogram of the delivery latency"),
    Property::bool("internal.advanced.metrics.enable", "false", "More metrics").no_effect("/metrics has all of walcast's"),
    Property::bool("internal.log.position.check.enable", "true", "Check the position at a start")
        .no_effect("the position is always checked"),
    Property::new("memory.management.tables.class", ValueType::Class, "Java class that keeps table models")
        .or("io.debezium.relational.ConcurrentMapTableMappingStorage")
        .no_effect("walcast has its own catalog"),
    Property::new("memory.management.schemas.class", ValueType::Class, "Java class that keeps schemas")
        .or("io.debezium.relational.ConcurrentMapTableMappingStorage")
        .no_effect("walcast has its own catalog"),
    Property::bool("openlineage.integration.enabled", "false", "Whether runs are reported to OpenLineage").not_yet(&[]),
];

pub(super) static PREFIXES: &[Prefix] =
    &[Prefix::no_effect("openlineage.integration.", NO_LINEAGE, "Settings of OpenLineage")];

fn dead_letter_topic(value: &str) -> Result<(), String> {
    let valid = value.len() <= 249
        && !matches!(value, "." | "..")
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if valid {
        Ok(())
    } else {
        Err("must be the name of a topic: letters, digits, dots, hyphens and underscores".to_owned())
    }
}

fn pattern(value: &str) -> Result<(), String> {
    super::super::pattern::compile(value).map(|_| ())
}
