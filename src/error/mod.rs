//! The one error type of the core.

mod backup;
mod location;
mod postgres;
mod redact;
mod sql;
mod sqlite_codes;

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ffi;

pub use backup::BackupProblem;
pub use location::SqlLocation;
pub use postgres::{PostgresField, PostgresProblem};
pub use redact::without_values;
pub use sql::{CancelReason, SqlError};
pub(crate) use sqlite_codes::code_name;

/// Characters of a key that a message shows.
const KEY_CHARACTERS_MAX: usize = 100;

/// A failure.
///
/// [`Error::code`] is stable: programs should test it. The message never has a stored value in it.
#[derive(Debug, Clone)]
pub struct Error(Kind);

/// Cloned for every command of a group that failed together.
#[derive(Debug, Clone)]
enum Kind {
    /// SQLite's failure. The code says why, see <https://sqlite.org/rescode.html>.
    Sqlite { extended_code: i32, message: String },
    /// The path is a folder. Name a file in it instead.
    IsDirectory(PathBuf),
    /// The file is read-only. Allow writing.
    ReadOnly(PathBuf),
    /// The file was deleted or replaced while it was open. Restart the process, or close and open the store.
    Moved(PathBuf),
    /// The file was changed although its process could not write it when it was opened. Close and open the store.
    Changed(PathBuf),
    /// There is no file, and a store that only reads makes none. Correct the path.
    NoFile(PathBuf),
    /// The file is a database without the table of a store. Correct the path.
    NotAStore(PathBuf),
    /// The store was opened to read only. Open it without `readOnly`.
    ReadOnlyStore,
    /// The write-ahead log beside the file belongs to another, and cannot be set aside. Allow it, or move the log.
    StrayLog(PathBuf, String),
    /// The folder of the file does not exist. Create it first.
    NoParent(PathBuf),
    /// The name or the path of the file is too long for the files beside it. Give it a shorter one.
    LongName { path: PathBuf, what: &'static str, bytes: usize, bytes_max: usize },
    /// The process may not use the file or its folder. The message names it, its owner and what is needed.
    NotPermitted { code: &'static str, message: String },
    /// A newer version of this package made the file. Upgrade the package.
    SchemaNewer { supported: usize },
    /// Another program stored a value that is not JSON. Correct the row, or overwrite the key.
    NotJson { key: String },
    /// The value of a key is no number, so that nothing can be added to it. Store a number first.
    NotNumber { key: String },
    /// The sum is out of the range that the caller allows, or not finite. The number is as it was.
    OutOfRange { key: String },
    /// A trigger keeps a key from being written or deleted. Drop the trigger.
    NotWritten { key: String },
    /// A stored value is longer than a JavaScript string can be. Only SQL can read it.
    TooLong { key: String },
    /// A failure of backups. The code says which, see [`BackupProblem`].
    Backup { problem: BackupProblem, message: String },
    /// A failure of PostgreSQL.
    Postgres { problem: PostgresProblem, field: Option<PostgresField>, message: String },
    /// A failure of user SQL.
    Sql(SqlError),
    /// The failure of one of several statements.
    InStatement { index: usize, error: Box<Error> },
    /// A defect of this package, such as a panic in one of its threads.
    Internal(String),
}

impl Error {
    /// A defect of this package.
    #[must_use]
    pub fn internal(what: &str) -> Self {
        Self(Kind::Internal(what.to_owned()))
    }

    /// The stored value of a key is not JSON.
    #[must_use]
    pub fn not_json(key: &str) -> Self {
        Self(Kind::NotJson { key: key.chars().take(KEY_CHARACTERS_MAX).collect() })
    }

    /// The stored value of a key is too long for a JavaScript string.
    #[must_use]
    pub fn too_long(key: &str) -> Self {
        Self(Kind::TooLong { key: key.chars().take(KEY_CHARACTERS_MAX).collect() })
    }

    /// The stored value of a key is no number.
    pub(crate) fn not_number(key: &str) -> Self {
        Self(Kind::NotNumber { key: key.chars().take(KEY_CHARACTERS_MAX).collect() })
    }

    /// The sum for a key is out of range.
    pub(crate) fn out_of_range(key: &str) -> Self {
        Self(Kind::OutOfRange { key: key.chars().take(KEY_CHARACTERS_MAX).collect() })
    }

    /// A key was not written, or not deleted, although SQLite reports no error.
    pub(crate) fn not_written(key: &str) -> Self {
        Self(Kind::NotWritten { key: key.chars().take(KEY_CHARACTERS_MAX).collect() })
    }

    pub(crate) fn backup(problem: BackupProblem, message: impl Into<String>) -> Self {
        Self(Kind::Backup { problem, message: message.into() })
    }

    /// A failure of PostgreSQL, or of the way to it.
    pub(crate) fn postgres(
        problem: PostgresProblem,
        field: Option<PostgresField>,
        message: impl Into<String>,
    ) -> Self {
        Self(Kind::Postgres { problem, field, message: message.into() })
    }

    /// The failure of PostgreSQL, if it is one, and the part of the configuration that is to blame.
    #[must_use]
    pub fn postgres_problem(&self) -> Option<(&PostgresProblem, Option<PostgresField>)> {
        match &self.0 {
            Kind::Postgres { problem, field, .. } => Some((problem, *field)),
            _ => None,
        }
    }

    /// This failure, as that of one of several statements that run together.
    #[must_use]
    pub(crate) fn in_statement(self, index: usize) -> Self {
        Self(Kind::InStatement { index, error: Box::new(self) })
    }

    /// The index of the statement that failed, of several that run together.
    #[must_use]
    pub fn statement(&self) -> Option<usize> {
        match &self.0 {
            Kind::InStatement { index, .. } => Some(*index),
            _ => None,
        }
    }

    /// The kind of failure, if it is one of backups.
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

    /// A held lock, or one that is about to be taken.
    pub(crate) fn busy() -> Self {
        Self::sqlite(ffi::SQLITE_BUSY)
    }

    /// The work was cancelled.
    pub(crate) fn interrupted() -> Self {
        Self::sqlite(ffi::SQLITE_INTERRUPT)
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

    pub(crate) fn changed(path: &Path) -> Self {
        Self(Kind::Changed(path.to_owned()))
    }

    pub(crate) fn no_file(path: &Path) -> Self {
        Self(Kind::NoFile(path.to_owned()))
    }

    pub(crate) fn not_a_store(path: &Path) -> Self {
        Self(Kind::NotAStore(path.to_owned()))
    }

    /// The folder of a store in memory cannot be made.
    #[cfg(feature = "node")]
    pub(crate) fn no_private_folder(file: &Path, error: &std::io::Error) -> Self {
        let folder = file.parent().unwrap_or(file).display();
        Self(Kind::NotPermitted { code: "SQLITE_CANTOPEN", message: format!("cannot make {folder}: {error}") })
    }

    /// The store was opened to read only.
    #[must_use]
    pub fn read_only_store() -> Self {
        Self(Kind::ReadOnlyStore)
    }

    pub(crate) fn stray_log(path: &Path, error: &std::io::Error) -> Self {
        Self(Kind::StrayLog(path.to_owned(), error.to_string()))
    }

    pub(crate) fn no_parent(path: &Path) -> Self {
        Self(Kind::NoParent(path.to_owned()))
    }

    pub(crate) fn long_name(path: &Path, what: &'static str, bytes: usize, bytes_max: usize) -> Self {
        Self(Kind::LongName { path: path.to_owned(), what, bytes, bytes_max })
    }

    /// A failure of SQLite whose reason is a missing permission.
    #[cfg(unix)]
    pub(crate) fn not_permitted(code: &'static str, message: String) -> Self {
        Self(Kind::NotPermitted { code, message })
    }

    pub(crate) fn schema_newer(supported: usize) -> Self {
        Self(Kind::SchemaNewer { supported })
    }

    /// The stable name of the kind of failure: the name of SQLite's extended code, or a code of this package.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            Kind::Sqlite { extended_code, .. } => code_name(*extended_code),
            Kind::IsDirectory(_) => "SQLITE_CANTOPEN_ISDIR",
            Kind::ReadOnly(_) => "SQLITE_READONLY",
            Kind::Moved(_) | Kind::Changed(_) => "SQLITE_READONLY_DBMOVED",
            Kind::NoParent(_) | Kind::NoFile(_) | Kind::LongName { .. } => "SQLITE_CANTOPEN",
            Kind::NotAStore(_) => "ERR_NOT_A_STORE",
            Kind::ReadOnlyStore => "ERR_READ_ONLY",
            Kind::NotPermitted { code, .. } => code,
            Kind::SchemaNewer { .. } => "ERR_SCHEMA_NEWER",
            Kind::StrayLog(..) => "ERR_STRAY_LOG",
            Kind::NotJson { .. } => "ERR_VALUE_NOT_JSON",
            Kind::NotNumber { .. } => "ERR_VALUE_TYPE",
            Kind::OutOfRange { .. } => "ERR_OUT_OF_RANGE",
            Kind::NotWritten { .. } => "ERR_NOT_WRITTEN",
            Kind::TooLong { .. } => "ERR_VALUE_TOO_LONG",
            Kind::Backup { problem, .. } => problem.code(),
            Kind::Postgres { problem, .. } => problem.code(),
            Kind::Sql(error) => error.code(),
            Kind::InStatement { error, .. } => error.code(),
            Kind::Internal(_) => "ERR_INTERNAL",
        }
    }

    /// The failure of user SQL, if it is one.
    #[must_use]
    pub fn sql(&self) -> Option<&SqlError> {
        match &self.0 {
            Kind::Sql(error) => Some(error),
            Kind::InStatement { error, .. } => error.sql(),
            _ => None,
        }
    }

    /// A failure while user SQL ran. SQLite's message may quote a value; this one does not.
    pub(crate) fn of_statement(error: rusqlite::Error) -> Self {
        match Self::from(error).0 {
            Kind::Sqlite { extended_code: ffi::SQLITE_ERROR, message } => {
                let message = without_values(&message);
                Self(Kind::Sqlite { extended_code: ffi::SQLITE_ERROR, message })
            }
            other => Self(other),
        }
    }

    /// Returns `true` for a defect of this package.
    pub(crate) fn is_internal(&self) -> bool {
        match &self.0 {
            Kind::InStatement { error, .. } => error.is_internal(),
            kind => matches!(kind, Kind::Internal(_)),
        }
    }

    /// Returns `true` if the same call may succeed when a lock has been released.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match &self.0 {
            Kind::Sqlite { extended_code, .. } => {
                matches!(extended_code & 0xff, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED)
            }
            Kind::InStatement { error, .. } => error.is_busy(),
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Sqlite { message, .. }
            | Kind::Backup { message, .. }
            | Kind::NotPermitted { message, .. }
            | Kind::Postgres { message, .. } => f.write_str(message),
            Kind::IsDirectory(path) => write!(f, "{} is a folder, not a file", path.display()),
            Kind::ReadOnly(path) => write!(f, "{} may not be written", path.display()),
            Kind::Moved(path) => write!(
                f,
                "{} was deleted or replaced while it was open; put it back if it is to go on, and start the process anew. \
                 Leave {}-wal where it is: it may hold the last writes, and is set aside if the file is another",
                path.display(),
                path.display()
            ),
            Kind::Changed(path) => write!(
                f,
                "{} was changed by another process, of which this one, which may not write its folder, cannot keep up with \
                 what it does; close the store and open it again",
                path.display()
            ),
            Kind::NoFile(path) => write!(f, "there is no {}, and a store with readOnly makes none", path.display()),
            Kind::NotAStore(path) => write!(f, "{} is a database without the table of a store", path.display()),
            Kind::ReadOnlyStore => {
                f.write_str("the store was opened with readOnly, and nothing of it can be written")
            }
            Kind::StrayLog(path, error) => write!(
                f,
                "the write-ahead log beside {}, {}-wal, belongs to another file, and cannot be set aside: {error}; move it \
                 elsewhere, or allow its folder to be written",
                path.display(),
                path.display()
            ),
            Kind::NoParent(path) => write!(f, "the folder of {} does not exist", path.display()),
            Kind::LongName { path, what, bytes, bytes_max } => write!(
                f,
                "the {what} of {} has {bytes} bytes; expected at most {bytes_max}, for those of the files beside it are longer",
                path.display()
            ),
            Kind::SchemaNewer { supported } => write!(
                f,
                "a newer version of rootcellar made this file; this version knows schemas up to {supported}"
            ),
            Kind::NotJson { key } => {
                write!(f, "what is stored under the key {key:?} is not JSON; another program must have written it")
            }
            Kind::NotNumber { key } => {
                write!(f, "what is stored under the key {key:?} is no number, so that nothing can be added to it")
            }
            Kind::OutOfRange { key } => {
                write!(
                    f,
                    "the sum for the key {key:?} is out of the range of min and max, or of numbers; nothing was added"
                )
            }
            Kind::NotWritten { key } => {
                write!(f, "the key {key:?} is as it was: a trigger on __rootapp_kv keeps it from being changed")
            }
            Kind::TooLong { key } => {
                write!(f, "what is stored under the key {key:?} is longer than a JavaScript string can be")
            }
            Kind::Sql(error) => error.fmt(f),
            // Its message begins with the argument.
            Kind::InStatement { index, error } if error.sql().is_some_and(|error| error.argument().is_some()) => {
                write!(f, "statements[{index}].{error}")
            }
            Kind::InStatement { index, error } => write!(f, "{error}, in statements[{index}]"),
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
            // rusqlite itself rejects a text or blob longer than `i32::MAX` bytes.
            rusqlite::Error::ToSqlConversionFailure(_) => {
                (ffi::SQLITE_TOOBIG, ffi::code_to_str(ffi::SQLITE_TOOBIG).to_owned())
            }
            // Other programs have made or filled the table: this package stores nothing that it cannot read.
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::Utf8Error(..) => (ffi::SQLITE_MISMATCH, error.to_string()),
            other => return Self::internal(&other.to_string()),
        };
        Self(Kind::Sqlite { extended_code, message })
    }
}
