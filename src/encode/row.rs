//! Rows and keys of one event, appended to buffers.
//!
//! Source: Debezium's `TableSchemaBuilder` and `PostgresChangeRecordEmitter`.

use std::sync::atomic::Ordering;

use super::header;
use super::json::{NotRepresentable, write_value};
use super::plan::{ColumnPlan, Content, Form, Plan};
use crate::error::{Error, Kind, Result};
use crate::event::KnownRow;
use crate::pgoutput::{Datum, Tuple};
use crate::value::{decode_binary, decode_text};

/// A row as far as it was sent: the tuple, and an older one from which unchanged TOAST values are taken.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) tuple: Tuple<'a>,
    pub(super) older: Option<Tuple<'a>>,
}

impl<'a> Row<'a> {
    pub(super) const fn old(row: KnownRow<'a>) -> Self {
        let (KnownRow::Key(tuple) | KnownRow::Full(tuple)) = row;
        Self { tuple, older: None }
    }

    /// The datum at a position, taken from the older row where this one has it not.
    fn datum(&self, position: usize) -> Option<Datum<'a>> {
        let datum = self.tuple.iter().nth(position)?;
        if datum != Datum::Unchanged {
            return Some(datum);
        }
        let older = self.older.and_then(|older| older.iter().nth(position));
        Some(older.filter(|older| matches!(older, Datum::Text(_) | Datum::Binary(_))).unwrap_or(datum))
    }
}

/// Appends all columns of a row.
pub(super) fn write_row(out: &mut Vec<u8>, plan: &Plan, row: Row<'_>) -> Result<()> {
    if row.tuple.len() != plan.columns.len() || row.older.is_some_and(|older| older.len() != plan.columns.len()) {
        return Err(Error::new(Kind::Protocol, format!("a row of {} has another number of columns", table(plan)))
            .detail(format!("the relation has {}, the row {}", plan.columns.len(), row.tuple.len())));
    }
    out.push(b'{');
    for (position, (column, datum)) in plan.columns.iter().zip(row.tuple.iter()).enumerate() {
        let Some(column) = column else { continue };
        out.extend_from_slice(&column.label);
        let datum = if datum == Datum::Unchanged { row.datum(position).unwrap_or(datum) } else { datum };
        write_datum(out, plan, position, column, datum, Form::Json)?;
    }
    out.push(b'}');
    Ok(())
}

/// Appends the key of a row as a struct.
pub(super) fn write_key(out: &mut Vec<u8>, plan: &Plan, row: Row<'_>, form: Form) -> Result<()> {
    out.push(b'{');
    for field in plan.key.iter().flatten() {
        let Some(column) = plan.column(field.position) else { continue };
        out.extend_from_slice(&field.label);
        let datum = row.datum(field.position).unwrap_or(Datum::Null);
        write_datum(out, plan, field.position, column, datum, form)?;
    }
    out.push(b'}');
    Ok(())
}

#[inline]
fn write_datum(
    out: &mut Vec<u8>,
    plan: &Plan,
    position: usize,
    column: &ColumnPlan,
    datum: Datum<'_>,
    form: Form,
) -> Result<()> {
    let value = match datum {
        _ if column.content == Content::Nulls => {
            out.extend_from_slice(column.null.form(form));
            return Ok(());
        }
        Datum::Text(text) => decode_text(&column.column_type, text),
        Datum::Binary(bytes) => decode_binary(&column.column_type, bytes),
        Datum::Null => {
            out.extend_from_slice(column.null.form(form));
            return Ok(());
        }
        Datum::Unchanged => {
            out.extend_from_slice(column.unavailable.form(form));
            return Ok(());
        }
    };
    let value = value.map_err(|bad| Error::from(bad).detail(format!("column {}", column_name(plan, position))))?;
    let written = match form {
        Form::Json => write_value(out, &column.column_type, value),
        Form::Header => header::write_field(out, &column.column_type, value),
    };
    if written == Err(NotRepresentable) {
        let Some(stand_in) = &column.unrepresentable else { return Err(unrepresentable(plan, position)) };
        warn_once(plan, position, column);
        out.extend_from_slice(stand_in.form(form));
    }
    Ok(())
}

#[cold]
fn unrepresentable(plan: &Plan, position: usize) -> Error {
    Error::new(Kind::Undecodable, "a value cannot be written in its column's type (such as a numeric NaN)")
        .detail(format!("column {}", column_name(plan, position)))
        .hint(
            "set event.converting.failure.handling.mode to warn to have such values written as null, or change the value \
             at the source and start again",
        )
}

#[cold]
fn warn_once(plan: &Plan, position: usize, column: &ColumnPlan) {
    if !column.warned.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            column = column_name(plan, position),
            "a value cannot be written in its column's type (such as a numeric NaN) and becomes null; said once"
        );
    }
}

fn table(plan: &Plan) -> String {
    format!("{}.{}", plan.relation.schema, plan.relation.table)
}

fn column_name(plan: &Plan, position: usize) -> String {
    let name = plan.relation.columns.get(position).map_or("?", |column| &column.name);
    format!("{}.{name}", table(plan))
}
