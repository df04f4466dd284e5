//! A snapshot's course in the log, where no terminal shows its bars.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::course::Figures;
use super::retention::Retention;
use super::status::{State, Status};
use super::words::{self, Pace};

/// Time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Tells until it is dropped.
///
/// # Cancel safety
/// It only reads.
pub async fn narrate(status: Arc<Status>) {
    let mut before: Option<Seen> = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let now = Instant::now();
        let figures = if status.live().state == State::Snapshotting { status.reading(now) } else { None };
        let seen = figures.as_ref().map(|figures| Seen { at: now, rows: figures.rows, bytes: figures.bytes });
        if let Some(figures) = &figures {
            let pace = before.as_ref().map_or_else(
                || Pace::of(figures.rows, figures.bytes, figures.elapsed),
                |before| before.pace(figures, now),
            );
            let told = words_of(figures, pace, status.retention().as_ref());
            tracing::info!(rows = figures.rows, bytes = figures.bytes, "a snapshot is taken: {told}");
        }
        before = seen;
    }
}

struct Seen {
    at: Instant,
    rows: u64,
    bytes: u64,
}

impl Seen {
    fn pace(&self, figures: &Figures, now: Instant) -> Pace {
        let (rows, bytes) = (figures.rows.saturating_sub(self.rows), figures.bytes.saturating_sub(self.bytes));
        Pace::of(rows, bytes, now.saturating_duration_since(self.at))
    }
}

fn words_of(figures: &Figures, pace: Pace, retention: Option<&Retention>) -> String {
    let held = retention.map_or_else(String::new, |one| format!("; log held back {}", words::of_retention(one)));
    let line = words::of_all(figures, pace);
    format!("{}, {}{held}", words::tables(figures), line.trim_start().replace("  ", ", "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::course::Phase;
    use super::*;

    #[test]
    fn a_line_says_what_the_bars_would() {
        let figures = Figures {
            phase: Phase::Running,
            tables_total: 12,
            tables_left: 9,
            rows: 1_234_567,
            rows_expected: None,
            bytes: 12 << 20,
            share: Some(0.07),
            elapsed: Duration::ZERO,
            paused: Duration::ZERO,
            left: Some(Duration::from_secs(80)),
            chunk: None,
            tables: Arc::default(),
        };
        let retention = Retention { held_bytes: 3 << 30, ..Retention::default() };
        assert_eq!(
            words_of(&figures, Pace::of(982_000, 10 << 20, Duration::from_secs(10)), Some(&retention)),
            "3 of 12 tables, 7 %, 1,234,567 rows, 98.2 k/s, 1 min 20 s left, 12.0 MiB, 1.0 MiB/s; \
             log held back 3.0 GiB, without limit"
        );
    }
}
