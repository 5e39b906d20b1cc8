//! User SQL: statements, cursors and leases of a store.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use napi::bindgen_prelude::{Either, Float64Array, Uint8Array};
use napi_derive::napi;

use super::convert::event::{EventKind, NativeEvent};
use super::convert::rows::RowSlice;
use super::protocol::{BatchDecoder, Malformed, NO_LEASE, lease_kind, savepoint_action};
use super::state::outbox::Answers;
use super::state::sql_state::{CursorHandle, LeaseHandle};
use super::state::store_state::StoreState;
use super::store::NativeStore;
use crate::batch::{Batch, Command, Origin};
use crate::engine::sqlite::{
    CursorReply, Description, Lease, LeaseRequest, OpenCursor, RowsPart, RowsReply, SqlRead,
};
use crate::sql::{Cancel, CancelReason, SqlError};
use crate::threads::lock;
use crate::{Error, Reply};

/// Statements or commands in the encoding of `batch`.
#[napi(object, object_to_js = false)]
pub struct EncodedSql {
    /// Codes of commands.
    pub codes: Uint8Array,
    /// Texts.
    pub texts: Vec<String>,
    /// Numbers.
    pub numbers: Float64Array,
    /// Byte strings.
    pub blobs: Vec<Uint8Array>,
}

#[napi]
impl NativeStore {
    /// Sends a batch with SQL to the writer, or to a lease unless it is `NO_LEASE`; see `submit`. `alone` means
    /// that its only command cannot share a transaction. Ends with `batch` or `failed`.
    #[napi]
    pub fn submit_sql(&self, id: u32, lease: u32, epoch: u32, encoded: EncodedSql, now: i64, alone: bool) {
        let shared = &self.shared;
        let origin = Origin { client: shared.client, epoch };
        let Ok(mut commands) = shared.decode(encoded, |mut encoded| encoded.commands()) else {
            return shared.tell([malformed(id)]);
        };
        if lease != NO_LEASE {
            let reply = shared.batch_reply(id);
            return shared.ask(lease, LeaseRequest::Batch(Batch::new(commands, now).of(origin), reply));
        }
        let Some(engine) = shared.engine(id) else { return };
        shared.clock.report(now);
        match commands.pop() {
            Some(Command::Sql(job)) if alone && commands.is_empty() => {
                engine.submit_alone(job, shared.batch_reply(id));
            }
            last => {
                commands.extend(last);
                engine.submit(Batch::new(commands, now).of(origin), shared.batch_reply(id));
            }
        }
    }

    /// Starts reads, one for each id, within a lease unless it is `NO_LEASE`. Each ends with the `last` `rows` or
    /// `failed`. Returns `true` if their snapshot is taken; if not, `started` comes with the first id.
    #[napi]
    pub fn read_sql(&self, ids: Vec<u32>, lease: u32, encoded: EncodedSql) -> bool {
        let first = ids[0];
        let shared = &self.shared;
        let reads = shared.decode(encoded, |mut encoded| {
            ids.iter()
                .map(|id| {
                    let statement = encoded.statement()?;
                    let cancel = encoded.cancel()?.unwrap_or_else(|| Arc::clone(&shared.sql.reads));
                    Ok(SqlRead::Rows(statement, Some(cancel), shared.rows_reply(*id)))
                })
                .collect::<Result<Vec<_>, Malformed>>()
        });
        let Ok(reads) = reads else {
            shared.tell([malformed(first)]);
            return true;
        };
        if lease != NO_LEASE {
            for read in reads {
                shared.ask(lease, LeaseRequest::Query(read));
            }
            return true;
        }
        let Some(engine) = shared.engine(first) else { return true };
        let started = Arc::clone(shared);
        engine.read(reads, move || started.tell([NativeEvent::new(first, EventKind::Started)]))
    }

    /// Reads at once, on the JavaScript thread, if that takes few steps; `null` if `read_sql` must read it. Rows
    /// that JSON can express completely come as a text. For `keeps` see `read_one_now`.
    #[napi]
    #[must_use]
    pub fn read_sql_now(
        &self,
        texts: Vec<String>,
        numbers: Float64Array,
        blobs: Vec<Uint8Array>,
        file_seen: bool,
        keeps: bool,
    ) -> Option<Either<String, RowSlice>> {
        let blobs = blobs.iter().map(|bytes| bytes.to_vec()).collect();
        let mut encoded = BatchDecoder::new(&[], texts, &numbers).with_sql(blobs, &self.shared.sql.cancels);
        let statement = encoded.statement().ok()?;
        let slice = self.shared.read_sql_now(&statement, file_seen, keeps)?;
        Some(if slice.patches.is_empty() { Either::A(slice.json) } else { Either::B(slice.into()) })
    }

