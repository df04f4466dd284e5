//! A Kafka consumer that reads the topics back, as any other would.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use serde::Deserialize;

use super::tally::{Latency, Sort, Tally};
use crate::error::{Error, Kind, Result};

/// The part of an envelope that is looked at.
#[derive(Deserialize)]
struct Envelope {
    op: String,
    source: SourceBlock,
}

#[derive(Deserialize)]
struct SourceBlock {
    table: String,
    ts_us: u64,
}

#[derive(Default)]
struct Seen {
    tally: Tally,
    latencies_us: Vec<u64>,
}

/// The consumer, reading on a thread of its own.
pub(super) struct Consumer {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Consumer {
    /// Reads topics of one partition from their beginning.
    pub(super) fn start(bootstrap: &str, topics: &[Arc<str>]) -> Result<Self> {
        let refused = |error| Error::new(Kind::Local, "the consumer cannot be made").caused_by(error);
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "walcast-demo")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "10")
            .set("log_level", "2")
            .create()
            .map_err(refused)?;
        let mut list = TopicPartitionList::new();
        for topic in topics {
            list.add_partition_offset(topic, 0, Offset::Beginning).map_err(refused)?;
        }
        consumer.assign(&list).map_err(refused)?;
        let (seen, stop) = (Arc::new(Mutex::new(Seen::default())), Arc::new(AtomicBool::new(false)));
        let (into, until) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                // An error here is a broker that is being reached; what matters is what arrives.
                if let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) {
                    lock(&into).take(message.topic(), message.payload());
                }
            }
        });
        Ok(Self { seen, stop, thread: Some(thread) })
    }

    /// What was read so far.
    pub(super) fn tally(&self) -> Tally {
        lock(&self.seen).tally.clone()
    }

    /// Shows where things stand: over the last line on a terminal, else a line now and then.
    pub(super) fn show(&self, second: u64, written: &Tally, before: &mut u64) {
        let seen = lock(&self.seen);
        let (written, read) = (written.events(), seen.tally.events());
        let latency = seen.latency().map_or_else(String::new, |latency| {
            format!("   median {:.1} ms   p99 {:.1} ms", latency.median_ms, latency.p99_ms)
        });
        let rate = read.saturating_sub(std::mem::replace(before, read));
        let line = format!(
            "{second:>4} s   written {written:>8}   read {read:>8}   {rate:>6} events/s   lag {:>5}{latency}",
            written.saturating_sub(read)
        );
        let mut out = std::io::stdout();
        if out.is_terminal() {
            // A terminal that went away takes nothing from the demo's verdict.
            let _ = write!(out, "\r\x1b[2K{line}");
            let _ = out.flush();
        } else if second.is_multiple_of(5) {
            println!("{line}");
        }
    }

    /// Ends the consumer and gives what it read.
    pub(super) fn stop(mut self) -> (Tally, Option<Latency>) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its counts stand, however it ended.
            let _ = thread.join();
        }
        let seen = lock(&self.seen);
        (seen.tally.clone(), seen.latency())
    }
}

impl Seen {
    fn take(&mut self, topic: &str, payload: Option<&[u8]>) {
        let Some(payload) = payload else {
            self.tally.add(topic.rsplit('.').next().unwrap_or(topic), Sort::Tombstone, 1);
            return;
        };
        let Ok(envelope) = serde_json::from_slice::<Envelope>(payload) else { return };
        let sort = match envelope.op.as_str() {
            "r" => Sort::Read,
            "c" => Sort::Create,
            "u" => Sort::Update,
            "d" => Sort::Delete,
            _ => return,
        };
        self.tally.add(&envelope.source.table, sort, 1);
        if sort == Sort::Read {
            // Nobody waited for it: it was committed before there was a connector.
            return;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.latencies_us
            .push((u64::try_from(now.as_micros()).unwrap_or(u64::MAX)).saturating_sub(envelope.source.ts_us));
    }

    fn latency(&self) -> Option<Latency> {
        let mut sorted = self.latencies_us.clone();
        sorted.sort_unstable();
        let at =
            |percent: usize| sorted.get((sorted.len().saturating_sub(1)) * percent / 100).map(|us| *us as f64 / 1000.0);
        Some(Latency { median_ms: at(50)?, p99_ms: at(99)?, max_ms: at(100)? })
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
