//! A registry behind TLS: whom walcast trusts, and whom the registry does.

use super::desk::{Desk, certificate_file};
use super::scene::{borrowed, confluent_with};
use crate::stream::scene::Scene;
use crate::support::servers;

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY)";
/// The exit status of a failure that no other try mends.
const DEFINITE: Option<i32> = Some(13);

/// Apicurio's converter with these settings for keys and values each.
fn apicurio_with(url: &str, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let fixed = [("apicurio.registry.url", url), ("apicurio.registry.auto-register", "true")];
    ["key", "value"]
        .iter()
        .flat_map(|side| {
            let class = (format!("{side}.converter"), "io.apicurio.registry.utils.converter.AvroConverter".to_owned());
            let settings = fixed.iter().chain(settings);
            let settings = settings.map(move |(name, value)| (format!("{side}.converter.{name}"), (*value).to_owned()));
            std::iter::once(class).chain(settings)
        })
        .collect()
}

fn assert_let_in(desk: &Desk, properties: &[(String, String)]) {
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let before = desk.passed();
    let walcast = scene.stream(&borrowed(properties));
    scene.execute("INSERT INTO t VALUES (1)");
    scene.wait_for("public.t", 1);
    assert!(desk.passed() >= before + 2, "{}", walcast.stderr());
}

fn assert_stops(desk: &Desk, properties: &[(String, String)]) {
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let passed = desk.passed();
    let mut walcast = scene.start(&borrowed(properties));
    assert_eq!(walcast.wait_exit().code(), DEFINITE, "{}", walcast.stderr());
    let log = walcast.stderr();
    assert!(log.contains("do not trust each other") && log.contains("ssl.truststore"), "{log}");
    assert_eq!(desk.passed(), passed);
}

#[test]
fn the_registrys_certificate_must_be_of_a_trusted_authority_and_name_its_host() {
    let desk = Desk::behind_tls(false);
    let (trusted, other) = (certificate_file("ca.crt"), certificate_file("other_ca.crt"));
    let trust = |path| [("schema.registry.ssl.truststore.location", path)];

    assert_let_in(&desk, &confluent_with(&desk.tls_url(), &trust(trusted.as_str())));
    let text = std::fs::read_to_string(&trusted).expect("a certificate");
    let as_text =
        [("schema.registry.ssl.truststore.type", "PEM"), ("schema.registry.ssl.truststore.certificates", &text)];
    assert_let_in(&desk, &confluent_with(&desk.tls_url(), &as_text));
    let apicurio = [("apicurio.registry.request.ssl.truststore.location", trusted.as_str())];
    assert_let_in(&desk, &apicurio_with(&desk.native_tls_url(), &apicurio));

    assert_stops(&desk, &confluent_with(&desk.tls_url(), &trust(other.as_str())));
    // The system's authorities do not know the tests' own.
    assert_stops(&desk, &confluent_with(&desk.tls_url(), &[]));
    let by_address = desk.tls_url().replace("localhost", "127.0.0.1");
    assert_stops(&desk, &confluent_with(&by_address, &trust(trusted.as_str())));
}

#[test]
fn a_registry_may_ask_for_a_certificate() {
    let desk = Desk::behind_tls(true);
    let trusted = certificate_file("ca.crt");
    let read = |name: &str| std::fs::read_to_string(certificate_file(name)).expect("a file");
    let trust = ("schema.registry.ssl.truststore.location", trusted.as_str());

    // Given a certificate that the registry trusts, in one file with its key or as text, then walcast is let in.
    let both = tempfile::Builder::new().suffix(".pem").tempfile().expect("a file");
    std::fs::write(both.path(), read("client.key") + &read("client.crt")).expect("a file");
    let path = both.path().to_str().expect("a path");
    assert_let_in(&desk, &confluent_with(&desk.tls_url(), &[trust, ("schema.registry.ssl.keystore.location", path)]));
    let texts = |key: &str, certificate: &str| {
        confluent_with(
            &desk.tls_url(),
            &[
                trust,
                ("schema.registry.ssl.keystore.key", &read(key)),
                ("schema.registry.ssl.keystore.certificate.chain", &read(certificate)),
            ],
        )
    };
    assert_let_in(&desk, &texts("client.key", "client.crt"));

    // When it shows none, or one of another authority, then it stops and says why.
    assert_stops(&desk, &confluent_with(&desk.tls_url(), &[trust]));
    assert_stops(&desk, &texts("other_client.key", "other_client.crt"));
}
