//! What a tool is asked for: `[--major 15]... [--scenario NAME]... [--variant NAME]...`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::scenario::Scenario;
use super::variant::Variant;
use crate::Outcome;

/// Stands for every variant.
const ALL: &str = "all";

/// The parts of the corpus that are asked for; where nothing is named, all.
pub(crate) struct Wanted {
    pub(crate) majors: Vec<u16>,
    scenarios: BTreeSet<String>,
    variants: BTreeSet<String>,
}

impl Wanted {
    pub(crate) fn from_arguments() -> Outcome<Self> {
        let mut wanted = Self { majors: Vec::new(), scenarios: BTreeSet::new(), variants: BTreeSet::new() };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--major" => wanted.majors.push(value.parse()?),
                "--scenario" => {
                    wanted.scenarios.insert(value);
                }
                "--variant" if value == ALL => wanted.variants.clear(),
                "--variant" => {
                    wanted.variants.insert(value);
                }
                _ => return Err(format!("unknown {name}; known are --major, --scenario and --variant").into()),
            }
        }
        if wanted.majors.is_empty() {
            wanted.majors = vec![15, 18];
        }
        wanted.check()?;
        Ok(wanted)
    }

    /// A name that is misspelt must not pass for nothing to do.
    fn check(&self) -> Outcome<()> {
        let all = Scenario::all(&corpus().join("sql"))?;
        let scenarios = all.iter().map(|scenario| scenario.name.clone()).collect();
        let variants = all.iter().flat_map(|scenario| scenario.variants.clone()).collect();
        for (what, given, known) in [("scenario", &self.scenarios, &scenarios), ("variant", &self.variants, &variants)]
        {
            let known: &BTreeSet<String> = known;
            if let Some(unknown) = given.difference(known).next() {
                return Err(format!("unknown {what} {unknown}; known are {known:?}").into());
            }
        }
        Ok(())
    }

    /// Each scenario of a major version with those of its variants that are asked for.
    pub(crate) fn scenarios(&self, major: u16) -> Outcome<Vec<(Scenario, Vec<Variant>)>> {
        let mut wanted = Vec::new();
        for scenario in Scenario::all(&corpus().join("sql"))? {
            let mut variants = Variant::all(&corpus().join("variants"), &scenario.variants)?;
            variants.retain(|variant| self.variants.is_empty() || self.variants.contains(&variant.name));
            if !variants.is_empty()
                && scenario.is_for(major)
                && (self.scenarios.is_empty() || self.scenarios.contains(&scenario.name))
            {
                wanted.push((scenario, variants));
            }
        }
        Ok(wanted)
    }
}

/// Where the corpus is.
pub(crate) fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}
