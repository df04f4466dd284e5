//! The typed configuration that every other room takes.
//!
//! Owns [`Connector`] and its parts: plain data, already validated. Must never parse anything; that is `build`'s.

use std::time::Duration;

use super::columns::Columns;
use super::history::{SchemaHistory, WalcastHeader};
use super::naming::Naming;
use super::notifications::Notifications;
use super::others::{FailureHandling, Heartbeat, MessagePrefixes, TransactionMetadata};
use super::registry::Registries;
use super::secret::Secret;
use super::snapshot::Snapshot;
use super::transfer::BinaryTransfer;

/// One connector, validated: everything the pipeline needs to know.
#[derive(Clone, Debug)]
pub struct Connector {
    /// `name`
    pub name: String,
    /// `topic.prefix`
    pub topic_prefix: String,
    /// `database.*`
    pub database: Database,
    /// `slot.*`
    pub slot: Slot,
    /// `publication.*`
    pub publication: Publication,
    /// Include and exclude lists.
    pub capture: Capture,
    /// `snapshot.*`
    pub snapshot: Snapshot,
    /// `notification.*`
    pub notifications: Notifications,
    /// What records look like.
    pub records: Records,
    /// `walcast.schema.history.*`
    pub schema_history: SchemaHistory,
    /// Where schemas are registered.
    pub registries: Registries,
    /// The brokers and the producer.
    pub kafka: Kafka,
    /// `errors.*`
    pub retries: Retries,
    /// `status.update.interval.ms`
    pub status_interval: Duration,
    /// `walcast.binary`
    pub binary: BinaryTransfer,
    /// `event.processing.failure.handling.mode`
    pub failures: FailureHandling,
}

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct Database {
    /// Host name, IPv4 or IPv6 address, or a directory with the server's Unix socket (starts with `/`).
    pub host: String,
    /// TCP port, or the number in the Unix socket's name.
    pub port: u16,
    /// Role.
    pub user: String,
    /// Password, where there is one.
    pub password: Option<Secret>,
    /// Database name.
    pub dbname: String,
    /// TLS.
    pub tls: Tls,
    /// `database.connection.timeout.ms`, for the connection and its authentication.
    pub connect_timeout: Duration,
    /// `database.tcpKeepAlive`
    pub tcp_keepalive: bool,
}

/// TLS towards PostgreSQL.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// `database.sslmode`
    pub mode: SslMode,
    /// `database.sslrootcert`: PEM file that alone is trusted; the system's roots where absent.
    pub root_certificate: Option<String>,
    /// `database.sslcert`: PEM file of the client certificate chain.
    pub client_certificate: Option<String>,
    /// `database.sslkey`: PEM file (or PKCS#8 DER) of the client key.
    pub client_key: Option<String>,
    /// `database.channelBinding`
    pub channel_binding: ChannelBinding,
}

/// libpq's `sslmode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SslMode {
    /// Plain text only.
    Disable,
    /// TLS where the server offers it, unverified.
    #[default]
    Prefer,
    /// TLS or nothing; unverified unless a root certificate is given (then as `VerifyCa`).
    Require,
    /// The chain must end in a trusted root.
    VerifyCa,
    /// And the certificate must name the host.
    VerifyFull,
}

/// libpq's `channel_binding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where TLS and the server offer it.
    #[default]
    Prefer,
    /// Or no connection.
    Require,
}

/// The replication slot.
#[derive(Clone, Debug)]
pub struct Slot {
    /// `slot.name`
    pub name: String,
    /// `slot.drop.on.stop`
    pub drop_on_stop: bool,
    /// `slot.failover`
    pub failover: bool,
    /// `slot.stream.params`, checked pairs.
    pub stream_params: Vec<(String, String)>,
}

/// The publication.
#[derive(Clone, Debug)]
pub struct Publication {
    /// `publication.name`
    pub name: String,
    /// `publication.autocreate.mode`
    pub autocreate: Autocreate,
    /// `publish.via.partition.root`
    pub via_partition_root: bool,
}

/// `publication.autocreate.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autocreate {
    /// Create it FOR ALL TABLES where absent.
    AllTables,
    /// It must exist.
    Disabled,
    /// Create or change it to hold just the captured tables.
    Filtered,
    /// Create it empty where absent.
    NoTables,
}

/// Which tables are captured: Debezium's anchored, case-insensitive expressions.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// `schema.include.list`
    pub schema_include: Vec<String>,
    /// `schema.exclude.list`
    pub schema_exclude: Vec<String>,
    /// `table.include.list`, matched against `schema.table`
    pub table_include: Vec<String>,
    /// `table.exclude.list`
    pub table_exclude: Vec<String>,
}

