//! What both benches share: the servers, the connectors under test, and how their cost is read from the kernel.

pub(crate) mod connector;
pub(crate) mod machine;
pub(crate) mod markdown;
pub(crate) mod process;
pub(crate) mod sql;
pub(crate) mod stand;
pub(crate) mod topic;

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
