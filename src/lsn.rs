//! Positions in the write-ahead log, each kind with a type of its own.
//!
//! Owns: [`Lsn`] and the three meanings a bare LSN can have here ([`CommitLsn`], [`EndLsn`] and, in
//! [`crate::ledger`], `ConfirmedLsn`), and [`Position`], the only thing events are ordered by.
//!
//! Invariants:
//! - `CommitLsn` is the start of a commit record; `EndLsn` is the first byte after one, or a keepalive's
//!   position. Acknowledging a `CommitLsn` would have that transaction sent again, so nothing converts the
//!   one into the other.
//! - There is no conversion from any of these to a confirmed LSN: only the ledger makes one.
//!
//! Chain, per timeline: `row lsn < commit <= end <= next transaction's commit`.

use std::fmt;
use std::str::FromStr;

/// A byte position in the write-ahead log, unsigned as the server counts it.
///
/// Shown and parsed in PostgreSQL's form, two upper-case hexadecimal halves: `16/B374D848`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(u64);

impl Lsn {
    /// `0/0`, which the server reads as "not known".
    pub const ZERO: Self = Self(0);

    /// Makes an LSN from its 64-bit form on the wire.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The 64-bit form on the wire.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The signed form that a Java `long` holds, as `source.lsn` carries it.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0.cast_signed()
    }

    /// Bytes of log from `earlier` to `self`; zero where `earlier` is not earlier.
    #[must_use]
    pub const fn bytes_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// A text that is not two hexadecimal halves of at most eight digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnLsn;

impl fmt::Display for NotAnLsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an LSN: expected two hexadecimal halves such as 16/B374D848")
    }
}

impl std::error::Error for NotAnLsn {}

impl FromStr for Lsn {
    type Err = NotAnLsn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (high, low) = text.split_once('/').ok_or(NotAnLsn)?;
        Ok(Self((u64::from(half(high)?) << 32) | u64::from(half(low)?)))
    }
}

fn half(text: &str) -> Result<u32, NotAnLsn> {
    if text.is_empty() || text.len() > 8 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(NotAnLsn);
    }
    u32::from_str_radix(text, 16).map_err(|_| NotAnLsn)
}

/// The start of a transaction's commit record, from `Begin.final_lsn` or `Commit.commit_lsn`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitLsn(Lsn);

impl CommitLsn {
    /// Marks an LSN as the start of a commit record.
    #[must_use]
    pub const fn new(lsn: Lsn) -> Self {
        Self(lsn)
    }

    /// The bare position.
    #[must_use]
    pub const fn lsn(self) -> Lsn {
        self.0
    }
}

impl fmt::Display for CommitLsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The first byte after a commit record, or the position a keepalive names: what may be acknowledged once
/// everything before it is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndLsn(Lsn);

impl EndLsn {
    /// Marks an LSN as an end position.
    #[must_use]
    pub const fn new(lsn: Lsn) -> Self {
        Self(lsn)
    }

    /// The bare position.
    #[must_use]
    pub const fn lsn(self) -> Lsn {
        self.0
    }
}

impl fmt::Display for EndLsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an event stands: the commit of its transaction, then its ordinal among what the slot sent in it.
///
/// The ordinal counts rows, truncates and transactional messages from 1, before any filter, so that it does
/// not move when a filter is changed. A row's own LSN is metadata and is never compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Commit of the transaction.
    pub commit: CommitLsn,
    /// 1 for the first change of the transaction; 0 stands before it.
    pub ordinal: u64,
}

impl Position {
    /// Before every change of a transaction.
    #[must_use]
    pub const fn begin(commit: CommitLsn) -> Self {
        Self { commit, ordinal: 0 }
    }

    /// Behind every change of a transaction.
    #[must_use]
    pub const fn end(commit: CommitLsn) -> Self {
        Self { commit, ordinal: u64::MAX }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.commit, self.ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_are_the_same_position() {
        for (text, value) in [("0/0", 0), ("16/B374D848", 0x16_B374_D848), ("FFFFFFFF/FFFFFFFF", u64::MAX)] {
            assert_eq!(text.parse::<Lsn>(), Ok(Lsn::new(value)));
            assert_eq!(Lsn::new(value).to_string(), text);
        }
        assert_eq!("00000016/0000000A".parse::<Lsn>(), Ok(Lsn::new(0x16_0000_000A)), "padded form of newer servers");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "/", "1", "1/", "/1", "1/2/3", "+1/2", "1/-2", "1/123456789", "g/0", " 1/2"] {
            assert_eq!(text.parse::<Lsn>(), Err(NotAnLsn), "{text:?}");
        }
    }

    #[test]
    fn positions_order_by_commit_then_ordinal() {
        let at = |commit, ordinal| Position { commit: CommitLsn::new(Lsn::new(commit)), ordinal };
        assert!(at(1, 9) < at(2, 1));
        assert!(at(2, 1) < at(2, 2));
    }
}
