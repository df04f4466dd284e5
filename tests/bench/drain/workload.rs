//! The backlogs: what is written while the slots stand still.

use std::fmt::Write as _;

use crate::support::connector::Format;
use crate::support::tables::{NARROW_ROWS, NARROW_TABLE, wide_rows, wide_table};

/// One kind of backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Workload {
    /// Narrow rows of five columns in transactions of 100.
    Narrow,
    /// The same rows in one transaction.
    OneTransaction,
    /// The same rows, each in a transaction of its own.
    OneRow,
    /// Rows of 30 columns in transactions of 100.
    Wide,
    /// Updates of narrow rows with REPLICA IDENTITY FULL in transactions of 100.
    UpdatesFull,
    /// Narrow rows as Avro.
    NarrowAvro,
    /// Rows of 30 columns as Avro.
    WideAvro,
}

/// Every workload in the order of the table.
pub(crate) const ALL: [Workload; 7] = [
    Workload::Narrow,
    Workload::OneTransaction,
    Workload::OneRow,
    Workload::Wide,
    Workload::UpdatesFull,
    Workload::NarrowAvro,
    Workload::WideAvro,
];

const ROWS_PER_TRANSACTION: u64 = 100;

impl Workload {
    /// For people, and in the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Narrow => "narrow rows, 100 a transaction",
            Self::OneTransaction => "narrow rows, one transaction",
            Self::OneRow => "narrow rows, 1 a transaction",
            Self::Wide => "30-column rows, 100 a transaction",
            Self::UpdatesFull => "updates, full identity, 100 a transaction",
            Self::NarrowAvro => "narrow rows in Avro, 100 a transaction",
            Self::WideAvro => "30-column rows in Avro, 100 a transaction",
        }
    }

    /// Name of the database that it has to itself.
    pub(crate) fn dbname(self) -> &'static str {
        match self {
            Self::Narrow => "narrow",
            Self::OneTransaction => "one_transaction",
            Self::OneRow => "one_row",
            Self::Wide => "wide",
            Self::UpdatesFull => "updates_full",
            Self::NarrowAvro => "narrow_avro",
            Self::WideAvro => "wide_avro",
        }
    }

    /// What connectors write it as.
    pub(crate) fn format(self) -> Format {
        match self {
            Self::NarrowAvro | Self::WideAvro => Format::Avro,
            _ => Format::Json,
        }
    }

    /// Its only table.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Wide | Self::WideAvro => "measurements",
            _ => "orders",
        }
    }

    /// Rows of the backlog where `narrow` are asked for: fewer where each costs more, so that drains take about equally
    /// long, and always whole transactions.
    pub(crate) fn rows(self, narrow: u64) -> u64 {
        let rows = match self {
            Self::Narrow | Self::OneTransaction | Self::NarrowAvro => narrow,
            Self::OneRow | Self::Wide | Self::WideAvro => narrow / 4,
            Self::UpdatesFull => narrow / 2,
        };
        rows.next_multiple_of(ROWS_PER_TRANSACTION).max(ROWS_PER_TRANSACTION)
    }

    /// What stands before the slots are made: table, publication, and the rows that are going to be updated.
    pub(crate) fn preparation(self, rows: u64) -> String {
        let mut text = match self {
            Self::Wide | Self::WideAvro => wide_table(),
            _ => NARROW_TABLE.to_owned(),
        };
        if self == Self::UpdatesFull {
            let _ = write!(
                text,
                ";ALTER TABLE orders REPLICA IDENTITY FULL;{NARROW_ROWS} FROM generate_series(1::bigint, {rows}) n"
            );
        }
        let _ = write!(text, ";CREATE PUBLICATION {PUBLICATION} FOR TABLE {}", self.table());
        text
    }

    /// What writes the backlog, to be run outside of a transaction.
    pub(crate) fn backlog(self, rows: u64) -> String {
        match self {
            Self::OneTransaction => format!("{NARROW_ROWS} FROM generate_series(1::bigint, {rows}) n"),
            Self::Narrow | Self::NarrowAvro => {
                in_transactions(rows, ROWS_PER_TRANSACTION, &format!("{NARROW_ROWS} FROM {NUMBERS} n"))
            }
            Self::OneRow => in_transactions(rows, 1, &format!("{NARROW_ROWS} FROM {NUMBERS} n")),
            Self::Wide | Self::WideAvro => {
                in_transactions(rows, ROWS_PER_TRANSACTION, &format!("{} FROM {NUMBERS} n", wide_rows()))
            }
            Self::UpdatesFull => in_transactions(
                rows,
                ROWS_PER_TRANSACTION,
                "UPDATE orders SET status = 'changed', amount = amount + 1 WHERE id BETWEEN low AND high",
            ),
        }
    }
}

/// Publication of every workload's table.
pub(crate) const PUBLICATION: &str = "bench";

/// The rows of one transaction.
const NUMBERS: &str = "generate_series(low::bigint, high)";

/// Runs `statement` once for every `size` rows, which are numbered `low` to `high`, and commits each time.
fn in_transactions(rows: u64, size: u64, statement: &str) -> String {
    let step = size - 1;
    format!(
        "DO $$DECLARE high bigint; BEGIN FOR low IN 1..{rows} BY {size} LOOP \
         high := low + {step}; {statement}; COMMIT; END LOOP; END$$"
    )
}
