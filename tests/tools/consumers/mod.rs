//! The parts of the run with foreign consumers.

pub(crate) mod compare;
pub(crate) mod consumer;
pub(crate) mod database;
pub(crate) mod debezium;
pub(crate) mod sink;
pub(crate) mod source;
pub(crate) mod stage;
pub(crate) mod topics;
pub(crate) mod walcast;
