//! What happens to a store with backups when it is opened, closed, killed and damaged.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rootcellar::backup::destination::{Destination, Folder};
use rootcellar::backup::opening::{Outcome, RestoredFile};
use rootcellar::backup::plan::Target;
use rootcellar::backup::service::{Event, Hook, Observer, Options};
use rootcellar::backup::wal::read_mark;
use rootcellar::backup::{Opened, open_store};
use rootcellar::kv::{Address, Batch, Command, Entry};
use rootcellar::{Error, Reply};
use tempfile::TempDir;

#[derive(Default)]
struct Listener(Mutex<Vec<Event>>);

impl Observer for Listener {
    fn happened(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }

    fn hook(&self, _hook: Hook) -> Result<(), Error> {
        Ok(())
    }
}

/// What happens to a file's bytes, with a name.
type Damage = (&'static str, fn(&mut Vec<u8>));

/// A bot's machine.
struct Machine {
    folder: TempDir,
    /// How often changes are looked for.
    interval: Duration,
}

/// A store that is open on it.
struct Store {
    opened: Opened,
    listener: Arc<Listener>,
}

impl Machine {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), interval: Duration::from_millis(50) }
    }

    /// One on which nothing is backed up before it is asked for.
    fn slow() -> Self {
        Self { interval: Duration::from_secs(1000), ..Self::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn destination(&self) -> Folder {
        Folder::new(&self.path("backups"))
    }

    fn try_open(&self) -> Result<Store, Error> {
        let options = Options {
            destination: Arc::new(self.destination()),
            interval: self.interval,
            retention: Duration::from_secs(1000),
            shutdown_timeout: Duration::from_secs(5),
        };
        let listener = Arc::new(Listener::default());
        let observer: Arc<dyn Observer> = listener.clone();
        Ok(Store { opened: open_store(&self.path("bot.sqlite3"), Some(options), &observer)?, listener })
    }

    fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    /// The names of what lies about, without what is always there.
    fn set_aside(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| (name.contains(".damaged-") || name.contains(".stale-")) && !name.ends_with("-shm"))
            .collect()
    }
}

fn wait<T: Send + 'static>(ask: impl FnOnce(Reply<T>)) -> Result<T, Error> {
    let (answer, answers) = mpsc::channel();
    ask(Reply::new(move |result| answer.send(result).unwrap()));
    answers.recv().unwrap()
}

impl Store {
    fn set(&self, key: &str, value: &str) {
        let entry = Entry::new(Address::new(key), value);
        let outcome = self.opened.engine.execute(Batch::new(vec![Command::Set(entry)], 0));
        assert_eq!(outcome.committed, 1, "{outcome:?}");
    }

    fn get(&self, key: &str) -> Option<String> {
        self.opened.engine.reader().unwrap().get(&Address::new(key), 0).unwrap()
    }

    fn back_up(&self) -> u64 {
        wait(|reply| self.opened.service.as_ref().unwrap().create(reply)).unwrap().name.max.get()
    }

    fn restored(&self) -> Option<RestoredFile> {
        self.listener.0.lock().unwrap().iter().find_map(|event| match event {
            Event::Opened(Outcome::Restored(restored)) => Some(restored.clone()),
            _ => None,
        })
    }

    fn close(self) {
        let Opened { engine, service } = self.opened;
        Arc::into_inner(engine).unwrap().close();
        service.unwrap().close();
    }

    /// Ends as a process that is killed does: nothing that happens at the end has happened.
    fn kill(self, machine: &Machine) {
        let image = tempfile::tempdir().unwrap();
        let copy = |from: &Path, to: &Path| {
            let status = std::process::Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
            assert!(status.success());
        };
        copy(machine.folder.path(), image.path());
        self.close();
        for entry in std::fs::read_dir(machine.folder.path()).unwrap() {
            remove(machine, &[entry.unwrap().file_name().to_str().unwrap()]);
        }
        copy(image.path(), machine.folder.path());
        remove(machine, &["bot.sqlite3-shm"]);
    }
}

fn remove(machine: &Machine, names: &[&str]) {
    for name in names {
        let path = machine.path(name);
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else if path.exists() {
            std::fs::remove_file(path).unwrap();
        }
    }
}

