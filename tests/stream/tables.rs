//! A thousand tables.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::scene::{Scene, strict_kafka};
use crate::support::{servers, wait};

const TABLES: usize = 1000;

#[test]
fn a_thousand_tables_stream_and_the_start_is_quick() {
    // Given a thousand tables and their topics.
    let (_turn, broker) = strict_kafka();
    let each = |statement: &str| {
        format!("DO $$ BEGIN FOR n IN 1..{TABLES} LOOP EXECUTE format('{statement}', n); END LOOP; END $$")
    };
    let scene = Scene::at(
        servers::postgres_18(),
        broker.bootstrap(),
        &each("CREATE TABLE t%s (id int PRIMARY KEY, words text)"),
    );
    let topics: Vec<_> = (1..=TABLES).map(|n| scene.topics.topic(&format!("public.t{n}"))).collect();
    scene.topics.create(&topics, 1, &[]);
    scene.execute(&format!("CREATE PUBLICATION {} FOR ALL TABLES", scene.database.publication));
    scene.database.create_slot();

    // When walcast starts.
    let since = Instant::now();
    let walcast = scene.stream(&[]);
    let took = since.elapsed();

    // Then it streams soon, and the rows of all tables arrive, each once.
    assert!(took < Duration::from_secs(5), "the start took {took:?}");
    scene.execute(&each("INSERT INTO t%s VALUES (1, %1$L)"));
    wait::until("all records are delivered", wait::PATIENCE, || {
        walcast.metric("walcast_records_delivered_total").is_some_and(|records| records >= TABLES as f64)
    });
    scene.database.wait_until_confirmed();
    assert_eq!(walcast.metric("walcast_records_delivered_total"), Some(TABLES as f64));
    let records = scene.topics.wait_for_all(&topics, TABLES);
    let found: BTreeSet<_> = records.iter().map(|record| record.topic.clone()).collect();
    assert_eq!((records.len(), found.len()), (TABLES, TABLES));
    for record in &records {
        let after = &record.json()["after"];
        assert!(record.topic.ends_with(&format!(".t{}", after["words"].as_str().expect("text"))), "{record:?}");
    }
}
