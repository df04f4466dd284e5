//! Single rules by hand; the rule as a whole is tested by simulation.

use bytes::Bytes;

use super::*;
use crate::progress::IncrementalTable;

const RELATION: RelationId = RelationId(1);

fn name(table: &str) -> TableName {
    TableName { schema: "s".to_owned(), table: table.to_owned() }
}

fn wanted(table: &str) -> Wanted {
    Wanted { signal: "1".to_owned(), table: name(table), filter: None, surrogate_key: None }
}

fn values(key: u8) -> KeyValues {
    KeyValues(vec![Some(key.to_string())])
}

fn chunk(keys: &[u8], sight: &str, log_end: u64, more: bool) -> Answer {
    let row = |key: &u8| ChunkRow { key: Bytes::copy_from_slice(&[*key]), row: Bytes::new() };
    Answer::Chunk(Chunk {
        relation: RELATION,
        sight: Sight::parse(sight).unwrap(),
        log_end: Lsn::new(log_end),
        rows: keys.iter().map(row).collect(),
        key: vec!["id 23".to_owned()],
        last: keys.last().copied().map(values),
        until: Some(values(9)),
        more,
    })
}

struct Bench {
    rules: Incremental,
}

impl Bench {
    fn new() -> Self {
        Self { rules: Incremental::new(2) }
    }

    fn apply(&mut self, input: Input) -> Vec<String> {
        let mut outputs = Vec::new();
        self.rules.apply(input, &mut outputs);
        told(&outputs)
    }

    fn answer(&mut self, number: u64, answer: Answer) -> Vec<String> {
        self.apply(Input::Answered { number, answer })
    }

    fn reached(&mut self, place: u64) -> Vec<String> {
        let mut outputs = Vec::new();
        self.rules.reached(Lsn::new(place), &mut outputs);
        told(&outputs)
    }
}

fn key(values: Option<&KeyValues>) -> &str {
    values.and_then(|values| values.0.first()?.as_deref()).unwrap_or("-")
}

fn told(outputs: &[Output]) -> Vec<String> {
    let one = |output: &Output| match output {
        Output::Read(order) => {
            let (after, until) = (key(order.after.as_ref()), key(order.until.as_ref()));
            format!("read {} {} ({after}, {until}] again {}", order.number, order.wanted.table.table, order.again)
        }
        Output::Emit(batch) => {
            let keys: Vec<u8> = batch.rows.iter().map(|row| row.key[0]).collect();
            format!("emit {} {keys:?}", batch.number)
        }
        Output::DropBatch => "drop".to_owned(),
        Output::Keep(state) => {
            let tables = state.tables.iter();
            let tables: Vec<String> =
                tables.map(|table| format!("{}>{}", table.table.table, key(table.after.as_ref()))).collect();
            format!("keep {}{}", tables.join(" "), if state.paused { " paused" } else { "" })
        }
        Output::Tell(Notice { what, .. }) => match what {
            Happening::TableDone { table, rows, outcome } => {
                format!("done {} {rows} {}", table.table, outcome.as_str())
            }
            Happening::Progressed { rows, last, .. } => format!("rows {rows} {}", key(last.as_ref())),
            what => format!("{what:?}").to_ascii_lowercase(),
        },
    };
    outputs.iter().map(one).collect()
}

#[test]
fn tables_are_read_chunk_by_chunk_and_kept_when_the_brokers_hold_them() {
    let mut bench = Bench::new();
    let asked = bench.apply(Input::Asked(vec![wanted("a"), wanted("b")]));
    assert_eq!(asked, ["started", "keep a>- b>-", "read 1 a (-, -] again 0"]);
    assert!(bench.apply(Input::Asked(vec![wanted("b")])).is_empty(), "it is asked for already");
    assert!(bench.answer(1, chunk(&[1, 2], "10:10:", 100, true)).is_empty(), "the stream is not there");
    assert!(bench.reached(99).is_empty());
    assert_eq!(bench.reached(100), ["emit 1 [1, 2]"]);
    assert_eq!(bench.apply(Input::Taken { number: 1 }), ["read 2 a (2, 9] again 0"]);
    assert_eq!(bench.answer(2, chunk(&[3], "11:11:", 100, false)), ["emit 2 [3]"], "the stream is there already");
    assert_eq!(bench.apply(Input::Taken { number: 2 }), ["read 3 b (-, -] again 0"]);
    assert_eq!(bench.apply(Input::Held { number: 1 }), ["rows 2 2", "keep a>2 b>-"]);
    assert_eq!(bench.apply(Input::Held { number: 2 }), ["rows 3 3", "done a 3 SUCCEEDED", "keep b>-"]);
    assert_eq!(bench.answer(3, chunk(&[], "11:11:", 100, false)), ["done b 0 EMPTY", "keep ", "completed"]);
    assert!(!bench.rules.is_active());
}

