//! The files of a destination: their names, and what a listing says of each.

use std::collections::BTreeSet;
use std::fmt;

use crate::ltx::Txid;

/// A level of compaction, from 0 to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// Increments as they were captured, one for each transaction number.
    pub const CAPTURED: Self = Self(0);

    /// Full snapshots.
    pub const SNAPSHOT: Self = Self(9);

    /// Every level.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..=Self::SNAPSHOT.0).map(Self)
    }

    /// The levels of merged files, and 0 with them: all that are no snapshots.
    pub fn increments() -> impl DoubleEndedIterator<Item = Self> {
        (0..Self::SNAPSHOT.0).map(Self)
    }

    /// A level by its number.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (number <= Self::SNAPSHOT.0).then_some(Self(number))
    }

    /// Its number.
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

/// What a file is called: its level, and the transactions that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName {
    /// Its level.
    pub level: Level,
    /// The first transaction that it covers.
    pub min: Txid,
    /// The last transaction that it covers.
    pub max: Txid,
}

impl FileName {
    /// The name of an increment as it was captured.
    #[must_use]
    pub fn captured(txid: Txid) -> Self {
        Self { level: Level::CAPTURED, min: txid, max: txid }
    }

    /// The name of a full snapshot.
    #[must_use]
    pub fn snapshot(max: Txid) -> Self {
        Self { level: Level::SNAPSHOT, min: Txid::FIRST, max }
    }

    /// Reads the last part of a path; `None` for anything that is no backup.
    #[must_use]
    pub fn parse(level: Level, name: &str) -> Option<Self> {
        let (min, max) = name.strip_suffix(".ltx")?.split_once('-')?;
        let (min, max) = (Txid::parse(min)?, Txid::parse(max)?);
        // A snapshot begins with the first transaction, and nobody has counted to the half of what fits.
        let is_possible =
            min <= max && max.get() <= u64::MAX / 2 && (level != Level::SNAPSHOT || min == Txid::FIRST);
        is_possible.then_some(Self { level, min, max })
    }

    /// The last part of its path.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.ltx", self.min, self.max)
    }
}

/// As in reports: the level, then the name.
impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}-{}.ltx", self.level, self.min, self.max)
    }
}

/// A file as a listing shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupFile {
    /// What it is called.
    pub name: FileName,
    /// Its length in bytes.
    pub bytes: u64,
    /// When what it holds was captured, in milliseconds since 1970 UTC.
    pub time_ms: i64,
}

/// The files of a level in the order of their names.
#[must_use]
pub fn of_level(files: &[BackupFile], level: Level) -> Vec<BackupFile> {
    let mut found: Vec<BackupFile> = files.iter().filter(|file| file.name.level == level).copied().collect();
    found.sort_by_key(|file| file.name);
    found
}

/// The highest transaction number of any file.
#[must_use]
pub fn newest_txid(files: &[BackupFile]) -> Option<Txid> {
    files.iter().map(|file| file.name.max).max()
}

/// The states that can be restored, each by a file that ends with it, the newest first.
#[must_use]
pub fn restorable(files: &[BackupFile]) -> Vec<BackupFile> {
    let mut found = files.to_vec();
    // Of several files that end with the same state, that of the lowest level was there first.
    found.sort_by_key(|file| (std::cmp::Reverse(file.name.max), file.name.level));
    found.dedup_by_key(|file| file.name.max);
    let reachable = reachable(files);
    found.retain(|file| reachable.contains(&file.name.max));
    found
}

/// The transactions that [`plan`](super::plan::plan) finds a way to. Asked for each, that would take minutes where there
/// are thousands of files.
fn reachable(files: &[BackupFile]) -> BTreeSet<Txid> {
    let mut files: Vec<FileName> = files.iter().map(|file| file.name).collect();
    files.sort_by_key(|name| name.max);
    let mut reachable = BTreeSet::new();
    for name in files {
        // What leads furthest leads on to whatever anything before it leads on to.
        let before = reachable.range(..name.max).next_back();
        if name.min == Txid::FIRST || before.is_some_and(|before: &Txid| name.min <= before.next()) {
            reachable.insert(name.max);
        }
    }
    reachable
}

#[cfg(test)]
pub(crate) mod samples {
    //! Files as the tests of what is decided write them down.

    use super::{BackupFile, FileName, Level, Txid};

    /// A file of a hundred bytes.
    pub fn file(level: u8, min: u64, max: u64, time_ms: i64) -> BackupFile {
        let txid = |number| Txid::new(number).unwrap();
        let name = FileName { level: Level::new(level).unwrap(), min: txid(min), max: txid(max) };
        BackupFile { name, bytes: 100, time_ms }
    }

    /// A name with decimal numbers: `2/1-300`.
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
