//! Given a slot in some state, when it is looked at, then the state is named; and identity, lag and connection.

use walcast::error::Kind;
use walcast::lsn::Lsn;
use walcast::source::slot::{self, SlotState, TransactionHolder};
use walcast::source::sql::Sql;
use walcast::source::{identity, lag};

use crate::support::wait::PATIENCE;

use super::fixture::{Fixture, servers, unique};

async fn create_slot(fixture: &Fixture, name: &str, plugin: &str) {
    fixture.run(&format!("SELECT pg_create_logical_replication_slot('{name}', '{plugin}')")).await;
}

async fn drop_slot(fixture: &Fixture, name: &str) {
    fixture.run(&format!("SELECT pg_drop_replication_slot('{name}')")).await;
}

#[tokio::test]
async fn a_slot_that_can_be_read_is_ready_and_has_a_lag() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        let (sql, name) = (fixture.sql(), unique("slot"));
        assert_eq!(slot::state(&sql, &name).await.expect("state"), SlotState::Absent);
        assert_eq!(lag::slot_lag(&sql, &name).await.expect("lag"), None);

        create_slot(&fixture, &name, "pgoutput").await;
        let state = slot::state(&sql, &name).await.expect("state");
        let before = lag::slot_lag(&sql, &name).await.expect("lag").expect("the slot exists");
        fixture
            .run("CREATE TABLE t (x text); INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
            .await;
        let after = lag::slot_lag(&sql, &name).await.expect("lag").expect("the slot exists");

        let SlotState::Ready(ready) = state else { panic!("{state:?}") };
        assert!(Lsn::ZERO < ready.restart_lsn && ready.restart_lsn <= ready.confirmed_flush);
        assert!(!ready.two_phase && !ready.failover && !ready.endangered);
        assert_eq!(before.confirmed_flush, Some(ready.confirmed_flush));
        assert!(after.lag_bytes() > before.lag_bytes().map(|bytes| bytes + 1_000_000), "{before:?} {after:?}");
        assert!(after.retained_bytes() >= after.lag_bytes());
        assert!(lag::wal_position(&sql).await.expect("position") >= after.current);
        drop_slot(&fixture, &name).await;
    }
}

#[tokio::test]
async fn slots_that_are_not_ours_are_told_apart() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        let other = Fixture::new(&server).await;
        let sql = fixture.sql();
        let [plugin, physical, database, temporary] = ["p", "y", "d", "t"].map(unique);
        create_slot(&fixture, &plugin, "test_decoding").await;
        fixture.run(&format!("SELECT pg_create_physical_replication_slot('{physical}')")).await;
        create_slot(&other, &database, "pgoutput").await;
        fixture.run(&format!("SELECT pg_create_logical_replication_slot('{temporary}', 'pgoutput', true)")).await;

        assert_eq!(
            slot::state(&sql, &plugin).await.expect("state"),
            SlotState::WrongPlugin { plugin: "test_decoding".to_owned() }
        );
        assert_eq!(slot::state(&sql, &physical).await.expect("state"), SlotState::Physical);
        assert_eq!(
            slot::state(&sql, &database).await.expect("state"),
            SlotState::WrongDatabase { database: other.database.clone() }
        );
        assert_eq!(slot::state(&sql, &temporary).await.expect("state"), SlotState::Temporary);
        for name in [plugin, physical, temporary] {
            drop_slot(&fixture, &name).await;
        }
        drop_slot(&other, &database).await;
    }
}

