//! Backups of databases that others write, restored to the same bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use rootcellar::backup::capture::wal_capture::WalCapture;
use rootcellar::backup::catalog::files::{BackupFile, FileName, Level, of_level};
use rootcellar::backup::catalog::plan::Target;
use rootcellar::backup::destination::{Destination, Folder};
use rootcellar::backup::publish::publisher::Publisher;
use rootcellar::backup::restore::image::restore;
use rootcellar::backup::restore::restored::Restored;
use rootcellar::ltx::Txid;
use rusqlite::Connection;
use tempfile::TempDir;

const START_MS: i64 = 1_735_689_600_000;
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A database with its backups.
struct Bench {
    folder: TempDir,
    connection: Connection,
}

impl Bench {
    fn new(page_size: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("a.sqlite3")).unwrap();
        connection.pragma_update(None, "page_size", page_size).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (k INTEGER PRIMARY KEY, v)").unwrap();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        Self { folder, connection }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn destination(&self) -> Arc<dyn Destination> {
        Arc::new(Folder::new(&self.path("backups")))
    }

    fn publisher(&self) -> Publisher {
        let capture = Box::new(WalCapture::open(&self.path("a.sqlite3")).unwrap());
        Publisher::new(&self.path("state"), self.destination(), capture).unwrap()
    }

    fn execute(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }

    /// The database's bytes, as if the log were in it.
    fn image(&self) -> Vec<u8> {
        let mut statement = self.connection.prepare("SELECT data FROM sqlite_dbpage").unwrap();
        let pages = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        pages.flat_map(|page| page.unwrap()).collect()
    }

    fn restore(&self, target: Target) -> Result<(Restored, Vec<u8>), rootcellar::Error> {
        let destination = self.destination();
        let output = self.path("restored.sqlite3");
        let restored = restore(&*destination, &destination.list()?, target, &output, &mut |_| {})?;
        let bytes = std::fs::read(&output).unwrap();
        assert_eq!(bytes.len() as u64, restored.bytes);
        Ok((restored, bytes))
    }

    /// Writes something.
    fn write(&self, rng: &mut Rng) {
        let (key, bytes) = (rng.u32(0..200), rng.u32(0..6000));
        match rng.u8(0..20) {
            0 => self.execute("DELETE FROM t WHERE k > 50; VACUUM"),
            1 => self.execute("PRAGMA wal_checkpoint(TRUNCATE)"),
            2 => self.execute(&format!("DELETE FROM t WHERE k % 7 = {}", key % 7)),
            3 => self.execute(&format!(
                "CREATE TABLE IF NOT EXISTS u{} (x); INSERT INTO u{0} VALUES (zeroblob({bytes}))",
                key % 3
            )),
            4 => self.execute(&format!("DROP TABLE IF EXISTS u{}", key % 3)),
            _ => self.execute(&format!("REPLACE INTO t VALUES ({key}, randomblob({bytes}))")),
        }
    }
}

fn txid(number: u64) -> Txid {
    Txid::new(number).unwrap()
}

#[test]
fn every_state_that_was_captured_is_restored_to_the_byte() {
    for (page_size, seed) in [(512, 1), (4096, 2), (65_536, 3)] {
        let bench = Bench::new(page_size);
        let mut publisher = bench.publisher();
        let mut rng = Rng::with_seed(seed);
        let mut states = Vec::new();
        for round in 0..60 {
            for _ in 0..rng.u32(1..4) {
                bench.write(&mut rng);
            }
            let now_ms = START_MS + round * 1000;
            if publisher.run(now_ms).unwrap().is_some() {
                states.push((publisher.newest().unwrap(), now_ms, bench.image()));
            }
            if rng.u8(0..10) == 0 {
                publisher.maintain(now_ms, Duration::ZERO, WEEK).unwrap();
            }
            if rng.u8(0..10) == 0 {
                publisher = bench.publisher();
            }
        }
        assert!(states.len() > 40);
        for (number, now_ms, image) in &states {
            let (restored, bytes) = bench.restore(Target::Txid(*number)).unwrap();
            assert!(bytes == *image, "page size {page_size}, transaction {number}");
            assert_eq!((restored.txid, restored.time_ms, restored.skipped.len()), (*number, *now_ms, 0));
            assert!(bench.restore(Target::Before(now_ms + 1)).unwrap().1 == *image);
        }
        let (restored, bytes) = bench.restore(Target::Newest).unwrap();
        assert!(restored.is_newest);
        assert!(bytes == states.last().unwrap().2);
    }
}

