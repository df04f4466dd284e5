//! Given a server that lacks something, when preflight runs, then all that is lacking is told at once.

use walcast::config::{Autocreate, Connector};
use walcast::error::Kind;
use walcast::lsn::Lsn;
use walcast::source::preflight::{Check, Report, Severity, preflight};
use walcast::source::slot::{self, SlotState};
use walcast::source::sql::Sql;
use walcast::source::{identity, lag};

use super::fixture::{Address, Fixture, options, own_server};
use walcast::local::StopMode;

async fn look(connector: &Connector) -> Report {
    preflight(&Sql::new(connector.database.clone()), connector).await.expect("the server can be asked")
}

fn errors(report: &Report) -> Vec<Check> {
    report.findings.iter().filter(|f| f.severity == Severity::Error).map(|f| f.check).collect()
}

#[tokio::test]
async fn a_server_that_was_never_prepared_is_told_all_at_once() {
    for major in [15, 18] {
        let server = own_server(
            options(major)
                .setting("wal_level", "replica")
                .setting("max_replication_slots", "1")
                .setting("max_wal_senders", "0"),
        )
        .await;
        let fixture = Fixture::new(&Address::of(&*server)).await;
        fixture.run("SELECT pg_create_physical_replication_slot('the_only_one')").await;
        let mut connector = fixture.connector();
        connector.publication.autocreate = Autocreate::Disabled;
        connector.database.user = fixture.role("LOGIN").await;

        let report = look(&connector).await;

        let expected = [
            Check::WalLevel,
            Check::ReplicationSlots,
            Check::WalSenders,
            Check::ReplicationPrivilege,
            Check::Publication,
        ];
        assert_eq!(errors(&report), expected, "{:#?}", report.findings);
        let error = report.into_result().expect_err("errors");
        assert_eq!(error.kind(), Kind::Preflight);
        let text = error.report();
        for remedy in [
            "ALTER SYSTEM SET wal_level = 'logical'; then restart PostgreSQL",
            "ALTER SYSTEM SET max_replication_slots = '10'",
            "ALTER SYSTEM SET max_wal_senders = '10'",
            &format!("ALTER ROLE \"{}\" REPLICATION;", connector.database.user),
            "CREATE PUBLICATION \"Dbz \"\"publication\"\"\"",
        ] {
            assert!(text.contains(remedy), "{remedy:?} is missing in {text}");
        }
    }
}

#[tokio::test]
async fn a_slot_over_the_limit_is_first_endangered_and_then_lost() {
    for major in [15, 18] {
        let server = own_server(options(major).setting("max_slot_wal_keep_size", "1MB")).await;
        let fixture = Fixture::new(&Address::of(&*server)).await;
        fixture.run("CREATE TABLE a (id int PRIMARY KEY)").await;
        let connector = fixture.connector();
        let (sql, name) = (fixture.sql(), &connector.slot.name);
        fixture.run(&format!("SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')")).await;
        let SlotState::Ready(ready) = slot::state(&sql, name).await.expect("state") else { panic!("not ready") };
        let limit = lag::slot_lag(&sql, name).await.expect("lag").expect("a slot");
        assert!(limit.safe_wal_size_bytes.is_some_and(|bytes| bytes > 0), "{limit:?}");

        for _ in 0..4 {
            fixture.run("INSERT INTO a SELECT COALESCE(max(id), 0) + 1 FROM a").await;
            fixture.run("SELECT pg_switch_wal()").await;
        }
        let report = look(&connector).await;
        assert_eq!(errors(&report), []);
        let endangered = report.findings.iter().find(|f| f.check == Check::SlotRetention).expect("a finding");
        assert_eq!(endangered.severity, Severity::Warning);
        assert!(endangered.what.contains("next checkpoint"), "{endangered}");

        fixture.run("CHECKPOINT").await;
        let report = look(&connector).await;
        assert_eq!(errors(&report), [Check::Slot]);
        let error = report.into_result().expect_err("lost");
        assert_eq!(error.kind(), Kind::SlotLost);
        assert!(error.message().contains("wal_removed"), "{error}");
        assert_eq!(error.lsns(), (None, Some(ready.confirmed_flush)));
    }
}

#[tokio::test]
async fn a_timeout_of_idle_slots_is_warned_of() {
    let server = own_server(options(18).setting("idle_replication_slot_timeout", "1d")).await;
    let fixture = Fixture::new(&Address::of(&*server)).await;

    let report = look(&fixture.connector()).await;

    let finding = report.findings.iter().find(|f| f.what.contains("idle_replication_slot_timeout")).expect("a finding");
    assert_eq!((finding.check, finding.severity), (Check::SlotRetention, Severity::Warning));
    assert!(finding.what.contains("is 1d"), "{finding}");
}

#[tokio::test]
async fn on_a_standby_nothing_is_made_and_before_16_nothing_is_decoded() {
    for (major, expected) in [(15, vec![Check::Standby, Check::Publication]), (18, vec![Check::Publication])] {
        let server = own_server(options(major)).await;
        let fixture = Fixture::new(&Address::of(&*server)).await;
        fixture.run("COPY (SELECT '') TO PROGRAM 'cat > standby.signal'").await;
        server.restart(StopMode::Fast).expect("it starts as a standby");
        let connector = fixture.connector();
        let sql = fixture.sql();

        let report = look(&connector).await;

        assert!(report.identity.in_recovery);
        assert_eq!(errors(&report), expected, "{:#?}", report.findings);
        let standby = report.findings.iter().find(|f| f.check == Check::Standby).expect("said on every version");
        assert_eq!(standby.severity == Severity::Error, major < 16);
        let error = report.into_result().expect_err("errors");
        assert!(error.report().contains("a standby cannot make it"), "{}", error.report());
        assert_eq!(identity::identity(&sql).await.expect("identity").timeline, 1);
        assert!(lag::wal_position(&sql).await.expect("position") > Lsn::ZERO);
    }
}
