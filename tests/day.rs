//! What a day of backups amounts to, played through on listings alone; and that those are as the real ones are.
//! `benches/day.rs` plays a whole day in earnest, which takes minutes.

#[path = "support/day.rs"]
mod day;

use std::time::Duration;

use rootcellar::backup::files::{BackupFile, FileName};
use rootcellar::backup::plan::{Target, plan};
use rootcellar::backup::{compaction, retention, schedule};
use rootcellar::ltx::Txid;

const SECOND_MS: i64 = 1000;
const DAY_S: i64 = 24 * 60 * 60;
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A database of 10 MB in pages of 4096 bytes, of which a small write changes one, any of those that hold the rows. A
/// page of JSON takes about a quarter, compressed.
const KEYS: usize = 42_000;
const ROW_PAGES: f64 = 1280.0;
const DATABASE_PAGES: f64 = 2456.0;
const PAGE_BYTES: f64 = 1000.0;

/// The size of a file that holds what a number of writes has changed, or everything.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn bytes_of(name: FileName) -> u64 {
    let writes = (name.max.get() - name.min.get() + 1) as f64;
    let changed = ROW_PAGES * (1.0 - (1.0 - 1.0 / ROW_PAGES).powf(writes));
    let pages = if name.min == Txid::FIRST { DATABASE_PAGES } else { changed };
    (pages * PAGE_BYTES) as u64 + 200
}

fn file(name: FileName, time_ms: i64) -> BackupFile {
    BackupFile { name, bytes: bytes_of(name), time_ms }
}

#[test]
fn a_small_write_every_second_at_random_costs_less_than_30_mb_a_day() {
    let mut files: Vec<BackupFile> = Vec::new();
    let (mut totals, mut most_files, mut longest_plan) = (Vec::new(), 0, 0);
    for second in 1..=2 * DAY_S {
        let now_ms = second * SECOND_MS;
        let txid = Txid::new(second.unsigned_abs()).unwrap();
        files.push(file(FileName::captured(txid), now_ms));
        if second % 30 != 0 {
            continue;
        }
        loop {
            let due = compaction::due(&files, now_ms);
            if due.is_empty() {
                break;
            }
            files.extend(due.iter().map(|merge| file(merge.name, merge.inputs.last().unwrap().time_ms)));
        }
        let expired = retention::expired(&files, now_ms, WEEK);
        files.retain(|file| !expired.contains(file));
        if schedule::snapshot_is_due(&files, now_ms) {
            files.push(file(FileName::snapshot(txid), now_ms));
        }
        let newest = plan(&files, Target::Newest).unwrap();
        assert_eq!(newest.txid(), Some(txid));
        assert_eq!(newest.unreachable, []);
        longest_plan = longest_plan.max(newest.files.len());
        most_files = most_files.max(files.len());
        if second % DAY_S == 0 {
            totals.push(files.iter().map(|file| file.bytes).sum::<u64>());
        }
    }
    #[expect(clippy::cast_precision_loss)]
    let megabytes: Vec<f64> = totals.iter().map(|bytes| *bytes as f64 / 1e6).collect();
    println!("after each day {megabytes:.1?} MB, at most {most_files} files, {longest_plan} in a plan");
    assert!(totals[0] < 30_000_000 && totals[1] - totals[0] < 30_000_000, "{totals:?} bytes");
    assert!(longest_plan < 200, "{longest_plan} files at once");
}

#[test]
fn real_backups_are_as_large_as_those_that_are_played_through() {
    let folder = tempfile::tempdir().unwrap();
    let played = day::play(folder.path(), KEYS, day::Values::Objects, 60);
    // The first holds everything; no captured file was removed yet, and each half a minute was merged.
    for (level, count) in [(0, 61), (1, 2)] {
        let files: Vec<&BackupFile> = played.files.iter().filter(|file| file.name.level.get() == level).collect();
        let bytes: u64 = files.iter().map(|file| file.bytes).sum();
        let expected: u64 = files.iter().map(|file| bytes_of(file.name)).sum();
        assert_eq!(files.len(), count, "level {level}");
        assert!(bytes.abs_diff(expected) < expected / 4, "{bytes} bytes of level {level} instead of {expected}");
    }
}

#[test]
fn random_values_take_as_much_room_in_a_backup_as_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let played = day::play(folder.path(), 4_000, day::Values::Random, 3);
    let everything = played.files.iter().map(|file| file.bytes).max().unwrap();
    assert!(everything > played.database_bytes / 2, "{everything} of {} bytes", played.database_bytes);
    assert_eq!(played.most_bytes, day::total_bytes(&played.files));
}
