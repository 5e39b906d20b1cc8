//! Schedule of captures, retries and snapshots, as functions of the time.

use std::time::{Duration, Instant};

use super::files::{BackupFile, Level, newest_txid, of_level};
use crate::limits::{CLOCK_AHEAD_MAX, CLOCK_BELIEVED_AFTER, COMPACTION_INTERVALS, SNAPSHOT_INTERVAL};

/// Returns the pause from the beginning of a capture to the next.
///
/// A change that just missed a capture is safe when the next one ends. The duration of the capture is therefore
/// subtracted from the interval, and a quarter more for a busy machine. A slow capture is followed by a pause of at
/// least its own duration.
#[must_use]
pub fn capture_pause(interval: Duration, capture_took: Duration) -> Duration {
    (interval * 3 / 4).saturating_sub(capture_took).max(interval / 2).max(capture_took * 2)
}

/// Returns the pause after a number of failures in a row: twice as long each time, up to a minute.
#[must_use]
pub fn retry_pause(interval: Duration, failures: u32) -> Duration {
    const MAX: Duration = Duration::from_secs(60);
    interval.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(MAX.max(interval))
}

/// Returns true if a full snapshot is due: something has changed, and the newest snapshot, or without one the oldest
/// backup, is a day old. A time a day in the future comes from a wrong clock, and counts as well.
#[must_use]
pub fn snapshot_is_due(files: &[BackupFile], now_ms: i64) -> bool {
    let newest = of_level(files, Level::SNAPSHOT).pop();
    let since_ms = match newest {
        Some(snapshot) => Some(snapshot.time_ms),
        None => files.iter().map(begins_ms).min(),
    };
    let has_changed = newest_txid(files) > newest.map(|snapshot| snapshot.name.max);
    let is_due = |since_ms: i64| u128::from(now_ms.abs_diff(since_ms)) >= SNAPSHOT_INTERVAL.as_millis();
    has_changed && since_ms.is_some_and(is_due)
}

/// Returns the beginning of a merged file's interval; the file's own time is that of the last capture in it.
fn begins_ms(file: &BackupFile) -> i64 {
    let interval =
        usize::from(file.name.level.get()).checked_sub(1).and_then(|place| COMPACTION_INTERVALS.get(place));
    let interval_ms = interval.and_then(|interval| i64::try_from(interval.as_millis()).ok());
    interval_ms.map_or(file.time_ms, |interval_ms| file.time_ms.div_euclid(interval_ms) * interval_ms)
}

/// Wall clock compared with the monotonic clock: no backup expires because the wall clock was wrong for a while.
#[derive(Debug)]
pub struct TimeOfDay {
    /// Last time at which both clocks agreed.
    in_step: (Instant, i64),
    ahead_since: Option<Instant>,
}

impl TimeOfDay {
    /// Trusts the present wall clock, unless it says that there was no backup for two days until the last one: then it may
    /// have been set ahead before this process began, and is held to be ahead of the backup before that gap.
    #[must_use]
    pub fn new(now: Instant, now_ms: i64, files: &[BackupFile]) -> Self {
        let age = |file: &BackupFile| Duration::from_millis(u64::try_from(now_ms - file.time_ms).unwrap_or(0));
        // Of the last day may be what a process before this one made by the same clock.
        let before = files.iter().filter(|file| age(file) >= CLOCK_BELIEVED_AFTER).max_by_key(|file| file.time_ms);
        let doubted = before.filter(|file| age(file) >= CLOCK_BELIEVED_AFTER * 2);
        Self::in_step(now, doubted.map_or(now_ms, |file| file.time_ms))
    }

    fn in_step(now: Instant, now_ms: i64) -> Self {
        Self { in_step: (now, now_ms), ahead_since: None }
    }

