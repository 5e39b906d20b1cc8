//! Preparation of user SQL, and errors with locations for text that does not compile.

use std::ops::{Deref, DerefMut};

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::{Batch, CachedStatement, MAIN_DB, Statement, ffi};

use crate::Error;
use crate::engine::sqlite::guard::mode::{Mode, StatementFacts};
use crate::engine::sqlite::guard::own_tables;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::error::code_name;
use crate::sql::{Keyword, SqlError, SqlLocation, names, new_name};

const SEVERAL_STATEMENTS: SqlError = SqlError::Text("must hold one statement, and holds more; exec() runs scripts");
const NO_STATEMENT: SqlError = SqlError::Text("must hold a statement, and holds none");

/// A compiled statement, and the facts about it.
pub struct PreparedStatement<'c> {
    /// Present until the drop.
    statement: Option<CachedStatement<'c>>,
    pub facts: StatementFacts,
}

impl<'c> Deref for PreparedStatement<'c> {
    type Target = Statement<'c>;

    fn deref(&self) -> &Statement<'c> {
        self.statement.as_ref().expect("it is there until it is dropped")
    }
}

impl DerefMut for PreparedStatement<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.statement.as_mut().expect("it is there until it is dropped")
    }
}

impl Drop for PreparedStatement<'_> {
    fn drop(&mut self) {
        // A statement that one mode allows must not be found compiled in another.
        if let Some(statement) = self.statement.take().filter(|_| self.facts.is_bound_to_mode) {
            statement.discard();
        }
    }
}

/// Compiles a text with one statement, or takes it from the connection's cache.
pub fn prepare_statement<'c>(
    connection: &'c UserConnection,
    sql: &str,
    mode: Mode,
) -> Result<PreparedStatement<'c>, Error> {
    let keyword = Keyword::of(sql);
    if keyword == Keyword::None {
        return Err(NO_STATEMENT.into());
    }
    let (prepared, mut facts) = connection.authorizer.watch(mode, || connection.prepare_cached(sql));
    // This package's own statements are not checked, so user SQL must not find them in the cache.
    facts.is_bound_to_mode |= mode == Mode::Internal;
    if keyword == Keyword::Vacuum {
        note_vacuum(&mut facts);
    }
    match prepared {
        Ok(statement) => match refusal_of_compiled(connection, sql, &facts, mode) {
            // Taken from the cache, it would come without the facts that it is refused for.
            Some(refusal) => {
                statement.discard();
                Err(refusal)
            }
            None => Ok(PreparedStatement { statement: Some(statement), facts }),
        },
        Err(error) => Err(explain(error, sql, facts.refused, Text::Statement)),
    }
}

/// Statements of a script. Each is compiled when those before it have run.
pub struct Script<'c, 's> {
    connection: &'c UserConnection,
    sql: &'s str,
    statements: Batch<'c, 's>,
    mode: Mode,
}

impl<'c, 's> Script<'c, 's> {
    pub fn new(connection: &'c UserConnection, sql: &'s str, mode: Mode) -> Self {
        Self { connection, sql, statements: Batch::new(connection, sql), mode }
    }

    /// The next statement, and the facts about it, also if it was refused.
    pub fn next(&mut self) -> (Result<Option<Statement<'c>>, Error>, StatementFacts) {
        let statements = &mut self.statements;
        let (next, mut facts) = self.connection.authorizer.watch(self.mode, || statements.next());
        let next = next.map_err(|error| explain(error, self.sql, facts.refused.take(), Text::Script));
        if let Ok(Some(statement)) = &next {
            let sql = statement_text(statement);
            if Keyword::of(&sql) == Keyword::Vacuum {
                note_vacuum(&mut facts);
            }
            if let Some(refusal) = refusal_of_compiled(self.connection, &sql, &facts, self.mode) {
                return (Err(refusal), facts);
            }
        }
        (next, facts)
    }
}

