//! `producer.override.*` into librdkafka's settings.
//!
//! Owns [`translate`]: names as Kafka Connect's users write them (Kafka's Java producer) and librdkafka's own names,
//! both without the prefix. What would break a guarantee is refused with the reason, what has no meaning here is
//! passed over, and an unknown name is refused with the nearest known one. Pure: no file is read, no socket opened.

mod catalogue;
mod consumer;
mod stores;

use self::catalogue::{Rule, rule};
pub use self::consumer::translate_consumer;
use super::{Finding, settings};
use crate::config::{Secret, jaas};

/// What has been translated so far.
struct Translation<'a> {
    given: &'a [(String, Secret)],
    /// librdkafka's name, its value, and the name that it was given under.
    settings: Vec<(String, String, String)>,
    findings: Vec<Finding>,
}

/// Translates and checks all overrides.
///
/// # Errors
/// Every finding at once, in the order given.
pub fn translate(given: &[(String, Secret)]) -> Result<Vec<(String, Secret)>, Vec<Finding>> {
    let mut translation = Translation { given, settings: Vec::new(), findings: Vec::new() };
    for (name, value) in given {
        translation.one(name.trim(), value.expose().trim());
    }
    translation.key_and_trust_stores();
    translation.what_must_fit_together();
    let Translation { settings, findings, .. } = translation;
    if findings.is_empty() {
        Ok(settings.into_iter().map(|(name, value, _)| (name, Secret::new(value))).collect())
    } else {
        Err(findings)
    }
}

impl<'a> Translation<'a> {
    fn value(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.given.iter().rev().find(|(given, _)| given.trim() == name)?;
        Some(value.expose().trim())
    }

    fn refuse(&mut self, name: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.findings.push(Finding::new(name, problem, remedy));
    }

    /// Settles a setting of librdkafka, unless librdkafka refuses the value or another name gave another one.
    fn set(&mut self, setting: &str, value: impl Into<String>, given_as: &str) {
        let value = value.into();
        if let Some(mut finding) = settings::refused_by_library(setting, &value) {
            given_as.clone_into(&mut finding.property);
            self.findings.push(finding);
            return;
        }
        if let Some((_, old, old_name)) = self.settings.iter().find(|(name, _, _)| name == setting) {
            if *old != value {
                let problem = format!("{old_name} means the same and has another value");
                self.refuse(given_as, problem, format!("give {given_as} or {old_name}, not both"));
            }
            return;
        }
        self.settings.push((setting.to_owned(), value, given_as.to_owned()));
    }

    fn one(&mut self, name: &str, value: &str) {
        match rule(name) {
            Some(Rule::Pass(setting)) => self.set(setting, value, name),
            Some(Rule::Lowercase(setting)) => self.set(setting, value.to_ascii_lowercase(), name),
            Some(Rule::Passed) => {}
            Some(Rule::PassedWhenEmpty { problem, remedy }) => {
                if !value.is_empty() {
                    self.refuse(name, problem, remedy);
                }
            }
            Some(Rule::Only { setting, values, problem, remedy }) => {
                if values.iter().any(|allowed| allowed.eq_ignore_ascii_case(value)) {
                    if let Some(setting) = setting {
                        self.set(setting, value.to_ascii_lowercase(), name);
                    }
                } else {
                    self.refuse(name, problem, remedy);
                }
            }
            Some(Rule::Refused { problem, remedy }) => self.refuse(name, problem, remedy),
            Some(Rule::Special) => self.special(name, value),
            None => self.unknown(name),
        }
    }

