//! What is written for a relation version, worked out once: field labels, constants, defaults, the key.
//!
//! Invariant: a plan belongs to exactly one [`RelationVersion`] and never changes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::header;
use super::json::temporal::MILLIS_DIGITS_MAX;
use super::json::text::{write_base64, write_string};
use super::json::{connect_scale, decimal, write_value};
use crate::catalog::{Column, ColumnType, Nullability, RelationVersion};
use crate::config::{Records, Unrepresentable};
use crate::pgoutput::TypeOid;
use crate::pgtime::{PgMicros, UNIX_TO_PG_EPOCH_DAYS};
use crate::value::{Date, Timestamp, Unscaled, Value, decode_text};

/// `24:00:00`.
const DAY_MICROS: i64 = 86_400_000_000;
/// OID of `name`.
const NAME: TypeOid = TypeOid(19);

/// A planned relation version.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) relation: Arc<RelationVersion>,
    pub(super) topic: Arc<str>,
    /// By position in tuples; `None` for columns that records lack.
    pub(super) columns: Vec<Option<ColumnPlan>>,
    /// Fields of the key in key order; `None` for a table without key.
    pub(super) key: Option<Vec<KeyField>>,
    /// `"schema":"..","table":"..","txId":`, with the comma before it.
    pub(super) source_table: Vec<u8>,
}

/// A column that stands in records.
#[derive(Debug)]
pub(super) struct ColumnPlan {
    pub(super) column_type: ColumnType,
    /// `"name":`, with a comma before it unless it is the first field of a row.
    pub(super) label: Vec<u8>,
    /// Whether its values are written at all.
    pub(super) content: Content,
    /// What stands for a null, in JSON and in header texts.
    pub(super) null: Rendered,
    /// What stands for a value that the field cannot hold; nothing where such a value stops the connector.
    pub(super) unrepresentable: Option<Rendered>,
    /// What stands for a TOAST value that was not sent.
    pub(super) unavailable: Rendered,
    /// Whether the one warning about a value that cannot be written was given.
    pub(super) warned: AtomicBool,
}

/// Whether a column's values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// As they are.
    Values,
    /// Nulls only: Debezium has a field but no converter for a `name` column, and its records are matched.
    Nulls,
}

/// In which of its two forms a field is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Header,
}

/// A constant in the two forms in which fields are written.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) json: Vec<u8>,
    pub(super) header: Vec<u8>,
}

impl Rendered {
    fn null() -> Self {
        Self::same(b"null")
    }

    pub(super) fn form(&self, form: Form) -> &[u8] {
        match form {
            Form::Json => &self.json,
            Form::Header => &self.header,
        }
    }

    fn same(text: &[u8]) -> Self {
        Self { json: text.to_vec(), header: text.to_vec() }
    }
}

/// A field of the key.
#[derive(Debug)]
pub(super) struct KeyField {
    /// Position in tuples.
    pub(super) position: usize,
    /// `"name":`, with a comma before it unless it is the first field of the key.
    pub(super) label: Vec<u8>,
}

impl Plan {
    pub(super) fn new(relation: &Arc<RelationVersion>, topic: Arc<str>, records: &Records) -> Self {
        let mut first = true;
        let columns: Vec<Option<ColumnPlan>> = relation
            .columns
            .iter()
            .map(|column| {
                let written = !column.column_type.is_left_out();
                written.then(|| {
                    let label = label(&column.name, std::mem::take(&mut first));
                    plan_column(column, label, records)
                })
            })
            .collect();
        let key = (!relation.key.is_empty()).then(|| key_fields(relation, &columns));
        let mut source_table = b",\"schema\":".to_vec();
        write_string(&mut source_table, &relation.schema);
        source_table.extend_from_slice(b",\"table\":");
        write_string(&mut source_table, &relation.table);
        source_table.extend_from_slice(b",\"txId\":");
        Self { relation: Arc::clone(relation), topic, columns, key, source_table }
    }

    /// The planned column at a position in tuples.
    pub(super) fn column(&self, position: usize) -> Option<&ColumnPlan> {
        self.columns.get(position)?.as_ref()
    }
}

