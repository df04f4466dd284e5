//! What records look like: topics, names, types, keys, headers, masking.

use super::super::property::{Prefix, Property, ValueType};

const NO_COMMENTS: &str = "Debezium's schemas have no comments either, neither in snapshots nor in the stream";
const ADJUSTMENTS: &[&str] = &["none", "avro", "avro_unicode"];

pub(super) static PROPERTIES: &[Property] = &[
    Property::text("topic.prefix", "Name of the source: begins every topic, and stands in every record")
        .required()
        .check(topic_prefix),
    Property::new(
        "topic.naming.strategy",
        ValueType::Class,
        "Java class that names topics, of those that Debezium has",
    )
    .or("io.debezium.schema.SchemaTopicNamingStrategy")
    .medium()
    .check(strategy),
    Property::text("topic.delimiter", "What stands between the parts of a topic's name")
        .or(".")
        .medium()
        .check(delimiter),
    Property::int("topic.cache.size", 1, "How many topic names are remembered")
        .or("10000")
        .no_effect("each table keeps its topic"),
    Property::text("topic.heartbeat.prefix", "How the heartbeat topic begins")
        .or("__debezium-heartbeat")
        .medium()
        .check(topic_part),
    Property::text("topic.heartbeat.name", "Full name of the heartbeat topic, in place of prefix and topic.prefix")
        .check(topic_part_or_nothing),
    Property::text("heartbeat.topics.prefix", "Old form of topic.heartbeat.prefix")
        .or("__debezium-heartbeat")
        .no_effect("Debezium does not read it either; set topic.heartbeat.prefix"),
    Property::text("topic.transaction", "How the transaction topic ends").or("transaction").medium().check(topic_part),
    Property::text("topic.regex", "Java expression for the topics that one of the regex strategies renames"),
    Property::text("topic.replacement", "What they are renamed to, with $1 and so on for the groups"),
    Property::bool("topic.key.enforce.uniqueness", "true", "Whether a regex strategy adds a field to keys"),
    Property::text("topic.key.field.name", "Name of that field").or("__dbz__physicalTableIdentifier"),
    Property::text(
        "topic.key.field.regex",
        "Java expression for the topic's name as it would be without topic.regex, from which that field is made",
    ),
    Property::text("topic.key.field.replacement", "What that field is made to, with $1 and so on for the groups"),
    Property::text(
        "message.key.columns",
        "Columns of the key, tables:column,column and several of them separated by semicolons; both are regular \
         expressions, the key has the order of this list, and other tables keep their own key",
    )
    .high()
    .check(super::super::columns::check_keys),
    Property::bool("tombstones.on.delete", "true", "Whether a delete is followed by a record without a value").high(),
    Property::bool("extended.headers.enabled", "true", "Whether records carry the context headers").medium(),
    Property::one_of("schema.name.adjustment.mode", ADJUSTMENTS, "How schema names are changed").or("none").high(),
    Property::one_of("field.name.adjustment.mode", ADJUSTMENTS, "How field names are changed").or("none").medium(),
    Property::bool("include.schema.comments", "false", "Whether comments of columns stand in the schemas of snapshots")
        .no_effect(NO_COMMENTS),
    Property::patterns(
        "column.propagate.source.type",
        "Columns, as schema.table.column, whose type, length, scale and name at the source stand in the schemas of rows",
    )
    .medium(),
    Property::patterns(
        "datatype.propagate.source.type",
        "The same for columns by their type, as schema.table.type: .+\\.numeric takes all of type numeric",
    )
    .medium(),
    Property::new("sourceinfo.struct.maker", ValueType::Class, "Java class that makes the source block")
        .or("io.debezium.connector.postgresql.PostgresSourceInfoStructMaker")
        .not_yet(&[]),
    Property::one_of("decimal.handling.mode", &["precise", "string", "double"], "How numeric is written")
        .or("precise")
        .high(),
    Property::one_of(
        "time.precision.mode",
        &[
            "adaptive",
            "adaptive_time_microseconds",
            "connect",
            "isostring",
            "microseconds",
            "nanoseconds",
            "structured",
        ],
        "How dates and times are written",
    )
    .or("adaptive")
    .high()
    .check(time_precision),
    Property::one_of("interval.handling.mode", &["numeric", "string"], "How interval is written")
        .or("numeric")
        .medium(),
    Property::one_of("hstore.handling.mode", &["json", "map"], "How hstore is written").or("json").medium(),
    Property::one_of("binary.handling.mode", &["bytes", "base64", "base64-url-safe", "hex"], "How bytea is written")
        .or("bytes")
        .medium(),
    Property::new(
        "money.fraction.digits",
        ValueType::Integer { min: 0, max: 32767 },
        "Digits of money after the point",
    )
    .or("2"),
    Property::bool("include.unknown.datatypes", "false", "Whether columns of unknown types are written, as bytea is")
        .medium(),
    Property::text(
        "unavailable.value.placeholder",
        "What stands for a value that the server did not send; hex: begins bytes",
    )
    .or("__debezium_unavailable_value")
    .medium()
    .check(placeholder),
    Property::one_of(
        "event.converting.failure.handling.mode",
        &["fail", "warn", "skip"],
        "What happens to a value that its column's type in records cannot hold, such as a numeric NaN: fail stops, \
         warn and skip make it null, with one warning per column",
    )
    .or("warn"),
    Property::one_of(
        "schema.refresh.mode",
        &["columns_diff", "columns_diff_exclude_unchanged_toast"],
        "When schemas are read again",
    )
    .or("columns_diff")
    .no_effect("pgoutput sends each change of a schema"),
    Property::new(
        "converters",
        ValueType::List,
        "Names of custom converters, each a Java class under NAME.type: walcast runs none, and Debezium ships none for \
         PostgreSQL; handling modes, masks and views of the source do what most of them are for",
    )
    .medium()
    .not_yet(&[]),
    Property::new("post.processors", ValueType::List, "Names of post-processors").not_yet(&[]),
    Property::bool(
        "provide.transaction.metadata",
        "false",
        "Whether transactions have records of their own, and each record says where it stands in its transaction",
    )
    .medium(),
    Property::new("transaction.metadata.factory", ValueType::Class, "Java class that describes transactions")
        .or("io.debezium.pipeline.txmetadata.DefaultTransactionMetadataFactory")
        .not_yet(&[]),
    Property::int("heartbeat.interval.ms", 0, "Time between two heartbeats; 0 is none").or("0").high(),
    Property::text("heartbeat.action.query", "SQL to run with each heartbeat").high(),
];

