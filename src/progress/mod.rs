//! What is done, kept where a restart finds it.
//!
//! Owns the entries of the progress topic ([`Entry`]), the records that they are there ([`mod@record`]), what they come to when
//! they are read ([`Book`]), and what keeps them ([`Store`]). Pure but for the promises of a store.
//!
//! Invariants:
//! - An entry is kept after the brokers hold what it says is done, never before: what is missing here is done again, and
//!   what stands here is not.
//! - Entries name the snapshot that they belong to, so that those of an earlier one say nothing of a later one.

mod blocking;
mod book;
mod incremental;
pub mod record;
mod store;
#[cfg(test)]
mod tests;

pub use blocking::{BlockingCondition, BlockingRequest, BlockingState};
pub use book::{Book, Entry, Generation, Part, SnapshotId, SnapshotState, TableName};
pub use incremental::{IncrementalState, IncrementalTable, KeyValues};
pub use record::Unreadable;
pub use store::{Pending, Store};
