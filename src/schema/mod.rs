//! Connect schemas: what a table's keys, rows and change envelopes look like to whoever reads the records, and how each
//! column's values get there.
//!
//! Owns [`Schema`] and everything that the handling modes decide: which kind a column becomes, under which semantic
//! name, and by which [`Conversion`]. Must never do I/O, know a record format, or look at a row's values.
//!
//! Invariants:
//! - [`Tables::of`] depends on the relation version and on the settings only, so that it is made once for each version.
//! - Whatever a [`Conversion`] puts is of the kind that the column's schema says.
//!
//! Source: Debezium's `TableSchemaBuilder`, `PostgresValueConverter` and `JdbcValueConverters`.

mod binary;
mod column;
mod compound;
mod conversion;
mod decimal;
mod envelope;
mod history;
mod literal;
mod mask;
mod model;
mod names;
pub mod number;
mod put;
mod rule;
pub mod standing;
mod table;
mod temporal;

pub use binary::{append_base64, append_bytes_base64};
pub use column::ColumnSchema;
pub use compound::{JAVA_BUCKETS_MIN, java_bucket_order, java_buckets, java_hash};
pub use conversion::{Conversion, NotRepresentable};
pub use decimal::{append_java_text, with_be_bytes};
pub use envelope::Envelope;
pub use history::{version_key, version_value};
pub use literal::Literal;
pub use mask::Masked;
pub use model::{Field, Kind, Schema};
pub use names::{adjust_field_name, adjust_name};
pub use put::Put;
pub use rule::Hidden;
pub use table::{KeyColumn, TableSchemas, Tables, holds_values};
pub use temporal::append_instant;
