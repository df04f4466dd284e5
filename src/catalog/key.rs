//! Which columns make the record key.

use super::RelationVersion;
use super::facts::TableFacts;
use super::versions::OwnedRelation;
use crate::pgoutput::ReplicaIdentity;

/// Indexes of the key's columns in key order; empty for "no key".
///
/// As Debezium chooses: the primary key, else the first usable unique index. The catalog says what holds now and
/// the message what held at its position, so they may disagree while DDL passes. Where the catalog's primary key
/// has columns that the message lacks, the message's identity columns are the better witness, for under the default
/// identity they were the primary key at that position; else the columns that are left are taken, as Debezium
/// does. Where the table is gone from the catalog, the key stays what it was.
pub(super) fn choose(
    message: &OwnedRelation,
    table: Option<&TableFacts>,
    before: Option<&RelationVersion>,
) -> Vec<usize> {
    let Some(table) = table else {
        let names: Vec<&str> = before.map_or_else(Vec::new, RelationVersion::key_names);
        let kept = positions(message, &names);
        return if kept.is_empty() { identity(message) } else { kept };
    };
    let kept = positions(message, &table.primary_key);
    if kept.len() < table.primary_key.len() {
        let identity = identity(message);
        return if identity.is_empty() { kept } else { identity };
    }
    if !kept.is_empty() {
        return kept;
    }
    let index = table.unique_indexes.iter().find(|index| !index.is_empty());
    let kept = index.map_or_else(Vec::new, |index| positions(message, index));
    tracing::warn!(
        table = %format_args!("{}.{}", message.schema, message.table),
        columns = %index.map_or_else(|| "none".to_owned(), |index| index.join(", ")),
        "table has no primary key: a unique index makes the record key where there is one"
    );
    kept
}

fn positions<N: AsRef<str>>(message: &OwnedRelation, names: &[N]) -> Vec<usize> {
    names.iter().filter_map(|name| message.columns.iter().position(|column| column.name == name.as_ref())).collect()
}

/// The primary key as the default identity shows it: in the order of columns, which is all that the stream tells.
fn identity(message: &OwnedRelation) -> Vec<usize> {
    if message.identity != ReplicaIdentity::Default {
        return Vec::new();
    }
    (0..).zip(&message.columns).filter(|(_, column)| column.identity).map(|(position, _)| position).collect()
}
