//! Gauges of snapshots and of what the slot holds back, filled for each scrape.
//!
//! They are a collector of their own, because their series come and go: kinds of snapshots that there were, and tables that
//! are in work, or are done and have rows. Ten thousand empty tables are no series.
//!
//! Source of their meaning: Debezium's `SnapshotMetricsMXBean`.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::{LABEL_TABLE, Word};
use crate::observe::course::{Figures, Kind, Phase, Stage, TableFigures};
use crate::observe::retention::WalStatus;
use crate::observe::status::Status;

/// 1 for the state that a snapshot is in, by kind and state.
pub const SNAPSHOT_STATE: &str = "walcast_snapshot_state";
/// Tables that a snapshot reads in all.
pub const SNAPSHOT_TABLES: &str = "walcast_snapshot_tables";
/// Tables that are not done.
pub const SNAPSHOT_TABLES_REMAINING: &str = "walcast_snapshot_tables_remaining";
/// Time that it has taken, or took.
pub const SNAPSHOT_DURATION_SECONDS: &str = "walcast_snapshot_duration_seconds";
/// Of that, while it was paused.
pub const SNAPSHOT_PAUSED_SECONDS: &str = "walcast_snapshot_paused_seconds";
/// Time that is left, at the pace so far.
pub const SNAPSHOT_REMAINING_SECONDS: &str = "walcast_snapshot_remaining_seconds";
/// How much of it is read, from 0 to 1.
pub const SNAPSHOT_READ_RATIO: &str = "walcast_snapshot_read_ratio";
/// Rows that were read.
pub const SNAPSHOT_ROWS: &str = "walcast_snapshot_rows";
/// Rows that there are, by the server's estimate.
pub const SNAPSHOT_ROWS_EXPECTED: &str = "walcast_snapshot_rows_expected";
/// Bytes that were copied.
pub const SNAPSHOT_BYTES: &str = "walcast_snapshot_bytes";
/// Number of the chunk that was ordered last.
pub const SNAPSHOT_CHUNK: &str = "walcast_snapshot_chunk";
/// Rows that were read of a table.
pub const SNAPSHOT_TABLE_ROWS: &str = "walcast_snapshot_table_rows";
/// Bytes that were copied of a table.
pub const SNAPSHOT_TABLE_BYTES: &str = "walcast_snapshot_table_bytes";
/// How much of a table is read.
pub const SNAPSHOT_TABLE_READ_RATIO: &str = "walcast_snapshot_table_read_ratio";
/// Log that the server keeps because of the slot.
pub const SLOT_RETAINED_BYTES: &str = "walcast_slot_retained_bytes";
/// `max_slot_wal_keep_size`, where there is a limit.
pub const SLOT_RETAINED_LIMIT_BYTES: &str = "walcast_slot_retained_limit_bytes";
/// What may still be written before the slot is in danger; negative where it is.
pub const SLOT_SAFE_BYTES: &str = "walcast_slot_safe_bytes";
/// 1 for what becomes of the log behind the slot's position, by status.
pub const SLOT_WAL_STATUS: &str = "walcast_slot_wal_status";

/// `initial`, `blocking` or `incremental`
pub const LABEL_KIND: &str = "kind";
/// `running`, `paused`, `completed`, `aborted` or `skipped`
pub const LABEL_STATE: &str = "state";
/// `reserved`, `extended`, `unreserved` or `lost`
pub const LABEL_STATUS: &str = "status";

/// See the module.
#[derive(Debug)]
pub(super) struct SnapshotGauges(pub(super) Arc<Status>);

/// A gauge of a snapshot: its name, its help, and its value, where it has one.
type OfSnapshot = (&'static str, &'static str, fn(&Figures) -> Option<f64>);
type OfTable = (&'static str, &'static str, fn(&TableFigures) -> Option<f64>);

const OF_SNAPSHOT: &[OfSnapshot] = &[
    (SNAPSHOT_TABLES, "Tables that a snapshot reads in all", |one| Some(count(one.tables_total as u64))),
    (SNAPSHOT_TABLES_REMAINING, "Tables that are not done", |one| Some(count(one.tables_left as u64))),
    (SNAPSHOT_DURATION_SECONDS, "Time that a snapshot has taken", |one| Some(one.elapsed.as_secs_f64())),
    (SNAPSHOT_PAUSED_SECONDS, "Time that it was paused", |one| Some(one.paused.as_secs_f64())),
    (SNAPSHOT_REMAINING_SECONDS, "Time that is left, at the pace so far", |one| {
        one.left.as_ref().map(Duration::as_secs_f64)
    }),
    (SNAPSHOT_READ_RATIO, "How much of it is read", |one| one.share),
    (SNAPSHOT_ROWS, "Rows that were read", |one| Some(count(one.rows))),
    (SNAPSHOT_ROWS_EXPECTED, "Rows that there are, by the server's estimate", |one| one.rows_expected.map(count)),
    (SNAPSHOT_BYTES, "Bytes that were copied", |one| Some(count(one.bytes))),
    (SNAPSHOT_CHUNK, "Number of the chunk that was ordered last", |one| one.chunk.map(count)),
];