#[test]
fn keys_of_transactions_that_the_chunk_does_not_see_are_removed_and_of_others_not() {
    let mut bench = Bench::new();
    bench.rules.began(Xid(8));
    bench.reached(90);
    bench.apply(Input::Asked(vec![wanted("a")]));
    bench.rules.began(Xid(12));
    bench.rules.changed(RELATION, &[1], Told::Whole);
    bench.rules.changed(RelationId(99), &[2], Told::Whole);
    bench.reached(95);
    bench.answer(1, chunk(&[1, 2, 3, 4, 5], "9:14:9,12", 110, true));
    for (xid, key) in [(13, 3), (14, 4)] {
        bench.rules.began(Xid(xid));
        bench.rules.changed(RELATION, &[key], Told::Whole);
        assert!(bench.reached(u64::from(xid) + 90).is_empty());
    }
    assert_eq!(bench.reached(110), ["emit 1 [2, 3, 5]"]);
}

#[test]
fn what_nobody_noted_has_the_chunk_read_again() {
    let mut bench = Bench::new();
    // Streamed before anybody asked, and not visible yet when the chunk is read.
    bench.rules.began(Xid(12));
    bench.reached(95);
    bench.apply(Input::Asked(vec![wanted("a")]));
    assert_eq!(bench.answer(1, chunk(&[1], "12:13:12", 95, false)), ["read 2 a (-, -] again 1"]);
    assert_eq!(bench.answer(1, chunk(&[1], "13:13:", 95, false)), [""; 0], "an answer to what was ordered before");
    assert_eq!(bench.answer(2, Answer::Again), ["read 3 a (-, -] again 2"]);
    assert!(bench.answer(3, chunk(&[1, 2], "13:13:", 120, true)).is_empty());
    bench.rules.began(Xid(13));
    bench.rules.changed_somehow(RELATION);
    assert_eq!(bench.reached(96), ["read 4 a (-, 9] again 3"], "without waiting for its place");
    bench.answer(4, chunk(&[1, 2], "14:14:", 120, true));
    bench.rules.reshaped(RelationId(99));
    assert!(bench.reached(97).is_empty(), "another table");
    bench.rules.reshaped(RELATION);
    assert_eq!(bench.reached(98), ["read 5 a (-, 9] again 4"]);
}

#[test]
fn a_row_that_is_told_in_part_is_read_again_a_few_times() {
    let mut bench = Bench::new();
    bench.apply(Input::Asked(vec![wanted("a")]));
    for number in 1..=40 {
        bench.answer(number, chunk(&[1, 2], &format!("{number}:{number}:"), 120, true));
        bench.rules.began(Xid(u32::try_from(number).unwrap()));
        bench.rules.changed(RELATION, &[3], Told::InPart);
        bench.rules.changed(RELATION, &[1], Told::InPart);
        assert_eq!(bench.reached(100), [format!("read {} a (-, 9] again {number}", number + 1)]);
    }
    bench.answer(41, chunk(&[1, 2], "41:41:", 120, true));
    bench.rules.began(Xid(41));
    bench.rules.changed(RELATION, &[1], Told::InPart);
    assert_eq!(bench.reached(120), ["emit 41 [2]"]);
}

#[test]
fn a_table_that_is_emptied_takes_its_rows_along() {
    let mut bench = Bench::new();
    bench.apply(Input::Asked(vec![wanted("a")]));
    bench.answer(1, chunk(&[1, 2], "13:13:", 120, true));
    bench.rules.began(Xid(13));
    bench.rules.emptied(RELATION);
    assert_eq!(bench.reached(120), ["emit 1 []"]);
    assert_eq!(bench.apply(Input::Taken { number: 1 }), ["read 2 a (2, 9] again 0"]);
}

