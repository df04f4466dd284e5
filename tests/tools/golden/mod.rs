//! The parts of the recorder: what is recorded, the run itself, and how records stand in the files.

pub(crate) mod chunks;
pub(crate) mod copies;
pub(crate) mod debezium;
pub(crate) mod records;
pub(crate) mod run;
pub(crate) mod scenario;
pub(crate) mod schemas;
pub(crate) mod session;
pub(crate) mod taken;
pub(crate) mod topics;
pub(crate) mod variant;
pub(crate) mod wanted;
