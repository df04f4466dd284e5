//! Notifications: what the connector tells of its snapshots.

/// One notification, in Debezium's words.
///
/// Source: Debezium's `Notification`, `InitialSnapshotNotificationService`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// A UUID of its own, or the id of the signal that asked for the snapshot.
    pub id: String,
    /// `Initial Snapshot` or `Incremental Snapshot`
    pub aggregate: &'static str,
    /// `STARTED`, `IN_PROGRESS`, `TABLE_SCAN_COMPLETED`, `COMPLETED`, `ABORTED`, `SKIPPED`
    pub kind: &'static str,
    /// More about it, in the order in which Debezium writes it.
    pub additional: Vec<(&'static str, String)>,
}

/// How the reading of a table ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanStatus {
    /// All rows were read.
    Succeeded,
    /// It cannot be read as it was.
    SqlException,
}

impl ScanStatus {
    /// The word in the notification.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::SqlException => "SQL_EXCEPTION",
        }
    }
}

/// What an initial snapshot tells. `connector` is `connector_name`, which is Debezium's logical name: `topic.prefix`.
impl Notification {
    const INITIAL: &str = "Initial Snapshot";
    const CONNECTOR: &str = "connector_name";

    fn initial(kind: &'static str, additional: Vec<(&'static str, String)>) -> Self {
        Self { id: uuid::Uuid::now_v7().to_string(), aggregate: Self::INITIAL, kind, additional }
    }

    fn plain(kind: &'static str, connector: &str) -> Self {
        Self::initial(kind, vec![(Self::CONNECTOR, connector.to_owned())])
    }

    /// It begins, or goes on.
    #[must_use]
    pub fn started(connector: &str) -> Self {
        Self::plain("STARTED", connector)
    }

    /// None is due.
    #[must_use]
    pub fn skipped(connector: &str) -> Self {
        Self::plain("SKIPPED", connector)
    }

    /// It was interrupted.
    #[must_use]
    pub fn aborted(connector: &str) -> Self {
        Self::plain("ABORTED", connector)
    }

    /// The brokers hold all of it.
    #[must_use]
    pub fn completed(connector: &str) -> Self {
        Self::plain("COMPLETED", connector)
    }

    /// A table begins; `tables` are all of the snapshot.
    #[must_use]
    pub fn in_progress(connector: &str, table: &str, tables: &str) -> Self {
        Self::initial(
            "IN_PROGRESS",
            vec![
                ("current_collection_in_progress", table.to_owned()),
                (Self::CONNECTOR, connector.to_owned()),
                ("data_collections", tables.to_owned()),
            ],
        )
    }

    /// A table is done.
    #[must_use]
    pub fn table_scanned(connector: &str, table: &str, tables: &str, rows: u64, status: ScanStatus) -> Self {
        Self::initial(
            "TABLE_SCAN_COMPLETED",
            vec![
                ("scanned_collection", table.to_owned()),
                (Self::CONNECTOR, connector.to_owned()),
                ("total_rows_scanned", rows.to_string()),
                ("data_collections", tables.to_owned()),
                ("status", status.as_str().to_owned()),
            ],
        )
    }
}

/// What is told of an incremental snapshot. Tables are names in a list with commas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incremental<'a> {
    /// It begins.
    Started,
    /// It waits.
    Paused,
    /// It goes on.
    Resumed,
    /// Tables are not read to their end.
    Aborted,
    /// A chunk is done.
    InProgress {
        /// Its table.
        table: &'a str,
        /// The largest key of the table; none where it is not known.
        maximum_key: Option<&'a str>,
        /// The last key of the chunk.
        last_key: &'a str,
    },
    /// A table is done.
    TableScanned {
        /// The table.
        table: &'a str,
        /// Rows that were read.
        rows: u64,
        /// The word for how it ended.
        status: &'a str,
    },
    /// All tables are done.
    Completed,
}

impl Notification {
    const INCREMENTAL: &str = "Incremental Snapshot";

    /// Tells something of an incremental snapshot that a signal asked for. What is told stands in the order of a Java
    /// `HashMap`, in which Debezium keeps it; where two have one place in it, the order is left to chance there.
    #[must_use]
    pub fn incremental(signal: &str, connector: &str, tables: &str, told: Incremental<'_>) -> Self {
        let connector = (Self::CONNECTOR, connector.to_owned());
        let tables = ("data_collections", tables.to_owned());
        let (kind, additional) = match told {
            Incremental::Started => ("STARTED", vec![connector, tables]),
            Incremental::Paused => ("PAUSED", vec![connector, tables]),
            Incremental::Resumed => ("RESUMED", vec![connector, tables]),
            Incremental::Aborted => ("ABORTED", vec![connector, tables]),
            Incremental::Completed => ("COMPLETED", vec![connector]),
            Incremental::InProgress { table, maximum_key, last_key } => (
                "IN_PROGRESS",
                vec![
                    ("current_collection_in_progress", table.to_owned()),
                    connector,
                    ("maximum_key", maximum_key.unwrap_or("\"<null>\"").to_owned()),
                    tables,
                    ("last_processed_key", last_key.to_owned()),
                ],
            ),
            Incremental::TableScanned { table, rows, status } => (
                "TABLE_SCAN_COMPLETED",
                vec![
                    ("scanned_collection", table.to_owned()),
                    connector,
                    ("total_rows_scanned", rows.to_string()),
                    tables,
                    ("status", status.to_owned()),
                ],
            ),
        };
        Self { id: signal.to_owned(), aggregate: Self::INCREMENTAL, kind, additional }
    }
}
