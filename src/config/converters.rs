//! Converters: what they are set to, taken together.
//!
//! Owns the typed form of `key.converter` and `value.converter` with their settings. Kafka's `JsonConverter` writes schemas unless it is told not to, so that leaving
//! `schemas.enable` out is not the same as setting it to false; walcast without any converter writes none.

use super::check::Checked;
use super::model::{
    AvroConverter, Converter, DecimalFormat, HeaderConverter, JsonConverter, JsonSchemas, NullForm, SchemaMetadata,
    SubjectNames,
};

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const DEBEZIUM_BYTES: &str = "io.debezium.converters.ByteArrayConverter";
const DEBEZIUM_BINARY: &str = "io.debezium.converters.BinaryDataConverter";
const SIMPLE_HEADERS: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";
const CONFLUENT_AVRO: &str = "io.confluent.connect.avro.AvroConverter";
const APICURIO_AVRO: &str = "io.apicurio.registry.utils.converter.AvroConverter";

/// What writes keys.
pub(super) fn key(checked: &Checked) -> Converter {
    converter(checked, "key.converter")
}

/// What writes values.
pub(super) fn value(checked: &Checked) -> Converter {
    converter(checked, "value.converter")
}

/// The classes of converters that walcast knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Json,
    Java,
    ConfluentAvro,
    ApicurioAvro,
}

/// The class that a converter is set to; `None` where it is not set.
pub(super) fn class(checked: &Checked, name: &str) -> Option<Class> {
    match checked.explicit(name)?.trim() {
        "" => None,
        CONFLUENT_AVRO => Some(Class::ConfluentAvro),
        APICURIO_AVRO => Some(Class::ApicurioAvro),
        STRING => Some(Class::Java),
        _ => Some(Class::Json),
    }
}

/// Refuses a class that is no converter of walcast's, with what to use in its place.
pub(super) fn check_class(class: &str) -> Result<(), String> {
    let class = class.trim();
    match class {
        "" | JSON | STRING | CONFLUENT_AVRO | APICURIO_AVRO => Ok(()),
        BYTES | DEBEZIUM_BYTES | DEBEZIUM_BINARY => Err(format!(
            "takes bytes only, and Debezium's records are structs, so that Kafka Connect fails at the first one; use \
             {JSON}, {CONFLUENT_AVRO}, {APICURIO_AVRO} or {STRING}"
        )),
        _ => Err(format!("is not there; use {JSON}, {CONFLUENT_AVRO}, {APICURIO_AVRO} or {STRING}")),
    }
}

fn converter(checked: &Checked, name: &str) -> Converter {
    match class(checked, name) {
        Some(Class::ConfluentAvro | Class::ApicurioAvro) => Converter::Avro(avro(checked, name)),
        Some(Class::Java) => Converter::Java,
        Some(Class::Json) | None => Converter::Json(json(checked, name)),
    }
}

fn json(checked: &Checked, name: &str) -> JsonConverter {
    let is = |setting: &str, word: &str| is(checked, name, setting, word);
    let given = checked.explicit(name).is_some_and(|class| !class.is_empty());
    let schemas = is("schemas.enable", "true") || (given && !is("schemas.enable", "false"));
    JsonConverter {
        schemas: if schemas { JsonSchemas::InEachRecord } else { JsonSchemas::Absent },
        decimals: if is("decimal.format", "numeric") { DecimalFormat::Numeric } else { DecimalFormat::Base64 },
        nulls: if is("replace.null.with.default", "false") { NullForm::Null } else { NullForm::Default },
    }
}

/// What writes headers.
pub(super) fn header(checked: &Checked) -> HeaderConverter {
    const NAME: &str = "header.converter";
    match checked.explicit(NAME).unwrap_or_default().trim() {
        JSON => HeaderConverter::Json(json(checked, NAME)),
        STRING => HeaderConverter::Java,
        _ => HeaderConverter::Simple,
    }
}

/// Refuses a class that is no header converter of walcast's, with what to use in its place.
pub(super) fn check_header_class(class: &str) -> Result<(), String> {
    match class.trim() {
        "" | JSON | STRING | SIMPLE_HEADERS => Ok(()),
        BYTES => Err(format!("takes bytes only, and Debezium's headers are texts and structs; use {SIMPLE_HEADERS}")),
        _ => Err(format!("is not there; use {SIMPLE_HEADERS}, {STRING} or {JSON}")),
    }
}

fn avro(checked: &Checked, name: &str) -> AvroConverter {
    let is = |setting: &str, word: &str| is(checked, name, setting, word);
    let side = name.split('.').next().unwrap_or_default();
    let strategy = match class(checked, name) {
        Some(Class::ApicurioAvro) => format!("{name}.apicurio.registry.artifact-resolver-strategy"),
        _ => format!("{name}.{side}.subject.name.strategy"),
    };
    let strategy = checked.value(&strategy).unwrap_or_default().rsplit('.').next().unwrap_or_default();
    AvroConverter {
        subjects: match strategy {
            "RecordNameStrategy" | "QualifiedRecordIdStrategy" => SubjectNames::Record,
            "TopicRecordNameStrategy" => SubjectNames::TopicRecord,
            "SimpleTopicIdStrategy" => SubjectNames::TopicAlone,
            _ => SubjectNames::Topic,
        },
        metadata: if is("connect.meta.data", "false") { SchemaMetadata::LeftOut } else { SchemaMetadata::Kept },
        nulls: if is("ignore.default.for.nullables", "true") { NullForm::Null } else { NullForm::Default },
    }
}

/// Whether a converter's setting is a word.
fn is(checked: &Checked, name: &str, setting: &str, word: &str) -> bool {
    checked.value(&format!("{name}.{setting}")).is_some_and(|value| value.trim().eq_ignore_ascii_case(word))
}
