//! Who waits until what a signal asks for is kept.

use crate::ledger::Ticket;

/// Who brought a signal, where its place is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline::shell) enum Asker {
    /// A unit of the stream, which has one record more for it.
    Unit(Ticket),
    /// A record of the topic of signals, at this offset.
    Record(i64),
}
