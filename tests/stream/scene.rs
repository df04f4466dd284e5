//! What every test here begins with: a database, a topic prefix and a connector between them.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value};
use walcast::local::{KafkaBroker, KafkaOptions, PostgresOptions, PostgresServer, Tuning};

use crate::support::database::Database;
use crate::support::topics::{ConsumedRecord, Topics};
use crate::support::walcast::{Walcast, connector_config, with_properties};
use crate::support::{servers, wait};

/// A database of its own, and topics of its own at the shared broker.
pub(crate) struct Scene {
    pub(crate) database: Database<'static>,
    pub(crate) topics: Topics,
}

impl Scene {
    /// With these tables.
    pub(crate) fn new(server: &'static dyn PostgresServer, tables: &str) -> Self {
        Self::at(server, servers::kafka().bootstrap(), tables)
    }

    /// At another broker.
    pub(crate) fn at(server: &'static dyn PostgresServer, bootstrap: &str, tables: &str) -> Self {
        let database = Database::create(server);
        database.execute(tables);
        Self { database, topics: Topics::new(bootstrap) }
    }

    /// The usual configuration and these properties.
    pub(crate) fn config(&self, more: &[(&str, &str)]) -> Map<String, Value> {
        with_properties(connector_config(&self.database, &self.topics), more)
    }

    /// Starts walcast with the usual configuration and these properties.
    pub(crate) fn start(&self, more: &[(&str, &str)]) -> Walcast {
        Walcast::run(&self.config(more), &self.topics)
    }

    /// Starts walcast and waits until it streams.
    #[track_caller]
    pub(crate) fn stream(&self, more: &[(&str, &str)]) -> Walcast {
        let mut walcast = self.start(more);
        walcast.wait_until_streaming(&self.database);
        walcast
    }

    /// Runs statements.
    #[track_caller]
    pub(crate) fn execute(&self, sql: &str) {
        self.database.execute(sql);
    }

    /// Waits until the topic of a table holds so many records.
    #[track_caller]
    pub(crate) fn wait_for(&self, table: &str, count: usize) -> Vec<ConsumedRecord> {
        self.topics.wait_for(&self.topics.topic(table), count)
    }

    /// The subject of the keys or values of a table's topic.
    pub(crate) fn subject(&self, table: &str, side: &str) -> String {
        format!("{}-{side}", self.topics.topic(table))
    }

    /// Waits until all that was written is confirmed, and returns what the table's topic holds then.
    #[track_caller]
    pub(crate) fn settled(&self, table: &str) -> Vec<ConsumedRecord> {
        self.database.wait_until_confirmed();
        self.topics.read_to_end(&self.topics.topic(table))
    }

    /// Whether there is a slot of the configured name.
    pub(crate) fn has_slot(&self) -> bool {
        let sql = format!("SELECT 1 FROM pg_replication_slots WHERE slot_name = '{}'", self.database.slot);
        self.database.session().value(&sql).is_some()
    }

    /// Whether there is a publication of the configured name.
    pub(crate) fn has_publication(&self) -> bool {
        let sql = format!("SELECT 1 FROM pg_publication WHERE pubname = '{}'", self.database.publication);
        self.database.session().value(&sql).is_some()
    }
}

/// A member of `after` of every record that has one, as text.
pub(crate) fn after(records: &[ConsumedRecord], column: &str) -> Vec<String> {
    records.iter().filter_map(|record| text(record.json().get("after")?.get(column)?)).collect()
}

/// `op` of every record; a tombstone is `-`.
pub(crate) fn operations(records: &[ConsumedRecord]) -> String {
    let op = |record: &ConsumedRecord| record.json()["op"].as_str().unwrap_or("-").to_owned();
    records.iter().map(op).collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A header's value as text.
pub(crate) fn header(record: &ConsumedRecord, name: &str) -> Option<String> {
    let (_, value) = record.headers.iter().find(|(found, _)| found == name)?;
    value.as_deref().map(|value| String::from_utf8_lossy(value).into_owned())
}

/// One after the other: tests that move hundreds of megabytes. They have a server of their own, because the
/// walsenders of all other tests would have to read through what they write.
pub(crate) fn heavy() -> (MutexGuard<'static, ()>, &'static dyn PostgresServer) {
    static TURN: Mutex<()> = Mutex::new(());
    static SERVER: OnceLock<Box<dyn PostgresServer>> = OnceLock::new();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let options = PostgresOptions::new(18).setting("logical_decoding_work_mem", "64MB");
    (turn, &**SERVER.get_or_init(|| servers::own_postgres(&options)))
}

/// A broker that makes no topics by itself, for one test after the other: some of them freeze it.
pub(crate) fn strict_kafka() -> (MutexGuard<'static, ()>, &'static dyn KafkaBroker) {
    static TURN: Mutex<()> = Mutex::new(());
    static SERVER: OnceLock<Box<dyn KafkaBroker>> = OnceLock::new();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let options = KafkaOptions::default().property("auto.create.topics.enable", "false").tuned_for(Tuning::Start);
    (turn, &**SERVER.get_or_init(|| servers::own_kafka(&options)))
}

/// Waits until `/health` answers with this state.
#[track_caller]
pub(crate) fn wait_until_health(walcast: &Walcast, state: &str) -> (u16, Value) {
    wait::until_some(&format!("/health says {state}"), wait::PATIENCE, || {
        let (code, body) = walcast.http("/health")?;
        let body: Value = serde_json::from_str(&body).expect("JSON");
        (body["state"] == state).then_some((code, body))
    })
}
