//! JSON as Kafka Connect's `JsonConverter` writes it without schemas: appended to a buffer, byte by byte.
//!
//! Owns the rendering of each kind of value. Must never allocate per value in the steady state.

pub(super) mod decimal;
pub(super) mod number;
pub(super) mod temporal;
pub(super) mod text;
