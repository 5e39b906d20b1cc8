//! Merging and removing go on past backups that are damaged or missing, and where there is no room.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rootcellar::Error;
use rootcellar::backup::capture::wal_capture::WalCapture;
use rootcellar::backup::catalog::files::{BackupFile, FileName, Level, of_level};
use rootcellar::backup::catalog::plan::Target;
use rootcellar::backup::destination::{Created, Destination, Folder};
use rootcellar::backup::publish::publisher::Publisher;
use rootcellar::backup::restore::image::restore;
use rootcellar::ltx::{Decoder, Txid};
use rusqlite::Connection;
use tempfile::TempDir;

const START_MS: i64 = 1_735_689_600_000;
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const MAINTENANCE_S: i64 = 30;

/// More files than any test makes.
const CREATED_MAX: usize = 10_000;

/// A folder that may be full: then nothing gets a name in it.
struct Disk {
    folder: Folder,
    /// A folder that is not there: creating a file in it fails.
    nowhere: Folder,
    is_full: AtomicBool,
    /// No snapshot gets a name.
    refuses_snapshots: AtomicBool,
    /// Number of snapshots that were refused.
    refused: AtomicUsize,
    /// Number of files that were created.
    created: AtomicUsize,
}

impl Destination for Disk {
    fn describe(&self) -> &str {
        self.folder.describe()
    }

    fn list(&self) -> Result<Vec<BackupFile>, Error> {
        self.folder.list()
    }

    fn staging(&self) -> Result<Option<PathBuf>, Error> {
        self.folder.staging()
    }

    fn create(&self, name: FileName, staged: &Path, time_ms: i64) -> Result<Created, Error> {
        assert!(self.created.fetch_add(1, Ordering::Relaxed) < CREATED_MAX, "{name} is made again and again");
        let is_refused = name.level == Level::SNAPSHOT && self.refuses_snapshots.load(Ordering::Relaxed);
        self.refused.fetch_add(is_refused.into(), Ordering::Relaxed);
        if is_refused || self.is_full.load(Ordering::Relaxed) {
            return self.nowhere.create(name, staged, time_ms);
        }
        self.folder.create(name, staged, time_ms)
    }

    fn open(&self, name: FileName) -> Result<Box<dyn Read + Send>, Error> {
        self.folder.open(name)
    }

    fn remove(&self, name: FileName) -> Result<(), Error> {
        self.folder.remove(name)
    }

    fn checksum(&self, file: &BackupFile) -> Option<u64> {
        self.folder.checksum(file)
    }
}

/// A database that is written to and backed up every second.
struct Bot {
    folder: TempDir,
    connection: Connection,
    disk: Arc<Disk>,
    publisher: Publisher,
    second: i64,
    failures: Vec<Error>,
}

impl Bot {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("a.sqlite3")).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (k INTEGER PRIMARY KEY, v)").unwrap();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        let backups = Folder::new(&folder.path().join("backups"));
        let nowhere = Folder::new(&folder.path().join("a.sqlite3").join("backups"));
        let disk = Arc::new(Disk {
            folder: backups,
            nowhere,
            is_full: AtomicBool::new(false),
            refuses_snapshots: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
            created: AtomicUsize::new(0),
        });
        let publisher = publisher(folder.path(), &disk);
        Self { folder, connection, disk, publisher, second: 0, failures: Vec::new() }
    }

    fn restart(&mut self) {
        self.publisher = publisher(self.folder.path(), &self.disk);
    }

    fn run(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.second += 1;
            let insert = format!("REPLACE INTO t VALUES ({}, randomblob(50))", self.second % 7);
            self.connection.execute_batch(&insert).unwrap();
            let now_ms = START_MS + self.second * 1000;
            drop(self.publisher.run(now_ms));
            self.maintain();
        }
    }

    /// Lets time pass in which nothing is written.
    fn rest(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.second += 1;
            self.maintain();
        }
    }

    fn maintain(&mut self) {
        if self.second % MAINTENANCE_S == 0
            && let Err(error) = self.publisher.maintain(START_MS + self.second * 1000, Duration::ZERO, WEEK)
        {
            self.failures.push(error);
        }
    }

    fn of_level(&self, level: u8) -> Vec<FileName> {
        let files = self.disk.list().unwrap();
        of_level(&files, Level::new(level).unwrap()).iter().map(|file| file.name).collect()
    }

    fn damage(&self, name: FileName) {
        let path = self.disk.folder.path(name);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let file = File::options().write(true).open(path).unwrap();
        let captured = file.metadata().unwrap().modified().unwrap();
        (&file).write_all(&bytes).unwrap();
        file.set_modified(captured).unwrap();
    }

    /// Checks that the newest state can be restored.
    fn check_newest(&self) {
        let output = self.folder.path().join("restored.sqlite3");
        let files = self.disk.list().unwrap();
        let restored = restore(&*self.disk, &files, Target::Newest, &output, &mut |_| {}).unwrap();
        assert_eq!(Some(restored.txid), self.publisher.newest());
        assert!(restored.is_newest && restored.skipped.is_empty(), "{:?}", restored.skipped);
    }
}

