//! Authentication: what the server asks for and what it gets.
//!
//! Owns the exchange from the start-up packet to AuthenticationOk. The cryptography is `postgres-protocol`'s.
//!
//! Invariants:
//! - The server asks once. A second request, as a relay would make to get a password it can use, is refused.
//! - A SCRAM exchange counts only when the server has proved that it knows the password too.
//! - With `channel_binding=require`, nothing but SCRAM-SHA-256-PLUS is good enough.
//! - No secret enters an error or a log line.
//!
//! Source: PostgreSQL manual, "SASL Authentication" and "Message Flow, Start-up"; libpq's `fe-auth.c`.

use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{self, ScramSha256};
use postgres_protocol::message::frontend;

use super::channel::Channel;
use super::connect::Refusal;
use super::message::{malformed, tag, unexpected};
use super::server_error::ServerError;
use super::tls::binding;
use crate::config::{ChannelBinding, Database};
use crate::error::{Error, Kind};

/// AuthenticationRequest codes.
mod code {
    pub(super) const OK: u32 = 0;
    pub(super) const CLEARTEXT: u32 = 3;
    pub(super) const MD5: u32 = 5;
    pub(super) const SASL: u32 = 10;
    pub(super) const SASL_CONTINUE: u32 = 11;
    pub(super) const SASL_FINAL: u32 = 12;
}

/// What the server was given so far.
enum Progress {
    /// Nothing: it has not asked.
    Unasked,
    /// A password or its hash; it says OK next.
    Answered,
    /// The first SCRAM message.
    Scram { exchange: Box<ScramSha256>, bound: bool },
    /// The SCRAM proof; it must prove itself next.
    ScramProved { exchange: Box<ScramSha256>, bound: bool },
    /// The server has proved itself; it says OK next.
    ScramDone { bound: bool },
}

/// Answers the server's requests until it says that we are who we say.
///
/// # Errors
/// [`Refusal`]: `Authentication` and what the server reported.
pub(super) async fn authenticate(channel: &mut Channel, database: &Database) -> Result<(), Refusal> {
    let required = database.tls.channel_binding == ChannelBinding::Require;
    let mut progress = Progress::Unasked;
    loop {
        let before_any_request = matches!(progress, Progress::Unasked);
        let answer = channel.next_answer().await.map_err(|error| Refusal::by_connection(error, before_any_request))?;
        let body = match answer.tag {
            tag::AUTHENTICATION => answer.body,
            tag::ERROR => {
                return Err(Refusal::by_server(ServerError::parse(&answer.body), before_any_request));
            }
            tag::NEGOTIATE_PROTOCOL_VERSION => continue,
            other => return Err(unexpected(other, "before authentication").into()),
        };
        let (code, data) = body.split_first_chunk::<4>().ok_or_else(|| malformed("authentication request"))?;
        let code = u32::from_be_bytes(*code);
        progress = match (code, progress) {
            (code::OK, Progress::ScramDone { bound: true }) => return Ok(()),
            (code::OK, Progress::Unasked | Progress::Answered | Progress::ScramDone { .. }) if required => {
                return Err(unbound().into());
            }
            (code::OK, Progress::Unasked | Progress::Answered | Progress::ScramDone { .. }) => return Ok(()),
            (code::CLEARTEXT | code::MD5, Progress::Unasked) if required => return Err(unbound().into()),
            (code::CLEARTEXT, Progress::Unasked) => {
                warn_about_plain_text(channel);
                send_password(channel, password(database)?.as_bytes()).await?
            }
            (code::MD5, Progress::Unasked) => {
                let salt = data.try_into().map_err(|_| malformed("md5 request"))?;
                let hash = md5_hash(database.user.as_bytes(), password(database)?.as_bytes(), salt);
                send_password(channel, hash.as_bytes()).await?
            }
            (code::SASL, Progress::Unasked) => begin_scram(channel, database, data).await?,
            (code::SASL_CONTINUE, Progress::Scram { mut exchange, bound }) => {
                exchange.update(data).map_err(scram_failed)?;
                send(channel, |out| frontend::sasl_response(exchange.message(), out)).await?;
                Progress::ScramProved { exchange, bound }
            }
            (code::SASL_FINAL, Progress::ScramProved { mut exchange, bound }) => {
                exchange.finish(data).map_err(scram_failed)?;
                Progress::ScramDone { bound }
            }
            (code, Progress::Unasked) => return Err(unknown_method(code).into()),
            (..) => {
                return Err(Error::new(Kind::Authentication, "the server's authentication requests are out of order")
                    .hint("check that nothing stands between walcast and the server")
                    .into());
            }
        };
    }
}