const OF_TABLE: &[OfTable] = &[
    (SNAPSHOT_TABLE_ROWS, "Rows that were read of a table", |one| Some(count(one.rows))),
    (SNAPSHOT_TABLE_BYTES, "Bytes that were copied of a table", |one| Some(count(one.bytes))),
    (SNAPSHOT_TABLE_READ_RATIO, "How much of a table is read", |one| one.share),
];

#[expect(clippy::cast_precision_loss, reason = "a gauge")]
const fn count(number: u64) -> f64 {
    number as f64
}

impl Collector for SnapshotGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let now = Instant::now();
        let seen = Kind::ALL.into_iter().filter_map(|kind| Some((kind, self.0.course(kind).figures(now)?)));
        let seen: Vec<(Kind, Figures)> = seen.collect();
        if !seen.is_empty() {
            let mut states = encoder.encode_descriptor(
                SNAPSHOT_STATE,
                "1 for the state that a snapshot is in",
                None,
                MetricType::Gauge,
            )?;
            for (kind, figures) in &seen {
                for phase in Phase::ALL {
                    let labels = [(LABEL_KIND, Word(kind.as_str())), (LABEL_STATE, Word(phase.as_str()))];
                    gauge(u8::from(phase == figures.phase).into()).encode(states.encode_family(&labels)?)?;
                }
            }
        }
        for (name, help, value) in OF_SNAPSHOT {
            let told: Vec<_> = seen.iter().filter_map(|(kind, one)| Some((kind, value(one)?))).collect();
            if !told.is_empty() {
                let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                for (kind, value) in told {
                    gauge(value).encode(family.encode_family(&[(LABEL_KIND, Word(kind.as_str()))])?)?;
                }
            }
        }
        Self::encode_tables(&mut encoder, &seen)?;
        self.encode_slot(&mut encoder)
    }
}

impl SnapshotGauges {
    fn encode_tables(encoder: &mut DescriptorEncoder<'_>, seen: &[(Kind, Figures)]) -> Result<(), fmt::Error> {
        let tables = seen.iter().flat_map(|(kind, course)| {
            course.tables.iter().filter_map(|table| {
                let figures = table.figures(course.elapsed);
                let counts = match figures.stage {
                    Stage::Waiting => false,
                    Stage::InWork => true,
                    Stage::Done | Stage::Left => figures.rows > 0,
                };
                counts.then_some((*kind, table.name(), figures))
            })
        });
        let tables: Vec<(Kind, &str, TableFigures)> = tables.collect();
        for (name, help, value) in OF_TABLE {
            let told: Vec<_> =
                tables.iter().filter_map(|(kind, table, one)| Some((kind, table, value(one)?))).collect();
            if !told.is_empty() {
                let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                for (kind, table, value) in told {
                    let labels = [(LABEL_KIND, kind.as_str()), (LABEL_TABLE, *table)];
                    gauge(value).encode(family.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }

    fn encode_slot(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(retention) = self.0.retention() else { return Ok(()) };
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        let safe = retention.safe_bytes.map(|bytes| bytes as f64);
        for (name, help, value) in [
            (SLOT_RETAINED_BYTES, "Log that the server keeps because of the slot", Some(count(retention.held_bytes))),
            (SLOT_RETAINED_LIMIT_BYTES, "max_slot_wal_keep_size", retention.limit_bytes.map(count)),
            (SLOT_SAFE_BYTES, "What may still be written before the slot is in danger", safe),
        ] {
            if let Some(value) = value {
                gauge(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
            }
        }
        if retention.status != WalStatus::Unknown {
            let help = "1 for what becomes of the log behind the slot's position";
            let mut family = encoder.encode_descriptor(SLOT_WAL_STATUS, help, None, MetricType::Gauge)?;
            for status in WalStatus::ALL {
                let value = gauge(u8::from(status == retention.status).into());
                value.encode(family.encode_family(&[(LABEL_STATUS, Word(status.as_str()))])?)?;
            }
        }
        Ok(())
    }
}

fn gauge(value: f64) -> ConstGauge<f64> {
    ConstGauge::new(value)
}
