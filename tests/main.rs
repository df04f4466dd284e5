//! The one integration binary: real servers, shared by all tests of a run.

mod golden;
mod servers;
mod source;
mod stream;
mod support;
