//! The tables that are read.

use crate::support::tables::{NARROW_ROWS, NARROW_TABLE, wide_rows, wide_table};

/// One kind of table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Table {
    /// Rows of five columns.
    Narrow,
    /// Rows of 30 columns.
    Wide,
    /// Rows of 1 KB of text that does not compress.
    Kilobyte,
    /// Rows of 10 MB of text, which is stored beside them.
    Megabytes,
}

/// Every table in the order of the report.
pub(crate) const ALL: [Table; 4] = [Table::Narrow, Table::Wide, Table::Kilobyte, Table::Megabytes];

/// Publication of all tables of a database.
pub(crate) const PUBLICATION: &str = "bench";

/// Size of the largest rows, in bytes.
const MEGABYTES: u64 = 10_000_000;

impl Table {
    /// For people, and in the report.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Narrow => "narrow rows",
            Self::Wide => "30-column rows",
            Self::Kilobyte => "rows of 1 KB",
            Self::Megabytes => "rows of 10 MB",
        }
    }

    /// Name of the database that it has to itself.
    pub(crate) fn dbname(self) -> &'static str {
        match self {
            Self::Narrow => "narrow",
            Self::Wide => "wide",
            Self::Kilobyte => "kilobyte",
            Self::Megabytes => "megabytes",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Narrow => "orders",
            Self::Wide => "measurements",
            Self::Kilobyte | Self::Megabytes => "documents",
        }
    }

    /// Whether it is also measured while something is written: the others are about memory.
    pub(crate) fn with_writer(self) -> bool {
        matches!(self, Self::Narrow | Self::Wide)
    }

    /// Rows where `narrow` are asked for: fewer where each costs more.
    pub(crate) fn rows(self, narrow: u64) -> u64 {
        match self {
            Self::Narrow => narrow,
            Self::Wide => narrow / 4,
            Self::Kilobyte => narrow / 4,
            Self::Megabytes => (narrow / 10_000).clamp(20, 100),
        }
    }

    /// Statements that make the table with so many rows.
    pub(crate) fn filled(self, rows: u64) -> String {
        let numbers = format!("FROM generate_series(1::bigint, {rows}) n");
        // Hexadecimal digits of digests do not compress, neither here nor at the broker, to less than half.
        let documents = "CREATE TABLE documents (id bigint PRIMARY KEY, body text NOT NULL)";
        match self {
            Self::Narrow => format!("{NARROW_TABLE}; {NARROW_ROWS} {numbers}"),
            Self::Wide => format!("{}; {} {numbers}", wide_table(), wide_rows()),
            Self::Kilobyte => format!(
                "{documents}; INSERT INTO documents SELECT n, (SELECT string_agg(md5(n::text || piece), '') \
                 FROM generate_series(1, 32) piece) {numbers}"
            ),
            Self::Megabytes => format!(
                "{documents}; ALTER TABLE documents ALTER body SET STORAGE EXTERNAL; \
                 INSERT INTO documents SELECT n, repeat(md5(n::text), {}) {numbers}",
                MEGABYTES / 32
            ),
        }
    }
}
