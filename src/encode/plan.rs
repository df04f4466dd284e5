//! What is written for a relation version, worked out once: labels, constants, defaults, the key, what frames a record.
//!
//! Invariant: a plan belongs to exactly one [`RelationVersion`] and never changes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::format::{AnyFormat, Format, Segments, append_absent, append_literal};
use super::framing::{Frame, Side};
use super::header::HeaderText;
use super::java::Java;
use super::json::Json;
use crate::catalog::{Column, ColumnType, Nullability, RelationVersion};
use crate::config::{HeaderConverter, Records, Unrepresentable};
use crate::pgoutput::TypeOid;
use crate::schema::{ColumnSchema, Conversion, Hidden, Literal, Put as _, Schema, TableSchemas};

/// Position of `schema` and `table` in the `source` block.
const SOURCE_TABLE_AT: usize = 9;

/// A planned relation version.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) relation: Arc<RelationVersion>,
    pub(super) topic: Arc<str>,
    /// Text of the version's number in the schema history; empty where it has none.
    pub(super) schema_number: Vec<u8>,
    pub(super) value: ValuePlan,
    /// `None` for a table without key.
    pub(super) key: Option<KeyPlan>,
}

/// How values are written.
#[derive(Debug)]
pub(super) struct ValuePlan {
    pub(super) frame: Frame,
    /// What stands before and for the rows.
    pub(super) before: RowLabel,
    pub(super) after: RowLabel,
    /// By position in tuples; `None` for columns that records lack.
    pub(super) fields: Vec<Option<FieldPlan>>,
    /// `schema` and `table` of the `source` block, up to the value of `txId`.
    pub(super) source_table: Vec<u8>,
    /// `schema` and `table`, and `txId` and `lsn` without values: rows of an incremental snapshot lie nowhere in the log.
    pub(super) source_nowhere: Vec<u8>,
}

/// What stands before a row, up to its first field, and what stands for a row that is not there.
#[derive(Debug)]
pub(super) struct RowLabel {
    pub(super) present: Vec<u8>,
    pub(super) absent: Vec<u8>,
}

/// How keys are written.
#[derive(Debug)]
pub(super) struct KeyPlan {
    pub(super) frame: Frame,
    pub(super) fields: KeyFields,
    /// The same as headers have it.
    pub(super) header: HeaderPlan,
}

/// How keys are written in headers.
#[derive(Debug)]
pub(super) struct HeaderPlan {
    pub(super) frame: Frame,
    pub(super) fields: KeyFields,
}

impl HeaderPlan {
    fn new(parts: &Parts<'_>, schema: &Schema) -> Self {
        let plain = |fields| Self { frame: Frame::default(), fields };
        match parts.records.header_converter {
            HeaderConverter::Simple => plain(key_fields(HeaderText, parts, schema)),
            HeaderConverter::Java => plain(key_fields(Java, parts, schema)),
            HeaderConverter::Json(json) => {
                let format = Json { decimals: json.decimals, nulls: json.nulls };
                // Neither has a schema that would have to be registered first.
                let frame = AnyFormat::Json(format, json.schemas).frame("", Side::Key, schema, None);
                Self { frame, fields: key_fields(format, parts, schema) }
            }
        }
    }
}

/// The fields of a key in one format.
#[derive(Debug)]
pub(super) struct KeyFields {
    /// Columns, in key order.
    pub(super) columns: Vec<KeyField>,
    /// The field behind them that tells tables of one topic apart, whole; empty where there is none.
    pub(super) physical_table: Vec<u8>,
}

/// A field of the key.
#[derive(Debug)]
pub(super) struct KeyField {
    /// Position in tuples.
    pub(super) position: usize,
    pub(super) field: FieldPlan,
}

/// A column that stands in records.
#[derive(Debug)]
pub(super) struct FieldPlan {
    /// Schema, table and column, for messages.
    pub(super) name: String,
    /// Its type's number, for messages.
    pub(super) type_oid: TypeOid,
    pub(super) column_type: ColumnType,
    pub(super) conversion: Conversion,
    /// What stands before a value.
    pub(super) label: Vec<u8>,
    /// The whole field where the column is null.
    pub(super) null: Vec<u8>,
    /// The whole field for a TOAST value that was not sent.
    pub(super) unavailable: Vec<u8>,
    /// The whole field for a value that it cannot hold; nothing where such a value stops the connector.
    pub(super) unrepresentable: Option<Vec<u8>>,
    /// Whether the one warning about a value that cannot be written was given.
    pub(super) warned: AtomicBool,
}

/// What a plan is made of.
pub(super) struct Parts<'p> {
    pub(super) relation: &'p Arc<RelationVersion>,
    pub(super) topic: Arc<str>,
    pub(super) schemas: TableSchemas,
    /// What the field holds that tells tables of one topic apart.
    pub(super) key_field: Option<String>,
    pub(super) records: &'p Records,
}

impl Plan {
    /// Whether everything is registered that has to be.
    #[inline]
    pub(super) fn is_registered(&self) -> bool {
        self.value.frame.is_registered() && self.key.as_ref().is_none_or(|key| key.frame.is_registered())
    }

