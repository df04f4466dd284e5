//! stub
use crate::error::Error;
use crate::lsn::Lsn;
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Metrics;
#[derive(Debug, Clone, Copy)]
pub enum State {
    Starting,
    Streaming,
    Reconnecting,
    Stopping,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Create,
    Update,
    Delete,
    Truncate,
}
impl Operation {
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Truncate];
}
#[derive(Debug)]
pub struct TableMetrics;
impl TableMetrics {
    pub fn events(&self, _o: Operation, _n: u64) {}
    pub fn bytes(&self, _n: u64) {}
}
impl Metrics {
    pub fn table(&self, _s: &str, _t: &str) -> TableMetrics {
        TableMetrics
    }
    pub fn delivered_after(&self, _d: Duration) {}
    pub fn state(&self, s: State) {
        eprintln!("state {s:?}");
    }
    pub fn failed(&self, e: &Error) {
        eprintln!("{}", e.report());
    }
    pub fn positions(&self, _received: Lsn, _confirmed: Option<Lsn>) {}
    pub fn queue(&self, _records: u64, _bytes: u64) {}
}
