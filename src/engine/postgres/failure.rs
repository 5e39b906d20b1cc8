//! Failures of the server or of the connection, by what they mean for what was asked.

use std::error::Error as StdError;
use std::io;

use tokio_postgres::error::{DbError, ErrorPosition, Severity, SqlState};

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
    /// The server lets no connection begin for now: it starts, or has too many. This is its SQLSTATE.
    NotNow(String),
    /// Some hosts refused the connection with this, and others did not answer, one of which may be the next primary.
    RefusedByOthers(Error),
    /// It failed, and would fail again.
    Refused(Error),
}

impl ServerFailure {
    /// Returns `true` if the connection must not be used any more.
    pub fn ends_connection(&self) -> bool {
        matches!(self, Self::Lost | Self::ReadOnly | Self::NotNow(_))
    }

    /// Returns `true` if the server refused something with this SQLSTATE.
    pub fn has_state(&self, wanted: &str) -> bool {
        let Self::Refused(error) = self else { return false };
        matches!(error.postgres_problem(), Some((PostgresProblem::Refused(state), _)) if state == wanted)
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
            // A value that cannot be encoded or decoded is a defect here; all else is the connection's end.
            return match error.to_string() {
                // Only the tables' own columns are decoded here; a user's statement takes any type.
                text if text.contains("deserializing") => Self::Refused(other_types()),
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
        // A fatal error ends the connection, whatever it is: a limit for transactions, or for idle ones.
        let is_end = is_fatal(refusal) || code.starts_with("57P0") || code.starts_with("08");
        if is_end { Self::Lost } else { Self::Refused(refused(refusal)) }
    }
}

/// Returns `true` if the server has ended the connection with this.
pub fn is_fatal(refusal: &DbError) -> bool {
    matches!(refusal.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

/// Returns `true` if the server does not know a statement that was prepared, or not as it was then. It has done nothing.
pub fn is_unprepared(error: &tokio_postgres::Error) -> bool {
    const STATES: &[SqlState] = &[
        SqlState::INVALID_SQL_STATEMENT_NAME,
        SqlState::DUPLICATE_PSTATEMENT,
        SqlState::PROTOCOL_VIOLATION,
        SqlState::FEATURE_NOT_SUPPORTED,
    ];
    error.as_db_error().is_some_and(|refusal| STATES.contains(refusal.code()) && !is_fatal(refusal))
}

/// Returns `true` if a lock was held by others for longer than was to be waited for it.
pub fn is_busy(failure: &ServerFailure) -> bool {
    failure.has_state("55P03")
}

/// A failure of what can be tried again if others held a lock for too long.
pub fn undone_if_busy(failure: ServerFailure) -> ServerFailure {
    if is_busy(&failure) { ServerFailure::Undone } else { failure }
}

/// Returns `true` if one of several rows that were written together may be to blame for an error: its data, a constraint, what
/// it needs of time and memory, or what a trigger says. With any other SQLSTATE the server refuses them all.
pub fn may_concern_one_row(error: &Error) -> bool {
    match error.postgres_problem() {
        None => true,
        Some((PostgresProblem::Refused(state), _)) => concerns_one_row(state),
        Some(_) => false,
    }
}

fn concerns_one_row(state: &str) -> bool {
    const CLASSES: &[&str] = &["22", "23", "27", "44", "54", "P0"];
    const STATES: &[&str] = &["53200", "57014"];
    CLASSES.iter().any(|class| state.starts_with(class)) || STATES.contains(&state)
}

/// The error of a table whose columns somebody has changed.
fn other_types() -> Error {
    let problem = "a column of __rootapp_kv or __rootcellar_writers has another type than the one that it was made with; \
                   expected key, community_id and value text, expires_at timestamptz, and the others bigint";
    Error::postgres(PostgresProblem::Unsupported, Some(PostgresField::Database), problem)
}

/// The error of a statement that the server refused. What it says of syntax and names at a position of the statement's text has
/// no values in it.
fn refused(refusal: &DbError) -> Error {
    let code = refusal.code().code();
    let told = if is_raised(code, refusal.routine()) {
        "a function has raised this, with a message that is left out here, as it may tell what is stored".to_owned()
    } else if code.starts_with("42") && matches!(refusal.position(), Some(ErrorPosition::Original(_))) {
        refusal.message().to_owned()
    } else {
        masked(refusal.message())
    };
    Error::postgres(
        PostgresProblem::Refused(code.to_owned()),
        None,
        format!("PostgreSQL refused this (SQLSTATE {code}): {told}"),
    )
}

/// Returns `true` for what a function of the user has raised, under whatever SQLSTATE: its message may have anything in it.
fn is_raised(code: &str, routine: Option<&str>) -> bool {
    const STATES: &[&str] = &["P0001", "P0004", "38000"];
    const ROUTINES: &[&str] =
        &["exec_stmt_raise", "exec_stmt_assert", "PLy_output", "plperl_util_elog", "pltcl_elog"];
    STATES.contains(&code) || routine.is_some_and(|routine| ROUTINES.contains(&routine))
}

/// A message, in whatever language, without what it quotes, and without numbers, of which some are values.
fn masked(message: &str) -> String {
    const QUOTES: &[char] = &[
        '\u{ab}', '\u{bb}', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201c}', '\u{201d}', '\u{201e}', '\u{2039}',
        '\u{203a}', '\u{300c}', '\u{300d}', '\u{300e}', '\u{300f}',
    ];
    let unquoted = without_values(&message.replace(QUOTES, "\""));
    let mut told = String::new();
    let mut words = unquoted.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_').peekable();
    while let Some(word) = words.next() {
        if !word.starts_with(|c: char| c.is_ascii_digit()) {
            told.push_str(word);
            continue;
        }
        // A fraction belongs to its number.
        if word.ends_with('.') && words.peek().is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit())) {
            continue;
        }
        told.push_str("...");
        told.extend(word.chars().next_back().filter(|c| !c.is_alphanumeric() && *c != '_'));
    }
    told
}

