//! Errors as JavaScript objects.

use napi_derive::napi;

use crate::Error;
use crate::error::PostgresProblem;
use crate::sql::SqlError;

/// Data of an error that JavaScript makes.
#[napi(object)]
pub struct Failure {
    /// See [`Error::code`].
    pub code: String,
    /// A sentence without its full stop.
    pub message: String,
    /// Position in the SQL in UTF-16 units.
    pub position: Option<u32>,
    /// Name of the invalid argument.
    pub argument: Option<String>,
    /// Index of the statement that failed, of several that run together.
    pub statement: Option<u32>,
    /// SQLSTATE of what PostgreSQL refused.
    pub sql_state: Option<String>,
    /// Part of the configuration of PostgreSQL that is to blame.
    pub field: Option<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let sql = error.sql();
        let (problem, field) = error.postgres_problem().unzip();
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            position: sql.and_then(SqlError::position).and_then(|position| u32::try_from(position).ok()),
            argument: sql.and_then(SqlError::argument).map(|argument| match error.statement() {
                Some(index) => format!("statements[{index}].{argument}"),
                None => argument.to_owned(),
            }),
            statement: error.statement().and_then(|index| u32::try_from(index).ok()),
            sql_state: match problem {
                Some(PostgresProblem::Refused(state)) => Some(state.clone()),
                _ => None,
            },
            field: field.flatten().map(|field| field.name().to_owned()),
        }
    }
}
