//! The sink against librdkafka's in-process brokers.

use std::collections::BTreeMap;
use std::time::Instant;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers as _, Message};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};

use super::*;
use crate::config::Secret;
use crate::ledger::Ticket;
use crate::sink::Stamps;

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(30);

type Mock = MockCluster<'static, DefaultProducerContext>;

fn cluster(topic: &str, partitions: i32) -> Mock {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic(topic, partitions, 1).unwrap();
    mock
}

fn kafka(bootstrap_servers: String, queue_bytes_max: u64, producer: &[(&str, &str)]) -> config::Kafka {
    let producer = producer.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
    config::Kafka { bootstrap_servers, producer, topic_creation: None, queue_bytes_max }
}

fn open(mock: &Mock, queue_bytes_max: u64, producer: &[(&str, &str)]) -> KafkaSink {
    KafkaSink::open(&kafka(mock.bootstrap_servers(), queue_bytes_max, producer), "walcast-test").unwrap()
}

/// A record to be appended, owned.
struct Sample {
    topic: Arc<str>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    own: Option<(&'static str, &'static [u8])>,
    shared: Arc<[Header]>,
    ticket: u64,
}

impl Sample {
    fn new(topic: &str, ticket: u64, key: &str, value: impl Into<Vec<u8>>) -> Self {
        let (key, value) = (Some(key.as_bytes().to_vec()), Some(value.into()));
        Self { topic: Arc::from(topic), key, value, own: None, shared: Arc::from([]), ticket }
    }

    fn offer(&self, sink: &mut KafkaSink) -> Result<Append> {
        sink.append(&Record {
            topic: &self.topic,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            partition: None,
            headers: Headers { own: self.own, shared: &self.shared, stamps: Stamps::NONE },
            unix_millis: None,
            ticket: Ticket::from_u64(self.ticket),
        })
    }

    fn take(&self, sink: &mut KafkaSink) {
        assert_eq!(self.offer(sink).unwrap(), Append::Taken);
    }
}

/// Between two looks at a condition: leaves the processor to librdkafka.
fn breathe() {
    std::thread::sleep(Duration::from_millis(1));
}

/// Polls until all is reported; the counts by unit.
fn delivered(sink: &mut KafkaSink) -> BTreeMap<u64, u64> {
    let mut into = Deliveries::default();
    let since = Instant::now();
    while sink.depth().records > 0 {
        sink.poll(&mut into).unwrap();
        assert!(since.elapsed() < PATIENCE, "still held: {:?}", sink.depth());
        breathe();
    }
    let mut counts = BTreeMap::new();
    for (ticket, records) in into.runs {
        *counts.entry(ticket.as_u64()).or_default() += records;
    }
    counts
}

/// Polls until the sink fails.
fn failure(sink: &mut KafkaSink) -> Error {
    let since = Instant::now();
    loop {
        if let Err(error) = sink.poll(&mut Deliveries::default()) {
            return error;
        }
        assert!(since.elapsed() < PATIENCE, "no failure; held: {:?}", sink.depth());
        breathe();
    }
}

/// What a consumer sees of a record.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    partition: i32,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(String, String)>,
}

/// A consumer at the beginning of all partitions.
fn reader(mock: &Mock, topic: &str, partitions: i32) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", mock.bootstrap_servers())
        .set("group.id", "reader")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    consumer
}

/// Reads so many records from the beginning of all partitions.
fn consumed(mock: &Mock, topic: &str, partitions: i32, records: usize) -> Vec<Seen> {
    let consumer = reader(mock, topic, partitions);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let since = Instant::now();
    let mut seen = Vec::new();
    while seen.len() < records {
        assert!(since.elapsed() < PATIENCE, "only {} of {records} records", seen.len());
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message.unwrap();
        let headers = message
            .headers()
            .map(|headers| headers.iter().map(|h| (h.key.to_owned(), text(h.value.unwrap_or_default()))).collect());
        seen.push(Seen {
            partition: message.partition(),
            key: message.key().map(text),
            value: message.payload().map(text),
            headers: headers.unwrap_or_default(),
        });
    }
    seen
}