#[test]
fn an_operator_pauses_resumes_and_stops() {
    let mut bench = Bench::new();
    assert!(bench.apply(Input::Paused).is_empty() && bench.apply(Input::Stopped(None)).is_empty(), "nothing is read");
    bench.apply(Input::Asked(vec![wanted("a"), wanted("b")]));
    assert_eq!(bench.apply(Input::Paused), ["paused", "keep a>- b>- paused"]);
    bench.answer(1, chunk(&[1, 2], "13:13:", 100, true));
    assert_eq!(bench.reached(100), ["emit 1 [1, 2]"], "what was ordered goes out");
    assert!(bench.apply(Input::Taken { number: 1 }).is_empty(), "and nothing else is ordered");
    assert_eq!(bench.apply(Input::Resumed), ["resumed", "keep a>- b>-", "read 2 a (2, 9] again 0"]);
    assert_eq!(bench.apply(Input::Stopped(None)), ["aborted", "keep "]);
    assert!(bench.answer(2, chunk(&[3], "13:13:", 100, true)).is_empty(), "of a table that was stopped");
    assert!(!bench.rules.is_active());
    assert_eq!(bench.apply(Input::Asked(vec![wanted("c")])), ["started", "keep c>-", "read 4 c (-, -] again 0"]);
}

#[test]
fn after_the_loss_of_a_sink_what_it_held_is_read_again_and_after_that_of_a_session_what_goes_out() {
    let mut bench = Bench::new();
    bench.apply(Input::Asked(vec![wanted("a")]));
    bench.reached(100);
    for (number, keys) in [(1, [1, 2]), (2, [3, 4])] {
        bench.answer(number, chunk(&keys, "13:13:", 100, true));
        bench.apply(Input::Taken { number });
    }
    bench.apply(Input::Held { number: 1 });
    assert_eq!(bench.answer(3, chunk(&[5, 6], "13:13:", 100, true)), ["emit 3 [5, 6]"]);
    assert_eq!(bench.apply(Input::SessionLost), ["drop", "read 5 a (4, 9] again 0"]);
    assert!(bench.apply(Input::Taken { number: 3 }).is_empty());
    assert_eq!(bench.apply(Input::SinkLost), ["read 7 a (2, 9] again 0"]);
    assert!(bench.apply(Input::Held { number: 2 }).is_empty(), "of the sink that was lost");
}

#[test]
fn a_restart_goes_on_behind_the_last_key_that_the_brokers_hold() {
    let mut bench = Bench::new();
    let table = IncrementalTable {
        key: Vec::new(),
        signal: "1".to_owned(),
        table: name("a"),
        filter: None,
        surrogate_key: None,
        after: Some(values(4)),
        until: Some(values(9)),
        rows: 4,
    };
    let state = IncrementalState { paused: false, tables: vec![table] };
    assert_eq!(bench.apply(Input::Restored(state)), ["read 1 a (4, 9] again 0"]);
    let ended = bench.answer(1, Answer::Ended(Outcome::UnknownSchema));
    assert_eq!(ended, ["done a 4 UNKNOWN_SCHEMA", "keep ", "completed"]);
}

#[test]
fn a_table_that_has_another_key_is_read_from_its_beginning() {
    let mut bench = Bench::new();
    bench.reached(100);
    bench.apply(Input::Asked(vec![wanted("a")]));
    assert_eq!(bench.answer(1, chunk(&[1, 2], "10:10:", 90, true)), ["emit 1 [1, 2]"]);
    assert_eq!(bench.apply(Input::Taken { number: 1 }), ["read 2 a (2, 9] again 0"]);
    let Answer::Chunk(read) = chunk(&[4, 5], "11:11:", 90, true) else { panic!("it is a chunk") };
    let another = Chunk { key: vec!["code 25".to_owned()], until: Some(values(7)), ..read };
    assert_eq!(bench.answer(2, Answer::Chunk(another)), ["emit 2 [4, 5]"]);
    assert_eq!(bench.apply(Input::Held { number: 1 }), ["rows 2 -", "keep a>-"], "its last key is of the key before");
    assert_eq!(bench.apply(Input::Taken { number: 2 }), ["read 3 a (5, 7] again 0"]);
    assert_eq!(bench.apply(Input::Held { number: 2 }), ["rows 4 5", "keep a>5"]);
}
