//! The ordinary SQL connection: opened on first use, opened again after a loss.
//!
//! Owns [`Sql`], its [`Session`] and [`ReadOnly`] transaction, and the mapping of the driver's errors to
//! [`Kind`]. Must never put a password, a query text or a value into an error.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use tokio::task::AbortHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, IsolationLevel, Row, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::ident::QuotedIdent;
pub use super::version::ServerVersion;
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::wire::tls;

/// How long the server works on one statement before it gives up, as Debezium bounds its publication DDL.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(90);

/// How long we wait for an answer. Longer than the server's own limit, so that only a dead connection meets it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(100);

/// Start-up options of every session. The search path is pinned so that no object of a user can stand in for a
/// catalog, and so that `pg_get_expr` qualifies names always in the same way.
const SESSION_OPTIONS: &str = "-c search_path=pg_catalog -c statement_timeout=90000";

/// The same for statements of an operator.
const OPERATOR_OPTIONS: &str = "-c statement_timeout=90000";

/// Application name shown in `pg_stat_activity`.
pub const APPLICATION_NAME: &str = "walcast";

/// A parameter with its type: statements go in one round trip and leave nothing prepared behind.
pub type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// A connection for SQL that opens itself when it is needed.
pub struct Sql {
    database: config::Database,
    options: &'static str,
    live: Mutex<Option<Live>>,
}

/// An open connection with the task that drives it.
pub(crate) struct Live {
    pub(crate) client: Client,
    pub(crate) driver: AbortHandle,
    pub(crate) version: ServerVersion,
}

impl Sql {
    /// Prepares a connection; nothing is opened yet.
    #[must_use]
    pub fn new(database: config::Database) -> Self {
        Self { database, options: SESSION_OPTIONS, live: Mutex::new(None) }
    }

    /// The same for statements of an operator, with the role's own search path.
    #[must_use]
    pub fn for_operator(database: config::Database) -> Self {
        Self { database, options: OPERATOR_OPTIONS, live: Mutex::new(None) }
    }

    /// What this connects to.
    #[must_use]
    pub fn database(&self) -> &config::Database {
        &self.database
    }

    /// Takes the connection for a while, opening it where it is closed. Others wait until it is given back.
    ///
    /// # Errors
    /// Authentication, connection, server unavailable, preflight (no such database, no CONNECT privilege).
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection closed or idle.
    pub async fn session(&self) -> Result<Session<'_>> {
        let mut guard = self.live.lock().await;
        if guard.as_ref().is_none_or(|live| live.client.is_closed()) {
            *guard = None;
            *guard = Some(connect(&self.database, self.options).await?);
        }
        let live = MutexGuard::try_map(guard, Option::as_mut)
            .map_err(|_| Error::bug("a connection is missing that has just been opened"))?;
        Ok(Session { live })
    }

    /// Closes the connection; the next use opens another.
    pub async fn close(&self) {
        *self.live.lock().await = None;
    }
}

/// The connection, taken for a while.
pub struct Session<'a> {
    live: MappedMutexGuard<'a, Live>,
}

impl Session<'_> {
    /// The server's version, as it named it at start-up.
    #[must_use]
    pub fn version(&self) -> ServerVersion {
        self.live.version
    }

    /// Runs one statement and returns its rows.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the statement to finish by itself.
    pub async fn query(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        answer(self.live.client.query_typed(statement, params), &self.live.driver).await
    }

    /// Runs what may be several statements and leaves their rows alone.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the statement to finish by itself.
    pub async fn execute(&self, statements: &str) -> Result<()> {
        answer(self.live.client.batch_execute(statements), &self.live.driver).await
    }

    /// Runs statements without parameters in one transaction: all of them take effect, or none.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    ///
    /// # Cancel safety
    /// Dropping the future rolls back, unless the commit was already on its way.
    pub async fn execute_all(&mut self, statements: &[String]) -> Result<()> {
        let Live { client, driver, .. } = &mut *self.live;
        let transaction = answer(client.transaction(), driver).await?;
        for statement in statements {
            answer(transaction.batch_execute(statement), driver).await?;
        }
        answer(transaction.commit(), driver).await
    }

    /// Begins a read-only transaction in which all queries see the same catalog rows.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    ///
    /// # Cancel safety
    /// Dropping the transaction rolls it back.
    pub async fn read_only(&mut self) -> Result<ReadOnly<'_>> {
        let Live { client, driver, version } = &mut *self.live;
        let begin = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start();
        let transaction = answer(begin, driver).await?;
        Ok(ReadOnly { transaction, driver, version: *version })
    }
}

