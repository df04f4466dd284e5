//! A snapshot that is killed goes on with what is left, and every row ends as it is.

use walcast::local::PostgresServer;

use super::writers::{assert_agree, held, kill_again_and_again, rounds};
use crate::stream::scene::Scene;
use crate::support::servers;

/// Large enough for several parts: 4 MiB is the smallest that several readers share.
const TABLES: &str = "
    CREATE TABLE a (id int PRIMARY KEY, v int NOT NULL, big text);
    CREATE TABLE b (id int PRIMARY KEY, v int NOT NULL, big text);
    ALTER TABLE a ALTER big SET STORAGE EXTERNAL; ALTER TABLE b ALTER big SET STORAGE EXTERNAL;
    INSERT INTO a SELECT i, 0, repeat('t', 3000) FROM generate_series(1, 300) i;
    INSERT INTO b SELECT i, 0, repeat('x', 1500) FROM generate_series(1, 20000) i";

/// The same in partitions, between which a change of the key moves rows.
const PARTITIONED: &str = "
    CREATE TABLE a (id int PRIMARY KEY, v int NOT NULL, big text) PARTITION BY HASH (id);
    CREATE TABLE a0 PARTITION OF a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE a1 PARTITION OF a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE b (id int PRIMARY KEY, v int NOT NULL, big text) PARTITION BY RANGE (id);
    CREATE TABLE b_low PARTITION OF b FOR VALUES FROM (MINVALUE) TO (2000);
    CREATE TABLE b_middle PARTITION OF b FOR VALUES FROM (2000) TO (15000);
    CREATE TABLE b_high PARTITION OF b FOR VALUES FROM (15000) TO (MAXVALUE) PARTITION BY HASH (id);
    CREATE TABLE b_high0 PARTITION OF b_high FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE b_high1 PARTITION OF b_high FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    ALTER TABLE a0 ALTER big SET STORAGE EXTERNAL; ALTER TABLE a1 ALTER big SET STORAGE EXTERNAL;
    INSERT INTO a SELECT i, 0, repeat('t', 3000) FROM generate_series(1, 300) i;
    INSERT INTO b SELECT i, 0, repeat('x', 1500) FROM generate_series(1, 20000) i";

/// Kills the connector at random moments of its snapshot, under writers, and audits the topics.
fn audit(seed: u64, server: &'static dyn PostgresServer, tables: &str) {
    // Given a connector that is killed again and again, when at last it may go on.
    let scene = Scene::new(server, tables);
    let properties =
        [("snapshot.mode", "initial"), ("snapshot.max.threads", "2"), ("publish.via.partition.root", "true")];
    let _walcast = kill_again_and_again(&scene, &properties, seed, 400);

    // Then every row is there, and as it is.
    for name in ["a", "b"] {
        assert_agree(&scene, name, &held(&scene.settled(&format!("public.{name}"))), seed);
    }
}

#[test]
fn a_snapshot_that_is_killed_goes_on_and_every_row_ends_as_it_is() {
    let seed = fastrand::u64(..1_000_000);
    for round in 0..rounds(1) {
        audit(seed + round, servers::postgres_18(), TABLES);
    }
}

#[test]
fn so_does_one_of_tables_in_partitions() {
    let seed = fastrand::u64(..1_000_000);
    for round in 0..rounds(1) {
        audit(seed + round, servers::postgres_18(), PARTITIONED);
        audit(seed + round, servers::postgres_15(), PARTITIONED);
    }
}
