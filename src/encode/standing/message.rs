//! Logical decoding messages.
//!
//! Source: Debezium's `LogicalDecodingMessageMonitor`.

use super::super::Encoder;
use super::super::envelope::VERSION;
use super::super::format::{Format, Payload, Segments};
use super::Standing;
use super::transaction::{Order, put_block};
use crate::event::LogicalMessage;
use crate::lsn::Lsn;
use crate::pgtime::PgMicros;
use crate::schema::{Conversion, Put as _};
use crate::value;

struct Key<'a> {
    prefix: &'a str,
}

impl Payload for Key<'_> {
    fn fill<'s, F: Format>(&self, to: Segments<'s, F>) -> Segments<'s, F> {
        to.value(|to| to.put_str(self.prefix))
    }
}

struct Value<'a> {
    message: LogicalMessage<'a>,
    topic_prefix: &'a str,
    dbname: &'a str,
    time: PgMicros,
    now_unix_nanos: u64,
    content: &'a Conversion,
    order: Option<Order>,
}

impl Payload for Value<'_> {
    fn fill<'s, F: Format>(&self, to: Segments<'s, F>) -> Segments<'s, F> {
        let to = to.value(|to| to.put_str("m")).value(|to| {
            to.put_i64(i64::try_from(self.now_unix_nanos / 1_000_000).unwrap_or(i64::MAX));
        });
        let to = to.within(|source| self.source(source));
        let to = match self.order {
            Some(order) => to.within(|block| put_block(block, order)),
            None => to.null(),
        };
        to.within(|message| {
            let to = message.value(|to| to.put_str(self.message.prefix));
            to.value(|to| {
                let content = value::Value::Bytes(value::Bytes::Raw(self.message.content));
                // Each of these conversions takes every sequence of bytes.
                let _ = self.content.put(content, to);
            })
        })
    }
}

impl Value<'_> {
    fn source<'s, F: Format>(&self, to: Segments<'s, F>) -> Segments<'s, F> {
        let (message, micros) = (&self.message, self.time.unix_micros());
        let transaction = message.transaction;
        let to = to.value(|to| to.put_str(VERSION)).value(|to| to.put_str("postgresql"));
        let to = to.value(|to| to.put_str(self.topic_prefix)).value(|to| to.put_i64(self.time.unix_millis())).null();
        let to = to.value(|to| to.put_str(self.dbname));
        let to = to.value(|to| to.put_str(&sequence(message.last_commit, message.lsn)));
        let to = to.value(|to| to.put_i64(micros)).value(|to| to.put_i64(micros.wrapping_mul(1_000)));
        let to = to.value(|to| to.put_str("")).value(|to| to.put_str(""));
        let to = to.value_or_null(transaction, |to, transaction| to.put_i64(transaction.xid.0.into()));
        let to = to.value(|to| to.put_i64(message.lsn.as_i64())).null();
        let to = to.value_or_null(message.origin, |to, origin| to.put_str(&origin.name));
        to.value_or_null(message.origin, |to, origin| to.put_i64(origin.lsn.as_i64()))
    }
}

fn sequence(last_commit: Option<Lsn>, lsn: Lsn) -> String {
    let last_commit = last_commit.map_or_else(|| "null".to_owned(), |end| format!("\"{}\"", end.as_i64()));
    format!("[{last_commit},\"{}\"]", lsn.as_i64())
}

impl Encoder {
    /// Encodes a logical decoding message; gives the number of records, which is 1. `last_time` is the commit time of
    /// the last transaction that was seen, which Debezium gives to a message outside transactions; where there is none,
    /// it has the present time.
    pub fn message(&mut self, message: LogicalMessage<'_>, last_time: Option<PgMicros>, now_unix_nanos: u64) -> usize {
        let now = || PgMicros::from_unix_micros(i64::try_from(now_unix_nanos / 1_000).unwrap_or(i64::MAX));
        let time = message.transaction.map(|transaction| transaction.commit_time).or(last_time);
        let order = match (&mut self.standing.tally, message.transaction) {
            (Some(tally), Some(transaction)) => {
                tally.at(message.position);
                Some(Order { xid: transaction.xid, lsn: message.lsn, numbers: tally.count_message() })
            }
            _ => None,
        };
        let (topic_prefix, dbname) = (self.options.topic_prefix.clone(), self.options.dbname.clone());
        let content = self.standing.content.clone();
        let value = Value {
            message,
            topic_prefix: &topic_prefix,
            dbname: &dbname,
            time: time.unwrap_or_else(now),
            now_unix_nanos,
            content: &content,
            order,
        };
        self.write_standing(Standing::Message, Some(message.position), &Key { prefix: message.prefix }, &value)
    }
}
