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

/// What walcast tells of an event on its own account: at most three headers, none unless they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Stamps<'a> {
    headers: [(&'static str, &'a [u8]); 3],
    len: usize,
}

impl<'a> Stamps<'a> {
    /// None at all.
    pub const NONE: Self = Self { headers: [("", &[]); 3], len: 0 };

    /// Adds a header behind the others; a fourth one finds no room.
    pub(super) fn push(&mut self, name: &'static str, value: &'a [u8]) {
        if let Some(place) = self.headers.get_mut(self.len) {
            *place = (name, value);
            self.len += 1;
        }
    }

    /// Names and values, in wire order.
    #[must_use]
    pub fn as_slice(&self) -> &[(&'static str, &'a [u8])] {
        self.headers.get(..self.len).unwrap_or_default()
    }
}

/// Headers of a record: at most one of its own, then those that all records of a run share, then walcast's.
///
/// The shared part is one allocation for the whole run, so that a sink can render it once and recognise it
/// by address.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// Comes first: `__debezium.newkey` or `__debezium.oldkey` of a key change.
    pub own: Option<(&'a str, &'a [u8])>,
    /// Comes after: the context headers; empty where they are switched off.
    pub shared: &'a Arc<[Header]>,
    /// Comes last: `walcast.headers`.
    pub stamps: Stamps<'a>,
}

impl Headers<'_> {
    /// Names and values of all of them, in wire order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let shared = self.shared.iter().map(|Header { key, value }| (key.as_str(), value.as_slice()));
        let stamps = self.stamps.as_slice().iter().map(|&(name, value)| (name, value));
        self.own.into_iter().chain(shared).chain(stamps)
    }
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
    /// When it was made, in milliseconds since the Unix epoch, where that is known: a sink need not look at the clock again.
    pub unix_millis: Option<i64>,
    /// The unit it belongs to.
    pub ticket: Ticket,
}
