//! A broker alone: records that are there already, through a producer with walcast's settings.
//!
//! Keys, values and headers are those that walcast wrote. Every delivery is reported and looked at, as in walcast, which
//! confirms nothing without it.
//!
//! In a process of its own, this binary executed again, so that its CPU can be told apart.

use std::io::{BufRead as _, Write as _};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedHeaders, DeliveryResult, Headers as _, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientConfig, ClientContext};

use crate::support::Outcome;

/// Records are kept up to so many bytes, and written again and again.
const SAMPLE_BYTES_MAX: usize = 128 << 20;
const PATIENCE: Duration = Duration::from_secs(60);
/// Records between two looks at the reports, as walcast has it.
const RECORDS_PER_TURN: usize = 2_048;

/// What the child process is told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    pub(crate) bootstrap: String,
    /// Where the records are.
    pub(crate) sample: String,
    /// Where they are written.
    pub(crate) topic: String,
    /// How many are written.
    pub(crate) records: u64,
}

struct Sample {
    key: Vec<u8>,
    value: Vec<u8>,
    /// The same for all records that have the same.
    headers: Option<Rc<OwnedHeaders>>,
}

/// Counts what was delivered.
#[derive(Default)]
struct Reports(AtomicU64);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_ok() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Reads the records, says `ready`, and writes them when a line comes on standard input. Prints how many were delivered.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let samples = read(arguments)?;
    let producer = producer(arguments)?;
    // The topic's metadata is there before the clock runs.
    producer.client().fetch_metadata(Some(&arguments.topic), PATIENCE)?;
    println!("ready");
    std::io::stdout().flush()?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    let records = usize::try_from(arguments.records)?;
    for (at, sample) in samples.iter().cycle().take(records).enumerate() {
        if at % RECORDS_PER_TURN == 0 {
            producer.poll(Duration::ZERO);
        }
        let mut record = BaseRecord::to(&arguments.topic).key(&sample.key).payload(&sample.value);
        record.headers = sample.headers.as_deref().cloned();
        while let Err((error, returned)) = producer.send(record) {
            match error {
                KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => record = returned,
                other => return Err(other.into()),
            }
            producer.poll(Duration::from_millis(2));
        }
    }
    producer.flush(PATIENCE)?;
    println!("{}", producer.context().0.load(Ordering::Relaxed));
    Ok(())
}

fn read(arguments: &Arguments) -> Outcome<Vec<Sample>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &arguments.bootstrap).set("group.id", "bench").set("enable.auto.commit", "false");
    config.set("enable.partition.eof", "true");
    let consumer: BaseConsumer = config.create()?;
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(&arguments.sample, 0, Offset::Beginning)?;
    consumer.assign(&partitions)?;
    let (mut samples, mut bytes): (Vec<Sample>, usize) = (Vec::new(), 0);
    while bytes < SAMPLE_BYTES_MAX && (samples.len() as u64) < arguments.records {
        match consumer.poll(PATIENCE) {
            Some(Ok(message)) => {
                let before = samples.last().and_then(|sample| sample.headers.as_ref());
                let sample = Sample {
                    key: message.key().unwrap_or_default().to_vec(),
                    value: message.payload().unwrap_or_default().to_vec(),
                    headers: message.headers().map(|headers| shared(headers, before)),
                };
                bytes += sample.value.len();
                samples.push(sample);
            }
            Some(Err(KafkaError::PartitionEOF(_))) | None => break,
            Some(Err(error)) => return Err(error.into()),
        }
    }
    if samples.is_empty() {
        return Err(format!("topic {} has no records", arguments.sample).into());
    }
    Ok(samples)
}

/// Those of the record before, where they are the same.
fn shared(headers: &BorrowedHeaders, before: Option<&Rc<OwnedHeaders>>) -> Rc<OwnedHeaders> {
    match before {
        Some(before) if headers.iter().eq(before.iter()) => Rc::clone(before),
        _ => Rc::new(headers.detach()),
    }
}

fn producer(arguments: &Arguments) -> Outcome<BaseProducer<Reports>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &arguments.bootstrap);
    for (name, value) in [
        ("enable.idempotence", "true"),
        ("acks", "all"),
        ("enable.gapless.guarantee", "true"),
        ("message.timeout.ms", "0"),
        ("delivery.report.only.error", "false"),
        ("max.in.flight.requests.per.connection", "5"),
        ("partitioner", "murmur2_random"),
        ("compression.type", "lz4"),
        ("linger.ms", "5"),
        ("batch.size", "1000000"),
        ("batch.num.messages", "10000"),
        ("message.max.bytes", "104857600"),
        ("queue.buffering.max.messages", "1000000"),
        ("queue.buffering.max.kbytes", "32768"),
    ] {
        config.set(name, value);
    }
    Ok(config.create_with_context(Reports::default())?)
}
