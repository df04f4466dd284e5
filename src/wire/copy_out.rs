//! COPY to us: what the server copies, in batches.
//!
//! Owns [`CopyOut`]. It knows nothing of rows: the bytes of the messages are handed on, several together, in one piece of memory
//! that is as large. A message is announced by its length before it is read, so that whoever bounds memory can wait first;
//! until then the server waits in its socket.
//!
//! Source: PostgreSQL manual, "Message Flow, COPY Operations".

use std::future::poll_fn;

use bytes::Bytes;

use super::buffer::{ANSWER_BYTES_MAX, MESSAGE_BYTES_MAX, Message, RECEIVE_BYTES};
use super::connect::Connection;
use super::message::{tag, unexpected};
use super::server_error::ServerError;
use crate::error::{Error, Result};

/// A COPY that goes on. The connection takes commands again when [`CopyOut::next_bytes`] has said that it is at its end.
#[derive(Debug)]
pub struct CopyOut<'a> {
    connection: &'a mut Connection,
    ended: bool,
    large: Option<Large>,
}

/// A large message that is being read.
#[derive(Debug)]
struct Large {
    body: Vec<u8>,
    /// Bytes that are there.
    filled: usize,
}

/// Messages from this size on are read straight to where they stay.
const LARGE_BYTES: usize = RECEIVE_BYTES / 4;

impl Connection {
    /// Begins `COPY ... TO STDOUT`.
    ///
    /// # Errors
    /// As [`Connection::simple_query`].
    ///
    /// # Cancel safety
    /// Not safe: a connection whose command was dropped refuses every later one.
    pub async fn copy_out(&mut self, sql: &str) -> Result<CopyOut<'_>> {
        self.send_query(sql).await?;
        let answer = self.channel.next_answer().await?;
        match answer.tag {
            tag::COPY_OUT => Ok(CopyOut { connection: self, ended: false, large: None }),
            tag::ERROR => Err(self.refused(&answer.body).await),
            other => Err(unexpected(other, "as answer to COPY")),
        }
    }

    /// What the server said; the connection takes commands again where it can.
    async fn refused(&mut self, body: &[u8]) -> Error {
        let refused = ServerError::parse(body).into_error(self.moment);
        // After a fatal error the server closes without ReadyForQuery, which the next command meets.
        while let Ok(answer) = self.channel.next_answer().await {
            if answer.tag == tag::READY_FOR_QUERY {
                self.busy = false;
                break;
            }
        }
        refused
    }
}

