//! Catalog reads that give [`Facts`]: what the stream does not say of tables and types.
//!
//! Invariant: all queries of one call see the same catalog rows. Must never be asked per row: once for the
//! publication at the start of a session, then once per relation that appears or changes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::sql::{ReadOnly, ServerVersion, Sql, field};
use crate::catalog::facts::{ColumnFacts, Facts, Sending, TableFacts, TypeFacts, TypeSort};
use crate::error::Result;
use crate::pgoutput::{RelationId, TypeOid, Xid};

/// Types from here on have no fixed OID: PostgreSQL's `FirstGenbkiObjectId`. Below are the built-in ones that
/// every server knows by the same number.
const FIRST_UNFIXED_OID: u32 = 10_000;

/// How long a transaction is waited for that was sent and is not seen yet, and how often it is looked for.
const VISIBLE_PATIENCE: Duration = Duration::from_secs(5);
const VISIBLE_INTERVAL: Duration = Duration::from_millis(2);

/// `NOT NULL` and defaults as Debezium's driver reads them: of a domain only its own `NOT NULL` counts, not that
/// of a domain below it, and a domain's default does not count.
/// Source: `org.postgresql.jdbc.PgDatabaseMetaData.getColumns`.
const COLUMNS: &str = "
    SELECT c.oid, a.attname::text AS name, a.atttypid AS type,
           COALESCE(a.attnotnull OR (t.typtype = 'd' AND t.typnotnull), false) AS not_null,
           pg_get_expr(d.adbin, d.adrelid) AS default_expression
      FROM unnest($1) AS wanted (oid)
      JOIN pg_class c ON c.oid = wanted.oid
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     ORDER BY c.oid, a.attnum";

/// Indexes as `java.sql.DatabaseMetaData.getIndexInfo` lists them, which is where Debezium looks for a key: a clustered
/// one first, then by name; partial and invalid ones too. One with expressions could be no key.
const KEYS: &str = "
    SELECT i.indrelid AS oid, i.indisprimary AS is_primary,
           array_agg(a.attname::text ORDER BY k.ordinal) AS columns
      FROM unnest($1) AS wanted (oid)
      JOIN pg_index i ON i.indrelid = wanted.oid
      JOIN pg_class x ON x.oid = i.indexrelid
     CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, ordinal)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
     WHERE i.indisunique AND i.indexprs IS NULL";

const KEYS_ORDER: &str = "
     GROUP BY i.indrelid, i.indexrelid, i.indisprimary, i.indisclustered, x.relname
     ORDER BY i.indrelid, i.indisclustered DESC, x.relname";