const EVERYTHING: [&str; 4] = ["bot.sqlite3", "bot.sqlite3-wal", "bot.sqlite3-shm", "bot.sqlite3.backup-state"];

#[test]
fn a_new_machine_gets_what_the_old_one_had() {
    let machine = Machine::new();
    let store = machine.open();
    assert!(store.restored().is_none());
    store.set("key", "1");
    store.close();
    remove(&machine, &EVERYTHING);

    let store = machine.open();
    let restored = store.restored().unwrap();
    assert!(restored.restored.is_newest && restored.set_aside.is_none());
    assert_eq!(store.get("key").as_deref(), Some("1"));
    store.set("key", "2");
    store.close();
    // It goes on where it was.
    let store = machine.open();
    assert!(store.restored().is_none());
    assert_eq!(store.get("key").as_deref(), Some("2"));
    store.close();
    assert_eq!(machine.set_aside(), [""; 0]);
}

#[test]
fn a_change_is_safe_soon_without_being_asked_for() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    store.back_up();
    store.set("key", "2");
    let start = Instant::now();
    while machine.destination().list().unwrap().len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(5));
    }
    store.close();
}

#[test]
fn a_file_of_which_nothing_is_known_is_kept_and_backed_up_as_a_whole() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    store.close();
    remove(&machine, &["bot.sqlite3.backup-state"]);
    let store = machine.open();
    assert!(store.restored().is_none());
    store.set("key", "2");
    store.close();
    remove(&machine, &EVERYTHING);
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("2"));
    store.close();
}

#[test]
fn an_old_disk_is_set_aside_for_the_newer_backup() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    store.close();
    let old =
        ["bot.sqlite3", "bot.sqlite3.backup-state/pages"].map(|name| std::fs::read(machine.path(name)).unwrap());
    let store = machine.open();
    store.set("key", "2");
    store.close();
    std::fs::write(machine.path("bot.sqlite3"), &old[0]).unwrap();
    std::fs::write(machine.path("bot.sqlite3.backup-state/pages"), &old[1]).unwrap();

    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("2"));
    let aside = store.restored().unwrap().set_aside.unwrap();
    assert_eq!(std::fs::read(aside).unwrap(), old[0]);
    assert!(machine.set_aside().iter().all(|name| name.contains(".stale-")));
    store.close();
}

#[test]
fn what_a_kill_left_is_kept_and_backed_up() {
    let machine = Machine::slow();
    let store = machine.open();
    store.set("key", "1");
    store.back_up();
    store.set("key", "2");
    store.kill(&machine);
    let store = machine.open();
    assert!(store.restored().is_none());
    assert_eq!(store.get("key").as_deref(), Some("2"));
    store.close();
    remove(&machine, &EVERYTHING);
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("2"));
    store.close();
}

#[test]
fn a_damaged_file_is_set_aside_and_restored_whatever_the_damage() {
    let damages: [Damage; 5] = [
        ("emptied", Vec::clear),
        ("no database", |bytes| bytes[..16].fill(b'x')),
        ("cut off", |bytes| bytes.truncate(bytes.len() / 2)),
        ("a few bytes", |bytes| bytes.truncate(100)),
        ("a page of noise", |bytes| bytes[4096..8192].fill(0xa5)),
    ];
    for (name, damage) in damages {
        let machine = Machine::new();
        let store = machine.open();
        for key in 0..50 {
            store.set(&format!("key {key}"), &format!("\"{}\"", "x".repeat(500)));
        }
        store.close();
        assert!(!machine.path("bot.sqlite3-wal").exists(), "{name}: the log is in the file");
        let mut bytes = std::fs::read(machine.path("bot.sqlite3")).unwrap();
        damage(&mut bytes);
        std::fs::write(machine.path("bot.sqlite3"), &bytes).unwrap();
        let store = machine.open();
        let restored = store.restored().unwrap_or_else(|| panic!("{name}"));
        assert_eq!(std::fs::read(restored.set_aside.unwrap()).unwrap(), bytes, "{name}");
        assert!(store.get("key 49").is_some(), "{name}");
        store.close();
    }
}

