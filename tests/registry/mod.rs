//! Schema registries, real ones and doubles: Avro end to end, failures, credentials, the other converters.

mod avro;
mod scene;
