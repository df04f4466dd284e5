//! Compares records and tells where they differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::recording::{Recorded, Recording};

/// Differences told at most; the rest are counted.
const TOLD_MAX: usize = 60;
/// Bytes shown on each side of a difference.
const CONTEXT_BYTES: usize = 60;

/// All differences found.
#[derive(Default)]
pub(super) struct Differences(Vec<String>);

impl Differences {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn none_or_panic(&self) {
        assert!(self.0.is_empty(), "{self}");
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} differences from Debezium's records", self.0.len())?;
        self.0.iter().take(TOLD_MAX).try_for_each(|told| writeln!(f, "{told}"))
    }
}

/// Compares all topics of a recording. Logical messages have records of their own kind, which walcast does not
/// write yet; their topic is left out.
pub(super) fn records(recording: &Recording, ours: &BTreeMap<String, Vec<Recorded>>, into: &mut Differences) {
    let mut theirs: BTreeMap<&str, Vec<&Recorded>> = BTreeMap::new();
    for (topic, record) in recording.records.iter().filter(|(topic, _)| !topic.ends_with(".message")) {
        theirs.entry(topic).or_default().push(record);
    }
    let topics: BTreeSet<&str> = theirs.keys().copied().chain(ours.keys().map(String::as_str)).collect();
    for topic in topics {
        let place = format!("{} {} {topic}", recording.server, recording.scenario);
        let theirs = theirs.get(topic).map_or(&[][..], Vec::as_slice);
        let ours = ours.get(topic).map_or(&[][..], Vec::as_slice);
        if theirs.len() != ours.len() {
            into.0.push(format!("{place}: {} records, Debezium has {}", ours.len(), theirs.len()));
        }
        for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            record(&format!("{place} record {index}"), ours, theirs, into);
        }
    }
}

fn record(place: &str, ours: &Recorded, theirs: &Recorded, into: &mut Differences) {
    let (mine, its) = (masked(ours), masked(theirs));
    bytes(&format!("{place} key"), mine.key.as_deref(), its.key.as_deref(), into);
    bytes(&format!("{place} value"), mine.value.as_deref(), its.value.as_deref(), into);
    let names = |record: &Recorded| record.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if names(&mine) != names(&its) {
        into.0.push(format!("{place}: headers {:?}, Debezium has {:?}", names(&mine), names(&its)));
        return;
    }
    for ((name, mine), (_, its)) in mine.headers.iter().zip(&its.headers) {
        bytes(&format!("{place} header {name}"), Some(mine), Some(its), into);
    }
}

fn bytes(place: &str, ours: Option<&[u8]>, theirs: Option<&[u8]>, into: &mut Differences) {
    if ours == theirs {
        return;
    }
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        let told = |bytes: Option<&[u8]>| if bytes.is_some() { "bytes" } else { "null" };
        into.0.push(format!("{place}: {}, Debezium has {}", told(ours), told(theirs)));
        return;
    };
    let same = ours.iter().zip(theirs).take_while(|(ours, theirs)| ours == theirs).count();
    let rest = ours[same..].iter().rev().zip(theirs[same..].iter().rev());
    let same_tail = rest.take_while(|(ours, theirs)| ours == theirs).count();
    let excerpt = |bytes: &[u8]| {
        let end = (bytes.len() - same_tail + CONTEXT_BYTES / 3).min(bytes.len()).min(same + 4 * CONTEXT_BYTES);
        String::from_utf8_lossy(&bytes[same.saturating_sub(CONTEXT_BYTES)..end]).into_owned()
    };
    into.0.push(format!(
        "{place}: bytes {same}..{} of {}\n    ours {}\n    its  {}",
        ours.len() - same_tail,
        ours.len(),
        excerpt(ours),
        excerpt(theirs)
    ));
}

/// Clocks, version and run id replaced: all that may differ.
fn masked(record: &Recorded) -> Recorded {
    let mut masked = record.clone();
    if let Some(value) = &mut masked.value {
        mask_after(value, b"\"source\":{\"version\":\"", b"\"");
        for (clock, end) in [("\"ts_ms\":", &b","[..]), ("\"ts_us\":", b","), ("\"ts_ns\":", b"}")] {
            let operation = value.windows(6).rposition(|window| window == b"\"op\":\"").unwrap_or(0);
            mask_from(value, operation, clock.as_bytes(), end);
        }
    }
    for (name, value) in &mut masked.headers {
        if name == "__debezium.context.runId" && is_uuid_version_7(value) {
            *value = b"*".to_vec();
        }
    }
    masked
}

fn mask_after(value: &mut Vec<u8>, label: &[u8], end: &[u8]) {
    mask_from(value, 0, label, end);
}

/// Replaces what stands between a label and what follows it, from a position on, by an asterisk.
fn mask_from(value: &mut Vec<u8>, from: usize, label: &[u8], end: &[u8]) {
    let Some(at) = value[from..].windows(label.len()).position(|window| window == label) else { return };
    let start = from + at + label.len();
    let Some(length) = value[start..].windows(end.len()).position(|window| window == end) else { return };
    value.splice(start..start + length, *b"*");
}

fn is_uuid_version_7(value: &[u8]) -> bool {
    std::str::from_utf8(value)
        .ok()
        .and_then(|text| uuid::Uuid::parse_str(text).ok())
        .is_some_and(|uuid| uuid.get_version_num() == 7)
}
