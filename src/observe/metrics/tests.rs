//! The metrics page, line by line.

use std::time::Instant;

use super::*;
use crate::error::{Error, Kind};
use crate::lsn::Lsn;
use crate::observe::Retention;
use crate::observe::course::{self, Planned, Stage};
use crate::observe::retention::WalStatus;

#[test]
fn what_was_counted_stands_on_the_page_under_the_constants_names() {
    // Given a connector that wrote, delivered and reconnected
    let status = Arc::new(Status::new("shop"));
    let metrics = Metrics::new(Arc::clone(&status));
    let mut tally = metrics.table("public.or\"ders").tally();
    for _ in 0..3 {
        tally.count(Operation::Create, 100);
    }
    tally.count(Operation::Delete, 50);
    tally.flush();
    tally.flush();
    metrics.delivered(5);
    metrics.transactions(2);
    metrics.reconnected(Side::Sink);
    metrics.delivery_latency(Duration::from_millis(7));
    status.received(Lsn::new(0x20));
    status.queue(4, 400);
    status.enter(State::Streaming);
    status.enter_form(StreamForm::Binary);
    // When it is scraped
    let page = metrics.render();
    // Then everything is there, once
    for line in [
        "walcast_events_total{table=\"public.or\\\"ders\",operation=\"create\"} 3",
        "walcast_events_total{table=\"public.or\\\"ders\",operation=\"delete\"} 1",
        "walcast_record_bytes_total{table=\"public.or\\\"ders\"} 350",
        "walcast_records_delivered_total 5",
        "walcast_transactions_total 2",
        "walcast_reconnects_total{side=\"sink\"} 1",
        "walcast_reconnects_total{side=\"source\"} 0",
        "walcast_delivery_latency_seconds_bucket{le=\"0.005\"} 0",
        "walcast_delivery_latency_seconds_bucket{le=\"0.01\"} 1",
        "walcast_delivery_latency_seconds_count 1",
        "walcast_received_lsn 32",
        "walcast_queue_bytes 400",
        "walcast_queue_records 4",
        "walcast_up 1",
        "walcast_state{state=\"streaming\"} 1",
        "walcast_state{state=\"failed\"} 0",
        "walcast_stream_form{form=\"binary\"} 1",
        "walcast_stream_form{form=\"text\"} 0",
        "# EOF",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
    for name in [LAG_BYTES, LAG_SECONDS, CONFIRMED_LSN, BUILD_INFO] {
        assert!(page.lines().any(|line| line.starts_with(name)), "{name} is not in\n{page}");
    }
    assert!(!page.contains("operation=\"update\""), "a series appears with its first event");
    assert_eq!(status.snapshot(SystemTime::now()).events, 4);
    assert_eq!(status.snapshot(SystemTime::now()).bytes, 350);
}

#[test]
fn the_state_moves() {
    let status = Arc::new(Status::new("shop"));
    let metrics = Metrics::new(Arc::clone(&status));
    assert!(metrics.render().contains("walcast_up 0"));
    status.trouble(&Error::new(Kind::SlotLost, "gone"));
    status.enter(State::Failed);
    let page = metrics.render();
    assert!(page.contains("walcast_state{state=\"failed\"} 1") && page.contains("walcast_state{state=\"starting\"} 0"));
}

#[test]
fn a_snapshot_and_the_slot_are_told_while_there_are_any() {
    // Given a connector that has taken no snapshot
    let status = Arc::new(Status::new("shop"));
    let metrics = Metrics::new(Arc::clone(&status));
    assert!(!metrics.render().contains("walcast_snapshot") && !metrics.render().contains("walcast_slot"));
    // When it takes one of three tables, of which one is in work, one is done without rows, and one waits
    let (course, begin) = (status.course(course::Kind::Initial), Instant::now());
    course.begin(begin);
    let planned =
        ["s.a", "s.b", "s.c"].map(|name| Planned { name: name.to_owned(), rows: Some(8), ..Planned::default() });
    let tables = course.plan(planned.to_vec(), 0, begin);
    course.enter(&tables[0], Stage::InWork, begin);
    tables[0].add_rows(4);
    tables[0].add_bytes(77);
    course.enter(&tables[1], Stage::Done, begin);
    let safe_bytes = Some(-9);
    status.retains(Some(Retention {
        held_bytes: 500,
        safe_bytes,
        limit_bytes: Some(600),
        status: WalStatus::Extended,
    }));
    let page = metrics.render();
    // Then its figures are there, and series of tables only where something was read
    for line in [
        "# TYPE walcast_snapshot_state gauge",
        "walcast_snapshot_state{kind=\"initial\",state=\"running\"} 1.0",
        "walcast_snapshot_state{kind=\"initial\",state=\"completed\"} 0.0",
        "walcast_snapshot_tables{kind=\"initial\"} 3.0",
        "walcast_snapshot_tables_remaining{kind=\"initial\"} 2.0",
        "walcast_snapshot_rows{kind=\"initial\"} 4.0",
        "walcast_snapshot_bytes{kind=\"initial\"} 77.0",
        "walcast_snapshot_table_rows{kind=\"initial\",table=\"s.a\"} 4.0",
        "walcast_snapshot_table_read_ratio{kind=\"initial\",table=\"s.a\"} 0.5",
        "walcast_slot_retained_bytes 500.0",
        "walcast_slot_retained_limit_bytes 600.0",
        "walcast_slot_safe_bytes -9.0",
        "walcast_slot_wal_status{status=\"extended\"} 1.0",
        "# EOF",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
    for absent in ["table=\"s.b\"", "table=\"s.c\"", "kind=\"incremental\"", "walcast_snapshot_chunk"] {
        assert!(!page.contains(absent), "{absent} is in\n{page}");
    }
}
