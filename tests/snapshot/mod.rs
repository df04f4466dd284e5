//! Snapshots, from rows that are there before the connector to what a consumer of the topics holds in the end.

mod hand_over;
mod initial;
mod resume;
mod writers;
