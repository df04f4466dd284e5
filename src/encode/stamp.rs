//! walcast's own headers: where an event stands, which one it is, and what its table looked like.
//!
//! Owns the names and forms of `walcast.headers`. All texts of an event are rendered into one buffer that stays, so that a
//! record costs no allocation.
//!
//! | header | text | bytes at most |
//! |---|---|---|
//! | `walcast.position` | `16/B374D848:3`: the commit's LSN, and the change's ordinal in its transaction | 38 |
//! | `walcast.event_id` | `7345678901234567890-16/B374D848:3-0`: system identifier, position, the record's number in its event | 70 |
//! | `walcast.schema_version` | `2`: the number in the schema history | 10 |
//!
//! An event id says which record of which change of which cluster it is, and so stays the same when the slot sends the
//! change again. Numbers of records do not depend on what is left out of them: a delete is 0 and its tombstone 1, and the
//! create that follows them where a key changes is 2; everything else is 0, and the captured tables of one TRUNCATE count
//! on from 0. Changes are numbered from 1 in their transaction, so its begin is 0 and its end the largest number, 2^64-1. So
//! is a logical message outside transactions, in place of a commit one byte before its own record's end, where none can
//! begin. Heartbeats are no events of the database: they say nothing of where they stand. The slot is not part of it: two slots that send the same changes give the same ids, and two that send
//! different ones count ordinals of their own, so that ids of two connectors must not be compared. Nor is the timeline:
//! what a promoted standby sends again has the id that it had.

use std::io::Write as _;
use std::ops::Range;

use super::Ranges;
use super::record::Stamps;
use crate::config::WalcastHeader;
use crate::event::{Change, Event};
use crate::lsn::Position;

const POSITION: &str = "walcast.position";
const EVENT_ID: &str = "walcast.event_id";
const SCHEMA_VERSION: &str = "walcast.schema_version";

/// Renders the headers of one event after the other.
#[derive(Debug, Default)]
pub(super) struct Stamper {
    wanted: Vec<WalcastHeader>,
    system_id: u64,
    bytes: Vec<u8>,
    position: Range<usize>,
    /// One for each record, as far as ids are wanted.
    ids: Vec<Range<usize>>,
    /// The last TRUNCATE, and how many of its tables were written.
    truncated: Option<(Position, u32)>,
}

impl Stamper {
    pub(super) fn new(wanted: Vec<WalcastHeader>) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// A session with a cluster begins: what it sends of an event that was cut off is the whole event.
    pub(super) const fn begin(&mut self, system_id: u64) {
        self.system_id = system_id;
        self.truncated = None;
    }

    /// Renders the headers of the records that an event came to.
    #[inline]
    pub(super) fn render(&mut self, event: &Event<'_>, records: &[Ranges]) {
        if !self.wanted.is_empty() {
            self.render_wanted(event, records);
        }
    }

    /// Renders the headers of a record that belongs to no table.
    pub(super) fn render_standing(&mut self, position: Position, records: &[Ranges]) {
        if !self.wanted.is_empty() {
            self.render_at(position, 0, records);
        }
    }

    fn render_wanted(&mut self, event: &Event<'_>, records: &[Ranges]) {
        let first = self.first_number(event);
        self.render_at(event.position, first, records);
    }

    fn render_at(&mut self, position: Position, first: u32, records: &[Ranges]) {
        let Position { commit, ordinal } = position;
        let (high, low) = (commit.lsn().as_u64() >> 32, commit.lsn().as_u64() & 0xFFFF_FFFF);
        self.bytes.clear();
        // A vector takes all that is written to it.
        let _ = write!(self.bytes, "{high:X}/{low:X}:{ordinal}");
        self.position = 0..self.bytes.len();
        self.ids.clear();
        for record in records {
            let start = self.bytes.len();
            let number = first.saturating_add(record.number.into());
            let _ = write!(self.bytes, "{}-{high:X}/{low:X}:{ordinal}-{number}", self.system_id);
            self.ids.push(start..self.bytes.len());
        }
    }

    fn first_number(&mut self, event: &Event<'_>) -> u32 {
        if !matches!(event.change, Change::Truncate) {
            return 0;
        }
        let first = match self.truncated {
            Some((position, tables)) if position == event.position => tables,
            _ => 0,
        };
        self.truncated = Some((event.position, first.saturating_add(1)));
        first
    }

    /// The headers of one of the records; `schema_version` is empty where there is no table, or its version has no number.
    #[inline]
    pub(super) fn of<'a>(&'a self, record: usize, schema_version: &'a [u8]) -> Stamps<'a> {
        let mut stamps = Stamps::NONE;
        for header in &self.wanted {
            let (name, value) = match header {
                WalcastHeader::Position => (POSITION, self.bytes.get(self.position.clone())),
                WalcastHeader::EventId => {
                    (EVENT_ID, self.ids.get(record).and_then(|range| self.bytes.get(range.clone())))
                }
                WalcastHeader::SchemaVersion => {
                    (SCHEMA_VERSION, Some(schema_version).filter(|version| !version.is_empty()))
                }
            };
            if let Some(value) = value {
                stamps.push(name, value);
            }
        }
        stamps
    }
}
