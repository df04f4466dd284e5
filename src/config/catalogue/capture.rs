//! What is captured: include and exclude lists, skipped operations.

use super::super::property::{Property, ValueType};

pub(super) static PROPERTIES: &[Property] = &[
    Property::patterns("schema.include.list", "Schemas to capture").high(),
    Property::patterns("schema.exclude.list", "Schemas not to capture").high(),
    Property::patterns("table.include.list", "Tables to capture, matched against schema.table").high(),
    Property::patterns("table.exclude.list", "Tables not to capture, matched against schema.table").high(),
    Property::patterns(
        "column.include.list",
        "Columns to write in rows, matched against schema.table.column; the key keeps all of its columns",
    )
    .high(),
    Property::patterns(
        "column.exclude.list",
        "Columns not to write in rows, matched against schema.table.column; the key keeps all of its columns",
    )
    .high(),
    Property::patterns("database.include.list", "Databases to capture").no_effect("a connector reads one database"),
    Property::patterns("database.exclude.list", "Databases not to capture").no_effect("a connector reads one database"),
    Property::bool("table.ignore.builtin", "true", "Whether the server's own tables are left out").not_yet(&[]),
    Property::patterns("message.prefix.include.list", "Prefixes of logical decoding messages to capture").medium(),
    Property::patterns("message.prefix.exclude.list", "Prefixes of logical decoding messages not to capture").medium(),
    Property::new(
        "skipped.operations",
        ValueType::List,
        "Operations not to write: c, u, d, t, or none; r has no effect, as in Debezium: rows of snapshots are written",
    )
    .or("t")
    .high()
    .check(operations),
    Property::bool(
        "skip.messages.without.change",
        "false",
        "Whether updates that change no captured column are left out",
    )
    .medium()
    .not_yet(&[]),
    Property::int("guardrail.collections.max", 0, "Most tables to capture; 0 is no limit").or("0").not_yet(&[]),
    Property::one_of("guardrail.collections.limit.action", &["warn", "fail"], "What happens above that number")
        .or("warn")
        .no_effect("only guardrail.collections.max uses it"),
];

fn operations(value: &str) -> Result<(), String> {
    let words: Vec<_> = value.split(',').map(|word| word.trim().to_ascii_lowercase()).collect();
    if words == ["none"] || words.iter().all(|word| matches!(word.as_str(), "c" | "u" | "d" | "t" | "r")) {
        return Ok(());
    }
    Err("must be none, or some of c, u, d, t, r separated by commas".to_owned())
}
