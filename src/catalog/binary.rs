//! Which types a binary session can carry.
//!
//! pgoutput's option `binary` holds for a whole session: it sends each value whose type has a send function in its binary
//! form, and the rest as text. Owns [`BinaryUse`], the judgement of a type by its OID and facts.
//!
//! Must never call a form safe because of a name alone: what an extension's type is called says nothing of its bytes where
//! the type is not that extension's own.

use std::collections::HashMap;

use super::facts::{Sending, TypeFacts, TypeSort};
use super::types;
use crate::pgoutput::TypeOid;

/// What a column of a type means for a binary session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryUse {
    /// Its values can be read: in their binary form, or as the text that comes where there is none.
    Fits,
    /// Its values would come in a form that is not known or tells less than the text.
    Unreadable,
    /// The server itself fails at a value: at a part, of an array or composite value, that has no send function.
    /// That ends the session even where nobody reads the column.
    MayStop,
}

/// Extensions whose types are known, by the type's name.
const EXTENSIONS: [(&str, &str); 9] = [
    ("citext", "citext"),
    ("geography", "postgis"),
    ("geometry", "postgis"),
    ("halfvec", "vector"),
    ("hstore", "hstore"),
    ("isbn", "isn"),
    ("ltree", "ltree"),
    ("sparsevec", "vector"),
    ("vector", "vector"),
];

/// Built-in types that have no send function: `aclitem`, `gtsvector`.
const UNSENT: [u32; 2] = [1033, 3642];
/// Built-in types of which a part has none: arrays of those, the row types of `pg_type`, `pg_attribute`, `pg_proc` and
/// `pg_class`, and arrays of these.
const PART_UNSENT: [u32; 10] = [71, 75, 81, 83, 210, 270, 272, 273, 1034, 3644];

/// Judges a column's type.
#[must_use]
pub fn binary_use(oid: TypeOid, types: &HashMap<TypeOid, TypeFacts>) -> BinaryUse {
    match sending(oid, types) {
        Sending::Text => BinaryUse::Fits,
        Sending::Stops => BinaryUse::MayStop,
        Sending::Binary if types::resolve(oid, -1, types).has_safe_binary() && !is_anothers(oid, types) => {
            BinaryUse::Fits
        }
        Sending::Binary => BinaryUse::Unreadable,
    }
}

/// Whether a column's values must be asked for as text in a binary COPY, which fails where pgoutput would send text.
#[must_use]
pub fn copies_as_text(oid: TypeOid, types: &HashMap<TypeOid, TypeFacts>) -> bool {
    sending(oid, types) != Sending::Binary || binary_use(oid, types) != BinaryUse::Fits
}

/// Nobody knows how a type is sent that the catalog does not know any more.
fn sending(oid: TypeOid, types: &HashMap<TypeOid, TypeFacts>) -> Sending {
    if !types::is_built_in(oid) {
        return types.get(&oid).map_or(Sending::Stops, |facts| facts.sending);
    }
    match oid.0 {
        oid if UNSENT.contains(&oid) => Sending::Text,
        oid if PART_UNSENT.contains(&oid) => Sending::Stops,
        _ => Sending::Binary,
    }
}

