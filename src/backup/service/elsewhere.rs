//! The process that makes the backups of a file, seen from another that restores it, or wants it backed up.
//!
//! Its records beside the file, and the backups at the destination, tell what it has backed up. Nobody talks to it.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::backup::capture::compare::Difference;
use crate::backup::catalog::files::newest_txid;
use crate::backup::destination::Destination;
use crate::backup::local::inspection::open_for_inspection;
use crate::backup::local::state_dir::{Lock, StateDir};
use crate::backup::local::state_file::{Known, Position, StateFile};
use crate::backup::publish::reconcile::{ChainPosition, chain_position};
use crate::limits::{ELSEWHERE_BACKUP_WAIT, ELSEWHERE_PAUSE};
use crate::ltx::Txid;
use crate::sql::Cancel;
use crate::{BackupProblem, Error};

/// Process that makes the backups of a file.
pub struct Server<'a> {
    path: &'a Path,
    state_dir: &'a StateDir,
    destination: &'a dyn Destination,
    /// Ends the waiting.
    cancel: &'a Cancel,
}

/// State of the backups at a deadline.
pub enum Served {
    /// All of the file, as it was then, is in this backup.
    All(Txid),
    /// Not all of it.
    Late,
    /// The process has ended. The right to make the backups is the caller's now.
    Ended(Lock),
}

impl<'a> Server<'a> {
    /// Finds the process, which must back up to this destination.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_ELSEWHERE` if it backs up to another.
    pub fn find(
        path: &'a Path,
        state_dir: &'a StateDir,
        destination: &'a dyn Destination,
        cancel: &'a Cancel,
    ) -> Result<Self, Error> {
        let server = Self { path, state_dir, destination, cancel };
        match server.known() {
            Some(known) if known.destination != destination.describe() => {
                let (there, here) = (known.destination, destination.describe());
                Err(server.error(&format!("backs it up to another destination, {there}, and not to {here}")))
            }
            _ => Ok(server),
        }
    }

    /// Waits until it has backed up what was written before a time, in milliseconds since 1970 UTC. Nothing keeps others
    /// from writing meanwhile.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_ELSEWHERE` if it has not after [`ELSEWHERE_BACKUP_WAIT`]; `ERR_BACKUP_DESTINATION`; `ABORT_ERR` if it
    /// was cancelled; with SQLite's code.
    pub fn await_backup_since(&self, time_ms: i64) -> Result<Served, Error> {
        let deadline = Instant::now() + ELSEWHERE_BACKUP_WAIT;
        // The last capture may have a time from before the clock was set back.
        let last = self.known().map(|known| known.position);
        match self.wait(deadline, |position| last.as_ref() != Some(position) && position.time_ms > time_ms)? {
            Served::Late => {
                let waited = ELSEWHERE_BACKUP_WAIT.as_secs();
                Err(self.error(&format!("has not backed up what the file holds for {waited} s")))
            }
            served => Ok(served),
        }
    }

    /// Waits until it has backed up all of the file, while nobody can write.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`; `ABORT_ERR` if it was cancelled; with SQLite's code.
    pub fn await_all(&self, limit: Duration) -> Result<Served, Error> {
        self.wait(Instant::now() + limit, |_| false)
    }

    /// Waits until its last capture is enough, or has all of the file; and is at the destination.
    fn wait(&self, deadline: Instant, is_enough: impl Fn(&Position) -> bool) -> Result<Served, Error> {
        let (mut compared, mut has_all) = (None, false);
        loop {
            self.cancel.check()?;
            if let Some(lock) = self.state_dir.lock_for_backups()? {
                return Ok(Served::Ended(lock));
            }
            if let Some(known) = self.known() {
                let position = known.position;
                // The record is compared once with a file that does not change.
                if compared != Some(position) && !is_enough(&position) {
                    has_all = Difference::between(&open_for_inspection(self.path)?, &known.table)?.is_none();
                    compared = Some(position);
                }
                let has_all = has_all && compared == Some(position);
                if (has_all && self.is_last(&position)?) || (is_enough(&position) && self.has_arrived(&position)?) {
                    return Ok(Served::All(position.txid));
                }
            }
            if Instant::now() >= deadline {
                return Ok(Served::Late);
            }
            thread::sleep(ELSEWHERE_PAUSE);
        }
    }

    fn known(&self) -> Option<Known> {
        StateFile::open(self.state_dir.folder()).1.map(|loaded| loaded.known)
    }

    /// Returns true if a capture or a later one is at the destination.
    fn has_arrived(&self, position: &Position) -> Result<bool, Error> {
        Ok(newest_txid(&self.destination.list()?) >= Some(position.txid))
    }

    /// Returns true if a capture is the newest at the destination.
    fn is_last(&self, position: &Position) -> Result<bool, Error> {
        let files = self.destination.list()?;
        Ok(chain_position(self.destination, &files, position) == ChainPosition::InStep)
    }

    /// Error of what needs more of the process than it does.
    pub fn error(&self, what: &str) -> Error {
        let message = format!("the process that makes the backups of {} {what}", self.path.display());
        Error::backup(BackupProblem::ElsewhereActive, message)
    }
}
