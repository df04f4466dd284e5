//! What is said about columns: good rules, bad ones, and salts that nobody may see.

use super::tests::{REQUIRED, bad, good, text, with};
use super::*;

#[test]
fn every_mistake_is_told_with_what_to_do() {
    for (more, part) in [
        ("message.key.columns=public.a", "must be tables:column,column"),
        ("message.key.columns=public.a:b:c", "must be tables:column,column"),
        ("message.key.columns=public.a:b,,c", "must be tables:column,column"),
        ("message.key.columns=:b", "must be tables:column,column"),
        ("message.key.columns=public.a:b;public.(c:d", "unclosed group"),
        ("column.include.list=public.a.(", "unclosed group"),
        ("column.include.list=a\ncolumn.exclude.list=b", "column.exclude.list (--set): cannot stand beside"),
        ("column.propagate.source.type=(?=a)", "look-ahead"),
        ("datatype.propagate.source.type=a++", "possessive"),
        ("column.mask.with.5.chars=public.a.(", "unclosed group"),
        ("column.mask.with.x.chars=public.a.b", "whole number"),
        ("column.mask.with.5.char=public.a.b", "whole number"),
        ("column.mask.with.-1.chars=public.a.b", "whole number"),
        ("column.truncate.to..chars=public.a.b", "whole number"),
        ("column.truncate.to.2147483648.chars=public.a.b", "whole number"),
        ("column.mask.hash.SHA-257.with.salt.s4lt=a.b.c", "SHA-256, SHA-384, SHA-512"),
        ("column.mask.hash.v2.crc32.with.salt.s4lt=a.b.c", "one of MD2, MD5, SHA-1"),
        ("column.mask.hash.v3.SHA-256.with.salt.s4lt=a.b.c", "an algorithm, .with.salt. and a salt"),
        ("column.mask.hash.SHA-256.with.s4lt=a.b.c", "an algorithm, .with.salt. and a salt"),
        ("column.mask.hash.MD5.with.salt.s4lt=public.a.(", "unclosed group"),
        (
            "converters=c\nc.type=io.debezium.connector.binlog.converters.TinyIntOneToBooleanConverter",
            "another database",
        ),
        ("converters=c\nc.type=com.oryanmoshe.kafka.connect.util.TimestampConverter\nc.format=x", "isostring"),
        ("converters=c", "\"c\" is without a class, and walcast runs no Java"),
    ] {
        let report = bad(more);
        assert!(report.contains(part), "{more:?} should say {part:?}:\n{report}");
        assert!(report.contains(" a mistake"), "{more:?} is one mistake:\n{report}");
    }
}

#[test]
fn rules_for_columns_are_read_in_the_order_in_which_they_hold() {
    // Given each kind of rule in the wrong order
    let loaded = good(
        "column.mask.hash.v2.sha512/256.with.salt.a.b=public.a.v2\ncolumn.mask.hash.MD5.with.salt.x=public.a.v1\n\
         datatype.propagate.source.type=.*\\.int4\ncolumn.propagate.source.type=public.*\n\
         column.mask.with.0.chars=public.a.stars\ncolumn.truncate.to.3.chars=public.a.cut,public.b.cut\n\
         column.exclude.list=public\\.a\\.gone\nmessage.key.columns=public.a:x,y; (.*)[.]b:z",
    );
    let columns = loaded.connector.records.columns;

    // Then truncation comes first and hashes last
    let hash = |algorithm, form, salt| ColumnAction::Hash(Hash { algorithm, form, salt: Secret::new(salt) });
    let actions: Vec<_> = columns.rules.iter().map(|rule| (rule.subject, &rule.action)).collect();
    assert_eq!(
        actions,
        [
            (Subject::Column, &ColumnAction::Cut { length: 3 }),
            (Subject::Column, &ColumnAction::Stars { count: 0 }),
            (Subject::Column, &ColumnAction::Describe),
            (Subject::Type, &ColumnAction::Describe),
            (Subject::Column, &hash(HashAlgorithm::Md5, HashForm::Serialized, "x")),
            (Subject::Column, &hash(HashAlgorithm::Sha512In256, HashForm::Utf8, "a.b")),
        ]
    );
    assert!(
        columns.rules[0].patterns.is_match("PUBLIC.B.CUT") && !columns.rules[0].patterns.is_match("public.a.cutter")
    );
    assert!(columns.filter.admits("public.a.x") && !columns.filter.admits("public.a.gone"));
    let keys: Vec<Vec<&str>> =
        columns.keys.iter().map(|rule| rule.columns.iter().map(|column| column.text.as_str()).collect()).collect();
    assert_eq!(keys, [vec!["x", "y"], vec!["z"]]);
    assert!(columns.keys[1].columns[0].patterns.is_match("other.b.z"));
}

#[test]
fn a_salt_appears_nowhere() {
    // Given good and bad masks with a salt; when they are loaded; then nothing that may be shown has it
    let shown = |more: &str| match with(more) {
        Ok(loaded) => format!("{loaded:?}"),
        Err(error) => error.report(),
    };
    for more in [
        "column.mask.hash.SHA-256.with.salt.s4lt=a.b.c",
        "column.mask.hash.SHA-25.with.salt.s4lt=a.b.c",
        "column.mask.hash.v2.MD5.with.salt.s4lt=(",
        "column.mask.hash.v2.MD5.with.Salt.s4lt=a.b.c",
        "colum.mask.hash.v2.MD5.with.salt.s4lt=a.b.c",
        "column.mask.hash.v2.MD5.with.salt.s4lt=${env:NOBODY}",
        "column.mask.hash.v2.MD5.with.s4lt=a.b.c",
    ] {
        let text = shown(more);
        assert!(!text.contains("s4lt"), "{more}: {text}");
    }
    let twice = format!("{REQUIRED}column.mask.hash.MD5.with.salt.s4lt=a\ncolumn.mask.hash.MD5.with.salt.s4lt=b\n");
    let report = text("x.properties", &twice).expect_err("it stands twice").report();
    assert!(report.contains("salt.********") && !report.contains("s4lt"), "{report}");
}

#[test]
fn an_empty_salt_makes_no_mask_and_is_told() {
    let loaded = good("column.mask.hash.v2.MD5.with.salt.=public.a.b");
    assert!(loaded.connector.records.columns.rules.is_empty());
    assert!(loaded.warnings.iter().any(|warning| warning.text.contains("no salt")), "{:?}", loaded.warnings);
}

#[test]
fn comments_of_columns_are_accepted_and_without_effect() {
    let loaded = good("value.converter.schemas.enable=true\ninclude.schema.comments=true");
    assert!(loaded.notes.iter().any(|note| note.property == "include.schema.comments"), "{:?}", loaded.notes);
}
