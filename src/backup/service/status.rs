//! How backups stand.

use crate::Error;
use crate::backup::catalog::files::BackupFile;
use crate::ltx::Txid;

/// What the thread is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has not looked yet.
    Starting,
    /// It makes backups.
    Active,
    /// Another process makes the backups of this file.
    Elsewhere,
    /// The last attempt failed. It tries again.
    Failing,
    /// Another writer has put other backups at the destination. It has stopped.
    Conflict,
}

/// How backups stand.
#[derive(Debug, Clone)]
pub struct Status {
    /// The destination, without credentials.
    pub destination: String,
    /// What the thread is about.
    pub phase: Phase,
    /// Since when there is something that is not safe, in milliseconds since 1970 UTC.
    pub behind_since_ms: Option<i64>,
    /// When the last backup was made.
    pub last_backup_ms: Option<i64>,
    /// What last went wrong, and when.
    pub last_error: Option<(Error, i64)>,
    /// The newest transaction at the destination.
    pub position: Option<Txid>,
}

impl Status {
    /// Before anything has happened.
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

    /// How long there has been something that is not safe.
    #[must_use]
    pub fn lag_ms(&self, now_ms: i64) -> i64 {
        self.behind_since_ms.map_or(0, |since_ms| now_ms.saturating_sub(since_ms).max(0))
    }

    /// Something went wrong.
    pub fn failed(&mut self, error: &Error, now_ms: i64) {
        self.last_error = Some((error.clone(), now_ms));
    }

    /// A backup is safe.
    pub fn backed_up(&mut self, file: &BackupFile) {
        self.last_backup_ms = Some(file.time_ms);
        self.position = self.position.max(Some(file.name.max));
    }
}
