//! A column's schema and conversion under the configured handling modes, its default, and what stands for values that
//! are not there.
//!
//! Source: Debezium's `PostgresValueConverter`, `JdbcValueConverters`, `TemporalPrecisionMode`,
//! `PostgresDefaultValueConverter` and `UnchangedToastedPlaceholder`.

use std::sync::Arc;

use md5::{Digest as _, Md5};

use super::decimal::connect_scale;
use super::temporal::MICROS_PER_DAY;
use super::{Conversion, Field, Hidden, Kind, Literal, Schema};
use crate::catalog::{Column, ColumnType, Learnt, Nullability, NumericSize};
use crate::config::{
    BinaryHandling, DecimalHandling, HstoreHandling, IntervalHandling, Records, TimePrecision, UnknownTypes,
};
use crate::pgoutput::TypeOid;
use crate::value::{Date, Timestamp, Unscaled, Value, decode_text, write_uuid};

/// Most fraction digits that are counted in milliseconds.
const MILLIS_DIGITS_MAX: u8 = 3;
/// OID of `name`, for which Debezium has a field but no converter.
const NAME: TypeOid = TypeOid(19);
/// OIDs of `int2vector` and `oidvector`: arrays to Debezium, which finds nothing in their values.
const INT2VECTOR: TypeOid = TypeOid(22);
const OIDVECTOR: TypeOid = TypeOid(30);
/// What the length of a `bit varying` without one is to Debezium.
const UNBOUNDED_BITS: u32 = 2_147_483_647;
/// What stands for a geometry that is not there: an empty collection in well-known binary.
const EMPTY_GEOMETRY: [u8; 9] = [1, 7, 0, 0, 0, 0, 0, 0, 0];

/// What a column becomes in records.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSchema {
    /// Its schema, with optionality and default.
    pub schema: Schema,
    /// What is done with its values.
    pub conversion: Conversion,
    /// Whether the column may be null, whatever its schema says.
    pub nullability: Nullability,
    /// What stands for a null where the column may not be null: such a null means "not sent".
    pub filler: Literal,
    /// What stands for a TOAST value that was not sent, where the field can hold it.
    pub unavailable: Option<Literal>,
    /// Whether rows hide its values.
    pub hidden: Hidden,
}

impl ColumnSchema {
    /// The schema of a column; nothing for one that records leave out.
    #[must_use]
    pub fn of(column: &Column, records: &Records) -> Option<Self> {
        let (mut schema, conversion) = match column.type_oid {
            INT2VECTOR => empty_array(Kind::Int16),
            OIDVECTOR => empty_array(Kind::Int64),
            _ => mapped(&column.column_type, records)?,
        };
        let filler = filler(&schema.kind, &conversion);
        let unavailable = unavailable(&schema.kind, &column.column_type, &conversion, records);
        schema.optional |= column.nullability == Nullability::Optional;
        schema.default = column.default.as_deref().and_then(|text| default(column, &conversion, text));
        // Where unknown types are written, that is the converter of `name`, too; and a snapshot needs none.
        let dropped = column.type_oid == NAME
            && column.learnt == Learnt::FromStream
            && records.unknown_types == UnknownTypes::LeftOut;
        let conversion = if dropped { Conversion::Drop } else { conversion };
        if dropped {
            tracing::warn!(
                column = column.name,
                "a column of type name is written as null, as Debezium does; change it to text to have its values"
            );
        }
        Some(Self { schema, conversion, nullability: column.nullability, filler, unavailable, hidden: Hidden::No })
    }
}

