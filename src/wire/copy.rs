//! The stream: frames from the server, status updates to it.
//!
//! Owns [`CopyBoth`] and [`Frame`]. Knows the envelope of streaming replication (`w`, `k`, `r`) and nothing of what
//! pgoutput puts into it.
//!
//! Invariants:
//! - Frames are slices of the receive buffer. Looking at a frame does no I/O and allocates nothing.
//! - Only a [`ConfirmedLsn`] can be sent as flushed.
//! - Queued status updates go out whenever the stream is polled, for reading or for flushing. One that was not begun
//!   to be written is replaced by the next, so the outgoing buffer is bounded even if the server never reads.
//!
//! Source: PostgreSQL manual, "Streaming Replication Protocol".

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::BufMut as _;
use postgres_protocol::message::frontend;

use super::buffer::{MESSAGE_BYTES_MAX, Message};
use super::channel::Channel;
use super::message::{malformed, tag, unexpected};
use super::pace::Pace;
use super::server_error::{Moment, ServerError};
use crate::error::Result;
use crate::ledger::ConfirmedLsn;
use crate::lsn::Lsn;
use crate::pgtime::PgMicros;

/// What the server sent, borrowed from the receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// XLogData: one message of the output plugin.
    Data {
        /// Where the message's change starts in the log; zero for messages that stand at no position.
        start: Lsn,
        /// As the server fills it: the same as `start`, not the end of the log.
        end: Lsn,
        /// When it was sent, by the server's clock.
        sent: PgMicros,
        /// The plugin's message.
        payload: &'a [u8],
    },
    /// Primary keepalive.
    Keepalive {
        /// What the server has decoded so far: everything before it was sent or is not for us.
        end: Lsn,
        /// When it was sent, by the server's clock.
        sent: PgMicros,
        /// The server wants a status update at once.
        reply_requested: bool,
    },
    /// The server ended the stream in good order, as at its shutdown. Nothing follows.
    Done,
}

/// Whether a status update asks the server for a keepalive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyRequest {
    /// It does not.
    No,
    /// It does: the answer shows that the server lives and how far it has decoded.
    Yes,
}

/// How a stream ended that we ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The server has read everything we sent, the last status update included.
    Orderly,
    /// The server was still sending, or had gone; the last status update may not have arrived.
    CutShort,
}

/// Size of a status update with the header of the message that carries it.
const STATUS_BYTES: usize = 39;
/// Length field of that message.
const STATUS_LENGTH: u32 = 38;

/// A connection that streams a replication slot.
#[derive(Debug)]
pub struct CopyBoth {
    channel: Channel,
    pace: Pace,
    /// The server has ended the stream.
    done: bool,
}

