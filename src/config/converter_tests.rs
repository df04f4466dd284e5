//! Converters and registries, as connector files have them.

use super::tests::good;
use super::*;
use crate::error::{Error, Kind};

const REQUIRED: &str = "bootstrap.servers=localhost:9092\ndatabase.hostname=localhost\ndatabase.user=u\n\
                        database.dbname=d\ntopic.prefix=p\nplugin.name=pgoutput\nsnapshot.mode=no_data\n";
const CONFLUENT: &str = "io.confluent.connect.avro.AvroConverter";
const APICURIO: &str = "io.apicurio.registry.utils.converter.AvroConverter";
const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
const SECRETS: [&str; 2] = ["s3cret-a", "s3cret-b"];

fn load(more: &[(&str, &str)]) -> Result<Loaded, Error> {
    let set = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let overrides = Overrides { set, ..Overrides::default() };
    load_text("test.properties", REQUIRED, &overrides, &|_| None)
}

/// With a value converter of this class and settings of it.
fn value(class: &str, settings: &[(&str, &str)]) -> Result<Loaded, Error> {
    let names: Vec<String> = settings.iter().map(|(name, _)| format!("value.converter.{name}")).collect();
    let mut more = vec![("value.converter", class)];
    more.extend(names.iter().zip(settings).map(|(name, (_, value))| (name.as_str(), *value)));
    load(&more)
}

fn registry(class: &str, settings: &[(&str, &str)]) -> Registry {
    let loaded = value(class, settings).unwrap_or_else(|error| panic!("{settings:?}: {}", error.report()));
    loaded.connector.registries.value.expect("a registry")
}

#[test]
fn confluents_converter_has_its_defaults() {
    let one = registry(CONFLUENT, &[("schema.registry.url", "http://a:8081, https://b/path/")]);
    let addresses: Vec<_> = one.urls.iter().map(|url| url.address.as_str()).collect();
    assert_eq!(addresses, ["http://a:8081", "https://b/path"]);
    assert_eq!((one.dialect, one.choice, one.normalize), (RegistryDialect::Confluent, SchemaChoice::Register, false));
    assert_eq!((one.credentials, one.tls), (RegistryCredentials::OfUrl, RegistryTls::default()));

    let loaded = value(CONFLUENT, &[("schema.registry.url", "http://a")]).unwrap();
    assert_eq!(loaded.connector.records.value_converter, Converter::Avro(AvroConverter::default()));
    assert!(matches!(loaded.connector.records.key_converter, Converter::Json(_)), "key and value may differ");
    assert!(loaded.connector.registries.key.is_none());
}

#[test]
fn settings_of_confluents_converter_are_taken() {
    let url = ("schema.registry.url", "http://a");
    let choice = |settings: &[(&str, &str)]| registry(CONFLUENT, &[&[url], settings].concat()).choice;
    let off = ("auto.register.schemas", "false");
    assert_eq!(choice(&[off]), SchemaChoice::LookUp);
    assert_eq!(choice(&[off, ("use.latest.version", "true")]), SchemaChoice::Latest);
    assert_eq!(choice(&[("use.latest.version", "true")]), SchemaChoice::Register, "as in Confluent's serializer");
    assert!(registry(CONFLUENT, &[url, ("normalize.schemas", "true")]).normalize);

    let avro = |settings: &[(&str, &str)]| {
        let loaded = value(CONFLUENT, &[&[url], settings].concat()).unwrap();
        let Converter::Avro(avro) = loaded.connector.records.value_converter else { panic!("{settings:?}") };
        avro
    };
    let strategy = "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy";
    assert_eq!(avro(&[("value.subject.name.strategy", strategy)]).subjects, SubjectNames::TopicRecord);
    assert_eq!(avro(&[("value.subject.name.strategy", "RecordNameStrategy")]).subjects, SubjectNames::Record);
    assert_eq!(avro(&[("connect.meta.data", "false")]).metadata, SchemaMetadata::LeftOut);
    assert_eq!(avro(&[("ignore.default.for.nullables", "true")]).nulls, NullForm::Null);

    let pem = "-----BEGIN CERTIFICATE-----";
    let one = registry(
        CONFLUENT,
        &[
            url,
            ("request.header.X-Tenant", "t"),
            ("schema.registry.ssl.truststore.certificates", pem),
            ("schema.registry.ssl.keystore.location", "client.pem"),
        ],
    );
    assert_eq!(one.headers, [("X-Tenant".to_owned(), Secret::new("t"))]);
    assert_eq!(one.tls.trusted, Some(Pem::Text(Secret::new(pem))));
    assert_eq!((&one.tls.key, &one.tls.certificate), (&Some(Pem::File("client.pem".to_owned())), &one.tls.key));
}

