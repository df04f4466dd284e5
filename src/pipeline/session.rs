//! Making a session: from nothing to a stream of frames, with every check on the way.
//!
//! Owns [`Session`] and [`Known`]. The order matters: publication before slot, identity before anything that was
//! remembered is compared. Preflight comes before the first session's side effects; the shell sees to that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::form::{self, BinaryTried};
use crate::catalog::facts::Facts;
use crate::config::Connector;
use crate::error::{Error, Kind, Result};
use crate::lsn::Lsn;
use crate::observe::StreamForm;
use crate::source::capture::CaptureFilter;
use crate::source::slot::SlotState;
use crate::source::sql::Sql;
use crate::source::{facts, publication, setup, slot};
use crate::wire::{Connection, CopyBoth, CreateSlot, CreatedSlot, SlotLifetime, SlotSnapshot, StartReplication};

/// How long the making of a slot may wait in silence before those that it waits for are named.
const SLOT_WAIT_REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// Dropping the slot may take this long even where the time for the stop is nearly over.
const SLOT_DROP_PATIENCE_MIN: Duration = Duration::from_secs(2);

/// A replication session that is ready to stream.
#[derive(Debug)]
pub struct Session {
    /// The stream.
    pub copy: CopyBoth,
    /// Catalog facts of all tables of the publication, read for this session.
    pub facts: Facts,
    /// Where the slot stood when the session began.
    pub confirmed_flush: Lsn,
    /// The server gives a reader up that says nothing for this long; `None` where it never does.
    pub answer_within: Option<Duration>,
    /// Who answered.
    pub server: Server,
    /// The form in which it brings values.
    pub form: StreamForm,
}

/// A server and its history, as far as positions in its log depend on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Set by `initdb`.
    pub system_id: u64,
    /// Raised by every promotion.
    pub timeline: u32,
}

/// What earlier sessions of this process have learned.
#[derive(Clone, Debug, Default)]
pub struct Known {
    server: Option<Server>,
    binary: BinaryTried,
}

impl Known {
    /// Remembers a session.
    pub fn learn(&mut self, session: &Session) {
        self.server = Some(session.server.clone());
    }

    /// A session in binary form did not do: all further ones are in text.
    pub fn learn_that_binary_fails(&mut self) {
        self.binary = BinaryTried::Failed;
    }

    /// No session has been made yet.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.server.is_none()
    }
}

impl Session {
    /// Opens a session. `confirmed` is what this process has confirmed so far.
    ///
    /// # Errors
    /// Everything that can be wrong with a server, by class; see `source` and `wire`.
    ///
    /// # Cancel safety
    /// A publication or slot that was made stays; the next attempt finds it.
    pub async fn open(connector: Arc<Connector>, sql: Arc<Sql>, known: Known, confirmed: Option<Lsn>) -> Result<Self> {
        let mut greeted = match known.is_first() {
            true => None,
            false => Some(greet(&connector, &known, confirmed).await?),
        };
        let slot_name = connector.slot.name.as_str();
        let publication_name = connector.publication.name.as_str();
        let missing = publication::facts(&sql, publication_name).await?.is_none();
        let state = slot::state(&sql, slot_name).await?;
        if missing && (!known.is_first() || matches!(state, SlotState::Ready(_))) {
            return Err(publication_gone(slot_name, publication_name, &state, confirmed));
        }
        if known.is_first() {
            setup::ensure_publication(&sql, &connector, &CaptureFilter::new(&connector.capture)?).await?;
        }
        let (mut connection, server, position) = match greeted.take() {
            Some(greeted) => greeted,
            None => greet(&connector, &known, confirmed).await?,
        };
        let confirmed_flush = match state {
            SlotState::Ready(ready) => ready.confirmed_flush,
            SlotState::Absent if known.is_first() => {
                create_slot(&mut connection, &connector, &sql, SlotSnapshot::Nothing).await?.consistent_point
            }
            SlotState::Absent => return Err(slot_gone(slot_name, confirmed, position)),
            other => {
                let error =
                    other.refusal(slot_name).unwrap_or_else(|| Error::bug("a slot is neither usable nor refused"));
                return Err(error.positions(confirmed.unwrap_or_default(), position));
            }
        };
        let facts = facts::of_publication(&sql, &connector.publication.name).await?;
        let form = form::choose(&connector, &sql, known.binary, connection.server_version_num(), &facts).await?;
        let answer_within = wal_sender_timeout(&mut connection).await?;
        let start = confirmed.unwrap_or_default().max(confirmed_flush);
        let copy = connection
            .start_replication(&StartReplication {
                slot: slot_name,
                start,
                publications: &[publication_name],
                proto_version: 1,
                binary: form == StreamForm::Binary,
                messages: true,
                extra: &connector.slot.stream_params,
            })
            .await?;
        tracing::info!(slot = slot_name, %start, form = form.as_str(), "streaming");
        Ok(Self { copy, facts, confirmed_flush, answer_within, server, form })
    }
}

/// Drops the slot as `slot.drop.on.stop` says, waiting until the server has let go of it, but not beyond `deadline`.
/// A slot that is still needed stays: `complete` says whether all that this process read of it is delivered.
pub async fn drop_slot(connector: &Connector, complete: bool, deadline: Option<Instant>) {
    let slot = connector.slot.name.as_str();
    if !complete {
        tracing::warn!(
            slot,
            "the replication slot is kept although slot.drop.on.stop is set: it holds undelivered changes"
        );
        return;
    }
    let deadline = deadline.unwrap_or_else(Instant::now).max(Instant::now() + SLOT_DROP_PATIENCE_MIN);
    let dropped = async {
        let mut connection = Connection::open(&connector.database, "walcast").await?;
        let dropped = connection.drop_replication_slot(slot, true).await;
        connection.close().await;
        dropped
    };
    let remedy = format!("SELECT pg_drop_replication_slot('{slot}')");
    match tokio::time::timeout_at(deadline.into(), dropped).await {
        Ok(Ok(())) => tracing::info!(slot, "dropped the replication slot, as slot.drop.on.stop says"),
        Ok(Err(error)) => tracing::warn!(slot, %error, remedy, "the replication slot could not be dropped"),
        Err(_) => tracing::warn!(slot, remedy, "the replication slot could not be dropped in time"),
    }
}

