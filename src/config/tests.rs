//! Whole configurations: good ones from the field, every ready-made one, and bad ones by the dozen.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::error::{Error, Kind};

pub(super) const REQUIRED: &str = "bootstrap.servers=localhost:9092\ndatabase.hostname=localhost\ndatabase.user=u\n\
                        database.dbname=d\ntopic.prefix=p\nplugin.name=pgoutput\nsnapshot.mode=no_data\n";

fn environment(name: &str) -> Option<String> {
    matches!(name, "PGPASSWORD" | "SECRET").then(|| "hunter2".to_owned())
}

pub(super) fn text(name: &str, text: &str) -> Result<Loaded, Error> {
    load_text(name, text, &Overrides::default(), &environment)
}

/// The required properties and these.
pub(super) fn with(more: &str) -> Result<Loaded, Error> {
    let overrides = Overrides {
        set: more.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        ..Overrides::default()
    };
    load_text("test.properties", REQUIRED, &overrides, &environment)
}

pub(super) fn good(more: &str) -> Loaded {
    with(more).unwrap_or_else(|error| panic!("{more}: {}", error.report()))
}

pub(super) fn bad(more: &str) -> String {
    let error = with(more).expect_err(more);
    assert_eq!(error.kind(), Kind::Config);
    error.report()
}

#[test]
fn the_least_that_is_needed_gives_debeziums_defaults() {
    let Loaded { connector, warnings, .. } = good("");
    assert_eq!(warnings, []);
    assert_eq!((connector.name.as_str(), connector.database.port), ("p", 5432), "a missing name is the prefix");
    assert_eq!((connector.slot.name.as_str(), connector.publication.name.as_str()), ("debezium", "dbz_publication"));
    assert_eq!(connector.publication.autocreate, Autocreate::AllTables);
    assert_eq!(connector.database.tls.mode, SslMode::Prefer);
    assert_eq!(connector.database.connect_timeout, Duration::from_secs(30));
    assert!(connector.database.tcp_keepalive && connector.database.password.is_none());
    assert!(connector.records.tombstones_on_delete && connector.records.context_headers);
    assert_eq!(connector.records.unavailable_placeholder, "__debezium_unavailable_value");
    assert_eq!(connector.records.topic_delimiter, ".");
    let SkippedOperations { create, update, delete, truncate, .. } = connector.records.skipped;
    assert_eq!((create, update, delete, truncate), (false, false, false, true));
    assert_eq!((connector.kafka.queue_bytes_max, connector.kafka.topic_creation), (32 << 20, None));
    assert_eq!(connector.retries.max, None);
    assert_eq!(connector.retries.delay_min, Duration::from_millis(500));
    assert_eq!(connector.retries.delay_max, Duration::from_secs(60));
    assert_eq!(connector.status_interval, Duration::from_secs(10));
}

#[test]
fn every_ready_made_connector_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).expect("connectors/") {
        let path = file.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "md") {
            continue;
        }
        let name = path.display().to_string();
        // The one reference that a test cannot have on its machine.
        let content = std::fs::read_to_string(&path).expect("text");
        let content = content
            .replace("${file:/etc/walcast/secrets.properties:database.password}", "${env:SECRET}")
            .replace("${file:/etc/walcast/secrets.properties:kafka.password}", "${env:SECRET}");
        let loaded = text(&name, &content).unwrap_or_else(|error| panic!("{name}: {}", error.report()));
        assert_eq!(loaded.warnings, [], "{name}");
        assert!(!format!("{loaded:?}").contains("hunter2"), "{name} shows a secret");
        seen += 1;
    }
    assert!(seen >= 6, "only {seen} connectors");
}