fn publisher(folder: &Path, disk: &Arc<Disk>) -> Publisher {
    let capture = Box::new(WalCapture::open(&folder.join("a.sqlite3")).unwrap());
    Publisher::new(&folder.join("state"), Arc::clone(disk) as Arc<dyn Destination>, capture).unwrap()
}

fn captured(number: u64) -> FileName {
    FileName::captured(Txid::new(number).unwrap())
}

#[test]
fn a_damaged_backup_is_left_out_and_bridged_by_one_snapshot() {
    let mut bot = Bot::new();
    bot.run(20);
    for number in [6, 9] {
        bot.damage(captured(number));
    }
    bot.run(20);
    bot.restart();
    bot.run(20 * 60);
    // Each process has told it, and only the first has made a snapshot.
    let [first, second] = bot.failures.as_slice() else { panic!("{:?}", bot.failures) };
    assert_eq!([first.code(), second.code()], ["ERR_BACKUP_DAMAGED"; 2]);
    let expected = format!("the backup {}, and 1 more, cannot be merged", captured(6));
    assert!(first.to_string().contains(&expected), "{first}");
    assert_eq!(bot.of_level(9).len(), 1);
    // Merging went on, and so did removing.
    assert!(bot.of_level(1).len() > 30 && bot.of_level(2).len() >= 3);
    assert!(bot.of_level(0).len() < 400 && !bot.of_level(0).contains(&captured(6)));
    bot.check_newest();
}

#[test]
fn a_damaged_backup_is_found_by_each_process_and_bridged_once() {
    let mut bot = Bot::new();
    bot.run(40);
    let merged = bot.of_level(1)[0];
    bot.damage(merged);
    // Merged again after five minutes: what it was made of is gone by then.
    for _ in 0..5 {
        bot.run(6 * 60);
        bot.restart();
    }
    assert!(!bot.failures.is_empty());
    assert!(bot.failures.iter().all(|failure| failure.to_string().contains(&merged.to_string())));
    assert!(bot.of_level(9).len() <= 1, "{:?}", bot.of_level(9));
    assert!(bot.of_level(2).len() >= 4);
    bot.check_newest();
}

#[test]
fn a_damaged_merged_backup_is_made_anew_while_there_is_what_it_was_made_of() {
    let mut bot = Bot::new();
    bot.run(4 * 60 + 29);
    bot.rest(10);
    let merged = *bot.of_level(1).last().unwrap();
    bot.damage(merged);
    bot.rest(60);
    let [failure] = bot.failures.as_slice() else { panic!("{:?}", bot.failures) };
    assert!(failure.to_string().contains(&merged.to_string()), "{failure}");
    // It is there again, and merged into the next level with the others.
    assert!(bot.of_level(1).contains(&merged));
    assert!(bot.of_level(2).last().unwrap().max >= merged.max, "{:?}", bot.of_level(2));
    let files: Vec<BackupFile> =
        bot.disk.list().unwrap().into_iter().filter(|file| (1..9).contains(&file.name.level.get())).collect();
    for file in files {
        let decoder = Decoder::new(bot.disk.open(file.name).unwrap()).unwrap();
        decoder.verify().unwrap_or_else(|error| panic!("{}: {error}", file.name));
    }
    assert!(bot.of_level(9).len() <= 1);
    bot.check_newest();
}

