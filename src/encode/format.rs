//! What a record format is to the walk over a row, and which ones there are.

use super::avro::Avro;
use super::java::Java;
use super::json::Json;
use crate::config::{Converter, JsonSchemas, NullForm};
use crate::schema::{Field, Literal, Put, Schema};

/// A record format. Everything but [`Format::writer`] and [`Format::put_sequence`] is asked at planning only.
pub(super) trait Format: Copy {
    /// Takes the values of one field.
    type Writer<'o>: Put;
    /// What stands before the fields of a struct.
    const OPENING: &'static [u8];
    /// What stands behind them.
    const CLOSING: &'static [u8];
    /// Whether a field without a value is left out. Then a label has a comma before it wherever one may be needed, and
    /// [`Format::close_up`] takes it away where it is not.
    const SKIPS_NULLS: bool = false;

    /// Takes the comma away that stands before the first field, where others before it were left out.
    fn close_up(out: &mut Vec<u8>, fields_at: usize) {
        if Self::SKIPS_NULLS && out.get(fields_at) == Some(&b',') {
            out.remove(fields_at);
        }
    }

    /// A writer that appends to a buffer.
    fn writer(self, out: &mut Vec<u8>) -> Self::Writer<'_>;

    /// What becomes of a null in a field with a default.
    fn nulls(self) -> NullForm;

    /// Appends what stands before a field's value; `first` where no field stands before it in its struct.
    fn label(self, out: &mut Vec<u8>, name: &str, first: bool);

    /// Appends what says that a value follows.
    fn present(self, out: &mut Vec<u8>, schema: &Schema);

    /// Appends a null; says whether the format has one for the schema.
    fn null(self, out: &mut Vec<u8>, schema: &Schema) -> bool;

    /// Appends the first half of `source.sequence`, up to the event's own LSN.
    fn append_sequence_head(self, out: &mut Vec<u8>, last_commit: Option<i64>);

    /// Appends `source.sequence` from its first half and the digits of the event's own LSN.
    fn put_sequence(self, out: &mut Vec<u8>, head: &[u8], lsn: &[u8]);
}

/// The formats of keys and values, told apart once for each row.
#[derive(Clone, Copy, Debug)]
pub(super) enum AnyFormat {
    Json(Json, JsonSchemas),
    Avro(Avro),
    Java(Java),
}

impl AnyFormat {
    pub(super) const fn of(converter: Converter) -> Self {
        match converter {
            Converter::Json(json) => Self::Json(Json { decimals: json.decimals, nulls: json.nulls }, json.schemas),
            Converter::Avro(avro) => {
                Self::Avro(Avro { nulls: avro.nulls, metadata: avro.metadata, subjects: avro.subjects })
            }
            Converter::Java => Self::Java(Java),
        }
    }
}

/// A struct that can be written in any format.
pub(super) trait Payload {
    /// The struct's fields, in the order of its schema.
    fn fill<'s, F: Format>(&self, to: Segments<'s, F>) -> Segments<'s, F>;
}

impl AnyFormat {
    /// Appends a struct.
    pub(super) fn put(self, out: &mut Vec<u8>, schema: &Schema, payload: &impl Payload) {
        let buffer = std::mem::take(out);
        *out = match self {
            Self::Json(json, _) => payload.fill(Segments::onto(json, schema, buffer)).close(),
            Self::Avro(avro) => payload.fill(Segments::onto(avro, schema, buffer)).close(),
            Self::Java(java) => payload.fill(Segments::onto(java, schema, buffer)).close(),
        };
    }
}

/// Renders the fields of a struct one after another, with holes where values will stand.
#[derive(Debug)]
pub(super) struct Segments<'s, F> {
    format: F,
    fields: std::slice::Iter<'s, Field>,
    first: bool,
    out: Vec<u8>,
}

impl<'s, F: Format> Segments<'s, F> {
    /// From the first field of a struct on, with its opening.
    pub(super) fn opening(format: F, schema: &'s Schema) -> Self {
        Self { format, fields: schema.fields().iter(), first: true, out: F::OPENING.to_vec() }
    }

    /// The same, behind what a buffer holds; [`Segments::close`] gives it back.
    pub(super) fn onto(format: F, schema: &'s Schema, mut out: Vec<u8>) -> Self {
        out.extend_from_slice(F::OPENING);
        Self { format, fields: schema.fields().iter(), first: true, out }
    }

    /// From a field in the middle of a struct on.
    pub(super) fn middle(format: F, fields: &'s [Field]) -> Self {
        Self { format, fields: fields.iter(), first: false, out: Vec::new() }
    }

    /// The next field, up to its value.
    fn label(&mut self) -> Option<&'s Schema> {
        let field = self.fields.next()?;
        self.format.label(&mut self.out, &field.name, std::mem::take(&mut self.first));
        Some(&field.schema)
    }

    /// The next field with a value.
    pub(super) fn value(mut self, put: impl FnOnce(&mut F::Writer<'_>)) -> Self {
        if let Some(schema) = self.label() {
            self.format.present(&mut self.out, schema);
            put(&mut self.format.writer(&mut self.out));
        }
        self
    }

    /// The next field without a value: its default, where nulls become defaults, or null.
    pub(super) fn null(mut self) -> Self {
        if F::SKIPS_NULLS {
            self.fields.next();
        } else if let Some(schema) = self.label() {
            append_absent(self.format, &mut self.out, schema);
        }
        self
    }

    /// The next field, which is a struct, filled by `fill`.
    pub(super) fn within(mut self, fill: impl FnOnce(Self) -> Self) -> Self {
        if let Some(schema) = self.label() {
            self.format.present(&mut self.out, schema);
            let inner = fill(Segments::onto(self.format, schema, std::mem::take(&mut self.out)));
            self.out = inner.close();
        }
        self
    }

    /// The next field, with a value or without.
    pub(super) fn value_or_null<T>(self, value: Option<T>, put: impl FnOnce(&mut F::Writer<'_>, T)) -> Self {
        match value {
            Some(value) => self.value(|to| put(to, value)),
            None => self.null(),
        }
    }

    /// Everything, with the struct's end.
    pub(super) fn close(mut self) -> Vec<u8> {
        self.out.extend_from_slice(F::CLOSING);
        self.out
    }

    /// Everything so far, up to the value of the next field.
    pub(super) fn hole(&mut self) -> Vec<u8> {
        if let Some(schema) = self.label() {
            self.format.present(&mut self.out, schema);
        }
        std::mem::take(&mut self.out)
    }

    /// Everything so far.
    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }
}

/// Appends what stands for a value that is not there; says whether the format has something.
pub(super) fn append_absent<F: Format>(format: F, out: &mut Vec<u8>, schema: &Schema) -> bool {
    match &schema.default {
        Some(default) if format.nulls() == NullForm::Default => {
            append_literal(format, out, schema, default);
            true
        }
        _ => format.null(out, schema),
    }
}

/// Appends a constant.
pub(super) fn append_literal<F: Format>(format: F, out: &mut Vec<u8>, schema: &Schema, literal: &Literal) {
    format.present(out, schema);
    literal.put(&mut format.writer(out));
}
