//! Rows in the table of signals around the reading of a chunk, as Debezium writes them.
//!
//! They are there for those who watch the table: here a chunk's place is decided by positions of the log. So whatever goes
//! wrong with them is told once, and nothing waits for them.
//!
//! Source: Debezium's `SignalBasedIncrementalSnapshotChangeEventSource`, `InsertWindowCloser`, `DeleteWindowCloser`.

use std::sync::Arc;

use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::config::{Signals, Windows};
use crate::error::{Class, Error, Result};
use crate::source::ident::QuotedIdent;
use crate::source::sql::{Sql, field};

/// The server's clock as Java prints an instant.
const NOW: &str = r#"to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#;

/// Writes such rows, as long as it may.
pub(super) struct Watermarks {
    sql: Arc<Sql>,
    /// The table as it stands in statements, and how windows are closed; nothing where none are written.
    into: Option<(String, Windows)>,
}

/// A window that is open.
pub(super) struct Window {
    id: Uuid,
    opened: String,
}

impl Watermarks {
    pub(super) fn new(sql: Arc<Sql>, signals: &Signals) -> Self {
        let table = signals.table.as_ref();
        let table = table.map(|(schema, table)| format!("{}.{}", QuotedIdent(schema), QuotedIdent(table)));
        Self { sql, into: table.zip(signals.windows) }
    }

    /// Opens a window.
    ///
    /// # Cancel safety
    /// The row may be there or not.
    pub(super) async fn open(&mut self) -> Option<Window> {
        let (table, _) = self.into.clone()?;
        let id = Uuid::now_v7();
        let told = self.write_open(&table, id).await;
        self.keep_or_leave(told).map(|opened| Window { id, opened })
    }

    /// Closes it.
    ///
    /// # Cancel safety
    /// The row may be there or not.
    pub(super) async fn close(&mut self, window: Window) {
        let Some((table, windows)) = self.into.clone() else { return };
        let told = self.write_close(&table, windows, &window).await;
        self.keep_or_leave(told);
    }

    async fn write_open(&self, table: &str, id: Uuid) -> Result<String> {
        let session = self.sql.session().await?;
        let rows = session.query(&format!("SELECT {NOW} AS now"), &[]).await?;
        let row = rows.first().ok_or_else(|| Error::bug("a query of the clock gave no row"))?;
        let opened: String = field(row, "now")?;
        let data = format!(r#"{{"openWindowTimestamp": "{opened}"}}"#);
        insert(&session, table, &format!("{id}-open"), "snapshot-window-open", &data).await?;
        Ok(opened)
    }

    async fn write_close(&self, table: &str, windows: Windows, window: &Window) -> Result<()> {
        let (session, Window { id, opened }) = (self.sql.session().await?, window);
        if windows == Windows::InsertDelete {
            let statement = format!("DELETE FROM {table} WHERE id = $1");
            return session.query(&statement, &[(&format!("{id}-open"), Type::TEXT)]).await.map(drop);
        }
        let rows = session.query(&format!("SELECT {NOW} AS now"), &[]).await?;
        let row = rows.first().ok_or_else(|| Error::bug("a query of the clock gave no row"))?;
        let closed: String = field(row, "now")?;
        let data = format!(r#"{{"openWindowTimestamp": "{opened}", "closeWindowTimestamp": "{closed}"}}"#);
        insert(&session, table, &format!("{id}-close"), "snapshot-window-close", &data).await
    }

    /// Where the server says no, it says so again for the next chunk; where it is away, it may come back.
    fn keep_or_leave<T>(&mut self, told: Result<T>) -> Option<T> {
        match told {
            Ok(told) => return Some(told),
            Err(error) if error.class() == Class::Transient => {
                tracing::debug!(detail = error.detail_text(), "a window of a chunk is not written: {error}");
            }
            Err(error) => {
                self.into = None;
                tracing::info!(
                    detail = error.detail_text(),
                    "the windows of chunks are not written into the table of signals, and nothing depends on them: {error}"
                );
            }
        }
        None
    }
}

async fn insert(
    session: &crate::source::sql::Session<'_>,
    table: &str,
    id: &str,
    kind: &str,
    data: &str,
) -> Result<()> {
    let params = [id, kind, data].map(str::to_owned);
    let [id, kind, data] = &params;
    let statement = format!("INSERT INTO {table} VALUES ($1, $2, $3)");
    session.query(&statement, &[(id, Type::VARCHAR), (kind, Type::VARCHAR), (data, Type::VARCHAR)]).await.map(drop)
}
