//! The progress of snapshots in its topic, through the store that the sink gives, and what an operator is told of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use walcast::config::{Kafka, TopicCreation};
use walcast::error::{Class, Error, Kind};
use walcast::lsn::Lsn;
use walcast::progress::{Book, Entry, Generation, Part, SnapshotId, SnapshotState, Store, TableName};
use walcast::sink::Sink as _;
use walcast::sink::kafka::KafkaSink;

use super::scene::{Scene, strict_kafka};
use crate::support::servers;
use crate::support::topics::{Topics, block_on};

const HEAP: (u32, u32) = (16385, 16390);
const CREATED: Option<TopicCreation> = Some(TopicCreation { partitions: 3, replication_factor: 1, config: Vec::new() });

/// Topics of its own at the shared broker, which makes topics for anybody.
fn topics() -> Topics {
    Topics::new(servers::kafka().bootstrap())
}

/// What a process has that starts now.
fn store_of(topics: &Topics, connector: &str, topic_creation: Option<TopicCreation>) -> Arc<dyn Store> {
    let bootstrap_servers = topics.client().get("bootstrap.servers").expect("a broker").to_owned();
    let config = Kafka { bootstrap_servers, producer: Vec::new(), topic_creation, queue_bytes_max: 64 << 20 };
    let sink = KafkaSink::open(&config, "walcast-test").expect("a sink");
    sink.progress(&topics.progress(), connector).expect("a store")
}

fn store(topics: &Topics) -> Arc<dyn Store> {
    store_of(topics, &topics.prefix, CREATED)
}

#[track_caller]
fn open(store: &Arc<dyn Store>) -> Book {
    block_on(store.open()).expect("it is opened")
}

#[track_caller]
fn keep(store: &Arc<dyn Store>, entries: &[Entry]) {
    block_on(store.keep(entries.to_vec())).expect("it is kept");
}

/// A store that holds the beginning of snapshot "a".
#[track_caller]
fn begun(topics: &Topics) -> Arc<dyn Store> {
    let store = store(topics);
    open(&store);
    keep(&store, &[snapshot("a", SnapshotState::Running)]);
    store
}

/// That a store is refused, for good and in words that hold all of these.
#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>, words: &[&str]) {
    let error = outcome.expect_err("it is refused");
    assert_eq!((error.kind(), error.class()), (Kind::SinkRefused, Class::Definite), "{}", error.report());
    for word in words {
        assert!(error.report().contains(word), "{word} is not in {}", error.report());
    }
}

fn table(name: &str) -> TableName {
    TableName { schema: "public".to_owned(), table: name.to_owned() }
}

fn snapshot(id: &str, state: SnapshotState) -> Entry {
    let generation = Generation { number: 1, lsn: Lsn::new(0x16_B374_D848), contents: "748:748:".to_owned() };
    Entry::Snapshot { id: SnapshotId(id.to_owned()), state, generations: vec![generation] }
}

fn part(id: &str, name: &str, from: u32) -> Entry {
    let part = Part { generation: 1, heap: HEAP, from, to: Some(from + 1), query: None, rows: 100 };
    Entry::Part { id: SnapshotId(id.to_owned()), table: table(name), part }
}

fn done(id: &str, name: &str) -> Entry {
    Entry::Table { id: SnapshotId(id.to_owned()), table: table(name), rows: 300 }
}

fn told(entries: &[Entry]) -> Book {
    let mut book = Book::default();
    entries.iter().for_each(|entry| book.take(entry.clone()));
    book
}

#[test]
fn entries_survive_the_process() {
    // Given a connector that was never here.
    let topics = topics();
    let first = store(&topics);
    assert_eq!(block_on(first.look()).map_err(|error| error.report()), Ok(()));
    assert_eq!(open(&first), Book::default());

    // When it keeps what it does, one thing after the other and several at once, and some of it holds no more.
    let mut entries = vec![snapshot("a", SnapshotState::Running)];
    keep(&first, &entries);
    entries.extend([part("a", "t", 0), part("a", "t", 1), part("a", "u", 0), done("a", "u")]);
    keep(&first, &entries[1..]);
    entries.push(Entry::Forget { table: table("t"), parts: vec![0, 1] });
    entries.extend([part("a", "t", 1), snapshot("a", SnapshotState::Completed)]);
    keep(&first, &entries[5..]);
    keep(&first, &[]);

    // Then another process finds it, and goes on with it, and so does a third one.
    let second = store_of(&topics, &topics.prefix, None);
    assert_eq!(open(&second), told(&entries));
    entries.push(snapshot("b", SnapshotState::Running));
    keep(&second, &entries[entries.len() - 1..]);
    let book = open(&store(&topics));
    assert_eq!(book, told(&entries));
    assert!(!book.is_done(&table("u")));

    // And the topic is what keeps them for ever.
    assert_eq!(topics.configuration(&topics.progress(), "cleanup.policy").as_deref(), Some("compact"));
    assert_eq!(topics.partitions(&topics.progress()), 1);
}