    /// Compiles a statement, within a lease unless it is `NO_LEASE`. Ends with `described` or `failed`. Returns the
    /// same as `read_sql`.
    #[napi]
    pub fn describe_sql(&self, id: u32, lease: u32, sql: String) -> bool {
        let shared = &self.shared;
        let reply = shared.reply(id, move |found: Description| NativeEvent {
            description: Some(found.into()),
            ..NativeEvent::new(id, EventKind::Described)
        });
        if lease != NO_LEASE {
            shared.ask(lease, LeaseRequest::Query(SqlRead::Describe(sql, reply)));
            return true;
        }
        let Some(engine) = shared.engine(id) else { return true };
        let started = Arc::clone(shared);
        engine.read(vec![SqlRead::Describe(sql, reply)], move || {
            started.tell([NativeEvent::new(id, EventKind::Started)]);
        })
    }

    /// Opens a cursor under the number of its first request, within a lease unless it is `NO_LEASE`. The request
    /// ends with `rows` or `failed`. Returns the same as `read_sql`.
    #[napi]
    pub fn open_cursor(&self, id: u32, lease: u32, encoded: EncodedSql) -> bool {
        let shared = &self.shared;
        let open = shared.decode(encoded, |mut encoded| {
            let statement = encoded.statement()?;
            let cancel = encoded.cancel()?.unwrap_or_else(|| Arc::clone(&shared.sql.reads));
            Ok(OpenCursor { statement, cancel: Some(cancel) })
        });
        let Ok(open) = open else {
            shared.tell([malformed(id)]);
            return true;
        };
        let reply = shared.cursor_reply(id);
        if lease != NO_LEASE {
            if let Some(requests) = shared.lease(lease) {
                lock(&shared.sql.cursors).insert(id, CursorHandle::Lease(requests));
            }
            shared.ask(lease, LeaseRequest::OpenCursor(id, open, reply));
            return true;
        }
        let Some(engine) = shared.engine(id) else { return true };
        let started = Arc::clone(shared);
        let (requests, is_at_once) =
            engine.open_cursor(open, move || started.tell([NativeEvent::new(id, EventKind::Started)]));
        // If the thread has ended already, the reply is dropped, and answers.
        drop(requests.send(reply));
        lock(&shared.sql.cursors).insert(id, CursorHandle::Thread(requests));
        is_at_once
    }

    /// Reads the next slice of a cursor. Ends with `rows` or `failed`.
    #[napi]
    pub fn fetch(&self, id: u32, cursor: u32) {
        let reply = self.shared.cursor_reply(id);
        let found = lock(&self.shared.sql.cursors).get(&cursor).cloned();
        match found {
            Some(CursorHandle::Thread(requests)) => drop(requests.send(reply)),
            Some(CursorHandle::Lease(requests)) => drop(requests.send(LeaseRequest::Fetch(cursor, reply))),
            None => reply.send(Err(SqlError::TransactionClosed.into())),
        }
    }

    /// Closes a cursor.
    #[napi]
    pub fn close_cursor(&self, cursor: u32) {
        let found = lock(&self.shared.sql.cursors).remove(&cursor);
        if let Some(CursorHandle::Lease(requests)) = found {
            // A lease that has ended has closed its cursors.
            drop(requests.send(LeaseRequest::CloseCursor(cursor)));
        }
    }

    /// Asks for a lease of the writing connection, of a kind of those in `batch`. `leased` reports its beginning.
    /// `ended` is always the last event, also if there was no lease.
    #[napi]
    pub fn lease(&self, id: u32, kind: u32, idle_limit_ms: f64) {
        let Some(engine) = self.shared.engine(id) else {
            return self.shared.tell([NativeEvent::new(id, EventKind::Ended)]);
        };
        let Ok(kind) = lease_kind(kind) else {
            return self.shared.tell([malformed(id), NativeEvent::new(id, EventKind::Ended)]);
        };
        let cancel = Arc::new(Cancel::default());
        let held = LeaseHandle { cancel: Arc::clone(&cancel), requests: None };
        lock(&self.shared.sql.leases).insert(id, held);
        let (started, ended) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        engine.lease(Lease {
            kind,
            idle_limit: duration(idle_limit_ms),
            cancel,
            started: Reply::new(move |result| started.leased(id, result)),
            ended: Reply::new(move |result: Result<(), Error>| {
                lock(&ended.sql.leases).remove(&id);
                let error = result.err().map(|error| (&error).into());
                ended.tell([NativeEvent { error, ..NativeEvent::new(id, EventKind::Ended) }]);
            }),
        });
    }

