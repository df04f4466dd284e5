//! From a file and overrides to a [`Connector`]: reads, resolves references, checks, builds.
//!
//! Owns [`load`] and the raw [`Setting`]s. A file is JSON or `.properties`, decided by its extension and else by
//! its first character. Overrides win over the file.

use std::path::PathBuf;

use super::findings::{Findings, Note, Warning, shown_name};
use super::json::{self, Node};
use super::model::Connector;
use super::properties;
use super::provider::Providers;
use super::secret::Secret;
use super::{build, check};
use crate::error::{Error, Kind, Result};

/// Longest configuration that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where a configuration comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file; `-` is standard input.
    File(PathBuf),
    /// A text, with the name it has in messages.
    Text {
        /// Name for messages; its extension decides the format, as a file's does.
        name: String,
        /// The text.
        text: String,
    },
}

/// What the command line adds to the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--set key=value`, later ones win.
    pub set: Vec<(String, String)>,
    /// `--bootstrap-servers`
    pub bootstrap_servers: Option<String>,
    /// Whether records go to brokers at all.
    pub brokers: Brokers,
    /// What the sink has to say about `producer.override.*`, so that it stands in the same report as the rest.
    pub producer: Option<ProducerCheck>,
}

/// Looks at the producer's settings, under the names given and without the prefix, and returns each mistake as the
/// setting's name and what is wrong with it, without secrets.
pub type ProducerCheck = fn(&[(String, Secret)]) -> Vec<(String, String)>;

/// Whether brokers are needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Brokers {
    /// `bootstrap.servers` must be there.
    #[default]
    Required,
    /// Records go elsewhere; [`super::Kafka::bootstrap_servers`] may be empty.
    NotNeeded,
}

/// A configuration that can be run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The typed form.
    pub connector: Connector,
    /// What an operator should look at; each goes to the log.
    pub warnings: Vec<Warning>,
    /// Properties that have no effect here, with the reason; of interest when something is looked for.
    pub notes: Vec<Note>,
    /// The file's name, for messages.
    pub origin: String,
}

/// One property as it was given, references filled in.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) value: String,
    /// Whether a part of the value came from a provider.
    pub(super) secret: bool,
    /// Where it stands: ` (line 4)`, ` (--set)`, or nothing.
    pub(super) place: String,
}

/// Loads a configuration with the process's environment for `${env:..}`.
///
/// # Errors
/// `Config`, with every mistake that was found, one a line.
pub fn load(source: &Source, overrides: &Overrides) -> Result<Loaded> {
    let (origin, text) = read(source)?;
    load_text(&origin, &text, overrides, &|name| std::env::var(name).ok())
}

/// Loads a configuration from a text, with `variable` as its environment.
///
/// # Errors
/// As [`load`].
pub fn load_text(
    origin: &str,
    text: &str,
    overrides: &Overrides,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded> {
    let mut findings = Findings::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut settings = if is_json(origin, text) {
        from_json(origin, text, &mut findings)?
    } else {
        from_properties(text, &mut findings)
    };
    apply(overrides, &mut settings);
    resolve(&Providers { variable }, &mut settings, &mut findings);
    let checked = check::check(settings, &mut findings);
    let connector = build::connector(&checked, overrides.brokers, &mut findings);
    let producer_mistakes = overrides.producer.map(|check| check(&build::producer(&checked)));
    for (name, problem) in producer_mistakes.unwrap_or_default() {
        findings.mistake(format!("producer.override.{name}: {problem}"));
    }
    match (findings.error(origin), connector) {
        (None, Some(connector)) => {
            let Findings { warnings, notes, .. } = findings;
            Ok(Loaded { connector, warnings, notes, origin: origin.to_owned() })
        }
        (Some(error), _) => Err(error),
        (None, None) => Err(Error::bug("a configuration without mistakes could not be built")),
    }
}

fn read(source: &Source) -> Result<(String, String)> {
    use std::io::Read as _;

    let path = match source {
        Source::Text { name, text } => return Ok((name.clone(), text.clone())),
        Source::File(path) => path,
    };
    let is_stdin = path.as_os_str() == "-";
    let origin = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let cannot = |error| Error::new(Kind::Config, format!("{origin} cannot be read")).caused_by(error);
    let mut bytes = Vec::new();
    // One byte more than is allowed tells a file that is too long from one that just fits.
    let read = if is_stdin {
        std::io::stdin().lock().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    read.map_err(cannot)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Error::new(Kind::Config, format!("{origin} is longer than {FILE_BYTES_MAX} bytes"))
            .hint("give the connector's configuration: JSON as Kafka Connect takes it, or .properties"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::new(Kind::Config, format!("{origin} is not UTF-8 text")).detail(format!("line {line} has other bytes"))
    })?;
    Ok((origin, text))
}

fn is_json(origin: &str, text: &str) -> bool {
    let extension = std::path::Path::new(origin).extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("json") => true,
        Some("properties") => false,
        _ => text.trim_start().starts_with(['{', '[']),
    }
}

