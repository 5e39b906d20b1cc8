//! What lies beside a database for its backups: a folder, and in it what is known of the pages, two locks, a mark, and the
//! first page as it was when the file was closed.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::first_page::FirstPage;
use super::inspection::open_for_inspection;
use crate::backup::capture::wal_scan::wal_path;
use crate::backup::fs::disk;
use crate::{BackupProblem, Error};

/// What the name of the folder beside a database ends with.
pub const STATE_SUFFIX: &str = ".backup-state";

/// How often, and how long each time, a lock is waited for that is about to be free.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// The folder beside a database. Everything in it can be lost: then the next backup holds every page.
#[derive(Debug, Clone)]
pub struct StateDir {
    database: PathBuf,
    folder: PathBuf,
}

/// A lock that is held until it is dropped, or the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// The right to open the file, which one has at a time.
#[derive(Debug)]
pub struct Opening {
    _lock: Lock,
}

impl StateDir {
    fn of(database: &Path) -> Self {
        let mut folder = database.as_os_str().to_owned();
        folder.push(STATE_SUFFIX);
        Self { database: database.to_owned(), folder: folder.into() }
    }

    /// The folder of a database, which is made if there is none.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn beside(database: &Path) -> Result<Self, Error> {
        let state_dir = Self::of(database);
        fs::create_dir_all(&state_dir.folder).map_err(|error| state_dir.failed(&error))?;
        state_dir.remove_leftovers();
        Ok(state_dir)
    }

    /// The folder of a database, if there is one.
    #[must_use]
    pub fn found_beside(database: &Path) -> Option<Self> {
        let state_dir = Self::of(database);
        state_dir.folder.is_dir().then_some(state_dir)
    }

    /// Whether a process makes backups of the file now.
    #[must_use]
    pub fn is_served(&self) -> bool {
        matches!(self.lock_for_backups(), Ok(None))
    }

    /// The folder's path.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until no other process, and no other thread of this one, opens the file.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn lock_for_opening(&self) -> Result<Opening, Error> {
        loop {
            fs::create_dir_all(&self.folder).map_err(|error| self.failed(&error))?;
            let file = self.open_lock("opening")?;
            file.lock().map_err(|error| self.failed(&error))?;
            // Who could not open the file has removed the lock, perhaps while this waited for it.
            if is_there(&file, &self.lock_path("opening")) {
                return Ok(Opening { _lock: Lock { _file: file } });
            }
        }
    }

    /// The right to make the backups of the file, unless another process has it.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn lock_for_backups(&self) -> Result<Option<Lock>, Error> {
        let file = self.open_lock("backing-up")?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(self.failed(&error)),
        }
    }

    /// [`StateDir::lock_for_backups`], tried for a moment: a process that is being started holds what its parent has just
    /// let go of, until it has its own program.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn lock_for_backups_soon(&self) -> Result<Option<Lock>, Error> {
        for _ in 0..LOCK_ATTEMPTS {
            if let Some(lock) = self.lock_for_backups()? {
                return Ok(Some(lock));
            }
            thread::sleep(LOCK_PAUSE);
        }
        Ok(None)
    }

    /// Whether the process that last made backups of the file ended without saying so.
    #[must_use]
    pub fn is_marked_in_use(&self) -> bool {
        self.mark_path().exists()
    }

    /// Marks that the file is in use.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn mark_in_use(&self) -> Result<(), Error> {
        disk::replace(&self.mark_path(), b"").map_err(|error| self.failed(&error))
    }

    /// Removes the mark: the file was closed. Keeps what its first page is now, unless others have it open.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn mark_closed(&self) -> Result<(), Error> {
        if let Some(page) = self.first_page_at_rest() {
            page.keep(&self.folder);
        }
        disk::remove(&self.mark_path()).map_err(|error| self.failed(&error))
    }

    /// The first page, if nobody has the file open: who does may go on writing to it without counting more.
    fn first_page_at_rest(&self) -> Option<FirstPage> {
        let is_at_rest = || !wal_path(&self.database).exists();
        if !is_at_rest() {
            return None;
        }
        let connection = open_for_inspection(&self.database).ok()?;
        let page = FirstPage::read(&connection).ok()?;
        drop(connection);
        page.filter(|_| is_at_rest())
    }

    fn mark_path(&self) -> PathBuf {
        self.folder.join("in-use")
    }

    fn lock_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.lock"))
    }

    fn open_lock(&self, name: &str) -> Result<File, Error> {
        let opened = File::options().create(true).write(true).truncate(false).open(self.lock_path(name));
        opened.map_err(|error| self.failed(&error))
    }

    /// Removes the folder if nothing but locks is in it: the file could not be opened.
    pub fn remove_if_unused(&self, _opening: &Opening) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        if paths.iter().all(|path| path.extension().is_some_and(|extension| extension == "lock")) {
            for path in paths {
                drop(disk::remove(&path));
            }
            drop(fs::remove_dir(&self.folder));
        }
    }

    /// Removes what a process that was killed was about to write.
    fn remove_leftovers(&self) {
        let Ok(Some(_lock)) = self.lock_for_backups() else { return };
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "tmp") {
                drop(disk::remove(&entry.path()));
            }
        }
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        let message = format!("cannot use {}, which backups need: {error}", self.folder.display());
        Error::backup(BackupProblem::State, message)
    }
}

/// Whether a file has not been removed since it was opened at a path.
#[cfg(unix)]
fn is_there(file: &File, _path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
}

/// Whether a file has not been removed since it was opened at a path, as far as can be told.
#[cfg(not(unix))]
fn is_there(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_the_right_to_make_backups() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.sqlite3");
        let state_dir = StateDir::beside(&database).unwrap();
        let lock = state_dir.lock_for_backups().unwrap();
        assert!(lock.is_some());
        assert!(StateDir::beside(&database).unwrap().lock_for_backups().unwrap().is_none());
        drop(lock);
        assert!(state_dir.lock_for_backups().unwrap().is_some());
    }

    #[test]
    fn the_mark_stays_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let state_dir = StateDir::beside(&folder.path().join("a.sqlite3")).unwrap();
        assert!(!state_dir.is_marked_in_use());
        state_dir.mark_in_use().unwrap();
        assert!(StateDir::beside(&folder.path().join("a.sqlite3")).unwrap().is_marked_in_use());
        state_dir.mark_closed().unwrap();
        state_dir.mark_closed().unwrap();
        assert!(!state_dir.is_marked_in_use());
    }
}