    fn special(&mut self, name: &str, value: &str) {
        match name {
            "max.in.flight" | "max.in.flight.requests.per.connection" => {
                let setting = "max.in.flight.requests.per.connection";
                if value.parse().is_ok_and(|requests: u32| requests > 5) {
                    let problem = "with more than 5 requests in flight the brokers do not keep records in order";
                    self.refuse(name, problem, "give 1 to 5, or leave it out");
                } else {
                    self.set(setting, value, name);
                }
            }
            "retries" | "message.send.max.retries" => {
                if value.parse() == Ok(0_u32) {
                    let problem = "without retries a passing fault of a broker would end the connector";
                    self.refuse(name, problem, "leave it out: records are retried until the brokers answer");
                } else {
                    self.set("retries", value, name);
                }
            }
            "batch.size" => self.set("batch.size", if value == "0" { "1" } else { value }, name),
            "buffer.memory" => match value.parse::<u64>() {
                Ok(bytes) => self.set("queue.buffering.max.kbytes", bytes.div_ceil(1024).max(1).to_string(), name),
                Err(_) => self.refuse(name, "it is not a number of bytes", "give a whole number"),
            },
            "send.buffer.bytes" => self.socket_buffer("socket.send.buffer.bytes", name, value),
            "receive.buffer.bytes" => self.socket_buffer("socket.receive.buffer.bytes", name, value),
            "metadata.max.age.ms" => self.set("topic.metadata.refresh.interval.ms", value, name),
            "ssl.endpoint.identification.algorithm" => {
                let algorithm = if value.is_empty() { "none".to_owned() } else { value.to_ascii_lowercase() };
                self.set(name, algorithm, name);
            }
            "compression.gzip.level" | "compression.lz4.level" | "compression.zstd.level" => {
                self.compression_level(name, value);
            }
            "sasl.mechanism" | "sasl.mechanisms" => self.mechanism(name, value),
            "sasl.jaas.config" => match jaas::parse(value) {
                Ok(login) => {
                    self.set("sasl.username", login.username, name);
                    self.set("sasl.password", login.password.expose(), name);
                }
                Err(problem) => self.refuse(name, problem, jaas::REMEDY),
            },
            // Looked at together, in `key_and_trust_stores`.
            name if stores::is_one(name) => {}
            name => self.unknown(name),
        }
    }

    /// Java's -1 is the system's default, which librdkafka writes 0.
    fn socket_buffer(&mut self, setting: &str, name: &str, value: &str) {
        self.set(setting, if value == "-1" { "0" } else { value }, name);
    }

    /// librdkafka has one level for whichever codec is used.
    fn compression_level(&mut self, name: &str, value: &str) {
        let codec = self.value("compression.type").or_else(|| self.value("compression.codec")).unwrap_or("lz4");
        if name.split('.').nth(1) == Some(&codec.to_ascii_lowercase()) {
            self.set("compression.level", value, name);
        }
    }

    fn mechanism(&mut self, name: &str, value: &str) {
        let mechanism = value.to_ascii_uppercase();
        match mechanism.as_str() {
            "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => self.set("sasl.mechanism", mechanism, name),
            _ => self.refuse(
                name,
                format!("{value} is not supported"),
                "use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, or client certificates (ssl.keystore.*)",
            ),
        }
    }

    fn unknown(&mut self, name: &str) {
        let remedy = match catalogue::nearest(name) {
            Some(known) => format!("did you mean {known}?"),
            None => "remove it".to_owned(),
        };
        self.refuse(name, "unknown setting of a Kafka producer", remedy);
    }

    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(setting, _, _)| setting == name).map(|(_, value, _)| value.as_str())
    }

    /// What librdkafka would only refuse when the client is made.
    fn what_must_fit_together(&mut self) {
        let wants_sasl = self.setting("security.protocol").is_some_and(|protocol| protocol.starts_with("sasl"));
        let has_login = self.setting("sasl.username").is_some() && self.setting("sasl.password").is_some();
        if wants_sasl && self.setting("sasl.mechanism").is_none() && self.value("sasl.mechanism").is_none() {
            let problem = "security.protocol asks for SASL, and no mechanism is given";
            self.refuse("sasl.mechanism", problem, "set sasl.mechanism to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
        }
        if wants_sasl && !has_login && self.value("sasl.jaas.config").is_none() {
            let problem = "security.protocol asks for SASL, and no user and password are given";
            self.refuse("sasl.jaas.config", problem, "set sasl.jaas.config, or sasl.username and sasl.password");
        }
        if !wants_sasl && self.setting("sasl.mechanism").is_some() {
            let problem = "a SASL mechanism is given, but security.protocol does not ask for SASL";
            self.refuse("security.protocol", problem, "set security.protocol to SASL_SSL or SASL_PLAINTEXT");
        }
    }
}

#[cfg(test)]
mod tests;
