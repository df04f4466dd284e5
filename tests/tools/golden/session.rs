//! A session with the recorded database.

use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use walcast::local::PostgresServer;

use crate::Outcome;

/// What a value's text depends on, as the drivers of both connectors set it.
const SETTINGS: &str = "SET TIME ZONE 'UTC'; SET datestyle = 'ISO, MDY'; SET intervalstyle = 'postgres'; \
                        SET bytea_output = 'hex'; SET extra_float_digits = 3";

/// A pgoutput message that begins a transaction, in hexadecimal, as it stands in a frame's line.
const BEGIN: &str = "\"data\" : \"42";

/// A session in simple queries.
pub(crate) struct Session<'r> {
    runtime: &'r Runtime,
    client: Client,
}

impl<'r> Session<'r> {
    /// Makes the database `golden` and opens a session with it.
    pub(crate) fn with_new_database(runtime: &'r Runtime, server: &dyn PostgresServer) -> Outcome<Self> {
        let admin = Self::open(runtime, server, "postgres")?;
        admin.execute("CREATE DATABASE golden TEMPLATE template0 ENCODING 'UTF8'")?;
        let session = Self::open(runtime, server, "golden")?;
        session.execute(SETTINGS)?;
        Ok(session)
    }

    fn open(runtime: &'r Runtime, server: &dyn PostgresServer, database: &str) -> Outcome<Self> {
        let mut config = tokio_postgres::Config::new();
        config.host(server.host()).port(server.port()).user(server.user()).dbname(database);
        let (client, connection) = runtime.block_on(config.connect(NoTls))?;
        runtime.spawn(connection);
        Ok(Self { runtime, client })
    }

    pub(crate) fn execute(&self, statement: &str) -> Outcome<()> {
        let told = |error: tokio_postgres::Error| match error.as_db_error() {
            Some(refusal) => refusal.to_string(),
            None => error.to_string(),
        };
        Ok(self.runtime.block_on(self.client.batch_execute(statement)).map_err(told)?)
    }

    /// First column of all rows.
    pub(crate) fn column(&self, query: &str) -> Outcome<Vec<String>> {
        let messages = self.runtime.block_on(self.client.simple_query(query))?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        Ok(rows.collect())
    }

    pub(crate) fn one(&self, query: &str) -> Outcome<Option<String>> {
        Ok(self.column(query)?.into_iter().next())
    }

    /// Whether a walsender streams from a slot. A slot is active while it is made, too, and then does not hold yet what
    /// is written.
    pub(crate) fn is_streaming(&self, slot: &str) -> Outcome<bool> {
        let state = format!(
            "SELECT r.state FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid
              WHERE s.slot_name = '{slot}'"
        );
        Ok(self.one(&state)?.as_deref() == Some("streaming"))
    }

    /// Makes a slot that decodes from now on.
    pub(crate) fn create_slot(&self, name: &str) -> Outcome<()> {
        self.execute(&format!("SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')"))
    }

    /// All messages of a slot, each as the line of a file.
    pub(crate) fn frames(&self, slot: &str, options: &str) -> Outcome<Vec<String>> {
        self.column(&format!(
            "SELECT json_build_object('lsn', lsn - '0/0'::pg_lsn, 'data', encode(data, 'hex'))::text
               FROM pg_logical_slot_get_binary_changes('{slot}', NULL, NULL, 'proto_version', '1',
                    'publication_names', 'dbz_publication', 'messages', 'true'{options})",
        ))
    }
}

/// How many transactions frames hold.
pub(crate) fn transactions(frames: &[String]) -> Outcome<i64> {
    Ok(i64::try_from(frames.iter().filter(|frame| frame.contains(BEGIN)).count())?)
}
