//! walcast's own headers, as a consumer gets them.

use std::collections::HashSet;

use walcast::lsn::Lsn;

use super::scene::{Scene, header};
use crate::support::topics::{ConsumedRecord, Topics};
use crate::support::{servers, wait};

/// The headers of walcast's own of each record, in wire order.
fn stamps(records: &[ConsumedRecord]) -> Vec<Vec<&str>> {
    let own = |record: &'_ ConsumedRecord| {
        let names = record.headers.iter().map(|(name, _)| name.clone());
        names.filter(|name| name.starts_with("walcast.")).collect::<Vec<_>>()
    };
    const ALL: [&str; 3] = ["walcast.position", "walcast.event_id", "walcast.schema_version"];
    let known = |name: String| ALL.into_iter().find(|known| *known == name).expect("a known header");
    records.iter().map(|record| own(record).into_iter().map(known).collect()).collect()
}

#[test]
fn records_carry_the_headers_that_are_asked_for_and_no_others() {
    // Given a table.
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY)");
    let mut expected = Vec::new();
    for (wanted, names) in [
        ("", &[][..]),
        ("event_id", &["walcast.event_id"]),
        ("schema_version,position", &["walcast.schema_version", "walcast.position"]),
    ] {
        // When a row is written under each choice.
        let mut walcast = scene.stream(&[("walcast.headers", wanted)]);
        scene.execute("TRUNCATE t; INSERT INTO t VALUES (1)");
        expected.push(names.to_vec());
        scene.wait_for("public.t", expected.len());
        scene.database.wait_until_confirmed();
        assert!(walcast.terminate().success(), "{}", walcast.stderr());
    }

    // Then its record carries just those, in that order, behind the context headers.
    let records = scene.settled("public.t");
    assert_eq!(stamps(&records), expected);
    for record in &records {
        assert!(record.headers[..4].iter().all(|(name, _)| name.starts_with("__debezium.context.")), "{record:?}");
    }
}

#[test]
fn positions_and_ids_say_where_a_record_comes_from() {
    // Given all three headers, and no others.
    let scene = Scene::new(servers::postgres_15(), "CREATE TABLE t (id int PRIMARY KEY)");
    let _walcast = scene.stream(&[
        ("walcast.headers", "position,event_id,schema_version"),
        ("extended.headers.enabled", "false"),
        ("skipped.operations", "none"),
    ]);

    // When a transaction inserts two rows, changes a key, and empties the table.
    scene.execute("BEGIN; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); UPDATE t SET id = 3 WHERE id = 1; TRUNCATE t; COMMIT");

    // Then all its records name its commit, their change, and their number in it.
    let records = scene.wait_for("public.t", 6);
    let system_id = scene.database.session().value("SELECT system_identifier FROM pg_control_system()").expect("an id");
    let commit = header(&records[0], "walcast.position").expect("a position");
    let (commit, _) = commit.split_once(':').expect("a colon");
    let found: Vec<_> = records
        .iter()
        .map(|record| {
            (header(record, "walcast.position").expect("it"), header(record, "walcast.event_id").expect("it"))
        })
        .collect();
    let stands = |ordinal: u64, number: u64| {
        let position = format!("{commit}:{ordinal}");
        let id = format!("{system_id}-{position}-{number}");
        (position, id)
    };
    assert_eq!(found, [stands(1, 0), stands(2, 0), stands(3, 0), stands(3, 1), stands(3, 2), stands(4, 0)]);
    let commit: Lsn = commit.parse().expect("an LSN");
    assert!(commit < scene.database.session().current_lsn());
    for record in &records {
        assert_eq!(header(record, "walcast.schema_version").as_deref(), Some("1"));
    }
}

#[test]
fn what_belongs_to_no_table_has_a_position_and_the_same_id_when_it_comes_again() {
    // Given headers, transactions that are described, heartbeats, and two connectors with slots of their own.
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY)");
    let properties = [
        ("walcast.headers", "position,event_id,schema_version"),
        ("provide.transaction.metadata", "true"),
        ("heartbeat.interval.ms", "100"),
    ];
    let again = Topics::new(servers::kafka().bootstrap());
    let slot = format!("{}_again", scene.database.slot);
    let mut more = properties.to_vec();
    more.extend([("topic.prefix", again.prefix.as_str()), ("slot.name", slot.as_str())]);
    let _walcast = scene.stream(&properties);
    let mut second = scene.start(&more);
    let active = format!("SELECT 1 FROM pg_replication_slots WHERE slot_name = '{slot}' AND active");
    wait::until("the second one streams", wait::PATIENCE, || scene.database.session().value(&active).is_some());

    // When messages come outside transactions and inside one.
    scene.execute("SELECT pg_logical_emit_message(false, 'n', '1')");
    scene.execute("SELECT pg_logical_emit_message(false, 'n', '2')");
    scene.execute("BEGIN; INSERT INTO t VALUES (1); SELECT pg_logical_emit_message(true, 'n', '3'); COMMIT");

    // Then each record says where it stands, in the order of the log, and nothing of a table's version.
    let (row, messages) = (scene.wait_for("public.t", 1), scene.wait_for("message", 3));
    let transaction = scene.wait_for("transaction", 2);
    let parts = |records: &[ConsumedRecord]| -> Vec<(String, u64)> {
        let position = |record| header(record, "walcast.position").expect("a position");
        let parts = |text: &str| text.split_once(':').map(|(lsn, n)| (lsn.to_owned(), n.parse().expect("a number")));
        records.iter().map(|record| parts(&position(record)).expect("a colon")).collect()
    };
    let (commit, _) = parts(&row).remove(0);
    assert_eq!(parts(&transaction), [(commit.clone(), 0), (commit.clone(), u64::MAX)]);
    let stands = parts(&messages);
    assert_eq!((&stands[2], stands[0].1, stands[1].1), (&(commit.clone(), 2), u64::MAX, u64::MAX));
    let lsn = |text: &str| text.parse::<Lsn>().expect("an LSN");
    assert!(lsn(&stands[0].0) < lsn(&stands[1].0) && lsn(&stands[1].0) < lsn(&commit), "{stands:?}");
    const OWN: [&str; 2] = ["walcast.position", "walcast.event_id"];
    assert_eq!(stamps(&[messages.clone(), transaction.clone()].concat()), [OWN; 5]);

    // And its id is its own, and what another slot gave it.
    let ids = |records: &[ConsumedRecord]| -> Vec<String> {
        records.iter().map(|record| header(record, "walcast.event_id").expect("an id")).collect()
    };
    let all = [ids(&row), ids(&messages), ids(&transaction)].concat();
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 6, "{all:?}");
    assert_eq!(ids(&again.wait_for(&again.topic("message"), 3)), ids(&messages));
    assert_eq!(ids(&again.wait_for(&again.topic("transaction"), 2)), ids(&transaction));

    // And heartbeats have none.
    let beats = scene.topics.wait_for(&format!("__debezium-heartbeat.{}", scene.topics.prefix), 2);
    assert!(beats.iter().all(|beat| beat.headers.is_empty()), "{beats:?}");
    assert!(second.terminate().success(), "{}", second.stderr());
    scene.execute(&format!("SELECT pg_drop_replication_slot('{slot}')"));
}
