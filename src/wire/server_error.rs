//! What the server refused, and what that means to us.
//!
//! Owns [`ServerError`] and the one table from SQLSTATE to [`Kind`].
//!
//! Only severity, SQLSTATE and the primary message are kept. DETAIL, HINT, CONTEXT and STATEMENT of the server can
//! hold row values and never leave the receive buffer.
//!
//! Source: PostgreSQL manual, "Error and Notice Message Fields" and "PostgreSQL Error Codes".

use std::error::Error as StdError;
use std::fmt;

use super::message::fields;
use crate::error::{Error, Kind};

/// What was under way when the server answered with an error. The same SQLSTATE means different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Between the start-up packet and the first ReadyForQuery.
    StartUp,
    /// An ordinary command.
    Command,
    /// START_REPLICATION, or the stream it opened.
    Streaming,
    /// A statement that reads rows, or what it needs.
    Reading,
}

/// An ErrorResponse, reduced to what may be shown. It is the `source` of the errors made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    severity: String,
    sqlstate: String,
    message: String,
}

impl ServerError {
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut error = Self { severity: String::new(), sqlstate: String::new(), message: String::new() };
        for (code, text) in fields(body) {
            let text = String::from_utf8_lossy(text).into_owned();
            match code {
                // `V` is never translated; `S` is the fallback of servers before 9.6 and of poolers.
                b'V' => error.severity = text,
                b'S' if error.severity.is_empty() => error.severity = text,
                b'C' => error.sqlstate = text,
                b'M' => error.message = text,
                _ => {}
            }
        }
        error
    }

    /// `ERROR`, `FATAL` or `PANIC`; for notices `WARNING`, `NOTICE` and so on.
    #[must_use]
    pub fn severity(&self) -> &str {
        &self.severity
    }

    /// The five characters of the SQLSTATE; empty where the server sent none.
    #[must_use]
    pub fn sqlstate(&self) -> &str {
        &self.sqlstate
    }

    /// The primary message, in the server's language.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The server's error that is behind an error of ours, if one is.
    #[must_use]
    pub fn behind(error: &Error) -> Option<&Self> {
        error.source().and_then(|source| source.downcast_ref())
    }

    /// The error that a notice in the stream stands for, if it says that a publication is not there.
    ///
    /// Servers from 18 on do not fail where a publication is missing at the position that is decoded: they warn
    /// (`skipped loading publication`, in the server's language) and leave its changes out. No other warning in a
    /// stream has this SQLSTATE; one that ever will is better met with a stop than with silent loss.
    pub(super) fn into_missing_publication(self) -> Option<Error> {
        if self.severity != "WARNING" || self.sqlstate != "55000" {
            return None;
        }
        let kind = Kind::PublicationMissing;
        let error = Error::new(kind, summary(kind, Moment::Streaming))
            .detail("the server leaves the publication's changes out from here on");
        Some(
            match remedy(kind, &self.sqlstate) {
                Some(remedy) => error.hint(remedy),
                None => error,
            }
            .caused_by(self),
        )
    }

    pub(super) fn into_error(self, moment: Moment) -> Error {
        if moment == Moment::Reading {
            let text = format!("PostgreSQL answered: {} (SQLSTATE {})", self.message, self.sqlstate);
            return Error::new(kind_of_reading(&self.sqlstate), text).caused_by(self);
        }
        let kind = kind_of(&self.sqlstate, &self.message, moment);
        let error = Error::new(kind, summary(kind, moment));
        let error = match remedy(kind, &self.sqlstate) {
            Some(remedy) => error.hint(remedy),
            None => error,
        };
        // Names the process that holds the slot.
        let error = if kind == Kind::SlotInUse { error.detail(self.message.as_str()) } else { error };
        error.caused_by(self)
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.severity, self.sqlstate, self.message)
    }
}

impl StdError for ServerError {}

/// The table. Messages are looked at only where one SQLSTATE covers several cases; they may be translated, so
/// the words that are looked for are the ones that a translation keeps, or the case falls to the safe side.
fn kind_of(sqlstate: &str, message: &str, moment: Moment) -> Kind {
    let says = |words: &str| message.contains(words);
    match sqlstate {
        // object_in_use: "replication slot "s" is active for PID 123".
        "55006" => Kind::SlotInUse,
        // undefined_object. A publication is looked up while decoding; everything else that START_REPLICATION
        // can miss is the slot.
        "42704" if says("publication") => Kind::PublicationMissing,
        "42704" if moment == Moment::Streaming || says("replication slot") => Kind::SlotLost,
        // object_not_in_prerequisite_state: an invalidated slot, or a walsender that is being stopped.
        "55000" if says("can no longer") || says("invalidated") => Kind::SlotLost,
        "55000" if says("stopping mode") => Kind::ServerUnavailable,
        // undefined_file: "requested WAL segment 0000... has already been removed".
        "58P01" if says("WAL segment") || says("has already been removed") => Kind::SlotLost,
        // The server goes down, comes up, gave up on an idle connection, or its database is being dropped.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" | "57014" => Kind::ServerUnavailable,
        // too_many_connections, disk_full, out_of_memory.
        "53300" | "53100" | "53200" => Kind::ServerUnavailable,
        _ if sqlstate.starts_with("28") => Kind::Authentication,
        _ if sqlstate.starts_with("08") => Kind::ServerUnavailable,
        _ => Kind::ServerRefused,
    }
}

