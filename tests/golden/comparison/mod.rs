//! Compares walcast's records with Debezium's, byte for byte, but for the known differences.
//!
//! Owns [`Recorded`], [`topics`] and [`Differences`]. Knows neither recordings nor servers, since both the recorded and
//! the live comparison use it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

pub(crate) mod known;
mod ranges;
mod spans;

pub(crate) use known::Known;
pub(crate) use spans::{AvroSchemas, schema_id};

/// Differences told at most; the rest are counted.
const TOLD_MAX: usize = 60;
/// Bytes shown before and behind a difference.
const CONTEXT_BYTES: usize = 40;
/// Bytes shown of a difference at most.
const SHOWN_MAX_BYTES: usize = 240;

/// A record as it stands in a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

/// Records by topic, in the order of each topic's partition.
pub(crate) type Topics = BTreeMap<String, Vec<Recorded>>;

/// All differences found.
#[derive(Debug, Default)]
pub(crate) struct Differences(Vec<String>);

impl Differences {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn tell(&mut self, difference: String) {
        self.0.push(difference);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} differences from Debezium's records", self.len())?;
        self.iter().take(TOLD_MAX).try_for_each(|told| writeln!(f, "{told}"))
    }
}

/// What a row's block `source` says of the snapshot that read it.
const SNAPSHOT: &str = "source.snapshot";

/// What a comparison needs to know.
pub(crate) struct Comparison<'c> {
    /// What may differ.
    pub(crate) known: &'c Known,
    /// The schemas of Avro records on both sides.
    pub(crate) schemas: &'c AvroSchemas,
    /// Names the recording or run in what is told.
    pub(crate) place: String,
}

impl Comparison<'_> {
    /// Compares all topics; gives the number of Debezium's records that were compared.
    pub(crate) fn topics(&self, ours: &Topics, theirs: &Topics, into: &mut Differences) -> usize {
        let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
        let mut compared = 0;
        for topic in names.into_iter().filter(|topic| !self.known.is_own_topic(topic)) {
            let theirs = theirs.get(topic).map_or(&[][..], Vec::as_slice);
            let ours = ours.get(topic).map_or(&[][..], Vec::as_slice);
            if theirs.len() != ours.len() {
                let place = format!("{} {topic}", self.place);
                into.tell(format!("{place}: {} records, Debezium has {}", ours.len(), theirs.len()));
            }
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                self.record(&format!("{} {topic} record {index}", self.place), ours, theirs, into);
                compared += 1;
            }
        }
        compared
    }

    fn record(&self, place: &str, ours: &Recorded, theirs: &Recorded, into: &mut Differences) {
        part(&format!("{place} key"), [ours, theirs].map(|record| record.key.as_deref()), &[], into);
        let values = [ours, theirs].map(|record| record.value.as_deref());
        part(&format!("{place} value"), values, &self.skipped(values), into);
        let names = |record: &Recorded| record.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        if names(ours) != names(theirs) {
            into.tell(format!("{place}: headers {:?}, Debezium has {:?}", names(ours), names(theirs)));
            return;
        }
        for ((name, mine), (_, its)) in ours.headers.iter().zip(&theirs.headers) {
            if !self.known.header_may_differ(name, mine, its) {
                part(&format!("{place} header {name}"), [Some(&**mine), Some(&**its)], &[], into);
            }
        }
    }

    /// The fields of two values that may differ, in the order of their bytes. Where only one side has a field, that is
    /// a difference as well.
    fn skipped(&self, values: [Option<&[u8]>; 2]) -> Vec<[Range<usize>; 2]> {
        let [Some(ours), Some(theirs)] = values else { return Vec::new() };
        let (mine, its) = (spans::of(ours, self.schemas), spans::of(theirs, self.schemas));
        let is_beside = its.get(SNAPSHOT).is_some_and(|mark| Known::is_beside(&theirs[mark.clone()]));
        let both = its.into_iter().filter_map(|(field, its)| Some((mine.get(&field)?.clone(), field, its)));
        let mut skipped: Vec<_> = both
            .filter(|(mine, field, its)| {
                self.known.may_differ(field, &ours[mine.clone()], &theirs[its.clone()])
                    || is_beside && self.known.may_differ_beside(field)
            })
            .map(|(mine, _, its)| [mine, its])
            .collect();
        skipped.sort_by_key(|[_, its]| its.start);
        if skipped.is_sorted_by_key(|[mine, _]| mine.start) { skipped } else { Vec::new() }
    }
}

/// Compares two byte strings but for some ranges, ours first.
fn part(place: &str, sides: [Option<&[u8]>; 2], skipped: &[[Range<usize>; 2]], into: &mut Differences) {
    if sides[0] == sides[1] {
        return;
    }
    let [Some(ours), Some(theirs)] = sides else {
        let told = |bytes: Option<&[u8]>| if bytes.is_some() { "bytes" } else { "null" };
        into.tell(format!("{place}: {}, Debezium has {}", told(sides[0]), told(sides[1])));
        return;
    };
    let mut start = [0, 0];
    let end = [ours.len()..ours.len(), theirs.len()..theirs.len()];
    for skipped in skipped.iter().chain([&end]) {
        let [mine, its] = [start[0]..skipped[0].start, start[1]..skipped[1].start];
        start = [skipped[0].end, skipped[1].end];
        for (left, right) in ranges::differing(&ours[mine.clone()], &theirs[its.clone()]) {
            let (mine, its) = (moved(&left, mine.start), moved(&right, its.start));
            into.tell(format!(
                "{place}: bytes {}..{} of {}, Debezium's {}..{} of {}\n    ours {}\n    its  {}",
                mine.start,
                mine.end,
                ours.len(),
                its.start,
                its.end,
                theirs.len(),
                excerpt(ours, &mine),
                excerpt(theirs, &its),
            ));
        }
    }
}

const fn moved(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}
/// A range with what stands around it: text as it is, other bytes in hexadecimal digits.
fn excerpt(bytes: &[u8], range: &Range<usize>) -> String {
    let start = range.start.saturating_sub(CONTEXT_BYTES);
    let end = (range.end + CONTEXT_BYTES).min(bytes.len()).min(range.start + SHOWN_MAX_BYTES);
    let shown = bytes.get(start..end).unwrap_or_default();
    match bytes.first() {
        Some(0) => shown.iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => String::from_utf8_lossy(shown).into_owned(),
    }
}
