//! From a configuration to a session: addresses, sockets, TLS negotiation, start-up packet.
//!
//! Owns [`Connection`] and how it is opened. The session settings that decide how the server writes values are pinned in
//! the start-up packet, so they hold from the first byte and no ALTER ROLE or ALTER DATABASE can change them.
//!
//! Invariants:
//! - The whole of it, name resolution included, is over within the configured time.
//! - Nothing that came in plain text before TLS is ever read as if it had come through TLS.
//! - With `sslmode` above `prefer`, no byte but the TLS request is sent in plain text over TCP.
//!
//! Source: PostgreSQL manual, "Message Flow, Start-up" and "SSL Session Encryption"; libpq's `fe-connect.c`.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use postgres_protocol::message::frontend;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::auth;
use super::channel::Channel;
use super::message::{tag, unexpected};
use super::server_error::{Moment, ServerError};
use super::tls;
use super::transport::Transport;
use crate::config::{ChannelBinding, Database, SslMode};
use crate::error::{Error, Kind, Result};

/// A replication connection in its ordinary state: it takes commands, one at a time.
///
/// A command that was cut short (its future dropped, or ended by an error other than the server's own) leaves the
/// connection unusable, and every later command says so.
#[derive(Debug)]
pub struct Connection {
    pub(super) channel: Channel,
    /// A command was begun and its ReadyForQuery has not come.
    pub(super) busy: bool,
    /// What was under way where the server refuses something.
    pub(super) moment: Moment,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Replication commands.
    Replication,
    /// Ordinary statements, among them COPY.
    Rows,
}

/// Why an attempt failed, and whether `sslmode=prefer` allows another in plain text.
pub(super) struct Refusal {
    error: Error,
    plain_may_work: bool,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, plain_may_work: false }
    }
}

impl Refusal {
    /// What the server answered to the start-up packet. libpq tries again without TLS when `pg_hba.conf` has no line
    /// for us, but never once a password was asked for.
    pub(super) fn by_server(error: ServerError, before_any_request: bool) -> Self {
        let plain_may_work = before_any_request && error.sqlstate() == "28000";
        Self { error: error.into_error(Moment::StartUp), plain_may_work }
    }

    #[cfg(test)]
    pub(super) fn into_error(self) -> Error {
        self.error
    }

    /// The connection failed while an authentication request was awaited.
    pub(super) fn by_connection(error: Error, before_any_request: bool) -> Self {
        let plain_may_work = before_any_request && error.kind() == Kind::Authentication;
        Self { error, plain_may_work }
    }
}

/// Settings on which the text of values depends, the one that lets warnings through (a missing publication is only
/// warned of), and time-outs that must not end a stream or an exported snapshot.
/// All are known to every server since 10. `wal_sender_timeout` is left to the server's administrator.
const SESSION_SETTINGS: [(&str, &str); 10] = [
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "3"),
    ("client_min_messages", "notice"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
];

/// What a connection that reads rows has set besides: row security that applies to the role is an error and not a silent lack of
/// rows, and a table is read from its beginning.
const ROWS_SETTINGS: [(&str, &str); 2] = [("row_security", "off"), ("synchronize_seqscans", "off")];

/// An idle connection is probed after this long, then every [`KEEPALIVE_INTERVAL`], and given up after four probes.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(20);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// Bytes that stay unacknowledged this long end the connection; as long as the keepalive probes take together.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(40);

impl Connection {
    /// Opens a replication connection: socket, TLS as `sslmode` says, authentication, session settings.
    ///
    /// # Errors
    /// `Config` for unusable certificate files; `Connection` when no address answers, or not in time; `Authentication`
    /// when either side does not accept the other; `ServerUnavailable`, `ServerRefused` as the server says.
    pub async fn open(database: &Database, application_name: &str) -> Result<Self> {
        Self::open_for(database, application_name, Purpose::Replication).await
    }

