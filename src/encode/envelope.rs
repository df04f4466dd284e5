//! The change envelope around the rows of one event: `source`, `transaction`, `op`, clocks.
//!
//! Most of it is the same for all events of a table in a transaction and is rendered once for them.
//!
//! Source: Debezium's `Envelope`, `AbstractSourceInfoStructMaker`, `PostgresSourceInfoStructMaker`.

use super::format::{Format, Segments};
use super::plan::Plan;
use super::standing::{Order, put_id};
use crate::config::TransactionMetadata;
use crate::event::{Event, SnapshotMark};
use crate::lsn::{CommitLsn, Lsn};
use crate::pgoutput::{RelationId, Xid};
use crate::schema::{Envelope, Field, Put as _};

/// Value of `source.version`.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What happened, as the envelope says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Create,
    Update,
    Delete,
    Truncate,
    Read,
}

impl Operation {
    const ALL: [Self; 5] = [Self::Create, Self::Update, Self::Delete, Self::Truncate, Self::Read];

    const fn code(self) -> &'static str {
        match self {
            Self::Create => "c",
            Self::Update => "u",
            Self::Delete => "d",
            Self::Truncate => "t",
            Self::Read => "r",
        }
    }
}

/// What all envelopes of a connector share, in pieces between the values that change.
#[derive(Debug)]
struct Template {
    /// From the row to the commit time.
    to_commit_millis: Vec<u8>,
    /// From there to the sequence, for each [`SnapshotMark`].
    to_sequence: [Vec<u8>; SnapshotMark::ALL.len()],
    to_commit_micros: Vec<u8>,
    to_commit_nanos: Vec<u8>,
    /// From the transaction's id to the LSN.
    to_lsn: Vec<u8>,
    /// From the LSN to the end of the block, without an origin.
    without_origin: Vec<u8>,
    /// The same with one, in three pieces.
    to_origin: Vec<u8>,
    to_origin_lsn: Vec<u8>,
    after_origin: Vec<u8>,
    /// From the block to the clock, for each operation.
    operations: [Vec<u8>; Operation::ALL.len()],
    to_clock_micros: Vec<u8>,
    to_clock_nanos: Vec<u8>,
    end: Vec<u8>,
    /// `None` where records say nothing of their transaction; its null is then part of what stands before.
    block: Option<Block>,
}

impl Template {
    fn new<F: Format>(format: F, topic_prefix: &str, dbname: &str, transactions: TransactionMetadata) -> Self {
        let envelope = Envelope::default();
        let metadata = envelope.metadata();
        let source = metadata.first().map(|source| &source.schema);
        let fields = |from: usize| source.and_then(|source| source.fields().get(from..)).unwrap_or_default();
        let after = |from: usize| metadata.get(from..).unwrap_or_default();
        let block = match transactions {
            TransactionMetadata::LeftOut => None,
            TransactionMetadata::Provided => metadata.get(1).map(|field| Block::new(format, field)),
        };
        let with_transaction = |mut source: Vec<u8>| {
            source.extend_from_slice(F::CLOSING);
            if block.is_none() {
                source.extend(Segments::middle(format, after(1)).null().finish());
            }
            source
        };

        let mut to_commit_millis = Segments::middle(format, metadata).hole();
        let mut head = match source {
            Some(source) => Segments::opening(format, source),
            None => Segments::middle(format, &[]),
        };
        head = head.value(|to| to.put_str(VERSION)).value(|to| to.put_str("postgresql"));
        head = head.value(|to| to.put_str(topic_prefix));
        to_commit_millis.extend(head.hole());
        let to_sequence = SnapshotMark::ALL.map(|mark| {
            let middle = Segments::middle(format, fields(4));
            let middle = match mark {
                // A default, which is what stands for a null.
                SnapshotMark::Streamed => middle.null(),
                mark => middle.value(|to| to.put_str(mark.as_str())),
            };
            middle.value(|to| to.put_str(dbname)).hole()
        });
        let mut middle = Segments::middle(format, fields(7));
        let (to_commit_micros, to_commit_nanos) = (middle.hole(), middle.hole());
        let mut origin = Segments::middle(format, fields(13)).null();
        let mut clock = Segments::middle(format, after(4));
        let (to_clock_micros, to_clock_nanos) = (clock.hole(), clock.hole());
        Self {
            to_commit_millis,
            to_sequence,
            to_commit_micros,
            to_commit_nanos,
            to_lsn: Segments::middle(format, fields(12)).hole(),
            without_origin: with_transaction(Segments::middle(format, fields(13)).null().null().null().finish()),
            to_origin: origin.hole(),
            to_origin_lsn: origin.hole(),
            after_origin: with_transaction(Vec::new()),
            operations: Operation::ALL
                .map(|operation| Segments::middle(format, after(2)).value(|to| to.put_str(operation.code())).hole()),
            to_clock_micros,
            to_clock_nanos,
            end: F::CLOSING.to_vec(),
            block,
        }
    }
}

