//! Simple queries: the only kind a replication connection takes.
//!
//! Owns [`Connection::simple_query`] and the walk through an answer to its ReadyForQuery.
//!
//! Source: PostgreSQL manual, "Message Flow, Simple Query".

use postgres_protocol::message::frontend;

use super::connect::Connection;
use super::message::{data_row, tag, unexpected};
use super::server_error::ServerError;
use crate::error::{Error, Kind, Result};

/// Rows of text; `None` is NULL.
pub type Rows = Vec<Vec<Option<String>>>;

/// An answer larger than this is refused: whatever needs more goes through an SQL connection.
const ROWS_BYTES_MAX: usize = 64 << 20;

impl Connection {
    /// Runs one or more statements and returns the rows of all of them.
    ///
    /// # Errors
    /// What the server says, by its SQLSTATE (see [`ServerError`]); the connection stays usable then. `Connection` or
    /// `Protocol`, after which it does not.
    ///
    /// # Cancel safety
    /// Not safe: a connection whose command was dropped refuses every later one.
    pub async fn simple_query(&mut self, sql: &str) -> Result<Rows> {
        self.send_query(sql).await?;
        let mut rows = Rows::new();
        let mut bytes = 0;
        let mut refusal = None;
        loop {
            let answer = match (self.channel.next_answer().await, refusal.take()) {
                (Ok(answer), kept) => {
                    refusal = kept;
                    answer
                }
                // After a fatal error the server closes without ReadyForQuery.
                (Err(_closed), Some(refused)) => return Err(refused),
                (Err(error), None) => return Err(error),
            };
            match answer.tag {
                tag::DATA_ROW => {
                    bytes += answer.body.len();
                    if bytes > ROWS_BYTES_MAX {
                        return Err(Error::new(Kind::Protocol, "an answer on the replication connection is too large"));
                    }
                    rows.push(data_row(&answer.body)?);
                }
                tag::ERROR => refusal = Some(ServerError::parse(&answer.body).into_error(self.moment)),
                tag::READY_FOR_QUERY => {
                    self.busy = false;
                    return refusal.map_or(Ok(rows), Err);
                }
                tag::ROW_DESCRIPTION | tag::COMMAND_COMPLETE | tag::EMPTY_QUERY => {}
                other => return Err(unexpected(other, "as answer to a command")),
            }
        }
    }

    /// Sends a command, and marks the connection busy until its ReadyForQuery.
    pub(super) async fn send_query(&mut self, sql: &str) -> Result<()> {
        if self.busy {
            return Err(Error::new(Kind::Connection, "an earlier command on this connection was cut short"));
        }
        frontend::query(sql, self.channel.outgoing.bytes_mut())
            .map_err(|error| Error::new(Kind::Config, "a command holds a NUL").caused_by(error))?;
        self.busy = true;
        self.channel.send().await
    }
}
