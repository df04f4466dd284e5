//! The errors that the core itself makes, with their remedies. Pure.

use crate::error::{Error, Kind};
use crate::ledger::LedgerFault;
use crate::lsn::Lsn;

/// The slot stands beyond what this process has confirmed.
pub(super) fn gap(ours: Lsn, slot: Lsn) -> Error {
    Error::new(Kind::SlotMoved, "the slot stands beyond what was confirmed here")
        .positions(ours, slot)
        .detail(format!(
            "{} bytes of log may hold changes that were never delivered; the slot was advanced or made again by \
             somebody else while the connection was down",
            slot.bytes_since(ours)
        ))
        .hint(
            "find out who moved the slot; to accept the gap and go on from where the slot stands, start walcast again; \
             to fill the gap, write the missing rows again at the source",
        )
}

/// The limit of retries is used up by `last`.
pub(super) fn gave_up(attempts: u32, last: Error) -> Error {
    let (ours, found) = last.lsns();
    let remedy = last.hint_text().unwrap_or("mend the cause");
    let error = Error::new(Kind::RetriesExhausted, format!("gave up after {attempts} retries: {}", last.message()))
        .hint(format!("{remedy}; start again, or raise errors.max.retries (-1 retries for ever)"));
    let error = match found {
        Some(found) => error.positions(ours.unwrap_or_default(), found),
        None => error,
    };
    error.caused_by(last)
}

/// An orderly end did not come to its end.
pub(super) fn unfinished(cause: Error) -> Error {
    Error::new(Kind::ShutdownTimeout, "stopped before everything was delivered and confirmed")
        .detail("nothing is lost: the slot sends what was not confirmed again at the next start")
        .hint("raise --shutdown-timeout if this happens with healthy brokers")
        .caused_by(cause)
}

/// Our own bookkeeping does not add up.
pub(super) fn broken(fault: LedgerFault) -> Error {
    Error::bug(format!("the ledger refused an entry: {fault}"))
}
