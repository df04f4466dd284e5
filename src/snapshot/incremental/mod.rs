//! Incremental snapshots: tables read in chunks while the stream goes on.
//!
//! Owns [`Incremental`], every rule of them. Pure: no I/O, no clock. It is told what the stream carries and what was read,
//! and says what is to be read, which rows go out, and what is to be kept for a restart.
//!
//! # The rule
//!
//! A chunk is read in one transaction under a snapshot `S`; then, behind the read, the end of the log `H` is looked at.
//! 1. Of every transaction that is streamed while the chunk waits, and that `S` does not see, the keys are removed from it.
//! 2. The same for those that were streamed before the chunk came back: a commit is written to the log, and may be streamed,
//!    before other sessions see it. They are remembered in `recent`; where nobody knows what one of them changed, the
//!    chunk is read again.
//! 3. When the stream has passed `H`, and stands between two transactions, what is left goes out as rows that were read.
//!
//! # Why it holds
//!
//! Let a row of key `k` go out at a place `P` of the stream: every transaction whose commit lies before `P` was streamed
//! before it, and every other is streamed behind it.
//! - *It is not older than what went before.* A transaction before `P` that changed `k` is seen by `S`, or its keys were
//!   removed (by 1 or 2) and the row did not go out. So the row is at least as new as every change before it.
//! - *Nothing behind it is older.* Every transaction that `S` sees has its commit before `H`, because `H` was looked at behind
//!   `S`, and `H` lies before `P`. So what is streamed behind `P` is not seen by `S`, and newer than the row.
//! - *Nothing is missing.* A row that was there before the stream, and that no streamed transaction changed, is in the chunk
//!   of its key and is not removed. One that was removed was changed by a transaction that is streamed, and what becomes of
//!   it is told by the stream. So is every row that comes into a range behind the one that is being read.
//!
//! A change may tell a row without its large values that did not change. Whoever has the row from before has them, and who
//! has not lacks them: a chunk that loses a row to such a change is read again, half as long each time.
//!
//! A change of the key removes both keys, and TRUNCATE all. Keys are compared as bytes of the record's key: equal keys have
//! equal bytes. A table that was rewritten while its chunk was read looks empty to an older snapshot, so whoever reads has
//! to look at its file and answer [`Answer::Again`].
//!
//! After the loss of a sink the chunks that the brokers do not hold are read again. What is kept names the last key that they
//! hold, so that a restart goes on behind it. One gap of knowledge is left, and it is small: a commit that an *earlier
//! process* streamed and confirmed, and that is still invisible when this process reads its first chunk.

mod asked;
mod notice;
mod order;
mod recent;
#[cfg(test)]
mod server_tests;
mod sight;
#[cfg(test)]
mod simulation_tests;
mod table;
#[cfg(test)]
mod tests;
mod window;

use std::collections::VecDeque;

use recent::Recent;
#[cfg(test)]
use simulation_tests::Mutation;
use table::{Sent, Table};
use window::Window;

pub use asked::wanted;
pub use notice::{Happening, Notice, Outcome};
pub use order::{Answer, Batch, Chunk, ChunkRow, Input, Order, Output, Told, Wanted};
pub use sight::Sight;

use crate::lsn::Lsn;
use crate::pgoutput::{RelationId, Xid};
use crate::progress::{IncrementalState, KeyValues, TableName};
use crate::signal::Tables;

/// Readings of a chunk whose rows may be told in part meanwhile, before it is taken as it is.
const WHOLE_TRIES: u32 = 40;

/// See the module.
#[derive(Debug)]
pub struct Incremental {
    chunk_rows: usize,
    /// Tables to read; the first is being read.
    tables: VecDeque<Table>,
    paused: bool,
    stage: Stage,
    /// Number of the last order.
    orders: u64,
    /// Answers in a row that said to read again.
    again: u32,
    /// How often chunks are halved, because their rows were told in part before they could go out.
    halved: u32,
    recent: Recent,
    /// The position that the stream stands at, while it stands between two transactions.
    place: Option<Lsn>,
    #[cfg(test)]
    mutation: Mutation,
}

#[derive(Debug)]
enum Stage {
    /// Nothing is being read.
    Idle,
    /// An order is out.
    Ordered,
    /// A chunk waits for its place.
    Open(Box<Window>),
    /// Its rows go out; `rows` is how many were read.
    Going { last: Option<KeyValues>, rows: u64, more: bool },
}

impl Incremental {
    /// Nothing to read, in chunks of at most so many rows.
    #[must_use]
    pub fn new(chunk_rows: usize) -> Self {
        Self {
            chunk_rows: chunk_rows.max(1),
            tables: VecDeque::new(),
            paused: false,
            stage: Stage::Idle,
            orders: 0,
            again: 0,
            halved: 0,
            recent: Recent::default(),
            place: None,
            #[cfg(test)]
            mutation: Mutation::None,
        }
    }

