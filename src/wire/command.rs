//! Replication commands: their text, by server version, and their answers.
//!
//! Owns what is said to the walsender before the stream begins.
//!
//! Source: PostgreSQL manual, "Streaming Replication Protocol"; `repl_gram.y`, `repl_scanner.l`.

use std::fmt::Write as _;

use super::connect::Connection;
use super::copy::CopyBoth;
use super::message::{tag, unexpected};
use super::query::Rows;
use super::server_error::{Moment, ServerError};
use crate::error::{Error, Kind, Result};
use crate::lsn::Lsn;

/// IDENTIFY_SYSTEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemIdentity {
    /// The cluster's identifier, the same on all its standbys.
    pub system_id: u64,
    /// The current timeline.
    pub timeline: u32,
    /// The end of the flushed log.
    pub xlogpos: Lsn,
    /// The database connected to.
    pub dbname: Option<String>,
}

/// What becomes of the snapshot that a slot's creation builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotSnapshot {
    /// None is wanted, and the server does not hold back vacuum for it.
    Nothing,
    /// Exported; it lives until the next command on this connection.
    Export,
}

/// How long a slot lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotLifetime {
    /// Until it is dropped.
    Permanent,
    /// Until its connection ends.
    Temporary,
}

/// How a slot is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateSlot {
    /// How long it lives.
    pub lifetime: SlotLifetime,
    /// What becomes of its snapshot.
    pub snapshot: SlotSnapshot,
    /// Whether standbys keep a copy; servers before 17 cannot, and it is left out there, as Debezium does.
    pub failover: bool,
}

/// CREATE_REPLICATION_SLOT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedSlot {
    /// Changes committed after this position are streamed.
    pub consistent_point: Lsn,
    /// The exported snapshot's name for SET TRANSACTION SNAPSHOT.
    pub snapshot_name: Option<String>,
}

/// START_REPLICATION.
#[derive(Clone, Debug)]
pub struct StartReplication<'a> {
    /// Slot.
    pub slot: &'a str,
    /// Transactions that committed before it are not sent; [`Lsn::ZERO`] is where the slot stands.
    pub start: Lsn,
    /// Publications.
    pub publications: &'a [&'a str],
    /// Protocol version of pgoutput.
    pub proto_version: u32,
    /// Ask for values in binary form; left out on servers before 14, which answer in text.
    pub binary: bool,
    /// Ask for logical decoding messages; left out on servers before 14, which have none to send.
    pub messages: bool,
    /// Further options of the plugin.
    pub extra: &'a [(String, String)],
}

/// First version with options in parentheses.
const OPTION_LIST: u32 = 150_000;
/// First version whose slots can fail over.
const FAILOVER: u32 = 170_000;
/// First version whose pgoutput knows `binary` and `messages`.
const BINARY_AND_MESSAGES: u32 = 140_000;

impl Connection {
    /// Who answers at this address, and where its log ends.
    ///
    /// # Errors
    /// As [`Connection::simple_query`].
    pub async fn identify_system(&mut self) -> Result<SystemIdentity> {
        let rows = self.simple_query("IDENTIFY_SYSTEM").await?;
        system_identity(&rows).ok_or_else(|| not_understood("IDENTIFY_SYSTEM"))
    }

    /// Makes a logical slot for pgoutput.
    ///
    /// The server waits for every transaction that is writing at the moment, without a limit; bound it with a time-out
    /// and drop the connection, which leaves no slot behind.
    ///
    /// # Errors
    /// As [`Connection::simple_query`].
    pub async fn create_replication_slot(&mut self, slot: &str, how: CreateSlot) -> Result<CreatedSlot> {
        let version = self.server_version_num();
        if how.snapshot == SlotSnapshot::Export {
            self.lift_idle_limits(version).await?;
        }
        let rows = self.simple_query(&create_slot_text(slot, how, version)).await?;
        created_slot(&rows).ok_or_else(|| not_understood("CREATE_REPLICATION_SLOT"))
    }

