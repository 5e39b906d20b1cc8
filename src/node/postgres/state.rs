//! State of a store on PostgreSQL.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::batch::BatchOutcome;
use crate::engine::postgres::{PostgresEngine, TransactionRequest};
use crate::limits::CLEANUP_WAIT;
use crate::node::convert::event::{EventKind, NativeEvent};
use crate::node::state::ending::Flush;
use crate::node::state::event_queue::EventQueue;
use crate::node::state::store_state::Wake;
use crate::sql::CancelReason;
use crate::threads::lock;
use crate::{Error, Reply};

/// State of one store.
pub struct PostgresState {
    pub wake: Mutex<Wake>,
    pub events: EventQueue,
    pub engine: Mutex<Option<PostgresEngine>>,
    pub batches_in_flight: AtomicUsize,
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
    /// Queues events, and wakes JavaScript if the queue was empty.
    pub fn tell(&self, events: impl IntoIterator<Item = NativeEvent>) {
        if self.events.push(events) {
            // This fails only while the environment ends; then nobody listens.
            lock(&self.wake).call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Queues an event, or `failed`.
    pub fn tell_result(&self, id: u32, result: Result<NativeEvent, Error>) {
        self.tell([result.unwrap_or_else(|error| NativeEvent::failed(id, &error))]);
    }

    /// A reply that queues an event: the one that `to_event` makes of the answer, or `failed`.
    pub fn reply<T>(
        self: &Arc<Self>,
        id: u32,
        to_event: impl FnOnce(T) -> NativeEvent + Send + 'static,
    ) -> Reply<T> {
        let shared = Arc::clone(self);
        Reply::new(move |result: Result<T, Error>| shared.tell_result(id, result.map(to_event)))
    }

    /// A reply to a batch. The end of the environment waits for it.
    pub fn batch_reply(self: &Arc<Self>, id: u32) -> Reply<BatchOutcome> {
        let shared = Arc::clone(self);
        shared.batches_in_flight.fetch_add(1, Ordering::SeqCst);
        Reply::new(move |result: Result<BatchOutcome, Error>| {
            shared.batches_in_flight.fetch_sub(1, Ordering::SeqCst);
            shared.tell_result(id, result.map(|outcome| NativeEvent::batch(id, outcome)));
        })
    }

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

impl Flush for PostgresState {
    fn flush(&self) {
        // Nobody will end the open transactions, and batches may wait for them.
        lock(&self.leases).clear();
        let deadline = Instant::now() + CLEANUP_WAIT;
        while self.batches_in_flight.load(Ordering::SeqCst) > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.events.take(left).is_none() {
                break;
            }
        }
        self.events.mute();
        // Its thread ends by itself.
        drop(lock(&self.engine).take());
    }
}
