//! Relation versions: what a table looked like at a position, and what its columns' types are.
//!
//! Owns [`RelationVersion`], [`Catalog`] and the resolution of type OIDs to [`ColumnType`]. Must never do I/O:
//! facts that the stream does not carry ([`facts`]) are brought by the source room.

use crate::pgoutput::{RelationId, ReplicaIdentity, TypeOid};

mod binary;
mod column_type;
mod declared;
mod default;
pub mod facts;
mod key;
mod source_type;
#[cfg(test)]
mod tests;
mod types;
mod versions;

pub use binary::{BinaryUse, binary_use, copies_as_text};
pub use column_type::{ColumnType, NumericSize, RangeType, UnknownType};
pub use declared::DeclaredType;
pub use source_type::{IsText, SourceType};
pub use versions::{Catalog, OwnedColumn, OwnedRelation, Seen};

/// A relation as it was at a position of the stream. Immutable; shared by all rows of that version.
#[derive(Clone, Debug)]
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
    /// What the type is called.
    pub declared: DeclaredType,
    /// Whether it may be null.
    pub nullability: Nullability,
    /// Its literal default, where it has one that Debezium puts into schemas; text form of the type.
    pub default: Option<String>,
    /// What the source calls the type, and how long its values may be.
    pub source_type: SourceType,
    /// Where all this is known from.
    pub learnt: Learnt,
}

/// Where the shape of a table is known from. The two say the same of it, but Debezium makes other records of it here and
/// there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Learnt {
    /// A Relation message of the stream.
    #[default]
    FromStream,
    /// The catalog, for a snapshot.
    FromCatalog,
}

/// Whether a column may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nullability {
    /// NOT NULL.
    Required,
    /// May be null.
    Optional,
}
