//! How long to wait before the next attempt: capped, doubling, jittered. Pure.

use std::time::Duration;

use crate::config::Retries;

/// Waits between attempts, each up to twice the last, with full jitter in its upper half.
#[derive(Debug)]
pub struct Backoff {
    retries: Retries,
    attempts: u32,
    random: fastrand::Rng,
}

/// What to do after a failure that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try again after this wait.
    After(Duration),
    /// The limit of attempts is reached.
    GiveUp {
        /// Attempts made.
        attempts: u32,
    },
}

impl Backoff {
    /// A back-off with a seed, so that a simulation replays exactly.
    #[must_use]
    pub fn new(retries: Retries, seed: u64) -> Self {
        Self { retries, attempts: 0, random: fastrand::Rng::with_seed(seed) }
    }

    /// Counts a failure.
    pub fn failed(&mut self) -> Next {
        if self.retries.max.is_some_and(|max| self.attempts >= max) {
            return Next::GiveUp { attempts: self.attempts };
        }
        let doublings = self.attempts.min(16);
        self.attempts = self.attempts.saturating_add(1);
        let longest = self.retries.delay_max.max(self.retries.delay_min);
        let wait = self.retries.delay_min.saturating_mul(1 << doublings).min(longest);
        // Jitter lies in the upper half, so that attempts spread out and yet never come at once.
        Next::After(wait.mul_f64(0.5 + self.random.f64() / 2.0))
    }

    /// Something was delivered: the next failure starts from the shortest wait again.
    pub fn succeeded(&mut self) {
        self.attempts = 0;
    }

    /// Failures since the last success.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retries(max: Option<u32>) -> Retries {
        Retries { max, delay_min: Duration::from_millis(100), delay_max: Duration::from_secs(5) }
    }

    #[test]
    fn waits_double_up_to_the_cap_and_start_again_after_success() {
        let mut backoff = Backoff::new(retries(None), 7);
        let mut wait = || match backoff.failed() {
            Next::After(wait) => wait.as_secs_f64(),
            Next::GiveUp { .. } => f64::NAN,
        };
        for expected in [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0] {
            let wait = wait();
            assert!((expected / 2.0..=expected).contains(&wait), "{wait} is not within half of {expected}");
        }
        backoff.succeeded();
        assert!(matches!(backoff.failed(), Next::After(wait) if wait <= Duration::from_millis(100)));
    }

    #[test]
    fn a_limit_counts_retries_since_the_last_success() {
        let mut backoff = Backoff::new(retries(Some(2)), 7);
        assert!(matches!(backoff.failed(), Next::After(_)));
        backoff.succeeded();
        assert!(matches!(backoff.failed(), Next::After(_)));
        assert!(matches!(backoff.failed(), Next::After(_)));
        assert_eq!(backoff.failed(), Next::GiveUp { attempts: 2 });
        assert_eq!(Backoff::new(retries(Some(0)), 7).failed(), Next::GiveUp { attempts: 0 });
    }
}
