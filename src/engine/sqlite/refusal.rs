//! Refusals: reasons why a command has no effect.

use crate::Error;
use crate::sql::SqlError;

/// Reason why a command has no effect.
pub enum Refusal {
    /// A key of a swap holds another value than it expects.
    Conflict,
    /// The statement cannot run within a transaction.
    Alone,
    /// The command failed.
    Failed(Error),
    /// The command failed, and the whole transaction with it.
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