    /// Opens an ordinary connection for reading rows, with values printed as a stream prints them.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn open_for_rows(database: &Database, application_name: &str) -> Result<Self> {
        Self::open_for(database, application_name, Purpose::Rows).await
    }

    async fn open_for(database: &Database, application_name: &str, purpose: Purpose) -> Result<Self> {
        let tls = tls::client_config(&database.tls)?.map(Arc::new);
        let limit = database.connect_timeout;
        match timeout(limit, Box::pin(open_by_mode(database, application_name, purpose, tls))).await {
            Ok(opened) => opened,
            Err(_elapsed) => Err(Error::new(
                Kind::Connection,
                format!("{} did not answer within {} ms", address_text(database), limit.as_millis()),
            )
            .hint("check the network, or raise database.connection.timeout.ms")),
        }
    }

    /// A parameter the server reported, such as `server_version` or `in_hot_standby`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.channel.parameter(name)
    }

    /// The server's version as `server_version_num` writes it, 150018 for 15.18; 0 when it cannot be read.
    #[must_use]
    pub fn server_version_num(&self) -> u32 {
        self.parameter("server_version").map_or(0, version_num)
    }

    /// Says goodbye and closes. Dropping a connection closes it as well, less politely.
    pub async fn close(self) {
        self.channel.terminate().await;
    }
}

async fn open_by_mode(
    database: &Database,
    name: &str,
    purpose: Purpose,
    tls: Option<Arc<ClientConfig>>,
) -> Result<Connection> {
    let may_fall_back = database.tls.mode == SslMode::Prefer && database.tls.channel_binding != ChannelBinding::Require;
    match attempt(database, name, purpose, tls).await {
        Ok(connection) => Ok(connection),
        Err(Refusal { error, plain_may_work: true }) if may_fall_back => {
            tracing::debug!("TLS is preferred and did not work, plain text is tried: {error}");
            attempt(database, name, purpose, None).await.map_err(|_second| error)
        }
        Err(Refusal { error, .. }) => Err(error),
    }
}

async fn attempt(
    database: &Database,
    name: &str,
    purpose: Purpose,
    tls: Option<Arc<ClientConfig>>,
) -> Result<Connection, Refusal> {
    let mut channel = connect(database, tls).await?;
    let parameters =
        [("user", database.user.as_str()), ("database", database.dbname.as_str()), ("application_name", name)];
    let (own, moment): (&[(&str, &str)], Moment) = match purpose {
        Purpose::Replication => (&[("replication", "database")], Moment::Command),
        Purpose::Rows => (&ROWS_SETTINGS, Moment::Reading),
    };
    let parameters = parameters.into_iter().chain(own.iter().copied()).chain(SESSION_SETTINGS);
    frontend::startup_message(parameters, channel.outgoing.bytes_mut())
        .map_err(|error| Error::new(Kind::Config, "the user or database name holds a NUL").caused_by(error))?;
    // It goes out while the first answer is awaited, so that an answer in its stead is not lost to a failed write.
    auth::authenticate(&mut channel, database).await?;
    loop {
        let answer = channel.next_answer().await?;
        match answer.tag {
            tag::READY_FOR_QUERY => return Ok(Connection { channel, busy: false, moment }),
            tag::ERROR => return Err(ServerError::parse(&answer.body).into_error(Moment::StartUp).into()),
            tag::BACKEND_KEY_DATA | tag::NEGOTIATE_PROTOCOL_VERSION => {}
            other => return Err(unexpected(other, "after authentication").into()),
        }
    }
}

