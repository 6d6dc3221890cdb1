//! How much memory a scan may take for records that wait, and how it is shared out.

use super::batcher::Target;

/// Of the memory that there is, the share that a scan takes if nobody says otherwise: one part of so
/// many.
const SHARE: u64 = 4;

/// What it takes where nobody can tell how much there is.
const UNKNOWN: u64 = 1 << 30;

/// Ranges of time that records are put into, at most: each is an open file.
const MOST_RANGES: usize = 256;

/// Bytes of a range, at best at most: more of them would not make a batch faster.
const RANGE: usize = 40 << 20;

/// Bytes of a batch, at most: about a million records without their text.
const BATCH: usize = 64 << 20;

/// Bytes read at a time, at most, are such a part of the limit, or these: many sources side by side have
/// room then.
const CHUNKS: usize = 256;
const SMALL_CHUNK: usize = 1 << 16;

/// Bytes of records that wait to be written, at most: they stay near the processor.
const BINS: usize = 24 << 20;

/// Bytes that records of a range should come to before they are written, at least, where the limit
/// leaves a choice.
const LEAST_BIN: usize = 1 << 14;

/// Sources that are read side by side, at most.
const MOST_SOURCES: usize = 128;

/// A memory limit, shared out. What grows with the number of users and of distinct values (their
/// states, the dictionaries) and results that are kept come on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of records that may wait for detection; more of them go to temporary files.
    pub hold: usize,
    /// Bytes of a batch.
    pub batch: usize,
    /// Bytes of a range of time, at best.
    pub range: usize,
    /// Bytes of records that wait to be written to temporary files.
    pub bins: usize,
    /// Ranges that are filled at once.
    pub ranges: usize,
    /// Bytes read at a time.
    pub chunk: usize,
    /// Sources that are read side by side.
    pub sources: usize,
}

impl Budget {
    /// The shares of a limit, for a scan that reads `chunk` bytes at a time if there is room.
    #[must_use]
    pub fn of(limit: u64, chunk: usize) -> Budget {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (batch, bins) = ((limit / 12).min(BATCH), (limit / 8).min(BINS));
        let chunk = chunk.min((limit / CHUNKS).max(SMALL_CHUNK));
        Budget {
            hold: limit / 6,
            batch,
            // Larger than meant by chance, it still is no more than a batch.
            range: (batch / 5 * 4).min(RANGE),
            bins,
            ranges: (bins / LEAST_BIN).clamp(16, MOST_RANGES),
            chunk,
            // A source has a segment that waits and what is read of the next.
            sources: (limit / 8 / chunk.saturating_mul(2).max(1)).clamp(1, MOST_SOURCES),
        }
    }

    /// The size of a batch that has `rows` records at most.
    #[must_use]
    pub fn target(&self, rows: usize) -> Target {
        Target {
            rows,
            bytes: self.batch,
        }
    }
}

/// The memory limit of a scan if nobody says otherwise: a quarter of what the machine has, or the
/// control group that the process is in.
#[must_use]
pub fn default_limit() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    available(&read).map_or(UNKNOWN, |bytes| bytes / SHARE)
}

/// Bytes of memory for this process; none where nobody tells (no `/proc`).
fn available(read: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let machine = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1024)
    });
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    groups
        .lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            Some((parts.next()?, parts.next()?))
        })
        .filter_map(|(controllers, path)| match controllers {
            "" => group_limit("/sys/fs/cgroup", path, "memory.max", read),
            list if list.split(',').any(|c| c == "memory") => {
                group_limit("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes", read)
            }
            _ => None,
        })
        .chain(machine)
        .min()
}

/// The least limit of a control group and those it is in. In a container the path may be one of the
/// outside: what it does not lead to is passed over.
fn group_limit(
    root: &str,
    path: &str,
    file: &str,
    read: &dyn Fn(&str) -> Option<String>,
) -> Option<u64> {
    let path = path.trim_end_matches('/');
    let ends = path.match_indices('/').map(|(at, _)| at);
    ends.chain([path.len()])
        .filter_map(|end| read(&format!("{root}{}/{file}", &path[..end])))
        .filter_map(|text| text.trim().parse().ok())
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Option<u64> {
        available(&|path| {
            let file = files.iter().find(|(name, _)| *name == path)?;
            Some(file.1.to_owned())
        })
    }

    #[test]
    fn the_memory_is_the_machines_or_the_least_of_the_groups() {
        let machine = ("/proc/meminfo", "MemTotal:        8000 kB\nMemFree: 1 kB\n");
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[machine]), Some(8_192_000));
        let v2 = ("/proc/self/cgroup", "0::/a.slice/b.scope\n");
        let max = |path, limit| (path, limit);
        for (limits, least) in [
            (vec![], 8_192_000),
            (
                vec![max("/sys/fs/cgroup/a.slice/b.scope/memory.max", "max\n")],
                8_192_000,
            ),
            (
                vec![max("/sys/fs/cgroup/a.slice/b.scope/memory.max", "5000\n")],
                5000,
            ),
            (
                vec![
                    max("/sys/fs/cgroup/a.slice/b.scope/memory.max", "5000\n"),
                    max("/sys/fs/cgroup/a.slice/memory.max", "4000\n"),
                ],
                4000,
            ),
            // The path of the outside, seen from inside a container.
            (vec![max("/sys/fs/cgroup/memory.max", "3000\n")], 3000),
            (
                vec![max("/sys/fs/cgroup/a.slice/memory.max", "99999999\n")],
                8_192_000,
            ),
        ] {
            assert_eq!(of(&[&[machine, v2][..], &limits].concat()), Some(least));
        }
        let v1 = (
            "/proc/self/cgroup",
            "12:cpu,cpuacct:/x\n7:memory:/x\n1:name=systemd:/x\n",
        );
        let limit = ("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "7000\n");
        assert_eq!(of(&[machine, v1, limit]), Some(7000));
        let none = (
            "/sys/fs/cgroup/memory/x/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        assert_eq!(of(&[machine, v1, none]), Some(8_192_000));
        let root = ("/proc/self/cgroup", "0::/\n");
        let limit = ("/sys/fs/cgroup/memory.max", "6000\n");
        assert_eq!(of(&[machine, root, limit]), Some(6000));
    }

    #[test]
    fn the_shares_stay_within_the_limit_and_any_limit_has_some() {
        for limit in [0, 1, 1000, 64 << 20, 512 << 20, 16 << 30, u64::MAX] {
            for chunk in [1, 1 << 19, 1 << 28] {
                let budget = Budget::of(limit, chunk);
                assert!(budget.ranges > 1 && budget.sources > 0);
                assert!(budget.chunk <= chunk && budget.chunk > 0);
                // Where there is room for more than the smallest pieces, many sources are read side by side.
                let least = (limit >= (SMALL_CHUNK * CHUNKS) as u64).then_some(16);
                assert!(budget.sources >= least.unwrap_or(1));
                assert!(budget.range <= budget.batch && budget.batch <= budget.hold);
                let records = [budget.hold, budget.bins, budget.batch, budget.batch];
                let records = records.into_iter().fold(0, usize::saturating_add);
                assert!(records as u64 <= limit / 2);
            }
        }
        assert!(default_limit() > 0);
    }
}
