//! `bit` and `bit varying`: digits or packed bytes.
//!
//! Source: `bit_out` and `bit_send` in the server's `varbit.c`.

use super::Reason;

/// A bit string in the form it came in, checked to be well formed; compared bit by bit.
#[derive(Clone, Copy)]
pub struct Bits<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    /// A `0` or `1` per bit.
    Digits(&'a [u8]),
    /// Eight bits a byte, the first one highest; the bits behind the last are zero.
    Packed { bytes: &'a [u8], len: u32 },
}

impl<'a> Bits<'a> {
    /// `bit_out`
    pub(in crate::value) fn from_text(text: &'a [u8]) -> Result<Self, Reason> {
        if text.iter().all(|digit| matches!(digit, b'0' | b'1')) {
            Ok(Self(Repr::Digits(text)))
        } else {
            Err(Reason::Syntax)
        }
    }

    /// `bit_send`: `len:i32`, then the bits.
    pub(in crate::value) fn from_binary(bytes: &'a [u8]) -> Result<Self, Reason> {
        let (len, bytes) = bytes.split_first_chunk::<4>().ok_or(Reason::Length)?;
        let len = u32::try_from(i32::from_be_bytes(*len)).map_err(|_| Reason::Field)?;
        if usize::try_from(len.div_ceil(8)) != Ok(bytes.len()) {
            return Err(Reason::Length);
        }
        let padding = 0xff_u32 >> (8 - (8 - len % 8) % 8);
        if bytes.last().is_some_and(|last| u32::from(*last) & padding != 0) {
            return Err(Reason::Field);
        }
        Ok(Self(Repr::Packed { bytes, len }))
    }

    /// Number of bits.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.0 {
            Repr::Digits(digits) => digits.len(),
            Repr::Packed { len, .. } => len as usize,
        }
    }

    /// Whether there is no bit.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bits as they are written, the first one first.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = bool> + ExactSizeIterator {
        (0..self.len()).map(move |at| self.bit(at))
    }

    fn bit(self, at: usize) -> bool {
        match self.0 {
            Repr::Digits(digits) => digits.get(at) == Some(&b'1'),
            Repr::Packed { bytes, .. } => bytes.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0),
        }
    }

    /// Appends the bytes of the binary number that the string reads as, the lowest byte first and none of the zero bytes
    /// at the high end.
    pub fn write_number_le(self, out: &mut Vec<u8>) {
        let start = out.len();
        let (mut byte, mut count) = (0_u8, 0);
        for bit in self.iter().rev() {
            byte |= u8::from(bit) << count;
            count += 1;
            if count == 8 {
                out.push(byte);
                (byte, count) = (0, 0);
            }
        }
        out.push(byte);
        while out.len() > start && out.last() == Some(&0) {
            out.pop();
        }
    }

    /// Appends it as `bit_out` prints it.
    pub fn write_text(self, out: &mut Vec<u8>) {
        match self.0 {
            Repr::Digits(digits) => out.extend_from_slice(digits),
            Repr::Packed { .. } => out.extend(self.iter().map(|bit| b'0' + u8::from(bit))),
        }
    }
}

impl PartialEq for Bits<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Bits<'_> {}
