//! The one integration binary: real servers, shared by all tests of a run.

mod faults;
mod golden;
mod servers;
mod source;
mod support;
mod wire;
