//! The kinds of failures of backups.

/// The kind of a failure of backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupProblem {
    /// The destination cannot be reached, read or written. Backups are retried until it can.
    Destination,
    /// Another writer has put other backups there. Give each database its own destination.
    Conflict,
    /// No backup has the requested state.
    NotFound,
    /// No backup of the requested state passes its checks.
    Damaged,
    /// The backup state beside the database cannot be read or written.
    State,
    /// The output file exists.
    Exists,
    /// Somebody has the file open.
    InUse,
    /// Another process makes backups of this file.
    ElsewhereActive,
    /// The address of the destination is invalid.
    Address,
    /// A hook threw, or has not ended.
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
            Self::InUse => "ERR_FILE_IN_USE",
            Self::ElsewhereActive => "ERR_BACKUP_ELSEWHERE",
            Self::Address => "ERR_INVALID_CONFIG",
            Self::Hook => "ERR_BACKUP_HOOK",
        }
    }
}
