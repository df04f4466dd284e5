//! What Debezium has no name for.

use super::super::history;
use super::super::property::{Property, ValueType};

pub(super) static PROPERTIES: &[Property] = &[
    Property::new(
        "walcast.headers",
        ValueType::List,
        "Headers of walcast's own on every record of a change, in this order: position (commit LSN, a colon, and the \
         change's number in its transaction), event_id (the same when a record is sent again), schema_version (the \
         number of the table's version in the schema history); records of logical messages and of transactions have \
         the first two, heartbeats none",
    )
    .check(history::check_headers),
    Property::one_of(
        "walcast.schema.history",
        &["auto", "required", "off"],
        "Whether versions of tables are kept in a topic: auto does where the topic is there or may be made, and is \
         required where walcast.headers has schema_version",
    )
    .or("auto"),
    Property::text(
        "walcast.schema.history.topic",
        "The compacted topic of table versions; topic.prefix and .walcast-schemas where absent",
    )
    .check(history::check_topic),
    Property::text(
        "walcast.progress.topic",
        "The compacted topic that keeps what of a snapshot is done; __walcast-progress. and topic.prefix where absent",
    )
    .check(history::check_topic),
];
