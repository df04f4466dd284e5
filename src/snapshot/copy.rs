//! Rows out of the bytes of `COPY ... TO STDOUT (FORMAT binary)`.
//!
//! Owns [`CopyRows`]. Where the server cuts its stream into messages means nothing (its versions differ): a row may lie in
//! one, in parts of several, or beside others. Rows borrow nothing and copy nothing where they lie in one message, which
//! is the rule.
//!
//! Source: PostgreSQL manual, COPY, "Binary Format".

use bytes::{Buf as _, Bytes, BytesMut};

use crate::error::{Error, Kind, Result};

/// What a binary COPY begins with.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Signature, flags, and the length of what extends the header.
const HEADER_BYTES: usize = SIGNATURE.len() + 8;

/// Flag bits that a reader must know: of these there are none that are still sent.
const CRITICAL_FLAGS: u32 = 0xffff_0000;

/// The rows of one COPY, fed with what comes from the server.
#[derive(Debug, Default)]
pub struct CopyRows {
    state: State,
    /// What was fed and not yet given out.
    rest: Bytes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing was understood yet.
    #[default]
    Header,
    /// So many bytes of the header's extension are left.
    Extension(usize),
    Rows,
    /// The trailer was seen.
    Ended,
}

impl CopyRows {
    /// A reader at the beginning of a COPY.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what came next.
    pub fn feed(&mut self, piece: Bytes) {
        if self.rest.is_empty() {
            self.rest = piece;
        } else {
            let mut joined = BytesMut::with_capacity(self.rest.len() + piece.len());
            joined.extend_from_slice(&self.rest);
            joined.extend_from_slice(&piece);
            self.rest = joined.freeze();
        }
    }

    /// The next row, as [`crate::pgoutput::Tuple::from_copy`] reads it; nothing where more must be fed first.
    ///
    /// # Errors
    /// `Protocol` for what is no binary COPY.
    #[inline]
    pub fn next_row(&mut self) -> Result<Option<Bytes>> {
        loop {
            match self.state {
                State::Rows => {
                    let Some(length) = row_length(&self.rest)? else { return Ok(None) };
                    if length == 0 {
                        self.rest.advance(2);
                        self.state = State::Ended;
                        continue;
                    }
                    return Ok(Some(self.rest.split_to(length)));
                }
                State::Ended if self.rest.is_empty() => return Ok(None),
                State::Ended => return Err(refused("bytes follow its end")),
                State::Header => {
                    if self.rest.len() < HEADER_BYTES {
                        return Ok(None);
                    }
                    let mut header = self.rest.split_to(HEADER_BYTES);
                    if !header.starts_with(SIGNATURE) {
                        return Err(refused("it does not begin with its signature"));
                    }
                    header.advance(SIGNATURE.len());
                    if header.get_u32() & CRITICAL_FLAGS != 0 {
                        return Err(refused("its header has flags that are not known"));
                    }
                    self.state = State::Extension(header.get_u32() as usize);
                }
                State::Extension(0) => self.state = State::Rows,
                State::Extension(left) => {
                    if self.rest.is_empty() {
                        return Ok(None);
                    }
                    let skipped = left.min(self.rest.len());
                    self.rest.advance(skipped);
                    self.state = State::Extension(left - skipped);
                }
            }
        }
    }

    /// Whether the trailer was read: a COPY that stops before it was cut off.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state == State::Ended && self.rest.is_empty()
    }
}

