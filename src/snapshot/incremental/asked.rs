//! Which tables a signal asks for, and in which order.
//!
//! Source: Debezium's `expandAndDedupeDataCollectionIds`.

use super::order::Wanted;
use crate::progress::TableName;
use crate::signal::Request;

/// The tables that a signal asks for, of those that are `captured`: in the order in which it lists them, those of one
/// expression by name. One that it names in full and that is not captured is among them, so that it is told in its turn.
#[must_use]
pub fn wanted(signal: &str, request: &Request, mut captured: Vec<TableName>) -> Vec<Wanted> {
    captured.sort();
    let mut tables: Vec<TableName> = Vec::new();
    for (text, expression) in &request.tables.0 {
        let is_meant = |table: &&TableName| expression.is_match(&format!("{}.{}", table.schema, table.table));
        let mut meant: Vec<TableName> = captured.iter().filter(is_meant).cloned().collect();
        if meant.is_empty() {
            meant.extend(named(text));
        }
        meant.retain(|table| !tables.contains(table));
        tables.append(&mut meant);
    }
    let wanted = |table: TableName| Wanted {
        signal: signal.to_owned(),
        filter: request.filter(&table.schema, &table.table).map(str::to_owned),
        surrogate_key: request.surrogate_key.clone(),
        table,
    };
    tables.into_iter().map(wanted).collect()
}

/// The table that an expression names if it is no more than a name.
fn named(text: &str) -> Option<TableName> {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_ $-".contains(c));
    let (schema, table) = text.split_once('.')?;
    (is_name(schema) && is_name(table)).then(|| TableName { schema: schema.to_owned(), table: table.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{Action, Heard, parse};

    #[test]
    fn tables_stand_in_the_order_of_the_signal_and_those_that_are_not_there_are_among_them() {
        let data = r#"{"data-collections": ["public.nope", "public.c", "public.[a-c]", "public\\.x", "nope"]}"#;
        let Heard::Signal(signal) = parse("7", "execute-snapshot", Some(data)) else { panic!("it is a signal") };
        let Action::Incremental(request) = signal.action else { panic!("it is incremental") };
        let table = |name: &str| TableName { schema: "public".to_owned(), table: name.to_owned() };

        let wanted = wanted("7", &request, vec![table("c"), table("b"), table("a"), table("z")]);

        let names: Vec<&str> = wanted.iter().map(|wanted| wanted.table.table.as_str()).collect();
        assert_eq!(names, ["nope", "c", "a", "b"]);
    }
}
