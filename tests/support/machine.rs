//! A bot's machine, with a store and its backups.

#![allow(dead_code, reason = "each test uses a part")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rootcellar::backup::catalog::files::BackupFile;
use rootcellar::backup::destination::Folder;
use rootcellar::backup::events::{BackupEvent, Hook, Observer, ServiceOptions};
use rootcellar::backup::{Opened, Restored, open_store};
use rootcellar::batch::{Batch, Command};
use rootcellar::kv::{Address, Entry};
use rootcellar::{Error, Reply};
use rusqlite::Connection;
use tempfile::TempDir;

#[derive(Default)]
pub struct Listener(pub Mutex<Vec<BackupEvent>>);

impl Observer for Listener {
    fn happened(&self, event: &BackupEvent) {
        self.0.lock().unwrap().push(event.clone());
    }

    fn hook(&self, _hook: Hook) -> Result<(), Error> {
        Ok(())
    }
}

/// Number of times that a folder is copied to which somebody writes.
const COPIES_MAX: usize = 20;

/// A bot's machine.
pub struct Machine {
    pub folder: TempDir,
    /// Destination of its backups: `backups` in the folder.
    pub destination: PathBuf,
    /// Time between looks for changes.
    pub interval: Duration,
}

/// A store that is open on it.
pub struct Store {
    pub opened: Opened,
    pub listener: Arc<Listener>,
    /// Reads, and so keeps what is committed after it in the log.
    reader: Mutex<Option<Connection>>,
}

impl Machine {
    pub fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    fn within(folder: TempDir) -> Self {
        Self { destination: folder.path().join("backups"), folder, interval: Duration::from_millis(50) }
    }

    /// One on which nothing is backed up before it is asked for.
    pub fn slow() -> Self {
        Self { interval: Duration::from_secs(1000), ..Self::new() }
    }

    /// One that is [`Machine::slow`] and never waits for its disk, where the system has a folder for that.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        Self { interval: Self::slow().interval, ..Self::within(folder.unwrap()) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn destination(&self) -> Folder {
        Folder::new(&self.destination)
    }

    pub fn try_open(&self) -> Result<Store, Error> {
        let options = ServiceOptions {
            destination: Arc::new(self.destination()),
            interval: self.interval,
            retention: Duration::from_secs(1000),
            shutdown_timeout: Duration::from_secs(5),
        };
        let listener = Arc::new(Listener::default());
        let observer: Arc<dyn Observer> = listener.clone();
        Ok(Store::new(open_store(&self.path("bot.sqlite3"), Some(options), &observer)?, listener))
    }

    pub fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    /// The names of what lies about, without what is always there.
    pub fn set_aside(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| (name.contains(".damaged-") || name.contains(".stale-")) && !name.ends_with("-shm"))
            .collect()
    }
}

pub fn wait<T: Send + 'static>(ask: impl FnOnce(Reply<T>)) -> Result<T, Error> {
    let (answer, answers) = mpsc::channel();
    ask(Reply::new(move |result| answer.send(result).unwrap()));
    answers.recv().unwrap()
}

impl Store {
    pub fn new(opened: Opened, listener: Arc<Listener>) -> Self {
        Self { opened, listener, reader: Mutex::default() }
    }

    /// Keeps everything that is committed from now on in the log, which otherwise is emptied soon after a commit. Whatever is
    /// in the log now is in the file, or stays in the log, too.
    pub fn hold_log(&self, machine: &Machine) {
        self.reader.lock().unwrap().get_or_insert_with(|| {
            let reader = Connection::open(machine.path("bot.sqlite3")).unwrap();
            reader.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema").unwrap();
            reader
        });
    }

    /// Has the log emptied again.
    pub fn let_go_of_log(&self) {
        self.reader.lock().unwrap().take();
    }

    pub fn set(&self, key: &str, value: &str) {
        let entry = Entry::new(Address::new(key), value);
        let outcome = self.opened.engine.execute(Batch::new(vec![Command::Set(entry)], 0));
        assert_eq!(outcome.committed, 1, "{outcome:?}");
    }

    pub fn get(&self, key: &str) -> Option<String> {
        self.opened.engine.reader().unwrap().get(&Address::new(key), 0).unwrap()
    }

    pub fn back_up(&self) -> u64 {
        self.try_back_up().unwrap().name.max.get()
    }

    pub fn try_back_up(&self) -> Result<BackupFile, Error> {
        wait(|reply| self.opened.service.as_ref().unwrap().create(reply))
    }

    /// The restore before the store was opened, if there was one.
    pub fn restored(&self) -> Option<Restored> {
        self.listener.0.lock().unwrap().iter().find_map(|event| match event {
            BackupEvent::Restored(restored) if restored.reason.is_some() => Some(restored.clone()),
            _ => None,
        })
    }

