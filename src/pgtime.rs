//! PostgreSQL's clock: microseconds since 2000-01-01 00:00 UTC.
//!
//! Owns the one constant between that epoch and Unix's, so that no other file repeats it.

/// Microseconds from the Unix epoch to PostgreSQL's.
pub const UNIX_TO_PG_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Days from the Unix epoch to PostgreSQL's.
pub const UNIX_TO_PG_EPOCH_DAYS: i32 = 10_957;

/// A point in time as the server sends it, in microseconds since 2000-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PgMicros(pub i64);

impl PgMicros {
    /// From microseconds since the Unix epoch, saturating at the ends of the range.
    #[must_use]
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self(micros.saturating_sub(UNIX_TO_PG_EPOCH_MICROS))
    }

    /// This machine's clock.
    #[must_use]
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
        Self::from_unix_micros(since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Microseconds since the Unix epoch, saturating at the ends of the range.
    #[must_use]
    pub const fn unix_micros(self) -> i64 {
        self.0.saturating_add(UNIX_TO_PG_EPOCH_MICROS)
    }

    /// Milliseconds since the Unix epoch, rounded down as Java's `Instant.toEpochMilli` does.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.unix_micros().div_euclid(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_epochs_meet() {
        assert_eq!(PgMicros(0).unix_millis(), 946_684_800_000);
        assert_eq!(PgMicros::from_unix_micros(0).0, -UNIX_TO_PG_EPOCH_MICROS);
        assert_eq!(PgMicros(-UNIX_TO_PG_EPOCH_MICROS - 1).unix_millis(), -1, "rounds down, not towards zero");
    }
}
