//! Records that belong to no table, and what becomes of changes that cannot be decoded.
//!
//! Owns the types and their making from checked settings. Must never talk to a server.

use std::time::Duration;

use super::build::{flag, millis, optional, word};
use super::check::Checked;
use super::findings::Findings;
use super::pattern;

/// `provide.transaction.metadata`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionMetadata {
    /// Records say nothing of their transaction.
    LeftOut,
    /// Records carry the `transaction` block, and each transaction has a record at its begin and one at its end.
    Provided,
}

/// `message.prefix.include.list` and `message.prefix.exclude.list`: Debezium's anchored, case-insensitive expressions.
#[derive(Clone, Debug, Default)]
pub struct MessagePrefixes {
    /// `message.prefix.include.list`
    pub include: Vec<String>,
    /// `message.prefix.exclude.list`
    pub exclude: Vec<String>,
}

/// `heartbeat.*`
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// `heartbeat.interval.ms`
    pub interval: Duration,
    /// `heartbeat.action.query`
    pub action_query: Option<String>,
}

/// What becomes of a change that cannot be decoded.
#[derive(Clone, Debug)]
pub struct FailureHandling {
    /// `event.processing.failure.handling.mode`
    pub mode: FailureMode,
    /// `walcast.dead.letter.topic`
    pub dead_letter_topic: Option<String>,
}

impl Default for FailureHandling {
    /// Debezium's default.
    fn default() -> Self {
        Self { mode: FailureMode::Fail, dead_letter_topic: None }
    }
}

/// `event.processing.failure.handling.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureMode {
    /// The connector stops.
    Fail,
    /// The change is left out, counted and logged.
    Warn,
    /// The change is left out and counted. Also `ignore`.
    Skip,
}

pub(super) fn transactions(checked: &Checked) -> TransactionMetadata {
    match flag(checked, "provide.transaction.metadata") {
        true => TransactionMetadata::Provided,
        false => TransactionMetadata::LeftOut,
    }
}

pub(super) fn messages(checked: &Checked) -> MessagePrefixes {
    let list = |name| pattern::split(checked.value(name).unwrap_or_default());
    MessagePrefixes { include: list("message.prefix.include.list"), exclude: list("message.prefix.exclude.list") }
}

pub(super) fn heartbeat(checked: &Checked, findings: &mut Findings) -> Option<Heartbeat> {
    const QUERY: &str = "heartbeat.action.query";
    let interval = millis(checked, "heartbeat.interval.ms");
    let action_query = optional(checked, QUERY).filter(|query| !query.trim().is_empty());
    if interval.is_zero() {
        if action_query.is_some() {
            findings.note(QUERY, "heartbeat.interval.ms is 0, so there are no heartbeats");
        }
        return None;
    }
    Some(Heartbeat { interval, action_query })
}

pub(super) fn failures(checked: &Checked, findings: &mut Findings) -> FailureHandling {
    const TOPIC: &str = "walcast.dead.letter.topic";
    let handling = FailureHandling {
        mode: match word(checked, "event.processing.failure.handling.mode").as_str() {
            "warn" => FailureMode::Warn,
            "skip" | "ignore" => FailureMode::Skip,
            _ => FailureMode::Fail,
        },
        dead_letter_topic: optional(checked, TOPIC),
    };
    if handling.mode == FailureMode::Fail && handling.dead_letter_topic.is_some() {
        findings.warn(TOPIC, "has no effect while event.processing.failure.handling.mode is fail");
    }
    handling
}
