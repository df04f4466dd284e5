//! What is done to the database: a file of `tests/golden/sql`.

use std::fs;
use std::path::Path;

use super::session::Session;
use crate::Outcome;

/// Parts setup from workload.
const WORKLOAD_MARK: &str = "-- workload";
/// Gives every connector one more property.
const CONNECTOR_MARK: &str = "-- connector: ";
/// Names the variants under which the scenario is recorded.
const VARIANTS_MARK: &str = "-- variants: ";
/// Names the major versions that have what the scenario needs; without it, all.
const MAJORS_MARK: &str = "-- majors: ";
/// Names a scenario whose preparation, and the rows that its workload inserts, are prepared before anything else.
const AFTER_MARK: &str = "-- after: ";
/// Waits for Debezium, as every statement that changes the catalog does by itself.
const BARRIER_MARK: &str = "-- barrier";
/// Waits until Debezium has taken the snapshot that a signal before it asks for.
const SNAPSHOT_MARK: &str = "-- snapshot";
/// Says that a transaction changes the catalog.
const DDL_MARK: &str = "-- ddl";

/// A file of statements.
pub(crate) struct Scenario {
    /// Name of the file.
    pub(crate) name: String,
    /// Names of its variants, the one that creates the publication first.
    pub(crate) variants: Vec<String>,
    /// The only major versions on which it is recorded, where not on all.
    majors: Vec<u16>,
    /// Properties that each connector has besides the usual ones.
    pub(crate) properties: Vec<(String, String)>,
    /// The scenario that is prepared before it, with rows.
    after: Option<Box<Self>>,
    /// What Debezium does not see happen.
    pub(crate) setup: Vec<String>,
    /// What it streams.
    pub(crate) workload: Vec<String>,
}

impl Scenario {
    /// All files, by name.
    pub(crate) fn all(folder: &Path) -> Outcome<Vec<Self>> {
        let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Outcome<Self> {
        let name = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a scenario without name")?;
        let text = fs::read_to_string(path)?;
        let (head, workload) = text.split_once(WORKLOAD_MARK).ok_or_else(|| format!("{name} has no workload"))?;
        let variants = head.lines().find_map(|line| line.strip_prefix(VARIANTS_MARK)).unwrap_or("default");
        let property = |line: &str| {
            let (key, value) = line.strip_prefix(CONNECTOR_MARK)?.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        };
        let majors = head.lines().find_map(|line| line.strip_prefix(MAJORS_MARK)).unwrap_or_default();
        let after = head.lines().find_map(|line| line.strip_prefix(AFTER_MARK));
        let after = after.map(|name| Self::read(&path.with_file_name(format!("{name}.sql")))).transpose()?;
        let marks = [CONNECTOR_MARK, VARIANTS_MARK, MAJORS_MARK, AFTER_MARK];
        let is_mark = |line: &&str| marks.iter().any(|mark| line.starts_with(mark));
        let setup = head.lines().filter(|line| !is_mark(line)).collect::<Vec<_>>().join("\n");
        Ok(Self {
            name: name.to_owned(),
            variants: variants.split_whitespace().map(str::to_owned).collect(),
            majors: majors.split_whitespace().map(str::parse).collect::<Result<_, _>>()?,
            properties: head.lines().filter_map(property).collect(),
            after: after.map(Box::new),
            setup: paragraphs(&setup),
            workload: paragraphs(workload),
        })
    }
}

impl Scenario {
    /// Whether it is recorded on a major version.
    pub(crate) fn is_for(&self, major: u16) -> bool {
        self.majors.is_empty() || self.majors.contains(&major)
    }

    /// Makes its tables, and the table of the barriers.
    pub(crate) fn prepare(&self, session: &Session<'_>) -> Outcome<()> {
        if let Some(after) = &self.after {
            after.prepare(session)?;
            after.workload.iter().filter(|statement| adds_rows(statement)).try_for_each(|statement| {
                // Some are there to be refused.
                session.execute(statement).or_else(|_| session.execute("ROLLBACK"))
            })?;
        } else {
            session.execute("CREATE TABLE barrier (id int PRIMARY KEY)")?;
        }
        for statement in &self.setup {
            session.execute(statement).map_err(|error| format!("{statement}: {error}"))?;
        }
        Ok(())
    }

    /// Runs the workload. Inserts a row into the table of the barriers before each change of the catalog and at the
    /// end, and has `pass` wait until everybody has read it, because connectors read the catalog of the moment;
    /// `changed` hears of each change, and `taken` waits for each snapshot that was asked for.
    pub(crate) fn perform(
        &self,
        session: &Session<'_>,
        mut pass: impl FnMut(i64) -> Outcome<()>,
        mut changed: impl FnMut() -> Outcome<()>,
        mut taken: impl FnMut(usize) -> Outcome<()>,
    ) -> Outcome<()> {
        let (mut barriers, mut snapshots) = (0, 0);
        let mut barrier = || {
            barriers += 1;
            session.execute(&format!("INSERT INTO public.barrier VALUES ({barriers})"))?;
            pass(barriers)
        };
        for statement in &self.workload {
            if statement == SNAPSHOT_MARK {
                snapshots += 1;
                taken(snapshots)?;
                continue;
            }
            let is_change = changes_catalog(statement);
            if is_change || is_barrier(statement) {
                barrier()?;
            }
            if is_change {
                // Otherwise a transaction can be decoded a moment before others see what it changed.
                session.execute("SET synchronous_commit = off")?;
            }
            // Some statements are there to be refused.
            if let Err(error) = session.execute(statement) {
                println!("refused: {statement}: {error}");
                session.execute("ROLLBACK")?;
            }
            if is_change {
                session.execute("SET synchronous_commit = on")?;
                changed()?;
            }
        }
        barrier()
    }
}

/// Text between empty lines: what is sent as one simple query.
fn paragraphs(text: &str) -> Vec<String> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).map(str::to_owned).collect()
}

/// Whether a paragraph may change what the catalog says.
fn changes_catalog(paragraph: &str) -> bool {
    let changes = ["create", "alter", "drop", "comment", DDL_MARK];
    paragraph.lines().any(|line| changes.iter().any(|word| line.to_ascii_lowercase().starts_with(word)))
}

/// Whether a paragraph leaves rows for a snapshot.
fn adds_rows(paragraph: &str) -> bool {
    paragraph.starts_with("INSERT")
}

/// Whether a paragraph only waits.
fn is_barrier(paragraph: &str) -> bool {
    paragraph == BARRIER_MARK
}
