//! Binary sessions: asked for where every type allows it, left before the first value that does not fit.

use serde_json::{Value, json};
use walcast::local::PostgresServer;

use super::scene::{Scene, after};
use crate::support::topics::ConsumedRecord;
use crate::support::walcast::Walcast;
use crate::support::{servers, wait};

const BINARY: &str = "walcast_stream_form{form=\"binary\"}";
const TEXT: &str = "walcast_stream_form{form=\"text\"}";
const LEFT: &str = "values come as text from here on";

/// What the walsender was asked for, as the server itself has it.
#[track_caller]
fn asked_for(scene: &Scene) -> &'static str {
    let pid = scene.database.wait_until_streaming();
    let command = scene.database.session().value(&format!("SELECT query FROM pg_stat_activity WHERE pid = {pid}"));
    match command.expect("a command").contains("\"binary\"") {
        true => "binary",
        false => "text",
    }
}

/// What the metrics say, and the server too.
#[track_caller]
fn form(walcast: &Walcast, scene: &Scene) -> &'static str {
    let form = asked_for(scene);
    let (binary, text) = wait::until_some("the form is known", wait::PATIENCE, || {
        let pair = (walcast.metric(BINARY)?, walcast.metric(TEXT)?);
        (pair.0 + pair.1 == 1.0).then_some(pair)
    });
    assert_eq!(if binary == 1.0 { "binary" } else { "text" }, form, "{binary} {text}");
    form
}

fn ids(range: std::ops::RangeInclusive<u32>) -> Vec<String> {
    range.map(|id| id.to_string()).collect()
}

fn rows(records: &[ConsumedRecord]) -> Vec<Value> {
    records.iter().map(|record| record.json()["after"].clone()).collect()
}

const EVERYTHING: &str = "
    CREATE EXTENSION hstore;
    CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE DOMAIN feeling AS mood;
    CREATE TABLE t (
        id int PRIMARY KEY, a bigint, b numeric(12, 3), c numeric, d text, e timestamptz, f timestamp(3), g date, h time,
        i timetz, j interval, k uuid, l jsonb, m bytea, n float8, o real, p boolean, q mood, r feeling, s int[], t text[],
        u hstore, v inet, w int4range, x point, y bit(5), z xml)";
const EVERYTHING_ROW: &str = r#"
    -5000000000, -12.340, 'NaN', 'ü "q" \ ', '2020-02-29 23:59:59.123456+05', '0044-03-15 12:00 BC', '9999-12-31',
    '24:00', '13:45:01.5-08', '1 year -2 days 00:00:00.1', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1.50, null]}',
    '\xdeadbeef', 0.1, 1e-7, true, 'glad', 'sad', '{1,NULL,3}', '{"a b",NULL,"c\""}', 'x=>1,y=>NULL', '10.1.2.3/8', '[1,5)',
    '(1.5,-2)', '10110', '<a/>'"#;

