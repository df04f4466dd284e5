//! The one public error: what happened, where, whose move it is, and how to mend it.
//!
//! Owns [`Error`], [`Kind`] and the single table that maps a kind to its [`Class`] and process exit code.
//!
//! Rules for messages: the primary text is lower case without a full stop; positions are attached, not
//! pasted; the cause is kept as `source`; no secret and no row value ever enters any part of an error.

use std::error::Error as StdError;
use std::fmt;

use crate::lsn::Lsn;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose move it is after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// An operator must act; trying again gives the same answer.
    Definite,
    /// Trying again later may succeed; the pipeline reconnects with back-off.
    Transient,
    /// A broken promise inside walcast; the pipeline stops at once and nothing more is confirmed.
    Bug,
}

impl Class {
    /// The word used in logs, metrics and JSON output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Definite => "definite",
            Self::Transient => "transient",
            Self::Bug => "bug",
        }
    }
}

/// What went wrong, in the words an operator uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Command line or configuration; found before any side effect.
    Config,
    /// The server is not ready for this configuration; found before streaming.
    Preflight,
    /// PostgreSQL refused the credentials, or TLS was not what was asked for.
    Authentication,
    /// A socket to PostgreSQL could not be opened, was cut, or went silent.
    Connection,
    /// PostgreSQL answered with an error that may pass: starting up, shutting down, too many connections.
    ServerUnavailable,
    /// Another process reads the slot.
    SlotInUse,
    /// The slot is gone, invalidated or was made again: there may be a gap.
    SlotLost,
    /// The slot stands at a position that we did not confirm: there may be a gap.
    SlotMoved,
    /// The publication does not exist at the position that is being decoded.
    PublicationMissing,
    /// Another database cluster or timeline answers at this address, or the same one with an older log.
    IdentityChanged,
    /// Bytes from PostgreSQL that do not follow the protocol.
    Protocol,
    /// A change that cannot be decoded or encoded.
    Undecodable,
    /// PostgreSQL answered a command with an error that will not pass by itself.
    ServerRefused,
    /// The brokers are not reachable or did not answer in time.
    SinkUnavailable,
    /// The brokers refuse us or what we write: credentials, rights, missing topic, broken configuration.
    SinkRefused,
    /// A record is larger than a limit of the brokers or of our queue.
    RecordTooLarge,
    /// The schema registry is not reachable or did not answer in time.
    RegistryUnavailable,
    /// The schema registry refuses us or what we ask: credentials, rights, an invalid or missing schema.
    RegistryRefused,
    /// The schema of a table's records is not compatible with those before it, as the registry sees it.
    SchemaIncompatible,
    /// A retry limit was set and is used up.
    RetriesExhausted,
    /// The time for an orderly shutdown was over before everything was delivered and confirmed.
    ShutdownTimeout,
    /// A local resource failed: a file, a port, a process.
    Local,
    /// An invariant does not hold.
    Bug,
}

impl Kind {
    /// Whose move it is.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Connection
            | Self::ServerUnavailable
            | Self::SlotInUse
            | Self::SinkUnavailable
            | Self::RegistryUnavailable => Class::Transient,
            Self::Bug => Class::Bug,
            Self::Config
            | Self::Preflight
            | Self::Authentication
            | Self::SlotLost
            | Self::SlotMoved
            | Self::PublicationMissing
            | Self::IdentityChanged
            | Self::Protocol
            | Self::Undecodable
            | Self::ServerRefused
            | Self::SinkRefused
            | Self::RecordTooLarge
            | Self::RegistryRefused
            | Self::SchemaIncompatible
            | Self::RetriesExhausted
            | Self::ShutdownTimeout
            | Self::Local => Class::Definite,
        }
    }

    /// The process exit code, as the README documents it. 0 is success and 1 is "the demo's counts differ".
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Config => 2,
            Self::Preflight => 3,
            Self::Authentication => 4,
            Self::SlotLost | Self::SlotMoved | Self::IdentityChanged => 5,
            Self::PublicationMissing => 6,
            Self::SinkRefused | Self::RecordTooLarge => 7,
            Self::Protocol | Self::Undecodable | Self::ServerRefused => 8,
            Self::RetriesExhausted => 9,
            Self::ShutdownTimeout => 10,
            Self::Local => 11,
            // Transient kinds end a process only where nothing retries them, such as a one-shot command.
            Self::Connection
            | Self::ServerUnavailable
            | Self::SlotInUse
            | Self::SinkUnavailable
            | Self::RegistryUnavailable => 12,
            Self::RegistryRefused | Self::SchemaIncompatible => 13,
            Self::Bug => 70,
        }
    }

    /// The word used in logs, metrics and JSON output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Preflight => "preflight",
            Self::Authentication => "authentication",
            Self::Connection => "connection",
            Self::ServerUnavailable => "server_unavailable",
            Self::SlotInUse => "slot_in_use",
            Self::SlotLost => "slot_lost",
            Self::SlotMoved => "slot_moved",
            Self::PublicationMissing => "publication_missing",
            Self::IdentityChanged => "identity_changed",
            Self::Protocol => "protocol",
            Self::Undecodable => "undecodable",
            Self::ServerRefused => "server_refused",
            Self::SinkUnavailable => "sink_unavailable",
            Self::SinkRefused => "sink_refused",
            Self::RecordTooLarge => "record_too_large",
            Self::RegistryUnavailable => "registry_unavailable",
            Self::RegistryRefused => "registry_refused",
            Self::SchemaIncompatible => "schema_incompatible",
            Self::RetriesExhausted => "retries_exhausted",
            Self::ShutdownTimeout => "shutdown_timeout",
            Self::Local => "local",
            Self::Bug => "bug",
        }
    }
}

