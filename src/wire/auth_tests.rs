//! Authentication against a server that is a pipe in memory and does not play fair.

use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, DuplexStream};

use super::*;
use crate::config::{Secret, SslMode, Tls};
use crate::wire::transport::Transport;

const PASSWORD: &str = "correct horse";

fn database(channel_binding: ChannelBinding) -> Database {
    Database {
        host: "/nowhere".to_owned(),
        port: 1,
        user: "u".to_owned(),
        password: Some(Secret::new(PASSWORD)),
        dbname: "d".to_owned(),
        tls: Tls { mode: SslMode::Disable, channel_binding, ..Tls::default() },
        connect_timeout: Duration::from_secs(60),
        tcp_keepalive: false,
    }
}

fn request(code: u32, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len() + 8).unwrap();
    [&b"R"[..], &length.to_be_bytes(), &code.to_be_bytes(), data].concat()
}

/// What we make of a server that says all this whatever it is told.
async fn outcome(says: &[Vec<u8>], channel_binding: ChannelBinding) -> Result<(), Error> {
    let (ours, mut server): (_, DuplexStream) = tokio::io::duplex(65_536);
    let mut channel = Channel::new(Transport::Memory(ours));
    server.write_all(&says.concat()).await.unwrap();
    server.shutdown().await.unwrap();
    authenticate(&mut channel, &database(channel_binding)).await.map_err(|refusal| refusal.into_error())
}

#[tokio::test]
async fn plain_methods_work_unless_binding_is_required() {
    let ok = request(code::OK, b"");
    for says in [
        vec![ok.clone()],
        vec![request(code::CLEARTEXT, b""), ok.clone()],
        vec![request(code::MD5, b"salt"), ok.clone()],
    ] {
        outcome(&says, ChannelBinding::Prefer).await.unwrap();
        let refused = outcome(&says, ChannelBinding::Require).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Authentication);
    }
}

#[tokio::test]
async fn a_server_that_skips_its_own_proof_is_refused() {
    // Given a server that asks for SCRAM, when it says OK without proving that it knows the password,
    let scram = request(code::SASL, b"SCRAM-SHA-256\0\0");
    let ok = request(code::OK, b"");
    for says in [
        vec![scram.clone(), ok.clone()],
        vec![scram.clone(), request(code::SASL_FINAL, b"v=AAAA"), ok.clone()],
        vec![scram.clone(), request(code::SASL_CONTINUE, b"r=not ours,s=AAAA,i=4096"), ok.clone()],
        vec![scram.clone(), request(code::CLEARTEXT, b""), ok.clone()],
        vec![request(code::MD5, b"salt"), request(code::CLEARTEXT, b""), ok.clone()],
        vec![request(code::SASL_CONTINUE, b"r=x"), ok.clone()],
        vec![request(7, b""), ok.clone()],
        vec![request(code::SASL, b"SCRAM-SHA-512\0\0"), ok],
    ] {
        // then it is refused, and the password is in no part of the error.
        let refused = outcome(&says, ChannelBinding::Prefer).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Authentication, "{says:?}");
        assert!(!refused.report().contains(PASSWORD) && !format!("{refused:?}").contains(PASSWORD));
    }
}

#[tokio::test]
async fn garbage_before_authentication_is_refused() {
    for (says, kind) in [
        (vec![b"HTTP/1.1 400 Bad Request\r\n".to_vec()], Kind::Protocol),
        (vec![request(code::MD5, b"short")[..10].to_vec()], Kind::Connection),
        (vec![request(code::MD5, b"too long")], Kind::Protocol),
        (vec![b"R\0\0\0\x04".to_vec()], Kind::Protocol),
        (vec![b"Z\0\0\0\x05I".to_vec()], Kind::Protocol),
        (vec![], Kind::Connection),
    ] {
        assert_eq!(outcome(&says, ChannelBinding::Prefer).await.unwrap_err().kind(), kind, "{says:?}");
    }
}
