//! Heartbeats.
//!
//! Source: Debezium's `HeartbeatImpl`.

use super::super::Encoder;
use super::super::format::{Format, Payload, Segments};
use super::Standing;
use crate::schema::Put as _;

struct Key<'a> {
    server_name: &'a str,
}

impl Payload for Key<'_> {
    fn fill<'s, F: Format>(&self, to: Segments<'s, F>) -> Segments<'s, F> {
        to.value(|to| to.put_str(self.server_name))
    }
}

struct Value {
    unix_millis: i64,
}

impl Payload for Value {
    fn fill<'s, F: Format>(&self, to: Segments<'s, F>) -> Segments<'s, F> {
        to.value(|to| to.put_i64(self.unix_millis))
    }
}

impl Encoder {
    /// Encodes a heartbeat, for partition 0; gives the number of records, which is 1.
    pub fn heartbeat(&mut self, now_unix_nanos: u64) -> usize {
        let server_name = self.options.topic_prefix.clone();
        let value = Value { unix_millis: i64::try_from(now_unix_nanos / 1_000_000).unwrap_or(i64::MAX) };
        self.write_standing(Standing::Heartbeat, None, &Key { server_name: &server_name }, &value)
    }
}
