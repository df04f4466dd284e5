//! The repeated parts of messages: columns of a row, columns of a relation, truncated relations.
//!
//! Invariant: a [`Tuple`], [`RelationColumns`] or [`Truncate`] exists only with a body that was walked to its end
//! when it was parsed or built, so that iterating cannot fail. The iterators still check every length: should the
//! invariant ever break, they end early and neither panic nor read beyond the body.

use std::iter::FusedIterator;

use super::cursor::{Cursor, Fault, Malformed};
use super::{Datum, Layout, RelationColumn, RelationColumns, RelationId, Truncate, Tuple, TypeOid};

/// Flag of a relation's column: part of the replica identity.
pub(in crate::pgoutput) const COLUMN_IDENTITY: u8 = 1;

impl<'a> Tuple<'a> {
    /// Number of columns.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether it has no column.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Size of the row on the wire without its column count, in bytes.
    #[must_use]
    pub const fn wire_bytes(&self) -> usize {
        self.body.len()
    }

    /// The columns in order.
    #[inline]
    #[must_use]
    pub const fn iter(&self) -> Datums<'a> {
        Datums { rest: self.body, left: self.count, layout: self.layout }
    }

    /// A row of `COPY ... TO STDOUT (FORMAT binary)`: `ncols:i16` and as many of `length:i32` and bytes. The columns that
    /// `texts` has as true were asked for as text; what it does not reach was not. Bytes behind the row are refused.
    ///
    /// # Errors
    /// [`Malformed`] where the bytes are no row.
    ///
    /// Source: PostgreSQL manual, COPY, "Binary Format".
    #[inline]
    pub fn from_copy(row: &'a [u8], texts: &'a [bool]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(row);
        let count = cursor.u16()?;
        let start = cursor;
        for _ in 0..count {
            let column = cursor;
            if cursor.i32()? != -1 {
                // Any other negative length is too long for any row.
                cursor = column;
                cursor.sized()?;
            }
        }
        cursor.finish()?;
        Ok(Self { count, body: cursor.since(start), layout: Layout::Copy { texts } })
    }

    /// Reads `ncols:u16` and as many columns, walking every length once.
    #[inline]
    pub(in crate::pgoutput) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let count = cursor.u16()?;
        let start = *cursor;
        for _ in 0..count {
            match cursor.u8()? {
                b't' | b'b' => {
                    cursor.sized()?;
                }
                b'n' | b'u' => {}
                kind => return Err(cursor.refuse_previous(Fault::UnknownDatumKind(kind))),
            }
        }
        Ok(Self { count, body: cursor.since(start), layout: Layout::Message })
    }
}

impl<'a> IntoIterator for Tuple<'a> {
    type Item = Datum<'a>;
    type IntoIter = Datums<'a>;

    fn into_iter(self) -> Datums<'a> {
        self.iter()
    }
}

/// The columns of a [`Tuple`].
#[derive(Clone)]
pub struct Datums<'a> {
    rest: &'a [u8],
    left: u16,
    layout: Layout<'a>,
}

impl<'a> Datums<'a> {
    #[inline]
    fn next_of_copy(&mut self, texts: &'a [bool]) -> Option<Datum<'a>> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let is_text = match texts.split_first() {
            Some((&is_text, texts)) => {
                self.layout = Layout::Copy { texts };
                is_text
            }
            None => false,
        };
        let (datum, rest) = match i32::from_be_bytes(*length) {
            -1 => (Datum::Null, rest),
            length => {
                let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                (if is_text { Datum::Text(bytes) } else { Datum::Binary(bytes) }, rest)
            }
        };
        self.rest = rest;
        self.left = self.left.saturating_sub(1);
        Some(datum)
    }
}

impl<'a> Iterator for Datums<'a> {
    type Item = Datum<'a>;

    #[inline]
    fn next(&mut self) -> Option<Datum<'a>> {
        if let Layout::Copy { texts } = self.layout {
            return self.next_of_copy(texts);
        }
        let (&kind, rest) = self.rest.split_first()?;
        let (datum, rest) = match kind {
            b't' | b'b' => {
                let (length, rest) = rest.split_first_chunk::<4>()?;
                let (bytes, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
                (if kind == b't' { Datum::Text(bytes) } else { Datum::Binary(bytes) }, rest)
            }
            b'n' => (Datum::Null, rest),
            b'u' => (Datum::Unchanged, rest),
            _ => return None,
        };
        self.rest = rest;
        self.left = self.left.saturating_sub(1);
        Some(datum)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

impl ExactSizeIterator for Datums<'_> {}
impl FusedIterator for Datums<'_> {}

impl<'a> RelationColumns<'a> {
    /// Number of columns.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether the relation has no column.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The columns in order.
    #[must_use]
    pub const fn iter(&self) -> Columns<'a> {
        Columns { cursor: Cursor::new(self.body), left: self.count }
    }

    /// Reads `ncols:u16` and as many columns.
    pub(in crate::pgoutput) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let count = cursor.u16()?;
        let start = *cursor;
        for _ in 0..count {
            RelationColumn::read(cursor)?;
        }
        Ok(Self { count, body: cursor.since(start) })
    }
}

impl<'a> RelationColumn<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let flags = cursor.u8()?;
        if flags & !COLUMN_IDENTITY != 0 {
            return Err(cursor.refuse_previous(Fault::UnknownFlags(flags)));
        }
        Ok(Self {
            identity: flags == COLUMN_IDENTITY,
            name: cursor.name()?,
            type_oid: TypeOid(cursor.u32()?),
            typmod: cursor.i32()?,
        })
    }
}

impl<'a> IntoIterator for RelationColumns<'a> {
    type Item = RelationColumn<'a>;
    type IntoIter = Columns<'a>;

    fn into_iter(self) -> Columns<'a> {
        self.iter()
    }
}

/// The columns of a [`RelationColumns`].
#[derive(Clone)]
pub struct Columns<'a> {
    cursor: Cursor<'a>,
    left: u16,
}

impl<'a> Iterator for Columns<'a> {
    type Item = RelationColumn<'a>;

    fn next(&mut self) -> Option<RelationColumn<'a>> {
        self.left = self.left.checked_sub(1)?;
        RelationColumn::read(&mut self.cursor).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

impl ExactSizeIterator for Columns<'_> {}

impl<'a> Truncate<'a> {
    /// The emptied tables.
    #[must_use]
    pub const fn relations(&self) -> Relations<'a> {
        Relations { rest: self.relations }
    }
}

/// The tables of a [`Truncate`].
#[derive(Clone)]
pub struct Relations<'a> {
    rest: &'a [u8],
}

impl Iterator for Relations<'_> {
    type Item = RelationId;

    fn next(&mut self) -> Option<RelationId> {
        let (oid, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some(RelationId(u32::from_be_bytes(*oid)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest.len() / 4, Some(self.rest.len() / 4))
    }
}

impl ExactSizeIterator for Relations<'_> {}
impl FusedIterator for Relations<'_> {}
