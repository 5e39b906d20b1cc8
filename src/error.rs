//! The one error type of the core.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ffi;

use crate::sql::SqlError;

/// Characters of a key that a message shows.
const KEY_CHARACTERS_MAX: usize = 100;

/// Why something could not be done.
///
/// [`Error::code`] is stable and is what programs should look at. The message never carries a stored value.
#[derive(Debug, Clone)]
pub struct Error(Kind);

/// Cloned for every operation of a group that failed together.
#[derive(Debug, Clone)]
enum Kind {
    /// SQLite refused. The code tells why; see <https://sqlite.org/rescode.html>.
    Sqlite { extended_code: i32, message: String },
    /// The path names a folder. Name a file in it instead.
    IsDirectory(PathBuf),
    /// The file may be read and not written. Allow it.
    ReadOnly(PathBuf),
    /// The file was deleted or replaced while it was open. Restart the process, or close and open the store.
    Moved(PathBuf),
    /// The folder that should hold the file does not exist. Create it first.
    NoParent(PathBuf),
    /// A newer version of this package made the file. Upgrade the package.
    SchemaNewer { supported: usize },
    /// Another program stored something that is not JSON. Correct the row, or overwrite the key.
    NotJson { key: String },
    /// A stored value is longer than a JavaScript string can be. Only SQL can read it.
    TooLong { key: String },
    /// Something about backups. The code says what, see [`BackupProblem`].
    Backup { problem: BackupProblem, message: String },
    /// A statement of the user's could not be carried out.
    Sql(SqlError),
    /// A defect of this package, such as a panic in one of its threads.
    Internal(String),
}

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
    fn code(self) -> &'static str {
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

impl Error {
    /// A defect of this package.
    #[must_use]
    pub fn internal(what: &str) -> Self {
        Self(Kind::Internal(what.to_owned()))
    }

    /// What is stored under a key is not JSON.
    #[must_use]
    pub fn not_json(key: &str) -> Self {
        Self(Kind::NotJson { key: key.chars().take(KEY_CHARACTERS_MAX).collect() })
    }

    /// What is stored under a key is too long for a JavaScript string.
    #[must_use]
    pub fn too_long(key: &str) -> Self {
        Self(Kind::TooLong { key: key.chars().take(KEY_CHARACTERS_MAX).collect() })
    }

    pub(crate) fn backup(problem: BackupProblem, message: impl Into<String>) -> Self {
        Self(Kind::Backup { problem, message: message.into() })
    }

    /// What is wrong with backups, if that is what this is about.
    #[must_use]
    pub fn backup_problem(&self) -> Option<BackupProblem> {
        match &self.0 {
            Kind::Backup { problem, .. } => Some(*problem),
            _ => None,
        }
    }

    pub(crate) fn not_a_database() -> Self {
        Self::sqlite(ffi::SQLITE_NOTADB)
    }

    /// A lock is held, or about to be.
    pub(crate) fn busy() -> Self {
        Self::sqlite(ffi::SQLITE_BUSY)
    }

    fn sqlite(extended_code: i32) -> Self {
        Self(Kind::Sqlite { extended_code, message: ffi::code_to_str(extended_code).to_owned() })
    }

    pub(crate) fn foreign_key() -> Self {
        let extended_code = ffi::SQLITE_CONSTRAINT_FOREIGNKEY;
        Self(Kind::Sqlite { extended_code, message: "FOREIGN KEY constraint failed".to_owned() })
    }

    pub(crate) fn is_directory(path: &Path) -> Self {
        Self(Kind::IsDirectory(path.to_owned()))
    }

    pub(crate) fn read_only(path: &Path) -> Self {
        Self(Kind::ReadOnly(path.to_owned()))
    }

    pub(crate) fn moved(path: &Path) -> Self {
        Self(Kind::Moved(path.to_owned()))
    }

    pub(crate) fn no_parent(path: &Path) -> Self {
        Self(Kind::NoParent(path.to_owned()))
    }

    pub(crate) fn schema_newer(supported: usize) -> Self {
        Self(Kind::SchemaNewer { supported })
    }

