//! Execution of user SQL on the writing connection.

use rusqlite::Statement as Compiled;
use rusqlite::config::DbConfig;

use super::bind::bind;
use super::prepare::{self, Script};
use super::{raw_calls, session_state};
use crate::Error;
use crate::engine::sqlite::guard::mode::{Mode, StatementFacts};
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::refusal::Refusal;
use crate::engine::sqlite::savepoint::with_savepoint;
use crate::sql::{Cell, Job, RowSet, RowWriter, RowsWanted, SqlError, Statement, StatementOutcome, Work};

const TRANSACTION_CONTROL: &str = "BEGIN, COMMIT, ROLLBACK and savepoints have no meaning for one statement: use \
    transaction(), or a connection of reserve()";
const WITHIN_TRANSACTION: &str = "the store begins and ends this transaction: return from the callback to commit, \
    throw to roll back, and use tx.transaction() for a savepoint";
/// Statements of this package alone, which [`switch_foreign_keys`] carries out.
const FOREIGN_KEYS_OFF: &str = "PRAGMA foreign_keys = OFF";
const FOREIGN_KEYS_ON: &str = "PRAGMA foreign_keys = ON";
const WITHIN_BATCH: &str = "VACUUM and PRAGMA wal_checkpoint run outside of transactions: use run()";

/// Runs a job, as a whole or not at all, except on a reserved connection, where the user controls transactions.
pub fn run(connection: &UserConnection, job: &Job, mode: Mode) -> Result<Vec<StatementOutcome>, Refusal> {
    let _running = connection.cancellable(job.cancel.as_ref())?;
    let _plans = connection.plan_patterns_by_values(job.work.texts());
    match &job.work {
        Work::One(statement) => Ok(vec![run_one(connection, statement, mode)?]),
        Work::All(statements) => watch_loss(connection, mode, false, || {
            with_savepoint(connection, || {
                statements
                    .iter()
                    .enumerate()
                    .map(|(index, statement)| {
                        run_one(connection, statement, mode).map_err(|refusal| match refusal {
                            Refusal::Alone => {
                                Error::from(SqlError::Forbidden(WITHIN_BATCH.to_owned())).in_statement(index).into()
                            }
                            Refusal::Failed(error) => Refusal::Failed(error.in_statement(index)),
                            Refusal::TransactionFailed(error) => {
                                Refusal::TransactionFailed(error.in_statement(index))
                            }
                            Refusal::Conflict => Refusal::Conflict,
                        })
                    })
                    .collect()
            })
        }),
        Work::Script(sql) if mode == Mode::Group || mode == Mode::Transaction => {
            with_savepoint(connection, || run_script(connection, sql, mode))?;
            Ok(Vec::new())
        }
        Work::Script(sql) => {
            run_script(connection, sql, mode)?;
            Ok(Vec::new())
        }
    }
}

/// Runs a job that cannot share a transaction, and resets the connection.
pub fn run_alone(connection: &UserConnection, job: &Job) -> Result<Vec<StatementOutcome>, Error> {
    // An earlier reset may have failed, when there was nobody left to tell.
    session_state::reset(connection)?;
    let result = run(connection, job, Mode::Alone).map_err(|refusal| match refusal {
        Refusal::Failed(error) | Refusal::TransactionFailed(error) => error,
        Refusal::Conflict | Refusal::Alone => Error::internal("work that is alone was to be sent again"),
    });
    let is_left_open = !connection.is_autocommit();
    // The work is done. A connection that cannot be reset reports it at its next use.
    drop(session_state::reset(connection));
    match result {
        Ok(_) if is_left_open => Err(SqlError::LeftOpen.into()),
        other => other,
    }
}

