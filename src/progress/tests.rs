//! Entries through records and back.

use super::record::{Record, records};
use super::*;
use crate::lsn::Lsn;

const CONNECTOR: &str = "shop";

fn table(name: &str) -> TableName {
    TableName { schema: "public".to_owned(), table: name.to_owned() }
}

fn id(name: &str) -> SnapshotId {
    SnapshotId(name.to_owned())
}

fn snapshot(of: &str, state: SnapshotState) -> Entry {
    let generation = Generation { number: 1, lsn: Lsn::new(0x16_B374_D848), contents: "748:751:749,750".to_owned() };
    Entry::Snapshot { id: id(of), state, generations: vec![generation] }
}

fn part(of: &str, name: &str, from: u32) -> Entry {
    let part = Part { generation: 1, heap: (16385, 16390), from, to: from.checked_add(128), query: None, rows: 7000 };
    Entry::Part { id: id(of), table: table(name), part }
}

fn done(of: &str, name: &str) -> Entry {
    Entry::Table { id: id(of), table: table(name), rows: 42 }
}

fn written(entries: &[Entry]) -> Vec<Record> {
    entries.iter().flat_map(|entry| records(CONNECTOR, entry)).collect()
}

fn read(records: &[Record]) -> Book {
    let mut book = Book::default();
    for Record { key, value } in records {
        book.take_record(CONNECTOR, Some(key), value.as_deref()).expect("a record of ours");
    }
    book
}

fn told(entries: &[Entry]) -> Book {
    let mut book = Book::default();
    entries.iter().for_each(|entry| book.take(entry.clone()));
    book
}

