//! Notifications while the stream goes on: records of no table, in the open unit or in one that confirms nothing.
//!
//! Invariant: a notification goes out in its order, and again where the sink was lost that had it.

use std::collections::VecDeque;
use std::time::Instant;

use super::super::off_table::Pending;
use super::super::{Pause, Pump, unix_nanos};
use crate::encode::Standing;
use crate::event::Notification;
use crate::ledger::Ticket;
use crate::pipeline::core::Core;
use crate::pipeline::input::{Effect, Input};

/// See the module.
#[derive(Debug, Default)]
pub(in crate::pipeline::pump) struct Notices {
    /// Those that wait for their turn.
    queue: VecDeque<Notification>,
    /// The one whose record waits in the pump.
    offered: Option<Notification>,
    /// Those that the sink has and the brokers may not have.
    sent: VecDeque<(Ticket, Notification)>,
}

impl Notices {
    pub(in crate::pipeline::pump) fn push(&mut self, notification: Notification) {
        self.queue.push_back(notification);
    }

    pub(in crate::pipeline::pump) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(in crate::pipeline::pump) fn settled(&mut self, first_unsettled: u64) {
        while self.sent.pop_front_if(|(ticket, _)| ticket.as_u64() < first_unsettled).is_some() {}
    }

    /// A session begins: no record waits any more.
    pub(in crate::pipeline::pump) fn begin_session(&mut self) {
        self.queue.extend(self.offered.take());
        let offered_first = self.queue.len().min(1);
        self.queue.rotate_right(offered_first);
    }

    /// The sink is lost.
    pub(in crate::pipeline::pump) fn abandon(&mut self) {
        let mut again: VecDeque<Notification> = self.sent.drain(..).map(|(_, notification)| notification).collect();
        again.extend(self.offered.take());
        again.append(&mut self.queue);
        self.queue = again;
    }
}

impl Pump {
    /// Begins to let notifications go out, where some wait and nothing else does.
    pub(in crate::pipeline::pump) fn begin_notices(
        &mut self,
        core: &mut Core,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) {
        if self.beside.notices.is_empty() || !self.is_free(core) {
            return;
        }
        let lone = core.open_ticket().is_none();
        if lone {
            self.unit_records = 0;
            core.apply(Input::UnitOpened, now, effects);
        }
        self.pending.push_back(Pending::Notice { lone });
    }

    /// The next notification: its record waits. Behind the last one its unit is sealed, if it is one of its own.
    pub(in crate::pipeline::pump) fn go_on_with_notices(
        &mut self,
        lone: bool,
        core: &mut Core,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Option<Pause> {
        let notices = &mut self.beside.notices;
        if let Some(taken) = notices.offered.take() {
            notices.sent.extend(core.open_ticket().map(|ticket| (ticket, taken)));
        }
        if let Some(next) = notices.queue.pop_front() {
            let records = self.encoder.notification(&next, unix_nanos());
            self.beside.notices.offered = Some(next);
            return self.offer_standing(Standing::Notification, records, Pending::Notice { lone });
        }
        if lone {
            let records = std::mem::take(&mut self.unit_records);
            core.apply(Input::MarkSealed { records }, now, effects);
        }
        None
    }
}
