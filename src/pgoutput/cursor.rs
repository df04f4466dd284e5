//! Checked reads over one message.
//!
//! Owns [`Cursor`] and [`Malformed`]. Every read either stays inside the message or is refused: a length from the
//! wire is unsigned, is compared with what is left before it is used, and never moves the cursor backwards.
//! Must never index, allocate or know a message's layout.

use std::fmt;

use crate::error::{Error, Kind};

/// Why a message was refused. Carries no byte of a row, only a place, and a tag or flag byte where that says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Offset into the message at which reading stopped, in bytes.
    pub offset: usize,
    /// What was wrong there.
    pub fault: Fault,
}

/// What can be wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The message has no byte at all.
    Empty,
    /// No message starts with this tag.
    UnknownTag(u8),
    /// A field or a length in front of it reaches beyond the end of the message.
    Short,
    /// A name has no terminating zero byte.
    UnterminatedName,
    /// A name is not UTF-8, although the session asked for it.
    NameNotUtf8,
    /// A tuple is announced by something else than `N`, `K` or `O`, or by one that cannot stand there.
    UnknownTupleKind(u8),
    /// A column is neither `n`, `u`, `t` nor `b`.
    UnknownDatumKind(u8),
    /// A replica identity is neither `d`, `n`, `f` nor `i`.
    UnknownIdentity(u8),
    /// A flag byte has bits whose meaning is not known.
    UnknownFlags(u8),
    /// Bytes follow the last field.
    TrailingBytes,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the message is empty"),
            Self::UnknownTag(tag) => write!(f, "unknown message tag {}", Byte(*tag)),
            Self::Short => f.write_str("a field reaches beyond the end of the message"),
            Self::UnterminatedName => f.write_str("a name is not terminated"),
            Self::NameNotUtf8 => f.write_str("a name is not UTF-8"),
            Self::UnknownTupleKind(kind) => write!(f, "unknown tuple kind {}", Byte(*kind)),
            Self::UnknownDatumKind(kind) => write!(f, "unknown column kind {}", Byte(*kind)),
            Self::UnknownIdentity(identity) => write!(f, "unknown replica identity {}", Byte(*identity)),
            Self::UnknownFlags(flags) => write!(f, "unknown flags 0x{flags:02x}"),
            Self::TrailingBytes => f.write_str("bytes follow the last field"),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.fault, self.offset)
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for Error {
    /// A name in another encoding is the database's doing and [`Kind::Undecodable`]; everything else breaks the
    /// protocol.
    fn from(malformed: Malformed) -> Self {
        match malformed.fault {
            Fault::NameNotUtf8 => Self::new(Kind::Undecodable, "a name in the replication stream is not UTF-8")
                .hint("rename the schema, table, column, type, origin, message prefix or transaction id; databases with server_encoding SQL_ASCII do not convert names"),
            _ => Self::new(Kind::Protocol, "a pgoutput message does not follow the protocol")
                .hint("check that nothing between walcast and PostgreSQL alters the stream; otherwise report it with the server's version"),
        }
        .caused_by(malformed)
    }
}

/// A byte as its character and its number: `'z' (0x7a)`.
struct Byte(u8);

impl fmt::Display for Byte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' (0x{:02x})", self.0.escape_ascii(), self.0)
    }
}

/// A place in a message.
#[derive(Clone, Copy)]
pub(in crate::pgoutput) struct Cursor<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Cursor<'a> {
    pub(in crate::pgoutput) const fn new(message: &'a [u8]) -> Self {
        Self { rest: message, length: message.len() }
    }

    /// What has not been read.
    pub(in crate::pgoutput) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Refuses what stands at the cursor.
    #[cold]
    pub(in crate::pgoutput) const fn refuse(&self, fault: Fault) -> Malformed {
        Malformed { offset: self.length - self.rest.len(), fault }
    }

    /// Refuses the byte that was just read.
    #[cold]
    pub(in crate::pgoutput) const fn refuse_previous(&self, fault: Fault) -> Malformed {
        Malformed { offset: (self.length - self.rest.len()).saturating_sub(1), fault }
    }

    #[inline]
    pub(in crate::pgoutput) fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (chunk, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.refuse(Fault::Short))?;
        self.rest = rest;
        Ok(*chunk)
    }

    #[inline]
    pub(in crate::pgoutput) fn u8(&mut self) -> Result<u8, Malformed> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    #[inline]
    pub(in crate::pgoutput) fn u16(&mut self) -> Result<u16, Malformed> {
        self.chunk().map(u16::from_be_bytes)
    }

    #[inline]
    pub(in crate::pgoutput) fn u32(&mut self) -> Result<u32, Malformed> {
        self.chunk().map(u32::from_be_bytes)
    }

    #[inline]
    pub(in crate::pgoutput) fn i32(&mut self) -> Result<i32, Malformed> {
        self.chunk().map(i32::from_be_bytes)
    }

    #[inline]
    pub(in crate::pgoutput) fn u64(&mut self) -> Result<u64, Malformed> {
        self.chunk().map(u64::from_be_bytes)
    }

    #[inline]
    pub(in crate::pgoutput) fn i64(&mut self) -> Result<i64, Malformed> {
        self.chunk().map(i64::from_be_bytes)
    }

    /// Bytes behind a four-byte length.
    #[inline]
    pub(in crate::pgoutput) fn sized(&mut self) -> Result<&'a [u8], Malformed> {
        let before = *self;
        let length = self.u32()? as usize;
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(before.refuse(Fault::Short));
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// A zero-terminated UTF-8 name.
    pub(in crate::pgoutput) fn name(&mut self) -> Result<&'a str, Malformed> {
        let end = memchr::memchr(0, self.rest).ok_or_else(|| self.refuse(Fault::UnterminatedName))?;
        let (bytes, rest) = self.rest.split_at_checked(end).ok_or_else(|| self.refuse(Fault::Short))?;
        let name = simdutf8::basic::from_utf8(bytes).map_err(|_| self.refuse(Fault::NameNotUtf8))?;
        self.rest = rest.split_first().map_or(rest, |(_zero, rest)| rest);
        Ok(name)
    }

    /// What was read since `start`, a copy of this cursor from before.
    pub(in crate::pgoutput) fn since(&self, start: Self) -> &'a [u8] {
        start.rest.get(..start.rest.len() - self.rest.len()).unwrap_or_default()
    }

    /// The end of the message, or a refusal of what is left.
    #[inline]
    pub(in crate::pgoutput) fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.refuse(Fault::TrailingBytes)) }
    }
}
