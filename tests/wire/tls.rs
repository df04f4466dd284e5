//! Whom a certificate convinces, on either side.

use walcast::config::SslMode;

use super::fixture::{Attempt, ENCRYPTED, REFUSED, SCRAM_PASSWORD, common_name_server, ed25519_server, server};

fn scram() -> Attempt {
    Attempt::at(server(), "u_scram").password(SCRAM_PASSWORD)
}

#[test]
fn the_authority_is_checked_where_it_is_given() {
    for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        scram().mode(mode).root("ca.crt").comes_to(ENCRYPTED);
        scram().mode(mode).root("other_ca.crt").comes_to(REFUSED);
    }
    scram().mode(SslMode::Require).comes_to(ENCRYPTED);
    // The system's authorities know nothing of ours.
    scram().mode(SslMode::VerifyCa).comes_to(REFUSED);
    scram().mode(SslMode::VerifyFull).root("no_such_file.crt").comes_to("config");
}

#[test]
fn the_name_is_checked_by_verify_full_alone() {
    let by_address = scram().host("127.0.0.1").root("ca.crt");
    by_address.clone().mode(SslMode::VerifyFull).comes_to(REFUSED);
    by_address.mode(SslMode::VerifyCa).comes_to(ENCRYPTED);
}

#[test]
fn a_common_name_serves_where_there_are_no_alternative_names() {
    let to = || Attempt::at(common_name_server(), "u_scram").password(SCRAM_PASSWORD).root("ca.crt");
    to().mode(SslMode::VerifyFull).comes_to(ENCRYPTED);
    to().mode(SslMode::VerifyFull).host("127.0.0.1").comes_to(REFUSED);
    to().mode(SslMode::VerifyCa).host("127.0.0.1").comes_to(ENCRYPTED);
}

#[test]
fn a_self_signed_certificate_convinces_whoever_was_given_it() {
    let to = || Attempt::at(ed25519_server(), "u_scram").password(SCRAM_PASSWORD).mode(SslMode::VerifyFull);
    to().root("ed25519.crt").comes_to(ENCRYPTED);
    to().root("ca.crt").comes_to(REFUSED);
}

#[test]
fn a_client_certificate_proves_the_role() {
    let to = || Attempt::at(server(), "u_certificate").mode(SslMode::VerifyFull).root("ca.crt");
    to().client("client.crt", "client.key").comes_to(ENCRYPTED);
    to().client("client.crt", "client.pk8").comes_to(ENCRYPTED);
    to().comes_to(REFUSED);
    to().client("other_client.crt", "other_client.key").comes_to(REFUSED);
    // What cannot be used is found before anything is sent.
    to().client("client.crt", "client.encrypted.key").comes_to("config");
    to().client("client.crt", "server.key").comes_to("config");
}

#[test]
fn prefer_goes_on_in_plain_text_where_the_server_refuses_the_certificate() {
    let attempt = Attempt::at(server(), "u_trust").mode(SslMode::Prefer);
    attempt.client("other_client.crt", "other_client.key").comes_to("plain");
}
