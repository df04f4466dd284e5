//! One snapshot by one contender, with what it cost.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::table::{PUBLICATION, Table};
use super::writer::Writer;
use crate::support::Outcome;
use crate::support::connector::{Connector, Format, Stream};
use crate::support::process::{self, Cpu};
use crate::support::sql::Sql;
use crate::support::stand::Stand;

/// Nothing new at the far end for so long is a failure.
const STALL_MAX: Duration = Duration::from_secs(120);
const SLOT_POLL: Duration = Duration::from_millis(1);
const PROGRESS_POLL_MIN: Duration = Duration::from_millis(5);
const PROGRESS_POLL_MAX: Duration = Duration::from_millis(100);
/// Records that should not be there have so long to arrive.
const SURPLUS_WAIT: Duration = Duration::from_millis(300);

/// Who reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Contender {
    /// Reads, and throws away.
    Copy,
    /// Writes what is there already.
    Produce,
    /// Reads and writes.
    Walcast,
    /// Reads and writes.
    Debezium,
}

impl Contender {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Copy => "COPY to nothing",
            Self::Produce => "producer alone",
            Self::Walcast => "walcast",
            Self::Debezium => "Debezium",
        }
    }

    /// Whether it reads and writes.
    pub(crate) fn is_connector(self) -> bool {
        matches!(self, Self::Walcast | Self::Debezium)
    }
}

/// What is varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Setting {
    pub(crate) round: u32,
    /// Connections that read.
    pub(crate) readers: usize,
    /// Whether something is written meanwhile.
    pub(crate) with_writer: bool,
}

/// What one snapshot gave.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Taken {
    pub(crate) table: &'static str,
    pub(crate) contender: Contender,
    #[serde(flatten)]
    pub(crate) setting: Setting,
    pub(crate) rows: u64,
    pub(crate) seconds: f64,
    /// CPU of the contender's process, a row.
    pub(crate) own_cpu_us: f64,
    /// CPU of the broker, a row.
    pub(crate) broker_cpu_us: f64,
    /// CPU by thread, of walcast: those that took a hundredth of it or more.
    pub(crate) threads_cpu_us: BTreeMap<String, f64>,
    /// Most memory resident, KiB.
    pub(crate) peak_kib: u64,
}

impl Taken {
    pub(crate) fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.seconds
    }

    /// For people who watch.
    pub(crate) fn line(&self) -> String {
        let threads = self.threads_cpu_us.iter().map(|(name, micros)| format!("{name} {micros:.2}"));
        format!(
            "round {}, {} readers{}: {} {:.0} rows/s, CPU {:.2} us/row, broker {:.2}, peak {} MiB {}",
            self.setting.round,
            self.setting.readers,
            if self.setting.with_writer { ", with a writer" } else { "" },
            self.contender.title(),
            self.rows_per_second(),
            self.own_cpu_us,
            self.broker_cpu_us,
            self.peak_kib / 1024,
            threads.collect::<Vec<_>>().join(", "),
        )
    }
}

/// A filled table, and the connection that watches.
pub(crate) struct Taking<'a> {
    pub(crate) stand: &'a Stand,
    pub(crate) dbname: &'a str,
    pub(crate) table: Table,
    pub(crate) rows: u64,
    pub(crate) sql: &'a Sql,
}

/// What a child had cost when it ended or was looked at.
struct Cost {
    seconds: f64,
    own: Cpu,
    threads: BTreeMap<String, Cpu>,
    peak_kib: u64,
}

