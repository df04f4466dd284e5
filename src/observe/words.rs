//! Figures as people read them: on the terminal and in log lines.

use std::time::Duration;

use super::course::{Figures, TableFigures};
use super::retention::Retention;

/// A number with at most four digits before its prefix: `999`, `1.2 k`, `3.4 Mi`.
pub(super) fn scaled(mut value: f64, step: f64) -> String {
    let prefixes =
        if step > 1000.0 { ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] } else { ["", "k", "M", "G", "T", "P", "E"] };
    let mut prefix = 0;
    while value >= step && prefix + 1 < prefixes.len() {
        value /= step;
        prefix += 1;
    }
    match prefix {
        0 if step > 1000.0 => format!("{value:.0} "),
        0 => format!("{value:.0}"),
        _ => format!("{value:.1} {}", prefixes[prefix]),
    }
}

/// `1,234,567`
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12.3 MiB`
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
pub(super) fn bytes(bytes: u64) -> String {
    format!("{}B", scaled(bytes as f64, 1024.0))
}

/// `31 %`
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}

/// The two largest units: `8 s`, `1 min 20 s`, `3 h 5 min`, `2 d 3 h`.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let pair = |large: u64, one: &str, small: u64, other: &str| {
        if small == 0 { format!("{large} {one}") } else { format!("{large} {one} {small} {other}") }
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => pair(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// What happened in a second, between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pace {
    pub(super) rows: f64,
    pub(super) bytes: f64,
}

impl Pace {
    /// Of so many rows and bytes in so long.
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    pub(super) fn of(rows: u64, bytes: u64, passed: Duration) -> Self {
        let seconds = passed.as_secs_f64().max(0.001);
        Self { rows: rows as f64 / seconds, bytes: bytes as f64 / seconds }
    }
}

/// Behind the bar of a table. What matters most comes first: a narrow terminal cuts the rest off.
pub(super) fn of_table(figures: &TableFigures, pace: Pace) -> String {
    line(figures.share, figures.rows, pace, figures.left, &format!("  {}", bytes(figures.bytes)))
}

/// Behind the bar of all tables.
pub(super) fn of_all(figures: &Figures, pace: Pace) -> String {
    let read = format!("  {}  {}B/s", bytes(figures.bytes), scaled(pace.bytes, 1024.0));
    line(figures.share, figures.rows, pace, figures.left, &read)
}

fn line(share: Option<f64>, rows: u64, pace: Pace, left: Option<Duration>, rest: &str) -> String {
    let share = share.map_or_else(String::new, |share| format!("{:>4}  ", percent(share)));
    let left = left.map_or_else(String::new, |left| format!("  {} left", span(left)));
    format!("{share}{} rows  {}/s{left}{rest}", grouped(rows), scaled(pace.rows, 1000.0))
}

/// What the slot holds back: `1.2 GiB of 10.0 GiB, 12 %`, or `1.2 GiB, without limit`.
pub(super) fn of_retention(retention: &Retention) -> String {
    let held = bytes(retention.held_bytes);
    match (retention.room_bytes(), retention.share()) {
        (Some(room), Some(share)) => format!("{held} of {}, {}", bytes(room), percent(share)),
        _ => format!("{held}, without limit"),
    }
}

/// What is done of all tables: `3 of 12 tables`.
pub(super) fn tables(figures: &Figures) -> String {
    let done = figures.tables_total.saturating_sub(figures.tables_left);
    format!("{} of {} tables", grouped(done as u64), grouped(figures.tables_total as u64))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::course::{Phase, Stage};
    use super::*;

    const MIB: u64 = 1 << 20;

    fn table() -> TableFigures {
        TableFigures {
            stage: Stage::InWork,
            rows: 1_234_567,
            rows_expected: Some(2_000_000),
            bytes: 12 * MIB + MIB / 3,
            share: Some(0.617),
            elapsed: Duration::from_secs(13),
            left: Some(Duration::from_secs(8)),
            parts: 4,
            parts_done: 2,
        }
    }

    #[test]
    fn a_table_tells_its_share_its_rows_its_pace_and_the_time_that_is_left() {
        let pace = Pace::of(98_200, 0, Duration::from_secs(1));
        assert_eq!(of_table(&table(), pace), "61 %  1,234,567 rows  98.2 k/s  8 s left  12.3 MiB");
        let unknown = TableFigures { share: None, left: None, rows: 0, bytes: 0, ..table() };
        assert_eq!(of_table(&unknown, Pace::default()), "0 rows  0/s  0 B");
        let begun = TableFigures { share: Some(0.004), left: None, ..table() };
        assert!(of_table(&begun, pace).starts_with(" 0 %  1,234,567 rows"));
    }

    #[test]
    fn all_tables_tell_how_many_of_them_are_done() {
        let figures = Figures {
            phase: Phase::Running,
            tables_total: 10_000,
            tables_left: 9_997,
            rows: 12_345_678,
            rows_expected: None,
            bytes: 700 * MIB,
            share: Some(0.31),
            elapsed: Duration::ZERO,
            paused: Duration::ZERO,
            left: Some(Duration::from_secs(80)),
            chunk: None,
            tables: Arc::default(),
        };
        assert_eq!(tables(&figures), "3 of 10,000 tables");
        let pace = Pace::of(1_964_000, 202 * MIB, Duration::from_secs(20));
        assert_eq!(of_all(&figures, pace), "31 %  12,345,678 rows  98.2 k/s  1 min 20 s left  700.0 MiB  10.1 MiB/s");
    }

    #[test]
    fn times_have_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (80, "1 min 20 s"),
            (3_600, "1 h"),
            (11_159, "3 h 5 min"),
            (86_400, "1 d"),
            (183_600, "2 d 3 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn the_log_that_is_held_back_is_told_with_its_limit() {
        let mut retention =
            Retention { held_bytes: 1288 * MIB, safe_bytes: Some(8952 * 1_048_576), ..Retention::default() };
        assert_eq!(of_retention(&retention), "1.3 GiB of 10.0 GiB, 12 %");
        retention.safe_bytes = None;
        assert_eq!(of_retention(&retention), "1.3 GiB, without limit");
    }
}
