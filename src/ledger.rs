//! What may be confirmed to PostgreSQL: the correctness heart.
//!
//! Owns [`Ledger`], [`Ticket`] and [`ConfirmedLsn`]. Imports nothing but LSN types.
//!
//! A *unit* is a source transaction, a bounded slice of one, or anything else whose records are delivered
//! together. Units are opened in position order and get dense tickets; each record carries its unit's ticket
//! to the sink and back, and the unit holds one count of what is outstanding.
//!
//! Invariants:
//! - [`Ledger::confirmable`] never decreases.
//! - It never passes the end of a unit while that unit, or any before it, is unsettled. A unit is settled
//!   when it is sealed and as many records were delivered as it was sealed with.
//! - A keepalive's position counts only when no unit is open, and only once every unit before it is settled.
//! - Nothing else in the crate can make a [`ConfirmedLsn`].

use std::collections::VecDeque;
use std::fmt;

use crate::lsn::{EndLsn, Lsn};

/// A position that the brokers hold everything before, or that the slot itself had confirmed at the start.
///
/// The only type that a status update takes as its flush position. Only [`Ledger`] makes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfirmedLsn(Lsn);

impl ConfirmedLsn {
    /// The bare position.
    #[must_use]
    pub const fn lsn(self) -> Lsn {
        self.0
    }
}

impl fmt::Display for ConfirmedLsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A unit's number: dense, in position order, never used twice in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

impl Ticket {
    /// The number as it rides with a record through the sink.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The ticket that a sink hands back; a number that was never issued is refused when it is used.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }
}

/// A use of the ledger that its caller's bookkeeping should have made impossible. Always a defect of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerFault {
    /// A ticket that was never issued.
    Unissued(Ticket),
    /// A unit was sealed a second time.
    SealedTwice(Ticket),
    /// More records were delivered than the unit was sealed with.
    OverDelivered(Ticket),
}

impl fmt::Display for LedgerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unissued(ticket) => write!(f, "ticket {} was never issued", ticket.0),
            Self::SealedTwice(ticket) => write!(f, "unit {} was sealed twice", ticket.0),
            Self::OverDelivered(ticket) => {
                write!(f, "unit {} was delivered more often than it was sealed with", ticket.0)
            }
        }
    }
}

impl std::error::Error for LedgerFault {}

#[derive(Debug)]
struct Unit {
    delivered: u64,
    sealed: Option<Seal>,
}

#[derive(Debug)]
struct Seal {
    records: u64,
    /// `None` for a slice that is not the last of its transaction: settling it confirms nothing by itself.
    end: Option<EndLsn>,
}

impl Unit {
    fn settled(&self) -> bool {
        self.sealed.as_ref().is_some_and(|seal| seal.records == self.delivered)
    }
}

/// The book of units between the slot and the brokers.
#[derive(Debug)]
pub struct Ledger {
    /// Number of the unit at the front of `units`.
    base: u64,
    units: VecDeque<Unit>,
    confirmed: ConfirmedLsn,
}

impl Ledger {
    /// A ledger that starts at what the slot reports as its confirmed flush position.
    #[must_use]
    pub fn new(slot_confirmed_flush: Lsn) -> Self {
        Self { base: 0, units: VecDeque::new(), confirmed: ConfirmedLsn(slot_confirmed_flush) }
    }

    /// Opens the next unit.
    pub fn open(&mut self) -> Ticket {
        let ticket = Ticket(self.base + self.units.len() as u64);
        self.units.push_back(Unit { delivered: 0, sealed: None });
        ticket
    }

    /// Closes a unit: it has `records` records, and once settled everything before `end` may be confirmed.
    ///
    /// # Errors
    /// [`LedgerFault`] when the ticket is unknown or was sealed before.
    pub fn seal(&mut self, ticket: Ticket, records: u64, end: Option<EndLsn>) -> Result<(), LedgerFault> {
        let unit = self.unit(ticket)?.ok_or(LedgerFault::SealedTwice(ticket))?;
        if unit.sealed.is_some() {
            return Err(LedgerFault::SealedTwice(ticket));
        }
        if unit.delivered > records {
            return Err(LedgerFault::OverDelivered(ticket));
        }
        unit.sealed = Some(Seal { records, end });
        self.settle();
        Ok(())
    }

    /// Counts `records` more records of a unit as held by the brokers.
    ///
    /// Deliveries of units that [`Ledger::abandon`] dropped are ignored.
    ///
    /// # Errors
    /// [`LedgerFault`] when the ticket was never issued or more is delivered than was sealed.
    pub fn delivered(&mut self, ticket: Ticket, records: u64) -> Result<(), LedgerFault> {
        let Some(unit) = self.unit(ticket)? else { return Ok(()) };
        unit.delivered += records;
        if unit.sealed.as_ref().is_some_and(|seal| unit.delivered > seal.records) {
            return Err(LedgerFault::OverDelivered(ticket));
        }
        self.settle();
        Ok(())
    }

