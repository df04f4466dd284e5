//! Where signals come from, and how incremental snapshots are read.
//!
//! Owns [`Signals`] and its making from checked settings. Must never talk to a server.

use std::path::PathBuf;
use std::time::Duration;

use super::build::{millis, number, optional};
use super::check::Checked;
use super::findings::Findings;
use super::secret::Secret;

/// `signal.*`, `incremental.snapshot.*`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signals {
    /// `signal.data.collection`, where the channel `source` is enabled: schema and table whose inserted rows are signals.
    pub table: Option<(String, String)>,
    /// `signal.file`, where the channel `file` is enabled.
    pub file: Option<PathBuf>,
    /// `signal.kafka.*`, where the channel `kafka` is enabled.
    pub topic: Option<SignalTopic>,
    /// `signal.poll.interval.ms`
    pub poll_interval: Duration,
    /// `incremental.snapshot.chunk.size`
    pub chunk_rows: usize,
    /// `incremental.snapshot.watermarking.strategy`, unless `read.only` is set.
    pub windows: Option<Windows>,
}

/// How the windows of chunks are closed in the table of signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// `INSERT_INSERT`: by another row.
    InsertInsert,
    /// `INSERT_DELETE`: by taking the row away that opened it.
    InsertDelete,
}

/// A topic of signals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalTopic {
    /// `signal.kafka.topic`
    pub name: String,
    /// `signal.kafka.bootstrap.servers`; where absent the producer's brokers, with its settings.
    pub bootstrap_servers: Option<String>,
    /// `signal.kafka.groupId`
    pub group_id: String,
    /// `signal.kafka.poll.timeout.ms`
    pub poll_timeout: Duration,
    /// `signal.consumer.*` without the prefix, for the sink to translate and check. Values may be secrets.
    pub consumer: Vec<(String, Secret)>,
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            table: None,
            file: None,
            topic: None,
            poll_interval: Duration::from_secs(5),
            chunk_rows: 1024,
            windows: Some(Windows::InsertInsert),
        }
    }
}

impl Signals {
    /// Whether a signal can come at all.
    #[must_use]
    pub const fn are_heard(&self) -> bool {
        self.table.is_some() || self.file.is_some() || self.topic.is_some()
    }

    /// Whether a table is that of signals, which is in no snapshot.
    #[must_use]
    pub fn are_in(&self, schema: &str, table: &str) -> bool {
        self.table.as_ref().is_some_and(|(own, name)| own == schema && name == table)
    }
}

fn words(value: &str) -> impl Iterator<Item = String> {
    value.split(',').map(|word| word.trim().to_ascii_lowercase()).filter(|word| !word.is_empty())
}

/// Checks `signal.enabled.channels`.
pub(super) fn check_channels(value: &str) -> Result<(), String> {
    for word in words(value) {
        match word.as_str() {
            "source" | "kafka" | "file" | "jmx" => {}
            "in-process" => return Err("has in-process, which needs Java; use source, kafka or file".to_owned()),
            _ => return Err("must be a list of source, kafka, file, jmx".to_owned()),
        }
    }
    Ok(())
}

/// Checks `signal.data.collection`.
pub(super) fn check_table(value: &str) -> Result<(), String> {
    name(value).map(drop).ok_or_else(|| "must be schema.table".to_owned())
}

/// Schema and table, without quotes around them.
fn name(value: &str) -> Option<(String, String)> {
    let (schema, table) = value.trim().split_once('.')?;
    let bare = |part: &str| part.trim().trim_matches('"').to_owned();
    Some((bare(schema), bare(table))).filter(|(schema, table)| !schema.is_empty() && !table.is_empty())
}

/// Builds it, as far as it can be.
pub(super) fn signals(checked: &Checked, findings: &mut Findings) -> Signals {
    let channels: Vec<String> = words(checked.value("signal.enabled.channels").unwrap_or_default()).collect();
    let has = |channel: &str| channels.iter().any(|word| word == channel);
    let table = checked.value("signal.data.collection").and_then(name);
    if has("jmx") {
        findings.warn("signal.enabled.channels", "has jmx, which needs a JVM and is left out");
    }
    if table.is_some() && !has("source") {
        findings.warn("signal.data.collection", "is not read, because signal.enabled.channels has no source");
    }
    let file = checked.value("signal.file").map(str::trim).filter(|file| !file.is_empty());
    Signals {
        table: table.filter(|_| has("source")),
        file: file.filter(|_| has("file")).map(PathBuf::from),
        topic: has("kafka").then(|| topic(checked)),
        poll_interval: millis(checked, "signal.poll.interval.ms").max(Duration::from_millis(10)),
        chunk_rows: usize::try_from(number(checked, "incremental.snapshot.chunk.size")).unwrap_or(1).max(1),
        windows: windows(checked),
    }
}