impl CopyBoth {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, pace: Pace::new(Instant::now()), done: false }
    }

    /// Waits until at least one more byte has arrived and returns how many; queued status updates go out meanwhile.
    ///
    /// While there is a backlog, it **blocks the thread** for up to a third of a millisecond before it reads, because
    /// the server sends faster to a reader that does not take every packet singly (see `pace`). Tokio's timers are too
    /// coarse for that. It is meant to run on a thread of its own.
    ///
    /// # Errors
    /// `Connection` when the server has closed or cut the connection.
    ///
    /// # Cancel safety
    /// Safe: bytes that arrived stay in the buffer, bytes that were not written stay queued.
    pub async fn fill(&mut self) -> Result<usize> {
        poll_fn(|cx| self.poll_fill(cx)).await
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        if let Some(nap) = self.pace.take_nap(Instant::now()) {
            std::thread::sleep(nap);
        }
        let received = self.channel.poll_receive(cx);
        if let Poll::Ready(Ok(count)) = &received {
            self.pace.note(Instant::now(), *count);
        }
        received
    }

    /// The first frame in the buffer, if all of it is here; `None` means that [`CopyBoth::fill`] is needed. No I/O.
    ///
    /// It stays in the buffer until [`CopyBoth::consume_frame`], so that a frame can be refused now and seen again.
    ///
    /// # Errors
    /// What the server reported instead of a frame, or `Protocol` when its bytes are no frame.
    #[inline]
    pub fn peek_frame(&mut self) -> Result<Option<Frame<'_>>> {
        if self.done || self.channel.incoming.first_tag().is_some_and(|tag| tag != tag::COPY_DATA) {
            self.take_other_messages()?;
            if self.done {
                return Ok(Some(Frame::Done));
            }
        }
        match self.channel.incoming.message(MESSAGE_BYTES_MAX)? {
            Some(message) => frame(message.body).map(Some),
            None => Ok(None),
        }
    }

    /// Drops the frame that [`CopyBoth::peek_frame`] shows. Does nothing where it shows none, or `Done`.
    #[inline]
    pub fn consume_frame(&mut self) {
        if let Ok(Some(Message { tag: tag::COPY_DATA, body })) = self.channel.incoming.message(MESSAGE_BYTES_MAX) {
            let body_bytes = body.len();
            self.channel.incoming.consume(body_bytes);
        }
    }

    /// Takes the first frame out of the buffer, if all of it is here. No I/O.
    ///
    /// # Errors
    /// As [`CopyBoth::peek_frame`].
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>> {
        if self.peek_frame()?.is_none_or(|frame| frame == Frame::Done) {
            return Ok(self.done.then_some(Frame::Done));
        }
        match self.channel.incoming.take_message(MESSAGE_BYTES_MAX)? {
            Some(message) => frame(message.body).map(Some),
            None => Ok(None),
        }
    }

    /// Works off everything in front of the next frame that is not a frame.
    #[cold]
    fn take_other_messages(&mut self) -> Result<()> {
        while !self.done {
            let Some(Message { tag, body }) = self.channel.incoming.message(MESSAGE_BYTES_MAX)? else { return Ok(()) };
            match tag {
                tag::COPY_DATA => return Ok(()),
                // At its shutdown the server leaves CopyDone out and says CommandComplete at once.
                tag::COPY_DONE | tag::COMMAND_COMPLETE => self.done = true,
                tag::ERROR => return Err(ServerError::parse(body).into_error(Moment::Streaming)),
                // From 18 on this is all that is said about changes that are left out. It stands in front of them,
                // so that nothing behind it can be confirmed; it is not consumed, so that there is no way past it.
                tag::NOTICE if ServerError::parse(body).skips_publication() => {
                    return Err(ServerError::parse(body).into_error(Moment::Streaming));
                }
                _ => {
                    let body = body.to_vec();
                    if !self.channel.take_aside(tag, &body)? {
                        return Err(unexpected(tag, "in the stream"));
                    }
                    self.channel.incoming.consume(body.len());
                }
            }
        }
        Ok(())
    }

    /// Bytes received and not consumed.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.channel.incoming.len()
    }

    /// Time since the last byte of the server. Long silence is no failure by itself (a server that skips changes of
    /// no interest says nothing): ask with [`ReplyRequest::Yes`] first, and give up when that goes unanswered.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.channel.silence()
    }

    /// A parameter the server reported at the start or since.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.channel.parameter(name)
    }

    /// Queues a Standby status update: `received` is the end of what we have read, `flush` what is safe for ever.
    ///
    /// It replaces a queued one of which no byte has been written yet. Nothing is sent before the stream is polled by
    /// [`CopyBoth::fill`] or [`CopyBoth::flush`].
    pub fn queue_status(&mut self, received: Lsn, flush: ConfirmedLsn, now: PgMicros, reply: ReplyRequest) {
        let out = self.channel.outgoing.bytes_mut();
        let mut asks = u8::from(reply == ReplyRequest::Yes);
        // Nothing but status updates is ever queued here, so this many unsent bytes end with a whole one, and its
        // last byte is its request for a reply, which the replacement takes over.
        if let Some(kept) = out.len().checked_sub(STATUS_BYTES) {
            asks |= out.last().copied().unwrap_or_default();
            out.truncate(kept);
        }
        let flush = flush.lsn();
        out.put_u8(tag::COPY_DATA);
        out.put_u32(STATUS_LENGTH);
        out.put_u8(b'r');
        // Reported as written must never be less than flushed: the server would answer with needless keepalives.
        out.put_u64(received.max(flush).as_u64());
        out.put_u64(flush.as_u64());
        out.put_u64(flush.as_u64());
        out.put_i64(now.0);
        out.put_u8(asks);
    }

    /// Waits until everything queued has been written.
    ///
    /// # Errors
    /// `Connection` when it cannot be written.
    ///
    /// # Cancel safety
    /// Safe: the next call goes on where this one stopped.
    pub async fn flush(&mut self) -> Result<()> {
        self.channel.send().await
    }

    /// Ends the stream in good order: sends what is queued and CopyDone, reads until the server agrees or `patience`
    /// is over, then says goodbye. Frames that arrive meanwhile are dropped; the server sends them again next time.
    ///
    /// In the middle of a large transaction the server does not hear us before it has sent all of it, so running out
    /// of patience is normal and harmless.
    ///
    /// # Errors
    /// What the server reported instead of agreeing.
    pub async fn finish(mut self, patience: Duration) -> Result<Ending> {
        frontend::copy_done(self.channel.outgoing.bytes_mut());
        let ending = match tokio::time::timeout(patience, self.drain()).await {
            Ok(drained) => drained,
            Err(_elapsed) => Ok(Ending::CutShort),
        };
        self.channel.terminate().await;
        ending
    }

    async fn drain(&mut self) -> Result<Ending> {
        loop {
            while let Some(Message { tag, body }) = self.channel.incoming.message(MESSAGE_BYTES_MAX)? {
                match tag {
                    tag::READY_FOR_QUERY => return Ok(Ending::Orderly),
                    tag::ERROR => return Err(ServerError::parse(body).into_error(Moment::Streaming)),
                    other => {
                        self.done |= other == tag::COMMAND_COMPLETE;
                        let body_bytes = body.len();
                        self.channel.incoming.consume(body_bytes);
                    }
                }
            }
            if poll_fn(|cx| self.channel.poll_receive(cx)).await.is_err() {
                // A server that goes down says that it is done and closes without ReadyForQuery.
                return Ok(if self.done { Ending::Orderly } else { Ending::CutShort });
            }
        }
    }
}