    /// Begins, keeps or undoes the nested transaction of a depth, see `batch`. Ends with `done` or `failed`.
    #[napi]
    pub fn lease_savepoint(&self, id: u32, lease: u32, action: u32, depth: u32) {
        let Ok(action) = savepoint_action(action) else { return self.shared.tell([malformed(id)]) };
        self.shared.ask(lease, LeaseRequest::Savepoint(action, depth, self.shared.done_reply(id)));
    }

    /// Sets the maximum idle time of a lease, in milliseconds.
    #[napi]
    pub fn lease_limit(&self, lease: u32, idle_limit_ms: f64) {
        if let Some(requests) = self.shared.lease(lease) {
            drop(requests.send(LeaseRequest::Limit(duration(idle_limit_ms))));
        }
    }

    /// Ends a lease. `done` or `failed` reports the commit, if `commit` asks for one.
    #[napi]
    pub fn lease_end(&self, id: u32, lease: u32, commit: bool) {
        let reply = self.shared.done_reply(id);
        self.shared.ask(lease, LeaseRequest::End(commit, reply));
    }

    /// Ends a lease at once, or gives it up before it has begun. What runs in it stops, and is rolled back.
    #[napi]
    pub fn lease_abort(&self, lease: u32, timed_out: bool) {
        if let Some(held) = lock(&self.shared.sql.leases).remove(&lease) {
            held.cancel.cancel(reason(timed_out));
        }
    }

    /// Cancels the statement with this number. Returns `true` if it had not started: then it never will.
    #[napi]
    #[must_use]
    pub fn cancel(&self, number: i64, timed_out: bool) -> bool {
        self.shared.sql.cancels.cancel(number, reason(timed_out))
    }

    /// Releases a number that is not used any more.
    #[napi]
    pub fn forget_cancel(&self, number: i64) {
        self.shared.sql.cancels.forget(number);
    }
}

impl StoreState {
    fn decode<T>(
        &self,
        encoded: EncodedSql,
        decode: impl FnOnce(BatchDecoder) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        let EncodedSql { codes, texts, numbers, blobs } = encoded;
        let blobs = blobs.iter().map(|bytes| bytes.to_vec()).collect();
        decode(BatchDecoder::new(&codes, texts, &numbers).with_sql(blobs, &self.sql.cancels))
    }

    /// The sender of requests to a lease that has begun.
    fn lease(&self, lease: u32) -> Option<Sender<LeaseRequest>> {
        lock(&self.sql.leases).get(&lease).and_then(|held| held.requests.clone())
    }

    /// Sends a request to a lease. If that has ended, the request is dropped, and its reply answers.
    pub fn ask(&self, lease: u32, request: LeaseRequest) {
        if let Some(requests) = self.lease(lease) {
            drop(requests.send(request));
        }
    }

    fn leased(&self, id: u32, result: Result<Sender<LeaseRequest>, Error>) {
        match result {
            Ok(requests) => {
                // A lease that was given up meanwhile is dropped here, and ends.
                if let Some(held) = lock(&self.sql.leases).get_mut(&id) {
                    held.requests = Some(requests);
                    self.tell([NativeEvent::new(id, EventKind::Leased)]);
                }
            }
            Err(error) => self.tell([NativeEvent::failed(id, &error)]),
        }
    }

    fn rows_reply(self: &Arc<Self>, id: u32) -> RowsReply {
        let shared = Arc::clone(self);
        RowsReply::new(move |result| {
            shared.tell_result(id, result.map(|RowsPart { slice, took }| NativeEvent::part(id, slice, took)));
        })
    }

    fn cursor_reply(self: &Arc<Self>, id: u32) -> CursorReply {
        self.reply(id, move |(slice, last)| NativeEvent::rows(id, slice, last))
    }

    fn done_reply(self: &Arc<Self>, id: u32) -> Reply<()> {
        self.reply(id, move |()| NativeEvent::new(id, EventKind::Done))
    }
}

fn reason(timed_out: bool) -> CancelReason {
    if timed_out { CancelReason::TimedOut } else { CancelReason::Aborted }
}

fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or(Duration::MAX)
}

fn malformed(id: u32) -> NativeEvent {
    NativeEvent::failed(id, &Error::internal("a request was encoded wrongly"))
}
