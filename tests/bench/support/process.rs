//! What a process has cost so far, as the kernel counts it (`proc(5)`).

use std::collections::BTreeMap;
use std::fs;
use std::ops::Sub;
use std::time::Duration;

use super::Outcome;

/// Length of a tick in `/proc/PID/stat`: `USER_HZ` is 100 on every architecture that Linux still counts in.
const TICK: Duration = Duration::from_millis(10);

/// CPU time of all threads of a process, user and system, ended threads included. Counted in ticks of 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cpu(Duration);

impl Cpu {
    /// CPU time of a process up to now.
    pub(crate) fn of(pid: u32) -> Outcome<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
            .map_err(|error| format!("process {pid} is gone before its CPU time was read: {error}"))?;
        ticks(&stat).map(|ticks| Self(TICK * ticks)).ok_or_else(|| format!("/proc/{pid}/stat is not understood").into())
    }

    /// Time per event, in microseconds.
    pub(crate) fn micros_per(self, events: u64) -> f64 {
        self.0.as_secs_f64() * 1e6 / events.max(1) as f64
    }

    pub(crate) fn as_secs_f64(self) -> f64 {
        self.0.as_secs_f64()
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

/// Fields 14 and 15; the second field is a name in parentheses that may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_ascii_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(system)
}

/// CPU time of each thread that is alive, by name; threads of one name are taken together.
pub(crate) fn threads(pid: u32) -> Outcome<BTreeMap<String, Cpu>> {
    let mut threads = BTreeMap::<String, Cpu>::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = entry?.path();
        // A thread may end while it is looked at.
        let (Ok(name), Ok(schedstat)) =
            (fs::read_to_string(thread.join("comm")), fs::read_to_string(thread.join("schedstat")))
        else {
            continue;
        };
        let nanos = schedstat.split_ascii_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default();
        threads.entry(name.trim().to_owned()).or_default().0 += Duration::from_nanos(nanos);
    }
    Ok(threads)
}

/// Memory now resident, KiB.
pub(crate) fn resident_kib(pid: u32) -> Outcome<u64> {
    status_kib(pid, "VmRSS:")
}

/// Most memory resident at a time since [`forget_peak`], KiB.
pub(crate) fn peak_kib(pid: u32) -> Outcome<u64> {
    status_kib(pid, "VmHWM:")
}

/// Lets the peak begin anew, so that what a start needed does not count.
pub(crate) fn forget_peak(pid: u32) -> Outcome<()> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

fn status_kib(pid: u32, field: &str) -> Outcome<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
    kib.ok_or_else(|| format!("/proc/{pid}/status has no {field}").into())
}