#[test]
fn every_record_is_reported_once_by_its_unit() {
    // Given units of 1 to 20 records over 4 partitions, when all are taken, then each unit is reported in full.
    let mock = cluster("t", 4);
    let mut sink = open(&mock, 64 << 20, &[]);
    for unit in 0..20 {
        for row in 0..=unit {
            Sample::new("t", unit, &format!("{unit}/{row}"), "v").take(&mut sink);
        }
    }
    assert_eq!(sink.depth().records, 210);
    assert_eq!(delivered(&mut sink), (0..20).map(|unit| (unit, unit + 1)).collect());
    assert_eq!(sink.depth(), Depth::default());
    sink.close(PATIENCE);
}

#[test]
fn key_value_and_headers_arrive_as_given() {
    let mock = cluster("t", 1);
    let mut sink = open(&mock, 64 << 20, &[]);
    let header = |key: &str, value: &[u8]| Header { key: key.to_owned(), value: value.to_vec() };
    let shared: Arc<[Header]> = Arc::from([header("name", b"shop"), header("run", b"1")]);
    let other: Arc<[Header]> = Arc::from([header("run", b"2")]);
    let plain = Sample { shared: Arc::clone(&shared), ..Sample::new("t", 0, "k", "v") };
    let key_change = Sample { own: Some(("__debezium.newkey", b"{}")), shared, ..Sample::new("t", 0, "k", "") };
    let tombstone = Sample { value: None, shared: Arc::clone(&other), ..Sample::new("t", 0, "k", "") };
    let keyless = Sample { key: None, shared: other, ..Sample::new("t", 0, "", "v") };
    for sample in [&plain, &plain, &key_change, &tombstone, &keyless] {
        sample.take(&mut sink);
    }
    delivered(&mut sink);
    let seen = |key: Option<&str>, value: Option<&str>, headers: &[(&str, &str)]| Seen {
        partition: 0,
        key: key.map(str::to_owned),
        value: value.map(str::to_owned),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    let expected = [
        seen(Some("k"), Some("v"), &[("name", "shop"), ("run", "1")]),
        seen(Some("k"), Some("v"), &[("name", "shop"), ("run", "1")]),
        seen(Some("k"), Some(""), &[("__debezium.newkey", "{}"), ("name", "shop"), ("run", "1")]),
        seen(Some("k"), None, &[("run", "2")]),
        seen(None, Some("v"), &[("run", "2")]),
    ];
    assert_eq!(consumed(&mock, "t", 1, expected.len()), expected);
}

#[test]
fn a_key_keeps_its_order_through_faults_of_the_broker() {
    // Given a broker that answers produce requests with passing errors now and then (cut connections are tried on a
    // real broker: this one does not recognise the sequence numbers of batches that are sent again),
    // when 2,000 changes of 10 keys are sent, then each key's changes are held once and in order.
    let mock = cluster("t", 3);
    let hasty = [("retry.backoff.ms", "1"), ("reconnect.backoff.ms", "1"), ("reconnect.backoff.max.ms", "10")];
    let small_batches = [("batch.num.messages", "20"), ("linger.ms", "0")];
    let mut sink = open(&mock, 64 << 20, &[hasty.as_slice(), &small_batches].concat());
    for round in 0..10 {
        mock.request_errors(
            RDKafkaApiKey::Produce,
            &[
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR,
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            ],
        );
        for change in 0..200 {
            let number = round * 200 + change;
            Sample::new("t", number, &format!("key {}", number % 10), number.to_string()).take(&mut sink);
        }
    }
    assert_eq!(delivered(&mut sink), (0..2_000).map(|unit| (unit, 1)).collect());
    let mut by_key: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for seen in consumed(&mock, "t", 3, 2_000) {
        by_key.entry(seen.key.unwrap()).or_default().push(seen.value.unwrap().parse().unwrap());
    }
    for (key, numbers) in by_key {
        let expected: Vec<u64> = (0..2_000).filter(|number| key == format!("key {}", number % 10)).collect();
        assert_eq!(numbers, expected, "{key}");
    }
}

#[test]
fn a_full_queue_takes_nothing_and_opens_again() {
    let mock = cluster("t", 1);
    mock.broker_down(1).unwrap();
    let mut sink = open(&mock, 16 * 1024, &[]);
    let sample = Sample::new("t", 0, "k", vec![b'x'; 1_000]);
    let mut taken = 0;
    while sample.offer(&mut sink).unwrap() == Append::Taken {
        taken += 1;
        assert!(taken < 100, "the bound does not hold");
    }
    assert!(taken >= 8, "{taken} of 16 KiB");
    let held = sink.depth();
    assert_eq!((held.records, held.bytes), (taken, taken * 1_001));
    assert_eq!(sample.offer(&mut sink).unwrap(), Append::Full);
    assert_eq!(sink.depth(), held);
    mock.broker_up(1).unwrap();
    assert_eq!(delivered(&mut sink), BTreeMap::from([(0, taken)]));
    assert_eq!(sample.offer(&mut sink).unwrap(), Append::Taken);
}

#[test]
fn a_record_larger_than_a_limit_is_named_with_the_limit_to_raise() {
    // (queue, override, value, word of the remedy)
    let mock = cluster("t", 1);
    let table = [
        (10_000, vec![], 10_001, "max.queue.size.in.bytes"),
        (1 << 20, vec![("max.request.size", "5000")], 6_000, "max.request.size"),
    ];
    for (queue, producer, value, remedy) in table {
        let mut sink = open(&mock, queue, &producer);
        let error = Sample::new("t", 0, "k", vec![b'x'; value]).offer(&mut sink).unwrap_err();
        assert_eq!(error.kind(), Kind::RecordTooLarge);
        assert!(error.report().contains(&(value + 1).to_string()) && error.report().contains("topic t"));
        assert!(error.hint_text().unwrap().contains(remedy), "{}", error.report());
        assert_eq!(sink.offender(), Some("t"));
        let small = Sample::new("t", 0, "k", "v");
        assert_eq!(small.offer(&mut sink).unwrap_err().kind(), Kind::RecordTooLarge, "it stays failed");
        assert!(sink.poll(&mut Deliveries::default()).is_err());
    }
}

#[test]
fn what_the_broker_refuses_fails_the_sink_for_good() {
    let table = [
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, Kind::RecordTooLarge, "max.message.bytes of topic t"),
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, Kind::SinkRefused, "WRITE"),
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_RECORD, Kind::SinkRefused, "primary key"),
    ];
    for (code, kind, remedy) in table {
        let mock = cluster("t", 1);
        let mut sink = open(&mock, 1 << 20, &[]);
        mock.request_errors(RDKafkaApiKey::Produce, &[code]);
        Sample::new("t", 0, "k", "v").take(&mut sink);
        let error = failure(&mut sink);
        assert_eq!(error.kind(), kind);
        assert!(error.hint_text().unwrap().contains(remedy), "{}", error.report());
        assert_eq!(sink.offender(), Some("t"));
        assert_eq!(Sample::new("t", 1, "k", "v").offer(&mut sink).unwrap_err().kind(), kind);
        sink.close(Duration::ZERO);
    }
}

