//! What is told of incremental snapshots to those who look. Nothing of a key is.

use std::time::Instant;

use crate::observe::Course;
use crate::observe::course::Stage;
use crate::progress::{IncrementalState, TableName};
use crate::snapshot::incremental::{Notice, Order, Outcome};

/// A snapshot of an earlier process goes on.
pub(super) fn restored(course: &Course, state: &IncrementalState) {
    let now = Instant::now();
    course.begin(now);
    course.add(state.tables.iter().map(|table| name(&table.table)));
    for table in &state.tables {
        if let Some(told) = course.table(&name(&table.table)) {
            told.set_rows(table.rows);
        }
    }
    if state.paused {
        course.pause(now);
    }
}

/// A chunk is to be read.
pub(super) fn ordered(course: &Course, order: &Order) {
    course.chunk(order.number);
    if let Some(table) = course.table(&name(&order.wanted.table))
        && table.stage() == Stage::Waiting
    {
        course.enter(&table, Stage::InWork, Instant::now());
    }
}

/// Something became of it.
pub(super) fn noted(course: &Course, notice: &Notice) {
    let now = Instant::now();
    match notice {
        Notice::Started(tables) => {
            course.begin(now);
            course.add(tables.iter().map(name));
        }
        Notice::Paused(_) => course.pause(now),
        Notice::Resumed(_) => course.resume(now),
        Notice::Aborted(tables) => {
            for table in tables {
                end(course, table, Stage::Left, now);
            }
            if course.figures(now).is_some_and(|figures| figures.tables_left == 0) {
                course.abort(now);
            }
        }
        Notice::Progressed { table, rows } => {
            if let Some(table) = course.table(&name(table)) {
                table.set_rows(*rows);
            }
        }
        Notice::TableDone { table, rows, outcome } => {
            let read = matches!(outcome, Outcome::Succeeded | Outcome::Empty);
            if let Some(table) = course.table(&name(table)) {
                table.set_rows(*rows);
            }
            end(course, table, if read { Stage::Done } else { Stage::Left }, now);
        }
        Notice::Completed => {
            course.complete(now);
        }
    }
}

fn end(course: &Course, table: &TableName, stage: Stage, now: Instant) {
    if let Some(table) = course.table(&name(table)) {
        course.enter(&table, stage, now);
    }
}

fn name(table: &TableName) -> String {
    format!("{}.{}", table.schema, table.table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::course::Phase;

    fn table(name: &str) -> TableName {
        TableName { schema: "s".to_owned(), table: name.to_owned() }
    }

    #[test]
    fn tables_are_counted_until_they_are_done_or_given_up() {
        // Given three tables that a signal asks for.
        let course = Course::default();
        let done = |name: &str, rows, outcome| Notice::TableDone { table: table(name), rows, outcome };
        noted(&course, &Notice::Started(vec![table("a"), table("b"), table("c")]));
        noted(&course, &Notice::Progressed { table: table("a"), rows: 7 });
        // When one is read, one cannot be, and one is given up.
        noted(&course, &done("a", 9, Outcome::Succeeded));
        noted(&course, &Notice::Paused(vec![table("b"), table("c")]));
        assert_eq!(course.figures(Instant::now()).unwrap().phase, Phase::Paused);
        noted(&course, &Notice::Resumed(vec![table("b"), table("c")]));
        noted(&course, &done("b", 0, Outcome::NoPrimaryKey));
        let figures = course.figures(Instant::now()).unwrap();
        assert_eq!((figures.phase, figures.tables_total, figures.tables_left), (Phase::Running, 3, 1));
        noted(&course, &Notice::Aborted(vec![table("c")]));
        // Then it has ended, with what was read.
        let figures = course.figures(Instant::now()).unwrap();
        assert_eq!((figures.phase, figures.tables_left, figures.rows), (Phase::Aborted, 0, 9));

        // And what is asked for next is a snapshot of its own.
        noted(&course, &Notice::Started(vec![table("a")]));
        noted(&course, &done("a", 1, Outcome::Succeeded));
        noted(&course, &Notice::Completed);
        let figures = course.figures(Instant::now()).unwrap();
        assert_eq!((figures.phase, figures.tables_total, figures.rows), (Phase::Completed, 1, 1));
    }
}
