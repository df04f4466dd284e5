//! What can be seen from outside while a connector runs: status, metrics, HTTP, logs, the terminal.
//!
//! Owns the live [`Status`], the [`Metrics`], and everything that shows them. The pipeline writes; nothing here
//! ever calls back, waits for the pipeline, or can hold it up: positions are atomics, counters are bumped in local
//! integers and added once a batch. No row value and no secret passes through.

mod bars;
pub mod course;
pub mod form;
pub mod http;
pub mod log;
pub mod metrics;
pub mod narrator;
pub mod retention;
pub mod status;
pub mod terminal;
mod told;
mod words;

pub use course::Course;
pub use form::StreamForm;
pub use metrics::{FailureOutcome, Metrics, Operation, Side, TableMetrics, TableTally};
pub use retention::Retention;
pub use status::{State, Status};
