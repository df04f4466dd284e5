//! The raw reader: walcast's own connection and nothing behind it.
//!
//! It runs in a process of its own, this binary executed again, so that its CPU can be told apart. It streams with the
//! options that walcast streams with, walks through the frames and throws them away.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;
use walcast::config::{ChannelBinding, Database, SslMode, Tls};
use walcast::ledger::{ConfirmedLsn, Ledger};
use walcast::lsn::Lsn;
use walcast::pgoutput::{Block, Message, parse};
use walcast::pgtime::PgMicros;
use walcast::wire::{Connection, CopyBoth, Frame, ReplyRequest, StartReplication};

use super::workload::PUBLICATION;
use crate::support::Outcome;

/// A server that is silent for so long in the middle of a backlog will not go on.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What the child process is told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) dbname: String,
    pub(crate) slot: String,
    /// Where the backlog ends.
    pub(crate) end: Lsn,
}

/// Drains the slot, prints how many rows there were, and stays connected until standard input ends, so that the cost of
/// both ends can still be read.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut copy = start(arguments).await?;
        let rows = drain(&mut copy, arguments.end).await?;
        println!("{rows}");
        std::io::stdout().flush()?;
        std::io::stdin().read_to_end(&mut Vec::new())?;
        Ok(())
    })
}

async fn start(arguments: &Arguments) -> Outcome<CopyBoth> {
    let database = Database {
        host: arguments.host.clone(),
        port: arguments.port,
        user: arguments.user.clone(),
        password: None,
        dbname: arguments.dbname.clone(),
        tls: Tls { mode: SslMode::Disable, channel_binding: ChannelBinding::Disable, ..Tls::default() },
        connect_timeout: Duration::from_secs(10),
        tcp_keepalive: true,
    };
    let connection = Connection::open(&database, "raw").await?;
    let how = StartReplication {
        slot: &arguments.slot,
        start: Lsn::ZERO,
        publications: &[PUBLICATION],
        proto_version: 1,
        binary: false,
        messages: true,
        extra: &[],
    };
    Ok(connection.start_replication(&how).await?)
}

async fn drain(copy: &mut CopyBoth, end: Lsn) -> Outcome<u64> {
    let nothing = Ledger::new(Lsn::ZERO).confirmable();
    let mut rows = 0;
    loop {
        let mut asked = false;
        while let Some(frame) = copy.next_frame()? {
            match frame {
                Frame::Data { payload, .. } => match payload.first() {
                    Some(b'I' | b'U') => rows += 1,
                    Some(b'C') if ends_at_or_after(payload, end)? => return Ok(rows),
                    _ => {}
                },
                Frame::Keepalive { end: here, .. } if here >= end => return Ok(rows),
                Frame::Keepalive { reply_requested, .. } => asked |= reply_requested,
                Frame::Done => return Err("the server ended the stream".into()),
            }
        }
        if asked {
            answer(copy, nothing).await?;
        }
        timeout(SILENCE_MAX, copy.fill()).await.map_err(|_| format!("the server fell silent after {rows} rows"))??;
    }
}

fn ends_at_or_after(commit: &[u8], end: Lsn) -> Outcome<bool> {
    match parse(Block::Plain, commit)? {
        Message::Commit(commit) => Ok(commit.end.lsn() >= end),
        other => Err(format!("a Commit message was read as {other:?}").into()),
    }
}

async fn answer(copy: &mut CopyBoth, flush: ConfirmedLsn) -> Outcome<()> {
    copy.queue_status(Lsn::ZERO, flush, PgMicros::now(), ReplyRequest::No);
    Ok(copy.flush().await?)
}
