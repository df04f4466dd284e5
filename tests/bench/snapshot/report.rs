//! What is printed at the end.

use serde_json::{Value, json};

use super::empty::Empty;
use super::measure::{Contender, Taken};
use super::resume::Resumed;
use crate::support::markdown::{Table, count, median, number};
use crate::support::{Output, machine};

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    facts: Value,
    rounds: u32,
    all: Vec<Taken>,
    empty: Vec<Empty>,
    resumed: Option<Resumed>,
}

impl Report {
    pub(crate) fn new(facts: Value, rounds: u32) -> Self {
        Self { facts, rounds, all: Vec::new(), empty: Vec::new(), resumed: None }
    }

    pub(crate) fn add(&mut self, taken: Taken) {
        self.all.push(taken);
    }

    pub(crate) fn empty(&mut self, empty: Vec<Empty>) {
        self.empty = empty;
    }

    pub(crate) fn resumed(&mut self, resumed: Resumed) {
        self.resumed = Some(resumed);
    }

    pub(crate) fn print(&self, output: Output) {
        match output {
            Output::Markdown => self.print_markdown(),
            Output::Json => {
                let all = json!({
                    "machine": self.facts,
                    "load_after": machine::load(),
                    "snapshots": self.all,
                    "empty_tables": self.empty,
                    "resumed": self.resumed,
                });
                println!("{all}");
            }
        }
    }

    fn print_markdown(&self) {
        println!("{}.", machine::line(&self.facts));
        println!("Medians of {} rounds; in brackets the slowest and the fastest.\n", self.rounds);
        let mut table = Table::new(
            3,
            &[
                "table",
                "beside",
                "who",
                "readers",
                "rows",
                "seconds",
                "rows/s",
                "of the lower bound",
                "of Debezium",
                "CPU us/row",
                "broker CPU us/row",
                "peak MiB",
            ],
        );
        for group in self.groups() {
            table.row(self.cells(&group));
        }
        if !self.all.is_empty() {
            table.print();
        }
        for empty in &self.empty {
            println!(
                "\n{} empty tables: {} streams {:.1} s after its start, peak {} MiB.",
                count(empty.tables.into()),
                empty.contender.title(),
                empty.seconds,
                empty.peak_kib.div_ceil(1024)
            );
        }
        if let Some(resumed) = &self.resumed {
            println!(
                "\n{} rows, killed at {}: the next process writes {:.1} s after its start, and {} rows a second time.",
                count(resumed.rows),
                count(resumed.before),
                resumed.seconds,
                count(resumed.again)
            );
        }
    }

    /// The rounds of one contender in one setting.
    fn groups(&self) -> Vec<Vec<&Taken>> {
        let mut groups: Vec<Vec<&Taken>> = Vec::new();
        for taken in &self.all {
            let same = |group: &&mut Vec<&Taken>| {
                group.first().is_some_and(|one| one.contender == taken.contender && is_beside(one, taken))
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.push(taken),
                None => groups.push(vec![taken]),
            }
        }
        groups
    }

    /// The rate of another contender in the same setting and round.
    fn rate(&self, of: Contender, beside: &Taken) -> Option<f64> {
        let same =
            |one: &&Taken| one.contender == of && is_beside(one, beside) && one.setting.round == beside.setting.round;
        self.all.iter().find(same).map(Taken::rows_per_second)
    }

    fn cells(&self, group: &[&Taken]) -> Vec<String> {
        let Some(first) = group.first() else { return Vec::new() };
        let middle = |of: fn(&Taken) -> f64| median(group.iter().map(|one| of(one)));
        let thousands = |rate: f64| format!("{:.1}", rate / 1e3);
        let rates = || group.iter().map(|one| one.rows_per_second());
        let slowest = rates().fold(f64::INFINITY, f64::min);
        let fastest = rates().fold(0.0, f64::max);
        let is_connector = first.contender.is_connector();
        let of_bound = group.iter().filter(|_| is_connector).filter_map(|one| {
            let bound = self.rate(Contender::Copy, one)?.min(self.rate(Contender::Produce, one)?);
            Some(one.rows_per_second() / bound)
        });
        let of_rival = group.iter().filter(|_| first.contender == Contender::Walcast);
        let of_rival = of_rival.filter_map(|one| Some(one.rows_per_second() / self.rate(Contender::Debezium, one)?));
        let peak = group.iter().map(|one| one.peak_kib).max().unwrap_or_default();
        vec![
            first.table.to_owned(),
            if first.setting.with_writer { "a writer" } else { "nothing" }.to_owned(),
            first.contender.title().to_owned(),
            first.setting.readers.to_string(),
            count(first.rows),
            number(middle(|one| one.seconds), 2),
            format!(
                "{}k [{} {}]",
                median(rates()).map_or_else(String::new, thousands),
                thousands(slowest),
                thousands(fastest)
            ),
            number(median(of_bound), 2),
            number(median(of_rival), 1),
            number(middle(|one| one.own_cpu_us).filter(|&micros| micros > 0.0), 2),
            number(middle(|one| one.broker_cpu_us).filter(|_| first.contender != Contender::Copy), 2),
            if peak == 0 { "-".to_owned() } else { peak.div_ceil(1024).to_string() },
        ]
    }
}

fn is_beside(one: &Taken, other: &Taken) -> bool {
    one.table == other.table
        && one.setting.readers == other.setting.readers
        && one.setting.with_writer == other.setting.with_writer
}
