//! What the tests share. Nothing sleeps outside [`wait`] and [`proxy`].

// Each test uses what it needs; a part that the last test stops using is found in review, not by the compiler.
#![allow(dead_code)]

pub(crate) mod database;
pub(crate) mod golden;
pub(crate) mod proxy;
pub(crate) mod servers;
pub(crate) mod standby;
pub(crate) mod topics;
pub(crate) mod wait;
pub(crate) mod walcast;
