//! Whether a snapshot is due.
//!
//! Owns [`decide`]. Pure.
//!
//! Source: Debezium's `Snapshotter` modes; what it calls a stored offset is here the progress that is kept.

use crate::config::SnapshotMode;
use crate::progress::{Book, SnapshotState};

/// What the slot is like when the connector starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// There is none.
    Absent,
    /// It is there, whether it can be read or not.
    There,
}

/// What is done before the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    None,
    /// A snapshot of everything.
    Begin,
    /// The rest of the snapshot that was begun.
    Resume,
    /// Nothing can be done: rows were read and the slot that continued them is gone.
    Gap,
}

/// Decides by `snapshot.mode`, what is kept (`None` where nothing keeps it), and the slot.
///
/// Without a store a slot stands for what was done before: whoever made it has taken the snapshot or wanted none.
#[must_use]
pub fn decide(mode: SnapshotMode, kept: Option<&Book>, slot: Slot) -> Decision {
    let Some(book) = kept else {
        return match (mode, slot) {
            (SnapshotMode::Always | SnapshotMode::InitialOnly, _) => Decision::Begin,
            (mode, Slot::Absent) if reads_first(mode) => Decision::Begin,
            _ => Decision::None,
        };
    };
    let state = book.snapshot().map(|(_, state)| state);
    match (mode, state, slot) {
        (SnapshotMode::NoData, ..) => Decision::None,
        (SnapshotMode::ByFlags(flags), ..) if !flags.data && !flags.on_data_error => Decision::None,
        // What was read so far is continued by nothing.
        (SnapshotMode::InitialOnly, Some(SnapshotState::Running), _) => Decision::Resume,
        (_, Some(SnapshotState::Running), Slot::There) => Decision::Resume,
        (_, Some(SnapshotState::Running), Slot::Absent) | (SnapshotMode::Always, ..) => Decision::Begin,
        (SnapshotMode::ByFlags(flags), None, _) if !flags.data => Decision::None,
        (_, None, _) => Decision::Begin,
        (SnapshotMode::InitialOnly, ..) | (_, Some(SnapshotState::Completed), Slot::There) => Decision::None,
        (SnapshotMode::WhenNeeded, Some(SnapshotState::Completed), Slot::Absent) => Decision::Begin,
        (SnapshotMode::ByFlags(flags), Some(SnapshotState::Completed), Slot::Absent) if flags.on_data_error => {
            Decision::Begin
        }
        (SnapshotMode::ByFlags(flags), Some(SnapshotState::Completed), Slot::Absent) if !flags.stream => Decision::None,
        (SnapshotMode::Initial | SnapshotMode::ByFlags(_), Some(SnapshotState::Completed), Slot::Absent) => {
            Decision::Gap
        }
    }
}

const fn reads_first(mode: SnapshotMode) -> bool {
    match mode {
        SnapshotMode::NoData => false,
        SnapshotMode::ByFlags(flags) => flags.data,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;
    use crate::progress::{Entry, SnapshotId};

    #[test]
    fn each_mode_reads_when_its_name_says_so() {
        use Decision::{Begin, Gap, None as Nothing, Resume};
        let flags = |data, on_data_error, stream| {
            SnapshotMode::ByFlags(Flags { data, on_data_error, stream, ..Flags::default() })
        };
        // With nothing kept, a snapshot that is running, and one that is completed; each without and with a slot.
        for (mode, wanted) in [
            (SnapshotMode::Initial, [Begin, Begin, Begin, Resume, Gap, Nothing]),
            (SnapshotMode::InitialOnly, [Begin, Begin, Resume, Resume, Nothing, Nothing]),
            (SnapshotMode::Always, [Begin, Begin, Begin, Resume, Begin, Begin]),
            (SnapshotMode::WhenNeeded, [Begin, Begin, Begin, Resume, Begin, Nothing]),
            (SnapshotMode::NoData, [Nothing; 6]),
            (flags(true, false, true), [Begin, Begin, Begin, Resume, Gap, Nothing]),
            (flags(true, false, false), [Begin, Begin, Begin, Resume, Nothing, Nothing]),
            (flags(true, true, true), [Begin, Begin, Begin, Resume, Begin, Nothing]),
            (flags(false, true, true), [Nothing, Nothing, Begin, Resume, Begin, Nothing]),
            (flags(false, false, true), [Nothing; 6]),
        ] {
            let book = |state: Option<SnapshotState>| {
                let mut book = Book::default();
                if let Some(state) = state {
                    book.take(Entry::Snapshot { id: SnapshotId("s".to_owned()), state, generations: Vec::new() });
                }
                book
            };
            let mut found = Vec::new();
            for state in [None, Some(SnapshotState::Running), Some(SnapshotState::Completed)] {
                for slot in [Slot::Absent, Slot::There] {
                    found.push(decide(mode, Some(&book(state)), slot));
                }
            }
            assert_eq!(found, wanted, "{mode:?}");
        }
    }

    #[test]
    fn where_nothing_is_kept_a_slot_stands_for_what_was_done() {
        for (mode, without, with) in [
            (SnapshotMode::Initial, Decision::Begin, Decision::None),
            (SnapshotMode::Always, Decision::Begin, Decision::Begin),
            (SnapshotMode::InitialOnly, Decision::Begin, Decision::Begin),
            (SnapshotMode::NoData, Decision::None, Decision::None),
        ] {
            assert_eq!(decide(mode, None, Slot::Absent), without, "{mode:?}");
            assert_eq!(decide(mode, None, Slot::There), with, "{mode:?}");
        }
    }
}