fn key_fields(relation: &RelationVersion, columns: &[Option<ColumnPlan>]) -> Vec<KeyField> {
    let planned = relation.key.iter().filter(|&&position| matches!(columns.get(position), Some(Some(_))));
    let named = planned.filter_map(|&position| Some((position, relation.columns.get(position)?)));
    named
        .enumerate()
        .map(|(field, (position, column))| KeyField { position, label: label(&column.name, field == 0) })
        .collect()
}

fn label(name: &str, first: bool) -> Vec<u8> {
    let mut label = Vec::new();
    if !first {
        label.push(b',');
    }
    write_string(&mut label, name);
    label.push(b':');
    label
}

fn plan_column(column: &Column, label: Vec<u8>, records: &Records) -> ColumnPlan {
    ColumnPlan {
        column_type: column.column_type.clone(),
        label,
        content: content(column),
        null: default(column).unwrap_or_else(|| filler(column)),
        unrepresentable: match records.unrepresentable {
            Unrepresentable::BecomesNull => Some(default(column).unwrap_or_else(Rendered::null)),
            Unrepresentable::Stops => None,
        },
        unavailable: unavailable(column, &records.unavailable_placeholder),
        warned: AtomicBool::new(false),
    }
}

fn content(column: &Column) -> Content {
    if column.type_oid != NAME {
        return Content::Values;
    }
    tracing::warn!(
        column = column.name,
        "a column of type name is written as null, as Debezium does; change it to text to have its values"
    );
    Content::Nulls
}

/// What the schema's default makes of a null: `replace.null.with.default` of the JSON converter is on.
fn default(column: &Column) -> Option<Rendered> {
    column.default.as_deref().and_then(|default| rendered_default(column, default))
}

/// What stands for a null without a default. Where the column may not be null it can only mean "not sent", and
/// Debezium fills it with the type's fallback.
fn filler(column: &Column) -> Rendered {
    match column.nullability {
        Nullability::Optional => Rendered::null(),
        Nullability::Required => fallback(&column.column_type),
    }
}

/// The default in both forms. A struct cannot be a default in Connect, so a numeric without scale has none.
fn rendered_default(column: &Column, default: &str) -> Option<Rendered> {
    if column.column_type == ColumnType::Numeric(None) {
        return None;
    }
    let value = decode_text(&column.column_type, default.as_bytes()).ok();
    let rendered = value.and_then(|value| {
        extreme_default(&column.column_type, value).unwrap_or_else(|| rendered(&column.column_type, value))
    });
    if rendered.is_none() {
        tracing::warn!(column = column.name, "column default is left out: it is no plain value of its type");
    }
    rendered
}

/// Defaults at the end of time, which Debezium reads in another way than values. `None` for every other default;
/// `Some(None)` for one that it cannot read.
///
/// Source: pgJDBC's `TimestampUtils` gives Java's `LocalDateTime.MAX`, `MIN` and `LocalTime.MAX`; days are then cut to 32
/// bits and microseconds overflow.
fn extreme_default(column_type: &ColumnType, value: Value<'_>) -> Option<Option<Rendered>> {
    let number = match (value, column_type) {
        (Value::Date(Date::Infinity), _) => 169_560_311,
        (Value::Date(Date::NegativeInfinity), _) => -170_999_002,
        (Value::Timestamp(Timestamp::Infinity), ColumnType::Timestamp(4..)) => -9_223_372_036_853_775_810,
        (Value::Timestamp(Timestamp::NegativeInfinity), ColumnType::Timestamp(4..)) => i64::MIN,
        (Value::Timestamp(at) | Value::TimestampTz(at), _) if !matches!(at, Timestamp::At(_)) => return Some(None),
        (Value::Time(DAY_MICROS), ColumnType::Time(digits)) => {
            if *digits <= MILLIS_DIGITS_MAX {
                DAY_MICROS / 1_000 - 1
            } else {
                DAY_MICROS - 1
            }
        }
        _ => return None,
    };
    Some(Some(Rendered::same(number.to_string().as_bytes())))
}

