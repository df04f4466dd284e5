//! Findings about the table of signals. None keeps the stream from starting: it only hears no signals then.

use tokio_postgres::types::Type;

use super::report::{Check, Finding, Remedy};
use crate::config::{Autocreate, Connector};
use crate::error::Result;
use crate::source::ident::{QualifiedName, QuotedIdent};
use crate::source::sql::{Session, field};

/// id, type and data.
const COLUMNS: i64 = 3;

/// How many columns a table has; nothing where there is no such table.
pub(super) async fn columns(session: &Session<'_>, schema: &str, table: &str) -> Result<Option<i64>> {
    let statement = "
        SELECT (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";
    let rows = session.query(statement, &[(&schema, Type::TEXT), (&table, Type::TEXT)]).await?;
    rows.first().map(|row| field(row, "columns")).transpose()
}

pub(super) fn judge(
    name: &QualifiedName,
    columns: Option<i64>,
    connector: &Connector,
    is_sent: bool,
) -> Option<Finding> {
    let warning = |what: String, remedy| Some(Finding::warning(Check::SignalTable, what, remedy));
    let publication = QuotedIdent(&connector.publication.name);
    let is_filtered = connector.publication.autocreate == Autocreate::Filtered;
    let add = format!("ALTER PUBLICATION {publication} ADD TABLE {name}");
    match columns {
        None => {
            let create = format!(
                "CREATE TABLE {name} (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048))"
            );
            let more = (connector.publication.autocreate != Autocreate::AllTables && !is_filtered).then_some(add);
            let what =
                format!("signal.data.collection names {name}, which does not exist: no signal can come that way");
            warning(what, Some(Remedy::Sql([create].into_iter().chain(more).collect())))
        }
        Some(COLUMNS) if is_sent => None,
        Some(COLUMNS) => {
            let what =
                format!("publication {publication} does not send {name}, the table of signals: none can be heard");
            let remedy = match is_filtered {
                true => Remedy::action("add it to table.include.list"),
                false => Remedy::sql(add),
            };
            warning(what, remedy)
        }
        Some(columns) => warning(
            format!("the table of signals, {name}, has {columns} columns: every signal in it is refused"),
            Remedy::action("give it three, in this order: id, type, data; their names do not matter"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::connector;
    use super::*;

    fn told(columns: Option<i64>, autocreate: Autocreate, is_sent: bool) -> Option<(String, Option<Remedy>)> {
        let mut connector = connector();
        connector.publication.autocreate = autocreate;
        let name = QualifiedName::new("public", "signals");
        judge(&name, columns, &connector, is_sent).map(|finding| (finding.what, finding.remedy))
    }

    #[test]
    fn a_table_of_signals_exists_has_three_columns_and_is_sent() {
        assert_eq!(told(Some(3), Autocreate::NoTables, true), None);
        let (what, remedy) = told(None, Autocreate::NoTables, false).unwrap();
        assert!(what.contains("does not exist"), "{what}");
        assert!(matches!(remedy, Some(Remedy::Sql(sql)) if sql.len() == 2 && sql[0].starts_with("CREATE TABLE")));
        let (what, remedy) = told(Some(3), Autocreate::Disabled, false).unwrap();
        assert!(what.contains("does not send"), "{what}");
        assert_eq!(remedy, Remedy::sql("ALTER PUBLICATION \"p\" ADD TABLE \"public\".\"signals\"".to_owned()));
        assert!(matches!(told(Some(3), Autocreate::Filtered, false), Some((_, Some(Remedy::Action(_))))));
        assert!(told(Some(2), Autocreate::AllTables, true).unwrap().0.contains("has 2 columns"));
    }
}