async fn connect(database: &Database, tls: Option<Arc<ClientConfig>>) -> Result<Channel, Refusal> {
    #[cfg(unix)]
    if database.host.starts_with('/') {
        let path = address_text(database);
        let stream = tokio::net::UnixStream::connect(&path).await.map_err(|error| unreachable(&path, error))?;
        return Ok(Channel::new(Transport::Unix(stream)));
    }
    let stream = connect_tcp(database).await?;
    tune(&stream, database.tcp_keepalive);
    let peer = stream.peer_addr().map_err(|error| unreachable(&address_text(database), error))?;
    let channel = Channel::new(Transport::Tcp(stream));
    match tls {
        Some(config) => negotiate_tls(channel, database, config, peer).await,
        None => Ok(channel),
    }
}

/// Tries each address of the host in turn; those that are still to come share the time that is left.
async fn connect_tcp(database: &Database) -> Result<TcpStream> {
    let text = address_text(database);
    let deadline = Instant::now() + database.connect_timeout;
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((bare_host(database), database.port))
        .await
        .map_err(|error| {
            Error::new(Kind::Connection, format!("the host name of {text} cannot be resolved"))
                .caused_by(error)
                .hint("check database.hostname")
        })?
        .collect();
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for (tried, address) in (0_u32..).zip(&addresses) {
        let to_come = u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_sub(tried).max(1);
        let share = deadline.saturating_duration_since(Instant::now()) / to_come;
        last = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_elapsed) => std::io::ErrorKind::TimedOut.into(),
        };
        tracing::debug!(%address, "cannot connect: {last}");
    }
    Err(unreachable(&text, last).detail(format!("addresses tried: {}", addresses.len())))
}

fn unreachable(address: &str, cause: std::io::Error) -> Error {
    Error::new(Kind::Connection, format!("cannot connect to {address}"))
        .caused_by(cause)
        .hint("check database.hostname and database.port, and that the server listens there")
}

/// Socket options; none of them is worth a failed connection. The receive buffer is left to the kernel, which sizes it
/// to the path by itself and stops doing so once a size is set.
fn tune(stream: &TcpStream, keepalive: bool) {
    let socket = SockRef::from(stream);
    let mut outcome = socket.set_tcp_nodelay(true);
    if keepalive {
        let probes = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
        outcome = outcome.and(socket.set_tcp_keepalive(&probes));
        #[cfg(target_os = "linux")]
        {
            outcome = outcome.and(socket.set_tcp_keepalive(&probes.with_retries(4)));
            outcome = outcome.and(socket.set_tcp_user_timeout(Some(USER_TIMEOUT)));
        }
    }
    if let Err(error) = outcome {
        tracing::debug!("a socket option could not be set: {error}");
    }
}

