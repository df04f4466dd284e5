//! The records of one event: which there are, and in what order.
//!
//! Source: Debezium's `RelationalChangeRecordEmitter`.

use std::ops::Range;

use super::envelope::{Operation, Surroundings};
use super::format::{AnyFormat, Format};
use super::header::HeaderText;
use super::java::Java;
use super::json::Json;
use super::plan::{HeaderPlan, KeyPlan, Plan};
use super::row::{Row, write_key, write_row};
use super::standing::{Order, Tally};
use super::{Encoded, Ranges};
use crate::config::{HeaderConverter, Records};
use crate::error::Result;
use crate::event::{Change, Event, KnownRow, OldRow};
use crate::pgoutput::Tuple;

/// Header of the first records of a key change: the key after it.
const NEW_KEY_HEADER: &str = "__debezium.newkey";
/// Header of the last record of a key change: the key before it.
const OLD_KEY_HEADER: &str = "__debezium.oldkey";

/// Writes the records of one event, values in the format `F`; `()` where that is not chosen yet.
pub(super) struct Writer<'w, 'e, F> {
    pub(super) plan: &'w Plan,
    pub(super) event: &'w Event<'e>,
    pub(super) surroundings: &'w mut Surroundings,
    pub(super) records: &'w Records,
    pub(super) key_format: AnyFormat,
    pub(super) value_format: F,
    /// Counts the records of the transaction, where they say their place in it.
    pub(super) tally: Option<&'w mut Tally>,
    pub(super) out: &'w mut Encoded,
}

impl Writer<'_, '_, ()> {
    /// Prepares what stands around the rows, and writes values in a format.
    pub(super) fn write_as<F: Format>(self, value_format: F, now_unix_nanos: u64) -> Result<()> {
        let Writer { plan, event, surroundings, records, key_format, value_format: (), tally, out } = self;
        surroundings.prepare(value_format, plan, event, now_unix_nanos);
        Writer { plan, event, surroundings, records, key_format, value_format, tally, out }.write()
    }
}

impl<F: Format> Writer<'_, '_, F> {
    fn write(&mut self) -> Result<()> {
        match self.event.change {
            Change::Insert { new } => {
                let key = self.key(Row { tuple: new, older: None })?;
                self.change(Operation::Create, key, None, Some(Row { tuple: new, older: None }), None)
            }
            Change::Update { old: OldRow::Absent, new } => {
                let new = Row { tuple: new, older: None };
                let key = self.key(new)?;
                self.change(Operation::Update, key, None, Some(new), None)
            }
            Change::Update { old: OldRow::Known(old), new } => self.update(old, new),
            Change::Delete { old } => {
                let old = Row::old(old);
                let key = self.key(old)?;
                self.delete(key, old, None)
            }
            Change::Truncate => self.change(Operation::Truncate, None, None, None, None),
            Change::Read { row, .. } => {
                let row = Row { tuple: row, older: None };
                let key = self.key(row)?;
                self.change(Operation::Read, key, None, Some(row), None)
            }
        }
    }

    /// An update whose old row was sent: where the key differs, the old row is deleted and a new one created.
    fn update(&mut self, old: KnownRow<'_>, new: Tuple<'_>) -> Result<()> {
        let old = Row::old(old);
        let new = Row { tuple: new, older: Some(old.tuple) };
        let old_key = self.key(old)?;
        let new_key = self.key(new)?;
        if self.key_bytes(old_key.as_ref()) == self.key_bytes(new_key.as_ref()) {
            return self.change(Operation::Update, new_key, Some(old), Some(new), None);
        }
        let to = self.key_header(NEW_KEY_HEADER, new)?;
        let from = self.key_header(OLD_KEY_HEADER, old)?;
        self.delete(old_key, old, Some(to))?;
        self.change(Operation::Create, new_key, None, Some(new), Some(from))
    }

