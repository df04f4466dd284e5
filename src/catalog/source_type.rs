//! What the source calls a column's type, and how long its values may be, as PostgreSQL's Java driver counts.
//!
//! Source: pgJDBC's `TypeInfoCache` (`getPrecision`, `getScale`, `getDisplaySize`, the table of SQL types); Debezium's
//! `ColumnMetaData` and `PostgresType` for domains.

use std::collections::HashMap;

use tokio_postgres::types::Type;

use super::facts::{TypeFacts, TypeSort};
use super::types;
use crate::pgoutput::TypeOid;

/// What stands for a length that is not limited.
const UNBOUNDED: i32 = i32::MAX;
/// What stands for a modifier that is not there.
const NO_TYPMOD: i32 = -1;
/// What the modifiers of `numeric`, `varchar` and `char` count from.
const HEADER: i32 = 4;
/// A domain over a domain over ... ends here; the server has no limit of its own.
const DEPTH_MAX: usize = 64;

/// The display size of a `numeric` without modifier.
const UNSIZED_NUMERIC: i32 = 131_089;

const QUOTED_CHAR: TypeOid = TypeOid(18);
const NAME: TypeOid = TypeOid(19);
const OID: TypeOid = TypeOid(26);
const TIMETZ: TypeOid = TypeOid(1266);

/// A column's type as its source knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceType {
    /// `pg_type.typname`: a domain is called by its own name. Empty where the type is not known.
    pub name: String,
    /// Greatest length, in characters, digits or bits, whichever the type has; -1 where the driver knows none.
    pub length: i32,
    /// Digits after the point, where they are told.
    pub scale: Option<i32>,
    /// Whether it is text to the driver.
    pub text: IsText,
}

/// Whether a type is text to the driver: `text`, `varchar`, `char`, `"char"`, `name`, enums and domains over them; not
/// `citext`, `uuid`, `json` and whatever else is written as a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IsText {
    /// It is.
    Text,
    /// It is not.
    #[default]
    Other,
}

type Types = HashMap<TypeOid, TypeFacts>;

impl SourceType {
    /// The type of a column; `typmod` is the column's own, -1 for none.
    pub(super) fn of(oid: TypeOid, typmod: i32, types: &Types) -> Self {
        let (length, scale) = if typmod == NO_TYPMOD {
            (default_length(oid, types, DEPTH_MAX), default_scale(oid, types, DEPTH_MAX))
        } else {
            (precision(oid, typmod), scale(oid, typmod))
        };
        Self { name: name(oid, types), length, scale: Some(scale), text: is_text(oid, types, DEPTH_MAX) }
    }

    /// The type of a column as the driver lists it for a snapshot: sequences make types of their own, and a `numeric`
    /// without modifier has no length.
    ///
    /// Source: `PgDatabaseMetaData.getColumns`, Debezium's `PostgresConnection.doReadTableColumn`.
    pub(super) fn listed(oid: TypeOid, typmod: i32, default: Option<&str>, types: &Types) -> Self {
        let plain = Self::of(oid, typmod, types);
        let counts = default.is_some_and(|default| default.contains("nextval("));
        match oid {
            types::NUMERIC if plain.length == UNSIZED_NUMERIC => Self { length: 0, scale: None, ..plain },
            types::INT2 if counts => Self { name: "smallserial".to_owned(), ..plain },
            types::INT4 if counts => Self { name: "serial".to_owned(), ..plain },
            types::INT8 if counts => Self { name: "bigserial".to_owned(), ..plain },
            _ => plain,
        }
    }
}

fn name(oid: TypeOid, types: &Types) -> String {
    match types.get(&oid) {
        Some(facts) if !types::is_built_in(oid) => facts.name.clone(),
        _ => Type::from_oid(oid.0).map_or_else(String::new, |known| known.name().to_owned()),
    }
}

/// What a domain is directly based on, and the modifier it declares.
fn domain(oid: TypeOid, types: &Types) -> Option<(TypeOid, i32)> {
    match types.get(&oid)?.sort {
        TypeSort::Domain { base, typmod } => Some((base, typmod)),
        _ => None,
    }
}

fn is_text(oid: TypeOid, types: &Types, depth: usize) -> IsText {
    let Some(depth) = depth.checked_sub(1) else { return IsText::Other };
    if let Some((base, _)) = domain(oid, types) {
        return is_text(base, types, depth);
    }
    let is_enum = types.get(&oid).is_some_and(|facts| matches!(facts.sort, TypeSort::Enum(_)));
    match oid {
        types::TEXT | types::VARCHAR | types::BPCHAR | QUOTED_CHAR | NAME => IsText::Text,
        _ if is_enum => IsText::Text,
        _ => IsText::Other,
    }
}

