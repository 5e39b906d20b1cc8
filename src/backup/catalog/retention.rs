//! Retention: the files to remove, as a function of the listing and the time.
//!
//! A restore reads a snapshot and then files of ever finer levels, each of which continues where the previous one
//! ends. Files of a level therefore depend on the coarser ones before them, and are removed in whole windows only:
//! all that one file of the level above covers, together with everything finer in it.
//!
//! The coarsest level is kept for the whole retention. On other levels a window is kept for a minimum age,
//! [`LEVEL_AGES_MIN`], and after that until the level takes more room than half a snapshot or has [`LEVEL_FILES_MAX`]
//! files; a level larger than two snapshots does not wait for the minimum age. This bounds the cost of a busy day,
//! which would otherwise be a hundred times the size of the database.

use std::time::Duration;

use super::files::{BackupFile, Level, newest_txid, of_level};
use super::plan::{Target, plan};
use crate::limits::{LEVEL_AGES_MIN, LEVEL_BYTES_MIN, LEVEL_FILES_MAX, YOUNG_LEVEL_BYTES_MIN};
use crate::ltx::Txid;

/// Returns the files to remove, in order: finest level first, and within a level newest first, so that an interrupted
/// removal leaves a chain that still leads on. Returns none if the remaining files would not lead to the newest state
/// as the present ones do. While the clock is `ahead`, nothing is removed for an age that it would not have otherwise.
///
/// Nothing is removed because of a file that `is_unusable`: what it would stand for is kept.
#[must_use]
pub fn expired(
    files: &[BackupFile],
    is_unusable: impl Fn(&BackupFile) -> bool,
    now_ms: i64,
    ahead: Duration,
    retention: Duration,
) -> Vec<BackupFile> {
    let (damaged, usable): (Vec<BackupFile>, Vec<BackupFile>) = files.iter().partition(|file| is_unusable(file));
    let snapshots = of_level(&usable, Level::SNAPSHOT);
    let first_kept = first_kept(&snapshots, now_ms, retention.saturating_add(ahead));
    let times = [now_ms, now_ms.saturating_sub(milliseconds(ahead))];
    // Finer files up to this transaction have no base any more.
    let base = first_kept.map_or(0, |index| snapshots[index].name.max.get());
    let mut expired = of_level(files, Level::SNAPSHOT);
    expired.retain(|file| file.name.max.get() < base);
    let mut gone = base;
    let everything_bytes =
        files.iter().filter(|file| holds_everything(file)).map(|file| file.bytes).max().unwrap_or(0);

    for level in Level::increments().rev() {
        let mut of_this = of_level(files, level);
        // The newest file of each level marks where to continue.
        of_this.pop();
        for window in old_windows(&usable, level, times) {
            let left = of_this.iter().filter(|file| file.name.max.get() > gone);
            let may_go = if is_past_its_age(&window, level, times) {
                level == Level::CAPTURED || is_much(left, everything_bytes)
            } else {
                is_too_much(left, everything_bytes)
            };
            if !may_go {
                break;
            }
            gone = gone.max(window.name.max.get());
        }
        let may_go = |file: &BackupFile| {
            file.name.max.get() <= base || !damaged.iter().any(|window| is_merged(file, window))
        };
        expired.extend(of_this.into_iter().take_while(|file| file.name.max.get() <= gone).filter(may_go));
    }
    expired.reverse();
    if leads_as_far(&usable, &expired) { expired } else { Vec::new() }
}

/// Returns the index of the snapshot that the oldest state within the retention needs: the newest one that is older
/// than the retention.
///
/// Looks only at the oldest snapshots, up to the first one within the retention, so that a snapshot with a wrong time
/// takes no earlier ones along. A time in the future is ignored.
fn first_kept(snapshots: &[BackupFile], now_ms: i64, retention: Duration) -> Option<usize> {
    let horizon_ms = now_ms.saturating_sub(milliseconds(retention));
    let past = snapshots.iter().take_while(|file| file.time_ms <= horizon_ms || file.time_ms > now_ms).count();
    snapshots[..past].iter().rposition(|file| file.time_ms <= horizon_ms)
}

