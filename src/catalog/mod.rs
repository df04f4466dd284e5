//! Relation versions: what a table looked like at a position, and what its columns' types are.
//!
//! Owns [`RelationVersion`], [`Catalog`] and the resolution of type OIDs to [`ColumnType`]. Must never do I/O:
//! facts that the stream does not carry ([`facts`]) are brought by the source room.

use std::sync::Arc;

use crate::pgoutput::{RelationId, ReplicaIdentity, TypeOid};

mod default;
pub mod facts;
mod key;
#[cfg(test)]
mod tests;
mod types;
mod versions;

pub use versions::{Catalog, OwnedColumn, OwnedRelation, Seen};

/// A relation as it was at a position of the stream. Immutable; shared by all rows of that version.
#[derive(Debug)]
pub struct RelationVersion {
    /// Relation OID.
    pub id: RelationId,
    /// Counts from 1 per relation in this process; raised only when something really differs.
    pub version: u32,
    /// Schema name.
    pub schema: String,
    /// Table name.
    pub table: String,
    /// Replica identity setting.
    pub identity: ReplicaIdentity,
    /// All columns as sent, in the order of tuples.
    pub columns: Vec<Column>,
    /// Indexes into `columns` that make the record key, in key order; empty means "no key".
    pub key: Vec<usize>,
}

impl RelationVersion {
    /// Names of the key's columns, in key order.
    #[must_use]
    pub fn key_names(&self) -> Vec<&str> {
        self.key.iter().filter_map(|&position| self.columns.get(position)).map(|column| column.name.as_str()).collect()
    }
}

/// A column of a relation version.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Column name.
    pub name: String,
    /// Type OID as sent.
    pub type_oid: TypeOid,
    /// Type modifier as sent, -1 for none.
    pub typmod: i32,
    /// Part of the replica identity.
    pub identity: bool,
    /// What the type is to us, domains resolved.
    pub column_type: ColumnType,
    /// Whether it may be null.
    pub nullability: Nullability,
    /// Its literal default, where it has one that Debezium puts into schemas; text form of the type.
    pub default: Option<String>,
}

/// Whether a column may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nullability {
    /// NOT NULL.
    Required,
    /// May be null.
    Optional,
}

/// A column type that has a mapping, or the reason why the column is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `boolean`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `oid`
    Oid,
    /// `real`
    Float4,
    /// `double precision`
    Float8,
    /// `numeric`; precision and scale where declared.
    Numeric(Option<NumericSize>),
    /// `text`, `varchar`, `char`, `name`, `"char"`, `citext`
    Text,
    /// `uuid`
    Uuid,
    /// `json`
    Json,
    /// `jsonb`
    Jsonb,
    /// `bytea`
    Bytea,
    /// `date`
    Date,
    /// `time(p)`; 6 where not declared.
    Time(u8),
    /// `timestamp(p)`; 6 where not declared.
    Timestamp(u8),
    /// `timestamptz(p)`; 6 where not declared.
    TimestampTz(u8),
    /// An enum, with its labels in order.
    Enum(Arc<[String]>),
    /// Left out of records, with one warning per column.
    Unsupported,
}

/// Declared precision and scale of a `numeric`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumericSize {
    /// Decimal digits in all.
    pub precision: u16,
    /// Decimal digits after the point; may be negative since PostgreSQL 15.
    pub scale: i16,
}
