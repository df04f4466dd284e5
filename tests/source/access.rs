//! Given ways to reach a server, when the SQL connection is opened, then libpq's meaning of each setting holds.

use std::path::PathBuf;

use walcast::config::{Database, Secret, SslMode};
use walcast::error::Kind;
use walcast::local::{PostgresServer, TlsFiles};
use walcast::source::lag;
use walcast::source::sql::Sql;

use super::fixture::{Address, Fixture, options, own_server};
use crate::support::servers::process_postgres;

fn tls_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/source/tls").join(name)
}

/// A server with TLS whose roles are each let in by one way only.
async fn guarded() -> Box<dyn PostgresServer> {
    let mut options = options(18);
    options.tls =
        Some(TlsFiles { certificate: tls_file("server.crt"), key: tls_file("server.key"), client_authority: None });
    options.hba = [
        "host all scram_role all scram-sha-256",
        "host all md5_role all md5",
        "hostnossl all plain_role all trust",
        "hostssl all tls_role all trust",
        "host all postgres all trust",
        "local all all trust",
    ]
    .map(str::to_owned)
    .to_vec();
    tokio::task::spawn_blocking(move || process_postgres(&options)).await.expect("the server starts")
}

async fn outcome(fixture: &Fixture, change: impl FnOnce(&mut Database)) -> Result<String, Kind> {
    let mut database = fixture.connector().database;
    change(&mut database);
    let sql = Sql::new(database);
    lag::wal_position(&sql).await.map_err(|error| error.kind())?;
    let session = sql.session().await.map_err(|error| error.kind())?;
    let rows = session
        .query("SELECT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())::text AS tls", &[])
        .await
        .map_err(|error| error.kind())?;
    Ok(rows[0].get("tls"))
}

#[tokio::test]
async fn passwords_are_checked_and_their_absence_is_told() {
    let server = guarded().await;
    let fixture = Fixture::new(&Address::of(&*server)).await;
    fixture
        .run(
            "CREATE ROLE scram_role LOGIN PASSWORD 'right';
              SET password_encryption = 'md5'; CREATE ROLE md5_role LOGIN PASSWORD 'right'",
        )
        .await;
    for role in ["scram_role", "md5_role"] {
        for (password, expected) in [
            (Some("right"), Ok("true".to_owned())),
            (Some("wrong"), Err(Kind::Authentication)),
            (None, Err(Kind::Authentication)),
        ] {
            let found = outcome(&fixture, |database| {
                database.user = role.to_owned();
                database.password = password.map(Secret::new);
                database.tls.mode = SslMode::Prefer;
            });
            assert_eq!(found.await, expected, "{role} with {password:?}");
        }
    }
}

#[tokio::test]
async fn sslmode_means_what_it_means_to_libpq() {
    let server = guarded().await;
    let fixture = Fixture::new(&Address::of(&*server)).await;
    fixture.run("CREATE ROLE plain_role LOGIN; CREATE ROLE tls_role LOGIN").await;
    let root = tls_file("server.crt").display().to_string();
    let (plain, tls, refused) =
        (Ok("false".to_owned()), Ok("true".to_owned()), Err::<String, Kind>(Kind::Authentication));
    for (role, mode, host, root, expected) in [
        ("tls_role", SslMode::Disable, "127.0.0.1", None, &refused),
        ("plain_role", SslMode::Disable, "127.0.0.1", None, &plain),
        ("tls_role", SslMode::Prefer, "127.0.0.1", None, &tls),
        ("plain_role", SslMode::Prefer, "127.0.0.1", None, &plain),
        ("tls_role", SslMode::Require, "127.0.0.1", None, &tls),
        ("plain_role", SslMode::Require, "127.0.0.1", None, &refused),
        ("tls_role", SslMode::VerifyFull, "localhost", Some(&root), &tls),
        ("tls_role", SslMode::VerifyFull, "127.0.0.1", Some(&root), &refused),
        ("tls_role", SslMode::VerifyCa, "127.0.0.1", Some(&root), &tls),
        ("tls_role", SslMode::VerifyCa, "127.0.0.1", None, &refused),
    ] {
        let found = outcome(&fixture, |database| {
            database.user = role.to_owned();
            database.host = host.to_owned();
            database.tls.mode = mode;
            database.tls.root_certificate = root.cloned();
        });
        assert_eq!(found.await, *expected, "{role}, {mode:?}, {host}, root {}", root.is_some());
    }
}

#[tokio::test]
async fn over_a_unix_socket_there_is_no_tls_whatever_the_mode() {
    let server = guarded().await;
    let fixture = Fixture::new(&Address::of(&*server)).await;
    let directory = server.socket_dir().expect("a process");
    for mode in [SslMode::Prefer, SslMode::VerifyFull] {
        let found = outcome(&fixture, |database| {
            database.host = directory.display().to_string();
            database.tls.mode = mode;
        });
        assert_eq!(found.await, Ok("false".to_owned()), "{mode:?}");
    }
}

#[tokio::test]
async fn brackets_around_an_address_are_not_part_of_it() {
    let server = own_server(options(15)).await;
    let fixture = Fixture::new(&Address::of(&*server)).await;
    let found = outcome(&fixture, |database| database.host = format!("[{}]", database.host));
    assert_eq!(found.await, Ok("false".to_owned()));
}
