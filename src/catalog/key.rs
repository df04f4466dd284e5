//! Which columns make the record key.

use super::facts::TableFacts;
use super::versions::OwnedRelation;
use super::{RelationVersion, default};
use crate::pgoutput::ReplicaIdentity;

/// The columns of a record key.
#[derive(Debug)]
pub(super) struct Key {
    /// Their positions in the relation, in key order; empty for "no key".
    pub(super) positions: Vec<usize>,
    /// Whether no primary key was found, so that the operator is told.
    pub(super) substitute: bool,
}

/// Chooses as Debezium does: the primary key, else the first usable unique index.
///
/// The catalog says what holds now and the message what held at its position, so they may disagree while DDL passes.
/// Where the catalog's primary key has columns that the message lacks, the message's identity columns are the better
/// witness, for under the default identity they were the primary key at that position; else the columns that are
/// left are taken, as Debezium does. Where the table is gone from the catalog, the key stays what it was.
pub(super) fn choose(message: &OwnedRelation, table: Option<&TableFacts>, before: Option<&RelationVersion>) -> Key {
    let Some(table) = table else {
        let names: Vec<&str> = before.map_or_else(Vec::new, RelationVersion::key_names);
        let kept = positions(message, &names);
        return Key { positions: if kept.is_empty() { identity(message) } else { kept }, substitute: false };
    };
    let kept = positions(message, &table.primary_key);
    if kept.len() < table.primary_key.len() {
        let identity = identity(message);
        return Key { positions: if identity.is_empty() { kept } else { identity }, substitute: false };
    }
    if !kept.is_empty() {
        return Key { positions: kept, substitute: false };
    }
    let index = table.unique_indexes.iter().find(|index| is_usable(index));
    Key { positions: index.map_or_else(Vec::new, |index| positions(message, index)), substitute: true }
}

/// Debezium knows an expression in an index by its looks, and so passes over columns that look like one.
fn is_usable(index: &[String]) -> bool {
    let looks_computed = |name: &String| name.ends_with(')') && (default::is_call(name) || name.starts_with('('));
    !index.is_empty() && !index.iter().any(looks_computed)
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
