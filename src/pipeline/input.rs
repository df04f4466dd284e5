//! All concurrency of the pipeline as one pair of enums: what can happen, and what is to be done about it.
//!
//! Pure data. The shell turns sockets, timers and callbacks into [`Input`]s and carries [`Effect`]s out; it
//! decides nothing.

use std::time::Duration;

use crate::error::Error;
use crate::ledger::ConfirmedLsn;
use crate::lsn::{EndLsn, Lsn, Position};
use crate::sink::Deliveries;

/// Something that happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A replication session is ready to stream; the slot was read just before.
    Connected {
        /// The slot's confirmed flush position.
        confirmed_flush: Lsn,
        /// The server gives a reader up that says nothing for this long (`wal_sender_timeout`); `None` where it
        /// never does.
        answer_within: Option<Duration>,
    },
    /// The stream carries a transaction's begin, or goes on after a full slice: a unit opens.
    UnitOpened,
    /// The open unit got its last record.
    UnitSealed {
        /// Records appended under its ticket.
        records: u64,
        /// What its settlement confirms; `None` where the transaction goes on.
        end: Option<EndLsn>,
        /// The last event that was appended, or the end of the transaction.
        position: Position,
    },
    /// The open unit is a mark, such as a heartbeat between two transactions, and got its last record. Its settlement
    /// confirms nothing by itself, but does not stand in the way of what comes after it.
    MarkSealed {
        /// Records appended under its ticket.
        records: u64,
    },
    /// Bytes up to this position have arrived.
    Received(Lsn),
    /// The server told its position.
    Keepalive {
        /// How far it has decoded.
        end: EndLsn,
        /// It waits for an answer.
        reply: Reply,
    },
    /// A record found no room.
    SinkFull,
    /// The brokers hold these records.
    Delivered(&'a Deliveries),
    /// The sink failed and is of no use any more.
    SinkLost(Error),
    /// The replication session ended, or could not be made.
    SourceLost(Error),
    /// We left the replication session to begin another.
    SessionLeft,
    /// The brokers hold rows of a snapshot, which no unit has: what failed before is over.
    RowsDelivered,
    /// The session is going to be left: nothing is wanted of it behind the transaction that is open.
    Pause,
    /// The server ended the copy, after we asked or by itself.
    CopyEnded,
    /// An operator or the system wants an orderly end.
    Stop {
        /// Time until the end must be reached.
        patience: Duration,
    },
    /// Time has passed.
    Tick,
}

/// Whether the other side waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// No answer is waited for.
    NotRequested,
    /// An answer is due at once.
    Requested,
}

/// Something to be done.
#[derive(Debug)]
pub enum Effect {
    /// Send a status update.
    Status {
        /// Highest position received.
        received: Lsn,
        /// What may be forgotten by the server.
        flush: ConfirmedLsn,
        /// Whether the server shall answer, to prove that it lives.
        reply: Reply,
    },
    /// The session is of no use any more: seal what is open of it, then tell [`Input::SourceLost`].
    LoseSource(Error),
    /// Close the replication session without ceremony.
    CloseSource,
    /// Throw the sink away and make a new one before the next session.
    ReplaceSink,
    /// Make a session after this wait.
    Connect {
        /// Time to wait first.
        after: Duration,
    },
    /// End the copy in order: everything is delivered and confirmed.
    EndCopy,
    /// The pipeline is over.
    Finish(Outcome),
}

/// How a pipeline ended.
#[derive(Debug)]
pub enum Outcome {
    /// In order: all that was taken from the slot is delivered and confirmed.
    Stopped,
    /// With an error.
    Failed(Error),
}
