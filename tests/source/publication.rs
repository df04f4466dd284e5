//! Given a publication or none, when it is set up, then it holds what the mode says.

use walcast::config::{Autocreate, Connector};
use walcast::error::{Kind, Result};
use walcast::source::capture::CaptureFilter;
use walcast::source::publication;
use walcast::source::setup::{PublicationOutcome, ensure_publication};
use walcast::source::sql::Sql;

use super::fixture::{Fixture, servers};

async fn ensure(sql: &Sql, connector: &Connector) -> Result<PublicationOutcome> {
    let filter = CaptureFilter::new(&connector.capture).expect("a valid filter");
    ensure_publication(sql, connector, &filter).await
}

fn capturing(fixture: &Fixture, autocreate: Autocreate, include: &str) -> Connector {
    let mut connector = fixture.connector();
    connector.publication.autocreate = autocreate;
    connector.capture.table_include = vec![include.to_owned()];
    connector
}

/// The names of what a publication sends.
async fn sent(fixture: &Fixture) -> String {
    fixture
        .value(
            "SELECT COALESCE(string_agg(schemaname || '.' || tablename, ' ' ORDER BY schemaname, tablename), '')
                  FROM pg_publication_tables",
        )
        .await
}

#[tokio::test]
async fn a_missing_publication_is_made_as_the_mode_says() {
    for server in servers().await {
        for (mode, include, expected) in [
            (Autocreate::AllTables, "public[.]a", "public.a public.o\"dd s.T t"),
            (Autocreate::Filtered, "s[.].*|public[.]o.*", "public.o\"dd s.T t"),
            (Autocreate::NoTables, ".*", ""),
        ] {
            let fixture = Fixture::new(&server).await;
            fixture
                .run(
                    r#"CREATE SCHEMA s; CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE s."T t" (id int PRIMARY KEY);
                        CREATE TABLE "o""dd" (id int PRIMARY KEY); CREATE UNLOGGED TABLE s.unlogged (id int)"#,
                )
                .await;
            let connector = capturing(&fixture, mode, include);
            let sql = fixture.sql();

            assert_eq!(ensure(&sql, &connector).await.expect("set up"), PublicationOutcome::Created);
            assert_eq!(sent(&fixture).await, expected, "{mode:?}");
            assert_eq!(ensure(&sql, &connector).await.expect("again"), PublicationOutcome::Kept, "{mode:?}");
        }
    }
}

#[tokio::test]
async fn operations_and_partition_root_are_given_to_a_new_publication() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        let mut connector = fixture.connector();
        connector.publication.via_partition_root = true;
        connector.records.skipped.delete = true;
        let sql = fixture.sql();

        ensure(&sql, &connector).await.expect("set up");

        let facts = publication::facts(&sql, &connector.publication.name).await.expect("facts").expect("exists");
        assert!(facts.all_tables && facts.via_partition_root && facts.owned);
        assert_eq!(facts.operations.to_string(), "insert, update");
    }
}

#[tokio::test]
async fn filtered_mode_changes_the_set_and_keeps_row_filters_and_column_lists() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        fixture
            .run(
                "CREATE TABLE a (id int PRIMARY KEY, secret text); CREATE TABLE b (id int PRIMARY KEY);
                  CREATE TABLE c (id int PRIMARY KEY);
                  CREATE PUBLICATION \"Dbz \"\"publication\"\"\" FOR TABLE a (id) WHERE (id > 5), c",
            )
            .await;
        let connector = capturing(&fixture, Autocreate::Filtered, "public[.](a|b)");
        let sql = fixture.sql();

        assert_eq!(ensure(&sql, &connector).await.expect("set up"), PublicationOutcome::Changed);

        assert_eq!(sent(&fixture).await, "public.a public.b");
        let kept = "SELECT attnames::text || rowfilter FROM pg_publication_tables WHERE tablename = 'a'";
        assert_eq!(fixture.value(kept).await, "{id}(id > 5)");
        assert_eq!(ensure(&sql, &connector).await.expect("again"), PublicationOutcome::Kept);
    }
}

#[tokio::test]
async fn filtered_mode_replaces_whole_schemas_by_the_captured_tables() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        fixture
            .run(
                "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);
                  CREATE PUBLICATION \"Dbz \"\"publication\"\"\" FOR TABLES IN SCHEMA public",
            )
            .await;
        let sql = fixture.sql();

        let all = capturing(&fixture, Autocreate::Filtered, "public[.].*");
        assert_eq!(ensure(&sql, &all).await.expect("set up"), PublicationOutcome::Kept);
        let one = capturing(&fixture, Autocreate::Filtered, "public[.]b");
        assert_eq!(ensure(&sql, &one).await.expect("set up"), PublicationOutcome::Changed);
        assert_eq!(sent(&fixture).await, "public.b");
    }
}

#[tokio::test]
async fn what_cannot_serve_is_refused_with_a_remedy() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        fixture.run("CREATE TABLE a (id int PRIMARY KEY)").await;
        let sql = fixture.sql();

        let error = ensure(&sql, &capturing(&fixture, Autocreate::Disabled, ".*")).await.expect_err("missing");
        assert_eq!(error.kind(), Kind::PublicationMissing);
        let error = ensure(&sql, &capturing(&fixture, Autocreate::Filtered, "x")).await.expect_err("nothing captured");
        assert_eq!(error.kind(), Kind::Preflight);
        assert!(error.message().contains("none passes"), "{error}");
        fixture.run("CREATE PUBLICATION \"Dbz \"\"publication\"\"\" FOR ALL TABLES").await;
        let error = ensure(&sql, &capturing(&fixture, Autocreate::Filtered, ".*")).await.expect_err("all tables");
        assert!(error.hint_text().is_some_and(|hint| hint.contains("DROP PUBLICATION \"Dbz \"\"publication\"\"\"")));
    }
}

#[tokio::test]
async fn a_role_without_privileges_gets_the_statement_for_its_administrator() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        fixture.run("CREATE TABLE a (id int PRIMARY KEY)").await;
        let mut connector = capturing(&fixture, Autocreate::Filtered, ".*");
        connector.database.user = fixture.role("LOGIN REPLICATION").await;
        let sql = Sql::new(connector.database.clone());

        let error = ensure(&sql, &connector).await.expect_err("no privilege");

        assert_eq!(error.kind(), Kind::Preflight);
        let statement = r#"CREATE PUBLICATION "Dbz ""publication""" FOR TABLE "public"."a";"#;
        assert!(error.hint_text().is_some_and(|hint| hint.contains(statement)), "{}", error.report());
    }
}

#[tokio::test]
async fn two_starters_at_once_are_both_content() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        let connector = fixture.connector();
        let (first, second) = (fixture.sql(), fixture.sql());

        let (first, second) = tokio::join!(ensure(&first, &connector), ensure(&second, &connector));

        for outcome in [first, second] {
            let outcome = outcome.expect("both succeed");
            assert!(matches!(outcome, PublicationOutcome::Created | PublicationOutcome::Kept));
        }
    }
}