    /// The stable name of the kind of failure: SQLite's extended code by name, or one of this package's own.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            Kind::Sqlite { extended_code, .. } => code_name(*extended_code),
            Kind::IsDirectory(_) => "SQLITE_CANTOPEN_ISDIR",
            Kind::ReadOnly(_) => "SQLITE_READONLY",
            Kind::Moved(_) => "SQLITE_READONLY_DBMOVED",
            Kind::NoParent(_) => "SQLITE_CANTOPEN",
            Kind::SchemaNewer { .. } => "ERR_SCHEMA_NEWER",
            Kind::NotJson { .. } => "ERR_VALUE_NOT_JSON",
            Kind::TooLong { .. } => "ERR_VALUE_TOO_LONG",
            Kind::Backup { problem, .. } => problem.code(),
            Kind::Sql(error) => error.code(),
            Kind::Internal(_) => "ERR_INTERNAL",
        }
    }

    /// What is wrong with a statement, if that is what this is about.
    #[must_use]
    pub fn sql(&self) -> Option<&SqlError> {
        match &self.0 {
            Kind::Sql(error) => Some(error),
            _ => None,
        }
    }

    /// A failure that SQLite reported while a statement of the user's ran: without what its message quotes.
    pub(crate) fn of_statement(error: rusqlite::Error) -> Self {
        match Self::from(error).0 {
            Kind::Sqlite { extended_code: ffi::SQLITE_ERROR, message } => {
                let message = crate::sql::without_values(&message);
                Self(Kind::Sqlite { extended_code: ffi::SQLITE_ERROR, message })
            }
            other => Self(other),
        }
    }

    /// Whether it is a defect of this package.
    pub(crate) fn is_internal(&self) -> bool {
        matches!(self.0, Kind::Internal(_))
    }

    /// Whether the same call may succeed when a lock has been released.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(&self.0, Kind::Sqlite { extended_code, .. }
            if matches!(extended_code & 0xff, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Sqlite { message, .. } | Kind::Backup { message, .. } => f.write_str(message),
            Kind::IsDirectory(path) => write!(f, "{} is a folder, not a file", path.display()),
            Kind::ReadOnly(path) => write!(f, "{} may not be written", path.display()),
            Kind::Moved(path) => write!(
                f,
                "{} was deleted or replaced while it was open; put it back, or remove the -wal and -shm files that \
                 belong to it, and start the process anew",
                path.display()
            ),
            Kind::NoParent(path) => write!(f, "the folder of {} does not exist", path.display()),
            Kind::SchemaNewer { supported } => write!(
                f,
                "a newer version of rootcellar made this file; this version knows schemas up to {supported}"
            ),
            Kind::NotJson { key } => {
                write!(f, "what is stored under the key {key:?} is not JSON; another program must have written it")
            }
            Kind::TooLong { key } => {
                write!(f, "what is stored under the key {key:?} is longer than a JavaScript string can be")
            }
            Kind::Sql(error) => error.fmt(f),
            Kind::Internal(what) => write!(f, "internal error: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        Self(Kind::Sql(error))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let (extended_code, message) = match &error {
            rusqlite::Error::SqliteFailure(cause, message) => (
                cause.extended_code,
                message.clone().unwrap_or_else(|| ffi::code_to_str(cause.extended_code).to_owned()),
            ),
            rusqlite::Error::SqlInputError { error: cause, msg, .. } => (cause.extended_code, msg.clone()),
            // rusqlite reports a text or blob beyond i32::MAX bytes on its own, before SQLite sees it.
            rusqlite::Error::ToSqlConversionFailure(_) => {
                (ffi::SQLITE_TOOBIG, ffi::code_to_str(ffi::SQLITE_TOOBIG).to_owned())
            }
            // Others have made the tables, or filled them: this package stores nothing else than it reads.
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::Utf8Error(..) => (ffi::SQLITE_MISMATCH, error.to_string()),
            other => return Self::internal(&other.to_string()),
        };
        Self(Kind::Sqlite { extended_code, message })
    }
}

/// Turns SQLite's result codes into their names; one that this list does not know is named by its primary code.
macro_rules! code_names {
    ($($name:ident)*) => {
        pub(crate) fn code_name(extended_code: i32) -> &'static str {
            match extended_code {
                $(ffi::$name => stringify!($name),)*
                other if other != other & 0xff => code_name(other & 0xff),
                _ => "SQLITE_ERROR",
            }
        }
    };
}

