//! Commands of the replication connection, and the stream, on every server version.

use std::time::Duration;

use walcast::config::{self, SslMode, Tls};
use walcast::error::{Kind, Result};
use walcast::ledger::Ledger;
use walcast::local::PostgresServer;
use walcast::lsn::Lsn;
use walcast::pgtime::PgMicros;
use walcast::wire::{
    Connection, CopyBoth, CreateSlot, Ending, Frame, ReplyRequest, SlotLifetime, SlotSnapshot, StartReplication,
};

use super::fixture::{block_on, runtime};
use crate::support::database::Database;
use crate::support::{servers, wait};

fn address(database: &Database<'_>) -> config::Database {
    config::Database {
        host: database.server.host().to_owned(),
        port: database.server.port(),
        user: database.server.user().to_owned(),
        password: None,
        dbname: database.name.clone(),
        tls: Tls { mode: SslMode::Disable, ..Tls::default() },
        connect_timeout: Duration::from_secs(10),
        tcp_keepalive: true,
    }
}

async fn open(database: &Database<'_>) -> Connection {
    Connection::open(&address(database), "walcast-test").await.expect("a connection")
}

async fn start(database: &Database<'_>, slot: &str) -> Result<CopyBoth> {
    let how = StartReplication {
        slot,
        start: Lsn::ZERO,
        publications: &[&database.publication],
        proto_version: 1,
        binary: false,
        messages: true,
        extra: &[],
    };
    open(database).await.start_replication(&how).await
}

/// The next frame that is wanted: its letter, or `k` for a keepalive.
async fn next(stream: &mut CopyBoth, wanted: u8) -> Result<Lsn> {
    loop {
        match stream.next_frame()? {
            Some(Frame::Data { start, payload, .. }) if payload[0] == wanted => return Ok(start),
            Some(Frame::Keepalive { end, .. }) if wanted == b'k' => return Ok(end),
            Some(_) => {}
            None => {
                let filled = tokio::time::timeout(wait::PATIENCE, stream.fill()).await;
                filled.expect("the server speaks")?;
            }
        }
    }
}

fn streams(server: &'static dyn PostgresServer) {
    // Given a table, a publication and a slot that was made through the connection.
    let database = Database::create(server);
    database.execute(&format!(
        "CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION {} FOR TABLE t",
        database.publication
    ));
    let runtime = runtime();
    let mut connection = runtime.block_on(open(&database));
    let how = CreateSlot { lifetime: SlotLifetime::Permanent, snapshot: SlotSnapshot::Nothing, failover: true };
    let created = runtime.block_on(connection.create_replication_slot(&database.slot, how)).expect("a slot");
    assert_eq!(database.confirmed_lsn(), Some(created.consistent_point));
    runtime.block_on(connection.close());

    // When a row is written.
    database.execute("INSERT INTO t VALUES (1)");
    runtime.block_on(async {
        let mut stream = start(&database, &database.slot).await.expect("a stream");

        // Then it comes, framed by its transaction, and an update that asks is answered.
        for letter in [b'B', b'R', b'I', b'C'] {
            next(&mut stream, letter).await.expect("a frame");
        }
        let confirmed = Ledger::new(created.consistent_point).confirmable();
        stream.queue_status(confirmed.lsn(), confirmed, PgMicros::now(), ReplyRequest::Yes);
        let reached = next(&mut stream, b'k').await.expect("a keepalive");
        assert!(reached > created.consistent_point);

        // Nor may a second reader come in between.
        let second = start(&database, &database.slot).await.expect_err("it is in use");
        assert_eq!(second.kind(), Kind::SlotInUse, "{}", second.report());

        // And it ends in order, after which the slot can be dropped.
        assert_eq!(stream.finish(wait::PATIENCE).await.expect("an end"), Ending::Orderly);
        let mut connection = open(&database).await;
        connection.drop_replication_slot(&database.slot, true).await.expect("it is dropped");
        let gone = start(&database, &database.slot).await.expect_err("it is gone");
        assert_eq!(gone.kind(), Kind::SlotLost, "{}", gone.report());
    });
}

#[test]
fn a_slot_is_made_streamed_and_dropped_on_postgres_15() {
    streams(servers::postgres_15());
}

#[test]
fn a_slot_is_made_streamed_and_dropped_on_postgres_18() {
    streams(servers::postgres_18());
}

#[test]
fn an_exported_snapshot_can_be_read_while_its_connection_waits() {
    for server in [servers::postgres_15(), servers::postgres_18()] {
        let database = Database::create(server);
        database.execute("CREATE TABLE t (id int PRIMARY KEY)");
        let runtime = runtime();
        let mut connection = runtime.block_on(open(&database));
        let how = CreateSlot { lifetime: SlotLifetime::Temporary, snapshot: SlotSnapshot::Export, failover: false };
        let created = runtime.block_on(connection.create_replication_slot(&database.slot, how)).expect("a slot");

        database.execute("INSERT INTO t VALUES (1)");
        database.execute("BEGIN ISOLATION LEVEL REPEATABLE READ");
        database.execute(&format!("SET TRANSACTION SNAPSHOT '{}'", created.snapshot_name.expect("a snapshot")));

        assert_eq!(database.session().value("SELECT count(*) FROM t").as_deref(), Some("0"));
        database.execute("COMMIT");
        drop(connection);
    }
}

#[test]
fn settings_that_shape_values_hold_against_those_of_the_role_and_the_database() {
    let database = Database::create(servers::postgres_15());
    for setting in ["datestyle = 'SQL, DMY'", "timezone = 'Asia/Tokyo'", "client_min_messages = 'error'"] {
        database.execute(&format!("ALTER DATABASE {} SET {setting}", database.name));
    }
    let rows = block_on(async {
        let mut connection = open(&database).await;
        let settings = "SELECT current_setting('datestyle'), current_setting('timezone'), \
                        current_setting('client_min_messages')";
        connection.simple_query(settings).await.expect("settings")
    });
    assert_eq!(rows, [["ISO, MDY", "UTC", "notice"].map(|text| Some(text.to_owned()))]);
}

#[test]
fn a_refused_command_leaves_the_connection_usable_and_one_cut_short_does_not() {
    let database = Database::create(servers::postgres_15());
    block_on(async {
        let mut connection = open(&database).await;
        let refused = connection.simple_query("SELECT 1/0").await.expect_err("it divides by zero");
        assert_eq!(refused.kind(), Kind::ServerRefused);
        assert_eq!(connection.simple_query("SELECT 1").await.expect("an answer"), [[Some("1".to_owned())]]);
        let cut_short = tokio::time::timeout(Duration::from_millis(50), connection.simple_query("SELECT pg_sleep(5)"));
        assert!(cut_short.await.is_err());
        let later = connection.simple_query("SELECT 1").await.expect_err("it is not usable");
        assert_eq!(later.kind(), Kind::Connection);
    });
}
