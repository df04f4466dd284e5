//! The slot is gone or stands elsewhere: changes may be missing, and only an operator may accept that.

use walcast::local::PostgresOptions;

use super::scene::{Scene, assert_ends, found};
use crate::support::{servers, wait};

const SLOT_LOST: i32 = 5;

#[test]
fn a_slot_that_was_dropped_meanwhile_is_not_made_again() {
    // Given walcast, cut off.
    let scene = Scene::new(servers::postgres_18());
    let mut walcast = scene.stream(&[]);
    let ours = scene.cut_off();

    // When its slot is dropped, rows are written, and it comes back.
    scene.drop_slot();
    scene.execute("INSERT INTO t VALUES (2)");
    let written = scene.database.session().current_lsn();
    scene.let_back();

    // Then it ends, names where it stood and where the server is, and has made no slot.
    let slot = format!("slot \"{}\" is gone", scene.database.slot);
    let log = assert_ends(&mut walcast, SLOT_LOST, &[&slot, "dropped", "write the missing rows again"]);
    assert!(found(&log, ours) > ours, "{log}");
    assert!(written > ours);
    assert_eq!(scene.database.confirmed_lsn(), None);
    assert_eq!(scene.records(), 1);
}

#[test]
fn a_slot_that_was_made_again_meanwhile_is_not_taken_for_ours() {
    // Given walcast, cut off.
    let scene = Scene::new(servers::postgres_15());
    let mut walcast = scene.stream(&[]);
    let ours = scene.cut_off();

    // When its slot is dropped and made again behind a row, and it comes back.
    scene.drop_slot();
    scene.execute("INSERT INTO t VALUES (2)");
    scene.database.create_slot();
    let theirs = scene.database.confirmed_lsn().expect("a slot");
    scene.let_back();

    // Then it ends with both positions, and the slot stands where it stood.
    let log = assert_ends(&mut walcast, SLOT_LOST, &["made again by somebody else", "accept the gap"]);
    assert_eq!(found(&log, ours), theirs, "{log}");
    assert_eq!(scene.database.confirmed_lsn(), Some(theirs));
    assert_eq!(scene.records(), 1);
}

#[test]
fn a_slot_that_was_advanced_meanwhile_has_a_gap() {
    // Given walcast, cut off.
    let scene = Scene::new(servers::postgres_18());
    let mut walcast = scene.stream(&[]);
    let ours = scene.cut_off();

    // When somebody advances its slot over a row, and it comes back.
    scene.execute("INSERT INTO t VALUES (2)");
    scene.execute(&format!(
        "SELECT pg_replication_slot_advance('{}', pg_current_wal_insert_lsn())",
        scene.database.slot
    ));
    let theirs = scene.database.confirmed_lsn().expect("a slot");
    assert!(theirs > ours);
    scene.let_back();

    // Then it ends with both positions.
    let log = assert_ends(&mut walcast, SLOT_LOST, &["advanced", "accept the gap"]);
    assert_eq!(found(&log, ours), theirs, "{log}");
    assert_eq!(scene.database.confirmed_lsn(), Some(theirs));
    assert_eq!(scene.records(), 1);
}

#[test]
fn a_slot_whose_log_was_removed_is_lost() {
    for major in [15, 18] {
        // Given a server that keeps little log for slots, and walcast, cut off.
        let server = servers::own_postgres(
            &PostgresOptions::new(major).setting("max_slot_wal_keep_size", "1MB").setting("min_wal_size", "32MB"),
        );
        let scene = Scene::new(&*server);
        let mut walcast = scene.stream(&[]);
        let ours = scene.cut_off();

        // When segment upon segment is written until the slot has lost its log, and walcast comes back.
        let slot = &scene.database.slot;
        let lost = format!("SELECT 1 FROM pg_replication_slots WHERE slot_name = '{slot}' AND wal_status = 'lost'");
        wait::until("the slot has lost its log", wait::PATIENCE, || {
            scene.execute("INSERT INTO t SELECT coalesce(max(id), 0) + 1 FROM t; SELECT pg_switch_wal()");
            scene.execute("CHECKPOINT");
            scene.database.session().value(&lost).is_some()
        });
        scene.let_back();

        // Then it ends, with both positions and the setting that would have kept the log.
        let log = assert_ends(&mut walcast, SLOT_LOST, &[slot, "max_slot_wal_keep_size"]);
        assert!(found(&log, ours) > ours, "{log}");
        assert_eq!(scene.records(), 1);
    }
}
