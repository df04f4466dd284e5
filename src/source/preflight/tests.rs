//! Situations that no server at hand is in, and the finding each gives.

use std::time::Duration;

use super::*;
use crate::config;
use crate::lsn::Lsn;
use crate::source::slot::{ReadySlot, SlotUser, TransactionHolder};

fn seen() -> Seen {
    Seen {
        identity: ServerIdentity {
            system_identifier: 1,
            timeline: 1,
            database_oid: 5,
            database: "shop".to_owned(),
            version: ServerVersion(150_000),
            in_recovery: false,
        },
        settings: Settings {
            wal_level: "logical".to_owned(),
            replication_slots: Usage { used: 1, max: 10 },
            wal_senders: Usage { used: 1, max: 10 },
            max_slot_wal_keep_size: Some("10GB".to_owned()),
            idle_replication_slot_timeout: None,
            encoding: "UTF8".to_owned(),
        },
        role: Role {
            name: "cdc".to_owned(),
            superuser: false,
            replication: true,
            vendor_admin: false,
            on_rds: false,
            may_create: true,
        },
        slot: SlotState::Absent,
        publication: None,
        tables: Vec::new(),
        blocking: Vec::new(),
    }
}

pub(super) fn connector() -> Connector {
    Connector {
        name: "c".to_owned(),
        topic_prefix: "t".to_owned(),
        database: config::Database {
            host: "127.0.0.1".to_owned(),
            port: 1,
            user: "cdc".to_owned(),
            password: None,
            dbname: "shop".to_owned(),
            tls: config::Tls::default(),
            connect_timeout: Duration::from_secs(1),
            tcp_keepalive: true,
        },
        slot: config::Slot { name: "s".to_owned(), drop_on_stop: false, failover: false, stream_params: Vec::new() },
        publication: config::Publication {
            name: "p".to_owned(),
            autocreate: config::Autocreate::NoTables,
            via_partition_root: false,
        },
        capture: config::Capture::default(),
        snapshot: config::Snapshot::default(),
        notifications: config::Notifications::default(),
        records: config::Records::default(),
        schema_history: config::SchemaHistory::default(),
        registries: config::Registries::default(),
        kafka: config::Kafka {
            bootstrap_servers: String::new(),
            producer: Vec::new(),
            topic_creation: None,
            queue_bytes_max: 1,
        },
        retries: config::Retries { max: None, delay_min: Duration::ZERO, delay_max: Duration::ZERO },
        status_interval: Duration::from_secs(10),
        binary: config::BinaryTransfer::Auto,
        failures: config::FailureHandling::default(),
    }
}

fn judged(change: impl FnOnce(&mut Seen)) -> Vec<Finding> {
    let mut seen = seen();
    change(&mut seen);
    server::judge(&seen, &connector())
}

/// Check, severity and a part of the remedy of each finding.
fn expect(what: &str, change: impl FnOnce(&mut Seen), expected: &[(Check, Severity, &str)]) {
    let findings = judged(change);
    let found: Vec<(Check, Severity)> = findings.iter().map(|f| (f.check, f.severity)).collect();
    let wanted: Vec<(Check, Severity)> = expected.iter().map(|(check, severity, _)| (*check, *severity)).collect();
    assert_eq!(found, wanted, "{what}: {findings:#?}");
    for (finding, (_, _, part)) in findings.iter().zip(expected) {
        let remedy = finding.remedy.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(remedy.contains(part), "{what}: {part:?} is missing in {remedy:?}");
    }
}

#[test]
fn a_server_that_is_ready_gives_no_finding() {
    expect("ready", |_| (), &[]);
}

#[test]
fn version_and_recovery_decide_whether_decoding_is_possible() {
    use Severity::{Error, Warning};
    expect("13", |s| s.identity.version = ServerVersion(130_000), &[(Check::ServerVersion, Warning, "upgrade")]);
    expect("standby of 15", |s| s.identity.in_recovery = true, &[(Check::Standby, Error, "primary")]);
    expect(
        "standby of 16",
        |s| {
            s.identity.in_recovery = true;
            s.identity.version = ServerVersion(160_000);
        },
        &[(Check::Standby, Warning, "pg_log_standby_snapshot")],
    );
}

#[test]
fn resources_count_only_where_they_are_needed() {
    use Severity::Error;
    let full = Usage { used: 4, max: 4 };
    expect(
        "no slot free, one needed",
        |s| s.settings.replication_slots = full,
        &[(Check::ReplicationSlots, Error, "ALTER SYSTEM SET max_replication_slots = '10'; then restart")],
    );
    let ready = ReadySlot {
        confirmed_flush: Lsn::new(2),
        restart_lsn: Lsn::new(1),
        two_phase: false,
        failover: false,
        endangered: false,
    };
    expect(
        "no slot free, ours is there",
        |s| {
            s.settings.replication_slots = full;
            s.slot = SlotState::Ready(ready);
        },
        &[],
    );
    expect(
        "no walsender free",
        |s| s.settings.wal_senders = Usage { used: 12, max: 12 },
        &[(Check::WalSenders, Error, "max_wal_senders = '13'")],
    );
    expect(
        "over the limit",
        |s| s.slot = SlotState::Ready(ReadySlot { endangered: true, ..ready }),
        &[(Check::SlotRetention, Severity::Warning, "max_slot_wal_keep_size")],
    );
}

