//! The live line on a terminal: state, rates, lag, total; and in its place, while a snapshot is taken, its bars.
//!
//! Owns [`Screen`], through which everything for standard error goes, so that line and bars are wiped before a log line is
//! written and drawn again afterwards, and [`StatusLine`], which draws the line once a second and the bars a few times.
//! Where standard error is not a terminal, nothing is drawn.

use std::io::{self, IsTerminal as _, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use indicatif::MultiProgress;

use super::bars::Bars;
use super::status::{Snapshot, State, Status};
use super::words::{grouped, scaled};

/// Goes to the start of the line and clears it.
const WIPE: &[u8] = b"\r\x1b[2K";

/// A line that wraps could not be wiped any more, and a terminal is seldom narrower.
const COLUMNS_MAX: usize = 79;

/// Time between two drawings of the line, and of the bars.
const REDRAW: Duration = Duration::from_secs(1);
const REDRAW_BARS: Duration = Duration::from_millis(250);

/// Where log lines and the live line meet. Clones are the same screen.
#[derive(Clone)]
pub struct Screen(Arc<Mutex<Surface>>);

struct Surface {
    out: Box<dyn Write + Send>,
    is_terminal: bool,
    /// The live line as it stands on the terminal; empty where none does.
    line: String,
    /// Bars that stand in its place.
    bars: Option<MultiProgress>,
}

impl Screen {
    /// Standard error.
    #[must_use]
    pub fn stderr() -> Self {
        Self::new(Box::new(io::stderr()), io::stderr().is_terminal())
    }

    fn new(out: Box<dyn Write + Send>, is_terminal: bool) -> Self {
        Self(Arc::new(Mutex::new(Surface { out, is_terminal, line: String::new(), bars: None })))
    }

    /// Whether a person may be looking.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.with(|surface| surface.is_terminal)
    }

    /// Puts a line where the last one was; an empty one takes it away.
    fn draw(&self, line: &str) {
        // A terminal that is gone is no reason to stop a connector.
        let _ = self.with(|surface| {
            if !surface.line.is_empty() {
                surface.out.write_all(WIPE)?;
            }
            line.clone_into(&mut surface.line);
            surface.out.write_all(line.as_bytes())?;
            surface.out.flush()
        });
    }

    /// Log lines stand above these bars from now on, until they are gone.
    fn set_bars(&self, bars: Option<MultiProgress>) {
        self.with(|surface| surface.bars = bars);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Surface) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Screen {
    /// Writes whole lines: the live line, or the bars, are wiped before them and stand again after them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|surface| {
            let Surface { out, line, bars, .. } = surface;
            if let Some(bars) = bars {
                bars.suspend(|| out.write_all(bytes))?;
            } else if line.is_empty() {
                out.write_all(bytes)?;
            } else {
                // One write, so that a terminal never shows a state in between.
                let mut whole = Vec::with_capacity(WIPE.len() + bytes.len() + line.len());
                whole.extend_from_slice(WIPE);
                whole.extend_from_slice(bytes);
                whole.extend_from_slice(line.as_bytes());
                out.write_all(&whole)?;
            }
            Ok(bytes.len())
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(|surface| surface.out.flush())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Screen {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Draws until it is dropped.
#[derive(Debug)]
pub struct StatusLine {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StatusLine {
    /// Starts to draw; `None` where the screen is no terminal.
    #[must_use]
    pub fn start(screen: &Screen, status: &Arc<Status>) -> Option<Self> {
        if !screen.is_terminal() {
            return None;
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let drawer = Drawer { screen: screen.clone(), status: Arc::clone(status), bars: None };
        let thread = std::thread::Builder::new().name("walcast-line".to_owned()).spawn(move || drawer.draw(&stopped));
        // Without a thread there is no line, and nothing else is missing.
        thread.ok().map(|thread| Self { stop: Some(stop), thread: Some(thread) })
    }
}

/// What the thread of a [`StatusLine`] draws with.
struct Drawer {
    screen: Screen,
    status: Arc<Status>,
    bars: Option<Bars>,
}

impl Drawer {
    fn draw(mut self, stopped: &Receiver<()>) {
        let mut before = (Instant::now(), self.status.snapshot(SystemTime::now()));
        let pause = |bars: &Option<Bars>| if bars.is_some() { REDRAW_BARS } else { REDRAW };
        while matches!(stopped.recv_timeout(pause(&self.bars)), Err(RecvTimeoutError::Timeout)) {
            let now = (Instant::now(), self.status.snapshot(SystemTime::now()));
            let state = self.status.live().state;
            if self.draw_bars(state, now.0) {
                before = now;
                continue;
            }
            self.screen.draw(&line(state, now.0 - before.0, &before.1, &now.1));
            before = now;
        }
        self.take_bars();
        self.screen.draw("");
    }

    /// Draws the bars of a snapshot that is taken in place of the stream. Gives false where there is none.
    fn draw_bars(&mut self, state: State, now: Instant) -> bool {
        let figures = (state == State::Snapshotting).then(|| self.status.reading(now)).flatten();
        let Some(figures) = figures else {
            self.take_bars();
            return false;
        };
        if self.bars.is_none() {
            self.screen.draw("");
        }
        let bars = self.bars.get_or_insert_with(|| {
            let bars = Bars::stderr();
            self.screen.set_bars(Some(bars.multi()));
            bars
        });
        bars.show(&figures, self.status.retention().as_ref(), now);
        true
    }

    fn take_bars(&mut self) {
        if let Some(bars) = self.bars.take() {
            self.screen.set_bars(None);
            drop(bars);
        }
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The line for what happened between two snapshots, cut to what fits.
fn line(state: State, passed: Duration, before: &Snapshot, now: &Snapshot) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let rate = |before: u64, now: u64| now.saturating_sub(before) as f64 / passed.as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let lag_bytes = now.lag_bytes as f64;
    let mut line = format!(
        "{}  {} events/s  {}B/s  lag {}B, {:.1} s  {} events",
        state.as_str(),
        scaled(rate(before.events, now.events), 1000.0),
        scaled(rate(before.bytes, now.bytes), 1024.0),
        scaled(lag_bytes, 1024.0),
        now.lag.as_secs_f64(),
        grouped(now.events),
    );
    line.truncate(COLUMNS_MAX);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("whole").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("whole").clone()).expect("text")
        }
    }

    #[test]
    fn log_lines_stand_above_the_live_line() {
        let paper = Paper::default();
        let mut screen = Screen::new(Box::new(paper.clone()), true);
        screen.write_all(b"one\n").expect("written");
        screen.draw("live");
        screen.write_all(b"two\n").expect("written");
        screen.draw("alive");
        screen.draw("");
        screen.write_all(b"three\n").expect("written");
        assert_eq!(paper.text(), "one\nlive\r\x1b[2Ktwo\nlive\r\x1b[2Kalive\r\x1b[2Kthree\n");
    }

    #[test]
    fn nothing_is_drawn_where_nobody_looks() {
        let screen = Screen::new(Box::new(Paper::default()), false);
        assert!(StatusLine::start(&screen, &Arc::new(Status::new("c"))).is_none());
    }

    #[test]
    fn a_dropped_line_is_wiped_at_once() {
        let paper = Paper::default();
        let screen = Screen::new(Box::new(paper.clone()), true);
        let line = StatusLine::start(&screen, &Arc::new(Status::new("c"))).expect("a terminal");
        screen.draw("live");
        drop(line);
        assert!(paper.text().ends_with("\r\x1b[2K"));
    }

    #[test]
    fn the_line_says_rates_and_lag_and_fits() {
        let status = Status::new("c");
        let before = status.snapshot(SystemTime::now());
        let now = Snapshot {
            events: 1_234_567,
            bytes: 5 << 20,
            lag_bytes: 3 << 30,
            lag: Duration::from_millis(1500),
            ..before
        };
        let text = line(State::Streaming, Duration::from_secs(1), &before, &now);
        assert_eq!(text, "streaming  1.2 M events/s  5.0 MiB/s  lag 3.0 GiB, 1.5 s  1,234,567 events");
        let largest = Snapshot {
            events: 99_999_999_999,
            bytes: u64::MAX,
            lag_bytes: u64::MAX,
            lag: Duration::from_secs(9_999),
            ..before
        };
        assert_eq!(line(State::Reconnecting, Duration::from_secs(1), &before, &largest).len(), COLUMNS_MAX);
        let idle = line(State::Streaming, Duration::from_secs(1), &now, &Snapshot { lag_bytes: 12, ..now });
        assert_eq!(idle, "streaming  0 events/s  0 B/s  lag 12 B, 1.5 s  1,234,567 events");
    }
}
