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

/// One request to `host:port` on a connection of its own, at whose end the answer ends.
///
/// Not in HTTP/1.0, although that is all it needs: the registry's server then now and then closes without an answer.
pub(super) fn request(address: &str, method: &str, path: &str, body: Option<&str>) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(REQUEST_TIMEOUT))?;
    let body = body.unwrap_or_default();
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json");
    // In one piece, so that the server never sees a part of a request.
    let rest = format!("Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(format!("{head}\r\n{rest}").as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse_answer(&bytes).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

fn parse_answer(bytes: &[u8]) -> Option<Answer> {
    const END_OF_HEAD: &[u8] = b"\r\n\r\n";
    let end = memchr::memmem::find(bytes, END_OF_HEAD)?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?.to_ascii_lowercase();
    let status = head.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let rest = bytes.get(end + END_OF_HEAD.len()..)?;
    let is_chunked = head.lines().any(|line| line.starts_with("transfer-encoding:") && line.ends_with("chunked"));
    Some(Answer { status, body: if is_chunked { joined_chunks(rest)? } else { rest.to_vec() } })
}

/// Each chunk has its length in hexadecimal on a line before it; the last one is empty (RFC 9112, section 7.1).
fn joined_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    const LINE_END: &[u8] = b"\r\n";
    let mut body = Vec::new();
    loop {
        let end = memchr::memmem::find(rest, LINE_END)?;
        let length = std::str::from_utf8(rest.get(..end)?).ok()?.split(';').next()?;
        let length = usize::from_str_radix(length.trim(), 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        let chunk = rest.get(end + LINE_END.len()..)?;
        body.extend_from_slice(chunk.get(..length)?);
        rest = chunk.get(length..)?.strip_prefix(LINE_END)?;
    }
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

    #[test]
    fn chunks_are_joined_and_a_cut_one_is_no_answer() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = parse_answer(format!("{head}3\r\n{{\"a\r\nA;x=y\r\n\":12345678\r\n0\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(answer.body, b"{\"a\":12345678");
        assert!(parse_answer(format!("{head}3\r\n{{\"").as_bytes()).is_none());
    }
}