fn note_vacuum(facts: &mut StatementFacts) {
    facts.is_vacuum = true;
    facts.needs_no_transaction = true;
    facts.is_bound_to_mode = true;
}

/// The error of a statement that SQLite compiles, and that must not run all the same.
fn refusal_of_compiled(
    connection: &UserConnection,
    sql: &str,
    facts: &StatementFacts,
    mode: Mode,
) -> Option<Error> {
    if mode == Mode::Internal {
        return None;
    }
    if (facts.is_checkpoint || facts.sets_journal_mode && !is_in_wal_mode(connection)) && is_read_only(connection) {
        return Some(Error::read_only_store());
    }
    refusal_of_text(sql, facts).map(|why| SqlError::Forbidden(why).into())
}

/// Returns `true` if the file is open to read only. SQLite refuses all that writes to it but two pragmas, which it
/// begins: a checkpoint then fails as if the disk did, and a change of the journal mode for the transaction it is in.
fn is_read_only(connection: &UserConnection) -> bool {
    connection.is_readonly(MAIN_DB).unwrap_or_default()
}

fn is_in_wal_mode(connection: &UserConnection) -> bool {
    let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
    mode.is_ok_and(|mode| mode == "wal")
}

/// Reason to refuse a statement for a name that SQLite does not pass to the authorizer: the new one of an `ALTER TABLE`,
/// and those within a trigger, which is compiled only when it is fired.
fn refusal_of_text(sql: &str, facts: &StatementFacts) -> Option<String> {
    if facts.alters_table {
        return new_name(sql)
            .filter(|name| own_tables::begins_reserved(name))
            .map(|name| own_tables::reserved(&name));
    }
    if facts.makes_trigger {
        return names(sql).find(|name| own_tables::is_own(&name.text)).map(|name| own_tables::own(&name.text));
    }
    None
}

/// The text of a statement.
fn statement_text(statement: &Statement) -> String {
    // Without bound parameters the expanded text is the text itself.
    statement.expanded_sql().unwrap_or_default()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Statement,
    Script,
}

/// The error of a text that does not compile.
fn explain(error: rusqlite::Error, sql: &str, refused: Option<String>, text: Text) -> Error {
    if let Some(why) = refused {
        return SqlError::Forbidden(why).into();
    }
    let (code, message, place) = match &error {
        rusqlite::Error::MultipleStatement => return SEVERAL_STATEMENTS.into(),
        rusqlite::Error::SqlInputError { error: cause, msg, sql: rest, offset } => {
            // SQLite saw the text without the space around it, or the rest of a script.
            let end = sql.trim_end().len();
            if text == Text::Statement && rest.len() < sql.trim().len() {
                return SEVERAL_STATEMENTS.into();
            }
            let skipped = if text == Text::Statement { end - rest.len() } else { sql.len() - rest.len() };
            let place = skipped + usize::try_from(*offset).unwrap_or_default();
            (cause.extended_code, msg.clone(), Some(SqlLocation::at(sql, place)))
        }
        rusqlite::Error::SqliteFailure(cause, Some(message)) if cause.extended_code == ffi::SQLITE_ERROR => {
            let byte =
                if message == "incomplete input" { Some(sql.trim_end().len()) } else { named_in(message, sql) };
            (cause.extended_code, message.clone(), byte.map(|byte| SqlLocation::at(sql, byte)))
        }
        _ => return error.into(),
    };
    SqlError::Syntax { code: code_name(code), message, place }.into()
}

/// Location of the name that a message ends with, if the text has it once.
fn named_in(message: &str, sql: &str) -> Option<usize> {
    let name = message.rsplit_once(": ")?.1.rsplit('.').next()?;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut places = sql
        .match_indices(name)
        .map(|(at, _)| at)
        .filter(|at| !sql[..*at].ends_with(is_word) && !sql[at + name.len()..].starts_with(is_word));
    let only = places.next().filter(|_| !name.is_empty())?;
    places.next().is_none().then_some(only)
}