code_names! {
    SQLITE_INTERNAL SQLITE_PERM SQLITE_ABORT SQLITE_BUSY SQLITE_LOCKED SQLITE_NOMEM SQLITE_READONLY
    SQLITE_INTERRUPT SQLITE_IOERR SQLITE_CORRUPT SQLITE_NOTFOUND SQLITE_FULL SQLITE_CANTOPEN SQLITE_PROTOCOL
    SQLITE_SCHEMA SQLITE_TOOBIG SQLITE_CONSTRAINT SQLITE_MISMATCH SQLITE_MISUSE SQLITE_NOLFS SQLITE_AUTH
    SQLITE_RANGE SQLITE_NOTADB
    SQLITE_ABORT_ROLLBACK SQLITE_BUSY_RECOVERY SQLITE_BUSY_SNAPSHOT SQLITE_BUSY_TIMEOUT
    SQLITE_CANTOPEN_NOTEMPDIR SQLITE_CANTOPEN_ISDIR SQLITE_CANTOPEN_FULLPATH SQLITE_CANTOPEN_CONVPATH
    SQLITE_CANTOPEN_SYMLINK
    SQLITE_CONSTRAINT_CHECK SQLITE_CONSTRAINT_COMMITHOOK SQLITE_CONSTRAINT_FOREIGNKEY
    SQLITE_CONSTRAINT_FUNCTION SQLITE_CONSTRAINT_NOTNULL SQLITE_CONSTRAINT_PRIMARYKEY
    SQLITE_CONSTRAINT_ROWID SQLITE_CONSTRAINT_TRIGGER SQLITE_CONSTRAINT_UNIQUE SQLITE_CONSTRAINT_VTAB
    SQLITE_CONSTRAINT_DATATYPE
    SQLITE_CORRUPT_INDEX SQLITE_CORRUPT_SEQUENCE SQLITE_CORRUPT_VTAB
    SQLITE_IOERR_ACCESS SQLITE_IOERR_AUTH SQLITE_IOERR_BEGIN_ATOMIC SQLITE_IOERR_CHECKRESERVEDLOCK
    SQLITE_IOERR_CLOSE SQLITE_IOERR_COMMIT_ATOMIC SQLITE_IOERR_CONVPATH SQLITE_IOERR_CORRUPTFS
    SQLITE_IOERR_DATA SQLITE_IOERR_DELETE SQLITE_IOERR_DELETE_NOENT SQLITE_IOERR_DIR_FSYNC
    SQLITE_IOERR_FSTAT SQLITE_IOERR_FSYNC SQLITE_IOERR_GETTEMPPATH SQLITE_IOERR_LOCK SQLITE_IOERR_MMAP
    SQLITE_IOERR_NOMEM SQLITE_IOERR_RDLOCK SQLITE_IOERR_READ SQLITE_IOERR_ROLLBACK_ATOMIC
    SQLITE_IOERR_SEEK SQLITE_IOERR_SHMLOCK SQLITE_IOERR_SHMMAP SQLITE_IOERR_SHMOPEN SQLITE_IOERR_SHMSIZE
    SQLITE_IOERR_SHORT_READ SQLITE_IOERR_TRUNCATE SQLITE_IOERR_UNLOCK SQLITE_IOERR_VNODE SQLITE_IOERR_WRITE
    SQLITE_LOCKED_SHAREDCACHE SQLITE_LOCKED_VTAB
    SQLITE_READONLY_CANTINIT SQLITE_READONLY_CANTLOCK SQLITE_READONLY_DBMOVED SQLITE_READONLY_DIRECTORY
    SQLITE_READONLY_RECOVERY SQLITE_READONLY_ROLLBACK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_named_extended_where_known_and_primary_otherwise() {
        assert_eq!(code_name(ffi::SQLITE_CONSTRAINT_UNIQUE), "SQLITE_CONSTRAINT_UNIQUE");
        assert_eq!(code_name(ffi::SQLITE_FULL), "SQLITE_FULL");
        assert_eq!(code_name(ffi::SQLITE_IOERR | (200 << 8)), "SQLITE_IOERR");
        assert_eq!(code_name(0x7f), "SQLITE_ERROR");
    }
}
