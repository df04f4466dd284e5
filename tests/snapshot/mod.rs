//! Snapshots, from rows that are there before the connector to what a consumer of the topics holds in the end.

mod bad_input;
mod blocking;
mod hand_over;
mod incremental;
mod initial;
mod notifications;
mod observed;
mod overrides;
mod partitions;
mod resume;
mod signals;
mod writers;
