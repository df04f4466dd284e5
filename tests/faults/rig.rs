//! What every test here begins with: servers, a database with the tables of the load, topics, a configuration.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value};
use walcast::local::{KafkaBroker, KafkaOptions, PostgresOptions, PostgresServer, Tuning};

use super::load::{self, Load};
use crate::support::database::Database;
use crate::support::proxy::Proxy;
use crate::support::topics::Topics;
use crate::support::walcast::{Walcast, connector_config};
use crate::support::{servers, wait};

/// A database, topics and a configuration for one test.
pub(super) struct Rig {
    pub(super) database: Database<'static>,
    pub(super) topics: Topics,
    pub(super) config: Map<String, Value>,
}

impl Rig {
    /// On the shared servers.
    pub(super) fn shared() -> Self {
        Self::on(servers::postgres_15(), servers::kafka())
    }

    /// On these servers. Tables, publication and slot are there; nothing was written. Waits are short, so that a
    /// test sees many of them.
    pub(super) fn on(postgres: &'static dyn PostgresServer, kafka: &dyn KafkaBroker) -> Self {
        let database = Database::create(postgres);
        database.execute(load::SCHEMA);
        database.execute(&format!("CREATE PUBLICATION {} FOR TABLE hot, uniq", database.publication));
        database.create_slot();
        let topics = Topics::new(kafka.bootstrap());
        let mut config = connector_config(&database, &topics);
        for (property, value) in [
            ("status.update.interval.ms", "500"),
            ("retriable.restart.connector.wait.ms", "100"),
            ("errors.retry.delay.max.ms", "1000"),
            ("database.connection.timeout.ms", "3000"),
        ] {
            config.insert(property.to_owned(), value.into());
        }
        Self { database, topics, config }
    }

    /// Sets a property.
    pub(super) fn set(&mut self, property: &str, value: &str) {
        self.config.insert(property.to_owned(), value.into());
    }

    /// Puts a proxy between walcast and PostgreSQL.
    pub(super) fn proxied(&mut self) -> Proxy {
        let proxy = Proxy::to(self.database.server.port());
        self.set("database.port", &proxy.port().to_string());
        proxy
    }

    /// Starts walcast; it may not stream yet.
    pub(super) fn start(&self) -> Walcast {
        Walcast::run(&self.config, &self.topics)
    }

    /// Starts walcast and waits until it streams.
    pub(super) fn stream(&self) -> Walcast {
        let mut walcast = self.start();
        walcast.wait_until_streaming(&self.database);
        walcast
    }

    /// Starts four writers.
    pub(super) fn load(&self, seed: u64) -> Load {
        Load::start(self.database.server, &self.database.name, seed, 4)
    }

    /// Waits until the writers have made so many more changes to the hot rows: a moment in the load.
    #[track_caller]
    pub(super) fn wait_for_changes(&self, changes: u64) {
        let made = || -> u64 {
            let last = self.database.session().value("SELECT last_value FROM hot_seq").expect("a sequence");
            last.parse().expect("a number")
        };
        let start = made();
        wait::until("the writers have made progress", wait::PATIENCE, || made() >= start + changes);
    }

    /// Waits until nobody streams from the slot.
    #[track_caller]
    pub(super) fn wait_until_alone(&self) {
        let sql = format!("SELECT active FROM pg_replication_slots WHERE slot_name = '{}'", self.database.slot);
        wait::until("nobody uses the slot", wait::PATIENCE, || {
            self.database.session().value(&sql).as_deref() == Some("f")
        });
    }
}

/// How often walcast reconnected on one side, as its metrics tell.
pub(super) fn reconnects(walcast: &Walcast, side: &str) -> f64 {
    walcast.metric(&format!("walcast_reconnects_total{{side=\"{side}\"}} ")).expect("a metric")
}

/// Records that the brokers hold, as walcast's metrics tell.
pub(super) fn delivered(walcast: &Walcast) -> f64 {
    walcast.metric("walcast_records_delivered_total ").unwrap_or_default()
}

/// The seed of a test: given, or drawn and printed.
pub(super) fn seed() -> u64 {
    let given =
        std::env::var("WALCAST_TEST_SEED").ok().map(|seed| seed.parse().expect("WALCAST_TEST_SEED is a number"));
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("seed: WALCAST_TEST_SEED={seed}");
    seed
}

/// Servers that tests may stop, kill and freeze, one test at a time.
pub(super) struct Doomed {
    pub(super) postgres: &'static dyn PostgresServer,
    pub(super) kafka: &'static dyn KafkaBroker,
    _turn: MutexGuard<'static, ()>,
}

/// Waits for its turn, and for both servers to be well.
pub(super) fn doomed() -> Doomed {
    static TURN: Mutex<()> = Mutex::new(());
    static POSTGRES: OnceLock<Box<dyn PostgresServer>> = OnceLock::new();
    static KAFKA: OnceLock<Box<dyn KafkaBroker>> = OnceLock::new();
    // A test that failed leaves the servers in any state, which is mended here.
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let postgres = &**POSTGRES.get_or_init(|| servers::own_postgres(&PostgresOptions::new(15)));
    let kafka = &**KAFKA.get_or_init(|| servers::own_kafka(&KafkaOptions::default().tuned_for(Tuning::Start)));
    if postgres.pid().is_none() {
        postgres.start_again().expect("it starts");
    }
    if kafka.pid().is_none() {
        kafka.start_again().expect("it starts");
    }
    kafka.resume().expect("it goes on");
    Doomed { postgres, kafka, _turn: turn }
}
