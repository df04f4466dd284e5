//! Which types a binary session can carry.
//!
//! pgoutput's option `binary` holds for a whole session: it sends each value whose type has a send function in its binary
//! form, and the rest as text. Owns [`BinaryUse`], the judgement of a type by its OID and facts.
//!
//! Must never call a form safe because of a name alone: what an extension's type is called says nothing of its bytes where
//! the type is not that extension's own.

use std::collections::HashMap;

use super::facts::{TypeFacts, TypeSort};
use super::{ColumnType, UnknownType, types};
use crate::pgoutput::TypeOid;

/// What a column of a type means for a binary session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryUse {
    /// Its values can be read: in their binary form, or as the text that comes where there is none.
    Fits,
    /// Its values would come in a form that is not known or tells less than the text.
    Unreadable,
    /// The server itself may fail at a value: at a part, of an array or composite value, that has no send function.
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

/// Judges a column's type.
#[must_use]
pub fn binary_use(oid: TypeOid, types: &HashMap<TypeOid, TypeFacts>) -> BinaryUse {
    match use_of(&types::resolve(oid, -1, types)) {
        BinaryUse::Fits if is_anothers(oid, types) => BinaryUse::Unreadable,
        found => found,
    }
}

/// Whether a column's values must be asked for as text in a binary COPY, which fails where pgoutput would send text.
#[must_use]
pub fn copies_as_text(oid: TypeOid, types: &HashMap<TypeOid, TypeFacts>) -> bool {
    types::resolve(oid, -1, types) == ColumnType::Isbn || binary_use(oid, types) != BinaryUse::Fits
}

fn use_of(column_type: &ColumnType) -> BinaryUse {
    match column_type {
        // It has no send function, so its text comes.
        ColumnType::Isbn => BinaryUse::Fits,
        ColumnType::Unknown(UnknownType::Opaque) => BinaryUse::MayStop,
        ColumnType::Array(element) | ColumnType::DomainArray(element) | ColumnType::DroppedArray(element) => {
            if **element == ColumnType::Isbn {
                BinaryUse::MayStop
            } else {
                use_of(element)
            }
        }
        _ if column_type.has_safe_binary() => BinaryUse::Fits,
        _ => BinaryUse::Unreadable,
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
    fn family(name: &str, extension: Option<&str>, sort: TypeSort) -> HashMap<TypeOid, TypeFacts> {
        let facts = |name: &str, extension: Option<&str>, sort| TypeFacts {
            name: name.to_owned(),
            schema: "public".to_owned(),
            sort,
            extension: extension.map(str::to_owned),
        };
        HashMap::from([
            (BASE, facts(name, extension, sort)),
            (ARRAY, facts("_it", None, TypeSort::Array(BASE))),
            (DOMAIN, facts("it", None, TypeSort::Domain { base: ARRAY, typmod: -1 })),
        ])
    }

    fn uses(name: &str, extension: Option<&str>, sort: TypeSort) -> [BinaryUse; 3] {
        let types = family(name, extension, sort);
        [BASE, ARRAY, DOMAIN].map(|oid| binary_use(oid, &types))
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
            (2205, BinaryUse::MayStop),
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
        assert_eq!(uses("pair", None, TypeSort::Other), [MayStop; 3]);
        assert_eq!(uses("hstore", Some("hstore"), TypeSort::Base), [Fits; 3]);
        assert_eq!(uses("vector", Some("vector"), TypeSort::Base), [Fits; 3]);
        assert_eq!(uses("vector", Some("vectors"), TypeSort::Base), [Unreadable; 3], "another extension's");
        assert_eq!(uses("ltree", None, TypeSort::Base), [Unreadable; 3], "nobody's");
        assert_eq!(uses("isbn", Some("isn"), TypeSort::Base), [Fits, MayStop, MayStop]);
        assert_eq!(uses("ip4", Some("ip4r"), TypeSort::Base), [MayStop; 3]);
    }

    #[test]
    fn a_domain_of_itself_ends() {
        let mut types = family("it", None, TypeSort::Base);
        types.get_mut(&DOMAIN).unwrap().sort = TypeSort::Domain { base: DOMAIN, typmod: -1 };
        assert_eq!(binary_use(DOMAIN, &types), BinaryUse::MayStop);
    }
}