#[test]
fn nothing_overtakes_a_record_that_is_refused() {
    // Given records in batches of one, of which the first is going to be refused.
    let mock = cluster("t", 1);
    let one_by_one = [("batch.size", "1"), ("max.in.flight.requests.per.connection", "1")];
    let mut sink = open(&mock, 1 << 20, &one_by_one);
    mock.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    for ticket in 0..20 {
        Sample::new("t", ticket, "k", "v").take(&mut sink);
    }

    // When the sink has failed, then none of those behind it is delivered, however long it is asked.
    let mut into = Deliveries::default();
    let since = Instant::now();
    while sink.poll(&mut into).is_ok() {
        assert!(since.elapsed() < PATIENCE);
        breathe();
    }
    while sink.depth().records > 0 && since.elapsed() < PATIENCE {
        assert_eq!(sink.poll(&mut into).unwrap_err().kind(), Kind::RecordTooLarge);
        breathe();
    }
    // One request may have been under way. Brokers refuse it by its sequence number; this one looks at none.
    assert!(into.runs.is_empty() || into.runs == [(Ticket::from_u64(1), 1)], "{:?}", into.runs);
    assert_eq!(sink.depth().records, 0, "every record was answered for");
}

#[test]
fn a_lost_broker_is_known_and_a_delivery_takes_it_back() {
    let mock = cluster("t", 1);
    let mut sink = open(&mock, 1 << 20, &[]);
    Sample::new("t", 0, "k", "v").take(&mut sink);
    delivered(&mut sink);
    mock.broker_down(1).unwrap();
    Sample::new("t", 1, "k", "v").take(&mut sink);
    let since = Instant::now();
    while !sink.brokers_down() {
        sink.poll(&mut Deliveries::default()).unwrap();
        assert!(since.elapsed() < PATIENCE);
        breathe();
    }
    mock.broker_up(1).unwrap();
    assert_eq!(delivered(&mut sink), BTreeMap::from([(1, 1)]));
    assert!(!sink.brokers_down());
}