/// What records look like.
#[derive(Clone, Debug)]
pub struct Records {
    /// `tombstones.on.delete`
    pub tombstones_on_delete: bool,
    /// `extended.headers.enabled`
    pub context_headers: bool,
    /// `unavailable.value.placeholder`
    pub unavailable_placeholder: String,
    /// `topic.delimiter`
    pub topic_delimiter: String,
    /// `topic.naming.strategy` and the names of the topics that are no table's.
    pub naming: Naming,
    /// `provide.transaction.metadata`
    pub transactions: TransactionMetadata,
    /// `message.prefix.*`
    pub messages: MessagePrefixes,
    /// `heartbeat.interval.ms` and `heartbeat.action.query`; `None` where there are no heartbeats.
    pub heartbeat: Option<Heartbeat>,
    /// `skipped.operations`, as a set.
    pub skipped: SkippedOperations,
    /// `event.converting.failure.handling.mode`
    pub unrepresentable: Unrepresentable,
    /// `decimal.handling.mode`
    pub decimals: DecimalHandling,
    /// `time.precision.mode`
    pub times: TimePrecision,
    /// `binary.handling.mode`
    pub binary: BinaryHandling,
    /// `interval.handling.mode`
    pub intervals: IntervalHandling,
    /// `hstore.handling.mode`
    pub hstore: HstoreHandling,
    /// `money.fraction.digits`
    pub money_fraction_digits: i16,
    /// `include.unknown.datatypes`
    pub unknown_types: UnknownTypes,
    /// `schema.name.adjustment.mode`
    pub schema_names: NameAdjustment,
    /// `field.name.adjustment.mode`
    pub field_names: NameAdjustment,
    /// `key.converter`
    pub key_converter: Converter,
    /// `value.converter`
    pub value_converter: Converter,
    /// What is done with columns, and which make keys.
    pub columns: Columns,
    /// `notification.sink.topic.name`, where notifications are records
    pub notification_topic: Option<String>,
    /// `walcast.headers`
    pub walcast_headers: Vec<WalcastHeader>,
    /// `header.converter`
    pub header_converter: HeaderConverter,
}

impl Default for Records {
    /// Debezium's defaults, in JSON without schema.
    fn default() -> Self {
        Self {
            tombstones_on_delete: true,
            context_headers: true,
            unavailable_placeholder: "__debezium_unavailable_value".to_owned(),
            topic_delimiter: ".".to_owned(),
            naming: Naming::default(),
            transactions: TransactionMetadata::LeftOut,
            messages: MessagePrefixes::default(),
            heartbeat: None,
            skipped: SkippedOperations { create: false, update: false, delete: false, truncate: true },
            unrepresentable: Unrepresentable::BecomesNull,
            decimals: DecimalHandling::Precise,
            times: TimePrecision::Adaptive,
            binary: BinaryHandling::Bytes,
            intervals: IntervalHandling::Numeric,
            hstore: HstoreHandling::Json,
            money_fraction_digits: 2,
            unknown_types: UnknownTypes::LeftOut,
            schema_names: NameAdjustment::None,
            field_names: NameAdjustment::None,
            key_converter: Converter::default(),
            value_converter: Converter::default(),
            columns: Columns::default(),
            walcast_headers: Vec::new(),
            notification_topic: None,
            header_converter: HeaderConverter::Simple,
        }
    }
}

/// `decimal.handling.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalHandling {
    /// Exact, as bytes.
    Precise,
    /// The nearest double.
    Double,
    /// Decimal text.
    String,
}

/// `time.precision.mode`, those that work today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePrecision {
    /// Milliseconds up to three declared digits, else microseconds.
    Adaptive,
    /// The same, but times of day always in microseconds.
    AdaptiveTimeMicroseconds,
    /// Connect's own types, in milliseconds.
    Connect,
    /// ISO 8601 texts.
    IsoString,
    /// Always microseconds.
    Microseconds,
    /// Always nanoseconds.
    Nanoseconds,
}

/// `binary.handling.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryHandling {
    /// As bytes.
    Bytes,
    /// As base64 text.
    Base64,
    /// As base64 text with the alphabet for URLs.
    Base64UrlSafe,
    /// As hexadecimal text.
    Hex,
}

/// `interval.handling.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalHandling {
    /// Microseconds, months being of 30.4375 days.
    Numeric,
    /// ISO 8601 text.
    String,
}

/// `hstore.handling.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HstoreHandling {
    /// A JSON text.
    Json,
    /// A map.
    Map,
}

/// `include.unknown.datatypes`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownTypes {
    /// Columns of types that Debezium has no schema for are left out.
    LeftOut,
    /// Their text is written as `bytea` is.
    AsBytes,
}

/// `schema.name.adjustment.mode` and `field.name.adjustment.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameAdjustment {
    /// Names stay as they are.
    None,
    /// What Avro does not take becomes an underscore.
    Avro,
    /// It becomes `_u` and its code.
    AvroUnicode,
}

