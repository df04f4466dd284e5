//! Configuration files of every form, and what the command line and providers add to them.

use serde_json::{Value, json};
use walcast::local::PostgresServer;

use super::scene::{Scene, after};
use crate::support::servers;
use crate::support::walcast::Walcast;

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, words text)";

/// Writes one row and sees it arrive.
#[track_caller]
fn a_row_arrives(scene: &Scene, walcast: &mut Walcast) {
    walcast.wait_until_streaming(&scene.database);
    scene.execute("INSERT INTO t VALUES (1, 'hello')");
    let records = scene.wait_for("public.t", 1);
    assert_eq!(records[0].key_text(), Some("{\"id\":1}"));
    assert_eq!(after(&records, "words"), ["hello"]);
}

/// A connector as people post it to Connect, with what walcast has no use for.
fn as_posted_to_connect(scene: &Scene) -> Value {
    let mut config = scene.config(&[
        ("tasks.max", "1"),
        ("database.password", "not asked for"),
        ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("key.converter.schemas.enable", "false"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter.schemas.enable", "false"),
        ("schema.include.list", "public"),
        ("max.batch.size", "2048"),
        ("heartbeat.interval.ms", "0"),
        ("schema.name.adjustment.mode", "avro"),
    ]);
    config.insert("database.port".to_owned(), json!(scene.database.server.port()));
    json!({"name": "inventory-connector", "config": config})
}

fn a_debezium_file_runs_untouched(server: &'static dyn PostgresServer) {
    // Given a connector file as Connect's REST interface takes it, which knows nothing of brokers.
    let scene = Scene::new(server, TABLE);
    let file = as_posted_to_connect(&scene).to_string();

    // When it is run against a broker.
    let arguments = ["--bootstrap-servers", servers::kafka().bootstrap()];
    let mut walcast = Walcast::run_file("register-postgres.json", &file, &arguments, &[]);

    // Then changes arrive, no property is unknown, and the name is the file's.
    a_row_arrives(&scene, &mut walcast);
    assert!(!walcast.stderr().contains("unknown"), "{}", walcast.stderr());
    assert!(walcast.stderr().contains("inventory-connector"), "{}", walcast.stderr());
    assert!(!walcast.stderr().contains("not asked for"), "the password is in the log: {}", walcast.stderr());
}

#[test]
fn a_debezium_file_runs_untouched_on_postgres_15() {
    a_debezium_file_runs_untouched(servers::postgres_15());
}

#[test]
fn a_debezium_file_runs_untouched_on_postgres_18() {
    a_debezium_file_runs_untouched(servers::postgres_18());
}

#[test]
fn a_properties_file_runs_with_secrets_from_the_environment_and_from_a_file() {
    // Given a .properties file whose role and database come from providers, and whose brokers stand in it.
    let scene = Scene::new(servers::postgres_18(), TABLE);
    let secrets = tempfile::tempdir().expect("a directory");
    let secrets = secrets.path().join("secrets.properties");
    let secrets_text = format!("role={}\n", scene.database.server.user());
    std::fs::create_dir_all(secrets.parent().expect("a directory")).expect("it is there");
    std::fs::write(&secrets, secrets_text).expect("a file");
    let mut config = scene.config(&[("name", "from-properties"), ("bootstrap.servers", servers::kafka().bootstrap())]);
    config.insert("database.user".to_owned(), format!("${{file:{}:role}}", secrets.display()).into());
    config.insert("database.dbname".to_owned(), "${env:WALCAST_TEST_DATABASE}".into());
    let lines = config.iter().map(|(name, value)| format!("{name} = {}\n", value.as_str().expect("text")));
    let file: String = std::iter::once("# A comment\n".to_owned()).chain(lines).collect();

    // When it is run.
    let environment = [("WALCAST_TEST_DATABASE", scene.database.name.as_str())];
    let mut walcast = Walcast::run_file("connector.properties", &file, &[], &environment);

    // Then changes arrive.
    a_row_arrives(&scene, &mut walcast);
    assert!(walcast.stderr().contains("from-properties"), "{}", walcast.stderr());
}

#[test]
fn the_command_line_wins_over_a_flat_file() {
    // Given a flat JSON file with brokers, a slot and a prefix that are not the ones to use.
    let scene = Scene::new(servers::postgres_15(), TABLE);
    let config = scene.config(&[
        ("bootstrap.servers", "127.0.0.1:1"),
        ("slot.name", "not_this_one"),
        ("topic.prefix", "not-this-one"),
    ]);

    // When the command line says otherwise.
    let slot = format!("slot.name={}", scene.database.slot);
    let prefix = format!("topic.prefix={}", scene.topics.prefix);
    let arguments = ["--set", &slot, "--set", &prefix, "--bootstrap-servers", servers::kafka().bootstrap()];
    let mut walcast = Walcast::run_with(&config, &arguments);

    // Then it is used.
    a_row_arrives(&scene, &mut walcast);
    let stray = scene.database.session().value("SELECT 1 FROM pg_replication_slots WHERE slot_name = 'not_this_one'");
    assert_eq!(stray, None);
}

#[test]
fn an_unknown_property_is_a_warning_with_the_nearest_name() {
    let scene = Scene::new(servers::postgres_18(), TABLE);

    // Given a property with a slip of the pen, when it is run.
    let mut walcast = scene.start(&[("tombstones.on.delte", "false")]);

    // Then it streams all the same, and says what may have been meant.
    a_row_arrives(&scene, &mut walcast);
    let log = walcast.stderr();
    let line = log.lines().find(|line| line.contains("tombstones.on.delte")).expect("a warning");
    assert!(line.contains("tombstones.on.delete"), "{line}");
}
