//! The database's tables as publications and preflight see them.

use tokio_postgres::types::Type;

use super::ident::QualifiedName;
use super::sql::{ReadOnly, field};
use crate::error::Result;

/// A table or partitioned table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent traits of a catalog row")]
pub(super) struct Table {
    pub(super) oid: u32,
    pub(super) schema_oid: u32,
    pub(super) name: QualifiedName,
    /// Partitioned: holds no rows itself, its partitions do.
    pub(super) partitioned: bool,
    /// The table it is a partition of.
    pub(super) parent: Option<u32>,
    /// Not written to the log.
    pub(super) unlogged: bool,
    pub(super) identity: Identity,
    /// A primary key that can serve as replica identity.
    pub(super) key_serves: bool,
    /// Whether our role may add it to a publication.
    pub(super) owned: bool,
    /// Whether our role may read its rows.
    pub(super) readable: bool,
}

/// What UPDATE and DELETE log of the old row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The primary key, and there is one that serves.
    Key,
    /// The primary key, and there is none that serves.
    MissingKey,
    /// A unique index that exists.
    Index,
    /// A unique index that was dropped since.
    MissingIndex,
    Full,
    Nothing,
}

impl Identity {
    /// Whether the server refuses UPDATE and DELETE of a table that is published with them.
    pub(super) const fn blocks_updates(self) -> bool {
        matches!(self, Self::MissingKey | Self::MissingIndex | Self::Nothing)
    }
}

/// All tables of the database but system and temporary ones, by name.
///
/// A deferrable primary key cannot serve as replica identity.
/// Source: PostgreSQL's `RelationGetIndexList`, `CheckCmdReplicaIdentity`.
pub(super) async fn read(transaction: &ReadOnly<'_>) -> Result<Vec<Table>> {
    let statement = "
        SELECT c.oid, c.relnamespace, n.nspname::text AS schema, c.relname::text AS name,
               c.relkind = 'p' AS partitioned, h.inhparent AS parent, c.relpersistence = 'u' AS unlogged,
               c.relreplident::text AS identity,
               COALESCE(x.key_serves, false) AS key_serves,
               COALESCE(x.has_index, false) AS has_index,
               pg_has_role(c.relowner, 'USAGE') AS owned,
               has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') AS readable
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
          LEFT JOIN pg_inherits h ON h.inhrelid = c.oid AND c.relispartition
          LEFT JOIN (
               SELECT i.indrelid,
                      bool_or(i.indisprimary AND i.indimmediate AND i.indisvalid) AS key_serves,
                      bool_or(i.indisreplident AND i.indisvalid) AS has_index
                 FROM pg_index i WHERE i.indisprimary OR i.indisreplident
                GROUP BY i.indrelid) x ON x.indrelid = c.oid
         WHERE c.relkind IN ('r', 'p') AND c.relpersistence IN ('p', 'u') AND c.oid >= $1
           AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
         ORDER BY n.nspname, c.relname";
    // PostgreSQL's FirstNormalObjectId: below are the tables that initdb made, which cannot be published.
    let first_normal: u32 = 16_384;
    let rows = transaction.query(statement, &[(&first_normal, Type::OID)]).await?;
    rows.iter()
        .map(|row| {
            let identity = match field::<String>(row, "identity")?.as_str() {
                "f" => Identity::Full,
                "n" => Identity::Nothing,
                "i" if field(row, "has_index")? => Identity::Index,
                "i" => Identity::MissingIndex,
                _ if field(row, "key_serves")? => Identity::Key,
                _ => Identity::MissingKey,
            };
            Ok(Table {
                oid: field(row, "oid")?,
                schema_oid: field(row, "relnamespace")?,
                name: QualifiedName::new(field::<String>(row, "schema")?, field::<String>(row, "name")?),
                partitioned: field(row, "partitioned")?,
                parent: field(row, "parent")?,
                unlogged: field(row, "unlogged")?,
                identity,
                key_serves: field(row, "key_serves")?,
                owned: field(row, "owned")?,
                readable: field(row, "readable")?,
            })
        })
        .collect()
}
