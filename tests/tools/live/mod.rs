//! The parts of the live comparison: walcast as a process, and the run itself.

pub(crate) mod run;
pub(crate) mod walcast;
