//! Names and listing entries of a destination's files.

use std::collections::BTreeSet;
use std::fmt;

use crate::ltx::Txid;

/// Compaction level, from 0 to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// Level of captured increments, one for each transaction.
    pub const CAPTURED: Self = Self(0);

    /// Level of full snapshots.
    pub const SNAPSHOT: Self = Self(9);

    /// All levels.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..=Self::SNAPSHOT.0).map(Self)
    }

    /// All levels but that of snapshots.
    pub fn increments() -> impl DoubleEndedIterator<Item = Self> {
        (0..Self::SNAPSHOT.0).map(Self)
    }

    /// Returns the level with this number.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (number <= Self::SNAPSHOT.0).then_some(Self(number))
    }

    /// Number of the level.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// File name: the level, and the transactions that the file covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName {
    /// Level.
    pub level: Level,
    /// First transaction that the file covers.
    pub min: Txid,
    /// Last transaction that the file covers.
    pub max: Txid,
}

impl FileName {
    /// Name of a captured increment.
    #[must_use]
    pub fn captured(txid: Txid) -> Self {
        Self { level: Level::CAPTURED, min: txid, max: txid }
    }

    /// Name of a full snapshot.
    #[must_use]
    pub fn snapshot(max: Txid) -> Self {
        Self { level: Level::SNAPSHOT, min: Txid::FIRST, max }
    }

    /// Parses the last component of a path; `None` if it does not name a backup.
    #[must_use]
    pub fn parse(level: Level, name: &str) -> Option<Self> {
        let (min, max) = name.strip_suffix(".ltx")?.split_once('-')?;
        let (min, max) = (Txid::parse(min)?, Txid::parse(max)?);
        // A snapshot begins with the first transaction, and real numbers never reach half of the range.
        let is_possible =
            min <= max && max.get() <= u64::MAX / 2 && (level != Level::SNAPSHOT || min == Txid::FIRST);
        is_possible.then_some(Self { level, min, max })
    }

    /// Last component of the path.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.ltx", self.min, self.max)
    }
}

/// Formatted for messages: the level, then the name.
impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}-{}.ltx", self.level, self.min, self.max)
    }
}

/// Entry of a destination's listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupFile {
    /// File name.
    pub name: FileName,
    /// Length in bytes.
    pub bytes: u64,
    /// Time of the capture, in milliseconds since 1970 UTC.
    pub time_ms: i64,
}

/// Returns the files of a level, sorted by name.
#[must_use]
pub fn of_level(files: &[BackupFile], level: Level) -> Vec<BackupFile> {
    let mut found: Vec<BackupFile> = files.iter().filter(|file| file.name.level == level).copied().collect();
    found.sort_by_key(|file| file.name);
    found
}

/// Returns the highest transaction number of any file.
#[must_use]
pub fn newest_txid(files: &[BackupFile]) -> Option<Txid> {
    files.iter().map(|file| file.name.max).max()
}

/// Returns the states that can be restored, newest first, each represented by a file that ends with it.
#[must_use]
pub fn restorable(files: &[BackupFile]) -> Vec<BackupFile> {
    let mut found = files.to_vec();
    // Among files that end with the same state, the one of the lowest level came first.
    found.sort_by_key(|file| (std::cmp::Reverse(file.name.max), file.name.level));
    found.dedup_by_key(|file| file.name.max);
    let reachable = reachable(files);
    found.retain(|file| reachable.contains(&file.name.max));
    found
}

/// Returns the transactions that [`plan`](super::plan::plan) can reach. Calling it for each would take minutes with
/// thousands of files.
fn reachable(files: &[BackupFile]) -> BTreeSet<Txid> {
    let mut files: Vec<FileName> = files.iter().map(|file| file.name).collect();
    files.sort_by_key(|name| name.max);
    let mut reachable = BTreeSet::new();
    for name in files {
        // The furthest reachable transaction before this one reaches whatever any earlier one does.
        let before = reachable.range(..name.max).next_back();
        if name.min == Txid::FIRST || before.is_some_and(|before: &Txid| name.min <= before.next()) {
            reachable.insert(name.max);
        }
    }
    reachable
}

#[cfg(test)]
pub(crate) mod samples {
    //! Sample files for the tests of this folder.

    use super::{BackupFile, FileName, Level, Txid};

    /// File of 100 bytes.
    pub fn file(level: u8, min: u64, max: u64, time_ms: i64) -> BackupFile {
        let txid = |number| Txid::new(number).unwrap();
        let name = FileName { level: Level::new(level).unwrap(), min: txid(min), max: txid(max) };
        BackupFile { name, bytes: 100, time_ms }
    }

    /// Name with decimal numbers: `2/1-300`.
    pub fn short_name(FileName { level, min, max }: FileName) -> String {
        format!("{level}/{}-{}", min.get(), max.get())
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::super::plan::{Target, plan};
    use super::samples::file;
    use super::*;

    #[test]
    fn states_are_restorable_if_there_is_a_plan_for_them() {
        let mut rng = Rng::with_seed(3);
        for _ in 0..3000 {
            let mut files = Vec::new();
            for _ in 0..rng.usize(0..12) {
                let min = rng.u64(1..10);
                let level = rng.u8(0..10);
                let max = if level == 0 { min } else { min + rng.u64(0..6) };
                files.push(file(level, if level == 9 { 1 } else { min }, max, 0));
            }
            let planned: BTreeSet<Txid> = files.iter().map(|file| file.name.max).collect();
            let planned = planned.into_iter().filter(|txid| plan(&files, Target::Txid(*txid)).is_some());
            assert_eq!(reachable(&files), planned.collect(), "{files:?}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written_and_nothing_else_is() {
        let level = Level::new(1).unwrap();
        let name = FileName { level, min: Txid::new(1).unwrap(), max: Txid::new(0x2f).unwrap() };
        assert_eq!(name.file_name(), "0000000000000001-000000000000002f.ltx");
        assert_eq!(FileName::parse(level, &name.file_name()), Some(name));
        for other in [
            "0000000000000001-000000000000002F.ltx",
            "0000000000000001-000000000000002f.ltx.tmp",
            "0000000000000002-0000000000000001.ltx",
            "0000000000000000-0000000000000001.ltx",
            "0000000000000001-8000000000000000.ltx",
            "0000000000000001.ltx",
            "position",
            "",
        ] {
            assert_eq!(FileName::parse(level, other), None, "{other}");
        }
        let snapshot = |name| FileName::parse(Level::SNAPSHOT, name);
        assert!(snapshot("0000000000000001-0000000000000002.ltx").is_some());
        assert_eq!(snapshot("0000000000000002-0000000000000002.ltx"), None);
        assert_eq!(Level::new(10), None);
    }
}
