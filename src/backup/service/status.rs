//! Status of the backups of a file.

use crate::Error;
use crate::backup::catalog::files::BackupFile;
use crate::ltx::Txid;

/// Activity of the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing was tried yet.
    Starting,
    /// Backups are being made.
    Active,
    /// Another process makes the backups of this file.
    Elsewhere,
    /// The last attempt failed and will be repeated.
    Failing,
    /// Another writer has put backups at the destination. Backups have stopped.
    Conflict,
}

/// Status of the backups of a file.
#[derive(Debug, Clone)]
pub struct Status {
    /// Destination, without credentials.
    pub destination: String,
    /// Activity of the thread.
    pub phase: Phase,
    /// Time since which a change is waiting for its backup, in milliseconds since 1970 UTC.
    pub behind_since_ms: Option<i64>,
    /// Time of the last backup, in milliseconds since 1970 UTC.
    pub last_backup_ms: Option<i64>,
    /// Last error, with its time.
    pub last_error: Option<(Error, i64)>,
    /// Newest transaction at the destination.
    pub position: Option<Txid>,
}

impl Status {
    /// Initial status.
    #[must_use]
    pub fn new(destination: &str) -> Self {
        Self {
            destination: destination.to_owned(),
            phase: Phase::Starting,
            behind_since_ms: None,
            last_backup_ms: None,
            last_error: None,
            position: None,
        }
    }

    /// Age of the oldest change not yet backed up, in milliseconds; 0 if none.
    #[must_use]
    pub fn lag_ms(&self, now_ms: i64) -> i64 {
        self.behind_since_ms.map_or(0, |since_ms| now_ms.saturating_sub(since_ms).max(0))
    }

    /// Records an error.
    pub fn failed(&mut self, error: &Error, now_ms: i64) {
        self.last_error = Some((error.clone(), now_ms));
    }

    /// Records a published backup.
    pub fn backed_up(&mut self, file: &BackupFile) {
        self.last_backup_ms = Some(file.time_ms);
        self.position = self.position.max(Some(file.name.max));
    }
}