/// A read-only transaction over one snapshot. Ends when dropped.
pub struct ReadOnly<'a> {
    transaction: Transaction<'a>,
    driver: &'a AbortHandle,
    version: ServerVersion,
}

impl ReadOnly<'_> {
    /// The server's version, as it named it at start-up.
    #[must_use]
    pub fn version(&self) -> ServerVersion {
        self.version
    }

    /// Runs one statement and returns its rows.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the statement to finish by itself.
    pub async fn query(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        answer(self.transaction.query_typed(statement, params), self.driver).await
    }

    /// Runs one statement that returns at most one row.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    pub async fn query_first(&self, statement: &str, params: &[Param<'_>]) -> Result<Option<Row>> {
        Ok(self.query(statement, params).await?.into_iter().next())
    }

    /// Runs one statement that returns exactly one row, such as a list of settings.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    pub async fn query_one(&self, statement: &str, params: &[Param<'_>]) -> Result<Row> {
        self.query_first(statement, params).await?.ok_or_else(|| Error::bug("a query without a filter gave no row"))
    }
}

/// Reads a column of a row by name.
pub(crate) fn field<'a, T: FromSql<'a>>(row: &'a Row, name: &str) -> Result<T> {
    row.try_get(name)
        .map_err(|e| Error::bug(format!("column {name} of a catalog query is not as expected")).caused_by(e))
}

/// Reads a column that counts seconds; the server's clock may have been set back, which counts as none.
pub(crate) fn seconds(row: &Row, name: &str) -> Result<Option<Duration>> {
    let seconds: Option<f64> = field(row, name)?;
    Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()))
}

/// Waits for an answer, not for ever: a connection that went silent is given up.
async fn answer<T>(request: impl Future<Output = Result<T, tokio_postgres::Error>>, driver: &AbortHandle) -> Result<T> {
    match tokio::time::timeout(ANSWER_TIMEOUT, request).await {
        Ok(answer) => answer.map_err(from_answer),
        Err(_) => {
            driver.abort();
            Err(Error::new(Kind::Connection, "PostgreSQL did not answer a catalog query")
                .detail(format!("waited {} s", ANSWER_TIMEOUT.as_secs())))
        }
    }
}

/// Opens a connection with start-up options.
pub(crate) async fn connect(database: &config::Database, options: &str) -> Result<Live> {
    match tokio::time::timeout(database.connect_timeout, connect_by_mode(database, options)).await {
        Ok(live) => live,
        Err(_) => Err(Error::new(Kind::Connection, format!("no connection to PostgreSQL at {}", address(database)))
            .detail(format!("gave up after {} ms", database.connect_timeout.as_millis()))
            .hint("check the address and the network, or raise database.connection.timeout.ms")),
    }
}

/// Connects with libpq's meaning of `sslmode`: over a Unix socket there is never TLS, and `prefer` goes on in
/// plain text where TLS does not come about or the server refuses only encrypted connections.
async fn connect_by_mode(database: &config::Database, options: &str) -> Result<Live> {
    let unix_socket = database.host.starts_with('/');
    let mode = if unix_socket { config::SslMode::Disable } else { database.tls.mode };
    let driver_mode = match mode {
        config::SslMode::Disable => tokio_postgres::config::SslMode::Disable,
        config::SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
        config::SslMode::Require | config::SslMode::VerifyCa | config::SslMode::VerifyFull => {
            tokio_postgres::config::SslMode::Require
        }
    };
    match connect_once(database, options, driver_mode).await {
        Err(Refused { error, plain_text: PlainText::MayHelp }) if mode == config::SslMode::Prefer => {
            connect_once(database, options, tokio_postgres::config::SslMode::Disable).await.map_err(|_| error)
        }
        other => other.map_err(|refused| refused.error),
    }
}

/// A connection that did not come about.
struct Refused {
    error: Error,
    plain_text: PlainText,
}