/// Asks for TLS, and shakes hands where the server agrees.
async fn negotiate_tls(
    mut channel: Channel,
    database: &Database,
    config: Arc<ClientConfig>,
    peer: SocketAddr,
) -> Result<Channel, Refusal> {
    match ask_for_tls(&mut channel).await? {
        TlsAnswer::Yes => {}
        TlsAnswer::No if database.tls.mode == SslMode::Prefer => return Ok(channel),
        TlsAnswer::No => {
            return Err(Error::new(Kind::Authentication, "the server does not offer TLS")
                .hint("enable ssl at the server, or set database.sslmode to prefer or disable")
                .into());
        }
    }
    let Transport::Tcp(stream) = channel.into_transport() else {
        return Err(Error::bug("TLS was negotiated over something that is not TCP").into());
    };
    let host = bare_host(database).to_owned();
    let name = match ServerName::try_from(host) {
        Ok(name) => name,
        // A host that is no DNS name (some container names are not) cannot be verified, nor need it be.
        Err(_) if database.tls.mode != SslMode::VerifyFull => ServerName::IpAddress(peer.ip().into()),
        Err(error) => {
            return Err(Error::new(Kind::Config, "database.hostname is no name that a certificate can carry")
                .caused_by(error)
                .into());
        }
    };
    match tokio_rustls::TlsConnector::from(config).connect(name, stream).await {
        Ok(stream) => Ok(Channel::new(Transport::Tls(Box::new(stream)))),
        Err(failure) => Err(Refusal { error: tls::handshake_failed(failure, database.tls.mode), plain_may_work: true }),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TlsAnswer {
    Yes,
    No,
}

/// Sends SSLRequest and reads the one byte that answers it.
async fn ask_for_tls(channel: &mut Channel) -> Result<TlsAnswer> {
    frontend::ssl_request(channel.outgoing.bytes_mut());
    channel.send().await?;
    let count = poll_fn(|cx| channel.poll_receive(cx)).await?;
    let answer = channel.incoming.take_byte();
    if count > 1 && answer != Some(b'E') {
        // The server has nothing to say before the handshake; somebody in between wants it taken for the server's
        // words (CVE-2021-23222).
        return Err(Error::new(Kind::Protocol, "plain text follows the server's answer to the TLS request")
            .hint("somebody between walcast and the server may be tampering with the connection"));
    }
    match answer {
        Some(b'S') => Ok(TlsAnswer::Yes),
        Some(b'N') => Ok(TlsAnswer::No),
        // Its text is not shown: it is not authenticated (CVE-2024-10977).
        Some(b'E') => Err(Error::new(Kind::ServerUnavailable, "the server answered the TLS request with an error")
            .hint("see the server's log")),
        other => Err(unexpected(other.unwrap_or_default(), "as answer to the TLS request")),
    }
}

/// The host without the brackets that an IPv6 address may be written in.
fn bare_host(database: &Database) -> &str {
    let host = database.host.as_str();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn address_text(database: &Database) -> String {
    let (host, port) = (bare_host(database), database.port);
    if host.starts_with('/') {
        format!("{host}/.s.PGSQL.{port}")
    } else if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// `server_version` as a number: "15.18 (Debian ...)" is 150018, "9.6.3" is 90603, "19beta1" is 190000.
fn version_num(text: &str) -> u32 {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let mut parts = text[..end].split('.').map(|part| part.parse().unwrap_or(0_u32).min(9_999));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if major == 0 {
        return 0;
    }
    if major >= 10 { major * 10_000 + minor } else { major * 10_000 + minor * 100 + parts.next().unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn answer_to_tls_request(answer: &[u8]) -> Result<TlsAnswer> {
        let (ours, mut server) = tokio::io::duplex(64);
        let mut channel = Channel::new(Transport::Memory(ours));
        server.write_all(answer).await.unwrap();
        let asked = ask_for_tls(&mut channel).await;
        let mut request = [0; 8];
        server.read_exact(&mut request).await.unwrap();
        assert_eq!(request, [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
        asked
    }

    #[tokio::test]
    async fn plain_text_behind_the_answer_to_the_tls_request_is_refused() {
        assert_eq!(answer_to_tls_request(b"S").await.unwrap(), TlsAnswer::Yes);
        assert_eq!(answer_to_tls_request(b"N").await.unwrap(), TlsAnswer::No);
        for (answer, kind) in [
            (&b"SR\0\0\0\x08\0\0\0\0"[..], Kind::Protocol),
            (b"NR", Kind::Protocol),
            (b"E\0\0\0\x09Mforged\0\0", Kind::ServerUnavailable),
            (b"H", Kind::Protocol),
        ] {
            let refused = answer_to_tls_request(answer).await.unwrap_err();
            assert_eq!(refused.kind(), kind, "{answer:?}");
            assert!(!refused.report().contains("forged"));
        }
    }

    #[test]
    fn versions_are_read_as_the_server_counts_them() {
        for (text, number) in [
            ("15.18 (Debian 15.18-0+deb12u1)", 150_018),
            ("10.23", 100_023),
            ("9.6.3", 90_603),
            ("19beta1", 190_000),
            ("18devel", 180_000),
            ("", 0),
            ("unknown", 0),
            ("99999999999.9", 0),
        ] {
            assert_eq!(version_num(text), number, "{text}");
        }
    }
}
