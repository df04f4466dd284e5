//! Type OIDs to column types.
//!
//! Source: `pg_type.dat` for the OIDs, which never change; PostgreSQL's `numerictypmodin`, `anytime_typmodin`,
//! `anytimestamp_typmodin` and `anybit_typmodin` for the modifiers; Debezium's `TypeRegistry` and
//! `PostgresValueConverter` for the order in which a type is looked for.

use std::collections::HashMap;
use std::sync::Arc;

use super::facts::{TypeFacts, TypeSort};
use super::{ColumnType, NumericSize, RangeType, UnknownType};
use crate::pgoutput::TypeOid;

/// First OID that is not hand-assigned: every type below is built in.
const FIRST_GENERATED_OID: u32 = 10_000;
/// What a numeric's modifier counts from.
const NUMERIC_HEADER: i32 = 4;
/// Digits of a second's fraction where none are declared.
const FRACTION_DIGITS_DEFAULT: u8 = 6;
/// A domain over a domain over ... ends here; the server has no limit of its own.
pub(super) const DEPTH_MAX: usize = 64;

pub(super) const BOOL: TypeOid = TypeOid(16);
pub(super) const INT8: TypeOid = TypeOid(20);
pub(super) const INT2: TypeOid = TypeOid(21);
pub(super) const INT4: TypeOid = TypeOid(23);
pub(super) const TEXT: TypeOid = TypeOid(25);
pub(super) const JSON: TypeOid = TypeOid(114);
pub(super) const XML: TypeOid = TypeOid(142);
pub(super) const FLOAT4: TypeOid = TypeOid(700);
pub(super) const FLOAT8: TypeOid = TypeOid(701);
pub(super) const BPCHAR: TypeOid = TypeOid(1042);
pub(super) const VARCHAR: TypeOid = TypeOid(1043);
pub(super) const DATE: TypeOid = TypeOid(1082);
pub(super) const TIME: TypeOid = TypeOid(1083);
pub(super) const TIMESTAMP: TypeOid = TypeOid(1114);
pub(super) const TIMESTAMPTZ: TypeOid = TypeOid(1184);
pub(super) const INTERVAL: TypeOid = TypeOid(1186);
pub(super) const BIT: TypeOid = TypeOid(1560);
pub(super) const VARBIT: TypeOid = TypeOid(1562);
pub(super) const NUMERIC: TypeOid = TypeOid(1700);
pub(super) const UUID: TypeOid = TypeOid(2950);
pub(super) const JSONB: TypeOid = TypeOid(3802);

/// Whether a type's OID alone tells what it is.
pub(super) const fn is_built_in(oid: TypeOid) -> bool {
    oid.0 < FIRST_GENERATED_OID
}

/// What a column of a type is to us. `typmod` is the column's own, -1 for none.
///
/// A domain is its base type, with the modifier of the innermost domain that declares one: the server lets only a domain
/// directly over a base type declare any.
pub(super) fn resolve(oid: TypeOid, typmod: i32, types: &HashMap<TypeOid, TypeFacts>) -> ColumnType {
    resolve_within(DEPTH_MAX, oid, typmod, types)
}

fn resolve_within(depth: usize, oid: TypeOid, typmod: i32, types: &HashMap<TypeOid, TypeFacts>) -> ColumnType {
    const OPAQUE: ColumnType = ColumnType::Unknown(UnknownType::Opaque);
    let Some(depth) = depth.checked_sub(1) else { return OPAQUE };
    if is_built_in(oid) {
        return match built_in_element(oid) {
            Some(element) => array(built_in(element, typmod)),
            None => built_in(oid, typmod),
        };
    }
    let Some(facts) = types.get(&oid) else { return OPAQUE };
    match &facts.sort {
        TypeSort::Domain { base, typmod: declared } => {
            resolve_within(depth, *base, if *declared >= 0 { *declared } else { typmod }, types)
        }
        TypeSort::Base => of_extension(&facts.name),
        TypeSort::Enum(labels) => ColumnType::Enum(Arc::from(labels.as_slice())),
        TypeSort::Array(element) => {
            let is_domain = types.get(element).is_some_and(|facts| matches!(facts.sort, TypeSort::Domain { .. }));
            let element = resolve_within(depth, *element, typmod, types);
            if is_domain { ColumnType::DomainArray(Box::new(element)) } else { array(element) }
        }
        TypeSort::Other => OPAQUE,
    }
}

