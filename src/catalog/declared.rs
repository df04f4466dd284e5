//! What a column's type is called: names and modifiers as a person declared them, without an OID in them.
//!
//! A [`super::ColumnType`] says how values are read; this says what the catalog of any server with the same tables would
//! say, before and after a restore.

use std::borrow::Cow;
use std::collections::HashMap;

use tokio_postgres::types::Type;

use super::facts::{TypeFacts, TypeSort};
use super::types::{self, DEPTH_MAX};
use crate::pgoutput::TypeOid;

/// What stands for the name of a type that the catalog does not know any more.
const UNKNOWN: &str = "?";
/// What the modifiers of `numeric`, `varchar` and `char` count from.
const HEADER: i32 = 4;

/// A type by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredType {
    /// `pg_type.typname` of a built-in type, `schema.name` of any other (each part in quotes where SQL wants them), `?`
    /// of one that is gone.
    pub name: String,
    /// What is declared behind it in parentheses: length, precision, precision and scale. Of a type that is none of
    /// those that are known for it, the one number that the catalog has.
    pub modifiers: Vec<i32>,
    /// What a domain or an array is made of, outermost first, each with its modifiers: a domain `price` over
    /// `numeric(10,2)` has that, an array of it both.
    pub made_of: Vec<String>,
    /// The labels of an enum, in order; also of one that stands at the end of `made_of`.
    pub labels: Vec<String>,
}

impl DeclaredType {
    /// The declaration of a column's type; `typmod` is the column's own, -1 for none.
    pub(super) fn of(oid: TypeOid, typmod: i32, types: &HashMap<TypeOid, TypeFacts>) -> Self {
        let mut declared =
            Self { name: name(oid, types), modifiers: modifiers(oid, typmod), made_of: vec![], labels: vec![] };
        let (mut oid, mut typmod) = (oid, typmod);
        for _ in 0..DEPTH_MAX {
            (oid, typmod) = match types.get(&oid).map(|facts| &facts.sort) {
                Some(TypeSort::Domain { base, typmod: own }) => (*base, if *own >= 0 { *own } else { typmod }),
                Some(TypeSort::Array(element)) => (*element, typmod),
                Some(TypeSort::Enum(labels)) => {
                    declared.labels.clone_from(labels);
                    break;
                }
                Some(TypeSort::Base | TypeSort::Other) => break,
                None => match types::built_in_element(oid) {
                    Some(element) => (element, typmod),
                    None => break,
                },
            };
            declared.made_of.push(text(&name(oid, types), &modifiers(oid, typmod)));
        }
        declared
    }
}

/// `name(1,2)`
fn text(name: &str, modifiers: &[i32]) -> String {
    if modifiers.is_empty() {
        return name.to_owned();
    }
    let modifiers: Vec<String> = modifiers.iter().map(i32::to_string).collect();
    format!("{name}({})", modifiers.join(","))
}

fn name(oid: TypeOid, types: &HashMap<TypeOid, TypeFacts>) -> String {
    if let Some(facts) = types.get(&oid) {
        return format!("{}.{}", quoted(&facts.schema), quoted(&facts.name));
    }
    if !types::is_built_in(oid) {
        return UNKNOWN.to_owned();
    }
    built_in(oid)
}

/// As `quote_ident` has it, but for words that are reserved.
fn quoted(name: &str) -> Cow<'_, str> {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if plain && !name.is_empty() {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
    }
}

fn modifiers(oid: TypeOid, typmod: i32) -> Vec<i32> {
    if typmod < 0 {
        return Vec::new();
    }
    match types::built_in_element(oid).unwrap_or(oid) {
        types::NUMERIC => {
            types::numeric_size(typmod).map_or_else(Vec::new, |size| vec![size.precision.into(), size.scale.into()])
        }
        types::VARCHAR | types::BPCHAR => vec![typmod.saturating_sub(HEADER)],
        _ => vec![typmod],
    }
}

/// OIDs below 10000 are assigned by hand and the same everywhere; one that is newer than the library is named by it.
fn built_in(oid: TypeOid) -> String {
    match Type::from_oid(oid.0) {
        Some(known) => known.name().to_owned(),
        None => format!("pg_type_{oid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::facts::Sending;

    fn facts(schema: &str, name: &str, sort: TypeSort) -> TypeFacts {
        TypeFacts { schema: schema.to_owned(), name: name.to_owned(), sort, extension: None, sending: Sending::Binary }
    }

    fn declared(oid: u32, typmod: i32) -> DeclaredType {
        let types = HashMap::from([
            (TypeOid(20_000), facts("public", "price", TypeSort::Domain { base: TypeOid(1700), typmod: 655_366 })),
            (TypeOid(20_001), facts("public", "_price", TypeSort::Array(TypeOid(20_000)))),
            (TypeOid(20_002), facts("My Types", "mood", TypeSort::Enum(vec!["good".to_owned(), "bad".to_owned()]))),
            (TypeOid(20_003), facts("public", "feeling", TypeSort::Domain { base: TypeOid(20_002), typmod: -1 })),
            (TypeOid(20_004), facts("gis", "geometry", TypeSort::Base)),
            (TypeOid(20_005), facts("public", "self", TypeSort::Domain { base: TypeOid(20_005), typmod: -1 })),
        ]);
        DeclaredType::of(TypeOid(oid), typmod, &types)
    }

    #[test]
    fn types_have_names_and_what_was_declared_behind_them() {
        for (oid, typmod, name, modifiers, made_of, labels) in [
            (23, -1, "int4", &[][..], &[][..], &[][..]),
            (1700, 655_366, "numeric", &[10, 2], &[], &[]),
            (1043, 24, "varchar", &[20], &[], &[]),
            (1114, 3, "timestamp", &[3], &[], &[]),
            (1015, 24, "_varchar", &[20], &["varchar(20)"], &[]),
            (20_000, -1, "public.price", &[], &["numeric(10,2)"], &[]),
            (20_001, -1, "public._price", &[], &["public.price", "numeric(10,2)"], &[]),
            (20_002, -1, "\"My Types\".mood", &[], &[], &["good", "bad"]),
            (20_003, -1, "public.feeling", &[], &["\"My Types\".mood"], &["good", "bad"]),
            (20_004, 1_107_460, "gis.geometry", &[1_107_460], &[], &[]),
            (29_999, -1, "?", &[], &[], &[]),
            (9_999, -1, "pg_type_9999", &[], &[], &[]),
        ] {
            let found = declared(oid, typmod);
            assert_eq!((found.name.as_str(), found.modifiers.as_slice()), (name, modifiers), "{oid}");
            assert_eq!((&found.made_of[..], &found.labels[..]), (&own(made_of)[..], &own(labels)[..]), "{oid}");
        }
    }

    fn own(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_type_that_is_made_of_itself_comes_to_an_end() {
        assert_eq!(declared(20_005, -1).made_of.len(), DEPTH_MAX);
    }
}
