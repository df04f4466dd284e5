//! `tsvector` in its binary form, printed as the server prints it.
//!
//! Source: `tsvectorsend` and `tsvectorout` in the server's `tsvector.c`.

use super::print::write_integer;
use super::scalar::utf8;
use super::{Reason, read};

/// The lexemes of a `tsvector`: `count:i32`, then for each its text, a zero byte, `positions:u16` and as many `u16`.
struct Lexemes<'a> {
    left: u32,
    rest: &'a [u8],
}

/// A word, and its places two bytes each.
struct Lexeme<'a> {
    word: &'a [u8],
    positions: &'a [[u8; 2]],
}

impl<'a> Lexemes<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Reason> {
        let (count, rest) = read::int4(bytes)?;
        Ok(Self { left: u32::try_from(count).map_err(|_| Reason::Field)?, rest })
    }

    fn next(&mut self) -> Result<Option<Lexeme<'a>>, Reason> {
        let Some(left) = self.left.checked_sub(1) else {
            return if self.rest.is_empty() { Ok(None) } else { Err(Reason::Length) };
        };
        let end = memchr::memchr(0, self.rest).ok_or(Reason::Length)?;
        let (word, rest) = self.rest.split_at_checked(end).ok_or(Reason::Length)?;
        let (count, rest) = read::word(rest.get(1..).unwrap_or_default())?;
        let (positions, rest) = rest.split_at_checked(usize::from(count) * 2).ok_or(Reason::Length)?;
        (self.left, self.rest) = (left, rest);
        Ok(Some(Lexeme { word, positions: positions.as_chunks().0 }))
    }
}

/// Checks the binary form.
pub(in crate::value) fn check(bytes: &[u8]) -> Result<(), Reason> {
    let mut lexemes = Lexemes::read(bytes)?;
    while let Some(lexeme) = lexemes.next()? {
        utf8(lexeme.word)?;
    }
    Ok(())
}

/// `tsvectorout`: `'word':1A,2 'it''s'`
pub(in crate::value) fn write(out: &mut Vec<u8>, bytes: &[u8]) {
    let Ok(mut lexemes) = Lexemes::read(bytes) else { return };
    let start = out.len();
    while let Ok(Some(lexeme)) = lexemes.next() {
        if out.len() > start {
            out.push(b' ');
        }
        out.push(b'\'');
        for byte in lexeme.word {
            if matches!(byte, b'\'' | b'\\') {
                out.push(*byte);
            }
            out.push(*byte);
        }
        out.push(b'\'');
        for (at, position) in lexeme.positions.iter().enumerate() {
            let position = u16::from_be_bytes(*position);
            out.push(if at == 0 { b':' } else { b',' });
            write_integer(out, position & 0x3fff);
            out.extend_from_slice(match position >> 14 {
                3 => b"A",
                2 => b"B",
                1 => b"C",
                _ => b"",
            });
        }
    }
}
