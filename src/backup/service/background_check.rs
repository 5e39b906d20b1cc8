//! Check of a large file on a thread of its own: what changes meanwhile is backed up.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::status::Status;
use crate::backup::events::{BackupEvent, Observers};
use crate::backup::recover::inspect::find_damage;
use crate::clock::now_ms;
use crate::error::CancelReason;
use crate::sql::Cancel;
use crate::threads::{lock, spawn};
use crate::{BackupProblem, Error};

/// Check that is going on. Ends when dropped: nothing has the file open then that does not belong to somebody else.
#[derive(Debug)]
pub struct BackgroundCheck {
    cancel: Arc<Cancel>,
    thread: Option<JoinHandle<()>>,
}

impl BackgroundCheck {
    /// Begins to check a file. Damage is reported as a failure of its backups.
    ///
    /// # Errors
    ///
    /// `ERR_INTERNAL` if the system has no more threads to give.
    pub fn start(path: &Path, status: Arc<Mutex<Status>>, observers: Arc<Observers>) -> Result<Self, Error> {
        let cancel = Arc::new(Cancel::default());
        let (path, shared): (PathBuf, _) = (path.to_owned(), Arc::clone(&cancel));
        let thread = spawn("file-check", move || {
            // A check that was interrupted has found nothing.
            let Ok(Some(problem)) = find_damage(&path, &shared) else { return };
            let message = format!("{} cannot be relied on: {problem}", path.display());
            let error = Error::backup(BackupProblem::Damaged, message);
            lock(&status).failed(&error, now_ms());
            observers.tell(&BackupEvent::Failure(error));
        })?;
        Ok(Self { cancel, thread: Some(thread) })
    }

    /// Returns true if the check has ended by itself.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for BackgroundCheck {
    fn drop(&mut self) {
        self.cancel.cancel(CancelReason::Aborted);
        if let Some(thread) = self.thread.take() {
            // A panic in it concerns nobody else.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use rusqlite::Connection;

    use super::*;

    /// Database whose check takes longer than a test has.
    fn make_large(path: &Path) {
        Connection::open(path)
            .unwrap()
            .execute_batch(
                "PRAGMA synchronous = OFF; CREATE TABLE t (x);
                 WITH n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60000)
                 INSERT INTO t SELECT randomblob(900) FROM n",
            )
            .unwrap();
    }

    #[test]
    fn a_check_keeps_nobody_waiting_tells_of_damage_and_ends_when_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        make_large(&path);
        let status = Arc::new(Mutex::new(Status::new("a destination")));
        let start = || BackgroundCheck::start(&path, Arc::clone(&status), Arc::default()).unwrap();
        let run_to_its_end = || {
            let check = start();
            while !check.is_finished() {
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        let began = Instant::now();
        run_to_its_end();
        let whole = began.elapsed();
        assert!(lock(&status).last_error.is_none());

        // Once in a few times also on a machine where much else runs.
        let is_short = |_| {
            let began = Instant::now();
            drop(start());
            began.elapsed() < whole / 2
        };
        assert!((0..20).any(is_short), "not within half of {whole:?}");
        assert!(lock(&status).last_error.is_none());

        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        run_to_its_end();
        let told = lock(&status).last_error.as_ref().map(|(error, _)| error.code());
        assert_eq!(told, Some("ERR_BACKUP_DAMAGED"));
    }
}
