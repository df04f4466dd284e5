//! The typed [`Connector`] from checked settings.
//!
//! Owns what takes more than one property to decide, and the parsing of the few that have a form of their own.
//! Where a value was refused before, something stands in its place, so that the remaining rules can still be
//! looked at; the caller does not hand such a connector on.

use std::time::Duration;

use super::check::Checked;
use super::findings::Findings;
use super::load::Brokers;
use super::model::{
    Autocreate, BinaryHandling, Capture, ChannelBinding, Connector, Database, DecimalHandling, HstoreHandling,
    IntervalHandling, Kafka, NameAdjustment, Publication, Records, Retries, SkippedOperations, Slot, SslMode,
    TimePrecision, Tls, TopicCreation, UnknownTypes, Unrepresentable,
};
use super::secret::Secret;
use super::transfer::BinaryTransfer;
use super::{columns, converters, history, naming, notifications, others, pattern, registry, snapshot};

/// `max.queue.size.in.bytes` where it is absent or 0: large enough for lz4 batches to every partition while a
/// broker is away for a moment, small enough for the memory that is promised.
const QUEUE_BYTES_DEFAULT: u64 = 32 << 20;

/// First wait before reconnecting, where `retriable.restart.connector.wait.ms` is absent.
const RETRY_DELAY_DEFAULT: Duration = Duration::from_millis(500);

/// Shortest first wait: a wait of nothing would be doubled to nothing for ever.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(10);

/// Builds it, as far as it can be; `None` only where a required property is missing.
pub(super) fn connector(checked: &Checked, brokers: Brokers, findings: &mut Findings) -> Option<Connector> {
    let kafka = kafka(checked, brokers, findings);
    let slot = slot(checked, findings);
    let retries = retries(checked, findings);
    warn_of_defaults(checked, findings);
    let topic_prefix = checked.value("topic.prefix")?.to_owned();
    Some(Connector {
        name: checked.value("name").filter(|name| !name.is_empty()).unwrap_or(&topic_prefix).to_owned(),
        topic_prefix,
        database: database(checked, findings)?,
        slot,
        publication: publication(checked),
        capture: capture(checked),
        snapshot: snapshot::snapshot(checked, findings),
        notifications: notifications::notifications(checked, findings),
        records: records(checked, findings)?,
        schema_history: history::schema_history(checked, findings),
        registries: registry::both(checked, findings),
        kafka,
        retries,
        status_interval: millis(checked, "status.update.interval.ms"),
        failures: others::failures(checked, findings),
        binary: match word(checked, "walcast.binary").as_str() {
            "never" => BinaryTransfer::Never,
            _ => BinaryTransfer::Auto,
        },
    })
}

/// Defaults that are not Debezium's are said once.
fn warn_of_defaults(checked: &Checked, findings: &mut Findings) {
    if checked.explicit("plugin.name").is_none() && !findings.is_reported("plugin.name") {
        findings.warn("plugin.name", "is absent; pgoutput is used, not Debezium's default decoderbufs");
    }
}

