//! Every method of authentication, with the right password and with others.

use walcast::config::{ChannelBinding, SslMode};

use super::fixture::{Attempt, ENCRYPTED, REFUSED, SCRAM_PASSWORD, ed25519_server, server};

fn at(user: &str) -> Attempt {
    Attempt::at(server(), user)
}

#[test]
fn every_method_takes_the_right_password_with_and_without_tls() {
    for (mode, expected) in [(SslMode::Disable, "plain"), (SslMode::Prefer, ENCRYPTED), (SslMode::Require, ENCRYPTED)] {
        at("u_trust").mode(mode).comes_to(expected);
        at("u_clear").password("clear").mode(mode).comes_to(expected);
        at("u_md5").password("pw md5").mode(mode).comes_to(expected);
        at("u_scram").password(SCRAM_PASSWORD).mode(mode).comes_to(expected);
    }
}

#[test]
fn every_method_refuses_a_wrong_password_none_and_an_unknown_role() {
    for user in ["u_clear", "u_md5", "u_scram", "u_unknown"] {
        at(user).password("wrong").mode(SslMode::Prefer).comes_to(REFUSED);
        at(user).mode(SslMode::Prefer).comes_to(REFUSED);
    }
}

#[test]
fn a_unix_socket_is_used_in_plain_text_whatever_the_mode() {
    let sockets = server().socket_dir().and_then(|directory| directory.to_str()).expect("a process");
    for mode in [SslMode::Disable, SslMode::Prefer, SslMode::VerifyFull] {
        at("u_trust").host(sockets).mode(mode).root("ca.crt").comes_to("plain");
    }
    // There the superuser's trust leads on to what the role lacks.
    at("u_no_replication").host(sockets).comes_to("server_refused");
}

#[test]
fn lines_for_one_kind_of_connection_are_met_as_libpq_meets_them() {
    let to = |user| at(user).password(SCRAM_PASSWORD);
    to("u_tls_only").mode(SslMode::Disable).comes_to(REFUSED);
    to("u_tls_only").mode(SslMode::Prefer).comes_to(ENCRYPTED);
    to("u_plain_only").mode(SslMode::Prefer).comes_to("plain");
    to("u_plain_only").mode(SslMode::Require).comes_to(REFUSED);
    to("u_plain_only").mode(SslMode::Prefer).binding(ChannelBinding::Require).comes_to(REFUSED);
}

#[test]
fn channel_binding_is_used_where_it_can_be_and_demanded_where_it_must_be() {
    let scram = || at("u_scram").password(SCRAM_PASSWORD);
    for binding in [ChannelBinding::Disable, ChannelBinding::Prefer, ChannelBinding::Require] {
        scram().mode(SslMode::Require).binding(binding).comes_to(ENCRYPTED);
    }
    // Without TLS, or with a method that binds nothing, there is nothing to demand.
    scram().mode(SslMode::Disable).binding(ChannelBinding::Require).comes_to(REFUSED);
    at("u_trust").mode(SslMode::Require).binding(ChannelBinding::Require).comes_to(REFUSED);
    let md5 = at("u_md5").password("pw md5");
    md5.mode(SslMode::Require).binding(ChannelBinding::Require).comes_to(REFUSED);
    // A certificate whose signature names no digest cannot be bound to.
    let unbound = Attempt::at(ed25519_server(), "u_scram").password(SCRAM_PASSWORD).mode(SslMode::Require);
    unbound.comes_to(ENCRYPTED);
    unbound.binding(ChannelBinding::Require).comes_to(REFUSED);
}

#[test]
fn a_database_that_does_not_exist_is_told() {
    let mut attempt = at("u_trust");
    attempt.0.dbname = "nowhere".to_owned();
    attempt.comes_to("server_refused");
}