#[test]
fn a_log_that_lost_what_was_backed_up_is_noticed() {
    let damages: [Damage; 4] = [
        ("emptied", Vec::clear),
        ("its header", |bytes| bytes[0] ^= 0xff),
        ("its last frame", |bytes| *bytes.last_mut().unwrap() ^= 0xff),
        ("cut off", |bytes| bytes.truncate(bytes.len() - 5000)),
    ];
    for (name, damage) in damages {
        let machine = Machine::slow();
        let store = machine.open();
        store.set("key", "1");
        store.back_up();
        store.set("key", "2");
        store.back_up();
        store.kill(&machine);
        let mut bytes = std::fs::read(machine.path("bot.sqlite3-wal")).unwrap();
        // What lies behind the committed frames is left of an earlier log.
        let frames = read_mark(&machine.path("bot.sqlite3")).unwrap().frames;
        bytes.truncate(32 + frames as usize * (24 + 4096));
        damage(&mut bytes);
        std::fs::write(machine.path("bot.sqlite3-wal"), &bytes).unwrap();
        let store = machine.open();
        assert_eq!(store.get("key").as_deref(), Some("2"), "{name}");
        assert!(store.restored().is_some(), "{name}");
        store.close();
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_left_alone_with_what_is_beside_it() {
    let machine = Machine::new();
    std::fs::write(machine.path("bot.sqlite3"), "no database, and no backup of one either").unwrap();
    assert_eq!(machine.try_open().err().unwrap().code(), "SQLITE_NOTADB");
    let names: Vec<_> =
        std::fs::read_dir(machine.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["bot.sqlite3"]);
}

#[test]
fn a_missing_file_is_never_begun_anew_while_the_destination_does_not_answer() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    store.close();
    remove(&machine, &EVERYTHING);
    let level = machine.path("backups/ltx/0");
    std::fs::rename(&level, machine.path("away")).unwrap();
    std::fs::write(&level, b"").unwrap();
    assert_eq!(machine.try_open().err().unwrap().code(), "ERR_BACKUP_DESTINATION");
    assert!(!machine.path("bot.sqlite3").exists());
    std::fs::remove_file(&level).unwrap();
    std::fs::rename(machine.path("away"), &level).unwrap();
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("1"));
    store.close();
}

#[test]
fn a_restore_while_the_store_is_open_is_seen_at_once_and_can_be_undone() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    let first = store.back_up();
    store.set("key", "2");
    store.set("other", "2");
    let other = rusqlite::Connection::open(machine.path("bot.sqlite3")).unwrap();
    let count = || other.query_row("SELECT count(*) FROM __rootapp_kv", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(), 2);

    let service = store.opened.service.as_ref().unwrap();
    let target = |number| Target::Txid(rootcellar::ltx::Txid::new(number).unwrap());
    let restored = wait(|reply| service.restore(target(first), reply)).unwrap();
    assert_eq!(store.get("key").as_deref(), Some("1"));
    assert_eq!((store.get("other"), count()), (None, 1));
    assert!(restored.position > restored.undo, "{restored:?}");

    wait(|reply| service.restore(Target::Txid(restored.undo.unwrap()), reply)).unwrap();
    assert_eq!(store.get("other").as_deref(), Some("2"));
    store.set("key", "3");
    drop(other);
    store.close();
    remove(&machine, &EVERYTHING);
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("3"));
    store.close();
}

#[test]
fn the_newest_state_is_verified_and_restored_elsewhere() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    store.back_up();
    let service = store.opened.service.as_ref().unwrap();
    let verified = wait(|reply| service.verify(reply)).unwrap();
    assert!(verified.is_complete);
    let elsewhere = machine.path("elsewhere.sqlite3");
    wait(|reply| service.restore_to(Target::Newest, &elsewhere, false, reply)).unwrap();
    let again = wait(|reply| service.restore_to(Target::Newest, &elsewhere, false, reply)).unwrap_err();
    assert_eq!(again.code(), "ERR_FILE_EXISTS");
    wait(|reply| service.restore_to(Target::Newest, &elsewhere, true, reply)).unwrap();
    assert_eq!(wait(|reply| service.list(reply)).unwrap().len(), machine.destination().list().unwrap().len());
    store.close();
}
