//! Cursors: results that are read a slice at a time, as they are asked for.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::execute::{cell, column_names, failure, watch_run};
use super::prepare::PreparedStatement;
use super::reads::prepare_read;
use crate::engine::sqlite::guard::mode::{Mode, StatementFacts};
use crate::engine::sqlite::guard::user_connection::{PlanByValues, UserConnection};
use crate::sql::{Cancel, RowWriter, Slice, Statement};
use crate::{Error, Reply};

/// Reply with a slice, and `true` if it is the last.
pub type CursorReply = Reply<(Slice, bool)>;

/// Statement of a cursor, and its cancellation.
pub struct OpenCursor {
    /// The statement, with the form of its rows.
    pub statement: Statement,
    /// Cancels it.
    pub cancel: Option<Arc<Cancel>>,
}

/// A statement between two steps.
pub struct Cursor<'c> {
    connection: &'c UserConnection,
    prepared: PreparedStatement<'c>,
    open: OpenCursor,
    mode: Mode,
    writer: Option<RowWriter>,
    _plans: PlanByValues<'c>,
}

impl<'c> Cursor<'c> {
    /// Compiles the statement and binds its parameters.
    pub fn new(connection: &'c UserConnection, open: OpenCursor, mode: Mode) -> Result<Self, Error> {
        let _running = connection.cancellable(open.cancel.as_ref())?;
        let plans = connection.plan_by_values();
        let prepared = prepare_read(connection, &open.statement, mode)?;
        Ok(Self { connection, prepared, open, mode, writer: None, _plans: plans })
    }

    /// The next slice, and whether it is the last.
    pub fn fetch(&mut self) -> Result<(Slice, bool), Error> {
        let Self { connection, prepared, open, mode, writer, .. } = self;
        let Some(wanted) = &open.statement.rows else { return Err(Error::internal("a cursor without rows")) };
        let _running = connection.cancellable(open.cancel.as_ref())?;
        let mut facts = StatementFacts::default();
        let fetched = watch_run(connection, *mode, &mut facts, || {
            let mut rows = prepared.raw_query();
            while let Some(row) = rows.next().map_err(|error| failure(connection, error))? {
                let writer =
                    writer.get_or_insert_with(|| RowWriter::new(wanted.clone(), column_names(row.as_ref())));
                if let Some(slice) = writer.push(|column| Ok(cell(row.get_ref(column)?)))? {
                    // A dropped query would start again from the first row.
                    std::mem::forget(rows);
                    return Ok((slice, false));
                }
            }
            let last = writer.take().unwrap_or_else(|| RowWriter::new(wanted.clone(), Vec::new())).take();
            Ok((last, true))
        });
        self.prepared.facts.is_bound_to_mode |= facts.is_bound_to_mode;
        fetched
    }
}

impl Drop for Cursor<'_> {
    fn drop(&mut self) {
        // Resets the statement, which a slice may have left in the middle.
        drop(self.prepared.raw_query());
    }
}

/// Answers requests for slices until the last slice is sent, or the requests end. Reads one slice ahead.
pub fn serve_cursor(connection: &UserConnection, open: OpenCursor, requests: &Receiver<CursorReply>) {
    let mut cursor = match Cursor::new(connection, open, Mode::Reader) {
        Ok(cursor) => cursor,
        Err(error) => {
            if let Ok(reply) = requests.recv() {
                reply.send(Err(error));
            }
            return;
        }
    };
    loop {
        let slice = cursor.fetch();
        let is_last = !matches!(slice, Ok((_, false)));
        let Ok(reply) = requests.recv() else { return };
        reply.send(slice);
        if is_last {
            return;
        }
    }
}
