//! A database of the run: the source, or what a consumer made of it.

use std::fs;
use std::path::Path;

use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use walcast::local::PostgresServer;

use crate::Outcome;

/// The files of `sql/`, in the order in which the source runs them.
pub(crate) struct Sql {
    pub(crate) tables: &'static str,
    pub(crate) work: &'static str,
    pub(crate) alter: &'static str,
    pub(crate) last_work: &'static str,
}

/// Their names.
pub(crate) const SQL: Sql =
    Sql { tables: "1-tables.sql", work: "2-work.sql", alter: "3-alter.sql", last_work: "4-work.sql" };

/// A session with a new database.
pub(crate) struct Database<'r> {
    runtime: &'r Runtime,
    client: Client,
}

impl<'r> Database<'r> {
    /// Makes the database.
    pub(crate) fn create(runtime: &'r Runtime, server: &dyn PostgresServer, name: &str) -> Outcome<Self> {
        let admin = Self::open(runtime, server, "postgres")?;
        admin.execute(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))?;
        let database = Self::open(runtime, server, name)?;
        database.execute("SET TIME ZONE 'UTC'")?;
        Ok(database)
    }

    fn open(runtime: &'r Runtime, server: &dyn PostgresServer, name: &str) -> Outcome<Self> {
        let mut config = tokio_postgres::Config::new();
        config.host(server.host()).port(server.port()).user(server.user()).dbname(name);
        let (client, connection) = runtime.block_on(config.connect(NoTls))?;
        runtime.spawn(connection);
        Ok(Self { runtime, client })
    }

    /// Runs one of the files of `sql/`.
    pub(crate) fn run_file(&self, folder: &Path, file: &str) -> Outcome<()> {
        self.execute(&fs::read_to_string(folder.join("sql").join(file))?)
            .map_err(|error| format!("{file}: {error}").into())
    }

    /// The same in one transaction; returns a position before its commit and behind all other commits.
    pub(crate) fn run_file_in_transaction(&self, folder: &Path, file: &str) -> Outcome<String> {
        self.execute("BEGIN")?;
        self.run_file(folder, file)?;
        let position = self.one("SELECT pg_current_wal_insert_lsn()")?.ok_or("no position")?;
        self.execute("COMMIT")?;
        Ok(position)
    }

    /// Runs statements separated by semicolons.
    pub(crate) fn execute(&self, statements: &str) -> Outcome<()> {
        Ok(self.runtime.block_on(self.client.batch_execute(statements)).map_err(told)?)
    }

    /// Runs one statement with parameters.
    pub(crate) fn execute_with(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Outcome<u64> {
        Ok(self.runtime.block_on(self.client.execute(statement, parameters)).map_err(told)?)
    }

    /// First column of all rows.
    pub(crate) fn column(&self, query: &str) -> Outcome<Vec<String>> {
        let messages = self.runtime.block_on(self.client.simple_query(query)).map_err(told)?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// First column of the first row.
    pub(crate) fn one(&self, query: &str) -> Outcome<Option<String>> {
        Ok(self.column(query)?.into_iter().next())
    }
}

fn told(error: tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |refusal| refusal.to_string())
}
