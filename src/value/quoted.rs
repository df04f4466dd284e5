//! Text out of a quoted form, in which a backslash may stand before a character that is to be taken as it is: elements
//! of arrays, keys and values of hstore.

/// Such text, with its quotes taken off.
#[derive(Clone, Copy)]
pub enum Quoted<'a> {
    /// Nothing in it is escaped.
    Plain(&'a str),
    /// Each backslash stands before a character to be taken as it is.
    Escaped(&'a str),
}

impl<'a> Quoted<'a> {
    /// What a quoted text says, up to the closing quote, and what follows that. `text` begins behind the opening quote.
    pub(in crate::value) fn split(text: &'a str) -> Option<(Self, &'a str)> {
        let bytes = text.as_bytes();
        let (mut at, mut escaped) = (0, false);
        loop {
            at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
            if bytes.get(at) == Some(&b'"') {
                let (inside, rest) = (text.get(..at)?, text.get(at + 1..)?);
                return Some((if escaped { Self::Escaped(inside) } else { Self::Plain(inside) }, rest));
            }
            escaped = true;
            // A backslash and the first byte of what it stands before; the rest of that is no quote and no backslash.
            at += 2;
        }
    }

    /// The text, through the scratch space where it has to be unescaped.
    pub fn resolve<'s>(self, scratch: &'s mut String) -> &'s str
    where
        'a: 's,
    {
        match self {
            Self::Plain(text) => text,
            Self::Escaped(_) => {
                scratch.clear();
                self.pieces(|piece| scratch.push_str(piece));
                scratch
            }
        }
    }

    /// Appends the text.
    pub fn write(self, out: &mut Vec<u8>) {
        self.pieces(|piece| out.extend_from_slice(piece.as_bytes()));
    }

    fn pieces(self, mut take: impl FnMut(&'a str)) {
        let mut rest = match self {
            Self::Plain(text) => return take(text),
            Self::Escaped(text) => text,
        };
        while let Some((before, after)) = rest.split_once('\\') {
            take(before);
            let len = after.chars().next().map_or(0, char::len_utf8);
            let (taken, after) = after.split_at_checked(len).unwrap_or((after, ""));
            take(taken);
            rest = after;
        }
        take(rest);
    }
}

impl PartialEq for Quoted<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(a), Self::Plain(b)) => a == b,
            _ => {
                let (mut a, mut b) = (String::new(), String::new());
                self.resolve(&mut a) == other.resolve(&mut b)
            }
        }
    }
}

impl Eq for Quoted<'_> {}

/// Appends text in quotes, with a backslash before each quote and backslash in it.
pub(in crate::value) fn write_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
