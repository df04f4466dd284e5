//! Changes that cannot be decoded: the connector stops, or leaves them out and says so.

use super::scene::{Scene, after, header};
use crate::support::{servers, wait};

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, n numeric(20,2))";
/// A value that its column's type in records cannot hold, between two that it can.
const ROWS: &str = "INSERT INTO t VALUES (1, 1.5), (2, 'NaN'), (3, 2.5)";
const STRICT: (&str, &str) = ("event.converting.failure.handling.mode", "fail");

#[test]
fn what_is_left_out_is_kept_where_a_topic_for_it_is_set() {
    // Given a connector that goes on, with and without a topic for what it leaves out.
    for (mode, outcome) in [("warn", "kept"), ("skip", "left_out")] {
        let scene = Scene::new(servers::postgres_15(), TABLE);
        let letters = scene.topics.topic("letters");
        let mut properties =
            vec![STRICT, ("event.processing.failure.handling.mode", mode), ("walcast.binary", "never")];
        if outcome == "kept" {
            properties.push(("walcast.dead.letter.topic", &letters));
        }
        let walcast = scene.stream(&properties);

        // When a change cannot be decoded.
        scene.execute(ROWS);

        // Then its neighbours arrive, and it is counted and confirmed.
        assert_eq!(after(&scene.wait_for("public.t", 2), "id"), ["1", "3"]);
        scene.database.wait_until_confirmed();
        let sample = format!("walcast_failed_events_total{{table=\"public.t\",outcome=\"{outcome}\"}}");
        wait::until("it is counted", wait::PATIENCE, || walcast.metric(&sample) == Some(1.0));
        let logged = walcast.stderr().contains("a change is left out");
        assert_eq!(logged, mode == "warn", "{}", walcast.stderr());
        if outcome == "left_out" {
            assert_eq!(scene.topics.existing().len(), 1);
            continue;
        }

        // And the message itself is kept, with its position, table and reason.
        let letter = scene.topics.wait_for(&letters, 1).remove(0);
        let message = letter.value.clone().expect("a message");
        assert_eq!((message.first(), letter.key.as_ref()), (Some(&b'I'), None));
        assert!(message.windows(3).any(|window| window == b"NaN"), "the message as the server sent it");
        let said = |name| header(&letter, name).unwrap_or_default();
        assert_eq!((said("walcast.table"), said("walcast.content")), ("public.t".to_owned(), "pgoutput".to_owned()));
        assert!(said("walcast.position").ends_with(":2"), "{}", said("walcast.position"));
        assert!(said("walcast.reason").contains("column public.t.n, type OID 1700"), "{}", said("walcast.reason"));
    }
}

#[test]
fn by_default_the_connector_stops_and_confirms_nothing_of_it() {
    // Given a connector that stops at what it cannot decode.
    let scene = Scene::new(servers::postgres_18(), TABLE);
    let mut walcast = scene.stream(&[STRICT]);
    let before = scene.database.confirmed_lsn();

    // When there is such a change.
    scene.execute(ROWS);

    // Then it ends with a definite error that names the place, and the slot stays before it.
    assert!(!walcast.wait_exit().success());
    let log = walcast.stderr();
    for part in ["column public.t.n", "type OID 1700", "table public.t", "walcast.dead.letter.topic"] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
    assert_eq!(scene.database.confirmed_lsn(), before);
}
