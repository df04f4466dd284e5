//! The end that was ordered: the open transaction, then all deliveries, then the last status update.

use std::time::{Duration, Instant};

use super::{Core, Phase};
use crate::ledger::Ledger;
use crate::pipeline::input::{Effect, Reply};

/// The two deadlines of an orderly end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// Until then an open transaction may come to its end; `None` once that time is over.
    pub(super) transaction: Option<Instant>,
    /// Then it is over, whatever is outstanding.
    pub(super) all: Instant,
}

impl Core {
    pub(super) fn stop(&mut self, patience: Duration, now: Instant, effects: &mut Vec<Effect>) {
        if self.stop.is_some() {
            return;
        }
        self.stop = Some(Deadlines { transaction: Some(now + patience / 2), all: now + patience });
        match self.phase {
            Phase::Streaming => {
                self.phase = Phase::Draining;
                self.drain(now, effects);
            }
            Phase::Connecting => {
                effects.push(Effect::CloseSource);
                self.phase = Phase::Draining;
                self.drain(now, effects);
            }
            Phase::Draining | Phase::Ending | Phase::Ended => {}
        }
    }

    pub(super) fn drain(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let Some(deadlines) = self.stop else { return };
        if self.open.is_some() && deadlines.transaction.is_some_and(|deadline| now < deadline) {
            return;
        }
        let idle = self.ledger.as_ref().is_none_or(Ledger::is_idle);
        if idle || (self.open.is_some() && self.only_open_outstanding()) {
            self.phase = Phase::Ending;
            self.status(Reply::NotRequested, now, effects);
            effects.push(Effect::EndCopy);
        }
    }

    /// The open unit of a transaction that is cut off at an orderly end never settles and need not: the slot
    /// sends that transaction again.
    fn only_open_outstanding(&self) -> bool {
        self.ledger.as_ref().is_none_or(|ledger| ledger.units_outstanding() <= 1)
    }
}
