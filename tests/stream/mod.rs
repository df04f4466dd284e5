//! The built binary from a real PostgreSQL to a real Kafka, as an operator runs it.

mod binary;
mod broken;
mod ddl;
mod demo;
mod files;
mod heartbeats;
mod history;
mod history_faults;
mod http;
mod idle;
mod messages;
mod murmur2;
mod naming;
mod progress;
mod records;
mod refused;
pub(crate) mod scene;
mod setup;
mod size;
mod stamps;
mod stdout;
mod stop;
mod tables;
mod topics;
mod transaction_metadata;
mod transactions;
mod undecodable;
