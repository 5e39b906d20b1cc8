//! Several who open a file at the same moment, of which one restores it.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use rootcellar::backup::capture::page_diff::PageDiff;
use rootcellar::backup::destination::{Destination, Folder};
use rootcellar::backup::events::{BackupEvent, Hook, Observer, Observers, ServiceOptions};
use rootcellar::backup::local::state_dir::StateDir;
use rootcellar::backup::open_store;
use rootcellar::backup::publish::publisher::Publisher;
use rootcellar::backup::recover::prepare::prepare;

const START_MS: i64 = 1_735_689_600_000;
const ROUNDS: usize = 4;
const OPENERS: usize = 6;

fn publish(database: &Path, destination: &Arc<dyn Destination>) {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(3000000))")
        .unwrap();
    let state_dir = StateDir::beside(database).unwrap();
    let capture = Box::new(PageDiff::open(database).unwrap());
    Publisher::new(state_dir.folder(), Arc::clone(destination), capture).unwrap().run(START_MS).unwrap();
}

/// Opens the file. True if that restored it; it is there for everybody.
fn open(database: &Path, destination: &Arc<dyn Destination>) -> bool {
    let state_dir = StateDir::beside(database).unwrap();
    let recovered = prepare(
        database,
        &state_dir,
        &state_dir.lock_for_opening().unwrap(),
        destination,
        None,
        START_MS,
        &Observers::default(),
    )
    .unwrap();
    assert!(database.exists(), "a file was to be begun anew that has a backup");
    // As one does who keeps it open.
    thread::sleep(Duration::from_millis(20));
    recovered.restored.is_some()
}

#[test]
fn a_missing_file_is_restored_by_one_while_the_others_wait() {
    let home = tempfile::tempdir().unwrap();
    let original = home.path().join("original.sqlite3");
    let destination: Arc<dyn Destination> = Arc::new(Folder::new(&home.path().join("backups")));
    publish(&original, &destination);
    for round in 0..ROUNDS {
        let database = home.path().join(format!("{round}.sqlite3"));
        let barrier = Barrier::new(OPENERS);
        let restorers = thread::scope(|scope| {
            let openers: Vec<_> = (0..OPENERS)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        open(&database, &destination)
                    })
                })
                .collect();
            openers.into_iter().map(|opener| usize::from(opener.join().unwrap())).sum::<usize>()
        });
        assert_eq!(restorers, 1);
        let rows: i64 = rusqlite::Connection::open(&database)
            .unwrap()
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 1);
    }
}

/// Says when a restore begins, and holds it up until it may go on.
struct Holding {
    begins: Sender<()>,
    goes_on: Mutex<Receiver<()>>,
}

impl Observer for Holding {
    fn happened(&self, _event: &BackupEvent) {}

    fn hook(&self, hook: Hook) -> Result<(), rootcellar::Error> {
        if hook == Hook::BeforeRestore {
            self.begins.send(()).unwrap();
            self.goes_on.lock().unwrap().recv().unwrap();
        }
        Ok(())
    }
}

#[test]
fn while_a_file_is_restored_others_are_opened_and_who_opens_the_same_one_shares_it() {
    let home = tempfile::tempdir().unwrap();
    let original = home.path().join("original.sqlite3");
    let destination: Arc<dyn Destination> = Arc::new(Folder::new(&home.path().join("backups")));
    publish(&original, &destination);
    let open = |name: &str, to: &str, observer: &Arc<dyn Observer>| {
        let options = ServiceOptions {
            destination: Arc::new(Folder::new(&home.path().join(to))),
            interval: Duration::from_secs(1000),
            retention: Duration::from_secs(1000),
            shutdown_timeout: Duration::from_secs(5),
        };
        open_store(&home.path().join(name), Some(options), observer).unwrap()
    };
    let (begins, begun) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel();
    let holding: Arc<dyn Observer> = Arc::new(Holding { begins, goes_on: Mutex::new(goes_on) });
    thread::scope(|scope| {
        let first = scope.spawn(|| open("restored.sqlite3", "backups", &holding));
        begun.recv().unwrap();
        let second = scope.spawn(|| open("restored.sqlite3", "backups", &holding));
        let other = open("other.sqlite3", "other-backups", &holding);
        assert!(!first.is_finished() && !second.is_finished());
        go_on.send(()).unwrap();
        let (first, second) = (first.join().unwrap(), second.join().unwrap());
        assert!(Arc::ptr_eq(&first.engine, &second.engine));
        assert!(Arc::ptr_eq(&first.service.unwrap(), &second.service.unwrap()));
        other.service.unwrap().close();
    });
    // One restore, and no other.
    assert!(begun.try_recv().is_err());
}