/// Returns the windows of a level, oldest first, without those in which every capture is kept.
fn old_windows(files: &[BackupFile], level: Level, times: [i64; 2]) -> Vec<BackupFile> {
    let Some(above) = Level::new(level.get() + 1).filter(|_| is_bounded(level)) else { return Vec::new() };
    of_level(files, above).into_iter().take_while(|file| is_past_its_age(file, Level::CAPTURED, times)).collect()
}

/// Returns true if a level may be thinned out within the retention.
fn is_bounded(level: Level) -> bool {
    usize::from(level.get()) < LEVEL_AGES_MIN.len()
}

/// Returns true if a window has passed the minimum age of a level, whichever of two times it is. A time in the future comes
/// from a wrong clock, and counts by its distance.
fn is_past_its_age(window: &BackupFile, level: Level, times: [i64; 2]) -> bool {
    let Some(age_min) = LEVEL_AGES_MIN.get(usize::from(level.get())) else { return false };
    times.iter().all(|now_ms| u128::from(now_ms.abs_diff(window.time_ms)) > age_min.as_millis())
}

/// Returns true if a window of the level above covers a file.
fn is_merged(file: &BackupFile, window: &BackupFile) -> bool {
    window.name.level.get() == file.name.level.get() + 1
        && window.name.min <= file.name.min
        && file.name.max <= window.name.max
}

/// Returns true if a file holds every page: a snapshot, or a merge that includes the first capture.
fn holds_everything(file: &BackupFile) -> bool {
    file.name.min == Txid::FIRST
}

/// Returns true if the files of a level are so many or so large that windows past their minimum age are removed.
fn is_much<'a>(of_level: impl Iterator<Item = &'a BackupFile>, everything_bytes: u64) -> bool {
    let (count, bytes) =
        of_level.fold((0, 0_u64), |(count, bytes), file| (count + 1, bytes.saturating_add(file.bytes)));
    bytes > LEVEL_BYTES_MIN.max(everything_bytes / 2) || count >= LEVEL_FILES_MAX
}

/// Returns true if the changes in a level are so large that younger windows are removed, too.
fn is_too_much<'a>(of_level: impl Iterator<Item = &'a BackupFile>, everything_bytes: u64) -> bool {
    let changes = of_level.filter(|file| !holds_everything(file)).map(|file| file.bytes);
    changes.fold(0, u64::saturating_add) > YOUNG_LEVEL_BYTES_MIN.max(everything_bytes.saturating_mul(2))
}