    /// Plans a relation version; `frame` gives what stands around keys and values of a schema.
    pub(super) fn new(
        parts: Parts<'_>,
        schema_number: Vec<u8>,
        value_format: AnyFormat,
        key_format: AnyFormat,
        frame: impl Fn(Side, &Schema) -> Frame,
    ) -> Self {
        let schemas = &parts.schemas;
        let value_frame = frame(Side::Value, &schemas.envelope);
        let value = match value_format {
            AnyFormat::Json(json, _) => value_plan(json, &parts, value_frame),
            AnyFormat::Avro(avro) => value_plan(avro, &parts, value_frame),
            AnyFormat::Java(java) => value_plan(java, &parts, value_frame),
        };
        let key = schemas.key.as_ref().map(|schema| KeyPlan {
            frame: frame(Side::Key, schema),
            fields: match key_format {
                AnyFormat::Json(json, _) => key_fields(json, &parts, schema),
                AnyFormat::Avro(avro) => key_fields(avro, &parts, schema),
                AnyFormat::Java(java) => key_fields(java, &parts, schema),
            },
            header: HeaderPlan::new(&parts, schema),
        });
        Self { relation: Arc::clone(parts.relation), topic: parts.topic, schema_number, value, key }
    }
}

fn value_plan<F: Format>(format: F, parts: &Parts<'_>, frame: Frame) -> ValuePlan {
    let Parts { relation, schemas, records, .. } = parts;
    let row = &schemas.row;
    let row_label = |name, first| {
        let (mut present, mut absent) = (Vec::new(), Vec::new());
        for out in [&mut present, &mut absent] {
            if first {
                out.extend_from_slice(F::OPENING);
            }
            format.label(out, name, first);
        }
        format.present(&mut present, row);
        present.extend_from_slice(F::OPENING);
        format.null(&mut absent, row);
        if F::SKIPS_NULLS {
            absent = if first { F::OPENING.to_vec() } else { Vec::new() };
        }
        RowLabel { present, absent }
    };
    let mut names = row.fields().iter();
    let mut first = !F::SKIPS_NULLS;
    let columns = schemas.columns.iter().zip(&relation.columns);
    let fields = columns
        .map(|(schema, column)| {
            let (schema, field) = (schema.as_ref()?, names.next()?);
            let label = Label { name: &field.name, first: std::mem::take(&mut first) };
            Some(plan_field(format, schema, &label, relation, column, records))
        })
        .collect();
    let source = schemas.envelope.fields().iter().find(|field| field.name == "source");
    let source = source.and_then(|source| source.schema.fields().get(SOURCE_TABLE_AT..)).unwrap_or_default();
    let table = || {
        Segments::middle(format, source)
            .value(|to| to.put_str(&relation.schema))
            .value(|to| to.put_str(&relation.table))
    };
    ValuePlan {
        frame,
        before: row_label("before", true),
        after: row_label("after", false),
        fields,
        source_table: table().hole(),
        source_nowhere: table().null().null().finish(),
    }
}

fn key_fields<F: Format>(format: F, parts: &Parts<'_>, schema: &Schema) -> KeyFields {
    let columns = parts.schemas.key_columns.iter().zip(schema.fields()).enumerate();
    let columns = columns.filter_map(|(index, (key, field))| {
        let label = Label { name: &field.name, first: index == 0 && !F::SKIPS_NULLS };
        let of = parts.relation.columns.get(key.position)?;
        let field = plan_field(format, &key.column, &label, parts.relation, of, parts.records);
        Some(KeyField { position: key.position, field })
    });
    KeyFields { columns: columns.collect(), physical_table: physical_table(format, parts, schema) }
}

/// The field behind the columns, which holds the same for all rows.
fn physical_table<F: Format>(format: F, parts: &Parts<'_>, schema: &Schema) -> Vec<u8> {
    let mut out = Vec::new();
    if let (Some(value), Some(field)) = (&parts.key_field, schema.fields().last()) {
        format.label(&mut out, &field.name, schema.fields().len() == 1 && !F::SKIPS_NULLS);
        append_literal(format, &mut out, &field.schema, &Literal::String(value.clone()));
    }
    out
}

/// What a field is called, and whether another stands before it.
struct Label<'p> {
    name: &'p str,
    first: bool,
}

fn plan_field<F: Format>(
    format: F,
    column: &ColumnSchema,
    place: &Label<'_>,
    relation: &RelationVersion,
    of: &Column,
    records: &Records,
) -> FieldPlan {
    let schema = &column.schema;
    let label = || {
        let mut label = Vec::new();
        format.label(&mut label, place.name, place.first);
        label
    };
    let constant = |literal| {
        let mut field = label();
        format.present(&mut field, schema);
        column.conversion.put_literal(literal, &mut format.writer(&mut field));
        field
    };
    let absent = || {
        if F::SKIPS_NULLS {
            return Some(Vec::new());
        }
        let mut field = label();
        append_absent(format, &mut field, schema).then_some(field)
    };
    let filled = || constant(schema.default.as_ref().unwrap_or(&column.filler));
    let mut before_value = label();
    format.present(&mut before_value, schema);
    let name = format!("{}.{}.{}", relation.schema, relation.table, of.name);
    let (column_type, warned) = (of.column_type.clone(), AtomicBool::new(false));
    if let Hidden::Constant(literal) = &column.hidden {
        let (null, unavailable) = (constant(literal), constant(literal));
        let conversion = Conversion::Drop;
        let unrepresentable = None;
        return FieldPlan {
            name,
            type_oid: of.type_oid,
            column_type,
            conversion,
            label: before_value,
            null,
            unavailable,
            unrepresentable,
            warned,
        };
    }
    FieldPlan {
        name,
        type_oid: of.type_oid,
        column_type,
        conversion: if column.conversion.drops() { Conversion::Drop } else { column.conversion.clone() },
        label: before_value,
        null: match column.nullability {
            Nullability::Optional => absent().unwrap_or_else(filled),
            Nullability::Required => filled(),
        },
        unavailable: match &column.unavailable {
            Some(placeholder) => constant(placeholder),
            None => absent().unwrap_or_else(filled),
        },
        unrepresentable: match records.unrepresentable {
            Unrepresentable::BecomesNull => absent(),
            Unrepresentable::Stops => None,
        },
        warned,
    }
}