/// The types that are asked for and, through domains and arrays, those they are made of; and of each whether it, or any
/// part of it, has no send function.
const TYPES: &str = "
    WITH RECURSIVE used (oid) AS (
        SELECT unnest($1)
        UNION
        SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END
          FROM used JOIN pg_type t ON t.oid = used.oid
         WHERE t.typtype = 'd' OR (t.typelem <> 0 AND t.typinput = 'array_in'::regproc)
    )
    SELECT t.oid, t.typname::text AS name, n.nspname::text AS schema, t.typtype::text AS sort,
           t.typbasetype AS base, t.typtypmod AS typmod,
           CASE WHEN t.typelem <> 0 AND t.typinput = 'array_in'::regproc THEN t.typelem END AS element,
           (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
              FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels,
           (SELECT x.extname::text
              FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid
             WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.objsubid = 0 AND d.deptype = 'e'
               AND d.refclassid = 'pg_extension'::regclass) AS extension,
           t.typsend = 0 AS unsent,
           EXISTS (
               WITH RECURSIVE parts (oid) AS (
                   SELECT t.oid
                   UNION
                   SELECT part.oid
                     FROM parts JOIN pg_type w ON w.oid = parts.oid
                    CROSS JOIN LATERAL (
                          SELECT w.typbasetype
                          UNION ALL SELECT w.typelem
                          UNION ALL SELECT a.atttypid FROM pg_attribute a
                                     WHERE a.attrelid = w.typrelid AND a.attnum > 0 AND NOT a.attisdropped
                          UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = w.oid) AS part (oid)
               )
               SELECT FROM parts JOIN pg_type p ON p.oid = parts.oid WHERE p.typsend = 0) AS part_unsent
      FROM used
      JOIN pg_type t ON t.oid = used.oid
      JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE t.oid >= $2";

/// Facts of all tables a publication sends now, and of their types, with the transactions that they are sure to
/// show. A publication that does not exist has none.
///
/// # Errors
/// Connection, server unavailable, and what a server answer maps to.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn of_publication(sql: &Sql, publication: &str) -> Result<Facts> {
    let mut session = sql.session().await?;
    let transaction = session.read_only().await?;
    let statement = "
        SELECT sent.relid AS oid
          FROM pg_publication p CROSS JOIN LATERAL pg_get_publication_tables(p.pubname) AS sent
         WHERE p.pubname = $1";
    let rows = transaction.query(statement, &[(&publication, Type::TEXT)]).await?;
    let relations = rows.iter().map(|row| field(row, "oid")).collect::<Result<Vec<u32>>>()?;
    let mut facts = read(&transaction, &relations).await?;
    // The low half: the stream gives ids without their epoch.
    let oldest = "SELECT (txid_snapshot_xmin(txid_current_snapshot()) & 4294967295)::text AS xid";
    let oldest: String = field(&transaction.query_one(oldest, &[]).await?, "xid")?;
    facts.ended_before = oldest.parse().ok().map(Xid);
    Ok(facts)
}

/// Facts of some relations, and of their types. A relation that is gone is absent from the answer.
///
/// # Errors
/// Connection, server unavailable, and what a server answer maps to.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn of_relations(sql: &Sql, relations: &[RelationId]) -> Result<Facts> {
    let relations: Vec<u32> = relations.iter().map(|relation| relation.0).collect();
    let mut session = sql.session().await?;
    let transaction = session.read_only().await?;
    read(&transaction, &relations).await
}

/// As [`of_relations`], read when the catalog shows what a transaction changed.
///
/// The server sends a transaction as soon as its commit is written, and lets others see its changes a moment later, or,
/// with synchronous replication, when the standbys have it. What is read before shows a table as it was, or none.
/// A transaction that nobody sees for long is no longer waited for, since the standby it waits for may be this very
/// connector.
///
/// # Errors
/// Connection, server unavailable, and what a server answer maps to.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn of_relations_after(sql: &Sql, relations: &[RelationId], xid: Xid) -> Result<Facts> {
    let relations: Vec<u32> = relations.iter().map(|relation| relation.0).collect();
    let mut session = sql.session().await?;
    let deadline = Instant::now() + VISIBLE_PATIENCE;
    loop {
        let transaction = session.read_only().await?;
        let is_late = Instant::now() >= deadline;
        if is_late || sees(&transaction, xid).await? {
            if is_late {
                tracing::warn!(
                    xid = xid.0,
                    "the catalog does not show yet what a transaction changed; it is read as it is"
                );
            }
            return read(&transaction, &relations).await;
        }
        drop(transaction);
        tokio::time::sleep(VISIBLE_INTERVAL).await;
    }
}

/// Whether a transaction's changes show. The stream gives ids without their epoch: the one nearest to now is meant.
async fn sees(transaction: &ReadOnly<'_>, xid: Xid) -> Result<bool> {
    let statement = "
        SELECT txid_visible_in_snapshot(
                   txid_snapshot_xmax(now) - (((txid_snapshot_xmax(now) - $1 + 2147483648) & 4294967295) - 2147483648),
                   now) AS sees
          FROM txid_current_snapshot() AS now";
    field(&transaction.query_one(statement, &[(&i64::from(xid.0), Type::INT8)]).await?, "sees")
}

/// Facts of some types and of those they are made of; for a type OID that the catalog does not know yet.
///
/// # Errors
/// Connection, server unavailable, and what a server answer maps to.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn of_types(sql: &Sql, types: &[TypeOid]) -> Result<Facts> {
    let types: BTreeSet<u32> = types.iter().map(|oid| oid.0).collect();
    let mut session = sql.session().await?;
    let transaction = session.read_only().await?;
    let mut facts = Facts::default();
    read_types(&transaction, types, &mut facts).await?;
    Ok(facts)
}

