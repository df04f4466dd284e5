//! The bytes between the socket and the frames: one growing receive buffer, one outgoing buffer.
//!
//! Owns [`ReceiveBuffer`], [`SendBuffer`] and the framing of server messages (`tag | length | body`).
//!
//! Invariants:
//! - Server bytes are read straight into the receive buffer's tail and handed out as slices of it. Nothing is
//!   allocated or copied for a message; only the unfinished remainder moves, and only when the tail is full.
//! - The receive buffer grows with the bytes that really arrived, at most doubling, so a hostile length field
//!   cannot make it allocate; after a huge frame it shrinks back.
//! - What was written to the socket is remembered byte by byte, so a cancelled write is resumed, never repeated.

use bytes::{Buf, BytesMut};

use crate::error::{Error, Kind, Result};

/// Size of the receive buffer as long as no frame needs more.
pub(super) const RECEIVE_BYTES: usize = 256 * 1024;

/// The largest message accepted while streaming. The server builds every message in one allocation, and its
/// allocator stops just below 1 GiB.
pub(super) const MESSAGE_BYTES_MAX: usize = 1 << 30;

/// The largest message accepted before authentication and in answers to commands. libpq is stricter before
/// authentication; the buffer grows only with bytes received, so this is a bound on patience, not on trust.
pub(super) const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A read is offered at least this much room, or the remainder is moved to the front first.
const ROOM_BYTES_MIN: usize = 16 * 1024;

/// How often the buffer must be rewound without needing its size before it shrinks. One wide row in between
/// keeps it, so a table of wide rows does not make it grow and shrink for each of them.
const REWINDS_BEFORE_SHRINKING: u32 = 64;

/// `tag` and a length that counts itself.
const HEADER_BYTES: usize = 5;

/// One message of the server, borrowed from the receive buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    /// The letter it starts with.
    pub(super) tag: u8,
    /// What follows the length.
    pub(super) body: &'a [u8],
}

/// What the server sent and nobody consumed yet.
#[derive(Debug)]
pub(super) struct ReceiveBuffer {
    /// Initialised to its end, so that a read never sees uninitialised memory.
    bytes: Vec<u8>,
    head: usize,
    tail: usize,
    /// Highest tail since the last rewind.
    used: usize,
    idle_rewinds: u32,
}

#[cold]
fn impossible(tag: u8, length: usize, bytes_max: usize) -> Error {
    Error::new(Kind::Protocol, format!("a message claims an impossible length of {length} bytes"))
        .detail(format!("tag 0x{tag:02x}, at most {bytes_max} bytes are possible here"))
        .hint("check that the address is a PostgreSQL server and that no proxy changes its bytes")
}

