//! Logs: `tracing` on standard error, as text or as one JSON object a line.
//!
//! Owns the set-up, once a process. `error` means that a person must act, `warn` unexpected but whole, `info` a change
//! of state; nothing is logged for a row above `trace`.

use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::terminal::Screen;
use crate::error::{Error, Kind, Result};

/// The variable that is read where `--log-level` is absent.
pub const VARIABLE: &str = "WALCAST_LOG";

/// What is logged where nothing is said.
const FILTER_DEFAULT: &str = "info";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json".to_owned()),
        }
    }
}

/// Sets logging up for the whole process: `level` if given, else `WALCAST_LOG`, else `info`.
///
/// # Errors
/// `Config` where the filter cannot be read; `Local` where logging is set up already.
pub fn init(format: Format, level: Option<&str>, screen: &Screen) -> Result<()> {
    let variable = std::env::var(VARIABLE).ok().filter(|filter| !filter.trim().is_empty());
    let (filter, origin) = match (level, &variable) {
        (Some(level), _) => (level, "--log-level"),
        (None, Some(variable)) => (variable.as_str(), VARIABLE),
        (None, None) => (FILTER_DEFAULT, "the default"),
    };
    let filter = parse(filter, origin)?;
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_writer(screen.clone());
    let set = match format {
        Format::Text => {
            let colours = screen.is_terminal() && std::env::var_os("NO_COLOR").is_none();
            base.with_ansi(colours).with_target(false).finish().try_init()
        }
        Format::Json => {
            base.json().flatten_event(true).with_current_span(false).with_span_list(false).finish().try_init()
        }
    };
    set.map_err(|error| Error::new(Kind::Local, "logging is set up already").caused_by(error))
}

fn parse(filter: &str, origin: &str) -> Result<EnvFilter> {
    EnvFilter::try_new(filter).map_err(|error| {
        Error::new(Kind::Config, format!("{origin} is not a log filter: {filter:?}")).caused_by(error).hint(
            "give a level (error, warn, info, debug, trace), or levels by module such as info,walcast::wire=debug",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_levels_or_levels_by_module() {
        for good in ["info", "debug", "warn,walcast::wire=trace", "off"] {
            assert!(parse(good, "--log-level").is_ok(), "{good}");
        }
        for bad in ["walcast=loud", "info,=="] {
            let error = parse(bad, "--log-level").expect_err(bad);
            assert_eq!(error.kind(), Kind::Config);
            assert!(error.report().contains("--log-level"), "{}", error.report());
        }
    }
}