/// Files as people have them, with brokers given on the command line.
const FIELD: &[(&str, &str)] = &[
    (
        "a tutorial's",
        r#"{"name": "inventory-connector", "config": {
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1",
            "database.hostname": "postgres", "database.port": "5432", "database.user": "postgres",
            "database.password": "postgres", "database.dbname": "postgres", "topic.prefix": "dbserver1",
            "schema.include.list": "inventory", "plugin.name": "pgoutput", "snapshot.mode": "no_data",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter", "key.converter.schemas.enable": "false",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false"}}"#,
    ),
    (
        "an operator's",
        r#"{"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "name": "orders-cdc", "tasks.max": 1,
            "database.hostname": "orders-db.prod.svc", "database.port": 5432, "database.user": "cdc",
            "database.password": "${env:PGPASSWORD}", "database.dbname": "orders", "database.sslmode": "require",
            "topic.prefix": "prod.orders", "slot.name": "orders_cdc", "publication.name": "orders_cdc_pub",
            "publication.autocreate.mode": "filtered", "plugin.name": "pgoutput",
            "table.include.list": "public.orders,public.order_lines,public\\.customer(s)?",
            "snapshot.mode": "no_data", "snapshot.fetch.size": 10240, "heartbeat.interval.ms": "0",
            "decimal.handling.mode": "precise", "time.precision.mode": "adaptive", "tombstones.on.delete": true,
            "max.batch.size": 4096, "max.queue.size": 16384, "poll.interval.ms": 100,
            "errors.tolerance": "none", "errors.log.enable": "true", "errors.max.retries": "10",
            "retriable.restart.connector.wait.ms": "5000", "provide.transaction.metadata": "false",
            "topic.creation.default.partitions": "12", "topic.creation.default.replication.factor": "3",
            "topic.creation.default.cleanup.policy": "delete", "topic.creation.default.retention.ms": "604800000",
            "producer.override.compression.type": "lz4", "producer.override.batch.size": "262144",
            "producer.override.max.request.size": "5242880", "producer.override.acks": "all",
            "producer.override.buffer.memory": "67108864"}"#,
    ),
    (
        "one that a REST call gave back",
        r#"{"name": "x", "config": {"connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "database.dbname": "x", "database.user": "x", "database.hostname": "10.0.0.7", "topic.prefix": "x",
            "plugin.name": "pgoutput", "snapshot.mode": "never", "transforms": "", "name": "x",
            "schema.name.adjustment.mode": "avro", "column.propagate.source.type": ".*", "slot.drop.on.stop": "false",
            "signal.enabled.channels": "source", "flush.lsn.source": "true", "include.unknown.datatypes": null},
            "tasks": [{"connector": "x", "task": 0}], "type": "source"}"#,
    ),
    (
        "a standalone worker's",
        "name=legacy\nconnector.class=io.debezium.connector.postgresql.PostgresConnector\ntasks.max=1\n\
         database.hostname=localhost\ndatabase.port=5433\ndatabase.user=debezium\ndatabase.password=dbz\n\
         database.dbname=app\ntopic.prefix=app\nplugin.name=pgoutput\nslot.name=app_slot\n\
         table.exclude.list=public\\\\.tmp_.*, \\\n  public.flyway_schema_history\nsnapshot.mode=schema_only\n\
         skipped.operations=none\nheartbeat.action.query=SELECT 1\ninternal.log.position.check.enable=true\n",
    ),
];

#[test]
fn files_from_the_field_load_untouched() {
    let overrides = Overrides { bootstrap_servers: Some("broker:9092".to_owned()), ..Overrides::default() };
    for (whose, content) in FIELD {
        let loaded = load_text("connector", content, &overrides, &environment)
            .unwrap_or_else(|error| panic!("{whose}: {}", error.report()));
        assert_eq!(loaded.warnings, [], "{whose}");
        assert_eq!(loaded.connector.kafka.bootstrap_servers, "broker:9092");
    }
    let loaded = load_text("connector", FIELD[1].1, &overrides, &environment).expect("an operator's");
    let connector = loaded.connector;
    assert_eq!(connector.capture.table_include, ["public.orders", "public.order_lines", r"public\.customer(s)?"]);
    assert_eq!((connector.retries.max, connector.retries.delay_min), (Some(10), Duration::from_secs(5)));
    let creation = connector.kafka.topic_creation.expect("topic settings");
    assert_eq!((creation.partitions, creation.replication_factor), (12, 3));
    assert_eq!(creation.config.len(), 2);
    let producer: Vec<_> = connector.kafka.producer.iter().map(|(k, v)| (k.as_str(), v.expose())).collect();
    let sizes =
        [("batch.size", "262144"), ("max.request.size", "5242880"), ("acks", "all"), ("buffer.memory", "67108864")];
    assert_eq!(producer[0], ("compression.type", "lz4"));
    assert_eq!(producer[1..], sizes);
    let loaded = load_text("connector", FIELD[3].1, &overrides, &environment).expect("a standalone worker's");
    assert_eq!(loaded.connector.capture.table_exclude, [r"public\.tmp_.*", "public.flyway_schema_history"]);
}

