//! What a failure of the server or of the connection means for what was asked.

use tokio_postgres::error::SqlState;

use crate::Error;
use crate::error::{PostgresField, PostgresProblem, without_values};

/// Failure of a statement, or of making a connection.
#[derive(Debug, Clone)]
pub enum ServerFailure {
    /// The connection is gone, or of no more use. What was being done may have been done.
    Lost,
    /// The server undid it, and asks for it to be tried again.
    Undone,
    /// The server is not one to write to. Nothing was done; another may be.
    ReadOnly,
    /// It failed, and would fail again.
    Refused(Error),
}

impl ServerFailure {
    /// Returns `true` if the connection must not be used any more.
    pub fn ends_connection(&self) -> bool {
        matches!(self, Self::Lost | Self::ReadOnly)
    }
}

impl From<Error> for ServerFailure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<tokio_postgres::Error> for ServerFailure {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(refusal) = error.as_db_error() else {
            // What cannot be encoded or decoded is a defect here; all else is the connection's end.
            return match error.to_string() {
                text if text.contains("serializing") || text.contains("column") || text.contains("encoding") => {
                    Self::Refused(Error::internal(&text))
                }
                _ => Self::Lost,
            };
        };
        let state = refusal.code();
        let code = state.code();
        if *state == SqlState::T_R_SERIALIZATION_FAILURE || *state == SqlState::T_R_DEADLOCK_DETECTED {
            return Self::Undone;
        }
        if *state == SqlState::READ_ONLY_SQL_TRANSACTION {
            return Self::ReadOnly;
        }
        let is_end = code.starts_with("57P0") || code.starts_with("08") || code == "25P03" || code == "53300";
        if is_end { Self::Lost } else { Self::Refused(refused(code, refusal.message())) }
    }
}

/// The error of a statement that the server refused. What it says of syntax and names has no values in it.
fn refused(code: &str, message: &str) -> Error {
    let told = if code.starts_with("42") { message.to_owned() } else { without_values(message) };
    Error::postgres(
        PostgresProblem::Refused(code.to_owned()),
        None,
        format!("PostgreSQL refused this (SQLSTATE {code}): {told}"),
    )
}

/// Why no connection was made.
pub fn not_connected(error: &tokio_postgres::Error) -> ServerFailure {
    let Some(refusal) = error.as_db_error() else {
        if error.to_string().contains("TLS") {
            let problem = "TLS with the server failed: it offers none, or its certificate is not believed, has expired or \
                           is for another host";
            return ServerFailure::Refused(Error::postgres(
                PostgresProblem::Tls,
                Some(PostgresField::Tls),
                problem,
            ));
        }
        if error.to_string() == "authentication error" || error.to_string() == "invalid configuration" {
            let problem =
                "the server asks for a password, and there is none, or for a way to log in that is not supported";
            let kind = PostgresProblem::Refused("28000".to_owned());
            return ServerFailure::Refused(Error::postgres(kind, Some(PostgresField::Password), problem));
        }
        return ServerFailure::Lost;
    };
    let code = refusal.code().code();
    let (field, told) = match code {
        "28P01" => (PostgresField::Password, "the server refuses the password"),
        "28000" => (PostgresField::User, "the server does not let this user in (see its pg_hba.conf)"),
        "3D000" => (PostgresField::Database, "there is no such database on the server"),
        "42501" => (PostgresField::User, "this user may not connect to the database"),
        _ => return ServerFailure::from_state(code),
    };
    let kind = PostgresProblem::Refused(code.to_owned());
    ServerFailure::Refused(Error::postgres(kind, Some(field), format!("{told} (SQLSTATE {code})")))
}

impl ServerFailure {
    /// Of a server that does not let a connection begin. Most of these pass: it starts, or has too many connections.
    fn from_state(code: &str) -> Self {
        if code.starts_with("57P0") || code.starts_with("08") || code.starts_with("53") {
            return Self::Lost;
        }
        let kind = PostgresProblem::Refused(code.to_owned());
        let told = format!("the server refuses the connection (SQLSTATE {code})");
        Self::Refused(Error::postgres(kind, Some(PostgresField::Hosts), told))
    }
}
