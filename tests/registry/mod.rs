//! Schema registries, real ones and doubles: Avro end to end, numbers that stay, failures, credentials.

mod avro;
mod desk;
mod failures;
mod refusals;
mod scene;
