//! Queue of events that JavaScript has not taken yet.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::node::convert::event::NativeEvent;
use crate::threads;

/// Events that JavaScript has not taken yet.
#[derive(Default)]
pub struct EventQueue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

/// Rows come after everything else, so that a large result delays nothing. Both queues keep their order.
#[derive(Default)]
struct Waiting {
    is_muted: bool,
    events: VecDeque<NativeEvent>,
    rows: VecDeque<NativeEvent>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.rows.is_empty()
    }

    fn add(&mut self, event: NativeEvent) {
        let queue = if event.rows.is_some() { &mut self.rows } else { &mut self.events };
        queue.push_back(event);
    }

    fn take(&mut self) -> Option<NativeEvent> {
        self.events.pop_front().or_else(|| self.rows.pop_front())
    }
}

impl EventQueue {
    /// Adds events. Returns `true` if there were none before, so that JavaScript must be woken.
    pub fn push(&self, new: impl IntoIterator<Item = NativeEvent>) -> bool {
        let mut waiting = self.lock();
        if waiting.is_muted {
            return false;
        }
        let was_empty = waiting.is_empty();
        new.into_iter().for_each(|event| waiting.add(event));
        self.arrived.notify_all();
        was_empty
    }

    /// Takes the oldest event that has no rows, else the oldest that has some. Waits for one up to `wait`.
    pub fn take(&self, wait: Duration) -> Option<NativeEvent> {
        if wait.is_zero() {
            return self.lock().take();
        }
        let deadline = Instant::now() + wait;
        let mut waiting = self.lock();
        loop {
            if let Some(event) = waiting.take() {
                return Some(event);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            waiting = self.arrived.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes no more events: the process is ending.
    pub fn mute(&self) {
        self.lock().is_muted = true;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        threads::lock(&self.waiting)
    }
}