    /// Returns how far the wall clock has run ahead. After a day it is trusted again: then it was wrong before, or
    /// the machine has slept.
    pub fn ahead(&mut self, now: Instant, now_ms: i64) -> Duration {
        let (then, then_ms) = self.in_step;
        let passed = now.saturating_duration_since(then);
        let by_day = Duration::from_millis(u64::try_from(now_ms.saturating_sub(then_ms)).unwrap_or(0));
        let ahead = by_day.saturating_sub(passed);
        if ahead > CLOCK_AHEAD_MAX {
            let since = *self.ahead_since.get_or_insert(now);
            if now.saturating_duration_since(since) < CLOCK_BELIEVED_AFTER {
                return ahead;
            }
        }
        *self = Self::in_step(now, now_ms);
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::FileName;
    use super::*;
    use crate::ltx::Txid;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_capture_begins_so_early_that_it_has_ended_within_the_interval() {
        assert_eq!(capture_pause(ms(1000), ms(0)), ms(750));
        assert_eq!(capture_pause(ms(1000), ms(200)), ms(550));
        assert_eq!(capture_pause(ms(1000), ms(300)), ms(600));
        assert_eq!(capture_pause(ms(1000), ms(3000)), ms(6000));
    }

    #[test]
    fn a_destination_that_fails_is_asked_less_and_less_often() {
        let pauses: Vec<u64> = [0, 1, 2, 6, 40].map(|failures| retry_pause(ms(1000), failures).as_secs()).into();
        assert_eq!(pauses, [1, 2, 4, 60, 60]);
        assert_eq!(retry_pause(ms(90_000), 3), ms(90_000));
    }

    #[test]
    fn a_snapshot_is_due_a_day_after_the_last_if_anything_has_changed() {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        let file = |name, time_ms| BackupFile { name, bytes: 1, time_ms };
        let txid = |number| Txid::new(number).unwrap();
        assert!(!snapshot_is_due(&[], DAY_MS));
        let mut files = vec![file(FileName::captured(txid(1)), 0)];
        assert!(!snapshot_is_due(&files, DAY_MS - 1));
        assert!(snapshot_is_due(&files, DAY_MS));
        // A merged file has the time of its last capture.
        let merged = FileName { level: Level::new(4).unwrap(), min: txid(1), max: txid(9) };
        assert!(snapshot_is_due(&[file(merged, DAY_MS / 4 - 1)], DAY_MS));
        files.push(file(FileName::snapshot(txid(1)), DAY_MS));
        assert!(!snapshot_is_due(&files, 9 * DAY_MS));
        files.push(file(FileName::captured(txid(2)), DAY_MS));
        assert!(!snapshot_is_due(&files, 2 * DAY_MS - 1));
        assert!(snapshot_is_due(&files, 2 * DAY_MS));
    }
    #[test]
    fn a_snapshot_with_the_time_of_a_wrong_clock_does_not_hold_up_the_next() {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        let file = |name, time_ms| BackupFile { name, bytes: 1, time_ms };
        let txid = |number| Txid::new(number).unwrap();
        let mut files = vec![file(FileName::captured(txid(2)), 0), file(FileName::snapshot(txid(1)), 365 * DAY_MS)];
        assert!(snapshot_is_due(&files, 0));
        files[1].time_ms = DAY_MS - 1;
        assert!(!snapshot_is_due(&files, 0));
    }

    #[test]
    fn a_time_of_day_that_runs_ahead_is_believed_after_a_day() {
        const YEAR_MS: i64 = 365 * 24 * 60 * 60 * 1000;
        const NIGHT_MS: u64 = 8 * 60 * 60 * 1000;
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let mut time = TimeOfDay::new(start, 0, &[]);
        assert_eq!(time.ahead(after(30), 30_000), ms(0));
        assert_eq!(time.ahead(after(60), 30_000 + YEAR_MS), ms(YEAR_MS.unsigned_abs() - 30_000));
        assert_eq!(time.ahead(after(90), 90_000 + YEAR_MS), ms(YEAR_MS.unsigned_abs()));
        // Right again, or wrong in the other direction.
        assert_eq!(time.ahead(after(120), 120_000), ms(0));
        assert_eq!(time.ahead(after(150), 0), ms(0));
        // A machine that slept for a night.
        let night = |seconds: u64| NIGHT_MS.cast_signed() + 1000 * (seconds - 150).cast_signed();
        assert_eq!(time.ahead(after(180), night(180)), ms(NIGHT_MS));
        assert_eq!(time.ahead(after(180 + 86_399), night(180 + 86_399)), ms(NIGHT_MS));
        assert_eq!(time.ahead(after(180 + 86_400), night(180 + 86_400)), ms(0));
        assert_eq!(time.ahead(after(180 + 86_430), night(180 + 86_430)), ms(0));
    }

    #[test]
    fn a_time_of_day_that_is_ahead_of_all_backups_is_believed_after_a_day() {
        const HOUR_MS: i64 = 60 * 60 * 1000;
        const MONTH_MS: i64 = 30 * 24 * HOUR_MS;
        let start = Instant::now();
        let after_a_day = start + Duration::from_secs(86_400);
        let backup = |time_ms| BackupFile { name: FileName::captured(Txid::new(1).unwrap()), bytes: 1, time_ms };
        // The newest is of a process that began, by the same clock, a little before.
        let files = [-HOUR_MS, 0, MONTH_MS - HOUR_MS, 2 * MONTH_MS].map(backup);
        let mut time = TimeOfDay::new(start, MONTH_MS, &files);
        assert_eq!(time.ahead(start, MONTH_MS), ms(MONTH_MS.unsigned_abs()));
        assert_eq!(time.ahead(after_a_day, MONTH_MS + 24 * HOUR_MS), ms(0));
        // An ordinary restart, one after a weekend's half, and the first.
        let others =
            [vec![backup(0), backup(MONTH_MS - 30 * HOUR_MS)], vec![backup(MONTH_MS - 40 * HOUR_MS)], vec![]];
        for files in others {
            assert_eq!(TimeOfDay::new(start, MONTH_MS, &files).ahead(start, MONTH_MS), ms(0));
        }
    }
}