fn both_forms_write_the_same_records(server: &'static dyn PostgresServer) {
    // Given a table of many types, and walcast, which asks for binary by itself.
    let scene = Scene::new(server, EVERYTHING);
    let settings = [("event.converting.failure.handling.mode", "warn"), ("include.unknown.datatypes", "true")];
    let mut walcast = scene.stream(&settings);
    assert_eq!(form(&walcast, &scene), "binary");
    assert!(walcast.stderr().contains("form=\"binary\""), "{}", walcast.stderr());

    // When a row of everything is written, changed and deleted, first in this form and then in text.
    let workload = format!(
        "INSERT INTO t VALUES (1, {EVERYTHING_ROW}); INSERT INTO t (id) VALUES (2); UPDATE t SET a = 7 WHERE id = 1; \
         DELETE FROM t"
    );
    scene.execute("ALTER TABLE t REPLICA IDENTITY FULL");
    scene.execute(&workload);
    let binary = scene.wait_for("public.t", 7);
    assert!(walcast.terminate().success());
    let walcast = scene.stream(&[&settings[..], &[("walcast.binary", "never")]].concat());
    assert_eq!(form(&walcast, &scene), "text");
    scene.execute(&workload);
    let both = scene.wait_for("public.t", 14);

    // Then the records are the same but for when and where they were written.
    let stripped = |record: &ConsumedRecord| {
        let (key, value) = (record.key_text().map(str::to_owned), record.value_text()?);
        let row = value.split(",\"source\":").next().expect("a row").to_owned();
        Some((key, row))
    };
    let stripped = |records: &[ConsumedRecord]| records.iter().map(stripped).collect::<Vec<_>>();
    assert_eq!(stripped(&binary), stripped(&both[7..]));
    assert_eq!(both[8].json()["after"]["q"], Value::Null);
    assert_eq!(both[0].json()["after"]["k"], "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
}

#[test]
fn both_forms_write_the_same_records_from_postgres_15() {
    both_forms_write_the_same_records(servers::postgres_15());
}

#[test]
fn both_forms_write_the_same_records_from_postgres_18() {
    both_forms_write_the_same_records(servers::postgres_18());
}

/// Types of one's own: a composite one, and one of which a part has no send function.
const PAIRS: &str = "
    CREATE EXTENSION isn;
    CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN deep_pair AS pair;
    CREATE TYPE book AS (number isbn, two pair);
    CREATE TABLE fine (id int PRIMARY KEY)";

/// Captures another table only.
const ELSEWHERE: (&str, &str) = ("table.include.list", "public.fine");
const UNKNOWN: (&str, &str) = ("include.unknown.datatypes", "true");

#[test]
fn a_column_without_a_safe_form_counts_where_records_have_its_values() {
    for (column, value, setting, expected) in [
        ("money", "'1.5'", None, "text"),
        ("money", "'1.5'", Some(("column.exclude.list", "public.t.c")), "binary"),
        ("money", "'1.5'", Some(("column.include.list", "public.t.id")), "binary"),
        ("money", "'1.5'", Some(ELSEWHERE), "binary"),
        // Records never have arrays of it, nor by default what has no mapping.
        ("money[]", "'{1.5}'", None, "binary"),
        ("pair", "'(1,x)'", None, "binary"),
        ("deep_pair[]", "'{\"(1,x)\"}'", None, "binary"),
        ("regclass", "'t'", None, "binary"),
        ("pair", "'(1,x)'", Some(UNKNOWN), "text"),
        ("deep_pair", "'(1,x)'", Some(UNKNOWN), "text"),
        ("regclass", "'t'", Some(UNKNOWN), "text"),
        ("pair", "'(1,x)'", Some(ELSEWHERE), "binary"),
        // The server itself would stop.
        ("book", "ROW('978-0-393-04002-9', NULL)", Some(ELSEWHERE), "text"),
        ("book[]", "NULL", Some(("column.exclude.list", "public.t.c")), "text"),
        ("aclitem[]", "NULL", Some(ELSEWHERE), "text"),
        ("aclitem", "'postgres=r/postgres'", None, "binary"),
    ] {
        // Given a published table with a column whose binary form is not safe.
        let server = if expected == "text" { servers::postgres_18() } else { servers::postgres_15() };
        let scene = Scene::new(server, &format!("{PAIRS}; CREATE TABLE t (id int PRIMARY KEY, c {column})"));

        // When walcast starts, then values come as text where the column is of any use, and the log names it.
        let mut walcast = scene.stream(setting.as_slice());
        assert_eq!(form(&walcast, &scene), expected, "{column} {setting:?}");
        let log = walcast.stderr();
        let said = log.contains("values come as text, because") && log.contains("column=\"c\"");
        assert_eq!(said, expected == "text", "{log}");

        // And what is captured arrives in that form.
        scene.execute(&format!("INSERT INTO t VALUES (1, {value}); INSERT INTO fine VALUES (1)"));
        let table = if setting == Some(ELSEWHERE) { "public.fine" } else { "public.t" };
        assert_eq!(after(&scene.wait_for(table, 1), "id"), ["1"]);
        assert_eq!(form(&walcast, &scene), expected, "{column} {setting:?}");
        assert!(!walcast.stderr().contains(LEFT), "{}", walcast.stderr());
        assert!(walcast.terminate().success());
    }
}

/// A type that bears the name of an extension's and belongs to it, and whose forms are those of `text`.
fn impostor(name: &str) -> String {
    let function = |function: &str, takes: &str, gives: &str, does: &str| {
        format!("CREATE FUNCTION {function}({takes}) RETURNS {gives} LANGUAGE internal IMMUTABLE STRICT AS '{does}'; ")
    };
    format!(
        "CREATE SCHEMA real; CREATE EXTENSION {name} SCHEMA real; CREATE TYPE {name}; {}{}{}\
         CREATE TYPE {name} (INPUT = its_in, OUTPUT = its_out, SEND = its_send, LIKE = text); \
         ALTER EXTENSION {name} ADD TYPE {name}; CREATE TABLE t (id int PRIMARY KEY, v {name})",
        function("its_in", "cstring", name, "textin"),
        function("its_out", name, "cstring", "textout"),
        function("its_send", name, "bytea", "textsend"),
    )
}

#[test]
fn a_value_that_cannot_be_decoded_in_binary_comes_as_text() {
    // Given a type whose binary form is another than the known one, with the known text, and a walcast that may retry
    // nothing, but would go on without a change that cannot be decoded.
    let scene = Scene::new(servers::postgres_18(), &impostor("ltree"));
    let settings = [("errors.max.retries", "0"), ("event.processing.failure.handling.mode", "skip")];
    let settings = [&settings[..], &[("provide.transaction.metadata", "true")]].concat();
    let mut walcast = scene.stream(&settings);
    assert_eq!(form(&walcast, &scene), "binary");

    // When one of its values stands in the middle of a transaction.
    scene.execute(
        "BEGIN; INSERT INTO t SELECT n FROM generate_series(1, 300) n; INSERT INTO t VALUES (301, 'top.science'); \
         INSERT INTO t SELECT n, 'top' FROM generate_series(302, 400) n; COMMIT",
    );

    // Then every row is there once and in order, and nothing was left out.
    scene.wait_for("public.t", 400);
    let records = scene.settled("public.t");
    assert_eq!(after(&records, "id"), ids(1..=400));
    let rows = rows(&records);
    assert_eq!((&rows[299]["v"], &rows[300]["v"]), (&Value::Null, &json!("top.science")));
    let orders: Vec<Value> = records.iter().map(|record| record.json()["transaction"]["total_order"].clone()).collect();
    assert_eq!(orders, (1..=400).map(|order| json!(order)).collect::<Vec<_>>());

    // And it is said once, without the value, and counts as no loss of the source.
    assert_eq!(form(&walcast, &scene), "text");
    let log = walcast.stderr();
    assert_eq!(log.matches(LEFT).count(), 1, "{log}");
    assert!(log.contains("public.t.v") && !log.contains("science"), "{log}");
    assert_eq!(walcast.metric("walcast_reconnects_total{side=\"source\"}"), Some(0.0));
    let sample = "walcast_failed_events_total{table=\"public.t\",outcome=\"left_out\"}";
    assert!(walcast.metric(sample).is_none_or(|count| count == 0.0));
    scene.database.wait_until_confirmed();
    assert!(walcast.terminate().success());
}

#[test]
fn a_value_that_cannot_be_decoded_in_either_form_stops_the_connector() {
    // Given a type of which neither form is the known one.
    let scene = Scene::new(servers::postgres_15(), &impostor("hstore"));
    let mut walcast = scene.stream(&[]);
    assert_eq!(form(&walcast, &scene), "binary");
    let type_oid = scene.database.session().value("SELECT 'public.hstore'::regtype::oid::text").expect("an OID");
    let before = scene.database.confirmed_lsn();

    // When there is a value of it.
    scene.execute("INSERT INTO t VALUES (1, NULL), (2, 'nonsense')");

    // Then text is tried, and the end names the place and never the value.
    assert!(!walcast.wait_exit().success());
    let log = walcast.stderr();
    assert_eq!(log.matches(LEFT).count(), 1, "{log}");
    for part in ["column public.t.v", &format!("type OID {type_oid}"), ":2 of table public.t", "the text form"] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
    assert!(!log.contains("nonsense"), "{log}");
    assert_eq!(scene.database.confirmed_lsn(), before);
}

fn a_session_is_left_before_a_row_that_does_not_fit(server: &'static dyn PostgresServer) {
    // Given walcast in a binary session, which may retry nothing.
    let scene =
        Scene::new(server, "CREATE TABLE t (id int PRIMARY KEY, a numeric); CREATE TYPE pair AS (a int, b text)");
    let settings = [("errors.max.retries", "0"), ("include.unknown.datatypes", "true")];
    let mut walcast = scene.stream(&settings);
    assert_eq!(form(&walcast, &scene), "binary");

    // When a column of a composite type comes up in the middle of a transaction.
    scene.execute(
        "BEGIN; INSERT INTO t SELECT n, n FROM generate_series(1, 500) n; \
         ALTER TABLE t ADD COLUMN c pair DEFAULT '(1,x)'; \
         INSERT INTO t SELECT n, n, ROW(n, 'it''s'::text)::pair FROM generate_series(501, 1000) n; \
         UPDATE t SET a = a + 1 WHERE id = 1000; COMMIT",
    );
    scene.execute("INSERT INTO t VALUES (1001, NULL, NULL)");

    // Then every row is there once and in order, those with the column as text.
    scene.wait_for("public.t", 1002);
    let records = scene.settled("public.t");
    let mut expected = ids(1..=1000);
    expected.extend(["1000".to_owned(), "1001".to_owned()]);
    assert_eq!(after(&records, "id"), expected);
    let rows = rows(&records);
    assert_eq!(rows[499], json!({"id": 500, "a": rows[499]["a"]}), "a row from before it");
    // "(501,it's)" in base64.
    assert_eq!(rows[500]["c"], json!("KDUwMSxpdCdzKQ=="));
    assert_eq!(rows[1001], json!({"id": 1001, "a": null, "c": null}));

    // And it is said once and counts as no loss of the source.
    assert_eq!(form(&walcast, &scene), "text");
    let log = walcast.stderr();
    assert_eq!(log.matches(LEFT).count(), 1, "{log}");
    assert!(log.contains("public.t") && log.contains("column=\"c\""), "{log}");
    assert_eq!(walcast.metric("walcast_reconnects_total{side=\"source\"}"), Some(0.0));
    scene.database.wait_until_confirmed();

    // When the column is gone and walcast is started again, then the session is binary.
    scene.execute("ALTER TABLE t DROP COLUMN c");
    scene.database.wait_until_confirmed();
    assert!(walcast.terminate().success());
    let walcast = scene.stream(&settings);
    assert_eq!(form(&walcast, &scene), "binary");
    scene.execute("INSERT INTO t VALUES (1002, 3)");
    scene.wait_for("public.t", 1003);
    assert_eq!(after(&scene.settled("public.t"), "id").last().map(String::as_str), Some("1002"));
}

#[test]
fn a_session_is_left_before_a_row_that_does_not_fit_on_postgres_15() {
    a_session_is_left_before_a_row_that_does_not_fit(servers::postgres_15());
}

#[test]
fn a_session_is_left_before_a_row_that_does_not_fit_on_postgres_18() {
    a_session_is_left_before_a_row_that_does_not_fit(servers::postgres_18());
}

#[test]
fn what_the_log_still_holds_of_dropped_columns_types_and_tables_is_written() {
    // Given rows that nobody has read yet, of columns, types and tables that are gone meanwhile.
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY, price money)");
    assert!(scene.stream(&[]).terminate().success());
    scene.execute("INSERT INTO t VALUES (1, 12.5); ALTER TABLE t DROP COLUMN price; INSERT INTO t VALUES (2)");
    scene.execute("CREATE TYPE pair AS (a int, b text); ALTER TABLE t ADD COLUMN c pair");
    scene.execute("INSERT INTO t VALUES (3, (1, 'x')); ALTER TABLE t DROP COLUMN c; DROP TYPE pair");
    scene.execute("CREATE TABLE gone (id int PRIMARY KEY, m money); INSERT INTO gone VALUES (1, 7); DROP TABLE gone");
    scene.execute("INSERT INTO t VALUES (4)");

    // When walcast starts, which finds nothing wrong in the catalog as it is now.
    let mut walcast = scene.start(&[("errors.max.retries", "0")]);
    scene.wait_for("public.t", 4);

    // Then all of it arrives, once.
    let records = scene.settled("public.t");
    assert_eq!(after(&records, "id"), ["1", "2", "3", "4"]);
    // 12.50 as a decimal of scale 2: 1250.
    assert_eq!(rows(&records)[0], json!({"id": 1, "price": "BOI="}));
    assert_eq!(after(&scene.settled("public.gone"), "id"), ["1"]);
    assert_eq!(walcast.stderr().matches(LEFT).count(), 1, "{}", walcast.stderr());
    assert_eq!(form(&walcast, &scene), "text");
    assert!(walcast.terminate().success());
}