impl Taking<'_> {
    /// Lets one contender do it. `sample` is the topic that walcast wrote first, for the producer.
    pub(crate) fn take(&self, who: Contender, setting: Setting, sample: &mut Option<String>) -> Outcome<Taken> {
        let writer = setting.with_writer.then(|| Writer::start(self.stand, self.dbname)).transpose()?;
        let broker = self.broker()?;
        let cost = match who {
            Contender::Copy => self.copy(setting.readers)?,
            Contender::Produce => self.produce(sample.as_deref().ok_or("nothing was written yet")?, setting)?,
            Contender::Walcast | Contender::Debezium => self.connect(who, setting, sample)?,
        };
        let broker = self.broker()? - broker;
        if let Some(writer) = writer {
            writer.stop()?;
        }
        let share = cost.own.micros_per(self.rows) / 100.0;
        let threads = cost.threads.into_iter().map(|(name, cpu)| (name, cpu.micros_per(self.rows)));
        Ok(Taken {
            table: self.table.title(),
            contender: who,
            setting,
            rows: self.rows,
            seconds: cost.seconds,
            own_cpu_us: cost.own.micros_per(self.rows),
            broker_cpu_us: broker.micros_per(self.rows),
            threads_cpu_us: threads.filter(|&(_, micros)| micros >= share).collect(),
            peak_kib: cost.peak_kib,
        })
    }

    fn broker(&self) -> Outcome<Cpu> {
        Ok(self.stand.kafka.pid().map(Cpu::of).transpose()?.unwrap_or_default())
    }

    fn copy(&self, connections: usize) -> Outcome<Cost> {
        let postgres = &self.stand.postgres;
        let begun = Instant::now();
        let mut child = child(&[
            "copy",
            postgres.host(),
            &postgres.port().to_string(),
            postgres.user(),
            self.dbname,
            self.table.name(),
            &connections.to_string(),
        ])?;
        let bytes: u64 = child.line()?.parse()?;
        let seconds = begun.elapsed().as_secs_f64();
        if bytes == 0 {
            return Err("COPY gave nothing".into());
        }
        Ok(Cost { seconds, own: Cpu::default(), threads: BTreeMap::new(), peak_kib: 0 })
    }

    fn produce(&self, sample: &str, setting: Setting) -> Outcome<Cost> {
        let topic = format!("produced_{}_{}_{}", self.dbname, setting.round, setting.readers);
        self.stand.topics.create(&topic)?;
        let bootstrap = self.stand.kafka.bootstrap();
        let mut child = child(&["produce", bootstrap, sample, &topic, &self.rows.to_string()])?;
        if child.line()? != "ready" {
            return Err("the producer did not become ready".into());
        }
        let before = Cpu::of(child.process.id())?;
        let begun = Instant::now();
        child.go()?;
        self.wait_for_records(&topic, || Ok(()))?;
        let seconds = begun.elapsed().as_secs_f64();
        let own = Cpu::of(child.process.id()).map_or(Cpu::default(), |now| now - before);
        child.line()?;
        self.count(&topic)?;
        self.stand.topics.delete(&[topic])?;
        Ok(Cost { seconds, own, threads: BTreeMap::new(), peak_kib: 0 })
    }

    fn connect(&self, who: Contender, setting: Setting, sample: &mut Option<String>) -> Outcome<Cost> {
        let name = if who == Contender::Walcast { "walcast" } else { "debezium" };
        let with = if setting.with_writer { "_writer" } else { "" };
        let slot = format!("{}_{name}_{}_{}{with}", self.dbname, setting.readers, setting.round);
        let stream = Stream {
            dbname: self.dbname.to_owned(),
            prefix: slot.clone(),
            slot: slot.clone(),
            publication: PUBLICATION.to_owned(),
            format: Format::Json,
            properties: vec![
                ("snapshot.mode", "initial".to_owned()),
                ("snapshot.max.threads", setting.readers.to_string()),
                // The largest rows; the broker of the bench takes them.
                ("producer.override.max.request.size", "104857600".to_owned()),
            ],
        };
        let topic = stream.topic(self.table.name());
        self.stand.topics.create(&topic)?;
        let mut connector = match who {
            Contender::Debezium => Connector::debezium(self.stand, &stream)?,
            _ => Connector::walcast(self.stand, &stream)?,
        };
        self.wait_until_slot(&slot, &mut connector)?;
        let begun = Instant::now();
        process::forget_peak(connector.pid())?;
        let before = Cpu::of(connector.pid())?;
        let threads_before = process::threads(connector.pid())?;
        self.wait_for_records(&topic, || connector.check())?;
        let seconds = begun.elapsed().as_secs_f64();
        let own = Cpu::of(connector.pid())? - before;
        let mut threads = process::threads(connector.pid())?;
        for (name, cpu) in &mut threads {
            *cpu = *cpu - threads_before.get(name).copied().unwrap_or_default();
        }
        if who == Contender::Debezium {
            threads.clear();
        }
        let peak_kib = process::peak_kib(connector.pid())?;
        self.count(&topic)?;
        connector.stop()?;
        self.sql.drop_slot(&slot)?;
        if who == Contender::Walcast && sample.is_none() {
            *sample = Some(topic);
        } else {
            self.stand.topics.delete(&[topic])?;
        }
        Ok(Cost { seconds, own, threads, peak_kib })
    }

    fn wait_until_slot(&self, slot: &str, connector: &mut Connector) -> Outcome<()> {
        let there = self.sql.prepare("SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1")?;
        let deadline = Instant::now() + STALL_MAX;
        while self.sql.value::<i64>(&there, &[&slot])? != Some(1) {
            connector.check()?;
            if Instant::now() > deadline {
                return Err(format!("slot {slot} was not made").into());
            }
            std::thread::sleep(SLOT_POLL);
        }
        Ok(())
    }

    /// Looks until all rows are in the topic, rarely in the beginning and often towards the end.
    fn wait_for_records(&self, topic: &str, mut check: impl FnMut() -> Outcome<()>) -> Outcome<()> {
        let begun = Instant::now();
        let (mut last, mut moved) = (0, begun);
        loop {
            let done = self.stand.topics.records(topic)?;
            if done >= self.rows {
                return Ok(());
            }
            check()?;
            let now = Instant::now();
            if done > last {
                (last, moved) = (done, now);
            } else if now.duration_since(moved) > STALL_MAX {
                return Err(format!("{topic}: stuck at {done} of {}", self.rows).into());
            }
            let left = now.duration_since(begun).mul_f64((self.rows - done) as f64 / done.max(1) as f64);
            std::thread::sleep((left / 4).clamp(PROGRESS_POLL_MIN, PROGRESS_POLL_MAX));
        }
    }

    /// Once more when all is quiet, so that a record too many is seen.
    fn count(&self, topic: &str) -> Outcome<()> {
        std::thread::sleep(SURPLUS_WAIT);
        let counted = self.stand.topics.records(topic)?;
        if counted == self.rows {
            return Ok(());
        }
        Err(format!("the table has {} rows, and {topic} {counted} records", self.rows).into())
    }
}

/// This binary again, in another role. Killed when dropped.
struct Role {
    process: Child,
    said: BufReader<ChildStdout>,
}

fn child(arguments: &[&str]) -> Outcome<Role> {
    let mut process =
        Command::new(std::env::current_exe()?).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let said = BufReader::new(process.stdout.take().ok_or("a child has no standard output")?);
    Ok(Role { process, said })
}

impl Role {
    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        let line = line.trim().to_owned();
        if line.is_empty() { Err("a child of the bench ended without a word".into()) } else { Ok(line) }
    }

    fn go(&mut self) -> Outcome<()> {
        Ok(self.process.stdin.as_mut().ok_or("a child has no standard input")?.write_all(b"go\n")?)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