/// Kind and conversion of a type.
fn mapped(column_type: &ColumnType, records: &Records) -> Option<(Schema, Conversion)> {
    let plain = |kind| (Schema::of(kind), Conversion::Plain);
    let semantic = |name| (Schema::semantic(Kind::String, name), Conversion::Plain);
    Some(match column_type {
        ColumnType::Bool => plain(Kind::Boolean),
        ColumnType::Int2 => plain(Kind::Int16),
        ColumnType::Int4 => plain(Kind::Int32),
        ColumnType::Int8 | ColumnType::Oid => plain(Kind::Int64),
        ColumnType::Float4 => plain(Kind::Float32),
        ColumnType::Float8 => plain(Kind::Float64),
        ColumnType::Text
        | ColumnType::Char
        | ColumnType::Name
        | ColumnType::Inet
        | ColumnType::Cidr
        | ColumnType::MacAddr
        | ColumnType::MacAddr8
        | ColumnType::Range(_)
        | ColumnType::Isbn => plain(Kind::String),
        ColumnType::Xml => semantic("io.debezium.data.Xml"),
        ColumnType::Uuid => semantic("io.debezium.data.Uuid"),
        ColumnType::Json | ColumnType::Jsonb => semantic("io.debezium.data.Json"),
        ColumnType::TsVector => semantic("io.debezium.data.Tsvector"),
        ColumnType::Ltree => semantic("io.debezium.data.Ltree"),
        ColumnType::Enum(labels) => {
            let (schema, conversion) = semantic("io.debezium.data.Enum");
            (schema.parameter("allowed", labels.join(",")), conversion)
        }
        ColumnType::Numeric(size) => numeric(*size, records.decimals),
        ColumnType::Money => money(records),
        ColumnType::Bytea => binary(records.binary),
        ColumnType::Bit(bits) => bits_of(bits.unwrap_or(1)),
        ColumnType::VarBit(bits) => bits_of(bits.unwrap_or(UNBOUNDED_BITS)),
        ColumnType::Date => date(records.times),
        ColumnType::Time(digits) => time(*digits, records.times),
        ColumnType::Timestamp(digits) => timestamp(*digits, records.times),
        ColumnType::TimestampTz(digits) => {
            (Schema::semantic(Kind::String, "io.debezium.time.ZonedTimestamp"), Conversion::Zoned { digits: *digits })
        }
        ColumnType::TimeTz(_) => (Schema::semantic(Kind::String, "io.debezium.time.ZonedTime"), Conversion::ZonedTime),
        ColumnType::Interval => match records.intervals {
            IntervalHandling::Numeric => {
                (Schema::semantic(Kind::Int64, "io.debezium.time.MicroDuration"), Conversion::MicroDuration)
            }
            IntervalHandling::String => {
                (Schema::semantic(Kind::String, "io.debezium.time.Interval"), Conversion::IsoInterval)
            }
        },
        ColumnType::Hstore => hstore(records.hstore),
        ColumnType::Point => (point(), Conversion::Point),
        // Debezium's builder of geometries, unlike that of geographies, makes the field optional whatever the column is.
        ColumnType::Geometry => (geometry("Geometry").optional(), Conversion::Geometry),
        ColumnType::Geography => (geometry("Geography"), Conversion::Geometry),
        ColumnType::Vector => (vector(Kind::Float64, "io.debezium.data.DoubleVector"), Conversion::DoubleVector),
        ColumnType::HalfVec => (vector(Kind::Float32, "io.debezium.data.FloatVector"), Conversion::FloatVector),
        ColumnType::Array(element) => array(element, records)?,
        ColumnType::SparseVec => (sparse_vector(), Conversion::SparseVector),
        // Debezium has no form for them.
        ColumnType::DroppedArray(_) => return None,
        ColumnType::Line
        | ColumnType::Lseg
        | ColumnType::Box
        | ColumnType::Path
        | ColumnType::Polygon
        | ColumnType::Circle
        | ColumnType::Unknown(_) => match records.unknown_types {
            UnknownTypes::LeftOut => return None,
            UnknownTypes::AsBytes => binary(records.binary),
        },
        ColumnType::DomainArray(_) => match records.unknown_types {
            UnknownTypes::LeftOut => return None,
            UnknownTypes::AsBytes => {
                let (schema, elements) = binary(records.binary);
                let conversion = Conversion::Array { elements: Box::new(elements), nullable: false };
                (Schema::of(Kind::Array(Arc::new(schema))), conversion)
            }
        },
    })
}

pub(super) fn binary(mode: BinaryHandling) -> (Schema, Conversion) {
    match mode {
        BinaryHandling::Bytes => (Schema::of(Kind::Bytes), Conversion::Bytes),
        BinaryHandling::Base64 => (Schema::of(Kind::String), Conversion::Base64),
        BinaryHandling::Base64UrlSafe => (Schema::of(Kind::String), Conversion::Base64UrlSafe),
        BinaryHandling::Hex => (Schema::of(Kind::String), Conversion::Hex),
    }
}

