//! `signal.consumer.*` into librdkafka's settings.
//!
//! Owns what is a consumer's own; everything else is translated as for the producer.

use super::{Finding, settings, translate};
use crate::config::Secret;

/// Java's name and librdkafka's.
const OWN: &[(&str, &str)] = &[
    ("auto.offset.reset", "auto.offset.reset"),
    ("check.crcs", "check.crcs"),
    ("fetch.error.backoff.ms", "fetch.error.backoff.ms"),
    ("fetch.max.bytes", "fetch.max.bytes"),
    ("fetch.max.wait.ms", "fetch.wait.max.ms"),
    ("fetch.message.max.bytes", "fetch.message.max.bytes"),
    ("fetch.min.bytes", "fetch.min.bytes"),
    ("fetch.wait.max.ms", "fetch.wait.max.ms"),
    ("group.id", "group.id"),
    ("isolation.level", "isolation.level"),
    ("max.partition.fetch.bytes", "fetch.message.max.bytes"),
    ("queued.max.messages.kbytes", "queued.max.messages.kbytes"),
    ("queued.min.messages", "queued.min.messages"),
];

/// Settings of a group's members, of Java's machinery, or of when places are committed, which is when a signal was acted on.
const PASSED: &[&str] = &[
    "allow.auto.create.topics",
    "auto.commit.interval.ms",
    "client.id",
    "default.api.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "exclude.internal.topics",
    "group.instance.id",
    "group.protocol",
    "group.remote.assignor",
    "heartbeat.interval.ms",
    "key.deserializer",
    "max.poll.interval.ms",
    "max.poll.records",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "value.deserializer",
];

/// Translates and checks all.
///
/// # Errors
/// Every finding at once, under the names that were given.
pub fn translate_consumer(given: &[(String, Secret)]) -> Result<Vec<(String, Secret)>, Vec<Finding>> {
    let (mut own, mut common, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in given {
        let name = name.trim();
        if let Some((_, setting)) = OWN.iter().find(|(known, _)| *known == name) {
            let value = match (name, value.expose().trim()) {
                ("auto.offset.reset", "none") => "error".to_owned(),
                (_, value) => value.to_ascii_lowercase(),
            };
            let value = if name == "group.id" { value_of(given, name) } else { value };
            match settings::refused_by_library(setting, &value) {
                Some(finding) => findings.push(Finding { property: name.to_owned(), ..finding }),
                None => own.push(((*setting).to_owned(), Secret::new(value))),
            }
        } else if !PASSED.contains(&name) {
            common.push((name.to_owned(), value.clone()));
        }
    }
    match translate(&common) {
        Ok(translated) if findings.is_empty() => Ok(translated.into_iter().chain(own).collect()),
        Ok(_) => Err(findings),
        Err(more) => Err(findings.into_iter().chain(more).collect()),
    }
}

fn value_of(given: &[(String, Secret)], name: &str) -> String {
    given
        .iter()
        .rev()
        .find(|(known, _)| known.trim() == name)
        .map(|(_, value)| value.expose().trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(given: &[(&str, &str)]) -> Result<Vec<(String, String)>, Vec<String>> {
        let given: Vec<_> = given.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
        translate_consumer(&given)
            .map(|all| all.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect())
            .map_err(|findings| findings.into_iter().map(|finding| finding.property).collect())
    }

    #[test]
    fn what_a_consumer_has_of_its_own_and_what_it_shares_are_translated() {
        let given = [
            ("auto.offset.reset", "LATEST"),
            ("fetch.max.wait.ms", "20"),
            ("group.id", "Shop"),
            ("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer"),
            ("security.protocol", "SSL"),
        ];
        let wanted = [
            ("security.protocol", "ssl"),
            ("auto.offset.reset", "latest"),
            ("fetch.wait.max.ms", "20"),
            ("group.id", "Shop"),
        ];
        let wanted: Vec<_> = wanted.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(told(&given), Ok(wanted));
        let wrong = [("auto.offset.reset", "tomorrow"), ("sasl.jaas.confg", "x")];
        assert_eq!(told(&wrong), Err(vec!["auto.offset.reset".to_owned(), "sasl.jaas.confg".to_owned()]));
    }
}