/// What writes record keys or values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Converter {
    /// `org.apache.kafka.connect.json.JsonConverter`
    Json(JsonConverter),
    /// `io.confluent.connect.avro.AvroConverter`, and Apicurio's in the same form.
    Avro(AvroConverter),
    /// `org.apache.kafka.connect.storage.StringConverter`: what Java prints.
    Java,
}

/// What writes record headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderConverter {
    /// `org.apache.kafka.connect.storage.SimpleHeaderConverter`
    Simple,
    /// `org.apache.kafka.connect.storage.StringConverter`
    Java,
    /// `org.apache.kafka.connect.json.JsonConverter`
    Json(JsonConverter),
}

/// Settings of `AvroConverter` that change what is written or what its schemas are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvroConverter {
    /// `key.subject.name.strategy` or `value.subject.name.strategy`; `apicurio.registry.artifact-resolver-strategy`
    pub subjects: SubjectNames,
    /// `connect.meta.data`
    pub metadata: SchemaMetadata,
    /// `ignore.default.for.nullables`
    pub nulls: NullForm,
}

impl Default for AvroConverter {
    fn default() -> Self {
        Self { subjects: SubjectNames::Topic, metadata: SchemaMetadata::Kept, nulls: NullForm::Default }
    }
}

/// What schemas are registered under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectNames {
    /// The topic and `-key` or `-value`: Confluent's `TopicNameStrategy`, Apicurio's `TopicIdStrategy`.
    Topic,
    /// The topic alone: Apicurio's `SimpleTopicIdStrategy`.
    TopicAlone,
    /// The record's full name: `RecordNameStrategy`, `QualifiedRecordIdStrategy`.
    Record,
    /// The topic, `-` and the record's full name: `TopicRecordNameStrategy`.
    TopicRecord,
}

/// `connect.meta.data`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaMetadata {
    /// What Avro has no words for stands in members beginning with `connect.`.
    Kept,
    /// It is left out.
    LeftOut,
}

impl Default for Converter {
    /// JSON without schema, everything else as Kafka has it.
    fn default() -> Self {
        let decimals = DecimalFormat::Base64;
        Self::Json(JsonConverter { schemas: JsonSchemas::Absent, decimals, nulls: NullForm::Default })
    }
}

/// Settings of `JsonConverter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonConverter {
    /// `schemas.enable`
    pub schemas: JsonSchemas,
    /// `decimal.format`
    pub decimals: DecimalFormat,
    /// `replace.null.with.default`
    pub nulls: NullForm,
}

/// `schemas.enable`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonSchemas {
    /// Each record is its payload.
    Absent,
    /// Each record carries its schema.
    InEachRecord,
}

/// `decimal.format`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalFormat {
    /// The unscaled number's bytes in base64.
    Base64,
    /// A JSON number.
    Numeric,
}

/// `replace.null.with.default`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullForm {
    /// A null is written as its field's default, where there is one.
    Default,
    /// A null is written as null.
    Null,
}

/// What becomes of a value that its column's type in records cannot hold, such as a numeric NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrepresentable {
    /// It becomes null, with one warning per column: `warn` and `skip`.
    BecomesNull,
    /// It stops the connector: `fail`.
    Stops,
}

/// `skipped.operations`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of four independent operations")]
pub struct SkippedOperations {
    /// `c`
    pub create: bool,
    /// `u`
    pub update: bool,
    /// `d`
    pub delete: bool,
    /// `t`
    pub truncate: bool,
}

/// The brokers, the producer and the topics.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// `bootstrap.servers`
    pub bootstrap_servers: String,
    /// `producer.override.*` without the prefix, for the sink to translate and check. Values may be secrets.
    pub producer: Vec<(String, Secret)>,
    /// `topic.creation.default.*`
    pub topic_creation: Option<TopicCreation>,
    /// `max.queue.size.in.bytes`: records taken and not yet held by the brokers.
    pub queue_bytes_max: u64,
}

/// How topics are created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicCreation {
    /// `topic.creation.default.partitions`; -1 is the broker's default.
    pub partitions: i32,
    /// `topic.creation.default.replication.factor`; -1 is the broker's default.
    pub replication_factor: i32,
    /// Every other `topic.creation.default.*`, as topic configuration.
    pub config: Vec<(String, String)>,
}

/// When to give up.
#[derive(Clone, Debug)]
pub struct Retries {
    /// `errors.max.retries`; `None` retries for ever.
    pub max: Option<u32>,
    /// First wait of the back-off.
    pub delay_min: Duration,
    /// `errors.retry.delay.max.ms`: longest wait of the back-off.
    pub delay_max: Duration,
}
