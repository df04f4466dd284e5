//! `hstore`: pairs of text, quoted or counted.
//!
//! Source: `hstore_out` and `hstore_send` in the extension's `hstore_io.c`.

use super::quoted::{Quoted, write_quoted};
use super::scalar::utf8;
use super::{Form, Reason, read};

/// An `hstore` in the form it came in, checked to be well formed; compared pair by pair.
#[derive(Clone, Copy)]
pub struct Hstore<'a> {
    form: Form,
    /// `"key"=>"value", "key"=>NULL`, or for each pair `len:i32`, the key, `len:i32` (-1 for null) and the value.
    pairs: &'a [u8],
}

/// A key and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The key.
    pub key: Quoted<'a>,
    /// The value, unless it is null.
    pub value: Option<Quoted<'a>>,
}

impl<'a> Hstore<'a> {
    /// `hstore_out`
    pub(in crate::value) fn from_text(text: &'a [u8]) -> Result<Self, Reason> {
        let mut rest = utf8(text)?;
        while !rest.is_empty() {
            (_, rest) = text_pair(rest).ok_or(Reason::Syntax)?;
        }
        // A comma must not end it.
        if text.ends_with(b", ") { Err(Reason::Syntax) } else { Ok(Self { form: Form::Text, pairs: text }) }
    }

    /// `hstore_send`: `count:i32`, then the pairs.
    pub(in crate::value) fn from_binary(bytes: &'a [u8]) -> Result<Self, Reason> {
        let (count, pairs) = read::int4(bytes)?;
        let count = u32::try_from(count).map_err(|_| Reason::Field)?;
        let mut rest = pairs;
        for _ in 0..count {
            let (key, after) = read::sized(rest)?;
            let (value, after) = read::nullable(after)?;
            utf8(key)?;
            utf8(value.unwrap_or_default())?;
            rest = after;
        }
        if rest.is_empty() { Ok(Self { form: Form::Binary, pairs }) } else { Err(Reason::Length) }
    }

    /// The pairs, in the order in which the server keeps them: shorter keys first.
    #[must_use]
    pub const fn pairs(&self) -> Pairs<'a> {
        Pairs { form: self.form, rest: self.pairs }
    }

    /// Appends it as `hstore_out` prints it.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        let mut scratch = String::new();
        for (at, pair) in self.pairs().enumerate() {
            if at > 0 {
                out.extend_from_slice(b", ");
            }
            write_quoted(out, pair.key.resolve(&mut scratch).as_bytes());
            out.extend_from_slice(b"=>");
            match pair.value {
                Some(value) => write_quoted(out, value.resolve(&mut scratch).as_bytes()),
                None => out.extend_from_slice(b"NULL"),
            }
        }
    }
}

impl PartialEq for Hstore<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.pairs().eq(other.pairs())
    }
}

impl Eq for Hstore<'_> {}

/// Pairs one by one.
#[derive(Clone)]
pub struct Pairs<'a> {
    form: Form,
    rest: &'a [u8],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        match self.form {
            Form::Text => {
                let (pair, rest) = text_pair(utf8(self.rest).ok()?)?;
                self.rest = rest.as_bytes();
                Some(pair)
            }
            Form::Binary => {
                let (key, rest) = read::sized(self.rest).ok()?;
                let (value, rest) = read::nullable(rest).ok()?;
                self.rest = rest;
                let plain = |bytes| Quoted::Plain(utf8(bytes).unwrap_or_default());
                Some(Pair { key: plain(key), value: value.map(plain) })
            }
        }
    }
}

/// `"key"=>"value"` or `"key"=>NULL`, with the comma behind it taken off what follows.
fn text_pair(text: &str) -> Option<(Pair<'_>, &str)> {
    let (key, rest) = Quoted::split(text.strip_prefix('"')?)?;
    let rest = rest.strip_prefix("=>")?;
    let (value, rest) = match rest.strip_prefix("NULL") {
        Some(rest) => (None, rest),
        None => {
            let (value, rest) = Quoted::split(rest.strip_prefix('"')?)?;
            (Some(value), rest)
        }
    };
    let rest = if rest.is_empty() { rest } else { rest.strip_prefix(", ")? };
    Some((Pair { key, value }, rest))
}
