//! Given a database set-up, when preflight runs, then the findings are these and nothing else.

use walcast::config::{Autocreate, Connector};
use walcast::error::Kind;
use walcast::source::preflight::{Check, Report, Severity, preflight};
use walcast::source::sql::Sql;

use crate::support::wait::PATIENCE;

use super::fixture::{Fixture, servers};

async fn look(connector: &Connector) -> Report {
    preflight(&Sql::new(connector.database.clone()), connector).await.expect("the server can be asked")
}

/// Findings about this test's own objects: not those on retention, nor transactions and slots of other tests.
fn own(report: &Report) -> Vec<(Check, Severity, &str, String)> {
    report
        .findings
        .iter()
        .filter(|f| !matches!(f.check, Check::SlotRetention | Check::SlotBlocked))
        .map(|f| (f.check, f.severity, f.what.as_str(), f.remedy.as_ref().map(ToString::to_string).unwrap_or_default()))
        .collect()
}

/// Asserts check, severity, a part of the text and a part of the remedy of each finding, in their order.
fn assert_findings(what: &str, report: &Report, expected: &[(Check, Severity, &str, &str)]) {
    let found = own(report);
    assert_eq!(found.len(), expected.len(), "{what}: {found:#?}");
    for ((check, severity, text, remedy), wanted) in found.iter().zip(expected) {
        assert_eq!((*check, *severity), (wanted.0, wanted.1), "{what}: {text}");
        assert!(text.contains(wanted.2), "{what}: {:?} is missing in {text:?}", wanted.2);
        assert!(remedy.contains(wanted.3), "{what}: {:?} is missing in {remedy:?}", wanted.3);
    }
}

const TABLE: &str = "CREATE TABLE a (id int PRIMARY KEY)";

#[tokio::test]
async fn a_database_in_order_gives_no_finding_but_the_notice_on_retention() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        fixture.run(TABLE).await;

        let report = look(&fixture.connector()).await;

        assert_findings("in order", &report, &[]);
        assert_eq!(report.identity.database, fixture.database);
        let retention = report.findings.iter().find(|f| f.check == Check::SlotRetention).expect("-1 is the default");
        assert_eq!(retention.severity, Severity::Notice);
        assert!(report.into_result().is_ok());
    }
}

#[tokio::test]
async fn a_least_privileged_role_is_told_all_that_it_lacks_at_once() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        fixture.run(TABLE).await;
        let mut connector = fixture.connector();
        connector.database.user = fixture.role("LOGIN").await;
        let role = connector.database.user.clone();

        let report = look(&connector).await;

        let create = r#"CREATE PUBLICATION "Dbz ""publication""" FOR ALL TABLES;"#;
        let replication = format!(r#"ALTER ROLE "{role}" REPLICATION;"#);
        assert_findings(
            "all tables",
            &report,
            &[
                (Check::ReplicationPrivilege, Severity::Error, "may not use replication", &replication),
                (Check::PublicationPrivilege, Severity::Error, "superuser", create),
            ],
        );
        let error = report.into_result().expect_err("errors");
        assert_eq!(error.kind(), Kind::Preflight);
        assert!(error.report().contains(&replication) && error.report().contains(create), "{}", error.report());

        connector.publication.autocreate = Autocreate::Filtered;
        fixture.run(&format!("ALTER ROLE {role} REPLICATION")).await;
        let create = r#"CREATE PUBLICATION "Dbz ""publication""" FOR TABLE "public"."a";"#;
        let lacks = format!("CREATE on database \"{}\", ownership of \"public\".\"a\"", fixture.database);
        assert_findings(
            "filtered",
            &look(&connector).await,
            &[(Check::PublicationPrivilege, Severity::Error, &lacks, create)],
        );

        fixture.run(create).await;
        assert_findings("once an administrator ran the statement", &look(&connector).await, &[]);
        fixture.run("CREATE TABLE b (id int PRIMARY KEY)").await;
        assert_findings(
            "a new table that is not ours",
            &look(&connector).await,
            &[(
                Check::PublicationPrivilege,
                Severity::Error,
                r#"it lacks ownership of publication "Dbz ""publication""", ownership of "public"."b""#,
                r#"ADD TABLE "public"."b";"#,
            )],
        );
    }
}

#[tokio::test]
async fn an_owner_of_tables_needs_no_superuser() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        let mut connector = fixture.connector();
        connector.database.user = fixture.role("LOGIN REPLICATION").await;
        let role = &connector.database.user;
        fixture
            .run(&format!(
                "{TABLE}; ALTER TABLE a OWNER TO {role}; GRANT CREATE ON DATABASE {} TO {role}",
                fixture.database
            ))
            .await;
        connector.publication.autocreate = Autocreate::Filtered;
        assert_findings("filtered", &look(&connector).await, &[]);
    }
}

