//! `walcast completions SHELL`

use std::io::Write as _;
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::error::{Error, Kind, Result};

/// What it takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell to print the script for.
    shell: Shell,
}

/// Prints the script to standard output.
pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Command::command(), "walcast", &mut script);
    std::io::stdout()
        .write_all(&script)
        .map_err(|error| Error::new(Kind::Local, "the script cannot be written").caused_by(error))?;
    Ok(ExitCode::SUCCESS)
}
