//! The live status of one connector.
//!
//! Owns [`Status`]: what the pipeline last said about itself. Positions and depths are atomics, each the newest
//! word on its own subject; a reader may see two of them from different moments. State and last error change
//! seldom and stand behind a mutex that is held for a copy only.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::course::{Course, Figures, Kind as SnapshotKind, Phase};
use super::form::StreamForm;
use super::retention::Retention;
use crate::error::{Class, Error, Kind};
use crate::ledger::ConfirmedLsn;
use crate::lsn::Lsn;
use crate::pgtime::PgMicros;

/// What the connector is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Preflight, slot and publication, first connection.
    Starting,
    /// Rows are read that were there before.
    Snapshotting,
    /// Changes flow, or would if there were any.
    Streaming,
    /// One side is away; it is tried again.
    Reconnecting,
    /// Draining before an orderly end.
    Stopping,
    /// Ended by a definite error; an operator must act.
    Failed,
}

impl State {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 6] =
        [Self::Starting, Self::Snapshotting, Self::Streaming, Self::Reconnecting, Self::Stopping, Self::Failed];

    /// The word used in JSON, metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Snapshotting => "snapshotting",
            Self::Streaming => "streaming",
            Self::Reconnecting => "reconnecting",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
        }
    }
}

/// The last thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What kind of thing.
    pub kind: Kind,
    /// Whose move it is.
    pub class: Class,
    /// The error's primary message with its positions.
    pub message: String,
    /// The remedy.
    pub hint: Option<String>,
    /// When.
    pub at: SystemTime,
}

/// State and last error, together.
#[derive(Clone, Debug)]
pub struct Live {
    /// What the connector is doing.
    pub state: State,
    /// Since when.
    pub since: SystemTime,
    /// The last thing that went wrong, also after it passed.
    pub last_error: Option<Trouble>,
}

/// "Nothing is outstanding", where the commit time of the oldest outstanding unit would stand.
const NONE_OUTSTANDING: i64 = i64::MIN;

/// What the pipeline last said about itself. Shared as an `Arc`; every method takes `&self` and never waits.
#[derive(Debug)]
pub struct Status {
    connector: String,
    received: AtomicU64,
    server_end: AtomicU64,
    confirmed: AtomicU64,
    outstanding_since: AtomicI64,
    queue_records: AtomicU64,
    queue_bytes: AtomicU64,
    events: AtomicU64,
    bytes: AtomicU64,
    stream_form: AtomicU8,
    live: Mutex<Live>,
    courses: [Course; SnapshotKind::ALL.len()],
    retention: Mutex<Option<Retention>>,
}

impl Status {
    /// The status of a connector that starts now.
    #[must_use]
    pub fn new(connector: impl Into<String>) -> Self {
        Self {
            connector: connector.into(),
            received: AtomicU64::new(0),
            server_end: AtomicU64::new(0),
            confirmed: AtomicU64::new(0),
            outstanding_since: AtomicI64::new(NONE_OUTSTANDING),
            queue_records: AtomicU64::new(0),
            queue_bytes: AtomicU64::new(0),
            events: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            stream_form: AtomicU8::new(StreamForm::UNKNOWN),
            live: Mutex::new(Live { state: State::Starting, since: SystemTime::now(), last_error: None }),
            courses: Default::default(),
            retention: Mutex::new(None),
        }
    }

    /// How far snapshots of a kind are.
    #[must_use]
    pub const fn course(&self, kind: SnapshotKind) -> &Course {
        match kind {
            SnapshotKind::Initial => &self.courses[0],
            SnapshotKind::Blocking => &self.courses[1],
            SnapshotKind::Incremental => &self.courses[2],
        }
    }

    /// The snapshot that is taken in place of the stream.
    #[must_use]
    pub fn reading(&self, now: Instant) -> Option<Figures> {
        let running = |kind| self.course(kind).figures(now).filter(|figures| figures.phase == Phase::Running);
        running(SnapshotKind::Blocking).or_else(|| running(SnapshotKind::Initial))
    }

    /// What the slot holds back, as the server said when it was last asked; nothing where there is no slot.
    pub fn retains(&self, retention: Option<Retention>) {
        *self.retention.lock().unwrap_or_else(PoisonError::into_inner) = retention;
    }