fn array(element: ColumnType) -> ColumnType {
    match element {
        ColumnType::Money
        | ColumnType::Name
        | ColumnType::Interval
        | ColumnType::VarBit(_)
        | ColumnType::Xml
        | ColumnType::Point
        | ColumnType::Unknown(UnknownType::RefCursor) => ColumnType::DroppedArray(Box::new(element)),
        _ => ColumnType::Array(Box::new(element)),
    }
}

/// Types of extensions are known by their names, whatever their schema.
fn of_extension(name: &str) -> ColumnType {
    match name {
        "citext" => ColumnType::Text,
        "hstore" => ColumnType::Hstore,
        "ltree" => ColumnType::Ltree,
        "isbn" => ColumnType::Isbn,
        "geometry" => ColumnType::Geometry,
        "geography" => ColumnType::Geography,
        "vector" => ColumnType::Vector,
        "halfvec" => ColumnType::HalfVec,
        "sparsevec" => ColumnType::SparseVec,
        _ => ColumnType::Unknown(UnknownType::Opaque),
    }
}

fn built_in(oid: TypeOid, typmod: i32) -> ColumnType {
    match oid {
        BOOL => ColumnType::Bool,
        INT2 => ColumnType::Int2,
        INT4 => ColumnType::Int4,
        INT8 => ColumnType::Int8,
        FLOAT4 => ColumnType::Float4,
        FLOAT8 => ColumnType::Float8,
        NUMERIC => ColumnType::Numeric(numeric_size(typmod)),
        TEXT | VARCHAR | BPCHAR => ColumnType::Text,
        XML => ColumnType::Xml,
        UUID => ColumnType::Uuid,
        JSON => ColumnType::Json,
        JSONB => ColumnType::Jsonb,
        BIT => ColumnType::Bit(bits(typmod)),
        VARBIT => ColumnType::VarBit(bits(typmod)),
        DATE => ColumnType::Date,
        TIME => ColumnType::Time(fraction_digits(typmod)),
        TIMESTAMP => ColumnType::Timestamp(fraction_digits(typmod)),
        TIMESTAMPTZ => ColumnType::TimestampTz(fraction_digits(typmod)),
        INTERVAL => ColumnType::Interval,
        TypeOid(17) => ColumnType::Bytea,
        TypeOid(18) => ColumnType::Char,
        TypeOid(19) => ColumnType::Name,
        TypeOid(26) => ColumnType::Oid,
        TypeOid(600) => ColumnType::Point,
        TypeOid(601) => ColumnType::Lseg,
        TypeOid(602) => ColumnType::Path,
        TypeOid(603) => ColumnType::Box,
        TypeOid(604) => ColumnType::Polygon,
        TypeOid(628) => ColumnType::Line,
        TypeOid(650) => ColumnType::Cidr,
        TypeOid(718) => ColumnType::Circle,
        TypeOid(774) => ColumnType::MacAddr8,
        TypeOid(790) => ColumnType::Money,
        TypeOid(829) => ColumnType::MacAddr,
        TypeOid(869) => ColumnType::Inet,
        TypeOid(1266) => ColumnType::TimeTz(fraction_digits(typmod)),
        TypeOid(3614) => ColumnType::TsVector,
        TypeOid(3904) => ColumnType::Range(RangeType::Int4),
        TypeOid(3906) => ColumnType::Range(RangeType::Numeric),
        TypeOid(3908) => ColumnType::Range(RangeType::Timestamp),
        TypeOid(3910) => ColumnType::Range(RangeType::TimestampTz),
        TypeOid(3912) => ColumnType::Range(RangeType::Date),
        TypeOid(3926) => ColumnType::Range(RangeType::Int8),
        _ => ColumnType::Unknown(built_in_unknown(oid)),
    }
}

