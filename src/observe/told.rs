//! Snapshots and the slot as JSON, for `/status` and `/health`.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::course::{Figures, Kind, Stage, TableFigures};
use super::retention::{Retention, WalStatus};
use super::status::Status;

/// Tables that are listed at the most: first those in work, then those that are done, then those that wait.
const TABLES_MAX: usize = 1_000;

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Of snapshots as a whole.
    Brief,
    /// Of their tables too.
    Tables,
}

/// Snapshots by kind, those that there were.
pub(super) fn snapshots(status: &Status, detail: Detail) -> Value {
    let now = Instant::now();
    let told = Kind::ALL.into_iter().filter_map(|kind| {
        let figures = status.course(kind).figures(now)?;
        Some((kind.as_str().to_owned(), snapshot(&figures, detail)))
    });
    Value::Object(told.collect::<Map<_, _>>())
}

fn snapshot(figures: &Figures, detail: Detail) -> Value {
    let mut told = json!({
        "state": figures.phase.as_str(),
        "tables": figures.tables_total,
        "tables_remaining": figures.tables_left,
        "rows": figures.rows,
        "rows_expected": figures.rows_expected,
        "bytes": figures.bytes,
        "read_ratio": figures.share,
        "duration_seconds": figures.elapsed.as_secs_f64(),
        "paused_seconds": figures.paused.as_secs_f64(),
        "remaining_seconds": figures.left.map(|left| left.as_secs_f64()),
        "chunk": figures.chunk,
    });
    if detail == Detail::Tables
        && let Value::Object(told) = &mut told
    {
        let mut tables: Vec<_> =
            figures.tables.iter().map(|table| (table.name(), table.figures(figures.elapsed))).collect();
        tables.sort_by_key(|(_, table)| match table.stage {
            Stage::InWork => 0,
            Stage::Done | Stage::Left => 1,
            Stage::Waiting => 2,
        });
        let left_out = tables.len().saturating_sub(TABLES_MAX);
        let listed = tables.iter().take(TABLES_MAX).map(|(name, table)| self::table(name, table));
        told.insert("captured_tables".to_owned(), listed.collect());
        told.insert("captured_tables_not_listed".to_owned(), left_out.into());
    }
    told
}

fn table(name: &str, figures: &TableFigures) -> Value {
    json!({
        "table": name,
        "state": figures.stage.as_str(),
        "rows": figures.rows,
        "rows_expected": figures.rows_expected,
        "bytes": figures.bytes,
        "read_ratio": figures.share,
        "parts": figures.parts,
        "parts_done": figures.parts_done,
        "duration_seconds": figures.elapsed.as_secs_f64(),
        "remaining_seconds": figures.left.map(|left| left.as_secs_f64()),
    })
}

/// What the slot holds back; null where there is none.
pub(super) fn slot(retention: Option<Retention>) -> Value {
    retention.map_or(Value::Null, |retention| {
        json!({
            "retained_bytes": retention.held_bytes,
            "retained_limit_bytes": retention.limit_bytes,
            "safe_bytes": retention.safe_bytes,
            "wal_status": (retention.status != WalStatus::Unknown).then(|| retention.status.as_str()),
        })
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::course::Planned;
    use super::*;

    #[test]
    fn a_snapshot_is_told_with_its_tables_and_not_all_of_very_many() {
        // Given 1,200 tables of which one is in work.
        let (status, begin) = (Status::new("shop"), Instant::now());
        assert_eq!(snapshots(&status, Detail::Tables), json!({}));
        let course = status.course(Kind::Initial);
        course.begin(begin);
        let planned = (0..1_200).map(|at| Planned { name: format!("s.t{at}"), ..Planned::default() }).collect();
        let tables = course.plan(planned, 3, begin);
        tables[1_199].add_rows(7);
        course.enter(&tables[1_199], Stage::InWork, begin + Duration::from_secs(1));
        // When it is told, then the one in work comes first.
        let told = &snapshots(&status, Detail::Tables)["initial"];
        assert_eq!((&told["state"], &told["tables"]), (&json!("running"), &json!(1_203)));
        assert_eq!((&told["tables_remaining"], &told["rows"]), (&json!(1_200), &json!(7)));
        let listed = told["captured_tables"].as_array().expect("a list");
        assert_eq!((listed.len(), &told["captured_tables_not_listed"]), (1_000, &json!(200)));
        assert_eq!((&listed[0]["table"], &listed[0]["state"]), (&json!("s.t1199"), &json!("in_work")));
        assert_eq!(snapshots(&status, Detail::Brief)["initial"]["captured_tables"], Value::Null);
    }
}