/// Bytes of the row that `bytes` begin with: 0 for the trailer, nothing where they do not hold it whole.
#[inline]
fn row_length(bytes: &[u8]) -> Result<Option<usize>> {
    let Some((count, mut rest)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
    let columns = i16::from_be_bytes(*count);
    if columns == -1 {
        return Ok(Some(0));
    }
    if columns < 0 {
        return Err(refused("a row has a negative number of columns"));
    }
    for _ in 0..columns {
        let Some((length, behind)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = match i32::from_be_bytes(*length) {
            -1 => 0,
            length => usize::try_from(length).map_err(|_| refused("a column has a negative length"))?,
        };
        let Some(behind) = behind.get(length..) else { return Ok(None) };
        rest = behind;
    }
    Ok(Some(bytes.len() - rest.len()))
}

#[cold]
fn refused(why: &str) -> Error {
    Error::new(Kind::Protocol, "what PostgreSQL copies is not in its binary format")
        .detail(why)
        .hint("check that nothing between walcast and PostgreSQL alters the stream; otherwise report it with the server's version")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pgoutput::{Datum, Tuple};

    /// A COPY of rows of columns, with an extension of the header.
    fn copied(rows: &[Vec<Option<Vec<u8>>>], extension: usize) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend(0u32.to_be_bytes());
        bytes.extend(u32::try_from(extension).unwrap().to_be_bytes());
        bytes.extend(std::iter::repeat_n(7, extension));
        for row in rows {
            bytes.extend(u16::try_from(row.len()).unwrap().to_be_bytes());
            for column in row {
                match column {
                    None => bytes.extend((-1i32).to_be_bytes()),
                    Some(value) => {
                        bytes.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
                        bytes.extend(value);
                    }
                }
            }
        }
        bytes.extend((-1i16).to_be_bytes());
        bytes
    }

    fn all(pieces: impl IntoIterator<Item = Vec<u8>>) -> Result<(Vec<Bytes>, bool)> {
        let (mut reader, mut rows) = (CopyRows::new(), Vec::new());
        for piece in pieces {
            reader.feed(Bytes::from(piece));
            while let Some(row) = reader.next_row()? {
                rows.push(row);
            }
        }
        Ok((rows, reader.has_ended()))
    }

    proptest! {
        #[test]
        fn rows_are_the_same_wherever_the_stream_is_cut(
            rows in prop::collection::vec(
                prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..9)), 0..5), 0..6),
            extension in 0usize..5,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            // Given a COPY cut anywhere, when it is read, then its rows are those that were written, and it has ended.
            let bytes = copied(&rows, extension);
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces = at.windows(2).map(|cut| bytes[cut[0]..cut[1]].to_vec());
            let (read, ended) = all(pieces).unwrap();
            prop_assert!(ended);
            let read: Vec<Vec<Option<Vec<u8>>>> = read
                .iter()
                .map(|row| {
                    let tuple = Tuple::from_copy(row, &[]).unwrap();
                    let column = |datum| match datum {
                        Datum::Null => None,
                        Datum::Binary(bytes) => Some(bytes.to_vec()),
                        other => panic!("{other:?}"),
                    };
                    tuple.iter().map(column).collect()
                })
                .collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), header in any::<bool>()) {
            let mut whole = if header { copied(&[], 0) } else { Vec::new() };
            whole.truncate(HEADER_BYTES);
            whole.extend(bytes);
            let _ = all([whole]);
        }
    }

    #[test]
    fn what_is_no_copy_is_refused() {
        let row = vec![vec![Some(vec![1])]];
        let mut trailing = copied(&row, 0);
        trailing.push(0);
        let mut negative = copied(&row, 0);
        negative[HEADER_BYTES + 2] = 0x80;
        for bytes in [b"id\tname\n1\tAda\n2\tGrace\n".to_vec(), trailing, negative] {
            assert_eq!(all([bytes]).unwrap_err().kind(), Kind::Protocol);
        }
        let mut cut = copied(&row, 0);
        cut.pop();
        assert!(!all([cut]).unwrap().1, "a COPY without its trailer has not ended");
    }

    #[test]
    fn columns_that_were_asked_for_as_text_are_text() {
        let bytes = copied(&[vec![Some(b"1".to_vec()), None, Some(b"3".to_vec()), Some(b"4".to_vec())]], 0);
        let (rows, _) = all([bytes]).unwrap();
        let tuple = Tuple::from_copy(&rows[0], &[false, true, true]).unwrap();
        let datums: Vec<Datum<'_>> = tuple.iter().collect();
        assert_eq!(datums, [Datum::Binary(b"1"), Datum::Null, Datum::Text(b"3"), Datum::Binary(b"4")]);
    }
}