/// Returns true if the newest state can still be reached without the given files.
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

    /// With a clock that is right.
    fn expired(files: &[BackupFile], now_ms: i64, retention: Duration) -> Vec<BackupFile> {
        super::expired(files, |_| false, now_ms, Duration::ZERO, retention)
    }

    fn file(level: u8, min: u64, max: u64, time_ms: i64, bytes: u64) -> BackupFile {
        BackupFile { bytes, ..samples::file(level, min, max, time_ms) }
    }

    fn short(files: &[BackupFile]) -> Vec<String> {
        files.iter().map(|file| samples::short_name(file.name)).collect()
    }

    #[test]
    fn a_clock_that_has_jumped_ahead_removes_nothing_that_is_not_old_without_that() {
        let captured = [file(0, 1, 1, 0, 9), file(0, 2, 2, 0, 9), file(0, 3, 3, DAY_MS, 9)];
        let merged = [file(1, 1, 1, 0, 9), file(1, 2, 2, DAY_MS, 9)];
        let files = [&captured[..], &merged].concat();
        let ahead = Duration::from_secs(24 * 60 * 60);
        // Whether they were made before the jump or after it.
        assert_eq!(short(&super::expired(&files, |_| false, DAY_MS + MINUTE_MS, ahead, WEEK)), [""; 0]);
        let later = short(&super::expired(&files, |_| false, DAY_MS + 6 * MINUTE_MS, ahead, WEEK));
        assert_eq!(later, ["0/2-2", "0/1-1"]);
    }

    #[test]
    fn captured_files_go_when_they_are_merged_and_the_last_of_their_window_is_five_minutes_old() {
        let mut files: Vec<BackupFile> = (1..=6).map(|txid| file(0, txid, txid, 0, 9)).collect();
        assert_eq!(short(&expired(&files, DAY_MS, WEEK)), [""; 0]);
        files.push(file(1, 1, 2, 0, 9));
        files.push(file(1, 3, 4, MINUTE_MS, 9));
        assert_eq!(short(&expired(&files, 5 * MINUTE_MS, WEEK)), [""; 0]);
        assert_eq!(short(&expired(&files, 5 * MINUTE_MS + 1, WEEK)), ["0/2-2", "0/1-1"]);
        assert_eq!(short(&expired(&files, 6 * MINUTE_MS, WEEK)), ["0/2-2", "0/1-1"]);
        assert_eq!(short(&expired(&files, 6 * MINUTE_MS + 1, WEEK)), ["0/4-4", "0/3-3", "0/2-2", "0/1-1"]);
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
        assert_eq!(short(&expired(&files, 9 * DAY_MS, WEEK)), ["3/16-25", "3/11-15", "9/1-20", "9/1-10"]);
        assert_eq!(short(&expired(&files[..3], 99 * DAY_MS, WEEK)), ["9/1-20", "9/1-10"]);
    }

    #[test]
    fn what_lies_before_the_first_snapshot_stays_as_long_as_the_retention() {
        let mut files = vec![file(3, 1, 5, 0, 9), file(3, 6, 9, DAY_MS, 9), file(9, 1, 9, DAY_MS, 9)];
        files.push(file(3, 10, 12, DAY_MS, 9));
        assert_eq!(short(&expired(&files, 8 * DAY_MS - 1, WEEK)), [""; 0]);
        assert_eq!(short(&expired(&files, 8 * DAY_MS, WEEK)), ["3/6-9", "3/1-5"]);
    }

    #[test]
    fn a_level_that_takes_too_much_room_gives_way_in_whole_windows_when_they_are_old_enough() {
        let third = LEVEL_BYTES_MIN / 3;
        let mut files: Vec<BackupFile> =
            (0..8).map(|index| file(1, 10 * index + 1, 10 * index + 10, 0, third)).collect();
        files.extend([file(2, 1, 20, 0, third), file(2, 21, 60, MINUTE_MS, third)]);
        // A snapshot keeps only the newest state.
        files.push(file(9, 1, 60, MINUTE_MS, 9));
        assert_eq!(short(&expired(&files, 15 * MINUTE_MS, WEEK)), [""; 0]);
        assert_eq!(short(&expired(&files, 16 * MINUTE_MS, WEEK)), ["1/11-20", "1/1-10"]);
        let both = ["1/51-60", "1/41-50", "1/31-40", "1/21-30", "1/11-20", "1/1-10"];
        assert_eq!(short(&expired(&files, 17 * MINUTE_MS, WEEK)), both);
        // Files that are not merged yet are kept, whatever their size.
        files.truncate(8);
        assert_eq!(short(&expired(&files, DAY_MS, WEEK)), [""; 0]);
    }

    #[test]
    fn a_level_that_takes_very_much_room_gives_way_when_it_is_five_minutes_old() {
        let half = YOUNG_LEVEL_BYTES_MIN / 2;
        let mut files: Vec<BackupFile> =
            (1..5).map(|index| file(3, 10 * index + 1, 10 * index + 10, 0, half)).collect();
        files.push(file(4, 11, 40, 0, 9));
        files.push(file(9, 1, 10, 0, half));
        assert_eq!(short(&expired(&files, 5 * MINUTE_MS, WEEK)), [""; 0]);
        assert_eq!(short(&expired(&files, 5 * MINUTE_MS + 1, WEEK)), ["3/31-40", "3/21-30", "3/11-20"]);
        files.push(file(9, 1, 50, 0, 2 * half));
        assert_eq!(short(&expired(&files, 5 * MINUTE_MS + 1, WEEK)), [""; 0]);
    }

    #[test]
    fn what_is_finer_goes_with_the_window_that_it_stands_on() {
        let mut files: Vec<BackupFile> =
            (0..6).map(|index| file(3, 10 * index + 1, 10 * index + 10, 0, LEVEL_BYTES_MIN)).collect();
        files.extend((0..6).map(|index| file(2, 10 * index + 1, 10 * index + 10, 0, 9)));
        files.extend([file(4, 1, 20, 0, 9), file(4, 21, 40, DAY_MS, 9)]);
        assert_eq!(short(&expired(&files, DAY_MS, WEEK)), ["2/11-20", "2/1-10", "3/11-20", "3/1-10"]);
    }

    #[test]
    fn the_coarsest_level_stays_as_long_as_the_retention_whatever_room_it_takes() {
        let mut files: Vec<BackupFile> =
            (0..6).map(|index| file(4, 10 * index + 1, 10 * index + 10, 0, LEVEL_BYTES_MIN)).collect();
        files.push(file(9, 1, 60, 0, 9));
        assert_eq!(short(&expired(&files, 7 * DAY_MS - 1, WEEK)), [""; 0]);
        assert_eq!(expired(&files, 7 * DAY_MS, WEEK).len(), 5);
    }

    #[test]
    fn a_time_that_a_wrong_clock_has_given_holds_nothing_up_and_takes_nothing_along() {
        const YEAR_MS: i64 = 365 * DAY_MS;
        let files = [
            file(0, 1, 1, 0, 9),
            file(0, 2, 2, YEAR_MS, 9),
            file(0, 3, 3, 0, 9),
            file(1, 1, 2, YEAR_MS, 9),
            file(1, 3, 3, DAY_MS, 9),
        ];
        assert_eq!(short(&expired(&files, MINUTE_MS, WEEK)), ["0/2-2", "0/1-1"]);

        let snapshots = [10 * DAY_MS, YEAR_MS, -YEAR_MS, 11 * DAY_MS, 20 * DAY_MS];
        let files: Vec<BackupFile> =
            (1..).zip(snapshots).map(|(number, time_ms)| file(9, 1, number, time_ms, 9)).collect();
        assert_eq!(short(&expired(&files, 16 * DAY_MS, WEEK)), [""; 0]);
        assert_eq!(short(&expired(&files, 17 * DAY_MS, WEEK)), ["9/1-2", "9/1-1"]);
        assert_eq!(short(&expired(&files, 18 * DAY_MS, WEEK)), ["9/1-3", "9/1-2", "9/1-1"]);
    }

    #[test]
    fn what_was_merged_into_a_file_that_is_damaged_stays() {
        let mut files: Vec<BackupFile> = (1..=7).map(|txid| file(0, txid, txid, 0, 9)).collect();
        files.extend([file(1, 1, 2, 0, 9), file(1, 3, 4, 0, 9), file(1, 5, 6, 0, 9)]);
        let without = |files: &[BackupFile], damaged: BackupFile, now_ms| {
            short(&super::expired(files, |file| file.name == damaged.name, now_ms, Duration::ZERO, WEEK))
        };
        assert_eq!(without(&files, file(1, 3, 4, 0, 9), DAY_MS), ["0/6-6", "0/5-5", "0/2-2", "0/1-1"]);
        assert_eq!(without(&files, file(1, 5, 6, 0, 9), DAY_MS), ["0/4-4", "0/3-3", "0/2-2", "0/1-1"]);
        // A damaged snapshot takes neither older ones along, nor what leads on from them.
        files.extend([file(9, 1, 1, 0, 9), file(9, 1, 4, DAY_MS, 9), file(9, 1, 7, 20 * DAY_MS, 9)]);
        let captured = ["0/6-6", "0/5-5", "0/4-4", "0/3-3", "0/2-2", "0/1-1"];
        assert_eq!(without(&files, file(9, 1, 4, DAY_MS, 9), 9 * DAY_MS), captured);
        // It goes with what it was a snapshot of, and so does what was merged into another damaged one.
        assert_eq!(without(&files, file(9, 1, 4, DAY_MS, 9), 27 * DAY_MS).len(), 6 + 2 + 2);
        assert_eq!(without(&files, file(1, 3, 4, 0, 9), 27 * DAY_MS).len(), 6 + 2 + 2);
    }

    #[test]
    fn nothing_goes_that_the_newest_state_needs() {
        // The merged file says that it covers what it does not lead to.
        let files = [file(0, 1, 1, 0, 9), file(0, 2, 2, 0, 9), file(0, 3, 3, 0, 9), file(1, 2, 2, 0, 9)];
        assert_eq!(short(&expired(&files, DAY_MS, WEEK)), [""; 0]);
    }
}
