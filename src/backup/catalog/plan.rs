//! Restore plan: the files that a restore reads, in order. The rules are Litestream's (0.5.8 and later), so that both
//! restore the same state from the same files.

use super::files::{BackupFile, Level, of_level, restorable};
use crate::ltx::Txid;

/// State to restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The newest state.
    Newest,
    /// The state after a transaction.
    Txid(Txid),
    /// The newest state that was captured before a time, in milliseconds since 1970 UTC.
    Before(i64),
}

impl Target {
    fn allows(self, file: &BackupFile) -> bool {
        match self {
            Self::Newest => true,
            Self::Txid(txid) => file.name.max <= txid,
            Self::Before(time_ms) => file.time_ms < time_ms,
        }
    }
}

/// Files to read for a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Files in order; the first is a snapshot.
    pub files: Vec<BackupFile>,
    /// Newer files that the target allows but that cannot be reached, because files before them are missing.
    pub unreachable: Vec<BackupFile>,
}

impl Plan {
    /// Last transaction of the state.
    #[must_use]
    pub fn txid(&self) -> Option<Txid> {
        self.files.last().map(|file| file.name.max)
    }
}

/// Plans the restore of a state; `None` if no files lead there, or if a requested transaction is not the end of any
/// reachable file.
#[must_use]
pub fn plan(files: &[BackupFile], target: Target) -> Option<Plan> {
    // The state is chosen by its own time, and not made of files from before the time: what it follows has a later one
    // if the clock was set back.
    let exactly = match target {
        Target::Before(_) => Target::Txid(restorable(files).into_iter().find(|file| target.allows(file))?.name.max),
        _ => target,
    };
    let snapshots = of_level(files, Level::SNAPSHOT);
    let mut chosen: Vec<BackupFile> =
        snapshots.into_iter().rfind(|file| exactly.allows(file)).into_iter().collect();
    let increments: Vec<&BackupFile> =
        files.iter().filter(|file| file.name.level != Level::SNAPSHOT && exactly.allows(file)).collect();
    let mut reached = chosen.last().map_or(0, |file| file.name.max.get());
    while let Some(next) = furthest(&increments, reached) {
        chosen.push(*next);
        reached = next.name.max.get();
    }
    let starts_with_snapshot = chosen.first().is_some_and(|file| file.name.min == Txid::FIRST);
    let is_the_one = !matches!(exactly, Target::Txid(txid) if txid.get() != reached);
    let is_beyond = |file: &&BackupFile| {
        file.name.level != Level::SNAPSHOT && target.allows(file) && file.name.min.get() > reached.saturating_add(1)
    };
    let unreachable = files.iter().filter(is_beyond).copied().collect();
    (starts_with_snapshot && is_the_one).then_some(Plan { files: chosen, unreachable })
}

/// Returns the file that continues a state and leads furthest. Ties are broken by the lowest first transaction, the
/// highest level, and the earliest time.
fn furthest<'a>(files: &[&'a BackupFile], reached: u64) -> Option<&'a BackupFile> {
    files
        .iter()
        .filter(|file| file.name.min.get() <= reached.saturating_add(1) && file.name.max.get() > reached)
        .min_by_key(|file| {
            let name = file.name;
            (std::cmp::Reverse(name.max), name.min, std::cmp::Reverse(name.level), file.time_ms)
        })
        .copied()
}

#[cfg(test)]
mod tests {
    use super::super::files::samples::{file, short_name};
    use super::*;

    fn names(plan: Option<Plan>) -> Option<Vec<String>> {
        plan.map(|plan| plan.files.iter().map(|file| short_name(file.name)).collect())
    }

    /// One file a second, the first ten merged twice, the next five once.
    fn history() -> Vec<BackupFile> {
        let mut files: Vec<BackupFile> =
            (1..=20).map(|txid| file(0, txid, txid, txid.cast_signed() * 1000)).collect();
        files.extend([file(1, 1, 5, 5000), file(1, 6, 10, 10_000), file(1, 11, 15, 15_000)]);
        files.extend([file(2, 1, 10, 10_000), file(9, 1, 8, 8000), file(9, 1, 13, 13_000)]);
        files
    }

    #[test]
    fn the_newest_state_is_the_newest_snapshot_and_what_leads_furthest_from_it() {
        let expected = ["9/1-13", "1/11-15", "0/16-16", "0/17-17", "0/18-18", "0/19-19", "0/20-20"];
        assert_eq!(names(plan(&history(), Target::Newest)).unwrap(), expected);
    }

    #[test]
    fn a_transaction_is_reached_exactly_or_not_at_all() {
        let to = |txid| names(plan(&history(), Target::Txid(Txid::new(txid).unwrap())));
        assert_eq!(to(3).unwrap(), ["0/1-1", "0/2-2", "0/3-3"]);
        assert_eq!(to(9).unwrap(), ["9/1-8", "0/9-9"]);
        assert_eq!(to(10).unwrap(), ["9/1-8", "2/1-10"]);
        assert_eq!(to(21), None);
        let coarse = [file(1, 1, 5, 5000)];
        assert_eq!(names(plan(&coarse, Target::Txid(Txid::new(3).unwrap()))), None);
    }

    #[test]
    fn a_time_is_exclusive() {
        let before = |time_ms| names(plan(&history(), Target::Before(time_ms)));
        assert_eq!(before(1000), None);
        assert_eq!(before(1001).unwrap(), ["0/1-1"]);
        assert_eq!(before(8000).unwrap(), ["1/1-5", "0/6-6", "0/7-7"]);
        assert_eq!(before(8001).unwrap(), ["9/1-8"]);
    }

    #[test]
    fn a_state_is_found_by_its_time_after_the_clock_was_set_back() {
        // Three seconds too late for five transactions, and right from then on.
        let mut files: Vec<BackupFile> =
            (1..=5).map(|txid| file(0, txid, txid, 13_000 + 10 * txid.cast_signed())).collect();
        files.extend((6..=9).map(|txid| file(0, txid, txid, 10_000 + 10 * txid.cast_signed())));
        let before = |files: &[BackupFile], time_ms| {
            plan(files, Target::Before(time_ms)).and_then(|plan| plan.txid()).map(Txid::get)
        };
        assert_eq!(before(&files, 10_060), None);
        assert_eq!(before(&files, 10_061), Some(6));
        assert_eq!(before(&files, 10_085), Some(8));
        assert_eq!(before(&files, 20_000), Some(9));
        // The same with a snapshot of the wrong time, and merged files.
        let merged = [file(9, 1, 3, 13_030), file(1, 4, 6, 10_060), file(1, 7, 9, 10_090)];
        assert_eq!(before(&merged, 10_060), None);
        assert_eq!(before(&merged, 10_061), Some(6));
        assert_eq!(before(&merged, 20_000), Some(9));
    }

    #[test]
    fn a_gap_ends_the_plan_and_is_told() {
        let files: Vec<BackupFile> =
            history().into_iter().filter(|file| file.name.level.get() == 0 && file.name.max.get() != 4).collect();
        let plan = plan(&files, Target::Newest).unwrap();
        assert_eq!(plan.txid().unwrap().get(), 3);
        assert_eq!(plan.unreachable.len(), 16);
    }

    #[test]
    fn increments_alone_are_no_state() {
        assert_eq!(plan(&[], Target::Newest), None);
        assert_eq!(plan(&[file(0, 2, 2, 0), file(0, 3, 3, 0)], Target::Newest), None);
    }
}
