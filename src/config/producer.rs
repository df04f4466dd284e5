//! `producer.override.*`: the Java producer's settings in librdkafka's names.
//!
//! Owns the translation. Three kinds of names are told apart: those that are passed on (some under another name),
//! those that walcast's guarantees need for themselves and that are refused with the reason, and those that mean
//! nothing to librdkafka, which are noted. librdkafka's own names are passed on as well.

use super::check::Checked;
use super::findings::{Findings, shown};
use super::jaas;
use super::load::Setting;
use super::secret::Secret;

const PREFIX: &str = "producer.override.";

/// What becomes of one producer setting.
enum Fate {
    /// Goes on under this name.
    Pass(&'static str),
    /// Accepted where the value is one of these, which is what walcast sets anyway; refused otherwise.
    Ours { allowed: &'static [&'static str], why: &'static str },
    /// Accepted and without effect.
    NoEffect(&'static str),
    /// Looked at together with others, in [`security`].
    Security,
    /// Used elsewhere.
    Elsewhere,
    /// Not a name that is known.
    Unknown,
}

/// Names of librdkafka that are the same in Java, or that Java does not have.
const PASSED: &[&str] = &[
    "batch.num.messages",
    "batch.size",
    "broker.address.family",
    "broker.address.ttl",
    "client.dns.lookup",
    "client.id",
    "client.rack",
    "compression.codec",
    "compression.level",
    "compression.type",
    "connections.max.idle.ms",
    "debug",
    "delivery.timeout.ms",
    "enable.metrics.push",
    "enable.sasl.oauthbearer.unsecure.jwt",
    "enable.ssl.certificate.verification",
    "linger.ms",
    "log.connection.close",
    "log_level",
    "message.max.bytes",
    "message.timeout.ms",
    "metadata.max.age.ms",
    "metadata.recovery.rebootstrap.trigger.ms",
    "metadata.recovery.strategy",
    "queue.buffering.max.ms",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "sasl.kerberos.keytab",
    "sasl.kerberos.principal",
    "sasl.kerberos.service.name",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.extensions",
    "sasl.oauthbearer.method",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.nagle.disable",
    "socket.receive.buffer.bytes",
    "socket.send.buffer.bytes",
    "socket.timeout.ms",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.cipher.suites",
    "ssl.crl.location",
    "ssl.curves.list",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.sigalgs.list",
    "sticky.partitioning.linger.ms",
    "topic.metadata.refresh.interval.ms",
];

/// Java's names that librdkafka spells otherwise.
const RENAMED: &[(&str, &str)] = &[
    ("max.request.size", "message.max.bytes"),
    ("receive.buffer.bytes", "socket.receive.buffer.bytes"),
    ("send.buffer.bytes", "socket.send.buffer.bytes"),
    ("socket.connection.setup.timeout.max.ms", "socket.connection.setup.timeout.ms"),
    ("ssl.keystore.certificate.chain", "ssl.certificate.pem"),
    ("ssl.keystore.key", "ssl.key.pem"),
    ("ssl.truststore.certificates", "ssl.ca.pem"),
];

/// Java's names that mean nothing here.
const NO_EFFECT: &[(&str, &str)] = &[
    ("auto.include.jmx.reporter", "there is no JMX"),
    ("buffer.memory", "max.queue.size.in.bytes bounds what is held"),
    ("key.serializer", "walcast writes bytes itself"),
    ("max.block.ms", "sending never blocks"),
    ("metadata.max.idle.ms", "topics are not forgotten"),
    ("metric.reporters", "/metrics has walcast's own"),
    ("metrics.num.samples", "/metrics has walcast's own"),
    ("metrics.recording.level", "/metrics has walcast's own"),
    ("metrics.sample.window.ms", "/metrics has walcast's own"),
    ("partitioner.adaptive.partitioning.enable", "records have keys"),
    ("partitioner.availability.timeout.ms", "records have keys"),
    ("partitioner.ignore.keys", "records are placed by their keys"),
    ("sasl.login.callback.handler.class", "it is a Java class"),
    ("security.providers", "there is no Java security provider"),
    ("ssl.enabled.protocols", "TLS 1.2 and 1.3 are used"),
    ("ssl.protocol", "TLS 1.2 and 1.3 are used"),
    ("ssl.secure.random.implementation", "OpenSSL has its own"),
    ("ssl.truststore.password", "PEM needs none"),
    ("value.serializer", "walcast writes bytes itself"),
];

fn fate(name: &str) -> Fate {
    const LOSS: &str = "nothing is confirmed to PostgreSQL before all in-sync replicas hold it";
    const ORDER: &str = "the order of changes needs it";
    const PLACE: &str = "keys must land where Java clients put them";
    const BYTES: &str = "max.queue.size.in.bytes sets it";
    match name {
        "acks" | "request.required.acks" => Fate::Ours { allowed: &["all", "-1"], why: LOSS },
        "enable.idempotence" => Fate::Ours { allowed: &["true"], why: ORDER },
        "max.in.flight.requests.per.connection" | "max.in.flight" => {
            Fate::Ours { allowed: &["1", "2", "3", "4", "5"], why: ORDER }
        }
        "retries" | "message.send.max.retries" => {
            Fate::Ours { allowed: &["2147483647"], why: "delivery.timeout.ms says for how long a record is tried" }
        }
        "partitioner" => Fate::Ours { allowed: &["murmur2_random"], why: PLACE },
        "partitioner.class" => Fate::Ours {
            allowed: &[
                "",
                "org.apache.kafka.clients.producer.internals.DefaultPartitioner",
                "org.apache.kafka.clients.producer.internals.BuiltInPartitioner",
            ],
            why: PLACE,
        },
        "interceptor.classes" => Fate::Ours { allowed: &[""], why: "Java classes cannot be run" },
        "transactional.id" | "transaction.timeout.ms" | "transaction.two.phase.commit.enable" => {
            Fate::Ours { allowed: &[], why: "exactly-once delivery is not there yet" }
        }
        "queue.buffering.max.kbytes" | "queue.buffering.max.messages" => Fate::Ours { allowed: &[], why: BYTES },
        "delivery.report.only.error" | "enable.gapless.guarantee" => Fate::Ours { allowed: &[], why: LOSS },
        "bootstrap.servers" => Fate::Elsewhere,
        "sasl.jaas.config"
        | "ssl.truststore.type"
        | "ssl.truststore.location"
        | "ssl.keystore.type"
        | "ssl.keystore.location"
        | "ssl.keystore.password"
        | "ssl.endpoint.identification.algorithm" => Fate::Security,
        _ => {
            if let Some(passed) = PASSED.iter().find(|passed| **passed == name) {
                return Fate::Pass(passed);
            }
            if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == name) {
                return Fate::Pass(new);
            }
            NO_EFFECT.iter().find(|(ignored, _)| *ignored == name).map_or(Fate::Unknown, |(_, why)| Fate::NoEffect(why))
        }
    }
}

/// The producer's settings in librdkafka's names.
pub(super) fn settings(checked: &Checked, findings: &mut Findings) -> Vec<(String, Secret)> {
    let mut passed = Vec::new();
    for (name, setting) in checked.under(PREFIX) {
        match fate(name) {
            Fate::Pass(new) => passed.push((new.to_owned(), Secret::new(setting.value.trim()))),
            Fate::Ours { allowed, why } => {
                if !allowed.iter().any(|one| one.eq_ignore_ascii_case(setting.value.trim())) {
                    refuse(setting, &format!("cannot be set: {why}; remove it"), findings);
                }
            }
            Fate::NoEffect(why) => findings.note(&setting.name, why),
            Fate::Security | Fate::Elsewhere => {}
            Fate::Unknown => {
                let known = PASSED.iter().chain(RENAMED.iter().map(|(old, _)| old)).copied();
                let near = super::nearest::nearest(name, known);
                let hint = near.map(|near| format!("; did you mean {PREFIX}{near}?")).unwrap_or_default();
                findings.warn(&setting.name, format!("is not known and has no effect{hint}"));
            }
        }
    }
    security(checked, &mut passed, findings);
    passed
}

fn refuse(setting: &Setting, why: &str, findings: &mut Findings) {
    findings.mistake(format!("{} = {}{}: {why}", setting.name, shown(&setting.value, setting.secret), setting.place));
}

/// Login and key stores: several of Java's settings make one of librdkafka's.
fn security(checked: &Checked, passed: &mut Vec<(String, Secret)>, findings: &mut Findings) {
    let given = |wanted: &str| checked.under(PREFIX).find(|(name, _)| *name == wanted).map(|(_, setting)| setting);
    let mut pass = |name: &str, value: &str| passed.push((name.to_owned(), Secret::new(value)));
    if let Some(setting) = given("sasl.jaas.config") {
        match jaas::login(&setting.value) {
            Ok(login) => {
                pass("sasl.username", &login.username);
                pass("sasl.password", login.password.expose());
            }
            Err(why) => findings.mistake(format!("{}{}: {why}", setting.name, setting.place)),
        }
    }
    if let Some(setting) = given("ssl.endpoint.identification.algorithm") {
        // Java switches the check off with an empty text, librdkafka with `none`.
        pass("ssl.endpoint.identification.algorithm", if setting.value.trim().is_empty() { "none" } else { "https" });
    }
    let store_type =
        |name: &str| given(name).map_or("JKS".to_owned(), |setting| setting.value.trim().to_ascii_uppercase());
    if let Some(setting) = given("ssl.truststore.location") {
        match store_type("ssl.truststore.type").as_str() {
            "PEM" => pass("ssl.ca.location", setting.value.trim()),
            other => refuse(
                setting,
                &format!(
                    "is a {other} store, which only Java reads; export its certificates as PEM and set producer.override.ssl.truststore.type=PEM"
                ),
                findings,
            ),
        }
    }
    if let Some(setting) = given("ssl.keystore.location") {
        match store_type("ssl.keystore.type").as_str() {
            "PEM" => {
                pass("ssl.certificate.location", setting.value.trim());
                pass("ssl.key.location", setting.value.trim());
            }
            "PKCS12" => {
                pass("ssl.keystore.location", setting.value.trim());
                if let Some(password) = given("ssl.keystore.password") {
                    pass("ssl.keystore.password", &password.value);
                }
            }
            other => refuse(
                setting,
                &format!(
                    "is a {other} store, which only Java reads; convert it to PKCS12 or PEM and set producer.override.ssl.keystore.type"
                ),
                findings,
            ),
        }
    }
}
