//! The replication connection: start-up, TLS, authentication, simple queries and the two-way stream.
//!
//! Owns [`Connection`] (ordinary state) and [`CopyBoth`] (streaming). It carries the envelopes of streaming replication
//! and must never know pgoutput. Rows of tables come over connections of the same kind ([`CopyOut`]).
//!
//! Built on `postgres-protocol` for the messages we send and for SCRAM and md5, and on rustls; the walk through what the
//! server sends is ours, because the stream must be read without a copy and tokio-postgres has no copy-both.
//!
//! | file | owns |
//! |---|---|
//! | `connect` | addresses, sockets, TLS negotiation, start-up packet |
//! | `auth`, `tls` | who we are, who they are |
//! | `query`, `command` | simple queries; IDENTIFY_SYSTEM, slots, START_REPLICATION |
//! | `copy`, `pace` | frames and status updates; when to let the socket fill |
//! | `copy_out` | rows of a COPY, on a connection of its own |
//! | `channel`, `buffer`, `transport`, `message` | bytes |
//! | `server_error` | SQLSTATE to [`crate::error::Kind`] |

mod auth;
mod buffer;
mod channel;
mod command;
mod connect;
mod copy;
mod copy_out;
mod message;
mod pace;
mod query;
mod server_error;
pub mod tls;
mod transport;

pub use command::{CreateSlot, CreatedSlot, SlotLifetime, SlotSnapshot, StartReplication, SystemIdentity};
pub use connect::Connection;
pub use copy::{CopyBoth, Ending, Frame, ReplyRequest};
pub use copy_out::CopyOut;
pub use query::Rows;
pub use server_error::ServerError;
