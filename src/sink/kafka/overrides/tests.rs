//! The table of overrides: what goes in, and what comes out or is said.

use super::*;

/// Names with values, as a table of the tests writes them.
type Given = &'static [(&'static str, &'static str)];

fn pairs(given: &[(&str, &str)]) -> Vec<(String, Secret)> {
    given.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
}

fn translated(given: &[(&str, &str)]) -> Vec<(String, String)> {
    let settings = translate(&pairs(given)).unwrap_or_else(|findings| panic!("{given:?}: {findings:?}"));
    settings.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect()
}

fn refused(given: &[(&str, &str)]) -> Vec<Finding> {
    translate(&pairs(given)).expect_err("nothing was refused")
}

#[test]
fn java_s_names_become_librdkafka_s() {
    let table: &[(&str, &str, Given)] = &[
        ("acks", "all", &[("acks", "all")]),
        ("acks", "-1", &[("acks", "-1")]),
        ("compression.type", "zstd", &[("compression.type", "zstd")]),
        ("linger.ms", "5", &[("linger.ms", "5")]),
        ("batch.size", "16384", &[("batch.size", "16384")]),
        ("batch.size", "0", &[("batch.size", "1")]),
        ("buffer.memory", "33554432", &[("queue.buffering.max.kbytes", "32768")]),
        ("max.request.size", "20000000", &[("message.max.bytes", "20000000")]),
        ("delivery.timeout.ms", "120000", &[]),
        ("enable.gapless.guarantee", "true", &[("enable.gapless.guarantee", "true")]),
        ("request.timeout.ms", "30000", &[("request.timeout.ms", "30000")]),
        ("retries", "2147483647", &[("retries", "2147483647")]),
        ("retry.backoff.ms", "100", &[("retry.backoff.ms", "100")]),
        ("enable.idempotence", "TRUE", &[("enable.idempotence", "true")]),
        ("max.in.flight.requests.per.connection", "1", &[("max.in.flight.requests.per.connection", "1")]),
        ("max.in.flight", "5", &[("max.in.flight.requests.per.connection", "5")]),
        ("metadata.max.age.ms", "60000", &[("topic.metadata.refresh.interval.ms", "60000")]),
        ("send.buffer.bytes", "-1", &[("socket.send.buffer.bytes", "0")]),
        ("max.block.ms", "60000", &[]),
        ("interceptor.classes", "", &[]),
        ("partitioner.class", "", &[]),
        ("partitioner", "murmur2_random", &[("partitioner", "murmur2_random")]),
        ("security.protocol", "SSL", &[("security.protocol", "ssl")]),
        ("ssl.endpoint.identification.algorithm", "", &[("ssl.endpoint.identification.algorithm", "none")]),
        ("ssl.truststore.location", "/ca.pem", &[("ssl.ca.location", "/ca.pem")]),
        ("ssl.truststore.certificates", "PEM", &[("ssl.ca.pem", "PEM")]),
        ("ssl.keystore.location", "/k.p12", &[("ssl.keystore.location", "/k.p12")]),
        ("ssl.keystore.location", "/k.pem", &[("ssl.key.location", "/k.pem"), ("ssl.certificate.location", "/k.pem")]),
        ("socket.keepalive.enable", "false", &[("socket.keepalive.enable", "false")]),
    ];
    for (name, value, expected) in table {
        let expected: Vec<_> = expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(translated(&[(name, value)]), expected, "{name}={value}");
    }
}