fn default_length(oid: TypeOid, types: &Types, depth: usize) -> i32 {
    let Some(depth) = depth.checked_sub(1) else { return UNBOUNDED };
    match domain(oid, types) {
        Some((base, NO_TYPMOD)) => default_length(base, types, depth),
        Some((base, typmod)) => match precision(base, typmod) {
            0 => display_size(base, typmod),
            known => known,
        },
        None => match precision(oid, NO_TYPMOD) {
            0 => display_size(oid, NO_TYPMOD),
            known => known,
        },
    }
}

fn default_scale(oid: TypeOid, types: &Types, depth: usize) -> i32 {
    let Some(depth) = depth.checked_sub(1) else { return 0 };
    match domain(oid, types) {
        Some((base, NO_TYPMOD)) => default_scale(base, types, depth),
        Some((base, typmod)) => scale(base, typmod),
        None => scale(oid, NO_TYPMOD),
    }
}

/// An array is as long as its element.
fn element(oid: TypeOid) -> TypeOid {
    types::built_in_element(oid).unwrap_or(oid)
}

fn precision(oid: TypeOid, typmod: i32) -> i32 {
    match element(oid) {
        types::INT2 => 5,
        types::INT4 | OID => 10,
        types::INT8 => 19,
        types::FLOAT4 => 8,
        types::FLOAT8 => 17,
        types::NUMERIC if typmod == NO_TYPMOD => 0,
        types::NUMERIC => typmod.wrapping_sub(HEADER) >> 16,
        types::BOOL | QUOTED_CHAR => 1,
        types::BPCHAR | types::VARCHAR if typmod != NO_TYPMOD => typmod.wrapping_sub(HEADER),
        types::DATE | types::TIME | types::TIMESTAMP | types::TIMESTAMPTZ | types::INTERVAL | TIMETZ => {
            display_size(oid, typmod)
        }
        types::BIT => typmod,
        types::VARBIT if typmod != NO_TYPMOD => typmod,
        _ => UNBOUNDED,
    }
}

fn scale(oid: TypeOid, typmod: i32) -> i32 {
    match element(oid) {
        types::FLOAT4 => 8,
        types::FLOAT8 => 17,
        types::NUMERIC if typmod == NO_TYPMOD => 0,
        types::NUMERIC => typmod.wrapping_sub(HEADER) & 0xFFFF,
        types::TIME | types::TIMESTAMP | types::TIMESTAMPTZ | types::INTERVAL | TIMETZ if typmod == NO_TYPMOD => 6,
        types::TIME | types::TIMESTAMP | types::TIMESTAMPTZ | TIMETZ => typmod,
        types::INTERVAL => typmod & 0xFFFF,
        _ => 0,
    }
}