fn money(records: &Records) -> (Schema, Conversion) {
    match records.decimals {
        DecimalHandling::Double => (Schema::of(Kind::Float64), Conversion::DecimalAsDouble),
        // The scale is that of the fallback; an amount has the one it came with.
        DecimalHandling::String => {
            let scale = Some(records.money_fraction_digits);
            (Schema::of(Kind::String), Conversion::DecimalAsString { scale })
        }
        DecimalHandling::Precise => {
            let scale = records.money_fraction_digits;
            let schema = Schema::semantic(Kind::Bytes, Schema::DECIMAL).parameter("scale", scale.to_string());
            (schema, Conversion::Decimal { scale })
        }
    }
}

fn bits_of(bits: u32) -> (Schema, Conversion) {
    if bits <= 1 {
        return (Schema::of(Kind::Boolean), Conversion::Bit);
    }
    let schema = Schema::semantic(Kind::Bytes, "io.debezium.data.Bits").parameter("length", bits.to_string());
    (schema, Conversion::Bits)
}

fn hstore(mode: HstoreHandling) -> (Schema, Conversion) {
    match mode {
        HstoreHandling::Json => (Schema::semantic(Kind::String, "io.debezium.data.Json"), Conversion::HstoreJson),
        HstoreHandling::Map => {
            let (keys, values) = (Schema::of(Kind::String), Schema::of(Kind::String).optional());
            let kind = Kind::Map { keys: Arc::new(keys), values: Arc::new(values) };
            (Schema::of(kind), Conversion::HstoreMap)
        }
    }
}

fn point() -> Schema {
    let fields = vec![
        Field::new("x", Schema::of(Kind::Float64)),
        Field::new("y", Schema::of(Kind::Float64)),
        Field::new("wkb", Schema::of(Kind::Bytes).optional()),
        Field::new("srid", Schema::of(Kind::Int32).optional()),
    ];
    Schema::semantic(Kind::Struct(fields), "io.debezium.data.geometry.Point").documented("Geometry (POINT)")
}

fn geometry(name: &'static str) -> Schema {
    let fields =
        vec![Field::new("wkb", Schema::of(Kind::Bytes)), Field::new("srid", Schema::of(Kind::Int32).optional())];
    let schema = Schema::of(Kind::Struct(fields)).named(format!("io.debezium.data.geometry.{name}"));
    schema.version(1).documented(name)
}

fn vector(element: Kind, name: &'static str) -> Schema {
    Schema::semantic(Kind::Array(Arc::new(Schema::of(element))), name)
}

fn sparse_vector() -> Schema {
    let map = Kind::Map { keys: Arc::new(Schema::of(Kind::Int16)), values: Arc::new(Schema::of(Kind::Float64)) };
    let fields = vec![Field::new("dimensions", Schema::of(Kind::Int16)), Field::new("vector", Schema::of(map))];
    Schema::semantic(Kind::Struct(fields), "io.debezium.data.SparseDoubleVector").documented("Sparse double vector")
}

fn empty_array(element: Kind) -> (Schema, Conversion) {
    (Schema::of(Kind::Array(Arc::new(Schema::of(element)))), Conversion::EmptyArray)
}

/// Elements are as columns of their type. Whether they may be null is a matter of the type, too.
fn array(element: &ColumnType, records: &Records) -> Option<(Schema, Conversion)> {
    // Debezium takes the field for one bit string, and then has no form for the values.
    if let ColumnType::Bit(bits) = element {
        return Some((bits_of(bits.unwrap_or(1)).0, Conversion::Drop));
    }
    let nullable = has_nullable_elements(element);
    let (mut schema, conversion) = mapped(element, records)?;
    schema.optional = nullable;
    let conversion = Conversion::Array { elements: Box::new(conversion), nullable };
    Some((Schema::of(Kind::Array(Arc::new(schema))), conversion))
}

/// The types whose arrays Debezium lists by name. It makes the schema of all others from that of a column.
const fn has_nullable_elements(element: &ColumnType) -> bool {
    matches!(
        element,
        ColumnType::Bool
            | ColumnType::Int2
            | ColumnType::Int4
            | ColumnType::Int8
            | ColumnType::Oid
            | ColumnType::Float4
            | ColumnType::Float8
            | ColumnType::Numeric(_)
            | ColumnType::Text
            | ColumnType::Char
            | ColumnType::Uuid
            | ColumnType::Json
            | ColumnType::Jsonb
            | ColumnType::Bytea
            | ColumnType::Date
            | ColumnType::Time(_)
            | ColumnType::TimeTz(_)
            | ColumnType::Timestamp(_)
            | ColumnType::TimestampTz(_)
            | ColumnType::Inet
            | ColumnType::Cidr
            | ColumnType::MacAddr
            | ColumnType::MacAddr8
            | ColumnType::Range(_)
            | ColumnType::Hstore
            | ColumnType::Ltree
            | ColumnType::Geometry
            | ColumnType::Geography
    )
}

