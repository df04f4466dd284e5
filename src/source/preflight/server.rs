//! Findings about server, role and slot.

use std::time::Duration;

use super::report::{Check, Finding, Remedy};
use super::{Seen, Settings};
use crate::config::Connector;
use crate::error::Kind;
use crate::source::ident::QuotedIdent;
use crate::source::slot::{SlotState, TransactionHolder};
use crate::source::sql::ServerVersion;

/// Younger transactions are everyday life; they end before anybody can read of them.
const BLOCKING_AGE_MIN: Duration = Duration::from_secs(5);

/// The oldest version that is tested against.
const OLDEST_TESTED: ServerVersion = ServerVersion(140_000);

/// The first version that decodes on a standby.
const FIRST_WITH_STANDBY_DECODING: ServerVersion = ServerVersion(160_000);

pub(super) fn judge(seen: &Seen, connector: &Connector) -> Vec<Finding> {
    let mut findings = Vec::new();
    version_and_recovery(seen, &mut findings);
    settings(seen, &mut findings);
    role(seen, &mut findings);
    slot(seen, connector, &mut findings);
    retention(&seen.settings, &mut findings);
    findings
}

fn version_and_recovery(seen: &Seen, findings: &mut Vec<Finding>) {
    let version = seen.identity.version;
    if version < OLDEST_TESTED {
        findings.push(Finding::warning(
            Check::ServerVersion,
            format!("PostgreSQL {version} is out of support and not tested with"),
            Remedy::action("upgrade to a supported version of PostgreSQL"),
        ));
    }
    if seen.identity.in_recovery && version < FIRST_WITH_STANDBY_DECODING {
        findings.push(Finding::error(
            Check::Standby,
            Kind::Preflight,
            format!("this is a hot standby, and PostgreSQL {version} cannot decode on one"),
            Remedy::action("set database.hostname to the primary, or use PostgreSQL 16 or later"),
        ));
    } else if seen.identity.in_recovery {
        findings.push(Finding::warning(
            Check::Standby,
            "this is a hot standby: a new slot waits for the primary to log its running transactions",
            Remedy::action(
                "on the primary run SELECT pg_log_standby_snapshot(); while the slot is made, and set \
                 hot_standby_feedback = on here so that vacuum does not invalidate the slot",
            ),
        ));
    }
}

fn settings(seen: &Seen, findings: &mut Vec<Finding>) {
    let settings = &seen.settings;
    if settings.wal_level != "logical" {
        let remedy = if seen.role.on_rds {
            Remedy::Action("set rds.logical_replication = 1 in the parameter group and reboot the instance".to_owned())
        } else {
            Remedy::Setting { name: "wal_level", value: "logical".to_owned(), restart: true }
        };
        let what = format!("wal_level is {}, but decoding needs logical", settings.wal_level);
        findings.push(Finding::error(Check::WalLevel, Kind::Preflight, what, Some(remedy)));
    }
    if settings.encoding == "SQL_ASCII" {
        findings.push(Finding::warning(
            Check::Encoding,
            "the database is in SQL_ASCII: its texts are sent as they are, and one that is not UTF-8 stops the stream",
            Remedy::action("store only UTF-8, or move to a database with ENCODING 'UTF8'"),
        ));
    }
    let slots = settings.replication_slots;
    if seen.slot == SlotState::Absent && slots.exhausted() {
        findings.push(Finding::error(
            Check::ReplicationSlots,
            Kind::Preflight,
            format!("all {} replication slots are taken, and one has to be made", slots.max),
            Some(Remedy::Setting {
                name: "max_replication_slots",
                value: (slots.used + 1).max(10).to_string(),
                restart: true,
            }),
        ));
    }
    // Our own walsender of a moment ago may still be counted: this may pass by itself.
    let senders = settings.wal_senders;
    if senders.exhausted() {
        findings.push(Finding::error(
            Check::WalSenders,
            Kind::ServerUnavailable,
            format!("all {} walsenders are taken, and one is needed to stream", senders.max),
            Some(Remedy::Setting {
                name: "max_wal_senders",
                value: (senders.used + 1).max(10).to_string(),
                restart: true,
            }),
        ));
    }
}

fn role(seen: &Seen, findings: &mut Vec<Finding>) {
    let role = &seen.role;
    if role.superuser || role.replication {
        return;
    }
    let name = QuotedIdent(&role.name);
    let statement =
        if role.on_rds { format!("GRANT rds_replication TO {name}") } else { format!("ALTER ROLE {name} REPLICATION") };
    findings.push(Finding::error(
        Check::ReplicationPrivilege,
        Kind::Preflight,
        format!("role {name} may not use replication"),
        Remedy::sql(statement),
    ));
}

fn slot(seen: &Seen, connector: &Connector, findings: &mut Vec<Finding>) {
    let name = &connector.slot.name;
    if let Some(refusal) = seen.slot.refusal(name) {
        let remedy = refusal.hint_text().and_then(Remedy::action);
        findings.push(Finding::error(Check::Slot, refusal.kind(), refusal.message(), remedy));
    }
    if let SlotState::Ready(ready) = &seen.slot
        && ready.endangered
    {
        findings.push(Finding::warning(
            Check::SlotRetention,
            format!(
                "slot {} is over max_slot_wal_keep_size: the next checkpoint may remove its log",
                QuotedIdent(name)
            ),
            Some(Remedy::Setting { name: "max_slot_wal_keep_size", value: "-1".to_owned(), restart: false }),
        ));
    }
    for blocking in &seen.blocking {
        let prepared = matches!(blocking.holder, TransactionHolder::Prepared { .. });
        if prepared || blocking.age.is_none_or(|age| age >= BLOCKING_AGE_MIN) {
            findings.push(Finding::warning(
                Check::SlotBlocked,
                format!("a new slot has to wait for the end of a transaction: {blocking}"),
                Remedy::action(format!("end it, if need be by {}", blocking.remedy())),
            ));
        }
    }
}

fn retention(settings: &Settings, findings: &mut Vec<Finding>) {
    if settings.max_slot_wal_keep_size.as_deref() == Some("-1") {
        findings.push(Finding::notice(
            Check::SlotRetention,
            "max_slot_wal_keep_size is -1: while nothing reads the slot, the log grows until the disk is full",
            Remedy::action("watch the lag, or set max_slot_wal_keep_size to what the disk can spare"),
        ));
    }
    if let Some(timeout) = settings.idle_replication_slot_timeout.as_deref().filter(|&value| value != "0") {
        findings.push(Finding::warning(
            Check::SlotRetention,
            format!("idle_replication_slot_timeout is {timeout}: the slot is lost when nothing reads it for that long"),
            Some(Remedy::Setting { name: "idle_replication_slot_timeout", value: "0".to_owned(), restart: false }),
        ));
    }
}