#[test]
fn values_arrive_where_they_belong() {
    let c = |more| good(more).connector;
    assert_eq!(c("database.hostname=::1").database.host, "::1");
    assert_eq!(c("database.hostname=[2001:db8::7]").database.host, "2001:db8::7");
    assert_eq!(c("database.hostname=/var/run/postgresql").database.host, "/var/run/postgresql");
    assert_eq!(c("database.sslmode= Verify-Full ").database.tls.mode, SslMode::VerifyFull);
    assert_eq!(c("driver.channelBinding=require").database.tls.channel_binding, ChannelBinding::Require);
    assert_eq!(c("database.password=${env:SECRET}").database.password, Some(Secret::new("hunter2")));
    assert_eq!(c("publication.autocreate.mode=NO_TABLES").publication.autocreate, Autocreate::NoTables);
    assert_eq!(c("unavailable.value.placeholder=hex:2d2d").records.unavailable_placeholder, "--");
    assert_eq!(c("errors.max.retries=0").retries.max, Some(0));
    assert_eq!(c("errors.max.retries=-1").retries.max, None);
    assert_eq!(c("errors.retry.delay.max.ms=200").retries.delay_min, Duration::from_millis(200));
    assert_eq!(c("retriable.restart.connector.wait.ms=0").retries.delay_min, Duration::from_millis(10));
    assert_eq!(c("max.queue.size.in.bytes=1048576").kafka.queue_bytes_max, 1 << 20);
    assert_eq!(c("max.queue.size.in.bytes=0").kafka.queue_bytes_max, 32 << 20);
    assert_eq!(c("status.update.interval.ms=250").status_interval, Duration::from_millis(250));
    assert_eq!((c("").binary, c("walcast.binary=Never").binary), (BinaryTransfer::Auto, BinaryTransfer::Never));
    assert_eq!(
        c("slot.stream.params=origin=any; odd").slot.stream_params,
        [("origin".to_owned(), "any".to_owned())],
        "what is not a pair is left out, as in Debezium"
    );
    assert!(c("skipped.operations=C, u").records.skipped.create);
    let heartbeat =
        c("heartbeat.interval.ms=1500\nheartbeat.action.query=SELECT 1").records.heartbeat.expect("heartbeats");
    assert_eq!(
        (heartbeat.interval, heartbeat.action_query.as_deref()),
        (Duration::from_millis(1500), Some("SELECT 1"))
    );
    assert!(c("heartbeat.action.query=SELECT 1").records.heartbeat.is_none(), "the interval is 0 by default");
    assert_eq!(c("provide.transaction.metadata=true").records.transactions, TransactionMetadata::Provided);
    assert_eq!(c("message.prefix.include.list=a, b").records.messages.include, ["a", "b"]);
    assert_eq!(c("event.processing.failure.handling.mode=IGNORE").failures.mode, FailureMode::Skip);
    assert_eq!(c("walcast.dead.letter.topic=lost").failures.dead_letter_topic.as_deref(), Some("lost"));
    let naming =
        c("topic.naming.strategy=io.debezium.schema.DefaultTopicNamingStrategy\ntopic.transaction=tx").records.naming;
    assert_eq!(
        (naming.strategy, naming.transaction.as_str(), naming.renaming.is_none()),
        (Strategy::Table, "tx", true)
    );
    assert_eq!(c("topic.creation.default.partitions=3").kafka.topic_creation.map(|t| t.replication_factor), Some(-1));
    let c = c("producer.override.bootstrap.servers=elsewhere:1");
    assert_eq!(c.kafka.bootstrap_servers, "localhost:9092", "the connector's own is the stronger");
}

