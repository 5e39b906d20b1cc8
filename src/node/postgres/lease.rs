//! Leases of a store on PostgreSQL.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]

use std::sync::Arc;
use std::time::Duration;

use napi_derive::napi;
use tokio::sync::oneshot;

use super::state::HeldLease;
use super::store::NativePostgres;
use crate::engine::postgres::{Queried, TransactionLease, TransactionRequest};
use crate::node::convert::event::{EventKind, NativeEvent};
use crate::node::protocol::savepoint_action;
use crate::node::state::outbox::Answers;
use crate::sql::CancelReason;
use crate::threads::lock;
use crate::{Error, Reply};

/// As `NativeStore` has them.
#[napi]
impl NativePostgres {
    /// Asks for the writer's connection, for a transaction. `leased` reports that it has begun, or `failed` why not; and
    /// `ended` that it is over.
    #[napi]
    pub fn lease(&self, id: u32, _kind: u32, idle_limit_ms: f64) {
        let (abort, aborted) = oneshot::channel();
        lock(&self.shared.leases).insert(id, HeldLease { abort, requests: None });
        let (started, ended) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        let lease = TransactionLease {
            idle_limit: duration(idle_limit_ms),
            aborted,
            started: Reply::new(move |result| started.leased(id, result)),
            ended: Reply::new(move |result: Result<(), Error>| {
                lock(&ended.leases).remove(&id);
                let error = result.err().map(|error| (&error).into());
                ended.tell([NativeEvent { error, ..NativeEvent::new(id, EventKind::Ended) }]);
            }),
        };
        self.shared.with_engine(id, |engine| engine.lease(lease));
    }

    /// Runs a statement with parameters as text. Ends with the `last` `rows`, see [`Queried::json`], whose number is `committed`; or with `failed`.
    #[napi]
    pub fn lease_query(&self, id: u32, lease: u32, text: String, parameters: Vec<Option<String>>) {
        let reply = self.shared.reply(id, move |Queried { json, count }| NativeEvent {
            committed: u32::try_from(count).ok(),
            ..NativeEvent::json_rows(id, json, true)
        });
        self.shared.ask(lease, TransactionRequest::Query(text, parameters, reply));
    }

    /// Begins, keeps or undoes the nested transaction of a depth. Ends with `done` or `failed`.
    #[napi]
    pub fn lease_savepoint(&self, id: u32, lease: u32, action: u32, depth: u32) {
        let reply = self.shared.reply(id, move |()| NativeEvent::new(id, EventKind::Done));
        match savepoint_action(action) {
            Ok(action) => self.shared.ask(lease, TransactionRequest::Savepoint(action, depth, reply)),
            Err(_) => reply.send(Err(Error::internal("a request was encoded wrongly"))),
        }
    }

    /// Sets the maximum idle time of a lease, in milliseconds.
    #[napi]
    pub fn lease_limit(&self, lease: u32, idle_limit_ms: f64) {
        self.shared.ask(lease, TransactionRequest::Limit(duration(idle_limit_ms)));
    }

    /// Ends a lease. `done` or `failed` reports the commit, if `commit` asks for one.
    #[napi]
    pub fn lease_end(&self, id: u32, lease: u32, commit: bool) {
        let reply = self.shared.reply(id, move |()| NativeEvent::new(id, EventKind::Done));
        self.shared.ask(lease, TransactionRequest::End(commit, reply));
    }

    /// Ends a lease at once, or gives it up before it has begun. What runs in it stops, and is rolled back.
    #[napi]
    pub fn lease_abort(&self, lease: u32, timed_out: bool) {
        if let Some(held) = lock(&self.shared.leases).remove(&lease) {
            let reason = if timed_out { CancelReason::TimedOut } else { CancelReason::Aborted };
            let _ = held.abort.send(reason);
        }
    }
}

fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or(Duration::MAX)
}