/// How many characters a value takes when it is printed, where that is asked for.
fn display_size(oid: TypeOid, typmod: i32) -> i32 {
    // The point and the digits behind it; of one digit the driver believes that there are two.
    let fraction = match typmod {
        NO_TYPMOD => 7,
        0 => 0,
        1 => 3,
        digits => digits.saturating_add(1),
    };
    let with = |rest: i32| fraction.saturating_add(rest);
    match element(oid) {
        types::DATE => 13,
        types::TIME => with(8),
        TIMETZ => with(14),
        types::TIMESTAMP => with(22),
        types::TIMESTAMPTZ => with(28),
        types::INTERVAL => 49,
        types::NUMERIC if typmod == NO_TYPMOD => UNSIZED_NUMERIC,
        _ => UNBOUNDED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::facts::Sending;

    fn facts(name: &str, sort: TypeSort) -> TypeFacts {
        TypeFacts {
            name: name.to_owned(),
            schema: "public".to_owned(),
            sort,
            extension: None,
            sending: Sending::Binary,
        }
    }

    fn foreign() -> Types {
        let domain = |base, typmod| TypeSort::Domain { base: TypeOid(base), typmod };
        HashMap::from([
            (TypeOid(20_000), facts("label", domain(1043, 14))),
            (TypeOid(20_001), facts("label_of_label", domain(20_000, -1))),
            (TypeOid(20_002), facts("mood", TypeSort::Enum(vec!["sad".to_owned()]))),
            (TypeOid(20_003), facts("mood_domain", domain(20_002, -1))),
            (TypeOid(20_004), facts("citext", TypeSort::Base)),
            (TypeOid(20_005), facts("count", domain(23, -1))),
            (TypeOid(20_006), facts("amount", domain(1700, (10 << 16 | 2) + 4))),
            (TypeOid(20_007), facts("_mood", TypeSort::Array(TypeOid(20_002)))),
            (TypeOid(20_008), facts("loop", domain(20_008, -1))),
        ])
    }

    #[test]
    fn lengths_are_those_of_the_driver() {
        // Given columns of each type; when their source types are made; then they are what Debezium's schemas say
        let unbounded = i32::MAX;
        for (oid, typmod, name, length, scale) in [
            (23, -1, "int4", 10, 0),
            (20, -1, "int8", 19, 0),
            (21, -1, "int2", 5, 0),
            (25, -1, "text", unbounded, 0),
            (16, -1, "bool", 1, 0),
            (1082, -1, "date", 13, 0),
            (1083, -1, "time", 15, 6),
            (1083, 0, "time", 8, 0),
            (1083, 1, "time", 11, 1),
            (1266, -1, "timetz", 21, 6),
            (1114, 3, "timestamp", 26, 3),
            (1184, 3, "timestamptz", 32, 3),
            (1184, -1, "timestamptz", 35, 6),
            (1186, -1, "interval", 49, 6),
            (1700, -1, "numeric", 131_089, 0),
            (1700, (10 << 16 | 2) + 4, "numeric", 10, 2),
            (1700, (5 << 16 | 2046) + 4, "numeric", 5, 2046),
            (701, -1, "float8", 17, 17),
            (1007, -1, "_int4", 10, 0),
            (1231, (10 << 16 | 2) + 4, "_numeric", 10, 2),
            (2950, -1, "uuid", unbounded, 0),
            (790, -1, "money", unbounded, 0),
            (18, -1, "char", 1, 0),
            (1042, 9, "bpchar", 5, 0),
            (1560, 7, "bit", 7, 0),
            (1562, -1, "varbit", unbounded, 0),
            (20_000, -1, "label", 10, 0),
            (20_001, -1, "label_of_label", 10, 0),
            (20_002, -1, "mood", unbounded, 0),
            (20_005, -1, "count", 10, 0),
            (20_006, -1, "amount", 10, 2),
            (20_007, -1, "_mood", unbounded, 0),
            (20_008, -1, "loop", unbounded, 0),
            (99_999, -1, "", unbounded, 0),
        ] {
            let found = SourceType::of(TypeOid(oid), typmod, &foreign());
            assert_eq!((found.name.as_str(), found.length, found.scale), (name, length, Some(scale)), "{oid} {typmod}");
        }
    }

    #[test]
    fn snapshots_list_sequences_and_numerics_otherwise() {
        let counted = Some("nextval('t_id_seq'::regclass)");
        for (oid, typmod, default, name, length, scale) in [
            (23, -1, counted, "serial", 10, Some(0)),
            (20, -1, counted, "bigserial", 19, Some(0)),
            (21, -1, counted, "smallserial", 5, Some(0)),
            (23, -1, Some("7"), "int4", 10, Some(0)),
            (25, -1, counted, "text", i32::MAX, Some(0)),
            (1700, -1, None, "numeric", 0, None),
            (1700, (10 << 16 | 2) + 4, None, "numeric", 10, Some(2)),
        ] {
            let found = SourceType::listed(TypeOid(oid), typmod, default, &foreign());
            assert_eq!((found.name.as_str(), found.length, found.scale), (name, length, scale), "{oid} {typmod}");
        }
    }

    #[test]
    fn text_is_what_the_driver_has_as_text() {
        for (oid, text) in [
            (25, IsText::Text),
            (1043, IsText::Text),
            (1042, IsText::Text),
            (18, IsText::Text),
            (19, IsText::Text),
            (20_001, IsText::Text),
            (20_003, IsText::Text),
            (20_004, IsText::Other),
            (20_005, IsText::Other),
            (20_007, IsText::Other),
            (20_008, IsText::Other),
            (1009, IsText::Other),
            (2950, IsText::Other),
            (114, IsText::Other),
            (142, IsText::Other),
        ] {
            assert_eq!(SourceType::of(TypeOid(oid), -1, &foreign()).text, text, "{oid}");
        }
    }
}
