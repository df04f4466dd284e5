//! Settings of the converters that write Avro: Confluent's `AvroConverterConfig` with its registry client, and those of
//! Apicurio's converter. Each stands once below `key.converter.` and once below `value.converter.`.

use super::super::property::{Prefix, Property, ValueType};

const RETRIED_FOR_EVER: &str = "a registry that does not answer is tried again as errors.max.retries says";
const NOT_CACHED: &str = "a schema's number is asked for once for each version of a table";
const NOT_NEEDED: &str = "no schema of Debezium's has anything that it would change";
const TLS_VERSIONS: &str = "TLS 1.3 and 1.2 are spoken";

const SUBJECT_STRATEGIES: &[&str] = &["TopicNameStrategy", "RecordNameStrategy", "TopicRecordNameStrategy"];
const ARTIFACT_STRATEGIES: &[&str] = &["TopicIdStrategy", "SimpleTopicIdStrategy", "QualifiedRecordIdStrategy"];
const CREDENTIAL_SOURCES: &[&str] = &["URL", "USER_INFO", "SASL_INHERIT"];
const PREFIXED_IDS: &[&str] = &["io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer"];

macro_rules! settings {
    ($side:literal) => {
        &[
            Property::new(
                concat!($side, ".converter.schema.registry.url"),
                ValueType::List,
                "Schema registries, \
                one as good as the other",
            )
            .high(),
            Property::bool(
                concat!($side, ".converter.auto.register.schemas"),
                "true",
                "Register schemas that are not \
                there yet",
            ),
            Property::bool(
                concat!($side, ".converter.use.latest.version"),
                "false",
                "Write under the latest schema of \
                the subject; it must have the fields of the table",
            ),
            Property::bool(
                concat!($side, ".converter.latest.compatibility.strict"),
                "true",
                "Whether the latest \
                schema must suit the record",
            )
            .no_effect("the latest schema must have the fields of the table in any case"),
            Property::bool(
                concat!($side, ".converter.normalize.schemas"),
                "false",
                "Have the registry normalise \
                schemas",
            ),
            Property::text(
                concat!($side, ".converter.", $side, ".subject.name.strategy"),
                "What the subjects are called",
            )
            .check(subject_strategy),
            Property::int(
                concat!($side, ".converter.use.schema.id"),
                -1,
                "Number of a schema to write everything under",
            )
            .or("-1")
            .not_yet(&[]),
            Property::text(
                concat!($side, ".converter.", $side, ".schema.id.serializer"),
                "Where the schema's number stands",
            )
            .not_yet(PREFIXED_IDS),
            Property::one_of(
                concat!($side, ".converter.basic.auth.credentials.source"),
                CREDENTIAL_SOURCES,
                "Where user and password for the registry are",
            )
            .or("URL"),
            Property::new(
                concat!($side, ".converter.basic.auth.user.info"),
                ValueType::Password,
                "user:password for the registry",
            )
            .alias(&[concat!($side, ".converter.schema.registry.basic.auth.user.info")]),
            Property::new(
                concat!($side, ".converter.sasl.jaas.config"),
                ValueType::Password,
                "User and password for \
                the registry, where they are inherited from Kafka's",
            ),
            Property::text(
                concat!($side, ".converter.bearer.auth.credentials.source"),
                "Where the token for the \
                registry is",
            )
            .check(token_source),
            Property::new(
                concat!($side, ".converter.bearer.auth.token"),
                ValueType::Password,
                "Token for the registry",
            ),
            Property::int(
                concat!($side, ".converter.http.connect.timeout.ms"),
                1,
                "Longest wait for a connection to \
                the registry, in ms; Confluent's default is 60000",
            )
            .or("10000"),
            Property::int(
                concat!($side, ".converter.http.read.timeout.ms"),
                1,
                "Longest wait for an answer of the \
                registry, in ms; Confluent's default is 60000",
            )
            .or("30000"),
            Property::text(concat!($side, ".converter.proxy.host"), "HTTP proxy before the registry").not_yet(&[]),
            Property::text(concat!($side, ".converter.proxy.port"), "Port of the HTTP proxy").not_yet(&["-1"]),
            Property::text(concat!($side, ".converter.max.retries"), "Tries of one request")
                .no_effect(RETRIED_FOR_EVER),
            Property::text(concat!($side, ".converter.retries.wait.ms"), "Wait between two tries")
                .no_effect(RETRIED_FOR_EVER),
            Property::text(concat!($side, ".converter.retries.max.wait.ms"), "Longest wait between two tries")
                .no_effect(RETRIED_FOR_EVER),
            Property::text(concat!($side, ".converter.max.schemas.per.subject"), "Size of a cache")
                .no_effect(NOT_CACHED),
            Property::text(concat!($side, ".converter.schemas.cache.config"), "Size of a cache")
                .alias(&[concat!($side, ".converter.schemas.cache.size")])
                .no_effect(NOT_CACHED),
            Property::text(concat!($side, ".converter.schema.registry.ssl.truststore.type"), "Form of what is trusted"),
            Property::text(
                concat!($side, ".converter.schema.registry.ssl.truststore.location"),
                "PEM file of the \
                authorities that are trusted; the system's where absent",
            ),
            Property::new(
                concat!($side, ".converter.schema.registry.ssl.truststore.password"),
                ValueType::Password,
                "Password of what is trusted",
            )
            .no_effect("PEM files have none"),
            Property::text(
                concat!($side, ".converter.schema.registry.ssl.truststore.certificates"),
                "The authorities \
                that are trusted, as PEM text",
            ),
            Property::text(concat!($side, ".converter.schema.registry.ssl.keystore.type"), "Form of the client's key"),
            Property::text(
                concat!($side, ".converter.schema.registry.ssl.keystore.location"),
                "PEM file of the \
                client's key and certificates",
            ),
            Property::new(
                concat!($side, ".converter.schema.registry.ssl.keystore.password"),
                ValueType::Password,
                "Password of the client's key store",
            )
            .no_effect("PEM files have none"),
            Property::new(
                concat!($side, ".converter.schema.registry.ssl.keystore.key"),
                ValueType::Password,
                "The client's key, as PEM text",
            ),
            Property::text(
                concat!($side, ".converter.schema.registry.ssl.keystore.certificate.chain"),
                "The client's \
                certificates, as PEM text",
            ),
            Property::new(
                concat!($side, ".converter.schema.registry.ssl.key.password"),
                ValueType::Password,
                "Password of the client's key",
            )
            .not_yet(&[]),
            Property::one_of(
                concat!($side, ".converter.schema.registry.ssl.endpoint.identification.algorithm"),
                &["https"],
                "Whether the registry's certificate must name its host",
            )
            .or("https"),
            Property::text(concat!($side, ".converter.schema.registry.ssl.protocol"), "Version of TLS")
                .no_effect(TLS_VERSIONS),
            Property::text(concat!($side, ".converter.schema.registry.ssl.enabled.protocols"), "Versions of TLS")
                .no_effect(TLS_VERSIONS),
            Property::bool(
                concat!($side, ".converter.connect.meta.data"),
                "true",
                "Whether schemas keep what Avro has \
                no words for",
            ),
            Property::bool(
                concat!($side, ".converter.ignore.default.for.nullables"),
                "false",
                "Whether a null stays \
                null in a field with a default",
            ),
            Property::bool(
                concat!($side, ".converter.enhanced.avro.schema.support"),
                "false",
                "Keep enums and \
                namespaces of Avro",
            )
            .no_effect(NOT_NEEDED),
            Property::bool(
                concat!($side, ".converter.allow.optional.map.keys"),
                "false",
                "Maps whose keys may be null",
            )
            .no_effect(NOT_NEEDED),
            Property::bool(
                concat!($side, ".converter.generalized.sum.type.support"),
                "false",
                "Unions and enums \
                across formats",
            )
            .no_effect(NOT_NEEDED),
            Property::bool(concat!($side, ".converter.flatten.singleton.unions"), "false", "Unions of one type")
                .no_effect(NOT_NEEDED),
            Property::bool(
                concat!($side, ".converter.discard.type.doc.default"),
                "false",
                "Leave out some docs and \
                defaults of types",
            )
            .not_yet(&[]),
            Property::bool(
                concat!($side, ".converter.scrub.invalid.names"),
                "false",
                "Make names legal for Avro; \
                schema.name.adjustment.mode=avro does",
            )
            .not_yet(&[]),
            Property::bool(
                concat!($side, ".converter.avro.remove.java.properties"),
                "false",
                "Leave avro.java.string \
                out of schemas",
            )
            .no_effect(NOT_NEEDED),
            Property::new(
                concat!($side, ".converter.apicurio.registry.url"),
                ValueType::List,
                "Apicurio's registries, \
                one as good as the other",
            )
            .high(),
            Property::bool(
                concat!($side, ".converter.apicurio.registry.auto-register"),
                "false",
                "Register schemas \
                that are not there yet",
            ),
            Property::one_of(
                concat!($side, ".converter.apicurio.registry.auto-register.if-exists"),
                &["RETURN_OR_UPDATE", "FIND_OR_CREATE_VERSION"],
                "What to do where the artifact exists",
            )
            .or("RETURN_OR_UPDATE"),
            Property::bool(
                concat!($side, ".converter.apicurio.registry.find-latest"),
                "false",
                "Write under the \
                latest version of the artifact; it must have the fields of the table",
            ),
            Property::new(
                concat!($side, ".converter.apicurio.registry.as-confluent"),
                ValueType::Bool,
                "Whether the \
                schema's number takes four bytes",
            ),
            Property::new(
                concat!($side, ".converter.apicurio.registry.id-handler"),
                ValueType::Class,
                "How the \
                schema's number is written",
            ),
            Property::one_of(
                concat!($side, ".converter.apicurio.registry.use-id"),
                &["globalId", "contentId"],
                "Which number of the schema is written",
            ),
            Property::new(
                concat!($side, ".converter.apicurio.registry.headers.enabled"),
                ValueType::Bool,
                "Whether \
                the schema's number stands in headers",
            ),
            Property::text(
                concat!($side, ".converter.apicurio.registry.artifact-resolver-strategy"),
                "What the \
                artifacts are called",
            )
            .check(artifact_strategy),
            Property::text(concat!($side, ".converter.apicurio.registry.artifact.group-id"), "Group of the artifacts")
                .or("default"),
            Property::text(concat!($side, ".converter.apicurio.registry.artifact.artifact-id"), "The one artifact")
                .not_yet(&[]),
            Property::text(
                concat!($side, ".converter.apicurio.registry.artifact.version"),
                "Version of the one artifact",
            )
            .not_yet(&[]),
            Property::text(concat!($side, ".converter.apicurio.auth.username"), "User at the registry")
                .alias(&[concat!($side, ".converter.apicurio.registry.auth.username")]),
            Property::new(
                concat!($side, ".converter.apicurio.auth.password"),
                ValueType::Password,
                "Password at the registry",
            )
            .alias(&[concat!($side, ".converter.apicurio.registry.auth.password")]),
            Property::text(concat!($side, ".converter.apicurio.auth.client.id"), "Client for OAuth")
                .alias(&[concat!($side, ".converter.apicurio.registry.auth.client.id")])
                .not_yet(&[]),
            Property::text(concat!($side, ".converter.apicurio.auth.service.token.endpoint"), "Where tokens come from")
                .alias(&[concat!($side, ".converter.apicurio.registry.auth.service.token.endpoint")])
                .not_yet(&[]),
            Property::text(concat!($side, ".converter.apicurio.auth.service.url"), "Where tokens come from")
                .not_yet(&[]),
            Property::text(
                concat!($side, ".converter.apicurio.registry.request.ssl.truststore.type"),
                "Form of what \
                is trusted",
            ),
            Property::text(
                concat!($side, ".converter.apicurio.registry.request.ssl.truststore.location"),
                "PEM file \
                of the authorities that are trusted; the system's where absent",
            ),
            Property::text(
                concat!($side, ".converter.apicurio.registry.request.ssl.keystore.type"),
                "Form of the \
                client's key",
            ),
            Property::text(
                concat!($side, ".converter.apicurio.registry.request.ssl.keystore.location"),
                "PEM file of \
                the client's key and certificates",
            ),
            Property::new(
                concat!($side, ".converter.apicurio.registry.request.ssl.key.password"),
                ValueType::Password,
                "Password of the client's key",
            )
            .not_yet(&[]),
        ]
    };
}

