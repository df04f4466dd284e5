//! What is told of incremental snapshots to those who look. Nothing of a key is.

use std::time::Instant;

use crate::observe::Course;
use crate::observe::course::Stage;
use crate::progress::{IncrementalState, TableName};
use crate::snapshot::incremental::{Happening, Notice, Order, Outcome};

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
    match &notice.what {
        Happening::Started | Happening::Added => {
            course.begin(now);
            course.add(notice.tables.iter().map(name));
        }
        Happening::Paused => course.pause(now),
        Happening::Resumed => course.resume(now),
        Happening::Aborted => {
            for table in &notice.tables {
                end(course, table, Stage::Left, now);
            }
            if course.figures(now).is_some_and(|figures| figures.tables_left == 0) {
                course.abort(now);
            }
        }
        Happening::Progressed { table, rows, .. } => {
            if let Some(table) = course.table(&name(table)) {
                table.set_rows(*rows);
            }
        }
        Happening::TableDone { table, rows, outcome } => {
            let read = matches!(outcome, Outcome::Succeeded | Outcome::Empty);
            if let Some(table) = course.table(&name(table)) {
                table.set_rows(*rows);
            }
            end(course, table, if read { Stage::Done } else { Stage::Left }, now);
        }
        Happening::Completed => {
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
        let notice = |names: &[&str], what| {
            let tables = names.iter().copied().map(table).collect();
            noted(&course, &Notice { signal: "1".to_owned(), tables, what });
        };
        let done = |name: &str, rows, outcome| {
            notice(&[name], Happening::TableDone { table: table(name), rows, outcome });
        };
        notice(&["a", "b", "c"], Happening::Started);
        notice(&["a", "b", "c"], Happening::Progressed { table: table("a"), rows: 7, until: None, last: None });
        // When one is read, one cannot be, and one is given up.
        done("a", 9, Outcome::Succeeded);
        notice(&["b", "c"], Happening::Paused);
        assert_eq!(course.figures(Instant::now()).unwrap().phase, Phase::Paused);
        notice(&["b", "c"], Happening::Resumed);
        done("b", 0, Outcome::NoPrimaryKey);
        let figures = course.figures(Instant::now()).unwrap();
        assert_eq!((figures.phase, figures.tables_total, figures.tables_left), (Phase::Running, 3, 1));
        notice(&["c"], Happening::Aborted);
        // Then it has ended, with what was read.
        let figures = course.figures(Instant::now()).unwrap();
        assert_eq!((figures.phase, figures.tables_left, figures.rows), (Phase::Aborted, 0, 9));

        // And what is asked for next is a snapshot of its own.
        notice(&["a"], Happening::Started);
        done("a", 1, Outcome::Succeeded);
        notice(&[], Happening::Completed);
        let figures = course.figures(Instant::now()).unwrap();
        assert_eq!((figures.phase, figures.tables_total, figures.rows), (Phase::Completed, 1, 1));
    }
}