fn numeric(size: Option<NumericSize>, mode: DecimalHandling) -> (Schema, Conversion) {
    match (mode, size) {
        (DecimalHandling::Double, _) => (Schema::of(Kind::Float64), Conversion::DecimalAsDouble),
        (DecimalHandling::String, size) => {
            (Schema::of(Kind::String), Conversion::DecimalAsString { scale: size.map(connect_scale) })
        }
        (DecimalHandling::Precise, Some(size)) => {
            let scale = connect_scale(size);
            let schema = Schema::semantic(Kind::Bytes, Schema::DECIMAL)
                .parameter("scale", scale.to_string())
                .parameter("connect.decimal.precision", size.precision.to_string());
            (schema, Conversion::Decimal { scale })
        }
        (DecimalHandling::Precise, None) => {
            let fields =
                vec![Field::new("scale", Schema::of(Kind::Int32)), Field::new("value", Schema::of(Kind::Bytes))];
            let schema = Schema::semantic(Kind::Struct(fields), "io.debezium.data.VariableScaleDecimal")
                .documented("Variable scaled decimal");
            (schema, Conversion::VariableScaleDecimal)
        }
    }
}

fn date(mode: TimePrecision) -> (Schema, Conversion) {
    match mode {
        TimePrecision::Connect => (Schema::semantic(Kind::Int32, Schema::DATE), Conversion::ConnectDate),
        TimePrecision::IsoString => (Schema::semantic(Kind::String, "io.debezium.time.IsoDate"), Conversion::IsoDate),
        TimePrecision::Adaptive
        | TimePrecision::AdaptiveTimeMicroseconds
        | TimePrecision::Microseconds
        | TimePrecision::Nanoseconds => (Schema::semantic(Kind::Int32, "io.debezium.time.Date"), Conversion::EpochDays),
    }
}

fn time(digits: u8, mode: TimePrecision) -> (Schema, Conversion) {
    match mode {
        TimePrecision::Connect => (Schema::semantic(Kind::Int32, Schema::TIME), Conversion::ConnectTime),
        TimePrecision::IsoString => (Schema::semantic(Kind::String, "io.debezium.time.IsoTime"), Conversion::IsoTime),
        TimePrecision::Adaptive if digits <= MILLIS_DIGITS_MAX => {
            (Schema::semantic(Kind::Int32, "io.debezium.time.Time"), Conversion::MillisOfDay)
        }
        TimePrecision::Adaptive | TimePrecision::AdaptiveTimeMicroseconds | TimePrecision::Microseconds => {
            (Schema::semantic(Kind::Int64, "io.debezium.time.MicroTime"), Conversion::MicrosOfDay)
        }
        TimePrecision::Nanoseconds => {
            (Schema::semantic(Kind::Int64, "io.debezium.time.NanoTime"), Conversion::NanosOfDay)
        }
    }
}

fn timestamp(digits: u8, mode: TimePrecision) -> (Schema, Conversion) {
    match mode {
        TimePrecision::Connect => (Schema::semantic(Kind::Int64, Schema::TIMESTAMP), Conversion::ConnectTimestamp),
        TimePrecision::IsoString => {
            (Schema::semantic(Kind::String, "io.debezium.time.IsoTimestamp"), Conversion::IsoTimestamp)
        }
        TimePrecision::Adaptive | TimePrecision::AdaptiveTimeMicroseconds if digits <= MILLIS_DIGITS_MAX => {
            (Schema::semantic(Kind::Int64, "io.debezium.time.Timestamp"), Conversion::EpochMillis)
        }
        TimePrecision::Adaptive | TimePrecision::AdaptiveTimeMicroseconds | TimePrecision::Microseconds => {
            (Schema::semantic(Kind::Int64, "io.debezium.time.MicroTimestamp"), Conversion::EpochMicros)
        }
        TimePrecision::Nanoseconds => {
            (Schema::semantic(Kind::Int64, "io.debezium.time.NanoTimestamp"), Conversion::EpochNanos)
        }
    }
}

