//! Whether what a publication sends fits a binary session.
//!
//! Asked once at the start of a session. What a table looked like at the position that is decoded may differ from what the
//! catalog says now, so that each relation of the stream is judged once more when it comes.

use std::collections::HashMap;
use std::fmt;

use tokio_postgres::types::Type;

use super::capture::CaptureFilter;
use super::ident::QualifiedName;
use super::sql::{Sql, field};
use crate::catalog::facts::TypeFacts;
use crate::catalog::{BinaryUse, binary_use};
use crate::error::Result;
use crate::pgoutput::TypeOid;

/// A published column that a binary session cannot carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfitColumn {
    /// Its table.
    pub table: QualifiedName,
    /// Its name.
    pub column: String,
    /// Its type, as SQL writes it.
    pub type_name: String,
}

impl fmt::Display for UnfitColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {:?} of table {} has type {}", self.column, self.table, self.type_name)
    }
}

const PUBLISHED: &str = "
          FROM pg_publication p
         CROSS JOIN LATERAL pg_get_publication_tables(p.pubname) AS sent
          JOIN pg_attribute a ON a.attrelid = sent.relid AND a.attnum > 0 AND NOT a.attisdropped";

/// The first column of a publication that a binary session cannot carry. `types` are the publication's, as in
/// [`Facts::types`](crate::catalog::facts::Facts::types).
///
/// Of tables that are not captured only those columns count at which the server itself may fail.
///
/// # Errors
/// Connection, server unavailable, and what a server answer maps to.
///
/// # Cancel safety
/// Nothing is changed on the server.
pub async fn unfit_column(
    sql: &Sql,
    publication: &str,
    types: &HashMap<TypeOid, TypeFacts>,
    captured: &CaptureFilter,
) -> Result<Option<UnfitColumn>> {
    let mut session = sql.session().await?;
    let transaction = session.read_only().await?;
    let statement = format!("SELECT DISTINCT a.atttypid AS type {PUBLISHED} WHERE p.pubname = $1");
    let rows = transaction.query(&statement, &[(&publication, Type::TEXT)]).await?;
    let used = rows.iter().map(|row| field(row, "type")).collect::<Result<Vec<u32>>>()?;
    let unfit: Vec<u32> = used.into_iter().filter(|&oid| binary_use(TypeOid(oid), types) != BinaryUse::Fits).collect();
    if unfit.is_empty() {
        return Ok(None);
    }
    let statement = format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS name, a.attname::text AS column, a.atttypid AS type,
                format_type(a.atttypid, NULL) AS type_name {PUBLISHED}
           JOIN pg_class c ON c.oid = sent.relid
           JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE p.pubname = $1 AND a.atttypid = ANY ($2)
          ORDER BY n.nspname, c.relname, a.attnum"
    );
    for row in transaction.query(&statement, &[(&publication, Type::TEXT), (&unfit, Type::OID_ARRAY)]).await? {
        let table = QualifiedName::new(field::<String>(&row, "schema")?, field::<String>(&row, "name")?);
        let found = binary_use(TypeOid(field(&row, "type")?), types);
        if found == BinaryUse::MayStop || captured.matches(&table.schema, &table.table) {
            return Ok(Some(UnfitColumn {
                table,
                column: field(&row, "column")?,
                type_name: field(&row, "type_name")?,
            }));
        }
    }
    Ok(None)
}
