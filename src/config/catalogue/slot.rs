//! The replication slot, the publication, and what is confirmed when.

use super::super::property::{Property, ValueType};

const SLOT_IS_WAITED_FOR: &str = "a slot in use is waited for as a lost connection is: see errors.max.retries";

pub(super) static PROPERTIES: &[Property] = &[
    Property::text(
        "plugin.name",
        "Output plugin of the slot: pgoutput (Debezium's default, decoderbufs, is not there)",
    )
    .or("pgoutput")
    .high()
    .check(plugin),
    Property::text("slot.name", "Name of the replication slot").or("debezium").high().check(slot_name),
    Property::bool("slot.drop.on.stop", "false", "Whether the slot is dropped at an orderly stop").medium(),
    Property::bool("slot.failover", "false", "Whether a new slot is kept in step on standbys (PostgreSQL 17)").medium(),
    Property::text("slot.stream.params", "More options for the output plugin, name=value separated by semicolons"),
    Property::one_of(
        "walcast.binary",
        &["auto", "never"],
        "Whether values are asked for in binary form where every published type has one that is safe to read; records do \
         not differ",
    )
    .or("auto"),
    Property::int("slot.max.retries", 0, "How often to try to take the slot while another process has it")
        .or("6")
        .medium()
        .no_effect(SLOT_IS_WAITED_FOR),
    Property::long("slot.retry.delay.ms", 0, "Wait between two of these tries")
        .or("10000")
        .medium()
        .no_effect(SLOT_IS_WAITED_FOR),
    Property::long("internal.create.slot.command.timeout", 0, "Time limit for making the slot, in seconds")
        .or("90")
        .no_effect("the server decides how long it waits for open transactions"),
    Property::text("publication.name", "Name of the publication").or("dbz_publication").high().check(publication_name),
    Property::one_of(
        "publication.autocreate.mode",
        &["all_tables", "disabled", "filtered", "no_tables"],
        "What is done where the publication does not exist",
    )
    .or("all_tables")
    .high(),
    Property::bool(
        "publish.via.partition.root",
        "false",
        "Whether a new publication publishes changes of partitions as those of their root",
    )
    .medium(),
    Property::text("replica.identity.autoset.values", "Replica identities to set, table:identity")
        .medium()
        .not_yet(&[]),
    Property::one_of(
        "offset.mismatch.strategy",
        &["no_validation", "trust_offset", "trust_slot", "trust_greater_lsn"],
        "What to trust where slot and stored offset differ",
    )
    .or("no_validation")
    .medium()
    .not_yet(&["trust_slot"]),
    Property::bool("internal.slot.seek.to.known.offset.on.start", "false", "Old form of offset.mismatch.strategy")
        .no_effect("Debezium does not read it either, because offset.mismatch.strategy has a default"),
    Property::new(
        "status.update.interval.ms",
        ValueType::Integer { min: 1, max: i32::MAX as i64 },
        "Time between two reports of the confirmed position to the server",
    )
    .or("10000")
    .medium(),
    Property::long("xmin.fetch.interval.ms", 0, "Time between two reads of the slot's catalog_xmin into source.xmin")
        .or("0")
        .not_yet(&[]),
    Property::one_of(
        "lsn.flush.mode",
        &["connector", "manual", "connector_and_driver"],
        "Who confirms positions to the server",
    )
    .or("connector")
    .high()
    .not_yet(&[]),
    Property::bool("flush.lsn.source", "true", "Old form of lsn.flush.mode").medium().not_yet(&[]),
    Property::long("lsn.flush.timeout.ms", 0, "Time limit of one confirmation")
        .or("30000")
        .no_effect("a confirmation is one message without an answer"),
    Property::one_of("lsn.flush.timeout.action", &["fail", "warn", "ignore"], "What happens when that is over")
        .or("fail")
        .no_effect("a confirmation is one message without an answer"),
    Property::long(
        "internal.offset.activity.monitor.interval.ms",
        0,
        "Time after which standing still is warned about",
    )
    .or("600000")
    .no_effect("/metrics and /health show the confirmed position"),
];

fn plugin(value: &str) -> Result<(), String> {
    match value.trim().eq_ignore_ascii_case("pgoutput") {
        true => Ok(()),
        false => Err("must be pgoutput, which every server since PostgreSQL 10 has built in".to_owned()),
    }
}

/// `ReplicationSlotValidateName` in PostgreSQL.
fn slot_name(value: &str) -> Result<(), String> {
    let valid = (1..=63).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    match valid {
        true => Ok(()),
        false => Err("must be 1 to 63 lower-case letters, digits and underscores".to_owned()),
    }
}

/// An identifier is cut at 63 bytes by the server, which would then look for another publication.
fn publication_name(value: &str) -> Result<(), String> {
    match (1..=63).contains(&value.len()) && !value.contains('\0') {
        true => Ok(()),
        false => Err("must be 1 to 63 bytes long".to_owned()),
    }
}