#[test]
fn a_bad_value_is_an_error_that_says_what_is_allowed() {
    for (more, part) in [
        ("slot.name=My-Slot", "1 to 63 lower-case letters"),
        ("slot.name=", "1 to 63"),
        ("topic.prefix=a b", "letters, digits, dots"),
        ("database.hostname=a,b", "one host name"),
        ("database.hostname=", "one host name"),
        ("database.port=0", "from 1 to 65535"),
        ("database.port=70000", "from 1 to 65535"),
        ("database.port=5432x", "from 1 to 65535"),
        ("database.sslmode=on", "one of disable, allow, prefer"),
        ("database.sslcert=/c.pem", "needs database.sslkey"),
        ("database.hostname=/tmp\ndatabase.sslmode=require", "has no TLS"),
        ("database.tcpKeepAlive=yes", "true or false"),
        ("plugin.name=decoderbufs", "must be pgoutput"),
        ("plugin.name=wal2json", "must be pgoutput"),
        ("connector.class=io.debezium.connector.mysql.MySqlConnector", "PostgreSQL only"),
        ("snapshot.mode=Custom", "custom needs Java"),
        ("snapshot.mode=sometimes", "must be one of initial, initial_only, always"),
        ("snapshot.locking.mode=custom", "none, shared"),
        ("snapshot.select.statement.overrides=public.t", "is absent; add it with the query"),
        ("table.include.list=public\\.(?!tmp).*", "look-ahead"),
        ("table.include.list=public.(", "unclosed group"),
        ("table.include.list=a\ntable.exclude.list=b", "table.exclude.list (--set): cannot stand beside"),
        ("schema.include.list=a\nschema.exclude.list=b", "schema.exclude.list (--set): cannot stand beside"),
        ("skipped.operations=c,x", "some of c, u, d, t, r"),
        ("time.precision.mode=structured", "not there yet"),
        ("time.precision.mode=nanos", "microseconds, nanoseconds"),
        ("binary.handling.mode=base46", "one of bytes, base64, base64-url-safe, hex"),
        ("interval.handling.mode=text", "one of numeric, string"),
        ("decimal.handling.mode=strng", "one of precise, string, double"),
        ("heartbeat.interval.ms=-1", "at least 0"),
        ("transaction.metadata.factory=com.example.Mine", "not there yet"),
        ("topic.naming.strategy=com.example.Mine", "one of io.debezium.schema.SchemaTopicNamingStrategy"),
        ("topic.naming.strategy=io.debezium.schema.DefaultRegexTopicNamingStrategy", "topic.regex: is missing"),
        (
            "topic.naming.strategy=io.debezium.schema.SchemaRegexTopicNamingStrategy\ntopic.regex=a(",
            "topic.replacement: is missing",
        ),
        (
            "topic.naming.strategy=io.debezium.schema.SchemaRegexTopicNamingStrategy\n\
             topic.regex=${env:SECRET}(\ntopic.replacement=x",
            "topic.regex: the expression is not a regular expression",
        ),
        ("topic.transaction=a b", "letters, digits, dots"),
        ("message.prefix.include.list=a\nmessage.prefix.exclude.list=b", "message.prefix.exclude.list (--set): cannot"),
        ("event.processing.failure.handling.mode=stop", "one of fail, warn, skip, ignore"),
        ("walcast.dead.letter.topic=a b", "the name of a topic"),
        ("transforms=unwrap\ntransforms.unwrap.type=io.debezium.transforms.ExtractNewRecordState", "not there yet"),
        ("signal.data.collection=signals", "must be schema.table"),
        ("signal.enabled.channels=source,in-process", "needs Java"),
        ("value.converter=io.confluent.connect.avro.AvroConverter", "value.converter.schema.registry.url: is missing"),
        ("value.converter.schemas.enable=yes", "true or false"),
        ("key.converter.decimal.format=DECIMAL", "one of BASE64, NUMERIC"),
        ("exactly.once.support=required", "not there yet"),
        ("lsn.flush.mode=manual", "not there yet"),
        ("topic.creation.groups=big", "not there yet"),
        ("topic.creation.big.partitions=3", "not there yet"),
        ("topic.creation.default.partitions=0", "from 1 to"),
        ("topic.creation.default.include=.*", "takes every topic"),
        ("slot.stream.params=proto_version=4", "chosen by walcast"),
        ("status.update.interval.ms=0", "at least 1"),
        ("errors.max.retries=-2", "at least -1"),
        ("unavailable.value.placeholder=hex:2", "hexadecimal"),
        ("bootstrap.servers=localhost", "host:port"),
        ("database.tcpKeepAlive=true\ndriver.tcpKeepAlive=true", "is another name of"),
        ("database.password=${env:NOBODY}", "no variable NOBODY"),
        ("database.user=${vault:db:user}", "provider \"vault\""),
    ] {
        let report = bad(more);
        assert!(report.contains(part), "{more:?} should say {part:?}:\n{report}");
        assert!(report.contains(" a mistake"), "{more:?} is one mistake:\n{report}");
    }
}

