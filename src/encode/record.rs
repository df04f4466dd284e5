//! A record as it goes to a sink: everything borrowed, nothing of PostgreSQL left in it.

use std::sync::Arc;

use crate::ledger::Ticket;

/// One header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Header key.
    pub key: String,
    /// Header value as it goes on the wire.
    pub value: Vec<u8>,
}

/// Headers of a record: at most one of its own, then those that all records of a run share.
///
/// The shared part is one allocation for the whole run, so that a sink can render it once and recognise it
/// by address.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// Comes first: `__debezium.newkey` or `__debezium.oldkey` of a key change.
    pub own: Option<(&'a str, &'a [u8])>,
    /// Comes after: the context headers; empty where they are switched off.
    pub shared: &'a Arc<[Header]>,
}

/// A record on its way to a topic. Everything is borrowed; a sink copies what it keeps.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Topic name.
    pub topic: &'a Arc<str>,
    /// `None` is Kafka's null key.
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Where it goes, if that is not left to the client: heartbeats are in partition 0.
    pub partition: Option<i32>,
    /// Headers in wire order.
    pub headers: Headers<'a>,
    /// The unit it belongs to.
    pub ticket: Ticket,
}
