//! Findings, and the one error they make together.

use std::fmt;
use std::fmt::Write as _;

use crate::error::{Error, Kind, Result};
use crate::lsn::Lsn;
use crate::source::ident::QualifiedName;
use crate::source::identity::ServerIdentity;
use crate::source::publication::Plan;
use crate::source::slot::SlotState;

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// The server's version.
    ServerVersion,
    /// Whether it is a hot standby.
    Standby,
    /// `wal_level`
    WalLevel,
    /// `server_encoding`
    Encoding,
    /// The role's right to read slots.
    ReplicationPrivilege,
    /// `max_replication_slots`
    ReplicationSlots,
    /// `max_wal_senders`
    WalSenders,
    /// The slot itself.
    Slot,
    /// What of the slot's log may be removed while nobody reads it.
    SlotRetention,
    /// Open transactions that a new slot has to wait for.
    SlotBlocked,
    /// The publication itself.
    Publication,
    /// The role's right to make or change the publication.
    PublicationPrivilege,
    /// Which of the captured tables the publication sends.
    PublicationTables,
    /// Which operations the publication sends.
    PublicationOperations,
    /// Whether changes of partitions are sent as the configuration says.
    PublicationRoot,
    /// Published tables whose UPDATE and DELETE fail.
    ReplicaIdentity,
    /// Captured tables that are not written to the log.
    UnloggedTables,
    /// Tables of the snapshot that the role may not read.
    SnapshotPrivilege,
    /// Queries that are read in place of tables.
    SnapshotQuery,
    /// The table of signals.
    SignalTable,
    /// The other end: brokers, rights and topics.
    Sink,
}

impl Check {
    /// The word used in logs and JSON output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sink => "sink",
            Self::ServerVersion => "server_version",
            Self::Standby => "standby",
            Self::WalLevel => "wal_level",
            Self::Encoding => "server_encoding",
            Self::ReplicationPrivilege => "replication_privilege",
            Self::ReplicationSlots => "max_replication_slots",
            Self::WalSenders => "max_wal_senders",
            Self::Slot => "slot",
            Self::SlotRetention => "slot_retention",
            Self::SlotBlocked => "slot_blocked",
            Self::Publication => "publication",
            Self::PublicationPrivilege => "publication_privilege",
            Self::PublicationTables => "publication_tables",
            Self::PublicationOperations => "publication_operations",
            Self::PublicationRoot => "publication_root",
            Self::ReplicaIdentity => "replica_identity",
            Self::UnloggedTables => "unlogged_tables",
            Self::SnapshotPrivilege => "snapshot_privilege",
            Self::SnapshotQuery => "snapshot_query",
            Self::SignalTable => "signal_table",
        }
    }
}

/// What a finding means for the start, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Streaming cannot start.
    Error,
    /// Streaming starts, and something will surprise.
    Warning,
    /// Worth knowing.
    Notice,
}

impl Severity {
    /// The word used in logs and JSON output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// How to mend a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Statements to run, each without its semicolon.
    Sql(Vec<String>),
    /// A server setting, which needs a restart where `restart` says so.
    Setting {
        /// Its name.
        name: &'static str,
        /// A value that mends.
        value: String,
        /// Whether a reload is not enough.
        restart: bool,
    },
    /// What else to do, one sentence.
    Action(String),
}

impl Remedy {
    /// One statement.
    pub(super) fn sql(statement: String) -> Option<Self> {
        Some(Self::Sql(vec![statement]))
    }

    pub(super) fn action(text: impl Into<String>) -> Option<Self> {
        Some(Self::Action(text.into()))
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(statements) => {
                for (index, statement) in statements.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" ")?;
                    }
                    write!(f, "{statement};")?;
                }
                Ok(())
            }
            Self::Setting { name, value, restart: true } => {
                write!(f, "ALTER SYSTEM SET {name} = '{value}'; then restart PostgreSQL")
            }
            Self::Setting { name, value, restart: false } => {
                write!(f, "ALTER SYSTEM SET {name} = '{value}'; SELECT pg_reload_conf();")
            }
            Self::Action(text) => f.write_str(text),
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// What it means for the start.
    pub severity: Severity,
    /// The kind of error it makes where it is one.
    pub kind: Kind,
    /// What was found, one sentence.
    pub what: String,
    /// How to mend it.
    pub remedy: Option<Remedy>,
}

