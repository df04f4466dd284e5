//! What operators may want to know of an incremental snapshot.
//!
//! Source: Debezium's `IncrementalSnapshotNotificationService`.

use crate::event::{Incremental, Notification};
use crate::progress::{KeyValues, TableName};

/// What Debezium writes for a null in a key.
const NULL: &str = "<null>";

/// Something that operators may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Id of the signal that asked for it; of the last one where several did.
    pub signal: String,
    /// The tables that it is about, or that are left with the one that it is about.
    pub tables: Vec<TableName>,
    /// What happened.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Tables are going to be read, and none were before.
    Started,
    /// Tables are going to be read behind those that are being read.
    Added,
    /// Reading pauses.
    Paused,
    /// Reading goes on.
    Resumed,
    /// Tables are not read to their end.
    Aborted,
    /// The brokers hold a chunk.
    Progressed {
        /// Its table.
        table: TableName,
        /// Rows that were read so far.
        rows: u64,
        /// The largest key of the table.
        until: Option<KeyValues>,
        /// The last key of the chunk.
        last: Option<KeyValues>,
    },
    /// A table is done.
    TableDone {
        /// The table.
        table: TableName,
        /// Rows that were read.
        rows: u64,
        /// How it ended.
        outcome: Outcome,
    },
    /// All tables are done.
    Completed,
}

/// How a table ended.
///
/// Source: Debezium's `TableScanCompletionStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All its rows were read.
    Succeeded,
    /// It has no rows.
    Empty,
    /// Its rows cannot be told apart.
    NoPrimaryKey,
    /// It is not there, or not captured.
    UnknownSchema,
    /// The server refused to read it.
    SqlException,
}

impl Outcome {
    /// Debezium's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Empty => "EMPTY",
            Self::NoPrimaryKey => "NO_PRIMARY_KEY",
            Self::UnknownSchema => "UNKNOWN_SCHEMA",
            Self::SqlException => "SQL_EXCEPTION",
        }
    }
}

impl Notice {
    /// What those are told who asked for notifications of a connector; nothing of what Debezium does not tell.
    #[must_use]
    pub fn notification(&self, connector: &str) -> Option<Notification> {
        let tables = self.tables.iter().map(name).collect::<Vec<_>>().join(",");
        let told = |told| Some(Notification::incremental(&self.signal, connector, &tables, told));
        match &self.what {
            Happening::Started => told(Incremental::Started),
            // Debezium tells of the first signal only.
            Happening::Added => None,
            Happening::Paused => told(Incremental::Paused),
            Happening::Resumed => told(Incremental::Resumed),
            Happening::Aborted => told(Incremental::Aborted),
            Happening::Progressed { table, until, last, .. } => {
                let (maximum_key, last_key) = (until.as_ref().map(key), last.as_ref().map(key).unwrap_or_default());
                let table = name(table);
                told(Incremental::InProgress {
                    table: &table,
                    maximum_key: maximum_key.as_deref(),
                    last_key: &last_key,
                })
            }
            Happening::TableDone { table, rows, outcome } => {
                told(Incremental::TableScanned { table: &name(table), rows: *rows, status: outcome.as_str() })
            }
            Happening::Completed => told(Incremental::Completed),
        }
    }
}

fn name(table: &TableName) -> String {
    format!("{}.{}", table.schema, table.table)
}

/// The columns of a key as they print.
fn key(values: &KeyValues) -> String {
    let texts: Vec<&str> = values.0.iter().map(|value| value.as_deref().unwrap_or(NULL)).collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> TableName {
        TableName { schema: "public".to_owned(), table: name.to_owned() }
    }

    fn told(what: Happening) -> Notification {
        let tables = vec![table("a"), table("b")];
        Notice { signal: "7".to_owned(), tables, what }.notification("shop").unwrap()
    }

    #[test]
    fn what_is_told_stands_in_debeziums_order() {
        let values = |value: &str| Some(KeyValues(vec![Some(value.to_owned()), None]));
        let chunk = Happening::Progressed { table: table("a"), rows: 3, until: values("9"), last: values("3") };
        let done = Happening::TableDone { table: table("a"), rows: 3, outcome: Outcome::Succeeded };
        for (what, kind, additional) in [
            (Happening::Started, "STARTED", "connector_name=shop data_collections=public.a,public.b"),
            (
                chunk,
                "IN_PROGRESS",
                "current_collection_in_progress=public.a connector_name=shop maximum_key=9,<null> \
                 data_collections=public.a,public.b last_processed_key=3,<null>",
            ),
            (
                done,
                "TABLE_SCAN_COMPLETED",
                "scanned_collection=public.a connector_name=shop total_rows_scanned=3 \
                 data_collections=public.a,public.b status=SUCCEEDED",
            ),
            (Happening::Completed, "COMPLETED", "connector_name=shop"),
        ] {
            let Notification { id, aggregate, kind: found, additional: members } = told(what);
            assert_eq!((&*id, aggregate, found), ("7", "Incremental Snapshot", kind));
            let members: Vec<String> = members.iter().map(|(name, text)| format!("{name}={text}")).collect();
            assert_eq!(members.join(" "), additional);
        }
    }
}
