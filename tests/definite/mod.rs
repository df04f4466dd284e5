//! What no reconnection mends: the built binary must end, with the right exit code and words that an operator can
//! act on, and must not confirm a thing.

mod publication;
mod scene;
mod server;
mod slot;
mod start;
