//! One throwaway PostgreSQL cluster in a container of the official image.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use testcontainers::core::IntoContainerPort as _;
use testcontainers::{ContainerRequest, GenericImage, ImageExt as _};
use tokio_postgres::NoTls;

use super::{Container, Engine, published_host};
use crate::error::Result;
use crate::local::processes::account::local;
use crate::local::processes::server::free_port;
use crate::local::ready::shows_a_ready_server;
use crate::local::{PostgresOptions, PostgresServer, Progress, StopMode};

const SUPERUSER: &str = "postgres";
const FILES: &str = "/etc/walcast";

/// A cluster in a container.
#[derive(Debug)]
pub(super) struct Postgres {
    container: Container,
    description: String,
    major: u16,
    host: String,
    port: u16,
}

impl Postgres {
    /// Starts the container and returns when the server takes connections.
    pub(super) fn start(engine: &Arc<Engine>, options: &PostgresOptions, progress: &Progress) -> Result<Self> {
        let description = format!("PostgreSQL {} (container)", options.major);
        let _step = progress.step(&format!("starting {description}"));
        let port = free_port()?;
        let container = engine.start(&description, request(options, port)?)?;
        let server = Self { container, description, major: options.major, host: published_host(), port };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&self) -> Result<()> {
        let mut config = tokio_postgres::Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .user(SUPERUSER)
            .dbname("postgres")
            .connect_timeout(Duration::from_secs(2));
        self.container.wait_until("take connections", || match self.container.engine.block_on(config.connect(NoTls)) {
            Ok(_) => true,
            Err(error) => shows_a_ready_server(&error),
        })
    }
}

fn request(options: &PostgresOptions, port: u16) -> Result<ContainerRequest<GenericImage>> {
    let mut settings = PostgresOptions::base_settings();
    let mut copies = Vec::new();
    if !options.hba.is_empty() {
        settings.push(("hba_file".to_owned(), format!("{FILES}/pg_hba.conf")));
        copies.push(("pg_hba.conf", (options.hba.join("\n") + "\n").into_bytes()));
    }
    if let Some(tls) = &options.tls {
        let read = |path: &Path| std::fs::read(path).map_err(|error| local("cannot read a TLS file", error));
        settings.push(("ssl".to_owned(), "on".to_owned()));
        settings.push(("ssl_cert_file".to_owned(), format!("{FILES}/server.crt")));
        settings.push(("ssl_key_file".to_owned(), format!("{FILES}/server.key")));
        copies.push(("server.crt", read(&tls.certificate)?));
        copies.push(("server.key", read(&tls.key)?));
        if let Some(authority) = &tls.client_authority {
            settings.push(("ssl_ca_file".to_owned(), format!("{FILES}/root.crt")));
            copies.push(("root.crt", read(authority)?));
        }
    }
    settings.extend(options.settings.iter().cloned());
    // Copied files belong to root, and PostgreSQL takes a key only from its own account: the first step runs as
    // root, then the image's own entry point goes on and changes the account.
    let script = format!(
        "if [ -d {FILES} ]; then chown -R postgres {FILES} && chmod 0700 {FILES} && chmod 0600 {FILES}/*; fi; \
         exec docker-entrypoint.sh postgres \"$@\""
    );
    let mut command = vec!["sh".to_owned(), "-c".to_owned(), script, "postgres".to_owned()];
    for (name, value) in settings {
        command.push("-c".to_owned());
        command.push(format!("{name}={value}"));
    }
    let mut request = GenericImage::new("postgres", &options.major.to_string())
        .with_env_var("POSTGRES_HOST_AUTH_METHOD", "trust")
        .with_env_var("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --locale=C --no-sync")
        .with_mapped_port(port, 5432.tcp())
        .with_cmd(command);
    for (name, bytes) in copies {
        request = request.with_copy_to(format!("{FILES}/{name}"), bytes);
    }
    Ok(request)
}

impl PostgresServer for Postgres {
    fn description(&self) -> &str {
        &self.description
    }

    fn major(&self) -> u16 {
        self.major
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn socket_dir(&self) -> Option<&Path> {
        None
    }

    fn user(&self) -> &str {
        SUPERUSER
    }

    fn data_dir(&self) -> Option<&Path> {
        None
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn log_tail(&self) -> String {
        self.container.log_tail()
    }

    fn stop(&self, mode: StopMode) -> Result<()> {
        self.container.stop_by(match mode {
            StopMode::Fast => "SIGINT",
            StopMode::Immediate => "SIGQUIT",
            StopMode::Kill => "SIGKILL",
        })
    }

    fn start_again(&self) -> Result<()> {
        self.container.start_again()?;
        self.wait_until_ready()
    }
}
