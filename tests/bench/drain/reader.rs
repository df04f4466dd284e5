//! Who drains a backlog, as a process that is started, watched for its end, and stopped.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::Duration;

use serde::Serialize;
use walcast::lsn::Lsn;

use super::workload::PUBLICATION;
use crate::support::Outcome;
use crate::support::connector::{Connector, Stream};
use crate::support::stand::Stand;

/// Who drains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reader {
    /// walcast's connection, discarding.
    Raw,
    /// PostgreSQL's own client, to `/dev/null`.
    PgRecvlogical,
    /// walcast to the broker.
    Walcast,
    /// Debezium to the broker.
    Debezium,
}

impl Reader {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Raw => "raw, discarding",
            Self::PgRecvlogical => "pg_recvlogical to /dev/null",
            Self::Walcast => "walcast to Kafka",
            Self::Debezium => "Debezium to Kafka",
        }
    }

    /// In names of slots and topics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::PgRecvlogical => "recvlogical",
            Self::Walcast => "walcast",
            Self::Debezium => "debezium",
        }
    }

    /// Whether it writes to the broker and confirms to the slot.
    pub(crate) fn is_connector(self) -> bool {
        matches!(self, Self::Walcast | Self::Debezium)
    }
}

/// A reader that runs.
pub(crate) enum Running {
    Raw(Raw),
    PgRecvlogical(Discarding),
    Connector(Connector),
}

impl Running {
    pub(crate) fn start(reader: Reader, stand: &Stand, stream: &Stream, end: Lsn) -> Outcome<Self> {
        Ok(match reader {
            Reader::Raw => Self::Raw(Raw::start(stand, stream, end)?),
            Reader::PgRecvlogical => Self::PgRecvlogical(Discarding::start(stand, stream)?),
            Reader::Walcast => Self::Connector(Connector::walcast(stand, stream)?),
            Reader::Debezium => Self::Connector(Connector::debezium(stand, stream)?),
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Raw(raw) => raw.child.0.id(),
            Self::PgRecvlogical(discarding) => discarding.0.0.id(),
            Self::Connector(connector) => connector.pid(),
        }
    }

    /// Fails when it has ended by itself.
    pub(crate) fn check(&mut self) -> Outcome<()> {
        match self {
            Self::Raw(raw) => raw.child.check("the raw reader"),
            Self::PgRecvlogical(discarding) => discarding.0.check("pg_recvlogical"),
            Self::Connector(connector) => connector.check(),
        }
    }

    pub(crate) fn stop(self) -> Outcome<()> {
        match self {
            Self::Connector(connector) => connector.stop(),
            // Killed when dropped.
            Self::Raw(_) | Self::PgRecvlogical(_) => Ok(()),
        }
    }
}

/// A child that is killed when it is no longer wanted.
struct Reaped(Child);

impl Reaped {
    fn check(&mut self, name: &str) -> Outcome<()> {
        match self.0.try_wait()? {
            Some(status) => Err(format!("{name} ended with {status}").into()),
            None => Ok(()),
        }
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This binary again, as raw reader.
pub(crate) struct Raw {
    child: Reaped,
    rows: Receiver<u64>,
}

impl Raw {
    fn start(stand: &Stand, stream: &Stream, end: Lsn) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["raw-reader", stand.postgres.host(), &stand.postgres.port().to_string(), stand.postgres.user()])
            .args([&stream.dbname, &stream.slot, &end.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the raw reader has no standard output")?;
        let (sender, rows) = mpsc::channel();
        std::thread::spawn(move || {
            if let Some(count) = first_number(stdout) {
                // Nobody listens any more only when the bench is ending.
                let _ = sender.send(count);
            }
        });
        Ok(Self { child: Reaped(child), rows })
    }

    /// Rows of the whole backlog, when it is drained within `patience`.
    pub(crate) fn wait(&self, patience: Duration) -> Option<u64> {
        self.rows.recv_timeout(patience).ok()
    }

    /// Whether it has ended without a count.
    pub(crate) fn gave_up(&self) -> bool {
        self.rows.try_recv() == Err(TryRecvError::Disconnected)
    }
}

fn first_number(stdout: ChildStdout) -> Option<u64> {
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).ok()?;
    line.trim().parse().ok()
}

/// `pg_recvlogical` with the options of pgoutput that walcast streams with.
pub(crate) struct Discarding(Reaped);

impl Discarding {
    fn start(stand: &Stand, stream: &Stream) -> Outcome<Self> {
        let program = stand.pg_recvlogical.as_ref().ok_or("pg_recvlogical is not installed")?;
        let child = Command::new(program)
            .args(["--start", "--no-loop", "--file=/dev/null", "--option=proto_version=1", "--option=messages=true"])
            .arg(format!("--option=publication_names={PUBLICATION}"))
            .arg(format!("--host={}", stand.postgres.host()))
            .arg(format!("--port={}", stand.postgres.port()))
            .arg(format!("--username={}", stand.postgres.user()))
            .arg(format!("--dbname={}", stream.dbname))
            .arg(format!("--slot={}", stream.slot))
            .stdin(Stdio::null())
            .spawn()?;
        Ok(Self(Reaped(child)))
    }
}
