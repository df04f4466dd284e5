//! What is read before the stream begins.
//!
//! Owns [`Snapshot`] and its making from checked settings. Must never talk to a server.

use std::time::Duration;

use super::build::{flag, millis, number, word};
use super::check::Checked;
use super::findings::Findings;
use super::pattern;
use super::signals::{self, Signals};

/// `snapshot.*`
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// `snapshot.mode`
    pub mode: SnapshotMode,
    /// `snapshot.include.collection.list`: expressions for `schema.table`; all captured tables where empty.
    pub include: Vec<String>,
    /// `snapshot.select.statement.overrides.*`: queries that are read in place of tables.
    pub overrides: Vec<QueryOverride>,
    /// `snapshot.max.threads`: how many connections read at the same time.
    pub readers: usize,
    /// `snapshot.locking.mode`
    pub locking: Locking,
    /// `snapshot.lock.timeout.ms`: how long a lock of a table may be waited for.
    pub lock_timeout: Duration,
    /// `snapshot.tables.order.by.row.count`
    pub order: TableOrder,
    /// `snapshot.delay.ms`: a wait before the snapshot.
    pub delay: Duration,
    /// `streaming.delay.ms`: a wait behind it.
    pub streaming_delay: Duration,
    /// `walcast.progress.topic`: where it is kept what is done.
    pub progress_topic: String,
    /// `signal.*`, `incremental.snapshot.*`
    pub signals: Signals,
}

impl Default for Snapshot {
    /// None is taken; everything else as by default.
    fn default() -> Self {
        Self {
            mode: SnapshotMode::NoData,
            include: Vec::new(),
            overrides: Vec::new(),
            readers: 1,
            locking: Locking::PartByPart,
            lock_timeout: Duration::from_secs(10),
            order: TableOrder::ByName,
            delay: Duration::ZERO,
            streaming_delay: Duration::ZERO,
            progress_topic: String::new(),
            signals: Signals::default(),
        }
    }
}

/// `snapshot.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotMode {
    /// `initial`: rows are read once, then streaming begins.
    Initial,
    /// `initial_only`: rows are read once, and that is all.
    InitialOnly,
    /// `always`: rows are read at every start.
    Always,
    /// `when_needed`: rows are read once, and again where the slot is lost.
    WhenNeeded,
    /// `no_data`, and its old names `never` and `schema_only`: stream only.
    NoData,
    /// `configuration_based`
    ByFlags(Flags),
}

/// `snapshot.mode.configuration.based.*`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "five independent settings of Debezium's")]
pub struct Flags {
    /// `.snapshot.data`
    pub data: bool,
    /// `.snapshot.schema`
    pub schema: bool,
    /// `.start.stream`
    pub stream: bool,
    /// `.snapshot.on.schema.error`
    pub on_schema_error: bool,
    /// `.snapshot.on.data.error`
    pub on_data_error: bool,
}

impl SnapshotMode {
    /// Whether rows are read at some time or other.
    #[must_use]
    pub const fn reads_rows(self) -> bool {
        match self {
            Self::NoData => false,
            Self::ByFlags(flags) => flags.data || flags.on_data_error,
            Self::Initial | Self::InitialOnly | Self::Always | Self::WhenNeeded => true,
        }
    }

    /// Whether the stream follows.
    #[must_use]
    pub const fn streams(self) -> bool {
        match self {
            Self::InitialOnly => false,
            Self::ByFlags(flags) => flags.stream,
            Self::Initial | Self::Always | Self::WhenNeeded | Self::NoData => true,
        }
    }
}

/// A query that is read in place of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryOverride {
    /// `schema.table`
    pub table: String,
    /// The SELECT.
    pub query: String,
}

/// `snapshot.locking.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// Only what reading itself locks, part by part.
    PartByPart,
    /// `shared`: all tables are kept from being changed in shape while the snapshot lasts.
    Shared,
}

/// `snapshot.tables.order.by.row.count`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableOrder {
    /// In the order of the include list, then by name.
    ByName,
    /// Small tables first.
    Ascending,
    /// Large tables first.
    Descending,
}