/// Whether the same attempt without TLS may succeed, as libpq's `prefer` then tries.
enum PlainText {
    /// TLS itself failed, or the server has no entry for encrypted connections of this role.
    MayHelp,
    /// The answer has nothing to do with TLS.
    Pointless,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, plain_text: PlainText::Pointless }
    }
}

async fn connect_once(
    database: &config::Database,
    options: &str,
    mode: tokio_postgres::config::SslMode,
) -> Result<Live, Refused> {
    let mut config = tokio_postgres::Config::new();
    config
        .host(database.host.trim_start_matches('[').trim_end_matches(']'))
        .port(database.port)
        .user(&database.user)
        .dbname(&database.dbname)
        .application_name(APPLICATION_NAME)
        .options(options)
        .connect_timeout(database.connect_timeout)
        .keepalives(database.tcp_keepalive)
        .keepalives_idle(Duration::from_secs(30))
        .keepalives_interval(Duration::from_secs(10))
        .keepalives_retries(3)
        .tcp_user_timeout(ANSWER_TIMEOUT)
        .ssl_mode(mode)
        .channel_binding(match database.tls.channel_binding {
            config::ChannelBinding::Disable => tokio_postgres::config::ChannelBinding::Disable,
            config::ChannelBinding::Prefer => tokio_postgres::config::ChannelBinding::Prefer,
            config::ChannelBinding::Require => tokio_postgres::config::ChannelBinding::Require,
        });
    if let Some(password) = &database.password {
        config.password(password.expose());
    }
    let tls = match mode {
        tokio_postgres::config::SslMode::Disable => None,
        _ => tls::client_config(&database.tls)?,
    };
    if let Some(tls) = tls {
        let connecting = config.connect(MakeRustlsConnect::new(tls));
        let (client, connection) = connecting.await.map_err(|e| refused(database, e))?;
        Ok(live(client, connection)?)
    } else {
        let connecting = config.connect(tokio_postgres::NoTls);
        let (client, connection) = connecting.await.map_err(|e| refused(database, e))?;
        Ok(live(client, connection)?)
    }
}

/// Hands the connection to a task of its own, which ends with the client or with the connection.
fn live<S, T>(client: Client, connection: tokio_postgres::Connection<S, T>) -> Result<Live>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let version = connection
        .parameter("server_version")
        .and_then(ServerVersion::parse)
        .ok_or_else(|| Error::new(Kind::Protocol, "PostgreSQL did not name its version"))?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            let error = from_answer(error);
            tracing::warn!(%error, "the connection for catalog queries is lost; the next query opens another");
        }
    });
    Ok(Live { client, driver: driver.abort_handle(), version })
}

fn address(database: &config::Database) -> String {
    format!("{}, port {}", database.host, database.port)
}

fn refused(database: &config::Database, error: tokio_postgres::Error) -> Refused {
    let plain_text = match error.code().map(SqlState::code) {
        Some("28000") => PlainText::MayHelp,
        None if transport_kind(&error) != Some(Kind::Connection) => PlainText::MayHelp,
        _ => PlainText::Pointless,
    };
    Refused { error: from_connect(database, error), plain_text }
}

fn from_connect(database: &config::Database, error: tokio_postgres::Error) -> Error {
    let user = QuotedIdent(&database.user);
    let dbname = QuotedIdent(&database.dbname);
    let Some(code) = error.code() else {
        let kind = transport_kind(&error).unwrap_or(Kind::Authentication);
        let (message, hint) = match kind {
            Kind::Connection => (
                format!("no connection to PostgreSQL at {}", address(database)),
                "check database.hostname and database.port, and that the server listens there",
            ),
            _ => (
                format!("PostgreSQL at {} and walcast do not agree on TLS or authentication", address(database)),
                disagreement_hint(&error),
            ),
        };
        return Error::new(kind, message).caused_by(error).hint(hint);
    };
    let hint = match code.code() {
        "28P01" => Some("check database.user and database.password".to_owned()),
        // Sent for a missing pg_hba.conf entry, a role that does not exist and one without LOGIN.
        "28000" => Some(format!(
            "allow this role, database and address in pg_hba.conf, and let the role log in: ALTER ROLE {user} LOGIN;"
        )),
        "3D000" => Some("check database.dbname".to_owned()),
        "42501" => Some(format!("GRANT CONNECT ON DATABASE {dbname} TO {user};")),
        "53300" => Some("raise max_connections, or close connections that are not needed".to_owned()),
        _ => None,
    };
    let error = from_answer(error);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What the driver found wrong is known from its words alone; an unknown one gets the general advice.
fn disagreement_hint(error: &tokio_postgres::Error) -> &'static str {
    match error.source().map(ToString::to_string).as_deref() {
        Some("server does not support TLS") => "enable ssl at the server, or set database.sslmode to prefer or disable",
        Some("password missing") => "set database.password, for example to ${env:NAME}",
        _ => "check database.sslmode, database.sslrootcert, database.password and pg_hba.conf",
    }
}

