//! walcast casts a PostgreSQL write-ahead log into Kafka.
//!
//! `ARCHITECTURE.md` follows one byte through the rooms below, from the socket to the confirmed LSN.

pub mod assemble;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod encode;
pub mod error;
pub mod event;
pub mod history;
pub mod ledger;
#[cfg(feature = "local")]
pub mod local;
pub mod lsn;
pub mod observe;
pub mod pgoutput;
pub mod pgtime;
pub mod pipeline;
pub mod progress;
pub mod registry;
pub mod schema;
pub mod signal;
pub mod sink;
pub mod snapshot;
pub mod source;
pub mod value;
pub mod wire;
