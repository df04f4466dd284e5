//! What a publication sends that a binary session may be unfit for.
//!
//! Asked once at the start of a session. What a table looked like at the position that is decoded may differ from what the
//! catalog says now, so that each relation of the stream is judged once more when it comes.

use tokio_postgres::types::Type;

use super::sql::{ServerVersion, Sql, field};
use crate::catalog::facts::Facts;
use crate::catalog::{BinaryUse, Learnt, OwnedColumn, OwnedRelation, binary_use};
use crate::error::Result;
use crate::pgoutput::{RelationId, ReplicaIdentity, TypeOid};

const PUBLISHED: &str = "
          FROM pg_publication p
         CROSS JOIN LATERAL pg_get_publication_tables(p.pubname) AS sent
          JOIN pg_attribute a ON a.attrelid = sent.relid AND a.attnum > 0 AND NOT a.attisdropped";

/// Lists of columns came with 15.
const LISTED: &str = " AND (sent.attrs IS NULL OR a.attnum = ANY (sent.attrs))";

/// The published tables that have a column which a binary session cannot carry, with all columns that are sent, ordered by
/// name. `facts` are the publication's.
///
/// # Errors
/// Connection, server unavailable, and what a server answer maps to.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn unfit_tables(sql: &Sql, publication: &str, facts: &Facts) -> Result<Vec<OwnedRelation>> {
    let mut session = sql.session().await?;
    let transaction = session.read_only().await?;
    let listed = if transaction.version() >= ServerVersion(150_000) { LISTED } else { "" };
    let statement = format!("SELECT DISTINCT a.atttypid AS type {PUBLISHED}{listed} WHERE p.pubname = $1");
    let rows = transaction.query(&statement, &[(&publication, Type::TEXT)]).await?;
    let used = rows.iter().map(|row| field(row, "type")).collect::<Result<Vec<u32>>>()?;
    let is_unfit = |oid: &u32| binary_use(TypeOid(*oid), &facts.types) != BinaryUse::Fits;
    let unfit: Vec<u32> = used.into_iter().filter(is_unfit).collect();
    let mut tables: Vec<OwnedRelation> = Vec::new();
    if unfit.is_empty() {
        return Ok(tables);
    }
    let statement = format!(
        "SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, a.attname::text AS column, a.atttypid AS type,
                a.atttypmod AS typmod {PUBLISHED}{listed}
           JOIN pg_class c ON c.oid = sent.relid
           JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE p.pubname = $1
            AND EXISTS (SELECT FROM pg_attribute u
                         WHERE u.attrelid = c.oid AND u.attnum > 0 AND NOT u.attisdropped AND u.atttypid = ANY ($2))
          ORDER BY n.nspname, c.relname, c.oid, a.attnum"
    );
    for row in transaction.query(&statement, &[(&publication, Type::TEXT), (&unfit, Type::OID_ARRAY)]).await? {
        let id = RelationId(field(&row, "oid")?);
        // The key is found by the facts; nothing here depends on the replica identity.
        let column = OwnedColumn {
            name: field(&row, "column")?,
            type_oid: TypeOid(field(&row, "type")?),
            typmod: field(&row, "typmod")?,
            identity: false,
        };
        match tables.last_mut().filter(|table| table.id == id) {
            Some(table) => table.columns.push(column),
            None => tables.push(OwnedRelation {
                id,
                schema: field(&row, "schema")?,
                table: field(&row, "name")?,
                identity: ReplicaIdentity::Default,
                columns: vec![column],
                learnt: Learnt::FromCatalog,
            }),
        }
    }
    Ok(tables)
}