#[test]
fn handling_modes_are_read_in_any_case() {
    let records = good(
        "decimal.handling.mode=Double\ntime.precision.mode=ISOSTRING\nbinary.handling.mode=base64-url-safe\n\
         schema.name.adjustment.mode=avro\nfield.name.adjustment.mode=avro_unicode",
    );
    let records = records.connector.records;
    assert_eq!((records.decimals, records.times), (DecimalHandling::Double, TimePrecision::IsoString));
    assert_eq!(records.binary, BinaryHandling::Base64UrlSafe);
    assert_eq!((records.schema_names, records.field_names), (NameAdjustment::Avro, NameAdjustment::AvroUnicode));
}

#[test]
fn what_is_missing_is_reported_together() {
    let error = text("empty.json", "{}").expect_err("nothing in it");
    let report = error.report();
    for name in ["database.hostname", "database.user", "database.dbname", "topic.prefix", "bootstrap.servers"] {
        assert!(report.contains(&format!("- {name}: is ")), "{name} is not in\n{report}");
    }
    let error = text("slip.json", r#"{"topic.perfix": "p"}"#).expect_err("a slip");
    assert!(error.report().contains("also: topic.perfix: is not known and has no effect; did you mean topic.prefix?"));
    let overrides = Overrides { brokers: Brokers::NotNeeded, ..Overrides::default() };
    let without = REQUIRED.replace("bootstrap.servers=localhost:9092\n", "");
    load_text("x.properties", &without, &overrides, &environment).expect("no brokers are needed");
}

#[test]
fn thirty_mistakes_come_in_one_report_and_no_secret_does() {
    let content = r#"{"name": "x", "config": {
        "database.hostname": "a b", "database.port": "x", "database.user": "", "database.password": "hunter2",
        "database.sslmode": "hunter", "database.sslpassword": "hunter2", "topic.prefix": "ä", "slot.name": "A",
        "slot.max.retries": "-1", "slot.drop.on.stop": "maybe", "publication.autocreate.mode": "all",
        "plugin.name": "test_decoding", "snapshot.mode": "always", "tasks.max": 0, "max.batch.size": "many",
        "decimal.handling.mode": "dubble", "time.precision.mode": "konnect", "interval.handling.mode": "strings",
        "hstore.handling.mode": "maps", "binary.handling.mode": "hexa", "table.include.list": "(",
        "message.key.columns": "a:b", "transforms": "unwrap", "heartbeat.interval.ms": -5, "skipped.operations": "z",
        "guardrail.collections.max": "5", "signal.data.collection": "ab", "provide.transaction.metadata": "maybe",
        "status.update.interval.ms": {"a": 1}, "errors.max.retries": [1], "slot.name": "b",
        "custom.thing.secret": "${env:NOBODY}", "database.query.timeout.ms": "hunter"
    }}"#;
    let error = text("bad.json", content).expect_err("mistakes");
    let report = error.report();
    let lines = report.lines().filter(|line| line.trim_start().starts_with("- ")).count();
    assert!(lines >= 30, "{lines} findings:\n{report}");
    assert!(!report.contains("hunter2"), "{report}");
    assert!(report.contains(&format!("bad.json has {lines} mistakes")), "{report}");
    assert!(report.contains("slot.name: stands more than once, on lines 3, 10"), "{report}");
    assert!(report.contains("database.port = \"x\" (line 2): must be"), "{report}");
}

#[test]
fn secrets_from_providers_are_hidden_wherever_they_stand() {
    let report = bad("slot.name=${env:SECRET}-X\ntable.include.list=${env:SECRET}(");
    assert!(report.contains("slot.name = ********") && !report.contains("hunter2"), "{report}");
    let report = bad("custom.sanitize.pattern=slot.*\nslot.name=Hidden");
    assert!(!report.contains("Hidden"), "{report}");
}