fn topic(checked: &Checked) -> SignalTopic {
    let given = |name| optional(checked, name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let consumer = checked.under("signal.consumer.");
    let mut consumer: Vec<(String, Secret)> =
        consumer.map(|(name, setting)| (name.to_owned(), Secret::new(setting.value.clone()))).collect();
    // Debezium lets the consumer's own setting win.
    let at = consumer.iter().position(|(name, _)| name == "bootstrap.servers");
    let overridden = at.map(|at| consumer.remove(at).1.expose().to_owned());
    SignalTopic {
        name: given("signal.kafka.topic")
            .unwrap_or_else(|| format!("{}-signal", checked.value("topic.prefix").unwrap_or_default())),
        bootstrap_servers: overridden.or_else(|| given("signal.kafka.bootstrap.servers")),
        group_id: given("signal.kafka.groupId").unwrap_or_default(),
        poll_timeout: millis(checked, "signal.kafka.poll.timeout.ms"),
        consumer,
    }
}

fn windows(checked: &Checked) -> Option<Windows> {
    let is_read_only = checked.value("read.only").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    let strategy = checked.value("incremental.snapshot.watermarking.strategy").unwrap_or_default();
    let deletes = strategy.trim().eq_ignore_ascii_case("INSERT_DELETE");
    (!is_read_only).then_some(if deletes { Windows::InsertDelete } else { Windows::InsertInsert })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, load_text};

    fn load(more: &str) -> Result<Signals, String> {
        let text = format!(
            "bootstrap.servers=b:1\ndatabase.hostname=h\ndatabase.user=u\ndatabase.dbname=d\ntopic.prefix=shop\n\
             plugin.name=pgoutput\n{more}"
        );
        let loaded = load_text("x.properties", &text, &Overrides::default(), &|_| None);
        loaded.map(|loaded| loaded.connector.snapshot.signals).map_err(|error| error.report())
    }

    #[test]
    fn signals_come_from_the_channels_that_are_enabled() {
        assert_eq!(load(""), Ok(Signals::default()));
        let table = Some(("public".to_owned(), "signals".to_owned()));
        assert_eq!(load("signal.data.collection=public.signals"), Ok(Signals { table, ..Signals::default() }));
        let file = "signal.enabled.channels=file,jmx\nsignal.data.collection=a.b\nsignal.poll.interval.ms=100\n\
                    signal.file=/run/signals\nincremental.snapshot.chunk.size=7\nread.only=true";
        let wanted = Signals {
            table: None,
            file: Some(PathBuf::from("/run/signals")),
            topic: None,
            poll_interval: Duration::from_millis(100),
            chunk_rows: 7,
            windows: None,
        };
        assert_eq!(load(file), Ok(wanted));
        let windows = load("incremental.snapshot.watermarking.strategy=insert_delete").unwrap().windows;
        assert_eq!(windows, Some(Windows::InsertDelete));
        assert_eq!(load("signal.enabled.channels=file").unwrap().file, Some(PathBuf::from("file-signals.txt")));
        for (more, told) in [
            ("signal.enabled.channels=in-process", "needs Java"),
            ("signal.enabled.channels=mail", "source, kafka, file, jmx"),
            ("signal.data.collection=signals", "schema.table"),
            ("incremental.snapshot.chunk.size=0", "incremental.snapshot.chunk.size"),
        ] {
            let report = load(more).unwrap_err();
            assert!(report.contains(told), "{report}");
        }
    }

    #[test]
    fn signals_come_from_a_topic_of_the_connectors_name_or_another() {
        let topic = load("signal.enabled.channels=source, kafka").unwrap().topic.unwrap();
        let wanted = SignalTopic {
            name: "shop-signal".to_owned(),
            bootstrap_servers: None,
            group_id: "kafka-signal".to_owned(),
            poll_timeout: Duration::from_millis(100),
            consumer: Vec::new(),
        };
        assert_eq!(topic, wanted);
        let more = "signal.enabled.channels=kafka\nsignal.kafka.topic=asks\nsignal.kafka.bootstrap.servers=s:1\n\
                    signal.kafka.groupId=Mine\nsignal.kafka.poll.timeout.ms=7\nsignal.consumer.sasl.jaas.config=secret";
        let wanted = SignalTopic {
            name: "asks".to_owned(),
            bootstrap_servers: Some("s:1".to_owned()),
            group_id: "Mine".to_owned(),
            poll_timeout: Duration::from_millis(7),
            consumer: vec![("sasl.jaas.config".to_owned(), Secret::new("secret"))],
        };
        assert_eq!(load(more).unwrap().topic, Some(wanted));
    }
}
