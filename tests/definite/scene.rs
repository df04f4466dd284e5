//! A connector behind a proxy, so that its server can be changed while it is cut off.

use serde_json::{Map, Value};
use walcast::local::{PostgresOptions, PostgresServer};
use walcast::lsn::Lsn;

use crate::support::database::Database;
use crate::support::proxy::Proxy;
use crate::support::topics::Topics;
use crate::support::walcast::{Walcast, connector_config, with_properties};
use crate::support::{servers, wait};

/// A database with one table, a proxy in front of its server, and topics.
pub(super) struct Scene<'s> {
    pub(super) database: Database<'s>,
    pub(super) proxy: Proxy,
    topics: Topics,
}

impl<'s> Scene<'s> {
    pub(super) fn new(server: &'s dyn PostgresServer) -> Self {
        let database = Database::create(server);
        database.execute("CREATE TABLE t (id int PRIMARY KEY)");
        let topics = Topics::new(servers::kafka().bootstrap());
        Self { database, proxy: Proxy::to(server.port()), topics }
    }

    /// Through the proxy, with short waits between attempts, and these properties.
    pub(super) fn config(&self, more: &[(&str, &str)]) -> Map<String, Value> {
        let port = self.proxy.port().to_string();
        let ours = [
            ("database.hostname", "127.0.0.1"),
            ("database.port", port.as_str()),
            ("retriable.restart.connector.wait.ms", "50"),
            ("errors.retry.delay.max.ms", "200"),
        ];
        let config = with_properties(connector_config(&self.database, &self.topics), &ours);
        with_properties(config, more)
    }

    /// Starts walcast with these properties.
    pub(super) fn start(&self, more: &[(&str, &str)]) -> Walcast {
        Walcast::run(&self.config(more), &self.topics)
    }

    /// Starts walcast, and returns when a first row is delivered and confirmed.
    #[track_caller]
    pub(super) fn stream(&self, more: &[(&str, &str)]) -> Walcast {
        let mut walcast = self.start(more);
        walcast.wait_until_streaming(&self.database);
        self.execute("INSERT INTO t VALUES (1)");
        self.wait_for_records(1);
        self.database.wait_until_confirmed();
        walcast
    }

    #[track_caller]
    pub(super) fn execute(&self, sql: &str) {
        self.database.execute(sql);
    }

    #[track_caller]
    pub(super) fn wait_for_records(&self, count: usize) {
        self.topics.wait_for(&self.topics.topic("public.t"), count);
    }

    /// How many records the table's topic holds.
    #[track_caller]
    pub(super) fn records(&self) -> usize {
        self.topics.read_to_end(&self.topics.topic("public.t")).len()
    }

    /// Cuts walcast off, and returns what it had confirmed once the server has noticed.
    #[track_caller]
    pub(super) fn cut_off(&self) -> Lsn {
        self.proxy.refuse(true);
        self.proxy.cut();
        let active = format!(
            "SELECT 1 FROM pg_replication_slots WHERE slot_name = '{}' AND active_pid IS NOT NULL",
            self.database.slot
        );
        wait::until("nobody reads the slot", wait::PATIENCE, || self.database.session().value(&active).is_none());
        self.database.confirmed_lsn().expect("there is a slot")
    }

    /// Lets walcast come back.
    pub(super) fn let_back(&self) {
        self.proxy.refuse(false);
    }

    /// Drops the slot.
    #[track_caller]
    pub(super) fn drop_slot(&self) {
        self.execute(&format!("SELECT pg_drop_replication_slot('{}')", self.database.slot));
    }

    /// Drops the publication.
    #[track_caller]
    pub(super) fn drop_publication(&self) {
        self.execute(&format!("DROP PUBLICATION {}", self.database.publication));
    }
}

/// Waits until walcast ends; it must end with this code, in an error that no retry mends, with these words.
#[track_caller]
pub(super) fn assert_ends(walcast: &mut Walcast, code: i32, words: &[&str]) -> String {
    let status = walcast.wait_exit();
    let log = walcast.stderr();
    assert_eq!(status.code(), Some(code), "{log}");
    for word in ["error (definite): ", "\n  remedy: "].iter().chain(words) {
        assert!(log.contains(word), "{word:?} is not in\n{log}");
    }
    log
}

/// The position that a report found at the server, where it names ours: at least what the slot had confirmed when
/// walcast was cut off, for the last status update may have been cut off as well.
#[track_caller]
pub(super) fn found(log: &str, confirmed: Lsn) -> Lsn {
    let positions =
        log.split_once("\n  position: ours ").and_then(|(_, rest)| rest.lines().next()?.split_once(", found "));
    let (ours, found) = positions.unwrap_or_else(|| panic!("no positions are told in\n{log}"));
    let ours: Lsn = ours.parse().expect("an LSN");
    assert!(ours >= confirmed, "{ours} is told as ours, but {confirmed} was confirmed:\n{log}");
    found.parse().expect("an LSN")
}

/// A server on which every role but the superuser needs its password.
pub(super) fn guarded(major: u16) -> Box<dyn PostgresServer> {
    let options = PostgresOptions::new(major)
        .hba_line("local all all trust")
        .hba_line("host all postgres all trust")
        .hba_line("host all all all scram-sha-256");
    servers::own_postgres(&options)
}