async fn read(transaction: &ReadOnly<'_>, relations: &[u32]) -> Result<Facts> {
    let mut facts = Facts::default();
    if relations.is_empty() {
        return Ok(facts);
    }
    let types = read_columns(transaction, relations, &mut facts).await?;
    read_keys(transaction, relations, &mut facts).await?;
    read_types(transaction, types, &mut facts).await?;
    Ok(facts)
}

/// Reads columns, and returns the types among them that are not built in.
async fn read_columns(transaction: &ReadOnly<'_>, relations: &[u32], facts: &mut Facts) -> Result<BTreeSet<u32>> {
    let mut types = BTreeSet::new();
    for row in transaction.query(COLUMNS, &[(&relations, Type::OID_ARRAY)]).await? {
        let table = facts.tables.entry(RelationId(field(&row, "oid")?)).or_default();
        // A table may have no columns at all: it is known all the same.
        let Some(name) = field::<Option<String>>(&row, "name")? else { continue };
        let type_oid: u32 = field(&row, "type")?;
        if type_oid >= FIRST_UNFIXED_OID {
            types.insert(type_oid);
        }
        table.columns.push(ColumnFacts {
            name,
            not_null: field(&row, "not_null")?,
            default_expression: field(&row, "default_expression")?,
        });
    }
    Ok(types)
}

async fn read_keys(transaction: &ReadOnly<'_>, relations: &[u32], facts: &mut Facts) -> Result<()> {
    // Columns that an index only carries (INCLUDE) came with 11. The driver leaves them out of a primary key and
    // lists them among the columns of any other index.
    let key_only = if transaction.version() >= ServerVersion(110_000) {
        " AND (NOT i.indisprimary OR k.ordinal <= i.indnkeyatts)"
    } else {
        ""
    };
    let statement = format!("{KEYS}{key_only}{KEYS_ORDER}");
    for row in transaction.query(&statement, &[(&relations, Type::OID_ARRAY)]).await? {
        let table: &mut TableFacts = facts.tables.entry(RelationId(field(&row, "oid")?)).or_default();
        let columns: Vec<String> = field(&row, "columns")?;
        if field(&row, "is_primary")? {
            table.primary_key = columns;
        } else {
            table.unique_indexes.push(columns);
        }
    }
    Ok(())
}

async fn read_types(transaction: &ReadOnly<'_>, types: BTreeSet<u32>, facts: &mut Facts) -> Result<()> {
    if types.is_empty() {
        return Ok(());
    }
    let types: Vec<u32> = types.into_iter().collect();
    let params: [super::sql::Param<'_>; 2] = [(&types, Type::OID_ARRAY), (&FIRST_UNFIXED_OID, Type::OID)];
    for row in transaction.query(TYPES, &params).await? {
        let letter: String = field(&row, "sort")?;
        let element: Option<u32> = field(&row, "element")?;
        let sort = match (letter.as_str(), element) {
            ("e", _) => TypeSort::Enum(field::<Option<Vec<String>>>(&row, "labels")?.unwrap_or_default()),
            ("d", _) => TypeSort::Domain { base: TypeOid(field(&row, "base")?), typmod: field(&row, "typmod")? },
            (_, Some(element)) => TypeSort::Array(TypeOid(element)),
            ("b", None) => TypeSort::Base,
            _ => TypeSort::Other,
        };
        let known = TypeFacts {
            name: field(&row, "name")?,
            schema: field(&row, "schema")?,
            sort,
            extension: field(&row, "extension")?,
            sending: match (field(&row, "unsent")?, field(&row, "part_unsent")?) {
                (true, _) => Sending::Text,
                (false, true) => Sending::Stops,
                (false, false) => Sending::Binary,
            },
        };
        facts.types.insert(TypeOid(field(&row, "oid")?), known);
    }
    Ok(())
}