/// The type's zero, whatever its precision.
fn filler(kind: &Kind, conversion: &Conversion) -> Literal {
    let text = |text: &str| Literal::String(text.to_owned());
    let zero = Unscaled::Small(0);
    match conversion {
        Conversion::Plain | Conversion::Drop => match kind {
            Kind::Boolean => Literal::Boolean(false),
            Kind::Int8 | Kind::Int16 => Literal::Int16(0),
            Kind::Int32 => Literal::Int32(0),
            Kind::Int64 => Literal::Int64(0),
            Kind::Float32 => Literal::Float32(0.0),
            Kind::Float64 => Literal::Float64(0.0),
            Kind::String | Kind::Bytes | Kind::Array(_) | Kind::Map { .. } | Kind::Struct(_) => text(""),
        },
        Conversion::Bytes => Literal::Bytes(Vec::new()),
        Conversion::Base64 | Conversion::Base64UrlSafe | Conversion::Hex => text(""),
        Conversion::Decimal { scale } => Literal::Decimal { unscaled: zero, scale: (*scale).into() },
        Conversion::VariableScaleDecimal => Literal::VariableScaleDecimal { unscaled: zero, scale: 0 },
        Conversion::DecimalAsDouble => Literal::Float64(0.0),
        Conversion::DecimalAsString { scale } => match scale.and_then(|scale| usize::try_from(scale).ok()) {
            None | Some(0) => text("0"),
            Some(scale) => text(&format!("0.{}", "0".repeat(scale))),
        },
        Conversion::EpochDays | Conversion::MillisOfDay => Literal::Int32(0),
        Conversion::MicrosOfDay
        | Conversion::NanosOfDay
        | Conversion::EpochMillis
        | Conversion::EpochMicros
        | Conversion::EpochNanos => Literal::Int64(0),
        Conversion::ConnectDate => Literal::Date(0),
        Conversion::ConnectTime => Literal::Time(0),
        Conversion::ConnectTimestamp => Literal::Timestamp(0),
        Conversion::IsoDate => text("1970-01-01Z"),
        Conversion::IsoTime | Conversion::ZonedTime => text("00:00:00Z"),
        Conversion::IsoTimestamp | Conversion::Zoned { .. } => text("1970-01-01T00:00:00Z"),
        Conversion::MicroDuration => Literal::Int64(0),
        Conversion::IsoInterval => text("P0Y0M0DT0H0M0S"),
        Conversion::Bit => Literal::Boolean(false),
        Conversion::Bits => Literal::Bytes(Vec::new()),
        Conversion::HstoreJson => text("{}"),
        Conversion::HstoreMap => Literal::Map(None),
        Conversion::Point => Literal::Point { x: 0.0, y: 0.0 },
        Conversion::Geometry => Literal::Geometry(EMPTY_GEOMETRY.to_vec()),
        Conversion::SparseVector => Literal::SparseVector,
        Conversion::Masked(masked) => filler(kind, &masked.conversion),
        Conversion::DoubleVector | Conversion::FloatVector | Conversion::Array { .. } | Conversion::EmptyArray => {
            Literal::Array(Vec::new())
        }
    }
}

/// The placeholder in the form of the field. Fields that have none are left null; nor has Debezium one for base64.
fn unavailable(kind: &Kind, of: &ColumnType, conversion: &Conversion, records: &Records) -> Option<Literal> {
    let placeholder = &records.unavailable_placeholder;
    let text = || Literal::String(placeholder.clone());
    let bytes = || Literal::Bytes(placeholder.as_bytes().to_vec());
    match conversion {
        Conversion::Plain if *kind == Kind::String => Some(text()),
        Conversion::Hex | Conversion::DecimalAsString { .. } => Some(text()),
        Conversion::Bytes => Some(bytes()),
        Conversion::HstoreJson => Some(Literal::String(format!("{{\"{placeholder}\":\"{placeholder}\"}}"))),
        Conversion::HstoreMap => Some(Literal::Map(Some((placeholder.clone(), placeholder.clone())))),
        Conversion::Array { elements, .. } => {
            let ColumnType::Array(element) = of else { return None };
            let codes = || placeholder.bytes();
            Some(Literal::Array(match &**element {
                ColumnType::Text | ColumnType::Json | ColumnType::Jsonb => vec![text()],
                ColumnType::Bytea if **elements == Conversion::Bytes => vec![bytes()],
                ColumnType::Uuid => vec![Literal::String(name_uuid(placeholder))],
                ColumnType::Date if **elements != Conversion::EpochDays => return None,
                ColumnType::Int4 | ColumnType::Date => codes().map(|code| Literal::Int32(code.into())).collect(),
                ColumnType::Int8 => codes().map(|code| Literal::Int64(code.into())).collect(),
                _ => return None,
            }))
        }
        _ => None,
    }
}