#[tokio::test]
async fn slots_that_cannot_be_read_are_errors_of_their_kind() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        let other = Fixture::new(&server).await;
        fixture.run(TABLE).await;
        let connector = fixture.connector();
        let name = &connector.slot.name;
        let make = format!("SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')");
        let drop = format!("SELECT pg_drop_replication_slot('{name}')");
        for (maker, make, what) in [
            (&fixture, make.replace("pgoutput", "test_decoding"), "belongs to plugin \"test_decoding\""),
            (&fixture, format!("SELECT pg_create_physical_replication_slot('{name}')"), "physical"),
            (&other, make.clone(), "belongs to database"),
            (&fixture, make.replace("'pgoutput'", "'pgoutput', true"), "temporary"),
        ] {
            maker.run(&make).await;
            let report = look(&connector).await;
            assert_findings(what, &report, &[(Check::Slot, Severity::Error, what, "slot.name")]);
            assert_eq!(report.into_result().expect_err(what).kind(), Kind::Preflight);
            maker.run(&drop).await;
        }
    }
}

#[tokio::test]
async fn a_slot_in_use_names_its_reader_and_may_pass() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        fixture.run(TABLE).await;
        let connector = fixture.connector();
        let blocker = fixture.another().await;
        blocker.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.expect("a transaction with an id");
        let maker = fixture.another().await;
        let pid: i32 = maker.query_one_scalar("SELECT pg_backend_pid()", &[]).await.expect("pid");
        let make = format!("SELECT pg_create_logical_replication_slot('{}', 'pgoutput')", connector.slot.name);
        let making = tokio::spawn(async move { maker.batch_execute(&make).await });

        let found = async {
            loop {
                let report = look(&connector).await;
                if !own(&report).is_empty() {
                    break report;
                }
            }
        };
        let report = tokio::time::timeout(PATIENCE, found).await.expect("the slot is being made");

        let who = format!("is in use by process {pid}, application \"the test\"");
        let end = format!("pg_terminate_backend({pid})");
        assert_findings("in use", &report, &[(Check::Slot, Severity::Error, &who, &end)]);
        assert_eq!(report.into_result().expect_err("in use").kind(), Kind::SlotInUse);
        blocker.batch_execute("ROLLBACK").await.expect("rollback");
        making.await.expect("no panic").expect("made");
        assert_findings("made", &look(&connector).await, &[]);
        fixture.run(&format!("SELECT pg_drop_replication_slot('{}')", connector.slot.name)).await;
    }
}

#[tokio::test]
async fn what_would_hold_back_a_new_slot_is_named() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        fixture.run(TABLE).await;
        let gid = super::fixture::unique("gid");
        fixture.run(&format!("BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION '{gid}'")).await;

        let report = look(&fixture.connector()).await;

        let finding = report
            .findings
            .iter()
            .find(|f| f.check == Check::SlotBlocked && f.what.contains(&gid))
            .unwrap_or_else(|| panic!("{:#?}", report.findings));
        assert_eq!(finding.severity, Severity::Warning);
        fixture.run(&format!("ROLLBACK PREPARED '{gid}'")).await;
    }
}

#[tokio::test]
async fn publications_that_do_not_fit_are_told_apart() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        fixture.run(TABLE).await;
        fixture.run("CREATE TABLE b (id int PRIMARY KEY)").await;
        let mut connector = fixture.connector();
        let publication = r#""Dbz ""publication""""#;
        connector.capture.table_include = vec!["public[.]a".to_owned()];

        connector.publication.autocreate = Autocreate::Disabled;
        let report = look(&connector).await;
        let create = format!(r#"CREATE PUBLICATION {publication} FOR TABLE "public"."a";"#);
        assert_findings("missing", &report, &[(Check::Publication, Severity::Error, "does not exist", &create)]);
        assert_eq!(report.into_result().expect_err("missing").kind(), Kind::PublicationMissing);

        fixture.run(&format!("CREATE PUBLICATION {publication} FOR TABLE b WITH (publish = 'insert')")).await;
        assert_findings(
            "other table, few operations",
            &look(&connector).await,
            &[
                (
                    Check::PublicationTables,
                    Severity::Warning,
                    "sends no table that passes",
                    r#"ADD TABLE "public"."a";"#,
                ),
                (
                    Check::PublicationOperations,
                    Severity::Warning,
                    "does not send update, delete",
                    "SET (publish = 'insert, update, delete');",
                ),
            ],
        );
        connector.capture.table_include = vec!["public[.].*".to_owned()];
        connector.records.skipped.update = true;
        connector.records.skipped.delete = true;
        assert_findings(
            "one of two",
            &look(&connector).await,
            &[(Check::PublicationTables, Severity::Warning, "does not send \"public\".\"a\"", "ADD TABLE")],
        );

        fixture.run(&format!("DROP PUBLICATION {publication}; CREATE PUBLICATION {publication} FOR ALL TABLES")).await;
        connector.publication.autocreate = Autocreate::Filtered;
        assert_findings(
            "all tables and filtered",
            &look(&connector).await,
            &[(Check::Publication, Severity::Error, "is FOR ALL TABLES", "all_tables")],
        );
        connector.capture.table_include = vec!["nothing".to_owned()];
        fixture.run(&format!("DROP PUBLICATION {publication}")).await;
        assert_findings(
            "nothing captured",
            &look(&connector).await,
            &[(Check::Publication, Severity::Error, "would hold no table", "table.include.list")],
        );
    }
}

