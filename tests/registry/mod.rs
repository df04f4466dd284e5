//! Schema registries, real ones and doubles: Avro end to end, numbers that stay, failures, credentials.

mod avro;
mod desk;
mod failures;
mod first_records;
mod refusals;
mod scene;
mod settings;
mod tls;
