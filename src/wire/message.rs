//! Bodies of the server's messages, as far as this room reads them.
//!
//! Owns the parsers of ParameterStatus, DataRow and of the fields of ErrorResponse and NoticeResponse. They
//! borrow the receive buffer; `postgres-protocol`'s own parser is not used for what the server sends because it
//! copies every message into a buffer of its own, reserves what a length field claims, and does not know
//! CopyBothResponse.
//!
//! No input makes them panic.
//!
//! Source: PostgreSQL manual, "Message Formats".

use crate::error::{Error, Kind, Result};

/// Letters of the server's messages.
pub(super) mod tag {
    pub(in crate::wire) const AUTHENTICATION: u8 = b'R';
    pub(in crate::wire) const BACKEND_KEY_DATA: u8 = b'K';
    pub(in crate::wire) const COMMAND_COMPLETE: u8 = b'C';
    pub(in crate::wire) const COPY_BOTH: u8 = b'W';
    pub(in crate::wire) const COPY_DATA: u8 = b'd';
    pub(in crate::wire) const COPY_DONE: u8 = b'c';
    pub(in crate::wire) const COPY_OUT: u8 = b'H';
    pub(in crate::wire) const DATA_ROW: u8 = b'D';
    pub(in crate::wire) const EMPTY_QUERY: u8 = b'I';
    pub(in crate::wire) const ERROR: u8 = b'E';
    pub(in crate::wire) const NEGOTIATE_PROTOCOL_VERSION: u8 = b'v';
    pub(in crate::wire) const NOTICE: u8 = b'N';
    pub(in crate::wire) const NOTIFICATION: u8 = b'A';
    pub(in crate::wire) const PARAMETER_STATUS: u8 = b'S';
    pub(in crate::wire) const READY_FOR_QUERY: u8 = b'Z';
    pub(in crate::wire) const ROW_DESCRIPTION: u8 = b'T';
}

/// A message that has no place where it came.
pub(super) fn unexpected(tag: u8, moment: &str) -> Error {
    Error::new(Kind::Protocol, format!("the server sent an unexpected message {moment}"))
        .detail(format!("tag 0x{tag:02x}"))
        .hint("check that the address is a PostgreSQL server and that no proxy changes its bytes")
}

/// A message whose body does not follow its format.
pub(super) fn malformed(what: &str) -> Error {
    Error::new(Kind::Protocol, format!("the server sent a malformed {what}"))
}

/// Splits the text before the next NUL from what follows it.
fn split_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, bytes)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

/// ParameterStatus: name and value.
pub(super) fn parameter_status(body: &[u8]) -> Result<(String, String)> {
    split_text(body)
        .and_then(|(name, rest)| Some((name, split_text(rest)?.0)))
        .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).into_owned()))
        .ok_or_else(|| malformed("parameter status"))
}

/// One field of ErrorResponse or NoticeResponse.
pub(super) struct Fields<'a>(&'a [u8]);

/// The fields of ErrorResponse or NoticeResponse; stops quietly at the first malformed one, because what an
/// error says matters more than its last byte.
pub(super) fn fields(body: &[u8]) -> Fields<'_> {
    Fields(body)
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&code, rest) = self.0.split_first().filter(|(code, _)| **code != 0)?;
        let (text, rest) = split_text(rest)?;
        self.0 = rest;
        Some((code, text))
    }
}

/// DataRow of a simple query: every column is text or NULL.
pub(super) fn data_row(body: &[u8]) -> Result<Vec<Option<String>>> {
    read_row(body).ok_or_else(|| malformed("data row"))
}

fn read_row(body: &[u8]) -> Option<Vec<Option<String>>> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    // The count comes from the network; the columns themselves bound the memory.
    let mut row = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk::<4>()?;
        rest = after;
        row.push(match i32::from_be_bytes(*length) {
            -1 => None,
            length => {
                let (value, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                rest = after;
                Some(String::from_utf8(value.to_vec()).ok()?)
            }
        });
    }
    rest.is_empty().then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_null_and_empty_apart() {
        let body = [&[0, 3][..], &[0, 0, 0, 1], b"a", &[0, 0, 0, 0], &[255; 4]].concat();
        assert_eq!(data_row(&body).unwrap(), [Some("a".to_owned()), Some(String::new()), None]);
    }

    #[test]
    fn rows_cut_anywhere_are_refused() {
        let body = [&[0, 2][..], &[0, 0, 0, 1], b"a", &[0, 0, 0, 2], b"bc"].concat();
        for length in 0..body.len() {
            assert_eq!(data_row(&body[..length]).unwrap_err().kind(), Kind::Protocol, "cut at {length}");
        }
        assert!(data_row(&[&body[..], b"x"].concat()).is_err(), "nor is anything left over");
    }

    #[test]
    fn parameters_and_fields_survive_garbage() {
        assert_eq!(parameter_status(b"TimeZone\0UTC\0").unwrap(), ("TimeZone".to_owned(), "UTC".to_owned()));
        assert!(parameter_status(b"TimeZone\0UTC").is_err());
        assert_eq!(fields(b"SFATAL\0C57P01\0\0").collect::<Vec<_>>(), [(b'S', &b"FATAL"[..]), (b'C', b"57P01")]);
        assert_eq!(fields(b"SFATAL\0Cunfinished").count(), 1);
        assert_eq!(fields(b"").count(), 0);
    }
}
