//! The built binary from a real PostgreSQL to a real Kafka, as an operator runs it.

mod binary;
mod broken;
mod ddl;
mod demo;
mod files;
mod history;
mod history_faults;
mod http;
mod idle;
mod murmur2;
mod records;
mod refused;
mod scene;
mod setup;
mod size;
mod stamps;
mod stdout;
mod stop;
mod tables;
mod topics;
mod transactions;
