//! A sink that keeps its records, for tests and for whoever wants to look at them.
//!
//! Owns [`MemorySink`] and [`Script`], the faults it plays. What it has taken is seen through [`MemoryLog`], which
//! outlives the sink as brokers outlive a producer. Must never be slower or kinder than its script says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::ledger::Ticket;
use crate::sink::{Append, Deliveries, Depth, Header, Record, Sink, Waiting};

/// A record as it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Topic name.
    pub topic: Arc<str>,
    /// `None` is Kafka's null key.
    pub key: Option<Vec<u8>>,
    /// `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// All headers, in wire order.
    pub headers: Vec<Header>,
    /// The unit it belongs to.
    pub ticket: Ticket,
}

impl Kept {
    fn of(record: &Record<'_>) -> Self {
        let headers = record.headers.iter().map(|(key, value)| Header { key: key.to_owned(), value: value.to_vec() });
        Self {
            topic: Arc::clone(record.topic),
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: headers.collect(),
            ticket: record.ticket,
        }
    }

    fn bytes(&self) -> u64 {
        (self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len)) as u64
    }
}

/// When taken records are delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// With the next `poll`.
    #[default]
    AtOnce,
    /// By [`MemoryLog::release`] and [`MemoryLog::release_newest`] only.
    OnDemand,
    /// With the next `poll`, the newest first.
    Reversed,
}

/// The faults to play.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// When taken records are delivered.
    pub delivery: Delivery,
    /// So many appends are answered with [`Append::Full`] first.
    pub full_appends: u64,
    /// Records held undelivered at most; `None` is without a bound.
    pub records_max: Option<u64>,
    /// After so many deliveries the sink fails with this kind.
    pub fail_after: Option<(u64, Kind)>,
    /// Topics that cannot be prepared, nor written to.
    pub refused_topics: Vec<Arc<str>>,
}

#[derive(Debug, Default)]
struct State {
    delivered: Vec<Kept>,
    waiting: VecDeque<Kept>,
    waiting_bytes: u64,
    /// Delivered, but not yet told.
    untold: Deliveries,
    prepared: Vec<Arc<str>>,
    closed: bool,
}

impl State {
    fn deliver(&mut self, kept: Kept) {
        self.waiting_bytes -= kept.bytes();
        self.untold.add(kept.ticket, 1);
        self.delivered.push(kept);
    }
}

/// What a [`MemorySink`] was given. Cloning gives another handle of the same.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog(Arc<Mutex<State>>);

impl MemoryLog {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of the state is complete when its lock is released, so a panic elsewhere leaves it valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records delivered so far, in the order of delivery.
    #[must_use]
    pub fn delivered(&self) -> Vec<Kept> {
        self.state().delivered.clone()
    }

    /// Records taken and not delivered, in the order they were taken.
    #[must_use]
    pub fn waiting(&self) -> Vec<Kept> {
        self.state().waiting.iter().cloned().collect()
    }

    /// Topics that were prepared, in order.
    #[must_use]
    pub fn prepared(&self) -> Vec<Arc<str>> {
        self.state().prepared.clone()
    }

    /// Whether the sink was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Delivers up to `records` of the oldest that wait; says how many it were.
    pub fn release(&self, records: usize) -> usize {
        let mut state = self.state();
        let count = records.min(state.waiting.len());
        for _ in 0..count {
            if let Some(kept) = state.waiting.pop_front() {
                state.deliver(kept);
            }
        }
        count
    }

    /// Delivers up to `records` of the newest that wait, the newest first; says how many it were.
    pub fn release_newest(&self, records: usize) -> usize {
        let mut state = self.state();
        let count = records.min(state.waiting.len());
        for _ in 0..count {
            if let Some(kept) = state.waiting.pop_back() {
                state.deliver(kept);
            }
        }
        count
    }
}

/// A sink in memory. See the module.
#[derive(Debug, Default)]
pub struct MemorySink {
    log: MemoryLog,
    script: Script,
    told: u64,
    failed: Option<Kind>,
}

impl MemorySink {
    /// A sink that plays a script.
    #[must_use]
    pub fn new(script: Script) -> Self {
        Self { script, ..Self::default() }
    }