fn run_one(connection: &UserConnection, statement: &Statement, mode: Mode) -> Result<StatementOutcome, Refusal> {
    if statement.is_internal && [FOREIGN_KEYS_OFF, FOREIGN_KEYS_ON].contains(&statement.sql.as_str()) {
        return switch_foreign_keys(connection, statement.sql == FOREIGN_KEYS_ON);
    }
    let mode = if statement.is_internal { Mode::Internal } else { mode };
    let mut prepared = prepare::prepare_statement(connection, &statement.sql, mode)?;
    let mut facts = prepared.facts.clone();
    check_mode(&facts, mode)?;
    if connection.has_lost_transaction.get() {
        return end_lost(connection, &facts).map(|()| StatementOutcome::default());
    }
    if statement.rows.is_some() && !prepared.readonly() && prepared.column_count() == 0 && !statement.may_lack_rows
    {
        return Err(SqlError::NotARead.into());
    }
    bind(&mut prepared, &statement.parameters)?;
    note_alteration(connection, &facts);
    let controls_transaction = facts.controls_transaction();
    let is_control = controls_transaction || facts.is_pragma || facts.is_vacuum;
    let is_plain_write = !prepared.readonly() && !is_control;
    let is_ours = matches!(mode, Mode::Group | Mode::Transaction);
    let rows = statement.rows.as_ref();
    let result = watch_loss(connection, mode, controls_transaction, || {
        let mut run = || Ok(execute(connection, &mut prepared, rows, mode, &mut facts)?);
        // A statement can fail halfway (`OR FAIL`), and so can reading the rows that it returns.
        if is_plain_write && (is_ours || rows.is_some()) { with_savepoint(connection, run) } else { run() }
    });
    // Recompiled while it ran, the statement may turn out to be bound to its mode.
    prepared.facts.is_bound_to_mode |= facts.is_bound_to_mode;
    result
}

/// Runs statements, and notes it if SQLite has ended the transaction of a reserved connection by itself: what comes behind
/// them would be committed statement by statement.
fn watch_loss<T>(
    connection: &UserConnection,
    mode: Mode,
    controls_transaction: bool,
    run: impl FnOnce() -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let was_open = !connection.is_autocommit();
    let was_lost = connection.has_lost_transaction.get();
    let result = run();
    if mode == Mode::Reserved && result.is_err() && !controls_transaction {
        // Also over the note of a part, which ran in a savepoint of ours alone.
        connection.has_lost_transaction.set(was_lost || was_open && connection.is_autocommit());
    }
    result
}

/// Ends a transaction that SQLite has rolled back by itself, if a statement is the user's `ROLLBACK`.
///
/// # Errors
///
/// [`SqlError::TransactionLost`] for any other statement.
fn end_lost(connection: &UserConnection, facts: &StatementFacts) -> Result<(), Refusal> {
    if !facts.rolls_back {
        return Err(SqlError::TransactionLost.into());
    }
    connection.has_lost_transaction.set(false);
    Ok(())
}

/// Switches foreign keys off or on at once, also within a transaction, where the pragma of this name does nothing
/// (`sqlite.org/pragma.html#pragma_foreign_keys`). Tables can only be rebuilt without them: `DROP TABLE` deletes the rows
/// first, and takes those that refer to them along. Whoever switches them off checks the keys afterwards.
fn switch_foreign_keys(connection: &UserConnection, is_on: bool) -> Result<StatementOutcome, Refusal> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, is_on).map_err(Error::from)?;
    connection.is_altered.set(true);
    Ok(StatementOutcome::default())
}

fn run_script(connection: &UserConnection, sql: &str, mode: Mode) -> Result<(), Refusal> {
    let mut statements = Script::new(connection, sql, mode);
    loop {
        let (next, mut facts) = statements.next();
        if mode == Mode::Group && (facts.ends_transaction || facts.needs_no_transaction || facts.sets_state) {
            return Err(Refusal::Alone);
        }
        let Some(mut statement) = next? else { return Ok(()) };
        if facts.ends_transaction && mode == Mode::Transaction {
            return Err(SqlError::Forbidden(WITHIN_TRANSACTION.to_owned()).into());
        }
        if statement.parameter_count() > 0 {
            return Err(SqlError::Text("of exec() must have no parameters; use run()").into());
        }
        if connection.has_lost_transaction.get() {
            end_lost(connection, &facts)?;
            continue;
        }
        note_alteration(connection, &facts);
        let controls_transaction = facts.controls_transaction();
        watch_loss(connection, mode, controls_transaction, || {
            Ok(execute(connection, &mut statement, None, mode, &mut facts)?)
        })?;
    }
}

