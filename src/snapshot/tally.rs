//! Which parts of a snapshot the brokers hold.
//!
//! Owns [`Tally`]: the ledger of a snapshot, whose units have no order among each other and confirm no position. Pure.
//!
//! Invariant: a part is finished when it is sealed and as many records were delivered as it has, never before.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::ledger::Ticket;

/// Tickets of snapshots begin here, so that they are never those of the stream's ledger, whose units are counted from 0.
const FIRST_TICKET: u64 = 1 << 63;

/// The ticket of records that nobody waits for.
pub const NOBODYS_TICKET: Ticket = Ticket::from_u64(u64::MAX);

/// Counts what is delivered of each part.
#[derive(Debug)]
pub struct Tally {
    next: u64,
    open: HashMap<Ticket, Part>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    delivered: u64,
    sealed: Option<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { next: FIRST_TICKET, open: HashMap::new() }
    }
}

impl Tally {
    /// Whether a ticket is a snapshot's.
    #[must_use]
    pub const fn owns(ticket: Ticket) -> bool {
        ticket.as_u64() >= FIRST_TICKET
    }

    /// Begins a part. Numbers are never used twice.
    pub fn open(&mut self) -> Ticket {
        let ticket = Ticket::from_u64(self.next);
        self.next += 1;
        self.open.insert(ticket, Part::default());
        ticket
    }

    /// All records of a part were taken by the sink. Tells whether it is finished with that.
    ///
    /// # Errors
    /// `Bug` where it was sealed before, or more was delivered.
    pub fn seal(&mut self, ticket: Ticket, records: u64) -> Result<bool> {
        let Some(part) = self.open.get_mut(&ticket) else {
            return Err(Error::bug("a part of a snapshot was sealed that is not open"));
        };
        if part.sealed.replace(records).is_some() {
            return Err(Error::bug("a part of a snapshot was sealed twice"));
        }
        self.settle(ticket)
    }

    /// Records of a part were delivered. Tells whether it is finished with that. What was abandoned counts no more.
    ///
    /// # Errors
    /// `Bug` where more was delivered than it has.
    pub fn delivered(&mut self, ticket: Ticket, records: u64) -> Result<bool> {
        let Some(part) = self.open.get_mut(&ticket) else { return Ok(false) };
        part.delivered += records;
        self.settle(ticket)
    }

    fn settle(&mut self, ticket: Ticket) -> Result<bool> {
        let Some(Part { delivered, sealed: Some(records) }) = self.open.get(&ticket).copied() else { return Ok(false) };
        if delivered > records {
            return Err(Error::bug("more records of a snapshot's part were delivered than it has"));
        }
        let finished = delivered == records;
        if finished {
            self.open.remove(&ticket);
        }
        Ok(finished)
    }

    /// Forgets all parts that are not finished: the sink is lost, or they will be read again.
    pub fn abandon(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_finished_when_it_is_sealed_and_all_of_it_is_delivered() {
        let mut tally = Tally::default();
        let (first, second, empty) = (tally.open(), tally.open(), tally.open());
        assert!(Tally::owns(first) && !Tally::owns(Ticket::from_u64(7)));
        assert!(!tally.delivered(first, 2).unwrap(), "it is not sealed");
        assert!(!tally.delivered(second, 1).unwrap());
        assert!(tally.seal(first, 2).unwrap());
        assert!(!tally.seal(second, 3).unwrap());
        assert!(!tally.delivered(second, 1).unwrap());
        assert!(tally.delivered(second, 1).unwrap(), "parts need not finish in their order");
        assert!(tally.seal(empty, 0).unwrap());
    }

    #[test]
    fn what_cannot_be_is_a_bug_and_what_was_abandoned_counts_no_more() {
        let mut tally = Tally::default();
        let part = tally.open();
        assert!(!tally.seal(part, 2).unwrap());
        assert!(tally.seal(part, 2).is_err());
        assert!(tally.delivered(part, 3).is_err());
        tally.abandon();
        assert!(!tally.delivered(part, 2).unwrap());
        assert!(tally.seal(part, 2).is_err());
        assert_ne!(tally.open(), part);
    }
}
