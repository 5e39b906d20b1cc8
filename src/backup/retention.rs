//! Which files may go, as a function of the listing and the time.
//!
//! What stays leads to the newest state, and for every moment of the retention there is a snapshot before it. Within
//! that, fine levels give way to coarse ones with time: each may take no more room than [`level_bytes_max`] and no more
//! than [`LEVEL_FILES_MAX`] files, so that a busy day does not cost a hundred times what the database itself does.

use std::time::Duration;

use super::files::{BackupFile, Level, newest_txid, of_level};
use super::plan::{Target, plan};
use crate::limits::{CAPTURED_AGE_MIN, LEVEL_BYTES_MIN, LEVEL_FILES_MAX};

/// The files to remove, in the order in which to remove them. None if what would stay did not lead to the newest state
/// as what is there does.
#[must_use]
pub fn expired(files: &[BackupFile], now_ms: i64, retention: Duration) -> Vec<BackupFile> {
    let horizon_ms = now_ms.saturating_sub(milliseconds(retention));
    let snapshots = of_level(files, Level::SNAPSHOT);
    let mut expired = Vec::new();
    // The newest snapshot that is past the retention is what the first moments within it begin with.
    let first_kept = snapshots.iter().rposition(|file| file.time_ms <= horizon_ms);
    expired.extend_from_slice(&snapshots[..first_kept.unwrap_or(0)]);
    let needed_from = first_kept.map_or(0, |index| snapshots[index].name.max.get());
    let newest_snapshot = snapshots.last().map_or(0, |file| file.name.max.get());
    let bytes_max = level_bytes_max(&snapshots);

    for level in Level::increments() {
        let mut of_this = of_level(files, level);
        // The newest of each level tells where to go on.
        of_this.pop();
        let above = Level::new(level.get() + 1).map_or_else(Vec::new, |above| of_level(files, above));
        let merged =
            above.last().filter(|file| file.name.level != Level::SNAPSHOT).map_or(0, |file| file.name.max.get());
        let covered = merged.max(newest_snapshot);
        let mut bytes: u64 = of_this.iter().map(|file| file.bytes).sum();
        for (file, left) in of_this.iter().copied().zip((1..=of_this.len()).rev()) {
            let max = file.name.max.get();
            let is_full = bytes > bytes_max || left >= LEVEL_FILES_MAX;
            let may_go = if level == Level::CAPTURED {
                max <= covered && file.time_ms < now_ms.saturating_sub(milliseconds(CAPTURED_AGE_MIN))
            } else {
                max <= needed_from || (max <= covered && is_full)
            };
            if may_go {
                bytes -= file.bytes;
                expired.push(file);
            } else {
                // Only the beginning of a level may go, or there would be gaps.
                break;
            }
        }
    }
    if leads_as_far(files, &expired) { expired } else { Vec::new() }
}

/// How many bytes a level of merged files may take.
fn level_bytes_max(snapshots: &[BackupFile]) -> u64 {
    snapshots.last().map_or(0, |snapshot| snapshot.bytes / 2).max(LEVEL_BYTES_MIN)
}

/// Whether the newest state can be reached without some files as it can with them.
fn leads_as_far(files: &[BackupFile], without: &[BackupFile]) -> bool {
    let rest: Vec<BackupFile> = files.iter().filter(|file| !without.contains(file)).copied().collect();
    let reached = |files: &[BackupFile]| plan(files, Target::Newest).and_then(|plan| plan.txid());
    reached(&rest) == reached(files) && newest_txid(&rest) == newest_txid(files)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::files::samples;
    use super::*;

    const MINUTE_MS: i64 = 60_000;
    const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
    const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    fn file(level: u8, min: u64, max: u64, time_ms: i64, bytes: u64) -> BackupFile {
        BackupFile { bytes, ..samples::file(level, min, max, time_ms) }
    }

    fn short(files: &[BackupFile]) -> Vec<String> {
        files.iter().map(|file| samples::short_name(file.name)).collect()
    }

    #[test]
    fn a_captured_file_goes_when_it_is_merged_and_five_minutes_old() {
        let mut files: Vec<BackupFile> = (1..=6).map(|txid| file(0, txid, txid, 0, 9)).collect();
        assert_eq!(short(&expired(&files, DAY_MS, WEEK)), [""; 0]);
        files.push(file(1, 1, 4, 0, 9));
        assert_eq!(short(&expired(&files, 5 * MINUTE_MS, WEEK)), [""; 0]);
        assert_eq!(short(&expired(&files, 5 * MINUTE_MS + 1, WEEK)), ["0/1-1", "0/2-2", "0/3-3", "0/4-4"]);
    }

    #[test]
    fn the_newest_file_of_a_level_stays() {
        let files = [file(0, 1, 1, 0, 9), file(0, 2, 2, 0, 9), file(1, 1, 2, 0, 9)];
        assert_eq!(short(&expired(&files, DAY_MS, WEEK)), ["0/1-1"]);
    }

    #[test]
    fn snapshots_go_past_the_retention_except_the_one_that_its_first_moments_need() {
        let mut files: Vec<BackupFile> =
            (0..10_i64).map(|day| file(9, 1, 10 * day.cast_unsigned() + 10, day * DAY_MS, 9)).collect();
        files.push(file(3, 11, 15, DAY_MS, 9));
        files.push(file(3, 16, 25, DAY_MS, 9));
        files.push(file(3, 26, 100, DAY_MS, 9));
        assert_eq!(short(&expired(&files, 9 * DAY_MS, WEEK)), ["9/1-10", "9/1-20", "3/11-15", "3/16-25"]);
        assert_eq!(short(&expired(&files[..3], 99 * DAY_MS, WEEK)), ["9/1-10", "9/1-20"]);
    }

    #[test]
    fn what_lies_before_the_first_snapshot_stays_as_long_as_the_retention() {
        let mut files = vec![file(3, 1, 5, 0, 9), file(3, 6, 9, DAY_MS, 9), file(9, 1, 9, DAY_MS, 9)];
        files.push(file(3, 10, 12, DAY_MS, 9));
        assert_eq!(short(&expired(&files, 8 * DAY_MS - 1, WEEK)), [""; 0]);
        assert_eq!(short(&expired(&files, 8 * DAY_MS, WEEK)), ["3/1-5", "3/6-9"]);
    }

    #[test]
    fn a_fine_level_gives_way_to_a_coarse_one_when_it_takes_too_much_room() {
        let third = LEVEL_BYTES_MIN / 3;
        let mut files: Vec<BackupFile> =
            (0..8).map(|index| file(1, 10 * index + 1, 10 * index + 10, 0, third)).collect();
        files.push(file(2, 1, 60, 0, third));
        assert_eq!(short(&expired(&files, MINUTE_MS, WEEK)), ["1/1-10", "1/11-20", "1/21-30", "1/31-40"]);
        // What is not merged yet stays, whatever its size.
        files.truncate(8);
        assert_eq!(short(&expired(&files, MINUTE_MS, WEEK)), [""; 0]);
    }

    #[test]
    fn nothing_goes_that_the_newest_state_needs() {
        // The merged file says that it covers what it does not lead to.
        let files = [file(0, 1, 1, 0, 9), file(0, 2, 2, 0, 9), file(0, 3, 3, 0, 9), file(1, 2, 2, 0, 9)];
        assert_eq!(short(&expired(&files, DAY_MS, WEEK)), [""; 0]);
    }
}
