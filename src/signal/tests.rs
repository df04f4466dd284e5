use proptest::prelude::*;

use super::channel::{line, record, row};
use super::*;

fn signal(heard: Heard) -> Signal {
    match heard {
        Heard::Signal(signal) => signal,
        other => panic!("{other:?}"),
    }
}

fn why(heard: Heard) -> String {
    match heard {
        Heard::Refused(refused) => refused.why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_snapshot_is_asked_for_with_tables_conditions_and_a_surrogate_key() {
    let data = r#"{"type": "Incremental", "data-collections": ["public\\.ord.*", "s.Items"], "surrogate-key": "nr",
        "additional-conditions": [{"data-collection": "s.items", "filter": "id > 3"},
                                  {"data-collection": ".*", "filter": "true"}]}"#;
    let asked = signal(parse("ad-hoc", "execute-snapshot", Some(data)));
    assert_eq!(asked.id, "ad-hoc");
    let Action::Incremental(request) = asked.action else { panic!("{asked:?}") };
    assert!(request.tables.matches("public", "orders") && request.tables.matches("S", "items"));
    assert!(!request.tables.matches("public", "my.orders") && !request.tables.matches("s", "items2"));
    assert_eq!(request.filter("s", "items"), Some("id > 3"));
    assert_eq!(request.filter("public", "orders"), Some("true"));
    assert_eq!(request.surrogate_key.as_deref(), Some("nr"));
    assert_eq!(request.tables.texts().collect::<Vec<_>>(), ["public\\.ord.*", "s.Items"]);

    let default = signal(parse("", "execute-snapshot", Some(r#"{"data-collections": ["a.b"]}"#)));
    let Action::Incremental(request) = default.action else { panic!("{default:?}") };
    assert_eq!((request.filter("a", "b"), request.surrogate_key.as_deref()), (None, None));
    let blocking = r#"{"type": "BLOCKING", "data-collections": ["a.b"]}"#;
    assert!(matches!(signal(parse("", "execute-snapshot", Some(blocking))).action, Action::Blocking(_)));
}

#[test]
fn every_other_type_is_read() {
    let read = |kind, data| signal(parse("1", kind, data)).action;
    assert!(matches!(read("log", Some(r#"{"message": "at {}"}"#)), Action::Log { message } if message == "at {}"));
    assert!(matches!(read("stop-snapshot", None), Action::Stop { tables: None }));
    assert!(matches!(read("stop-snapshot", Some(r#"{"data-collections": []}"#)), Action::Stop { tables: None }));
    let some = read("stop-snapshot", Some(r#"{"type": "incremental", "data-collections": ["a.b"]}"#));
    assert!(matches!(some, Action::Stop { tables: Some(tables) } if tables.matches("a", "b")));
    assert!(matches!(read("pause-snapshot", Some("{}")), Action::Pause));
    assert!(matches!(read("resume-snapshot", Some(r#"{"type": "incremental"}"#)), Action::Resume));
    assert!(matches!(read("snapshot-window-open", Some("whatever")), Action::WindowMark));
    assert!(matches!(read("snapshot-window-close", None), Action::WindowMark));
}

#[test]
fn what_cannot_be_understood_is_refused_with_the_reason_and_without_the_data() {
    for (kind, data, reason) in [
        ("log", None, "it has no data"),
        ("log", Some("{}"), "its data has no message"),
        ("log", Some(r#"{"message": 7}"#), "message of its data is no text"),
        ("log", Some("[1]"), "its data is no JSON object"),
        ("log", Some("{secret"), "its data is no JSON (line 1, column 2)"),
        ("execute-snapshot", Some("{}"), "its data names no data-collections"),
        ("execute-snapshot", Some(r#"{"data-collections": []}"#), "its data names no data-collections"),
        ("execute-snapshot", Some(r#"{"data-collections": "a.b"}"#), "data-collections of its data is no list"),
        (
            "execute-snapshot",
            Some(r#"{"data-collections": [1]}"#),
            "data-collections of its data has an element that is no text",
        ),
        (
            "execute-snapshot",
            Some(r#"{"type": "full", "data-collections": ["a.b"]}"#),
            "there is no snapshot of type \"full\"",
        ),
        (
            "execute-snapshot",
            Some(r#"{"data-collections": ["a.b"], "additional-conditions": [{"data-collection": "a.b"}]}"#),
            "one of its additional-conditions has no filter",
        ),
        (
            "stop-snapshot",
            Some(r#"{"type": "blocking"}"#),
            "only incremental snapshots can be stopped, paused and resumed",
        ),
        ("schema-changes", Some("{}"), "schemas are read from the database, so nobody can change them by a signal"),
        ("truncate-all", Some("{}"), "there is no signal of type \"truncate-all\""),
    ] {
        assert_eq!(why(parse("x", kind, data)), reason, "{kind} {data:?}");
    }
    let unusable = why(parse("x", "execute-snapshot", Some(r#"{"data-collections": ["a.(b"]}"#)));
    assert!(unusable.contains("is not a regular expression"), "{unusable}");
    assert!(!why(parse("x", &"long".repeat(1000), None)).contains(&"long".repeat(30)), "names are shortened");
}

#[test]
fn a_row_has_three_columns_by_position() {
    assert_eq!(signal(row(&[Some("a"), Some("pause-snapshot"), None])).id, "a");
    assert_eq!(why(row(&[Some("a"), None, None])), "its type is null");
    assert_eq!(why(row(&[Some("a"), Some("log")])), "the row has 2 columns; id, type and data are expected");
    assert!(why(row(&[Some("a"), Some("log"), None, Some("x")])).contains("4 columns"));
}

#[test]
fn a_record_is_for_the_connector_that_its_key_names() {
    let value = br#"{"type": "log", "data": {"message": "hello"}}"#;
    assert_eq!(signal(record(Some(b"shop"), Some(value), 12, "shop")).id, "offset-12");
    let named = br#"{"id": "k1", "type": "log", "data": "{\"message\": \"hello\"}"}"#;
    let told = signal(record(Some(b"shop"), Some(named), 12, "shop"));
    assert_eq!(told.id, "k1");
    assert!(matches!(told.action, Action::Log { message } if message == "hello"));
    for key in [None, Some(&b"other"[..]), Some(&b""[..])] {
        assert!(matches!(record(key, Some(value), 0, "shop"), Heard::ForAnother));
    }
    assert_eq!(why(record(Some(b"shop"), None, 3, "shop")), "it has no value");
    assert_eq!(why(record(Some(b"shop"), Some(b"\xff"), 3, "shop")), "it is no text in UTF-8");
    assert_eq!(why(record(Some(b"shop"), Some(b"{}"), 3, "shop")), "it has no type");
    assert_eq!(why(record(Some(b"shop"), Some(b"{\"id\": 1}"), 3, "shop")), "its id is no text");
}

#[test]
fn a_line_of_a_file_is_a_signal() {
    assert!(line("  ", 1).is_none());
    let told = line(r#"{"id": "f", "type": "stop-snapshot", "data": null, "additionalData": {}}"#, 1).unwrap();
    assert_eq!(signal(told).id, "f");
    assert_eq!(why(line("not JSON", 7).unwrap()), "it is no JSON object");
    assert_eq!(signal(line(r#"{"type": "pause-snapshot"}"#, 7).unwrap()).id, "line-7");
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(kind in ".{0,20}", data in ".{0,40}", bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = parse("id", &kind, Some(&data));
        for kind in ["execute-snapshot", "log", "stop-snapshot"] {
            let _ = parse("id", kind, Some(&data));
        }
        let _ = record(Some(b"p"), Some(&bytes), 0, "p");
        let _ = line(&data, 1);
    }
}