impl CopyOut<'_> {
    /// Waits until something comes, and tells how many bytes its first message has, of which most may not have been read.
    /// Nothing at the end.
    ///
    /// # Errors
    /// What the server says, by its SQLSTATE; the connection stays usable then. `Connection` or `Protocol`, after which it does not.
    ///
    /// # Cancel safety
    /// Safe until the end has come.
    pub async fn next_bytes(&mut self) -> Result<Option<usize>> {
        while !self.ended {
            let channel = &mut self.connection.channel;
            match channel.incoming.header(MESSAGE_BYTES_MAX)? {
                Some((tag::COPY_DATA, bytes)) => return Ok(Some(bytes)),
                Some(_) => self.take_other().await?,
                None => {
                    poll_fn(|cx| channel.poll_receive(cx)).await?;
                }
            }
        }
        Ok(None)
    }

    /// Works off one message that carries no data: what follows it may carry some.
    async fn take_other(&mut self) -> Result<()> {
        let channel = &mut self.connection.channel;
        let Some(Message { tag, body }) = channel.incoming.message(ANSWER_BYTES_MAX)? else {
            poll_fn(|cx| channel.poll_receive(cx)).await?;
            return Ok(());
        };
        let body = body.to_vec();
        channel.incoming.consume(body.len());
        if channel.take_aside(tag, &body)? {
            return Ok(());
        }
        match tag {
            tag::COPY_DONE | tag::COMMAND_COMPLETE => {}
            tag::READY_FOR_QUERY => {
                self.connection.busy = false;
                self.ended = true;
            }
            tag::ERROR => {
                self.ended = true;
                return Err(self.connection.refused(&body).await);
            }
            other => return Err(unexpected(other, "in a COPY")),
        }
        Ok(())
    }

    /// Reads the first message, and takes with it what is here already, up to `bytes_max` in all. Only when
    /// [`CopyOut::next_bytes`] has announced it.
    ///
    /// # Errors
    /// `Connection` or `Protocol`.
    ///
    /// # Cancel safety
    /// Safe: the next call goes on where this one stopped.
    pub async fn take(&mut self, bytes_max: usize) -> Result<Bytes> {
        let incoming = &mut self.connection.channel.incoming;
        if self.large.is_none()
            && let Some((tag::COPY_DATA, bytes @ LARGE_BYTES..)) = incoming.header(MESSAGE_BYTES_MAX)?
        {
            let mut body = vec![0; bytes];
            let filled = incoming.take_beginning(&mut body);
            self.large = Some(Large { body, filled });
        }
        if self.large.is_some() { self.take_large().await } else { self.take_small(bytes_max).await }
    }

    async fn take_large(&mut self) -> Result<Bytes> {
        while let Some(Large { body, filled }) = &mut self.large {
            let Some(room @ [_, ..]) = body.get_mut(*filled..) else { break };
            *filled += poll_fn(|cx| self.connection.channel.poll_receive_into(cx, room)).await?;
        }
        Ok(self.large.take().map(|large| large.body.into()).unwrap_or_default())
    }

    async fn take_small(&mut self, bytes_max: usize) -> Result<Bytes> {
        let channel = &mut self.connection.channel;
        let first = loop {
            match channel.incoming.message(MESSAGE_BYTES_MAX)? {
                Some(message) => break message.body.len(),
                None => {
                    poll_fn(|cx| channel.poll_receive(cx)).await?;
                }
            }
        };
        let mut taken = Vec::with_capacity(first.max(channel.incoming.len().min(bytes_max)));
        while let Some(Message { tag: tag::COPY_DATA, body }) = channel.incoming.message(MESSAGE_BYTES_MAX)? {
            if !taken.is_empty() && taken.len() + body.len() > bytes_max {
                break;
            }
            taken.extend_from_slice(body);
            let bytes = body.len();
            channel.incoming.consume(bytes);
        }
        Ok(Bytes::from(taken))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;
    use crate::error::Kind;
    use crate::wire::channel::Channel;
    use crate::wire::server_error::Moment;
    use crate::wire::transport::Transport;

    /// A batch in these tests.
    const BATCH_BYTES: usize = 100;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[tag][..], &length.to_be_bytes(), body].concat()
    }

    fn connection(pipe_bytes: usize) -> (Connection, DuplexStream) {
        let (ours, server) = tokio::io::duplex(pipe_bytes);
        let channel = Channel::new(Transport::Memory(ours));
        (Connection { channel, busy: false, moment: Moment::Reading }, server)
    }

    /// Writes `answer` in pieces of `cut` bytes once a query has come, and then takes what else comes.
    async fn serve(mut server: DuplexStream, answer: Vec<u8>, cut: usize) -> DuplexStream {
        let mut query = [0; 64];
        assert_ne!(server.read(&mut query).await.unwrap(), 0);
        for piece in answer.chunks(cut) {
            server.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        server
    }

    async fn read(connection: &mut Connection) -> Result<Vec<Bytes>> {
        let mut copy = connection.copy_out("COPY t TO STDOUT").await?;
        let mut batches = Vec::new();
        while let Some(announced) = copy.next_bytes().await? {
            let batch = copy.take(BATCH_BYTES).await?;
            assert!(batch.len() >= announced && batch.len() <= announced.max(BATCH_BYTES));
            batches.push(batch);
        }
        Ok(batches)
    }

    #[tokio::test]
    async fn rows_come_whole_however_they_are_cut_and_the_connection_takes_commands_again() {
        // Given rows of all sizes, one larger than any buffer, with a notice between them.
        let rows: Vec<Vec<u8>> = [3, 0, 40, 70, LARGE_BYTES - 1, LARGE_BYTES, 3 * RECEIVE_BYTES, 1, 99]
            .into_iter()
            .zip(1u8..)
            .map(|(bytes, fill)| vec![fill; bytes])
            .collect();
        let mut answer = message(tag::COPY_OUT, &[1, 0, 0]);
        for row in &rows {
            answer.extend(message(tag::COPY_DATA, row));
            answer.extend(message(tag::NOTICE, b"SNOTICE\0C00000\0Mwell\0\0"));
        }
        for (tag, body) in
            [(tag::COPY_DONE, &b""[..]), (tag::COMMAND_COMPLETE, b"COPY 9\0"), (tag::READY_FOR_QUERY, b"T")]
        {
            answer.extend(message(tag, body));
        }
        for cut in [7, 4096, answer.len()] {
            // When they are read, with the server's writes cut anywhere.
            let (mut connection, server) = connection(1 << 16);
            let serving = tokio::spawn(serve(server, answer.clone(), cut));
            let batches = read(&mut connection).await.unwrap();
            // Then every byte is there in its order, and another command may follow.
            assert_eq!(batches.concat(), rows.concat(), "{cut}");
            let _server = serving.await.unwrap();
            assert!(connection.send_query("SELECT 1").await.is_ok());
        }
    }

    #[tokio::test]
    async fn what_is_there_already_is_taken_together() {
        let rows = (0..20).flat_map(|_| message(tag::COPY_DATA, &[7; 30]));
        let mut answer = message(tag::COPY_OUT, &[1, 0, 0]);
        answer.extend(rows);
        answer.extend([message(tag::COPY_DONE, b""), message(tag::READY_FOR_QUERY, b"T")].concat());
        let (mut connection, server) = connection(1 << 16);
        let serving = tokio::spawn(async move {
            let whole = answer.len();
            serve(server, answer, whole).await
        });
        let batches = read(&mut connection).await.unwrap();
        assert_eq!(batches.iter().map(Bytes::len).max(), Some(90), "three rows fit");
        assert!(batches.len() < 20);
        drop(serving.await);
    }

    #[tokio::test]
    async fn a_refusal_before_or_within_a_copy_leaves_the_connection_usable() {
        let refusal = message(tag::ERROR, b"SERROR\0VERROR\0C42P01\0Mrelation \"t\" does not exist\0\0");
        let ready = message(tag::READY_FOR_QUERY, b"E");
        let begun = [message(tag::COPY_OUT, &[1, 0, 0]), message(tag::COPY_DATA, b"row")].concat();
        for before in [Vec::new(), begun] {
            let (mut connection, server) = connection(1 << 16);
            let serving = tokio::spawn(serve(server, [before, refusal.clone(), ready.clone()].concat(), 5));
            let error = read(&mut connection).await.unwrap_err();
            assert_eq!(error.kind(), Kind::ServerRefused);
            assert!(error.message().contains("relation \"t\" does not exist (SQLSTATE 42P01)"), "{error}");
            let _server = serving.await.unwrap();
            assert!(connection.send_query("ROLLBACK").await.is_ok());
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_cut_says_so() {
        let begun = [message(tag::COPY_OUT, &[1, 0, 0]), message(tag::COPY_DATA, &[1; 2 * LARGE_BYTES])].concat();
        for bytes in [3, 40, begun.len() - 1] {
            let (mut connection, server) = connection(1 << 20);
            let answer = begun[..bytes].to_vec();
            tokio::spawn(async move { drop(serve(server, answer, 1000).await) });
            assert_eq!(read(&mut connection).await.unwrap_err().kind(), Kind::Connection, "{bytes}");
        }
    }
}
