//! From the replication socket to the sink and back to the confirmed LSN: a pure core in a thin shell.
//!
//! Owns [`core::Core`] (every rule, synchronous), [`input`] (everything that can happen and be done) and the
//! shell that turns sockets, timers and callbacks into inputs. No logic belongs into the shell.

pub mod backoff;
pub mod core;
#[cfg(test)]
mod core_tests;
pub mod input;
pub mod pump;
pub mod session;
pub mod shell;
pub mod tables;