impl ReceiveBuffer {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; RECEIVE_BYTES], head: 0, tail: 0, used: 0, idle_rewinds: 0 }
    }

    /// Where the next read goes; never empty.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.head == self.tail || self.bytes.len() - self.tail < ROOM_BYTES_MIN {
            self.rewind();
        }
        if self.bytes.len() - self.tail < ROOM_BYTES_MIN {
            let doubled = self.bytes.len().saturating_mul(2);
            self.bytes.resize(doubled, 0);
        }
        &mut self.bytes[self.tail..]
    }

    /// Counts `count` bytes that a read put into [`ReceiveBuffer::room`].
    pub(super) fn received(&mut self, count: usize) {
        self.tail = self.bytes.len().min(self.tail + count);
        self.used = self.used.max(self.tail);
    }

    /// Bytes received and not consumed.
    pub(super) fn len(&self) -> usize {
        self.tail - self.head
    }

    /// The first message, if all of it is here.
    ///
    /// # Errors
    /// `Protocol` when the length is impossible or above `bytes_max`.
    #[inline]
    pub(super) fn message(&self, bytes_max: usize) -> Result<Option<Message<'_>>> {
        let Some((tag, bytes)) = self.header(bytes_max)? else { return Ok(None) };
        let start = self.head + HEADER_BYTES;
        Ok(self.bytes[start..self.tail].get(..bytes).map(|body| Message { tag, body }))
    }

    /// Letter and length of the first message's body, as soon as its header is here.
    ///
    /// # Errors
    /// As [`ReceiveBuffer::message`].
    #[inline]
    pub(super) fn header(&self, bytes_max: usize) -> Result<Option<(u8, usize)>> {
        let unread = &self.bytes[self.head..self.tail];
        let Some((&[tag, l3, l2, l1, l0], _)) = unread.split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let length = u32::from_be_bytes([l3, l2, l1, l0]) as usize;
        if !(4..=bytes_max).contains(&length) {
            return Err(impossible(tag, length, bytes_max));
        }
        Ok(Some((tag, length - 4)))
    }

    /// Takes the header of the first message, and what is here of its body, which is copied to the beginning of `body`. Returns
    /// how many bytes that are; the rest is for [`Channel::poll_receive_into`](super::channel::Channel::poll_receive_into).
    pub(super) fn take_beginning(&mut self, body: &mut [u8]) -> usize {
        let start = self.tail.min(self.head + HEADER_BYTES);
        let bytes = body.len().min(self.tail - start);
        body[..bytes].copy_from_slice(&self.bytes[start..start + bytes]);
        self.head = start + bytes;
        bytes
    }

    /// The letter of the first message, as soon as its first byte is here.
    #[inline]
    pub(super) fn first_tag(&self) -> Option<u8> {
        self.bytes[self.head..self.tail].first().copied()
    }

    /// Takes one byte that belongs to no message: the answer to SSLRequest.
    pub(super) fn take_byte(&mut self) -> Option<u8> {
        let byte = self.first_tag()?;
        self.head += 1;
        Some(byte)
    }

    /// Takes the first message out, if all of it is here.
    ///
    /// # Errors
    /// As [`ReceiveBuffer::message`].
    #[inline]
    pub(super) fn take_message(&mut self, bytes_max: usize) -> Result<Option<Message<'_>>> {
        let Some((tag, body_bytes)) = self.message(bytes_max)?.map(|message| (message.tag, message.body.len())) else {
            return Ok(None);
        };
        self.consume(body_bytes);
        Ok(Some(Message { tag, body: &self.bytes[self.head - body_bytes..self.head] }))
    }

    /// Drops the first message; it must have been seen by [`ReceiveBuffer::message`].
    #[inline]
    pub(super) fn consume(&mut self, body_bytes: usize) {
        self.head = self.tail.min(self.head + HEADER_BYTES + body_bytes);
    }

    /// Moves the remainder to the front, and gives memory back once it was not needed for a while.
    fn rewind(&mut self) {
        self.bytes.copy_within(self.head..self.tail, 0);
        self.tail -= self.head;
        self.head = 0;
        self.idle_rewinds = if self.used > RECEIVE_BYTES { 0 } else { self.idle_rewinds.saturating_add(1) };
        self.used = self.tail;
        if self.bytes.len() > RECEIVE_BYTES
            && self.idle_rewinds >= REWINDS_BEFORE_SHRINKING
            && self.tail <= RECEIVE_BYTES / 2
        {
            self.bytes.truncate(RECEIVE_BYTES);
            self.bytes.shrink_to_fit();
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

/// Bytes queued for the server.
#[derive(Debug, Default)]
pub(super) struct SendBuffer {
    bytes: BytesMut,
}

impl SendBuffer {
    /// What is still to be written.
    pub(super) fn unsent(&self) -> &[u8] {
        &self.bytes
    }

    /// Counts `count` bytes as written.
    pub(super) fn sent(&mut self, count: usize) {
        self.bytes.advance(count.min(self.bytes.len()));
    }

    /// The buffer as `postgres-protocol`'s message builders take it.
    pub(super) fn bytes_mut(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[tag][..], &length.to_be_bytes(), body].concat()
    }

    fn feed(buffer: &mut ReceiveBuffer, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = buffer.room();
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            buffer.received(count);
            bytes = &bytes[count..];
        }
    }

    fn take(buffer: &mut ReceiveBuffer) -> Option<(u8, Vec<u8>)> {
        let taken = buffer.message(MESSAGE_BYTES_MAX).unwrap().map(|message| (message.tag, message.body.to_vec()))?;
        buffer.consume(taken.1.len());
        Some(taken)
    }

    #[test]
    fn messages_come_out_whole_whatever_the_reads_are() {
        // Given three messages, when they arrive split at any point, then they come out whole and in order.
        let expected = [(b'd', b"first".to_vec()), (b'N', Vec::new()), (b'd', vec![7; 300])];
        let bytes: Vec<u8> = expected.iter().flat_map(|(tag, body)| frame(*tag, body)).collect();
        for split in 0..=bytes.len() {
            let mut buffer = ReceiveBuffer::new();
            let mut seen = Vec::new();
            for part in [&bytes[..split], &bytes[split..]] {
                feed(&mut buffer, part);
                seen.extend(std::iter::from_fn(|| take(&mut buffer)));
            }
            assert_eq!(seen, expected, "split at {split}");
            assert_eq!(buffer.len(), 0);
        }
    }

    #[test]
    fn impossible_lengths_are_refused_before_they_cost_memory() {
        for length in [0_u32, 3, 1 << 30 | 1, u32::MAX] {
            let mut buffer = ReceiveBuffer::new();
            feed(&mut buffer, &[&b"d"[..], &length.to_be_bytes()].concat());
            let refused = buffer.message(MESSAGE_BYTES_MAX).unwrap_err();
            assert_eq!(refused.kind(), Kind::Protocol, "{length}");
            assert_eq!(buffer.capacity(), RECEIVE_BYTES);
        }
    }

    #[test]
    fn a_huge_frame_makes_it_grow_and_quiet_makes_it_shrink() {
        let mut buffer = ReceiveBuffer::new();
        let huge = vec![1; 5 * RECEIVE_BYTES];
        feed(&mut buffer, &frame(b'd', &huge));
        assert_eq!(take(&mut buffer), Some((b'd', huge)));
        let grown = buffer.capacity();
        assert!(grown > 5 * RECEIVE_BYTES && grown <= 10 * RECEIVE_BYTES, "{grown}");
        for _ in 0..=REWINDS_BEFORE_SHRINKING {
            assert_eq!(buffer.capacity(), grown, "not at once");
            feed(&mut buffer, &frame(b'd', b"small"));
            take(&mut buffer).unwrap();
        }
        feed(&mut buffer, &frame(b'd', b"small"));
        assert_eq!(buffer.capacity(), RECEIVE_BYTES);
        assert_eq!(take(&mut buffer), Some((b'd', b"small".to_vec())), "nothing is lost on the way");
    }

    #[test]
    fn an_announced_but_unsent_gigabyte_costs_nothing() {
        let mut buffer = ReceiveBuffer::new();
        feed(&mut buffer, &[&b"d"[..], &(1_u32 << 30).to_be_bytes(), b"few"].concat());
        assert!(buffer.message(MESSAGE_BYTES_MAX).unwrap().is_none());
        let _room = buffer.room();
        assert_eq!(buffer.capacity(), RECEIVE_BYTES);
    }

    #[test]
    fn a_stream_of_frames_that_never_ends_at_a_read_stays_in_the_first_buffer() {
        // Given reads of a size that never meets a frame's end, when 8 MiB pass, then nothing grows or breaks.
        let mut buffer = ReceiveBuffer::new();
        let one = frame(b'd', &[9; 1_000]);
        let stream: Vec<u8> = one.iter().copied().cycle().take(one.len() * 8_192).collect();
        let mut seen = 0;
        for part in stream.chunks(60_013) {
            feed(&mut buffer, part);
            while let Some((tag, body)) = take(&mut buffer) {
                assert_eq!((tag, body.as_slice()), (b'd', &[9; 1_000][..]));
                seen += 1;
            }
        }
        assert_eq!(seen, 8_192);
        assert_eq!(buffer.capacity(), RECEIVE_BYTES);
    }
}
