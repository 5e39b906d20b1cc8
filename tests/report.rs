//! State of a file against its backups, told from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rootcellar::backup::capture::page_diff::PageDiff;
use rootcellar::backup::destination::{Destination, Folder};
use rootcellar::backup::local::state_dir::StateDir;
use rootcellar::backup::publish::publisher::Publisher;
use rootcellar::backup::recover::report::{Lag, forget, is_served, is_store, report};
use rusqlite::Connection;
use tempfile::TempDir;

const NOW_MS: i64 = 1_735_689_600_000;

/// A database, and what makes its backups.
struct Bench {
    folder: TempDir,
    connection: Connection,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("a.sqlite3")).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)")
            .unwrap();
        Self { folder, connection }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("a.sqlite3")
    }

    fn destination(&self) -> Arc<dyn Destination> {
        Arc::new(Folder::new(&self.folder.path().join("backups")))
    }

    fn back_up(&self, now_ms: i64) {
        let state_dir = StateDir::beside(&self.database()).unwrap();
        let capture = Box::new(PageDiff::open(&self.database()).unwrap());
        let mut publisher = Publisher::new(state_dir.folder(), self.destination(), capture).unwrap();
        publisher.run(now_ms).unwrap().unwrap();
    }

    fn lag(&self) -> Lag {
        report(&self.database(), &*self.destination()).unwrap().lag
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn changed_pages_are_told_until_they_are_backed_up() {
    let bench = Bench::new();
    assert!(matches!(bench.lag(), Lag::Unknown(_)));
    bench.back_up(NOW_MS);
    assert_eq!(bench.lag(), Lag::None);
    bench.connection.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(bench.lag(), Lag::Pages { pages: 1, bytes: 4096, since_ms: NOW_MS });
    bench.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!(bench.lag(), Lag::Pages { pages: 1, bytes: 4096, since_ms: NOW_MS });
    bench.back_up(NOW_MS + 1);
    assert_eq!(bench.lag(), Lag::None);
    bench.connection.execute_batch("DROP TABLE t; VACUUM").unwrap();
    assert!(matches!(bench.lag(), Lag::Pages { since_ms, .. } if since_ms == NOW_MS + 1));
}

#[test]
fn what_cannot_be_told_is_not_guessed() {
    let bench = Bench::new();
    bench.back_up(NOW_MS);
    let other = Folder::new(&bench.folder.path().join("other"));
    let lag = report(&bench.database(), &other).unwrap().lag;
    assert_eq!(lag, Lag::Unknown("its last backup went to another destination".to_owned()));
    fs::remove_dir_all(bench.folder.path().join("backups/ltx")).unwrap();
    assert!(matches!(bench.lag(), Lag::Unknown(why) if why.contains("does not have its last backup")));
    forget(&bench.database()).unwrap();
    assert!(matches!(bench.lag(), Lag::Unknown(why) if why.contains("nothing is known")));
    assert!(matches!(report(&bench.folder.path().join("b"), &other).unwrap().lag, Lag::Unknown(_)));
}

#[test]
fn an_old_copy_is_told_from_a_file_that_is_ahead() {
    let bench = Bench::new();
    bench.back_up(NOW_MS);
    let state = bench.folder.path().join("a.sqlite3.backup-state/pages");
    let old = fs::read(&state).unwrap();
    bench.connection.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    bench.back_up(NOW_MS + 1);
    fs::write(&state, old).unwrap();
    assert_eq!(bench.lag(), Lag::OldCopy);
}

#[test]
fn a_file_and_a_log_that_nobody_has_open_are_left_as_they_are() {
    let bench = Bench::new();
    bench.back_up(NOW_MS);
    bench.connection.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    // As a process leaves them that was killed.
    let killed = tempfile::tempdir().unwrap();
    let copy = killed.path().join("a.sqlite3");
    for suffix in ["", "-wal"] {
        let from = bench.folder.path().join(format!("a.sqlite3{suffix}"));
        fs::copy(from, killed.path().join(format!("a.sqlite3{suffix}"))).unwrap();
    }
    fs::create_dir(killed.path().join("a.sqlite3.backup-state")).unwrap();
    let pages = "a.sqlite3.backup-state/pages";
    fs::copy(bench.folder.path().join(pages), killed.path().join(pages)).unwrap();
    let bytes = |name: &str| fs::read(killed.path().join(name)).unwrap();
    let before = (bytes("a.sqlite3"), bytes("a.sqlite3-wal"));
    let lag = report(&copy, &*bench.destination()).unwrap().lag;
    assert_eq!(lag, Lag::Pages { pages: 1, bytes: 4096, since_ms: NOW_MS });
    assert!(!is_store(&copy).unwrap());
    assert!((bytes("a.sqlite3"), bytes("a.sqlite3-wal")) == before);

    // As one leaves it that was closed.
    Connection::open(&copy).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let before = (bytes("a.sqlite3"), names_in(killed.path()));
    assert!(matches!(report(&copy, &*bench.destination()).unwrap().lag, Lag::Pages { .. }));
    assert!((bytes("a.sqlite3"), names_in(killed.path())) == before);
}

#[test]
fn who_makes_backups_is_seen_by_the_lock() {
    let bench = Bench::new();
    assert!(!is_served(&bench.database()));
    assert_eq!(names_in(bench.folder.path()), ["a.sqlite3", "a.sqlite3-shm", "a.sqlite3-wal"]);
    let state_dir = StateDir::beside(&bench.database()).unwrap();
    let right = state_dir.lock_for_backups().unwrap();
    assert!(is_served(&bench.database()));
    drop(right);
    assert!(!is_served(&bench.database()));
}
