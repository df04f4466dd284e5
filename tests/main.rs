//! The one integration binary: real servers, shared by all tests of a run.

#![allow(clippy::unwrap_used, reason = "in a test a broken expectation is a failure, also in its support code")]

mod contract;
mod definite;
mod faults;
mod golden;
mod registry;
mod servers;
mod snapshot;
mod source;
mod stream;
mod support;
mod tidy;
mod wire;
