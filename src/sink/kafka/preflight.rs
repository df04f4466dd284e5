//! Everything about the brokers that can be known before the first record, told at once.
//!
//! Owns [`preflight`]. It changes nothing at the brokers: topics to be created are only validated.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode as Code;

use super::topics::{Brokers, Dry, creation_failure, on_a_thread};
use super::{Finding, failure, overrides, settings};
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::sink::Waiting;

/// How long the brokers have to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Preflight {
    /// Who answered; `None` where nobody did.
    pub cluster: Option<Cluster>,
    /// What has to be mended; empty where nothing has.
    pub findings: Vec<Finding>,
}

/// The brokers that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Cluster id, where the brokers tell it.
    pub id: Option<String>,
    /// Number of brokers.
    pub brokers: usize,
}

/// Looks at settings, brokers and topics: reachability within 10 seconds, existence, and the right to create.
///
/// The right to write cannot be known without writing; its lack is reported by the first delivery.
///
/// # Errors
/// `Local` where the look itself cannot be made; what is wrong at the brokers is a finding.
///
/// # Cancel safety
/// Dropping the future leaves the look running to its own time limit.
pub fn preflight(config: &config::Kafka, topics: &[Arc<str>]) -> Waiting<Preflight> {
    let (config, topics) = (config.clone(), topics.to_vec());
    on_a_thread(move || look(&config, &topics))
}

fn look(config: &config::Kafka, topics: &[Arc<str>]) -> Result<Preflight> {
    let mut found = Preflight::default();
    if let Err(mut findings) = overrides::translate(&config.producer) {
        for finding in &mut findings {
            finding.property.insert_str(0, "producer.override.");
        }
        found.findings = findings;
        return Ok(found);
    }
    let mut brokers = match settings::settings(config, "walcast-preflight").and_then(|s| Brokers::new(s.client)) {
        Ok(brokers) => brokers,
        Err(error) => {
            found.findings.push(finding("producer.override.*", &error));
            return Ok(found);
        }
    };
    match brokers.cluster(ANSWER_TIMEOUT) {
        Ok((id, brokers)) => found.cluster = Some(Cluster { id, brokers }),
        Err(error) => {
            found.findings.push(unreachable(&error));
            return Ok(found);
        }
    }
    let seen = match brokers.topics(ANSWER_TIMEOUT) {
        Ok(seen) => seen,
        Err(error) => {
            found.findings.push(unreachable(&error));
            return Ok(found);
        }
    };
    let missing: Vec<&Arc<str>> = topics.iter().filter(|topic| !seen.contains(&***topic)).collect();
    if !missing.is_empty() {
        found.findings.extend(look_at_missing(&mut brokers, config, &missing));
    }
    Ok(found)
}

fn look_at_missing(brokers: &mut Brokers, config: &config::Kafka, missing: &[&Arc<str>]) -> Vec<Finding> {
    let Some(creation) = &config.topic_creation else {
        // Brokers that create topics, or do not tell whether they do, leave nothing to report.
        if brokers.creates_automatically() != Some(false) {
            return Vec::new();
        }
        return missing
            .iter()
            .map(|topic| finding("topic.creation.default.partitions", &failure::missing_topic(topic).error()))
            .collect();
    };
    match brokers.creation_outcome(missing, creation, Dry::Run) {
        Ok(outcomes) => outcomes
            .into_iter()
            .filter_map(|(topic, code)| match code {
                None | Some(Code::TopicAlreadyExists) => None,
                Some(code) => Some(finding("topic.creation.default.*", &creation_failure(&topic, code, creation))),
            })
            .collect(),
        Err(error) => vec![finding("topic.creation.default.*", &error)],
    }
}

fn unreachable(error: &Error) -> Finding {
    let refused = error.kind() == Kind::SinkRefused;
    finding(if refused { "producer.override.security.protocol" } else { "bootstrap.servers" }, error)
}

fn finding(property: &str, error: &Error) -> Finding {
    let problem = match error.detail_text() {
        Some(detail) => format!("{}: {detail}", error.message()),
        None => error.message().to_owned(),
    };
    Finding::new(property, problem, error.hint_text().unwrap_or("see the brokers' log"))
}
