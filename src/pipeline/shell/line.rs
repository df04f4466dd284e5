//! The replication stream as those see it who wait for something else: kept alive where it is open.

use crate::error::Result;
use crate::pgtime::PgMicros;
use crate::pipeline::input::{Effect, Reply};
use crate::wire::{CopyBoth, ReplyRequest};

/// What has to be kept alive during a wait.
pub(super) enum Line<'a> {
    /// A stream.
    Open(&'a mut CopyBoth),
    /// None yet: a snapshot is being taken.
    Closed,
}

impl Line<'_> {
    /// Queues a status update.
    pub(super) fn queue_status(&mut self, effect: &Effect) {
        if let Self::Open(stream) = self {
            queue_status(stream, effect);
        }
    }

    /// Sends what is queued.
    pub(super) async fn flush(&mut self) -> Result<()> {
        match self {
            Self::Open(stream) => stream.flush().await,
            Self::Closed => Ok(()),
        }
    }
}

/// Queues a status update on a stream; other effects are nothing to it.
pub(super) fn queue_status(copy: &mut CopyBoth, effect: &Effect) {
    if let Effect::Status { received, flush, reply } = effect {
        let reply = match reply {
            Reply::Requested => ReplyRequest::Yes,
            Reply::NotRequested => ReplyRequest::No,
        };
        copy.queue_status(*received, *flush, PgMicros::now(), reply);
    }
}
