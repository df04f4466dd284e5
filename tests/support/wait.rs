//! Waiting on conditions with a deadline.

use std::time::{Duration, Instant};

/// Enough for anything that a healthy machine does, so that only a real failure reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until the condition holds; panics with `what` after `timeout`.
#[track_caller]
pub(crate) fn until(what: &str, timeout: Duration, mut condition: impl FnMut() -> bool) {
    until_some(what, timeout, || condition().then_some(()));
}

/// Waits until there is a value; panics with `what` after `timeout`.
#[track_caller]
pub(crate) fn until_some<T>(what: &str, timeout: Duration, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {timeout:?} in vain until {what}");
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Looks again and again for as long as `duration`; the condition panics where something does not hold, and the
/// largest value that it gave is returned.
pub(crate) fn while_holding(what: &str, duration: Duration, mut condition: impl FnMut() -> u64) -> u64 {
    let (start, mut largest) = (Instant::now(), 0);
    until(what, duration * 2, || {
        largest = largest.max(condition());
        start.elapsed() >= duration
    });
    largest
}