#[test]
fn nothing_is_captured_where_nothing_has_changed() {
    let bench = Bench::new(4096);
    let mut publisher = bench.publisher();
    assert!(publisher.has_work().unwrap());
    assert!(publisher.run(START_MS).unwrap().unwrap().is_full);
    assert!(!publisher.has_work().unwrap());
    assert_eq!(publisher.run(START_MS).unwrap(), None);
    bench.execute("INSERT INTO t VALUES (1, 1)");
    assert!(publisher.has_work().unwrap());
    let increment = publisher.run(START_MS + 1).unwrap().unwrap();
    assert!(!increment.is_full);
    assert!(increment.file.bytes < 1000, "{increment:?}");
    // Nor when the process starts again.
    let mut publisher = bench.publisher();
    assert_eq!(publisher.run(START_MS + 2).unwrap(), None);
    assert_eq!(publisher.newest(), Some(txid(2)));
}

#[test]
fn a_changed_page_size_begins_a_new_chain() {
    let bench = Bench::new(4096);
    let mut publisher = bench.publisher();
    publisher.run(START_MS).unwrap();
    drop(publisher);
    bench.execute("PRAGMA journal_mode = DELETE");
    bench.execute("PRAGMA page_size = 1024; VACUUM; PRAGMA journal_mode = WAL; INSERT INTO t VALUES (1, 1)");
    let mut publisher = bench.publisher();
    publisher.run(START_MS + 1000).unwrap();
    let small = bench.image();
    bench.execute("INSERT INTO t VALUES (2, 2)");
    publisher.run(START_MS + 2000).unwrap();
    let names: Vec<FileName> = bench.destination().list().unwrap().iter().map(|file| file.name).collect();
    assert!(names.contains(&FileName::snapshot(txid(2))) && !names.contains(&FileName::captured(txid(2))));
    assert!(names.contains(&FileName::captured(txid(3))));
    assert!(bench.restore(Target::Txid(txid(2))).unwrap().1 == small);
    publisher.maintain(START_MS + 60_000, Duration::ZERO, WEEK).unwrap();
    assert!(bench.restore(Target::Newest).unwrap().1 == bench.image());
}

#[test]
fn a_history_that_is_not_known_is_followed_by_a_full_image() {
    let bench = Bench::new(4096);
    let mut publisher = bench.publisher();
    publisher.run(START_MS).unwrap();
    bench.execute("INSERT INTO t VALUES (1, 1)");
    publisher.run(START_MS + 1).unwrap();
    std::fs::remove_dir_all(bench.path("state")).unwrap();
    std::fs::create_dir(bench.path("state")).unwrap();
    let mut publisher = bench.publisher();
    bench.execute("INSERT INTO t VALUES (2, 2)");
    assert!(publisher.run(START_MS + 2).unwrap().unwrap().is_full);
    let names: Vec<FileName> = bench.destination().list().unwrap().iter().map(|file| file.name).collect();
    assert!(names.contains(&FileName::snapshot(txid(3))) && names.contains(&FileName::captured(txid(3))));
    assert!(bench.restore(Target::Newest).unwrap().1 == bench.image());
}