/// Returns `true` if a connection was cut, or could not go on, within the handshake of TLS: that says nothing of certificates,
/// which rustls reports as invalid data.
fn was_cut(error: &tokio_postgres::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind() != io::ErrorKind::InvalidData;
        }
        cause = error.source();
    }
    false
}

/// Failure to make a connection.
pub fn not_connected(error: &tokio_postgres::Error) -> ServerFailure {
    let Some(refusal) = error.as_db_error() else {
        if error.to_string().contains("TLS") && !was_cut(error) {
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
    /// Failure of a server that does not let a connection begin. Most of these pass: it starts, or has too many connections.
    fn from_state(code: &str) -> Self {
        if code.starts_with("57P0") || code.starts_with("08") || code.starts_with("53") {
            return Self::NotNow(code.to_owned());
        }
        let kind = PostgresProblem::Refused(code.to_owned());
        let told = format!("the server refuses the connection (SQLSTATE {code})");
        Self::Refused(Error::postgres(kind, Some(PostgresField::Hosts), told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_neither_what_they_quote_nor_numbers() {
        for (message, told) in [
            ("invalid input syntax for type integer: \"secret\"", "invalid input syntax for type integer: ..."),
            ("syntaxe en entr\u{e9}e invalide : \u{ab} secret \u{bb}", "syntaxe en entr\u{e9}e invalide : ..."),
            ("ung\u{fc}ltige Eingabe: \u{201e}se\"cret\u{201c}", "ung\u{fc}ltige Eingabe: ..."),
            ("index 5 out of valid range, 0 to 3", "index ... out of valid range, ... to ..."),
            ("value -1.50 is out of range for int4", "value -... is out of range for int4"),
            (
                "invalid byte sequence for encoding \"UTF8\": 0xed 0xa0",
                "invalid byte sequence for encoding ...: ... ...",
            ),
            ("division by zero", "division by zero"),
        ] {
            assert_eq!(masked(message), told);
        }
    }

    #[test]
    fn what_a_function_has_raised_is_known_by_its_state_or_its_routine() {
        assert!(is_raised("P0001", None) && is_raised("23505", Some("exec_stmt_raise")));
        assert!(!is_raised("23505", Some("_bt_check_unique")) && !is_raised("P0002", None));
    }
}
