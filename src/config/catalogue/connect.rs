//! Kafka Connect's own properties of a source connector, and where the brokers are.

use super::super::converters::{check_class, check_header_class};
use super::super::property::{Prefix, Property, ValueType};

/// The one encoding of texts.
const UTF_8: &[&str] = &["UTF-8", "UTF8", "utf-8", "utf8"];

/// What `decimal.format` may be.
const DECIMAL_FORMATS: &[&str] = &["BASE64", "NUMERIC"];

const NOTHING_IS_SKIPPED: &str = "no record is ever skipped: one that cannot be written stops the connector";
const NO_TRANSFORMS: &str = "only transforms use it";

pub(super) static PROPERTIES: &[Property] = &[
    Property::text("name", "Name of the connector, for logs and metrics").high(),
    Property::text(
        "bootstrap.servers",
        "Kafka brokers, host:port separated by commas (walcast's own: a Connect worker has it in its own file)",
    )
    .high()
    .check(broker_list),
    Property::new("connector.class", ValueType::Class, "The connector that the file is for")
        .high()
        .check(connector_class)
        .no_effect("walcast is the connector"),
    Property::text("connector.plugin.version", "Version of the connector's plugin").no_effect("walcast has no plugins"),
    Property::int("tasks.max", 1, "Most tasks of the connector")
        .or("1")
        .high()
        .no_effect("a replication slot has one reader, in Debezium too"),
    Property::bool("tasks.max.enforce", "true", "Refuse more tasks than tasks.max")
        .no_effect("a replication slot has one reader, in Debezium too"),
    Property::new("key.converter", ValueType::Class, "What writes record keys: JSON, Avro, or what Java prints")
        .high()
        .check(check_class),
    Property::new("value.converter", ValueType::Class, "What writes record values: JSON, Avro, or what Java prints")
        .high()
        .check(check_class),
    Property::new(
        "header.converter",
        ValueType::Class,
        "What writes record headers; SimpleHeaderConverter where absent",
    )
    .check(check_header_class),
    Property::new(
        "header.converter.schemas.enable",
        ValueType::Bool,
        "Whether each header carries its schema; true is the default of the JSON converter, as it is Kafka's",
    ),
    Property::one_of("header.converter.decimal.format", DECIMAL_FORMATS, "How decimals stand in JSON headers")
        .or("BASE64"),
    Property::bool(
        "header.converter.replace.null.with.default",
        "true",
        "Whether a null field is written as its default",
    ),
    Property::new("key.converter.converter.encoding", ValueType::Text, "Encoding of StringConverter").not_yet(UTF_8),
    Property::new("value.converter.converter.encoding", ValueType::Text, "Encoding of StringConverter").not_yet(UTF_8),
    Property::new("header.converter.converter.encoding", ValueType::Text, "Encoding of StringConverter").not_yet(UTF_8),
    Property::new(
        "key.converter.schemas.enable",
        ValueType::Bool,
        "Whether each key carries its schema; where key.converter is given, true is the default, as it is Kafka's",
    ),
    Property::new(
        "value.converter.schemas.enable",
        ValueType::Bool,
        "Whether each value carries its schema; where value.converter is given, true is the default, as it is Kafka's",
    ),
    Property::one_of("key.converter.decimal.format", DECIMAL_FORMATS, "How decimals stand in JSON keys").or("BASE64"),
    Property::one_of("value.converter.decimal.format", DECIMAL_FORMATS, "How decimals stand in JSON values")
        .or("BASE64"),
    Property::bool("key.converter.replace.null.with.default", "true", "Whether a null field is written as its default"),
    Property::bool(
        "value.converter.replace.null.with.default",
        "true",
        "Whether a null field is written as its default",
    ),
    Property::new("transforms", ValueType::List, "Names of single message transforms").high().not_yet(&[]),
    Property::new("predicates", ValueType::List, "Names of predicates for transforms").no_effect(NO_TRANSFORMS),
    Property::one_of("config.action.reload", &["none", "restart"], "What happens when a provider's value changes")
        .or("restart")
        .no_effect("values from providers are read once, at the start"),
    Property::long("errors.retry.timeout", -1, "Longest time to retry one record in converters and transforms, in ms")
        .or("0")
        .no_effect("nothing between decoding and sending can be retried"),
    Property::long("errors.retry.delay.max.ms", 1, "Longest wait between two tries to reconnect").or("60000").medium(),
    Property::one_of("errors.tolerance", &["none", "all"], "Whether records that fail are skipped")
        .or("none")
        .medium()
        .no_effect(NOTHING_IS_SKIPPED),
    Property::bool("errors.log.enable", "false", "Log each record that fails").no_effect(NOTHING_IS_SKIPPED),
    Property::bool("errors.log.include.messages", "false", "Log the content of records that fail")
        .no_effect("values of rows are never logged"),
    Property::new("topic.creation.groups", ValueType::List, "Groups of topics with their own settings")
        .medium()
        .not_yet(&["default"]),
    Property::one_of("exactly.once.support", &["requested", "required"], "Whether exactly-once delivery must be there")
        .or("requested")
        .not_yet(&[]),
    Property::one_of("transaction.boundary", &["poll", "connector", "interval"], "Where producer transactions end")
        .or("poll")
        .no_effect("only exactly-once delivery uses it"),
    Property::long("transaction.boundary.interval.ms", 1, "Time between two producer transactions")
        .no_effect("only exactly-once delivery uses it"),
    Property::text("offsets.storage.topic", "Topic of the connector's offsets")
        .no_effect("the position is kept in the replication slot"),
];

pub(super) static PREFIXES: &[Prefix] = &[
    Prefix::implemented("producer.override.", "Settings of the Kafka producer, in the names of the Java client"),
    Prefix::implemented("topic.creation.default.", "How topics that do not exist are created"),
    Prefix::not_yet("topic.creation.", "How topics of a group are created"),
    Prefix::no_effect(
        "admin.override.",
        "topics are created over the producer's connection; use producer.override",
        "Settings of Connect's admin client",
    ),
    Prefix::no_effect("consumer.override.", "a source has no consumer", "Settings of Connect's consumer"),
    Prefix::no_effect("transforms.", NO_TRANSFORMS, "Settings of one transform"),
    Prefix::no_effect("predicates.", NO_TRANSFORMS, "Settings of one predicate"),
    Prefix::no_effect("key.converter.", "the converter does not use it", "Settings of the key converter"),
    Prefix::no_effect("value.converter.", "the converter does not use it", "Settings of the value converter"),
    Prefix::no_effect("header.converter.", "the header converter does not use it", "Settings of the header converter"),
];

/// Connect takes a class by its full or simple name, with or without `Connector` at the end.
fn connector_class(value: &str) -> Result<(), String> {
    match value {
        "io.debezium.connector.postgresql.PostgresConnector" | "PostgresConnector" | "Postgres" => Ok(()),
        _ => {
            Err("must be io.debezium.connector.postgresql.PostgresConnector; walcast reads PostgreSQL only".to_owned())
        }
    }
}

fn broker_list(value: &str) -> Result<(), String> {
    let wrong = "must be host:port pairs separated by commas, such as localhost:9092";
    for broker in value.split(',').map(str::trim) {
        let (host, port) = broker.rsplit_once(':').ok_or(wrong)?;
        let host = host.rsplit_once("://").map_or(host, |(_, host)| host);
        if host.is_empty() || host.contains(char::is_whitespace) || port.parse::<u16>().is_err() {
            return Err(wrong.to_owned());
        }
    }
    Ok(())
}
