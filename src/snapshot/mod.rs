//! Snapshots: what was in the tables before the stream begins.
//!
//! Owns which tables are read ([`selection`]) and with which queries ([`mod@query`], [`queries`]), where their rows lie ([`heaps`]), how
//! they are cut ([`range`]), how rows come out of a COPY ([`copy`]), which row goes out when and with which mark ([`run`]), and what
//! is finished ([`tally`]). Must never know an output format, or the brokers.

pub mod chunks;
pub mod copy;
pub mod decision;
pub mod heaps;
pub mod incremental;
pub mod plan;
pub mod queries;
pub mod query;
pub mod range;
pub mod readers;
pub mod reading;
pub mod run;
pub mod selection;
pub mod tables;
pub mod tally;