pub(super) fn flag(checked: &Checked, name: &str) -> bool {
    checked.value(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

pub(super) fn number(checked: &Checked, name: &str) -> i64 {
    checked.value(name).and_then(|value| value.parse().ok()).unwrap_or_default()
}

pub(super) fn millis(checked: &Checked, name: &str) -> Duration {
    Duration::from_millis(u64::try_from(number(checked, name)).unwrap_or_default())
}

pub(super) fn word(checked: &Checked, name: &str) -> String {
    checked.value(name).unwrap_or_default().trim().to_ascii_lowercase()
}

/// A text that counts as absent where it is empty.
pub(super) fn optional(checked: &Checked, name: &str) -> Option<String> {
    checked.value(name).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn database(checked: &Checked, findings: &mut Findings) -> Option<Database> {
    let host = checked.value("database.hostname")?;
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let mode = match word(checked, "database.sslmode").as_str() {
        "disable" => SslMode::Disable,
        "require" => SslMode::Require,
        "verify-ca" => SslMode::VerifyCa,
        "verify-full" => SslMode::VerifyFull,
        "allow" => {
            findings.warn("database.sslmode", "allow is taken as prefer: TLS where the server offers it");
            SslMode::Prefer
        }
        _ => SslMode::Prefer,
    };
    let tls = Tls {
        mode,
        root_certificate: optional(checked, "database.sslrootcert"),
        client_certificate: optional(checked, "database.sslcert"),
        client_key: optional(checked, "database.sslkey"),
        channel_binding: match word(checked, "database.channelBinding").as_str() {
            "disable" => ChannelBinding::Disable,
            "require" => ChannelBinding::Require,
            _ => ChannelBinding::Prefer,
        },
    };
    if tls.client_certificate.is_some() != tls.client_key.is_some() {
        findings.mistake("database.sslcert: needs database.sslkey, and the other way round; set both or none");
    }
    if host.starts_with('/') && matches!(mode, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) {
        findings.mistake("database.sslmode: a Unix socket has no TLS; set it to disable or prefer");
    }
    Some(Database {
        host: host.to_owned(),
        port: u16::try_from(number(checked, "database.port")).unwrap_or_default(),
        user: checked.value("database.user")?.to_owned(),
        password: optional(checked, "database.password").map(Secret::new),
        dbname: checked.value("database.dbname")?.to_owned(),
        tls,
        connect_timeout: millis(checked, "database.connection.timeout.ms"),
        tcp_keepalive: flag(checked, "database.tcpKeepAlive"),
    })
}

fn slot(checked: &Checked, findings: &mut Findings) -> Slot {
    Slot {
        name: checked.value("slot.name").unwrap_or_default().to_owned(),
        drop_on_stop: flag(checked, "slot.drop.on.stop"),
        failover: flag(checked, "slot.failover"),
        stream_params: stream_params(checked.value("slot.stream.params").unwrap_or_default(), findings),
    }
}

/// `k=v;k=v`. Debezium drops an element without exactly one `=`, with a warning; so does this.
fn stream_params(text: &str, findings: &mut Findings) -> Vec<(String, String)> {
    const NAME: &str = "slot.stream.params";
    let mut params: Vec<(String, String)> = Vec::new();
    for element in text.split(';').map(str::trim).filter(|element| !element.is_empty()) {
        let Some((name, value)) = element.split_once('=').filter(|(_, value)| !value.contains('=')) else {
            findings.warn(NAME, format!("{element:?} is not name=value and is left out"));
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        match name {
            "proto_version" | "publication_names" | "messages" | "binary" | "streaming" | "two_phase" => {
                findings.mistake(format!("{NAME}: {name} is chosen by walcast; remove it"));
            }
            _ if params.iter().any(|(known, _)| known == name) => {
                findings.mistake(format!("{NAME}: {name} stands twice"));
            }
            _ if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                findings.mistake(format!("{NAME}: {name:?} is not the name of an option"));
            }
            _ => params.push((name.to_owned(), value.to_owned())),
        }
    }
    params
}

fn publication(checked: &Checked) -> Publication {
    Publication {
        name: checked.value("publication.name").unwrap_or_default().to_owned(),
        autocreate: match word(checked, "publication.autocreate.mode").as_str() {
            "disabled" => Autocreate::Disabled,
            "filtered" => Autocreate::Filtered,
            "no_tables" => Autocreate::NoTables,
            _ => Autocreate::AllTables,
        },
        via_partition_root: flag(checked, "publish.via.partition.root"),
    }
}

fn capture(checked: &Checked) -> Capture {
    let list = |name| pattern::split(checked.value(name).unwrap_or_default());
    Capture {
        schema_include: list("schema.include.list"),
        schema_exclude: list("schema.exclude.list"),
        table_include: list("table.include.list"),
        table_exclude: list("table.exclude.list"),
    }
}

fn records(checked: &Checked, findings: &mut Findings) -> Option<Records> {
    let skipped = word(checked, "skipped.operations");
    let has = |operation| skipped.split(',').any(|word| word.trim() == operation);
    Some(Records {
        tombstones_on_delete: flag(checked, "tombstones.on.delete"),
        context_headers: flag(checked, "extended.headers.enabled"),
        unavailable_placeholder: placeholder(checked.value("unavailable.value.placeholder")?)?,
        topic_delimiter: checked.value("topic.delimiter")?.to_owned(),
        naming: naming::naming(checked, findings),
        transactions: others::transactions(checked),
        messages: others::messages(checked),
        heartbeat: others::heartbeat(checked, findings),
        skipped: SkippedOperations { create: has("c"), update: has("u"), delete: has("d"), truncate: has("t") },
        unrepresentable: match word(checked, "event.converting.failure.handling.mode").as_str() {
            "fail" => Unrepresentable::Stops,
            _ => Unrepresentable::BecomesNull,
        },
        decimals: match word(checked, "decimal.handling.mode").as_str() {
            "double" => DecimalHandling::Double,
            "string" => DecimalHandling::String,
            _ => DecimalHandling::Precise,
        },
        times: match word(checked, "time.precision.mode").as_str() {
            "adaptive_time_microseconds" => TimePrecision::AdaptiveTimeMicroseconds,
            "connect" => TimePrecision::Connect,
            "isostring" => TimePrecision::IsoString,
            "microseconds" => TimePrecision::Microseconds,
            "nanoseconds" => TimePrecision::Nanoseconds,
            _ => TimePrecision::Adaptive,
        },
        binary: match word(checked, "binary.handling.mode").as_str() {
            "base64" => BinaryHandling::Base64,
            "base64-url-safe" => BinaryHandling::Base64UrlSafe,
            "hex" => BinaryHandling::Hex,
            _ => BinaryHandling::Bytes,
        },
        intervals: match word(checked, "interval.handling.mode").as_str() {
            "string" => IntervalHandling::String,
            _ => IntervalHandling::Numeric,
        },
        hstore: match word(checked, "hstore.handling.mode").as_str() {
            "map" => HstoreHandling::Map,
            _ => HstoreHandling::Json,
        },
        money_fraction_digits: i16::try_from(number(checked, "money.fraction.digits")).unwrap_or_default(),
        unknown_types: match flag(checked, "include.unknown.datatypes") {
            true => UnknownTypes::AsBytes,
            false => UnknownTypes::LeftOut,
        },
        schema_names: name_adjustment(checked, "schema.name.adjustment.mode"),
        field_names: name_adjustment(checked, "field.name.adjustment.mode"),
        key_converter: converters::key(checked),
        value_converter: converters::value(checked),
        columns: columns::columns(checked, findings),
        walcast_headers: history::headers(checked),
        notification_topic: notifications::topic(checked),
        header_converter: converters::header(checked),
    })
}

fn name_adjustment(checked: &Checked, name: &str) -> NameAdjustment {
    match word(checked, name).as_str() {
        "avro" => NameAdjustment::Avro,
        "avro_unicode" => NameAdjustment::AvroUnicode,
        _ => NameAdjustment::None,
    }
}

/// `unavailable.value.placeholder`: the text itself, or `hex:` and the bytes of a UTF-8 text.
pub(super) fn placeholder(value: &str) -> Option<String> {
    let Some(hex) = value.strip_prefix("hex:") else {
        return Some(value.to_owned());
    };
    let digits: Option<Vec<u8>> =
        hex.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    String::from_utf8(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()).ok()
}

/// The producer's settings under the names they were given: the sink, which knows its client, translates and checks
/// them before it opens.
pub(super) fn producer(checked: &Checked) -> Vec<(String, Secret)> {
    checked
        .under("producer.override.")
        // Told apart from the rest by `kafka`.
        .filter(|(name, _)| *name != "bootstrap.servers")
        .map(|(name, setting)| (name.to_owned(), Secret::new(setting.value.trim())))
        .collect()
}

fn kafka(checked: &Checked, brokers: Brokers, findings: &mut Findings) -> Kafka {
    // Connect lets a connector override the worker's brokers.
    let overridden = checked.under("producer.override.").find(|(name, _)| *name == "bootstrap.servers");
    let bootstrap_servers = checked
        .value("bootstrap.servers")
        .or(overridden.map(|(_, setting)| setting.value.as_str()))
        .unwrap_or_default()
        .to_owned();
    if bootstrap_servers.is_empty() && brokers == Brokers::Required && !findings.is_reported("bootstrap.servers") {
        findings.mistake(
            "bootstrap.servers: is missing; a Connect worker knows its brokers, walcast must be told: set it in the file or \
             give --bootstrap-servers",
        );
    }
    let queue_bytes = u64::try_from(number(checked, "max.queue.size.in.bytes")).unwrap_or_default();
    Kafka {
        bootstrap_servers,
        producer: producer(checked),
        topic_creation: topic_creation(checked, findings),
        queue_bytes_max: if queue_bytes == 0 { QUEUE_BYTES_DEFAULT } else { queue_bytes },
    }
}

/// Kafka Connect's `TopicCreationConfig` for the default group.
fn topic_creation(checked: &Checked, findings: &mut Findings) -> Option<TopicCreation> {
    let mut creation = TopicCreation { partitions: -1, replication_factor: -1, config: Vec::new() };
    let mut any = false;
    for (name, setting) in checked.under("topic.creation.default.") {
        any = true;
        let value = setting.value.trim();
        let mut count = |max: i32| match value.parse::<i32>() {
            Ok(count) if count == -1 || (1..=max).contains(&count) => count,
            _ => {
                let shown = super::findings::shown(value, setting.secret);
                findings.mistake(format!(
                    "{} = {shown}{}: must be from 1 to {max}, or -1 for the broker's default",
                    setting.name, setting.place
                ));
                -1
            }
        };
        match name {
            "partitions" => creation.partitions = count(i32::MAX),
            "replication.factor" => creation.replication_factor = count(i32::from(i16::MAX)),
            "include" | "exclude" => findings
                .mistake(format!("{}{}: the default group takes every topic; remove it", setting.name, setting.place)),
            _ => creation.config.push((name.to_owned(), value.to_owned())),
        }
    }
    any.then_some(creation)
}

fn retries(checked: &Checked, findings: &mut Findings) -> Retries {
    let delay_max = millis(checked, "errors.retry.delay.max.ms");
    let explicit = checked.explicit("retriable.restart.connector.wait.ms").is_some();
    let wanted = if explicit { millis(checked, "retriable.restart.connector.wait.ms") } else { RETRY_DELAY_DEFAULT };
    if explicit && wanted > delay_max {
        findings.warn(
            "retriable.restart.connector.wait.ms",
            format!("is longer than errors.retry.delay.max.ms; {} ms is used", delay_max.as_millis()),
        );
    }
    Retries {
        max: u32::try_from(number(checked, "errors.max.retries")).ok(),
        delay_min: wanted.max(RETRY_DELAY_MIN).min(delay_max),
        delay_max,
    }
}
