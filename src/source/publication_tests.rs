//! Tables of situations and the plan each leads to.

use super::super::tables::Identity;
use super::*;
use crate::config::Capture;

const NONE_SKIPPED_BUT_TRUNCATE: SkippedOperations =
    SkippedOperations { create: false, update: false, delete: false, truncate: true };

fn table(oid: u32, name: &str) -> Table {
    Table {
        oid,
        schema_oid: 1,
        name: QualifiedName::new("s", name),
        partitioned: false,
        parent: None,
        unlogged: false,
        identity: Identity::Key,
        key_serves: true,
        owned: true,
        readable: true,
    }
}

fn tables() -> Vec<Table> {
    let unlogged = Table { unlogged: true, ..table(4, "u") };
    vec![table(1, "a"), table(2, "b"), table(3, "c\"d"), unlogged]
}

fn publication(autocreate: Autocreate) -> config::Publication {
    config::Publication { name: "Dbz".to_owned(), autocreate, via_partition_root: false }
}

fn filter(include: &str) -> CaptureFilter {
    CaptureFilter::new(&Capture { table_include: vec![include.to_owned()], ..Capture::default() }).expect("valid")
}

fn holding(oids: &[u32]) -> PublicationFacts {
    PublicationFacts { tables: oids.iter().copied().collect(), ..PublicationFacts::default() }
}

fn planned(mode: Autocreate, existing: Option<&PublicationFacts>, include: &str, in_recovery: bool) -> Plan {
    plan(&Situation {
        config: &publication(mode),
        skipped: NONE_SKIPPED_BUT_TRUNCATE,
        existing,
        tables: &tables(),
        filter: &filter(include),
        in_recovery,
    })
}

#[test]
fn a_missing_publication_is_made_as_the_mode_says() {
    for (mode, statement) in [
        (Autocreate::AllTables, r#"CREATE PUBLICATION "Dbz" FOR ALL TABLES"#),
        (Autocreate::Filtered, r#"CREATE PUBLICATION "Dbz" FOR TABLE "s"."a", "s"."b", "s"."c""d""#),
        (Autocreate::NoTables, r#"CREATE PUBLICATION "Dbz""#),
    ] {
        assert_eq!(planned(mode, None, r"s\..*", false), Plan::Create(vec![statement.to_owned()]));
        assert_eq!(planned(mode, None, r"s\..*", true), Plan::Refuse(Refusal::MissingOnStandby));
    }
    assert_eq!(planned(Autocreate::Disabled, None, ".*", false), Plan::Refuse(Refusal::Missing));
    assert_eq!(planned(Autocreate::Filtered, None, "nothing", false), Plan::Refuse(Refusal::NothingCaptured));
}

#[test]
fn an_existing_publication_is_left_alone_but_in_filtered_mode() {
    for mode in [Autocreate::AllTables, Autocreate::Disabled, Autocreate::NoTables] {
        assert_eq!(planned(mode, Some(&holding(&[1])), ".*", false), Plan::Keep);
    }
}

#[test]
fn filtered_mode_brings_an_existing_publication_to_the_captured_set() {
    let change = |statements: &[&str]| Plan::Change(statements.iter().map(|&s| s.to_owned()).collect());
    let all = PublicationFacts { all_tables: true, ..PublicationFacts::default() };
    let in_schema = PublicationFacts { schemas: [(1, "s".to_owned())].into(), ..PublicationFacts::default() };
    let mode = Autocreate::Filtered;
    for (existing, include, in_recovery, expected) in [
        (&holding(&[1, 2]), r"s\.(a|b)", false, Plan::Keep),
        (&holding(&[1, 2]), r"s\.(a|b)", true, Plan::Keep),
        (&holding(&[1]), r"s\.(a|b)", true, Plan::Refuse(Refusal::DiffersOnStandby)),
        (&holding(&[1]), r"s\.(a|b)", false, change(&[r#"ALTER PUBLICATION "Dbz" ADD TABLE "s"."b""#])),
        (
            &holding(&[1, 3]),
            r"s\.(a|b)",
            false,
            change(&[
                r#"ALTER PUBLICATION "Dbz" ADD TABLE "s"."b""#,
                r#"ALTER PUBLICATION "Dbz" DROP TABLE "s"."c""d""#,
            ]),
        ),
        (&holding(&[1]), "nothing", false, Plan::Refuse(Refusal::NothingCaptured)),
        (&all, r"s\.a", false, Plan::Refuse(Refusal::AllTables)),
        (&in_schema, r"s\..*", false, Plan::Keep),
        (
            &in_schema,
            r"s\.a",
            false,
            change(&[
                r#"ALTER PUBLICATION "Dbz" DROP TABLES IN SCHEMA "s""#,
                r#"ALTER PUBLICATION "Dbz" ADD TABLE "s"."a""#,
            ]),
        ),
    ] {
        assert_eq!(planned(mode, Some(existing), include, in_recovery), expected, "{existing:?} for {include}");
    }
}

#[test]
fn parameters_are_given_only_where_they_differ_from_the_default() {
    let skip = |create, update, delete, truncate| SkippedOperations { create, update, delete, truncate };
    for (skipped, root, with) in [
        (skip(false, false, false, true), false, ""),
        (skip(false, false, false, true), true, " WITH (publish_via_partition_root = true)"),
        (skip(false, false, false, false), false, " WITH (publish = 'insert, update, delete, truncate')"),
        (skip(false, true, true, true), true, " WITH (publish_via_partition_root = true, publish = 'insert')"),
    ] {
        let config = config::Publication { via_partition_root: root, ..publication(Autocreate::AllTables) };
        let statement = create(&Situation {
            config: &config,
            skipped,
            existing: None,
            tables: &[],
            filter: &filter(".*"),
            in_recovery: false,
        });
        assert_eq!(statement, format!(r#"CREATE PUBLICATION "Dbz" FOR ALL TABLES{with}"#));
    }
}
