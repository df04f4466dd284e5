//! Types, defaults, keys and versions, each as a table of cases.

use std::collections::HashMap;
use std::sync::Arc;

use super::facts::{ColumnFacts, Facts, Sending, TableFacts, TypeFacts, TypeSort};
use super::{
    Catalog, ColumnType, Nullability, NumericSize, OwnedRelation, RangeType, RelationVersion, Seen, UnknownType,
    default, types,
};
use crate::error::Kind;
use crate::pgoutput::build::ColumnsBuffer;
use crate::pgoutput::{Relation, RelationColumn, RelationId, ReplicaIdentity, TypeOid, Xid};

const TABLE: RelationId = RelationId(16_400);
const INT4: TypeOid = TypeOid(23);
const TEXT: TypeOid = TypeOid(25);
const MOOD: TypeOid = TypeOid(20_000);

fn column(name: &str, type_oid: TypeOid, identity: bool) -> RelationColumn<'_> {
    RelationColumn { identity, name, type_oid, typmod: -1 }
}

fn with_relation<T>(columns: &[RelationColumn<'_>], then: impl FnOnce(&Relation<'_>) -> T) -> T {
    let columns = ColumnsBuffer::new(columns);
    then(&Relation {
        xid: None,
        id: TABLE,
        schema: "public",
        table: "t",
        identity: ReplicaIdentity::Default,
        columns: columns.columns(),
    })
}

