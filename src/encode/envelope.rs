//! The change envelope around the rows of one event: `source`, `transaction`, `op`, clocks.
//!
//! Most of it is the same for all events of a table in a transaction and is rendered once for them.
//!
//! Source: Debezium's `Envelope`, `AbstractSourceInfoStructMaker`, `PostgresSourceInfoStructMaker`.

use super::json::number::write_integer;
use super::json::text::write_string;
use super::plan::Plan;
use crate::event::Event;
use crate::lsn::{CommitLsn, Lsn};
use crate::pgoutput::{RelationId, Xid};

/// Value of `source.version`.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What happened, as the envelope says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Create,
    Update,
    Delete,
    Truncate,
}

impl Operation {
    const fn code(self) -> u8 {
        match self {
            Self::Create => b'c',
            Self::Update => b'u',
            Self::Delete => b'd',
            Self::Truncate => b't',
        }
    }
}

/// The `source` block around the LSN of the event, rendered for one table in one transaction.
#[derive(Debug)]
pub(super) struct Source {
    /// From `"source":` to the commit time.
    head: Vec<u8>,
    /// From the commit time to the sequence.
    middle: Vec<u8>,
    rendered: Option<Scope>,
    /// Up to the event's LSN in the sequence.
    before_sequence_lsn: Vec<u8>,
    /// From there to the event's LSN in its own field.
    before_lsn: Vec<u8>,
    /// From there to the operation.
    after_lsn: Vec<u8>,
}

/// Where a rendered block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scope {
    relation: RelationId,
    version: u32,
    commit: CommitLsn,
    xid: Xid,
    last_commit: Option<Lsn>,
}

impl Source {
    pub(super) fn new(topic_prefix: &str, dbname: &str) -> Self {
        let mut head = b"\"source\":{\"version\":".to_vec();
        write_string(&mut head, VERSION);
        head.extend_from_slice(b",\"connector\":\"postgresql\",\"name\":");
        write_string(&mut head, topic_prefix);
        head.extend_from_slice(b",\"ts_ms\":");
        let mut middle = b",\"snapshot\":\"false\",\"db\":".to_vec();
        write_string(&mut middle, dbname);
        middle.extend_from_slice(b",\"sequence\":\"[");
        Self {
            head,
            middle,
            rendered: None,
            before_sequence_lsn: Vec::new(),
            before_lsn: Vec::new(),
            after_lsn: Vec::new(),
        }
    }

    /// Renders what the event shares with others, unless that has been done.
    #[inline]
    pub(super) fn prepare(&mut self, plan: &Plan, event: &Event<'_>) {
        let scope = Scope {
            relation: plan.relation.id,
            version: plan.relation.version,
            commit: event.transaction.commit,
            xid: event.transaction.xid,
            last_commit: event.last_commit,
        };
        if self.rendered != Some(scope) {
            self.render(plan, event);
            self.rendered = Some(scope);
        }
    }

    fn render(&mut self, plan: &Plan, event: &Event<'_>) {
        let transaction = event.transaction;
        let out = &mut self.before_sequence_lsn;
        out.clear();
        out.extend_from_slice(&self.head);
        write_integer(out, transaction.commit_time.unix_millis());
        out.extend_from_slice(&self.middle);
        match event.last_commit {
            Some(end) => {
                out.extend_from_slice(b"\\\"");
                write_integer(out, end.as_i64());
                out.extend_from_slice(b"\\\"");
            }
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\\\"");

        let out = &mut self.before_lsn;
        out.clear();
        out.extend_from_slice(b"\\\"]\",\"ts_us\":");
        let micros = transaction.commit_time.unix_micros();
        write_integer(out, micros);
        out.extend_from_slice(b",\"ts_ns\":");
        write_integer(out, micros.wrapping_mul(1_000));
        out.extend_from_slice(&plan.source_table);
        write_integer(out, transaction.xid.0);
        out.extend_from_slice(b",\"lsn\":");

        let out = &mut self.after_lsn;
        out.clear();
        out.extend_from_slice(b",\"xmin\":null,\"origin\":");
        match &transaction.origin {
            Some(origin) => {
                write_string(out, &origin.name);
                out.extend_from_slice(b",\"origin_lsn\":");
                write_integer(out, origin.lsn.as_i64());
            }
            None => out.extend_from_slice(b"null,\"origin_lsn\":null"),
        }
        out.extend_from_slice(b"},\"transaction\":null,\"op\":\"");
    }

    /// Appends everything that follows `after`, to the end of the envelope.
    #[inline]
    pub(super) fn write(&self, out: &mut Vec<u8>, lsn: Lsn, operation: Operation, clock: &Clock) {
        let mut buffer = itoa::Buffer::new();
        let lsn = buffer.format(lsn.as_i64()).as_bytes();
        out.extend_from_slice(&self.before_sequence_lsn);
        out.extend_from_slice(lsn);
        out.extend_from_slice(&self.before_lsn);
        out.extend_from_slice(lsn);
        out.extend_from_slice(&self.after_lsn);
        out.push(operation.code());
        out.extend_from_slice(&clock.rendered);
    }
}

/// The end of an envelope: the instant at which it was made, in three units.
#[derive(Debug, Default)]
pub(super) struct Clock {
    unix_nanos: u64,
    rendered: Vec<u8>,
}

impl Clock {
    /// Renders an instant, unless it is the last one again.
    pub(super) fn set(&mut self, unix_nanos: u64) {
        if self.unix_nanos == unix_nanos && !self.rendered.is_empty() {
            return;
        }
        self.unix_nanos = unix_nanos;
        let out = &mut self.rendered;
        out.clear();
        out.extend_from_slice(b"\",\"ts_ms\":");
        write_integer(out, unix_nanos / 1_000_000);
        out.extend_from_slice(b",\"ts_us\":");
        write_integer(out, unix_nanos / 1_000);
        out.extend_from_slice(b",\"ts_ns\":");
        write_integer(out, unix_nanos);
        out.push(b'}');
    }
}
