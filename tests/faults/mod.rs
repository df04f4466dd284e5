//! Faults on real servers, and what must still hold after each: nothing lost, order kept, definite errors definite.
//!
//! Every test writes through sessions of its own, breaks something, and lets [`audit`] compare the topics with the
//! write-ahead log.

mod audit;
mod crash;
mod kafka;
mod load;
mod off_table;
mod postgres;
mod rig;
mod source;