#[test]
fn a_second_writer_is_detected_and_histories_are_never_mixed() {
    let [bench, mut other] = [Bench::new(4096), Bench::new(4096)];
    let mut publisher = bench.publisher();
    publisher.run(START_MS).unwrap();
    other.execute("INSERT INTO t VALUES (7, 'other')");
    let destination = bench.destination();
    let capture = Box::new(WalCapture::open(&other.path("a.sqlite3")).unwrap());
    let mut second = Publisher::new(&other.path("state"), destination, capture).unwrap();
    second.run(START_MS + 1).unwrap();

    bench.execute("INSERT INTO t VALUES (1, 1)");
    for _ in 0..2 {
        assert_eq!(publisher.run(START_MS + 2).unwrap_err().code(), "ERR_BACKUP_CONFLICT");
    }
    assert!(!publisher.maintain(START_MS + 90_000, Duration::ZERO, WEEK).unwrap());
    other.execute("INSERT INTO t VALUES (8, 'other')");
    second.run(START_MS + 3).unwrap();
    assert!(bench.restore(Target::Newest).unwrap().1 == other.image());
    other.connection = Connection::open_in_memory().unwrap();
}

#[test]
fn what_cannot_be_published_is_published_later() {
    let bench = Bench::new(4096);
    let mut publisher = bench.publisher();
    publisher.run(START_MS).unwrap();
    // A file where the folder was: nothing can be written.
    std::fs::rename(bench.path("backups"), bench.path("away")).unwrap();
    std::fs::write(bench.path("backups"), b"").unwrap();
    for key in 1..5 {
        bench.execute(&format!("INSERT INTO t VALUES ({key}, 1)"));
        assert_eq!(publisher.run(START_MS + key).unwrap_err().code(), "ERR_BACKUP_DESTINATION");
        assert!(publisher.has_work().unwrap());
    }
    std::fs::remove_file(bench.path("backups")).unwrap();
    std::fs::rename(bench.path("away"), bench.path("backups")).unwrap();
    publisher.run(START_MS + 10).unwrap();
    assert!(bench.restore(Target::Newest).unwrap().1 == bench.image());
    assert!(!publisher.has_work().unwrap());
}