#[tokio::test]
async fn tables_that_the_application_could_not_update_are_named_with_their_statement() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        fixture
            .run(
                r#"CREATE TABLE good (id int PRIMARY KEY);
                   CREATE TABLE "no key" (id int);
                   CREATE TABLE deferrable_key (id int PRIMARY KEY DEFERRABLE);
                   CREATE TABLE full_identity (id int); ALTER TABLE full_identity REPLICA IDENTITY FULL;
                   CREATE TABLE by_index (id int NOT NULL); CREATE UNIQUE INDEX i ON by_index (id);
                   ALTER TABLE by_index REPLICA IDENTITY USING INDEX i;
                   CREATE TABLE index_gone (id int NOT NULL); CREATE UNIQUE INDEX j ON index_gone (id);
                   ALTER TABLE index_gone REPLICA IDENTITY USING INDEX j; DROP INDEX j;
                   CREATE TABLE off (id int PRIMARY KEY); ALTER TABLE off REPLICA IDENTITY NOTHING;
                   CREATE TABLE root (id int) PARTITION BY RANGE (id);
                   CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (10);
                   CREATE UNLOGGED TABLE unlogged (id int)"#,
            )
            .await;
        let without_key = r#"each table that has no primary key that serves as replica identity: "public"."deferrable_key", "public"."index_gone", "public"."leaf", "public"."no key""#;
        let identity_off = r#"does not serve: "public"."off""#;
        let full = r#"ALTER TABLE "public"."no key" REPLICA IDENTITY FULL;"#;
        let default = r#"ALTER TABLE "public"."off" REPLICA IDENTITY DEFAULT;"#;
        let unlogged = r#"ALTER TABLE "public"."unlogged" SET LOGGED;"#;
        let expected = [
            (Check::ReplicaIdentity, Severity::Warning, without_key, full),
            (Check::ReplicaIdentity, Severity::Warning, identity_off, default),
            (Check::UnloggedTables, Severity::Warning, "\"public\".\"unlogged\"", unlogged),
        ];
        let mut connector = fixture.connector();
        assert_findings("before it is made", &look(&connector).await, &expected);

        fixture.run(r#"CREATE PUBLICATION "Dbz ""publication""" FOR ALL TABLES"#).await;
        assert_findings("as it stands", &look(&connector).await, &expected);
        // The server agrees with what was said of each table.
        for (table, fails) in [
            ("good", false),
            ("\"no key\"", true),
            ("deferrable_key", true),
            ("full_identity", false),
            ("by_index", false),
            ("index_gone", true),
            ("off", true),
            ("leaf", true),
            ("unlogged", false),
        ] {
            let update = fixture.admin.batch_execute(&format!("UPDATE {table} SET id = id")).await;
            assert_eq!(update.is_err(), fails, "{table}: {update:?}");
        }

        connector.capture.table_include = vec!["public[.](good|no key)".to_owned()];
        connector.publication.name = "other".to_owned();
        connector.publication.autocreate = Autocreate::Filtered;
        let only = r#"as replica identity: "public"."no key""#;
        assert_findings(
            "filtered",
            &look(&connector).await,
            &[(Check::ReplicaIdentity, Severity::Warning, only, full)],
        );
    }
}

#[tokio::test]
async fn partitions_are_told_from_their_root() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        fixture
            .run(
                r#"CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);
                   CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (10);
                   CREATE PUBLICATION "Dbz ""publication""" FOR TABLE root"#,
            )
            .await;
        let mut connector = fixture.connector();
        connector.publication.via_partition_root = true;
        connector.capture.table_include = vec!["public[.]root".to_owned()];

        let root = (
            Check::PublicationRoot,
            Severity::Warning,
            "publish_via_partition_root = false",
            "SET (publish_via_partition_root = true);",
        );
        assert_findings(
            "leaves are sent, the root is captured",
            &look(&connector).await,
            &[(Check::PublicationTables, Severity::Warning, "sends no table", "check the lists"), root],
        );
        fixture.run(r#"ALTER PUBLICATION "Dbz ""publication""" SET (publish_via_partition_root = true)"#).await;
        assert_findings("the root is sent", &look(&connector).await, &[]);
    }
}

#[tokio::test]
async fn a_database_without_encoding_is_warned_of() {
    for server in servers().await {
        let options = "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0";
        let fixture = Fixture::with(&server, options).await;
        fixture.run(TABLE).await;
        let report = look(&fixture.connector()).await;
        assert_findings("SQL_ASCII", &report, &[(Check::Encoding, Severity::Warning, "SQL_ASCII", "UTF8")]);
    }
}