    /// An exported snapshot dies with its idle connection. These limits came after 10, so they cannot stand in the
    /// start-up packet, where a server refuses what it does not know.
    async fn lift_idle_limits(&mut self, version: u32) -> Result<()> {
        for (setting, since) in [("idle_session_timeout", 140_000), ("transaction_timeout", 170_000)] {
            if version >= since {
                self.simple_query(&format!("SET {setting} = 0")).await?;
            }
        }
        Ok(())
    }

    /// Drops a slot; with `wait`, as soon as nobody uses it.
    ///
    /// # Errors
    /// As [`Connection::simple_query`]; `SlotInUse` without `wait`.
    pub async fn drop_replication_slot(&mut self, slot: &str, wait: bool) -> Result<()> {
        let wait = if wait { " WAIT" } else { "" };
        self.simple_query(&format!("DROP_REPLICATION_SLOT {}{wait}", identifier(slot))).await.map(drop)
    }

    /// Begins to stream a slot.
    ///
    /// # Errors
    /// `SlotInUse`, `SlotLost`, or as [`Connection::simple_query`]; the connection is closed then.
    pub async fn start_replication(mut self, how: &StartReplication<'_>) -> Result<CopyBoth> {
        let text = start_replication_text(how, self.server_version_num())?;
        self.send_query(&text).await?;
        let answer = self.channel.next_answer().await?;
        match answer.tag {
            // Format and column count say nothing for this stream.
            tag::COPY_BOTH => Ok(CopyBoth::new(self.channel)),
            tag::ERROR => {
                let error = ServerError::parse(&answer.body).into_error(Moment::Streaming);
                self.close().await;
                Err(error)
            }
            other => Err(unexpected(other, "as answer to START_REPLICATION")),
        }
    }
}

fn create_slot_text(slot: &str, how: CreateSlot, version: u32) -> String {
    let temporary = if how.lifetime == SlotLifetime::Temporary { " TEMPORARY" } else { "" };
    let mut text = format!("CREATE_REPLICATION_SLOT {}{temporary} LOGICAL pgoutput ", identifier(slot));
    text.push_str(match (how.snapshot, version >= OPTION_LIST) {
        (SlotSnapshot::Nothing, true) => "(SNAPSHOT 'nothing'",
        (SlotSnapshot::Export, true) => "(SNAPSHOT 'export'",
        (SlotSnapshot::Nothing, false) => "NOEXPORT_SNAPSHOT",
        (SlotSnapshot::Export, false) => "EXPORT_SNAPSHOT",
    });
    if how.failover && version >= FAILOVER {
        text.push_str(", FAILOVER true");
    } else if how.failover {
        tracing::debug!(version, "this server's slots cannot fail over; the option is left out");
    }
    if version >= OPTION_LIST {
        text.push(')');
    }
    text
}

fn start_replication_text(how: &StartReplication<'_>, version: u32) -> Result<String> {
    let publications: Vec<String> = how.publications.iter().map(|name| identifier(name)).collect();
    let mut options =
        vec![("proto_version", how.proto_version.to_string()), ("publication_names", publications.join(","))];
    for (name, wanted) in [("binary", how.binary), ("messages", how.messages)] {
        if wanted && version >= BINARY_AND_MESSAGES {
            options.push((name, "true".to_owned()));
        }
    }
    for (name, value) in how.extra {
        if options.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Err(Error::new(Kind::Config, format!("slot.stream.params: {name} is set by walcast itself")));
        }
        options.push((name, value.clone()));
    }
    let mut text = format!("START_REPLICATION SLOT {} LOGICAL {} (", identifier(how.slot), how.start);
    for (index, (name, value)) in options.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{} {}", identifier(name), literal(value));
    }
    text.push(')');
    Ok(text)
}

