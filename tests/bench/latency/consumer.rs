//! The consumer: reads the topic and notes for each record when it was sent and when it was here.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

use crate::support::Outcome;

/// A consumer waits so long for a record before it looks whether it is to end.
const POLL: Duration = Duration::from_millis(100);
/// A record too many has so long to arrive.
const SURPLUS_WAIT: Duration = Duration::from_millis(500);

/// One record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    id: i64,
    sent_us: i64,
    arrived_us: i64,
}

/// Reads on a thread of its own.
pub(crate) struct Consumer {
    thread: JoinHandle<Outcome<Vec<Arrival>>>,
    received: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Consumer {
    /// From the beginning of the topic's only partition.
    pub(crate) fn start(bootstrap: &str, topic: &str) -> Outcome<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "latency")
            .set("enable.auto.commit", "false")
            // The broker answers as soon as there is one byte; this is only how long it waits for that.
            .set("fetch.min.bytes", "1")
            .set("fetch.wait.max.ms", "100")
            .create()?;
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_offset(topic, 0, Offset::Beginning)?;
        consumer.assign(&partitions)?;
        let (received, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (received, ended) = (Arc::clone(&received), Arc::clone(&ended));
            std::thread::spawn(move || read(&consumer, &received, &ended))
        };
        Ok(Self { thread, received, ended })
    }

    /// Waits until all rows are here and returns every record.
    ///
    /// Fails when some are missing after `patience`, or when there are too many.
    pub(crate) fn finish(self, rows: u64, patience: Duration) -> Outcome<Vec<Arrival>> {
        let deadline = Instant::now() + patience;
        while self.received.load(Ordering::Relaxed) < rows && Instant::now() < deadline && !self.thread.is_finished() {
            std::thread::sleep(POLL);
        }
        std::thread::sleep(SURPLUS_WAIT);
        self.ended.store(true, Ordering::Relaxed);
        let arrivals = self.thread.join().map_err(|_| "the consumer panicked")??;
        let different = arrivals.iter().map(|arrival| arrival.id).collect::<HashSet<_>>().len();
        if arrivals.len() as u64 != rows || different != arrivals.len() {
            return Err(format!("{rows} rows were written, {} arrived, {different} different", arrivals.len()).into());
        }
        Ok(arrivals)
    }
}

fn read(consumer: &BaseConsumer, received: &AtomicU64, ended: &AtomicBool) -> Outcome<Vec<Arrival>> {
    let mut arrivals = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let Some(message) = consumer.poll(POLL) else { continue };
        let message = message?;
        let arrived_us = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
        let value = message.payload().ok_or("a record has no value")?;
        arrivals.push(Arrival { id: number(value, b"\"id\":")?, sent_us: number(value, b"\"sent_us\":")?, arrived_us });
        received.store(arrivals.len() as u64, Ordering::Relaxed);
    }
    Ok(arrivals)
}

/// The number behind the first occurrence of a name. The row comes first in an envelope's `after`, and `before` is null.
fn number(value: &[u8], name: &[u8]) -> Outcome<i64> {
    let digits = || {
        let text = value.get(memchr::memmem::find(value, name)? + name.len()..)?;
        let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        std::str::from_utf8(text.get(..end)?).ok()?.parse().ok()
    };
    digits().ok_or_else(|| format!("a record has no {}", String::from_utf8_lossy(name)).into())
}

/// Sorted, in microseconds.
#[derive(Debug)]
pub(crate) struct Latencies(Vec<i64>);

impl Latencies {
    /// Of the records that were sent at or after a moment.
    pub(crate) fn since(arrivals: &[Arrival], from: SystemTime) -> Outcome<Self> {
        let from_us = i64::try_from(from.duration_since(UNIX_EPOCH)?.as_micros())?;
        let measured = arrivals.iter().filter(|arrival| arrival.sent_us >= from_us);
        let mut latencies: Vec<i64> = measured.map(|arrival| arrival.arrived_us - arrival.sent_us).collect();
        if latencies.is_empty() {
            return Err("nothing was written in the measured time".into());
        }
        latencies.sort_unstable();
        Ok(Self(latencies))
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// The smallest latency that a share of all does not exceed (nearest rank), in milliseconds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank lies within the length")]
    pub(crate) fn millis(&self, quantile: f64) -> f64 {
        let rank = (quantile * self.0.len() as f64).ceil().max(1.0) as usize;
        let latency = self.0.get(rank - 1).or(self.0.last()).copied().unwrap_or_default();
        latency as f64 / 1e3
    }
}
