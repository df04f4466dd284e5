//! What both benches share: the servers, the connectors under test, and how their cost is read from the kernel.

pub(crate) mod connector;
pub(crate) mod machine;
pub(crate) mod markdown;
pub(crate) mod process;
pub(crate) mod sql;
pub(crate) mod stand;
pub(crate) mod tables;
pub(crate) mod topic;

use std::path::PathBuf;

/// Anything that can go wrong in a bench ends it, so only the text matters.
pub(crate) type Problem = Box<dyn std::error::Error + Send + Sync>;
/// Shorthand for results of the benches.
pub(crate) type Outcome<T> = Result<T, Problem>;

/// How the result is printed on standard output; everything else goes to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// Tables that can be pasted into a page.
    Markdown,
    /// One JSON object with every single measurement.
    Json,
}

/// What both benches take.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// Measure Debezium in Kafka Connect as well.
    #[arg(long)]
    pub(crate) debezium: bool,
    /// Major version of PostgreSQL; without it the newest that is installed with pg_recvlogical, else one that is fetched.
    #[arg(long, value_name = "MAJOR")]
    pub(crate) postgres: Option<u16>,
    /// The walcast to measure, to compare builds; without it the one of this build.
    #[arg(long, value_name = "PATH", default_value = env!("CARGO_BIN_EXE_walcast"), hide_default_value = true)]
    pub(crate) walcast: PathBuf,
    /// Sets a property of walcast's configuration, to compare settings; may be given more than once.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// What is printed on standard output.
    #[arg(long, value_enum, default_value_t = Output::Markdown)]
    pub(crate) output: Output,
    /// Cargo says so to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Ends a bench: the problem with all its causes on standard error, and exit code 1.
pub(crate) fn exit(outcome: Outcome<()>) -> std::process::ExitCode {
    let Err(problem) = outcome else { return std::process::ExitCode::SUCCESS };
    if let Some(error) = problem.downcast_ref::<walcast::error::Error>() {
        eprintln!("{}", error.report());
        return std::process::ExitCode::FAILURE;
    }
    eprintln!("error: {problem}");
    let mut cause = problem.source();
    while let Some(source) = cause {
        eprintln!("  cause: {source}");
        cause = source.source();
    }
    std::process::ExitCode::FAILURE
}
