//! Rows of a snapshot from the readers to the pump: what of a reading is where.
//!
//! Owns [`Feed`]: pieces that were read, the rows in them, and the row that the sink has no room for yet. Synchronous; the
//! shell waits for readers, topics and the sink.

use std::collections::VecDeque;
use std::sync::Arc;

use super::pump::{Fault, Lacks, Pause, Pump, Scene, unix_nanos};
use crate::catalog::RelationVersion;
use crate::error::{Error, Kind, Result};
use crate::sink::Sink;
use crate::snapshot::copy::CopyRows;
use crate::snapshot::readers::{Piece, Share};
use crate::snapshot::run::{PartId, Ready, Run};

/// Rows between two looks at the callbacks, the clock and the stop signal.
const ROWS_PER_TURN_MAX: usize = 2_048;

/// Rows between two looks at the clock that records show. So many take some ten microseconds; the clock and its three
/// figures, each time anew, would be a twentieth of the time that a row takes.
const ROWS_PER_INSTANT: usize = 16;

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Source {
    /// The version that its rows are decoded with.
    pub(super) relation: Arc<RelationVersion>,
    /// Columns that come as text.
    pub(super) texts: Vec<bool>,
    /// Its schemas are registered and it has its number.
    pub(super) introduced: bool,
}

/// Why the feed stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// All that was read is with the sink.
    Empty,
    /// The sink is full.
    SinkFull,
    /// Others had no turn for a while.
    Turn,
    /// A row waits for its table to be introduced.
    NewTable(usize),
    /// Records wait for what they lack.
    Unready(Lacks),
    /// A part's table is not what it was.
    TableChanged(PartId, Error),
}

/// See the module.
pub(super) struct Feed {
    scene: Scene,
    pub(super) sources: Vec<Source>,
    rows: Vec<CopyRows>,
    /// The part that bytes were fed of, with their share of the readers' budget.
    of: Option<(PartId, Share)>,
    ready: VecDeque<Ready>,
    /// The row whose records wait in the pump.
    offered: Option<Ready>,
}

impl Feed {
    pub(super) fn new(scene: Scene, sources: Vec<Source>, parts: usize) -> Self {
        Self {
            scene,
            sources,
            rows: (0..parts).map(|_| CopyRows::new()).collect(),
            of: None,
            ready: VecDeque::new(),
            offered: None,
        }
    }

    /// Takes what a reader says. Only when the last one was worked off: [`Stop::Empty`].
    pub(super) fn take(&mut self, piece: Piece, run: &mut Run) -> Result<Option<Stop>> {
        match piece {
            Piece::Bytes { part, bytes, share } => {
                if let Some(rows) = self.rows.get_mut(part.0) {
                    rows.feed(bytes);
                }
                self.of = Some((part, share));
            }
            Piece::End(part) => {
                if self.rows.get(part.0).is_some_and(|rows| !rows.has_ended()) {
                    return Err(Error::new(Kind::Connection, "PostgreSQL ended a COPY in the middle of a row"));
                }
                self.end(part, run)?;
            }
            Piece::TableChanged(part, why) => return Ok(Some(Stop::TableChanged(part, why))),
            Piece::Failed(error) => return Err(error),
        }
        Ok(None)
    }

    /// No more rows of a part come.
    pub(super) fn end(&mut self, part: PartId, run: &mut Run) -> Result<()> {
        let mut ready = Vec::new();
        run.end(part, &mut ready)?;
        self.ready.extend(ready);
        Ok(())
    }

    /// Works until there is a reason to stop.
    pub(super) fn drive<S: Sink>(&mut self, run: &mut Run, pump: &mut Pump, sink: &mut S) -> Result<Stop, Fault> {
        let mut now_unix_nanos = 0;
        for turn in 0..ROWS_PER_TURN_MAX {
            if turn % ROWS_PER_INSTANT == 0 {
                now_unix_nanos = unix_nanos();
            }
            if let Some(offered) = &self.offered {
                let Some(records) = pump.offer(sink, offered.ticket)? else { return Ok(Stop::SinkFull) };
                run.taken(offered.part, records).map_err(Fault::Source)?;
                self.offered = None;
            }
            let Some(ready) = self.next(run).map_err(Fault::Source)? else { return Ok(Stop::Empty) };
            let Some(source) = self.sources.get(ready.table) else {
                return Err(Fault::Source(Error::bug("a row of a snapshot has no table")));
            };
            if !source.introduced {
                let table = ready.table;
                self.ready.push_front(ready);
                return Ok(Stop::NewTable(table));
            }
            let pause = pump
                .read(&self.scene, &source.relation, &ready, &source.texts, now_unix_nanos)
                .map_err(Fault::Source)?;
            self.offered = Some(ready);
            if let Some(Pause::Unready(lacks)) = pause {
                return Ok(Stop::Unready(lacks));
            }
        }
        Ok(Stop::Turn)
    }

    /// The next row that goes out.
    #[inline]
    fn next(&mut self, run: &mut Run) -> Result<Option<Ready>> {
        if let Some(ready) = self.ready.pop_front() {
            return Ok(Some(ready));
        }
        loop {
            let Some((part, _)) = self.of else { return Ok(None) };
            let Some(rows) = self.rows.get_mut(part.0) else {
                return Err(Error::bug("bytes of a part that is not read"));
            };
            while let Some(row) = rows.next_row()? {
                if let Some(ready) = run.row(part, row)? {
                    return Ok(Some(ready));
                }
            }
            self.of = None;
        }
    }
}