/// Opens the replication connection and checks that positions still mean what they meant before.
async fn greet(connector: &Connector, known: &Known, confirmed: Option<Lsn>) -> Result<(Connection, Server, Lsn)> {
    let mut connection = Connection::open(&connector.database, "walcast").await?;
    let system = connection.identify_system().await?;
    let server = Server { system_id: system.system_id, timeline: system.timeline };
    compare(known.server.as_ref(), &server, confirmed, system.xlogpos)?;
    Ok((connection, server, system.xlogpos))
}

/// `wal_sender_timeout` as it holds for this very connection: role and database may have one of their own.
async fn wal_sender_timeout(connection: &mut Connection) -> Result<Option<Duration>> {
    let rows =
        connection.simple_query("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'").await?;
    let setting = rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok());
    Ok(setting.filter(|&timeout_ms| timeout_ms > 0).map(Duration::from_millis))
}

fn slot_gone(slot: &str, confirmed: Option<Lsn>, server: Lsn) -> Error {
    Error::new(Kind::SlotLost, format!("slot \"{slot}\" is gone"))
        .positions(confirmed.unwrap_or_default(), server)
        .detail("it was there when this process began; somebody dropped it while the connection was down")
        .hint(
            "changes after our position may be lost: start again to make a new slot at the server's present position, \
             and write the missing rows again at the source",
        )
}

/// A publication is looked up as of the position that is decoded: one that is made now does not serve a slot that
/// stands before it. Servers before 18 then fail at that position for ever, newer ones leave the changes out.
fn publication_gone(slot: &str, publication: &str, state: &SlotState, confirmed: Option<Lsn>) -> Error {
    let error = Error::new(
        Kind::PublicationMissing,
        format!("publication \"{publication}\" does not exist, but slot \"{slot}\" does"),
    )
    .detail("changes between the slot's position and the publication's making cannot be decoded, so making it now would lose them")
    .hint(format!(
        "if those changes may be lost: SELECT pg_drop_replication_slot('{slot}'); and start again; always make the \
         publication before the slot"
    ));
    match state {
        SlotState::Ready(ready) => error.positions(confirmed.unwrap_or(ready.confirmed_flush), ready.confirmed_flush),
        _ => error,
    }
}

/// Makes the slot, naming who it waits for.
pub(super) async fn create_slot(
    connection: &mut Connection,
    connector: &Connector,
    sql: &Sql,
    snapshot: SlotSnapshot,
) -> Result<CreatedSlot> {
    let how = CreateSlot { lifetime: SlotLifetime::Permanent, snapshot, failover: connector.slot.failover };
    let created = connection.create_replication_slot(&connector.slot.name, how);
    let mut created = std::pin::pin!(created);
    loop {
        tokio::select! {
            created = &mut created => {
                let created = created?;
                tracing::info!(slot = connector.slot.name, lsn = %created.consistent_point, "made the replication slot");
                return Ok(created);
            }
            () = tokio::time::sleep(SLOT_WAIT_REPORT_INTERVAL) => {
                for blocker in slot::blocking_transactions(sql).await? {
                    tracing::warn!(
                        slot = connector.slot.name,
                        %blocker,
                        remedy = blocker.remedy(),
                        "making the slot waits for an open transaction"
                    );
                }
            }
        }
    }
}

/// Positions mean something only on the server and timeline that they were counted on.
fn compare(known: Option<&Server>, found: &Server, confirmed: Option<Lsn>, position: Lsn) -> Result<()> {
    let Some(known) = known else { return Ok(()) };
    let what = if known.system_id != found.system_id {
        format!(
            "another database cluster answers: system identifier {} instead of {}",
            found.system_id, known.system_id
        )
    } else if known.timeline != found.timeline {
        format!(
            "the server is on timeline {} instead of {}: a standby was promoted or a backup restored",
            found.timeline, known.timeline
        )
    } else if confirmed.is_some_and(|confirmed| confirmed > position) {
        "the server's log ends before what was confirmed here: a backup was restored".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::IdentityChanged, what)
        .positions(confirmed.unwrap_or_default(), position)
        .detail("positions in the log of one history mean nothing in another, so going on could skip changes")
        .hint("check which server the address leads to; start again to go on from where its slot stands"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_history_goes_on() {
        let known = Server { system_id: 7, timeline: 1 };
        let check = |system_id, timeline, position| {
            compare(Some(&known), &Server { system_id, timeline }, Some(Lsn::new(100)), Lsn::new(position))
                .map_err(|error| error.kind())
        };
        assert_eq!(check(7, 1, 100), Ok(()));
        assert_eq!(check(8, 1, 200), Err(Kind::IdentityChanged), "another cluster");
        assert_eq!(check(7, 2, 200), Err(Kind::IdentityChanged), "another timeline");
        assert_eq!(check(7, 1, 99), Err(Kind::IdentityChanged), "a log that ends before our position");
        assert!(compare(None, &known, None, Lsn::ZERO).is_ok(), "the first session has nothing to compare");
    }
}