/// Whether the type, or what it is made of, bears the name of an extension's type without being the extension's.
fn is_anothers(oid: TypeOid, types: &HashMap<TypeOid, TypeFacts>) -> bool {
    let mut oid = oid;
    // What is made of more types than there are, is made of itself.
    for _ in 0..=types.len() {
        let Some(facts) = types.get(&oid) else { return false };
        oid = match facts.sort {
            TypeSort::Domain { base, .. } => base,
            TypeSort::Array(element) => element,
            TypeSort::Base => {
                let known = EXTENSIONS.iter().find(|(name, _)| *name == facts.name);
                return known.is_some_and(|(_, extension)| facts.extension.as_deref() != Some(extension));
            }
            TypeSort::Enum(_) | TypeSort::Other => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: TypeOid = TypeOid(20_000);
    const ARRAY: TypeOid = TypeOid(20_001);
    const DOMAIN: TypeOid = TypeOid(20_002);

    /// A type with its array and a domain over the array.
    fn family(name: &str, extension: Option<&str>, sort: TypeSort, sending: Sending) -> HashMap<TypeOid, TypeFacts> {
        let whole = if sending == Sending::Text { Sending::Stops } else { sending };
        let facts = |name: &str, extension: Option<&str>, sort| TypeFacts {
            name: name.to_owned(),
            schema: "public".to_owned(),
            sending: if matches!(sort, TypeSort::Array(_) | TypeSort::Domain { .. }) { whole } else { sending },
            sort,
            extension: extension.map(str::to_owned),
        };
        HashMap::from([
            (BASE, facts(name, extension, sort)),
            (ARRAY, facts("_it", None, TypeSort::Array(BASE))),
            (DOMAIN, facts("it", None, TypeSort::Domain { base: ARRAY, typmod: -1 })),
        ])
    }

    fn uses_of(name: &str, extension: Option<&str>, sort: TypeSort, sending: Sending) -> [BinaryUse; 3] {
        let types = family(name, extension, sort, sending);
        [BASE, ARRAY, DOMAIN].map(|oid| binary_use(oid, &types))
    }

    fn uses(name: &str, extension: Option<&str>, sort: TypeSort) -> [BinaryUse; 3] {
        uses_of(name, extension, sort, Sending::Binary)
    }

    #[test]
    fn built_in_types_are_judged_by_their_form() {
        let none = HashMap::new();
        for (oid, expected) in [
            (23, BinaryUse::Fits),
            (1007, BinaryUse::Fits),
            (1700, BinaryUse::Fits),
            (3220, BinaryUse::Fits),
            (790, BinaryUse::Unreadable),
            (791, BinaryUse::Unreadable),
            (2205, BinaryUse::Unreadable),
            (2210, BinaryUse::Unreadable),
            (1033, BinaryUse::Fits),
            (1034, BinaryUse::MayStop),
        ] {
            assert_eq!(binary_use(TypeOid(oid), &none), expected, "{oid}");
        }
        assert_eq!(binary_use(BASE, &none), BinaryUse::MayStop, "a type that the catalog does not know any more");
    }

    #[test]
    fn types_of_ones_own_are_judged_by_what_they_are_made_of() {
        use BinaryUse::{Fits, MayStop, Unreadable};
        assert_eq!(uses("mood", None, TypeSort::Enum(vec!["sad".to_owned()])), [Fits; 3]);
        assert_eq!(uses("pair", None, TypeSort::Other), [Unreadable; 3]);
        let part_unsent = uses_of("pair", None, TypeSort::Other, Sending::Stops);
        assert_eq!(part_unsent, [MayStop; 3]);
        assert_eq!(uses("hstore", Some("hstore"), TypeSort::Base), [Fits; 3]);
        assert_eq!(uses("vector", Some("vector"), TypeSort::Base), [Fits; 3]);
        assert_eq!(uses("vector", Some("vectors"), TypeSort::Base), [Unreadable; 3], "another extension's");
        assert_eq!(uses("ltree", None, TypeSort::Base), [Unreadable; 3], "nobody's");
        assert_eq!(uses_of("isbn", Some("isn"), TypeSort::Base, Sending::Text), [Fits, MayStop, MayStop]);
        assert_eq!(uses("ip4", Some("ip4r"), TypeSort::Base), [Unreadable; 3]);
    }

    #[test]
    fn a_domain_of_itself_ends() {
        let mut types = family("it", None, TypeSort::Base, Sending::Binary);
        types.get_mut(&DOMAIN).unwrap().sort = TypeSort::Domain { base: DOMAIN, typmod: -1 };
        assert_eq!(binary_use(DOMAIN, &types), BinaryUse::Unreadable);
    }
}