#[test]
fn what_would_break_a_guarantee_is_refused_with_the_reason() {
    let table = [
        ("acks", "1", "in-sync replicas"),
        ("acks", "0", "in-sync replicas"),
        ("request.required.acks", "1", "in-sync replicas"),
        ("enable.idempotence", "false", "double records"),
        ("max.in.flight.requests.per.connection", "6", "order"),
        ("retries", "0", "passing fault"),
        ("transactional.id", "x", "walcast's own"),
        ("partitioner", "consistent_random", "other partitions"),
        ("partitioner.class", "org.apache.kafka.clients.producer.RoundRobinPartitioner", "Java classes"),
        ("key.serializer", "org.apache.kafka.common.serialization.StringSerializer", "already bytes"),
        ("value.serializer", "org.apache.kafka.common.serialization.StringSerializer", "already bytes"),
        ("interceptor.classes", "com.example.Audit", "Java classes"),
        ("delivery.report.only.error", "true", "position"),
        ("queuing.strategy", "lifo", "overtake"),
        ("plugin.library.paths", "evil.so", "foreign code"),
        ("ssl.keystore.location", "/k.jks", "Java key store"),
        ("ssl.truststore.location", "/t.p12", "not PEM"),
        ("sasl.kerberos.service.name", "kafka", "Kerberos"),
        ("linger.ms", "soon", "Invalid value"),
        ("compression.type", "brotli", "Invalid value"),
        ("enable.gapless.guarantee", "false", "overtaken"),
    ];
    for (name, value, reason) in table {
        let findings = refused(&[(name, value)]);
        assert_eq!(findings.len(), 1, "{name}={value}: {findings:?}");
        assert_eq!(findings[0].property, name);
        assert!(findings[0].problem.contains(reason), "{name}={value}: {findings:?}");
        assert!(!findings[0].remedy.is_empty());
    }
}

#[test]
fn an_unknown_name_comes_with_the_nearest_known_one() {
    for (name, known) in [("liger.ms", "linger.ms"), ("compresion.type", "compression.type"), ("ack", "acks")] {
        assert_eq!(refused(&[(name, "1")])[0].remedy, format!("did you mean {known}?"));
    }
    assert_eq!(refused(&[("something.else.entirely", "1")])[0].remedy, "remove it");
}

#[test]
fn everything_is_found_at_once() {
    let findings = refused(&[("acks", "1"), ("linger.ms", "5"), ("no.such.thing", "x"), ("retries", "0")]);
    let properties: Vec<_> = findings.iter().map(|finding| finding.property.as_str()).collect();
    assert_eq!(properties, ["acks", "no.such.thing", "retries"]);
}

#[test]
fn two_names_of_one_setting_must_agree() {
    assert_eq!(translated(&[("linger.ms", "5"), ("queue.buffering.max.ms", "5")]).len(), 1);
    let findings = refused(&[("linger.ms", "5"), ("queue.buffering.max.ms", "6")]);
    assert!(findings[0].problem.contains("linger.ms"), "{findings:?}");
}

#[test]
fn a_login_of_java_s_becomes_user_and_password() {
    let given = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        (
            "sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"me\" password=\"pa;ss\";",
        ),
    ];
    let expected = [
        ("security.protocol", "sasl_ssl"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.username", "me"),
        ("sasl.password", "pa;ss"),
    ];
    assert_eq!(translated(&given), expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
}

#[test]
fn sasl_settings_must_fit_together() {
    let table: &[(Given, &[&str])] = &[
        (&[("security.protocol", "SASL_SSL")], &["sasl.mechanism", "sasl.jaas.config"]),
        (&[("sasl.mechanism", "PLAIN"), ("sasl.username", "u"), ("sasl.password", "p")], &["security.protocol"]),
        (
            &[
                ("security.protocol", "SASL_SSL"),
                ("sasl.mechanism", "GSSAPI"),
                ("sasl.username", "u"),
                ("sasl.password", "p"),
            ],
            &["sasl.mechanism"],
        ),
    ];
    for (given, properties) in table {
        let found: Vec<_> = refused(given).into_iter().map(|finding| finding.property).collect();
        assert_eq!(found, *properties, "{given:?}");
    }
}

#[test]
fn a_level_counts_for_its_own_codec() {
    let given = [("compression.type", "zstd"), ("compression.zstd.level", "3"), ("compression.lz4.level", "9")];
    assert_eq!(translated(&given)[1], ("compression.level".to_owned(), "3".to_owned()));
    assert_eq!(translated(&given).len(), 2);
}

#[test]
fn no_secret_is_ever_shown() {
    let secret = "hunter2\u{0}";
    for name in ["sasl.password", "ssl.key.password", "ssl.key.pem", "sasl.jaas.config", "ssl.keystore.key"] {
        let shown = format!("{:?}", refused(&[(name, secret)]));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