/// Checks that a statement may run in a mode.
fn check_mode(facts: &StatementFacts, mode: Mode) -> Result<(), Refusal> {
    let forbidden = |why: &str| Err(SqlError::Forbidden(why.to_owned()).into());
    match mode {
        Mode::Group | Mode::Alone | Mode::Reader if facts.controls_transaction() => forbidden(TRANSACTION_CONTROL),
        Mode::Transaction if facts.ends_transaction => forbidden(WITHIN_TRANSACTION),
        Mode::Group if facts.needs_no_transaction => Err(Refusal::Alone),
        _ => Ok(()),
    }
}

fn note_alteration(connection: &UserConnection, facts: &StatementFacts) {
    if facts.sets_state || facts.makes_temporary {
        connection.is_altered.set(true);
    }
}

/// Steps through a statement whose parameters are bound, and adds to its facts what is seen meanwhile.
fn execute(
    connection: &UserConnection,
    statement: &mut Compiled,
    wanted: Option<&RowsWanted>,
    mode: Mode,
    facts: &mut StatementFacts,
) -> Result<StatementOutcome, Error> {
    raw_calls::forget(connection);
    let changed_before = connection.total_changes();
    let mode = if facts.is_vacuum && mode != Mode::Internal { Mode::Vacuum } else { mode };
    let rows = watch_run(connection, mode, facts, || step(connection, statement, wanted))?;
    let has_changed = connection.total_changes() != changed_before;
    Ok(StatementOutcome {
        changes: if has_changed { connection.changes() } else { 0 },
        last_insert_rowid: connection.last_insert_rowid(),
        rows,
    })
}

/// Runs a statement in a mode, which applies if SQLite recompiles it, and adds to the facts about it.
pub fn watch_run<T>(
    connection: &UserConnection,
    mode: Mode,
    facts: &mut StatementFacts,
    run: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let (result, seen) = connection.authorizer.watch(mode, run);
    facts.is_bound_to_mode |= seen.is_bound_to_mode;
    match seen.refused {
        Some(why) if result.is_err() => Err(SqlError::Forbidden(why).into()),
        _ => result,
    }
}

fn step(
    connection: &UserConnection,
    statement: &mut Compiled,
    wanted: Option<&RowsWanted>,
) -> Result<Option<RowSet>, Error> {
    let mut slices = Vec::new();
    let mut writer: Option<RowWriter> = None;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| failure(connection, error))? {
        let Some(wanted) = wanted else { continue };
        let writer = writer.get_or_insert_with(|| RowWriter::new(wanted.clone(), column_names(row.as_ref())));
        // The statement runs to its end all the same, so that it writes everything.
        if wanted.first_only && writer.has_rows() {
            continue;
        }
        slices.extend(writer.push(|column| Ok(cell(row.get_ref(column)?)))?);
    }
    drop(rows);
    let Some(wanted) = wanted else { return Ok(None) };
    // The columns are certain only now: SQLite recompiles an outdated statement at the first step.
    let mut writer = writer.unwrap_or_else(|| RowWriter::new(wanted.clone(), column_names(statement)));
    slices.push(writer.take());
    Ok(Some(RowSet { columns: writer.into_columns(), slices }))
}

/// The error of a statement that failed while it ran: its cancellation, or SQLite's error.
pub fn failure(connection: &UserConnection, error: rusqlite::Error) -> Error {
    connection.check_cancelled().err().unwrap_or_else(|| Error::of_statement(error))
}

pub fn column_names(statement: &Compiled) -> Vec<String> {
    statement.column_names().map(str::to_owned).collect()
}

pub fn cell(value: rusqlite::types::ValueRef<'_>) -> Cell<'_> {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(integer) => Cell::Integer(integer),
        ValueRef::Real(real) => Cell::Real(real),
        ValueRef::Text(text) => Cell::Text(text),
        ValueRef::Blob(bytes) => Cell::Blob(bytes),
    }
}
