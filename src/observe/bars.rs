//! The bars of a snapshot on a terminal: one for each table in work, one for the log that is held back, one for all.
//!
//! Owns [`Bars`]. It is told figures a few times a second and draws; whoever writes a log line meanwhile does so through
//! [`Bars::above`].

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::course::Figures;
use super::retention::Retention;
use super::words::{self, Pace};

/// Drawings a second, at most.
const DRAWINGS_HZ: u8 = 4;

/// Tables that are shown at a time.
const TABLES_MAX: usize = 8;

/// A bar's own scale.
const SCALE: u64 = 1000;

/// Rates are those of so long.
const PACE_TIME: Duration = Duration::from_secs(5);

/// A name that is longer is cut off; the share begins in the same column everywhere.
const WITH_SHARE: &str = "{prefix:24!} {bar:12} {wide_msg}";
const WITHOUT_SHARE: &str = "{prefix:24!} {spinner:12}       {wide_msg}";

/// See the module.
#[derive(Debug)]
pub(super) struct Bars {
    multi: MultiProgress,
    tables: HashMap<String, Bar>,
    held: Option<Bar>,
    all: Bar,
}

#[derive(Debug)]
struct Bar {
    bar: ProgressBar,
    with_share: bool,
    paces: Paces,
}

impl Bar {
    fn new(prefix: String) -> Self {
        // It is styled before it is drawn for the first time.
        let bar = ProgressBar::hidden().with_prefix(prefix).with_style(style(false));
        bar.set_length(SCALE);
        Self { bar, with_share: false, paces: Paces::default() }
    }

    fn show(&mut self, share: Option<f64>, words: String) {
        if std::mem::replace(&mut self.with_share, share.is_some()) != share.is_some() {
            self.bar.set_style(style(share.is_some()));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a thousand")]
        self.bar.set_position((share.unwrap_or_default() * SCALE as f64) as u64);
        self.bar.set_message(words);
    }
}

fn style(with_share: bool) -> ProgressStyle {
    // Both are well formed, as a test knows.
    let style = ProgressStyle::with_template(if with_share { WITH_SHARE } else { WITHOUT_SHARE });
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("█▌░")
}

/// What was seen lately.
#[derive(Debug, Default)]
struct Paces(VecDeque<(Instant, u64, u64)>);

impl Paces {
    /// The pace since the oldest sight that counts.
    fn see(&mut self, now: Instant, rows: u64, bytes: u64) -> Pace {
        self.0.push_back((now, rows, bytes));
        while self.0.len() > 2 && self.0.get(1).is_some_and(|(at, ..)| now.saturating_duration_since(*at) >= PACE_TIME)
        {
            self.0.pop_front();
        }
        match self.0.front() {
            Some(&(at, before, bytes_before)) if at < now => Pace::of(
                rows.saturating_sub(before),
                bytes.saturating_sub(bytes_before),
                now.saturating_duration_since(at),
            ),
            _ => Pace::default(),
        }
    }
}

impl Bars {
    /// Bars on standard error.
    pub(super) fn stderr() -> Self {
        Self::on(ProgressDrawTarget::stderr_with_hz(DRAWINGS_HZ))
    }

    fn on(target: ProgressDrawTarget) -> Self {
        let multi = MultiProgress::with_draw_target(target);
        let mut all = Bar::new(String::new());
        all.bar = multi.add(all.bar);
        Self { multi, tables: HashMap::new(), held: None, all }
    }

    /// What log lines are written through.
    pub(super) fn multi(&self) -> MultiProgress {
        self.multi.clone()
    }

    /// Shows how things stand.
    pub(super) fn show(&mut self, figures: &Figures, retention: Option<&Retention>, now: Instant) {
        let in_work = figures.in_work();
        self.tables.retain(|name, bar| {
            let stays = in_work.iter().any(|table| table.name() == name);
            if !stays {
                self.multi.remove(&bar.bar);
            }
            stays
        });
        for table in in_work {
            if !self.tables.contains_key(table.name()) {
                if self.tables.len() >= TABLES_MAX {
                    continue;
                }
                let mut bar = Bar::new(table.name().to_owned());
                bar.bar = self.multi.insert_from_back(1 + usize::from(self.held.is_some()), bar.bar);
                self.tables.insert(table.name().to_owned(), bar);
            }
            if let Some(bar) = self.tables.get_mut(table.name()) {
                let figures = table.figures(figures.elapsed);
                let pace = bar.paces.see(now, figures.rows, figures.bytes);
                bar.show(figures.share, words::of_table(&figures, pace));
            }
        }
        if let Some(retention) = retention {
            let held = self.held.get_or_insert_with(|| {
                let mut bar = Bar::new("log held back".to_owned());
                bar.bar = self.multi.insert_from_back(1, bar.bar);
                bar
            });
            held.show(retention.share(), words::of_retention(retention));
        }
        let pace = self.all.paces.see(now, figures.rows, figures.bytes);
        self.all.bar.set_prefix(words::tables(figures));
        self.all.show(figures.share, words::of_all(figures, pace));
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for bar in self.tables.values().chain(&self.held).chain([&self.all]) {
            bar.bar.finish_and_clear();
        }
        // A terminal that is gone is no reason to stop a connector.
        let _ = self.multi.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_seconds() {
        // Given rows that come fast and then slowly, when they are looked at every second.
        let begin = Instant::now();
        let mut paces = Paces::default();
        let seen: Vec<f64> = [(0u64, 0u64), (1, 1000), (2, 2000), (7, 2050), (8, 2060)]
            .into_iter()
            .map(|(second, rows)| paces.see(begin + Duration::from_secs(second), rows, 0).rows)
            .collect();
        // Then what lies longer back counts no more.
        assert_eq!(seen, [0.0, 1000.0, 1000.0, 10.0, 10.0]);
    }

    #[test]
    fn both_styles_can_be_had() {
        for template in [WITH_SHARE, WITHOUT_SHARE] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }

    #[test]
    fn only_tables_in_work_have_bars_and_not_all_of_many() {
        use super::super::course::{Course, Planned, Stage};
        // Given ten thousand tables of which twelve are in work.
        let (course, now) = (Course::default(), Instant::now());
        course.begin(now);
        let planned = (0..10_000).map(|at| Planned { name: format!("public.t{at}"), ..Planned::default() }).collect();
        let tables = course.plan(planned, 0, now);
        for table in tables.iter().take(12) {
            course.enter(table, Stage::InWork, now);
        }
        let mut bars = Bars::on(ProgressDrawTarget::hidden());
        // When they are shown, then some have bars, and the others as soon as there is room.
        bars.show(&course.figures(now).unwrap(), None, now);
        assert_eq!(bars.tables.len(), TABLES_MAX);
        for table in tables.iter().take(9) {
            course.enter(table, Stage::Done, now);
        }
        bars.show(&course.figures(now).unwrap(), Some(&Retention::default()), now);
        let mut names: Vec<&str> = bars.tables.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["public.t10", "public.t11", "public.t9"]);
        assert_eq!(bars.all.bar.prefix(), "9 of 10,000 tables");
    }
}
