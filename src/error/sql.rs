//! Failures of user SQL.

use std::fmt;

use super::location::SqlLocation;

/// Reason of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// Its `AbortSignal` was aborted.
    Aborted,
    /// Its time limit has passed.
    TimedOut,
}

/// A failure of user SQL that SQLite's code alone does not describe.
#[derive(Debug, Clone)]
pub enum SqlError {
    /// SQLite cannot compile the statement. Look at the location.
    Syntax {
        /// Name of SQLite's code.
        code: &'static str,
        /// SQLite's message.
        message: String,
        /// The location, if it is known.
        place: Option<SqlLocation>,
    },
    /// The text is not a single statement. Use `exec` for scripts.
    Text(&'static str),
    /// The parameters do not match those of the statement.
    Parameters(String),
    /// The statement would harm the store, its durability or its backup.
    Forbidden(String),
    /// A method that reads was given a statement that writes and returns no rows.
    NotARead,
    /// The result has more rows than allowed. Raise `maxRows`, or use `iterate`.
    TooManyRows {
        /// The allowed number of rows.
        limit: usize,
    },
    /// An integer is too large for a JavaScript number. Ask for `bigint`.
    InexactInteger {
        /// Name of its column.
        column: String,
    },
    /// An integer of PostgreSQL is too large for a JavaScript number. Select its text.
    InexactBigint {
        /// Name of its column.
        column: String,
    },
    /// A value is too long for a JavaScript string.
    TooLong {
        /// Name of its column.
        column: String,
    },
    /// The statement was cancelled.
    Cancelled(CancelReason),
    /// SQLite rolled the whole transaction back when an earlier statement failed.
    TransactionLost,
    /// The transaction or connection was idle for too long, and was rolled back.
    TransactionTimeout,
    /// The transaction or connection has ended.
    TransactionClosed,
    /// The script began a transaction and did not end it. It was rolled back.
    LeftOpen,
}

impl SqlError {
    /// The stable name of the kind of failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { code, .. } => code,
            Self::Text(_) | Self::Parameters(_) => "ERR_INVALID_ARGUMENT",
            Self::Forbidden(_) => "ERR_SQL_FORBIDDEN",
            Self::NotARead => "ERR_NOT_A_READ",
            Self::TooManyRows { .. } => "ERR_TOO_MANY_ROWS",
            Self::InexactInteger { .. } | Self::InexactBigint { .. } => "ERR_INEXACT_INTEGER",
            Self::TooLong { .. } => "ERR_VALUE_TOO_LONG",
            Self::Cancelled(CancelReason::Aborted) => "ABORT_ERR",
            Self::Cancelled(CancelReason::TimedOut) => "ERR_TIMEOUT",
            Self::TransactionLost => "ERR_TRANSACTION_LOST",
            Self::TransactionTimeout => "ERR_TRANSACTION_TIMEOUT",
            Self::TransactionClosed => "ERR_TRANSACTION_CLOSED",
            Self::LeftOpen => "ERR_TRANSACTION_LEFT_OPEN",
        }
    }

    /// The invalid argument, if one is to blame.
    #[must_use]
    pub fn argument(&self) -> Option<&'static str> {
        match self {
            Self::Text(_) => Some("sql"),
            Self::Parameters(_) => Some("params"),
            Self::Syntax { .. }
            | Self::Forbidden(_)
            | Self::NotARead
            | Self::TooManyRows { .. }
            | Self::InexactInteger { .. }
            | Self::InexactBigint { .. }
            | Self::TooLong { .. }
            | Self::Cancelled(_)
            | Self::TransactionLost
            | Self::TransactionTimeout
            | Self::TransactionClosed
            | Self::LeftOpen => None,
        }
    }

    /// Position in the SQL in UTF-16 units, if it is known.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::Syntax { place, .. } => place.as_ref().map(|place| place.position),
            _ => None,
        }
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { message, place: None, .. } => f.write_str(message),
            Self::Syntax { message, place: Some(place), .. } => write!(f, "{message}, {place}"),
            Self::Text(problem) => write!(f, "sql {problem}"),
            Self::Parameters(problem) => write!(f, "params {problem}"),
            Self::Forbidden(why) => f.write_str(why),
            Self::NotARead => f.write_str(
                "get, all and iterate read: this statement writes and returns no rows; use run(), or exec() for a script",
            ),
            Self::TooManyRows { limit } => {
                write!(f, "the result has more than {limit} rows; raise maxRows, or read it with iterate()")
            }
            Self::InexactInteger { column } => write!(
                f,
                "the column {column:?} holds an integer that a JavaScript number cannot hold exactly; with \
                 the option bigint: \"large\" it is a bigint, and with bigint: true every integer is"
            ),
            Self::InexactBigint { column } => write!(
                f,
                "the column {column:?} holds an integer that a JavaScript number cannot hold exactly; select its text, \
                 {column}::text"
            ),
            Self::TooLong { column } => {
                write!(f, "the column {column:?} holds a value that is longer than a JavaScript string can be")
            }
            Self::Cancelled(CancelReason::Aborted) => f.write_str("the operation was aborted"),
            Self::Cancelled(CancelReason::TimedOut) => f.write_str("the operation took longer than its timeoutMs"),
            Self::TransactionLost => f.write_str(
                "SQLite rolled the transaction back when an earlier statement failed; nothing of it was written",
            ),
            Self::TransactionTimeout => f.write_str(
                "the transaction was rolled back: it was idle for longer than idleTimeoutMs",
            ),
            Self::TransactionClosed => f.write_str("the transaction or connection has ended"),
            Self::LeftOpen => f.write_str("the script began a transaction and did not end it; it was rolled back"),
        }
    }
}