    fn delete(
        &mut self,
        key: Option<Range<usize>>,
        old: Row<'_>,
        own_header: Option<(&'static str, Range<usize>)>,
    ) -> Result<()> {
        self.change(Operation::Delete, key.clone(), Some(old), None, own_header.clone())?;
        if self.records.tombstones_on_delete && !self.is_skipped(Operation::Delete) {
            self.out.records.push(Ranges { key, value: None, own_header, number: 1 });
        }
        Ok(())
    }

    /// `skipped.operations` names records, not changes: a key change that is no update leaves records of its own kinds.
    const fn is_skipped(&self, operation: Operation) -> bool {
        let skipped = &self.records.skipped;
        match operation {
            Operation::Create => skipped.create,
            Operation::Update => skipped.update,
            Operation::Delete => skipped.delete,
            Operation::Truncate => skipped.truncate,
            // Debezium takes `r` and writes rows of snapshots all the same.
            Operation::Read => false,
        }
    }

    /// One record with an envelope, unless its operation is skipped.
    fn change(
        &mut self,
        operation: Operation,
        key: Option<Range<usize>>,
        before: Option<Row<'_>>,
        after: Option<Row<'_>>,
        own_header: Option<(&'static str, Range<usize>)>,
    ) -> Result<()> {
        if self.is_skipped(operation) {
            return Ok(());
        }
        let (plan, format) = (&self.plan.value, self.value_format);
        let frame = &plan.frame;
        // A row that is read belongs to no transaction.
        let order = self.tally.as_mut().filter(|_| operation != Operation::Read).map(|tally| {
            tally.at(self.event.position);
            let collection = tally.collection(self.event.relation);
            Order { xid: self.event.transaction.xid, lsn: self.event.lsn, numbers: tally.count(collection) }
        });
        let out = &mut self.out.values;
        let start = out.len();
        out.extend_from_slice(&frame.head);
        for (label, row) in [(&plan.before, before), (&plan.after, after)] {
            match row {
                Some(row) => {
                    out.extend_from_slice(&label.present);
                    write_row(out, format, self.plan, row)?;
                    out.extend_from_slice(F::CLOSING);
                }
                None => out.extend_from_slice(&label.absent),
            }
        }
        self.surroundings.write(out, format, self.event.lsn, order, operation);
        F::close_up(out, start + frame.head.len() + F::OPENING.len());
        out.extend_from_slice(frame.tail);
        let value = Some(start..out.len());
        // Only a create that took the place of an update has a header of its own.
        let number = if operation == Operation::Create && own_header.is_some() { 2 } else { 0 };
        self.out.records.push(Ranges { key, value, own_header, number });
        Ok(())
    }

    /// The key of a row; `None` for a table without key.
    fn key(&mut self, row: Row<'_>) -> Result<Option<Range<usize>>> {
        let Some(plan) = &self.plan.key else { return Ok(None) };
        let frame = &plan.frame;
        let out = &mut self.out.keys;
        let start = out.len();
        out.extend_from_slice(&frame.head);
        match self.key_format {
            AnyFormat::Json(json, _) => write_key(out, json, &plan.fields, row)?,
            AnyFormat::Avro(avro) => write_key(out, avro, &plan.fields, row)?,
            AnyFormat::Java(java) => write_key(out, java, &plan.fields, row)?,
        }
        out.extend_from_slice(frame.tail);
        Ok(Some(start..out.len()))
    }

    fn key_bytes(&self, key: Option<&Range<usize>>) -> Option<&[u8]> {
        key.and_then(|range| self.out.keys.get(range.clone()))
    }

    fn key_header(&mut self, name: &'static str, row: Row<'_>) -> Result<(&'static str, Range<usize>)> {
        let out = &mut self.out.headers;
        let start = out.len();
        if let Some(KeyPlan { header: HeaderPlan { frame, fields }, .. }) = &self.plan.key {
            out.extend_from_slice(&frame.head);
            match self.records.header_converter {
                HeaderConverter::Simple => write_key(out, HeaderText, fields, row)?,
                HeaderConverter::Java => write_key(out, Java, fields, row)?,
                HeaderConverter::Json(json) => {
                    write_key(out, Json { decimals: json.decimals, nulls: json.nulls }, fields, row)?;
                }
            }
            out.extend_from_slice(frame.tail);
        }
        Ok((name, start..out.len()))
    }
}