#[test]
fn apicurios_converter_speaks_the_interface_of_its_url() {
    let good = [("apicurio.registry.as-confluent", "true"), ("apicurio.registry.headers.enabled", "false")];
    let with =
        |url, more: &[(&str, &str)]| registry(APICURIO, &[&[("apicurio.registry.url", url)], &good[..], more].concat());
    let group = || "default".to_owned();

    let second = with("http://a:8080/apis/registry/v2", &[]);
    assert_eq!(second.dialect, RegistryDialect::ApicurioV2 { id: ApicurioId::Global, group: group() });
    assert_eq!(second.choice, SchemaChoice::LookUp, "auto-register is off unless it is switched on");
    let third = with("http://a:8080/apis/registry/v3/", &[("apicurio.registry.auto-register", "true")]);
    assert_eq!(third.dialect, RegistryDialect::ApicurioV3 { id: ApicurioId::Content, group: group() });
    assert_eq!(third.choice, SchemaChoice::Register);
    let bare = with("http://a:8080", &[("apicurio.registry.use-id", "contentId")]);
    assert_eq!(bare.urls[0].address, "http://a:8080/apis/registry/v2", "as Apicurio's client completes it");
    assert_eq!(bare.dialect, RegistryDialect::ApicurioV2 { id: ApicurioId::Content, group: group() });
    let plain = registry(APICURIO, &[("apicurio.registry.url", "http://a/apis/registry/v3")]);
    assert!(matches!(plain.dialect, RegistryDialect::ApicurioV3 { .. }), "version 3 writes four bytes by itself");
}

#[test]
fn credentials_come_from_where_they_are_said_to_be() {
    let of = |settings: &[(&str, &str)]| registry(CONFLUENT, settings);
    let basic = |text: &str| RegistryCredentials::Basic(Secret::new(text));
    let url = ("schema.registry.url", "http://a");
    let source = |source| ("basic.auth.credentials.source", source);
    assert_eq!(of(&[url, source("USER_INFO"), ("basic.auth.user.info", "u:p:q")]).credentials, basic("u:p:q"));
    let old = ("schema.registry.basic.auth.user.info", "u:p");
    assert_eq!(of(&[url, source("user_info"), old]).credentials, basic("u:p"));
    let jaas = ("sasl.jaas.config", "PlainLoginModule required username=u password=p;");
    assert_eq!(of(&[url, source("SASL_INHERIT"), jaas]).credentials, basic("u:p"));
    let inherited = load(&[
        ("value.converter", CONFLUENT),
        ("value.converter.schema.registry.url", "http://a"),
        ("value.converter.basic.auth.credentials.source", "SASL_INHERIT"),
        ("producer.override.sasl.jaas.config", "PlainLoginModule required username=u password=of-kafka;"),
    ]);
    assert_eq!(inherited.unwrap().connector.registries.value.unwrap().credentials, basic("u:of-kafka"));
    let token = ("bearer.auth.token", "t");
    assert_eq!(of(&[url, token]).credentials, RegistryCredentials::Bearer(Secret::new("t")));
    let in_url = of(&[("schema.registry.url", "http://u:p@a")]);
    assert_eq!((in_url.urls[0].address.as_str(), &in_url.urls[0].user_info), ("http://a", &Some(Secret::new("u:p"))));
}

