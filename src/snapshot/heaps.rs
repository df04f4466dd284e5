//! Where the rows of tables lie: in a heap of their own, or in the heaps of partitions.
//!
//! Owns [`Heap`]. A partitioned table that is published as one is read partition by partition, each in ranges of its own
//! pages, so that readers share it and a restart goes on within it. That takes the right to read the partitions themselves;
//! a role that may read only their root reads it as one part.

use std::collections::BTreeMap;

use tokio_postgres::types::Type;

use super::reading::Reading;
use super::tables::PAGE_RANGES;
use crate::error::Result;
use crate::pgoutput::RelationId;
use crate::progress::TableName;
use crate::source::sql::field;

/// Rows that lie together, of a table or of one of its partitions, and are read in ranges of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heap {
    /// The table, or the partition.
    pub name: TableName,
    /// Its OID.
    pub id: RelationId,
    /// The file that holds its rows; another one after a truncation or a rewrite; 0 where it has none.
    pub file: u32,
    /// Pages now; unknown where its rows do not lie in pages that can be read in ranges.
    pub pages: Option<u32>,
    /// Size of its pages.
    pub bytes: u64,
    /// Size with that of large values, which lie elsewhere.
    pub stored_bytes: u64,
}

impl Heap {
    /// What tells its rows' places from those of another heap, or of the same one before it was rewritten.
    #[must_use]
    pub const fn file(&self) -> (u32, u32) {
        (self.id.0, self.file)
    }

    /// Bytes of one of its pages.
    #[must_use]
    pub fn page_bytes(&self) -> u64 {
        self.bytes / u64::from(self.pages.unwrap_or_default().max(1))
    }
}

/// Pages of a relation of such a kind and access method that can be read in ranges; nothing where it has none.
pub(super) fn pages(reading: &Reading, kind: &str, access: Option<&str>, bytes: u64, page_bytes: i64) -> Option<u32> {
    let is_heap = kind == "r" && access.is_none_or(|access| access == "heap");
    // Earlier servers read the whole table for each range.
    let cuts = reading.version() >= PAGE_RANGES;
    let pages = || bytes.div_ceil(u64::try_from(page_bytes).unwrap_or(1).max(1));
    is_heap.then(|| if cuts { u32::try_from(pages()).unwrap_or(u32::MAX) } else { 0 })
}

/// The partitions that hold rows, of each of these partitioned tables of which the role may read all.
///
/// # Errors
/// Any kind a server answer maps to.
pub(super) async fn of_partitions(reading: &Reading, roots: &[u32]) -> Result<BTreeMap<RelationId, Vec<Heap>>> {
    let mut found: BTreeMap<RelationId, (Vec<Heap>, bool)> = BTreeMap::new();
    if roots.is_empty() {
        return Ok(BTreeMap::new());
    }
    // Not pg_partition_tree(), which locks the partitions until the end of the transaction.
    let statement = "
        WITH RECURSIVE tree (root, oid) AS (
            SELECT wanted.oid, wanted.oid FROM unnest($1) AS wanted (oid)
             UNION ALL
            SELECT tree.root, i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid)
        SELECT tree.root, c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
               a.amname::text AS access, c.relfilenode AS file, COALESCE(pg_relation_size(c.oid), 0)::int8 AS bytes,
               COALESCE(pg_table_size(c.oid), 0)::int8 AS stored_bytes,
               current_setting('block_size')::int8 AS page_bytes,
               has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
                   AND NOT row_security_active(c.oid) AS readable
          FROM tree
          JOIN pg_class c ON c.oid = tree.oid AND c.relkind <> 'p'
          JOIN pg_namespace n ON n.oid = c.relnamespace
          LEFT JOIN pg_am a ON a.oid = c.relam
         WHERE tree.oid <> tree.root
         ORDER BY c.oid";
    for row in reading.query(statement, &[(&roots, Type::OID_ARRAY)]).await? {
        let bytes = u64::try_from(field::<i64>(&row, "bytes")?).unwrap_or_default();
        let (kind, access): (String, Option<String>) = (field(&row, "kind")?, field(&row, "access")?);
        let heap = Heap {
            name: TableName { schema: field(&row, "schema")?, table: field(&row, "name")? },
            id: RelationId(field(&row, "oid")?),
            file: field(&row, "file")?,
            pages: pages(reading, &kind, access.as_deref(), bytes, field(&row, "page_bytes")?),
            bytes,
            stored_bytes: u64::try_from(field::<i64>(&row, "stored_bytes")?).unwrap_or_default(),
        };
        let (heaps, readable) = found.entry(RelationId(field(&row, "root")?)).or_insert((Vec::new(), true));
        heaps.push(heap);
        *readable &= field::<bool>(&row, "readable")?;
    }
    Ok(found.into_iter().filter(|(_, (_, readable))| *readable).map(|(root, (heaps, _))| (root, heaps)).collect())
}
