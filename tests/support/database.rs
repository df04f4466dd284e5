//! A database, slot and publication name for one test, and SQL to talk to it.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use walcast::local::PostgresServer;
use walcast::lsn::Lsn;

use super::wait;

/// One session, with blocking calls.
pub(crate) struct Session {
    client: Client,
    runtime: Runtime,
}

impl Session {
    /// Opens a session as the superuser.
    pub(crate) fn open(server: &dyn PostgresServer, database: &str) -> Result<Self, tokio_postgres::Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime for SQL");
        let mut config = tokio_postgres::Config::new();
        config
            .host(server.host())
            .port(server.port())
            .user(server.user())
            .dbname(database)
            .connect_timeout(Duration::from_secs(10));
        let (client, connection) = runtime.block_on(config.connect(NoTls))?;
        runtime.spawn(connection);
        Ok(Self { client, runtime })
    }

    /// Runs statements separated by semicolons; panics where the server refuses.
    #[track_caller]
    pub(crate) fn execute(&self, sql: &str) {
        if let Err(error) = self.try_execute(sql) {
            panic!("{sql}: {error:?}");
        }
    }

    /// Runs statements separated by semicolons.
    pub(crate) fn try_execute(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.runtime.block_on(self.client.batch_execute(sql))
    }

    /// Runs one statement with parameters and returns how many rows it touched.
    #[track_caller]
    pub(crate) fn execute_with(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> u64 {
        self.runtime.block_on(self.client.execute(sql, parameters)).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// All rows of a query, every value as PostgreSQL writes it in text.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let messages =
            self.runtime.block_on(self.client.simple_query(sql)).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
                }
                _ => None,
            })
            .collect()
    }

    /// The first column of the first row, unless there is no row or it is null.
    #[track_caller]
    pub(crate) fn value(&self, sql: &str) -> Option<String> {
        self.rows(sql).into_iter().next()?.into_iter().next()?
    }

    /// Runs statements in one transaction and returns a position that its commit lies behind; a slot that has
    /// confirmed no more still sends it. (One that was asked for before may be confirmed: others write as well.)
    #[track_caller]
    pub(crate) fn execute_behind(&self, sql: &str) -> Lsn {
        let position = self.value(&format!("BEGIN; {sql}; SELECT pg_current_wal_insert_lsn(); COMMIT"));
        position.expect("a position").parse().expect("an LSN")
    }

    /// The position behind everything that is written so far.
    #[track_caller]
    pub(crate) fn current_lsn(&self) -> Lsn {
        self.value("SELECT pg_current_wal_insert_lsn()").expect("a position").parse().expect("an LSN")
    }
}

/// A database that lives as long as this value, with names for a slot and a publication that nobody else uses.
pub(crate) struct Database<'s> {
    pub(crate) server: &'s dyn PostgresServer,
    pub(crate) name: String,
    pub(crate) slot: String,
    pub(crate) publication: String,
    session: Option<Session>,
}

impl<'s> Database<'s> {
    /// Makes an empty database.
    pub(crate) fn create(server: &'s dyn PostgresServer) -> Self {
        let name = format!("test_{:012x}", fastrand::u64(..1 << 48));
        administrate(server).expect("a session").execute(&format!("CREATE DATABASE {name}"));
        let session = Session::open(server, &name).expect("a session in the new database");
        Self { server, slot: format!("{name}_slot"), publication: format!("{name}_pub"), name, session: Some(session) }
    }

    /// The session of this value.
    pub(crate) fn session(&self) -> &Session {
        self.session.as_ref().expect("open until it is dropped")
    }

    /// One more session, for what happens at the same time.
    pub(crate) fn another_session(&self) -> Session {
        Session::open(self.server, &self.name).expect("another session")
    }

    /// Opens the session anew, after the server was restarted.
    pub(crate) fn reconnect(&mut self) {
        self.session = None;
        self.session = Some(wait::until_some("the server takes connections", wait::PATIENCE, || {
            Session::open(self.server, &self.name).ok()
        }));
    }

    /// Runs statements in the session of this value.
    #[track_caller]
    pub(crate) fn execute(&self, sql: &str) {
        self.session().execute(sql);
    }

    /// Makes the slot, with pgoutput.
    #[track_caller]
    pub(crate) fn create_slot(&self) {
        self.execute(&format!("SELECT pg_create_logical_replication_slot('{}', 'pgoutput')", self.slot));
    }

    /// What the slot has confirmed; none while there is no slot.
    #[track_caller]
    pub(crate) fn confirmed_lsn(&self) -> Option<Lsn> {
        let sql = format!("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '{}'", self.slot);
        self.session().value(&sql).map(|lsn| lsn.parse().expect("an LSN"))
    }

    /// Process id of the walsender that streams from the slot.
    #[track_caller]
    pub(crate) fn walsender(&self) -> Option<u32> {
        let sql = format!(
            "SELECT s.active_pid FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid \
             WHERE s.slot_name = '{}' AND r.state IN ('streaming', 'catchup')",
            self.slot
        );
        self.session().value(&sql).map(|pid| pid.parse().expect("a process id"))
    }

    /// Waits until somebody streams from the slot; returns the walsender's process id.
    #[track_caller]
    pub(crate) fn wait_until_streaming(&self) -> u32 {
        wait::until_some("somebody streams from the slot", wait::PATIENCE, || self.walsender())
    }

    /// Waits until the slot has confirmed all that is written so far.
    #[track_caller]
    pub(crate) fn wait_until_confirmed(&self) {
        let wanted = self.session().current_lsn();
        wait::until("the slot has confirmed all that was written", wait::PATIENCE, || {
            self.confirmed_lsn().is_some_and(|confirmed| confirmed >= wanted)
        });
    }

    /// Ends the walsender of the slot, as an administrator does.
    #[track_caller]
    pub(crate) fn terminate_walsender(&self) {
        let pid = self.walsender().expect("somebody streams");
        self.execute(&format!("SELECT pg_terminate_backend({pid})"));
    }
}

fn administrate(server: &dyn PostgresServer) -> Result<Session, tokio_postgres::Error> {
    Session::open(server, "postgres")
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        self.session = None;
        // A server that the test stopped keeps nothing that could disturb others.
        let Ok(session) = administrate(self.server) else { return };
        let of_ours = format!("FROM pg_replication_slots WHERE database = '{}'", self.name);
        let deadline = std::time::Instant::now() + wait::PATIENCE;
        // A walsender may come back between the two statements while a process of the test still runs.
        while session.try_execute(&format!("SELECT pg_terminate_backend(active_pid) {of_ours} AND active")).is_ok()
            && session.try_execute(&format!("SELECT pg_drop_replication_slot(slot_name) {of_ours}")).is_err()
            && std::time::Instant::now() < deadline
        {}
        let _ = session.try_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}
