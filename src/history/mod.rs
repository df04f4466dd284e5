//! The schema history: a number and a fingerprint for every relation version, kept where a restart finds them and anyone
//! can read them.
//!
//! Owns [`Fingerprint`], the records of the history ([`record`]), the book of numbers ([`Numbers`]), and what keeps them
//! ([`Store`]). Pure but for the promises of a store. Must never know how a handling mode or a converter writes a column:
//! a number says which shape a table had, and the same table has the same numbers under every configuration.
//!
//! Invariants:
//! - The numbers of a table count from 1. A table is what its name says: the topics, subjects and sinks of its records go
//!   by the name as well, and an OID changes with every restore. So a renamed table begins anew, or goes on where a table
//!   of its new name had stopped.
//! - One fingerprint of a table has one number for ever. A table that gets an earlier shape back gets that shape's number
//!   back, and an event that is sent again after a crash carries the number that it had.
//! - A number is held by the store before the first record with it goes out.

mod fingerprint;
mod numbers;
pub mod record;
mod store;
#[cfg(test)]
mod tests;

pub use fingerprint::Fingerprint;
pub use numbers::{Number, Numbers, Standing};
pub use record::Unreadable;
pub use store::{Doubt, Opened, Pending, Store};
