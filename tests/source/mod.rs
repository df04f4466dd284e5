//! The source room against real servers: facts, publication, slot, preflight.

mod access;
mod broken;
mod facts;
mod fixture;
mod forms;
mod preflight;
mod publication;
mod slot;