fn damage(path: &Path, how: u8, rng: &mut Rng) {
    let mut bytes = std::fs::read(path).unwrap();
    match how {
        0 => std::fs::remove_file(path).unwrap(),
        1 => bytes.clear(),
        2 => bytes.truncate(rng.usize(0..bytes.len())),
        _ => {
            // Far more than one bit, which might happen to mean the same to LZ4.
            let place = rng.usize(0..bytes.len());
            let end = (place + 20).min(bytes.len());
            bytes[place..end].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
    if how > 0 {
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_damaged_backup_is_skipped_for_the_newest_state_that_can_be_reached_and_reported() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    for round in 0..60 {
        let bench = Bench::new(1024);
        let mut publisher = bench.publisher();
        let mut states = Vec::new();
        for step in 0..12 {
            bench.execute(&format!("REPLACE INTO t VALUES ({}, randomblob(900))", step % 5));
            publisher.run(START_MS + i64::from(step) * 10_000).unwrap();
            states.push(bench.image());
        }
        publisher.maintain(START_MS + 120_000, Duration::ZERO, WEEK).unwrap();
        let destination = Folder::new(&bench.path("backups"));
        let files = destination.list().unwrap();
        let victim: BackupFile = *rng.choice(&files).unwrap();
        damage(&destination.path(victim.name), round % 4, &mut rng);
        let (restored, bytes) = bench.restore(Target::Newest).unwrap();
        assert!(bytes == states[usize::try_from(restored.txid.get()).unwrap() - 1], "a mixture of states");
        // Level 1 covers what level 0 has, and the other way round, but for the newest.
        let covered = files.iter().any(|file| {
            file.name != victim.name && file.name.min <= victim.name.min && file.name.max >= victim.name.max
        });
        let below: Vec<BackupFile> = of_level(&files, Level::CAPTURED)
            .into_iter()
            .filter(|file| victim.name.level > Level::CAPTURED && file.name.min >= victim.name.min)
            .collect();
        if covered || !below.is_empty() {
            assert_eq!(restored.txid, txid(12), "round {round}: {}", victim.name);
        } else {
            assert_eq!(restored.txid.next(), victim.name.min, "round {round}: {}", victim.name);
            assert!(round % 4 == 0 || restored.skipped.iter().any(|skipped| skipped.name == victim.name));
        }
    }
}

#[test]
fn where_nothing_passes_its_checks_the_error_says_so() {
    let bench = Bench::new(1024);
    assert_eq!(bench.restore(Target::Newest).unwrap_err().code(), "ERR_BACKUP_NOT_FOUND");
    bench.publisher().run(START_MS).unwrap();
    assert_eq!(bench.restore(Target::Txid(txid(2))).unwrap_err().code(), "ERR_BACKUP_NOT_FOUND");
    assert_eq!(bench.restore(Target::Before(START_MS)).unwrap_err().code(), "ERR_BACKUP_NOT_FOUND");
    let file = Folder::new(&bench.path("backups")).path(FileName::captured(txid(1)));
    std::fs::write(file, b"LTX1").unwrap();
    assert_eq!(bench.restore(Target::Newest).unwrap_err().code(), "ERR_BACKUP_DAMAGED");
}

#[test]
fn a_swapped_backup_is_not_taken_for_what_its_name_says() {
    let bench = Bench::new(1024);
    let mut publisher = bench.publisher();
    for step in 0..4 {
        bench.execute(&format!("REPLACE INTO t VALUES ({step}, randomblob(900))"));
        publisher.run(START_MS + step).unwrap();
    }
    let folder = Folder::new(&bench.path("backups"));
    let [two, three] = [2, 3].map(|number| folder.path(FileName::captured(txid(number))));
    std::fs::rename(&two, bench.path("aside")).unwrap();
    std::fs::rename(&three, &two).unwrap();
    std::fs::rename(bench.path("aside"), &three).unwrap();
    let (restored, _) = bench.restore(Target::Newest).unwrap();
    assert_eq!(restored.txid, txid(1));
    assert!(!restored.is_newest);
    assert_eq!(restored.skipped.len(), 3);
}

#[test]
fn what_is_written_for_days_stays_small_and_restorable() {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    let bench = Bench::new(4096);
    let mut publisher = bench.publisher();
    let mut rng = Rng::with_seed(1);
    for step in 0..(9 * 24) {
        let now_ms = START_MS + step * HOUR_MS;
        bench.execute(&format!("REPLACE INTO t VALUES ({}, randomblob(50))", rng.u32(0..100)));
        publisher.run(now_ms).unwrap();
        publisher.maintain(now_ms + HOUR_MS / 2, Duration::ZERO, WEEK).unwrap();
    }
    let files = bench.destination().list().unwrap();
    let oldest_snapshot = of_level(&files, Level::SNAPSHOT)[0];
    let end_ms = START_MS + 9 * 24 * HOUR_MS;
    let week_ago_ms = end_ms - i64::try_from(WEEK.as_millis()).unwrap();
    assert!(oldest_snapshot.time_ms <= week_ago_ms + HOUR_MS, "the first moments have something to begin with");
    assert!(oldest_snapshot.time_ms > week_ago_ms - 25 * HOUR_MS, "what is past the retention is gone");
    assert!(files.len() < 700, "{} files", files.len());
    for hours in [0, 1, 30, 100, 167] {
        let before_ms = end_ms - hours * HOUR_MS;
        let (restored, _) = bench.restore(Target::Before(before_ms)).unwrap();
        assert!(before_ms - restored.time_ms <= 2 * HOUR_MS, "{hours} hours ago");
    }
    assert!(bench.restore(Target::Newest).unwrap().1 == bench.image());
}
