//! Which address of a registry is worth asking: a circuit breaker for each. Pure.
//!
//! An address that failed several times in a row is passed over for a while, so that a dead one does not cost its
//! time-out for each schema. Where none is left, the one that was passed over longest is asked all the same: a single
//! registry is never given up.

use std::time::{Duration, Instant};

/// Failures in a row after which an address is passed over.
const FAILURES_MAX: u32 = 3;
/// How long it is passed over at first; doubles with each failure after.
const OPEN_MIN: Duration = Duration::from_secs(1);
const OPEN_MAX: Duration = Duration::from_secs(60);

/// What is known of one address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    fn is_open(&self, now: Instant) -> bool {
        self.open_until.is_some_and(|until| now < until)
    }

    /// It answered, whatever it said.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// It did not answer, or said that it cannot now. `jitter` is between 0 and 1.
    pub(super) fn failed(&mut self, now: Instant, jitter: f64) {
        self.failures = self.failures.saturating_add(1);
        let Some(beyond) = self.failures.checked_sub(FAILURES_MAX) else { return };
        let open = OPEN_MIN.saturating_mul(1 << beyond.min(16)).min(OPEN_MAX);
        self.open_until = Some(now + open.mul_f64(0.5 + jitter / 2.0));
    }
}

/// The addresses to ask, in order: those that are not passed over, or else the one whose time ends first. The one that
/// answered last comes first.
pub(super) fn order(breakers: &[Breaker], last: usize, now: Instant) -> Vec<usize> {
    let count = breakers.len();
    let all = (0..count).map(|step| (last + step) % count);
    let closed: Vec<usize> = all.filter(|&at| breakers.get(at).is_some_and(|one| !one.is_open(now))).collect();
    match closed.is_empty() {
        false => closed,
        true => (0..count).min_by_key(|&at| breakers.get(at).and_then(|one| one.open_until)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_fails_is_passed_over_for_a_while_and_a_single_one_never() {
        let now = Instant::now();
        let mut breakers = [Breaker::default(); 2];
        assert_eq!(order(&breakers, 1, now), [1, 0], "the one that answered last comes first");

        breakers[1].failed(now, 1.0);
        breakers[1].failed(now, 1.0);
        assert_eq!(order(&breakers, 1, now), [1, 0], "two failures are not enough");
        breakers[1].failed(now, 1.0);
        assert_eq!(order(&breakers, 1, now), [0]);
        assert_eq!(order(&breakers, 1, now + OPEN_MIN), [1, 0], "its time is over");
        breakers[1].failed(now, 1.0);
        assert_eq!(order(&breakers, 1, now + OPEN_MIN), [0], "it failed again, so it waits longer");

        for _ in 0..30 {
            breakers[0].failed(now, 1.0);
        }
        assert_eq!(order(&breakers, 0, now), [1], "the one whose time ends first");
        assert_eq!(order(&breakers, 0, now + OPEN_MAX), [0, 1], "nobody waits longer than that");
        breakers[0].answered();
        assert_eq!(order(&breakers, 0, now), [0]);
        assert_eq!(order(&[Breaker::default()], 0, now), [0]);
    }
}
