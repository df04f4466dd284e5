//! walcast's own headers, as a consumer gets them.

use super::scene::{Scene, header};
use crate::support::servers;
use crate::support::topics::ConsumedRecord;

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
    let commit: walcast::lsn::Lsn = commit.parse().expect("an LSN");
    assert!(commit < scene.database.session().current_lsn());
    for record in &records {
        assert_eq!(header(record, "walcast.schema_version").as_deref(), Some("1"));
    }
}
