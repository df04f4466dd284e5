//! What a column's type is: PostgreSQL's view, with domains resolved and modifiers read.
//!
//! Must never say what a handling mode makes of a type: a column of the same type is the same here whatever is
//! configured.

use std::sync::Arc;

/// A column's type, as far as it decides how values are read and what Debezium has a schema for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `boolean`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `oid`
    Oid,
    /// `real`
    Float4,
    /// `double precision`
    Float8,
    /// `numeric`; precision and scale where declared.
    Numeric(Option<NumericSize>),
    /// `money`
    Money,
    /// `text`, `varchar`, `char(n)`, `citext`
    Text,
    /// `"char"`: one byte.
    Char,
    /// `name`
    Name,
    /// `xml`
    Xml,
    /// `uuid`
    Uuid,
    /// `json`
    Json,
    /// `jsonb`
    Jsonb,
    /// `bytea`
    Bytea,
    /// `bit(n)`; the number of bits where declared.
    Bit(Option<u32>),
    /// `bit varying(n)`; the greatest number of bits where declared.
    VarBit(Option<u32>),
    /// `date`
    Date,
    /// `time(p)`; 6 where not declared.
    Time(u8),
    /// `timetz(p)`; 6 where not declared.
    TimeTz(u8),
    /// `timestamp(p)`; 6 where not declared.
    Timestamp(u8),
    /// `timestamptz(p)`; 6 where not declared.
    TimestampTz(u8),
    /// `interval`
    Interval,
    /// `inet`
    Inet,
    /// `cidr`
    Cidr,
    /// `macaddr`
    MacAddr,
    /// `macaddr8`
    MacAddr8,
    /// A built-in range.
    Range(RangeType),
    /// `tsvector`
    TsVector,
    /// `ltree`
    Ltree,
    /// `isbn`, of the extension `isn`
    Isbn,
    /// `hstore`
    Hstore,
    /// `point`
    Point,
    /// `line`
    Line,
    /// `lseg`
    Lseg,
    /// `box`
    Box,
    /// `path`
    Path,
    /// `polygon`
    Polygon,
    /// `circle`
    Circle,
    /// PostGIS `geometry`
    Geometry,
    /// PostGIS `geography`
    Geography,
    /// pgvector `vector`
    Vector,
    /// pgvector `halfvec`
    HalfVec,
    /// pgvector `sparsevec`
    SparseVec,
    /// An enum, with its labels in order.
    Enum(Arc<[String]>),
    /// An array of a type that is no domain, by its element.
    Array(Box<Self>),
    /// An array of a domain, by the type at the domain's root. Debezium finds no schema for its elements, whatever
    /// they are.
    DomainArray(Box<Self>),
    /// An array of one of the seven element types whose arrays Debezium always leaves out: `money`, `name`,
    /// `interval`, `varbit`, `xml`, `point`, `refcursor`.
    DroppedArray(Box<Self>),
    /// A type that Debezium has no schema for; its values are PostgreSQL's text.
    Unknown(UnknownType),
}

/// Declared precision and scale of a `numeric`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumericSize {
    /// Decimal digits in all.
    pub precision: u16,
    /// Decimal digits after the point; may be negative since PostgreSQL 15.
    pub scale: i16,
}

/// What a built-in range is a range of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeType {
    /// `int4range`
    Int4,
    /// `int8range`
    Int8,
    /// `numrange`
    Numeric,
    /// `daterange`
    Date,
    /// `tsrange`
    Timestamp,
    /// `tstzrange`
    TimestampTz,
}

/// A type that Debezium has no schema for, by how its text is made from its binary form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownType {
    /// `pg_lsn`
    PgLsn,
    /// A built-in multirange.
    Multirange(RangeType),
    /// `xid`, `cid`
    Xid,
    /// `xid8`
    Xid8,
    /// `tid`
    Tid,
    /// `pg_snapshot`, `txid_snapshot`
    Snapshot,
    /// `jsonpath`
    JsonPath,
    /// `refcursor`: text under another name.
    RefCursor,
    /// Any other: composite types, ranges of one's own, `tsquery`, `regclass`, types of other extensions. Its text is
    /// all that is known of it.
    Opaque,
}

impl ColumnType {
    /// Whether the binary form of every value can be read and tells as much as the text.
    ///
    /// The rest has no send function (`isbn`), depends on a setting that only the text shows (`money`, on
    /// `lc_monetary`), names catalog objects by number (`regclass`), or is not known. What that means for a session is
    /// told by [`binary_use`](super::binary_use).
    #[must_use]
    pub fn has_safe_binary(&self) -> bool {
        match self {
            Self::Money | Self::Isbn | Self::Unknown(UnknownType::Opaque) => false,
            Self::Array(element) | Self::DomainArray(element) | Self::DroppedArray(element) => {
                element.has_safe_binary()
            }
            Self::Unknown(
                UnknownType::PgLsn
                | UnknownType::Multirange(_)
                | UnknownType::Xid
                | UnknownType::Xid8
                | UnknownType::Tid
                | UnknownType::Snapshot
                | UnknownType::JsonPath
                | UnknownType::RefCursor,
            )
            | Self::Bool
            | Self::Int2
            | Self::Int4
            | Self::Int8
            | Self::Oid
            | Self::Float4
            | Self::Float8
            | Self::Numeric(_)
            | Self::Text
            | Self::Char
            | Self::Name
            | Self::Xml
            | Self::Uuid
            | Self::Json
            | Self::Jsonb
            | Self::Bytea
            | Self::Bit(_)
            | Self::VarBit(_)
            | Self::Date
            | Self::Time(_)
            | Self::TimeTz(_)
            | Self::Timestamp(_)
            | Self::TimestampTz(_)
            | Self::Interval
            | Self::Inet
            | Self::Cidr
            | Self::MacAddr
            | Self::MacAddr8
            | Self::Range(_)
            | Self::TsVector
            | Self::Ltree
            | Self::Hstore
            | Self::Point
            | Self::Line
            | Self::Lseg
            | Self::Box
            | Self::Path
            | Self::Polygon
            | Self::Circle
            | Self::Geometry
            | Self::Geography
            | Self::Vector
            | Self::HalfVec
            | Self::SparseVec
            | Self::Enum(_) => true,
        }
    }

    /// What stands between the elements of an array of this type: `pg_type.typdelim`.
    #[must_use]
    pub const fn array_delimiter(&self) -> u8 {
        match self {
            Self::Box => b';',
            Self::Geometry | Self::Geography => b':',
            _ => b',',
        }
    }
}
