//! Numbers over shapes, records and restarts.

use std::sync::Arc;

use super::record::Record;
use super::*;
use crate::catalog::{Column, ColumnType, DeclaredType, Learnt, Nullability, RelationVersion, SourceType};
use crate::lsn::{CommitLsn, Lsn, Position};
use crate::pgoutput::{RelationId, ReplicaIdentity, TypeOid};
use crate::pgtime::PgMicros;

fn column(name: &str, declared: DeclaredType) -> Column {
    Column {
        name: name.to_owned(),
        type_oid: TypeOid(23),
        typmod: -1,
        identity: false,
        column_type: ColumnType::Int4,
        declared,
        nullability: Nullability::Required,
        default: None,
        source_type: SourceType::default(),
        learnt: Learnt::FromStream,
    }
}

fn int4() -> DeclaredType {
    DeclaredType { name: "int4".to_owned(), ..DeclaredType::default() }
}

fn table(columns: Vec<Column>) -> RelationVersion {
    RelationVersion {
        id: RelationId(16_400),
        version: 1,
        schema: "public".to_owned(),
        table: "t".to_owned(),
        identity: ReplicaIdentity::Default,
        columns,
        key: vec![0],
    }
}

fn at(commit: u64, ordinal: u64) -> Position {
    Position { commit: CommitLsn::new(Lsn::new(commit)), ordinal }
}

const TIME: PgMicros = PgMicros::from_unix_micros(1_700_000_000_123_456);

/// Gives a number and keeps it, as the pipeline does; the record where one had to be written.
fn used(book: &mut Numbers, relation: &RelationVersion) -> (u32, Option<Record>) {
    let (number, standing) = book.number(&relation.schema, &relation.table, Fingerprint::of(relation));
    let record = (standing == Standing::Given).then(|| Record::new(relation, number, at(0x10, 1), TIME));
    book.kept(&relation.schema, &relation.table, number);
    (number.get(), record)
}