pub(super) static PREFIXES: &[Prefix] = &[
    Prefix::implemented(
        "column.truncate.to.",
        "Columns, as schema.table.column, of whose texts and bytes the first N characters stay; 🎉 counts as two",
    )
    .form("column.truncate.to.N.chars"),
    Prefix::implemented(
        "column.mask.with.",
        "Columns, as schema.table.column, of type text, varchar, char or enum that are written as N asterisks, also null",
    )
    .form("column.mask.with.N.chars"),
    Prefix::implemented(
        "column.mask.hash.",
        "Columns, as schema.table.column, of type text, varchar, char or enum of which the digest of the salt and the \
         text as Java serializes it is written, cut to the column's length; null stays null",
    )
    .form("column.mask.hash.ALGORITHM.with.salt.SALT"),
    Prefix::implemented(
        "column.mask.hash.v2.",
        "The same with the digest of the salt and the text's UTF-8, which other programs can make, too",
    )
    .form("column.mask.hash.v2.ALGORITHM.with.salt.SALT"),
];

/// `CommonConnectorConfig.validateTopicName` in Debezium.
fn topic_prefix(value: &str) -> Result<(), String> {
    let valid =
        !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    match valid {
        true => Ok(()),
        false => Err("must be letters, digits, dots, hyphens and underscores".to_owned()),
    }
}

fn strategy(value: &str) -> Result<(), String> {
    match super::super::Strategy::of(value) {
        Some(_) => Ok(()),
        None => Err(format!("must be one of {}", super::super::Strategy::names().collect::<Vec<_>>().join(", "))),
    }
}

/// Part of a topic's name.
fn topic_part(value: &str) -> Result<(), String> {
    topic_prefix(value)
}

fn topic_part_or_nothing(value: &str) -> Result<(), String> {
    if value.is_empty() { Ok(()) } else { topic_prefix(value) }
}

fn delimiter(value: &str) -> Result<(), String> {
    let valid =
        !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    match valid {
        true => Ok(()),
        false => Err("must be characters that a topic's name may have: letters, digits, . _ -".to_owned()),
    }
}

fn time_precision(value: &str) -> Result<(), String> {
    if value.eq_ignore_ascii_case("structured") {
        return Err("is not there yet; take one of the others, such as adaptive".to_owned());
    }
    Ok(())
}

fn placeholder(value: &str) -> Result<(), String> {
    match super::super::build::placeholder(value) {
        Some(_) => Ok(()),
        None => Err("must be text, or hex: and the hexadecimal form of UTF-8 text".to_owned()),
    }
}