    /// See [`Self::retains`].
    #[must_use]
    pub fn retention(&self) -> Option<Retention> {
        *self.retention.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connector's name.
    #[must_use]
    pub fn connector(&self) -> &str {
        &self.connector
    }

    /// The connector does something else now. The same state again changes nothing.
    pub fn enter(&self, state: State) {
        let mut live = self.lock();
        if live.state != state {
            live.state = state;
            live.since = SystemTime::now();
        }
    }

    /// Something went wrong, and will be tried again or not: that is for [`Self::enter`] to say.
    pub fn trouble(&self, error: &Error) {
        self.lock().last_error = Some(Trouble {
            kind: error.kind(),
            class: error.class(),
            message: error.to_string(),
            hint: error.hint_text().map(str::to_owned),
            at: SystemTime::now(),
        });
    }

    /// State and last error.
    #[must_use]
    pub fn live(&self) -> Live {
        self.lock().clone()
    }

    /// The reader took everything up to here.
    pub fn received(&self, lsn: Lsn) {
        self.received.store(lsn.as_u64(), Ordering::Relaxed);
    }

    /// The end of the server's log, as it said when it was last asked. Lag in bytes is counted from here.
    pub fn server_end(&self, lsn: Lsn) {
        self.server_end.store(lsn.as_u64(), Ordering::Relaxed);
    }

    /// What may be confirmed; a status update tells the server soon after.
    pub fn confirmed(&self, lsn: ConfirmedLsn) {
        self.confirmed.store(lsn.lsn().as_u64(), Ordering::Relaxed);
    }

    /// The commit time of the oldest unit that is not delivered; `None` where everything is.
    pub fn outstanding_since(&self, commit_time: Option<PgMicros>) {
        let micros = commit_time.map_or(NONE_OUTSTANDING, |time| time.unix_micros());
        self.outstanding_since.store(micros, Ordering::Relaxed);
    }

    /// What the sink holds that the brokers do not have yet.
    pub fn queue(&self, records: u64, bytes: u64) {
        self.queue_records.store(records, Ordering::Relaxed);
        self.queue_bytes.store(bytes, Ordering::Relaxed);
    }

    /// The session that begins now brings values in this form.
    pub fn enter_form(&self, form: StreamForm) {
        self.stream_form.store(form.code(), Ordering::Relaxed);
    }

    /// The form of the present or last session; `None` before the first.
    #[must_use]
    pub fn stream_form(&self) -> Option<StreamForm> {
        StreamForm::of_code(self.stream_form.load(Ordering::Relaxed))
    }

    /// So many more events were written, as records of so many bytes.
    pub(super) fn add(&self, events: u64, bytes: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Everything as it stands at a moment.
    #[must_use]
    pub fn snapshot(&self, now: SystemTime) -> Snapshot {
        let load = |atomic: &AtomicU64| atomic.load(Ordering::Relaxed);
        let (received, confirmed) = (Lsn::new(load(&self.received)), Lsn::new(load(&self.confirmed)));
        let server_end = Lsn::new(load(&self.server_end)).max(received);
        let lag = match self.outstanding_since.load(Ordering::Relaxed) {
            NONE_OUTSTANDING => Duration::ZERO,
            micros => {
                let now = now.duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_micros());
                // Clocks differ: a commit in our future has no lag.
                let passed = i128::try_from(now).unwrap_or(i128::MAX) - i128::from(micros);
                Duration::from_micros(u64::try_from(passed).unwrap_or_default())
            }
        };
        Snapshot {
            received,
            confirmed,
            server_end,
            // Before the first confirmation there is nothing to measure from.
            lag_bytes: if confirmed == Lsn::ZERO { 0 } else { server_end.bytes_since(confirmed) },
            lag,
            queue_records: load(&self.queue_records),
            queue_bytes: load(&self.queue_bytes),
            events: load(&self.events),
            bytes: load(&self.bytes),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        // Whoever panicked with it held a whole value.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The reader took everything up to here.
    pub received: Lsn,
    /// What may be confirmed; a status update tells the server soon after.
    pub confirmed: Lsn,
    /// The end of the server's log.
    pub server_end: Lsn,
    /// Bytes of log that are not confirmed.
    pub lag_bytes: u64,
    /// Age of the oldest commit that is not delivered.
    pub lag: Duration,
    /// Records that the brokers do not have yet.
    pub queue_records: u64,
    /// Their bytes.
    pub queue_bytes: u64,
    /// Events written since the start.
    pub events: u64,
    /// Bytes of their records.
    pub bytes: u64,
}

/// A moment in RFC 3339, in UTC and to the millisecond.
#[must_use]
pub fn utc(time: SystemTime) -> String {
    let passed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = (passed.as_secs(), passed.subsec_millis());
    let (days, clock) = (seconds / 86_400, seconds % 86_400);
    // Days to a date by Howard Hinnant's `civil_from_days`, for days after 1970 only.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn lag_is_what_is_not_confirmed_and_not_delivered() {
        let status = Status::new("c");
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        assert_eq!((status.snapshot(now).lag_bytes, status.snapshot(now).lag), (0, Duration::ZERO));

        status.server_end(Lsn::new(500));
        status.received(Lsn::new(300));
        assert_eq!(status.snapshot(now).lag_bytes, 0, "nothing was confirmed, so nothing can be said");
        status.confirmed(crate::ledger::Ledger::new(Lsn::new(100)).confirmable());
        assert_eq!(status.snapshot(now).lag_bytes, 400);
        status.received(Lsn::new(700));
        assert_eq!(status.snapshot(now).server_end, Lsn::new(700), "what was received exists at the server");

        status.outstanding_since(Some(PgMicros::from_unix_micros(999_999_998_500_000)));
        assert_eq!(status.snapshot(now).lag, Duration::from_millis(1_500));
        status.outstanding_since(Some(PgMicros::from_unix_micros(1_000_000_009_000_000)));
        assert_eq!(status.snapshot(now).lag, Duration::ZERO, "the server's clock is ahead of ours");
        status.outstanding_since(None);
        assert_eq!(status.snapshot(now).lag, Duration::ZERO);
    }

    #[test]
    fn a_state_that_is_entered_again_began_when_it_began() {
        let status = Status::new("c");
        status.enter(State::Streaming);
        let since = status.live().since;
        status.trouble(&Error::new(Kind::Connection, "cut").hint("wait"));
        status.enter(State::Streaming);
        let live = status.live();
        assert_eq!((live.state, live.since), (State::Streaming, since));
        let trouble = live.last_error.expect("kept");
        assert_eq!((trouble.class, trouble.message.as_str()), (Class::Transient, "cut"));
    }
}
