//! Where notifications go.

use super::check::Checked;
use super::findings::Findings;

/// `notification.enabled.channels`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notifications {
    /// `sink`; the topic is one of the records.
    pub sink: bool,
    /// `log`
    pub log: bool,
}

/// Channels that are known; `jmx` has no meaning without a JVM.
const CHANNELS: [&str; 3] = ["sink", "log", "jmx"];

fn words(value: &str) -> impl Iterator<Item = String> {
    value.split(',').map(|word| word.trim().to_ascii_lowercase()).filter(|word| !word.is_empty())
}

/// Checks `notification.enabled.channels`.
pub(super) fn check_channels(value: &str) -> Result<(), String> {
    match words(value).find(|word| !CHANNELS.contains(&word.as_str())) {
        None => Ok(()),
        Some(_) => Err(format!("must be a list of {}", CHANNELS.join(", "))),
    }
}

/// The topic of notifications, where they go to the sink.
pub(super) fn topic(checked: &Checked) -> Option<String> {
    let wanted = words(checked.value("notification.enabled.channels").unwrap_or_default()).any(|word| word == "sink");
    let topic = checked.value("notification.sink.topic.name").map(str::trim).filter(|topic| !topic.is_empty());
    topic.filter(|_| wanted).map(str::to_owned)
}

/// Builds it, as far as it can be.
pub(super) fn notifications(checked: &Checked, findings: &mut Findings) -> Notifications {
    let channels: Vec<String> = words(checked.value("notification.enabled.channels").unwrap_or_default()).collect();
    let has = |channel: &str| channels.iter().any(|word| word == channel);
    let topic = topic(checked);
    if has("sink") && topic.is_none() {
        findings.mistake(
            "notification.sink.topic.name: is absent, and notification.enabled.channels has sink; name the topic of \
             notifications",
        );
    }
    if has("jmx") {
        findings.warn("notification.enabled.channels", "has jmx, which needs a JVM and is left out");
    }
    Notifications { sink: topic.is_some(), log: has("log") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, load_text};

    fn load(more: &str) -> Result<Notifications, String> {
        Ok(load_connector(more)?.notifications)
    }

    fn load_connector(more: &str) -> Result<crate::config::Connector, String> {
        let text = format!(
            "bootstrap.servers=b:1\ndatabase.hostname=h\ndatabase.user=u\ndatabase.dbname=d\ntopic.prefix=shop\n\
             plugin.name=pgoutput\n{more}"
        );
        let loaded = load_text("x.properties", &text, &Overrides::default(), &|_| None);
        loaded.map(|loaded| loaded.connector).map_err(|error| error.report())
    }

    #[test]
    fn channels_are_those_of_debezium_and_the_sink_has_a_topic() {
        let found = |sink, log| Ok(Notifications { sink, log });
        assert_eq!(load(""), found(false, false));
        assert_eq!(load("notification.enabled.channels=log"), found(false, true));
        assert_eq!(load("notification.enabled.channels=jmx"), found(false, false));
        let both = "notification.enabled.channels= Sink ,log\nnotification.sink.topic.name=n";
        assert_eq!(load(both), found(true, true));
        assert_eq!(load_connector(both).unwrap().records.notification_topic.as_deref(), Some("n"));
        assert_eq!(load("notification.sink.topic.name=n"), found(false, false), "nobody asked for the channel");
        for (more, told) in [
            ("notification.enabled.channels=sink", "notification.sink.topic.name"),
            ("notification.enabled.channels=mail", "sink, log, jmx"),
        ] {
            let report = load(more).unwrap_err();
            assert!(report.contains(told), "{report}");
        }
    }
}
