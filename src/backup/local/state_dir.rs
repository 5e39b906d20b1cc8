//! Folder beside a database: the state file, two locks, the in-use marker, and the fingerprint of the first page at
//! the last close.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::first_page::FirstPage;
use super::inspection::open_for_inspection;
use crate::backup::fs::access::{Access, make_folder};
use crate::backup::fs::deleted::is_deleted;
use crate::backup::fs::disk;
use crate::backup::fs::replace::replace;
#[cfg(unix)]
use crate::engine::sqlite::refusal_to_make;
use crate::engine::sqlite::wal::frames::wal_path;
use crate::{BackupProblem, Error};

/// Suffix of the folder's name.
pub const STATE_SUFFIX: &str = ".backup-state";

/// Attempts and pause for a lock that is about to be released.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Folder beside a database. If it is lost, the next backup holds every page.
#[derive(Debug, Clone)]
pub struct StateDir {
    database: PathBuf,
    folder: PathBuf,
}

/// File lock, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Exclusive right to open the file.
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

    /// Opens the folder of a database, and creates it if necessary.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn beside(database: &Path) -> Result<Self, Error> {
        let state_dir = Self::of(database);
        state_dir.make()?;
        state_dir.remove_leftovers();
        Ok(state_dir)
    }

    /// Creates the folder, if necessary.
    fn make(&self) -> Result<(), Error> {
        make_folder(&self.folder, Access::of_database(&self.database)).map_err(|error| self.failed(&error))
    }

    /// Keeps from the folder whoever may not read the database.
    pub fn restrict(&self) {
        if let Some(access) = Access::of(&self.database) {
            // Somebody else's folder: what is in it are hashes of pages.
            drop(access.restrict(&self.folder));
        }
    }

    /// Opens the folder of a database, if it exists.
    #[must_use]
    pub fn found_beside(database: &Path) -> Option<Self> {
        let state_dir = Self::of(database);
        state_dir.folder.is_dir().then_some(state_dir)
    }

    /// Returns true if some process makes backups of the file now.
    #[must_use]
    pub fn is_served(&self) -> bool {
        matches!(self.lock_for_backups(), Ok(None))
    }

    /// Path of the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until no other process or thread is opening the file.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn lock_for_opening(&self) -> Result<Opening, Error> {
        loop {
            self.make()?;
            let file = self.open_lock("opening")?;
            file.lock().map_err(|error| self.failed(&error))?;
            // A process that fails to open the file removes the lock, perhaps while this call waited for it.
            if !is_deleted(&file).map_err(|error| self.failed(&error))? {
                return Ok(Opening { _lock: Lock { _file: file } });
            }
        }
    }

    /// Acquires the right to make backups of the file, unless another process has it.
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

    /// Like [`StateDir::lock_for_backups`], with retries: between fork and exec a child process holds locks that its
    /// parent has just released.
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

    /// Returns true if the last process that made backups ended without closing the file.
    #[must_use]
    pub fn is_marked_in_use(&self) -> bool {
        self.mark_path().exists()
    }

    /// Sets the in-use marker.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_STATE`.
    pub fn mark_in_use(&self) -> Result<(), Error> {
        replace(&self.mark_path(), b"").map_err(|error| self.failed(&error))
    }

    /// Removes the in-use marker and saves the fingerprint of the first page, unless others have the file open.
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

    /// Reads the fingerprint of the first page, if nobody has the file open: an open connection may write again
    /// without incrementing the counter.
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
        let path = self.lock_path(name);
        let is_new = !path.exists();
        let mut options = File::options();
        options.create(true).write(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
        let file = options.open(&path).map_err(|error| self.failed(&error))?;
        if let Some(access) = Access::of(&self.folder).filter(|_| is_new) {
            access.apply(&path).map_err(|error| self.failed(&error))?;
        }
        Ok(file)
    }

    /// Removes the folder if it holds nothing but locks, because the file could not be opened.
    pub fn remove_if_unused(&self, opening: Opening) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        let is_ours = |path: &PathBuf| {
            path.extension().is_some_and(|extension| extension == "lock") || path.ends_with(".gitignore")
        };
        if paths.iter().all(is_ours) {
            for path in paths {
                drop(disk::remove(&path));
            }
            if fs::remove_dir(&self.folder).is_err() {
                // Windows may keep the name of a removed file until it is closed.
                drop(opening);
                drop(fs::remove_dir(&self.folder));
            }
        }
    }

    /// Removes the temporary files of killed processes.
    fn remove_leftovers(&self) {
        let Ok(Some(_lock)) = self.lock_for_backups() else { return };
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "tmp") {
                drop(disk::remove(&entry.path()));
            }
        }
    }

    /// The permission that is missing, and to whom.
    fn refusal(&self) -> Option<String> {
        #[cfg(unix)]
        return [self.mark_path(), self.folder.clone()].iter().find_map(|path| refusal_to_make(path));
        #[cfg(not(unix))]
        return None;
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        let reason = self.refusal().unwrap_or_else(|| error.to_string());
        let message = format!("cannot use {}, which backups need: {reason}", self.folder.display());
        Error::backup(BackupProblem::State, message)
    }
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

    #[test]
    fn a_folder_that_holds_nothing_but_locks_is_removed_and_any_other_stays() {
        let folder = tempfile::tempdir().unwrap();
        let state_dir = StateDir::beside(&folder.path().join("a.sqlite3")).unwrap();
        drop(state_dir.lock_for_backups().unwrap());
        state_dir.mark_in_use().unwrap();
        state_dir.remove_if_unused(state_dir.lock_for_opening().unwrap());
        assert!(state_dir.is_marked_in_use());
        state_dir.mark_closed().unwrap();
        state_dir.remove_if_unused(state_dir.lock_for_opening().unwrap());
        assert!(!state_dir.folder.exists());
    }
}