#[test]
fn unknown_names_are_warnings_with_the_nearest_known_one() {
    for (more, part) in [
        ("slot.nam=x", "did you mean slot.name?"),
        ("database.hostnme=x", "did you mean database.hostname?"),
        ("table.whitelist=public.a", "called table.include.list"),
        ("database.server.name=x", "called topic.prefix"),
        ("driver.socketTimeout=30", "has no effect: it is a setting of the JDBC driver"),
        ("zzz.yyy=x", "is not known and has no effect"),
        ("database.sslmode=allow", "taken as prefer"),
        ("slot.stream.params=odd", "left out"),
        ("walcast.dead.letter.topic=lost", "has no effect while"),
    ] {
        let warnings: Vec<_> = good(more).warnings.iter().map(ToString::to_string).collect();
        assert!(warnings.iter().any(|warning| warning.contains(part)), "{more}: {warnings:?}");
    }
    let without = REQUIRED.replace("plugin.name=pgoutput\n", "");
    let loaded = text("x.properties", &without).expect("pgoutput by default");
    assert!(loaded.warnings[0].to_string().contains("decoderbufs"));
}

#[test]
fn properties_without_effect_are_noted_with_the_reason() {
    let notes = good("poll.interval.ms=100\nsnapshot.fetch.size=1\nadmin.override.x=y\nkey.converter.x=y").notes;
    let names: Vec<_> = notes.iter().map(|note| note.property.as_str()).collect();
    for name in ["poll.interval.ms", "snapshot.fetch.size", "admin.override.x", "key.converter.x"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
}

#[test]
fn unclean_files_are_definite_errors_with_their_place() {
    for (name, content, part) in [
        ("a.json", "{\n  \"a\": 1,\n", "line 3, column 0"),
        ("a.json", "{\"a\" 1}", "line 1, column 6"),
        ("a", "[]", "not an object"),
        ("a.json", "", "not JSON"),
        ("a.properties", "slot.name=a\nslot.name=b", "slot.name (line 2): stands twice, first (line 1)"),
        ("a.properties", "x=\\u12", "line 1: \\u must be followed"),
        ("a.json", "{\"name\": \"a\", \"config\": {\"name\": \"b\"}}", "with another value"),
        ("a.json", "{\"a\": {\"b\": 1}}", "every value must be a text"),
    ] {
        let error = text(name, content).expect_err(content);
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.report().contains(part), "{content:?} should say {part:?}:\n{}", error.report());
    }
    let deep = "{\"a\":".repeat(5_000);
    text("deep.json", &deep).expect_err("no end of the stack");
}

#[test]
fn files_are_read_with_their_limits() {
    let place = tempfile::tempdir().expect("a directory");
    let write = |name: &str, content: &[u8]| {
        let path = place.path().join(name);
        std::fs::write(&path, content).expect("written");
        load(&Source::File(path), &Overrides::default())
    };
    write("good", REQUIRED.as_bytes()).expect("no extension, properties by the first character");
    write("bom.properties", format!("\u{feff}{REQUIRED}").as_bytes()).expect("a byte order mark is nothing");
    let error = write("latin.properties", b"a=1\nb=\xe4").expect_err("not UTF-8");
    assert!(error.report().contains("line 2 has other bytes"), "{}", error.report());
    let error = write("long.json", &vec![b' '; 2 << 20]).expect_err("too long");
    assert!(error.message().contains("longer than 1048576 bytes"));
    let error = load(&Source::File(place.path().join("nowhere")), &Overrides::default()).expect_err("no file");
    assert!(error.report().contains("cannot be read"), "{}", error.report());
}

#[test]
fn producer_settings_are_passed_on_under_their_own_names() {
    let loaded = good(
        "producer.override.linger.ms= 5 \nproducer.override.ssl.keystore.type=PKCS12\n\
         producer.override.ssl.keystore.password=${env:SECRET}\nproducer.override.bootstrap.servers=elsewhere:1",
    );
    let producer: Vec<_> = loaded.connector.kafka.producer.iter().map(|(k, v)| (k.as_str(), v.expose())).collect();
    assert_eq!(producer, [("linger.ms", "5"), ("ssl.keystore.type", "PKCS12"), ("ssl.keystore.password", "hunter2")]);
    assert!(!format!("{:?}", loaded.connector).contains("hunter2"));
}
