//! Events on their way to JavaScript: the queue, the callback that wakes it, and the replies that add to them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};

use super::event_queue::EventQueue;
use crate::batch::BatchOutcome;
use crate::limits::CLEANUP_WAIT;
use crate::node::convert::event::NativeEvent;
use crate::threads::lock;
use crate::{Error, Reply};

type Wake = ThreadsafeFunction<(), (), (), Status, false>;

/// Events of one store that JavaScript has not taken yet, and the batches that have not ended.
pub struct Outbox {
    wake: Mutex<Wake>,
    events: EventQueue,
    batches_in_flight: AtomicUsize,
}

impl Outbox {
    /// An empty outbox. `wake` is called, without arguments, when there are events to take.
    ///
    /// # Errors
    ///
    /// If Node refuses the callback.
    pub fn new(wake: &Function<'_, (), ()>) -> napi::Result<Self> {
        let wake = wake.build_threadsafe_function().build_callback(|_| Ok(()))?;
        Ok(Self { wake: Mutex::new(wake), events: EventQueue::default(), batches_in_flight: AtomicUsize::new(0) })
    }

    /// Lets the store keep the process alive, or not.
    ///
    /// # Errors
    ///
    /// If the environment is ending.
    pub fn hold(&self, env: Env, held: bool) -> napi::Result<()> {
        let mut wake = lock(&self.wake);
        // The methods are deprecated in favour of a permanent reference, which an idle store does not want.
        #[expect(deprecated)]
        if held { wake.refer(&env) } else { wake.unref(&env) }
    }

    /// Takes the oldest event, for which it waits up to `wait_ms`.
    pub fn take(&self, wait_ms: u32) -> Option<NativeEvent> {
        self.events.take(Duration::from_millis(wait_ms.into()))
    }

    /// Takes no more events: the process is ending.
    pub fn mute(&self) {
        self.events.mute();
    }

    /// Waits until every batch has ended, because the environment is ending, but not for ever.
    pub fn wait_for_batches(&self) {
        let deadline = Instant::now() + CLEANUP_WAIT;
        while self.batches_in_flight.load(Ordering::SeqCst) > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.events.take(left).is_none() {
                break;
            }
        }
    }
}

/// State of a store that answers JavaScript by events.
pub trait Answers: Send + Sync + 'static {
    /// Queue of its events.
    fn outbox(&self) -> &Outbox;

    /// An event as JavaScript gets it.
    fn revised(&self, event: NativeEvent) -> NativeEvent {
        event
    }

    /// Queues events, and wakes JavaScript if the queue was empty.
    fn tell(&self, events: impl IntoIterator<Item = NativeEvent>) {
        let outbox = self.outbox();
        if outbox.events.push(events.into_iter().map(|event| self.revised(event))) {
            // This fails only while the environment ends; then nobody listens.
            lock(&outbox.wake).call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Queues an event, or `failed`.
    fn tell_result(&self, id: u32, result: Result<NativeEvent, Error>) {
        self.tell([result.unwrap_or_else(|error| NativeEvent::failed(id, &error))]);
    }

    /// A reply that queues an event: the one that `to_event` makes of the answer, or `failed`.
    fn reply<T>(self: &Arc<Self>, id: u32, to_event: impl FnOnce(T) -> NativeEvent + Send + 'static) -> Reply<T>
    where
        Self: Sized,
    {
        let state = Arc::clone(self);
        Reply::new(move |result: Result<T, Error>| state.tell_result(id, result.map(to_event)))
    }

    /// A reply to a batch. The end of the environment waits for it.
    fn batch_reply(self: &Arc<Self>, id: u32) -> Reply<BatchOutcome>
    where
        Self: Sized,
    {
        let state = Arc::clone(self);
        state.outbox().batches_in_flight.fetch_add(1, Ordering::SeqCst);
        Reply::new(move |result: Result<BatchOutcome, Error>| {
            state.outbox().batches_in_flight.fetch_sub(1, Ordering::SeqCst);
            state.tell_result(id, result.map(|outcome| NativeEvent::batch(id, outcome)));
        })
    }
}
