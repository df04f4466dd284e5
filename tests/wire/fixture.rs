//! Servers with roles for every method of authentication, and what an attempt to connect comes to.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use walcast::config::{ChannelBinding, Database, Secret, SslMode, Tls};
use walcast::error::Result;
use walcast::local::{PostgresOptions, PostgresServer, TlsFiles};
use walcast::wire::Connection;

use crate::support::database::Session;
use crate::support::servers;

/// What an attempt to connect came to: the TLS version that the server saw, `plain`, or the kind of the error.
pub(super) fn outcome(database: &Database) -> String {
    const TLS: &str =
        "SELECT coalesce((SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl), 'plain')";
    let outcome: Result<String> = block_on(async {
        let mut connection = Connection::open(database, "walcast-test").await?;
        let rows = connection.simple_query(TLS).await?;
        assert_eq!(connection.identify_system().await?.dbname.as_deref(), Some("postgres"));
        connection.close().await;
        Ok(rows[0][0].clone().expect("text"))
    });
    outcome.unwrap_or_else(|error| {
        let report = error.report();
        assert!(!report.contains(SCRAM_PASSWORD) && !report.contains("pw md5"), "{report}");
        error.kind().as_str().to_owned()
    })
}

/// What an attempt comes to where TLS works.
pub(super) const ENCRYPTED: &str = "TLSv1.3";
/// What it comes to where either side refuses the other.
pub(super) const REFUSED: &str = "authentication";

/// Not ASCII, and with characters that mean something elsewhere.
pub(super) const SCRAM_PASSWORD: &str = "pw \"scram\" ü";

/// Runs to the end on a runtime of its own.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

/// A runtime of one thread, for a connection that is used between calls that block.
pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A file beside this one.
pub(super) fn certificate(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire/certificates");
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

/// A server that shows this certificate.
fn guarded(name: &str) -> Box<dyn PostgresServer> {
    let mut options = PostgresOptions::new(15).tls(TlsFiles {
        certificate: certificate(&format!("{name}.crt")).into(),
        key: certificate(&format!("{name}.key")).into(),
        client_authority: Some(certificate("ca.crt").into()),
    });
    for line in [
        "local all all trust",
        "host all postgres all trust",
        "host all u_trust all trust",
        "host all u_clear all password",
        "host all u_md5 all md5",
        "host all u_scram all scram-sha-256",
        "hostssl all u_tls_only all scram-sha-256",
        "hostnossl all u_plain_only all scram-sha-256",
        "hostssl all u_certificate all cert",
    ] {
        options = options.hba_line(line);
    }
    let server = servers::process_postgres(&options);
    let session = Session::open(&*server, "postgres").expect("a session");
    session.execute(&format!(
        "SET password_encryption = 'md5';
         CREATE ROLE u_md5 LOGIN REPLICATION PASSWORD 'pw md5';
         SET password_encryption = 'scram-sha-256';
         CREATE ROLE u_scram LOGIN REPLICATION PASSWORD '{SCRAM_PASSWORD}';
         CREATE ROLE u_clear LOGIN REPLICATION PASSWORD 'clear';
         CREATE ROLE u_tls_only LOGIN REPLICATION PASSWORD '{SCRAM_PASSWORD}';
         CREATE ROLE u_plain_only LOGIN REPLICATION PASSWORD '{SCRAM_PASSWORD}';
         CREATE ROLE u_trust LOGIN REPLICATION;
         CREATE ROLE u_certificate LOGIN REPLICATION;
         CREATE ROLE u_no_replication LOGIN"
    ));
    server
}

/// The server of most tests: its certificate names `localhost` and no address.
pub(super) fn server() -> &'static dyn PostgresServer {
    static SERVER: OnceLock<Box<dyn PostgresServer>> = OnceLock::new();
    &**SERVER.get_or_init(|| guarded("server"))
}

/// A server whose certificate has a common name and no alternative names.
pub(super) fn common_name_server() -> &'static dyn PostgresServer {
    static SERVER: OnceLock<Box<dyn PostgresServer>> = OnceLock::new();
    &**SERVER.get_or_init(|| guarded("common_name_only"))
}

/// A server with a self-signed certificate whose signature names no digest.
pub(super) fn ed25519_server() -> &'static dyn PostgresServer {
    static SERVER: OnceLock<Box<dyn PostgresServer>> = OnceLock::new();
    &**SERVER.get_or_init(|| guarded("ed25519"))
}

/// How one attempt connects; its methods change one thing each.
#[derive(Clone, Debug)]
pub(super) struct Attempt(pub(super) Database);

impl Attempt {
    /// By name, without TLS unless it is asked for.
    pub(super) fn at(server: &dyn PostgresServer, user: &str) -> Self {
        Self(Database {
            host: "localhost".to_owned(),
            port: server.port(),
            user: user.to_owned(),
            password: None,
            dbname: "postgres".to_owned(),
            tls: Tls { mode: SslMode::Disable, ..Tls::default() },
            connect_timeout: Duration::from_secs(10),
            tcp_keepalive: true,
        })
    }

    pub(super) fn host(mut self, host: &str) -> Self {
        self.0.host = host.to_owned();
        self
    }

    pub(super) fn password(mut self, password: &str) -> Self {
        self.0.password = Some(Secret::new(password));
        self
    }

    pub(super) fn mode(mut self, mode: SslMode) -> Self {
        self.0.tls.mode = mode;
        self
    }

    pub(super) fn root(mut self, name: &str) -> Self {
        self.0.tls.root_certificate = Some(certificate(name));
        self
    }

    pub(super) fn client(mut self, certificate_name: &str, key_name: &str) -> Self {
        self.0.tls.client_certificate = Some(certificate(certificate_name));
        self.0.tls.client_key = Some(certificate(key_name));
        self
    }

    pub(super) fn binding(mut self, binding: ChannelBinding) -> Self {
        self.0.tls.channel_binding = binding;
        self
    }

    #[track_caller]
    pub(super) fn comes_to(&self, expected: &str) {
        assert_eq!(outcome(&self.0), expected, "{self:?}");
    }
}
