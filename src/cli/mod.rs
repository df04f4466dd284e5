//! The command line: arguments, one file a verb, errors to standard error, exit codes.
//!
//! Owns [`main`]. Must hold no logic of the pipeline: a verb sets up and calls. To add a verb: a file with its
//! `Arguments` and `execute`, and one arm in `Verb`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::{Error, Result};
use crate::observe::log::Format;

mod completions;
#[cfg(feature = "local")]
mod demo;
mod duration;
mod failure;
mod logging;
mod run;

/// PostgreSQL logical replication to Kafka, record for record what Debezium writes.
#[derive(Debug, Parser)]
#[command(name = "walcast", version, arg_required_else_help = true, propagate_version = true)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Stream one connector's changes until it is stopped.
    Run(run::Arguments),
    /// Show it on throwaway servers: a shop, its traffic, and what a consumer reads of it.
    #[cfg(feature = "local")]
    Demo(demo::Arguments),
    /// Print the completion script for a shell.
    Completions(completions::Arguments),
}

impl Verb {
    /// Runs it to its end; the code is what the process exits with.
    fn execute(self) -> Result<ExitCode> {
        match self {
            Self::Run(arguments) => run::execute(&arguments),
            #[cfg(feature = "local")]
            Self::Demo(arguments) => demo::execute(&arguments),
            Self::Completions(arguments) => completions::execute(&arguments),
        }
    }

    /// How this verb's errors are printed.
    fn format(&self) -> Format {
        match self {
            Self::Run(arguments) => arguments.logging.format,
            #[cfg(feature = "local")]
            Self::Demo(_) => Format::Text,
            Self::Completions(_) => Format::Text,
        }
    }
}

/// The whole program: parses the arguments, runs the verb, prints what went wrong, returns the exit code that
/// [`crate::error::Kind::exit_code`] documents. Bad arguments exit with 2, as a bad configuration does.
#[must_use]
pub fn main() -> ExitCode {
    let Command { verb } = Command::parse();
    let format = verb.format();
    // The state behind the verb is not used again after a panic.
    let outcome = catch_unwind(AssertUnwindSafe(|| verb.execute()));
    match outcome.unwrap_or_else(|payload| Err(panicked(&*payload))) {
        Ok(code) => code,
        Err(error) => {
            failure::print(&error, format);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// A panic is a broken promise of ours; its message was written where it happened.
fn panicked(payload: &(dyn Any + Send)) -> Error {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    Error::bug("an invariant does not hold").detail(text.unwrap_or("no further message"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;
    use crate::error::Kind;
    use crate::observe::http::Listen;

    fn parse(line: &str) -> std::result::Result<run::Arguments, clap::Error> {
        let words = std::iter::once("walcast").chain(line.split_whitespace());
        Command::try_parse_from(words).map(|command| match command.verb {
            Verb::Run(arguments) => arguments,
            _ => panic!("{line} is not run"),
        })
    }

    #[test]
    fn the_definition_is_consistent() {
        Command::command().debug_assert();
    }

    #[test]
    fn run_has_defaults() {
        let run = parse("run c.json").expect("good");
        assert_eq!((run.file.to_str(), run.sink), (Some("c.json"), run::SinkChoice::Kafka));
        assert_eq!(run.listen, Listen::At("127.0.0.1:8083".to_owned()));
        assert_eq!(run.shutdown_timeout, Duration::from_secs(30));
        assert_eq!((run.logging.format, run.logging.level), (Format::Text, None));
    }

    #[test]
    fn run_takes_everything_that_is_documented() {
        let run = parse(
            "run - --set a=b=c --set d= --bootstrap-servers x:1,y:2 --sink stdout --listen off --shutdown-timeout 500ms \
             --log-format json --log-level walcast=debug",
        )
        .expect("good");
        let set = [("a".to_owned(), "b=c".to_owned()), ("d".to_owned(), String::new())];
        assert_eq!((run.set.as_slice(), run.listen), (&set[..], Listen::Off));
        assert_eq!(run.bootstrap_servers.as_deref(), Some("x:1,y:2"));
        assert_eq!((run.sink, run.shutdown_timeout), (run::SinkChoice::Stdout, Duration::from_millis(500)));
        assert_eq!((run.logging.format, run.logging.level.as_deref()), (Format::Json, Some("walcast=debug")));
    }

    #[test]
    fn bad_arguments_are_refused_with_the_code_of_a_bad_configuration() {
        for line in [
            "run",
            "run c.json --set novalue",
            "run c.json --set =x",
            "run c.json --listen 8083",
            "run c.json --shutdown-timeout 5",
            "run c.json --sink file",
            "run c.json --log-format xml",
            "fly",
        ] {
            let error = parse(line).expect_err(line);
            assert_eq!(error.exit_code(), i32::from(Kind::Config.exit_code()), "{line}");
        }
        let version = Command::try_parse_from(["walcast", "--version"]).expect_err("not a verb");
        assert_eq!(version.kind(), ErrorKind::DisplayVersion);
    }

    #[test]
    fn a_panic_is_a_bug_with_its_code() {
        let payload = catch_unwind(|| panic!("on purpose")).expect_err("it panics");
        let error = panicked(&*payload);
        assert_eq!((error.kind().exit_code(), error.detail_text()), (70, Some("on purpose")));
    }
}
