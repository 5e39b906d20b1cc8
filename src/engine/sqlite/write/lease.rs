//! Leases: one user has the writing connection, for an interactive transaction or as a reserved connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::commands::run_commands;
use rusqlite::TransactionState;

use super::epoch::EndedEpochs;
use super::lent::Lent;
use super::marking::mark_if_due;
use super::purge::Purge;
use crate::batch::{Batch, BatchOutcome, Command, CommandOutcome, SavepointAction, Stop};
use crate::engine::sqlite::checkpoint::control::Control;
use crate::engine::sqlite::file::DatabaseFile;
use crate::engine::sqlite::guard::mode::Mode;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::read::answer::answer;
use crate::engine::sqlite::read::point_read;
use crate::engine::sqlite::refusal::Refusal;
use crate::engine::sqlite::sql::cursor::{Cursor, CursorReply, OpenCursor};
use crate::engine::sqlite::sql::reads::SqlRead;
use crate::engine::sqlite::sql::{execute, session_state};
use crate::engine::sqlite::table::keys::Keys;
use crate::engine::sqlite::table::rowid_cache::RowidCache;
use crate::engine::sqlite::table::triggers::TriggerCache;
use crate::engine::sqlite::wal::commit_log::Recorder;
use crate::engine::sqlite::wal::file_mark::MarkKeeper;
use crate::kv::Address;
use crate::reads::{KeyQuery, Values};
use crate::sql::{Cancel, SqlError};
use crate::{Error, Reply};

/// Kind of `BEGIN` of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// `BEGIN DEFERRED`: takes the write lock at its first write.
    Deferred,
    /// `BEGIN IMMEDIATE`: takes the write lock at once.
    Immediate,
    /// `BEGIN EXCLUSIVE`: also keeps readers out, where the file has no write-ahead log.
    Exclusive,
}

/// Purpose of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseKind {
    /// A transaction, which the lease begins and ends.
    Transaction(Begin),
    /// Statements of all kinds, including `BEGIN` and `COMMIT`.
    Reserved,
}

/// Request of the holder of a lease.
pub enum LeaseRequest {
    /// Runs commands, each on its own, up to the first that fails.
    Batch(Batch, Reply<BatchOutcome>),
    /// Reads keys, as seen at a time in milliseconds since 1970 UTC.
    Read(Vec<Address>, i64, Reply<Values>),
    /// Reads many keys. The function gets every slice but the last.
    Keys(KeyQuery, Box<dyn FnMut(String) + Send>, Reply<String>),
    /// Reads in SQL, or compiles a statement.
    Query(SqlRead),
    /// Opens a cursor under a number, and reads its first slice.
    OpenCursor(u32, OpenCursor, CursorReply),
    /// Reads the next slice of a cursor.
    Fetch(u32, CursorReply),
    /// Closes a cursor.
    CloseCursor(u32),
    /// Begins or ends the nested transaction of a depth.
    Savepoint(SavepointAction, u32, Reply<()>),
    /// Sets the maximum idle time from now on.
    Limit(Duration),
    /// Ends the lease: `true` commits.
    End(bool, Reply<()>),
}

/// A request for a lease.
pub struct Lease {
    /// Its purpose.
    pub kind: LeaseKind,
    /// Its maximum idle time.
    pub idle_limit: Duration,
    /// Cancels the statements that run in it.
    pub cancel: Arc<Cancel>,
    /// Answered when it begins, with the sender of its requests.
    pub started: Reply<Sender<LeaseRequest>>,
    /// Answered when it ends: `ERR_TRANSACTION_TIMEOUT` if it was idle for too long.
    pub ended: Reply<()>,
}

/// Serves a lease until it ends, is idle for too long, or its holder is gone. Then the connection is reset.
pub fn serve(lent: Lent, lease: Lease) {
    let Lent { connection, file, control, recorder, marks, purge } = lent;
    let Lease { kind, idle_limit, cancel, started, ended } = lease;
    let begun = file.check().and_then(|()| {
        session_state::reset(connection)?;
        let _running = connection.cancellable(Some(&cancel))?;
        begin(connection, kind)
    });
    if let Err(error) = begun {
        started.send(Err(error));
        return ended.send(Ok(()));
    }
    let (requests, received) = std::sync::mpsc::channel();
    started.send(Ok(requests));
    let (cursors, ended_epochs) = (HashMap::new(), EndedEpochs::default());
    let mut served =
        RunningLease { connection, file, control, recorder, marks, purge, kind, cancel, cursors, ended_epochs };
    let last = served.serve(&received, idle_limit);
    served.cursors.clear();
    match last {
        LeaseEnd::End(commit, reply) => {
            let result = served.end(commit);
            // A commit stands. A connection that cannot be reset reports it at its next use.
            drop(session_state::reset(connection));
            control.before_reply();
            reply.send(result);
            ended.send(Ok(()));
        }
        LeaseEnd::Idle => {
            drop(session_state::reset(connection));
            ended.send(Err(SqlError::TransactionTimeout.into()));
        }
        LeaseEnd::Gone => {
            drop(session_state::reset(connection));
            ended.send(Ok(()));
        }
    }
}

