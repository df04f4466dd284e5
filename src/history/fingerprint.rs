//! What tells two versions of a table apart.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::record::Shape;
use crate::catalog::RelationVersion;

/// SHA-256 over a relation version's [`Shape`] in JSON without blanks: what a reader of the history gets by hashing the
/// members from `schema` to `replica_identity` of a record as they stand in it.
///
/// OIDs are not in it, because a restore changes them; nor is anything that is configured, because the same table has the
/// same version whatever its columns are written as.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a relation version.
    #[must_use]
    pub fn of(relation: &RelationVersion) -> Self {
        Self::of_shape(&Shape::of(relation))
    }

    pub(super) fn of_shape(shape: &Shape<'_>) -> Self {
        Self(Sha256::digest(shape.to_json()).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotAFingerprint);
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(at * 2..at * 2 + 2).ok_or(NotAFingerprint)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NotAFingerprint)?;
        }
        Ok(Self(bytes))
    }
}
