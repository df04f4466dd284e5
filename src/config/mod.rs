//! Configuration: the property catalogue, loading, secrets, and the typed form everybody else takes.
//!
//! The way of a configuration: a file (`load`, with `json` and `properties`) and overrides become settings;
//! `provider` fills `${env:..}` and its like in; `check` holds each setting against its `catalogue` entry;
//! `build` makes the typed [`Connector`] of what is left. Every mistake of a file is collected on the way and
//! reported in one [`crate::error::Error`].
//!
//! Invariants: a value that came from a provider, or whose property is a password, appears in no message. A
//! property that would change what records look like and is not built yet is refused, never ignored.
//! Must never talk to a server.

mod build;
pub mod catalogue;
mod check;
mod columns;
mod converters;
mod custom_converters;
mod findings;
mod history;
pub mod jaas;
mod json;
mod load;
mod model;
mod naming;
mod nearest;
mod notifications;
mod others;
pub mod pattern;
mod properties;
mod property;
mod provider;
mod registry;
mod secret;
mod signals;
mod snapshot;
mod transfer;

#[cfg(test)]
mod column_tests;
#[cfg(test)]
mod converter_tests;
#[cfg(test)]
mod tests;

pub use columns::{
    ColumnAction, ColumnFilter, ColumnRule, Columns, Hash, HashAlgorithm, HashForm, KeyColumn, KeyRule, Subject,
};
pub use findings::{Note, Warning};
pub use history::{Keeping, SchemaHistory, WalcastHeader};
pub use load::{Brokers, Loaded, Overrides, ProducerCheck, Source, load, load_text};
pub use model::{
    Autocreate, AvroConverter, BinaryHandling, Capture, ChannelBinding, Connector, Converter, Database, DecimalFormat,
    DecimalHandling, HeaderConverter, HstoreHandling, IntervalHandling, JsonConverter, JsonSchemas, Kafka,
    NameAdjustment, NullForm, Publication, Records, Retries, SchemaMetadata, SkippedOperations, Slot, SslMode,
    SubjectNames, TimePrecision, Tls, TopicCreation, UnknownTypes, Unrepresentable,
};
pub use naming::{KeyField, Naming, Replacement, Strategy};
pub use notifications::Notifications;
pub use others::{FailureHandling, FailureMode, Heartbeat, MessagePrefixes, TransactionMetadata};
pub use property::{Importance, Prefix, Property, State, Validator, ValueType};
pub use registry::{
    ApicurioId, Pem, Registries, Registry, RegistryCredentials, RegistryDialect, RegistryTls, RegistryUrl, SchemaChoice,
};
pub use secret::Secret;
pub use signals::{SignalTopic, Signals, Windows};
pub use snapshot::{Flags, Locking, QueryOverride, Snapshot, SnapshotMode, TableOrder};
pub use transfer::BinaryTransfer;