fn owned(columns: &[RelationColumn<'_>]) -> OwnedRelation {
    with_relation(columns, |relation| OwnedRelation::from(relation))
}

fn table_facts(columns: &[&str], primary_key: &[&str], unique_indexes: &[&[&str]]) -> TableFacts {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    TableFacts {
        columns: columns
            .iter()
            .map(|name| ColumnFacts { name: (*name).to_owned(), not_null: true, default_expression: None })
            .collect(),
        primary_key: names(primary_key),
        unique_indexes: unique_indexes.iter().map(|index| names(index)).collect(),
    }
}

/// A transaction that the facts below show.
const ENDED: Option<Xid> = Some(Xid(99));

fn facts(table: TableFacts) -> Facts {
    Facts { tables: HashMap::from([(TABLE, table)]), types: HashMap::new(), ended_before: Some(Xid(100)) }
}

fn learned(columns: &[RelationColumn<'_>], table: TableFacts) -> Arc<RelationVersion> {
    Catalog::new().learn(&owned(columns), &facts(table))
}

#[test]
fn types_are_resolved_by_oid_and_modifier() {
    let domain = |base, typmod| TypeSort::Domain { base, typmod };
    let known = |oid, name: &str, sort| {
        (
            TypeOid(oid),
            TypeFacts {
                name: name.to_owned(),
                schema: "public".to_owned(),
                sort,
                extension: None,
                sending: Sending::Binary,
            },
        )
    };
    let known = HashMap::from([
        known(20_000, "mood", TypeSort::Enum(vec!["sad".to_owned(), "ok".to_owned()])),
        known(20_001, "price", domain(TypeOid(1700), 655_366)),
        known(20_002, "high_price", domain(TypeOid(20_001), -1)),
        known(20_003, "citext", TypeSort::Base),
        known(20_004, "geometry", TypeSort::Base),
        known(20_005, "_mood", TypeSort::Array(MOOD)),
        known(20_006, "pair", TypeSort::Other),
        known(20_007, "endless", domain(TypeOid(20_007), -1)),
        known(20_008, "feeling", domain(MOOD, -1)),
        known(20_009, "deep_feeling", domain(TypeOid(20_008), -1)),
        known(20_010, "_feeling", TypeSort::Array(TypeOid(20_008))),
        known(20_011, "ints", domain(TypeOid(1007), -1)),
        known(20_012, "hstore", TypeSort::Base),
        known(20_013, "_hstore", TypeSort::Array(TypeOid(20_012))),
        known(20_014, "vector", TypeSort::Base),
        known(20_015, "xmldom", domain(TypeOid(142), -1)),
        known(20_016, "_xmldom", TypeSort::Array(TypeOid(20_015))),
        known(20_017, "endless", TypeSort::Array(TypeOid(20_017))),
        known(20_018, "prices", domain(TypeOid(1231), 655_366)),
        known(20_019, "lquery", TypeSort::Base),
    ]);
    let opaque = ColumnType::Unknown(UnknownType::Opaque);
    let array = |element| ColumnType::Array(Box::new(element));
    let size = |precision, scale| ColumnType::Numeric(Some(NumericSize { precision, scale }));
    let mood = ColumnType::Enum(Arc::from(["sad".to_owned(), "ok".to_owned()]));
    for (oid, typmod, expected) in [
        (16, -1, ColumnType::Bool),
        (21, -1, ColumnType::Int2),
        (26, -1, ColumnType::Oid),
        (1700, -1, ColumnType::Numeric(None)),
        (1700, 655_366, size(10, 2)),
        (1700, (5 << 16) + 4, size(5, 0)),
        (1700, (5 << 16) + 0x7FE + 4, size(5, -2)),
        (1043, 24, ColumnType::Text),
        (18, -1, ColumnType::Char),
        (19, -1, ColumnType::Name),
        (142, -1, ColumnType::Xml),
        (1560, 1, ColumnType::Bit(Some(1))),
        (1562, -1, ColumnType::VarBit(None)),
        (1562, 7, ColumnType::VarBit(Some(7))),
        (1266, 3, ColumnType::TimeTz(3)),
        (603, -1, ColumnType::Box),
        (3906, -1, ColumnType::Range(RangeType::Numeric)),
        (4532, -1, ColumnType::Unknown(UnknownType::Multirange(RangeType::Numeric))),
        (3220, -1, ColumnType::Unknown(UnknownType::PgLsn)),
        (3615, -1, opaque.clone()),
        (22, -1, opaque.clone()),
        (1083, -1, ColumnType::Time(6)),
        (1083, 0, ColumnType::Time(0)),
        (1114, 3, ColumnType::Timestamp(3)),
        (1184, -1, ColumnType::TimestampTz(6)),
        (1186, -1, ColumnType::Interval),
        (1007, -1, array(ColumnType::Int4)),
        (143, -1, ColumnType::DroppedArray(Box::new(ColumnType::Xml))),
        (1563, 7, ColumnType::DroppedArray(Box::new(ColumnType::VarBit(Some(7))))),
        (1561, 7, array(ColumnType::Bit(Some(7)))),
        (1231, 655_366, array(size(10, 2))),
        (6157, -1, array(ColumnType::Unknown(UnknownType::Multirange(RangeType::Int8)))),
        (20_000, -1, mood.clone()),
        (20_001, -1, size(10, 2)),
        (20_002, -1, size(10, 2)),
        (20_003, -1, ColumnType::Text),
        (20_004, -1, ColumnType::Geometry),
        (20_005, -1, array(mood.clone())),
        (20_006, -1, opaque.clone()),
        (20_007, -1, opaque.clone()),
        (20_008, -1, mood.clone()),
        (20_009, -1, mood.clone()),
        (20_010, -1, ColumnType::DomainArray(Box::new(mood))),
        (20_011, -1, array(ColumnType::Int4)),
        (20_013, -1, array(ColumnType::Hstore)),
        (20_014, 3, ColumnType::Vector),
        (20_016, -1, ColumnType::DomainArray(Box::new(ColumnType::Xml))),
        (20_018, -1, array(size(10, 2))),
        (20_019, -1, opaque.clone()),
        (29_999, -1, opaque),
    ] {
        assert_eq!(types::resolve(TypeOid(oid), typmod, &known), expected, "{oid} {typmod}");
    }
}

#[test]
fn endless_arrays_end() {
    let facts = TypeFacts {
        name: "_x".to_owned(),
        schema: "public".to_owned(),
        sort: TypeSort::Array(MOOD),
        extension: None,
        sending: Sending::Binary,
    };
    let types = HashMap::from([(MOOD, facts)]);
    let mut found = &types::resolve(MOOD, -1, &types);
    let mut depth = 0;
    while let ColumnType::Array(element) = found {
        (found, depth) = (element, depth + 1);
    }
    assert_eq!((found, depth), (&ColumnType::Unknown(UnknownType::Opaque), 64));
}

#[test]
fn an_array_is_as_safe_in_binary_as_its_element() {
    let array = |element| ColumnType::DomainArray(Box::new(ColumnType::Array(Box::new(element))));
    for (column_type, safe) in [
        (ColumnType::Int4, true),
        (ColumnType::Xml, true),
        (ColumnType::Unknown(UnknownType::PgLsn), true),
        (ColumnType::Money, false),
        (ColumnType::Isbn, false),
        (ColumnType::Unknown(UnknownType::Opaque), false),
    ] {
        assert_eq!(column_type.has_safe_binary(), safe, "{column_type:?}");
        assert_eq!(array(column_type).has_safe_binary(), safe);
    }
}

#[test]
fn defaults_are_read_as_debezium_reads_them() {
    let mood = ColumnType::Enum(Arc::from(["sad".to_owned(), "it's".to_owned()]));
    for (oid, expression, expected) in [
        (23, "42", Some("42")),
        (23, "'-1'::integer", Some("-1")),
        (23, "nextval('t_id_seq'::regclass)", Some("0")),
        (23, "NULL::integer", None),
        (20, " 7 ", Some("7")),
        (16, "true", Some("t")),
        (16, "false", Some("f")),
        (16, "(1 > 0)", Some("f")),
        (25, "'abc'::text", Some("abc")),
        (25, "'it''s \"x\"'::text", Some("it")),
        (25, "'a'::text || 'b'::text", Some("a")),
        (25, "CURRENT_USER", Some("CURRENT_USER")),
        (25, "upper('x'::text)", Some("")),
        (25, "'now()'::text", Some("now()")),
        (25, "'line\nbreak'::text", None),
        (25, "'line\nbreak' || 'x'", Some(" || ")),
        (1043, "''::character varying", Some("")),
        (3802, "'{\"a\": 1}'::jsonb", Some("{\"a\": 1}")),
        (3802, "jsonb_build_object()", Some("{}")),
        (1700, "0.00", Some("0.00")),
        (1700, "(10)::numeric", Some("(10)::numeric")),
        (701, "'NaN'::double precision", Some("NaN")),
        (1082, "CURRENT_DATE", Some("1970-01-01")),
        (1083, "LOCALTIME", Some("00:00:00")),
        (1184, "now()", Some("1970-01-01 00:00:00+00")),
        (1184, "CURRENT_TIMESTAMP(3)", Some("1970-01-01 00:00:00+00")),
        (2950, "gen_random_uuid()", Some("00000000-0000-0000-0000-000000000000")),
        (1560, "B'1'::\"bit\"", Some("1")),
        (1560, "random_bit()", Some("00")),
        (1562, "'101'::\"bit\"", Some("101")),
        (1562, "b()", Some("0")),
        (1186, "'1 day'::interval", Some("1 day")),
        (1186, "make_interval(1)", Some("00:00:00")),
        (17, "'\\x00'::bytea", None),
        (19, "'n'::name", None),
        (18, "'c'::\"char\"", None),
        (26, "7", None),
        (20_000, "'sad'::mood", Some("sad")),
        (20_000, "'gone'::mood", None),
        (20_000, "first_mood()", None),
    ] {
        let column_type = if oid == 20_000 { &mood } else { &ColumnType::Text };
        let found = default::literal(TypeOid(oid), column_type, expression);
        assert_eq!(found.as_deref(), expected, "{oid} {expression}");
    }
}

#[test]
fn the_key_is_the_primary_key_or_the_first_usable_unique_index() {
    let columns = [column("a", INT4, true), column("b", INT4, false), column("b(c)", INT4, false)];
    let names: &[&str] = &["a", "b", "b(c)"];
    for (primary_key, unique_indexes, expected) in [
        (&["a"][..], &[][..], &["a"][..]),
        (&["b", "a"], &[], &["b", "a"]),
        (&["a"], &[&["b"][..]], &["a"]),
        (&[], &[&["b"], &["a"]], &["b"]),
        (&[], &[&["b(c)"], &["a"]], &["a"]),
        (&[], &[], &[]),
        // The catalog is ahead of the stream: the message's identity tells what the key was.
        (&["a", "later"], &[], &["a"]),
        (&["later"], &[&["b"]], &["a"]),
    ] {
        let version = learned(&columns, table_facts(names, primary_key, unique_indexes));
        assert_eq!(version.key_names(), expected, "{primary_key:?} {unique_indexes:?}");
    }
}

#[test]
fn a_table_gone_from_the_catalog_keeps_its_key() {
    let columns = [column("a", INT4, true), column("b", INT4, false)];
    let mut catalog = Catalog::new();
    catalog.learn(&owned(&columns), &facts(table_facts(&["a", "b"], &["b", "a"], &[])));

    let known = catalog.learn(&owned(&columns), &Facts::default());
    let unknown = Catalog::new().learn(&owned(&columns), &Facts::default());

    assert_eq!(known.key_names(), ["b", "a"]);
    assert_eq!(unknown.key_names(), ["a"]);
    assert!(known.columns.iter().all(|column| column.nullability == Nullability::Optional));
}

#[test]
fn a_version_rises_only_when_something_differs() {
    let narrow = owned(&[column("a", INT4, true)]);
    let wide = owned(&[column("a", INT4, true), column("b", TEXT, false)]);
    let mut catalog = Catalog::new();
    let mut defaulted = table_facts(&["a", "b"], &["a"], &[]);
    let plain = facts(defaulted.clone());
    defaulted.columns[1].default_expression = Some("'x'::text".to_owned());
    let defaulted = facts(defaulted);

    let first = catalog.learn(&narrow, &plain);
    let again = catalog.learn(&narrow, &plain);
    let second = catalog.learn(&wide, &plain);
    let third = catalog.learn(&wide, &defaulted);
    let fourth = catalog.learn(&narrow, &plain);

    assert!(Arc::ptr_eq(&first, &again));
    assert_eq!([&first, &second, &third, &fourth].map(|version| version.version), [1, 2, 3, 4]);
    assert_eq!(third.columns[1].default.as_deref(), Some("x"));
    assert_eq!(second.columns.len(), 2, "a version in use does not change");
}

#[test]
fn every_message_but_the_first_asks_for_facts_again() {
    let mut catalog = Catalog::new();
    let table = facts(table_facts(&["a"], &["a"], &[]));
    catalog.start_session(table.clone());
    with_relation(&[column("a", INT4, true)], |message| {
        let Seen::Same(first) = catalog.observe(message, ENDED) else { panic!("the facts of the session cover it") };
        assert!(Arc::ptr_eq(&first, catalog.require(TABLE).unwrap()));

        let Seen::NeedsFacts(owned) = catalog.observe(message, ENDED) else { panic!("something may have changed") };
        assert!(catalog.get(TABLE).is_none(), "no row may be decoded before the facts are there");
        assert_eq!(catalog.require(TABLE).unwrap_err().kind(), Kind::Bug);
        assert!(Arc::ptr_eq(&first, &catalog.learn(&owned, &table)));

        catalog.start_session(Facts::default());
        assert_eq!(catalog.require(TABLE).unwrap_err().kind(), Kind::Protocol, "the server sends it again first");
        assert!(matches!(catalog.observe(message, ENDED), Seen::NeedsFacts(_)));
    });
}

#[test]
fn facts_do_not_cover_a_transaction_that_may_have_ended_after_they_were_read() {
    // The last one stands behind the turn of the 32-bit counter.
    for (before, xid, covered) in [
        (Some(100), Some(99), true),
        (Some(100), Some(100), false),
        (Some(100), Some(101), false),
        (None, Some(99), false),
        (Some(100), None, false),
        (Some(5), Some(u32::MAX), true),
    ] {
        let mut catalog = Catalog::new();
        let facts = facts(table_facts(&["a"], &["a"], &[]));
        catalog.start_session(Facts { ended_before: before.map(Xid), ..facts });
        with_relation(&[column("a", INT4, true)], |message| {
            let seen = catalog.observe(message, xid.map(Xid));
            assert_eq!(matches!(seen, Seen::Same(_)), covered, "{xid:?} before {before:?}");
        });
    }
}

#[test]
fn facts_without_a_foreign_type_do_not_cover_a_relation() {
    let mut catalog = Catalog::new();
    catalog.start_session(facts(table_facts(&["a", "m"], &["a"], &[])));
    with_relation(&[column("a", INT4, true), column("m", MOOD, false)], |message| {
        let Seen::NeedsFacts(owned) = catalog.observe(message, ENDED) else { panic!("the type is not known") };
        assert_eq!(owned.foreign_types(), [MOOD]);
    });
}
