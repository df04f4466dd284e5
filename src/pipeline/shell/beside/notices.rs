//! What is told of incremental snapshots: lines in the log, and notifications to those who asked for them.

use super::Shell;
use crate::error::Result;
use crate::pipeline::shell::snapshot::notices::log;
use crate::progress::TableName;
use crate::sink::Sink;
use crate::snapshot::incremental::{Happening, Notice, Outcome};

impl<S: Sink, F: FnMut() -> Result<S>> Shell<S, F> {
    /// Tells operators what becomes of an incremental snapshot.
    pub(super) fn tell_operators(&mut self, notice: &Notice) {
        tell(notice);
        let to = &self.connector.notifications;
        let (to_log, to_sink) = (to.log, to.sink);
        let Some(notification) = notice.notification(&self.connector.topic_prefix) else { return };
        if to_log {
            log(&notification);
        }
        if to_sink {
            self.pump.beside().notify(notification);
        }
    }
}

fn tell(Notice { signal, tables, what }: &Notice) {
    let names = || tables.iter().map(name).collect::<Vec<_>>().join(", ");
    match what {
        Happening::Started => tracing::info!(signal, tables = names(), "an incremental snapshot begins"),
        Happening::Added => tracing::info!(signal, tables = names(), "tables join the incremental snapshot"),
        Happening::Paused => tracing::info!(tables = names(), "an incremental snapshot is paused"),
        Happening::Resumed => tracing::info!(tables = names(), "an incremental snapshot is resumed"),
        Happening::Aborted => tracing::info!(tables = names(), "an incremental snapshot is stopped"),
        Happening::Progressed { table, rows, .. } => {
            tracing::debug!(table = name(table), rows, "a chunk is with the brokers");
        }
        Happening::TableDone { table, rows, outcome: outcome @ (Outcome::Succeeded | Outcome::Empty) } => {
            tracing::info!(table = name(table), rows, status = outcome.as_str(), "a table is read");
        }
        Happening::TableDone { table, outcome, .. } => {
            tracing::warn!(
                table = name(table),
                status = outcome.as_str(),
                "a table is left out of the incremental snapshot"
            );
        }
        Happening::Completed => tracing::info!("the incremental snapshot is complete"),
    }
}

fn name(table: &TableName) -> String {
    format!("{}.{}", table.schema, table.table)
}
