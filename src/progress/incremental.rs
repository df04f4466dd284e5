//! How far an incremental snapshot is.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::TableName;

/// What is left of an incremental snapshot; nothing is, where it has no tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncrementalState {
    /// Whether an operator has it paused.
    pub paused: bool,
    /// In the order in which they are read; the first one may have begun.
    pub tables: Vec<IncrementalTable>,
}

/// A table that is not read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncrementalTable {
    /// Id of the signal that asked.
    pub signal: String,
    /// The table.
    #[serde(flatten)]
    pub table: TableName,
    /// A predicate for its rows.
    pub filter: Option<String>,
    /// The column by which chunks are cut in place of the key.
    pub surrogate_key: Option<String>,
    /// The columns of the key that it is cut by, with their types; none where that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// Last key that the brokers hold.
    pub after: Option<KeyValues>,
    /// The largest key when the table was begun.
    pub until: Option<KeyValues>,
    /// Rows that the brokers hold.
    pub rows: u64,
}

/// The columns of a key as PostgreSQL prints them; nothing for null. They are row values: they show in no log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyValues(pub Vec<Option<String>>);

impl fmt::Debug for KeyValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyValues({} columns)", self.0.len())
    }
}
