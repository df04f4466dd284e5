//! Addresses where nobody, nothing good, or nobody in time answers.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use walcast::config::SslMode;

use super::fixture::{Attempt, server};

/// An attempt at a port where somebody answers the first bytes with these, or never.
fn answered_with(answer: Option<&'static [u8]>) -> Attempt {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let mut attempt = Attempt::at(server(), "u_trust").host("127.0.0.1");
    attempt.0.port = listener.local_addr().expect("an address").port();
    attempt.0.connect_timeout = Duration::from_millis(700);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut received = [0; 1024];
        let _ = stream.read(&mut received);
        if let Some(answer) = answer {
            let _ = stream.write_all(answer);
        } else {
            // Says nothing until the other side goes away.
            while stream.read(&mut received).is_ok_and(|count| count > 0) {}
        }
    });
    attempt
}

#[test]
fn a_silent_server_is_given_up_in_time() {
    for mode in [SslMode::Disable, SslMode::Require] {
        let start = Instant::now();
        answered_with(None).mode(mode).comes_to("connection");
        assert!((Duration::from_millis(700)..Duration::from_secs(5)).contains(&start.elapsed()));
    }
}

#[test]
fn something_else_than_postgres_is_told() {
    let answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nthis is a web server";
    answered_with(Some(answer)).comes_to("protocol");
    answered_with(Some(answer)).mode(SslMode::Require).comes_to("protocol");
}

#[test]
fn a_server_that_hangs_up_is_told() {
    answered_with(Some(b"")).comes_to("connection");
    answered_with(Some(b"")).mode(SslMode::Require).comes_to("connection");
}

#[test]
fn plain_text_behind_the_answer_to_the_tls_request_is_tampering() {
    answered_with(Some(b"SR\0\0\0\x08\0\0\0\0")).mode(SslMode::Require).comes_to("protocol");
}

#[test]
fn nobody_at_the_address_is_told() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address").port();
    let mut attempt = Attempt::at(server(), "u_trust");
    attempt.0.port = free;
    attempt.comes_to("connection");
    Attempt::at(server(), "u_trust").host("nowhere.invalid").comes_to("connection");
    Attempt::at(server(), "u_trust").host("/no/such/directory").comes_to("connection");
}