/// The built-in types that Debezium has no schema for.
const fn built_in_unknown(oid: TypeOid) -> UnknownType {
    match oid.0 {
        27 => UnknownType::Tid,
        28 | 29 => UnknownType::Xid,
        1790 => UnknownType::RefCursor,
        2970 | 5038 => UnknownType::Snapshot,
        3220 => UnknownType::PgLsn,
        4072 => UnknownType::JsonPath,
        4451 => UnknownType::Multirange(RangeType::Int4),
        4532 => UnknownType::Multirange(RangeType::Numeric),
        4533 => UnknownType::Multirange(RangeType::Timestamp),
        4534 => UnknownType::Multirange(RangeType::TimestampTz),
        4535 => UnknownType::Multirange(RangeType::Date),
        4536 => UnknownType::Multirange(RangeType::Int8),
        5069 => UnknownType::Xid8,
        _ => UnknownType::Opaque,
    }
}

/// The element of a built-in array. `int2vector` and `oidvector` are written in another way and are none.
pub(super) fn built_in_element(oid: TypeOid) -> Option<TypeOid> {
    let at = BUILT_IN_ARRAYS.binary_search_by_key(&oid.0, |(array, _)| *array).ok()?;
    BUILT_IN_ARRAYS.get(at).map(|(_, element)| TypeOid(*element))
}

/// OIDs of arrays and of their elements, in the order of the former.
const BUILT_IN_ARRAYS: [(u32, u32); 80] = [
    (143, 142),
    (199, 114),
    (210, 71),
    (270, 75),
    (271, 5069),
    (272, 81),
    (273, 83),
    (629, 628),
    (651, 650),
    (719, 718),
    (775, 774),
    (791, 790),
    (1000, 16),
    (1001, 17),
    (1002, 18),
    (1003, 19),
    (1005, 21),
    (1006, 22),
    (1007, 23),
    (1008, 24),
    (1009, 25),
    (1010, 27),
    (1011, 28),
    (1012, 29),
    (1013, 30),
    (1014, 1042),
    (1015, 1043),
    (1016, 20),
    (1017, 600),
    (1018, 601),
    (1019, 602),
    (1020, 603),
    (1021, 700),
    (1022, 701),
    (1027, 604),
    (1028, 26),
    (1034, 1033),
    (1040, 829),
    (1041, 869),
    (1115, 1114),
    (1182, 1082),
    (1183, 1083),
    (1185, 1184),
    (1187, 1186),
    (1231, 1700),
    (1270, 1266),
    (1561, 1560),
    (1563, 1562),
    (2201, 1790),
    (2207, 2202),
    (2208, 2203),
    (2209, 2204),
    (2210, 2205),
    (2211, 2206),
    (2949, 2970),
    (2951, 2950),
    (3221, 3220),
    (3643, 3614),
    (3644, 3642),
    (3645, 3615),
    (3735, 3734),
    (3770, 3769),
    (3807, 3802),
    (3905, 3904),
    (3907, 3906),
    (3909, 3908),
    (3911, 3910),
    (3913, 3912),
    (3927, 3926),
    (4073, 4072),
    (4090, 4089),
    (4097, 4096),
    (4192, 4191),
    (5039, 5038),
    (6150, 4451),
    (6151, 4532),
    (6152, 4533),
    (6153, 4534),
    (6155, 4535),
    (6157, 4536),
];

/// Precision in the upper half, scale in the lower 11 bits, signed since PostgreSQL 15.
pub(super) fn numeric_size(typmod: i32) -> Option<NumericSize> {
    let packed = typmod.checked_sub(NUMERIC_HEADER).filter(|packed| *packed >= 0)?;
    let precision = u16::try_from((packed >> 16) & 0xFFFF).ok()?;
    let scale = i16::try_from(((packed & 0x7FF) ^ 0x400) - 0x400).ok()?;
    Some(NumericSize { precision, scale })
}

fn fraction_digits(typmod: i32) -> u8 {
    u8::try_from(typmod).ok().filter(|digits| *digits <= FRACTION_DIGITS_DEFAULT).unwrap_or(FRACTION_DIGITS_DEFAULT)
}

/// `bit` and `bit varying` keep their length as it is.
fn bits(typmod: i32) -> Option<u32> {
    u32::try_from(typmod).ok().filter(|bits| *bits > 0)
}
