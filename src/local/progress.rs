//! What the person at the terminal sees while servers are fetched and started.
//!
//! Owns [`Progress`]: a spinner on a terminal, lines elsewhere, nothing, or a callback of the caller.

use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Where messages about slow steps go.
#[derive(Clone)]
pub struct Progress(Way);

#[derive(Clone)]
enum Way {
    Silent,
    Lines,
    Spinner,
    Callback(Arc<dyn Fn(&str) + Send + Sync>),
}

impl Progress {
    /// Says nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self(Way::Silent)
    }

    /// A spinner where stderr is a terminal, plain lines on stderr otherwise.
    #[must_use]
    pub fn terminal() -> Self {
        Self(if std::io::stderr().is_terminal() { Way::Spinner } else { Way::Lines })
    }

    /// Hands each message to the caller, from the thread that does the work.
    #[must_use]
    pub fn callback(callback: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Way::Callback(Arc::new(callback)))
    }

    /// One message that needs no end.
    pub(super) fn say(&self, message: &str) {
        match &self.0 {
            Way::Silent => {}
            // Past the print macros, whose output the test harness holds back: a run has to show its servers.
            Way::Lines | Way::Spinner => {
                let _ = writeln!(std::io::stderr(), "{message}");
            }
            Way::Callback(callback) => callback(message),
        }
    }

    /// A step that takes long; it ends when the value is dropped.
    pub(super) fn step(&self, message: &str) -> Step {
        let Way::Spinner = self.0 else {
            self.say(message);
            return Step(None);
        };
        let bar = ProgressBar::new_spinner().with_message(message.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Step(Some(bar))
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Way::Silent => "Progress::silent",
            Way::Lines | Way::Spinner => "Progress::terminal",
            Way::Callback(_) => "Progress::callback",
        })
    }
}

/// A running step; dropping it takes its spinner away.
#[derive(Debug)]
pub(super) struct Step(Option<ProgressBar>);

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_callback_hears_every_step() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&heard);
        let progress = Progress::callback(move |message| listener.lock().unwrap().push(message.to_owned()));

        progress.say("one");
        drop(progress.step("two"));

        assert_eq!(*heard.lock().unwrap(), ["one", "two"]);
    }
}