pub(super) static KEY: &[Property] = settings!("key");
pub(super) static VALUE: &[Property] = settings!("value");

pub(super) static PREFIXES: &[Prefix] = &[
    Prefix::implemented("key.converter.request.header.", "Headers of requests to the keys' registry"),
    Prefix::implemented("value.converter.request.header.", "Headers of requests to the values' registry"),
    Prefix::implemented(
        "key.converter.apicurio.registry.request.headers.",
        "Headers of requests to the keys' registry",
    ),
    Prefix::implemented(
        "value.converter.apicurio.registry.request.headers.",
        "Headers of requests to the values' registry",
    ),
];

fn subject_strategy(value: &str) -> Result<(), String> {
    strategy(value, SUBJECT_STRATEGIES)
}

fn artifact_strategy(value: &str) -> Result<(), String> {
    strategy(value, ARTIFACT_STRATEGIES)
}

/// A class by its name, whatever its package: versions differ in that.
fn strategy(value: &str, known: &[&str]) -> Result<(), String> {
    match value.trim().rsplit('.').next().is_some_and(|class| known.contains(&class)) {
        true => Ok(()),
        false => Err(format!("must be one of {}", known.join(", "))),
    }
}

fn token_source(value: &str) -> Result<(), String> {
    match value.trim() {
        "STATIC_TOKEN" => Ok(()),
        _ => Err("must be STATIC_TOKEN, with the token in bearer.auth.token; others are not there".to_owned()),
    }
}