/// Java's `UUID.nameUUIDFromBytes`: version 3 without a name space.
fn name_uuid(name: &str) -> String {
    let mut bytes: [u8; 16] = Md5::digest(name.as_bytes()).into();
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = *version & 0x0F | 0x30;
    *variant = *variant & 0x3F | 0x80;
    let mut text = Vec::new();
    write_uuid(&bytes, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// The default of a column. A struct cannot be one in Connect, so a numeric without scale has none in precise mode.
fn default(column: &Column, conversion: &Conversion, text: &str) -> Option<Literal> {
    if *conversion == Conversion::VariableScaleDecimal {
        return None;
    }
    let value = decode_text(&column.column_type, text.as_bytes()).ok();
    let literal = value.and_then(|value| {
        extreme_default(value, conversion)
            .unwrap_or_else(|| Literal::captured(|capture| conversion.put(value, capture)))
    });
    if literal.is_none() {
        tracing::warn!(column = column.name, "column default is left out: it is no plain value of its type");
    }
    literal
}

/// Defaults at the end of time, which Debezium reads in another way than values. `None` for every other default;
/// `Some(None)` for one that it cannot read.
///
/// Source: pgJDBC's `TimestampUtils` gives Java's `LocalDate.MAX`, `LocalDateTime.MAX`, `MIN` and `LocalTime.MAX`; days
/// are then cut to 32 bits and microseconds overflow.
fn extreme_default(value: Value<'_>, conversion: &Conversion) -> Option<Option<Literal>> {
    const LAST_DAY: i32 = 169_560_311;
    const FIRST_DAY: i32 = -170_999_002;
    const LAST_MICROS: i64 = -9_223_372_036_853_775_810;
    let days = |days, iso: &str| match conversion {
        Conversion::ConnectDate => Literal::Date(days),
        Conversion::IsoDate => Literal::String(iso.to_owned()),
        _ => Literal::Int32(days),
    };
    Some(match (value, conversion) {
        (Value::Date(Date::Infinity), _) => Some(days(LAST_DAY, "+999999999-12-31Z")),
        (Value::Date(Date::NegativeInfinity), _) => Some(days(FIRST_DAY, "-999999999-01-01Z")),
        (Value::Timestamp(Timestamp::Infinity), Conversion::EpochMicros) => Some(Literal::Int64(LAST_MICROS)),
        (Value::Timestamp(Timestamp::NegativeInfinity), Conversion::EpochMicros) => Some(Literal::Int64(i64::MIN)),
        (Value::Timestamp(Timestamp::Infinity), Conversion::IsoTimestamp) => {
            Some(Literal::String("+999999999-12-31T23:59:59.999999999Z".to_owned()))
        }
        (Value::Timestamp(Timestamp::NegativeInfinity), Conversion::IsoTimestamp) => {
            Some(Literal::String("-999999999-01-01T00:00:00Z".to_owned()))
        }
        (Value::Timestamp(at) | Value::TimestampTz(at), _) if !matches!(at, Timestamp::At(_)) => None,
        (Value::Time(MICROS_PER_DAY), _) => match conversion {
            Conversion::MillisOfDay => Some(Literal::Int32(86_399_999)),
            Conversion::ConnectTime => Some(Literal::Time(86_399_999)),
            Conversion::NanosOfDay => Some(Literal::Int64(MICROS_PER_DAY * 1_000 - 1)),
            Conversion::IsoTime => Some(Literal::String("23:59:59.999999999Z".to_owned())),
            _ => Some(Literal::Int64(MICROS_PER_DAY - 1)),
        },
        _ => return None,
    })
}
