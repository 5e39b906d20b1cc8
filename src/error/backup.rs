//! The kinds of failures of backups.

/// What can be wrong with backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupProblem {
    /// The destination cannot be reached, read or written. Backups are tried again until it can.
    Destination,
    /// Another writer has put other backups there. Give each database a destination of its own.
    Conflict,
    /// There is no backup of what was asked for.
    NotFound,
    /// No backup that leads to what was asked for passes its checks.
    Damaged,
    /// What backups keep beside the database cannot be read or written.
    State,
    /// A file that would be overwritten exists.
    Exists,
    /// Another process makes the backups of this file.
    ElsewhereActive,
    /// The destination is not named as it has to be.
    Address,
    /// A function of the user, called before or after a backup, threw or has not ended.
    Hook,
}

impl BackupProblem {
    /// The stable name of the kind of failure.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Destination => "ERR_BACKUP_DESTINATION",
            Self::Conflict => "ERR_BACKUP_CONFLICT",
            Self::NotFound => "ERR_BACKUP_NOT_FOUND",
            Self::Damaged => "ERR_BACKUP_DAMAGED",
            Self::State => "ERR_BACKUP_STATE",
            Self::Exists => "ERR_FILE_EXISTS",
            Self::ElsewhereActive => "ERR_BACKUP_ELSEWHERE",
            Self::Address => "ERR_INVALID_CONFIG",
            Self::Hook => "ERR_BACKUP_HOOK",
        }
    }
}
