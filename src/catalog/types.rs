//! Type OIDs to column types.
//!
//! Source: `pg_type.dat` for the OIDs, which never change; PostgreSQL's `numerictypmodin`, `anytime_typmodin` and
//! `anytimestamp_typmodin` for the modifiers; Debezium's `TypeRegistry` for domains.

use std::collections::HashMap;
use std::sync::Arc;

use super::facts::{TypeFacts, TypeSort};
use super::{ColumnType, NumericSize};
use crate::pgoutput::TypeOid;

/// First OID that is not hand-assigned: every type below is built in.
const FIRST_GENERATED_OID: u32 = 10_000;
/// What a numeric's modifier counts from.
const NUMERIC_HEADER: i32 = 4;
/// Digits of a second's fraction where none are declared.
const FRACTION_DIGITS_DEFAULT: u8 = 6;
/// A domain over a domain over ... ends here; the server has no limit of its own.
const DOMAIN_DEPTH_MAX: usize = 64;

pub(super) const BOOL: TypeOid = TypeOid(16);
pub(super) const BYTEA: TypeOid = TypeOid(17);
pub(super) const CHAR: TypeOid = TypeOid(18);
pub(super) const NAME: TypeOid = TypeOid(19);
pub(super) const INT8: TypeOid = TypeOid(20);
pub(super) const INT2: TypeOid = TypeOid(21);
pub(super) const INT4: TypeOid = TypeOid(23);
pub(super) const TEXT: TypeOid = TypeOid(25);
pub(super) const OID: TypeOid = TypeOid(26);
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
pub(super) const NUMERIC: TypeOid = TypeOid(1700);
pub(super) const UUID: TypeOid = TypeOid(2950);
pub(super) const JSONB: TypeOid = TypeOid(3802);

/// Whether a type's OID alone tells what it is.
pub(super) const fn is_built_in(oid: TypeOid) -> bool {
    oid.0 < FIRST_GENERATED_OID
}

/// What a column of a type is to us. `typmod` is the column's own, -1 for none.
///
/// A domain is its base type, with the modifier of the innermost domain that declares one.
pub(super) fn resolve(oid: TypeOid, typmod: i32, types: &HashMap<TypeOid, TypeFacts>) -> ColumnType {
    let mut oid = oid;
    let mut typmod = typmod;
    for _ in 0..DOMAIN_DEPTH_MAX {
        if is_built_in(oid) {
            return built_in(oid, typmod);
        }
        let Some(facts) = types.get(&oid) else { return ColumnType::Unsupported };
        match &facts.sort {
            TypeSort::Domain { base, typmod: declared } => {
                if *declared >= 0 {
                    typmod = *declared;
                }
                oid = *base;
            }
            TypeSort::Enum(labels) => return ColumnType::Enum(Arc::from(labels.as_slice())),
            TypeSort::Base if facts.name == "citext" => return ColumnType::Text,
            TypeSort::Base | TypeSort::Array(_) | TypeSort::Other => return ColumnType::Unsupported,
        }
    }
    ColumnType::Unsupported
}

fn built_in(oid: TypeOid, typmod: i32) -> ColumnType {
    match oid {
        BOOL => ColumnType::Bool,
        INT2 => ColumnType::Int2,
        INT4 => ColumnType::Int4,
        INT8 => ColumnType::Int8,
        OID => ColumnType::Oid,
        FLOAT4 => ColumnType::Float4,
        FLOAT8 => ColumnType::Float8,
        NUMERIC => ColumnType::Numeric(numeric_size(typmod)),
        TEXT | VARCHAR | BPCHAR | CHAR | NAME | XML => ColumnType::Text,
        UUID => ColumnType::Uuid,
        JSON => ColumnType::Json,
        JSONB => ColumnType::Jsonb,
        BYTEA => ColumnType::Bytea,
        DATE => ColumnType::Date,
        TIME => ColumnType::Time(fraction_digits(typmod)),
        TIMESTAMP => ColumnType::Timestamp(fraction_digits(typmod)),
        TIMESTAMPTZ => ColumnType::TimestampTz(fraction_digits(typmod)),
        _ => ColumnType::Unsupported,
    }
}

/// Precision in the upper half, scale in the lower 11 bits, signed since PostgreSQL 15.
fn numeric_size(typmod: i32) -> Option<NumericSize> {
    let packed = typmod.checked_sub(NUMERIC_HEADER).filter(|packed| *packed >= 0)?;
    let precision = u16::try_from((packed >> 16) & 0xFFFF).ok()?;
    let scale = i16::try_from(((packed & 0x7FF) ^ 0x400) - 0x400).ok()?;
    Some(NumericSize { precision, scale })
}

fn fraction_digits(typmod: i32) -> u8 {
    u8::try_from(typmod).ok().filter(|digits| *digits <= FRACTION_DIGITS_DEFAULT).unwrap_or(FRACTION_DIGITS_DEFAULT)
}
