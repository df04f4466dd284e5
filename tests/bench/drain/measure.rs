//! One drain: from the moment the slot is taken to the moment everything is there, with what it cost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio_postgres::Statement;
use walcast::lsn::Lsn;

use super::reader::{Reader, Running};
use super::workload::Workload;
use crate::support::Outcome;
use crate::support::connector::{Connector, Stream};
use crate::support::machine::Ticks;
use crate::support::process::{self, Cpu};
use crate::support::sql::Sql;
use crate::support::stand::Stand;

/// A reader that has not taken its slot by then will not.
const START_MAX: Duration = Duration::from_secs(60);
/// Nothing new at the far end for so long is a failure.
const STALL_MAX: Duration = Duration::from_secs(60);
/// How long the rival's confirmation is waited for, several times its interval.
const RIVAL_CONFIRM_MAX: Duration = Duration::from_secs(4);
/// Between two looks at whether the slot is taken: only during the start.
const ACTIVE_POLL: Duration = Duration::from_millis(1);
/// Shortest and longest time between two looks at how far a drain is. Each look costs the server or the broker some
/// hundred microseconds, which at the shortest is about a hundredth of a core, and at the end only.
const PROGRESS_POLL_MIN: Duration = Duration::from_millis(5);
const PROGRESS_POLL_MAX: Duration = Duration::from_millis(100);
/// Records that should not be there have so long to arrive.
const SURPLUS_WAIT: Duration = Duration::from_millis(300);

/// What one drain gave.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Drained {
    pub(crate) workload: &'static str,
    pub(crate) reader: Reader,
    pub(crate) round: u32,
    /// Rows of the backlog.
    pub(crate) rows: u64,
    /// Rows or records counted at the far end; `pg_recvlogical` counts nothing.
    pub(crate) counted: Option<u64>,
    /// From the slot being taken to the last row being at the far end, in the topic for connectors.
    pub(crate) seconds: f64,
    /// From the slot being taken to `confirmed_flush_lsn` having reached the backlog's end, where it does.
    pub(crate) confirmed_seconds: Option<f64>,
    /// CPU of the reader, a row.
    pub(crate) reader_cpu_us: f64,
    /// CPU of the walsender, a row; absent where it is no process of this machine.
    pub(crate) walsender_cpu_us: Option<f64>,
    /// CPU of the broker, a row; absent for readers without a broker.
    pub(crate) broker_cpu_us: Option<f64>,
    /// The same by thread, of walcast: those that took a hundredth of it or more.
    pub(crate) threads_cpu_us: BTreeMap<String, f64>,
    /// Most memory of the reader resident during the drain, KiB.
    pub(crate) peak_kib: u64,
    /// Share of the machine that others took meanwhile, percent.
    pub(crate) elsewhere_percent: f64,
}

impl Drained {
    pub(crate) fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.seconds
    }

    /// The threads and what a row cost each, for people; empty where they were not looked at.
    pub(crate) fn threads_line(&self) -> String {
        let threads = self.threads_cpu_us.iter().map(|(name, micros)| format!("{name} {micros:.2}"));
        let threads = threads.collect::<Vec<_>>().join(", ");
        if threads.is_empty() { threads } else { format!(" (CPU us/row: {threads})") }
    }
}

/// A backlog of one workload, and the connection that watches it being drained.
pub(crate) struct Backlog<'a> {
    pub(crate) stand: &'a Stand,
    pub(crate) workload: Workload,
    pub(crate) rows: u64,
    pub(crate) end: Lsn,
    sql: &'a Sql,
    active: Statement,
    sent: Statement,
    confirmed: Statement,
}

/// Cost up to a moment.
struct Cost {
    reader: Cpu,
    threads: BTreeMap<String, Cpu>,
    walsender: Option<Cpu>,
    broker: Option<Cpu>,
}

