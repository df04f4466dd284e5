//! How the database is reached: `database.*`, `driver.*` and TLS.

use super::super::property::{Prefix, Property, ValueType};

const NO_JDBC: &str = "it is a setting of the JDBC driver, which walcast does not have";

pub(super) static PROPERTIES: &[Property] = &[
    Property::text(
        "database.hostname",
        "Host name or address of the server; also an IPv6 address or the directory of a Unix socket",
    )
    .required()
    .check(hostname),
    Property::new("database.port", ValueType::Integer { min: 1, max: 65535 }, "Port of the server").or("5432").high(),
    Property::text("database.user", "Role to log in as").required().check(not_empty),
    Property::new("database.password", ValueType::Password, "Password of the role").high(),
    Property::text("database.dbname", "Database whose changes are captured").required().check(not_empty),
    Property::new("database.connection.factory.class", ValueType::Class, "Custom factory of JDBC connections")
        .not_yet(&[]),
    Property::text("database.initial.statements", "SQL to run on each new connection").not_yet(&[]),
    Property::int("database.query.timeout.ms", 0, "Time limit of a query")
        .or("600000")
        .no_effect("queries of the catalog have a time limit of their own"),
    Property::int(
        "database.connection.timeout.ms",
        0,
        "Time limit for connecting and logging in, in ms (Debezium's default is 600000)",
    )
    .or("30000"),
    Property::long("connection.validation.timeout.ms", 0, "Time limit of the validation of a configuration")
        .or("60000")
        .no_effect("database.connection.timeout.ms holds for every connection"),
    Property::bool("database.tcpKeepAlive", "true", "Whether TCP probes an idle connection")
        .alias(&["driver.tcpKeepAlive"])
        .medium(),
    Property::bool("read.only", "false", "Incremental snapshots without writing to the database").medium(),
    Property::one_of(
        "database.sslmode",
        &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
        "Whether the connection is encrypted and the server verified, as libpq's sslmode",
    )
    .or("prefer")
    .high(),
    Property::text("database.sslcert", "File with the client's certificate chain, PEM").medium(),
    Property::text("database.sslkey", "File with the client's key, PEM or PKCS#8 DER").medium(),
    Property::new("database.sslpassword", ValueType::Password, "Password of the client's key").not_yet(&[]),
    Property::text("database.sslrootcert", "File with the certificates that are trusted, PEM").high(),
    Property::new("database.sslfactory", ValueType::Class, "Java class that makes TLS sockets").not_yet(&[]),
    Property::one_of(
        "database.channelBinding",
        &["disable", "prefer", "require"],
        "Whether the password exchange is bound to the TLS channel, as libpq's channel_binding",
    )
    .alias(&["driver.channelBinding"])
    .or("prefer"),
];

pub(super) static PREFIXES: &[Prefix] = &[
    Prefix::no_effect("database.", NO_JDBC, "Settings passed to the JDBC driver"),
    Prefix::no_effect("driver.", NO_JDBC, "Settings passed to the JDBC driver"),
];

fn not_empty(value: &str) -> Result<(), String> {
    match value.trim() {
        "" => Err("must not be empty".to_owned()),
        _ => Ok(()),
    }
}

fn hostname(value: &str) -> Result<(), String> {
    let inner = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(value);
    let name = !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    // A zone such as fe80::1%eth0 is part of a link-local address.
    let address = inner.split('%').next().unwrap_or(inner);
    if name || value.starts_with('/') || address.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(());
    }
    Err("must be one host name, IPv4 or IPv6 address, or the directory of a Unix socket".to_owned())
}