#[test]
fn closing_waits_for_what_is_held_and_not_for_ever() {
    let mock = cluster("t", 1);
    let mut sink = open(&mock, 1 << 20, &[]);
    Sample::new("t", 0, "k", "v").take(&mut sink);
    sink.close(PATIENCE);
    assert_eq!(consumed(&mock, "t", 1, 1).len(), 1);

    mock.broker_down(1).unwrap();
    let mut sink = open(&mock, 1 << 20, &[]);
    Sample::new("t", 0, "k", "lost").take(&mut sink);
    let since = Instant::now();
    sink.close(Duration::from_millis(50));
    assert!(since.elapsed() < PATIENCE);
}

#[test]
fn keys_go_where_java_puts_them() {
    // Kafka's own UtilsTest.testMurmur2 gives the hashes; a Java producer takes (hash & 0x7fffffff) % partitions.
    let table: [(&str, i32); 7] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
        ("", 275_646_681),
    ];
    let mock = cluster("t", 7);
    let mut sink = open(&mock, 1 << 20, &[]);
    for (key, _) in table.iter().filter(|(key, _)| !key.is_empty()) {
        Sample::new("t", 0, key, "v").take(&mut sink);
    }
    delivered(&mut sink);
    for seen in consumed(&mock, "t", 7, table.len() - 1) {
        let key = seen.key.unwrap();
        let (_, hash) = table.iter().find(|(known, _)| *known == key).unwrap();
        assert_eq!(seen.partition, (hash & 0x7fff_ffff) % 7, "{key}");
    }
}

#[tokio::test]
async fn topics_that_are_there_are_prepared_and_known_from_then_on() {
    let mock = cluster("t", 1);
    let sink = open(&mock, 1 << 20, &[]);
    sink.prepare(vec![Arc::from("t")]).await.unwrap();
    mock.broker_down(1).unwrap();
    sink.prepare(vec![Arc::from("t")]).await.expect("it was seen and is not asked for again");
}

#[tokio::test]
async fn preflight_tells_who_answers_and_what_is_wrong() {
    let mock = cluster("t", 1);
    let found = preflight(&kafka(mock.bootstrap_servers(), 1, &[]), &[Arc::from("t")]).await.unwrap();
    assert_eq!((found.cluster.unwrap().brokers, found.findings), (1, vec![]));
    let found = preflight(&kafka(mock.bootstrap_servers(), 1, &[("acks", "0")]), &[]).await.unwrap();
    assert_eq!(found.findings[0].property, "producer.override.acks");
}

#[test]
fn a_record_has_the_time_that_it_was_made_at() {
    let mock = cluster("t", 1);
    let mut sink = open(&mock, 64 << 20, &[]);
    let headers = Headers { own: None, shared: &Arc::from([]), stamps: Stamps::NONE };
    let unix_millis = Some(1_700_000_000_123);
    let (topic, ticket) = (Arc::from("t"), Ticket::from_u64(0));
    let record = Record { topic: &topic, key: None, value: Some(b"v"), partition: None, headers, unix_millis, ticket };
    assert_eq!(sink.append(&record).unwrap(), Append::Taken);
    delivered(&mut sink);
    let consumer = reader(&mock, "t", 1);
    let since = Instant::now();
    let message = loop {
        assert!(since.elapsed() < PATIENCE);
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            break message.unwrap();
        }
    };
    assert_eq!(message.timestamp().to_millis(), unix_millis);
}
