//! Whether two databases hold the same rows.

use std::fmt;

use serde_json::{Map, Value};

use super::database::Database;
use crate::Outcome;

/// How many differing rows of a table are shown.
const SHOWN: usize = 3;

/// A table in both databases.
struct Table {
    name: String,
    /// Those that are compared.
    columns: String,
    rows: u64,
    is_equal: bool,
}

/// The tables of two databases, compared.
pub(crate) struct Comparison {
    tables: Vec<Table>,
}

impl Comparison {
    /// Compares digests over all rows as PostgreSQL writes them, in all columns of the source but the omitted ones; a
    /// table without rows proves nothing and is refused.
    pub(crate) fn of(
        source: &Database<'_>,
        target: &Database<'_>,
        tables: &[String],
        omitted: &Map<String, Value>,
    ) -> Outcome<Self> {
        let compare = |name: &String| {
            let mut columns = source.column(&format!(
                "SELECT quote_ident(column_name) FROM information_schema.columns
                  WHERE table_schema = 'public' AND table_name = '{name}' ORDER BY ordinal_position"
            ))?;
            let omitted = omitted.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            columns.retain(|column| !omitted.contains(&Value::from(column.as_str())));
            let columns = columns.join(", ");
            let here = digest(source, name, &columns)?;
            let rows = here.split(' ').next().unwrap_or_default().parse()?;
            if rows == 0 {
                return Err(format!("the source's {name} is empty").into());
            }
            Ok(Table { name: name.clone(), rows, is_equal: here == digest(target, name, &columns)?, columns })
        };
        let comparison = Self { tables: tables.iter().map(compare).collect::<Outcome<_>>()? };
        for table in comparison.tables.iter().filter(|table| table.is_equal) {
            notices_a_lost_row(target, table)?;
        }
        Ok(comparison)
    }

    pub(crate) fn is_equal(&self) -> bool {
        !self.tables.is_empty() && self.tables.iter().all(|table| table.is_equal)
    }

    /// Prints some rows that only one of both has.
    pub(crate) fn explain(&self, source: &Database<'_>, target: &Database<'_>) -> Outcome<()> {
        for Table { name, columns, .. } in self.tables.iter().filter(|table| !table.is_equal) {
            let rows =
                format!("SELECT t::text FROM (SELECT {columns} FROM {name}) AS t ORDER BY t::text COLLATE \"C\"");
            let (here, there) = (source.column(&rows)?, target.column(&rows)?);
            for (whose, these, those) in [("source", &here, &there), ("target", &there, &here)] {
                let lone: Vec<&String> = these.iter().filter(|row| those.binary_search(row).is_err()).collect();
                eprintln!("{name}: {} of {} rows are only in the {whose}", lone.len(), these.len());
                for row in lone.iter().take(SHOWN) {
                    eprintln!("    {}", row.chars().take(300).collect::<String>());
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: u64 = self.tables.iter().map(|table| table.rows).sum();
        write!(f, "{}, {rows} | ", self.tables.len())?;
        let different: Vec<&str> =
            self.tables.iter().filter(|table| !table.is_equal).map(|table| table.name.as_str()).collect();
        if different.is_empty() { f.write_str("yes") } else { write!(f, "**no**: {}", different.join(", ")) }
    }
}

/// Number of rows and digest.
fn digest(database: &Database<'_>, table: &str, columns: &str) -> Outcome<String> {
    let query = format!(
        "SELECT count(*) || ' ' || md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\"), ''))
           FROM (SELECT {columns} FROM {table}) AS t"
    );
    database.one(&query)?.ok_or_else(|| "no digest".into())
}

/// The check that the comparison can fail at all.
fn notices_a_lost_row(database: &Database<'_>, Table { name, columns, .. }: &Table) -> Outcome<()> {
    let whole = digest(database, name, columns)?;
    database.execute(&format!("BEGIN; DELETE FROM {name} WHERE ctid = (SELECT min(ctid) FROM {name})"))?;
    let spoilt = digest(database, name, columns)?;
    database.execute("ROLLBACK")?;
    if whole == spoilt { Err(format!("the digest of {name} does not notice a lost row").into()) } else { Ok(()) }
}