#[test]
fn a_value_that_the_server_cannot_send_in_binary_comes_as_text() {
    // Given a table that is not captured, walcast in a binary session, and a type without a send function.
    let scene = Scene::new(servers::postgres_15(), "CREATE EXTENSION isn; CREATE TABLE t (id int PRIMARY KEY, i isbn)");
    let mut walcast = scene.stream(&[("errors.max.retries", "0"), ("table.include.list", "public.t")]);
    assert_eq!(form(&walcast, &scene), "binary", "the type alone comes as text in any session");

    // When an array of it is written among captured rows.
    scene.execute(
        "CREATE TABLE other (id int PRIMARY KEY, list isbn[]); \
         INSERT INTO t SELECT n, '978-0-393-04002-9' FROM generate_series(1, 100) n; \
         INSERT INTO other VALUES (1, '{978-0-393-04002-9}'); \
         INSERT INTO t SELECT n FROM generate_series(101, 200) n",
    );

    // Then the server's failure costs nothing but the form.
    scene.wait_for("public.t", 200);
    let records = scene.settled("public.t");
    assert_eq!(after(&records, "id"), ids(1..=200));
    assert_eq!(rows(&records)[0]["i"], json!("0-393-04002-X"));
    assert_eq!(form(&walcast, &scene), "text");
    let log = walcast.stderr();
    assert!(log.contains("failed to send them in binary form") && log.contains("42883"), "{log}");
    assert_eq!(walcast.metric("walcast_reconnects_total{side=\"source\"}"), Some(0.0));
    assert!(walcast.terminate().success());
}

