//! What the configured rules make of a table: which columns its rows have, how they are hidden or described, and which
//! columns are its key.
//!
//! Asked once for each relation version. What is surprising, and a silent leak in Debezium, is told as a warning.
//!
//! Source: Debezium's `ColumnMappers`, `MaskStrings`, `TruncateColumn`, `PropagateSourceMetadataToSchemaParameter`,
//! `Key.CustomKeyMapper`.

use std::borrow::Cow;

use super::mask::{Mask, Masked};
use super::{ColumnSchema, Conversion, Kind, Literal, Schema};
use crate::catalog::{Column, IsText, RelationVersion};
use crate::config::{ColumnAction, ColumnRule, Columns, Subject};

/// The rules as far as they concern one table.
pub(super) struct TableRules<'r> {
    columns: &'r Columns,
    relation: &'r RelationVersion,
    /// `schema.table`
    table: String,
}

impl<'r> TableRules<'r> {
    pub(super) fn new(columns: &'r Columns, relation: &'r RelationVersion) -> Self {
        Self { columns, relation, table: format!("{}.{}", relation.schema, relation.table) }
    }

    fn name(&self, column: &Column) -> String {
        format!("{}.{}", self.table, column.name)
    }

    /// Whether a column stands in rows.
    pub(super) fn admit(&self, column: &Column) -> bool {
        self.columns.filter.admits(&self.name(column))
    }

    /// The key's columns, in order.
    pub(super) fn key(&self) -> Cow<'r, [usize]> {
        let names = self.relation.columns.iter().map(|column| column.name.as_str());
        let key = self.columns.key_positions(&self.table, names);
        if key.is_empty() { Cow::Borrowed(self.relation.key.as_slice()) } else { Cow::Owned(key) }
    }

    /// Warns of columns that were wanted for the key and are not there.
    pub(super) fn warn_of_missing_key_columns(&self) {
        for rule in self.columns.keys.iter().filter(|rule| rule.tables.is_match(&self.table)) {
            for wanted in &rule.columns {
                if !self.relation.columns.iter().any(|column| wanted.patterns.is_match(&self.name(column))) {
                    tracing::warn!(
                        table = self.table,
                        column = wanted.text,
                        "message.key.columns names a column that the table has not: the key is made without it"
                    );
                }
            }
        }
    }

    /// A row's column under the first rule that matches it.
    pub(super) fn apply(&self, column: &Column, schema: ColumnSchema) -> ColumnSchema {
        let name = self.name(column);
        let type_name = format!("{}.{}", self.table, column.source_type.name);
        let mut rules = self.columns.rules.iter().filter(|rule| {
            rule.patterns.is_match(match rule.subject {
                Subject::Column => &name,
                Subject::Type => &type_name,
            })
        });
        let Some(first) = rules.next() else { return schema };
        for second in rules.filter(|second| second.action != first.action) {
            tracing::warn!(
                column = name,
                rule = first.property,
                without_effect = second.property,
                "two rules match a column: the first holds, as it does in Debezium"
            );
        }
        applied(first, column, schema, &name)
    }

    /// Warns of columns that rows hide and the key shows.
    pub(super) fn warn_of_key(&self, position: usize, row: Option<&ColumnSchema>, plain: &ColumnSchema) {
        let Some(column) = self.relation.columns.get(position) else { return };
        let hidden = match row {
            None => "left out of",
            Some(row) if row.hidden != Hidden::No => "hidden in",
            Some(_) => return,
        };
        if !matches!(plain.conversion, Conversion::Drop) {
            tracing::warn!(
                column = self.name(column),
                "a column that is {hidden} rows stands in the record key as it is, as it does in Debezium; choose other \
                 columns with message.key.columns"
            );
        }
    }
}

/// Whether a rule hides values of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Hidden {
    /// Nothing is hidden, or what is cut is a matter of the conversion.
    No,
    /// Values pass through a mask.
    Masked,
    /// A constant stands for every value, also for null.
    Constant(Literal),
}

fn applied(rule: &ColumnRule, column: &Column, mut schema: ColumnSchema, name: &str) -> ColumnSchema {
    let source = &column.source_type;
    match &rule.action {
        ColumnAction::Describe => describe(&mut schema.schema, column),
        ColumnAction::Cut { length } => {
            // A column of which nothing can be cut is left alone.
            let may_be_longer = source.length < 0 || i64::from(source.length) > i64::from(*length);
            if may_be_longer {
                parameter(&mut schema.schema, "truncateLength", length.to_string());
                mask(&mut schema, Mask::Cut(usize::try_from(*length).unwrap_or(usize::MAX)));
            }
        }
        ColumnAction::Stars { count } => {
            parameter(&mut schema.schema, "masked", "true");
            match source.text {
                IsText::Text => {
                    let stars = "*".repeat(usize::try_from(*count).unwrap_or_default());
                    schema.hidden = Hidden::Constant(Literal::String(stars));
                }
                IsText::Other => warn_of_no_text(rule, name),
            }
        }
        ColumnAction::Hash(hash) => {
            parameter(&mut schema.schema, "masked", "true");
            let digits = usize::try_from(source.length).ok().filter(|length| *length > 0).unwrap_or(usize::MAX);
            match source.text {
                IsText::Text => {
                    mask(&mut schema, Mask::Hash { hash: hash.clone(), digits });
                    schema.hidden = Hidden::Masked;
                }
                IsText::Other => warn_of_no_text(rule, name),
            }
        }
    }
    schema
}

/// Puts a mask over a column whose values are texts or bytes; others have nothing to hide there.
fn mask(schema: &mut ColumnSchema, mask: Mask) {
    let may = match schema.schema.kind {
        Kind::String => true,
        Kind::Bytes => schema.conversion == Conversion::Bytes,
        _ => false,
    };
    if may {
        let conversion = std::mem::replace(&mut schema.conversion, Conversion::Drop);
        schema.conversion = Conversion::Masked(Box::new(Masked { conversion, mask }));
    }
}

fn warn_of_no_text(rule: &ColumnRule, column: &str) {
    tracing::warn!(
        column,
        rule = rule.property,
        "a mask has no effect on this column's values, as it has none in Debezium: its type is none of text, varchar, \
         char and enums; use column.exclude.list to keep them out of records"
    );
}

fn describe(schema: &mut Schema, column: &Column) {
    let source = &column.source_type;
    parameter(schema, "__debezium.source.column.type", source.name.to_uppercase());
    if source.length != -1 {
        parameter(schema, "__debezium.source.column.length", source.length.to_string());
    }
    if let Some(scale) = source.scale {
        parameter(schema, "__debezium.source.column.scale", scale.to_string());
    }
    parameter(schema, "__debezium.source.column.name", column.name.clone());
}

fn parameter(schema: &mut Schema, name: &'static str, value: impl Into<String>) {
    schema.parameters.push((Cow::Borrowed(name), value.into()));
}