#[test]
fn a_backup_that_is_missing_is_bridged_by_a_snapshot() {
    let mut bot = Bot::new();
    bot.run(20);
    std::fs::remove_file(bot.disk.folder.path(captured(6))).unwrap();
    bot.run(5 * 60);
    assert_eq!((bot.of_level(9).len(), bot.failures.len()), (1, 0));
    assert!(bot.of_level(1).len() >= 9);
    bot.check_newest();
}

#[test]
fn what_may_go_goes_although_there_is_no_room() {
    let mut bot = Bot::new();
    bot.run(3 * 60);
    let before = bot.of_level(0).len();
    bot.disk.is_full.store(true, Ordering::Relaxed);
    // A capture waits to be published.
    bot.run(9 * 60);
    let left = bot.of_level(0);
    assert!(left.len() < before / 2, "{} of {before} captured files", left.len());
    bot.disk.is_full.store(false, Ordering::Relaxed);
    bot.run(60);
    bot.check_newest();

    // Only merging fails.
    let files = bot.of_level(0).len();
    bot.second += 10 * 60;
    bot.disk.is_full.store(true, Ordering::Relaxed);
    let now_ms = START_MS + bot.second * 1000;
    assert_eq!(bot.publisher.maintain(now_ms, Duration::ZERO, WEEK).unwrap_err().code(), "ERR_BACKUP_DESTINATION");
    assert!(bot.of_level(0).len() < files);
}

#[test]
fn a_destination_that_takes_no_snapshots_gets_every_change_and_is_asked_again_now_and_then() {
    let mut bot = Bot::new();
    bot.run(60);
    bot.disk.refuses_snapshots.store(true, Ordering::Relaxed);
    bot.publisher.want_snapshot();
    bot.run(60);
    assert_eq!(bot.publisher.take_problem().unwrap().code(), "ERR_BACKUP_DESTINATION");
    assert_eq!(bot.publisher.newest().unwrap().get(), 120);
    bot.check_newest();

    bot.second += 24 * 60 * 60;
    let before = bot.disk.refused.load(Ordering::Relaxed);
    bot.run(5 * 60);
    assert_eq!(bot.disk.refused.load(Ordering::Relaxed) - before, 1);
    assert_eq!(bot.publisher.take_problem().unwrap().code(), "ERR_BACKUP_DESTINATION");
    bot.check_newest();

    bot.disk.refuses_snapshots.store(false, Ordering::Relaxed);
    bot.second += 60 * 60;
    bot.run(60);
    assert_eq!(bot.of_level(9).len(), 1);
    bot.check_newest();
}

#[test]
fn a_snapshot_without_which_nothing_can_be_restored_is_insisted_on() {
    for is_damaged in [false, true] {
        let mut bot = Bot::new();
        bot.run(20);
        bot.disk.refuses_snapshots.store(true, Ordering::Relaxed);
        if is_damaged {
            // At its end, which every process looks at when it begins.
            let path = bot.disk.folder.path(captured(20));
            let mut bytes = std::fs::read(&path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(path, bytes).unwrap();
            bot.restart();
        } else {
            std::fs::remove_file(bot.disk.folder.path(captured(6))).unwrap();
        }
        // A backup that is missing is noticed by maintenance.
        bot.run(if is_damaged { 5 } else { 40 });
        for _ in 0..2 {
            assert_eq!(bot.publisher.run(START_MS + 90_000).unwrap_err().code(), "ERR_BACKUP_DESTINATION");
        }
        bot.disk.refuses_snapshots.store(false, Ordering::Relaxed);
        bot.run(1);
        let output = bot.folder.path().join("restored.sqlite3");
        let restored =
            restore(&*bot.disk, &bot.disk.list().unwrap(), Target::Newest, &output, &mut |_| {}).unwrap();
        assert!(restored.is_newest);
    }
}