impl<'a> Backlog<'a> {
    pub(crate) fn new(stand: &'a Stand, sql: &'a Sql, workload: Workload, rows: u64, end: Lsn) -> Outcome<Self> {
        Ok(Self {
            stand,
            workload,
            rows,
            end,
            active: sql.prepare("SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1")?,
            sent: sql.prepare(
                "SELECT (sent_lsn - '0/0')::bigint FROM pg_stat_replication \
                 JOIN pg_replication_slots ON active_pid = pid WHERE slot_name = $1",
            )?,
            confirmed: sql.prepare(
                "SELECT (confirmed_flush_lsn - '0/0')::bigint FROM pg_replication_slots WHERE slot_name = $1",
            )?,
            sql,
        })
    }

    /// Drains it with one reader through a slot of its own.
    pub(crate) fn drain(&self, reader: Reader, round: u32, stream: &Stream) -> Outcome<Drained> {
        let topic = stream.topic(self.workload.table());
        if reader.is_connector() {
            self.stand.topics.create(&topic)?;
        }
        let mut running = Running::start(reader, self.stand, stream, self.end)?;
        let walsender = self.wait_until_active(&stream.slot, &mut running)?;
        let (begun, ticks) = (Instant::now(), Ticks::now());
        process::forget_peak(running.pid())?;
        let before = self.cost(&running, walsender)?;
        let counted = self.wait_until_drained(&mut running, &stream.slot, &topic)?;
        let seconds = begun.elapsed().as_secs_f64();
        let cost = self.cost(&running, walsender)?.since(&before);
        let elsewhere_percent = ticks.elsewhere_percent(&cost.all());
        let confirmed_seconds = match reader {
            Reader::Walcast => Some(
                self.wait_until_confirmed(&mut running, &stream.slot, begun, STALL_MAX)?
                    .ok_or_else(|| format!("{}: the backlog's end was not confirmed", self.workload.title()))?,
            ),
            // It confirms its last change, which lies before the end of the transaction.
            Reader::Debezium => self.wait_until_confirmed(&mut running, &stream.slot, begun, RIVAL_CONFIRM_MAX)?,
            Reader::Raw | Reader::PgRecvlogical => None,
        };
        let counted = match reader.is_connector() {
            true => Some(self.recount(&topic)?),
            false => counted,
        };
        if counted.is_some_and(|counted| counted != self.rows) {
            return Err(self.miscounted(reader, counted).into());
        }
        let peak_kib = process::peak_kib(running.pid())?;
        running.stop()?;
        Ok(Drained {
            workload: self.workload.title(),
            reader,
            round,
            rows: self.rows,
            counted,
            seconds,
            confirmed_seconds,
            threads_cpu_us: cost.threads_per_row(self.rows),
            reader_cpu_us: cost.reader.micros_per(self.rows),
            walsender_cpu_us: cost.walsender.map(|cpu| cpu.micros_per(self.rows)),
            broker_cpu_us: cost.broker.filter(|_| reader.is_connector()).map(|cpu| cpu.micros_per(self.rows)),
            peak_kib,
            elsewhere_percent,
        })
    }

    fn miscounted(&self, reader: Reader, counted: Option<u64>) -> String {
        let counted = counted.unwrap_or_default();
        format!("{}: the backlog has {} rows, {} gave {counted}", self.workload.title(), self.rows, reader.title())
    }

    /// Returns the walsender's process, where it is one of this machine.
    fn wait_until_active(&self, slot: &str, running: &mut Running) -> Outcome<Option<u32>> {
        let deadline = Instant::now() + START_MAX;
        loop {
            if let Some(pid) = self.sql.value::<Option<i32>>(&self.active, &[&slot])?.flatten() {
                return Ok(self.stand.backend(pid));
            }
            running.check()?;
            if Instant::now() > deadline {
                return Err(format!("slot {slot} was not taken within {} s", START_MAX.as_secs()).into());
            }
            std::thread::sleep(ACTIVE_POLL);
        }
    }

    fn cost(&self, running: &Running, walsender: Option<u32>) -> Outcome<Cost> {
        Ok(Cost {
            reader: Cpu::of(running.pid())?,
            threads: match running {
                Running::Connector(Connector::Walcast { .. }) => process::threads(running.pid())?,
                _ => BTreeMap::new(),
            },
            walsender: walsender.map(Cpu::of).transpose()?,
            broker: self.stand.kafka.pid().map(Cpu::of).transpose()?,
        })
    }

