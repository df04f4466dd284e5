//! Queries that are read in place of tables: in parts where they say yes or no to each row, as one everywhere else.

use std::collections::{BTreeMap, BTreeSet};

use walcast::local::PostgresServer;

use super::bad_input::wait_until_first_is_read;
use super::incremental::{SIGNALS, TABLE as SIGNAL_TABLE, signal};
use super::observed::parts_planned;
use super::writers::{held, kill_again_and_again, rounds, table};
use crate::stream::scene::{Scene, after, operations};
use crate::support::topics::ConsumedRecord;
use crate::support::{servers, wait};

const INITIAL: (&str, &str) = ("snapshot.mode", "initial");
const TWO_READERS: (&str, &str) = ("snapshot.max.threads", "2");
const PATIENT: (&str, &str) = ("snapshot.lock.timeout.ms", "120000");
const OVERRIDES: &str = "snapshot.select.statement.overrides";
const OF_B: &str = "snapshot.select.statement.overrides.public.b";

/// A table that is large enough for several parts.
const TABLE: &str = "
    CREATE TABLE b (id int PRIMARY KEY, v int NOT NULL, big text); ALTER TABLE b ALTER big SET STORAGE EXTERNAL;
    INSERT INTO b SELECT i, 0, repeat('x', 1500) FROM generate_series(1, 20000) i;";