/// Transactions of the test below, and the rows of each.
const ROUNDS: u32 = 12;
const ROWS: u32 = 500;

#[test]
fn kills_between_the_forms_lose_nothing() {
    // Given walcast, and a table that gets and loses a column without a safe form again and again.
    let scene = Scene::new(servers::postgres_18(), "CREATE TABLE t (id int PRIMARY KEY, a text)");
    let mut walcast = scene.stream(&[]);
    let writer = scene.database.another_session();

    // When it is killed at many moments in between and started again.
    let mut left = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                let low = round * ROWS + 1;
                let (middle, high) = (low + ROWS / 2, low + ROWS - 1);
                writer.execute(&format!(
                    "BEGIN; INSERT INTO t SELECT n, 'x' FROM generate_series({low}, {middle} - 1) n; \
                     ALTER TABLE t ADD COLUMN m money; \
                     INSERT INTO t SELECT n, 'x', n FROM generate_series({middle}, {high}) n; COMMIT"
                ));
                writer.execute("ALTER TABLE t DROP COLUMN m");
            }
        });
        for nth in 1..=6 {
            let wanted = i64::from(nth * ROUNDS * ROWS / 8);
            wait::until("rows arrive", wait::PATIENCE, || {
                let topic = scene.topics.topic("public.t");
                scene.topics.existing().contains(&topic) && scene.topics.end_offset(&topic) >= wanted
            });
            walcast.kill();
            left += walcast.stderr().matches(LEFT).count();
            walcast = scene.start(&[]);
        }
    });
    scene.database.wait_until_confirmed();

    // Then no row is missing, those that come again come in order, and amounts stand only where they belong.
    let records = scene.settled("public.t");
    let mut seen = 0_u32;
    for record in &records {
        let row = &record.json()["after"];
        let id = u32::try_from(row["id"].as_u64().expect("an id")).expect("a small one");
        assert!(id <= seen + 1, "{id} after {seen}");
        seen = seen.max(id);
        assert_eq!(row.get("m").is_some(), (id - 1) % ROWS >= ROWS / 2, "{row}");
    }
    assert_eq!(seen, ROUNDS * ROWS);
    assert!(left > 0, "no session was left");
    assert!(walcast.terminate().success());
}
