//! Real servers, started once a run at first use.
//!
//! Statics are never dropped; the servers end because the workspace's watcher sees this process end.

use std::sync::OnceLock;

use walcast::local::{
    Choice, Connect, ConnectOptions, KafkaBroker, KafkaOptions, PostgresOptions, PostgresServer, Progress,
    RegistryOptions, SchemaRegistry, Servers, Tuning,
};

/// The backend of this run; what was chosen is printed once.
pub(crate) fn backend() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(|| Servers::choose(Progress::terminal()).unwrap_or_else(|error| panic!("{}", error.report())))
}

/// The shared PostgreSQL 15.
pub(crate) fn postgres_15() -> &'static dyn PostgresServer {
    static SERVER: OnceLock<Box<dyn PostgresServer>> = OnceLock::new();
    &**SERVER.get_or_init(|| own_postgres(&PostgresOptions::new(15)))
}

/// The shared PostgreSQL 18.
pub(crate) fn postgres_18() -> &'static dyn PostgresServer {
    static SERVER: OnceLock<Box<dyn PostgresServer>> = OnceLock::new();
    &**SERVER.get_or_init(|| own_postgres(&PostgresOptions::new(18)))
}

/// The shared Kafka broker.
pub(crate) fn kafka() -> &'static dyn KafkaBroker {
    static SERVER: OnceLock<Box<dyn KafkaBroker>> = OnceLock::new();
    &**SERVER.get_or_init(|| own_kafka(&KafkaOptions::default().tuned_for(Tuning::Start)))
}

/// The shared schema registry.
pub(crate) fn registry() -> &'static dyn SchemaRegistry {
    static SERVER: OnceLock<Box<dyn SchemaRegistry>> = OnceLock::new();
    &**SERVER.get_or_init(|| {
        backend().registry(&RegistryOptions::default()).unwrap_or_else(|error| panic!("{}", error.report()))
    })
}

/// A PostgreSQL cluster for one test, which may stop and break it.
pub(crate) fn own_postgres(options: &PostgresOptions) -> Box<dyn PostgresServer> {
    backend().postgres(options).unwrap_or_else(|error| panic!("{}", error.report()))
}

/// The same as a process of this machine, whatever the backend of this run: for what no container lets out, its directory
/// and its socket.
pub(crate) fn process_postgres(options: &PostgresOptions) -> Box<dyn PostgresServer> {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    let choice = || Choice::Processes { reason: "a test looks into them".to_owned() };
    let servers = SERVERS.get_or_init(|| {
        Servers::of(choice(), Progress::terminal()).unwrap_or_else(|error| panic!("{}", error.report()))
    });
    servers.postgres(options).unwrap_or_else(|error| panic!("{}", error.report()))
}

/// A Kafka broker for one test, which may stop and break it.
pub(crate) fn own_kafka(options: &KafkaOptions) -> Box<dyn KafkaBroker> {
    backend().kafka(options).unwrap_or_else(|error| panic!("{}", error.report()))
}

/// A Kafka Connect worker with Debezium's connector, on the shared broker.
pub(crate) fn connect(options: &ConnectOptions) -> Connect {
    backend().connect(kafka().bootstrap(), options).unwrap_or_else(|error| panic!("{}", error.report()))
}
