//! What no retry mends: each stops with its class, exit code, both positions and the remedy.

use walcast::local::{PostgresOptions, PostgresServer};

use super::rig::{Rig, doomed};
use crate::support::database::Session;
use crate::support::proxy::Proxy;
use crate::support::walcast::Walcast;
use crate::support::{servers, wait};

/// A stream through a proxy that is cut off from its server.
struct CutOff {
    rig: Rig,
    proxy: Proxy,
    walcast: Walcast,
}

impl CutOff {
    /// On the shared servers.
    fn shared() -> Self {
        Self::of(Rig::shared())
    }

    fn of(mut rig: Rig) -> Self {
        let proxy = rig.proxied();
        let walcast = rig.stream();
        rig.database.execute("INSERT INTO uniq VALUES (1, 0, 'before')");
        rig.database.wait_until_confirmed();
        proxy.refuse(true);
        proxy.cut();
        rig.wait_until_alone();
        Self { rig, proxy, walcast }
    }

    /// Lets walcast through again; it must end like this, and within one attempt.
    #[track_caller]
    fn ends(mut self, code: i32, texts: &[&str]) {
        self.proxy.refuse(false);
        ended(&mut self.walcast, code, texts);
    }
}

/// walcast ends by itself with this exit code, saying all of this, and a remedy.
#[track_caller]
fn ended(walcast: &mut Walcast, code: i32, texts: &[&str]) {
    let status = walcast.wait_exit();
    let report = walcast.stderr();
    assert_eq!(status.code(), Some(code), "{report}");
    for text in texts.iter().chain(&["error (definite): ", "\n  remedy: "]) {
        assert!(report.contains(text), "no {text:?} in:\n{report}");
    }
}

/// Both positions are told.
const POSITIONS: &str = "\n  position: ours ";

#[test]
fn a_slot_that_was_dropped_is_a_gap() {
    let cut_off = CutOff::shared();
    let database = &cut_off.rig.database;
    database.execute(&format!("SELECT pg_drop_replication_slot('{}')", database.slot));
    cut_off.ends(5, &["is gone", POSITIONS]);
}

#[test]
fn a_slot_that_was_dropped_and_made_again_is_a_gap() {
    let cut_off = CutOff::shared();
    let database = &cut_off.rig.database;
    database.execute(&format!("SELECT pg_drop_replication_slot('{}')", database.slot));
    database.execute("INSERT INTO uniq VALUES (2, 0, 'in between')");
    database.create_slot();
    cut_off.ends(5, &["the slot stands beyond what was confirmed here", POSITIONS, "never delivered"]);
}

#[test]
fn a_slot_that_was_advanced_is_a_gap() {
    let cut_off = CutOff::shared();
    let database = &cut_off.rig.database;
    database.execute("INSERT INTO uniq VALUES (2, 0, 'skipped')");
    database.execute(&format!("SELECT pg_replication_slot_advance('{}', pg_current_wal_lsn())", database.slot));
    cut_off.ends(5, &["the slot stands beyond what was confirmed here", POSITIONS]);
}

#[test]
fn a_slot_whose_log_was_removed_is_a_gap() {
    // Given a server that keeps little for a slot.
    let servers = doomed();
    let cut_off = CutOff::of(Rig::on(servers.postgres, servers.kafka));
    let database = &cut_off.rig.database;
    database.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
    database.execute("SELECT pg_reload_conf()");

    // When more is written than that.
    let state = format!("SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{}'", database.slot);
    wait::until("the slot is lost", wait::PATIENCE, || {
        database.execute("INSERT INTO uniq VALUES (2, 0, 'x') ON CONFLICT (id) DO UPDATE SET pad = 'y'");
        database.execute("SELECT pg_switch_wal()");
        database.execute("CHECKPOINT");
        database.session().value(&state).as_deref() == Some("lost")
    });
    database.execute("ALTER SYSTEM RESET max_slot_wal_keep_size");
    database.execute("SELECT pg_reload_conf()");

    // Then walcast stops.
    cut_off.ends(5, &["is lost", POSITIONS, "max_slot_wal_keep_size"]);
}

#[test]
fn another_cluster_at_the_same_address_is_not_read() {
    // Given another cluster with a database of the same name, and nothing in it.
    let cut_off = CutOff::shared();
    let database = cut_off.rig.database.name.clone();
    let other = servers::postgres_18();
    let administrator = Session::open(other, "postgres").expect("a session");
    administrator.execute(&format!("CREATE DATABASE {database}"));
    cut_off.proxy.forward_to(other.port());

    // Then its identity is what walcast stumbles over, not what it lacks.
    cut_off.ends(5, &["another database cluster answers", POSITIONS]);
    administrator.execute(&format!("DROP DATABASE {database} WITH (FORCE)"));
}

#[test]
fn a_password_that_was_changed_ends_it() {
    // Given a role that needs its password.
    let server = servers::own_postgres(
        &PostgresOptions::new(15).hba_line("host all guarded all scram-sha-256").hba_line("host all all all trust"),
    );
    let server: &'static dyn PostgresServer = Box::leak(server);
    let mut rig = Rig::on(server, servers::kafka());
    rig.database.execute("CREATE ROLE guarded LOGIN SUPERUSER REPLICATION PASSWORD 'old'");
    rig.set("database.user", "guarded");
    rig.set("database.password", "old");
    let cut_off = CutOff::of(rig);

    // When it is changed while walcast is cut off.
    cut_off.rig.database.execute("ALTER ROLE guarded PASSWORD 'new'");

    // Then walcast does not try again and again, and does not tell the password.
    assert!(!cut_off.walcast.stderr().contains("old"));
    cut_off.ends(4, &["database.password"]);
}

/// The publication is dropped under a stream.
fn publication_dropped(server: &'static dyn PostgresServer) {
    // Given a stream.
    let rig = Rig::on(server, servers::kafka());
    let mut walcast = rig.stream();
    rig.database.execute("INSERT INTO uniq VALUES (1, 0, 'before')");
    rig.database.wait_until_confirmed();
    let confirmed = rig.database.confirmed_lsn().expect("a slot");

    // When its publication is dropped and a row is written.
    rig.database.execute(&format!("DROP PUBLICATION {}", rig.database.publication));
    rig.database.execute("INSERT INTO uniq VALUES (2, 0, 'after')");
    let behind = rig.database.session().current_lsn();

    // Then walcast stops before that row, and says so again when it is started again.
    let texts = ["publication", POSITIONS];
    ended(&mut walcast, 6, &texts);
    let stopped = rig.database.confirmed_lsn().expect("a slot");
    assert!((confirmed..behind).contains(&stopped), "{stopped} is not between {confirmed} and {behind}");
    ended(&mut rig.start(), 6, &texts);

    // And a publication that is made now does not bring the row back, so it is not taken for a cure.
    rig.database.execute(&format!("CREATE PUBLICATION {} FOR TABLE hot, uniq", rig.database.publication));
    ended(&mut rig.start(), 6, &texts);
}

#[test]
fn a_dropped_publication_ends_a_stream_from_postgres_15() {
    publication_dropped(servers::postgres_15());
}

#[test]
fn a_dropped_publication_ends_a_stream_from_postgres_18() {
    publication_dropped(servers::postgres_18());
}