/// Whoever reads this row waits for a lock.
const GATE: &str = "
    CREATE FUNCTION gate(id int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
        IF id = 19990 THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF;
        RETURN true;
    END $$;";

/// Rows in parts that are kept as done, and how many parts.
fn kept(scene: &Scene) -> (u64, usize) {
    let records = scene.topics.read_to_end(&scene.topics.progress());
    let is_part = |record: &&ConsumedRecord| record.key_text().is_some_and(|key| key.contains(r#""entry":"part""#));
    let parts: Vec<serde_json::Value> = records.iter().filter(is_part).map(ConsumedRecord::json).collect();
    assert!(parts.iter().all(|part| part["query"].is_string()), "{parts:?}");
    (parts.iter().map(|part| part["rows"].as_u64().expect("a number")).sum(), parts.len())
}

/// How often each row was read.
fn reads(records: &[ConsumedRecord]) -> BTreeMap<i64, usize> {
    let mut reads = BTreeMap::new();
    for record in records.iter().map(ConsumedRecord::json).filter(|json| json["op"] == "r") {
        *reads.entry(record["after"]["id"].as_i64().expect("a key")).or_default() += 1;
    }
    reads
}

#[test]
fn what_was_read_of_a_query_is_not_read_again_and_what_changed_is() {
    // Given a table with room in its first pages, and a query of which the first parts are with the brokers; the last one waits.
    let scene = Scene::new(servers::postgres_18(), &format!("{TABLE}{GATE} DELETE FROM b WHERE id <= 200"));
    scene.execute("VACUUM (INDEX_CLEANUP ON) b");
    scene.execute("SELECT pg_advisory_lock(4711)");
    let query =
        "SELECT o.* FROM public.b AS o WHERE gate(o.id) AND o.id NOT BETWEEN 5000 AND 5999 -- these are not wanted";
    let properties = [INITIAL, TWO_READERS, PATIENT, (OVERRIDES, "public.b"), (OF_B, query)];
    let mut walcast = scene.start(&properties);
    let parts = parts_planned(&walcast);
    assert!(parts >= 4, "{}", walcast.stderr());
    // The last row that was read waits for the next one, and its part with it.
    wait::until("all parts but two are kept", wait::PATIENCE, || kept(&scene).1 == parts - 2);
    let (rows_kept, _) = kept(&scene);

    // When rows that were not read move to pages that were, and others change, and the connector is killed and begins again.
    // The session that filled the table would go on behind its last row.
    let other = scene.database.another_session();
    other.execute("UPDATE b SET v = 1 WHERE id IN (207, 19995); UPDATE b SET id = 30000 WHERE id = 19999");
    let moved = "SELECT count(*) FROM b WHERE id IN (207, 19995, 30000) AND ctid < '(100,0)'";
    assert_eq!(scene.database.session().value(moved).as_deref(), Some("3"));
    scene.execute("DELETE FROM b WHERE id = 208");
    walcast.kill();
    scene.execute("SELECT pg_advisory_unlock(4711)");
    let mut walcast = scene.start(&properties);
    walcast.wait_until_streaming(&scene.database);
    scene.execute("INSERT INTO b VALUES (5000, 2, 'new') ON CONFLICT (id) DO UPDATE SET v = 2, big = 'new'");

    // Then what the query left out did not come, and what was read came once, but for what changed.
    let records = scene.settled("public.b");
    let reads = reads(&records);
    assert!(reads.keys().all(|id| !(5000..6000).contains(id)));
    let of = |id: i64| reads.get(&id).copied().unwrap_or_default();
    assert_eq!([of(207), of(208), of(19_995), of(19_999), of(30_000)], [2, 1, 1, 0, 1]);
    let twice = reads.values().filter(|count| **count > 1).count() as u64;
    assert_eq!(reads.len(), 18_800);
    assert!(
        rows_kept > 5_000 && twice <= 18_800 - rows_kept + 1,
        "{twice} rows were read twice, {rows_kept} were kept"
    );

    // And the topic holds what the query gives, and every change.
    let mut expected = table(&scene, "b");
    expected.retain(|id, _| !(5001..6000).contains(id));
    assert!(held(&records) == expected, "topic and table differ");
}

/// Kills the connector at random moments of its snapshot, under writers, and audits the topic.
fn audit(seed: u64) {
    // Given a connector that is killed again and again, when at last it may go on.
    let scene = Scene::new(servers::postgres_18(), &format!("{TABLE} CREATE TABLE a (LIKE b INCLUDING ALL)"));
    let query = "SELECT * FROM public.b WHERE id < 5000 OR id >= 6000";
    let properties = [INITIAL, TWO_READERS, (OVERRIDES, "public.b"), (OF_B, query)];
    let _walcast = kill_again_and_again(&scene, &properties, seed, 300);
    assert_agree_but_for_what_is_left_out(&scene, seed);
}

/// Every row that the query gives is there, and as it is.
fn assert_agree_but_for_what_is_left_out(scene: &Scene, seed: u64) {
    let records = scene.settled("public.b");
    assert!(reads(&records).keys().all(|id| !(5000..6000).contains(id)), "seed {seed}");
    let (mut held, mut expected) = (held(&records), table(scene, "b"));
    // What the query leaves out comes with its changes, without the text that did not change.
    for rows in [&mut expected, &mut held] {
        rows.retain(|id, _| !(5000..6000).contains(id));
    }
    let ids: BTreeSet<&i64> = expected.keys().chain(held.keys()).collect();
    let differing: Vec<_> = ids.into_iter().filter(|id| expected.get(id) != held.get(id)).take(5).collect();
    assert!(differing.is_empty(), "seed {seed}: topic and table differ in {differing:?}");
}

#[test]
fn a_query_that_is_killed_goes_on_and_every_row_ends_as_it_is() {
    let seed = fastrand::u64(..1_000_000);
    for round in 0..rounds(1) {
        audit(seed + round);
    }
}

#[test]
fn parts_of_another_query_count_for_nothing() {
    // Given a query of which parts are kept.
    let scene = Scene::new(servers::postgres_18(), &format!("{TABLE}{GATE}"));
    scene.execute("SELECT pg_advisory_lock(4711)");
    let with = |query| [INITIAL, TWO_READERS, PATIENT, (OVERRIDES, "public.b"), (OF_B, query)];
    let mut walcast = scene.start(&with("SELECT * FROM public.b WHERE gate(id) AND id > 10000"));
    let parts = parts_planned(&walcast);
    wait::until("parts are kept", wait::PATIENCE, || kept(&scene).1 > 1);
    walcast.kill();
    scene.execute("SELECT pg_advisory_unlock(4711)");

    // When it is another one, then all of it is read.
    let walcast = scene.stream(&with("SELECT * FROM public.b WHERE gate(id) AND id > 0"));
    assert_eq!(parts_planned(&walcast), parts);
    assert_eq!(reads(&scene.settled("public.b")).len(), 20_000);
}

#[test]
fn a_table_that_is_rewritten_before_its_query_is_read_loses_no_row() {
    for query in ["SELECT * FROM public.b WHERE id > 100", "SELECT * FROM public.b WHERE id > 100 ORDER BY id"] {
        rewrite_before_reading(query);
    }
}

fn rewrite_before_reading(query: &str) {
    // Given a reader that is busy with another table, when the one of the query is rewritten meanwhile.
    let scene = Scene::new(servers::postgres_18(), &format!("{TABLE} CREATE TABLE a (id int PRIMARY KEY);"));
    scene.execute("INSERT INTO a VALUES (1)");
    let mut walcast = scene.start(&[
        INITIAL,
        ("snapshot.max.threads", "1"),
        (OVERRIDES, "public.a,public.b"),
        ("snapshot.select.statement.overrides.public.a", "SELECT a.* FROM public.a, pg_sleep(2)"),
        (OF_B, query),
    ]);
    wait_until_first_is_read(&scene);
    scene.execute("ALTER TABLE b ALTER v TYPE bigint");
    walcast.wait_until_streaming(&scene.database);

    // Then an older snapshot that sees no row of it is not what counts.
    assert_eq!(reads(&scene.settled("public.b")).len(), 19_900, "{}", walcast.stderr());
    assert!(walcast.stderr().contains("truncated or rewritten"), "{}", walcast.stderr());
}

#[test]
fn a_query_that_orders_or_limits_is_one_part() {
    // Given a large table, when a query wants the last rows of it.
    let scene = Scene::new(servers::postgres_18(), TABLE);
    let query = "SELECT * FROM public.b WHERE id <= 19000 ORDER BY id DESC LIMIT 5";
    let walcast = scene.stream(&[INITIAL, TWO_READERS, (OVERRIDES, "public.b"), (OF_B, query)]);

    // Then they come in their order, and marked.
    let records = scene.settled("public.b");
    assert_eq!(after(&records, "id"), ["19000", "18999", "18998", "18997", "18996"]);
    let mark = |record: &ConsumedRecord| record.json()["source"]["snapshot"].as_str().unwrap_or("-").to_owned();
    let marks: Vec<String> = records.iter().map(mark).collect();
    assert_eq!(marks, ["first", "true", "true", "true", "last"]);
    assert_eq!(parts_planned(&walcast), 1);
    assert!(walcast.stderr().contains("it says LIMIT") || walcast.stderr().contains("it says ORDER"));
}

#[test]
fn the_server_tells_which_queries_are_scans_of_their_table() {
    for server in [servers::postgres_18(), servers::postgres_15()] {
        tell_scans(server);
    }
}

fn tell_scans(server: &'static dyn PostgresServer) {
    // Given tables large enough for two parts, and queries for them.
    let rows =
        |table: &str| format!("INSERT INTO {table} SELECT i, 0, repeat('x', 1500) FROM generate_series(1, 3000) i;");
    let like = |table: &str| format!("CREATE TABLE {table} (id int PRIMARY KEY, v int, big text);");
    let cases = [
        // In two parts.
        ("plain", "SELECT big, id, v FROM plain WHERE lower(big) <> 'y' AND now() > '2020-01-01'", None),
        ("viewed", "SELECT * FROM outer_view WHERE id > 0", None),
        // As one.
        ("few", "SELECT * FROM public.few WHERE id = 7", Some("it is not planned as a scan of the table")),
        ("other", "SELECT * FROM public.plain", Some("it does not read the table itself")),
        ("counted", "SELECT max(id) AS id, 0 AS v, '' AS big FROM public.counted", Some("or an aggregate")),
        ("chance", "SELECT * FROM public.chance WHERE random() < 2", Some("not immutable")),
        ("looked", "SELECT * FROM public.looked WHERE elsewhere(id)", Some("not immutable")),
        ("parent", "SELECT * FROM public.parent", Some("tables that inherit")),
        ("placed", "SELECT * FROM public.placed WHERE ctid > '(0,0)'", Some("the server cannot read it in parts")),
    ];
    let mut tables: String = cases.iter().map(|(table, ..)| format!("{}{}", like(table), rows(table))).collect();
    tables.push_str(
        "CREATE VIEW inner_view AS SELECT big, id, v FROM viewed WHERE v = 0;
         CREATE VIEW outer_view AS SELECT id, v, big FROM inner_view o WHERE o.v < 1;
         CREATE FUNCTION elsewhere(id int) RETURNS bool STABLE LANGUAGE sql AS 'SELECT true';
         CREATE TABLE child () INHERITS (parent); ANALYZE;",
    );
    let scene = Scene::new(server, &tables);
    let listed: Vec<String> = cases.iter().map(|(table, ..)| format!("public.{table}")).collect();
    let (listed, names) = (listed.join(","), cases.map(|(table, ..)| format!("{OVERRIDES}.public.{table}")));
    let mut properties = vec![INITIAL, TWO_READERS, (OVERRIDES, &*listed)];
    properties.extend(names.iter().zip(&cases).map(|(name, (_, query, _))| (name.as_str(), *query)));

    // When they are read, then the log tells which are one part, and why.
    let walcast = scene.stream(&properties);
    let log = walcast.stderr();
    for (table, query, why) in &cases {
        let line = |line: &&str| line.contains("is read as one part") && line.contains(&format!("\"public.{table}\""));
        match (why, log.lines().find(line)) {
            (None, None) => {}
            (Some(why), Some(line)) => assert!(line.contains(why), "{query}: {line}"),
            (_, line) => panic!("{query}: {line:?}\n{log}"),
        }
    }
    // The child has no rows, and is read plainly.
    assert_eq!(parts_planned(&walcast), 2 * 2 + 7 + 1);

    // And each gives what it gives.
    for (table, count) in
        [("plain", 3000), ("viewed", 3000), ("few", 1), ("other", 3000), ("counted", 1), ("looked", 3000)]
    {
        assert_eq!(operations(&scene.settled(&format!("public.{table}"))), "r".repeat(count), "{table}");
    }
}

#[test]
fn a_query_of_a_partitioned_table_reads_only_the_partitions_that_it_wants() {
    // Given a partitioned table, one partition with its columns in another order.
    let scene = Scene::new(
        servers::postgres_18(),
        "CREATE TABLE events (id int, day int, big text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
         CREATE TABLE first (big text, day int NOT NULL, id int NOT NULL, PRIMARY KEY (id, day));
         ALTER TABLE events ATTACH PARTITION first FOR VALUES FROM (0) TO (10);
         CREATE TABLE second PARTITION OF events FOR VALUES FROM (10) TO (20);
         CREATE TABLE third PARTITION OF events FOR VALUES FROM (20) TO (30);
         INSERT INTO events SELECT i, i % 30, repeat('x', 1500) FROM generate_series(1, 9000) i; ANALYZE events",
    );
    let walcast = scene.stream(&[
        INITIAL,
        TWO_READERS,
        ("publish.via.partition.root", "true"),
        (OVERRIDES, "public.events"),
        ("snapshot.select.statement.overrides.public.events", "SELECT * FROM events WHERE day < 20 AND id > 4500"),
    ]);

    // Then two of three are read, in parts, and every row of the query comes once.
    assert_eq!(parts_planned(&walcast), 4, "{}", walcast.stderr());
    let records = scene.settled("public.events");
    let reads = reads(&records);
    let expected: BTreeSet<i64> = (4501..=9000).filter(|id| id % 30 < 20).collect();
    assert_eq!((reads.keys().copied().collect(), records.len()), (expected, 3000));
}

#[test]
fn what_a_blocking_snapshot_asks_for_is_read_in_parts() {
    // Given a connector that streams, when a signal asks for rows of a large table.
    let scene = Scene::new(servers::postgres_18(), &format!("{TABLE}{SIGNALS}"));
    let walcast = scene.stream(&[SIGNAL_TABLE, TWO_READERS]);
    let asked = r#"{"type": "blocking", "data-collections": ["public.b"],
                    "additional-conditions": [{"data-collection": "public.b", "filter": "id > 100 -- not the first"}]}"#;
    signal(&scene, "s", "execute-snapshot", asked);

    // Then several parts have them.
    let records = scene.wait_for("public.b", 19_900);
    assert_eq!((reads(&records).len(), records.len()), (19_900, 19_900));
    assert!(parts_planned(&walcast) >= 4, "{}", walcast.stderr());
}
