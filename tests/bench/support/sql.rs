//! Ordinary SQL, one blocking statement at a time.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::{FromSqlOwned, ToSql};
use tokio_postgres::{Client, NoTls, Statement};
use walcast::local::PostgresServer;

use super::Outcome;

/// How long a slot may be in use by a reader that is gone, and how often it is looked at.
const SLOT_PATIENCE: Duration = Duration::from_secs(10);
const SLOT_POLL: Duration = Duration::from_millis(50);

/// A connection whose runtime runs only while a statement is waited for.
pub(crate) struct Sql {
    runtime: Runtime,
    client: Client,
}

impl Sql {
    pub(crate) fn open(server: &dyn PostgresServer, dbname: &str) -> Outcome<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut config = tokio_postgres::Config::new();
        config.host(server.host()).port(server.port()).user(server.user()).dbname(dbname);
        let (client, connection) = runtime.block_on(config.connect(NoTls))?;
        runtime.spawn(connection);
        Ok(Self { runtime, client })
    }

    /// Statements without a result.
    pub(crate) fn run(&self, text: &str) -> Outcome<()> {
        Ok(self.runtime.block_on(self.client.batch_execute(text))?)
    }

    pub(crate) fn prepare(&self, text: &str) -> Outcome<Statement> {
        Ok(self.runtime.block_on(self.client.prepare(text))?)
    }

    pub(crate) fn execute(&self, statement: &Statement, parameters: &[&(dyn ToSql + Sync)]) -> Outcome<u64> {
        Ok(self.runtime.block_on(self.client.execute(statement, parameters))?)
    }

    /// The first column of the only row, where there is one.
    pub(crate) fn value<T: FromSqlOwned>(
        &self,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Outcome<Option<T>> {
        match self.runtime.block_on(self.client.query_opt(statement, parameters))? {
            Some(row) => Ok(row.try_get(0)?),
            None => Ok(None),
        }
    }

    /// The first column of the only row of a query without parameters.
    pub(crate) fn fetch<T: FromSqlOwned>(&self, text: &str) -> Outcome<T> {
        let row = self.runtime.block_on(self.client.query_one(text, &[]))?;
        Ok(row.try_get(0)?)
    }

    /// Drops a slot, which is in use until its walsender has noticed that the reader is gone.
    pub(crate) fn drop_slot(&self, slot: &str) -> Outcome<()> {
        let deadline = Instant::now() + SLOT_PATIENCE;
        while let Err(problem) = self.run(&format!("SELECT pg_drop_replication_slot('{slot}')")) {
            if Instant::now() > deadline {
                return Err(problem);
            }
            std::thread::sleep(SLOT_POLL);
        }
        Ok(())
    }
}