/// A quoted identifier, in SQL as in replication commands.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A quoted string of the replication grammar, which knows no backslash escapes and no `E''` form.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn system_identity(rows: &Rows) -> Option<SystemIdentity> {
    let [system_id, timeline, xlogpos, dbname] = rows.first()?.as_slice() else { return None };
    Some(SystemIdentity {
        system_id: system_id.as_ref()?.parse().ok()?,
        timeline: timeline.as_ref()?.parse().ok()?,
        xlogpos: xlogpos.as_ref()?.parse().ok()?,
        dbname: dbname.clone(),
    })
}

fn created_slot(rows: &Rows) -> Option<CreatedSlot> {
    let [_slot, consistent_point, snapshot_name, _plugin] = rows.first()?.as_slice() else { return None };
    Some(CreatedSlot {
        consistent_point: consistent_point.as_ref()?.parse().ok()?,
        snapshot_name: snapshot_name.clone(),
    })
}

fn not_understood(command: &str) -> Error {
    Error::new(Kind::Protocol, format!("the server's answer to {command} is not understood"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: CreateSlot =
        CreateSlot { lifetime: SlotLifetime::Permanent, snapshot: SlotSnapshot::Nothing, failover: true };

    #[test]
    fn a_slot_is_made_in_the_words_of_each_version() {
        let export = CreateSlot { snapshot: SlotSnapshot::Export, lifetime: SlotLifetime::Temporary, failover: false };
        for (version, how, expected) in [
            (100_000, QUIET, "CREATE_REPLICATION_SLOT \"s\" LOGICAL pgoutput NOEXPORT_SNAPSHOT"),
            (140_009, export, "CREATE_REPLICATION_SLOT \"s\" TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT"),
            (150_018, QUIET, "CREATE_REPLICATION_SLOT \"s\" LOGICAL pgoutput (SNAPSHOT 'nothing')"),
            (170_000, QUIET, "CREATE_REPLICATION_SLOT \"s\" LOGICAL pgoutput (SNAPSHOT 'nothing', FAILOVER true)"),
            (180_004, export, "CREATE_REPLICATION_SLOT \"s\" TEMPORARY LOGICAL pgoutput (SNAPSHOT 'export')"),
        ] {
            assert_eq!(create_slot_text("s", how, version), expected);
        }
    }

    #[test]
    fn the_stream_is_asked_for_with_names_quoted_twice() {
        let extra = [("origin".to_owned(), "it's".to_owned())];
        let how = StartReplication {
            slot: "s",
            start: Lsn::new(0x16_0000_00AB),
            publications: &["a\"b", "it's"],
            proto_version: 1,
            binary: true,
            messages: false,
            extra: &extra,
        };
        assert_eq!(
            start_replication_text(&how, 150_000).unwrap(),
            "START_REPLICATION SLOT \"s\" LOGICAL 16/AB (\"proto_version\" '1', \
             \"publication_names\" '\"a\"\"b\",\"it''s\"', \"binary\" 'true', \"origin\" 'it''s')"
        );
        assert!(!start_replication_text(&how, 130_000).unwrap().contains("binary"));
        let ours = [("Proto_Version".to_owned(), "2".to_owned())];
        let refused = start_replication_text(&StartReplication { extra: &ours, ..how }, 150_000).unwrap_err();
        assert_eq!(refused.kind(), Kind::Config);
    }

    #[test]
    fn answers_are_read_or_refused() {
        let text = |value: &str| Some(value.to_owned());
        let rows = vec![vec![text("7301234567890123456"), text("1"), text("0/15D68C8"), text("shop")]];
        let identity = system_identity(&rows).unwrap();
        assert_eq!((identity.timeline, identity.xlogpos.to_string()), (1, "0/15D68C8".to_owned()));
        assert_eq!(system_identity(&vec![vec![text("x"), text("1"), text("0/0"), None]]), None);
        assert_eq!(system_identity(&Vec::new()), None);
        let created = created_slot(&vec![vec![text("s"), text("0/10"), None, text("pgoutput")]]).unwrap();
        assert_eq!(created, CreatedSlot { consistent_point: Lsn::new(16), snapshot_name: None });
    }
}
