//! What each `sslmode` accepts, against certificates in `testdata` (made by its `make.sh`).

use std::path::PathBuf;

use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

fn path(file: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/wire/tls/testdata");
    folder.join(file).to_str().expect("the sources lie in a folder with a readable name").to_owned()
}

fn settings(mode: SslMode, root: Option<&str>) -> Tls {
    Tls { mode, root_certificate: root.map(path), ..Tls::default() }
}

/// Shakes hands with a server that shows `certificate`, in one TLS version.
async fn handshake(
    tls: &Tls,
    certificate: &str,
    host: &str,
    version: &'static rustls::SupportedProtocolVersion,
) -> Result<()> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let identity =
        client_identity(&path(&format!("{certificate}.crt")), &path(&format!("{certificate}.key")), &provider)?;
    let server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(identity));
    let client = client_config(tls)?.expect("TLS is on");
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let connector = TlsConnector::from(Arc::new(client));
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let (connected, _accepted) = tokio::join!(connector.connect(name, ours), acceptor.accept(theirs));
    connected.map(drop).map_err(|failure| handshake_failed(failure, tls.mode))
}

#[tokio::test]
async fn each_mode_checks_what_libpq_checks() {
    use SslMode::{Prefer, Require, VerifyCa, VerifyFull};
    let (ca, other) = (Some("ca.crt"), Some("other.crt"));
    for (mode, root, certificate, host, accepted) in [
        (Prefer, None, "named", "elsewhere", true),
        (Require, None, "named", "elsewhere", true),
        (Require, other, "named", "db.example", false),
        (Require, ca, "named", "elsewhere", true),
        (VerifyCa, ca, "named", "elsewhere", true),
        (VerifyCa, other, "named", "db.example", false),
        (VerifyCa, None, "named", "db.example", false),
        (VerifyFull, ca, "named", "db.example", true),
        (VerifyFull, ca, "named", "127.0.0.1", true),
        (VerifyFull, ca, "named", "127.0.0.2", false),
        (VerifyFull, ca, "named", "elsewhere", false),
        (VerifyFull, ca, "named", "ignored", false),
        (VerifyFull, ca, "common_name", "db.example", true),
        (VerifyFull, ca, "common_name", "elsewhere", false),
        (VerifyFull, other, "common_name", "db.example", false),
        (VerifyFull, Some("self_signed.crt"), "self_signed", "db.example", true),
        (VerifyFull, Some("self_signed.crt"), "self_signed", "elsewhere", false),
        (VerifyFull, ca, "self_signed", "db.example", false),
        (Prefer, None, "version1", "elsewhere", true),
        (VerifyCa, ca, "version1", "elsewhere", true),
        (VerifyCa, other, "version1", "db.example", false),
        (VerifyFull, ca, "version1", "db.example", true),
        (VerifyFull, ca, "version1", "elsewhere", false),
    ] {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let outcome = handshake(&settings(mode, root), certificate, host, version).await;
            let case = format!("{mode:?} {root:?} {certificate} {host} {:?}: {outcome:?}", version.version);
            match outcome {
                Ok(()) => assert!(accepted, "{case}"),
                Err(error) => assert!(!accepted && error.kind() == Kind::Authentication, "{case}"),
            }
        }
    }
}

#[tokio::test]
async fn a_server_without_the_certificates_key_is_refused_in_every_mode() {
    // Given a relay that shows the real certificate and signs with a key of its own,
    let provider = rustls::crypto::ring::default_provider();
    for (certificate, version) in [
        ("named.crt", &rustls::version::TLS12),
        ("named.crt", &rustls::version::TLS13),
        ("version1.crt", &rustls::version::TLS12),
        ("version1.crt", &rustls::version::TLS13),
    ] {
        let chain = certificates(&path(certificate), "a test").unwrap();
        let key = provider.key_provider.load_private_key(private_key(&path("common_name.key")).unwrap()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(provider.clone()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))));
        // when we connect without verifying the chain,
        let client = client_config(&settings(SslMode::Require, None)).unwrap().unwrap();
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let connector = TlsConnector::from(Arc::new(client));
        let name = ServerName::try_from("db.example").unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server));
        let (connected, _accepted) = tokio::join!(connector.connect(name, ours), acceptor.accept(theirs));
        // then the handshake fails all the same.
        let error = handshake_failed(connected.err().unwrap(), SslMode::Require);
        assert_eq!(error.kind(), Kind::Authentication, "{certificate} {:?}", version.version);
    }
}

#[test]
fn channel_binding_digests_follow_the_signature() {
    for (certificate, length) in
        [("named.crt", 32), ("common_name.crt", 48), ("self_signed.crt", 64), ("version1.crt", 32)]
    {
        let chain = certificates(&path(certificate), "a test").unwrap();
        assert_eq!(binding::end_point(&chain[0]).map(|digest| digest.len()), Some(length), "{certificate}");
    }
    assert_eq!(binding::end_point(b"no certificate"), None);
}

#[test]
fn unusable_files_are_configuration_errors_that_name_the_property() {
    let with = |root: &str, certificate: Option<&str>, key: Option<&str>| Tls {
        mode: SslMode::VerifyCa,
        root_certificate: Some(path(root)),
        client_certificate: certificate.map(path),
        client_key: key.map(path),
        ..Tls::default()
    };
    for (tls, property) in [
        (with("absent.crt", None, None), "database.sslrootcert"),
        (with("named.key", None, None), "database.sslrootcert"),
        (with("make.sh", None, None), "database.sslrootcert"),
        (with("ca.crt", Some("named.crt"), None), "database.sslkey"),
        (with("ca.crt", None, Some("named.key")), "database.sslcert"),
        (with("ca.crt", Some("named.crt"), Some("named.crt")), "database.sslkey"),
        (with("ca.crt", Some("named.crt"), Some("make.sh")), "database.sslkey"),
        (with("ca.crt", Some("named.crt"), Some("common_name.key")), "client certificate"),
    ] {
        let error = client_config(&tls).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.message().contains(property), "{property}: {}", error.message());
    }
    assert!(client_config(&with("ca.crt", Some("version1.crt"), Some("version1.key"))).unwrap().is_some());
    assert!(client_config(&settings(SslMode::Disable, Some("absent.crt"))).unwrap().is_none());
}