    /// A sink that plays a script and writes to a log that stands already, as after a restart.
    #[must_use]
    pub fn onto(log: MemoryLog, script: Script) -> Self {
        {
            // What an earlier producer had not delivered died with it.
            let mut state = log.state();
            state.waiting.clear();
            state.waiting_bytes = 0;
            state.untold = Deliveries::default();
            state.closed = false;
        }
        Self { log, script, told: 0, failed: None }
    }

    /// What it was given.
    #[must_use]
    pub fn log(&self) -> MemoryLog {
        self.log.clone()
    }

    fn failure(kind: Kind) -> Error {
        Error::new(kind, "the script says so").hint("change the script")
    }

    fn refusal(topic: &str) -> Error {
        Error::new(Kind::SinkRefused, format!("topic {topic} is refused by the script")).hint("change the script")
    }
}

impl Sink for MemorySink {
    fn prepare(&self, topics: Vec<Arc<str>>) -> Waiting<()> {
        let refused = topics.iter().find(|topic| self.script.refused_topics.contains(topic)).cloned();
        if refused.is_none() {
            self.log.state().prepared.extend(topics);
        }
        Box::pin(std::future::ready(refused.map_or(Ok(()), |topic| Err(Self::refusal(&topic)))))
    }

    fn append(&mut self, record: &Record<'_>) -> Result<Append> {
        if let Some(kind) = self.failed {
            return Err(Self::failure(kind));
        }
        if self.script.refused_topics.contains(record.topic) {
            self.failed = Some(Kind::SinkRefused);
            return Err(Self::refusal(record.topic));
        }
        if self.script.full_appends > 0 {
            self.script.full_appends -= 1;
            return Ok(Append::Full);
        }
        let mut state = self.log.state();
        if self.script.records_max.is_some_and(|most| state.waiting.len() as u64 >= most) {
            return Ok(Append::Full);
        }
        let kept = Kept::of(record);
        state.waiting_bytes += kept.bytes();
        state.waiting.push_back(kept);
        Ok(Append::Taken)
    }

    fn poll(&mut self, into: &mut Deliveries) -> Result<()> {
        if let Some(kind) = self.failed {
            return Err(Self::failure(kind));
        }
        let mut state = self.log.state();
        match self.script.delivery {
            Delivery::OnDemand => {}
            Delivery::AtOnce => {
                while let Some(kept) = state.waiting.pop_front() {
                    state.deliver(kept);
                }
            }
            Delivery::Reversed => {
                while let Some(kept) = state.waiting.pop_back() {
                    state.deliver(kept);
                }
            }
        }
        for (ticket, records) in std::mem::take(&mut state.untold).runs {
            let most = self.script.fail_after.map_or(u64::MAX, |(most, _)| most.saturating_sub(self.told));
            if most > 0 {
                into.add(ticket, records.min(most));
            }
            self.told += records.min(most);
            if let Some((_, kind)) = self.script.fail_after
                && records > most
            {
                self.failed = Some(kind);
                return Err(Self::failure(kind));
            }
        }
        Ok(())
    }

    fn depth(&self) -> Depth {
        let state = self.log.state();
        let untold: u64 = state.untold.runs.iter().map(|(_, records)| records).sum();
        Depth { records: state.waiting.len() as u64 + untold, bytes: state.waiting_bytes }
    }

