//! Rows and keys of one event, appended to buffers in any format.
//!
//! Source: Debezium's `TableSchemaBuilder` and `PostgresChangeRecordEmitter`.

use std::sync::atomic::Ordering;

use super::format::Format;
use super::plan::{FieldPlan, KeyField, KeyFields, Plan};
use crate::error::{Error, Kind, Result};
use crate::event::KnownRow;
use crate::pgoutput::{Datum, Tuple};
use crate::schema::Conversion;
use crate::value::{Value, decode_binary, decode_text};

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
pub(super) fn write_row<F: Format>(out: &mut Vec<u8>, format: F, plan: &Plan, row: Row<'_>) -> Result<()> {
    let (fields, fields_at) = (&plan.value.fields, out.len());
    if row.tuple.len() != fields.len() || row.older.is_some_and(|older| older.len() != fields.len()) {
        return Err(Error::new(Kind::Protocol, format!("a row of {} has another number of columns", table(plan)))
            .detail(format!("the relation has {}, the row {}", fields.len(), row.tuple.len())));
    }
    for (position, (field, datum)) in fields.iter().zip(row.tuple.iter()).enumerate() {
        let Some(field) = field else { continue };
        let datum = if datum == Datum::Unchanged { row.datum(position).unwrap_or(datum) } else { datum };
        write_field(out, format, field, datum)?;
    }
    F::close_up(out, fields_at);
    Ok(())
}

/// Appends the fields of a key, and behind them one that is the same for all rows of the table, if any.
pub(super) fn write_key<F: Format>(out: &mut Vec<u8>, format: F, fields: &KeyFields, row: Row<'_>) -> Result<()> {
    out.extend_from_slice(F::OPENING);
    let fields_at = out.len();
    for KeyField { position, field } in &fields.columns {
        let datum = row.datum(*position).unwrap_or(Datum::Null);
        write_field(out, format, field, datum)?;
    }
    out.extend_from_slice(&fields.physical_table);
    F::close_up(out, fields_at);
    out.extend_from_slice(F::CLOSING);
    Ok(())
}

#[inline]
fn write_field<F: Format>(out: &mut Vec<u8>, format: F, field: &FieldPlan, datum: Datum<'_>) -> Result<()> {
    let value = match datum {
        _ if matches!(field.conversion, Conversion::Drop) => {
            out.extend_from_slice(&field.null);
            return Ok(());
        }
        Datum::Text(text) => decode_text(&field.column_type, text),
        Datum::Binary(bytes) => decode_binary(&field.column_type, bytes),
        Datum::Null => {
            out.extend_from_slice(&field.null);
            return Ok(());
        }
        Datum::Unchanged => {
            out.extend_from_slice(&field.unavailable);
            return Ok(());
        }
    };
    let value = value.map_err(|bad| Error::from(bad).detail(place(field)))?;
    let start = out.len();
    out.extend_from_slice(&field.label);
    if field.conversion.put(value, &mut format.writer(out)).is_err() {
        out.truncate(start);
        return stand_in(out, field, value);
    }
    Ok(())
}

/// Appends what stands for a value that the field cannot hold. Elements of arrays are decoded when they are written: one
/// that is no value of its type is none that could not be held.
#[cold]
fn stand_in(out: &mut Vec<u8>, field: &FieldPlan, value: Value<'_>) -> Result<()> {
    if let Value::Array(array) = value
        && let Some(bad) = array.undecodable()
    {
        return Err(Error::from(bad).detail(place(field)));
    }
    let Some(stand_in) = &field.unrepresentable else {
        return Err(Error::new(
            Kind::Undecodable,
            "a value cannot be written in its column's type (such as a numeric NaN)",
        )
        .detail(place(field))
        .hint(
            "set event.converting.failure.handling.mode to warn to have such values written as null, or change the value \
             at the source and start again",
        ));
    };
    out.extend_from_slice(stand_in);
    if !field.warned.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            column = field.name,
            "a value cannot be written in its column's type (such as a numeric NaN) and becomes null; said once"
        );
    }
    Ok(())
}

/// Where a value stands that cannot be written; the value itself is never told.
fn place(field: &FieldPlan) -> String {
    format!("column {}, type OID {}", field.name, field.type_oid)
}

fn table(plan: &Plan) -> String {
    format!("{}.{}", plan.relation.schema, plan.relation.table)
}
