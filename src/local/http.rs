//! Requests to the servers' own HTTP interfaces.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Creating a connector makes the worker open its database, so an answer may take a while.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// Status code.
    pub(super) status: u16,
    /// All after the head.
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Whether the status is one of success.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// One request to `host:port` in HTTP/1.0: the answer ends where the connection does, so there is nothing to frame.
pub(super) fn request(address: &str, method: &str, path: &str, body: Option<&str>) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(REQUEST_TIMEOUT))?;
    let body = body.unwrap_or_default();
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json");
    // In one piece, so that the server never sees a part of a request.
    stream.write_all(format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse_answer(&bytes).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

fn parse_answer(bytes: &[u8]) -> Option<Answer> {
    const END_OF_HEAD: &[u8] = b"\r\n\r\n";
    let end = memchr::memmem::find(bytes, END_OF_HEAD)?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let status = head.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(Answer { status, body: bytes.get(end + END_OF_HEAD.len()..)?.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_split_into_status_and_body() {
        let answer = parse_answer(b"HTTP/1.1 409 Conflict\r\nA: b\r\n\r\n{}").unwrap();
        assert_eq!((answer.status, answer.body.as_slice(), answer.is_success()), (409, &b"{}"[..], false));
        assert!(parse_answer(b"HTTP/1.1 200 OK\r\n").is_none());
    }
}