/// The `transaction` block, in pieces between the values that change.
#[derive(Debug)]
struct Block {
    to_id: Vec<u8>,
    to_total: Vec<u8>,
    to_of_collection: Vec<u8>,
    end: &'static [u8],
    /// Stands for it where a record belongs to no transaction.
    absent: Vec<u8>,
}

impl Block {
    fn new<F: Format>(format: F, field: &Field) -> Self {
        let mut to_id = Segments::middle(format, std::slice::from_ref(field)).hole();
        let mut fields = Segments::opening(format, &field.schema);
        to_id.extend(fields.hole());
        let absent = Segments::middle(format, std::slice::from_ref(field)).null().finish();
        Self { to_id, to_total: fields.hole(), to_of_collection: fields.hole(), end: F::CLOSING, absent }
    }

    fn write<F: Format>(&self, out: &mut Vec<u8>, format: F, order: Order) {
        out.extend_from_slice(&self.to_id);
        put_id(&mut format.writer(out), order.xid, order.lsn);
        out.extend_from_slice(&self.to_total);
        format.writer(out).put_i64(order.numbers.total);
        out.extend_from_slice(&self.to_of_collection);
        format.writer(out).put_i64(order.numbers.of_collection);
        out.extend_from_slice(self.end);
    }
}

/// The envelope around the rows, rendered for one table in one transaction and one instant.
#[derive(Debug)]
pub(super) struct Surroundings {
    template: Template,
    scope: Option<Scope>,
    /// Its rows have no place in the log.
    is_nowhere: bool,
    /// From the row to the sequence.
    before_sequence: Vec<u8>,
    /// The first half of the sequence.
    sequence_head: Vec<u8>,
    /// From the sequence to the event's LSN in its own field.
    before_lsn: Vec<u8>,
    /// From there to the operation.
    after_lsn: Vec<u8>,
    /// From the row to the clock, of rows that are read at this LSN: a snapshot has one for all its rows.
    read: Vec<u8>,
    read_at: Option<Lsn>,
    unix_nanos: Option<u64>,
    /// The clocks and the end.
    clock: Vec<u8>,
}

/// Where a rendered block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scope {
    relation: RelationId,
    version: u32,
    commit: CommitLsn,
    xid: Xid,
    last_commit: Option<Lsn>,
    mark: SnapshotMark,
}

impl Surroundings {
    pub(super) fn new<F: Format>(
        format: F,
        topic_prefix: &str,
        dbname: &str,
        transactions: TransactionMetadata,
    ) -> Self {
        Self {
            template: Template::new(format, topic_prefix, dbname, transactions),
            scope: None,
            is_nowhere: false,
            before_sequence: Vec::new(),
            sequence_head: Vec::new(),
            before_lsn: Vec::new(),
            after_lsn: Vec::new(),
            read: Vec::new(),
            read_at: None,
            unix_nanos: None,
            clock: Vec::new(),
        }
    }

    /// Renders what the event shares with others, unless that has been done. `unix_nanos` is what the clocks show.
    #[inline]
    pub(super) fn prepare<F: Format>(&mut self, format: F, plan: &Plan, event: &Event<'_>, unix_nanos: u64) {
        let scope = Scope {
            relation: plan.relation.id,
            version: plan.relation.version,
            commit: event.transaction.commit,
            xid: event.transaction.xid,
            last_commit: event.last_commit,
            mark: event.change.mark(),
        };
        if self.scope != Some(scope) {
            self.render(format, plan, event, scope);
            self.scope = Some(scope);
            self.read_at = None;
        }
        if self.unix_nanos != Some(unix_nanos) {
            self.render_clock(format, unix_nanos);
            self.unix_nanos = Some(unix_nanos);
        }
    }