#[test]
fn on_amazon_the_remedies_are_amazons() {
    use Severity::Error;
    expect(
        "RDS",
        |s| {
            s.role.on_rds = true;
            s.role.replication = false;
            s.settings.wal_level = "replica".to_owned();
        },
        &[
            (Check::WalLevel, Error, "rds.logical_replication = 1"),
            (Check::ReplicationPrivilege, Error, "GRANT rds_replication TO \"cdc\";"),
        ],
    );
}

#[test]
fn retention_is_told_of_both_ways_to_lose() {
    expect(
        "without limit",
        |s| s.settings.max_slot_wal_keep_size = Some("-1".to_owned()),
        &[(Check::SlotRetention, Severity::Notice, "watch the lag")],
    );
    expect(
        "idle timeout",
        |s| s.settings.idle_replication_slot_timeout = Some("1d".to_owned()),
        &[(Check::SlotRetention, Severity::Warning, "idle_replication_slot_timeout = '0'; SELECT pg_reload_conf()")],
    );
}

#[test]
fn only_old_or_prepared_transactions_are_named_as_blockers() {
    let blocking = |age: Option<u64>, gid: Option<&str>| BlockingTransaction {
        holder: match gid {
            Some(gid) => TransactionHolder::Prepared { gid: gid.to_owned() },
            None => TransactionHolder::Process { pid: 7, application: None, state: None },
        },
        database: "shop".to_owned(),
        age: age.map(Duration::from_secs),
    };
    expect("young", |s| s.blocking = vec![blocking(Some(1), None)], &[]);
    expect(
        "old, of unknown age, and prepared",
        |s| s.blocking = vec![blocking(Some(3600), None), blocking(None, None), blocking(Some(0), Some("g"))],
        &[
            (Check::SlotBlocked, Severity::Warning, "pg_terminate_backend(7)"),
            (Check::SlotBlocked, Severity::Warning, "pg_terminate_backend(7)"),
            (Check::SlotBlocked, Severity::Warning, "ROLLBACK PREPARED 'g'"),
        ],
    );
}

fn report(change: impl FnOnce(&mut Seen)) -> Report {
    let mut seen = seen();
    change(&mut seen);
    let findings = server::judge(&seen, &connector());
    let plan = publication::Plan::Keep;
    Report { findings, identity: seen.identity, slot: seen.slot, plan, captured: Vec::new() }
}

#[test]
fn a_report_with_errors_is_one_error_of_the_gravest_kind() {
    let user = SlotUser { pid: 9, application: None, client: None, connected: None };
    let in_use = |s: &mut Seen| s.slot = SlotState::InUse(user.clone());
    let lost = |s: &mut Seen| {
        s.slot = SlotState::Lost { reason: "wal_removed".to_owned(), confirmed_flush: Some(Lsn::new(16)) };
    };

    assert!(report(|_| ()).into_result().is_ok());
    let error = report(in_use).into_result().expect_err("in use");
    assert_eq!(error.kind(), Kind::SlotInUse);
    assert!(error.hint_text().is_some_and(|hint| hint.contains("pg_terminate_backend(9)")));
    let error = report(|s| {
        in_use(s);
        s.settings.wal_level = "replica".to_owned();
    });
    let error = error.into_result().expect_err("two");
    assert_eq!(error.kind(), Kind::Preflight, "what an operator must mend comes before what may pass");
    let text = error.report();
    for part in ["2 findings", "process 9", "ALTER SYSTEM SET wal_level = 'logical'"] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
    let error = report(|s| {
        lost(s);
        s.settings.wal_level = "replica".to_owned();
    });
    let error = error.into_result().expect_err("lost");
    assert_eq!((error.kind(), error.lsns()), (Kind::SlotLost, (None, Some(Lsn::new(16)))));
}

#[test]
fn warnings_alone_do_not_stop_but_stand_in_the_error_of_another() {
    let quiet = report(|s| s.settings.encoding = "SQL_ASCII".to_owned());
    assert_eq!(quiet.findings.len(), 1);
    assert!(quiet.into_result().is_ok());
    let error = report(|s| {
        s.settings.encoding = "SQL_ASCII".to_owned();
        s.role.replication = false;
    });
    let text = error.into_result().expect_err("an error").report();
    assert!(text.contains("SQL_ASCII") && text.contains("ALTER ROLE \"cdc\" REPLICATION;"), "{text}");
}
