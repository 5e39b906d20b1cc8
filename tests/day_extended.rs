//! Size of a day of backups, played through on listings alone; and that those are as the real ones are. `benches/day.rs` plays
//! a whole day in earnest, which takes minutes.

#[path = "support/day.rs"]
mod day;

use std::time::{Duration, Instant};

use fastrand::Rng;
use rootcellar::backup::catalog::files::{BackupFile, FileName, Level, of_level};
use rootcellar::backup::catalog::plan::{Target, plan};
use rootcellar::backup::catalog::schedule::TimeOfDay;
use rootcellar::backup::catalog::{compaction, retention, schedule};
use rootcellar::ltx::Txid;

const SECOND_MS: i64 = 1000;
const HOUR_S: i64 = 60 * 60;
const DAY_S: i64 = 24 * HOUR_S;
const YEAR_S: i64 = 365 * DAY_S;
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const MAINTENANCE_S: i64 = 30;

/// For how long states can be told apart by how much: seconds each.
const PROMISED: [(i64, i64); 5] =
    [(5 * 60, 0), (15 * 60, 30), (HOUR_S, 5 * 60), (3 * HOUR_S, HOUR_S), (7 * DAY_S, 6 * HOUR_S)];

/// Times of day at which a bot may start, in seconds.
const STARTS_S: [i64; 4] = [0, 2237, 5 * HOUR_S + 3541, 21_593];

/// A database in whose pages with rows each small write changes one at random.
#[derive(Clone, Copy)]
struct Database {
    pages: f64,
    row_pages: f64,
    /// Bytes of a page, compressed.
    page_bytes: f64,
}

/// 10 MB in pages of 4096 bytes. A page of JSON takes less than a fifth, compressed.
const SMALL: Database = Database { pages: 2456.0, row_pages: 1540.0, page_bytes: 725.0 };

/// Number of keys that it has.
const KEYS: usize = 50_500;

/// 100 MB that cannot be compressed.
const LARGE: Database = Database { pages: 25_000.0, row_pages: 20_000.0, page_bytes: 4000.0 };

impl Database {
    /// The size of a file that holds what a number of writes has changed, or everything.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn bytes_of(self, name: FileName) -> u64 {
        let writes = (name.max.get() - name.min.get() + 1) as f64;
        let changed = self.row_pages * (1.0 - (1.0 - 1.0 / self.row_pages).powf(writes));
        let pages = if name.min == Txid::FIRST { self.pages } else { changed };
        (pages * self.page_bytes) as u64 + 200
    }
}

/// A bot that writes at intervals, and the backups that it has.
struct Bot {
    database: Database,
    files: Vec<BackupFile>,
    /// When it started, in seconds.
    start_s: i64,
    /// Time between its writes.
    interval_s: i64,
    /// For how many seconds it has run.
    second: i64,
    /// Time that its clock is ahead.
    ahead_s: i64,
    booted: Instant,
    time_of_day: TimeOfDay,
    snapshot_wanted: bool,
    most_bytes: u64,
}

impl Bot {
    fn new(database: Database, start_s: i64, interval_s: i64) -> Self {
        let booted = Instant::now();
        let time_of_day = TimeOfDay::new(booted, start_s * SECOND_MS, &[]);
        let (files, second, ahead_s, snapshot_wanted, most_bytes) = (Vec::new(), 0, 0, false, 0);
        Self {
            database,
            files,
            start_s,
            interval_s,
            second,
            ahead_s,
            booted,
            time_of_day,
            snapshot_wanted,
            most_bytes,
        }
    }

    fn file(&self, name: FileName, time_ms: i64) -> BackupFile {
        BackupFile { name, bytes: self.database.bytes_of(name), time_ms }
    }

    fn bytes(&self) -> u64 {
        day::total_bytes(&self.files)
    }

    fn now_ms(&self) -> i64 {
        (self.start_s + self.second + self.ahead_s) * SECOND_MS
    }

    fn newest(&self) -> Txid {
        Txid::new((self.second / self.interval_s).unsigned_abs()).unwrap()
    }

    /// Runs to the next round of maintenance.
    fn run(&mut self) {
        for _ in 0..MAINTENANCE_S {
            self.second += 1;
            if self.second % self.interval_s == 0 {
                self.files.push(self.file(FileName::captured(self.newest()), self.now_ms()));
                if std::mem::take(&mut self.snapshot_wanted) {
                    self.files.push(self.file(FileName::snapshot(self.newest()), self.now_ms()));
                }
            }
        }
        self.most_bytes = self.most_bytes.max(self.bytes());
        self.maintain();
    }

    fn maintain(&mut self) {
        let now_ms = self.now_ms();
        let running = Duration::from_secs(self.second.unsigned_abs());
        let ahead = self.time_of_day.ahead(self.booted + running, now_ms);
        let expired = retention::expired(&self.files, |_| false, now_ms, ahead, WEEK);
        self.files.retain(|file| !expired.contains(file));
        loop {
            let due = compaction::due(&self.files, now_ms);
            if due.is_empty() {
                break;
            }
            for merge in due {
                self.files.push(self.file(merge.name, merge.inputs.last().unwrap().time_ms));
            }
        }
        self.snapshot_wanted |= schedule::snapshot_is_due(&self.files, now_ms);
    }

    fn check_ages(&self, ages_s: &[i64]) {
        for age_s in ages_s {
            self.check_age(*age_s);
        }
    }