    /// Takes a keepalive's position into account, in stream order: everything before it has been sent.
    ///
    /// Between transactions it stands behind the newest unit, whose settlement then confirms it too, so that the
    /// confirmed position reaches the end of a busy stretch without another keepalive. Inside a transaction it
    /// says nothing.
    pub fn keepalive(&mut self, end: EndLsn) {
        match self.units.back_mut() {
            None => self.raise(end),
            Some(Unit { sealed: Some(Seal { end: Some(newest), .. }), .. }) => *newest = end.max(*newest),
            Some(_) => {}
        }
    }

    /// What may be confirmed now. Never decreases.
    #[must_use]
    pub fn confirmable(&self) -> ConfirmedLsn {
        self.confirmed
    }

    /// Whether every unit is settled.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.units.is_empty()
    }

    /// Number of the first unit that is not settled; every lower ticket is, or was abandoned.
    #[must_use]
    pub fn first_unsettled(&self) -> u64 {
        self.base
    }

    /// Units that are open or not settled yet.
    #[must_use]
    pub fn units_outstanding(&self) -> usize {
        self.units.len()
    }

    /// Drops every unit that is not settled: their records are going to be sent again from the confirmed
    /// position. Late deliveries of the dropped units are ignored from now on.
    pub fn abandon(&mut self) {
        self.base += self.units.len() as u64;
        self.units.clear();
    }

    fn unit(&mut self, ticket: Ticket) -> Result<Option<&mut Unit>, LedgerFault> {
        let Some(index) = ticket.0.checked_sub(self.base) else { return Ok(None) };
        match usize::try_from(index).ok().and_then(|index| self.units.get_mut(index)) {
            Some(unit) => Ok(Some(unit)),
            None => Err(LedgerFault::Unissued(ticket)),
        }
    }

    fn settle(&mut self) {
        while self.units.front().is_some_and(Unit::settled) {
            let Some(unit) = self.units.pop_front() else { return };
            self.base += 1;
            if let Some(end) = unit.sealed.and_then(|seal| seal.end) {
                self.raise(end);
            }
        }
    }

    fn raise(&mut self, end: EndLsn) {
        self.confirmed = self.confirmed.max(ConfirmedLsn(end.lsn()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(lsn: u64) -> Option<EndLsn> {
        Some(EndLsn::new(Lsn::new(lsn)))
    }

    fn confirmed(ledger: &Ledger) -> u64 {
        ledger.confirmable().lsn().as_u64()
    }

    #[test]
    fn a_later_unit_waits_for_an_earlier_one() {
        // Given two sealed units, when the second is delivered first, then nothing moves until the first is.
        let mut ledger = Ledger::new(Lsn::new(10));
        let (first, second) = (ledger.open(), ledger.open());
        ledger.seal(first, 2, end(20)).unwrap();
        ledger.seal(second, 1, end(30)).unwrap();
        ledger.delivered(second, 1).unwrap();
        ledger.delivered(first, 1).unwrap();
        assert_eq!(confirmed(&ledger), 10);
        ledger.delivered(first, 1).unwrap();
        assert_eq!(confirmed(&ledger), 30);
        assert!(ledger.is_idle());
    }

    #[test]
    fn a_delivered_but_open_unit_confirms_nothing() {
        let mut ledger = Ledger::new(Lsn::ZERO);
        let unit = ledger.open();
        ledger.delivered(unit, 5).unwrap();
        ledger.keepalive(EndLsn::new(Lsn::new(99)));
        assert_eq!(confirmed(&ledger), 0, "a keepalive counts only when nothing is open");
        ledger.seal(unit, 5, end(7)).unwrap();
        assert_eq!(confirmed(&ledger), 7);
        ledger.keepalive(EndLsn::new(Lsn::new(99)));
        assert_eq!(confirmed(&ledger), 99);
        ledger.keepalive(EndLsn::new(Lsn::new(5)));
        assert_eq!(confirmed(&ledger), 99, "never backwards");
    }

    #[test]
    fn a_keepalive_behind_outstanding_units_counts_once_they_are_settled() {
        let mut ledger = Ledger::new(Lsn::ZERO);
        let unit = ledger.open();
        ledger.seal(unit, 1, end(7)).unwrap();
        ledger.keepalive(EndLsn::new(Lsn::new(99)));
        assert_eq!(confirmed(&ledger), 0);
        ledger.delivered(unit, 1).unwrap();
        assert_eq!(confirmed(&ledger), 99);
    }

    #[test]
    fn a_slice_that_is_not_the_last_confirms_nothing() {
        let mut ledger = Ledger::new(Lsn::ZERO);
        let (slice, last) = (ledger.open(), ledger.open());
        ledger.seal(slice, 1, None).unwrap();
        ledger.delivered(slice, 1).unwrap();
        assert_eq!(confirmed(&ledger), 0);
        ledger.seal(last, 0, end(8)).unwrap();
        assert_eq!(confirmed(&ledger), 8);
    }

    #[test]
    fn abandoned_units_never_count() {
        let mut ledger = Ledger::new(Lsn::new(1));
        let lost = ledger.open();
        ledger.seal(lost, 1, end(50)).unwrap();
        ledger.abandon();
        ledger.delivered(lost, 1).unwrap();
        assert_eq!(confirmed(&ledger), 1);
        let next = ledger.open();
        assert!(next > lost, "numbers are never used twice");
    }

    #[test]
    fn impossible_uses_are_faults() {
        let mut ledger = Ledger::new(Lsn::ZERO);
        assert_eq!(ledger.delivered(Ticket(0), 1), Err(LedgerFault::Unissued(Ticket(0))));
        let unit = ledger.open();
        let _second = ledger.open();
        ledger.seal(unit, 1, None).unwrap();
        assert_eq!(ledger.seal(unit, 1, None), Err(LedgerFault::SealedTwice(unit)));
        let mut ledger = Ledger::new(Lsn::ZERO);
        let _first = ledger.open();
        let unit = ledger.open();
        ledger.seal(unit, 1, None).unwrap();
        assert_eq!(ledger.delivered(unit, 2), Err(LedgerFault::OverDelivered(unit)));
    }

    /// One step of the property test below.
    #[derive(Clone, Debug)]
    enum Step {
        Open,
        Seal(usize, u64),
        Deliver(usize),
        Keepalive,
        Abandon,
    }

    fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
        use proptest::prelude::*;
        prop::collection::vec(
            prop_oneof![
                4 => Just(Step::Open),
                4 => (0..8_usize, 0..4_u64).prop_map(|(unit, records)| Step::Seal(unit, records)),
                8 => (0..8_usize).prop_map(Step::Deliver),
                2 => Just(Step::Keepalive),
                1 => Just(Step::Abandon),
            ],
            0..200,
        )
    }

    proptest::proptest! {
        /// Against a model that keeps every unit for ever and looks at all of them each time.
        #[test]
        fn the_ledger_equals_a_naive_book(steps in steps()) {
            struct Kept { ticket: Ticket, sealed: Option<u64>, delivered: u64, end: u64, gone: bool }
            let mut ledger = Ledger::new(Lsn::ZERO);
            let mut book: Vec<Kept> = Vec::new();
            let (mut clock, mut best) = (0_u64, 0_u64);
            for step in steps {
                clock += 10;
                match step {
                    Step::Open => book.push(Kept { ticket: ledger.open(), sealed: None, delivered: 0, end: 0, gone: false }),
                    Step::Seal(back, records) => {
                        if let Some(unit) = book.iter_mut().rev().nth(back)
                            && unit.sealed.is_none() && !unit.gone && unit.delivered <= records {
                            (unit.sealed, unit.end) = (Some(records), clock);
                            ledger.seal(unit.ticket, records, Some(EndLsn::new(Lsn::new(clock)))).unwrap();
                        }
                    }
                    Step::Deliver(back) => {
                        if let Some(unit) = book.iter_mut().rev().nth(back)
                            && (unit.gone || unit.sealed.is_none_or(|records| unit.delivered < records)) {
                            unit.delivered += 1;
                            ledger.delivered(unit.ticket, 1).unwrap();
                        }
                    }
                    Step::Keepalive => {
                        // It stands behind the newest unit that counts, unless that one is open.
                        match book.iter_mut().rev().find(|unit| !unit.gone) {
                            None => best = best.max(clock),
                            Some(unit) if unit.sealed.is_some() => unit.end = clock,
                            Some(_) => {}
                        }
                        ledger.keepalive(EndLsn::new(Lsn::new(clock)));
                    }
                    Step::Abandon => {
                        let kept = book.iter().take_while(|unit| unit.gone || unit.sealed == Some(unit.delivered)).count();
                        for unit in book.iter_mut().skip(kept) { unit.gone = true; }
                        ledger.abandon();
                    }
                }
                for unit in book.iter().take_while(|unit| unit.gone || unit.sealed == Some(unit.delivered)) {
                    if !unit.gone { best = best.max(unit.end); }
                }
                proptest::prop_assert_eq!(confirmed(&ledger), best);
            }
        }
    }
}
