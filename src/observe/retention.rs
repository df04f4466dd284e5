//! The log that the server keeps because of the slot, and when that becomes a danger.
//!
//! Owns [`Retention`], as the server last said it, and [`Watch`], which says once when a threshold is passed. Pure.
//!
//! Source: PostgreSQL manual, `pg_replication_slots` (`restart_lsn`, `wal_status`, `safe_wal_size`) and
//! `max_slot_wal_keep_size`.

/// What becomes of the log behind the slot's position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WalStatus {
    /// The server does not say; those before 13 do not.
    #[default]
    Unknown,
    /// It is within `max_wal_size`.
    Reserved,
    /// It is beyond that, and kept.
    Extended,
    /// The next checkpoint may remove what is still needed.
    Unreserved,
    /// What is needed is gone, and the slot with it.
    Lost,
}

impl WalStatus {
    /// All that a server says.
    pub const ALL: [Self; 4] = [Self::Reserved, Self::Extended, Self::Unreserved, Self::Lost];

    /// The server's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Reserved => "reserved",
            Self::Extended => "extended",
            Self::Unreserved => "unreserved",
            Self::Lost => "lost",
        }
    }

    /// By the server's word.
    #[must_use]
    pub fn of(word: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|status| Some(status.as_str()) == word).unwrap_or_default()
    }
}

/// What the slot holds back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Bytes of log between the slot's position and the server's.
    pub held_bytes: u64,
    /// Bytes that may still be written before the slot is in danger; not positive where it is, unknown without a limit.
    pub safe_bytes: Option<i64>,
    /// `max_slot_wal_keep_size`; absent without a limit.
    pub limit_bytes: Option<u64>,
    /// What becomes of it.
    pub status: WalStatus,
}

impl Retention {
    /// Bytes that the slot may hold back in all, by what the server says is left, else by its limit.
    #[must_use]
    pub fn room_bytes(&self) -> Option<u64> {
        match self.safe_bytes {
            Some(safe) => Some(self.held_bytes.saturating_add(u64::try_from(safe).unwrap_or_default())),
            None => self.limit_bytes,
        }
    }

    /// How much of that it holds, from 0 to 1; unknown without a limit.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    pub fn share(&self) -> Option<f64> {
        self.room_bytes().map(|room| (self.held_bytes as f64 / room.max(1) as f64).min(1.0))
    }

    /// The same in whole hundredths.
    #[must_use]
    pub fn percent(&self) -> Option<u64> {
        let hundredth = |room: u64| u128::from(self.held_bytes) * 100 / u128::from(room.max(1));
        self.room_bytes().map(|room| u64::try_from(hundredth(room).min(100)).unwrap_or(100))
    }

    fn danger(&self) -> Danger {
        match (self.status, self.share()) {
            (WalStatus::Lost, _) => Danger::Lost,
            (WalStatus::Unreserved, _) => Danger::Unreserved,
            (_, Some(share)) if share >= 0.8 => Danger::Most,
            (_, Some(share)) if share >= 0.5 => Danger::Half,
            _ => Danger::None,
        }
    }
}

/// How near the loss of the slot is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    /// Far, or there is no limit.
    #[default]
    None,
    /// Half of what it may hold back is held.
    Half,
    /// Four fifths are.
    Most,
    /// The next checkpoint may take it.
    Unreserved,
    /// It is lost.
    Lost,
}

/// Says each danger once, and again after it had passed.
#[derive(Debug, Default)]
pub struct Watch {
    told: Danger,
}

impl Watch {
    /// Takes in what the server says. Gives a danger that is greater than the last one that was told.
    pub fn look(&mut self, retention: &Retention) -> Option<Danger> {
        let danger = retention.danger();
        if danger > self.told {
            self.told = danger;
            return Some(danger);
        }
        // Around a threshold it would be told again and again.
        if retention.share().is_none_or(|share| share < 0.4) && danger == Danger::None {
            self.told = Danger::None;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(share: i64) -> Retention {
        let held_bytes = u64::try_from(share).unwrap();
        Retention { held_bytes, safe_bytes: Some(100 - share), limit_bytes: Some(100), status: WalStatus::Extended }
    }

    #[test]
    fn each_danger_is_told_once_until_it_has_passed() {
        // Given a slot that holds back more and more, when it is looked at, then each threshold is told once.
        let mut watch = Watch::default();
        let told: Vec<Option<Danger>> =
            [10, 49, 50, 70, 49, 55, 80, 99, 60, 30, 51].into_iter().map(|share| watch.look(&held(share))).collect();
        let (half, most) = (Some(Danger::Half), Some(Danger::Most));
        assert_eq!(told, [None, None, half, None, None, None, most, None, None, None, half]);
        let unreserved = Retention { status: WalStatus::Unreserved, safe_bytes: Some(-5), ..held(90) };
        assert_eq!(watch.look(&unreserved), Some(Danger::Unreserved));
        assert_eq!(unreserved.share(), Some(1.0));
        assert_eq!((unreserved.percent(), held(57).percent()), (Some(100), Some(57)));
        assert_eq!(watch.look(&Retention { status: WalStatus::Lost, ..unreserved }), Some(Danger::Lost));
    }

    #[test]
    fn without_a_limit_there_is_no_share_and_no_danger() {
        let retention = Retention { held_bytes: 1 << 40, status: WalStatus::Extended, ..Retention::default() };
        assert_eq!((retention.share(), retention.room_bytes()), (None, None));
        assert_eq!(Watch::default().look(&retention), None);
        let before_13 = Retention { status: WalStatus::of(None), ..retention };
        assert_eq!(before_13.status, WalStatus::Unknown);
        assert_eq!(WalStatus::of(Some("reserved")), WalStatus::Reserved);
    }
}
