//! The replication connection against real servers: authentication, TLS, sockets that fail, and the stream.

mod authentication;
mod fixture;
mod silence;
mod stream;
mod tls;