#[test]
fn thousands_of_entries_are_one_write_and_are_read_fast() {
    // Given a topic that is there.
    let topics = topics();
    let first = store(&topics);
    open(&first);

    // When a large table's parts are kept at once.
    let mut entries = vec![snapshot("a", SnapshotState::Running)];
    entries.extend((0..2_000).map(|page| part("a", "t", page)));
    let since = Instant::now();
    keep(&first, &entries);
    let kept = since.elapsed();

    // Then nobody waits for each of them.
    let second = store(&topics);
    let since = Instant::now();
    let book = open(&second);
    let opened = since.elapsed();
    assert_eq!(book.parts(&table("t"), HEAP, None).count(), 2_000);
    println!("2,001 entries: kept in {kept:?}, read in {opened:?}");
    assert!(kept < Duration::from_secs(10), "kept in {kept:?}");
    assert!(opened < Duration::from_secs(10), "read in {opened:?}");
}

#[test]
fn a_topic_that_somebody_else_filled_is_refused_with_the_place() {
    // Given records of somebody who knows nothing of progress, with one of ours before them.
    let topics = topics();
    begun(&topics);
    topics.write(&topics.progress(), Some(r#"{"id":7}"#), r#"{"name":"Ada"}"#);

    // When it is opened, then the topic, the place and the remedy are told, and nothing of what it holds.
    let outcome = block_on(store(&topics).open());
    let report = outcome.as_ref().expect_err("it is refused").report();
    assert!(!report.contains("Ada"), "{report}");
    refused(outcome, &[&topics.progress(), "partition 0, offset 1", "walcast.progress.topic"]);
}

#[test]
fn another_connectors_progress_is_not_taken_for_ones_own() {
    let topics = topics();
    let other = store_of(&topics, "inn", CREATED);
    open(&other);
    keep(&other, &[snapshot("a", SnapshotState::Completed)]);
    refused(block_on(store(&topics).open()), &["another connector, inn", "walcast.progress.topic"]);
}

#[test]
fn a_topic_whose_records_are_deleted_in_time_is_refused() {
    for policy in ["delete", "compact,delete"] {
        let topics = topics();
        topics.create(&[topics.progress()], 1, &[("cleanup.policy", policy)]);
        let store = store(&topics);
        let words = [&topics.progress(), "is not compacted", policy, "set cleanup.policy=compact"];
        refused(block_on(store.look()), &words);
        refused(block_on(store.open()), &words);

        // When that is mended, then it is used.
        topics.configure(&topics.progress(), "cleanup.policy", "compact");
        assert_eq!(open(&store), Book::default());
    }
}

#[test]
fn a_topic_of_several_partitions_keeps_progress_too() {
    let topics = topics();
    topics.create(&[topics.progress()], 3, &[("cleanup.policy", "compact")]);
    let entries: Vec<_> = std::iter::once(snapshot("a", SnapshotState::Running))
        .chain((0..50).map(|nth| done("a", &format!("t{nth}"))))
        .collect();
    let first = store(&topics);
    open(&first);
    keep(&first, &entries);
    keep(&first, &entries[..7]);
    assert_eq!(open(&store(&topics)), told(&entries));
}

#[test]
fn without_its_topic_no_snapshot_is_begun() {
    // Given brokers that make no topics, and a connector that was not told to make any.
    let (_turn, broker) = strict_kafka();
    let scene = Scene::at(servers::postgres_15(), broker.bootstrap(), "CREATE TABLE t (id int PRIMARY KEY)");
    scene.topics.create(&[scene.topics.topic("public.t")], 1, &[]);
    let store = store_of(&scene.topics, &scene.topics.prefix, None);
    let topic = scene.topics.progress();
    let remedies = [&topic, "cleanup.policy=compact", "topic.creation.default", "snapshot.mode=no_data"];

    // When progress is to be kept, then the remedies are told, by a look already.
    refused(block_on(store.look()), &remedies);
    refused(block_on(store.open()), &remedies);
    let mut walcast = scene.start(&[("snapshot.mode", "initial")]);
    assert_eq!(walcast.wait_exit().code(), Some(7), "{}", walcast.stderr());
    for part in remedies {
        assert!(walcast.stderr().contains(part), "{part} is not in {}", walcast.stderr());
    }
    assert!(!scene.has_slot());

    // When the topic is there, then it is used.
    scene.topics.create(&[topic], 1, &[("cleanup.policy", "compact")]);
    open(&store);
    keep(&store, &[snapshot("a", SnapshotState::Running)]);
}

#[test]
fn a_topic_that_is_deleted_meanwhile_is_not_made_anew_in_silence() {
    // Given a topic that is in use.
    let topics = topics();
    let first = begun(&topics);

    // When it is deleted, then neither writing nor reading goes on.
    topics.delete(&topics.progress());
    refused(block_on(first.keep(vec![part("a", "t", 0)])), &["is gone", &topics.progress()]);
    refused(block_on(first.open()), &["is gone", &topics.progress()]);

    // And a process that starts now makes it.
    assert_eq!(open(&store(&topics)), Book::default());
}

#[test]
fn what_a_killed_process_wrote_late_is_told_from_another_process() {
    // Given two processes that have read the same progress.
    let topics = topics();
    let (killed, lives) = (begun(&topics), store(&topics));
    open(&lives);

    // When the first one's last word comes late, then the second one takes it as it is.
    keep(&killed, &[part("a", "t", 0)]);
    keep(&lives, &[part("a", "t", 1)]);
    keep(&lives, &[part("a", "t", 2)]);

    // When it begins a snapshot of its own, then there are two of them.
    keep(&killed, &[snapshot("b", SnapshotState::Running)]);
    refused(block_on(lives.keep(vec![part("a", "t", 3)])), &["two writers", "walcast.progress.topic"]);
}
