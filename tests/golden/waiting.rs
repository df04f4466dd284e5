//! A recording's blocking snapshots: signals in the frames, and the bytes of each COPY while the stream waits.

use walcast::assemble::Assembler;
use walcast::config::Connector;
use walcast::event::{Notification, ScanStatus};
use walcast::lsn::Lsn;
use walcast::pgoutput::Xid;
use walcast::pgtime::PgMicros;
use walcast::pipeline::pump::{Scene, Streamed};
use walcast::signal::Request;
use walcast::snapshot::selection::Selection;

use super::chunks::{self, Out};
use super::recording::Recording;
use super::replay::Stream;
use super::snapshot::{self, Tables};

/// Reads what a signal asks for behind the transaction that ends at `at`, with what is told of it.
pub(super) fn read(
    recording: &Recording,
    connector: &Connector,
    (signal, request): (String, Request),
    (at, end, last): (Lsn, Lsn, Streamed),
    assembler: &mut Assembler,
    stream: &mut Stream,
) {
    let selection = Selection::new(connector).unwrap().asked(request);
    let tables = Tables::of(recording, &selection, Some(&signal), assembler, at);
    let topics: Vec<String> = tables.relations.iter().map(|relation| stream.topic(relation)).collect();
    let read = topics.iter().find_map(|topic| read_at(recording, topic, stream.written(topic)));
    let (taken, lsn) = read.unwrap_or((PgMicros(0), last.lsn));
    // Debezium pauses before it reads the commit, or behind it: two of its threads race.
    let last = if lsn == end { Streamed { lsn, last_commit: Some(end), ..last } } else { last };
    let scene = Scene::new(at, taken, Xid(0)).while_waiting(last);
    let rows = tables.read(&scene, |event| stream.event(event));

    let prefix = &connector.topic_prefix;
    let names: Vec<String> =
        tables.relations.iter().map(|relation| format!("{}.{}", relation.schema, relation.table)).collect();
    let all = names.join(",");
    let mut told = vec![Notification::started(prefix)];
    for (name, rows) in names.iter().zip(rows) {
        told.push(Notification::in_progress(prefix, name, &all));
        told.push(Notification::table_scanned(prefix, name, &all, rows, ScanStatus::Succeeded));
    }
    told.push(Notification::completed(prefix));
    let topic = connector.records.notification_topic.as_deref().unwrap_or_default();
    for notification in told {
        let told = chunks::as_told(recording, topic, stream.written(topic), notification);
        stream.out(&Out::Told(&told));
    }
}

/// When and at which position of the stream Debezium read the row that comes next in a topic.
fn read_at(recording: &Recording, topic: &str, next: usize) -> Option<(PgMicros, Lsn)> {
    let value = recording.records.get(topic)?.get(next)?.value.as_deref()?;
    let source = snapshot::source(recording, value);
    let is_read = source("snapshot").as_str().is_some_and(|mark| !["false", "incremental"].contains(&mark));
    let taken = PgMicros::from_unix_micros(source("ts_us").as_i64().unwrap());
    is_read.then(|| (taken, Lsn::new(source("lsn").as_u64().unwrap())))
}
