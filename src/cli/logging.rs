//! The options about logs that every verb with a pipeline has.

use crate::error::Result;
use crate::observe::log::{self, Format};
use crate::observe::terminal::Screen;

/// `--log-format` and `--log-level`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Logging {
    /// How logs and errors are printed on standard error: text or json.
    #[arg(long = "log-format", value_name = "FORMAT", default_value = "text", value_parser = str::parse::<Format>)]
    pub(super) format: Format,
    /// What is logged: a level, or levels by module such as info,walcast::wire=debug. Else `WALCAST_LOG`, else info.
    #[arg(long = "log-level", value_name = "FILTER")]
    pub(super) level: Option<String>,
}

impl Logging {
    /// Sets logging up; the screen is where everything for standard error goes from now on.
    pub(super) fn set_up(&self) -> Result<Screen> {
        let screen = Screen::stderr();
        log::init(self.format, self.level.as_deref(), &screen)?;
        Ok(screen)
    }
}