#[tokio::test]
async fn while_a_slot_is_made_its_maker_and_its_blockers_are_named() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        let (sql, name) = (fixture.sql(), unique("slot"));
        let (blocker, maker) = (fixture.another().await, fixture.another().await);
        blocker.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.expect("a transaction with an id");
        let blocker_pid: i32 = blocker.query_one_scalar("SELECT pg_backend_pid()", &[]).await.expect("pid");
        fixture.run("BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'it''s prepared'").await;
        let make = format!("SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')");
        let making = tokio::spawn(async move { maker.batch_execute(&make).await });

        let in_use = async {
            loop {
                match slot::state(&sql, &name).await.expect("state") {
                    SlotState::InUse(user) => break user,
                    SlotState::Absent => tokio::task::yield_now().await,
                    other => panic!("{other:?}"),
                }
            }
        };
        let user = tokio::time::timeout(PATIENCE, in_use).await.expect("the slot is being made");
        let blocking = slot::blocking_transactions(&sql).await.expect("blockers");

        assert_eq!(user.application.as_deref(), Some("the test"));
        assert!(user.connected.is_some());
        let process = blocking
            .iter()
            .find(|b| matches!(b.holder, TransactionHolder::Process { pid, .. } if pid == blocker_pid))
            .expect("the open transaction");
        assert_eq!(process.database, fixture.database);
        assert!(process.to_string().contains("idle in transaction"), "{process}");
        let prepared = blocking
            .iter()
            .find(|b| matches!(b.holder, TransactionHolder::Prepared { .. }) && b.database == fixture.database);
        assert_eq!(prepared.map(|b| b.remedy()).as_deref(), Some("ROLLBACK PREPARED 'it''s prepared';"));
        fixture.run("ROLLBACK PREPARED 'it''s prepared'").await;
        blocker.batch_execute("ROLLBACK").await.expect("rollback");
        making.await.expect("no panic").expect("the slot is made once nothing holds it back");
        assert!(matches!(slot::state(&sql, &name).await.expect("state"), SlotState::Ready(_)));
        drop_slot(&fixture, &name).await;
    }
}

#[tokio::test]
async fn identity_is_that_of_the_connected_database() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;

        let identity = identity::identity(&fixture.sql()).await.expect("identity");

        let expected = fixture.value("SELECT system_identifier::text FROM pg_control_system()").await;
        assert_eq!(identity.system_identifier.to_string(), expected);
        assert_eq!((identity.timeline, identity.in_recovery), (1, false));
        assert_eq!(identity.database, fixture.database);
        assert_eq!(identity.version.0.to_string(), fixture.value("SHOW server_version_num").await);
    }
}

#[tokio::test]
async fn a_terminated_connection_is_opened_again() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        let sql = fixture.sql();
        lag::wal_position(&sql).await.expect("first use");
        let own = "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity
                    WHERE application_name = 'walcast' AND datname = current_database()";
        assert_eq!(fixture.value(own).await, "1");

        // The loss may be noticed in the next use, which then fails, or before it.
        let again = async {
            loop {
                match lag::wal_position(&sql).await {
                    Ok(position) => break position,
                    Err(error) => assert!(
                        matches!(error.kind(), Kind::Connection | Kind::ServerUnavailable),
                        "{}",
                        error.report()
                    ),
                }
            }
        };
        tokio::time::timeout(PATIENCE, again).await.expect("connected again");
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_has_the_right_kind() {
    for server in servers().await {
        let fixture = Fixture::new(&server).await;
        let no_login = fixture.role("NOLOGIN").await;
        let no_connect = fixture.role("LOGIN").await;
        fixture.run(&format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", fixture.database)).await;
        let with = |change: &dyn Fn(&mut walcast::config::Database)| {
            let mut database = fixture.connector().database;
            change(&mut database);
            Sql::new(database)
        };
        for (sql, kind, hint) in [
            (with(&|d| d.user = no_login.clone()), Kind::Authentication, format!("ALTER ROLE \"{no_login}\" LOGIN")),
            (
                with(&|d| d.user = no_connect.clone()),
                Kind::Preflight,
                format!("GRANT CONNECT ON DATABASE \"{}\" TO \"{no_connect}\"", fixture.database),
            ),
            (with(&|d| d.dbname = "no such".to_owned()), Kind::Preflight, "database.dbname".to_owned()),
            (with(&|d| d.port = 1), Kind::Connection, String::new()),
            (with(&|d| d.host = "/nowhere".to_owned()), Kind::Connection, String::new()),
            (with(&|d| d.tls.mode = walcast::config::SslMode::Require), Kind::Authentication, String::new()),
        ] {
            let error = lag::wal_position(&sql).await.expect_err("no connection");
            assert_eq!(error.kind(), kind, "{}", error.report());
            assert!(error.hint_text().unwrap_or_default().contains(&hint), "{}", error.report());
        }
    }
}
