//! Which transactions a snapshot of the database sees.

use crate::pgoutput::Xid;

/// `pg_current_snapshot()`, or `txid_current_snapshot()`: ids of 64 bits, with their epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Every transaction before it has ended.
    xmin: u64,
    /// No transaction from it on had ended.
    xmax: u64,
    /// Transactions between them that had not ended, sorted.
    in_progress: Vec<u64>,
}

impl Sight {
    /// Reads `xmin:xmax:xip,xip,...`; nothing for what is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (xmin, xmax) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let listed = parts.next()?;
        let ids = listed.split(',').filter(|id| !id.is_empty()).map(str::parse);
        let mut in_progress: Vec<u64> = ids.collect::<Result<_, _>>().ok()?;
        in_progress.sort_unstable();
        (parts.next().is_none() && xmin <= xmax).then_some(Self { xmin, xmax, in_progress })
    }

    /// Whether the rows that a committed transaction wrote are seen. Its id has 32 bits in the stream; it is widened to the
    /// id nearest to this snapshot, which is right for two thousand million transactions in both directions.
    #[must_use]
    pub fn sees(&self, xid: Xid) -> bool {
        let id = widened(xid, self.xmax);
        id < self.xmin || (id < self.xmax && self.in_progress.binary_search(&id).is_err())
    }
}

/// The id of 64 bits that ends in `xid` and lies nearest to `near`.
fn widened(xid: Xid, near: u64) -> u64 {
    let low = u64::from(xid.0);
    let same_epoch = (near & !u64::from(u32::MAX)) | low;
    let half = 1 << 31;
    if same_epoch > near && same_epoch - near > half {
        same_epoch.checked_sub(1 << 32).unwrap_or(same_epoch)
    } else if near > same_epoch && near - same_epoch > half {
        same_epoch.checked_add(1 << 32).unwrap_or(same_epoch)
    } else {
        same_epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_had_ended_is_seen() {
        let sight = Sight::parse("100:110:100,105").unwrap();
        let seen: Vec<u32> = (95..115).filter(|id| sight.sees(Xid(*id))).collect();
        assert_eq!(seen, [95, 96, 97, 98, 99, 101, 102, 103, 104, 106, 107, 108, 109]);
        let calm = Sight::parse("7:7:").unwrap();
        assert!(calm.sees(Xid(6)) && !calm.sees(Xid(7)));
    }

    #[test]
    fn ids_keep_their_epoch_across_the_wrap() {
        let epoch = 3u64 << 32;
        let behind = Sight::parse(&format!("{}:{}:{}", epoch + 5, epoch + 9, epoch + 7)).unwrap();
        assert!(behind.sees(Xid(u32::MAX)) && behind.sees(Xid(3)) && behind.sees(Xid(8)));
        assert!(!behind.sees(Xid(7)) && !behind.sees(Xid(9)));
        let before = Sight::parse(&format!("{}:{}:", epoch - 5, epoch - 3)).unwrap();
        assert!(before.sees(Xid(u32::MAX - 6)) && !before.sees(Xid(2)), "2 was given behind the wrap");
    }

    #[test]
    fn what_is_no_snapshot_is_told() {
        for text in ["", "1", "1:2", "2:1:", "1:2:x", "1:2:3:4", "-1:2:"] {
            assert_eq!(Sight::parse(text), None, "{text}");
        }
    }
}