/// An error with everything an operator needs to act on it.
///
/// Small on the stack: the parts live behind one allocation, which only the unhappy path makes.
pub struct Error(Box<Parts>);

struct Parts {
    kind: Kind,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    expected: Option<Lsn>,
    found: Option<Lsn>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind with its primary message.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            message: message.into(),
            detail: None,
            hint: None,
            expected: None,
            found: None,
            source: None,
        }))
    }

    /// A broken invariant.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Kind::Bug, message).hint("this is a defect in walcast; please report it with the log before it")
    }

    /// Adds what else is known, one sentence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds another sentence to what is known.
    #[must_use]
    pub fn more_detail(mut self, detail: &str) -> Self {
        self.0.detail = Some(match self.0.detail.take() {
            Some(known) => format!("{known}; {detail}"),
            None => detail.to_owned(),
        });
        self
    }

    /// Adds what the operator can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds the position at which it happened.
    #[must_use]
    pub fn at(mut self, lsn: Lsn) -> Self {
        self.0.found = Some(lsn);
        self
    }

    /// Adds both positions of a disagreement: ours and the one found.
    #[must_use]
    pub fn positions(mut self, expected: Lsn, found: Lsn) -> Self {
        self.0.expected = Some(expected);
        self.0.found = Some(found);
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whose move it is.
    #[must_use]
    pub fn class(&self) -> Class {
        self.0.kind.class()
    }

    /// The primary message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What else is known.
    #[must_use]
    pub fn detail_text(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// What the operator can do.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Our position and the one found, where they are known.
    #[must_use]
    pub fn lsns(&self) -> (Option<Lsn>, Option<Lsn>) {
        (self.0.expected, self.0.found)
    }

    /// Message, positions, detail, causes and hint on lines of their own, as a person reads them.
    #[must_use]
    pub fn report(&self) -> String {
        use fmt::Write as _;
        let mut text = format!("error ({}): {}", self.class().as_str(), self.0.message);
        match self.lsns() {
            (Some(expected), Some(found)) => {
                let _ = write!(text, "\n  position: ours {expected}, found {found}");
            }
            (None, Some(found)) => {
                let _ = write!(text, "\n  position: {found}");
            }
            (Some(expected), None) => {
                let _ = write!(text, "\n  position: ours {expected}");
            }
            (None, None) => {}
        }
        if let Some(detail) = &self.0.detail {
            let _ = write!(text, "\n  detail: {detail}");
        }
        let mut cause = self.source();
        while let Some(source) = cause {
            let _ = write!(text, "\n  cause: {source}");
            cause = source.source();
        }
        if let Some(hint) = &self.0.hint {
            let _ = write!(text, "\n  remedy: {hint}");
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match self.lsns() {
            (Some(expected), Some(found)) => write!(f, " (ours {expected}, found {found})"),
            (None, Some(found)) => write!(f, " (at {found})"),
            (Some(expected), None) => write!(f, " (ours {expected})"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("detail", &self.0.detail)
            .field("hint", &self.0.hint)
            .field("expected", &self.0.expected)
            .field("found", &self.0.found)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_carries_class_positions_cause_and_remedy() {
        let error = Error::new(Kind::SlotMoved, "slot \"s\" stands where we never confirmed")
            .positions(Lsn::new(0x10), Lsn::new(0x20))
            .detail("somebody advanced it")
            .caused_by(std::io::Error::other("inner"))
            .hint("choose");
        let report = error.report();
        for part in ["definite", "ours 0/10, found 0/20", "somebody advanced it", "inner", "choose"] {
            assert!(report.contains(part), "{part} is missing in {report}");
        }
        assert_eq!(error.kind().exit_code(), 5);
    }
}