#[test]
fn what_cannot_be_done_is_refused_with_a_remedy_and_without_a_secret() {
    const URL: (&str, &str) = ("schema.registry.url", "http://u:s3cret-a@a:8081");
    const NATIVE: (&str, &str) = ("apicurio.registry.url", "http://a/apis/registry/v2");
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let table: &[(&str, Pairs<'_>, &[&str])] = &[
        (CONFLUENT, &[], &["value.converter.schema.registry.url", "missing"]),
        (CONFLUENT, &[("schema.registry.url", "u:s3cret-a@a")], &["schema.registry.url", "http://host:port"]),
        (CONFLUENT, &[URL, ("auto.register.schemas", "perhaps")], &["auto.register.schemas", "true or false"]),
        (CONFLUENT, &[URL, ("value.subject.name.strategy", "com.acme.Own")], &["TopicRecordNameStrategy"]),
        (CONFLUENT, &[URL, ("basic.auth.credentials.source", "USER_INFO")], &["basic.auth.user.info", "user:password"]),
        (CONFLUENT, &[URL, ("basic.auth.credentials.source", "NONE")], &["SASL_INHERIT"]),
        (CONFLUENT, &[URL, ("basic.auth.credentials.source", "SASL_INHERIT")], &["sasl.jaas.config", "required"]),
        (CONFLUENT, &[URL, ("bearer.auth.credentials.source", "OAUTHBEARER")], &["STATIC_TOKEN"]),
        (CONFLUENT, &[URL, ("bearer.auth.credentials.source", "STATIC_TOKEN")], &["bearer.auth.token", "missing"]),
        (CONFLUENT, &[URL, ("schema.registry.ssl.truststore.location", "trust.jks")], &["keytool", "type=PEM"]),
        (
            CONFLUENT,
            &[URL, ("schema.registry.ssl.keystore.type", "PKCS12"), ("schema.registry.ssl.keystore.location", "k")],
            &["openssl"],
        ),
        (CONFLUENT, &[URL, ("schema.registry.ssl.keystore.key", "s3cret-b")], &["keystore.certificate.chain"]),
        (CONFLUENT, &[URL, ("schema.registry.ssl.key.password", "s3cret-b")], &["ssl.key.password"]),
        (CONFLUENT, &[URL, ("scrub.invalid.names", "true")], &["scrub.invalid.names"]),
        (CONFLUENT, &[URL, ("proxy.host", "p")], &["proxy.host"]),
        (CONFLUENT, &[URL, ("use.schema.id", "7")], &["use.schema.id"]),
        (APICURIO, &[], &["apicurio.registry.url", "missing"]),
        (APICURIO, &[NATIVE], &["apicurio.registry.headers.enabled", "apicurio.registry.as-confluent"]),
        (APICURIO, &[("apicurio.registry.url", "http://a/apis/ccompat/v7")], &[CONFLUENT]),
        (
            APICURIO,
            &[NATIVE, ("apicurio.registry.artifact-resolver-strategy", "a.RecordIdStrategy")],
            &["TopicIdStrategy"],
        ),
        (APICURIO, &[NATIVE, ("apicurio.auth.client.id", "c")], &["apicurio.auth.client.id"]),
        ("org.apache.kafka.connect.converters.ByteArrayConverter", &[], &["structs", "JsonConverter"]),
        ("io.confluent.connect.protobuf.ProtobufConverter", &[], &["value.converter", "AvroConverter"]),
        (STRING, &[("converter.encoding", "UTF-16")], &["converter.encoding"]),
    ];
    for (class, settings, parts) in table {
        let error = value(class, settings).expect_err(&format!("{class} {settings:?}"));
        assert_eq!(error.kind(), Kind::Config);
        let report = error.report();
        for part in *parts {
            assert!(report.contains(part), "{part} is missing in {report}");
        }
        assert!(SECRETS.iter().all(|secret| !report.contains(secret)), "{report}");
    }
}

#[test]
fn texts_and_headers_have_converters_of_their_own() {
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let loaded = load(&[("key.converter", STRING), ("value.converter", json), ("header.converter", STRING)]).unwrap();
    let records = loaded.connector.records;
    assert_eq!((records.key_converter, records.header_converter), (Converter::Java, HeaderConverter::Java));
    let header = |more: &[(&str, &str)]| load(more).unwrap().connector.records.header_converter;
    assert_eq!(header(&[]), HeaderConverter::Simple);
    let HeaderConverter::Json(with_schemas) = header(&[("header.converter", json)]) else { panic!("JSON") };
    assert_eq!(with_schemas.schemas, JsonSchemas::InEachRecord, "as Kafka's converter does unless it is told not to");
    let off = ("header.converter.schemas.enable", "false");
    let HeaderConverter::Json(without) = header(&[("header.converter", json), off]) else { panic!("JSON") };
    assert_eq!(without.schemas, JsonSchemas::Absent);
    let bytes = ("header.converter", "org.apache.kafka.connect.converters.ByteArrayConverter");
    assert!(load(&[bytes]).unwrap_err().report().contains("SimpleHeaderConverter"));
}

#[test]
fn a_converter_has_kafkas_defaults_and_none_has_walcasts() {
    const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
    let json = |schemas, decimals, nulls| Converter::Json(JsonConverter { schemas, decimals, nulls });
    let plain = json(JsonSchemas::Absent, DecimalFormat::Base64, NullForm::Default);
    let with_schema = json(JsonSchemas::InEachRecord, DecimalFormat::Base64, NullForm::Default);
    for (more, expected) in [
        (String::new(), plain),
        (format!("value.converter={JSON}"), with_schema),
        (format!("value.converter={JSON}\nvalue.converter.schemas.enable=FALSE"), plain),
        ("value.converter.schemas.enable=true".to_owned(), with_schema),
        (
            "value.converter.decimal.format=numeric\nvalue.converter.replace.null.with.default=false".to_owned(),
            json(JsonSchemas::Absent, DecimalFormat::Numeric, NullForm::Null),
        ),
    ] {
        let records = good(&more).connector.records;
        assert_eq!((records.key_converter, records.value_converter), (plain, expected), "{more}");
    }
}
