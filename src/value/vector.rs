//! pgvector's `vector`, `halfvec` and `sparsevec`.
//!
//! Source: `vector_send`, `halfvec_send`, `sparsevec_send` and the output functions beside them, in the extension's
//! `vector.c`, `halfvec.c` and `sparsevec.c`.

use super::float::float4_text;
use super::print::{write_float4, write_integer};
use super::scalar::integer_text;
use super::{Reason, read};

/// A `vector` or `halfvec` in the form it came in, checked to be well formed; compared element by element.
#[derive(Clone, Copy)]
pub struct Vector<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    /// `1,2.5,3`
    Text(&'a [u8]),
    /// Four bytes an element.
    Single(&'a [u8]),
    /// Two bytes an element.
    Half(&'a [u8]),
}

impl<'a> Vector<'a> {
    /// `vector_out`, `halfvec_out`
    #[inline(never)]
    pub(in crate::value) fn from_text(text: &'a [u8]) -> Result<Self, Reason> {
        let [b'[', elements @ .., b']'] = text else { return Err(Reason::Syntax) };
        elements.split(|byte| *byte == b',').try_for_each(|element| float4_text(element).map(|_| ()))?;
        Ok(Self(Repr::Text(elements)))
    }

    /// `vector_send`: `count:i16 unused:i16`, then floats of four bytes.
    #[inline(never)]
    pub(in crate::value) fn from_binary(bytes: &'a [u8]) -> Result<Self, Reason> {
        dense(bytes, 4).map(Repr::Single).map(Self)
    }

    /// `halfvec_send`: `count:u16 unused:u16`, then floats of two bytes.
    #[inline(never)]
    pub(in crate::value) fn half_binary(bytes: &'a [u8]) -> Result<Self, Reason> {
        dense(bytes, 2).map(Repr::Half).map(Self)
    }

    /// Its elements, at least one.
    #[must_use]
    pub const fn elements(&self) -> VectorElements<'a> {
        VectorElements(self.0)
    }

    /// Appends it as its output function prints it.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        for (at, element) in self.elements().enumerate() {
            out.push(if at == 0 { b'[' } else { b',' });
            write_float4(out, element);
        }
        out.push(b']');
    }
}

fn dense(bytes: &[u8], size: usize) -> Result<&[u8], Reason> {
    let (count, rest) = read::word(bytes)?;
    let (unused, elements) = read::word(rest)?;
    if unused != 0 || count == 0 {
        return Err(Reason::Field);
    }
    if elements.len() == usize::from(count) * size { Ok(elements) } else { Err(Reason::Length) }
}

/// Elements one by one. Each is what the text of the element reads as; its shortest text gives the text back.
#[derive(Clone)]
pub struct VectorElements<'a>(Repr<'a>);

impl Iterator for VectorElements<'_> {
    type Item = f32;

    fn next(&mut self) -> Option<f32> {
        match &mut self.0 {
            Repr::Text(rest) => {
                let (element, after) = text_item(rest)?;
                *rest = after;
                float4_text(element).ok()
            }
            Repr::Single(rest) => {
                let (element, after) = rest.split_first_chunk::<4>()?;
                *rest = after;
                Some(f32::from_be_bytes(*element))
            }
            Repr::Half(rest) => {
                let (element, after) = rest.split_first_chunk::<2>()?;
                *rest = after;
                Some(single_of_half(u16::from_be_bytes(*element)))
            }
        }
    }
}

impl PartialEq for Vector<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.elements().map(f32::to_bits).eq(other.elements().map(f32::to_bits))
    }
}

impl Eq for Vector<'_> {}

/// The double that a single's shortest text reads as, which is where readers of the text arrive that know doubles only:
/// 0.1 for 0.1, not the 0.10000000149011612 that the single is.
#[must_use]
pub fn double_of_text(single: f32) -> f64 {
    zmij::Buffer::new().format(single).parse().unwrap_or_else(|_| single.into())
}

/// Up to the next comma, and what follows that; nothing at the end.
fn text_item(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.is_empty() {
        return None;
    }
    match memchr::memchr(b',', text) {
        Some(at) => Some((text.get(..at)?, text.get(at + 1..)?)),
        None => Some((text, &[])),
    }
}