async fn begin_scram(channel: &mut Channel, database: &Database, mechanisms: &[u8]) -> Result<Progress, Error> {
    let offers = |wanted: &str| mechanisms.split(|byte| *byte == 0).any(|name| name == wanted.as_bytes());
    let wanted = database.tls.channel_binding;
    let digest = match wanted {
        ChannelBinding::Disable => None,
        ChannelBinding::Prefer | ChannelBinding::Require => {
            channel.transport().server_certificate().and_then(binding::end_point)
        }
    };
    let (mechanism, header, bound) = match digest {
        Some(digest) if offers(sasl::SCRAM_SHA_256_PLUS) => {
            (sasl::SCRAM_SHA_256_PLUS, sasl::ChannelBinding::tls_server_end_point(digest), true)
        }
        _ if wanted == ChannelBinding::Require => return Err(unbound()),
        _ if !offers(sasl::SCRAM_SHA_256) => {
            return Err(Error::new(Kind::Authentication, "the server offers no SASL mechanism that walcast knows")
                .hint("allow scram-sha-256 for this role in pg_hba.conf"));
        }
        // "We could, but you did not offer it": lets the server notice that somebody removed the offer.
        Some(_) => (sasl::SCRAM_SHA_256, sasl::ChannelBinding::unrequested(), false),
        None => (sasl::SCRAM_SHA_256, sasl::ChannelBinding::unsupported(), false),
    };
    let exchange = Box::new(ScramSha256::new(password(database)?.as_bytes(), header));
    send(channel, |out| frontend::sasl_initial_response(mechanism, exchange.message(), out)).await?;
    Ok(Progress::Scram { exchange, bound })
}

async fn send_password(channel: &mut Channel, password: &[u8]) -> Result<Progress, Error> {
    send(channel, |out| frontend::password_message(password, out)).await?;
    Ok(Progress::Answered)
}

async fn send(
    channel: &mut Channel,
    build: impl FnOnce(&mut bytes::BytesMut) -> std::io::Result<()>,
) -> Result<(), Error> {
    build(channel.outgoing.bytes_mut())
        .map_err(|_| Error::new(Kind::Config, "the password holds a character that PostgreSQL cannot take (NUL)"))?;
    channel.send().await
}

fn password(database: &Database) -> Result<&str, Error> {
    database.password.as_ref().map(crate::config::Secret::expose).ok_or_else(|| {
        Error::new(Kind::Authentication, "the server asks for a password and none is configured")
            .hint("set database.password, for example to ${env:NAME}")
    })
}

fn warn_about_plain_text(channel: &Channel) {
    let transport = channel.transport();
    if !transport.is_encrypted() && !transport.is_local() {
        tracing::warn!(
            "the server asks for the password in clear text over an unencrypted connection; \
             set database.sslmode to verify-full, or scram-sha-256 in pg_hba.conf"
        );
    }
}

fn unbound() -> Error {
    Error::new(Kind::Authentication, "channel binding is required, and this authentication does not have it")
        .hint("it needs TLS and scram-sha-256 in pg_hba.conf; or set database.channelBinding to prefer")
}

fn scram_failed(failure: std::io::Error) -> Error {
    let hint = if failure.to_string().contains("iteration count") {
        "the role's password was hashed with more than 100,000 iterations: lower scram_iterations and set it again"
    } else {
        "check database.password, and that nothing stands between walcast and the server"
    };
    Error::new(Kind::Authentication, "the SCRAM exchange failed").caused_by(failure).hint(hint)
}

fn unknown_method(code: u32) -> Error {
    let name = match code {
        2 => "Kerberos V5",
        6 => "SCM credentials",
        7 | 8 => "GSSAPI",
        9 => "SSPI",
        _ => "an unknown method",
    };
    Error::new(Kind::Authentication, format!("the server asks for {name}, which walcast does not speak"))
        .detail(format!("authentication request {code}"))
        .hint("allow scram-sha-256, a client certificate or md5 for this role in pg_hba.conf")
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
