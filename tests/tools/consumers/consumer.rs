//! One consumer: its folder in `tests/consumers/`, the walcast that writes for it, and its run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use super::database::{Database, SQL};
use super::sink;
use super::stage::Stage;
use super::topics::Topics;
use crate::Outcome;

/// A folder of `tests/consumers/`.
pub(crate) struct Consumer {
    /// Of the folder; also the topic prefix.
    pub(crate) name: String,
    /// For people.
    pub(crate) title: &'static str,
    folder: PathBuf,
    /// What is particular to the walcast that writes for it, addresses not filled in yet.
    connector: String,
}

/// What a consumer says of itself.
pub(crate) struct Reading {
    pub(crate) version: String,
    /// How much it read, in its own terms.
    pub(crate) read: String,
}

impl Consumer {
    /// All of them.
    pub(crate) const NAMES: [&'static str; 5] = ["confluent", "confluent-apicurio", "flink", "pathway", "jdbc-sink"];

    pub(crate) fn open(consumers: &Path, name: &str) -> Outcome<Self> {
        let title = match name {
            "confluent" => "Confluent's Python client, AvroDeserializer",
            "confluent-apicurio" => "the same, through Apicurio's converter",
            "flink" => "Flink SQL, debezium-json",
            "pathway" => "Pathway, pw.io.debezium",
            "jdbc-sink" => "Debezium's JDBC sink in Kafka Connect",
            _ => return Err(format!("unknown consumer {name}; known are {}", Self::NAMES.join(", ")).into()),
        };
        let folder = consumers.join(name);
        let connector = fs::read_to_string(folder.join("connector.json"))?;
        Ok(Self { name: name.to_owned(), title, folder, connector })
    }

    /// Whether its records are in Avro.
    pub(crate) fn wants_registry(&self) -> bool {
        self.connector.contains("${REGISTRY_")
    }

    /// Of its target; also of slot and publication.
    pub(crate) fn database(&self) -> String {
        self.name.replace('-', "_")
    }

    /// The tables that it reads.
    pub(crate) fn tables(&self) -> Outcome<Vec<String>> {
        let connector: Map<String, Value> = serde_json::from_str(&self.connector)?;
        let list = connector.get("table.include.list").and_then(Value::as_str).ok_or("no table.include.list")?;
        Ok(list.split(',').map(|name| name.trim_start_matches("public.").to_owned()).collect())
    }

    /// Columns that it cannot read or that its target cannot hold, by table; the README says why.
    pub(crate) fn omitted(&self) -> Outcome<Map<String, Value>> {
        let file = self.folder.join("omitted.json");
        if file.exists() { Ok(serde_json::from_str(&fs::read_to_string(file)?)?) } else { Ok(Map::new()) }
    }

    /// The whole configuration of the walcast that writes for it.
    pub(crate) fn connector(&self, stage: &Stage<'_>) -> Outcome<Map<String, Value>> {
        let own = filled(&self.connector, &self.addresses(stage));
        let mut connector: Map<String, Value> = serde_json::from_str(&own)?;
        let common = json!({
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "plugin.name": "pgoutput",
            "database.hostname": stage.postgres.host(),
            "database.port": stage.postgres.port().to_string(),
            "database.user": stage.postgres.user(),
            "database.dbname": "shop",
            "topic.prefix": self.name,
            "slot.name": self.database(),
            "publication.name": self.database(),
            "publication.autocreate.mode": "filtered",
            "snapshot.mode": "no_data",
        });
        connector.extend(common.as_object().cloned().unwrap_or_default());
        Ok(connector)
    }

    /// Runs it to the end of its topics; what it read is in `target` then.
    pub(crate) fn read(
        &self,
        stage: &Stage<'_>,
        consumers: &Path,
        target: &Database<'_>,
        topics: &Topics,
    ) -> Outcome<Reading> {
        let directory = tempfile::tempdir()?;
        let output = directory.path().join("rows.jsonl");
        let mut addresses = self.addresses(stage);
        addresses.push(("OUTPUT", output.display().to_string()));
        let told = self.run(&addresses)?;
        let version = told["version"].as_str().ok_or("no version")?.to_owned();
        if let Some(plugin_path) = told["plugin_path"].as_str() {
            let configuration = filled(&fs::read_to_string(self.folder.join("sink.json"))?, &self.addresses(stage));
            let confirmed = sink::run(stage, topics, &self.name, plugin_path, &configuration)?;
            return Ok(Reading { version, read: format!("{confirmed} records") });
        }
        target.run_file(consumers, SQL.alter)?;
        load(target, &fs::read_to_string(output)?)?;
        let read = told["read"].as_str().ok_or("not said how much was read")?.to_owned();
        Ok(Reading { version, read })
    }

    /// Runs its script; the last line that it prints is a JSON object.
    fn run(&self, addresses: &[(&str, String)]) -> Outcome<Value> {
        let script = self.folder.join("run.sh");
        let output = Command::new("bash")
            .arg(&script)
            .envs(addresses.iter().map(|(name, value)| (name, value)))
            .env("CACHE", cache()?)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        if !output.status.success() {
            return Err(format!("{}: {}\n{text}", script.display(), output.status).into());
        }
        Ok(serde_json::from_str(text.lines().last().ok_or("it printed nothing")?)?)
    }

    /// What the texts of its folder leave open, and its script is told in the environment.
    fn addresses(&self, stage: &Stage<'_>) -> Vec<(&'static str, String)> {
        vec![
            ("BOOTSTRAP_SERVERS", stage.kafka.bootstrap().to_owned()),
            ("REGISTRY_URL", stage.registry.map(|registry| registry.confluent_url()).unwrap_or_default()),
            ("REGISTRY_NATIVE_URL", stage.registry.map(|registry| registry.native_url()).unwrap_or_default()),
            ("TOPIC_PREFIX", self.name.clone()),
            ("TARGET_HOST", stage.postgres.host().to_owned()),
            ("TARGET_PORT", stage.postgres.port().to_string()),
            ("TARGET_USER", stage.postgres.user().to_owned()),
            ("TARGET_DATABASE", self.database()),
        ]
    }
}

/// The text with each `${NAME}` that is known replaced.
fn filled(text: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

/// Puts a consumer's rows, one JSON object a line, into the target's tables.
fn load(target: &Database<'_>, lines: &str) -> Outcome<()> {
    for line in lines.lines() {
        let found: Value = serde_json::from_str(line)?;
        let table = found["table"].as_str().ok_or("a row without a table")?;
        // As text, so that PostgreSQL reads each number and string itself.
        let row = &line[line.find("\"row\":").ok_or("no row")? + "\"row\":".len()..line.len() - 1];
        let insert = format!("INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, $1::text::json)");
        target.execute_with(&insert, &[&row]).map_err(|error| format!("{table}: {error}: {row}"))?;
    }
    Ok(())
}

/// Where fetched consumers are kept: beside the servers.
fn cache() -> Outcome<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("WALCAST_CACHE_DIR")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("walcast")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/walcast")));
    Ok(cache.ok_or("set WALCAST_CACHE_DIR to a directory that may be written")?.join("consumers"))
}