fn begin(connection: &UserConnection, kind: LeaseKind) -> Result<(), Error> {
    let sql = match kind {
        LeaseKind::Reserved => return Ok(()),
        LeaseKind::Transaction(Begin::Deferred) => "BEGIN DEFERRED",
        LeaseKind::Transaction(Begin::Immediate) => "BEGIN IMMEDIATE",
        LeaseKind::Transaction(Begin::Exclusive) => "BEGIN EXCLUSIVE",
    };
    Ok(connection.execute_batch(sql)?)
}

/// Reason for the end of a lease.
enum LeaseEnd {
    End(bool, Reply<()>),
    Idle,
    Gone,
}

struct RunningLease<'c> {
    connection: &'c UserConnection,
    file: &'c DatabaseFile,
    control: &'c Control,
    recorder: &'c Recorder,
    marks: &'c mut MarkKeeper,
    purge: &'c mut Purge,
    kind: LeaseKind,
    cancel: Arc<Cancel>,
    cursors: HashMap<u32, Cursor<'c>>,
    ended_epochs: EndedEpochs,
}

impl RunningLease<'_> {
    fn serve(&mut self, requests: &Receiver<LeaseRequest>, mut idle_limit: Duration) -> LeaseEnd {
        loop {
            match requests.recv_timeout(idle_limit) {
                Ok(LeaseRequest::End(commit, reply)) => return LeaseEnd::End(commit, reply),
                Ok(LeaseRequest::Limit(limit)) => idle_limit = limit,
                Ok(request) => self.answer(request),
                Err(RecvTimeoutError::Timeout) => return LeaseEnd::Idle,
                Err(RecvTimeoutError::Disconnected) => return LeaseEnd::Gone,
            }
        }
    }

    fn answer(&mut self, request: LeaseRequest) {
        let connection = self.connection;
        match request {
            LeaseRequest::Batch(batch, reply) => {
                let check = self.check();
                if check.is_ok() && self.kind == LeaseKind::Reserved && connection.is_autocommit() {
                    mark_if_due(connection, self.recorder, self.marks);
                    self.purge_if_due();
                }
                let outcome = self.run(&batch, check);
                // On a reserved connection any statement may have committed, also before one that began a transaction.
                if self.kind == LeaseKind::Reserved || connection.is_autocommit() {
                    self.control.before_reply();
                }
                reply.send(Ok(outcome));
            }
            LeaseRequest::Read(addresses, now_ms, reply) => {
                reply.send(self.check_read().and_then(|()| point_read::values(connection, &addresses, now_ms)));
            }
            LeaseRequest::Keys(query, send, reply) => {
                let running = self.check_read().and_then(|()| connection.cancellable(Some(&self.cancel)));
                reply.send(running.and_then(|_running| answer(connection, &query, None, send)));
            }
            LeaseRequest::Query(read) => {
                let running = self.check_read().and_then(|()| connection.cancellable(Some(&self.cancel)));
                read.run(running.as_ref().map(|_| connection), self.mode());
            }
            LeaseRequest::OpenCursor(number, open, reply) => {
                let opened = self.check_read().and_then(|()| Cursor::new(connection, open, self.mode()));
                match opened {
                    Ok(cursor) => {
                        self.cursors.insert(number, cursor);
                        self.fetch(number, reply);
                    }
                    Err(error) => reply.send(Err(error)),
                }
            }
            LeaseRequest::Fetch(number, reply) => self.fetch(number, reply),
            LeaseRequest::CloseCursor(number) => drop(self.cursors.remove(&number)),
            LeaseRequest::Savepoint(action, depth, reply) => {
                reply.send(self.check().and_then(|()| self.savepoint(action, depth)));
            }
            LeaseRequest::Limit(_) | LeaseRequest::End(..) => unreachable!("served by the loop itself"),
        }
    }

    /// Removes expired rows from time to time, as the writer does otherwise: unless the user has changed settings, by which
    /// other rows would be kept.
    fn purge_if_due(&mut self) {
        if self.purge.is_due() && !self.connection.is_altered.get() && self.cursors.is_empty() {
            self.purge.run(self.connection, self.file, self.marks);
        }
    }

    fn mode(&self) -> Mode {
        match self.kind {
            LeaseKind::Transaction(_) => Mode::Transaction,
            LeaseKind::Reserved => Mode::Reserved,
        }
    }

    /// Checks that the file is still in its place, and as [`Self::check_going`].
    fn check(&self) -> Result<(), Error> {
        self.check_going()?;
        self.file.check()
    }

    /// As [`Self::check`], and that no transaction of a reserved connection is lost. A statement is asked that when it has
    /// been compiled, as it may be the `ROLLBACK` after which the connection is of use again.
    fn check_read(&self) -> Result<(), Error> {
        self.check()?;
        if self.connection.has_lost_transaction.get() { Err(SqlError::TransactionLost.into()) } else { Ok(()) }
    }

    /// Checks that the transaction is not cancelled or lost.
    fn check_going(&self) -> Result<(), Error> {
        self.cancel.check()?;
        let is_lost = matches!(self.kind, LeaseKind::Transaction(_)) && self.connection.is_autocommit();
        if is_lost { Err(SqlError::TransactionLost.into()) } else { Ok(()) }
    }

    /// Runs a batch, unless a `check` before it has failed.
    fn run(&mut self, batch: &Batch, check: Result<(), Error>) -> BatchOutcome {
        if self.ended_epochs.cover(batch) {
            return BatchOutcome::stopped(Stop::Deferred);
        }
        if let Err(error) = check {
            self.ended_epochs.add(batch);
            return BatchOutcome::stopped(Stop::Command(error));
        }
        let outcome = run_commands(&batch.commands, |command| match self.command(command, batch.now_ms) {
            Err(Refusal::Alone) => Err(Error::internal("a lease is alone already").into()),
            other => other,
        });
        if outcome.stopped.is_some() {
            self.ended_epochs.add(batch);
        }
        outcome
    }

    fn command(&self, command: &Command, now_ms: i64) -> Result<CommandOutcome, Refusal> {
        self.check_going()?;
        let _running = self.connection.cancellable(Some(&self.cancel))?;
        match command {
            Command::Sql(job) => execute::run(self.connection, job, self.mode()).map(CommandOutcome::Statements),
            other => {
                // Read each time: user SQL may have changed the schema, and changed it back.
                let triggers = TriggerCache::default().find(self.connection)?;
                let mut rowid_cache = RowidCache::default();
                rowid_cache.set_triggers(triggers.on_keys);
                Keys::new(self.connection, &mut rowid_cache, triggers).run(other, now_ms)
            }
        }
    }

    fn fetch(&mut self, number: u32, reply: CursorReply) {
        let check = self.file.check();
        let slice = match self.cursors.get_mut(&number) {
            Some(cursor) => check.and_then(|()| cursor.fetch()),
            None => Err(SqlError::TransactionClosed.into()),
        };
        if !matches!(slice, Ok((_, false))) {
            self.cursors.remove(&number);
        }
        reply.send(slice);
    }

    fn savepoint(&mut self, action: SavepointAction, depth: u32) -> Result<(), Error> {
        let name = format!("__rootcellar_{depth}");
        Ok(self.connection.execute_batch(&match action {
            SavepointAction::Begin => format!("SAVEPOINT {name}"),
            SavepointAction::Release => format!("RELEASE {name}"),
            SavepointAction::Rollback => format!("ROLLBACK TO {name}; RELEASE {name}"),
        })?)
    }

    fn end(&mut self, commit: bool) -> Result<(), Error> {
        if !commit {
            return Ok(());
        }
        self.check()?;
        match self.kind {
            LeaseKind::Transaction(_) => {
                if self.connection.transaction_state(Some("main"))? == TransactionState::Write {
                    self.marks.before_write(self.connection)?;
                }
                Ok(self.connection.execute_batch("COMMIT").inspect_err(|_| self.marks.failed())?)
            }
            LeaseKind::Reserved => Ok(()),
        }
    }
}