#[test]
fn a_record_says_what_the_table_looked_like() {
    let mut price = column("price", DeclaredType { name: "numeric".to_owned(), modifiers: vec![10, 2], ..int4() });
    (price.nullability, price.default) = (Nullability::Optional, Some("0.00".to_owned()));
    let mood = DeclaredType {
        name: "public.feeling".to_owned(),
        made_of: vec!["public.mood".to_owned()],
        labels: vec!["good".to_owned(), "ba\"d".to_owned()],
        ..int4()
    };
    let mut id = column("id", int4());
    id.identity = true;
    let relation = table(vec![id, price, column("mood", mood)]);
    let (number, _) = Numbers::default().number("public", "t", Fingerprint::of(&relation));
    let record = Record::new(&relation, number, at(0x10_0000_00AB, 3), TIME);
    assert_eq!(record.key, br#"{"schema":"public","table":"t","number":1}"#);
    let value = String::from_utf8(record.value).unwrap();
    let fingerprint = Fingerprint::of(&relation);
    let shape = concat!(
        r#""schema":"public","table":"t","columns":["#,
        r#"{"name":"id","type":"int4","modifiers":[],"made_of":[],"labels":[],"optional":false,"default":null,"identity":true},"#,
        r#"{"name":"price","type":"numeric","modifiers":[10,2],"made_of":[],"labels":[],"optional":true,"default":"0.00","identity":false},"#,
        r#"{"name":"mood","type":"public.feeling","modifiers":[],"made_of":["public.mood"],"labels":["good","ba\"d"],"optional":false,"default":null,"identity":false}"#,
        r#"],"key":["id"],"replica_identity":"default"}"#
    );
    let head = format!(r#"{{"number":1,"fingerprint":"{fingerprint}","position":"10/AB:3","ts_us":1700000000123456,"#);
    assert_eq!(value, format!("{head}{shape}"));
    // What anyone can check: the fingerprint is the hash of those members.
    let hash = <sha2::Sha256 as sha2::Digest>::digest(format!("{{{shape}"));
    assert_eq!(fingerprint.to_string(), hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
}

#[test]
fn every_part_of_a_shape_tells_versions_apart_and_nothing_else_does() {
    let changed = |change: &dyn Fn(&mut RelationVersion)| {
        let mut relation = table(vec![column("a", int4()), column("b", int4())]);
        change(&mut relation);
        Fingerprint::of(&relation)
    };
    let original = changed(&|_| {});
    let differing: [&dyn Fn(&mut RelationVersion); 15] = [
        &|r| r.schema = "other".to_owned(),
        &|r| r.table = "u".to_owned(),
        &|r| r.identity = ReplicaIdentity::Full,
        &|r| r.key = vec![1],
        &|r| r.key = vec![0, 1],
        &|r| r.key = vec![],
        &|r| r.columns.swap(0, 1),
        &|r| drop(r.columns.pop()),
        &|r| r.columns[1].name = "c".to_owned(),
        &|r| r.columns[1].declared.name = "int8".to_owned(),
        &|r| r.columns[1].declared.modifiers = vec![1],
        &|r| r.columns[1].declared.made_of = vec!["int4".to_owned()],
        &|r| r.columns[1].nullability = Nullability::Optional,
        &|r| r.columns[1].default = Some("1".to_owned()),
        &|r| r.columns[1].identity = true,
    ];
    let mut seen = vec![original];
    for (at, change) in differing.into_iter().enumerate() {
        let fingerprint = changed(change);
        assert!(!seen.contains(&fingerprint), "change {at}");
        seen.push(fingerprint);
    }
    let same: [&dyn Fn(&mut RelationVersion); 4] =
        [&|r| r.id = RelationId(99_999), &|r| r.version = 7, &|r| r.columns[1].type_oid = TypeOid(99_999), &|r| {
            r.columns[1].column_type = ColumnType::Enum(Arc::from([]))
        }];
    for change in same {
        assert_eq!(changed(change), original, "OIDs and our own view of a type are no part of a version");
    }
}

#[test]
fn numbers_count_per_table_and_survive_a_restart() {
    // Given three versions of one table and one of another
    let first = table(vec![column("a", int4())]);
    let second = table(vec![column("a", int4()), column("b", int4())]);
    let third = table(vec![column("a", int4()), column("c", int4())]);
    let other = RelationVersion { table: "u".to_owned(), ..table(vec![column("a", int4())]) };
    let mut book = Numbers::default();
    let mut records = Vec::new();
    for (relation, number) in [(&first, 1), (&second, 2), (&other, 1), (&first, 1), (&third, 3), (&second, 2)] {
        let (given, record) = used(&mut book, relation);
        assert_eq!(given, number, "a shape that comes back has its number back");
        records.extend(record);
    }
    assert_eq!((records.len(), book.len()), (4, 4), "one record a version");

    // When the records are read by the next process, in the order of the store and twice over
    let mut next = Numbers::default();
    for record in records.iter().chain(&records) {
        next.take(Some(&record.key), Some(&record.value)).unwrap();
    }

    // Then every version has its number, nothing is written for it, and a new version has the next one
    for (relation, number) in [(&second, 2), (&third, 3), (&first, 1), (&other, 1)] {
        assert_eq!(used(&mut next, relation), (number, None));
    }
    let fourth = table(vec![column("z", int4())]);
    assert_eq!(used(&mut next, &fourth).0, 4);
}

#[test]
fn a_number_whose_writing_was_broken_off_stays_with_its_version() {
    // Given a number that was given out, and never heard of again
    let (first, second) = (table(vec![column("a", int4())]), table(vec![column("b", int4())]));
    let mut book = Numbers::default();
    let (number, standing) = book.number("public", "t", Fingerprint::of(&first));
    assert_eq!((number.get(), standing), (1, Standing::Given));

    // When another version comes first, then it has a number of its own; the first one is to be written again, as it was.
    assert_eq!(used(&mut book, &second).0, 2);
    let again = book.number("public", "t", Fingerprint::of(&first));
    assert_eq!(again, (number, Standing::Given));
    assert_eq!(Record::new(&first, number, at(7, 1), TIME), Record::new(&first, number, at(7, 1), TIME));
}

#[test]
fn a_removed_version_is_forgotten_and_its_number_is_not_given_out_again() {
    let (first, second) = (table(vec![column("a", int4())]), table(vec![column("b", int4())]));
    let mut book = Numbers::default();
    for relation in [&first, &second] {
        let (_, record) = used(&mut book, relation);
        let record = record.unwrap();
        book.take(Some(&record.key), Some(&record.value)).unwrap();
    }
    book.take(Some(br#"{"schema":"public","table":"t","number":2}"#), None).unwrap();
    assert_eq!(used(&mut book, &first).0, 1);
    assert_eq!(used(&mut book, &second).0, 3);
}

#[test]
fn what_is_no_record_of_the_history_is_named() {
    const KEY: &[u8] = br#"{"schema":"s","table":"t","number":1}"#;
    let fingerprint = "0".repeat(64);
    let value = |number: u32, fingerprint: &str| {
        format!(r#"{{"schema":"s","table":"t","number":{number},"fingerprint":"{fingerprint}","new":1}}"#).into_bytes()
    };
    let mut book = Numbers::default();
    book.take(Some(KEY), Some(&value(1, &fingerprint))).unwrap();
    for (key, value, why) in [
        (None, Some(value(1, &fingerprint)), "no key"),
        (Some(&b"\xff"[..]), Some(value(1, &fingerprint)), "key"),
        (Some(br#"{"schema":"s","table":"t"}"#), None, "key"),
        (Some(br#"{"schema":"s","table":"t","number":0}"#), None, "0"),
        (Some(KEY), Some(b"{}".to_vec()), "value"),
        (Some(KEY), Some(b"".to_vec()), "value"),
        (Some(KEY), Some(value(2, &fingerprint)), "another version"),
        (Some(KEY), Some(value(1, "xyz")), "fingerprint"),
        (Some(KEY), Some(value(1, &"é".repeat(32))), "fingerprint"),
    ] {
        let error = book.take(key, value.as_deref()).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!(book.len(), 1, "what cannot be read changes nothing");
}
