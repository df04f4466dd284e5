//! What walcast's own snapshots read for the signals of a scenario: `chunks.jsonl` for incremental ones, and what is added
//! to `copies.jsonl` for blocking ones.
//!
//! Every statement is the library's. Nothing writes to the tables while Debezium reads them, so the rows are the same.

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use walcast::catalog::RelationVersion;
use walcast::config::{self, Brokers, Connector as Settings, Overrides};
use walcast::error::{Error, Kind, Result};
use walcast::pgoutput::ReplicaIdentity;
use walcast::progress::{KeyValues, TableName};
use walcast::signal::{Action, Heard, Request, parse};
use walcast::snapshot::chunks::{ChunkReader, Found, Rows};
use walcast::snapshot::incremental::{Order, Outcome, Wanted, wanted};
use walcast::source::capture::CaptureFilter;
use walcast::source::sql::Sql;

use super::copies;
use super::debezium::Connector;
use super::session::Session;
use crate::Outcome as ToolOutcome;

/// Signals in the order in which they were written.
const SIGNALS: &str =
    "SELECT json_build_array(id, data)::text FROM public.signals WHERE type = 'execute-snapshot' ORDER BY ctid";

/// Signals that were read before.
#[derive(Default)]
pub(crate) struct Chunks {
    known: Vec<String>,
    pub(crate) lines: Vec<String>,
    /// What blocking snapshots read, which is no chunk.
    pub(crate) copies: Vec<String>,
}

impl Chunks {
    /// Reads what the signals ask for that came since the last time.
    pub(crate) fn read(&mut self, runtime: &Runtime, session: &Session<'_>, connector: &Connector) -> ToolOutcome<()> {
        for line in session.column(SIGNALS)? {
            let signal: Value = serde_json::from_str(&line)?;
            let (Some(id), Some(data)) = (signal[0].as_str(), signal[1].as_str()) else { continue };
            if self.known.iter().any(|known| known == id) {
                continue;
            }
            self.known.push(id.to_owned());
            let configuration = Value::from(connector.configuration.clone()).to_string();
            let read = self.read_for(&configuration, id, data);
            runtime.block_on(read).map_err(|error| format!("signal {id}: {}", error.report()))?;
        }
        Ok(())
    }

    async fn read_for(&mut self, configuration: &str, id: &str, data: &str) -> Result<()> {
        let overrides = Overrides { brokers: Brokers::NotNeeded, ..Overrides::default() };
        let connector = config::load_text("connector.json", configuration, &overrides, &|_| None)?.connector;
        let Heard::Signal(signal) = parse(id, "execute-snapshot", Some(data)) else { return Ok(()) };
        match signal.action {
            Action::Incremental(request) => self.lines.extend(of_signal(&connector, id, &request).await?),
            Action::Blocking(request) => self.copies.extend(copies::of_signal(&connector, id, request).await?),
            _ => {}
        }
        Ok(())
    }
}

async fn of_signal(connector: &Settings, id: &str, request: &Request) -> Result<Vec<String>> {
    let filter = CaptureFilter::new(&connector.capture)?;
    let sql = std::sync::Arc::new(Sql::new(connector.database.clone()));
    let mut reader = ChunkReader::new(connector, sql);
    let is_asked_for =
        |schema: &str, table: &str| filter.matches(schema, table) && request.tables.matches(schema, table);
    let tables = reader.tables(is_asked_for).await?;
    let mut lines = Vec::new();
    for wanted in wanted(id, request, tables) {
        let (mut key, mut after, mut until, mut number) = (Vec::new(), None, None, 0);
        loop {
            number += 1;
            let rows = connector.snapshot.signals.chunk_rows;
            let order = Order { number, wanted: wanted.clone(), key, after, until, rows, again: 0 };
            match reader.read(&order).await {
                Found::Rows(rows) => {
                    lines.push(of_rows(&wanted, &rows).to_string());
                    (key, after, until) = (rows.key, rows.last, rows.until);
                    if !rows.more {
                        break;
                    }
                }
                Found::Ended(outcome, _) => {
                    lines.push(of_outcome(&wanted, outcome).to_string());
                    break;
                }
                Found::Again(error) => {
                    return Err(error.unwrap_or_else(|| Error::new(Kind::Protocol, "a table changes")));
                }
            }
        }
    }
    Ok(lines)
}

fn of_outcome(wanted: &Wanted, outcome: Outcome) -> Value {
    let TableName { schema, table } = &wanted.table;
    json!({"signal": wanted.signal, "schema": schema, "table": table, "ended": outcome.as_str()})
}

fn of_rows(wanted: &Wanted, read: &Rows) -> Value {
    let Rows { relation, texts, rows, last, until, more, .. } = read;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let key = |key: &Option<KeyValues>| key.as_ref().map(|key| key.0.clone());
    json!({
        "signal": wanted.signal,
        "schema": relation.schema,
        "table": relation.table,
        "oid": relation.id.0,
        "identity": identity(relation),
        "columns": relation.columns.iter().zip(texts).map(|(column, text)| json!({
            "name": column.name,
            "type": column.type_oid.0,
            "typmod": column.typmod,
            "identity": column.identity,
            "text": text,
        })).collect::<Vec<_>>(),
        "last": key(last),
        "until": key(until),
        "more": more,
        "rows": rows.iter().map(|row| hex(row)).collect::<Vec<_>>(),
    })
}

const fn identity(relation: &RelationVersion) -> &'static str {
    match relation.identity {
        ReplicaIdentity::Default => "d",
        ReplicaIdentity::Nothing => "n",
        ReplicaIdentity::Full => "f",
        ReplicaIdentity::Index => "i",
    }
}