#[test]
fn a_blocking_snapshot_is_kept_beside_the_one_before_the_stream() {
    let condition = BlockingCondition { collection: "a.b".to_owned(), filter: "id > 1".to_owned() };
    let request = BlockingRequest {
        signal: "7".to_owned(),
        collections: vec!["a[.].*".to_owned()],
        conditions: vec![condition],
        done: vec![table("t")],
    };
    let asked = Entry::Blocking(BlockingState { requests: vec![request] });
    let value = r#"{"format":1,"requests":[{"signal":"7","collections":["a[.].*"],"conditions":[{"collection":"a.b","filter":"id > 1"}],"done":[{"schema":"public","table":"t"}]}]}"#;
    assert_eq!(forms(&asked), [(r#"{"connector":"shop","entry":"blocking"}"#.to_owned(), Some(value.to_owned()))]);
    let entries = [snapshot("a", SnapshotState::Completed), done("a", "t"), asked];
    let book = read(&written(&entries));
    assert_eq!(book, told(&entries));
    assert_eq!(book.snapshot(), Some((&id("a"), SnapshotState::Completed)));
    assert_eq!(read(&written(&[Entry::Blocking(BlockingState::default())])).blocking(), &BlockingState::default());
}

/// What compaction leaves: the last record of each key, in the order of the topic.
fn compacted(records: &[Record]) -> Vec<Record> {
    let is_last = |at: usize| records[at + 1..].iter().all(|later| later.key != records[at].key);
    (0..records.len()).filter(|at| is_last(*at)).map(|at| records[at].clone()).collect()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

fn forms(entry: &Entry) -> Vec<(String, Option<String>)> {
    let form = |bytes: &[u8]| text(bytes).to_owned();
    written(std::slice::from_ref(entry)).iter().map(|r| (form(&r.key), r.value.as_deref().map(form))).collect()
}

#[test]
fn records_have_the_form_that_topics_in_use_have() {
    let form = |key: &str, value: &str| vec![(key.to_owned(), Some(value.to_owned()))];
    assert_eq!(
        forms(&snapshot("a", SnapshotState::Running)),
        form(
            r#"{"connector":"shop","entry":"snapshot"}"#,
            r#"{"format":1,"snapshot":"a","state":"running","generations":[{"number":1,"lsn":"16/B374D848","contents":"748:751:749,750"}]}"#
        )
    );
    assert_eq!(
        forms(&done("a", "t")),
        form(
            r#"{"connector":"shop","entry":"table","schema":"public","table":"t"}"#,
            r#"{"format":1,"snapshot":"a","rows":42}"#
        )
    );
    let last = Part { generation: 2, heap: (16385, 16390), from: 128, to: None, query: None, rows: 3 };
    assert_eq!(
        forms(&Entry::Part { id: id("a"), table: table("t"), part: last }),
        form(
            r#"{"connector":"shop","entry":"part","schema":"public","table":"t","page":128}"#,
            r#"{"format":1,"snapshot":"a","generation":2,"oid":16385,"filenode":16390,"from":128,"to":null,"rows":3}"#
        )
    );
    let part = Part { generation: 1, heap: (1, 2), from: 0, to: Some(8), query: Some("5f0e".to_owned()), rows: 3 };
    assert_eq!(
        forms(&Entry::Part { id: id("a"), table: table("t"), part }),
        form(
            r#"{"connector":"shop","entry":"part","schema":"public","table":"t","page":0}"#,
            r#"{"format":1,"snapshot":"a","generation":1,"oid":1,"filenode":2,"from":0,"to":8,"query":"5f0e","rows":3}"#
        )
    );
    let begun = IncrementalTable {
        key: Vec::new(),
        signal: "s1".to_owned(),
        table: table("t"),
        filter: Some("id > 3".to_owned()),
        surrogate_key: None,
        after: Some(KeyValues(vec![Some("7".to_owned()), None])),
        until: None,
        rows: 7,
    };
    assert_eq!(
        forms(&Entry::Incremental(IncrementalState { paused: false, tables: vec![begun] })),
        form(
            r#"{"connector":"shop","entry":"incremental"}"#,
            r#"{"format":1,"paused":false,"tables":[{"signal":"s1","schema":"public","table":"t","filter":"id > 3","surrogate_key":null,"after":["7",null],"until":null,"rows":7}]}"#
        )
    );
    assert_eq!(
        forms(&Entry::Forget { table: table("t"), parts: vec![0] }),
        [
            (r#"{"connector":"shop","entry":"table","schema":"public","table":"t"}"#.to_owned(), None),
            (r#"{"connector":"shop","entry":"part","schema":"public","table":"t","page":0}"#.to_owned(), None),
        ]
    );
}

#[test]
fn what_was_kept_is_read_again_with_and_without_compaction() {
    // Given all that a snapshot with a table read again keeps, in names that would be the same with a dot between them.
    let (ab, a) = (table("b.c"), TableName { schema: "public.b".to_owned(), table: "c".to_owned() });
    let entries = [
        snapshot("a", SnapshotState::Running),
        part("a", "t", 0),
        part("a", "t", 128),
        done("a", "t"),
        Entry::Forget { table: table("t"), parts: vec![0, 128] },
        part("a", "t", 0),
        part("a", "u", 0),
        done("a", "u"),
        Entry::Table { id: id("a"), table: ab.clone(), rows: 1 },
        snapshot("a", SnapshotState::Completed),
    ];

    // When it goes through records, then the book is that of the entries, whatever compaction has taken away.
    let records = written(&entries);
    assert_eq!(read(&records), told(&entries));
    let left = compacted(&records);
    assert!(left.len() < records.len());
    let book = read(&left);
    assert_eq!(book, told(&entries));

    // And it says what was done last.
    assert_eq!(book.snapshot(), Some((&id("a"), SnapshotState::Completed)));
    assert_eq!(book.generations()[0].lsn, Lsn::new(0x16_B374_D848));
    assert!(!book.is_done(&table("t")) && book.is_done(&table("u")));
    assert!(book.is_done(&ab) && !book.is_done(&a));
    assert_eq!(book.parts(&table("t"), (16385, 16390), None).map(|part| part.from).collect::<Vec<_>>(), [0]);
    assert_eq!(book.parts(&table("t"), (16385, 16391), None).count(), 0);
}

#[test]
fn an_incremental_snapshot_goes_on_where_it_was_kept_last() {
    let state = |paused| {
        let table = IncrementalTable {
            key: Vec::new(),
            signal: String::new(),
            table: table("t"),
            filter: None,
            surrogate_key: Some("nr".to_owned()),
            after: None,
            until: Some(KeyValues(vec![Some("9".to_owned())])),
            rows: 0,
        };
        IncrementalState { paused, tables: vec![table] }
    };
    let written = written(&[Entry::Incremental(state(true)), Entry::Incremental(state(false))]);
    assert_eq!(read(&written).incremental(), &state(false));
    assert_eq!(read(&compacted(&written)).incremental(), &state(false));
    assert_eq!(read(&[]).incremental(), &IncrementalState::default());
    let shown = format!("{:?}", state(true));
    assert!(!shown.contains('9'), "key values are row values: {shown}");
}

#[test]
fn a_part_that_is_removed_takes_nothing_else_with_it() {
    let mut records =
        written(&[snapshot("a", SnapshotState::Running), part("a", "t", 0), part("a", "t", 128), done("a", "t")]);
    let forget = written(&[Entry::Forget { table: table("t"), parts: vec![128] }]);
    records.extend(forget.into_iter().filter(|record| text(&record.key).contains("page")));
    let book = read(&records);
    assert!(book.is_done(&table("t")));
    assert_eq!(book.parts(&table("t"), (16385, 16390), None).count(), 1);
}

#[test]
fn entries_of_an_earlier_snapshot_say_nothing_of_a_later_one() {
    // Given a snapshot that was done, and another one that has begun.
    let mut entries = vec![snapshot("a", SnapshotState::Running), part("a", "t", 0), done("a", "u")];
    entries.push(snapshot("b", SnapshotState::Running));
    let book = read(&written(&entries));
    assert!(!book.is_done(&table("u")));
    assert_eq!(book.parts(&table("t"), (16385, 16390), None).count(), 0);

    // When it has done the same, then that counts, in whatever order compaction leaves it.
    entries.extend([part("b", "t", 0), done("b", "u"), snapshot("b", SnapshotState::Completed)]);
    let book = read(&compacted(&written(&entries)));
    assert!(book.is_done(&table("u")));
    assert_eq!(book.parts(&table("t"), (16385, 16390), None).count(), 1);
}

#[test]
fn parts_of_another_query_say_nothing_of_this_one() {
    // Given parts of a table that were read plainly, with a query, and with another one.
    let with = |from: u32, query: Option<&str>| {
        let query = query.map(str::to_owned);
        let part = Part { generation: 1, heap: (1, 2), from, to: Some(from + 8), query, rows: 1 };
        Entry::Part { id: id("a"), table: table("t"), part }
    };
    let entries = [
        snapshot("a", SnapshotState::Running),
        with(0, None),
        with(8, Some("x")),
        with(16, Some("x")),
        with(16, Some("y")),
    ];
    let book = read(&written(&entries));

    // Then each counts for itself, and the last one of the same page.
    let parts = |query| book.parts(&table("t"), (1, 2), query).map(|part| part.from).collect::<Vec<_>>();
    assert_eq!((parts(None), parts(Some("x")), parts(Some("y"))), (vec![0], vec![8], vec![16]));
    assert_eq!(parts(Some("z")), [0; 0]);
    assert_eq!(book, told(&entries));
}

#[test]
fn a_snapshot_that_was_removed_by_hand_was_never_taken() {
    let mut records = written(&[snapshot("a", SnapshotState::Completed), done("a", "t")]);
    let key = records[0].key.clone();
    records.push(Record { key, value: None });
    let book = read(&records);
    assert_eq!(book.snapshot(), None);
    assert!(!book.is_done(&table("t")));
}

#[test]
fn members_that_a_later_version_has_added_are_passed_over() {
    let mut book = Book::default();
    let key = br#"{"connector":"shop","entry":"table","schema":"public","table":"t","more":[1]}"#;
    let value = br#"{"format":1,"snapshot":"a","rows":42,"bytes":9}"#;
    book.take_record(CONNECTOR, Some(key), Some(value)).unwrap();
    let key = br#"{"since":1,"connector":"shop","entry":"snapshot"}"#;
    let value = br#"{"format":1,"snapshot":"a","state":"running","generations":[],"mode":"initial"}"#;
    book.take_record(CONNECTOR, Some(key), Some(value)).unwrap();
    assert!(book.is_done(&table("t")));
}

#[test]
fn what_is_no_progress_of_this_connector_is_told_apart() {
    const KEY: &str = r#"{"connector":"shop","entry":"part","schema":"s","table":"t","page":0}"#;
    let with =
        |part: &str| format!(r#"{{"format":1,"snapshot":"a","generation":1,"oid":1,"filenode":1,"rows":1{part}}}"#);
    let cases = [
        (None, Some("{}".to_owned()), Unreadable::NoKey),
        (Some(""), None, Unreadable::Key),
        (Some(r#"{"id":1}"#), Some(with(r#","from":0"#)), Unreadable::Key),
        (Some(r#"{"connector":"shop","entry":"other"}"#), None, Unreadable::Key),
        (Some(r#"{"connector":"shop","entry":"table","schema":"s"}"#), None, Unreadable::Key),
        (Some(r#"{"schema":"s","table":"t","number":1}"#), None, Unreadable::Key),
        (Some(r#"{"connector":"inn","entry":"snapshot"}"#), None, Unreadable::Connector("inn".to_owned())),
        (Some(KEY), Some(String::new()), Unreadable::Value),
        (Some(KEY), Some(r#"{"snapshot":"a"}"#.to_owned()), Unreadable::Value),
        (Some(KEY), Some(with("")), Unreadable::Value),
        (Some(KEY), Some(with(r#","from":1,"to":2"#)), Unreadable::Value),
        (Some(KEY), Some(r#"{"format":2,"pages":"all"}"#.to_owned()), Unreadable::Format(2)),
    ];
    for (key, value, why) in cases {
        let mut book = Book::default();
        let found = book.take_record(CONNECTOR, key.map(str::as_bytes), value.as_deref().map(str::as_bytes));
        assert_eq!(found, Err(why), "{key:?} {value:?}");
        assert_eq!(book, Book::default());
    }
    let mut book = Book::default();
    let whole = with(r#","from":0,"to":2"#);
    assert_eq!(book.take_record(CONNECTOR, Some(KEY.as_bytes()), Some(whole.as_bytes())), Ok(()));
}

#[test]
fn what_is_wrong_is_told_without_content() {
    let reasons = [
        (Unreadable::Connector("inn".to_owned()), "it is the progress of another connector, inn"),
        (Unreadable::Format(2), "its value has format 2, and this version of walcast knows 1 only"),
    ];
    for (why, words) in reasons {
        assert_eq!(why.to_string(), words);
    }
}
