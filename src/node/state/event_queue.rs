//! Queue of events that JavaScript has not taken yet.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::limits::POLL_SPIN;
use crate::node::convert::event::NativeEvent;
use crate::threads;

/// Events that JavaScript has not taken yet.
#[derive(Default)]
pub struct EventQueue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    /// True if there are any, for whoever spins until there are.
    has_events: AtomicBool,
}

/// Rows come after everything else, so that a large result delays nothing. Both queues keep their order.
#[derive(Default)]
struct Waiting {
    is_muted: bool,
    /// True if JavaScript comes for events by itself, and soon.
    is_polled: bool,
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
    /// Adds events. Returns `true` if JavaScript must be woken: there were none before, and it does not poll.
    pub fn push(&self, new: impl IntoIterator<Item = NativeEvent>) -> bool {
        let mut waiting = self.lock();
        if waiting.is_muted {
            return false;
        }
        let was_empty = waiting.is_empty();
        new.into_iter().for_each(|event| waiting.add(event));
        self.has_events.store(!waiting.is_empty(), Ordering::Release);
        self.arrived.notify_all();
        was_empty && !waiting.is_polled
    }

    /// Takes the oldest event that has no rows, else the oldest that has some. Waits for one up to `wait`.
    pub fn take(&self, wait: Duration) -> Option<NativeEvent> {
        if wait.is_zero() {
            return self.take_from(&mut self.lock());
        }
        let deadline = Instant::now() + wait;
        let mut waiting = self.lock();
        loop {
            if let Some(event) = self.take_from(&mut waiting) {
                return Some(event);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            waiting = self.arrived.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes an event as [`EventQueue::take`] does. If JavaScript `goes_on` polling, this spins for one for a moment, and if
    /// there is none even then, whoever adds one need not wake JavaScript, until the next call.
    pub fn poll(&self, goes_on: bool) -> Option<NativeEvent> {
        let since = Instant::now();
        loop {
            let mut waiting = self.lock();
            let event = self.take_from(&mut waiting);
            waiting.is_polled = goes_on && event.is_none();
            if !waiting.is_polled || since.elapsed() >= POLL_SPIN {
                return event;
            }
            drop(waiting);
            while !self.has_events.load(Ordering::Acquire) && since.elapsed() < POLL_SPIN {
                thread::yield_now();
            }
        }
    }

    /// Takes no more events: the process is ending.
    pub fn mute(&self) {
        self.lock().is_muted = true;
    }

    fn take_from(&self, waiting: &mut Waiting) -> Option<NativeEvent> {
        let event = waiting.take();
        self.has_events.store(!waiting.is_empty(), Ordering::Release);
        event
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        threads::lock(&self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::convert::event::EventKind;

    fn event(id: u32) -> NativeEvent {
        NativeEvent::new(id, EventKind::Closed)
    }

    #[test]
    fn whoever_goes_on_polling_is_not_woken() {
        let queue = EventQueue::default();
        let polled = |goes_on| queue.poll(goes_on).map(|event| event.id);
        assert_eq!(polled(true), None);
        assert!(!queue.push([event(1)]));
        assert_eq!(polled(true), Some(1));
        assert!(queue.push([event(2)]), "it need not poll again: it has an event");
        assert_eq!(polled(false), Some(2));
        assert_eq!(polled(true), None);
        assert_eq!(polled(false), None);
        assert!(queue.push([event(3)]), "it does not go on");
    }

    #[test]
    fn no_event_is_lost_between_polling_and_being_woken() {
        const EVENTS: u32 = 50_000;
        let queue = EventQueue::default();
        let is_woken = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for id in 0..EVENTS {
                    if queue.push([event(id)]) {
                        is_woken.store(true, Ordering::SeqCst);
                    }
                    if id % 7 == 0 {
                        thread::yield_now();
                    }
                }
            });
            let mut next = 0;
            let mut take = |event: Option<NativeEvent>| {
                event.map(|event| {
                    assert_eq!(event.id, next);
                    next += 1;
                    next
                })
            };
            let deadline = Instant::now() + Duration::from_secs(60);
            let mut polls = 0;
            loop {
                polls += 1;
                let goes_on = polls % 3 != 0;
                let mut taken = take(queue.poll(goes_on));
                if taken.is_none() && !goes_on {
                    while !is_woken.swap(false, Ordering::SeqCst) {
                        assert!(Instant::now() < deadline, "nobody woke it");
                        thread::yield_now();
                    }
                    taken = take(queue.take(Duration::ZERO));
                }
                if taken == Some(EVENTS) {
                    break;
                }
            }
        });
    }
}
