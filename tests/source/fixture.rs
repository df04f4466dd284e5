//! A database of its own for each test, with an administrator's connection beside the one under test.

use std::sync::OnceLock;
use std::time::Duration;

use tokio_postgres::{Client, NoTls};
use walcast::config::{self, Connector};
use walcast::local::{PostgresOptions, PostgresServer};
use walcast::source::sql::Sql;

use crate::support::servers::own_postgres;

/// A server's address and its superuser.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
}

impl Address {
    pub(super) fn of(server: &dyn PostgresServer) -> Self {
        Self { host: server.host().to_owned(), port: server.port(), user: server.user().to_owned() }
    }
}

/// Every server version that these tests run on. The servers are not shared with other tests: a slot that is made
/// waits for the transactions of all databases, and preflight sees them.
pub(super) async fn servers() -> Vec<Address> {
    type Pair = [Box<dyn PostgresServer>; 2];
    static SERVERS: OnceLock<Pair> = OnceLock::new();
    let start = || [15, 18].map(|major| start(options(major)));
    let addresses = move || SERVERS.get_or_init(start).iter().map(|server| Address::of(&**server)).collect();
    tokio::task::spawn_blocking(addresses).await.expect("the servers start")
}

/// What these tests need of a server beyond the usual.
pub(super) fn options(major: u16) -> PostgresOptions {
    PostgresOptions::new(major).setting("max_prepared_transactions", "10")
}

/// A server for one test.
pub(super) async fn own_server(options: PostgresOptions) -> Box<dyn PostgresServer> {
    tokio::task::spawn_blocking(move || start(options)).await.expect("the server starts")
}

fn start(options: PostgresOptions) -> Box<dyn PostgresServer> {
    own_postgres(&options)
}

/// A fresh database on one server.
pub(super) struct Fixture {
    pub(super) address: Address,
    pub(super) database: String,
    pub(super) admin: Client,
}

impl Fixture {
    pub(super) async fn new(address: &Address) -> Self {
        Self::with(address, "").await
    }

    /// With options of CREATE DATABASE.
    pub(super) async fn with(address: &Address, options: &str) -> Self {
        let database = unique("db");
        let root = connect(address, "postgres").await;
        root.batch_execute(&format!("CREATE DATABASE {database} {options}")).await.expect("create database");
        Self { address: address.clone(), admin: connect(address, &database).await, database }
    }

    pub(super) async fn run(&self, statements: &str) {
        self.admin.batch_execute(statements).await.unwrap_or_else(|e| panic!("{statements}: {e:?}"));
    }

    /// Another connection of the administrator, to the same database.
    pub(super) async fn another(&self) -> Client {
        connect(&self.address, &self.database).await
    }

    /// One value as text.
    pub(super) async fn value(&self, query: &str) -> String {
        self.admin.query_one_scalar(query, &[]).await.unwrap_or_else(|e| panic!("{query}: {e:?}"))
    }

    /// Makes a role that lives only for this test, and returns its name.
    pub(super) async fn role(&self, attributes: &str) -> String {
        let role = unique("role");
        self.run(&format!("CREATE ROLE {role} {attributes}")).await;
        role
    }

    pub(super) fn connector(&self) -> Connector {
        connector(&self.address, &self.database)
    }

    /// The connection under test.
    pub(super) fn sql(&self) -> Sql {
        Sql::new(self.connector().database)
    }
}

/// A name that no other test has.
pub(super) fn unique(what: &str) -> String {
    format!("src_{what}_{}", uuid::Uuid::now_v7().simple())
}

async fn connect(address: &Address, database: &str) -> Client {
    let mut config = tokio_postgres::Config::new();
    config.host(&address.host).port(address.port).user(&address.user).dbname(database).application_name("the test");
    let (client, connection) = config.connect(NoTls).await.expect("the test server answers");
    tokio::spawn(connection);
    client
}

fn connector(address: &Address, database: &str) -> Connector {
    Connector {
        name: "test".to_owned(),
        topic_prefix: "t".to_owned(),
        database: config::Database {
            host: address.host.clone(),
            port: address.port,
            user: address.user.clone(),
            password: None,
            dbname: database.to_owned(),
            tls: config::Tls { mode: config::SslMode::Disable, ..config::Tls::default() },
            connect_timeout: Duration::from_secs(10),
            tcp_keepalive: true,
        },
        slot: config::Slot { name: unique("slot"), drop_on_stop: false, failover: false, stream_params: Vec::new() },
        publication: config::Publication {
            name: "Dbz \"publication\"".to_owned(),
            autocreate: config::Autocreate::AllTables,
            via_partition_root: false,
        },
        capture: config::Capture::default(),
        snapshot: config::Snapshot::default(),
        notifications: config::Notifications::default(),
        records: config::Records::default(),
        schema_history: config::SchemaHistory::default(),
        registries: config::Registries::default(),
        kafka: config::Kafka {
            bootstrap_servers: "127.0.0.1:1".to_owned(),
            producer: Vec::new(),
            topic_creation: None,
            queue_bytes_max: 1 << 20,
        },
        retries: config::Retries {
            max: None,
            delay_min: Duration::from_millis(100),
            delay_max: Duration::from_secs(10),
        },
        status_interval: Duration::from_secs(10),
        binary: config::BinaryTransfer::Auto,
        failures: config::FailureHandling::default(),
    }
}
