//! State of a store on PostgreSQL.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::Error;
use crate::engine::postgres::{PostgresEngine, TransactionRequest};
use crate::node::convert::event::{EventKind, NativeEvent};
use crate::node::state::ending::Flush;
use crate::node::state::outbox::{Answers, Outbox};
use crate::sql::CancelReason;
use crate::threads::lock;

/// State of one store.
pub struct PostgresState {
    pub outbox: Outbox,
    pub engine: Mutex<Option<PostgresEngine>>,
    pub leases: Mutex<HashMap<u32, HeldLease>>,
    /// Ask each watch for its next report.
    pub watches: Mutex<HashMap<u32, UnboundedSender<()>>>,
}

/// A lease, until it has ended.
pub struct HeldLease {
    /// Ends it at once; dropped, too.
    pub abort: oneshot::Sender<CancelReason>,
    /// Present once it has begun.
    pub requests: Option<UnboundedSender<TransactionRequest>>,
}

impl PostgresState {
    /// Sends a request to a lease. If that has ended, the request is dropped, and its reply answers.
    pub fn ask(&self, lease: u32, request: TransactionRequest) {
        if let Some(requests) = lock(&self.leases).get(&lease).and_then(|held| held.requests.as_ref()) {
            drop(requests.send(request));
        }
    }

    /// A lease has begun, or could not.
    pub fn leased(&self, id: u32, result: Result<UnboundedSender<TransactionRequest>, Error>) {
        match result {
            Ok(requests) => {
                // One that was given up meanwhile is dropped here, and ends.
                if let Some(held) = lock(&self.leases).get_mut(&id) {
                    held.requests = Some(requests);
                    self.tell([NativeEvent::new(id, EventKind::Leased)]);
                }
            }
            Err(error) => self.tell([NativeEvent::failed(id, &error)]),
        }
    }

    /// Does something with the engine. If there is none, which only a defect of `lib/` can cause, the request fails.
    pub fn with_engine(&self, id: u32, act: impl FnOnce(&PostgresEngine)) {
        match lock(&self.engine).as_ref() {
            Some(engine) => act(engine),
            None => self.tell([NativeEvent::failed(id, &Error::internal("the store is not open"))]),
        }
    }
}

impl Answers for PostgresState {
    fn outbox(&self) -> &Outbox {
        &self.outbox
    }
}

impl Flush for PostgresState {
    fn flush(&self) {
        // Nobody will end the open transactions, and batches may wait for them.
        lock(&self.leases).clear();
        self.outbox.wait_for_batches();
        self.outbox.mute();
        // Its thread ends by itself.
        drop(lock(&self.engine).take());
    }
}