/// Reads the envelope of a CopyData body.
#[inline]
fn frame(body: &[u8]) -> Result<Frame<'_>> {
    match body.first() {
        Some(b'w') => {
            let Some((header, payload)) = body.split_first_chunk::<25>() else {
                return Err(malformed("data frame"));
            };
            let [start, end, sent] = words(header).ok_or_else(|| malformed("data frame"))?;
            Ok(Frame::Data { start: Lsn::new(start), end: Lsn::new(end), sent: PgMicros(sent.cast_signed()), payload })
        }
        Some(b'k') => {
            let Some((header, &[reply])) = body.split_first_chunk::<17>() else {
                return Err(malformed("keepalive"));
            };
            let [end, sent] = words(header).ok_or_else(|| malformed("keepalive"))?;
            Ok(Frame::Keepalive { end: Lsn::new(end), sent: PgMicros(sent.cast_signed()), reply_requested: reply != 0 })
        }
        Some(other) => Err(malformed("frame").detail(format!("unknown kind 0x{other:02x}"))),
        None => Err(malformed("frame").detail("it is empty")),
    }
}

/// The 64-bit numbers behind a frame's letter.
#[inline]
fn words<const COUNT: usize>(header: &[u8]) -> Option<[u64; COUNT]> {
    let (words, []) = header.get(1..)?.as_chunks::<8>() else { return None };
    Some(<&[[u8; 8]; COUNT]>::try_from(words).ok()?.map(u64::from_be_bytes))
}

#[cfg(test)]
#[path = "copy_tests.rs"]
mod tests;
