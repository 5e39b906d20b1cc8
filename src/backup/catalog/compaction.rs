//! Compaction: the files to merge into the next level, as a function of the listing and the time.

use super::files::{BackupFile, FileName, Level, of_level};
use crate::limits::{COMPACTION_FILES_MAX, COMPACTION_INTERVALS};

/// Merge of several files into one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compaction {
    /// Name of the merged file.
    pub name: FileName,
    /// Files to merge, in order.
    pub inputs: Vec<BackupFile>,
}

/// Returns the merges that are due on the lowest level that has any: their results belong to the merges of the next
/// level.
///
/// A file of a level covers whole files of the level below, captured within one interval: all files of the same 30
/// seconds, say, once these have passed.
#[must_use]
pub fn due(files: &[BackupFile], now_ms: i64) -> Vec<Compaction> {
    let snapshots = of_level(files, Level::SNAPSHOT);
    let levels = Level::all().zip(Level::all().skip(1)).zip(COMPACTION_INTERVALS);
    levels
        .map(|((from, to), interval)| {
            let interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
            groups(files, &snapshots, (from, to), interval_ms, now_ms)
        })
        .find(|due| !due.is_empty())
        .unwrap_or_default()
}

fn groups(
    files: &[BackupFile],
    snapshots: &[BackupFile],
    (from, to): (Level, Level),
    interval_ms: i64,
    now_ms: i64,
) -> Vec<Compaction> {
    let interval_of = |time_ms: i64| time_ms.div_euclid(interval_ms);
    let done = of_level(files, to).last().map_or(0, |file| file.name.max.get());
    let mut groups: Vec<Vec<BackupFile>> = Vec::new();
    let mut reached = done;
    for file in of_level(files, from).into_iter().filter(|file| file.name.max.get() > done) {
        // Others may have merged along other boundaries, which overlap; the next file that does not is used.
        if file.name.max.get() <= reached {
            continue;
        }
        let follows = file.name.min.get() <= reached.saturating_add(1);
        if !follows && !is_bridged(snapshots, reached, &file) {
            break;
        }
        match groups.last_mut() {
            Some(group)
                if follows
                    && group.len() < COMPACTION_FILES_MAX
                    && group.last().is_some_and(|last| interval_of(last.time_ms) >= interval_of(file.time_ms)) =>
            {
                group.push(file);
            }
            _ => groups.push(vec![file]),
        }
        reached = file.name.max.get();
    }
    // A time in the future comes from a wrong clock, so its interval is not waited for.
    let is_over =
        |group: &Vec<BackupFile>| group.last().is_some_and(|last| interval_of(last.time_ms) != interval_of(now_ms));
    groups.into_iter().take_while(is_over).filter_map(|inputs| Compaction::of(to, inputs)).collect()
}

impl Compaction {
    fn of(level: Level, inputs: Vec<BackupFile>) -> Option<Self> {
        let (min, max) = (inputs.first()?.name.min, inputs.last()?.name.max);
        Some(Self { name: FileName { level, min, max }, inputs })
    }
}

/// Returns true if a snapshot bridges a gap in a level, as after a change of the page size or a restarted history. No
/// merge crosses such a gap.
fn is_bridged(snapshots: &[BackupFile], reached: u64, file: &BackupFile) -> bool {
    snapshots.iter().any(|snapshot| {
        let max = snapshot.name.max.get();
        max > reached && max.saturating_add(1) >= file.name.min.get()
    })
}

#[cfg(test)]
mod tests {
    use super::super::files::samples::{file, short_name};
    use super::*;

    fn captured(txids: impl Iterator<Item = u64>) -> Vec<BackupFile> {
        txids.map(|txid| file(0, txid, txid, txid.cast_signed() * 1000)).collect()
    }

    fn short(compactions: &[Compaction]) -> Vec<String> {
        let short =
            |compaction: &Compaction| format!("{} of {}", short_name(compaction.name), compaction.inputs.len());
        compactions.iter().map(short).collect()
    }

    #[test]
    fn an_interval_is_merged_when_it_is_over() {
        let files = captured(1..=70);
        assert_eq!(short(&due(&files, 29_999)), [""; 0]);
        assert_eq!(short(&due(&files, 30_000)), ["1/1-29 of 29"]);
        assert_eq!(short(&due(&files, 75_000)), ["1/1-29 of 29", "1/30-59 of 30"]);
    }

    #[test]
    fn what_is_merged_is_not_merged_again() {
        let mut files = captured(1..=70);
        files.push(file(1, 1, 29, 29_000));
        assert_eq!(short(&due(&files, 75_000)), ["1/30-59 of 30"]);
        // Other tools may have merged at other times.
        files.push(file(1, 30, 40, 40_000));
        assert_eq!(short(&due(&files, 75_000)), ["1/41-59 of 19"]);
    }

    #[test]
    fn higher_levels_merge_the_level_below() {
        let files: Vec<BackupFile> =
            (0..15).map(|index| file(1, index * 30 + 1, index * 30 + 30, index.cast_signed() * 30_000)).collect();
        assert_eq!(short(&due(&files, 440_000)), ["2/1-300 of 10"]);
    }

    #[test]
    fn a_level_waits_for_what_is_still_to_be_merged_below_it() {
        let mut files = captured(270..=299);
        files.extend(
            (0..9)
                .map(|index| file(1, (index * 30).max(1), index * 30 + 29, index.cast_signed() * 30_000 + 29_000)),
        );
        assert_eq!(short(&due(&files, 300_000)), ["1/270-299 of 30"]);
        files.push(file(1, 270, 299, 299_000));
        assert_eq!(short(&due(&files, 300_000)), ["2/1-299 of 10"]);
    }

    #[test]
    fn no_merge_crosses_a_gap_unless_a_snapshot_does() {
        let mut files = captured((1..=10).chain(12..=20));
        assert_eq!(short(&due(&files, 60_000)), ["1/1-10 of 10"]);
        files.push(file(9, 1, 11, 11_000));
        assert_eq!(short(&due(&files, 60_000)), ["1/1-10 of 10", "1/12-20 of 9"]);
    }

    #[test]
    fn a_merge_reads_a_bounded_number_of_files() {
        let files: Vec<BackupFile> = (1..=250).map(|txid| file(0, txid, txid, txid.cast_signed())).collect();
        assert_eq!(short(&due(&files, 30_000)), ["1/1-100 of 100", "1/101-200 of 100", "1/201-250 of 50"]);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_split_an_interval() {
        let mut files = captured(31..=40);
        files.insert(0, file(0, 1, 30, 5000));
        files.push(file(0, 41, 41, 10));
        assert_eq!(short(&due(&files, 60_000)), ["1/1-30 of 1", "1/31-41 of 11"]);
    }
    #[test]
    fn an_interval_that_is_still_to_come_is_not_waited_for() {
        const YEAR_MS: i64 = 365 * 24 * 60 * 60 * 1000;
        let mut files = captured(1..=3);
        files.push(file(0, 4, 4, YEAR_MS));
        assert_eq!(short(&due(&files, 30_000)), ["1/1-3 of 3", "1/4-4 of 1"]);
    }
}
