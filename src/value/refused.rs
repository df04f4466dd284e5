//! A datum that cannot be read, and why; never the datum itself.

use std::fmt;

use crate::error::{Error, Kind};

/// A datum that is not a value of its column's type. Names the type and why, never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadValue {
    /// The type as PostgreSQL names it.
    pub type_name: &'static str,
    /// The form it came in.
    pub form: Form,
    /// Why it was refused.
    pub reason: Reason,
}

/// The form a datum came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The type's text output.
    Text,
    /// The type's binary output.
    Binary,
}

/// Why a datum was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Text is not UTF-8.
    NotUtf8,
    /// The text does not read as this type under the pinned session settings.
    Syntax,
    /// The binary form has another length than the type.
    Length,
    /// A field of the binary form holds what the type never writes there.
    Field,
    /// The value lies outside the type's range.
    Range,
    /// A version byte is not the one that is known.
    Version,
    /// The type's binary form is not safe to read: `ColumnType::has_safe_binary` tells so beforehand.
    NoSafeBinary,
}

/// Whether an error says that the binary form of a datum was refused, of which the text form may be sound.
#[must_use]
pub fn is_of_binary_form(error: &Error) -> bool {
    let bad = std::error::Error::source(error).and_then(|source| source.downcast_ref::<BadValue>());
    bad.is_some_and(|bad| bad.form == Form::Binary)
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::Text => "text",
            Form::Binary => "binary",
        };
        let reason = match self.reason {
            Reason::NotUtf8 => "it is not UTF-8",
            Reason::Syntax => "it does not read as this type",
            Reason::Length => "its length is not the type's",
            Reason::Field => "a field holds what the type never writes",
            Reason::Range => "it lies outside the type's range",
            Reason::Version => "its version byte is not known",
            Reason::NoSafeBinary => "the type has no binary form that is safe to read",
        };
        write!(f, "the {form} form of a value of type {} is refused: {reason}", self.type_name)
    }
}

impl std::error::Error for BadValue {}

impl From<BadValue> for Error {
    fn from(bad: BadValue) -> Self {
        let hint = match bad.reason {
            Reason::NotUtf8 => {
                "the database holds text in another encoding, as server_encoding SQL_ASCII allows; convert the column or leave it out with column.exclude.list"
            }
            Reason::Syntax => {
                "check that nothing between walcast and PostgreSQL overrides the session's DateStyle, IntervalStyle, TimeZone, bytea_output or extra_float_digits; otherwise report it with the column's type"
            }
            Reason::NoSafeBinary => {
                "leave the column out with column.exclude.list, and report it with the column's type"
            }
            Reason::Length | Reason::Field | Reason::Range | Reason::Version => {
                "report it with the column's type and the server's version"
            }
        };
        Self::new(Kind::Undecodable, "a column's value cannot be decoded").hint(hint).caused_by(bad)
    }
}
