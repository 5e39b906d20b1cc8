//! When things are due, as functions of the time.

use std::time::Duration;

use super::files::{BackupFile, Level, newest_txid, of_level};
use crate::limits::{COMPACTION_INTERVALS, SNAPSHOT_INTERVAL};

/// How long to wait after a capture was begun until the next.
///
/// What is written right after a capture was begun is safe when the next has ended, so that what the capture itself
/// takes is taken off the interval, and a quarter more for a busy machine. A capture that takes long leaves at least as
/// long a pause.
#[must_use]
pub fn capture_pause(interval: Duration, capture_took: Duration) -> Duration {
    (interval * 3 / 4).saturating_sub(capture_took).max(interval / 2).max(capture_took * 2)
}

/// How long to wait after the destination has failed for a number of times in a row: twice as long each time, up to
/// a minute.
#[must_use]
pub fn retry_pause(interval: Duration, failures: u32) -> Duration {
    const MAX: Duration = Duration::from_secs(60);
    interval.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(MAX.max(interval))
}

/// Whether a full snapshot is due: when the newest is a day old, or when there is none and the oldest backup begins a
/// day ago, and something has changed since.
#[must_use]
pub fn snapshot_is_due(files: &[BackupFile], now_ms: i64) -> bool {
    let interval_ms = i64::try_from(SNAPSHOT_INTERVAL.as_millis()).unwrap_or(i64::MAX);
    let newest = of_level(files, Level::SNAPSHOT).pop();
    let since_ms = match newest {
        Some(snapshot) => Some(snapshot.time_ms),
        None => files.iter().map(begins_ms).min(),
    };
    let has_changed = newest_txid(files) > newest.map(|snapshot| snapshot.name.max);
    has_changed && since_ms.is_some_and(|since_ms| now_ms.saturating_sub(since_ms) >= interval_ms)
}

/// When the interval of a merged file begins, whose time is that of the last that it was merged of.
fn begins_ms(file: &BackupFile) -> i64 {
    let interval =
        usize::from(file.name.level.get()).checked_sub(1).and_then(|place| COMPACTION_INTERVALS.get(place));
    let interval_ms = interval.and_then(|interval| i64::try_from(interval.as_millis()).ok());
    interval_ms.map_or(file.time_ms, |interval_ms| file.time_ms.div_euclid(interval_ms) * interval_ms)
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
        // Merged, it has the time of the last of what it holds.
        let merged = FileName { level: Level::new(4).unwrap(), min: txid(1), max: txid(9) };
        assert!(snapshot_is_due(&[file(merged, DAY_MS / 4 - 1)], DAY_MS));
        files.push(file(FileName::snapshot(txid(1)), DAY_MS));
        assert!(!snapshot_is_due(&files, 9 * DAY_MS));
        files.push(file(FileName::captured(txid(2)), DAY_MS));
        assert!(!snapshot_is_due(&files, 2 * DAY_MS - 1));
        assert!(snapshot_is_due(&files, 2 * DAY_MS));
    }
}
