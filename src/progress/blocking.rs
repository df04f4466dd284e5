//! Which blocking snapshots are not done.

use serde::{Deserialize, Serialize};

use super::TableName;

/// Blocking snapshots that were asked for and are not done, in the order of their signals; the first one may have begun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockingState {
    /// They.
    pub requests: Vec<BlockingRequest>,
}

/// A blocking snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockingRequest {
    /// Id of the signal that asked.
    pub signal: String,
    /// `data-collections`, as they were written.
    pub collections: Vec<String>,
    /// `additional-conditions`
    pub conditions: Vec<BlockingCondition>,
    /// Tables that the brokers hold.
    pub done: Vec<TableName>,
}

/// An entry of `additional-conditions`, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockingCondition {
    /// An expression for `schema.table`.
    pub collection: String,
    /// A SELECT, or a predicate.
    pub filter: String,
}
