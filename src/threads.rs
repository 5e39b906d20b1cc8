//! Where threads are started, each with a name that a debugger or `top -H` shows, and how they share state.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::Error;

/// Starts a thread.
///
/// # Errors
///
/// `ERR_INTERNAL` if the system has no more threads to give.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>, Error> {
    thread::Builder::new()
        .name(format!("rootcellar-{name}"))
        .spawn(body)
        .map_err(|error| Error::internal(&format!("cannot start a thread: {error}")))
}

/// Locks what threads share. What this crate puts under a lock is whole after every statement that changes it, so
/// that a panic elsewhere while it was locked does not spoil it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
