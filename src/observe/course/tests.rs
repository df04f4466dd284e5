//! What figures come of what the data thread says.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MIB: u64 = 1 << 20;

fn analysed(name: &str, rows: u64, bytes: u64) -> Planned {
    Planned { name: name.to_owned(), rows: Some(rows), bytes, heap_bytes: bytes, parts: 1, ..Planned::default() }
}

fn never_analysed(name: &str, bytes: u64, parts: u32) -> Planned {
    Planned { name: name.to_owned(), bytes, heap_bytes: bytes, parts, ..Planned::default() }
}

/// A course whose tables are planned.
fn course(planned: Vec<Planned>, done: usize, now: Instant) -> (Course, Tables) {
    let course = Course::default();
    course.begin(now);
    let tables = course.plan(planned, done, now);
    (course, tables)
}

#[test]
fn a_table_with_an_estimate_tells_its_share_by_rows_and_the_time_by_its_pace() {
    // Given a table of a million rows that is begun after 5 s, when a quarter was read in 10 s.
    let begin = Instant::now();
    let (course, tables) = course(vec![analysed("s.t", 1_000_000, 100 * MIB)], 0, begin);
    course.enter(&tables[0], Stage::InWork, begin + SECOND * 5);
    tables[0].add_rows(250_000);
    tables[0].add_bytes(20 * MIB);
    let figures = course.figures(begin + SECOND * 15).unwrap();
    let table = tables[0].figures(figures.elapsed);
    // Then 30 s are left of it.
    assert_eq!((table.share, table.elapsed, table.left), (Some(0.25), SECOND * 10, Some(SECOND * 30)));
    assert_eq!((figures.rows, figures.rows_expected, figures.bytes), (250_000, Some(1_000_000), 20 * MIB));
    assert_eq!((figures.tables_total, figures.tables_left), (1, 1));
    assert_eq!(figures.left.map(|left| left.as_secs()), Some(45), "all began with the plan");

    // And more rows than were estimated are not all of them.
    tables[0].add_rows(2_000_000);
    assert_eq!(tables[0].figures(SECOND).share, Some(0.99));
}

#[test]
fn a_table_that_was_never_analysed_tells_its_share_by_pages() {
    // Given a table of four parts of 64 MiB, of which one gave 32 MiB of a COPY.
    let begin = Instant::now();
    let (course, tables) = course(vec![never_analysed("s.t", 256 * MIB, 4)], 0, begin);
    course.enter(&tables[0], Stage::InWork, begin);
    tables[0].add_bytes(32 * MIB);
    assert_eq!(tables[0].figures(SECOND).share, Some(0.125), "a page gives what it has, for all that is known");
    tables[0].part_done(32 * MIB, 64 * MIB);
    assert_eq!(tables[0].figures(SECOND).share, Some(0.25));
    // When half of the next part is copied, then it counts like the first one did.
    tables[0].add_bytes(16 * MIB);
    assert_eq!(tables[0].figures(SECOND).share, Some(0.375));
    assert_eq!(course.figures(begin + SECOND).unwrap().rows_expected, None);
}

#[test]
fn of_what_nobody_knows_the_size_nothing_is_said_until_it_is_done() {
    // Given a query in place of a table, beside a table.
    let begin = Instant::now();
    let query = Planned { name: "s.q".to_owned(), parts: 1, ..Planned::default() };
    let (course, tables) = course(vec![query, analysed("s.t", 100, 8192)], 0, begin);
    for table in tables.iter() {
        course.enter(table, Stage::InWork, begin);
        table.add_rows(50);
    }
    let figures = course.figures(begin + SECOND).unwrap();
    assert_eq!((figures.share, figures.left, figures.rows), (None, None, 100));
    assert_eq!(tables[0].figures(SECOND).left, None);
    // When it is done, then the rest is known.
    course.enter(&tables[0], Stage::Done, begin + SECOND);
    let figures = course.figures(begin + SECOND).unwrap();
    assert!(figures.share.is_some_and(|share| share > 0.5), "{figures:?}");
    assert!(figures.left.is_some());

    // And of a query in place of a table of known size, the size counts for all when it is done.
    let query = Planned { name: "s.q".to_owned(), bytes: 292 * 8192, parts: 1, ..Planned::default() };
    let (course, tables) = self::course(vec![query, analysed("s.t", 100, 106 * 8192)], 0, begin);
    tables[1].add_rows(50);
    assert_eq!(tables[0].figures(SECOND).share, None);
    let share = course.figures(begin + SECOND).unwrap().share.unwrap();
    assert!((share - 0.13).abs() < 0.01, "{share}");
}

