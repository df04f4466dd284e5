//! A transport with its two buffers: the layer on which both states of a connection stand.
//!
//! Owns [`Channel`]: sending without repeating a byte, receiving without losing one, and what the server may say at
//! any time (notices, parameters).
//!
//! Invariants:
//! - Every wait can be dropped and begun again: progress lives in the buffers, never in a future.
//! - Receiving always sends what is queued as well, so that a reader can never keep a status update waiting.
//! - A failed write does not hide what the server said before it closed the connection: reading goes first.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::buffer::{ANSWER_BYTES_MAX, ReceiveBuffer, SendBuffer};
use super::message::{parameter_status, tag};
use super::server_error::ServerError;
use super::tls::is_refusal;
use super::transport::Transport;
use crate::error::{Error, Kind, Result};

/// TLS hands out one record (at most 16 KiB) a read; records that are here already are taken together up to this.
const TLS_READ_BYTES: usize = 128 * 1024;

/// A message of the server outside the stream, copied out of the buffer.
pub(super) struct Answer {
    /// The letter it starts with.
    pub(super) tag: u8,
    /// What follows the length.
    pub(super) body: Vec<u8>,
}

/// A connected transport with what was received and what is to be sent.
#[derive(Debug)]
pub(super) struct Channel {
    transport: Transport,
    /// What the server sent.
    pub(super) incoming: ReceiveBuffer,
    /// What the server gets.
    pub(super) outgoing: SendBuffer,
    unflushed: bool,
    write_failure: Option<io::Error>,
    last_received: Instant,
    parameters: Vec<(String, String)>,
}

impl Channel {
    pub(super) fn new(transport: Transport) -> Self {
        Self {
            transport,
            incoming: ReceiveBuffer::new(),
            outgoing: SendBuffer::default(),
            unflushed: false,
            write_failure: None,
            last_received: Instant::now(),
            parameters: Vec::new(),
        }
    }

    pub(super) const fn transport(&self) -> &Transport {
        &self.transport
    }

    /// A parameter the server reported.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Time since the last byte of the server.
    pub(super) fn silence(&self) -> Duration {
        self.last_received.elapsed()
    }

    /// Writes what is queued; ready once all of it has left us.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.unsent().is_empty() {
            match ready!(Pin::new(&mut self.transport).poll_write(cx, self.outgoing.unsent()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.outgoing.sent(count),
            }
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.transport).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once, and writes what is queued meanwhile. Ready with the bytes that arrived, at least one.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        if self.write_failure.is_none()
            && let Poll::Ready(Err(failure)) = self.poll_send(cx)
        {
            self.write_failure = Some(failure);
        }
        let mut count = 0;
        loop {
            let mut room = ReadBuf::new(self.incoming.room());
            match Pin::new(&mut self.transport).poll_read(cx, &mut room) {
                Poll::Ready(Ok(())) if !room.filled().is_empty() => {
                    let filled = room.filled().len();
                    self.incoming.received(filled);
                    count += filled;
                    if self.transport.is_encrypted() && count < TLS_READ_BYTES {
                        continue;
                    }
                }
                // What came before the end, or before an error, is handed out first; the next call meets it again.
                _ if count > 0 => {}
                Poll::Ready(Ok(())) => return Poll::Ready(Err(closed(self.write_failure.take()))),
                Poll::Ready(Err(failure)) => return Poll::Ready(Err(cut(failure))),
                Poll::Pending => match self.write_failure.take() {
                    Some(failure) => return Poll::Ready(Err(cut(failure))),
                    None => return Poll::Pending,
                },
            }
            self.last_received = Instant::now();
            return Poll::Ready(Ok(count));
        }
    }

    /// Reads once into `room`, which must not be empty, past the buffer, which must be. Ready with the bytes that arrived, at least
    /// one.
    pub(super) fn poll_receive_into(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<Result<usize>> {
        let mut room = ReadBuf::new(room);
        let read = ready!(Pin::new(&mut self.transport).poll_read(cx, &mut room));
        Poll::Ready(match read {
            Ok(()) if !room.filled().is_empty() => {
                self.last_received = Instant::now();
                Ok(room.filled().len())
            }
            Ok(()) => Err(closed(self.write_failure.take())),
            Err(failure) => Err(cut(failure)),
        })
    }

    /// Waits until everything queued has been written.
    ///
    /// # Cancel safety
    /// Safe: the next call goes on where this one stopped.
    pub(super) async fn send(&mut self) -> Result<()> {
        poll_fn(|cx| self.poll_send(cx)).await.map_err(cut)
    }

    /// The next message that is not an aside (notice, notification, parameter).
    ///
    /// # Cancel safety
    /// Safe: a message is consumed only when it is returned.
    pub(super) async fn next_answer(&mut self) -> Result<Answer> {
        loop {
            let answer = self
                .incoming
                .message(ANSWER_BYTES_MAX)?
                .map(|message| Answer { tag: message.tag, body: message.body.to_vec() });
            match answer {
                Some(answer) => {
                    self.incoming.consume(answer.body.len());
                    if !self.take_aside(answer.tag, &answer.body)? {
                        return Ok(answer);
                    }
                }
                None => {
                    poll_fn(|cx| self.poll_receive(cx)).await?;
                }
            }
        }
    }

    /// Takes note of a message that may come at any time; `false` when it is not of that sort.
    pub(super) fn take_aside(&mut self, tag: u8, body: &[u8]) -> Result<bool> {
        match tag {
            tag::NOTICE => {
                let notice = ServerError::parse(body);
                let (sqlstate, message) = (notice.sqlstate(), notice.message());
                if notice.severity() == "WARNING" {
                    tracing::warn!(sqlstate, "the server warns: {message}");
                } else {
                    tracing::debug!(sqlstate, severity = notice.severity(), "the server says: {message}");
                }
            }
            tag::PARAMETER_STATUS => {
                let (name, value) = parameter_status(body)?;
                match self.parameters.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => *known = value,
                    None => self.parameters.push((name, value)),
                }
            }
            tag::NOTIFICATION => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Sends Terminate and closes the transport, without waiting for an answer, which there is none to.
    pub(super) async fn terminate(mut self) {
        postgres_protocol::message::frontend::terminate(self.outgoing.bytes_mut());
        // The server frees its side when the socket closes, whether or not this farewell reaches it.
        let farewell = async {
            let _ = self.send().await;
            let _ = poll_fn(|cx| Pin::new(&mut self.transport).poll_shutdown(cx)).await;
        };
        let _ = tokio::time::timeout(FAREWELL_PATIENCE, farewell).await;
    }

    /// Takes the channel apart before TLS begins; refuses when bytes are left over.
    pub(super) fn into_transport(self) -> Transport {
        self.transport
    }
}

/// How long a farewell may take on a connection that is stuck.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(1);

/// An I/O failure on an established connection.
pub(super) fn cut(failure: io::Error) -> Error {
    if is_refusal(&failure) {
        return Error::new(Kind::Authentication, "the server refused the TLS session")
            .caused_by(failure)
            .hint("check database.sslcert and database.sslkey, and which authority the server trusts (ssl_ca_file)");
    }
    Error::new(Kind::Connection, "the connection to the server was cut").caused_by(failure)
}

fn closed(write_failure: Option<io::Error>) -> Error {
    let error = Error::new(Kind::Connection, "the server closed the connection");
    match write_failure {
        Some(failure) => error.caused_by(failure),
        None => error,
    }
}