/// Checks `snapshot.mode`.
pub(super) fn check_mode(value: &str) -> Result<(), String> {
    match value.trim().to_ascii_lowercase().as_str() {
        "custom" => Err("custom needs Java; use initial, initial_only, always, when_needed, no_data or \
                         configuration_based"
            .to_owned()),
        word => mode_of(word, Flags::default()).map(drop).ok_or_else(|| {
            "must be one of initial, initial_only, always, when_needed, no_data, configuration_based".to_owned()
        }),
    }
}

fn mode_of(word: &str, flags: Flags) -> Option<SnapshotMode> {
    Some(match word {
        "initial" => SnapshotMode::Initial,
        "initial_only" => SnapshotMode::InitialOnly,
        "always" => SnapshotMode::Always,
        "when_needed" => SnapshotMode::WhenNeeded,
        "no_data" | "never" | "schema_only" => SnapshotMode::NoData,
        "configuration_based" => SnapshotMode::ByFlags(flags),
        _ => return None,
    })
}

/// Builds it, as far as it can be.
pub(super) fn snapshot(checked: &Checked, findings: &mut Findings) -> Snapshot {
    let by_flag = |name: &str| flag(checked, &format!("snapshot.mode.configuration.based.{name}"));
    let flags = Flags {
        data: by_flag("snapshot.data"),
        schema: by_flag("snapshot.schema"),
        stream: by_flag("start.stream"),
        on_schema_error: by_flag("snapshot.on.schema.error"),
        on_data_error: by_flag("snapshot.on.data.error"),
    };
    let named = checked.value("walcast.progress.topic").map(str::trim).filter(|topic| !topic.is_empty());
    let prefix = checked.value("topic.prefix").unwrap_or_default();
    Snapshot {
        mode: mode_of(&word(checked, "snapshot.mode"), flags).unwrap_or(SnapshotMode::NoData),
        include: pattern::split(checked.value("snapshot.include.collection.list").unwrap_or_default()),
        overrides: overrides(checked, findings),
        readers: usize::try_from(number(checked, "snapshot.max.threads")).unwrap_or(1).max(1),
        locking: match word(checked, "snapshot.locking.mode").as_str() {
            "shared" => Locking::Shared,
            _ => Locking::PartByPart,
        },
        lock_timeout: millis(checked, "snapshot.lock.timeout.ms"),
        order: match word(checked, "snapshot.tables.order.by.row.count").as_str() {
            "ascending" => TableOrder::Ascending,
            "descending" => TableOrder::Descending,
            _ => TableOrder::ByName,
        },
        delay: millis(checked, "snapshot.delay.ms"),
        streaming_delay: millis(checked, "streaming.delay.ms"),
        progress_topic: named.map_or_else(|| format!("__walcast-progress.{prefix}"), str::to_owned),
        signals: signals::signals(checked, findings),
    }
}

/// `snapshot.select.statement.overrides` lists tables; `snapshot.select.statement.overrides.SCHEMA.TABLE` has the query.
fn overrides(checked: &Checked, findings: &mut Findings) -> Vec<QueryOverride> {
    const NAME: &str = "snapshot.select.statement.overrides";
    let listed = pattern::split(checked.value(NAME).unwrap_or_default());
    let given: Vec<(&str, &str)> = checked
        .under("snapshot.select.statement.overrides.")
        .map(|(table, setting)| (table, setting.value.as_str()))
        .collect();
    for (table, _) in &given {
        if !listed.iter().any(|listed| listed == table) {
            findings.warn(NAME, format!("does not list {table}, so its query is not used"));
        }
    }
    listed
        .into_iter()
        .filter_map(|table| match given.iter().find(|(name, _)| *name == table) {
            Some((_, query)) => {
                // It is read as a part of another statement.
                let query = query.trim().trim_end_matches(';').trim_end().to_owned();
                Some(QueryOverride { query, table })
            }
            None => {
                findings.mistake(format!("{NAME}: lists {table}, and {NAME}.{table} is absent; add it with the query"));
                None
            }
        })
        .collect()
}