/// The same for statements that read rows: of slots and publications none speaks.
fn kind_of_reading(sqlstate: &str) -> Kind {
    match sqlstate {
        // Insufficient privilege, unknown database: an operator's move.
        "42501" | "3D000" => Kind::Preflight,
        // A lock that was not had in time, and what comes of others' transactions.
        "55P03" | "40001" | "40P01" | "25P03" | "25P04" => Kind::ServerUnavailable,
        code => match code.get(..2) {
            Some("28") => Kind::Authentication,
            Some("08") => Kind::Connection,
            Some("53" | "57") => Kind::ServerUnavailable,
            _ => Kind::ServerRefused,
        },
    }
}

fn summary(kind: Kind, moment: Moment) -> &'static str {
    match (kind, moment) {
        (Kind::SlotInUse, _) => "the replication slot is in use by another process",
        (Kind::SlotLost, _) => "the replication slot is gone or was invalidated",
        (Kind::PublicationMissing, _) => "the publication does not exist at the position that is being decoded",
        (Kind::Authentication, _) => "the server refused the credentials",
        (Kind::ServerUnavailable, _) => "the server is not available at the moment",
        (_, Moment::StartUp) => "the server refused the connection",
        (_, Moment::Command | Moment::Reading) => "the server refused a command",
        (_, Moment::Streaming) => "the server refused to stream",
    }
}

fn remedy(kind: Kind, sqlstate: &str) -> Option<&'static str> {
    Some(match (kind, sqlstate) {
        (Kind::SlotInUse, _) => {
            "wait until the process that the server names has ended, or end it with pg_terminate_backend(pid)"
        }
        (Kind::SlotLost, _) => {
            "changes since the last confirmed position may be lost: start with a new slot, and write the missing rows \
             again at the source"
        }
        (Kind::PublicationMissing, _) => {
            "make the publication, then a slot behind it: SELECT pg_drop_replication_slot(...) and start again; what was \
             changed before that has to be written again at the source"
        }
        (Kind::Authentication, _) => {
            "check database.user, database.password, the role's LOGIN and REPLICATION attributes and pg_hba.conf"
        }
        (_, "53400") => "raise max_replication_slots, or drop a slot that nobody uses",
        (_, "42501") => "grant the role what the server names; replication needs ALTER ROLE ... REPLICATION",
        (_, "3D000") => "check database.dbname",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(sqlstate: &str, message: &str) -> Vec<u8> {
        format!("SFEHLER\0VERROR\0C{sqlstate}\0M{message}\0DKey (id)=(secret value)\0Wsecret context\0\0").into_bytes()
    }

    #[test]
    fn the_table_tells_apart_what_one_sqlstate_covers() {
        use Kind as K;
        use Moment::{Command, StartUp, Streaming};
        for (sqlstate, message, moment, kind) in [
            ("55006", "replication slot \"s\" is active for PID 77", Streaming, K::SlotInUse),
            ("42704", "publication \"p\" does not exist", Streaming, K::PublicationMissing),
            ("42704", "replication slot \"s\" does not exist", Streaming, K::SlotLost),
            ("42704", "replication slot \"s\" does not exist", Command, K::SlotLost),
            ("42704", "Replikations-Slot »s« existiert nicht", Streaming, K::SlotLost),
            ("42704", "unrecognized configuration parameter \"x\"", StartUp, K::ServerRefused),
            ("55000", "can no longer get changes from replication slot \"s\"", Streaming, K::SlotLost),
            ("55000", "can no longer access replication slot \"s\"", Streaming, K::SlotLost),
            ("55000", "logical decoding requires wal_level >= logical", Streaming, K::ServerRefused),
            (
                "55000",
                "cannot execute new commands while WAL sender is in stopping mode",
                Command,
                K::ServerUnavailable,
            ),
            (
                "58P01",
                "requested WAL segment 000000010000000000000001 has already been removed",
                Streaming,
                K::SlotLost,
            ),
            ("28P01", "password authentication failed for user \"u\"", StartUp, K::Authentication),
            ("28000", "no pg_hba.conf entry for host", StartUp, K::Authentication),
            ("57P01", "terminating connection due to administrator command", Streaming, K::ServerUnavailable),
            ("57P02", "", Streaming, K::ServerUnavailable),
            ("57P03", "the database system is starting up", StartUp, K::ServerUnavailable),
            ("53300", "sorry, too many clients already", StartUp, K::ServerUnavailable),
            ("08006", "", StartUp, K::ServerUnavailable),
            ("42601", "syntax error", Command, K::ServerRefused),
            ("", "", Command, K::ServerRefused),
        ] {
            let error = ServerError::parse(&response(sqlstate, message)).into_error(moment);
            assert_eq!(error.kind(), kind, "{sqlstate} {message}");
            assert_eq!(ServerError::behind(&error).map(ServerError::sqlstate), Some(sqlstate));
        }
    }

    #[test]
    fn values_in_detail_and_context_are_not_kept() {
        let error = ServerError::parse(&response("23505", "duplicate key")).into_error(Moment::Command);
        for text in [format!("{error:?}"), error.report(), format!("{:?}", ServerError::behind(&error))] {
            assert!(!text.contains("secret"), "{text}");
            assert!(text.contains("duplicate key") && text.contains("23505"), "{text}");
        }
        assert_eq!(ServerError::behind(&error).map(ServerError::severity), Some("ERROR"), "the untranslated severity");
    }
}
