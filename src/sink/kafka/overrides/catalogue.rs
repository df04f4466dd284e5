//! Every producer setting that is known, and what is done with it.
//!
//! Owns [`rule`] and [`nearest`]. The names are those of Kafka's Java producer (`ProducerConfig`, `SslConfigs`,
//! `SaslConfigs` of Kafka 4) and librdkafka's (`CONFIGURATION.md`, those for producers or all clients).

/// What is done with a setting.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Goes to librdkafka under this name.
    Pass(&'static str),
    /// The same, with a value that Java writes in capitals.
    Lowercase(&'static str),
    /// Has no meaning here and does no harm.
    Passed,
    /// Java classes to load: fine as long as there are none.
    PassedWhenEmpty { problem: &'static str, remedy: &'static str },
    /// One of these values, or a guarantee would be broken.
    Only { setting: Option<&'static str>, values: &'static [&'static str], problem: &'static str, remedy: &'static str },
    /// Never.
    Refused { problem: &'static str, remedy: &'static str },
    /// Needs more than its own value; see `Translation::special`.
    Special,
}

/// Settings that go to librdkafka as they are.
const PASS: &[&str] = &[
    "allow.auto.create.topics",
    "batch.num.messages",
    "bootstrap.servers",
    "broker.address.family",
    "broker.address.ttl",
    "client.dns.lookup",
    "client.id",
    "client.rack",
    "compression.level",
    "compression.type",
    "connections.max.idle.ms",
    "debug",
    "enable.metrics.push",
    "enable.random.seed",
    "enable.ssl.certificate.verification",
    "linger.ms",
    "log.connection.close",
    "message.copy.max.bytes",
    "message.max.bytes",
    "metadata.recovery.rebootstrap.trigger.ms",
    "metadata.recovery.strategy",
    "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "receive.message.max.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "sasl.password",
    "sasl.username",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.max.fails",
    "socket.nagle.disable",
    "socket.receive.buffer.bytes",
    "socket.send.buffer.bytes",
    "socket.timeout.ms",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.crl.location",
    "ssl.curves.list",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.sigalgs.list",
    "statistics.interval.ms",
    "sticky.partitioning.linger.ms",
    "topic.metadata.propagation.max.ms",
    "topic.metadata.refresh.fast.interval.ms",
    "topic.metadata.refresh.interval.ms",
    "topic.metadata.refresh.sparse",
];

/// Other names of a librdkafka setting: Java's, and librdkafka's aliases.
const RENAMED: &[(&str, &str)] = &[
    ("compression.codec", "compression.type"),
    ("max.request.size", "message.max.bytes"),
    ("metadata.broker.list", "bootstrap.servers"),
    ("queue.buffering.max.ms", "linger.ms"),
];

/// Java settings without a counterpart, or of machinery that is not there; and how long a record may wait, which is for
/// ever: one that its time ran out on would be overtaken by the next of its key.
const PASSED: &[&str] = &[
    "auto.include.jmx.reporter",
    "config.providers",
    "delivery.timeout.ms",
    "max.block.ms",
    "message.timeout.ms",
    "metadata.max.idle.ms",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "partitioner.adaptive.partitioning.enable",
    "partitioner.availability.timeout.ms",
    "sasl.login.connect.timeout.ms",
    "sasl.login.read.timeout.ms",
    "sasl.login.refresh.buffer.seconds",
    "sasl.login.refresh.min.period.seconds",
    "sasl.login.refresh.window.factor",
    "sasl.login.refresh.window.jitter",
    "sasl.login.retry.backoff.max.ms",
    "sasl.login.retry.backoff.ms",
    "socket.connection.setup.timeout.max.ms",
    "ssl.keymanager.algorithm",
    "ssl.protocol",
    "ssl.provider",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
    "transaction.timeout.ms",
];

/// Java classes.
const CLASSES: &[&str] = &[
    "interceptor.classes",
    "sasl.client.callback.handler.class",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "security.providers",
    "ssl.engine.factory.class",
];

/// Looked at in `Translation::special` and in `stores`.
const SPECIAL: &[&str] = &[
    "batch.size",
    "buffer.memory",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.zstd.level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.send.max.retries",
    "metadata.max.age.ms",
    "receive.buffer.bytes",
    "retries",
    "sasl.jaas.config",
    "sasl.mechanism",
    "sasl.mechanisms",
    "send.buffer.bytes",
    "ssl.endpoint.identification.algorithm",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

const ACKS: Rule = Rule::Only {
    setting: Some("acks"),
    values: &["all", "-1"],
    problem: "the position is confirmed to the database when all in-sync replicas hold a record, not before",
    remedy: "remove it: acks=all is set",
};

const IDEMPOTENCE: Rule = Rule::Only {
    setting: Some("enable.idempotence"),
    values: &["true"],
    problem: "without idempotence a retry may double records or change their order",
    remedy: "remove it: enable.idempotence=true is set",
};

const GAPLESS: Rule = Rule::Only {
    setting: Some("enable.gapless.guarantee"),
    values: &["true"],
    problem: "without it a record that the brokers refuse is overtaken by those behind it",
    remedy: "remove it: enable.gapless.guarantee=true is set",
};

const PARTITIONER: Rule = Rule::Only {
    setting: Some("partitioner"),
    values: &["murmur2_random", "murmur2"],
    problem: "keys would go to other partitions than those that Java clients choose",
    remedy: "remove it: partitioner=murmur2_random is Java's default",
};

const PARTITIONER_CLASS: Rule = Rule::Only {
    setting: None,
    values: &["", "null", "org.apache.kafka.clients.producer.internals.DefaultPartitioner"],
    problem: "Java classes cannot be loaded, and the order of a key's changes needs its partition",
    remedy: "remove it: keys go where Java's default partitioner puts them",
};

const SERIALIZER: Rule = Rule::Refused {
    problem: "keys and values are already bytes when they reach the producer",
    remedy: "remove it; key.converter and value.converter choose the format",
};

const TRANSACTIONS: Rule =
    Rule::Refused { problem: "transactions of the producer are walcast's own to begin and end", remedy: "remove it" };

const ENABLED_PROTOCOLS: Rule = Rule::Only {
    setting: None,
    values: &["TLSv1.2,TLSv1.3", "TLSv1.3,TLSv1.2", "TLSv1.2, TLSv1.3", "TLSv1.3, TLSv1.2"],
    problem: "TLS 1.2 and 1.3 are offered, neither can be left out here",
    remedy: "remove it, and restrict ssl.enabled.protocols at the brokers",
};

const KERBEROS: Rule = Rule::Refused {
    problem: "Kerberos (GSSAPI) is not supported",
    remedy: "use SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN, or client certificates",
};

const OAUTH: Rule = Rule::Refused {
    problem: "OAUTHBEARER is not supported",
    remedy: "use SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN, or client certificates",
};

const NATIVE_CODE: Rule = Rule::Refused { problem: "it loads foreign code into the process", remedy: "remove it" };

const CLASS: Rule = Rule::PassedWhenEmpty { problem: "Java classes cannot be loaded", remedy: "remove it" };

/// Settings with a rule of their own.
const RULES: &[(&str, Rule)] = &[
    ("acks", ACKS),
    ("request.required.acks", ACKS),
    ("enable.idempotence", IDEMPOTENCE),
    ("enable.gapless.guarantee", GAPLESS),
    ("partitioner", PARTITIONER),
    ("partitioner.class", PARTITIONER_CLASS),
    (
        "partitioner.ignore.keys",
        Rule::Only {
            setting: None,
            values: &["false"],
            problem: "the changes of one key keep their order only within one partition",
            remedy: "remove it",
        },
    ),
    (
        "queuing.strategy",
        Rule::Only {
            setting: None,
            values: &["fifo"],
            problem: "records would overtake each other",
            remedy: "remove it",
        },
    ),
    (
        "delivery.report.only.error",
        Rule::Only {
            setting: None,
            values: &["false"],
            problem: "without a report for each record no position could be confirmed",
            remedy: "remove it",
        },
    ),
    ("key.serializer", SERIALIZER),
    ("value.serializer", SERIALIZER),
    ("transactional.id", TRANSACTIONS),
    ("transaction.two.phase.commit.enable", TRANSACTIONS),
    ("security.protocol", Rule::Lowercase("security.protocol")),
    ("ssl.enabled.protocols", ENABLED_PROTOCOLS),
    ("ssl.cipher.suites", Rule::Pass("ssl.cipher.suites")),
    ("plugin.library.paths", NATIVE_CODE),
    ("ssl.engine.location", NATIVE_CODE),
    ("ssl.engine.id", NATIVE_CODE),
    ("ssl.providers", NATIVE_CODE),
];

/// What is done with a setting; `None` for a name that nobody knows.
pub(super) fn rule(name: &str) -> Option<Rule> {
    if let Some((_, rule)) = RULES.iter().find(|(known, _)| *known == name) {
        return Some(*rule);
    }
    if SPECIAL.contains(&name) {
        return Some(Rule::Special);
    }
    if let Some(name) = PASS.iter().find(|known| **known == name) {
        return Some(Rule::Pass(name));
    }
    if let Some((_, setting)) = RENAMED.iter().find(|(known, _)| *known == name) {
        return Some(Rule::Pass(setting));
    }
    if PASSED.contains(&name) {
        return Some(Rule::Passed);
    }
    if CLASSES.contains(&name) {
        return Some(CLASS);
    }
    match name {
        _ if name.starts_with("sasl.kerberos.") => Some(KERBEROS),
        _ if name.starts_with("sasl.oauthbearer.") || name == "enable.sasl.oauthbearer.unsecure.jwt" => Some(OAUTH),
        // Settings of a config provider, as in `config.providers.file.class`.
        _ if name.starts_with("config.providers.") => Some(Rule::Passed),
        _ => None,
    }
}

/// The known name that takes the fewest changes to become this one, if they are few.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let known = RULES.iter().map(|(name, _)| name).chain(RENAMED.iter().map(|(name, _)| name));
    let lists = PASS.iter().chain(PASSED).chain(CLASSES).chain(SPECIAL);
    let (changes, nearest) = known.chain(lists).map(|known| (changes(name, known), *known)).min()?;
    (changes <= 2 + name.len() / 8).then_some(nearest)
}

/// Levenshtein's distance, in letters.
fn changes(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (deleted, letter) in from.chars().enumerate() {
        let mut diagonal = deleted;
        let mut left = deleted + 1;
        let mut next = vec![left];
        for (above, other) in row.iter().skip(1).zip(&to) {
            left = (diagonal + usize::from(letter != *other)).min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshtein_s() {
        for (from, to, distance) in
            [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("x", "x", 0)]
        {
            assert_eq!(changes(from, to), distance, "{from} {to}");
        }
    }

    #[test]
    fn each_name_stands_once() {
        // Given all lists, when a name stood twice, then its second rule would never be reached.
        let mut names: Vec<&str> = RULES.iter().map(|(name, _)| *name).collect();
        names.extend(RENAMED.iter().map(|(name, _)| *name));
        for list in [PASS, PASSED, CLASSES, SPECIAL] {
            names.extend(list);
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn every_setting_that_is_passed_on_is_librdkafka_s() {
        // A name that librdkafka does not know would be refused with "No such configuration property".
        for name in PASS.iter().chain(RENAMED.iter().map(|(_, setting)| setting)) {
            let finding = super::super::settings::refused_by_library(name, "\u{1}");
            assert!(!finding.is_some_and(|f| f.problem.contains("No such")), "{name}");
        }
    }
}
