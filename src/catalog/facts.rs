//! What the stream does not say of a table and its types: read from the server's catalog by the source room.
//!
//! Plain data. Must never do I/O.

use std::collections::HashMap;

use crate::pgoutput::{RelationId, TypeOid, Xid};

/// What the catalog says of a table now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// Columns by attribute number, dropped ones left out.
    pub columns: Vec<ColumnFacts>,
    /// Primary key columns in key order; empty without one.
    pub primary_key: Vec<String>,
    /// Columns of each unique index, in JDBC's index order: by index name. As Debezium reads them: partial indexes
    /// count, INCLUDE columns are columns too, and an index with an expression is left out.
    pub unique_indexes: Vec<Vec<String>>,
}

/// What the catalog says of a column now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnFacts {
    /// Column name.
    pub name: String,
    /// NOT NULL, by the column or by its domain.
    pub not_null: bool,
    /// `pg_get_expr` of its default, or of what it is generated from, which are one thing to Debezium's driver.
    pub default_expression: Option<String>,
}

/// What the catalog says of a type that is not built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeFacts {
    /// Type name without schema.
    pub name: String,
    /// Schema name.
    pub schema: String,
    /// What sort of type it is.
    pub sort: TypeSort,
    /// The extension that it belongs to, if it does.
    pub extension: Option<String>,
    /// How a binary session brings its values.
    pub sending: Sending,
}

/// How a binary session brings the values of a type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sending {
    /// In their binary form.
    #[default]
    Binary,
    /// As text: the type has no send function.
    Text,
    /// The server stops at one: a part of it, such as an array's element or a composite type's column, has no send
    /// function.
    Stops,
}

/// The sorts of types that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeSort {
    /// A base type, of an extension.
    Base,
    /// An enum, labels by sort order.
    Enum(Vec<String>),
    /// A domain over another type, with its own modifier.
    Domain {
        /// Type it is directly based on.
        base: TypeOid,
        /// `typtypmod`, -1 for none.
        typmod: i32,
    },
    /// An array of another type.
    Array(TypeOid),
    /// Composite, range, multirange, pseudo.
    Other,
}

/// Facts by OID: of tables and of types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Tables.
    pub tables: HashMap<RelationId, TableFacts>,
    /// Types that are not built in (OID 16384 and above, and extension types).
    pub types: HashMap<TypeOid, TypeFacts>,
    /// Every transaction before this one had ended when the facts were read, so that they show what it changed;
    /// unknown where nobody needs it.
    pub ended_before: Option<Xid>,
}
