//! A store that is restored while others write to it: nothing that they were told is written is lost.

#[path = "support/machine.rs"]
mod machine;
#[path = "support/recording_vfs.rs"]
#[allow(dead_code, reason = "what is recorded is of no use here")]
mod recording_vfs;

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use machine::{Listener, Machine, Store, wait};
use recording_vfs::Recording;
use rootcellar::Error;
use rootcellar::backup::catalog::files::{BackupFile, FileName};
use rootcellar::backup::catalog::plan::Target;
use rootcellar::backup::destination::{Created, Destination, Folder};
use rootcellar::backup::events::{BackupEvent, Observer, ServiceOptions};
use rootcellar::backup::{Restored, open_store, restore_to};
use rootcellar::ltx::Txid;
use rusqlite::Connection;

/// A folder that answers when it likes, if at all.
struct Odd {
    folder: Folder,
    /// Number of files that were created since the test began to count.
    created: Arc<AtomicUsize>,
    /// Is called before each, with the number of those before.
    before: Box<dyn Fn(usize) -> Result<(), Error> + Send + Sync>,
}

/// Time for which a writer waits for a lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// Nothing is counted yet.
const UNCOUNTED: usize = 1 << 16;

impl Destination for Odd {
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
        (self.before)(self.created.fetch_add(1, Ordering::SeqCst))?;
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

/// A store whose backups are made only when they are asked for, at a destination of the test's, and the number of files
/// that were created there.
fn open(
    machine: &Machine,
    before: impl Fn(usize) -> Result<(), Error> + Send + Sync + 'static,
) -> (Store, Arc<AtomicUsize>) {
    let created = Arc::new(AtomicUsize::new(UNCOUNTED));
    let destination =
        Odd { folder: machine.destination(), created: Arc::clone(&created), before: Box::new(before) };
    let options = ServiceOptions {
        destination: Arc::new(destination),
        interval: Duration::from_secs(1000),
        retention: Duration::from_secs(1000),
        shutdown_timeout: Duration::from_secs(5),
    };
    let listener = Arc::new(Listener::default());
    let observer: Arc<dyn Observer> = listener.clone();
    let opened = open_store(&machine.path("bot.sqlite3"), Some(options), &observer).unwrap();
    (Store::new(opened, listener), created)
}

fn connect(machine: &Machine) -> Connection {
    let connection = Connection::open(machine.path("bot.sqlite3")).unwrap();
    connection.busy_timeout(BUSY_TIMEOUT).unwrap();
    connection
}

fn restore(store: &Store, txid: u64) -> Result<Restored, Error> {
    let target = Target::Txid(Txid::new(txid).unwrap());
    wait(|reply| store.opened.service.as_ref().unwrap().restore(target, Arc::default(), reply))
}

fn rows(connection: &Connection) -> HashSet<i64> {
    let mut statement = connection.prepare("SELECT x FROM w").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The rows of the state before a restore.
fn undone(machine: &Machine, restored: &Restored) -> HashSet<i64> {
    let path = machine.path("undone.sqlite3");
    let target = Target::Txid(restored.undo.unwrap());
    restore_to(&machine.destination(), target, &path, true, &Arc::default(), &mut |_| {}).unwrap();
    rows(&Connection::open(path).unwrap())
}

/// Numbers of rows that each of two writers has written.
#[derive(Default)]
struct Progress([AtomicUsize; 2]);

impl Progress {
    fn counts(&self) -> [usize; 2] {
        [0, 1].map(|writer: usize| self.0[writer].load(Ordering::SeqCst))
    }

    /// Waits until both have written some more; whether they have before a writer would give up.
    fn goes_on(&self) -> bool {
        let before = self.counts();
        let deadline = Instant::now() + BUSY_TIMEOUT;
        while [0, 1].iter().any(|writer| self.counts()[*writer] < before[*writer] + 5) {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

/// Writes one row after the other until `is_over`. Returns their numbers.
fn write(machine: &Machine, first: i64, written: &AtomicUsize, is_over: &AtomicBool) -> Vec<i64> {
    let connection = connect(machine);
    let mut numbers = Vec::new();
    for number in first.. {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        connection.execute("INSERT INTO w VALUES (?)", [number]).unwrap();
        numbers.push(number);
        written.fetch_add(1, Ordering::SeqCst);
        // Others want the lock too.
        thread::sleep(Duration::from_millis(1));
    }
    numbers
}

/// Restores the first state while two others write, and finds what they have written.
fn restore_beside_writers(machine: &Machine, (store, created): &(Store, Arc<AtomicUsize>), progress: &Progress) {
    let connection = connect(machine);
    connection.execute_batch("CREATE TABLE w (x); CREATE TABLE f (x)").unwrap();
    connection.execute("INSERT INTO f VALUES (randomblob(3000000))", []).unwrap();
    let first = store.back_up();
    let is_over = AtomicBool::new(false);
    let (restored, written) = thread::scope(|scope| {
        let is_over = &is_over;
        let writers = [0, 1].map(|writer| {
            scope.spawn(move || {
                write(machine, writer * 1_000_000, &progress.0[usize::try_from(writer).unwrap()], is_over)
            })
        });
        assert!(progress.goes_on(), "before the restore");
        created.store(0, Ordering::SeqCst);
        let restored = restore(store, first);
        assert!(progress.goes_on(), "after the restore");
        is_over.store(true, Ordering::SeqCst);
        (restored.unwrap(), writers.map(|writer| writer.join().unwrap()))
    });
    let (before, now) = (undone(machine, &restored), rows(&connection));
    assert!(before.is_disjoint(&now) && !before.is_empty() && !now.is_empty());
    for numbers in &written {
        let lost: Vec<_> =
            numbers.iter().filter(|number| !before.contains(number) && !now.contains(number)).collect();
        assert!(lost.is_empty(), "{} of {}: {lost:?}", lost.len(), numbers.len());
    }
}

#[test]
fn every_write_of_others_is_in_the_state_before_or_in_the_store() {
    let machine = Machine::slow();
    let store = open(&machine, |_| Ok(()));
    for _ in 0..3 {
        restore_beside_writers(&machine, &store, &Progress::default());
        connect(&machine).execute_batch("DROP TABLE w; DROP TABLE f").unwrap();
    }
    store.0.close();
}

#[test]
fn so_it_is_where_there_is_no_write_ahead_log() {
    let machine = Machine::slow();
    let recording = Recording::start(machine.folder.path(), false);
    let store = open(&machine, |_| Ok(()));
    let mode: String = connect(&machine).query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete");
    restore_beside_writers(&machine, &store, &Progress::default());
    store.0.close();
    recording.stop();
}

#[test]
fn a_slow_destination_keeps_others_waiting_for_a_moment_only() {
    let machine = Machine::slow();
    let progress = Arc::new(Progress::default());
    let have_gone_on = Arc::new(AtomicBool::new(false));
    let seen = (Arc::clone(&progress), Arc::clone(&have_gone_on));
    // Three backups: of what was there when the restore was asked for, of what came while it was prepared, and of what came
    // until nobody could write any more. The destination takes the last only when others have written again.
    let store = open(&machine, move |created| {
        if created == 2 {
            seen.1.store(seen.0.goes_on(), Ordering::SeqCst);
        }
        Ok(())
    });
    restore_beside_writers(&machine, &store, &progress);
    assert!(have_gone_on.load(Ordering::SeqCst));
    store.0.close();
}

fn unreachable() -> Error {
    Folder::new(Path::new("/dev/null/backups")).staging().unwrap_err()
}

#[test]
fn what_cannot_be_backed_up_is_not_replaced() {
    let machine = Machine::slow();
    let (store, created) = open(&machine, |created| if created >= UNCOUNTED { Ok(()) } else { Err(unreachable()) });
    connect(&machine).execute_batch("CREATE TABLE w (x)").unwrap();
    let first = store.back_up();
    connect(&machine).execute_batch("INSERT INTO w VALUES (1)").unwrap();
    created.store(0, Ordering::SeqCst);
    assert_eq!(restore(&store, first).unwrap_err().code(), "ERR_BACKUP_DESTINATION");
    assert_eq!(rows(&connect(&machine)), HashSet::from([1]));
    store.close();
}

#[test]
fn a_restore_whose_own_backup_fails_is_a_restore_and_the_failure_is_told() {
    let machine = Machine::slow();
    // The backup of the restored state fails.
    let (store, created) = open(&machine, |created| if created == 1 { Err(unreachable()) } else { Ok(()) });
    connect(&machine).execute_batch("CREATE TABLE w (x)").unwrap();
    let first = store.back_up();
    connect(&machine).execute_batch("INSERT INTO w VALUES (1)").unwrap();
    created.store(0, Ordering::SeqCst);
    let restored = restore(&store, first).unwrap();
    assert_eq!(store.opened.service.as_ref().unwrap().status().position, restored.undo);
    assert_eq!(rows(&connect(&machine)), HashSet::new());
    assert_eq!(undone(&machine, &restored), HashSet::from([1]));
    assert_eq!(store.failures(), ["ERR_BACKUP_DESTINATION"]);
    let events = store.listener.0.lock().unwrap().clone();
    assert!(events.iter().any(|event| matches!(event, BackupEvent::Restored(_))));
    // It is caught up.
    assert!(store.back_up() > restored.undo.unwrap().get());
    store.close();
}
