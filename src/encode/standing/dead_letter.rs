//! Changes that could not be decoded: the pgoutput message as it came, with what is known of it as headers.

use std::sync::Arc;

use super::super::record::Header;
use super::super::{Encoder, Origin, Ranges};
use crate::catalog::RelationVersion;
use crate::error::Error;
use crate::lsn::{Lsn, Position};

/// Header with the position of the change: the commit's LSN, a colon, the change's number in the transaction.
const POSITION_HEADER: &str = "walcast.position";
/// Header with the LSN of the change itself.
const LSN_HEADER: &str = "walcast.lsn";
/// Header with schema and name of the table.
const TABLE_HEADER: &str = "walcast.table";
/// Header with the number of the table's relation, under which the message names it.
const RELATION_HEADER: &str = "walcast.relation";
/// Header with the reason: what cannot be decoded, and where. Never holds the value.
const REASON_HEADER: &str = "walcast.reason";
/// Header that says what the record's value is.
const CONTENT_HEADER: &str = "walcast.content";
/// Protocol 1, with text unless the message itself says binary.
const CONTENT: &str = "pgoutput";

/// A change that could not be decoded.
#[derive(Clone, Copy)]
pub struct DeadLetter<'a> {
    /// The topic that keeps it.
    pub topic: &'a Arc<str>,
    /// Where it stands.
    pub position: Position,
    /// WAL position of the frame it came in.
    pub lsn: Lsn,
    /// Its table.
    pub relation: &'a RelationVersion,
    /// Why it could not be decoded.
    pub reason: &'a Error,
    /// The pgoutput message.
    pub message: &'a [u8],
}

impl Encoder {
    /// Encodes a change that could not be decoded; gives the number of records, which is 1.
    pub fn dead_letter(&mut self, letter: &DeadLetter<'_>) -> usize {
        let reason = match letter.reason.detail_text() {
            Some(detail) => format!("{} ({detail})", letter.reason.message()),
            None => letter.reason.message().to_owned(),
        };
        let headers = [
            (POSITION_HEADER, letter.position.to_string()),
            (LSN_HEADER, letter.lsn.to_string()),
            (TABLE_HEADER, format!("{}.{}", letter.relation.schema, letter.relation.table)),
            (RELATION_HEADER, letter.relation.id.to_string()),
            (REASON_HEADER, reason),
            (CONTENT_HEADER, CONTENT.to_owned()),
        ];
        let headers = headers.into_iter().map(|(key, value)| Header { key: key.to_owned(), value: value.into_bytes() });
        self.standing.dead_headers = headers.collect();
        self.standing.dead_topic = Arc::clone(letter.topic);
        let out = &mut self.encoded;
        out.clear(Origin::DeadLetter);
        out.values.extend_from_slice(letter.message);
        out.records.push(Ranges { key: None, value: Some(0..out.values.len()), own_header: None, number: 0 });
        1
    }
}