    /// The codes of what has failed.
    pub fn failures(&self) -> Vec<&'static str> {
        let events = self.listener.0.lock().unwrap();
        let codes = events.iter().filter_map(|event| match event {
            BackupEvent::Failure(error) => Some(error.code()),
            _ => None,
        });
        codes.collect()
    }

    pub fn close(self) {
        self.let_go_of_log();
        let Opened { engine, service, .. } = self.opened;
        Arc::into_inner(engine).unwrap().close();
        service.unwrap().close();
    }

    /// Ends as a process that is killed does: nothing that happens at the end has happened.
    pub fn kill(self, machine: &Machine) {
        let copy = |from: &Path, to: &Path| {
            std::process::Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap().success()
        };
        // Nothing leaves the log between the copy of the file and that of the log.
        self.hold_log(machine);
        // While it is copied a file may get another name.
        let images = std::iter::repeat_with(|| tempfile::tempdir().unwrap()).take(COPIES_MAX);
        let image = images.into_iter().find(|image| copy(machine.folder.path(), image.path())).unwrap();
        self.close();
        for entry in std::fs::read_dir(machine.folder.path()).unwrap() {
            remove(machine, &[entry.unwrap().file_name().to_str().unwrap()]);
        }
        assert!(copy(image.path(), machine.folder.path()));
        remove(machine, &["bot.sqlite3-shm"]);
    }
}

pub fn remove(machine: &Machine, names: &[&str]) {
    for name in names {
        let path = machine.path(name);
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else if path.exists() {
            std::fs::remove_file(path).unwrap();
        }
    }
}

pub const EVERYTHING: [&str; 4] = ["bot.sqlite3", "bot.sqlite3-wal", "bot.sqlite3-shm", "bot.sqlite3.backup-state"];

/// Every file of a machine at one moment.
pub struct Image(Vec<(PathBuf, Vec<u8>, SystemTime)>);

impl Image {
    pub fn of(machine: &Machine) -> Self {
        let mut files = Vec::new();
        let mut folders = vec![machine.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let modified = path.metadata().unwrap().modified().unwrap();
                    files.push((path.clone(), std::fs::read(path).unwrap(), modified));
                }
            }
        }
        Self(files)
    }

    /// Makes the machine what it was. Folders stay.
    pub fn put_back(&self, machine: &Machine) {
        self.copy_back(machine);
        for (path, _, modified) in &self.0 {
            std::fs::File::options().write(true).open(path).unwrap().set_modified(*modified).unwrap();
        }
    }

    /// Makes the machine what it was, but for the times of its files: these are now.
    pub fn copy_back(&self, machine: &Machine) {
        for (path, ..) in Self::of(machine).0 {
            std::fs::remove_file(path).unwrap();
        }
        for (path, bytes, _) in &self.0 {
            std::fs::write(path, bytes).unwrap();
        }
    }

    /// Bytes of a file of the machine.
    pub fn bytes(&self, machine: &Machine, name: &str) -> Vec<u8> {
        let path = machine.path(name);
        self.0.iter().find(|(found, ..)| *found == path).unwrap().1.clone()
    }

    /// The names of the files below a folder of the machine, in their order.
    pub fn names(&self, machine: &Machine, folder: &str) -> Vec<String> {
        let root = machine.folder.path();
        let names = self.0.iter().map(|(path, ..)| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        let mut names: Vec<String> = names.filter(|name| name.starts_with(folder)).collect();
        names.sort();
        names
    }
}

/// Everything that a database holds, as text: what makes its tables, their rows, and what the header keeps for the user.
pub fn content(path: &Path) -> Result<String, rusqlite::Error> {
    let connection = rusqlite::Connection::open(path)?;
    let mut text = String::new();
    for pragma in ["user_version", "application_id", "encoding"] {
        let value: rusqlite::types::Value = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
        writeln!(text, "{pragma} {value:?}").unwrap();
    }
    let mut statement = connection.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY name")?;
    let entries = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for entry in entries.collect::<Result<Vec<(String, String, Option<String>)>, _>>()? {
        writeln!(text, "{entry:?}").unwrap();
        let (kind, name, _) = entry;
        if kind == "table" {
            let mut statement = connection.prepare(&format!("SELECT * FROM \"{name}\" NOT INDEXED"))?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                // Text as it is, which need not be UTF-8 where it is damaged.
                let values = (0..columns).map(|column| row.get_ref(column));
                writeln!(text, "{:?}", values.collect::<Result<Vec<_>, _>>()?).unwrap();
            }
        }
    }
    Ok(text)
}
