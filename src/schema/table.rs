//! The schemas of one relation version.
//!
//! Source: Debezium's `TableSchemaBuilder`.

use std::sync::Arc;

use super::{ColumnSchema, Envelope, Field, Kind, Schema, adjust_field_name, adjust_name};
use crate::catalog::RelationVersion;
use crate::config::Records;

/// Makes the schemas of tables.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    envelope: Envelope,
}

/// What the records of a relation version look like.
#[derive(Clone, Debug)]
pub struct TableSchemas {
    /// By position in tuples; `None` for columns that records leave out.
    pub columns: Vec<Option<ColumnSchema>>,
    /// Positions of the key's columns, in key order, without those that records leave out.
    pub key_positions: Vec<usize>,
    /// The key; `None` for a table without one.
    pub key: Option<Schema>,
    /// The row, as `before` and `after` have it.
    pub row: Arc<Schema>,
    /// The envelope.
    pub envelope: Schema,
}

impl Tables {
    /// The schemas of a relation version whose records go to `topic`, after which they are named.
    #[must_use]
    pub fn of(&self, relation: &RelationVersion, topic: &str, records: &Records) -> TableSchemas {
        let columns: Vec<Option<ColumnSchema>> =
            relation.columns.iter().map(|column| ColumnSchema::of(column, records)).collect();
        warn_of_left_out(relation, &columns);
        let field = |position: usize| {
            let schema = columns.get(position)?.as_ref()?.schema.clone();
            let name = adjust_field_name(records.field_names, &relation.columns.get(position)?.name).into_owned();
            Some(Field::new(name, schema))
        };
        let name = |part: &str| adjust_name(records.schema_names, &format!("{topic}.{part}")).into_owned();
        let key_positions: Vec<usize> =
            relation.key.iter().copied().filter(|&position| matches!(columns.get(position), Some(Some(_)))).collect();
        // Tables that share a topic are told apart by one more field.
        let physical_table = records.naming.key_field.as_ref();
        let physical_table =
            physical_table.map(|key_field| Field::new(key_field.name.clone(), Schema::of(Kind::String)));
        let key = (!relation.key.is_empty() || physical_table.is_some()).then(|| {
            let fields = key_positions.iter().filter_map(|&position| field(position)).chain(physical_table).collect();
            Schema::of(Kind::Struct(fields)).named(name("Key"))
        });
        let fields = (0..columns.len()).filter_map(field).collect();
        let row = Arc::new(Schema::of(Kind::Struct(fields)).named(name("Value")).optional());
        let envelope = self.envelope.around(&row, name("Envelope"));
        TableSchemas { columns, key_positions, key, row, envelope }
    }
}

/// A warning for each column that records lack.
fn warn_of_left_out(relation: &RelationVersion, columns: &[Option<ColumnSchema>]) {
    for (column, _) in relation.columns.iter().zip(columns).filter(|(_, schema)| schema.is_none()) {
        tracing::warn!(
            table = format!("{}.{}", relation.schema, relation.table),
            column = column.name,
            type_oid = %column.type_oid,
            version = relation.version,
            "column is left out of records: its type has no mapping"
        );
    }
}
