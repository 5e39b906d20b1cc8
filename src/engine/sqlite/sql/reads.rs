//! Reads of user SQL, on reader threads.

use std::iter;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::StatementStatus;

use super::bind::bind;
use super::execute::{cell, column_names, failure, watch_run};
use super::prepare::{self, PreparedStatement};
use crate::engine::sqlite::guard::mode::{Mode, StatementFacts};
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::sql::{Cancel, RowWriter, Slice, SqlError, Statement};
use crate::{Error, Reply};

/// Part of the rows of a read.
#[derive(Debug)]
pub struct RowsPart {
    /// The rows.
    pub slice: Slice,
    /// Duration of the whole read, with the last part.
    pub took: Option<Duration>,
}

type SendPart = Box<dyn FnMut(Result<RowsPart, Error>) + std::marker::Send>;

/// Reply with the rows of a read: parts of them, or an error.
///
/// Dropped before the last part, it answers with [`Error::internal`].
pub struct RowsReply {
    send: SendPart,
    is_done: bool,
}

impl RowsReply {
    /// A reply that passes each part to `send`.
    pub fn new(send: impl FnMut(Result<RowsPart, Error>) + std::marker::Send + 'static) -> Self {
        Self { send: Box::new(send), is_done: false }
    }

    fn part(&mut self, slice: Slice, took: Option<Duration>) {
        self.is_done = took.is_some();
        (self.send)(Ok(RowsPart { slice, took }));
    }

    fn fail(mut self, error: Error) {
        self.is_done = true;
        (self.send)(Err(error));
    }
}

impl Drop for RowsReply {
    fn drop(&mut self) {
        if !self.is_done {
            self.is_done = true;
            (self.send)(Err(Error::internal("a thread of the store ended unexpectedly")));
        }
    }
}

/// Description of a statement, made without running it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Names of the columns of its rows; none if it returns no rows.
    pub columns: Vec<String>,
    /// It does not change the file.
    pub is_readonly: bool,
    /// Number of its parameters.
    pub parameters: usize,
}

/// A read.
pub enum SqlRead {
    /// Runs a statement.
    Rows(Statement, Option<Arc<Cancel>>, RowsReply),
    /// Compiles a statement.
    Describe(String, Reply<Description>),
}

impl SqlRead {
    /// Runs the read, or replies with the error of the connection.
    pub fn run(self, connection: Result<&UserConnection, &Error>, mode: Mode) {
        match (self, connection) {
            (Self::Rows(statement, cancel, mut reply), Ok(connection)) => {
                let since = Instant::now();
                match rows(connection, &statement, cancel.as_ref(), mode, &mut reply) {
                    Ok(last) => reply.part(last, Some(since.elapsed())),
                    Err(error) => reply.fail(error),
                }
            }
            (Self::Rows(_, _, reply), Err(error)) => reply.fail(error.clone()),
            (Self::Describe(sql, reply), Ok(connection)) => reply.send(describe(connection, &sql, mode)),
            (Self::Describe(_, reply), Err(error)) => reply.send(Err(error.clone())),
        }
    }
}

/// Compiles a statement, and describes it.
///
/// # Errors
///
/// If it does not compile.
pub fn describe(connection: &UserConnection, sql: &str, mode: Mode) -> Result<Description, Error> {
    let statement = prepare::prepare_statement(connection, sql, mode)?;
    Ok(Description {
        columns: column_names(&statement),
        is_readonly: statement.readonly(),
        parameters: statement.parameter_count(),
    })
}

/// Compiles a statement that only reads, and binds its parameters.
pub fn prepare_read<'c>(
    connection: &'c UserConnection,
    statement: &Statement,
    mode: Mode,
) -> Result<PreparedStatement<'c>, Error> {
    let mut prepared = prepare::prepare_statement(connection, &statement.sql, mode)?;
    let facts = &prepared.facts;
    let is_read = prepared.readonly() || facts.asks_pragma;
    if !is_read || facts.controls_transaction() || facts.needs_no_transaction {
        return Err(SqlError::NotARead.into());
    }
    bind(&mut prepared, &statement.parameters)?;
    Ok(prepared)
}

/// Sends full slices, and returns the last slice.
fn rows(
    connection: &UserConnection,
    statement: &Statement,
    cancel: Option<&Arc<Cancel>>,
    mode: Mode,
    reply: &mut RowsReply,
) -> Result<Slice, Error> {
    let Some(wanted) = &statement.rows else { return Err(Error::internal("a read that wants no rows")) };
    let _running = connection.cancellable(cancel)?;
    let _plans = connection.plan_patterns_by_values(iter::once(&*statement.sql));
    let mut prepared = prepare_read(connection, statement, mode)?;
    let mut facts = StatementFacts::default();
    let last = watch_run(connection, mode, &mut facts, || {
        let mut rows = prepared.raw_query();
        let mut writer: Option<RowWriter> = None;
        while let Some(row) = rows.next().map_err(|error| failure(connection, error))? {
            let writer = writer.get_or_insert_with(|| RowWriter::new(wanted.clone(), column_names(row.as_ref())));
            if let Some(slice) = writer.push(|column| Ok(cell(row.get_ref(column)?)))? {
                reply.part(slice, None);
            }
            if wanted.first_only {
                break;
            }
        }
        Ok(writer.unwrap_or_else(|| RowWriter::new(wanted.clone(), Vec::new())).take())
    });
    prepared.facts.is_bound_to_mode |= facts.is_bound_to_mode;
    last
}

/// Reads on the calling thread, which must not wait, if the statement takes few steps and the result is small.
///
/// # Errors
///
/// Any. Then a reader thread must run the statement, and reports what is wrong with it.
pub fn read_now(connection: &UserConnection, statement: &Statement) -> Result<Slice, Error> {
    let Some(wanted) = &statement.rows else { return Err(Error::internal("a read that wants no rows")) };
    let _short = connection.limit_steps();
    let _plans = connection.plan_patterns_by_values(iter::once(&*statement.sql));
    let mut prepared = prepare_read(connection, statement, Mode::Reader)?;
    // Without a reset, the steps of earlier runs count too.
    prepared.reset_status(StatementStatus::VmStep);
    let mut facts = StatementFacts::default();
    let last = watch_run(connection, Mode::Reader, &mut facts, || {
        let mut rows = prepared.raw_query();
        let mut writer: Option<RowWriter> = None;
        while let Some(row) = rows.next()? {
            let writer = writer.get_or_insert_with(|| RowWriter::new(wanted.clone(), column_names(row.as_ref())));
            if writer.push(|column| Ok(cell(row.get_ref(column)?)))?.is_some() {
                return Err(SqlError::TooManyRows { limit: 0 }.into());
            }
            if wanted.first_only {
                break;
            }
        }
        Ok(writer.unwrap_or_else(|| RowWriter::new(wanted.clone(), Vec::new())).take())
    });
    prepared.facts.is_bound_to_mode |= facts.is_bound_to_mode;
    last
}