/// An IEEE 754 half as a single, which holds each of them.
fn single_of_half(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let fraction = u32::from(half & 0x03ff);
    match u32::from(half >> 10 & 0x1f) {
        0 => {
            // Without an implied leading one: so many 2^-24.
            let magnitude = f32::from(half & 0x03ff) / 16_777_216.0;
            if sign == 0 { magnitude } else { -magnitude }
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        exponent => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// A `sparsevec` in the form it came in, checked to be well formed; compared by what it holds.
#[derive(Clone, Copy)]
pub struct SparseVector<'a>(Sparse<'a>);

#[derive(Clone, Copy)]
enum Sparse<'a> {
    /// `1:1.5,3:2`
    Text { dimensions: i32, entries: &'a [u8] },
    /// Indexes from 0, then as many values, four bytes each.
    Binary { dimensions: i32, entries: &'a [u8] },
}

impl<'a> SparseVector<'a> {
    /// `sparsevec_out`: `{1:1.5,3:2}/5`
    #[inline(never)]
    pub(in crate::value) fn from_text(text: &'a [u8]) -> Result<Self, Reason> {
        let text = text.strip_prefix(b"{").ok_or(Reason::Syntax)?;
        let end = memchr::memchr(b'}', text).ok_or(Reason::Syntax)?;
        let (entries, rest) = text.split_at_checked(end).ok_or(Reason::Syntax)?;
        let dimensions = integer_text(rest.strip_prefix(b"}/").ok_or(Reason::Syntax)?)?;
        if !entries.is_empty() {
            entries.split(|byte| *byte == b',').try_for_each(|entry| text_entry(entry).map(|_| ()))?;
        }
        Ok(Self(Sparse::Text { dimensions, entries }))
    }

    /// `sparsevec_send`: `dimensions:i32 count:i32 unused:i32`, then the indexes, then the values.
    #[inline(never)]
    pub(in crate::value) fn from_binary(bytes: &'a [u8]) -> Result<Self, Reason> {
        let (dimensions, rest) = read::int4(bytes)?;
        let (count, rest) = read::int4(rest)?;
        let (unused, entries) = read::int4(rest)?;
        let count = usize::try_from(count).map_err(|_| Reason::Field)?;
        if unused != 0 || dimensions < 1 {
            return Err(Reason::Field);
        }
        if Some(entries.len()) != count.checked_mul(8) {
            return Err(Reason::Length);
        }
        let indexes = entries.get(..count * 4).unwrap_or_default().as_chunks::<4>().0;
        if indexes.iter().any(|index| !(0..dimensions).contains(&i32::from_be_bytes(*index))) {
            return Err(Reason::Field);
        }
        Ok(Self(Sparse::Binary { dimensions, entries }))
    }

    /// How many elements it has, zeros included.
    #[must_use]
    pub const fn dimensions(&self) -> i32 {
        match self.0 {
            Sparse::Text { dimensions, .. } | Sparse::Binary { dimensions, .. } => dimensions,
        }
    }

    /// Its elements that are not zero, with their indexes from 1.
    #[must_use]
    pub fn entries(&self) -> SparseEntries<'a> {
        SparseEntries(match self.0 {
            Sparse::Text { entries, .. } => Entries::Text(entries),
            Sparse::Binary { entries, .. } => {
                let (indexes, values) = entries.split_at_checked(entries.len() / 2).unwrap_or_default();
                Entries::Binary { indexes, values }
            }
        })
    }

    /// Appends it as `sparsevec_out` prints it.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (index, value)) in self.entries().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_integer(out, index);
            out.push(b':');
            write_float4(out, value);
        }
        out.extend_from_slice(b"}/");
        write_integer(out, self.dimensions());
    }
}

/// Elements of a sparse vector one by one: the index from 1, and the value.
#[derive(Clone)]
pub struct SparseEntries<'a>(Entries<'a>);

#[derive(Clone)]
enum Entries<'a> {
    Text(&'a [u8]),
    Binary { indexes: &'a [u8], values: &'a [u8] },
}

impl Iterator for SparseEntries<'_> {
    type Item = (i32, f32);

    fn next(&mut self) -> Option<(i32, f32)> {
        match &mut self.0 {
            Entries::Text(rest) => {
                let (entry, after) = text_item(rest)?;
                *rest = after;
                text_entry(entry).ok()
            }
            Entries::Binary { indexes, values } => {
                let (index, indexes_after) = indexes.split_first_chunk::<4>()?;
                let (value, values_after) = values.split_first_chunk::<4>()?;
                (*indexes, *values) = (indexes_after, values_after);
                Some((i32::from_be_bytes(*index).checked_add(1)?, f32::from_be_bytes(*value)))
            }
        }
    }
}

fn text_entry(entry: &[u8]) -> Result<(i32, f32), Reason> {
    let at = memchr::memchr(b':', entry).ok_or(Reason::Syntax)?;
    let (index, value) = entry.split_at_checked(at).ok_or(Reason::Syntax)?;
    Ok((integer_text(index)?, float4_text(value.get(1..).unwrap_or_default())?))
}

impl PartialEq for SparseVector<'_> {
    fn eq(&self, other: &Self) -> bool {
        let bits = |(index, value): (i32, f32)| (index, value.to_bits());
        self.dimensions() == other.dimensions() && self.entries().map(bits).eq(other.entries().map(bits))
    }
}

impl Eq for SparseVector<'_> {}
