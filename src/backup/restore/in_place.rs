//! Restore of an open database, through SQLite, so that every connection sees the result.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::image::{Care, cannot_write, restore_with};
use super::listing::timed;
use super::progress::RestoreProgress;
use super::restored::Restored;
use crate::backup::catalog::plan::Target;
use crate::backup::destination::Destination;
use crate::backup::fs::temporary::Temporary;
use crate::engine::sqlite::{forget_mark, open_detached, open_own_writer};
use crate::sql::Cancel;
use crate::{BackupProblem, Error};

/// Attempts and pause for a lock, in addition to SQLite's own waiting.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Verified state that is to replace the content of a database.
pub struct Replacement {
    /// Result of the restore.
    pub restored: Restored,
    source: Connection,
    database: PathBuf,
    /// Declared last: removed after the connection is closed.
    _file: Temporary,
}

impl Replacement {
    /// Restores a state to a file whose path begins with `temporary`. Takes long, and does not change the database.
    ///
    /// # Errors
    ///
    /// As [`restore_with`].
    pub fn prepare(
        destination: &dyn Destination,
        target: Target,
        database: &Path,
        temporary: &Path,
        cancel: &Arc<Cancel>,
        progress: &mut dyn FnMut(RestoreProgress),
    ) -> Result<Self, Error> {
        let file = Temporary::create(temporary).map_err(|error| cannot_write(temporary, &error))?;
        let files = timed(destination, target)?;
        let care = Care { is_brief: false, cancel: Some(cancel) };
        let restored = restore_with(destination, &files, target, file.path(), care, progress)?;
        forget_mark(file.path())?;
        let source = open_detached(file.path())?;
        Ok(Self { restored, source, database: database.to_owned(), _file: file })
    }

    /// Replaces the content of the database in one transaction, if `capture` returns true. `capture` is called once
    /// nobody else can write to the database, until this returns. It reads the content that is about to be replaced,
    /// to the last commit, through connections of its own.
    ///
    /// # Errors
    ///
    /// Any error of `capture`; `ERR_BACKUP_STATE` if the page size differs or others keep the database locked; or
    /// with SQLite's code. Nothing was changed then.
    pub fn replace(&self, capture: impl FnOnce() -> Result<bool, Error>) -> Result<bool, Error> {
        let mut store = open_own_writer(&self.database)?;
        let page_size =
            |connection: &Connection| connection.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0));
        if page_size(&self.source)? != page_size(&store)? {
            let message = "that backup has another page size than the store; restore it to another file instead";
            return Err(Error::backup(BackupProblem::State, message));
        }
        let mode: String = store.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let has_log = mode == "wal";
        if !has_log {
            // With exclusive locking, the lock outlives the transaction: nobody else can write, but everybody can
            // read, which the lock of the copy itself would prevent (sqlite.org/pragma.html, "locking_mode"). Set
            // before the transaction, it would also keep a read lock, on which a writer would wait while this waits
            // for the writer.
            store.execute_batch("BEGIN IMMEDIATE; PRAGMA locking_mode = EXCLUSIVE; ROLLBACK")?;
        }
        let backup = Backup::new(&self.source, &mut store)?;
        if has_log {
            // Copies no page yet, but takes the lock, which is held until the copy is finished or given up
            // (sqlite.org/c3ref/backup_finish.html). With a log it keeps nobody from reading.
            step(&backup, 0, LOCK_ATTEMPTS)?;
        }
        if !capture()? {
            return Ok(false);
        }
        step(&backup, -1, 1)?;
        Ok(true)
    }
}

/// Copies this number of pages, or all if it is -1. The first step takes the lock.
fn step(backup: &Backup, pages: i32, attempts: u32) -> Result<(), Error> {
    for attempt in 0..attempts {
        if attempt > 0 {
            thread::sleep(LOCK_PAUSE);
        }
        match backup.step(pages)? {
            StepResult::Done => return Ok(()),
            StepResult::More if pages == 0 => return Ok(()),
            _ => {}
        }
    }
    Err(Error::backup(BackupProblem::State, "the store could not be restored: others keep it locked"))
}
