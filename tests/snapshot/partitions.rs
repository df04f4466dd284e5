//! Tables in partitions that are published as one: read partition by partition, under the name of their root.

use std::collections::BTreeSet;

use super::bad_input::wait_until_first_is_read;
use super::observed::parts_planned;
use crate::stream::scene::{Scene, after, operations};
use crate::support::servers;

const INITIAL: (&str, &str) = ("snapshot.mode", "initial");
const AS_ROOT: (&str, &str) = ("publish.via.partition.root", "true");

/// A table of three partitions in two schemas, one with its columns in another order.
const EVENTS: &str = "
    CREATE SCHEMA old;
    CREATE TABLE events (id int, day int, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE old.first (note text, day int NOT NULL, id int NOT NULL, PRIMARY KEY (id, day));
    ALTER TABLE events ATTACH PARTITION old.first FOR VALUES FROM (0) TO (10);
    CREATE TABLE second PARTITION OF events FOR VALUES FROM (10) TO (20);
    CREATE TABLE third PARTITION OF events FOR VALUES FROM (20) TO (30);
    INSERT INTO events SELECT i, i % 25, 'n' || i FROM generate_series(1, 100) i;";

#[test]
fn each_partition_is_read_by_itself_and_its_rows_are_those_of_the_root() {
    // Given a partitioned table with a row filter, when it is read.
    let scene = Scene::new(servers::postgres_18(), EVENTS);
    scene.execute(&format!(
        "CREATE PUBLICATION {} FOR TABLE events WHERE (id <= 90) WITH (publish_via_partition_root = true)",
        scene.database.publication
    ));
    let walcast = scene.stream(&[INITIAL, AS_ROOT]);

    // Then every row that is published comes once, under the root's name, first and last of them marked.
    let records = scene.settled("public.events");
    assert_eq!(parts_planned(&walcast), 3, "{}", walcast.stderr());
    let ids: BTreeSet<i64> = after(&records, "id").iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids, (1..=90).collect());
    assert_eq!(records.len(), 90);
    for record in &records {
        let json = record.json();
        let (row, source) = (&json["after"], &json["source"]);
        let id = row["id"].as_i64().unwrap();
        assert_eq!((row["day"].as_i64(), row["note"].as_str()), (Some(id % 25), Some(&*format!("n{id}"))));
        assert_eq!((source["schema"].as_str(), source["table"].as_str()), (Some("public"), Some("events")));
    }
    let marks: Vec<String> =
        records.iter().map(|record| record.json()["source"]["snapshot"].as_str().unwrap().to_owned()).collect();
    assert_eq!((marks.first().map(String::as_str), marks.last().map(String::as_str)), (Some("first"), Some("last")));
    assert_eq!(marks.iter().filter(|mark| *mark == "true").count(), 88);
}

#[test]
fn a_role_that_may_read_only_the_root_reads_it_as_one() {
    // Given a role with rights on the root, not on its partitions.
    let scene = Scene::new(servers::postgres_18(), EVENTS);
    let role = format!("{}_reader", scene.database.name);
    scene.execute(&format!(
        "CREATE ROLE {role} LOGIN REPLICATION; GRANT SELECT ON events TO {role};
         CREATE PUBLICATION {} FOR TABLE events WITH (publish_via_partition_root = true)",
        scene.database.publication
    ));

    // When it reads, then all rows are there.
    {
        let mut walcast = scene.start(&[INITIAL, AS_ROOT, ("database.user", &role)]);
        walcast.wait_until_streaming(&scene.database);
        assert_eq!(operations(&scene.settled("public.events")), "r".repeat(100));
        assert_eq!(parts_planned(&walcast), 1);
        walcast.terminate();
    }
    scene.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn partitions_that_are_truncated_dropped_or_added_during_a_snapshot_leave_the_others_as_they_are() {
    // Given a snapshot that is busy with another table, when partitions change meanwhile.
    let tables = format!("CREATE TABLE before (id int PRIMARY KEY); INSERT INTO before VALUES (1); {EVENTS}");
    let scene = Scene::new(servers::postgres_18(), &tables);
    let mut walcast = scene.start(&[
        INITIAL,
        AS_ROOT,
        ("snapshot.select.statement.overrides", "public.before"),
        ("snapshot.select.statement.overrides.public.before", "SELECT b.* FROM public.before b, pg_sleep(2)"),
    ]);
    wait_until_first_is_read(&scene);
    scene.execute(
        "DROP TABLE old.first; TRUNCATE second; INSERT INTO events VALUES (200, 15, 'n200');
         CREATE TABLE fourth PARTITION OF events FOR VALUES FROM (30) TO (40); INSERT INTO events VALUES (300, 35, 'n300')",
    );
    walcast.wait_until_streaming(&scene.database);

    // Then the rows that are left are there, none of the others after what took them away, and no row twice.
    let records = scene.settled("public.events");
    let ids: Vec<i64> = after(&records, "id").iter().map(|id| id.parse().unwrap()).collect();
    let third: BTreeSet<i64> = (1..=100).filter(|id| id % 25 >= 20).collect();
    let expected: BTreeSet<i64> = third.iter().copied().chain([200, 300]).collect();
    assert_eq!(ids.iter().copied().collect::<BTreeSet<i64>>(), expected, "{}", walcast.stderr());
    for id in third {
        assert_eq!(ids.iter().filter(|found| **found == id).count(), 1, "row {id} was read once");
    }
    // The snapshot that is held holds no lock of a partition: else readers and whoever changes it would wait for each other.
    assert!(!walcast.stderr().contains("lock timeout"), "{}", walcast.stderr());
    assert!(walcast.stderr().contains("partition=\"public.second\""), "{}", walcast.stderr());
}
