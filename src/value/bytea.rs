//! `bytea`: hexadecimal text or raw bytes.

use std::fmt;

use super::network::hex_digit;
use super::scalar::hex_pair;
use super::{Bytes, Reason};

impl<'a> Bytes<'a> {
    /// `byteaout` with `bytea_output` hex.
    #[inline]
    pub(in crate::value) fn from_text(text: &'a [u8]) -> Result<Self, Reason> {
        Self::from_hex(text.strip_prefix(b"\\x").ok_or(Reason::Syntax)?)
    }

    /// Hexadecimal digits alone.
    #[inline]
    pub(in crate::value) fn from_hex(digits: &'a [u8]) -> Result<Self, Reason> {
        let (pairs, odd) = digits.as_chunks::<2>();
        if odd.is_empty() && pairs.iter().all(|pair| hex_pair(*pair).is_some()) {
            Ok(Self::Hex(digits))
        } else {
            Err(Reason::Syntax)
        }
    }

    /// Number of bytes of the content.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Hex(digits) => digits.len() / 2,
            Self::Raw(bytes) => bytes.len(),
        }
    }

    /// Whether there is no content.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first bytes of the content, all of it where it has no more.
    #[must_use]
    pub fn prefix(self, length: usize) -> Self {
        match self {
            Self::Hex(digits) => Self::Hex(digits.get(..length.saturating_mul(2)).unwrap_or(digits)),
            Self::Raw(bytes) => Self::Raw(bytes.get(..length).unwrap_or(bytes)),
        }
    }

    /// The first bytes of the content, where there are as many.
    pub(in crate::value) fn first_bytes<const N: usize>(&self) -> Option<[u8; N]> {
        match self {
            Self::Hex(digits) => {
                let mut bytes = [0; N];
                let first = digits.as_chunks::<2>().0.get(..N)?;
                bytes.iter_mut().zip(first).for_each(|(byte, pair)| *byte = hex_pair(*pair).unwrap_or_default());
                Some(bytes)
            }
            Self::Raw(bytes) => bytes.first_chunk().copied(),
        }
    }

    /// Appends the content in hexadecimal digits, lower case where it came as bytes.
    pub fn write_hex(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hex(digits) => out.extend_from_slice(digits),
            Self::Raw(bytes) => {
                out.extend(bytes.iter().flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 0x0f)]))
            }
        }
    }

    /// Appends the content.
    pub fn decode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hex(digits) => out.extend(pairs(digits)),
            Self::Raw(bytes) => out.extend_from_slice(bytes),
        }
    }
}

fn pairs(digits: &[u8]) -> impl Iterator<Item = u8> {
    digits.as_chunks::<2>().0.iter().map(|pair| hex_pair(*pair).unwrap_or_default())
}

impl PartialEq for Bytes<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Raw(a), Self::Raw(b)) => a == b,
            (Self::Hex(a), Self::Hex(b)) => a.eq_ignore_ascii_case(b),
            (Self::Hex(digits), Self::Raw(bytes)) | (Self::Raw(bytes), Self::Hex(digits)) => {
                pairs(digits).eq(bytes.iter().copied())
            }
        }
    }
}

impl Eq for Bytes<'_> {}

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.len())
    }
}