/// Whether an error came from the transport, and which kind it then is.
fn transport_kind(error: &tokio_postgres::Error) -> Option<Kind> {
    if error.is_closed() {
        return Some(Kind::Connection);
    }
    let io = error.source()?.downcast_ref::<io::Error>()?;
    Some(match io.kind() {
        // rustls reports what it does not accept, such as a certificate, in these two.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Kind::Authentication,
        _ => Kind::Connection,
    })
}

/// Maps what a server answered, or the loss of it, to a kind.
pub(crate) fn from_answer(error: tokio_postgres::Error) -> Error {
    let Some(answer) = error.as_db_error() else {
        let kind = transport_kind(&error).unwrap_or(Kind::Protocol);
        return Error::new(kind, "the connection to PostgreSQL for catalog queries failed").caused_by(error);
    };
    let code = answer.code();
    let mapped =
        Error::new(kind_of(code), format!("PostgreSQL answered: {} (SQLSTATE {})", answer.message(), code.code()));
    let mapped = match answer.detail() {
        Some(detail) => mapped.detail(detail),
        None => mapped,
    };
    match answer.hint() {
        Some(hint) => mapped.hint(hint),
        None if *code == SqlState::QUERY_CANCELED => mapped.hint(format!(
            "a statement of walcast waited or worked for {} s; look for locks on the catalog or on the captured tables",
            STATEMENT_TIMEOUT.as_secs()
        )),
        None => mapped,
    }
}

/// The kind of a SQLSTATE. Source: PostgreSQL manual, appendix "Error Codes".
fn kind_of(code: &SqlState) -> Kind {
    match code.code() {
        "28000" | "28P01" => Kind::Authentication,
        // Insufficient privilege, unknown database: found before anything is streamed, an operator's move.
        "42501" | "3D000" => Kind::Preflight,
        "55P03" | "40001" | "40P01" | "57014" => Kind::ServerUnavailable,
        "55006" => Kind::SlotInUse,
        code => match code.get(..2) {
            Some("08") => Kind::Connection,
            Some("53" | "57") => Kind::ServerUnavailable,
            _ => Kind::ServerRefused,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_servers_say() {
        for (text, num, shown) in [
            ("15.17 (Debian 15.17-0+deb12u1)", 150_017, "15.17"),
            ("18.3", 180_003, "18.3"),
            ("19beta1", 190_000, "19.0"),
            ("9.6.24", 90_600, "9.6"),
        ] {
            let version = ServerVersion::parse(text).expect(text);
            assert_eq!(version, ServerVersion(num));
            assert_eq!(version.to_string(), shown);
        }
        for text in ["", "devel", "x.1", "99999999999"] {
            assert_eq!(ServerVersion::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn sqlstates_have_the_kind_an_operator_expects() {
        for (code, kind) in [
            ("28P01", Kind::Authentication),
            ("28000", Kind::Authentication),
            ("42501", Kind::Preflight),
            ("3D000", Kind::Preflight),
            ("08006", Kind::Connection),
            ("53300", Kind::ServerUnavailable),
            ("57P01", Kind::ServerUnavailable),
            ("57P03", Kind::ServerUnavailable),
            ("57014", Kind::ServerUnavailable),
            ("55006", Kind::SlotInUse),
            ("42601", Kind::ServerRefused),
        ] {
            assert_eq!(kind_of(&SqlState::from_code(code)), kind, "{code}");
        }
    }
}
