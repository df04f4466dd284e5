//! The form in which values come from the server.

/// What a replication session was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamForm {
    /// Every value as text.
    Text,
    /// Each value in its binary form where its type has one, else as text.
    Binary,
}

impl StreamForm {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Text, Self::Binary];

    /// The code of "no session yet".
    pub(super) const UNKNOWN: u8 = 0;

    /// The word used in JSON, metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Binary => 2,
        }
    }

    pub(super) fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.code() == code)
    }
}
