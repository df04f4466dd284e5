//! Cuts among records that belong to no table: none is lost or doubled, and numbers go on.

use serde_json::Value;

use super::rig::{Rig, reconnects, seed};
use crate::support::proxy::Direction;
use crate::support::wait;

#[test]
fn the_numbers_of_a_cut_transaction_go_on() {
    // Given transactions that are described, and a large one on a line that is cut inside it.
    let mut rig = Rig::shared();
    let proxy = rig.proxied();
    rig.set("provide.transaction.metadata", "true");
    let walcast = rig.stream();
    let received = proxy.bytes(Direction::ToClient);
    rig.database.execute("INSERT INTO uniq SELECT n, 0, repeat('x', 100) FROM generate_series(1, 25000) n");
    for megabytes in 1..3 {
        let reached = received + megabytes * 1_000_000;
        wait::until("more of it has come", wait::PATIENCE, || proxy.bytes(Direction::ToClient) > reached);
        proxy.cut();
        rig.database.wait_until_streaming();
    }
    rig.database.wait_until_confirmed();

    // Then it has one begin and one end, and each record its own number.
    assert!(reconnects(&walcast, "source") >= 1.0, "{}", walcast.stderr());
    let transactions = rig.topics.read_to_end(&rig.topics.topic("transaction"));
    let told: Vec<_> = transactions.iter().map(|record| record.json()).collect();
    let of_many: Vec<_> = told.iter().filter(|value| value["event_count"] == 25_000).collect();
    assert_eq!(of_many.len(), 1, "{told:?}");
    let xid = |value: &Value| value["id"].as_str().and_then(|id| id.split_once(':')).expect("an id").0.to_owned();
    let same = told.iter().filter(|value| xid(value) == xid(of_many[0]));
    assert_eq!(same.map(|value| value["status"].clone()).collect::<Vec<_>>(), ["BEGIN", "END"]);
    let records = rig.topics.read_to_end(&rig.topics.topic("public.uniq"));
    let orders: Vec<_> =
        records.iter().filter_map(|record| record.json()["transaction"]["total_order"].as_i64()).collect();
    assert_eq!(orders, (1..=25_000).collect::<Vec<i64>>());
}

#[test]
fn cuts_among_messages_lose_none_and_double_none() {
    // Given messages outside and inside transactions, with heartbeats between them.
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut rig = Rig::shared();
    let proxy = rig.proxied();
    rig.set("provide.transaction.metadata", "true");
    rig.set("heartbeat.interval.ms", "20");
    let walcast = rig.stream();

    // When the connection is cut again and again.
    for round in 0..10 {
        rig.database.wait_until_streaming();
        for n in 0..100 {
            let transactional = random.bool();
            rig.database.execute(&format!("SELECT pg_logical_emit_message({transactional}, 'n', '{round}-{n}')"));
            if n == 50 {
                proxy.cut();
            }
        }
    }
    rig.database.wait_until_confirmed();

    // Then each is there once, in order, and so are the begins and ends of the transactions.
    assert!(reconnects(&walcast, "source") >= 3.0, "{}", walcast.stderr());
    let messages = rig.topics.wait_for(&rig.topics.topic("message"), 1_000);
    let lsns: Vec<_> = messages.iter().filter_map(|record| record.json()["source"]["lsn"].as_u64()).collect();
    assert_eq!(lsns.len(), 1_000);
    assert!(lsns.windows(2).all(|pair| pair[0] < pair[1]), "a message is doubled or out of order");
    let inside = messages.iter().filter(|record| !record.json()["transaction"].is_null()).count();
    let transactions = rig.topics.read_to_end(&rig.topics.topic("transaction"));
    let statuses: Vec<_> = transactions.iter().map(|record| record.json()["status"].clone()).collect();
    assert_eq!(statuses.len(), inside * 2);
    assert!(statuses.chunks(2).all(|pair| pair == ["BEGIN", "END"]), "{statuses:?}");
}
