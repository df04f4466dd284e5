//! The records of the history: one for each version of a table, JSON in key and value.
//!
//! The key is `{"schema":..,"table":..,"number":..}`, so that compaction keeps every version. The value is a [`Shape`] with
//! its number, fingerprint, and the position and time of its first use. Members are only ever added.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Fingerprint, Number};
use crate::catalog::{Column, Nullability, RelationVersion};
use crate::lsn::Position;
use crate::pgoutput::ReplicaIdentity;
use crate::pgtime::PgMicros;

/// What a table looks like: all that a fingerprint is made of.
#[derive(Clone, Debug, Serialize)]
pub struct Shape<'a> {
    /// Schema name.
    pub schema: &'a str,
    /// Table name.
    pub table: &'a str,
    /// Columns in the order of the table.
    pub columns: Vec<ColumnShape<'a>>,
    /// Names of the columns that make the record key, in key order; none for a table without key.
    pub key: Vec<&'a str>,
    /// `default`, `nothing`, `full` or `index`.
    pub replica_identity: &'static str,
}

/// What a column looks like.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnShape<'a> {
    /// Its name.
    pub name: &'a str,
    /// Name of its type; see [`crate::catalog::DeclaredType`].
    #[serde(rename = "type")]
    pub type_name: &'a str,
    /// Length, precision, precision and scale.
    pub modifiers: &'a [i32],
    /// What a domain or array is made of, outermost first.
    pub made_of: &'a [String],
    /// Labels of an enum, in order.
    pub labels: &'a [String],
    /// Whether it may be null.
    pub optional: bool,
    /// Its literal default as text of its type; null without one.
    pub default: Option<&'a str>,
    /// Whether it is part of the replica identity.
    pub identity: bool,
}

impl<'a> Shape<'a> {
    /// The shape of a relation version.
    #[must_use]
    pub fn of(relation: &'a RelationVersion) -> Self {
        Self {
            schema: &relation.schema,
            table: &relation.table,
            columns: relation.columns.iter().map(ColumnShape::of).collect(),
            key: relation.key_names(),
            replica_identity: match relation.identity {
                ReplicaIdentity::Default => "default",
                ReplicaIdentity::Nothing => "nothing",
                ReplicaIdentity::Full => "full",
                ReplicaIdentity::Index => "index",
            },
        }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        json(self)
    }
}

impl<'a> ColumnShape<'a> {
    fn of(column: &'a Column) -> Self {
        let declared = &column.declared;
        Self {
            name: &column.name,
            type_name: &declared.name,
            modifiers: &declared.modifiers,
            made_of: &declared.made_of,
            labels: &declared.labels,
            optional: column.nullability == Nullability::Optional,
            default: column.default.as_deref(),
            identity: column.identity,
        }
    }
}

/// Texts, numbers and lists of them always have a form in JSON.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

#[derive(Serialize)]
struct Key<'a> {
    schema: &'a str,
    table: &'a str,
    number: u32,
}

#[derive(Serialize)]
struct Value<'a> {
    number: u32,
    fingerprint: String,
    position: String,
    ts_us: i64,
    #[serde(flatten)]
    shape: &'a Shape<'a>,
}

/// A record as it goes to the store. The same version used at the same position makes the same bytes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which version, for messages.
    pub name: String,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

impl Record {
    /// The record of a relation version that is first used at a position, in a transaction that was committed at `time`.
    #[must_use]
    pub fn new(relation: &RelationVersion, number: Number, position: Position, time: PgMicros) -> Self {
        let shape = Shape::of(relation);
        let value = Value {
            number: number.0,
            fingerprint: Fingerprint::of_shape(&shape).to_string(),
            position: position.to_string(),
            ts_us: time.unix_micros(),
            shape: &shape,
        };
        Self {
            name: format!("version {number} of table \"{}\".\"{}\"", relation.schema, relation.table),
            key: json(&Key { schema: &relation.schema, table: &relation.table, number: number.0 }),
            value: json(&value),
        }
    }
}

/// What the book of numbers takes from a record.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) number: Number,
    /// `None` where somebody has removed the version.
    pub(super) fingerprint: Option<Fingerprint>,
}

/// Why a record is none of the history's: what is wrong, without a word of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub(super) String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

#[derive(Deserialize)]
struct ReadKey {
    schema: String,
    table: String,
    number: u32,
}

#[derive(Deserialize)]
struct ReadValue {
    schema: String,
    table: String,
    number: u32,
    fingerprint: String,
}

impl Entry {
    /// Reads a record; `value` is none where it removes its key.
    pub(super) fn read(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, Unreadable> {
        let unreadable = |what: &str| Unreadable(what.to_owned());
        let key = key.ok_or_else(|| unreadable("it has no key"))?;
        let key: ReadKey =
            serde_json::from_slice(key).map_err(|_| unreadable("its key is not schema, table and number in JSON"))?;
        if key.number == 0 {
            return Err(unreadable("its number is 0"));
        }
        let fingerprint = match value {
            None => None,
            Some(value) => {
                let value: ReadValue =
                    serde_json::from_slice(value).map_err(|_| unreadable("its value is not a version in JSON"))?;
                if (&value.schema, &value.table, value.number) != (&key.schema, &key.table, key.number) {
                    return Err(unreadable("its value is about another version than its key"));
                }
                let fingerprint = value.fingerprint.parse();
                Some(fingerprint.map_err(|_| unreadable("its fingerprint is not 64 hexadecimal digits"))?)
            }
        };
        Ok(Self { schema: key.schema, table: key.table, number: Number(key.number), fingerprint })
    }
}