impl Finding {
    pub(super) fn error(check: Check, kind: Kind, what: impl Into<String>, remedy: Option<Remedy>) -> Self {
        Self { check, severity: Severity::Error, kind, what: what.into(), remedy }
    }

    pub(super) fn warning(check: Check, what: impl Into<String>, remedy: Option<Remedy>) -> Self {
        Self { check, severity: Severity::Warning, kind: Kind::Preflight, what: what.into(), remedy }
    }

    pub(super) fn notice(check: Check, what: impl Into<String>, remedy: Option<Remedy>) -> Self {
        Self { severity: Severity::Notice, ..Self::warning(check, what, remedy) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.severity.as_str(), self.check.as_str(), self.what)
    }
}

/// All findings, gravest first, and what was seen of the server on the way.
#[derive(Clone, Debug)]
pub struct Report {
    /// The findings, errors before warnings before notices.
    pub findings: Vec<Finding>,
    /// Who answers.
    pub identity: ServerIdentity,
    /// How the slot stands.
    pub slot: SlotState,
    /// What has to be done with the publication.
    pub plan: Plan,
    /// Tables that pass the include and exclude lists.
    pub captured: Vec<QualifiedName>,
}

impl Report {
    /// Adds what was found at the other end: an error where nothing could be written at all, a warning otherwise.
    pub fn add_sink_finding(&mut self, severity: Severity, kind: Kind, what: impl Into<String>, remedy: String) {
        self.findings.push(Finding {
            check: Check::Sink,
            severity,
            kind,
            what: what.into(),
            remedy: Some(Remedy::Action(remedy)),
        });
        self.findings.sort_by_key(|finding| finding.severity);
    }

    /// Writes warnings and notices to the log, each with its remedy. Errors are for [`Self::into_result`].
    pub fn log(&self) {
        for finding in &self.findings {
            let remedy = finding.remedy.as_ref().map(ToString::to_string).unwrap_or_default();
            let check = finding.check.as_str();
            match finding.severity {
                Severity::Error => {}
                Severity::Warning => tracing::warn!(check, remedy, "{}", finding.what),
                Severity::Notice => tracing::info!(check, remedy, "{}", finding.what),
            }
        }
    }

    /// The report itself where streaming can start, and otherwise one error that lists every finding.
    ///
    /// # Errors
    /// Of the kind of the gravest finding: a lost slot first, then what an operator must mend, then what may pass.
    pub fn into_result(self) -> Result<Self> {
        let mut errors: Vec<&Finding> =
            self.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        errors.sort_by_key(|finding| gravity(finding.kind));
        let Some(gravest) = errors.first() else { return Ok(self) };
        let error = match errors.len() {
            1 => Error::new(gravest.kind, gravest.what.clone()),
            count => Error::new(gravest.kind, format!("{count} findings keep streaming from starting")),
        };
        let error = match self.position() {
            Some(lsn) if gravest.kind == Kind::SlotLost => error.at(lsn),
            _ => error,
        };
        if let [only] = self.findings.as_slice() {
            return Err(match &only.remedy {
                Some(remedy) => error.hint(remedy.to_string()),
                None => error,
            });
        }
        Err(error.detail(self.lines()).hint("mend what is listed, errors first"))
    }

    fn position(&self) -> Option<Lsn> {
        match &self.slot {
            SlotState::Lost { confirmed_flush, .. } => *confirmed_flush,
            _ => None,
        }
    }

    /// Every finding on a line of its own, its remedy below it.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = format!("{} found", self.findings.len());
        for finding in &self.findings {
            let _ = write!(text, "\n    {finding}");
            if let Some(remedy) = &finding.remedy {
                let _ = write!(text, "\n      remedy: {remedy}");
            }
        }
        text
    }
}

/// The order of kinds where there are several, gravest first.
const fn gravity(kind: Kind) -> u8 {
    match kind {
        Kind::SlotLost => 0,
        Kind::PublicationMissing => 2,
        Kind::ServerUnavailable => 3,
        Kind::SlotInUse => 4,
        _ => 1,
    }
}