    /// Checks that a state is reached that is as near to a moment as is promised.
    fn check_age(&self, age_s: i64) {
        let asked_s = self.second - age_s;
        let Some(promised_s) =
            PROMISED.iter().find(|(age_max_s, _)| age_s <= *age_max_s).map(|(_, step_s)| *step_s)
        else {
            panic!("nothing is promised of {age_s} s ago");
        };
        if asked_s < self.interval_s {
            return;
        }
        let Some(found) = plan(&self.files, Target::Before((self.start_s + asked_s) * SECOND_MS + 1)) else {
            // The first state is the end of the first step.
            return assert!(asked_s < promised_s, "nothing of {asked_s} s after the start");
        };
        let found_s = found.txid().unwrap().get().cast_signed() * self.interval_s;
        let what = format!("of {age_s} s ago, {} s after it was started at {}", self.second, self.start_s);
        assert!(asked_s - found_s < promised_s + self.interval_s, "{} s off {what}", asked_s - found_s);
    }

    /// Checks that the newest state is reached, with the newest snapshot and without it.
    fn check_newest(&self) {
        let newest = plan(&self.files, Target::Newest).unwrap();
        assert_eq!(newest.txid(), Some(self.newest()));
        assert_eq!(newest.unreachable, []);
        assert!(newest.files.len() < 200, "{} files at once", newest.files.len());
        let snapshots = of_level(&self.files, Level::SNAPSHOT);
        let newest = snapshots.last().map(|file| file.name);
        let rest: Vec<BackupFile> = self.files.iter().filter(|file| Some(file.name) != newest).copied().collect();
        assert_eq!(plan(&rest, Target::Newest).unwrap().txid(), Some(self.newest()), "without the newest snapshot");
    }
}

/// Ages to look at: the ends of what is promised, and some at random.
fn ages(rng: &mut Rng) -> Vec<i64> {
    let ends = PROMISED.iter().flat_map(|(age_max_s, _)| [*age_max_s, age_max_s + 1]);
    let random = PROMISED.iter().map(|(age_max_s, _)| rng.i64(0..*age_max_s));
    ends.chain(random).filter(|age_s| *age_s <= 7 * DAY_S).collect()
}

#[test]
fn a_small_write_every_second_at_random_costs_less_than_30_mb_a_day() {
    for start_s in STARTS_S {
        let mut bot = Bot::new(SMALL, start_s, 1);
        while bot.second < DAY_S {
            bot.run();
        }
        let (bytes, most_bytes) = (bot.bytes(), bot.most_bytes);
        println!(
            "started at {start_s} s: {bytes} bytes after a day, {most_bytes} at most, {} files",
            bot.files.len()
        );
        assert!(most_bytes < 30_000_000, "{most_bytes} bytes");
    }
}

#[test]
fn every_state_that_is_promised_is_reached_whenever_the_bot_was_started() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    for (database, start_s) in [(SMALL, 2237), (LARGE, rng.i64(0..DAY_S))] {
        let mut bot = Bot::new(database, start_s, 1);
        while bot.second < 30 * HOUR_S {
            bot.run();
            // A merge has most likely just taken something along.
            if (bot.start_s + bot.second) % HOUR_S < 10 * 60 || rng.u8(0..20) == 0 {
                bot.check_newest();
                bot.check_ages(&ages(&mut rng));
            }
        }
    }
}

#[test]
fn states_of_seven_days_are_reached_in_steps_of_six_hours() {
    let mut rng = Rng::with_seed(7);
    let mut bot = Bot::new(LARGE, 2237, 60);
    while bot.second < 9 * DAY_S {
        bot.run();
        if bot.second % (97 * MAINTENANCE_S) == 0 {
            bot.check_newest();
            bot.check_ages(&ages(&mut rng));
            bot.check_ages(&(1..=28).map(|step| step * 6 * HOUR_S).collect::<Vec<_>>());
        }
    }
    assert!(of_level(&bot.files, Level::SNAPSHOT).len() <= 9);
}

#[test]
fn a_clock_that_is_wrong_for_a_minute_costs_nothing() {
    for ahead_s in [YEAR_S, -YEAR_S] {
        let mut bot = Bot::new(SMALL, 50 * YEAR_S + 2237, 5);
        while bot.second < 3 * DAY_S {
            bot.run();
        }
        bot.ahead_s = ahead_s;
        bot.run();
        bot.run();
        bot.ahead_s = 0;
        while bot.second < 5 * DAY_S {
            bot.run();
            if bot.second % HOUR_S < 2 * MAINTENANCE_S {
                bot.check_newest();
            }
            let captured = of_level(&bot.files, Level::CAPTURED).len();
            assert!(captured < 150, "{captured} captured files, {} s after the start", bot.second);
        }
        for hours in 1..=19 {
            bot.check_age(6 * HOUR_S * hours);
        }
        let newest = of_level(&bot.files, Level::SNAPSHOT).pop().unwrap();
        let age_ms = bot.now_ms() - newest.time_ms;
        assert!((0..(DAY_S + HOUR_S) * SECOND_MS).contains(&age_ms), "the newest snapshot is {age_ms} ms old");
    }
}

#[test]
fn real_backups_are_as_large_as_those_that_are_played_through() {
    let folder = tempfile::tempdir().unwrap();
    let played = day::play(folder.path(), KEYS, day::Values::Objects, 60);
    // The first holds everything; no captured file was removed yet, and each half a minute was merged.
    for (level, count) in [(0, 61), (1, 2)] {
        let files: Vec<&BackupFile> = played.files.iter().filter(|file| file.name.level.get() == level).collect();
        let bytes: u64 = files.iter().map(|file| file.bytes).sum();
        let expected: u64 = files.iter().map(|file| SMALL.bytes_of(file.name)).sum();
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
