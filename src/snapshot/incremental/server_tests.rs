//! A model of the server: transactions, the log, and what is visible.

use std::collections::{BTreeMap, BTreeSet};

use super::Sight;

/// A change in commit order: a key has this number from then on, or is gone with it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Write {
    Put(u8),
    Remove(u8),
    /// From the first key to the second.
    Move(u8, u8),
    Empty,
}

#[derive(Clone, Debug)]
pub(super) struct Commit {
    pub(super) xid: u32,
    pub(super) end: u64,
    place: u64,
    pub(super) writes: Vec<Write>,
}

impl Commit {
    /// The number of one of its writes.
    pub(super) fn number(&self, at: usize) -> u64 {
        self.place * 1_000 + at as u64
    }
}

pub(super) struct Server {
    pub(super) random: fastrand::Rng,
    next_xid: u32,
    pub(super) end: u64,
    pub(super) open: BTreeMap<u32, Vec<Write>>,
    pub(super) log: Vec<Commit>,
    /// Committed and still seen as running.
    pub(super) invisible: BTreeSet<u32>,
    /// Rows as everybody sees them, by key, with the number of their last change.
    pub(super) rows: BTreeMap<u8, u64>,
}

impl Server {
    /// There are so many keys.
    pub(super) const KEYS: u8 = 9;

    pub(super) fn new(mut random: fastrand::Rng, rows: BTreeMap<u8, u64>) -> Self {
        // Ids wrap in the middle of some runs.
        let next_xid = if random.bool() { u32::MAX - 5 } else { u32::MAX / 2 + 100 };
        let (open, log, invisible) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
        Self { random, next_xid, end: 100, open, log, invisible, rows }
    }

    /// Keys that a transaction other than this one has locked.
    fn locked(&self, own: u32) -> BTreeSet<u8> {
        let open = self.open.iter().filter(|(xid, _)| **xid != own).map(|(_, writes)| writes);
        let hidden = self.log.iter().filter(|commit| self.invisible.contains(&commit.xid));
        let keys = |write: &Write| match *write {
            Write::Put(key) | Write::Remove(key) => vec![key],
            Write::Move(from, to) => vec![from, to],
            Write::Empty => (0..Self::KEYS).collect(),
        };
        open.chain(hidden.map(|commit| &commit.writes)).flatten().flat_map(keys).collect()
    }

    pub(super) fn write(&mut self) {
        let first = self.open.keys().next().copied();
        let xid = match first {
            Some(xid) if self.random.bool() => xid,
            _ => self.next_xid.wrapping_add(self.random.u32(1..3)),
        };
        let locked = self.locked(xid);
        let key = self.random.u8(0..Self::KEYS);
        let to = self.random.u8(0..Self::KEYS);
        let write = match self.random.u8(0..10) {
            0..4 => Write::Put(key),
            4..6 => Write::Remove(key),
            6..9 if to != key && !locked.contains(&to) => Write::Move(key, to),
            9 if locked.is_empty() => Write::Empty,
            _ => return,
        };
        if locked.contains(&key) {
            return;
        }
        if Some(xid) != first {
            self.next_xid = xid;
        }
        self.open.entry(xid).or_default().push(write);
    }

    pub(super) fn commit(&mut self) {
        let open: Vec<u32> = self.open.keys().copied().collect();
        if open.is_empty() {
            return;
        }
        let xid = open[self.random.usize(0..open.len())];
        let writes = self.open.remove(&xid).unwrap();
        self.end += 1;
        self.log.push(Commit { xid, end: self.end, place: self.log.len() as u64 + 1, writes });
        self.invisible.insert(xid);
        if self.random.u8(0..3) > 0 {
            self.show(xid);
        }
    }

    /// A commit becomes visible.
    fn show(&mut self, xid: u32) {
        self.invisible.remove(&xid);
        let commit = self.log.iter().find(|commit| commit.xid == xid).unwrap().clone();
        for (at, write) in commit.writes.iter().enumerate() {
            apply(&mut self.rows, *write, commit.number(at));
        }
    }

    pub(super) fn show_one(&mut self) {
        let waiting: Vec<u32> = self.invisible.iter().copied().collect();
        if !waiting.is_empty() {
            let at = self.random.usize(0..waiting.len());
            self.show(waiting[at]);
        }
    }

    pub(super) fn sight(&self) -> Sight {
        const EPOCH: u64 = 5 << 32;
        let wide =
            |xid: u32| if xid > u32::MAX / 2 { EPOCH + u64::from(xid) } else { EPOCH + (1 << 32) + u64::from(xid) };
        let running: Vec<u64> = self.open.keys().chain(&self.invisible).map(|xid| wide(*xid)).collect();
        let xmax = wide(self.next_xid) + 1;
        let xmin = running.iter().copied().min().unwrap_or(xmax);
        let running: Vec<String> = running.iter().map(u64::to_string).collect();
        Sight::parse(&format!("{xmin}:{xmax}:{}", running.join(","))).unwrap()
    }
}

/// A move makes a row where there was none, as an upsert would: it keeps the model small.
fn apply(rows: &mut BTreeMap<u8, u64>, write: Write, number: u64) {
    match write {
        Write::Put(key) => drop(rows.insert(key, number)),
        Write::Remove(key) => drop(rows.remove(&key)),
        Write::Move(from, to) => {
            rows.remove(&from);
            rows.insert(to, number);
        }
        Write::Empty => rows.clear(),
    }
}