fn from_properties(text: &str, findings: &mut Findings) -> Vec<Setting> {
    let (entries, bad) = properties::parse(text);
    for bad in bad {
        findings.mistake(format!("line {}: {}", bad.line, bad.problem));
    }
    let mut settings: Vec<Setting> = Vec::new();
    for entry in entries {
        let place = format!(" (line {})", entry.line);
        if let Some(first) = settings.iter().find(|setting| setting.name == entry.key) {
            findings.mistake(format!("{}{place}: stands twice, first{}", shown_name(&entry.key), first.place));
            continue;
        }
        settings.push(Setting { name: entry.key, value: entry.value, secret: false, place });
    }
    settings
}

fn from_json(origin: &str, text: &str, findings: &mut Findings) -> Result<Vec<Setting>> {
    let root = json::parse(text).map_err(|bad| {
        Error::new(Kind::Config, format!("{origin} is not JSON: {}", bad.problem))
            .detail(format!("line {}, column {}", bad.line, bad.column))
    })?;
    let Node::Object(top) = root else {
        return Err(Error::new(Kind::Config, format!("{origin} is not a connector: its JSON is not an object"))
            .hint("give one connector, {\"name\": .., \"config\": {..}} or its properties alone"));
    };
    let mut settings = Vec::new();
    let is_envelope = top.iter().any(|(key, node)| key == "config" && matches!(node, Node::Object(_)));
    if !is_envelope {
        flatten(text, top, &mut settings, findings);
        return Ok(settings);
    }
    let mut name = None;
    for (key, node) in top {
        match (key.as_str(), node) {
            ("config", Node::Object(config)) => flatten(text, config, &mut settings, findings),
            ("name", Node::Scalar(value)) => name = Some(value),
            // What GET /connectors/NAME adds.
            ("tasks" | "type", _) => {}
            ("initial_state", _) => findings.warn("initial_state", "is not there yet; the connector is started"),
            (_, _) => findings.warn(&key, "stands beside \"config\" and is ignored"),
        }
    }
    match (name, settings.iter().find(|setting| setting.name == "name")) {
        (Some(name), None) => {
            settings.push(Setting { name: "name".to_owned(), value: name, secret: false, place: String::new() })
        }
        (Some(name), Some(inner)) if name != inner.value => {
            findings.mistake("name: stands beside \"config\" and, with another value, in it");
        }
        (Some(_), Some(_)) | (None, _) => {}
    }
    Ok(settings)
}

fn flatten(text: &str, object: Vec<(String, Node)>, settings: &mut Vec<Setting>, findings: &mut Findings) {
    for (name, node) in object {
        let lines = json::lines_of(text, &name);
        // `name` stands in the envelope too, so its place in the text is not clear.
        let place = match lines.as_slice() {
            [line, ..] if name != "name" => format!(" (line {line})"),
            _ => String::new(),
        };
        if settings.iter().any(|setting| setting.name == name) {
            let lines: Vec<_> = lines.iter().map(usize::to_string).collect();
            findings.mistake(format!("{}: stands more than once, on lines {}", shown_name(&name), lines.join(", ")));
            continue;
        }
        match node {
            Node::Scalar(value) => settings.push(Setting { name, value, secret: false, place }),
            Node::Null => {}
            Node::List => findings.mistake(format!(
                "{}{place}: is a list; write its elements as one text, separated by commas",
                shown_name(&name)
            )),
            Node::Object(_) => {
                findings.mistake(format!("{}{place}: is an object; every value must be a text", shown_name(&name)))
            }
        }
    }
}

fn apply(overrides: &Overrides, settings: &mut Vec<Setting>) {
    let servers =
        overrides.bootstrap_servers.iter().map(|servers| ("bootstrap.servers", servers, " (--bootstrap-servers)"));
    let set = overrides.set.iter().map(|(name, value)| (name.as_str(), value, " (--set)"));
    for (name, value, place) in set.chain(servers) {
        settings.retain(|setting| setting.name != name);
        settings.push(Setting { name: name.to_owned(), value: value.clone(), secret: false, place: place.to_owned() });
    }
}

fn resolve(providers: &Providers<'_>, settings: &mut Vec<Setting>, findings: &mut Findings) {
    settings.retain_mut(|setting| match providers.resolve(&setting.value) {
        Ok(resolved) => {
            setting.value = resolved.value;
            setting.secret |= resolved.secret;
            true
        }
        Err(why) => {
            findings.mistake_of(&setting.name, format!("{}{}: {why}", shown_name(&setting.name), setting.place));
            false
        }
    });
}
