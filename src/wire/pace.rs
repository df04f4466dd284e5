//! When a reader of the stream should let the socket fill for a moment.
//!
//! Owns [`Pace`]. A walsender sends one small packet for every change. A reader that takes each as it comes sleeps
//! and is woken for every few rows, and the wake-up is paid inside the sender, which is the bottleneck. While there is
//! much to read, two reads are therefore kept a fraction of a millisecond apart.
//!
//! Invariant: no nap unless data came at [`BEHIND_BYTES_PER_WINDOW`] or more over the last window, so that latency at
//! low rates does not suffer; and no nap after a read that returned much, because then the socket has filled by
//! itself while we worked.

use std::time::{Duration, Instant};

/// The least time between two reads while behind.
///
/// Measured with PostgreSQL 15, reader and server on two cores shared with other work, half a million narrow rows in
/// transactions of 100, over TCP, three runs each: without naps 139,000 to 158,000 rows/s and 2.2 to 3.2 us of our CPU
/// a row; with 200 us 208,000 to 301,000 and 0.4 to 0.6 us; with 300 us 168,000 to 323,000 and 0.3 to 0.7 us; with 500 us
/// 326,000 to 336,000. The walsender's own CPU falls from 5 to 7 us a row to between 3 and 4. Half a millisecond is
/// best there, but rows of 1.4 KB over a Unix socket then fill its small buffer and the server waits for us (119,000 to
/// 147,000 rows/s instead of 128,000 to 189,000): 300 us is the compromise.
const NAP: Duration = Duration::from_micros(300);

/// A read that returned this much is not followed by a nap.
const FULL_READ_BYTES: usize = 64 * 1024;

/// Over which time the rate is looked at.
const WINDOW: Duration = Duration::from_millis(1);

/// The rate from which on we count as behind: 4 KiB in a millisecond, some 30,000 narrow messages a second.
const BEHIND_BYTES_PER_WINDOW: u128 = 4 * 1024;

/// Watches reads and tells when to wait before the next.
#[derive(Debug)]
pub(super) struct Pace {
    window_start: Instant,
    window_bytes: u128,
    behind: bool,
    /// When the last read returned little and no nap was taken since: the time of that read.
    short_read: Option<Instant>,
}

impl Pace {
    pub(super) const fn new(now: Instant) -> Self {
        Self { window_start: now, window_bytes: 0, behind: false, short_read: None }
    }

    /// How long to wait before the next read; asked again for the same read, it answers `None`.
    pub(super) fn take_nap(&mut self, now: Instant) -> Option<Duration> {
        let since = now.saturating_duration_since(self.short_read.take()?);
        if self.behind { NAP.checked_sub(since).filter(|nap| !nap.is_zero()) } else { None }
    }

    /// Counts a read.
    pub(super) fn note(&mut self, now: Instant, bytes: usize) {
        let elapsed = now.saturating_duration_since(self.window_start);
        if elapsed >= WINDOW {
            self.behind = self.window_bytes * WINDOW.as_nanos() >= BEHIND_BYTES_PER_WINDOW * elapsed.as_nanos();
            self.window_start = now;
            self.window_bytes = 0;
        }
        self.window_bytes += bytes as u128;
        self.short_read = (bytes < FULL_READ_BYTES).then_some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Naps that a reader would take, given reads of `bytes` every `gap`.
    fn naps(bytes: usize, gap: Duration, reads: u32) -> u32 {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        let mut naps = 0;
        for _ in 0..reads {
            now += gap;
            pace.note(now, bytes);
            naps += u32::from(pace.take_nap(now).is_some());
            assert_eq!(pace.take_nap(now), None, "one nap a read");
        }
        naps
    }

    #[test]
    fn a_backlog_is_napped_over_and_a_trickle_is_not() {
        let micros = Duration::from_micros;
        assert!(naps(440, micros(20), 1_000) > 900, "22 MB/s in small reads");
        assert_eq!(naps(400, micros(200), 1_000), 0, "5,000 small transactions a second");
        assert_eq!(naps(128 * 1024, micros(500), 1_000), 0, "reads that are large by themselves");
        assert_eq!(naps(100, Duration::from_secs(1), 100), 0, "idle");
    }

    #[test]
    fn work_between_reads_counts_as_nap() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.note(start, 32 * 1024);
        let later = start + WINDOW;
        pace.note(later, 32 * 1024);
        assert_eq!(pace.take_nap(later + NAP / 4), Some(NAP * 3 / 4));
        pace.note(later, 100);
        assert_eq!(pace.take_nap(later + NAP), None);
    }

    #[test]
    fn a_burst_after_a_long_silence_is_read_at_once() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let later = start + Duration::from_secs(10);
        pace.note(later, 32 * 1024);
        assert_eq!(pace.take_nap(later), None);
    }
}
