//! The schemas of one relation version.
//!
//! Source: Debezium's `TableSchemaBuilder`.

use std::sync::Arc;

use super::rule::TableRules;
use super::{ColumnSchema, Envelope, Field, Kind, Schema, adjust_field_name, adjust_name};
use crate::catalog::{Column, Learnt, Nullability, RelationVersion};
use crate::config::Records;

/// Makes the schemas of tables.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    envelope: Envelope,
}

/// What the records of a relation version look like.
#[derive(Clone, Debug)]
pub struct TableSchemas {
    /// Columns of rows by position in tuples; `None` for those that rows leave out.
    pub columns: Vec<Option<ColumnSchema>>,
    /// Columns of the key, in key order, without those that records leave out.
    pub key_columns: Vec<KeyColumn>,
    /// The key; `None` for a table without one.
    pub key: Option<Schema>,
    /// The row, as `before` and `after` have it.
    pub row: Arc<Schema>,
    /// The envelope.
    pub envelope: Schema,
}

/// A column of the key. No rule hides or describes it, whatever it looks like in rows.
#[derive(Clone, Debug)]
pub struct KeyColumn {
    /// Position in tuples.
    pub position: usize,
    /// What it becomes.
    pub column: ColumnSchema,
}

impl Tables {
    /// The schemas of a relation version whose records go to `topic`, after which they are named.
    #[must_use]
    pub fn of(&self, relation: &RelationVersion, topic: &str, records: &Records) -> TableSchemas {
        let rules = TableRules::new(&records.columns, relation);
        let key_positions = rules.key();
        rules.warn_of_missing_key_columns();
        let plain: Vec<(InRows, Option<ColumnSchema>)> = (0..)
            .zip(&relation.columns)
            .map(|(position, column)| plain_column(&rules, column, key_positions.contains(&position), records))
            .collect();
        warn_of_left_out(relation, &plain);
        let columns: Vec<Option<ColumnSchema>> = plain
            .iter()
            .zip(&relation.columns)
            .map(|((in_rows, schema), of)| match in_rows {
                InRows::Yes => schema.clone().map(|schema| rules.apply(of, schema)),
                InRows::No => None,
            })
            .collect();
        let key_columns: Vec<KeyColumn> = key_positions
            .iter()
            .filter_map(|&position| {
                let column = plain.get(position)?.1.clone()?;
                rules.warn_of_key(position, columns.get(position).and_then(Option::as_ref), &column);
                Some(KeyColumn { position, column })
            })
            .collect();

        let field = |position: usize, column: &ColumnSchema| {
            let name = adjust_field_name(records.field_names, &relation.columns.get(position)?.name).into_owned();
            Some(Field::new(name, column.schema.clone()))
        };
        let name = |part: &str| adjust_name(records.schema_names, &format!("{topic}.{part}")).into_owned();
        // Tables that share a topic are told apart by one more field.
        let physical_table = records.naming.key_field.as_ref();
        let physical_table =
            physical_table.map(|key_field| Field::new(key_field.name.clone(), Schema::of(Kind::String)));
        let key = (!key_positions.is_empty() || physical_table.is_some()).then(|| {
            let fields = key_columns.iter().filter_map(|key| field(key.position, &key.column));
            let fields = fields.chain(physical_table).collect();
            Schema::of(Kind::Struct(fields)).named(name("Key"))
        });
        let fields = (0..).zip(&columns).filter_map(|(position, column)| field(position, column.as_ref()?)).collect();
        let row = Arc::new(Schema::of(Kind::Struct(fields)).named(name("Value")).optional());
        let envelope = self.envelope.around(&row, name("Envelope"));
        TableSchemas { columns, key_columns, key, row, envelope }
    }
}

/// Whether records of a relation have values of one of its columns, in rows or in the key: neither of one that the lists
/// leave out, nor of one whose type has no mapping or no converter.
#[must_use]
pub fn holds_values(relation: &RelationVersion, position: usize, records: &Records) -> bool {
    let Some(column) = relation.columns.get(position) else { return false };
    let rules = TableRules::new(&records.columns, relation);
    let in_key = rules.key().contains(&position);
    let (_, schema) = plain_column(&rules, column, in_key, records);
    schema.is_some_and(|schema| !schema.conversion.drops())
}

/// Whether rows have a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InRows {
    Yes,
    No,
}

/// A column without any rule but the lists of columns. Of one that the lists leave out, which is of interest in the key
/// only, Debezium reads neither whether it may be null nor its default, but for a snapshot.
fn plain_column(
    rules: &TableRules<'_>,
    column: &Column,
    in_key: bool,
    records: &Records,
) -> (InRows, Option<ColumnSchema>) {
    if rules.admit(column) {
        return (InRows::Yes, ColumnSchema::of(column, records));
    }
    if column.learnt == Learnt::FromCatalog {
        return (InRows::No, in_key.then(|| ColumnSchema::of(column, records)).flatten());
    }
    let unknown = || Column { nullability: Nullability::Optional, default: None, ..column.clone() };
    (InRows::No, in_key.then(|| ColumnSchema::of(&unknown(), records)).flatten())
}

/// A warning for each column that records lack although the lists have it.
fn warn_of_left_out(relation: &RelationVersion, columns: &[(InRows, Option<ColumnSchema>)]) {
    let lacking = relation.columns.iter().zip(columns);
    for (column, _) in lacking.filter(|(_, (in_rows, schema))| *in_rows == InRows::Yes && schema.is_none()) {
        tracing::warn!(
            table = format!("{}.{}", relation.schema, relation.table),
            column = column.name,
            type_oid = %column.type_oid,
            version = relation.version,
            "column is left out of records: its type has no mapping"
        );
    }
}
