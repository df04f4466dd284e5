//! What is printed at the end.

use serde_json::{Value, json};

use super::measure::Drained;
use super::quiet::Quiet;
use super::reader::Reader;
use crate::support::markdown::{Table, count, median, number};
use crate::support::{Output, machine};

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    facts: Value,
    rounds: u32,
    drains: Vec<Drained>,
    quiet: Vec<Quiet>,
}

/// The drains of one workload through one reader.
struct Group<'a> {
    drains: Vec<&'a Drained>,
    /// Rates of the rounds over the raw reader's in the same round.
    ratios: Vec<f64>,
    /// The same over Debezium's, where it ran.
    rival_ratios: Vec<f64>,
}

impl Report {
    pub(crate) fn new(facts: Value, rounds: u32) -> Self {
        Self { facts, rounds, drains: Vec::new(), quiet: Vec::new() }
    }

    pub(crate) fn add(&mut self, drained: Drained) {
        self.drains.push(drained);
    }

    pub(crate) fn quiet(&mut self, quiet: Quiet) {
        self.quiet.push(quiet);
    }

    pub(crate) fn print(&self, output: Output) {
        match output {
            Output::Markdown => self.print_markdown(),
            Output::Json => {
                let all = json!({
                    "machine": self.facts,
                    "load_after": machine::load(),
                    "drains": self.drains,
                    "quiet": self.quiet,
                });
                println!("{all}");
            }
        }
    }

    fn print_markdown(&self) {
        println!("{}.", machine::line(&self.facts));
        println!("Medians of {} rounds; in brackets the slowest and the fastest.\n", self.rounds);
        let rival = self.drains.iter().any(|drained| drained.reader == Reader::Debezium);
        let mut head = vec!["workload", "reader", "rows", "seconds", "rows/s", "of raw"];
        if rival {
            head.push("of Debezium");
        }
        head.extend([
            "reader CPU us/row",
            "walsender CPU us/row",
            "broker CPU us/row",
            "peak MiB",
            "confirmed s",
            "other %",
        ]);
        let mut table = Table::new(2, &head);
        for group in self.groups() {
            table.row(group.cells(rival));
        }
        table.print();
        println!();
        let mut table = Table::new(1, &["connector", "start to streaming, s", "fastest", "slowest", "idle MiB"]);
        for quiet in &self.quiet {
            let (fastest, slowest) = range(quiet.start_seconds.iter().copied());
            table.row(vec![
                quiet.reader.title().to_owned(),
                number(quiet.start_median(), 3),
                number(Some(fastest), 3),
                number(Some(slowest), 3),
                mebibytes(quiet.idle_kib),
            ]);
        }
        table.print();
    }

    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for drained in &self.drains {
            let same = |group: &&mut Group<'_>| {
                group.drains.iter().any(|one| one.workload == drained.workload && one.reader == drained.reader)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.drains.push(drained),
                None => groups.push(Group { drains: vec![drained], ratios: Vec::new(), rival_ratios: Vec::new() }),
            }
        }
        for group in &mut groups {
            group.ratios = self.ratios(&group.drains, Reader::Raw);
            group.rival_ratios = self.ratios(&group.drains, Reader::Debezium);
        }
        groups
    }

    /// Each drain's rate over that of `base` in the same round.
    fn ratios(&self, drains: &[&Drained], base: Reader) -> Vec<f64> {
        let of_base = |drained: &Drained| {
            self.drains
                .iter()
                .find(|one| one.reader == base && one.workload == drained.workload && one.round == drained.round)
        };
        drains.iter().filter_map(|one| Some(one.rows_per_second() / of_base(one)?.rows_per_second())).collect()
    }
}

impl Group<'_> {
    fn cells(&self, rival: bool) -> Vec<String> {
        let middle = |of: fn(&Drained) -> f64| median(self.drains.iter().map(|one| of(one)));
        let optional = |of: fn(&Drained) -> Option<f64>| median(self.drains.iter().filter_map(|one| of(one)));
        let (slowest, fastest) = range(self.drains.iter().map(|one| one.rows_per_second()));
        let thousands = |rate: f64| format!("{:.0}", rate / 1e3);
        let rate = middle(Drained::rows_per_second).map_or_else(String::new, thousands);
        let mut cells = vec![
            self.drains.first().map_or_else(String::new, |one| one.workload.to_owned()),
            self.drains.first().map_or_else(String::new, |one| one.reader.title().to_owned()),
            self.drains.first().map_or_else(String::new, |one| count(one.rows)),
            number(middle(|one| one.seconds), 2),
            format!("{rate}k [{} {}]", thousands(slowest), thousands(fastest)),
            number(median(self.ratios.iter().copied()), 2),
        ];
        if rival {
            cells.push(number(median(self.rival_ratios.iter().copied()), 1));
        }
        let peak = self.drains.iter().map(|one| one.peak_kib).max().unwrap_or_default();
        cells.extend([
            number(middle(|one| one.reader_cpu_us), 2),
            number(optional(|one| one.walsender_cpu_us), 2),
            number(optional(|one| one.broker_cpu_us), 2),
            mebibytes(peak),
            number(optional(|one| one.confirmed_seconds), 2),
            number(middle(|one| one.elsewhere_percent), 0),
        ]);
        cells
    }
}

/// Least and greatest.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
}

fn mebibytes(kib: u64) -> String {
    format!("{}", kib.div_ceil(1024))
}
