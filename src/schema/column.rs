//! A column's schema and conversion under the configured handling modes, its default, and what stands for values that
//! are not there.
//!
//! Source: Debezium's `PostgresValueConverter`, `JdbcValueConverters`, `TemporalPrecisionMode`,
//! `PostgresDefaultValueConverter` and `UnchangedToastedPlaceholder`.

use super::decimal::connect_scale;
use super::temporal::MICROS_PER_DAY;
use super::{Conversion, Field, Kind, Literal, Schema};
use crate::catalog::{Column, ColumnType, Nullability, NumericSize};
use crate::config::{BinaryHandling, DecimalHandling, Records, TimePrecision};
use crate::pgoutput::TypeOid;
use crate::value::{Date, Timestamp, Unscaled, Value, decode_text};

/// Most fraction digits that are counted in milliseconds.
const MILLIS_DIGITS_MAX: u8 = 3;
/// OID of `name`, for which Debezium has a field but no converter.
const NAME: TypeOid = TypeOid(19);

/// What a column becomes in records.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSchema {
    /// Its schema, with optionality and default.
    pub schema: Schema,
    /// What is done with its values.
    pub conversion: Conversion,
    /// What stands for a null where the column may not be null: such a null means "not sent".
    pub filler: Literal,
    /// What stands for a TOAST value that was not sent, where the field can hold it.
    pub unavailable: Option<Literal>,
}

impl ColumnSchema {
    /// The schema of a column; nothing for one that records leave out.
    #[must_use]
    pub fn of(column: &Column, records: &Records) -> Option<Self> {
        let (mut schema, conversion) = mapped(&column.column_type, records)?;
        let filler = filler(&schema.kind, conversion);
        let unavailable = unavailable(&schema.kind, conversion, &records.unavailable_placeholder);
        schema.optional = column.nullability == Nullability::Optional;
        schema.default = column.default.as_deref().and_then(|text| default(column, conversion, text));
        let conversion = if column.type_oid == NAME { Conversion::Drop } else { conversion };
        if conversion == Conversion::Drop {
            tracing::warn!(
                column = column.name,
                "a column of type name is written as null, as Debezium does; change it to text to have its values"
            );
        }
        Some(Self { schema, conversion, filler, unavailable })
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
        ColumnType::Text => plain(Kind::String),
        ColumnType::Uuid => semantic("io.debezium.data.Uuid"),
        ColumnType::Json | ColumnType::Jsonb => semantic("io.debezium.data.Json"),
        ColumnType::Enum(labels) => {
            let (schema, conversion) = semantic("io.debezium.data.Enum");
            (schema.parameter("allowed", labels.join(",")), conversion)
        }
        ColumnType::Numeric(size) => numeric(*size, records.decimals),
        ColumnType::Bytea => match records.binary {
            BinaryHandling::Bytes => (Schema::of(Kind::Bytes), Conversion::Bytes),
            BinaryHandling::Base64 => (Schema::of(Kind::String), Conversion::Base64),
            BinaryHandling::Base64UrlSafe => (Schema::of(Kind::String), Conversion::Base64UrlSafe),
            BinaryHandling::Hex => (Schema::of(Kind::String), Conversion::Hex),
        },
        ColumnType::Date => date(records.times),
        ColumnType::Time(digits) => time(*digits, records.times),
        ColumnType::Timestamp(digits) => timestamp(*digits, records.times),
        ColumnType::TimestampTz(digits) => {
            (Schema::semantic(Kind::String, "io.debezium.time.ZonedTimestamp"), Conversion::Zoned { digits: *digits })
        }
        ColumnType::Unsupported => return None,
    })
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
fn filler(kind: &Kind, conversion: Conversion) -> Literal {
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
        Conversion::Decimal { scale } => Literal::Decimal { unscaled: zero, scale: scale.into() },
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
        Conversion::IsoTime => text("00:00:00Z"),
        Conversion::IsoTimestamp | Conversion::Zoned { .. } => text("1970-01-01T00:00:00Z"),
    }
}

/// The placeholder, where the field is a string or bytes. No other field can hold it; nor has Debezium one for base64.
fn unavailable(kind: &Kind, conversion: Conversion, placeholder: &str) -> Option<Literal> {
    let text = || Some(Literal::String(placeholder.to_owned()));
    match conversion {
        Conversion::Plain if *kind == Kind::String => text(),
        Conversion::Hex | Conversion::DecimalAsString { .. } => text(),
        Conversion::Bytes => Some(Literal::Bytes(placeholder.as_bytes().to_vec())),
        _ => None,
    }
}

/// The default of a column. A struct cannot be one in Connect, so a numeric without scale has none in precise mode.
fn default(column: &Column, conversion: Conversion, text: &str) -> Option<Literal> {
    if conversion == Conversion::VariableScaleDecimal {
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
fn extreme_default(value: Value<'_>, conversion: Conversion) -> Option<Option<Literal>> {
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