    fn close(self, _patience: Duration) {
        self.log.state().closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::{Headers, Stamps};

    fn append(sink: &mut MemorySink, ticket: u64, value: &[u8]) -> Result<Append> {
        let (topic, shared): (Arc<str>, Arc<[Header]>) = (Arc::from("t"), Arc::from([]));
        sink.append(&Record {
            topic: &topic,
            key: Some(b"k"),
            value: Some(value),
            partition: None,
            headers: Headers { own: Some(("own", b"1")), shared: &shared, stamps: Stamps::NONE },
            unix_millis: None,
            ticket: Ticket::from_u64(ticket),
        })
    }

    fn polled(sink: &mut MemorySink) -> Vec<(u64, u64)> {
        let mut into = Deliveries::default();
        sink.poll(&mut into).unwrap();
        into.runs.iter().map(|(ticket, records)| (ticket.as_u64(), *records)).collect()
    }

    #[test]
    fn records_are_kept_and_reported_by_unit() {
        let mut sink = MemorySink::default();
        for ticket in [0, 0, 1] {
            assert_eq!(append(&mut sink, ticket, b"v").unwrap(), Append::Taken);
        }
        assert_eq!(sink.depth(), Depth { records: 3, bytes: 6 });
        assert_eq!(polled(&mut sink), [(0, 2), (1, 1)]);
        assert_eq!(sink.depth(), Depth::default());
        assert_eq!(sink.log().delivered()[0].headers, [Header { key: "own".to_owned(), value: b"1".to_vec() }]);
    }

    #[test]
    fn full_takes_nothing() {
        let mut sink = MemorySink::new(Script { full_appends: 2, records_max: Some(1), ..Script::default() });
        let answers: Vec<_> = (0..4).map(|_| append(&mut sink, 0, b"v").unwrap()).collect();
        assert_eq!(answers, [Append::Full, Append::Full, Append::Taken, Append::Full]);
        assert_eq!(sink.log().waiting().len(), 1);
    }

    #[test]
    fn delivery_waits_for_the_demand_and_may_be_out_of_order() {
        let mut sink = MemorySink::new(Script { delivery: Delivery::OnDemand, ..Script::default() });
        for ticket in 0..4 {
            assert_eq!(append(&mut sink, ticket, b"v").unwrap(), Append::Taken);
        }
        assert_eq!(polled(&mut sink), []);
        assert_eq!((sink.log().release_newest(1), sink.log().release(2), sink.depth().records), (1, 2, 4));
        assert_eq!(polled(&mut sink), [(3, 1), (0, 1), (1, 1)]);
        assert_eq!(sink.log().release(9), 1);
    }

    #[test]
    fn a_failed_sink_stays_failed_and_has_told_what_went_before() {
        let mut sink = MemorySink::new(Script { fail_after: Some((2, Kind::SinkUnavailable)), ..Script::default() });
        for ticket in [0, 1, 1] {
            assert_eq!(append(&mut sink, ticket, b"v").unwrap(), Append::Taken);
        }
        let mut into = Deliveries::default();
        assert_eq!(sink.poll(&mut into).unwrap_err().kind(), Kind::SinkUnavailable);
        assert_eq!(into.runs, [(Ticket::from_u64(0), 1), (Ticket::from_u64(1), 1)]);
        assert!(append(&mut sink, 2, b"v").is_err());
        assert!(sink.poll(&mut into).is_err());
    }

    #[test]
    fn a_log_outlives_its_sink() {
        // Given a sink that died with a record undelivered, when the next one writes to the log, then only
        // what was delivered stands before.
        let mut first = MemorySink::default();
        assert_eq!(append(&mut first, 0, b"a").unwrap(), Append::Taken);
        assert_eq!(polled(&mut first), [(0, 1)]);
        assert_eq!(append(&mut first, 1, b"lost").unwrap(), Append::Taken);
        let log = first.log();
        first.close(Duration::ZERO);
        assert!(log.is_closed());
        let mut second = MemorySink::onto(log.clone(), Script::default());
        assert_eq!(append(&mut second, 5, b"b").unwrap(), Append::Taken);
        assert_eq!(polled(&mut second), [(5, 1)]);
        let values: Vec<_> = log.delivered().into_iter().filter_map(|kept| kept.value).collect();
        assert_eq!(values, [b"a", b"b"]);
    }

    #[tokio::test]
    async fn a_refused_topic_is_named() {
        let sink = MemorySink::new(Script { refused_topics: vec![Arc::from("no")], ..Script::default() });
        assert!(sink.prepare(vec![Arc::from("yes")]).await.is_ok());
        let error = sink.prepare(vec![Arc::from("no")]).await.unwrap_err();
        assert_eq!((error.kind(), error.message().contains("no")), (Kind::SinkRefused, true));
        assert_eq!(sink.log().prepared(), [Arc::from("yes")]);
    }
}