    fn render<F: Format>(&mut self, format: F, plan: &Plan, event: &Event<'_>, scope: Scope) {
        let (template, transaction) = (&self.template, event.transaction);
        let micros = transaction.commit_time.unix_micros();

        let out = &mut self.before_sequence;
        out.clear();
        out.extend_from_slice(&template.to_commit_millis);
        format.writer(out).put_i64(transaction.commit_time.unix_millis());
        let [first, others @ ..] = &template.to_sequence;
        out.extend_from_slice(others.get((scope.mark as usize).wrapping_sub(1)).unwrap_or(first));

        self.sequence_head.clear();
        format.append_sequence_head(&mut self.sequence_head, event.last_commit.map(Lsn::as_i64));

        let out = &mut self.before_lsn;
        out.clear();
        out.extend_from_slice(&template.to_commit_micros);
        format.writer(out).put_i64(micros);
        out.extend_from_slice(&template.to_commit_nanos);
        format.writer(out).put_i64(micros.wrapping_mul(1_000));
        self.is_nowhere = scope.mark == SnapshotMark::Incremental;
        if self.is_nowhere {
            out.extend_from_slice(&plan.value.source_nowhere);
        } else {
            out.extend_from_slice(&plan.value.source_table);
            format.writer(out).put_i64(transaction.xid.0.into());
            out.extend_from_slice(&template.to_lsn);
        }

        let out = &mut self.after_lsn;
        out.clear();
        match &transaction.origin {
            Some(origin) => {
                out.extend_from_slice(&template.to_origin);
                format.writer(out).put_str(&origin.name);
                out.extend_from_slice(&template.to_origin_lsn);
                format.writer(out).put_i64(origin.lsn.as_i64());
                out.extend_from_slice(&template.after_origin);
            }
            None => out.extend_from_slice(&template.without_origin),
        }
    }

    fn render_clock<F: Format>(&mut self, format: F, unix_nanos: u64) {
        let count = |per: u64| i64::try_from(unix_nanos / per).unwrap_or(i64::MAX);
        let out = &mut self.clock;
        out.clear();
        format.writer(out).put_i64(count(1_000_000));
        out.extend_from_slice(&self.template.to_clock_micros);
        format.writer(out).put_i64(count(1_000));
        out.extend_from_slice(&self.template.to_clock_nanos);
        format.writer(out).put_i64(count(1));
        out.extend_from_slice(&self.template.end);
    }

    /// Appends everything that follows the row after, to the end of the envelope.
    #[inline]
    pub(super) fn write<F: Format>(
        &mut self,
        out: &mut Vec<u8>,
        format: F,
        lsn: Lsn,
        order: Option<Order>,
        operation: Operation,
    ) {
        if operation == Operation::Read && order.is_none() {
            if self.read_at != Some(lsn) {
                let mut read = std::mem::take(&mut self.read);
                read.clear();
                self.write_to_clock(&mut read, format, lsn, None, operation);
                (self.read, self.read_at) = (read, Some(lsn));
            }
            out.extend_from_slice(&self.read);
        } else {
            self.write_to_clock(out, format, lsn, order, operation);
        }
        out.extend_from_slice(&self.clock);
    }

    #[inline]
    fn write_to_clock<F: Format>(
        &self,
        out: &mut Vec<u8>,
        format: F,
        lsn: Lsn,
        order: Option<Order>,
        operation: Operation,
    ) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(lsn.as_i64()).as_bytes();
        out.extend_from_slice(&self.before_sequence);
        format.put_sequence(out, &self.sequence_head, digits);
        out.extend_from_slice(&self.before_lsn);
        if !self.is_nowhere {
            format.writer(out).put_i64(lsn.as_i64());
        }
        out.extend_from_slice(&self.after_lsn);
        match (&self.template.block, order) {
            (Some(block), Some(order)) => block.write(out, format, order),
            (Some(block), None) => out.extend_from_slice(&block.absent),
            (None, _) => {}
        }
        let [create, update, delete, truncate, read] = &self.template.operations;
        out.extend_from_slice(match operation {
            Operation::Create => create,
            Operation::Update => update,
            Operation::Delete => delete,
            Operation::Truncate => truncate,
            Operation::Read => read,
        });
    }
}
