//! Why a command has no effect.

use crate::Error;
use crate::sql::SqlError;

/// Why a command had no effect.
pub enum Refusal {
    /// A swap whose expectation does not hold.
    Conflict,
    /// A statement that cannot be carried out within a transaction.
    Alone,
    /// The command failed.
    Failed(Error),
    /// The whole transaction failed with it.
    TransactionFailed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<SqlError> for Refusal {
    fn from(error: SqlError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}