    /// Whether keys of changes are of use; where not, [`Incremental::changed`] need not be told.
    #[inline]
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.tables.is_empty()
    }

    /// Takes in what happened and adds what is to be done.
    pub fn apply(&mut self, input: Input, outputs: &mut Vec<Output>) {
        match input {
            Input::Restored(state) => self.restore(state, outputs),
            Input::Asked(wanted) => self.ask(wanted, outputs),
            Input::Stopped(tables) => self.stop(tables.as_ref(), outputs),
            Input::Paused => self.pause(true, outputs),
            Input::Resumed => self.pause(false, outputs),
            Input::Answered { number, answer } if number == self.orders => self.answered(answer, outputs),
            // Of an order that was given up.
            Input::Answered { .. } => {}
            Input::Taken { number } if number == self.orders => self.taken(outputs),
            Input::Taken { .. } => {}
            Input::Held { number } => self.held(number, outputs),
            Input::SessionLost => self.session_lost(outputs),
            Input::SinkLost => self.sink_lost(outputs),
        }
    }

    /// The stream: a transaction begins.
    pub fn began(&mut self, xid: Xid) {
        self.place = None;
        self.recent.begin(xid);
    }

    /// The stream: the open transaction changed a row. For a change of the key, once for each key.
    pub fn changed(&mut self, relation: RelationId, key: &[u8], told: Told) {
        self.recent.changed(relation, key, told);
        if let Some(window) = self.blind_window() {
            window.remove(relation, key, told);
        }
    }

    /// The stream: the open transaction emptied a table.
    pub fn emptied(&mut self, relation: RelationId) {
        self.recent.emptied(relation);
        if let Some(window) = self.blind_window() {
            window.empty(relation);
        }
    }

    /// The stream: the open transaction changed a row, and nobody can say which one.
    pub fn changed_somehow(&mut self, relation: RelationId) {
        self.recent.changed_somehow(relation);
        if let Some(window) = self.blind_window() {
            window.doom(relation);
        }
    }

    /// The stream: a table has another shape from here on.
    pub fn reshaped(&mut self, relation: RelationId) {
        if let Stage::Open(window) = &mut self.stage {
            window.doom(relation);
        }
    }

    /// The window, where it does not see the open transaction.
    fn blind_window(&mut self) -> Option<&mut Window> {
        let xid = self.recent.last()?;
        #[cfg(test)]
        if self.mutation == Mutation::SeeAll {
            return None;
        }
        match &mut self.stage {
            Stage::Open(window) if !window.sight.sees(xid) => Some(window),
            _ => None,
        }
    }

    /// The stream: everything before this position was streamed, and no transaction is open.
    pub fn reached(&mut self, place: Lsn, outputs: &mut Vec<Output>) {
        self.place = Some(place);
        if matches!(self.stage, Stage::Open(_)) {
            self.close(outputs);
        }
    }

    /// Lets the chunk go out if its place is reached.
    fn close(&mut self, outputs: &mut Vec<Output>) {
        let Stage::Open(window) = &self.stage else { return };
        let closes = window.closes;
        #[cfg(test)]
        let closes = if self.mutation == Mutation::CloseEarly { Lsn::new(closes.as_u64() - 1) } else { closes };
        let is_reached = self.place.is_some_and(|place| place >= closes);
        #[cfg(test)]
        let is_reached = is_reached || self.mutation == Mutation::EmitInside && self.place.is_none();
        if !window.is_doomed() && !is_reached {
            return;
        }
        let Stage::Open(window) = std::mem::replace(&mut self.stage, Stage::Idle) else { return };
        if window.is_doomed() {
            // A smaller one is read faster, and fewer changes meet it.
            self.halved = (self.halved + 1).min(usize::BITS - 1);
            self.read_again(outputs);
            return;
        }
        self.halved = self.halved.saturating_sub(1);
        let Some(name) = self.current().map(|table| table.wanted.table.clone()) else { return };
        let Window { relation, rows, read, last, more, .. } = *window;
        let rows: Vec<ChunkRow> = rows.into_iter().flatten().collect();
        self.stage = Stage::Going { last, rows: read, more };
        outputs.push(Output::Emit(Batch { number: self.orders, table: name, relation, rows }));
    }

    fn ask(&mut self, wanted: Vec<Wanted>, outputs: &mut Vec<Output>) {
        let before = self.tables.len();
        for wanted in wanted {
            // A table that waits already is read once, as Debezium does.
            if self.tables.iter().all(|table| table.ended.is_some() || table.wanted.table != wanted.table) {
                self.tables.push_back(Table::new(wanted));
            }
        }
        if self.tables.len() == before {
            return;
        }
        self.recent.note_keys(true);
        let what = if before == 0 { Happening::Started } else { Happening::Added };
        outputs.push(self.tell(what));
        outputs.push(Output::Keep(self.state()));
        self.order(outputs);
    }

    fn restore(&mut self, state: IncrementalState, outputs: &mut Vec<Output>) {
        if self.is_active() {
            return;
        }
        self.paused = state.paused;
        self.tables = state.tables.into_iter().map(Table::restored).collect();
        self.recent.note_keys(self.is_active());
        self.order(outputs);
    }

    /// Forgets tables, all where none are named. Rows of them that went out stay.
    fn stop(&mut self, tables: Option<&Tables>, outputs: &mut Vec<Output>) {
        let is_stopped = |table: &TableName| tables.is_none_or(|tables| tables.matches(&table.schema, &table.table));
        let under_way = self.current().is_some_and(|table| is_stopped(&table.wanted.table));
        let mut stopped: Vec<Table> = Vec::new();
        let mut at = 0;
        while let Some(table) = self.tables.get(at) {
            if table.ended.is_none() && is_stopped(&table.wanted.table) {
                stopped.extend(self.tables.remove(at));
            } else {
                at += 1;
            }
        }
        if stopped.is_empty() {
            return;
        }
        outputs.push(notice(stopped.iter(), Happening::Aborted));
        outputs.push(Output::Keep(self.state()));
        if under_way {
            self.give_up(outputs);
        }
        self.go_on(outputs);
    }

    /// Forgets the chunk that is under way.
    fn give_up(&mut self, outputs: &mut Vec<Output>) {
        if matches!(self.stage, Stage::Going { .. }) {
            outputs.push(Output::DropBatch);
        }
        self.stage = Stage::Idle;
        // Answers to it are none to what is ordered next.
        self.orders += 1;
    }

    fn pause(&mut self, paused: bool, outputs: &mut Vec<Output>) {
        if self.paused == paused || !self.is_active() {
            return;
        }
        self.paused = paused;
        outputs.push(self.tell(if paused { Happening::Paused } else { Happening::Resumed }));
        outputs.push(Output::Keep(self.state()));
        self.order(outputs);
    }

    /// The table that is being read.
    fn current(&self) -> Option<&Table> {
        self.tables.iter().find(|table| table.ended.is_none())
    }

    fn current_mut(&mut self) -> Option<&mut Table> {
        self.tables.iter_mut().find(|table| table.ended.is_none())
    }

    /// Orders the next chunk, if one is wanted and none is under way.
    fn order(&mut self, outputs: &mut Vec<Output>) {
        if self.paused || !matches!(self.stage, Stage::Idle) {
            return;
        }
        let Some(table) = self.current() else { return };
        let order = Order {
            number: self.orders + 1,
            wanted: table.wanted.clone(),
            key: table.key.clone(),
            after: table.after.clone(),
            until: table.until.clone(),
            rows: (self.chunk_rows >> self.halved.min(usize::BITS - 1)).max(1),
            again: self.again,
        };
        self.orders = order.number;
        self.stage = Stage::Ordered;
        outputs.push(Output::Read(order));
    }

    fn answered(&mut self, answer: Answer, outputs: &mut Vec<Output>) {
        if !matches!(self.stage, Stage::Ordered) {
            return;
        }
        match answer {
            Answer::Chunk(chunk) => self.accept(chunk, outputs),
            Answer::Again => self.read_again(outputs),
            Answer::Ended(outcome) => {
                self.stage = Stage::Idle;
                self.again = 0;
                if let Some(table) = self.current_mut() {
                    table.ended = Some(outcome);
                }
                self.go_on(outputs);
            }
        }
    }

    /// Takes a chunk that was read, without what it does not see of what was streamed meanwhile.
    fn accept(&mut self, chunk: Chunk, outputs: &mut Vec<Output>) {
        let (key, until, is_empty) = (chunk.key.clone(), chunk.until.clone(), chunk.rows.is_empty());
        let sight = chunk.sight.clone();
        let mut window = Window::new(chunk, self.again < WHOLE_TRIES);
        let mut knows = true;
        for transaction in self.recent.unseen(&sight) {
            knows &= window.remove_touched(&transaction.touched);
        }
        #[cfg(test)]
        if self.mutation == Mutation::SkipRecent || self.mutation == Mutation::SeeAll {
            window.restore_all();
            knows = true;
        }
        if !knows {
            self.read_again(outputs);
            return;
        }
        let Some(table) = self.current_mut() else { return };
        table.cut_by(key, until);
        if is_empty {
            self.again = 0;
            let Some(table) = self.current_mut() else { return };
            // Nothing of it can change any more, so there is nothing to wait for.
            table.ended = Some(if table.after.is_none() { Outcome::Empty } else { Outcome::Succeeded });
            self.stage = Stage::Idle;
            self.go_on(outputs);
            return;
        }
        self.stage = Stage::Open(Box::new(window));
        self.close(outputs);
    }

    fn read_again(&mut self, outputs: &mut Vec<Output>) {
        self.again = self.again.saturating_add(1);
        self.stage = Stage::Idle;
        self.order(outputs);
    }

    /// The sink took all rows of the batch that goes out.
    fn taken(&mut self, outputs: &mut Vec<Output>) {
        let Stage::Going { .. } = self.stage else { return };
        let Stage::Going { last, rows, more } = std::mem::replace(&mut self.stage, Stage::Idle) else { return };
        self.again = 0;
        let number = self.orders;
        let Some(table) = self.current_mut() else { return };
        table.rows += rows;
        table.batches.push_back(Sent { number, last: last.clone(), rows: table.rows });
        table.after = last;
        if !more {
            table.ended = Some(Outcome::Succeeded);
        }
        self.go_on(outputs);
    }

    /// The brokers hold a batch, and everything that went out before it.
    fn held(&mut self, number: u64, outputs: &mut Vec<Output>) {
        let before = outputs.len();
        for at in 0..self.tables.len() {
            while let Some(table) = self.tables.get_mut(at)
                && let Some(Sent { last, rows, .. }) = table.batches.pop_front_if(|batch| batch.number <= number)
            {
                let what = table.is_held(last, rows);
                outputs.push(notice(self.tables.range(at..), what));
            }
        }
        if outputs.len() > before {
            if !self.let_go(outputs) {
                outputs.push(Output::Keep(self.state()));
            }
            self.order(outputs);
        }
    }

    fn go_on(&mut self, outputs: &mut Vec<Output>) {
        self.let_go(outputs);
        self.order(outputs);
    }

    /// Lets go of tables that are done. Tells whether there were any; then it is kept.
    fn let_go(&mut self, outputs: &mut Vec<Output>) -> bool {
        let mut last = None;
        while let Some(table) = self.tables.front()
            && let Some(outcome) = table.ended.filter(|_| table.batches.is_empty())
        {
            let (name, rows) = (table.wanted.table.clone(), table.rows);
            outputs.push(self.tell(Happening::TableDone { table: name, rows, outcome }));
            last = self.tables.pop_front();
        }
        if last.is_some() {
            outputs.push(Output::Keep(self.state()));
            if self.tables.is_empty() {
                outputs.push(notice(last.iter(), Happening::Completed));
            }
        }
        self.recent.note_keys(self.is_active());
        last.is_some()
    }

    /// Something about the tables that are left.
    fn tell(&self, what: Happening) -> Output {
        notice(self.tables.iter(), what)
    }

    /// The replication session ended; what it carried stays streamed.
    fn session_lost(&mut self, outputs: &mut Vec<Output>) {
        self.place = None;
        if matches!(self.stage, Stage::Going { .. }) {
            self.give_up(outputs);
            self.order(outputs);
        }
    }

    /// What the brokers do not hold is sent again, and so are the transactions before it.
    fn sink_lost(&mut self, outputs: &mut Vec<Output>) {
        self.place = None;
        for table in &mut self.tables {
            table.after = table.held.clone();
            table.rows = table.held_rows;
            if !table.batches.is_empty() || table.after.is_none() {
                // It had not ended for the brokers; one that was found empty is looked at again.
                table.ended = None;
            }
            table.batches.clear();
        }
        self.give_up(outputs);
        self.order(outputs);
    }

    /// What a restart has to know.
    fn state(&self) -> IncrementalState {
        let tables = self.tables.iter().filter(|table| table.ended.is_none() || !table.batches.is_empty());
        IncrementalState { paused: self.paused, tables: tables.map(Table::kept).collect() }
    }
}

/// Something about tables; a table that is done is told under the signal that asked for it.
fn notice<'a>(tables: impl Iterator<Item = &'a Table> + Clone, what: Happening) -> Output {
    let of_one = matches!(what, Happening::Progressed { .. } | Happening::TableDone { .. });
    let asked = if of_one { tables.clone().next() } else { tables.clone().last() };
    let signal = asked.map(|table| table.wanted.signal.clone()).unwrap_or_default();
    Output::Tell(Notice { signal, tables: tables.map(|table| table.wanted.table.clone()).collect(), what })
}
