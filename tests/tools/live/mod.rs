//! The parts of the live comparison: walcast as a process, heartbeats, and the run itself.

pub(crate) mod heartbeats;
pub(crate) mod run;
pub(crate) mod walcast;