#[test]
fn what_was_read_before_counts_as_read_and_not_for_the_pace() {
    // Given a table of which an earlier process read half, beside two that it finished.
    let begin = Instant::now();
    let half = Planned { rows_before: 500, heap_bytes_before: 50 * MIB, ..analysed("s.t", 1000, 100 * MIB) };
    let (course, tables) = course(vec![half], 2, begin);
    course.enter(&tables[0], Stage::InWork, begin);
    let figures = course.figures(begin).unwrap();
    assert_eq!((figures.tables_total, figures.tables_left, figures.rows), (3, 1, 500));
    assert_eq!(tables[0].figures(Duration::ZERO).share, Some(0.5));
    // When half of the rest is read in 10 s, then as much time is left.
    tables[0].add_rows(250);
    assert_eq!(tables[0].figures(SECOND * 10).left, Some(SECOND * 10));
}

#[test]
fn tables_that_are_read_again_are_counted_once() {
    // Given three tables, of which one is done and one changed while it was read.
    let begin = Instant::now();
    let (course, tables) = course(vec![analysed("s.a", 9, 1), analysed("s.b", 9, 1), analysed("s.c", 9, 1)], 0, begin);
    tables[0].add_rows(9);
    course.enter(&tables[0], Stage::Done, begin);
    course.enter(&tables[1], Stage::Left, begin);
    // When the snapshot fails and what is left is planned again.
    course.abort(begin + SECOND);
    assert_eq!(course.figures(begin + SECOND * 9).unwrap().elapsed, SECOND, "it stands still");
    course.attempt(begin + SECOND * 10);
    course.plan(vec![analysed("s.b", 9, 1), analysed("s.c", 9, 1)], 1, begin + SECOND * 10);
    // Then the finished one stays, with its rows, and the time goes on.
    let figures = course.figures(begin + SECOND * 20).unwrap();
    assert_eq!((figures.tables_total, figures.tables_left, figures.rows), (3, 2, 9));
    assert_eq!((figures.phase, figures.elapsed), (Phase::Running, SECOND * 20));
    assert_eq!(figures.left, None, "nothing was read since");
}

#[test]
fn pauses_are_counted_and_the_end_is_an_end() {
    let begin = Instant::now();
    let course = Course::default();
    assert!(course.figures(begin).is_none(), "there was none");
    course.begin(begin);
    course.add(["s.t".to_owned()]);
    course.pause(begin + SECOND);
    let paused = course.figures(begin + SECOND * 3).unwrap();
    assert_eq!((paused.phase, paused.paused), (Phase::Paused, SECOND * 2));
    course.resume(begin + SECOND * 4);
    course.chunk(7);
    course.enter(&course.table("s.t").unwrap(), Stage::Done, begin + SECOND * 5);
    course.complete(begin + SECOND * 6);
    let ended = course.figures(begin + SECOND * 60).unwrap();
    assert_eq!((ended.phase, ended.paused, ended.elapsed), (Phase::Completed, SECOND * 3, SECOND * 6));
    assert_eq!((ended.tables_left, ended.chunk), (0, Some(7)));
    // When another one begins, then nothing is left of the first.
    course.begin(begin + SECOND * 70);
    let next = course.figures(begin + SECOND * 71).unwrap();
    assert_eq!((next.tables_total, next.elapsed, next.paused), (0, SECOND, Duration::ZERO));
    course.skip(begin);
    assert_eq!(course.figures(begin + SECOND * 72).unwrap().phase, Phase::Running, "only where there was none");
}