fn rendered(column_type: &ColumnType, value: Value<'_>) -> Option<Rendered> {
    let (mut json, mut header) = (Vec::new(), Vec::new());
    write_value(&mut json, column_type, value).ok()?;
    header::write_field(&mut header, column_type, value).ok()?;
    Some(Rendered { json, header })
}

/// What stands for a null in a column that may not be null.
///
/// Source: the fallbacks of Debezium's `JdbcValueConverters` and `PostgresValueConverter`.
fn fallback(column_type: &ColumnType) -> Rendered {
    let epoch = Timestamp::At(PgMicros::from_unix_micros(0));
    let value = match column_type {
        ColumnType::Bool => Value::Bool(false),
        ColumnType::Int2 | ColumnType::Int4 | ColumnType::Int8 | ColumnType::Oid => Value::Int4(0),
        ColumnType::Float4 | ColumnType::Float8 => Value::Float8(0.0),
        ColumnType::Numeric(size) => return zero(size.map_or(0, |size| connect_scale(size).into()), size.is_none()),
        ColumnType::Text
        | ColumnType::Char
        | ColumnType::Name
        | ColumnType::Xml
        | ColumnType::Uuid
        | ColumnType::Json
        | ColumnType::Jsonb
        | ColumnType::Bytea
        | ColumnType::Enum(_) => Value::Text(""),
        ColumnType::Date => Value::Date(Date::Days(-UNIX_TO_PG_EPOCH_DAYS)),
        ColumnType::Time(_) => Value::Time(0),
        ColumnType::Timestamp(_) => Value::Timestamp(epoch),
        // Whatever the precision, the fallback has no fraction.
        ColumnType::TimestampTz(_) => return Rendered::same(b"\"1970-01-01T00:00:00Z\""),
        // Columns of these types are left out.
        ColumnType::Money
        | ColumnType::Bit(_)
        | ColumnType::VarBit(_)
        | ColumnType::TimeTz(_)
        | ColumnType::Interval
        | ColumnType::Inet
        | ColumnType::Cidr
        | ColumnType::MacAddr
        | ColumnType::MacAddr8
        | ColumnType::Range(_)
        | ColumnType::TsVector
        | ColumnType::Ltree
        | ColumnType::Isbn
        | ColumnType::Hstore
        | ColumnType::Point
        | ColumnType::Line
        | ColumnType::Lseg
        | ColumnType::Box
        | ColumnType::Path
        | ColumnType::Polygon
        | ColumnType::Circle
        | ColumnType::Geometry
        | ColumnType::Geography
        | ColumnType::Vector
        | ColumnType::HalfVec
        | ColumnType::SparseVec
        | ColumnType::Array(_)
        | ColumnType::DomainArray(_)
        | ColumnType::DroppedArray(_)
        | ColumnType::Unknown(_) => return Rendered::null(),
    };
    rendered(column_type, value).unwrap_or_else(Rendered::null)
}

fn zero(scale: i32, variable: bool) -> Rendered {
    let zero = Unscaled::Small(0);
    let (mut json, mut header) = (Vec::new(), Vec::new());
    if variable {
        decimal::write_variable(&mut json, scale, &zero);
        header.clone_from(&json);
    } else {
        decimal::write_decimal(&mut json, &zero);
        decimal::write_java_decimal(&mut header, scale, &zero);
    }
    Rendered { json, header }
}

/// What stands for a TOAST value that was not sent: the placeholder where the field is a string or bytes. No other
/// field can hold it, so that it is left null.
fn unavailable(column: &Column, placeholder: &str) -> Rendered {
    let (mut json, mut header) = (Vec::new(), Vec::new());
    match column.column_type {
        ColumnType::Text
        | ColumnType::Char
        | ColumnType::Name
        | ColumnType::Xml
        | ColumnType::Json
        | ColumnType::Jsonb
        | ColumnType::Uuid
        | ColumnType::Enum(_) => {
            write_string(&mut json, placeholder);
            header::write_string(&mut header, placeholder);
        }
        ColumnType::Bytea => {
            write_base64(&mut json, placeholder.as_bytes());
            header.clone_from(&json);
        }
        _ => return default(column).unwrap_or_else(Rendered::null),
    }
    Rendered { json, header }
}