    /// Returns what was counted at the far end, where something is.
    fn wait_until_drained(&self, running: &mut Running, slot: &str, topic: &str) -> Outcome<Option<u64>> {
        if let Running::Raw(raw) = running {
            return match raw.wait(STALL_MAX * 5) {
                Some(rows) => Ok(Some(rows)),
                None if raw.gave_up() => Err("the raw reader ended without a count".into()),
                None => Err("the raw reader did not finish".into()),
            };
        }
        if matches!(running, Running::PgRecvlogical(_)) {
            let start = self.lsn(&self.confirmed, slot)?;
            let length = self.end.bytes_since(start);
            self.wait_for(length, running, || Ok(self.lsn(&self.sent, slot)?.bytes_since(start)))?;
            return Ok(None);
        }
        self.wait_for(self.rows, running, || self.stand.topics.records(topic)).map(Some)
    }

    fn lsn(&self, statement: &Statement, slot: &str) -> Outcome<Lsn> {
        let position = self.sql.value::<Option<i64>>(statement, &[&slot])?.flatten();
        Ok(Lsn::new(position.map_or(0, i64::cast_unsigned)))
    }

    /// Looks at `progress` until it has reached `whole`, rarely in the beginning and often towards the end.
    fn wait_for(&self, whole: u64, running: &mut Running, progress: impl Fn() -> Outcome<u64>) -> Outcome<u64> {
        let begun = Instant::now();
        let (mut last, mut moved) = (0, begun);
        loop {
            let done = progress()?;
            if done >= whole {
                return Ok(done);
            }
            running.check()?;
            let now = Instant::now();
            if done > last {
                (last, moved) = (done, now);
            } else if now.duration_since(moved) > STALL_MAX {
                return Err(format!("{}: stuck at {done} of {whole}", self.workload.title()).into());
            }
            let left = now.duration_since(begun).mul_f64((whole - done) as f64 / done.max(1) as f64);
            std::thread::sleep((left / 4).clamp(PROGRESS_POLL_MIN, PROGRESS_POLL_MAX));
        }
    }

    /// Seconds since `begun`, or nothing when `patience` was over before.
    fn wait_until_confirmed(
        &self,
        running: &mut Running,
        slot: &str,
        begun: Instant,
        patience: Duration,
    ) -> Outcome<Option<f64>> {
        let deadline = Instant::now() + patience;
        while self.lsn(&self.confirmed, slot)? < self.end {
            running.check()?;
            if Instant::now() > deadline {
                return Ok(None);
            }
            std::thread::sleep(PROGRESS_POLL_MIN * 4);
        }
        Ok(Some(begun.elapsed().as_secs_f64()))
    }

    /// Once more when all is quiet, so that a record too many is seen.
    fn recount(&self, topic: &str) -> Outcome<u64> {
        std::thread::sleep(SURPLUS_WAIT);
        self.stand.topics.records(topic)
    }
}

impl Cost {
    fn since(&self, before: &Self) -> Self {
        Self {
            reader: self.reader - before.reader,
            threads: self
                .threads
                .iter()
                .map(|(name, &now)| (name.clone(), now - before.threads.get(name).copied().unwrap_or_default()))
                .collect(),
            walsender: self.walsender.zip(before.walsender).map(|(now, then)| now - then),
            broker: self.broker.zip(before.broker).map(|(now, then)| now - then),
        }
    }

    fn threads_per_row(&self, rows: u64) -> BTreeMap<String, f64> {
        let share = self.reader.micros_per(rows) / 100.0;
        let per_row = self.threads.iter().map(|(name, cpu)| (name.clone(), cpu.micros_per(rows)));
        per_row.filter(|&(_, micros)| micros >= share).collect()
    }

    fn all(&self) -> Vec<Cpu> {
        [Some(self.reader), self.walsender, self.broker].into_iter().flatten().collect()
    }
}
